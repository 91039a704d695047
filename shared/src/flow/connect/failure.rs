//! What an error of Meta's means for an attempt: one obstacle, passing or lasting.

use crate::domain::{
    connection::{Failure, Obstacle, Setback, StepName},
    meta_error::{Class, MetaError},
};

pub(super) fn failure(step: impl Into<StepName>, error: &MetaError) -> Failure {
    let obstacle = obstacle(error);
    let is_passing = error.is_temporary() || matches!(error.class(), Class::RecentlyDeleted);
    let setback = Setback::at(step, obstacle, error.to_string());
    if is_passing { Failure::Temporary(setback) } else { Failure::Lasting(setback) }
}

fn obstacle(error: &MetaError) -> Obstacle {
    use Obstacle as O;
    /// "Application does not have the capability": access that Meta grants to the app, not to a person.
    const CAPABILITY: i64 = 3;
    match error.class() {
        Class::TokenInvalid => O::TokenInvalid,
        Class::AbilityMissing if error.refusal().is_some_and(|refusal| refusal.code == CAPABILITY) => O::AppNotApproved,
        Class::AbilityMissing => O::TokenMissingAbility,
        Class::AppMisconfigured => O::MetaAppNotConfigured,
        Class::CodeExpired => O::CodeExpired,
        Class::CodeUsed => O::CodeUsed,
        Class::RedirectMismatch => O::RedirectUriMismatch,
        Class::NotFound => O::NumberNotInWaba,
        Class::PinMismatch => O::PinRequired,
        Class::PinBlocked => O::PinBlocked,
        Class::NotVerified => O::NumberUnverified,
        Class::RegisterLimit => O::RegisterLimit,
        Class::PolicyBlocked => O::AccountRestricted,
        Class::Throttled | Class::Temporary | Class::RecentlyDeleted => O::MetaUnavailable,
        _ => O::MetaRefused,
    }
}
