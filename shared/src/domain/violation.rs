//! One thing wrong with a body: where (a JSON pointer) and what.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub pointer: String,
    pub detail: String,
}
