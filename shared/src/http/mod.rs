//! The edge towards callers: routes, bodies, and what each condition means in HTTP.

pub mod access;
pub mod accounts;
pub mod base_url;
pub mod body;
pub mod call;
pub mod caller;
pub mod connecting;
pub mod connection_body;
pub mod connections;
pub mod cookies;
pub mod idempotency;
pub mod inbox;
pub mod list;
pub mod message_name;
pub mod multipart;
pub mod oauth;
pub mod openapi;
pub mod pages;
pub mod path;
pub mod problem;
pub mod query;
pub mod routes;
pub mod send;
