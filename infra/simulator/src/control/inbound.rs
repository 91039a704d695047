//! `POST /_sim/inbound`: a customer writes to a number.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Body, ControlError};
use crate::chance;
use crate::media;
use crate::meta::Meta;
use crate::people::{self, Known};
use crate::webhooks::{self, Event};
use crate::world::{Conversation, Direction, Message, Number, Person, World};

/// Who writes when nobody is named.
const SOMEONE: (&str, &str) = ("15557770001", "Maria Silva");
const MAX_COUNT: usize = 10_000;

/// What is not named here (`<type>`, `referral`, `errors`, …) goes into the message as it is.
#[derive(Debug, Deserialize)]
pub(crate) struct Inbound {
    phone_number_id: String,
    from: Option<String>,
    user_id: Option<String>,
    parent_user_id: Option<String>,
    username: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    context: Option<Value>,
    timestamp: Option<Value>,
    #[serde(default = "one")]
    count: usize,
    /// How many of them one webhook carries.
    #[serde(default = "one")]
    batch: usize,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn one() -> usize {
    1
}

pub(crate) async fn write(
    State(meta): State<Arc<Meta>>,
    Body(mut inbound): Body<Inbound>,
) -> Result<Json<Value>, ControlError> {
    inbound.check()?;
    if let Some(content) = inbound.rest.get_mut(&inbound.kind) {
        media::arrive(&meta, &inbound.phone_number_id, &inbound.kind, content)?;
    }
    let now = meta.clock.now();
    let at = inbound.seconds(now.as_second())?;
    let mut wamids = Vec::new();
    let deliveries = webhooks::tried(&meta, |world| {
        let number = world.numbers.get(&inbound.phone_number_id).cloned();
        let number = number.ok_or_else(|| ControlError::not_found("phone_number_id"))?;
        let person = inbound.person(world, &number)?;
        let messages = inbound.arrive(world, &number, &person, at);
        wamids = messages.iter().map(|message| message["id"].clone()).collect();
        Ok::<_, ControlError>(inbound.tell(world, &number, &person, &messages, now.as_millisecond()))
    })
    .await?;
    Ok(Json(json!({"wamids": wamids, "deliveries": deliveries})))
}

impl Inbound {
    fn check(&self) -> Result<(), ControlError> {
        let needs_content = !matches!(self.kind.as_str(), "unsupported" | "unknown" | "request_welcome");
        if needs_content && !self.rest.contains_key(&self.kind) {
            return Err(ControlError::bad(format!("a message of type {0} needs {0}", self.kind)));
        }
        if self.rest.get(&self.kind).is_some_and(|content| !content.is_object() && !content.is_array()) {
            return Err(ControlError::bad(format!("{} is an object, as Meta sends it", self.kind)));
        }
        if !(1..=MAX_COUNT).contains(&self.count) || !(1..=1000).contains(&self.batch) {
            return Err(ControlError::bad(format!("count is 1 to {MAX_COUNT}, batch 1 to 1000")));
        }
        let digits = |phone: &String| !phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit());
        if self.from.as_ref().is_some_and(|phone| !digits(phone)) {
            return Err(ControlError::bad("from is digits only, country code first"));
        }
        Ok(())
    }

    fn seconds(&self, now: i64) -> Result<i64, ControlError> {
        match &self.timestamp {
            None => Ok(now),
            Some(Value::Number(number)) => number.as_i64().ok_or_else(|| ControlError::bad("timestamp is in seconds")),
            Some(Value::String(text)) => text.parse().map_err(|_| ControlError::bad("timestamp is in seconds")),
            Some(_) => Err(ControlError::bad("timestamp is in seconds")),
        }
    }

    fn person(&self, world: &mut World, number: &Number) -> Result<Person, ControlError> {
        let business = world.wabas.get(&number.waba_id).map(|waba| waba.business_id.clone());
        let business = business.ok_or_else(|| ControlError::not_found("WABA of this number"))?;
        Ok(people::meet(world, &business, self.known()))
    }

