//! What Meta said when it did not do what it was asked, and what that means: `table` is the one place that knows.

mod table;

use std::fmt;

pub use table::{Retry, Row, TABLE, UNKNOWN, row_of};

/// A call to Meta that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    #[error("Meta refused: {0}")]
    Refused(Refusal),
    /// Not the customer's token but our app's id or secret is at fault.
    #[error("Meta refused the app itself: {0}")]
    AppRefused(Refusal),
    /// No answer, or none of Graph's: what was asked may have been done.
    #[error("Meta did not answer: {0}")]
    Unreachable(&'static str),
    /// It says that it did what was asked, in words we do not know.
    #[error("Meta answered something unreadable")]
    Unreadable,
}

/// Meta's error envelope. Its `message` is not kept: it is English prose that may quote a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    pub code: i64,
    pub subcode: Option<i64>,
    pub details: Option<String>,
    pub user_message: Option<String>,
    pub fbtrace_id: Option<String>,
    pub is_transient: bool,
    pub status: u16,
}

/// What a caller does something different for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    // Who calls
    TokenInvalid,
    AbilityMissing,
    AppMisconfigured,
    // Not now
    Throttled,
    Temporary,
    // Connecting
    CodeExpired,
    CodeUsed,
    RedirectMismatch,
    NotFound,
    InvalidParameter,
    PinMismatch,
    PinBlocked,
    NotVerified,
    RegisterLimit,
    NotRegistered,
    RecentlyDeleted,
    VerificationRefused,
    SyncRefused,
    NumberInUse,
    PolicyBlocked,
    // Sending
    Undeliverable,
    MarketingLimited,
    CountryRestricted,
    PaymentProblem,
    NameNotApproved,
    WindowClosed,
    SpamLimited,
    UnsupportedContent,
    MediaFailed,
    WrongRoute,
    TemplateProblem,
    FlowProblem,
    IdentityMismatch,
    // Managing
    BlockListRefused,
    UsernameRefused,
    MigrationRefused,
    Other,
}

impl MetaError {
    /// Its row of the table.
    pub fn row(&self) -> &'static Row {
        match self {
            Self::Refused(refusal) => refusal.row(),
            Self::AppRefused(_) => &table::APP_REFUSED,
            Self::Unreachable(_) => &table::UNREACHABLE,
            Self::Unreadable => &table::UNREADABLE,
        }
    }

    pub fn class(&self) -> Class {
        self.row().class
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        self.row().remedy
    }

    /// Whether the same call may succeed by itself a little later.
    pub fn is_temporary(&self) -> bool {
        matches!(self.class(), Class::Throttled | Class::Temporary)
    }

    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) | Self::AppRefused(refusal) => Some(refusal),
            Self::Unreachable(_) | Self::Unreadable => None,
        }
    }
}

impl Refusal {
    pub fn row(&self) -> &'static Row {
        let row = row_of(self.code, self.subcode);
        let is_passing = self.is_transient || (row.class == Class::Other && self.status >= 500);
        // What may simply be asked again later stays that, also where Meta calls it transient.
        if is_passing && row.class != Class::Throttled { &table::TRANSIENT } else { row }
    }
}

/// The stable code and Meta's numbers, nothing that Meta wrote.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.row().name, self.code)?;
        if let Some(subcode) = self.subcode {
            write!(f, "/{subcode}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, subcode: Option<i64>) -> MetaError {
        MetaError::Refused(Refusal { code, subcode, status: 400, ..Refusal::default() })
    }

    #[test]
    fn the_subcode_decides_where_the_code_alone_says_nothing() {
        let classes =
            [None, Some(33), Some(36007), Some(36008), Some(36009), Some(2_388_023), Some(2_593_107), Some(1)]
                .map(|subcode| refused(100, subcode).class());

        assert_eq!(
            classes,
            [
                Class::InvalidParameter,
                Class::NotFound,
                Class::CodeExpired,
                Class::RedirectMismatch,
                Class::CodeUsed,
                Class::NumberInUse,
                Class::SyncRefused,
                Class::InvalidParameter,
            ]
        );
    }

    #[test]
    fn what_nobody_has_heard_of_is_shown_and_not_retried() {
        let unknown = refused(987_654, Some(3));

        assert_eq!(
            (unknown.class(), unknown.is_temporary(), unknown.to_string().as_str()),
            (Class::Other, false, "Meta refused: unknown_refusal (987654/3)")
        );
        assert!(!unknown.remedy().is_empty());
    }

    #[test]
    fn an_unknown_code_of_a_failing_server_passes_and_a_known_one_does_not() {
        let on_500 = |code| MetaError::Refused(Refusal { code, status: 500, ..Refusal::default() });

        assert_eq!(on_500(987_654).class(), Class::Temporary);
        assert_eq!(on_500(131_045).class(), Class::NotRegistered);
        assert_eq!(on_500(131_005).class(), Class::AbilityMissing);
    }

    #[test]
    fn what_meta_calls_transient_passes_and_a_throttle_stays_one() {
        let transient = |code| MetaError::Refused(Refusal { code, is_transient: true, ..Refusal::default() });

        assert_eq!(transient(100).class(), Class::Temporary);
        assert_eq!(transient(80007).class(), Class::Throttled);
    }

    #[test]
    fn an_app_with_a_wrong_secret_does_not_make_a_token_invalid() {
        let refusal = Refusal { code: 190, status: 400, ..Refusal::default() };

        assert_eq!(MetaError::Refused(refusal.clone()).class(), Class::TokenInvalid);
        assert_eq!(MetaError::AppRefused(refusal).class(), Class::AppMisconfigured);
    }
}
