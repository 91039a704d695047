//! `PATCH /v1/contacts/{id}`: what a tenant keeps of a person. What arrives from WhatsApp never changes it.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::{Context, contacts::THING};
use crate::{
    Error, Result,
    domain::conversation::{Contact, ContactId},
    http::{body::Body, caller::Caller, path::Id},
    shown::conversation::ContactBody,
};

const NAME: usize = 200;
const TAGS: usize = 20;
const TAG: usize = 64;
const NOTES: usize = 4_000;

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
pub struct ContactChange {
    /// Null brings back the name of their profile.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>", length(min = 1, max = 200))]
    name: Option<Option<String>>,
    /// They replace what was there; null takes all away.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<Vec<String>>", length(max = 20), inner(length(min = 1, max = 64)))]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<bool>")]
    pinned: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>", length(min = 1, max = 4000))]
    notes: Option<Option<String>>,
}

/// What stands there counts, also where it is null: that is no way to say nothing.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(super) async fn change(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(text): Id,
    body: Result<Body<ContactChange>>,
) -> Result<Json<ContactBody>> {
    let unknown = Error::NotFound { thing: THING };
    let Ok(ContactId(id)) = text.parse() else { return Err(unknown) };
    let tenant = caller.of_tenant()?;
    // Another tenant's contact is not there, whatever is wrong with the request besides.
    context.own_conversation(tenant, &id, THING).await?;
    let change = body?.value.checked()?;
    let noted = context.edge.audit.adding(&caller.call.entry(&text, None, 200))?;
    let now = context.edge.clock.now();
    let apply = |contact: &mut Contact| change.apply(contact);
    let kept = context.messages.edit_contact(tenant, &id, apply, &noted, now).await?.ok_or(unknown)?;
    if kept.is_noted {
        caller.call.audited();
    }
    Ok(Json(ContactBody::of(kept.id, &kept.head)))
}

impl ContactChange {
    fn checked(self) -> Result<Self> {
        let is_within = |text: &Option<Option<String>>, most: usize| {
            text.iter().flatten().all(|text| (1..=most).contains(&text.chars().count()))
        };
        if !is_within(&self.name, NAME) {
            return Err(Error::breaks("/name", format!("expected 1 to {NAME} characters, or null")));
        }
        if !is_within(&self.notes, NOTES) {
            return Err(Error::breaks("/notes", format!("expected 1 to {NOTES} characters, or null")));
        }
        let tags = self.tags.iter().flatten().flatten();
        if tags.clone().count() > TAGS {
            return Err(Error::breaks("/tags", format!("expected {TAGS} at most")));
        }
        for (place, tag) in tags.enumerate() {
            if !(1..=TAG).contains(&tag.chars().count()) {
                return Err(Error::breaks(&format!("/tags/{place}"), format!("expected 1 to {TAG} characters")));
            }
        }
        Ok(self)
    }

    fn apply(&self, contact: &mut Contact) {
        if let Some(name) = &self.name {
            contact.own_name.clone_from(name);
        }
        if let Some(tags) = &self.tags {
            contact.tags.clear();
            // Each once, as they first stand.
            for tag in tags.iter().flatten() {
                if !contact.tags.contains(tag) {
                    contact.tags.push(tag.clone());
                }
            }
        }
        if let Some(pinned) = self.pinned {
            contact.pinned = pinned.unwrap_or_default();
        }
        if let Some(notes) = &self.notes {
            contact.notes.clone_from(notes);
        }
    }
}
