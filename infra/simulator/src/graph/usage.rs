//! How much of Meta's hourly allowance a WABA has used, as its headers tell.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;

use super::{Call, GraphError, routes};
use crate::meta::Meta;
use crate::world::World;

const HOUR: i64 = 3600;
/// Calls per app, WABA and hour: an account with a registered number has the larger allowance.
const ALLOWANCE: i64 = 200;
const ACTIVE_ALLOWANCE: i64 = 5000;

/// Calls of this hour by WABA.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<HashMap<String, (i64, i64)>>);

impl Usage {
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn add(&self, waba: &str, now: i64, more: i64) -> i64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (hour, count) = counts.entry(waba.to_owned()).or_default();
        if *hour != now / HOUR {
            (*hour, *count) = (now / HOUR, 0);
        }
        *count += more;
        *count
    }
}

/// Counts a management call; refuses it only where the app is set to.
pub(crate) fn count(meta: &Meta, world: &World, waba: &str, call: &Call) -> Result<(), GraphError> {
    if is_messaging(call) {
        return Ok(());
    }
    let count = meta.usage.add(waba, call.now, 1);
    if world.app.enforce_usage && count > allowance(world, waba) {
        return Err(GraphError::of(80007).details("The WhatsApp Business Account has reached its rate limit."));
    }
    Ok(())
}

pub(crate) fn describe(meta: &Meta, call: &Call, headers: &mut HeaderMap) {
    let header = meta.read(|world| {
        let waba = call.segments.first().and_then(|id| routes::waba_of(world, id))?;
        let percent = (meta.usage.add(&waba, call.now, 0) * 100 / allowance(world, &waba)).min(100);
        let regain = if percent == 100 { (HOUR - call.now % HOUR) / 60 } else { 0 };
        let kind = if is_messaging(call) { "whatsapp" } else { "whatsapp_business_management" };
        Some(json!({waba: [{"type": kind, "call_count": percent, "total_cputime": 1, "total_time": 1,
            "estimated_time_to_regain_access": regain}]}))
    });
    let (name, value) = match header {
        Some(usage) => ("x-business-use-case-usage", usage),
        None => ("x-app-usage", json!({"call_count": 0, "total_cputime": 0, "total_time": 0})),
    };
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}

fn allowance(world: &World, waba: &str) -> i64 {
    if world.numbers_of(waba).any(|number| number.registered) { ACTIVE_ALLOWANCE } else { ALLOWANCE }
}

fn is_messaging(call: &Call) -> bool {
    let edge = call.segments.get(1).map(String::as_str);
    call.method == Method::POST && matches!(edge, Some("messages" | "media" | "register" | "deregister"))
}
