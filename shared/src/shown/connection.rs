//! A connection as every call that answers with one shows it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    connection::{
        ActionType, AttemptStep, AutoSelect, ConnectedTo, Connection, Found, Method, Number, NumberState, NumberStep,
        Obstacle, Progress, Setback, Status, Step, StepName,
    },
    connection_id::ConnectionId,
    meta_id::{PhoneNumberId, WabaId},
    time::rfc3339,
};

/// One attempt to connect numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConnectionBody {
    id: ConnectionId,
    provider: &'static str,
    method: Method,
    status: Status,
    /// Open it in the browser of whoever owns the numbers; it is also the link to mail. Null once the connection is over.
    start_url: Option<String>,
    /// What Meta's popup needs.
    embedded_signup: Option<EmbeddedSignup>,
    return_url: Option<String>,
    external_id: Option<String>,
    expected_phone_number_id: Option<PhoneNumberId>,
    coexistence: bool,
    auto_select: AutoSelect,
    steps: Vec<StepBody<AttemptStep>>,
    numbers: Vec<NumberBody>,
    next_action: Option<NextActionBody>,
    error: Option<ErrorBody>,
    account_ids: Vec<PhoneNumberId>,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EmbeddedSignup {
    pub app_id: String,
    pub config_id: String,
    pub graph_version: String,
    /// Send it with the code.
    pub nonce: String,
}

/// What lets its bearer begin at Meta: made when it is shown to whoever may, and kept nowhere.
#[derive(Debug, Default)]
pub struct Opening {
    pub start_url: Option<String>,
    pub embedded_signup: Option<EmbeddedSignup>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StepBody<Name> {
    name: Name,
    status: Progress,
    attempts: u32,
    #[schemars(extend("format" = "date-time"))]
    at: Option<String>,
    error: Option<StepErrorBody>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StepErrorBody {
    code: Obstacle,
    remedy: &'static str,
}

/// One number, as Meta shows it and as far as it has come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NumberBody {
    #[serde(flatten)]
    row: NumberRow,
    state: NumberState,
    steps: Vec<StepBody<NumberStep>>,
    error: Option<ErrorBody>,
}

/// A number that the permission given reaches.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NumberRow {
    waba: WabaBody,
    phone_number_id: PhoneNumberId,
    display_phone_number: Option<String>,
    verified_name: Option<String>,
    quality_rating: Option<String>,
    code_verification_status: Option<String>,
    is_on_biz_app: bool,
    status: Option<String>,
    /// Null: nobody's here. Another tenant is never named.
    connected_to: Option<ConnectedTo>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WabaBody {
    id: WabaId,
    name: Option<String>,
    currency: Option<String>,
    timezone_id: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NextActionBody {
    #[serde(rename = "type")]
    kind: ActionType,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_id: Option<PhoneNumberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    text: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ErrorBody {
    code: Obstacle,
    detail: String,
    remedy: &'static str,
    step: Option<StepName>,
}

impl ConnectionBody {
    pub fn of(connection: &Connection, opening: Opening, now: Timestamp) -> Self {
        let Opening { start_url, embedded_signup } = opening;
        let next_action = connection.next_action(now).map(|action| NextActionBody {
            url: match action.kind {
                ActionType::OpenStartUrl => start_url.clone(),
                _ => action.url.map(str::to_owned),
            },
            kind: action.kind,
            phone_number_id: action.phone_number_id,
            text: action.text,
        });
        Self {
            id: connection.id.clone(),
            provider: "meta",
            method: connection.method,
            status: connection.status_at(now),
            start_url,
            embedded_signup,
            return_url: connection.return_url.as_ref().map(ToString::to_string),
            external_id: connection.external_id.clone(),
            expected_phone_number_id: connection.expected.clone(),
            coexistence: connection.coexistence,
            auto_select: connection.auto_select,
            steps: connection.steps.iter().map(StepBody::of).collect(),
            numbers: connection.numbers.iter().map(NumberBody::of).collect(),
            next_action,
            error: connection.setback.as_ref().map(ErrorBody::of),
            account_ids: connection.connected().cloned().collect(),
            created_at: rfc3339(connection.created_at),
            updated_at: rfc3339(connection.updated_at),
            expires_at: rfc3339(connection.expires_at),
        }
    }
}

impl<Name: Copy> StepBody<Name> {
    fn of(step: &Step<Name>) -> Self {
        Self {
            name: step.name,
            status: step.status,
            attempts: step.attempts,
            at: step.at.map(rfc3339),
            error: step.error.map(|code| StepErrorBody { code, remedy: code.remedy() }),
        }
    }
}

impl NumberBody {
    fn of(number: &Number) -> Self {
        Self {
            row: NumberRow::of(&number.found),
            state: number.state,
            steps: number.steps.iter().map(StepBody::of).collect(),
            error: number.setback.as_ref().map(ErrorBody::of),
        }
    }
}

impl NumberRow {
    pub fn of(found: &Found) -> Self {
        Self {
            waba: WabaBody {
                id: found.waba.id.clone(),
                name: found.waba.name.clone(),
                currency: found.waba.currency.clone(),
                timezone_id: found.waba.timezone_id.clone(),
            },
            phone_number_id: found.phone_number_id.clone(),
            display_phone_number: found.display_phone_number.clone(),
            verified_name: found.verified_name.clone(),
            quality_rating: found.quality_rating.clone(),
            code_verification_status: found.code_verification_status.clone(),
            is_on_biz_app: found.is_on_biz_app,
            status: found.status.clone(),
            connected_to: (found.connected_to != ConnectedTo::Nobody).then_some(found.connected_to),
        }
    }
}

impl ErrorBody {
    fn of(setback: &Setback) -> Self {
        Self { code: setback.obstacle, detail: setback.detail.clone(), remedy: setback.remedy(), step: setback.step }
    }
}
