//! What Meta tells of its accounts and numbers. Its enums are open: a value nobody knows yet is kept as it was written.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::meta_id::{BusinessId, PhoneNumberId, WabaId};

/// An enum of Meta's that goes through JSON as the text Meta uses.
macro_rules! open_enum {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(from = "String", into = "String")]
        #[schemars(with = "String")]
        pub enum $name { $($variant,)+ Unknown(String) }

        impl $name {
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $text,)+ Self::Unknown(text) => text }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() { $($text => Self::$variant,)+ _ => Self::Unknown(text) }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum!(NameStatus {
    Approved = "APPROVED",
    AvailableWithoutReview = "AVAILABLE_WITHOUT_REVIEW",
    Declined = "DECLINED",
    Expired = "EXPIRED",
    PendingReview = "PENDING_REVIEW",
    None = "NONE",
});
open_enum!(CodeVerification {
    Verified = "VERIFIED",
    NotVerified = "NOT_VERIFIED",
    Expired = "EXPIRED",
    Unverified = "UNVERIFIED",
});
open_enum!(Quality { Green = "GREEN", Yellow = "YELLOW", Red = "RED" });
open_enum!(NumberStatus {
    Connected = "CONNECTED",
    Disconnected = "DISCONNECTED",
    Pending = "PENDING",
    Flagged = "FLAGGED",
    Restricted = "RESTRICTED",
    RateLimited = "RATE_LIMITED",
    Banned = "BANNED",
    Migrated = "MIGRATED",
    Deleted = "DELETED",
    Unverified = "UNVERIFIED",
});
open_enum!(Platform { CloudApi = "CLOUD_API", OnPremise = "ON_PREMISE", NotApplicable = "NOT_APPLICABLE" });
open_enum!(ReviewStatus {
    Approved = "APPROVED",
    Pending = "PENDING",
    Rejected = "REJECTED",
    Restricted = "RESTRICTED",
    LimitReached = "LIMIT_REACHED",
});
open_enum!(
    /// Whether messages can be sent, as Meta's own check sees it.
    CanSend { Available = "AVAILABLE", Limited = "LIMITED", Blocked = "BLOCKED" }
);

/// A WhatsApp Business Account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waba {
    pub id: WabaId,
    pub name: Option<String>,
    pub currency: Option<String>,
    pub timezone_id: Option<String>,
    pub business_id: Option<BusinessId>,
    pub account_review_status: Option<ReviewStatus>,
    pub status: Option<String>,
    /// Absent in an answer that is otherwise whole: nothing can be billed.
    pub primary_funding_id: Option<String>,
    pub health: Option<Health>,
}

/// A business phone number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    pub id: PhoneNumberId,
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
    pub name_status: Option<NameStatus>,
    pub code_verification_status: Option<CodeVerification>,
    pub quality_rating: Option<Quality>,
    pub status: Option<NumberStatus>,
    pub platform_type: Option<Platform>,
    pub is_on_biz_app: bool,
    pub is_pin_enabled: Option<bool>,
    pub throughput: Option<String>,
    pub messaging_limit: Option<String>,
    pub webhook_configuration: Option<serde_json::Value>,
    pub health: Option<Health>,
}

impl Number {
    /// Whether it is switched on for the Cloud API. One that Meta has restricted or banned still is.
    pub fn is_registered(&self) -> bool {
        use NumberStatus::{Deleted, Disconnected, Migrated, Pending, Unverified};
        self.platform_type == Some(Platform::CloudApi)
            && !matches!(self.status, Some(Deleted | Disconnected | Migrated | Pending | Unverified))
    }

    /// Whether somebody has proved that it is theirs. A proof that has expired since has served its purpose where
    /// the number is registered.
    pub fn is_verified(&self) -> bool {
        match &self.code_verification_status {
            Some(CodeVerification::Verified) => true,
            Some(CodeVerification::Expired) => self.is_registered(),
            _ => false,
        }
    }
}

/// What Meta's own check of an account or a number found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub can_send_message: CanSend,
    pub problems: Vec<HealthProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthProblem {
    /// `PHONE_NUMBER`, `WABA`, `BUSINESS`, `APP`.
    pub entity: String,
    pub can_send_message: CanSend,
    pub code: Option<i64>,
    pub description: Option<String>,
    pub solution: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_nobody_knows_yet_survives() {
        let status: NumberStatus = serde_json::from_str(r#""ON_THE_MOON""#).unwrap();

        assert_eq!(status, NumberStatus::Unknown("ON_THE_MOON".to_owned()));
        assert_eq!(serde_json::to_string(&status).unwrap(), r#""ON_THE_MOON""#);
        assert_eq!(serde_json::from_str::<NumberStatus>(r#""BANNED""#).unwrap(), NumberStatus::Banned);
    }

    fn number(platform: &str, status: &str, verification: &str) -> Number {
        Number {
            id: "1".parse().unwrap(),
            display_phone_number: None,
            verified_name: None,
            name_status: None,
            code_verification_status: Some(verification.to_owned().into()),
            quality_rating: None,
            status: Some(status.to_owned().into()),
            platform_type: Some(platform.to_owned().into()),
            is_on_biz_app: false,
            is_pin_enabled: None,
            throughput: None,
            messaging_limit: None,
            webhook_configuration: None,
            health: None,
        }
    }

    #[test]
    fn a_restricted_number_is_registered_and_one_that_waits_is_not() {
        for status in ["CONNECTED", "FLAGGED", "RESTRICTED", "BANNED", "ON_THE_MOON"] {
            assert!(number("CLOUD_API", status, "VERIFIED").is_registered(), "{status}");
            assert!(!number("NOT_APPLICABLE", status, "VERIFIED").is_registered(), "{status}");
        }
        for status in ["PENDING", "DISCONNECTED", "UNVERIFIED", "DELETED", "MIGRATED"] {
            assert!(!number("CLOUD_API", status, "VERIFIED").is_registered(), "{status}");
        }
    }

    #[test]
    fn an_expired_proof_counts_where_the_number_is_in_use() {
        assert!(number("NOT_APPLICABLE", "PENDING", "VERIFIED").is_verified());
        assert!(number("CLOUD_API", "CONNECTED", "EXPIRED").is_verified());
        assert!(!number("NOT_APPLICABLE", "PENDING", "EXPIRED").is_verified());
        assert!(!number("CLOUD_API", "CONNECTED", "NOT_VERIFIED").is_verified());
    }
}
