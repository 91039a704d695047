//! Graph's versions: which exist, which have expired by the clock, and what becomes of a call to one.

use http::{HeaderMap, HeaderValue};
use jiff::civil::{Date, date};
use jiff::tz::Offset;

use super::GraphError;

/// Version, release, and the day from which it is executed as the oldest usable one.
const VERSIONS: [(&str, Date, Option<Date>); 9] = [
    ("v18.0", date(2023, 9, 12), Some(date(2026, 1, 26))),
    ("v19.0", date(2024, 1, 23), Some(date(2026, 5, 21))),
    ("v20.0", date(2024, 5, 21), Some(date(2026, 9, 24))),
    ("v21.0", date(2024, 10, 2), Some(date(2027, 1, 21))),
    ("v22.0", date(2025, 1, 21), Some(date(2027, 5, 20))),
    ("v23.0", date(2025, 5, 29), Some(date(2027, 10, 8))),
    ("v24.0", date(2025, 10, 8), Some(date(2028, 2, 18))),
    ("v25.0", date(2026, 2, 18), Some(date(2028, 7, 29))),
    ("v26.0", date(2026, 7, 29), None),
];

/// The version a call names, and the one it is executed as.
#[derive(Debug, Clone, Default)]
pub(crate) struct Version {
    executed: &'static str,
    expired: Option<String>,
}

impl Version {
    /// `None`: this path segment is no version at all.
    pub(crate) fn parse(segment: &str, path: &str, now: i64) -> Option<Result<Self, GraphError>> {
        let (major, minor) = segment.strip_prefix('v')?.split_once('.')?;
        let number = major.parse::<u32>().ok().filter(|_| minor.parse::<u32>().is_ok())?;
        Some(Self::find(segment, number, now).ok_or_else(|| GraphError::unknown_path(path)))
    }

    /// What a call without a version gets.
    pub(crate) fn oldest(now: i64) -> Self {
        Self { executed: oldest_usable(now), expired: None }
    }

    fn find(name: &str, major: u32, now: i64) -> Option<Self> {
        let known = VERSIONS.iter().find(|(version, ..)| *version == name);
        match known {
            Some((version, _, expires)) if expires.is_none_or(|day| day > today(now)) => {
                Some(Self { executed: version, expired: None })
            }
            Some(_) => Some(Self { executed: oldest_usable(now), expired: Some(name.to_owned()) }),
            None if (1..18).contains(&major) => {
                Some(Self { executed: oldest_usable(now), expired: Some(name.to_owned()) })
            }
            None => None,
        }
    }

    pub(crate) fn describe(&self, headers: &mut HeaderMap) {
        if self.executed.is_empty() {
            return;
        }
        headers.insert("facebook-api-version", HeaderValue::from_static(self.executed));
        if let Some(expired) = &self.expired {
            let executed = self.executed;
            let warning = format!("The call has been auto-upgraded to {executed} as {expired} has been deprecated.");
            if let Ok(warning) = HeaderValue::try_from(warning) {
                headers.insert("x-ad-api-version-warning", warning);
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.executed
    }
}

fn oldest_usable(now: i64) -> &'static str {
    let usable = VERSIONS.iter().find(|(_, _, expires)| expires.is_none_or(|day| day > today(now)));
    usable.map_or("v26.0", |(version, ..)| version)
}

fn today(now: i64) -> Date {
    jiff::Timestamp::from_second(now).map_or(Date::MAX, |now| Offset::UTC.to_datetime(now).date())
}
