//! Times as we write them.

/// RFC 3339 in UTC, always with milliseconds.
pub fn rfc3339(at: jiff::Timestamp) -> String {
    format!("{at:.3}")
}