    fn arrive(&self, world: &mut World, number: &Number, person: &Person, at: i64) -> Vec<Value> {
        let open = format!("{}/{}", number.id, person.user_id);
        let last = world.conversations.get(&open).map_or(at, |conversation| conversation.last_inbound_at.max(at));
        world.conversations.put(open, Conversation { last_inbound_at: last });

        let mut messages = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let message = self.message(number, person, at);
            world.messages.put(message["id"].as_str().unwrap_or_default(), self.row(number, person, &message, at));
            messages.push(message);
        }
        self.change(world, person);
        messages
    }

    /// `user_changed_number`, `user_changed_user_id`: from now on they are who the system says they are.
    fn change(&self, world: &mut World, person: &Person) {
        let Some(system) = self.rest.get("system").filter(|_| self.kind == "system") else { return };
        let text = |name: &str| system[name].as_str().map(str::to_owned);
        if matches!(system["type"].as_str(), Some("user_changed_number" | "user_changed_user_id")) {
            people::become_other(world, person, text("wa_id").or_else(|| text("new_wa_id")), text("user_id"));
        }
    }

    fn known(&self) -> Known {
        let nobody = self.from.is_none() && self.user_id.is_none();
        let phone = self.from.clone().or_else(|| nobody.then(|| SOMEONE.0.to_owned()));
        let name = self.name.clone().or_else(|| nobody.then(|| SOMEONE.1.to_owned()));
        let (user_id, parent_user_id) = (self.user_id.clone(), self.parent_user_id.clone());
        Known { phone, name, user_id, parent_user_id, username: self.username.clone() }
    }

    /// A person known by their id only shows no number, even if the business has it.
    fn phone<'a>(&self, person: &'a Person) -> Option<&'a String> {
        person.phone.as_ref().filter(|_| self.from.is_some() || self.user_id.is_none())
    }

    fn message(&self, number: &Number, person: &Person, at: i64) -> Value {
        let mut message = self.rest.clone();
        let wamid = chance::wamid(self.phone(person).unwrap_or(&person.user_id), false);
        if let Some(phone) = self.phone(person) {
            message.insert("from".to_owned(), phone.clone().into());
        }
        if let Some(parent) = &person.parent_user_id {
            message.insert("from_parent_user_id".to_owned(), parent.clone().into());
        }
        if let Some(mut context) = self.context.clone() {
            if context["id"].is_string() && context["from"].is_null() {
                context["from"] = number.phone.clone().into();
            }
            message.insert("context".to_owned(), context);
        }
        message.insert("from_user_id".to_owned(), person.user_id.clone().into());
        message.insert("id".to_owned(), wamid.into());
        message.insert("timestamp".to_owned(), at.to_string().into());
        message.insert("type".to_owned(), self.kind.clone().into());
        Value::Object(message)
    }

    fn row(&self, number: &Number, person: &Person, message: &Value, at: i64) -> Message {
        Message {
            id: message["id"].as_str().unwrap_or_default().to_owned(),
            phone_number_id: number.id.clone(),
            direction: Direction::Inbound,
            phone: self.phone(person).cloned(),
            user_id: person.user_id.clone(),
            kind: self.kind.clone(),
            content: message.clone(),
            status: "received".to_owned(),
            history: Vec::new(),
            pricing_category: String::new(),
            biz_opaque_callback_data: None,
            at,
        }
    }

    fn tell(
        &self,
        world: &mut World,
        number: &Number,
        person: &Person,
        messages: &[Value],
        now_ms: i64,
    ) -> Vec<String> {
        let mut queued = Vec::new();
        for batch in messages.chunks(self.batch) {
            let mut value = json!({
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": number.phone, "phone_number_id": number.id},
                "messages": batch,
            });
            if self.kind != "system" {
                value["contacts"] = json!([people::contact(person, self.phone(person).map(String::as_str))]);
            }
            queued.extend(webhooks::tell(
                world,
                now_ms,
                Event::of_number(&number.waba_id, &number.id, "messages", value),
            ));
        }
        queued
    }
}
