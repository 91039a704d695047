//! What the benchmarks share: the functions as they are deployed, AWS on loopback, a process under a Lambda Runtime API,
//! and the documents they write into.

pub mod aws;
pub mod build;
pub mod document;
pub mod http;
pub mod meta;
pub mod process;
pub mod queue;
mod runtime_api;
pub mod signature;

use std::error::Error;

pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[expect(clippy::print_stderr, reason = "what a command says to whoever runs it")]
pub fn say(text: &str) {
    eprintln!("{text}");
}
