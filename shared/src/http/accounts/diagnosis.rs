//! `GET …/diagnosis` and `POST …/repair`: what is wrong with a number, and mending what can be mended.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Id};
use crate::{
    Result,
    domain::{
        account::Severity,
        diagnosis::{Check, CheckName, Diagnosis, Fix, Overall},
        time::rfc3339,
    },
    http::{base_url::BaseUrl, caller::Caller, query::Parameters},
};

/// What was looked at, at Meta and here.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosisBody {
    status: Overall,
    checks: Vec<CheckBody>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Check")]
struct CheckBody {
    name: CheckName,
    /// Null: it could not be found out.
    passed: Option<bool>,
    severity: Severity,
    detail: String,
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Fix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Json<DiagnosisBody>> {
    let account = context.own(&caller, &id).await?;
    parameters.finish()?;
    let diagnosis = context.diagnose.diagnose(&account, &base.webhooks()).await?;
    Ok(Json(DiagnosisBody::of(diagnosis)))
}

pub(super) async fn repair(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
) -> Result<Json<DiagnosisBody>> {
    let account = context.own(&caller, &id).await?;
    caller.call.concerns(id.as_str(), None);
    let diagnosis = context.diagnose.repair(&account, &base.webhooks()).await?;
    Ok(Json(DiagnosisBody::of(diagnosis)))
}

impl DiagnosisBody {
    fn of(diagnosis: Diagnosis) -> Self {
        Self { status: diagnosis.status(), checks: diagnosis.checks.into_iter().map(CheckBody::of).collect() }
    }
}

impl CheckBody {
    fn of(check: Check) -> Self {
        Self {
            name: check.name,
            passed: check.passed,
            severity: check.severity,
            detail: check.detail,
            since: check.since.map(rfc3339),
            remedy: check.remedy,
            fix: check.fix,
            link: check.link,
        }
    }
}
