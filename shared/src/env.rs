//! Configuration: typed, and every error names its variable.

use std::{fmt, str::FromStr};

/// The variables of a function. Only a function's start reads them.
pub struct Env(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error("{0} is set to something it cannot be: {1}")]
    Invalid(&'static str, String),
}

impl Env {
    #[expect(clippy::disallowed_methods, reason = "this is the `Env` the others are told to take")]
    pub fn process() -> Self {
        Self::from_fn(|name| std::env::var(name).ok())
    }

    pub fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Box::new(lookup))
    }

    /// A variable that is absent when unset or empty.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub fn required<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Result<T, EnvError> {
        let value = self.optional(name).ok_or(EnvError::Missing(name))?;
        value.parse().map_err(|error: T::Err| EnvError::Invalid(name, error.to_string()))
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::from_fn(|name| match name {
            "PORT" => Some("seven".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn a_missing_variable_is_named() {
        assert_eq!(env().required::<String>("ACCOUNTS_TABLE").unwrap_err().to_string(), "ACCOUNTS_TABLE is not set");
        assert_eq!(env().required::<String>("EMPTY").unwrap_err().to_string(), "EMPTY is not set");
    }

    #[test]
    fn a_variable_that_does_not_parse_is_named() {
        assert_eq!(
            env().required::<u16>("PORT").unwrap_err().to_string(),
            "PORT is set to something it cannot be: invalid digit found in string"
        );
    }
}
