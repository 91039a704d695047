//! What a person does next, derived from where an attempt stands.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Connection, NumberState, Obstacle, Setback, Status};
use crate::domain::meta_id::PhoneNumberId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionType {
    OpenStartUrl,
    Confirm,
    ChooseNumbers,
    Wait,
    Resume,
    ProvidePin,
    VerifyNumber,
    OpenUrl,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextAction {
    pub kind: ActionType,
    pub phone_number_id: Option<PhoneNumberId>,
    /// Where at Meta; the start URL is the edge's to know.
    pub url: Option<&'static str>,
    pub text: &'static str,
}

const WHATSAPP_MANAGER: &str = "https://business.facebook.com/wa/manage/phone-numbers/";

impl NextAction {
    fn new(kind: ActionType, text: &'static str) -> Self {
        Self { kind, phone_number_id: None, url: None, text }
    }
}

impl Connection {
    pub fn next_action(&self, now: Timestamp) -> Option<NextAction> {
        use ActionType as T;
        let is_logging_in = self.method != super::Method::Manual;
        match self.status_at(now) {
            Status::Connected | Status::Expired => None,
            Status::Cancelled if self.setback.is_none() => None,
            _ if self.awaits_confirmation() => {
                Some(NextAction::new(T::Confirm, Obstacle::ConfirmationRequired.remedy()))
            }
            Status::Created | Status::Opened | Status::Cancelled => {
                is_logging_in.then(|| NextAction::new(T::OpenStartUrl, "Open the link and allow access at Meta."))
            }
            Status::Authorized if self.steps[2].is_over() => {
                Some(NextAction::new(T::ChooseNumbers, "Choose the numbers to connect."))
            }
            Status::Authorized | Status::Connecting => {
                Some(self.of_numbers().unwrap_or_else(|| NextAction::new(T::Wait, "This continues by itself.")))
            }
            Status::Failed | Status::Partial => {
                self.of_numbers().or_else(|| self.setback.as_ref().and_then(|setback| self.after(setback, None)))
            }
        }
    }

    /// What the first number that cannot go on by itself needs.
    fn of_numbers(&self) -> Option<NextAction> {
        let mut stuck = self.numbers.iter().filter(|number| number.state == NumberState::Failed);
        stuck.find_map(|number| self.after(number.setback.as_ref()?, Some(number.id())))
    }

    fn after(&self, setback: &Setback, number: Option<&PhoneNumberId>) -> Option<NextAction> {
        use ActionType as T;
        use Obstacle as O;
        let kind = match setback.obstacle {
            _ if setback.needs_another_code() => T::OpenStartUrl,
            O::PinRequired | O::PinBlocked => T::ProvidePin,
            O::NumberUnverified => T::VerifyNumber,
            O::MetaUnavailable
            | O::RegisterLimit
            | O::MetaRefused
            | O::NumberTaken
            | O::MetaAppNotConfigured
            | O::AppNotApproved => T::Resume,
            O::NoPhoneNumber | O::AccountRestricted => T::OpenUrl,
            O::UserCancelled
            | O::CodeExpired
            | O::CodeUsed
            | O::RedirectUriMismatch
            | O::TokenInvalid
            | O::TokenMissingAbility
            | O::NoBusinessAccount
            | O::NumberNotInWaba
            | O::NumberMismatch
            | O::ConfirmationRequired
            | O::NonceMismatch => T::OpenStartUrl,
        };
        // Whoever brought the token has no link to open: they begin anew with another token.
        if kind == T::OpenStartUrl && self.method == super::Method::Manual {
            return None;
        }
        Some(NextAction {
            phone_number_id: number.cloned(),
            url: (kind == T::OpenUrl).then_some(WHATSAPP_MANAGER),
            ..NextAction::new(kind, setback.remedy())
        })
    }
}
