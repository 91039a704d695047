//! What Meta tells when it changes something about a number or a WABA.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::webhooks::{self, Event};
use crate::world::{Number, Waba, World};

pub(super) fn tell(world: &mut World, before: &Number, after: &Number, now_ms: i64) {
    let waba = after.waba_id.clone();
    let told = [quality(before, after), name(before, after), limit(before, after)];
    for (field, value) in told.into_iter().flatten() {
        webhooks::tell(world, now_ms, Event::of_waba(&waba, field, value));
    }
}

/// A WABA is disabled or comes back.
pub(super) fn tell_of_waba(world: &mut World, before: &Waba, after: &Waba, now_ms: i64) {
    if before.status == after.status {
        return;
    }
    let state = if after.status == "ACTIVE" { "REINSTATE" } else { "DISABLE" };
    let date = Timestamp::from_millisecond(now_ms).unwrap_or_default().strftime("%B %-d, %Y").to_string();
    let value = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state, "waba_ban_date": date}});
    webhooks::tell(world, now_ms, Event::of_waba(&after.id, "account_update", value));
}

fn quality(before: &Number, after: &Number) -> Option<(&'static str, Value)> {
    if before.quality_rating == after.quality_rating && before.throughput == after.throughput {
        return None;
    }
    let event = match (before.throughput == after.throughput, after.quality_rating.as_str()) {
        (false, _) => "THROUGHPUT_UPGRADE",
        (true, "RED") => "FLAGGED",
        (true, _) => "UNFLAGGED",
    };
    let limit = &after.messaging_limit;
    Some((
        "phone_number_quality_update",
        json!({"display_phone_number": after.phone, "event": event,
        "current_limit": limit, "max_daily_conversations_per_business": limit}),
    ))
}

/// The verdict on a name: the one the number has, or the one that was asked for.
fn name(before: &Number, after: &Number) -> Option<(&'static str, Value)> {
    let asked = after.new_display_name.as_ref().filter(|_| before.new_name_status != after.new_name_status);
    let (requested, status) = match asked {
        Some(asked) => (asked, &after.new_name_status),
        None if before.verified_name == after.verified_name && before.name_status == after.name_status => return None,
        None => (&after.verified_name, &after.name_status),
    };
    let (decision, reason) = match status.as_str() {
        "DECLINED" => ("REJECTED", Value::from("NAME_NOT_CONSISTENT_WITH_BRANDING")),
        "PENDING_REVIEW" => ("PENDING", Value::Null),
        _ => ("APPROVED", Value::Null),
    };
    let told = json!({"display_phone_number": after.phone, "decision": decision, "requested_verified_name": requested,
        "rejection_reason": reason});
    Some(("phone_number_name_update", told))
}

fn limit(before: &Number, after: &Number) -> Option<(&'static str, Value)> {
    if before.messaging_limit == after.messaging_limit {
        return None;
    }
    Some((
        "business_capability_update",
        json!({"max_daily_conversations_per_business": after.messaging_limit,
        "max_phone_numbers_per_business": 20, "max_phone_numbers_per_waba": 20}),
    ))
}
