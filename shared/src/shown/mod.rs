//! What a reader is shown of each thing: the one form that answers and events have in common.

pub mod account;
pub mod connection;
pub mod conversation;
pub mod meta_fault;
pub mod template;
