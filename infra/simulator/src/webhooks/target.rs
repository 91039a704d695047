//! Where a webhook goes: a number's own address before its WABA's before the app's, and only to who subscribed.

use super::Event;
use crate::world::World;

/// The fields an override applies to; everything else always goes to the app.
const OVERRIDABLE: [&str; 14] = [
    "messages",
    "message_echoes",
    "calls",
    "consumer_profile",
    "messaging_handovers",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "account_settings_update",
    "standby",
];

/// The fields that only go to the app.
const ACCOUNT: [&str; 20] = [
    "account_alerts",
    "account_review_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_username_updates",
    "flows",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "template_category_update",
    "template_correct_category_detection",
    "tracking_events",
    "user_id_update",
    "user_preferences",
];

pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    OVERRIDABLE.into_iter().chain(ACCOUNT)
}

pub(crate) fn is_field(field: &str) -> bool {
    fields().any(|known| known == field)
}

/// Their entries carry no `time`.
pub(crate) fn is_messaging_family(field: &str) -> bool {
    OVERRIDABLE.contains(&field) || matches!(field, "user_preferences" | "automatic_events")
}

pub(super) fn url(world: &World, event: &Event<'_>) -> Option<String> {
    let app = &world.app;
    let listens = app.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == event.field));
    if !listens || app.callback_url.is_empty() {
        return None;
    }
    // Events of a portfolio (PARTNER_ADDED) need no subscription to a WABA.
    if world.businesses.contains(event.entry) {
        return Some(app.callback_url.clone());
    }
    let subscription = world.wabas.get(event.entry)?.subscription.as_ref()?;
    let own = event.number.and_then(|number| world.numbers.get(number)?.override_callback_uri.clone());
    let over = own.or_else(|| subscription.override_callback_uri.clone());
    over.filter(|_| OVERRIDABLE.contains(&event.field)).or_else(|| Some(app.callback_url.clone()))
}
