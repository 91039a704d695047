//! One attempt to connect numbers: its state, what may happen to it, and what is to be done next.
//!
//! Everything here is a rule about values. `flow/connect` does what `work` says, and settles what came of it.

mod next;
mod number;
mod selection;
mod setback;
mod step;
mod work;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use next::{ActionType, NextAction};
pub use number::{ConnectedTo, Found, FoundWaba, HeldPin, Learned, Number, NumberOutcome, NumberState, Undo};
pub use selection::AutoSelect;
pub use setback::{Failure, Obstacle, Setback};
pub use step::{AttemptStep, NumberStep, Progress, Step, StepName};
pub use work::{AttemptOutcome, Inspected, Work};

use super::{
    connection_id::ConnectionId,
    meta_id::{PhoneNumberId, SubjectId, WabaId},
    return_url::ReturnUrl,
    sealed::{Binding, Sealed},
    tenant::TenantId,
};

/// How long an attempt lives.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How many numbers an attempt keeps; the rest of a larger account is listed live and chosen by id.
pub const KEPT_NUMBERS: usize = 250;
/// Whoever works on an attempt has it for so long, and longer with each step.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Permissions that wait for a confirmation; an older one gives way.
const PENDING: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The browser goes to Meta and comes back.
    Login,
    /// Meta's popup, or its dialog opened by the start URL.
    EmbeddedSignup,
    /// A token the operator has.
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Created,
    /// Somebody has gone to Meta.
    Opened,
    /// Meta has given its permission.
    Authorized,
    Connecting,
    /// Every chosen number is.
    Connected,
    /// Some of the chosen numbers are.
    Partial,
    Failed,
    Cancelled,
    Expired,
}

/// A token that somebody's permission gave, sealed for this attempt alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldToken {
    pub sealed: Sealed,
    pub sealed_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// Known once inspected.
    pub kind: Option<String>,
    pub subject: Option<SubjectId>,
    pub abilities: Vec<String>,
    /// The accounts it names, newest first.
    pub wabas: Vec<WabaId>,
}

/// A permission that counts for nothing until the one who asked for it confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// SHA-256 of the verifier, in hex.
    pub verifier: String,
    pub token: HeldToken,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub holder: String,
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub tenant: TenantId,
    pub method: Method,
    pub status: Status,
    pub return_url: Option<ReturnUrl>,
    pub external_id: Option<String>,
    pub expected: Option<PhoneNumberId>,
    pub coexistence: bool,
    pub auto_select: AutoSelect,
    /// Whoever comes back from Meta must be confirmed by whoever began.
    pub must_confirm: bool,
    pub steps: [Step<AttemptStep>; 3],
    pub numbers: Vec<Number>,
    pub setback: Option<Setback>,
    pub token: Option<HeldToken>,
    pub pending: Vec<Pending>,
    /// SHA-256 of the code being exchanged or exchanged last, in hex.
    pub code: Option<String>,
    /// What the popup told the page, verbatim; the last one.
    pub session_event: Option<Value>,
    /// What Meta's webhook told of the same permission (`PARTNER_ADDED`), verbatim: it comes without our popup, too.
    #[serde(default)]
    pub partner_event: Option<Value>,
    /// Accounts and numbers a browser or an operator named: where to look, never a proof.
    pub hinted_wabas: Vec<WabaId>,
    pub named: Vec<PhoneNumberId>,
    pub retry_at: Option<Timestamp>,
    /// Who is exchanging a code.
    pub exchange: Option<Lease>,
    /// Who is working on it.
    pub lease: Option<Lease>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What one asks for.
#[derive(Debug, Clone)]
pub struct Order {
    pub method: Method,
    pub return_url: Option<ReturnUrl>,
    pub external_id: Option<String>,
    pub expected: Option<PhoneNumberId>,
    pub coexistence: bool,
    pub auto_select: AutoSelect,
    pub must_confirm: bool,
    pub hinted_wabas: Vec<WabaId>,
    pub named: Vec<PhoneNumberId>,
}

/// Why an action is not possible as things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the connection has ended")]
    Over,
    #[error("the connection waits for its confirmation")]
    Unconfirmed,
    #[error("this is not the verifier of a permission that waits")]
    WrongVerifier,
    #[error("nobody has given permission yet")]
    NotAuthorized,
    #[error("somebody else is working on this connection")]
    Busy,
    #[error("this number is not part of the connection")]
    UnknownNumber,
    #[error("the connection is for another number")]
    OtherNumber,
}

