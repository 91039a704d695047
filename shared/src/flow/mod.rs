//! Use cases that join services. Each says what is left behind if it runs twice, or half.

pub mod accept;
pub mod admit;
pub mod connect;
pub mod deliver;
pub mod diagnose;
pub mod disconnect;
pub mod due;
pub mod feed;
pub mod files;
pub mod first_key;
pub mod forget;
pub mod health;
pub mod jobs;
pub mod known;
pub mod mark_read;
pub mod mint;
pub mod own;
pub mod park;
pub mod receive;
pub mod recount;
pub mod redrive;
pub mod reencrypt;
pub mod tell;
pub mod templates;
mod token;
pub mod told;
pub mod unpark;
