//! Registering a number on the Cloud API, under its two-step PIN, and taking it off again.

use super::of;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::world::Number;

/// Meta allows ten registrations and deregistrations of a number in 72 hours, then none for as long.
const CALLS_ALLOWED: usize = 10;
const WINDOW: i64 = 72 * 3600;

const REGIONS: [&str; 14] = ["AE", "AU", "BH", "BR", "CA", "CH", "DE", "GB", "ID", "IN", "JP", "KR", "SG", "ZA"];

/// `POST /{number}/register`. A number that has no PIN yet gets this one; one that has is asked for it.
pub(crate) fn register(meta: &Meta, call: &Call, id: &str) -> Outcome {
    call.params.require_whatsapp()?;
    let pin = call.params.required("pin")?;
    if !is_pin(&pin) {
        return Err(GraphError::invalid("Param pin must be a 6 digit number"));
    }
    if let Some(region) =
        call.params.text("data_localization_region").filter(|region| !REGIONS.contains(&region.as_str()))
    {
        return Err(GraphError::invalid(format!(
            "Param data_localization_region must be one of {REGIONS:?}, not {region}"
        )));
    }
    meta.change(|world| {
        let number = of(world, call, id)?;
        refuse_on_the_business_app(number)?;
        count(number, call.now)?;
        if number.code_verification_status != "VERIFIED" {
            return Err(GraphError::of(133006).details("Phone number needs to be verified before registering."));
        }
        match &number.pin {
            Some(right) if *right != pin => {
                return Err(GraphError::of(133005).details("Two step verification PIN mismatch"));
            }
            Some(_) => {}
            None => number.pin = Some(pin),
        }
        if let Some(name) = number.new_display_name.clone()
            && number.new_name_status == "APPROVED"
        {
            number.verified_name = name;
            number.new_display_name = None;
            number.new_name_status = "NONE".into();
        }
        number.registered = true;
        Ok(Answer::success())
    })
}

/// `POST /{number}/deregister`. Two-step verification stays on.
pub(crate) fn deregister(meta: &Meta, call: &Call, id: &str) -> Outcome {
    meta.change(|world| {
        let number = of(world, call, id)?;
        refuse_on_the_business_app(number)?;
        count(number, call.now)?;
        if !number.registered {
            return Err(GraphError::of(133010).details("The phone number is not registered on the Cloud API."));
        }
        number.registered = false;
        Ok(Answer::success())
    })
}

pub(super) fn is_pin(pin: &str) -> bool {
    pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit())
}

fn refuse_on_the_business_app(number: &Number) -> Result<(), GraphError> {
    if !number.is_on_biz_app {
        return Ok(());
    }
    Err(GraphError::invalid("This phone number is used with the WhatsApp Business app; it cannot be (de)registered."))
}

/// Every call counts, also one that is refused for its PIN.
fn count(number: &mut Number, now: i64) -> Result<(), GraphError> {
    number.register_calls.retain(|at| now - at < WINDOW);
    if number.register_calls.len() >= CALLS_ALLOWED && number.register_blocked_until <= now {
        number.register_blocked_until = now + WINDOW;
        number.register_calls.clear();
    }
    if number.register_blocked_until > now {
        let details = "Too many attempts to register or deregister this phone number; try again in 72 hours.";
        return Err(GraphError::of(133016).details(details));
    }
    number.register_calls.push(now);
    Ok(())
}
