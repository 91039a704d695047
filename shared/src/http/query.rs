//! Query parameters: each known by name, none twice, none unknown.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{Error, Result};

/// The parameters of a request, to be taken one by one.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Parameters {
    /// Takes a parameter out, parsed.
    pub fn take<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>> {
        let invalid = |detail: String| Error::InvalidQuery { parameter: name.to_owned(), detail };
        let Some(place) = self.0.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(place);
        if self.0.iter().any(|(key, _)| key == name) {
            return Err(invalid("it stands twice".to_owned()));
        }
        parse(&value).map(Some).map_err(invalid)
    }

    /// Refuses what nobody took: a misspelt filter must not look like no filter.
    pub fn finish(self) -> Result<()> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((parameter, _)) => {
                Err(Error::InvalidQuery { parameter, detail: "there is no such parameter".to_owned() })
            }
        }
    }
}
