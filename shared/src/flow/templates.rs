//! A WABA's templates, as its tenants read and change them. Meta has them; what is kept here is what Meta showed when it
//! was read, and has told since.
//!
//! Reading twice, or half: what is kept is never put back to what was known before. Handing in: Meta first, then it is
//! kept. Half: the same request under the same key finds it at Meta. Deleting: Meta first, then it is noted as gone. Half:
//! asked again, Meta knows it no more, and it is noted then.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{connect::Connect, token};
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        messages::{TemplatePage, Templates},
        meta_app::MetaApps,
        transaction::Position,
        vault::Vault,
    },
    clock::Clock,
    domain::{
        account::{Account, owners},
        meta_error::MetaError,
        template::{Draft, Holder, Key, Language, Name, Template},
    },
    meta::{Graph, templates::HandedIn},
};

#[derive(Debug, Clone)]
pub struct Catalog {
    pub accounts: Accounts,
    pub templates: Templates,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

/// Whether a change may be somebody's who shares the WABA with other tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// An operator's key: the operator answers for all tenants.
    Operator,
    Session,
}

/// Templates that are saved at a time.
const AT_ONCE: usize = 8;
/// A template of this name and language is there.
const THERE: i64 = 2_388_024;
/// There is none, or none any more.
const NOT_THERE: i64 = 2_593_002;

impl Catalog {
    /// With what connecting has.
    pub fn of(connect: &Connect, templates: Templates) -> Self {
        Self {
            accounts: connect.accounts.clone(),
            templates,
            vault: connect.vault.clone(),
            apps: connect.apps.clone(),
            graph: connect.graph.clone(),
            clock: connect.clock.clone(),
        }
    }

    /// A page of what is kept. What was never read is read first.
    pub async fn page(&self, account: &Account, limit: i32, after: Option<Position>) -> Result<TemplatePage> {
        let holder = holder(account);
        if after.is_none() && !account.is_disconnected() && !self.templates.is_read(&holder).await? {
            self.read(account).await?;
        }
        let mut page = self.templates.page(&holder, limit, after).await?;
        page.templates.retain(|template| !template.is_gone());
        Ok(page)
    }

    /// Reads all of Meta's list, and keeps what is new in it.
    pub async fn read(&self, account: &Account) -> Result<()> {
        let holder = holder(account);
        // What is kept by now is in the list; what is made from now on may not be.
        let kept = self.templates.all(&holder).await?;
        let at = self.clock.now();
        let token = token::of(&self.vault, account).await?;
        let app = self.apps.current().await?;
        let listed = self.graph.with(&app, &token).templates(&account.waba).await?;
        let mut seen: HashMap<Key, Template> = HashMap::new();
        for graph in listed {
            // One that says not what it is can be neither sent nor shown.
            seen.extend(Template::of(graph, at).map(|template| (template.key.clone(), template)));
        }
        let known: HashSet<Key> = kept.into_iter().map(|template| template.key).collect();
        let keys: HashSet<Key> = known.into_iter().chain(seen.keys().cloned()).collect();
        let mut keeping = Vec::new();
        for key in &keys {
            keeping.push(self.keep(&holder, key, seen.get(key), at));
        }
        stream::iter(keeping).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        self.templates.note_read(&holder, Some(at)).await
    }

    async fn keep(&self, holder: &Holder, key: &Key, seen: Option<&Template>, at: Timestamp) -> Result<()> {
        let change = |found: Option<Template>| match (found, seen) {
            (Some(mut template), Some(seen)) => {
                template.is_seen(seen.clone(), at);
                Some(template)
            }
            (Some(mut template), None) => {
                template.is_missed(at);
                Some(template)
            }
            (None, seen) => seen.cloned(),
        };
        self.templates.edit(holder, key, self.clock.now(), change).await.map(drop)
    }

