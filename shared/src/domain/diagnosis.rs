//! What the doctor says of an account: what was looked at, what is wrong with it, and who can mend it how.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::account::Severity;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    TokenValid,
    TokenAbilities,
    TokenExpiry,
    AppSubscribed,
    WebhookTarget,
    Registered,
    DisplayName,
    Quality,
    MessagingLimit,
    PaymentMethod,
    WabaStatus,
    NumberStatus,
    WebhookRecent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DiagnosisStatus")]
pub enum Overall {
    Healthy,
    Degraded,
    Unhealthy,
}

/// The call that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fix {
    pub method: &'static str,
    pub href: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: CheckName,
    /// None: it could not be found out.
    pub passed: Option<bool>,
    /// How bad it is, or would be.
    pub severity: Severity,
    pub detail: String,
    pub since: Option<Timestamp>,
    pub remedy: Option<String>,
    pub fix: Option<Fix>,
    /// Where at Meta's it is mended.
    pub link: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    pub checks: Vec<Check>,
}

impl Check {
    pub fn passed(name: CheckName, severity: Severity, detail: impl Into<String>) -> Self {
        Self::new(name, Some(true), severity, detail.into())
    }

    pub fn failed(name: CheckName, severity: Severity, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(name, Some(false), severity, detail.into()) }
    }

    pub fn unknown(name: CheckName, severity: Severity, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(name, None, severity, detail.into()) }
    }

    #[must_use]
    pub fn fixed_by(self, method: &'static str, href: String) -> Self {
        Self { fix: Some(Fix { method, href }), ..self }
    }

    #[must_use]
    pub fn at(self, link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..self }
    }

    fn new(name: CheckName, passed: Option<bool>, severity: Severity, detail: String) -> Self {
        Self { name, passed, severity, detail, since: None, remedy: None, fix: None, link: None }
    }
}

impl Diagnosis {
    /// Not knowing whether something vital works is not health either.
    pub fn status(&self) -> Overall {
        let is = |check: &Check, passed, severity| check.passed == passed && check.severity >= severity;
        if self.checks.iter().any(|check| is(check, Some(false), Severity::Critical)) {
            Overall::Unhealthy
        } else if self
            .checks
            .iter()
            .any(|check| is(check, Some(false), Severity::Warning) || is(check, None, Severity::Critical))
        {
            Overall::Degraded
        } else {
            Overall::Healthy
        }
    }

    pub fn check(&self, name: CheckName) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    pub fn has_failed(&self, name: CheckName) -> bool {
        self.check(name).is_some_and(|check| check.passed == Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(passed: Option<bool>, severity: Severity) -> Overall {
        let check = Check::new(CheckName::Quality, passed, severity, String::new());
        Diagnosis { checks: vec![Check::passed(CheckName::TokenValid, Severity::Critical, ""), check] }.status()
    }

    #[test]
    fn the_worst_check_decides_and_a_hint_does_not() {
        assert_eq!(status(Some(true), Severity::Critical), Overall::Healthy);
        assert_eq!(status(Some(false), Severity::Info), Overall::Healthy);
        assert_eq!(status(Some(false), Severity::Warning), Overall::Degraded);
        assert_eq!(status(Some(false), Severity::Critical), Overall::Unhealthy);
    }

    #[test]
    fn not_knowing_what_is_vital_is_not_health() {
        assert_eq!(status(None, Severity::Warning), Overall::Healthy);
        assert_eq!(status(None, Severity::Critical), Overall::Degraded);
    }
}
