//! `health_status`: whether messages can be sent from here, and whose fault it is if not.

use serde_json::{Value, json};

use crate::numbers;
use crate::world::{Number, Waba, World};

/// One link of the chain: app, business, WABA, number.
struct Entity {
    kind: &'static str,
    id: String,
    /// Code, description and what to do about it.
    error: Option<(i64, &'static str, &'static str)>,
    blocks: bool,
}

pub(crate) fn of_number(world: &World, number: &Number) -> Value {
    let mut entities = vec![phone(number)];
    entities.extend(world.wabas.get(&number.waba_id).map(|waba| above(world, waba)).unwrap_or_default());
    summary(&entities)
}

pub(crate) fn of_waba(world: &World, waba: &Waba) -> Value {
    summary(&above(world, waba))
}

fn phone(number: &Number) -> Entity {
    let status = numbers::status(number);
    let error = match (number.registered, status) {
        (false, _) => Some((
            141000,
            "The phone number is not registered on the Cloud API.",
            "Register the phone number before sending messages.",
        )),
        (true, "CONNECTED") if number.quality_rating == "RED" => Some((
            141001,
            "The quality of the phone number is low.",
            "Send only messages your customers asked for until the rating recovers.",
        )),
        (true, "CONNECTED") => None,
        (true, _) => {
            Some((141010, "The phone number is restricted.", "See what Meta says about it in WhatsApp Manager."))
        }
    };
    Entity { kind: "PHONE_NUMBER", id: number.id.clone(), error, blocks: status != "CONNECTED" }
}

fn above(world: &World, waba: &Waba) -> Vec<Entity> {
    let unpaid = waba.primary_funding_id.is_none().then_some((
        141006,
        "There is an error with the payment method.",
        "There was an error with your payment method. Please add a new payment method to the account.",
    ));
    let banned = (waba.status != "ACTIVE").then_some((
        141011,
        "The WhatsApp Business Account is disabled or restricted.",
        "Appeal in Business Support Home.",
    ));
    let blocks = banned.is_some();
    vec![
        Entity { kind: "WABA", id: waba.id.clone(), error: banned.or(unpaid), blocks },
        Entity { kind: "BUSINESS", id: waba.business_id.clone(), error: None, blocks: false },
        Entity { kind: "APP", id: world.app.id.clone(), error: None, blocks: false },
    ]
}

impl Entity {
    fn can_send(&self) -> &'static str {
        match (self.blocks, self.error.is_some()) {
            (true, _) => "BLOCKED",
            (false, true) => "LIMITED",
            (false, false) => "AVAILABLE",
        }
    }

    fn shown(&self) -> Value {
        let mut shown = json!({"entity_type": self.kind, "id": self.id, "can_send_message": self.can_send()});
        if let Some((code, description, solution)) = self.error {
            let error = json!({"error_code": code, "error_description": description, "possible_solution": solution});
            shown["errors"] = json!([error]);
        }
        shown
    }
}

fn summary(entities: &[Entity]) -> Value {
    let worst = ["BLOCKED", "LIMITED"].into_iter().find(|state| entities.iter().any(|row| row.can_send() == *state));
    let rows: Vec<Value> = entities.iter().map(Entity::shown).collect();
    json!({"can_send_message": worst.unwrap_or("AVAILABLE"), "entities": rows})
}
