//! What every Patchbay function shares.
//!
//! Arrows go down only, and `tests/it/layering.rs` enforces them:
//! `http`, `batch`, `upkeep` and `webhook` (the edge) → `flow` (use cases) → `aws` and `meta` (services), and `shown` (what readers
//! see of it) → `domain` (values and rules).

pub mod aws;
pub mod batch;
pub mod clock;
pub mod domain;
pub mod env;
pub mod error;
pub mod flow;
pub mod http;
pub mod lambda;
pub mod meta;
pub mod shown;
pub mod telemetry;
pub mod upkeep;
pub mod webhook;

pub use error::{Error, Result};
