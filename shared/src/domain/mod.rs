//! Values and rules. Nothing here does I/O, reads a clock or draws random numbers.

pub mod account;
pub mod audit;
pub mod bearer;
pub mod connection;
pub mod connection_id;
pub mod conversation;
pub mod credential;
pub mod daily;
pub mod delivery;
pub mod diagnosis;
pub mod envelope;
pub mod hex;
pub mod idempotency;
pub mod keyring;
pub mod message;
pub mod meta_app;
pub mod meta_assets;
pub mod meta_error;
pub mod meta_id;
pub mod parking;
pub mod proof;
pub mod record;
pub mod return_url;
pub mod scope;
pub mod sealed;
pub mod tenant;
