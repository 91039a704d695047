//! The feed: what changed, in the order in which it was told, from where a reader has come to.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    Error, Result,
    aws::{events::Log, transaction::Position},
    domain::{
        event::{Cursor, Event, EventType},
        meta_id::PhoneNumberId,
    },
    http::{caller::Caller, list::Bound, query::Parameters},
};

/// Some of the feed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Feed")]
pub struct FeedBody {
    pub data: Vec<Event>,
    /// What to send as `after` the next time, also where nothing was found.
    pub next: String,
}

/// Where a reader has come to.
const AT: &str = "at";
/// In the place of a cursor: from now on.
const NOW: &str = "now";

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    mut parameters: Parameters,
) -> Result<Json<FeedBody>> {
    let asked = Asked::take(&mut parameters)?;
    parameters.finish()?;
    let bound = asked.bound(&caller);
    let now = context.edge.clock.now();
    // A key bound to no tenant that names none hears of all.
    let log = caller.tenant.as_ref().map_or(Log::OfAll, Log::Of);
    let from = match asked.after.as_deref() {
        None => None,
        Some(NOW) => Some(context.events.now(log, now).await?),
        Some(cursor) => Some(place(&bound.opened(cursor, &context.secret).await?)?),
    };
    if from.is_some_and(|from| from.is_expired(now)) {
        return Err(Error::EventsGone);
    }
    let is_wanted = |event: &Event| event.is_of(asked.kind, asked.number.as_ref());
    let told = context.events.read(log, from, is_wanted, asked.limit, now).await?;
    let next = Position::at(AT, told.cursor.to_string());
    let next = bound.seal(Some(&next), &context.secret, &context.edge.random).await?;
    let next = next.ok_or_else(|| Error::Corrupt("a cursor that was not made".to_owned()))?;
    Ok(Json(FeedBody { data: told.events, next }))
}

fn place(position: &Position) -> Result<Cursor> {
    // A cursor that opened is one we made.
    let cursor = position.get(AT).and_then(|cursor| cursor.parse().ok());
    cursor.ok_or_else(|| Error::Corrupt("a cursor of ours".to_owned()))
}

/// What a reader asks for.
struct Asked {
    after: Option<String>,
    limit: usize,
    kind: Option<EventType>,
    number: Option<PhoneNumberId>,
}

impl Asked {
    fn take(parameters: &mut Parameters) -> Result<Self> {
        let limit = parameters.take("limit", |text| match text.parse() {
            Ok(limit @ 1..=100) => Ok(limit),
            _ => Err("it is a number from 1 to 100".to_owned()),
        })?;
        Ok(Self {
            after: parameters.take("after", |text| Ok(text.to_owned()))?,
            limit: limit.unwrap_or(25),
            kind: parameters.take("type", |text| text.parse().map_err(|error| format!("{error}")))?,
            number: parameters
                .take("phone_number_id", |text| text.parse().map_err(|_| "it is a phone_number_id".to_owned()))?,
        })
    }

    fn bound(&self, caller: &Caller) -> Bound {
        let kind = self.kind.map_or("", EventType::as_str);
        let number = self.number.as_ref().map_or("", PhoneNumberId::as_str);
        Bound::to(caller, "GET /v1/events", &[kind, number])
    }
}