    /// Hands a template in. With `again`, one that says the same and is at Meta already is what an earlier try made.
    pub async fn create(
        &self,
        account: &Account,
        draft: &Draft,
        authority: Authority,
        again: bool,
    ) -> Result<Template> {
        self.may_change(account, authority).await?;
        let token = token::of(&self.vault, account).await?;
        let app = self.apps.current().await?;
        let session = self.graph.with(&app, &token);
        let graph = match session.hand_in(&account.waba, &draft.body).await {
            Ok(handed_in) => as_handed_in(draft, &handed_in),
            Err(error) if again && is(&error, THERE) => {
                let there = session.template(&account.waba, &draft.key).await?;
                let at = self.clock.now();
                let same = there.clone().and_then(|graph| Template::of(graph, at)).filter(|found| found.says(draft));
                same.and(there).ok_or(error)?
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        let new = Template::of(graph, now).ok_or(MetaError::Unreadable)?;
        // It may have been told of already; what is kept under its name besides is one that was deleted.
        let change = |found: Option<Template>| match found {
            Some(mut template) if template.id == new.id => {
                template.is_made(&new);
                Some(template)
            }
            found => {
                let revision = found.map_or(0, |template| template.revision);
                Some(Template { revision, ..new.clone() })
            }
        };
        let kept = self.templates.edit(&holder(account), &draft.key, now, change).await?;
        kept.ok_or_else(|| Error::Corrupt("a template that was made".to_owned()))
    }

    /// Deletes a template, in one language or in all.
    pub async fn delete(
        &self,
        account: &Account,
        name: &Name,
        language: Option<&Language>,
        authority: Authority,
    ) -> Result<()> {
        self.may_change(account, authority).await?;
        let holder = holder(account);
        let is_meant = |key: &Key| key.name == *name && language.is_none_or(|language| key.language == *language);
        let token = token::of(&self.vault, account).await?;
        let app = self.apps.current().await?;
        let session = self.graph.with(&app, &token);
        let all = self.templates.all(&holder).await?;
        let kept: Vec<Template> =
            all.into_iter().filter(|template| is_meant(&template.key) && !template.is_gone()).collect();
        let unknown = || Error::NotFound { thing: "template" };
        let one = match (language, kept.first()) {
            (None, _) => None,
            (Some(_), Some(template)) => Some(template.id.clone()),
            (Some(language), None) => {
                let key = Key { name: name.clone(), language: language.clone() };
                let there = session.template(&account.waba, &key).await?;
                let there = there.and_then(|graph| Template::of(graph, self.clock.now())).ok_or_else(unknown)?;
                Some(there.id)
            }
        };
        match session.delete_template(&account.waba, name, one.as_ref()).await {
            Ok(()) => {}
            // An earlier try, or somebody else, has deleted it.
            Err(error) if is(&error, NOT_THERE) && !kept.is_empty() => {}
            Err(error) if is(&error, NOT_THERE) => return Err(unknown()),
            Err(error) => return Err(error.into()),
        }
        let now = self.clock.now();
        for template in kept {
            let change = |found: Option<Template>| {
                let mut found = found?;
                if found.id == template.id {
                    found.is_deleted(now);
                }
                Some(found)
            };
            self.templates.edit(&holder, &template.key, now, change).await?;
        }
        Ok(())
    }

    /// A WABA that other tenants rest on too is not one tenant's to change.
    async fn may_change(&self, account: &Account, authority: Authority) -> Result<()> {
        if account.is_disconnected() {
            return Err(Error::AccountDisconnected);
        }
        let residents = self.accounts.on_waba(&account.waba).await?;
        let is_shared = owners(&residents).iter().any(|tenant| **tenant != account.tenant);
        if is_shared && authority != Authority::Operator { Err(Error::KeyRequired) } else { Ok(()) }
    }
}

pub(super) fn holder(account: &Account) -> Holder {
    Holder { tenant: account.tenant.clone(), waba: account.waba.clone() }
}

/// What was handed in, as Meta will show it.
fn as_handed_in(draft: &Draft, handed_in: &HandedIn) -> Map<String, Value> {
    let mut graph = draft.body.clone();
    // It asks for something, and is nothing of the template.
    graph.remove("allow_category_change");
    let mut say = |name: &str, value: Value| drop(graph.insert(name.to_owned(), value));
    say("id", handed_in.id.as_str().into());
    say("status", handed_in.status.clone().unwrap_or_else(|| "PENDING".to_owned()).into());
    if let Some(category) = &handed_in.category {
        say("category", category.clone().into());
    }
    graph
}

fn is(error: &MetaError, subcode: i64) -> bool {
    error.refusal().is_some_and(|refusal| refusal.subcode == Some(subcode))
}
