//! Why an attempt to connect, or one number of it, did not get on: a stable code, and what a person can do.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::{AttemptStep, NumberStep, StepName};

macro_rules! obstacles {
    ($($name:ident $code:literal $remedy:literal)+) => {
        /// What stands in the way.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum Obstacle {
            $(#[serde(rename = $code)] $name,)+
        }

        impl Obstacle {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// One sentence the owner of a shop can act on.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy),+ }
            }
        }
    };
}

obstacles! {
    UserCancelled "user_cancelled"
        "You stopped at Meta before the end; open the link again and go through to the last page."
    CodeExpired "code_expired"
        "Meta's permission came too late; open the link again, it takes effect at once this time."
    CodeUsed "code_used"
        "Meta's permission was used already; open the link again to give a new one."
    RedirectUriMismatch "redirect_uri_mismatch"
        "The operator must enter this service's callback address at Meta, letter for letter (Facebook Login, Settings, the list of valid redirect addresses)."
    TokenInvalid "token_invalid"
        "The permission given is not valid for this app any more; open the link again and allow access."
    TokenMissingAbility "token_missing_ability"
        "Open the link again as an administrator of the WhatsApp account, and allow everything Meta asks for."
    NoBusinessAccount "no_business_account"
        "No WhatsApp account was shared; open the link again and choose or create one."
    NoPhoneNumber "no_phone_number"
        "The WhatsApp account has no phone number yet; add one in WhatsApp Manager, then continue."
    NumberNotInWaba "number_not_in_waba"
        "This number is not in the WhatsApp account that was shared; open the link again and choose its account."
    NumberMismatch "number_mismatch"
        "Another number was expected; open the link again and choose the account of the number you want to connect again."
    NumberTaken "number_taken"
        "This number is connected elsewhere; it must be disconnected there first."
    NumberUnverified "number_unverified"
        "Prove that the number is yours: ask for a code by SMS or call, and enter it."
    PinRequired "pin_required"
        "The number has a two-step verification PIN; enter it, or reset it in WhatsApp Manager."
    PinBlocked "pin_blocked"
        "Too many wrong PINs were tried; wait some hours, then enter the right one."
    RegisterLimit "register_limit"
        "Meta allows ten registrations of a number in 72 hours; try again after that."
    AppNotApproved "app_not_approved"
        "The operator's Meta app is not approved for this yet; the operator finds the missing permission under App Review."
    MetaAppNotConfigured "meta_app_not_configured"
        "The operator must enter the Meta app's id and secret first."
    AccountRestricted "account_restricted"
        "Meta has restricted this account; look at Account Quality in WhatsApp Manager and ask for a review."
    MetaRefused "meta_refused"
        "Meta refused this; try once more, and give the operator the code shown if it stays so."
    MetaUnavailable "meta_unavailable"
        "Meta did not answer; this continues by itself, or continue it now."
    ConfirmationRequired "confirmation_required"
        "Go back to the dashboard that sent you here and confirm the connection there."
    NonceMismatch "nonce_mismatch"
        "Reload the page and start again: this answer belongs to another attempt."
}

/// An obstacle where it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setback {
    pub obstacle: Obstacle,
    /// What was seen, without names, tokens or Meta's sentences.
    pub detail: String,
    pub step: Option<StepName>,
}

impl Setback {
    pub fn at(step: impl Into<StepName>, obstacle: Obstacle, detail: impl Into<String>) -> Self {
        Self { obstacle, detail: detail.into(), step: Some(step.into()) }
    }

    /// Whether only another visit to Meta helps: a code that was not exchanged is lost.
    pub(super) fn needs_another_code(&self) -> bool {
        self.step == Some(StepName::Attempt(AttemptStep::CodeExchanged))
    }

    pub fn remedy(&self) -> &'static str {
        if self.obstacle == Obstacle::MetaUnavailable && self.needs_another_code() {
            return "Meta did not answer in time; open the link again.";
        }
        self.obstacle.remedy()
    }
}

/// How an effect ended that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The same again may succeed later.
    Temporary(Setback),
    /// Only a person can change it.
    Lasting(Setback),
}

impl Failure {
    pub fn setback(&self) -> &Setback {
        match self {
            Self::Temporary(setback) | Self::Lasting(setback) => setback,
        }
    }
}

/// How long to wait before an attempt, by how many there have been; none: no more by itself.
pub(super) fn wait_after(attempts: u32) -> Option<SignedDuration> {
    const WAITS: [i64; 8] = [2, 10, 60, 120, 300, 600, 1800, 3600];
    WAITS.get(usize::try_from(attempts).ok()?.checked_sub(1)?).copied().map(SignedDuration::from_secs)
}

impl From<NumberStep> for StepName {
    fn from(step: NumberStep) -> Self {
        Self::Number(step)
    }
}
