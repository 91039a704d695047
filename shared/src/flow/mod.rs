//! Use cases that join services. Each says what is left behind if it runs twice, or half.

pub mod admit;
pub mod first_key;
pub mod mint;
pub mod redrive;
