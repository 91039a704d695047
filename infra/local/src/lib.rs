//! The whole stack on this machine: the template's functions as processes, behind what API Gateway, Lambda and
//! `EventBridge` do, over emulated AWS services.

mod clients;
mod config;
mod control;
mod core;
mod files;
mod gateway;
pub mod hosted;
mod listen;
pub mod meta;
mod poll;
mod provision;
mod random;
mod runtime;
pub mod schedule;
mod stack;
pub mod template;

pub use config::{Config, StartError};
pub use poll::stream::record as stream_record;
pub use provision::provisioned;
pub use runtime::{Failure, FailureKind, Line, Outcome, Output, Program, Stream, to_terminal};
pub use stack::{Stack, reset};
