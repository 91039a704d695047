//! The token of a connected number, opened.

use std::sync::Arc;

use secrecy::SecretString;

use crate::{Error, Result, aws::vault::Vault, domain::account::Account};

/// One that is disconnected has none, also while its ciphertext is still to be deleted.
pub(super) async fn of(vault: &Vault, account: &Account) -> Result<Arc<SecretString>> {
    let sealed = account.hidden.token.as_ref().filter(|_| !account.is_disconnected());
    let sealed = sealed.ok_or(Error::AccountDisconnected)?;
    vault.open(&account.token_binding(&account.tenant, &account.number), sealed).await
}
