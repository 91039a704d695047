//! What we keep things in: one module per table, queue, key or secret. Only these know attribute names.

pub mod accounts;
pub mod audit;
mod batch_get;
mod batch_write;
pub mod blobs;
pub mod changes;
pub mod clients;
pub mod connections;
pub mod credentials;
pub mod dead_letters;
mod delete;
mod direct;
pub mod events;
pub mod fifo;
pub mod messages;
pub mod meta_app;
pub mod oauth_states;
mod of_tenant;
pub mod parking;
pub mod queue;
pub mod receipts;
pub mod secrets;
pub mod stack_secret;
pub mod transaction;
mod update;
pub mod vault;
