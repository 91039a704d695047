//! Every integration test, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![expect(clippy::print_stdout, reason = "a test says how much it tried")]

mod access;
mod accounts;
mod authorization;
mod connect;
mod contract;
mod cost;
mod doctor;
mod documents;
mod erase;
mod faults;
mod feed;
mod harness;
mod idempotency;
mod inbox;
mod layering;
mod local;
mod manage;
mod media;
mod meta;
mod meta_app;
mod meta_errors;
mod openapi;
mod receive;
mod secrets;
mod send;
mod stack;
mod template;
mod templates;
mod upkeep;
mod vault;
mod webhook;
