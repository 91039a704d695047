//! How a path names a message: by our id, by Meta's, or by Meta's in letters that survive every path, `wamid_` and its
//! base64url.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    Result,
    aws::messages::Messages,
    domain::{conversation::MessageId, message::Stored, tenant::TenantId},
    flow::jobs,
};

#[derive(Debug)]
pub enum MessageName {
    Ours(MessageId),
    Meta(String),
}

const LONGEST_WAMID: usize = 1_000;

impl MessageName {
    /// None: nothing has such a name.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(id) = text.parse() {
            return Some(Self::Ours(id));
        }
        let encoded = text.strip_prefix("wamid_").and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
        let wamid = encoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned());
        (1..=LONGEST_WAMID).contains(&wamid.len()).then_some(Self::Meta(wamid))
    }

    pub async fn find(&self, messages: &Messages, tenant: &TenantId) -> Result<Option<Stored>> {
        match self {
            Self::Ours(id) => jobs::find(messages, tenant, id).await,
            Self::Meta(wamid) => messages.find_wamid(tenant, wamid).await,
        }
    }
}
