//! What surrounds what is said: to whom, of what type, in answer to what, and how Patchbay is to send it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    check::{Part, filled, maybe_text, whole, word},
    kind::{self, Kind},
    recipient::Recipient,
};

/// How Patchbay is to send a message: not Meta's to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub on_unknown: OnUnknown,
    pub expires_in: SignedDuration,
    /// Free-form content outside the window too.
    pub force: bool,
}

/// What becomes of a message of which nobody can say whether Meta took it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It is never posted again.
    #[default]
    Unconfirmed,
    /// It may arrive twice.
    Resend,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            on_unknown: OnUnknown::default(),
            expires_in: SignedDuration::from_secs(DEFAULT_EXPIRES_IN),
            force: false,
        }
    }
}

/// What a body says beside its content.
pub(super) struct Envelope {
    pub(super) kind: Kind,
    pub(super) recipient: Option<Recipient>,
    pub(super) is_group: bool,
    pub(super) callback_data: Option<String>,
    pub(super) options: Options,
}

/// What stands in a body and is not kept in [`super::Outgoing::body`].
pub(super) const KEPT_ELSEWHERE: [&str; 8] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "biz_opaque_callback_data",
    "on_unknown",
    "expires_in",
    "force",
];

const DEFAULT_EXPIRES_IN: i64 = 86_400;
const LONGEST_EXPIRES_IN: i64 = 604_800;
const LONGEST_CALLBACK_DATA: usize = 512;
/// Seconds that Meta may take to deliver a direct send.
const DIRECT_SEND_LIFE: (u64, u64) = (30, 43_200);

impl Envelope {
    /// None: without a type nothing more can be said.
    pub(super) fn read(body: &Part<'_>) -> Option<Self> {
        for name in ["status", "typing_indicator"] {
            if body.get(name).is_some() {
                body.wrong_at(name, "is not sent as a message: use POST /v1/conversations/{id}/read");
                return None;
            }
        }
        body.may("messaging_product", word("whatsapp"));
        body.may("context", |context| context.need("message_id", filled));
        let callback_data = body.may("biz_opaque_callback_data", maybe_text(LONGEST_CALLBACK_DATA));
        let is_group = is_group(body);
        let recipient = Recipient::read(body, is_group.unwrap_or_default());
        let options = options(body);
        let kind = kind(body)?;
        let is_known = is_group.is_some() || recipient.is_some();
        if is_known && let Err(why) = kind.suits(is_group.unwrap_or_default()) {
            body.wrong_at("type", why);
        }
        direct_send(body, kind);
        Some(Self {
            kind,
            recipient,
            is_group: is_group.unwrap_or_default(),
            callback_data: callback_data.and_then(|data| data.scalar()),
            options,
        })
    }
}

/// None: it is not said, and then it is a person.
fn is_group(body: &Part<'_>) -> Option<bool> {
    let given = body.get("recipient_type")?;
    match given.text() {
        Some("individual") => Some(false),
        Some("group") => Some(true),
        _ => {
            given.wrong("must be individual or group");
            None
        }
    }
}

/// Meta takes what has no type for a text.
fn kind(body: &Part<'_>) -> Option<Kind> {
    let Some(given) = body.get("type") else {
        if body.get(Kind::Text.as_str()).is_none() {
            body.wrong_at("type", format!("is required: one of {}", kind::names()));
            return None;
        }
        return Some(Kind::Text);
    };
    let kind = given.text().and_then(Kind::named);
    if kind.is_none() {
        given.wrong(format!("must be one of {}", kind::names()));
    }
    kind
}

/// Content that Meta makes a template of.
fn direct_send(body: &Part<'_>, kind: Kind) {
    let Some(category) = body.get("category") else { return };
    if !matches!(category.text(), Some("utility" | "authentication")) {
        category.wrong("must be utility or authentication");
    }
    if !matches!(kind, Kind::Text | Kind::Interactive) {
        category.wrong("can be given with messages of type text or interactive only");
    }
    body.may("message_send_ttl_seconds", whole(DIRECT_SEND_LIFE.0, DIRECT_SEND_LIFE.1));
}

fn options(body: &Part<'_>) -> Options {
    let default = Options::default();
    let on_unknown = own(body, "on_unknown", "must be unconfirmed or resend", |value| match value.as_str() {
        Some("unconfirmed") => Some(OnUnknown::Unconfirmed),
        Some("resend") => Some(OnUnknown::Resend),
        _ => None,
    });
    let seconds = format!("must be a whole number of seconds from 1 to {LONGEST_EXPIRES_IN}");
    let expires_in = own(body, "expires_in", &seconds, |value| {
        value.as_i64().filter(|seconds| (1..=LONGEST_EXPIRES_IN).contains(seconds)).map(SignedDuration::from_secs)
    });
    let force = own(body, "force", "must be true or false", Value::as_bool);
    Options {
        on_unknown: on_unknown.unwrap_or(default.on_unknown),
        expires_in: expires_in.unwrap_or(default.expires_in),
        force: force.unwrap_or(default.force),
    }
}

/// A field of ours: what it is, where it is what it must be.
fn own<T>(body: &Part<'_>, name: &str, must: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let given = body.get(name)?;
    let read = read(given.value);
    if read.is_none() {
        given.wrong(must);
    }
    read
}
