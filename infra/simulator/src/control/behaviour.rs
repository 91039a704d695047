//! `POST /_sim/behaviour`, `/_sim/recipients` and `/_sim/templates`: what Meta decides, decided here.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, ControlError};
use crate::graph::title;
use crate::meta::{Meta, NotWritten};
use crate::templates::{self, Decision};
use crate::webhooks;
use crate::world::{Behaviour, Unreachable, World};

/// What is given changes, the rest stays; answers all of it.
pub(crate) async fn behave(
    State(meta): State<Arc<Meta>>,
    Body(change): Body<Value>,
) -> Result<Json<Value>, ControlError> {
    meta.change(|world| {
        let mut behaviour = serde_json::to_value(&*world.behaviour).unwrap_or_default();
        let (Value::Object(now), Value::Object(change)) = (&mut behaviour, change) else {
            return Err(ControlError::bad("the body is an object"));
        };
        now.extend(change);
        let changed: Behaviour =
            serde_json::from_value(behaviour.clone()).map_err(|error| ControlError::bad(error.to_string()))?;
        *world.behaviour = changed;
        Ok(Json(behaviour))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRecipient {
    /// Digits of a phone number, or a business-scoped user id.
    recipient: String,
    /// Why nothing reaches them; `null`: everything does again.
    code: Option<i64>,
    /// For how many messages; for ever where it is not given.
    times: Option<u64>,
}

pub(crate) async fn recipient(
    State(meta): State<Arc<Meta>>,
    Body(new): Body<NewRecipient>,
) -> Result<Json<Value>, ControlError> {
    if new.code.is_some_and(|code| title(code).is_none()) || new.times == Some(0) {
        return Err(ControlError::bad("code is one of Meta's, times at least 1"));
    }
    let key = new.recipient.trim_start_matches('+').to_owned();
    meta.change(|world| {
        match new.code {
            Some(code) => world.unreachable.put(key.clone(), Unreachable { code, times: new.times }),
            None => drop(world.unreachable.remove(&key)),
        }
        Ok::<_, NotWritten>(())
    })?;
    Ok(Json(json!({"recipient": key, "code": new.code, "times": new.times})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    /// The template, by its id or by WABA, name and language.
    id: Option<String>,
    waba_id: Option<String>,
    name: Option<String>,
    language: Option<String>,
    event: Option<String>,
    reason: Option<String>,
    title: Option<String>,
    category: Option<String>,
    correct_category: Option<String>,
    quality: Option<String>,
}

pub(crate) async fn template(
    State(meta): State<Arc<Meta>>,
    Body(new): Body<NewDecision>,
) -> Result<Json<Value>, ControlError> {
    let now_ms = meta.clock.now().as_millisecond();
    let deliveries = webhooks::tried(&meta, |world| {
        let id = new.template(world)?;
        Ok::<_, ControlError>(templates::decide(world, &id, &new.decision(), now_ms))
    })
    .await?;
    Ok(Json(json!({"deliveries": deliveries})))
}

impl NewDecision {
    fn decision(&self) -> Decision {
        Decision {
            event: self.event.clone(),
            reason: self.reason.clone(),
            title: self.title.clone(),
            category: self.category.clone(),
            correct_category: self.correct_category.clone(),
            quality: self.quality.clone(),
        }
    }

    /// The one template that is meant.
    fn template(&self, world: &World) -> Result<String, ControlError> {
        let given = |wanted: &Option<String>, has: &String| wanted.as_ref().is_none_or(|wanted| wanted == has);
        let mut found = world.templates.values().filter(|row| {
            given(&self.id, &row.id)
                && given(&self.waba_id, &row.waba_id)
                && given(&self.name, &row.name)
                && given(&self.language, &row.language)
        });
        match (found.next(), found.next()) {
            (Some(row), None) => Ok(row.id.clone()),
            (None, _) => Err(ControlError::not_found("template")),
            (Some(_), Some(_)) => Err(ControlError::bad("several templates are meant: give id")),
        }
    }
}
