//! Cookies a browser sends: read by name, the first of a name counting.

use axum::http::{HeaderMap, header};
use secrecy::SecretString;

pub fn read(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned().into())
}
