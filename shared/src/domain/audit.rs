//! What is kept of each call that changes something: who, what, on what, and how it ended. No content.

use jiff::Timestamp;

use super::{credential::CredentialId, tenant::TenantId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub request_id: String,
    /// None: the call concerned no single tenant.
    pub tenant: Option<TenantId>,
    /// None: the system itself (a schedule, an operator's command).
    pub who: Option<CredentialId>,
    /// The route, such as `DELETE /v1/keys/{id}`.
    pub what: String,
    /// The thing changed, where the call names or made one.
    pub on: Option<String>,
    /// An HTTP status, and the problem's code where it was refused.
    pub status: u16,
    pub code: Option<String>,
}
