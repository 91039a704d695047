//! A number's business profile, and the people who may not write to it.

mod blocks;
mod faults;
mod profile;
