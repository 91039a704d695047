//! What a credential may do.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($name:ident = $text:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Scope {
            $(#[serde(rename = $text)] $name),+
        }

        impl Scope {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

scopes! {
    ConnectionsRead = "connections:read",
    ConnectionsWrite = "connections:write",
    AccountsRead = "accounts:read",
    AccountsWrite = "accounts:write",
    MessagesRead = "messages:read",
    MessagesSend = "messages:send",
    ContactsWrite = "contacts:write",
    TemplatesRead = "templates:read",
    TemplatesWrite = "templates:write",
    EventsRead = "events:read",
    KeysWrite = "keys:write",
}

#[derive(Debug, thiserror::Error)]
#[error("there is no such scope")]
pub struct UnknownScope;

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(raw: &str) -> Result<Self, UnknownScope> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == raw).ok_or(UnknownScope)
    }
}

/// A set of scopes: sorted, without repetition, however it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    pub fn all() -> Self {
        Scope::ALL.to_vec().into()
    }

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of these scopes that `other` lacks.
    pub fn first_beyond(&self, other: &Self) -> Option<Scope> {
        self.0.iter().copied().find(|scope| !other.contains(*scope))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(mut scopes: Vec<Scope>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<Scope>().unwrap(), *scope);
            assert_eq!(serde_json::to_string(scope).unwrap(), format!("\"{scope}\""));
        }
    }

    #[test]
    fn a_set_forgets_order_and_repetition() {
        let set: Scopes = serde_json::from_str(r#"["keys:write","accounts:read","keys:write"]"#).unwrap();

        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["accounts:read","keys:write"]"#);
    }

    #[test]
    fn the_first_scope_beyond_another_set_is_named() {
        let narrow = Scopes::from(vec![Scope::AccountsRead]);

        assert_eq!(Scopes::all().first_beyond(&narrow), Some(Scope::ConnectionsRead));
        assert_eq!(narrow.first_beyond(&Scopes::all()), None);
    }
}
