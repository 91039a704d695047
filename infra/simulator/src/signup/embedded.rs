//! Embedded Signup: what the popup gives, the popup itself, and a stand-in for Meta's JavaScript SDK.

use axum::response::{Html, IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{consent, grant, page};
use crate::meta::{Meta, NotWritten};
use crate::webhooks::{self, Event};
use crate::world::{Grant, Number, TokenKind, Waba, World};

/// How a person leaves the popup.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finish {
    waba_id: Option<String>,
    phone_number_id: Option<String>,
    /// `FINISH` and its variants, `CANCEL` or `ERROR`.
    event: Option<String>,
    /// Where they cancelled.
    current_step: Option<String>,
    /// What they reported.
    error_message: Option<String>,
}

const COEXISTENCE: &str = "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING";
const FINISHES: [&str; 5] =
    ["FINISH", "FINISH_ONLY_WABA", COEXISTENCE, "FINISH_GRANT_ONLY_API_ACCESS", "FINISH_OBO_MIGRATION"];

/// The code (`null` where there is none) and the session event, or why neither makes sense.
pub(crate) fn finish(meta: &Meta, finish: &Finish) -> Result<Result<Value, String>, NotWritten> {
    let event = finish.event.as_deref().unwrap_or("FINISH");
    if !FINISHES.contains(&event) {
        return Ok(finish.abandoned(meta, event));
    }
    let now = meta.clock.now();
    let given = meta.change(|world| {
        let Some((waba, number)) = finish.chosen(world, event) else {
            return Ok(Err("no such waba_id or phone_number_id".to_owned()));
        };
        let data = session_data(event, waba, number);
        let Some(granted) = grant(world, TokenKind::Business, &[waba]) else {
            return Ok(Err("this WABA belongs to nobody".to_owned()));
        };
        tell_partner_added(world, &granted, now.as_millisecond());
        let code = consent(world, granted, None, now.as_second());
        Ok::<_, NotWritten>(Ok(json!({"code": code, "session_event": session_event(event, &data)})))
    })?;
    Ok(given)
}

impl Finish {
    /// What was named, else the first there is of the kind the event needs.
    fn chosen<'a>(&self, world: &'a World, event: &str) -> Option<(&'a Waba, Option<&'a Number>)> {
        if let Some(id) = &self.phone_number_id {
            let number = world.numbers.get(id)?;
            let waba = world.wabas.get(&number.waba_id)?;
            return self.waba_id.as_ref().is_none_or(|id| *id == waba.id).then_some((waba, Some(number)));
        }
        let fits = |number: &&Number| event != COEXISTENCE || number.is_on_biz_app;
        let waba = match &self.waba_id {
            Some(id) => world.wabas.get(id)?,
            None => world.wabas.values().find(|waba| world.numbers_of(&waba.id).any(|number| fits(&number)))?,
        };
        Some((waba, world.numbers_of(&waba.id).find(fits)))
    }

    fn abandoned(&self, meta: &Meta, event: &str) -> Result<Value, String> {
        let mut data = Map::new();
        match (event, &self.error_message) {
            ("CANCEL", None) => {
                let step = self.current_step.as_deref().unwrap_or("PHONE_NUMBER_SETUP");
                data.insert("current_step".to_owned(), step.into());
            }
            ("CANCEL", Some(message)) => {
                data.insert("error_message".to_owned(), message.clone().into());
                data.insert("error_id".to_owned(), "524126".into());
                data.insert("session_id".to_owned(), crate::chance::hex(&crate::chance::bytes::<16>()).into());
                data.insert("timestamp".to_owned(), meta.now().to_string().into());
            }
            ("ERROR", message) => {
                let message = message.as_deref().unwrap_or("Something went wrong");
                data.insert("error_message".to_owned(), message.into());
            }
            _ => return Err(format!("event is one of {}, CANCEL or ERROR", FINISHES.join(", "))),
        }
        Ok(json!({"code": null, "session_event": session_event(event, &Value::Object(data))}))
    }
}

fn session_data(event: &str, waba: &Waba, number: Option<&Number>) -> Value {
    let mut data = json!({"waba_id": waba.id});
    if event != COEXISTENCE {
        data["business_id"] = waba.business_id.clone().into();
    }
    if let Some(number) =
        number.filter(|_| matches!(event, "FINISH" | "FINISH_GRANT_ONLY_API_ACCESS" | "FINISH_OBO_MIGRATION"))
    {
        data["phone_number_id"] = number.id.clone().into();
    }
    if event == "FINISH" {
        for none in ["ad_account_ids", "page_ids", "dataset_ids", "catalog_ids", "instagram_account_ids"] {
            data[none] = json!([]);
        }
        data["waba_ids"] = json!([waba.id]);
    }
    data
}

fn session_event(event: &str, data: &Value) -> Value {
    json!({"type": "WA_EMBEDDED_SIGNUP", "event": event, "version": 3, "data": data})
}

/// A client shared its WABA: the partner's portfolio is told.
pub(super) fn tell_partner_added(world: &mut World, granted: &Grant, now_ms: i64) {
    let partner = world.app.business_id.clone();
    for waba in granted.wabas.iter().rev() {
        let owner = world.wabas.get(waba).map(|waba| waba.business_id.clone()).filter(|owner| *owner != partner);
        if let Some(owner) = owner {
            let info = json!({"waba_id": waba, "owner_business_id": owner, "partner_app_id": world.app.id});
            let value = json!({"event": "PARTNER_ADDED", "waba_info": info});
            webhooks::tell(world, now_ms, Event::of_waba(&partner, "account_update", value));
        }
    }
}

/// The popup that the SDK below opens.
pub(super) fn popup(meta: &Meta, parameters: &Map<String, Value>) -> Response {
    let text = |name: &str| parameters.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("client_id") != meta.read(|world| world.app.id.clone()) {
        return (StatusCode::BAD_REQUEST, Html(page::problem("Invalid App ID"))).into_response();
    }
    let extras: Value = serde_json::from_str(text("extras")).unwrap_or(Value::Null);
    let coexistence =
        matches!(extras["featureType"].as_str(), Some("whatsapp_business_app_onboarding" | "coexistence"));
    Html(meta.read(|world| page::popup(world, text("channel"), coexistence))).into_response()
}

pub(crate) async fn sdk() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, include_str!("sdk.js")).into_response()
}
