//! Conversations: those of a tenant or of one number, newest first, and one of them.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::Context;
use crate::{
    Error, Result,
    aws::{
        messages::{Listed, MOST_BYTES},
        transaction::Position,
    },
    domain::{
        conversation::{Line, Shown, Standing, Wanted, phone_variants, searched},
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
    http::{
        caller::Caller,
        list::{Bound, List, Page},
        path::Id,
        query::Parameters,
    },
    shown::conversation::ConversationBody,
};

const LONGEST_SEARCH: usize = 100;
/// Accounts of a tenant that are read at once.
const ACCOUNTS: i32 = 100;
/// Where a page ended.
pub(super) const BELOW: &str = "below";

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    mut parameters: Parameters,
) -> Result<Json<List<ConversationBody>>> {
    let tenant = caller.of_tenant()?;
    let number: Option<PhoneNumberId> =
        parameters.take("phone_number_id", |text| text.parse().map_err(|_| "it is a phone_number_id".to_owned()))?;
    let asked = Asked::take(&mut parameters)?;
    let bound = asked.bound(&caller, "GET /v1/conversations", number.as_ref());
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    let numbers = match number {
        // Not looked up among the accounts: what a tenant was told by a number it has no more is still the tenant's.
        Some(number) => vec![number],
        None => context.numbers(tenant).await?,
    };
    context.page(tenant, &numbers, &asked.wanted, &bound, page).await
}

pub(super) async fn list_of_account(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<List<ConversationBody>>> {
    let Line { tenant, number } = context.own_account(&caller, &id).await?;
    let asked = Asked::take(&mut parameters)?;
    let bound = asked.bound(&caller, "GET /v1/accounts/{id}/conversations", Some(&number));
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    context.page(&tenant, &[number], &asked.wanted, &bound, page).await
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Json<ConversationBody>> {
    let thing = "conversation";
    let (tenant, id) = (caller.of_tenant()?, id.parse().map_err(|_| Error::NotFound { thing })?);
    let (id, head) = context.own_conversation(tenant, &id, thing).await?;
    parameters.finish()?;
    let last = match &head.last {
        Some(last) => context.messages.find(tenant, last).await?,
        None => None,
    };
    Ok(Json(ConversationBody::of(id, &head, last.as_ref(), context.edge.clock.now())))
}

/// The filters of a list, and the words they came in.
struct Asked {
    wanted: Wanted,
    words: [Option<String>; 3],
}

impl Asked {
    fn take(parameters: &mut Parameters) -> Result<Self> {
        let phones = parameters.take("phone", |text| match phone_variants(text) {
            phones if phones.iter().any(|phone| !phone.is_empty()) => Ok(phones),
            _ => Err("it is a phone number".to_owned()),
        })?;
        let name = parameters.take("q", |text| {
            let length = text.trim_start().chars().count();
            let name = searched(text.trim_start());
            if (1..=LONGEST_SEARCH).contains(&length) {
                Ok(name)
            } else {
                Err(format!("it has 1 to {LONGEST_SEARCH} characters"))
            }
        })?;
        let unread = parameters.take("unread", |text| text.parse().map_err(|_| "it is true or false".to_owned()))?;
        let words = [
            phones.as_ref().map(|phones| phones[0].clone()),
            name.clone(),
            unread.map(|unread: bool| unread.to_string()),
        ];
        let wanted = Wanted { phones: phones.unwrap_or_default(), name, unread: unread.unwrap_or_default() };
        Ok(Self { wanted, words })
    }

    fn bound(&self, caller: &Caller, route: &str, number: Option<&PhoneNumberId>) -> Bound {
        let number = number.map_or("", PhoneNumberId::as_str);
        let [phone, name, unread] = self.words.each_ref().map(|word| word.as_deref().unwrap_or_default());
        Bound::to(caller, route, &[number, phone, name, unread])
    }
}

impl Context {
    /// All numbers a tenant has, those it has let go of too.
    async fn numbers(&self, tenant: &TenantId) -> Result<Vec<PhoneNumberId>> {
        let (mut numbers, mut after) = (Vec::new(), None);
        loop {
            let page = self.accounts.list(tenant, true, ACCOUNTS, after).await?;
            numbers.extend(page.accounts.into_iter().map(|account| account.number));
            after = page.next;
            if after.is_none() {
                return Ok(numbers);
            }
        }
    }

    async fn page(
        &self,
        tenant: &TenantId,
        numbers: &[PhoneNumberId],
        wanted: &Wanted,
        bound: &Bound,
        page: Page,
    ) -> Result<Json<List<ConversationBody>>> {
        let shown: Option<Shown> = page.place(BELOW)?;
        let limit = usize::try_from(page.limit).unwrap_or_default();
        let Listed { began, conversations, mut next } =
            self.messages.list(tenant, numbers, wanted, shown.as_ref(), limit).await?;
        let last: Vec<_> = conversations.iter().filter_map(|(_, head)| head.last).collect();
        let last = self.messages.find_many(tenant, &last).await?;
        let (now, mut bytes, mut data) = (self.edge.clock.now(), 0, Vec::new());
        let mut before: Option<&Standing> = None;
        for (standing, head) in &conversations {
            let last = head.last.as_ref().and_then(|id| last.get(id));
            bytes += last.map_or(0, |last| last.raw.len());
            // What is too much for one answer is on the next page.
            if let Some(before) = before.filter(|_| bytes > MOST_BYTES) {
                next = Some(before.clone());
                break;
            }
            data.push(ConversationBody::of(standing.conversation, head, last, now));
            before = Some(standing);
        }
        let next = began.zip(next).map(|(began, below)| Position::at(BELOW, Shown { began, below }.to_string()));
        Ok(Json(List { data, next: bound.seal(next.as_ref(), &self.secret, &self.edge.random).await? }))
    }
}
