//! What a path names; whether it can be an id at all is for whoever looks it up.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::{Error, Result};

/// The one parameter of a path.
#[derive(Debug)]
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path(id) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Error::NotFound { thing: "path" })?;
        Ok(Self(id))
    }
}
