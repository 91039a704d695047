//! How a customer's permission is asked for, becomes a token, and what that token is.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    graph::{AppSession, Graph, META},
    wire::{self, Page},
};
use crate::domain::{
    meta_app::MetaApp,
    meta_error::{MetaError, Refusal},
    meta_id::{SubjectId, WabaId},
};

const DIALOG: &str = "https://www.facebook.com";
/// The permissions that are asked for, each given over WABAs.
const SCOPES: [&str; 2] = ["whatsapp_business_management", MESSAGING];
/// The ability to send, as Meta names it today. Where the name is missing, the ability is tried.
pub const MESSAGING: &str = "whatsapp_business_messaging";
/// The object of the app's webhook subscription.
const OBJECT: &str = "whatsapp_business_account";

/// A token that was given, and for how many seconds; without end where it does not say.
#[derive(Debug)]
pub struct Granted {
    pub token: SecretString,
    pub expires_in: Option<u64>,
}

/// What Meta says a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    pub app_id: Option<String>,
    pub is_valid: bool,
    pub kind: TokenKind,
    pub subject: Option<SubjectId>,
    /// None: it never does.
    pub expires_at: Option<Timestamp>,
    pub data_access_expires_at: Option<Timestamp>,
    pub issued_at: Option<Timestamp>,
    pub scopes: Vec<String>,
    /// The WABAs its WhatsApp permissions name, newest first.
    pub target_wabas: Vec<WabaId>,
    /// A WhatsApp permission that names none is given over all.
    pub targets_all: bool,
    pub error: Option<Refusal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind {
    User,
    SystemUser,
    Page,
    Unknown(String),
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::SystemUser => "system_user",
            Self::Page => "page",
            Self::Unknown(name) => name,
        })
    }
}

/// Where Meta sends the app's webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSubscription {
    pub callback_url: String,
    pub fields: Vec<String>,
    pub active: bool,
}

impl Graph {
    /// Where a customer is sent to say yes.
    pub fn dialog_url(&self, app: &MetaApp, redirect_uri: &str, state: &str, coexistence: bool) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("client_id", &app.id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state)
            .append_pair("response_type", "code")
            // Else a configuration for a system user's token answers with the token itself, in the fragment.
            .append_pair("override_default_response_type", "true");
        match &app.config_id {
            Some(config) => {
                let feature = if coexistence { "whatsapp_business_app_onboarding" } else { "" };
                let extras = json!({"setup": {}, "featureType": feature, "sessionInfoVersion": "3"});
                query.append_pair("config_id", config).append_pair("extras", &extras.to_string());
            }
            None => {
                query.append_pair("scope", &SCOPES.join(","));
            }
        }
        let base = if self.base == META { DIALOG } else { &self.base };
        format!("{base}/{}/dialog/oauth?{}", self.version, query.finish())
    }
}

impl AppSession<'_> {
    /// A code for a token: once, within 30 seconds. `redirect_uri` is the dialog's, none for a code from the popup.
    pub async fn exchange_code(&self, code: &SecretString, redirect_uri: Option<&str>) -> Result<Granted, MetaError> {
        let mut fields = vec![("code", code.expose_secret())];
        fields.extend(redirect_uri.map(|uri| ("redirect_uri", uri)));
        self.grant(&fields).await
    }

    /// A short token for one of 60 days, or such a one for its successor.
    pub async fn long_lived(&self, token: &SecretString) -> Result<Granted, MetaError> {
        self.grant(&[("grant_type", "fb_exchange_token"), ("fb_exchange_token", token.expose_secret())]).await
    }

    /// A token of a system user that ends, for one that begins its 60 days now.
    pub async fn renewed(&self, token: &SecretString) -> Result<Granted, MetaError> {
        let life = ("set_token_expires_in_60_days", "true");
        self.grant(&[("grant_type", "fb_exchange_token"), life, ("fb_exchange_token", token.expose_secret())]).await
    }

    async fn grant(&self, fields: &[(&'static str, &str)]) -> Result<Granted, MetaError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: SecretString,
            #[serde(default, deserialize_with = "wire::lenient")]
            expires_in: Option<u64>,
        }
        let granted: Result<Answer, _> = self.post("oauth/access_token", fields).await;
        // Here a 1 does not mean "try again": it is how Meta says that the app's secret is wrong.
        let granted = granted.map_err(|error| {
            blaming_the_app(error, |refusal| {
                refusal.code == 101 || (refusal.code == 1 && refusal.status == 400 && !refusal.is_transient)
            })
        })?;
        let expires_in = granted.expires_in.filter(|seconds| *seconds > 0);
        Ok(Granted { token: granted.access_token, expires_in })
    }

    /// What a token is, whoever made it. One that is dead or nobody's is an answer too: `is_valid` says so.
    pub async fn inspect(&self, token: &SecretString) -> Result<TokenFacts, MetaError> {
        #[derive(Deserialize)]
        struct Answer {
            data: Value,
        }
        let query = [("input_token", token.expose_secret())];
        let answer: Result<Answer, _> = self.get("debug_token", &query).await;
        let answer = answer.map_err(|error| blaming_the_app(error, is_of_the_app_token))?;
        TokenFacts::read(&answer.data).ok_or(MetaError::Unreadable)
    }

    /// Where the app's webhooks go; none where nothing was entered.
    pub async fn subscription(&self) -> Result<Option<AppSubscription>, MetaError> {
        let path = format!("{}/subscriptions", self.app.id);
        let page: Result<Page<Value>, _> = self.get(&path, &[]).await;
        let page = page.map_err(|error| blaming_the_app(error, is_of_the_app_token))?;
        Ok(page.data.iter().find(|row| row["object"] == OBJECT).and_then(AppSubscription::read))
    }
}

