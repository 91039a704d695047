//! What Graph shows of a number.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::graph::{Call, GraphError, Node, Outcome, page_of};
use crate::health;
use crate::meta::Meta;
use crate::settings;
use crate::world::{Number, World};

const DEFAULTS: &[&str] = &[
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "last_onboarded_time",
    "webhook_configuration",
    "id",
];

pub(crate) fn show(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let node = meta.read(|world| world.numbers.get(id).map(|number| node(world, number)));
    node.ok_or_else(|| GraphError::no_such_object(&call.method, id))?.answer(call)
}

/// `GET /{waba}/phone_numbers`, with `filtering` on `account_mode` and `sort` by onboarding.
pub(crate) fn list(meta: &Meta, call: &Call, waba: &str) -> Outcome {
    let mode = account_mode(call)?;
    let mut numbers = meta.read(|world| {
        let wanted = |number: &&Number| mode.as_ref().is_none_or(|mode| *mode == number.account_mode);
        let listed = world.numbers_of(waba).filter(wanted);
        listed.map(|number| (number.last_onboarded_at, number.id.clone(), node(world, number))).collect::<Vec<_>>()
    });
    match call.params.text("sort").as_deref() {
        Some("last_onboarded_time.desc" | "last_onboarded_time_descending") => {
            numbers.sort_by_key(|(onboarded, ..)| std::cmp::Reverse(*onboarded));
        }
        Some("last_onboarded_time.asc" | "last_onboarded_time_ascending") => {
            numbers.sort_by_key(|(onboarded, ..)| *onboarded);
        }
        _ => {}
    }
    page_of(call, numbers.into_iter().map(|(_, id, node)| (id, node)).collect())
}

fn account_mode(call: &Call) -> Result<Option<String>, GraphError> {
    let Some(filters) = call.params.json("filtering") else { return Ok(None) };
    let filter = &filters[0];
    match (filter["field"].as_str(), filter["operator"].as_str(), filter["value"].as_str()) {
        (Some("account_mode"), Some("EQUAL"), Some(mode)) => Ok(Some(mode.to_owned())),
        _ => Err(GraphError::invalid("filtering takes account_mode EQUAL LIVE or SANDBOX")),
    }
}

fn node(world: &World, number: &Number) -> Node {
    let onboarded = Timestamp::from_second(number.last_onboarded_at).unwrap_or_default();
    Node::new(
        "WhatsAppBusinessPhoneNumber",
        DEFAULTS,
        json!({
            "id": number.id,
            "display_phone_number": number.display_phone_number,
            "verified_name": number.verified_name,
            "name_status": number.name_status,
            "new_display_name": number.new_display_name,
            "new_name_status": number.new_name_status,
            "code_verification_status": number.code_verification_status,
            "quality_rating": number.quality_rating,
            "quality_score": {"score": number.quality_rating},
            "status": status(number),
            "account_mode": number.account_mode,
            "platform_type": if number.registered { "CLOUD_API" } else { "NOT_APPLICABLE" },
            "throughput": {"level": if number.registered { number.throughput.as_str() } else { "NOT_APPLICABLE" }},
            "messaging_limit_tier": number.messaging_limit,
            "whatsapp_business_manager_messaging_limit": number.messaging_limit,
            "is_pin_enabled": number.pin.is_some(),
            "is_on_biz_app": number.is_on_biz_app,
            "is_official_business_account": number.is_official_business_account,
            "official_business_account": {"oba_status": if number.is_official_business_account { "APPROVED" } else { "NOT_STARTED" }},
            "health_status": health::of_number(world, number),
            "conversational_automation": settings::automation(world, &number.id),
            "webhook_configuration": webhooks(world, number),
            "last_onboarded_time": onboarded.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string(),
            "certificate": Value::Null,
            "new_certificate": Value::Null,
            "is_preverified_number": false,
            "eligibility_for_api_business_global_search": "NON_ELIGIBLE_VERIFIED_LEVEL",
            "search_visibility": number.search_visibility,
            "country_code": world.wabas.get(&number.waba_id).map(|waba| waba.country.clone()),
            "country_dial_code": number.display_phone_number.trim_start_matches('+').split(' ').next(),
            "username": number.username,
        }),
    )
}

/// What a number's `status` is: nothing is connected before it is registered.
pub(crate) fn status(number: &Number) -> &str {
    match (number.registered, number.code_verification_status.as_str()) {
        (true, _) => &number.status,
        (false, "VERIFIED") if number.pin.is_some() => "DISCONNECTED",
        (false, "VERIFIED") => "PENDING",
        (false, _) => "UNVERIFIED",
    }
}

fn webhooks(world: &World, number: &Number) -> Value {
    let subscription = world.wabas.get(&number.waba_id).and_then(|waba| waba.subscription.as_ref());
    let targets = [
        ("phone_number", number.override_callback_uri.as_ref()),
        (
            "whatsapp_business_account",
            subscription.and_then(|subscription| subscription.override_callback_uri.as_ref()),
        ),
        ("application", Some(&world.app.callback_url)),
    ];
    let set = targets.into_iter().filter_map(|(level, url)| Some((level.to_owned(), Value::from(url?.clone()))));
    Value::Object(set.collect())
}
