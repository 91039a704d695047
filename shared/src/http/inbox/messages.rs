//! What was said: a conversation's messages, newest first, and one of them, by our id or Meta's.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;

use super::{Context, conversations::BELOW};
use crate::{
    Error, Result,
    aws::{
        messages::{Met, Span},
        transaction::Position,
    },
    domain::{
        conversation::{ConversationId, Head},
        message::{Direction, Reading, Standing, Stored},
    },
    http::{
        caller::Caller,
        list::{Bound, List, Page},
        message_name::MessageName,
        path::Id,
        query::Parameters,
    },
    shown::conversation::MessageBody,
};

const THING: &str = "message";

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<List<MessageBody>>> {
    let thing = "conversation";
    let (tenant, id) = (caller.of_tenant()?, id.parse().map_err(|_| Error::NotFound { thing })?);
    let (id, head) = context.own_conversation(tenant, &id, thing).await?;
    let asked = Asked::take(&mut parameters)?;
    let with_raw = include(&mut parameters)?;
    let bound = asked.bound(&caller, id);
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    let below: Option<Standing> = page.place(BELOW)?;
    let limit = usize::try_from(page.limit).unwrap_or_default();
    let parts = [&[id][..], &head.parts].concat();
    let takes = |message: &Stored| asked.takes(message);
    let said = context.messages.history(tenant, &parts, asked.span, takes, below.as_ref(), limit).await?;
    let data = said.messages.iter().map(|message| MessageBody::of(message, id, &head, with_raw)).collect();
    let next = said.next.map(|standing| Position::at(BELOW, standing.to_string()));
    Ok(Json(List { data, next: bound.seal(next.as_ref(), &context.secret, &context.edge.random).await? }))
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<MessageBody>> {
    let tenant = caller.of_tenant()?;
    let unknown = || Error::NotFound { thing: THING };
    let name = MessageName::read(&id).ok_or_else(unknown)?;
    let message = name.find(&context.messages, tenant).await?.ok_or_else(unknown)?;
    let with_raw = include(&mut parameters)?;
    parameters.finish()?;
    let (id, head) = match context.messages.meet(tenant, &message.id.conversation).await? {
        Met::Somebody(id, head) => (id, *head),
        Met::Erased => return Err(unknown()),
        // A message is put before the head that first tells of it.
        Met::Nobody => (message.id.conversation, Head::new(message.number.clone(), message.received_at)),
    };
    Ok(Json(MessageBody::of(&message, id, &head, with_raw)))
}

/// Whether Meta's own object is asked for.
fn include(parameters: &mut Parameters) -> Result<bool> {
    let include = parameters.take("include", |text| match text {
        "raw" => Ok(()),
        _ => Err("it is raw, or absent".to_owned()),
    })?;
    Ok(include.is_some())
}

/// The filters of a history.
struct Asked {
    direction: Option<Direction>,
    kind: Option<String>,
    status: Option<String>,
    span: Span,
}

impl Asked {
    fn take(parameters: &mut Parameters) -> Result<Self> {
        let word = |text: &str| match text.len() {
            1..=100 => Ok(text.to_owned()),
            _ => Err("it has 1 to 100 letters".to_owned()),
        };
        let time = |text: &str| text.parse().map_err(|_| "it is a time such as 2026-11-21T10:00:00Z".to_owned());
        Ok(Self {
            direction: parameters.take("direction", |text| match text {
                "inbound" => Ok(Direction::Inbound),
                "outbound" => Ok(Direction::Outbound),
                _ => Err("it is inbound or outbound".to_owned()),
            })?,
            kind: parameters.take("type", word)?,
            status: parameters.take("status", word)?,
            span: Span { since: parameters.take("since", time)?, until: parameters.take("until", time)? },
        })
    }

    fn takes(&self, message: &Stored) -> bool {
        let is_kind = |kind: &String| Reading::of(message).kind() == kind;
        self.direction.is_none_or(|direction| message.direction == direction)
            && self.status.as_ref().is_none_or(|status| message.status() == status)
            && self.kind.as_ref().is_none_or(is_kind)
    }

    fn bound(&self, caller: &Caller, id: ConversationId) -> Bound {
        let direction = self.direction.map(|direction| format!("{direction:?}")).unwrap_or_default();
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let (since, until) = (time(self.span.since), time(self.span.until));
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let filters = [id.to_string(), direction, word(&self.kind), word(&self.status), since, until];
        Bound::to(caller, "GET /v1/conversations/{id}/messages", &filters.each_ref().map(String::as_str))
    }
}
