//! The app we are at Meta: what proves that we are it.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;

#[derive(Clone)]
pub struct MetaApp {
    pub id: String,
    pub secret: SecretString,
    /// The secret before the last change, and until when what is signed with it still counts.
    pub previous: Option<(SecretString, Timestamp)>,
    pub verify_token: Option<SecretString>,
    pub config_id: Option<String>,
}

impl MetaApp {
    /// The secrets that count at that time, the newest first.
    pub fn secrets_at(&self, now: Timestamp) -> impl Iterator<Item = &SecretString> {
        let previous = self.previous.iter().filter(move |(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(previous)
    }
}

impl fmt::Debug for MetaApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetaApp").field("id", &self.id).finish_non_exhaustive()
    }
}
