//! The inside of a function process: one function, tied to the life of the stack that started it.

use std::fmt::Display;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

/// Names the function a process is to be.
pub(crate) const FUNCTION: &str = "PATCHBAY_FUNCTION";
/// Names the file that says how far the stack's clock is ahead.
pub(crate) const CLOCK: &str = "PATCHBAY_CLOCK";

/// The function this process was started for. `None`: it is no function process.
pub fn function() -> Option<String> {
    std::env::var_os(FUNCTION)?.into_string().ok()
}

/// The stack's clock as a function process reads it: system time plus the offset of the moment.
pub fn clock() -> impl Fn() -> Timestamp + Send + Sync + 'static {
    let file = std::env::var_os(CLOCK).map(PathBuf::from);
    move || {
        let offset = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let offset =
            offset.and_then(|text| text.trim().parse().ok()).map_or(SignedDuration::ZERO, SignedDuration::from_millis);
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = Timestamp::now();
        now.saturating_add(offset).unwrap_or(now)
    }
}

/// Runs a function until it ends or the stack does.
pub fn run<E: Display>(function: impl Future<Output = Result<(), E>>) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| last_words(panic)));
    std::thread::spawn(end_with_parent);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => match runtime.block_on(function) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                last_words(&error);
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            last_words(&error);
            ExitCode::FAILURE
        }
    }
}

/// Nobody writes to a function's standard input; it ends when the stack does, however that ended.
fn end_with_parent() {
    let mut nothing = [0; 64];
    while matches!(std::io::stdin().read(&mut nothing), Ok(read) if read > 0) {}
    std::process::exit(0);
}

#[expect(clippy::print_stderr, reason = "standard error is a function's log")]
fn last_words(message: &dyn Display) {
    eprintln!("{}", message.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
}
