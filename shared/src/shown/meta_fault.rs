//! What Meta said, where something is Meta's refusal.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::meta_error::Refusal;

/// Meta's own numbers, for looking them up and for its support.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MetaFault {
    pub code: i64,
    pub subcode: Option<i64>,
    pub fbtrace_id: Option<String>,
}

impl From<&Refusal> for MetaFault {
    fn from(refusal: &Refusal) -> Self {
        Self { code: refusal.code, subcode: refusal.subcode, fbtrace_id: refusal.fbtrace_id.clone() }
    }
}
