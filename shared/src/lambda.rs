//! The edge towards Lambda: how a function starts and ends.

use std::{error::Error as StdError, fmt};

use lambda_runtime::Diagnostic;

use crate::Error;

/// Why a function could not start, or stopped serving: one line a person can read, also where `main` prints it.
pub struct Stopped(String);

impl<E: StdError> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Stopped {
    /// From the runtime's boxed error, which is no `Error` itself.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
    pub fn from_runtime(error: lambda_http::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Serves HTTP API events with `router` until Lambda ends the environment.
pub async fn serve(router: axum::Router) -> Result<(), Stopped> {
    lambda_http::run(router).await.map_err(Stopped::from_runtime)
}

/// A direct invocation is refused by its sentence; what caused it goes to the log.
impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        tracing::error!(error = %error.chain(), "failed");
        Self { error_type: "PatchbayError".to_owned(), error_message: error.to_string() }
    }
}
