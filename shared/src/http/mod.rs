//! The edge towards callers: routes, bodies, and what each condition means in HTTP.

pub mod access;
pub mod body;
pub mod call;
pub mod caller;
pub mod idempotency;
pub mod list;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod routes;