impl Connection {
    pub fn new(id: ConnectionId, tenant: TenantId, order: Order, now: Timestamp) -> Self {
        Self {
            id,
            tenant,
            method: order.method,
            status: Status::Created,
            return_url: order.return_url,
            external_id: order.external_id,
            expected: order.expected,
            coexistence: order.coexistence,
            auto_select: order.auto_select,
            must_confirm: order.must_confirm,
            steps: step::attempt_steps(),
            numbers: Vec::new(),
            setback: None,
            token: None,
            pending: Vec::new(),
            code: None,
            session_event: None,
            partner_event: None,
            hinted_wabas: order.hinted_wabas,
            named: order.named,
            retry_at: None,
            exchange: None,
            lease: None,
            created_at: now,
            updated_at: now,
            expires_at: now + LIFETIME,
        }
    }

    /// Every ciphertext in it.
    pub fn sealed_mut(&mut self) -> Vec<&mut Sealed> {
        let tokens = self.token.iter_mut().chain(self.pending.iter_mut().map(|pending| &mut pending.token));
        let pins = self.numbers.iter_mut().filter_map(|number| number.pin.as_mut());
        tokens.map(|token| &mut token.sealed).chain(pins.map(|pin| &mut pin.sealed)).collect()
    }

    pub fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Connected | Status::Cancelled => self.status,
            _ if self.expires_at <= now => Status::Expired,
            status => status,
        }
    }

    /// Whether anything may still happen to it. `failed`, `partial` and even `connected` are no ends until it expires.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.status != Status::Cancelled
    }

    /// The same, for actions; somebody who gave up at Meta may come again, somebody who deleted the attempt may not.
    fn must_live(&self, now: Timestamp) -> Result<(), Refused> {
        let is_deleted = self.status == Status::Cancelled && self.setback.is_none();
        if now < self.expires_at && !is_deleted { Ok(()) } else { Err(Refused::Over) }
    }

    pub fn awaits_confirmation(&self) -> bool {
        self.token.is_none() && !self.pending.is_empty()
    }

    pub fn number(&self, id: &PhoneNumberId) -> Option<&Number> {
        self.numbers.iter().find(|number| number.id() == id)
    }

    fn number_mut(&mut self, id: &PhoneNumberId) -> Result<&mut Number, Refused> {
        self.numbers.iter_mut().find(|number| number.id() == id).ok_or(Refused::UnknownNumber)
    }

    pub fn connected(&self) -> impl Iterator<Item = &PhoneNumberId> {
        self.numbers.iter().filter(|number| number.state == NumberState::Connected).map(Number::id)
    }

    /// Whether somebody may go to Meta for it. Who must be confirmed needs a page to come back to.
    pub fn has_start(&self, now: Timestamp) -> bool {
        let can_return = !self.must_confirm || self.return_url.is_some();
        self.method != Method::Manual && can_return && self.must_live(now).is_ok()
    }

    /// What its token is bound to.
    pub fn token_binding(&self) -> Binding {
        Binding::ConnectionToken { tenant: self.tenant.clone(), connection: self.id.clone() }
    }

    /// Somebody goes to Meta, for the first time or again.
    pub fn open(&mut self, now: Timestamp) -> Result<(), Refused> {
        self.must_live(now)?;
        if matches!(self.status, Status::Created | Status::Cancelled)
            || (self.status == Status::Failed && self.token.is_none())
        {
            self.status = Status::Opened;
            self.setback = None;
        }
        Ok(())
    }

    /// Meta says that the person said no, or that something there went wrong.
    pub fn refused_at_meta(&mut self, obstacle: Obstacle, detail: &str, now: Timestamp) -> Result<(), Refused> {
        self.must_live(now)?;
        // A permission given earlier stands.
        if self.token.is_none() && self.pending.is_empty() {
            self.status = if obstacle == Obstacle::UserCancelled { Status::Cancelled } else { Status::Failed };
            self.setback = Some(Setback::at(AttemptStep::CodeExchanged, obstacle, detail));
        }
        Ok(())
    }

    /// A code is about to be exchanged. False: this one was taken before.
    pub fn begin_exchange(&mut self, code: &str, holder: &str, now: Timestamp) -> Result<bool, Refused> {
        self.must_live(now)?;
        if self.code.as_deref() == Some(code) {
            return Ok(false);
        }
        self.code = Some(code.to_owned());
        self.steps[0].begin(now);
        self.exchange = Some(Lease { holder: holder.to_owned(), until: now + LEASE });
        Ok(true)
    }

    /// A code became a token. Whoever works with an older one stops: their lease is gone.
    pub fn authorize(&mut self, token: HeldToken, verifier: Option<&str>, now: Timestamp) {
        self.steps[0].end(Progress::Done, now);
        self.exchange = None;
        self.setback = None;
        match verifier {
            Some(verifier) => {
                self.pending.truncate(PENDING - 1);
                self.pending.insert(0, Pending { verifier: verifier.to_owned(), token });
                if self.token.is_none() {
                    self.status = Status::Authorized;
                }
            }
            None => self.take(token),
        }
    }

    /// A code did not become a token.
    pub fn exchange_failed(&mut self, setback: Setback, now: Timestamp) {
        self.exchange = None;
        // Another visit's code did.
        if self.steps[0].is_over() {
            return;
        }
        self.steps[0].fail(Progress::Failed, setback.obstacle, now);
        if self.token.is_none() && self.pending.is_empty() {
            self.status = Status::Failed;
            self.setback = Some(setback);
        }
    }

    /// The one who began says that the permission is theirs.
    pub fn confirm(&mut self, verifier: &str, now: Timestamp) -> Result<(), Refused> {
        self.must_live(now)?;
        let place = self.pending.iter().position(|pending| pending.verifier == verifier);
        let Some(place) = place else {
            // The same confirmation again.
            return if self.token.is_some() && self.confirmed(verifier) { Ok(()) } else { Err(Refused::WrongVerifier) };
        };
        let pending = self.pending.swap_remove(place);
        self.pending.clear();
        self.code = Some(confirmed_mark(verifier));
        self.take(pending.token);
        Ok(())
    }

    fn confirmed(&self, verifier: &str) -> bool {
        self.code.as_deref() == Some(&confirmed_mark(verifier))
    }

    fn take(&mut self, token: HeldToken) {
        self.token = Some(token);
        self.lease = None;
        self.status = Status::Authorized;
        self.setback = None;
        self.retry_at = None;
        self.steps[1].reset();
        self.steps[2].reset();
        for number in &mut self.numbers {
            match number.state {
                // With the new token everything is proved anew.
                NumberState::Connecting => number.choose(),
                NumberState::Failed => number.state = NumberState::Available,
                NumberState::Available | NumberState::Connected => {}
            }
        }
    }

    /// The numbers to connect are named. The ids must be among `numbers`.
    pub fn choose(&mut self, ids: &[PhoneNumberId], now: Timestamp) -> Result<(), Refused> {
        self.must_have_token(now)?;
        if self.expected.as_ref().is_some_and(|expected| ids.iter().any(|id| id != expected)) {
            return Err(Refused::OtherNumber);
        }
        for id in ids {
            let number = self.number_mut(id)?;
            if matches!(number.state, NumberState::Available | NumberState::Failed) {
                number.choose();
            }
        }
        self.conclude();
        Ok(())
    }

    /// What failed or waits is tried again now: one number, or all.
    pub fn resume(&mut self, only: Option<&PhoneNumberId>, now: Timestamp) -> Result<(), Refused> {
        self.must_have_token(now)?;
        self.retry_at = None;
        for step in &mut self.steps[1..] {
            if !step.is_over() {
                step.reset();
            }
        }
        if let Some(only) = only {
            self.number_mut(only)?;
        }
        for number in self.numbers.iter_mut().filter(|number| only.is_none_or(|only| number.id() == only)) {
            match number.state {
                NumberState::Failed => number.choose(),
                NumberState::Connecting => number.retry_at = None,
                NumberState::Available | NumberState::Connected => {}
            }
        }
        if self.setback.is_some() {
            self.setback = None;
            self.status = Status::Authorized;
        }
        self.conclude();
        Ok(())
    }

    /// The owner's PIN for a number.
    pub fn give_pin(&mut self, id: &PhoneNumberId, pin: HeldPin, now: Timestamp) -> Result<(), Refused> {
        self.must_have_token(now)?;
        let number = self.number_mut(id)?;
        // Said again after all was done: an attempt keeps no secret that it does not need.
        if number.state != NumberState::Connected {
            number.pin = Some(pin);
        }
        Ok(())
    }

    /// Somebody has proved that the number is theirs: it is tried again.
    pub fn verified(&mut self, id: &PhoneNumberId, now: Timestamp) -> Result<(), Refused> {
        let number = self.number_mut(id)?;
        number.found.code_verification_status = Some("VERIFIED".to_owned());
        if number.state == NumberState::Failed { self.resume(Some(id), now) } else { Ok(()) }
    }

    /// Whoever gave the permission takes it back: what was given before then goes. Says whether there was anything.
    pub fn forget_subject(&mut self, subject: &SubjectId, issued_at: Timestamp, now: Timestamp) -> bool {
        let is_meant = |token: &HeldToken| token.subject.as_ref() == Some(subject) && token.sealed_at < issued_at;
        if !self.token.as_ref().is_some_and(is_meant) {
            return false;
        }
        self.token = None;
        self.lease = None;
        let withdrawn =
            || Setback::at(AttemptStep::TokenInspected, Obstacle::TokenInvalid, "the permission was withdrawn");
        for number in &mut self.numbers {
            if number.state == NumberState::Connecting {
                number.state = NumberState::Failed;
                number.setback = Some(withdrawn());
                number.retry_at = Some(now);
                number.leave();
            }
        }
        self.conclude();
        if self.status != Status::Connected {
            self.status = Status::Failed;
            self.setback = Some(withdrawn());
        }
        true
    }

    /// The browser's account of what happened in Meta's popup.
    pub fn heard(&mut self, event: Value, hint: Hint, now: Timestamp) -> Result<(), Refused> {
        self.must_live(now)?;
        self.session_event = Some(event);
        match hint {
            Hint::Finished { wabas, numbers } => {
                self.hinted_wabas = wabas;
                self.named = numbers;
                // It may come after the code: what was waiting for a choice has one now.
                if self.numbers.iter().all(|number| number.state == NumberState::Available) {
                    self.steps[2].reset();
                }
                Ok(())
            }
            Hint::Abandoned { at } => self.refused_at_meta(
                Obstacle::UserCancelled,
                &at.map_or_else(
                    || "Meta's window was closed".to_owned(),
                    |at| format!("Meta's window was closed at {at}"),
                ),
                now,
            ),
            Hint::Failed => self.refused_at_meta(Obstacle::MetaRefused, "Meta's window ended with an error", now),
        }
    }

    /// It ends here: nothing more is begun, what was begun is undone, and its tokens go.
    pub fn cancel(&mut self, now: Timestamp) {
        if self.status == Status::Cancelled && self.setback.is_none() {
            return;
        }
        self.status = Status::Cancelled;
        self.setback = None;
        self.abandon(now);
    }

    /// Its time is over.
    pub fn expire(&mut self, now: Timestamp) {
        if !matches!(self.status, Status::Connected | Status::Cancelled) {
            self.status = Status::Expired;
        }
        self.abandon(now);
    }

    fn abandon(&mut self, now: Timestamp) {
        self.pending.clear();
        for number in &mut self.numbers {
            if matches!(number.state, NumberState::Connecting | NumberState::Failed) {
                number.state = NumberState::Failed;
                number.retry_at = Some(now);
                number.leave();
            }
        }
        self.forget_when_done();
    }

    /// The token goes once nothing is left to undo with it.
    fn forget_when_done(&mut self) {
        if !self.numbers.iter().any(|number| number.is_leaving) {
            self.token = None;
            self.numbers.iter_mut().for_each(|number| number.pin = None);
        }
    }

    fn must_have_token(&self, now: Timestamp) -> Result<(), Refused> {
        self.must_live(now)?;
        if self.awaits_confirmation() {
            return Err(Refused::Unconfirmed);
        }
        if self.token.is_none() { Err(Refused::NotAuthorized) } else { Ok(()) }
    }

    /// Whether its numbers may be shown.
    pub fn may_show_numbers(&self, now: Timestamp) -> Result<(), Refused> {
        self.must_have_token(now)
    }

    fn hold(&mut self, holder: &str, now: Timestamp) {
        self.lease = Some(Lease { holder: holder.to_owned(), until: now + LEASE });
    }

    /// The status that the chosen numbers make.
    fn conclude(&mut self) {
        let count = |state| self.numbers.iter().filter(|number| number.state == state).count();
        let (connecting, connected, failed) =
            (count(NumberState::Connecting), count(NumberState::Connected), count(NumberState::Failed));
        if connecting > 0 {
            self.status = Status::Connecting;
        } else if connected + failed > 0 && self.setback.is_none() && self.steps[2].is_over() {
            self.status = match (connected, failed) {
                (_, 0) => Status::Connected,
                (0, _) => Status::Failed,
                _ => Status::Partial,
            };
        }
    }
}

