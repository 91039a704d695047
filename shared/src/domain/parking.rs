//! Units from Meta that cannot be taken in yet, or at all: kept with the reason, and with whose they may be.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    envelope, hex,
    meta_id::{PhoneNumberId, WabaId},
    tenant::TenantId,
};

/// How old a message or status may be, by Meta's time, and still be taken in: Meta itself tries for seven days.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Beyond either, units of a number that nobody has connected are dropped and counted.
pub const MOST_UNITS: u64 = 10_000;
pub const MOST_BYTES: u64 = 50_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody has the number connected, or had when it came.
    Unowned,
    /// Older than Meta itself would deliver.
    Stale,
    /// Taking it in failed again and again.
    Poison,
    /// Not what the webhook's contract says.
    Unreadable,
}

impl Reason {
    pub const ALL: [Self; 4] = [Self::Unowned, Self::Stale, Self::Poison, Self::Unreadable];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Unowned => "unowned",
            Self::Stale => "stale",
            Self::Poison => "poison",
            Self::Unreadable => "unreadable",
        }
    }

    /// Nobody's units are kept for as long as Meta repeats them; what an operator is to look at, longer.
    pub const fn kept_for(self) -> SignedDuration {
        match self {
            Self::Unowned => SignedDuration::from_hours(7 * 24),
            Self::Stale | Self::Poison | Self::Unreadable => SignedDuration::from_hours(30 * 24),
        }
    }
}

/// What units are of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Number(PhoneNumberId),
    Waba(WabaId),
    /// Of no number and no WABA one could name.
    Nobody,
}

impl Subject {
    pub fn text(&self) -> String {
        match self {
            Self::Number(id) => id.to_string(),
            Self::Waba(id) => format!("waba:{id}"),
            Self::Nobody => "-".to_owned(),
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        match text.strip_prefix("waba:") {
            Some(id) => id.parse().ok().map(Self::Waba),
            None if text == "-" => Some(Self::Nobody),
            None => text.parse().ok().map(Self::Number),
        }
    }
}

/// Units of one subject that were parked for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lot {
    pub reason: Reason,
    pub subject: Subject,
}

/// One parked unit, as a queue message of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub group: String,
    pub body: String,
    /// Orders the units of a lot: Meta's second, then where it came in the queue.
    pub second: i64,
    pub sequence: String,
    /// When the webhook received it.
    pub received_at: Timestamp,
    /// It goes then, taken in or not.
    pub expires_at: Timestamp,
    /// Whose the number was when it came; none: nobody's, ever.
    pub owner: Option<TenantId>,
    /// Who else had numbers on its WABA then.
    pub neighbours: Vec<TenantId>,
    /// Of the body's part that says what it is: the same however often Meta repeats it.
    pub digest: String,
}

impl Parked {
    /// Where it stands in its lot.
    pub fn sort_key(&self) -> String {
        format!("{:012}#{}", self.second.max(0), self.digest)
    }

    /// The body as an operator lets it go again: whatever its age.
    pub fn released(&self) -> String {
        envelope::released(&self.body)
    }

    pub fn size(&self) -> u64 {
        u64::try_from(self.body.len()).unwrap_or(u64::MAX)
    }

    /// Whether it may go to the tenant that has the number now: to its owner alone, or, where it never had one, to
    /// anybody, unless others have numbers on the WABA or had when it came.
    pub fn may_go_to(&self, tenant: &TenantId, residents: &[TenantId]) -> bool {
        match &self.owner {
            Some(owner) => owner == tenant,
            None => self.neighbours.iter().chain(residents).all(|neighbour| neighbour == tenant),
        }
    }
}

/// What tells one unit from another.
pub fn digest(group: &str, raw: &str) -> String {
    hex::sha256(format!("{group}\n{raw}").as_bytes())[..40].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(owner: Option<&str>, neighbours: &[&str]) -> Parked {
        Parked {
            group: "g".into(),
            body: "{}".into(),
            second: 7,
            sequence: "1.0".into(),
            received_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            owner: owner.map(|owner| owner.parse().unwrap()),
            neighbours: neighbours.iter().map(|tenant| tenant.parse().unwrap()).collect(),
            digest: digest("g", "{}"),
        }
    }

    #[test]
    fn what_was_somebodys_goes_to_them_alone() {
        let (acme, bravo): (TenantId, TenantId) = ("acme".parse().unwrap(), "bravo".parse().unwrap());
        let goes = |parked: &Parked, tenant: &TenantId, residents: &[TenantId]| parked.may_go_to(tenant, residents);

        assert!(goes(&parked(None, &[]), &acme, std::slice::from_ref(&acme)));
        assert!(!goes(&parked(Some("bravo"), &[]), &acme, &[]) && goes(&parked(Some("bravo"), &[]), &bravo, &[]));
        assert!(!goes(&parked(None, &["bravo"]), &acme, std::slice::from_ref(&acme)));
        assert!(!goes(&parked(None, &[]), &acme, &[acme.clone(), bravo]));
    }

    #[test]
    fn a_subject_reads_back() {
        for subject in [Subject::Number("101".parse().unwrap()), Subject::Waba("201".parse().unwrap()), Subject::Nobody]
        {
            assert_eq!(Subject::from_text(&subject.text()), Some(subject));
        }
        assert_eq!(Subject::from_text("waba:x"), None);
    }
}
