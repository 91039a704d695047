//! Proving that a number is one's own: a code by SMS or voice, and the code back.

use super::of;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::world::Verification;

/// The code every number is sent; a code that was not asked for, is old or was guessed at too often is still refused.
const CODE: &str = "123456";

/// Seconds a code is good for.
const CODE_LIFE: i64 = 600;
/// Seconds before another code may be asked for.
const PAUSE: i64 = 60;
const GUESSES: u32 = 5;

/// `POST /{number}/request_code`.
pub(crate) fn request_code(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let method = call.params.required("code_method")?;
    if !["SMS", "VOICE"].contains(&method.as_str()) {
        return Err(GraphError::invalid("Param code_method must be one of {SMS, VOICE}"));
    }
    call.params.required("language")?;
    meta.change(|world| {
        let number = of(world, call, id)?;
        if number.code_verification_status == "VERIFIED" {
            return Err(GraphError::of(136024).details("The phone number is already verified."));
        }
        if number.verification.as_ref().is_some_and(|sent| call.now - sent.sent_at < PAUSE) {
            return Err(GraphError::of(136024).details("A code was sent a moment ago. Try again after some time."));
        }
        number.verification = Some(Verification { sent_at: call.now, wrong_guesses: 0 });
        Ok(Answer::success())
    })
}

/// `POST /{number}/verify_code`.
pub(crate) fn verify_code(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let code = call.params.required("code")?.replace('-', "");
    meta.change(|world| {
        let number = of(world, call, id)?;
        let refused = |why: &str| Err(GraphError::of(136025).details(why));
        let Some(sent) = &mut number.verification else { return refused("No code was requested.") };
        if call.now - sent.sent_at > CODE_LIFE {
            return refused("The code has expired. Request another one.");
        }
        if sent.wrong_guesses >= GUESSES {
            return refused("Too many wrong codes. Request another one.");
        }
        if code != CODE {
            sent.wrong_guesses += 1;
            return refused("The code is not correct.");
        }
        number.verification = None;
        number.code_verification_status = "VERIFIED".into();
        Ok(Answer::success())
    })
}