/// What a session event says, read leniently: what a browser tells is a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    Finished { wabas: Vec<WabaId>, numbers: Vec<PhoneNumberId> },
    Abandoned { at: Option<String> },
    Failed,
}

impl Hint {
    /// Success is told by its prefix: Meta adds variants.
    pub fn read(event: &Value) -> Self {
        let data = &event["data"];
        let id = |name: &str| match &data[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match event["event"].as_str() {
            Some(name) if name.starts_with("FINISH") => {
                let listed = data["waba_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let wabas = id("waba_id").into_iter().chain(listed.map(str::to_owned));
                Self::Finished {
                    wabas: wabas.filter_map(|id| id.parse().ok()).collect(),
                    numbers: id("phone_number_id").and_then(|id| id.parse().ok()).into_iter().collect(),
                }
            }
            Some("CANCEL") if data["error_message"].is_null() => {
                let is_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
                let at = data["current_step"].as_str().filter(|step| step.len() <= 64 && step.bytes().all(is_name));
                Self::Abandoned { at: at.map(str::to_owned) }
            }
            _ => Self::Failed,
        }
    }
}

/// Kept where the code's hash was, so that a repeated confirmation is known.
fn confirmed_mark(verifier: &str) -> String {
    format!("confirmed {verifier}")
}
