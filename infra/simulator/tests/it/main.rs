//! The simulator from outside: real HTTP on loopback, one simulator and one listening app per test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::unreadable_literal, reason = "error codes are names")]

mod conformance;
mod control;
mod edges;
mod faults;
mod graph;
mod media;
mod messages;
mod numbers;
mod process;
mod sender;
mod signup;
mod storage;
mod templates;
mod webhooks;
mod world;
