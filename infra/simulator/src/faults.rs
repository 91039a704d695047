//! Faults asked for ahead: the next matching calls to Graph fail, break, drag or lose their consequences.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::graph::{Answer, Call, GraphError};
use crate::meta::{Meta, NotWritten};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub id: String,
    #[serde(rename = "match")]
    pub on: Match,
    pub times: u64,
    /// So many matching calls are let through first.
    pub skip: u64,
    pub fired: u64,
    #[serde(rename = "fault")]
    pub kind: Kind,
}

/// Which calls: all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// A part of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// As `GET /_sim/calls` names it: exactly this call, of whomever.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_id: Option<String>,
}

/// What goes wrong. `error` and `status` answer instead of doing, unless `accepted` says it was done all the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kind {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<Moment>,
    /// The process that calls is killed, where the simulator's host can do that.
    #[serde(skip_serializing_if = "Option::is_none")]
    kill: Option<Moment>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_status: Option<DropStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    /// Nothing happened, and no answer.
    Before,
    /// It happened, and the answer is lost.
    After,
}

/// `true` for all statuses of the message, or the ones to leave out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum DropStatus {
    All(bool),
    One(String),
    Some(Vec<String>),
}

/// What a fault makes of a call's consequences: asked by whoever sends the webhooks that follow from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects {
    /// Every webhook that follows is delivered twice.
    pub duplicate: bool,
    dropped: Option<DropStatus>,
}

impl Effects {
    pub(crate) fn drops(&self, status: &str) -> bool {
        match &self.dropped {
            None => false,
            Some(DropStatus::All(all)) => *all,
            Some(DropStatus::One(one)) => one == status,
            Some(DropStatus::Some(some)) => some.iter().any(|dropped| dropped == status),
        }
    }
}

/// The fault a call met, if any.
#[derive(Debug, Default)]
pub(crate) struct Met(Option<Kind>);

/// Takes one firing of the first fault that matches and has let enough calls through.
pub(crate) fn meet(meta: &Meta, call: &Call) -> Met {
    if !meta.read(|world| world.faults.values().any(|fault| fault.matches(call))) {
        return Met::default();
    }
    let fired = meta.change(|world| {
        let matching = world.faults.values().filter(|fault| fault.matches(call)).map(|fault| fault.id.clone());
        for id in matching.collect::<Vec<_>>() {
            let Some(fault) = world.faults.get_mut(&id) else { continue };
            if fault.skip == 0 {
                fault.fired += 1;
                return Ok(Some(fault.kind.clone()));
            }
            fault.skip -= 1;
        }
        Ok::<_, NotWritten>(None)
    });
    Met(fired.ok().flatten())
}

impl Fault {
    fn matches(&self, call: &Call) -> bool {
        self.fired < self.times && self.on.matches(call)
    }
}

impl Match {
    fn matches(&self, call: &Call) -> bool {
        let method = self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()));
        let path = self.path.as_ref().is_none_or(|path| call.path.contains(path.as_str()));
        let number = self.phone_number_id.as_ref().is_none_or(|number| {
            call.segments.iter().any(|segment| segment == number)
                || call.params.text("phone_number_id").as_ref() == Some(number)
        });
        let route = self.route.as_ref().is_none_or(|route| *route == call.route);
        method && path && route && number
    }
}

impl Kind {
    /// Refuses what could not be carried out when it fires.
    pub(crate) fn check(&self, meta: &Meta) -> Result<(), &'static str> {
        if self.kill.is_some() && meta.options.kill.is_none() {
            return Err("fault.kill needs a host that can kill its processes, as the local stack does");
        }
        if self.error.as_ref().is_some_and(|error| error["code"].as_i64().is_none()) {
            return Err("fault.error needs a code");
        }
        match self.status.map(StatusCode::from_u16) {
            Some(Ok(status)) if status.as_u16() >= 200 => Ok(()),
            None => Ok(()),
            Some(_) => Err("fault.status must be an HTTP status from 200 on"),
        }
    }

    fn error(&self, error: &Value) -> GraphError {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let code = error["code"].as_i64().unwrap_or(1);
        let mut refusal = match text(&error["message"]) {
            Some(message) => GraphError::new(code, message),
            None => GraphError::of(code),
        };
        if let Some(details) = text(&error["error_data"]["details"]).or_else(|| text(&error["details"])) {
            refusal = refusal.details(details);
        }
        if let Some(subcode) = error["error_subcode"].as_i64() {
            refusal = refusal.subcode(subcode);
        }
        if let Some(is_transient) = error["is_transient"].as_bool() {
            refusal = refusal.transient(is_transient);
        }
        match self.status.and_then(|status| StatusCode::from_u16(status).ok()) {
            Some(status) => refusal.status(status),
            None => refusal,
        }
    }
}

impl Met {
    pub(crate) fn effects(&self) -> Effects {
        let Some(kind) = &self.0 else { return Effects::default() };
        Effects { duplicate: kind.duplicate, dropped: kind.drop_status.clone() }
    }

    pub(crate) fn prevents_the_effect(&self) -> bool {
        self.0.as_ref().is_some_and(|kind| match kind.reset.or(kind.kill) {
            Some(moment) => moment == Moment::Before,
            None => (kind.error.is_some() || kind.status.is_some()) && !kind.accepted,
        })
    }

    pub(crate) fn breaks_the_connection(&self) -> bool {
        self.0.as_ref().is_some_and(|kind| kind.reset.or(kind.kill).is_some())
    }

    pub(crate) fn kills_the_caller(&self) -> bool {
        self.0.as_ref().is_some_and(|kind| kind.kill.is_some())
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        self.0.as_ref()?.delay_ms.map(Duration::from_millis)
    }

    /// What is answered instead of the truth.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let kind = self.0.as_ref().filter(|kind| kind.reset.or(kind.kill).is_none())?;
        if let Some(error) = &kind.error {
            return Some(kind.error(error).into_answer());
        }
        let status = kind.status.and_then(|status| StatusCode::from_u16(status).ok())?;
        Some(Answer { status, ..Answer::json(json!({})) })
    }

    /// For the log of calls.
    pub(crate) fn described(&self) -> Option<Value> {
        self.0.as_ref().and_then(|kind| serde_json::to_value(kind).ok())
    }
}