/// Only the app's own token was shown: whatever is wrong with a token is wrong with that.
fn is_of_the_app_token(refusal: &Refusal) -> bool {
    matches!(refusal.code, 101 | 190)
}

fn blaming_the_app(error: MetaError, is_its_fault: impl Fn(&Refusal) -> bool) -> MetaError {
    match error {
        MetaError::Refused(refusal) if is_its_fault(&refusal) => MetaError::AppRefused(refusal),
        other => other,
    }
}

impl TokenFacts {
    fn read(data: &Value) -> Option<Self> {
        let time = |name: &str| {
            let seconds = data[name].as_i64().filter(|seconds| *seconds > 0)?;
            Timestamp::from_second(seconds).ok()
        };
        let (target_wabas, targets_all) = targets(&data["granular_scopes"]);
        Some(Self {
            app_id: text(&data["app_id"]),
            is_valid: data["is_valid"].as_bool()?,
            kind: TokenKind::read(data["type"].as_str().unwrap_or_default()),
            subject: text(&data["user_id"]).and_then(|id| id.parse().ok()),
            expires_at: time("expires_at"),
            data_access_expires_at: time("data_access_expires_at"),
            issued_at: time("issued_at"),
            scopes: data["scopes"].as_array().into_iter().flatten().filter_map(text).collect(),
            target_wabas,
            targets_all,
            error: wire::read(200, &data["error"]),
        })
    }
}

/// The WABAs under those permissions, each once in the order given; and whether one of them names none.
fn targets(granular: &Value) -> (Vec<WabaId>, bool) {
    let (mut wabas, mut all) = (Vec::new(), false);
    for scope in granular.as_array().into_iter().flatten() {
        if !scope["scope"].as_str().is_some_and(|name| SCOPES.contains(&name)) {
            continue;
        }
        all |= scope["target_ids"].is_null();
        for id in scope["target_ids"].as_array().into_iter().flatten() {
            if let Some(id) = text(id).and_then(|id| id.parse().ok())
                && !wabas.contains(&id)
            {
                wabas.push(id);
            }
        }
    }
    (wabas, all)
}

impl TokenKind {
    fn read(kind: &str) -> Self {
        match kind {
            "USER" => Self::User,
            "SYSTEM_USER" => Self::SystemUser,
            "PAGE" => Self::Page,
            other => Self::Unknown(other.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "USER",
            Self::SystemUser => "SYSTEM_USER",
            Self::Page => "PAGE",
            Self::Unknown(kind) => kind,
        }
    }
}

impl AppSubscription {
    fn read(row: &Value) -> Option<Self> {
        // A field is `{name, version}`, in older answers its name alone.
        let name = |field: &Value| text(field).or_else(|| text(&field["name"]));
        Some(Self {
            callback_url: text(&row["callback_url"])?,
            fields: row["fields"].as_array().into_iter().flatten().filter_map(name).collect(),
            active: row["active"].as_bool().unwrap_or(true),
        })
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
