//! A number's business profile, which Meta keeps: read and changed there, and kept nowhere else. Twice, or half: the same
//! again.

use serde_json::{Map, Value};

use super::{connect::Connect, token};
use crate::{
    Result,
    aws::{meta_app::MetaApps, vault::Vault},
    domain::{account::Account, profile::ProfileChange},
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct Profile {
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
}

impl Profile {
    /// With what connecting has.
    pub fn of(connect: &Connect) -> Self {
        Self { vault: connect.vault.clone(), apps: connect.apps.clone(), graph: connect.graph.clone() }
    }

    /// As Meta shows it, once it was changed.
    pub async fn changed(&self, account: &Account, change: Option<&ProfileChange>) -> Result<Map<String, Value>> {
        let token = token::of(&self.vault, account).await?;
        let app = self.apps.current().await?;
        let session = self.graph.with(&app, &token);
        if let Some(change) = change.filter(|change| !change.is_empty()) {
            session.change_profile(&account.number, change).await?;
        }
        Ok(session.profile(&account.number).await?)
    }
}
