//! A person's browser: it keeps cookies, and shows where it is sent instead of going there.

use std::collections::BTreeMap;

use crate::{Answer, Call};

#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Makes a call with the cookies it has, and keeps those it gets.
    pub async fn open(&mut self, call: Call) -> Answer {
        let answer = self.with_cookies(call).send().await;
        self.keep(&answer);
        answer
    }

    /// The call as this browser would make it: for whoever sends it as another process.
    #[must_use]
    pub fn with_cookies(&self, call: Call) -> Call {
        if self.cookies.is_empty() {
            return call;
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        call.header("cookie", &cookies.join("; "))
    }

    /// Takes the cookies of an answer.
    pub fn keep(&mut self, answer: &Answer) {
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let mut parts = cookie.split(';').map(str::trim);
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
