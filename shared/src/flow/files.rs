//! Files of messages, on their way to Meta and back. Nothing of them is kept here.
//!
//! An upload is noted once Meta has it. Half: Meta has a file that nobody knows, for 30 days. Twice: two files.

use sha2::{Digest, Sha256};

use super::{accept::may_send, token};
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        messages::{Messages, Note},
        meta_app::MetaApps,
        vault::Vault,
    },
    clock::Clock,
    domain::{
        account::Account,
        conversation::Line,
        hex,
        media::{LARGEST, Media, Shown, Trouble, UPLOADED_FOR, Upload, essence},
        meta_error::{Class, MetaError},
        meta_id::{MediaId, PhoneNumberId},
        tenant::TenantId,
    },
    meta::{
        Graph,
        media::{Announced, Fetched},
    },
};

#[derive(Debug, Clone)]
pub struct Files {
    pub accounts: Accounts,
    pub messages: Messages,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

/// A file as somebody may have it.
#[derive(Debug)]
pub struct File {
    pub shown: Shown,
    pub bytes: Vec<u8>,
}

/// What a host says that does not know what a file is.
const UNSAID: &str = "application/octet-stream";

impl Files {
    pub async fn upload(&self, account: &Account, upload: &Upload<'_>) -> Result<Media> {
        may_send(account)?;
        let token = token::of(&self.vault, account).await?;
        let app = self.apps.current().await?;
        let id = self.graph.with(&app, &token).upload(&account.number, upload).await?;
        let now = self.clock.now();
        let expires_at = now + UPLOADED_FOR;
        self.messages.note(&[Note::File(line(account), id.clone(), expires_at)], now).await?;
        let Upload { kind, mime_type, bytes, .. } = *upload;
        Ok(Media { id, kind, mime_type, sha256: hex::sha256(bytes), size: bytes.len(), expires_at })
    }

    /// A file of this very number and tenant. Nothing is asked of Meta for any other.
    pub async fn download(&self, tenant: &TenantId, number: &PhoneNumberId, id: &MediaId) -> Result<File> {
        let account = self.accounts.own(tenant, number).await?;
        let expires_at = self.messages.file_expires_at(&line(&account), id).await?;
        let expires_at = expires_at.ok_or(Error::NotFound { thing: "media" })?;
        if expires_at <= self.clock.now() {
            return Err(Trouble::Expired.into());
        }
        let token = token::of(&self.vault, &account).await?;
        let app = self.apps.current().await?;
        let session = self.graph.with(&app, &token);
        let announced = session.announced(number, id).await.map_err(gone)?;
        if announced.size.is_some_and(|size| size > LARGEST as u64) {
            return Err(Trouble::TooLargeToFetch.into());
        }
        let fetched = session.fetch(&announced, LARGEST).await.map_err(gone)?;
        sound(&announced, &fetched)?;
        Ok(File { shown: Shown::of(&fetched.bytes, &announced.mime_type), bytes: fetched.bytes })
    }
}

fn line(account: &Account) -> Line {
    Line { tenant: account.tenant.clone(), number: account.number.clone() }
}

/// It was there, and Meta does not know it any more.
fn gone(error: MetaError) -> Error {
    if error.class() == Class::NotFound { Trouble::Expired.into() } else { error.into() }
}

/// Refuses what is not, to the byte, what Graph said it would be.
fn sound(announced: &Announced, fetched: &Fetched) -> Result<()> {
    if fetched.bytes.len() > LARGEST {
        return Err(Trouble::TooLargeToFetch.into());
    }
    let said = fetched.mime_type.as_deref().map(essence).filter(|said| said != UNSAID);
    if said.is_some_and(|said| said != essence(&announced.mime_type)) {
        return Err(Trouble::OtherType.into());
    }
    if announced.size.is_some_and(|size| size != fetched.bytes.len() as u64) {
        return Err(Trouble::OtherSize.into());
    }
    if Sha256::digest(&fetched.bytes)[..] != announced.sha256 {
        return Err(Trouble::OtherHash.into());
    }
    Ok(())
}
