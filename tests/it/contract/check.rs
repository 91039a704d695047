//! A check: a name that is a sentence, and what makes it true.

use super::clients::Clients;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use std::{fmt::Debug, pin::Pin, time::Duration};
use tokio::{task::LocalSet, time::Instant};

/// Why a check does not hold.
pub(crate) type Outcome<T = ()> = Result<T, String>;

#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Clients) -> Pin<Box<dyn Future<Output = Outcome>>>,
}

/// A list of checks by the names of their functions.
macro_rules! checks {
    ($($check:ident,)*) => {
        pub(crate) const CHECKS: &[$crate::contract::check::Check] =
            &[$($crate::contract::check::Check { name: stringify!($check), run: |clients| Box::pin($check(clients)) },)*];
    };
}
pub(crate) use checks;

/// Runs all checks side by side: most of what they need is time to pass.
pub(crate) async fn run(checks: &[Check], clients: &Clients) -> Vec<(&'static str, Outcome)> {
    let local = LocalSet::new();
    let running: Vec<_> =
        checks.iter().map(|&Check { name, run }| (name, local.spawn_local(run(clients.clone())))).collect();
    local.await;
    let mut outcomes = Vec::new();
    for (name, check) in running {
        outcomes.push((name, check.await.unwrap_or_else(|panic| Err(panic.to_string()))));
    }
    outcomes
}

/// The answer, where there must be one.
pub(crate) trait Granted<T> {
    fn granted(self) -> Outcome<T>;
}

impl<T, E: std::error::Error + 'static, R: Debug + 'static> Granted<T> for Result<T, SdkError<E, R>> {
    fn granted(self) -> Outcome<T> {
        self.map_err(|error| format!("was refused: {}", DisplayErrorContext(error)))
    }
}

/// Holds where a call is refused with that code.
pub(crate) fn refused<T: Debug, E: ProvideErrorMetadata, R>(call: Result<T, SdkError<E, R>>, code: &str) -> Outcome {
    match call {
        Ok(answer) => Err(format!("was granted: {answer:?}")),
        Err(error) => same(error.code(), Some(code)),
    }
}

/// Holds where both are the same.
#[expect(clippy::needless_pass_by_value, reason = "checks read better without ampersands")]
pub(crate) fn same<T: PartialEq<U> + Debug, U: Debug>(found: T, wanted: U) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("found {found:?} instead of {wanted:?}")) }
}

/// Holds where it is so.
pub(crate) fn holds(it: bool, otherwise: &str) -> Outcome {
    if it { Ok(()) } else { Err(otherwise.to_owned()) }
}

/// Asks again until there is something, for ten seconds.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Outcome<Option<T>>) -> Outcome<T> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{what} did not happen within ten seconds"))
}

/// A name nobody else uses, also where the emulator outlives the run.
pub(crate) fn fresh(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
