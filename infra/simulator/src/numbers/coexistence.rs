//! Numbers that live on the WhatsApp Business app too: what the app shares, once, and how it leaves again.

use serde_json::{Value, json};

use super::of;
use crate::chance;
use crate::graph::{Answer, Call, GraphError, Outcome, title};
use crate::meta::Meta;
use crate::webhooks::{self, Event};
use crate::world::{Coexistence, Number, World};

/// Seconds after onboarding in which each synchronisation may be asked for, once.
const WINDOW: i64 = 24 * 3600;
const DAY: i64 = 24 * 3600;

/// The address book of a simulated phone: number, full name.
const CONTACTS: [(&str, &str); 3] =
    [("15557770001", "Maria Silva"), ("4915557770002", "Jürgen Müller"), ("5511955570003", "João Souza")];

impl Number {
    /// Begins the 24 hours anew.
    pub(crate) fn onboard(&mut self, now: i64) {
        let declines_history = self.coexistence.declines_history;
        self.coexistence = Coexistence { onboarded_at: now, declines_history, ..Coexistence::default() };
        self.last_onboarded_at = now;
        self.registered = true;
    }
}

/// `POST /{number}/smb_app_data`.
pub(crate) fn request_sync(meta: &Meta, call: &Call, id: &str) -> Outcome {
    call.params.require_whatsapp()?;
    let kind = call.params.required("sync_type")?;
    let now_ms = meta.clock.now().as_millisecond();
    meta.change(|world| {
        let number = of(world, call, id)?;
        if !number.is_on_biz_app {
            return Err(GraphError::invalid("This phone number is not on the WhatsApp Business app."));
        }
        let app = &mut number.coexistence;
        let requested = match kind.as_str() {
            "smb_app_state_sync" => &mut app.contacts_requested,
            "history" => &mut app.history_requested,
            _ => return Err(GraphError::invalid("Param sync_type must be one of {smb_app_state_sync, history}")),
        };
        if *requested {
            return Err(GraphError::of(2593107));
        }
        if call.now - app.onboarded_at > WINDOW {
            return Err(GraphError::of(2593108));
        }
        *requested = true;
        let number = number.clone();
        if kind == "history" {
            tell_history(world, &number, now_ms);
        } else {
            tell_contacts(world, &number, now_ms);
        }
        let request = chance::hex(&chance::bytes::<16>());
        Ok(Answer::json(json!({"messaging_product": "whatsapp", "request_id": request})))
    })
}

fn tell_contacts(world: &mut World, number: &Number, now_ms: i64) {
    let seconds = (now_ms / 1000).to_string();
    let contacts: Vec<Value> = CONTACTS
        .iter()
        .map(|(phone, name)| {
            let first = name.split(' ').next();
            json!({"type": "contact", "contact": {"full_name": name, "first_name": first, "phone_number": phone},
                "action": "add", "metadata": {"timestamp": seconds}})
        })
        .collect();
    tell(world, number, "smb_app_state_sync", now_ms, json!({"state_sync": contacts}));
}

/// Three phases (today, three months, six months), one chunk each; the last carries a media placeholder.
fn tell_history(world: &mut World, number: &Number, now_ms: i64) {
    if number.coexistence.declines_history {
        let title = title(2593109);
        let error = json!({"code": 2593109, "title": title, "message": title,
            "error_data": {"details": "History sharing is turned off by the business"}});
        return tell(world, number, "history", now_ms, json!({"history": [{"errors": [error]}]}));
    }
    let now = now_ms / 1000;
    for (phase, (days, progress)) in [(0, 20), (40, 55), (120, 100)].into_iter().enumerate() {
        let threads: Vec<Value> =
            CONTACTS.iter().map(|(phone, _)| thread(number, phone, now - days * DAY, phase)).collect();
        let chunk = json!({"metadata": {"phase": phase, "chunk_order": phase + 1, "progress": progress},
            "threads": threads});
        tell(world, number, "history", now_ms, json!({"history": [chunk]}));
    }
}

fn thread(number: &Number, phone: &str, at: i64, phase: usize) -> Value {
    let asked = json!({"from": phone, "id": chance::wamid(phone, false), "timestamp": (at - 120).to_string(),
        "type": "text", "text": {"body": "Are you open on Sunday?"}, "history_context": {"status": "READ"}});
    let mut answered = json!({"from": number.phone, "to": phone, "id": chance::wamid(phone, true),
        "timestamp": (at - 60).to_string(), "history_context": {"status": "DELIVERED"}});
    if phase == 2 {
        answered["type"] = "media_placeholder".into();
    } else {
        answered["type"] = "text".into();
        answered["text"] = json!({"body": "From nine to one."});
    }
    json!({"id": phone, "context": {"wa_id": phone}, "messages": [asked, answered]})
}

/// The owner takes the number out of the platform, or the app has been away too long.
pub(crate) fn off_board(world: &mut World, number: &str, reason: &str, now_ms: i64) -> Option<()> {
    let (waba, owner, phone) = {
        let number = world.numbers.get_mut(number)?;
        number.registered = false;
        let waba = number.waba_id.clone();
        let phone = number.phone.clone();
        let owner = world.wabas.get(&waba)?.business_id.clone();
        (waba, owner, phone)
    };
    let value = json!({
        "event": "PARTNER_REMOVED",
        "phone_number": phone,
        "waba_info": {"waba_id": waba, "owner_business_id": owner},
        "disconnection_info": {"reason": reason, "initiated_by": "BUSINESS"},
    });
    let partner = world.app.business_id.clone();
    webhooks::tell(world, now_ms, Event::of_waba(&partner, "account_update", value));
    Some(())
}

fn tell(world: &mut World, number: &Number, field: &str, now_ms: i64, more: Value) {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.phone, "phone_number_id": number.id},
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    webhooks::tell(world, now_ms, Event::of_number(&number.waba_id, &number.id, field, value));
}
