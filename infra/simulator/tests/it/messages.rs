//! Checklist 3, 4 and 9: sending, from the envelope to the statuses.

mod content;
mod delivery;
mod recipients;
