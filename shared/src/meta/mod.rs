//! Meta's side of the wire. One method is one call and one attempt; what it means when it fails is `domain/meta_error`'s.

pub mod assets;
pub mod blocks;
pub mod graph;
mod link;
pub mod login;
pub mod media;
pub mod messages;
pub mod number;
pub mod profile;
pub mod signature;
pub mod signed_request;
pub mod templates;
mod wire;

pub use graph::{AppSession, Graph, Session};
