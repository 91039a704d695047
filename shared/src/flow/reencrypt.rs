//! Sealing everything anew under the key's current material, inside KMS: an operator's decision.
//!
//! Bounded: so many items a call, and an answer that says where to go on. Twice: sealed anew once more. Half: what was
//! done is done. Written only over the very ciphertext that was read: a newer token stays.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        connections::{Connections, Stored},
        transaction::Position,
        vault::Vault,
    },
    clock::Clock,
    domain::{
        account::Account,
        connection::Connection,
        sealed::{Binding, Sealed},
    },
};

/// How many items are read at a time: a call ends between two pages.
const PAGE: i32 = 50;

#[derive(Debug, Clone)]
pub struct ReEncrypt {
    pub accounts: Accounts,
    pub connections: Connections,
    pub vault: Vault,
    pub clock: Clock,
}

/// Where a call ended: the next goes on there. As it comes in an answer, it is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Accounts(Option<Position>),
    Connections(Option<Position>),
}

/// What a call did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Ciphertexts that were replaced.
    pub re_encrypted: usize,
    /// That changed meanwhile: whoever changed them sealed them anew.
    pub superseded: usize,
    /// Accounts and connections with something that does not open, or that cannot be read: the log names them.
    pub failed: usize,
    pub more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Place>,
}

/// A ciphertext and what comes in its place.
struct Moved {
    old: Sealed,
    new: Sealed,
}

impl ReEncrypt {
    /// Goes on from a place, from the beginning where there is none, until `until`.
    pub async fn run(&self, after: Option<Place>, until: Timestamp) -> Result<Progress> {
        let mut progress = Progress::default();
        let mut next = Some(after.unwrap_or(Place::Accounts(None)));
        while let Some(place) = next.take() {
            if self.clock.now() >= until {
                next = Some(place);
                break;
            }
            next = match place {
                Place::Accounts(after) => self.of_accounts(after, &mut progress).await?,
                Place::Connections(after) => self.of_connections(after, &mut progress).await?,
            };
        }
        Ok(Progress { more: next.is_some(), after: next, ..progress })
    }

    async fn of_accounts(&self, after: Option<Position>, progress: &mut Progress) -> Result<Option<Place>> {
        let stock = self.accounts.stock(PAGE, after).await?;
        progress.failed += stock.unreadable.len();
        for account in &stock.accounts {
            let moved = self.account(account).await;
            progress.count(account.number.as_str(), moved)?;
        }
        Ok(Some(stock.next.map_or(Place::Connections(None), |next| Place::Accounts(Some(next)))))
    }

    async fn of_connections(&self, after: Option<Position>, progress: &mut Progress) -> Result<Option<Place>> {
        let stock = self.connections.stock(PAGE, after).await?;
        progress.failed += stock.unreadable.len();
        for stored in stock.stored {
            let id = stored.connection.id.clone();
            let moved = self.connection(stored).await;
            progress.count(id.as_str(), moved)?;
        }
        Ok(stock.next.map(|next| Place::Connections(Some(next))))
    }

    /// How many ciphertexts were replaced, and how many were others by then.
    async fn account(&self, read: &Account) -> Result<(usize, usize)> {
        let token = match &read.hidden.token {
            Some(old) => Some(self.moved(old, &read.token_binding(&read.tenant, &read.number)).await?),
            None => None,
        };
        let pin = match &read.hidden.pin {
            Some((old, version)) => {
                Some(self.moved(old, &Account::pin_binding(&read.tenant, &read.number, *version)).await?)
            }
            None => None,
        };
        let all = usize::from(token.is_some()) + usize::from(pin.is_some());
        let edited = self.accounts.edit(&read.number, self.clock.now(), |account| {
            let mut replaced = 0;
            if let (Some(moved), Some(standing)) = (&token, &mut account.hidden.token) {
                replaced += moved.replace(standing);
            }
            if let (Some(moved), Some((standing, _))) = (&pin, &mut account.hidden.pin) {
                replaced += moved.replace(standing);
            }
            Ok(replaced)
        });
        let replaced = edited.await?.map_or(0, |edited| edited.given);
        Ok((replaced, all - replaced))
    }

    async fn connection(&self, mut stored: Stored) -> Result<(usize, usize)> {
        let mut moved = Vec::new();
        for (old, binding) in sealed_in(&stored.connection) {
            moved.push(self.moved(&old, &binding).await?);
        }
        let replace = |connection: &mut Connection| {
            let mut replaced = 0;
            for standing in connection.sealed_mut() {
                replaced +=
                    moved.iter().find(|moved| moved.old == *standing).map_or(0, |moved| moved.replace(standing));
            }
            Ok::<_, Error>(replaced)
        };
        let replaced = self.connections.change(&mut stored, self.clock.now(), replace).await?;
        Ok((replaced, moved.len().saturating_sub(replaced)))
    }

    async fn moved(&self, old: &Sealed, binding: &Binding) -> Result<Moved> {
        Ok(Moved { old: old.clone(), new: self.vault.rebind(binding, binding, old).await? })
    }
}

impl Moved {
    /// Only where it stands still. Says how many that were.
    fn replace(&self, standing: &mut Sealed) -> usize {
        if *standing != self.old {
            return 0;
        }
        *standing = self.new.clone();
        1
    }
}

impl Progress {
    /// What does not open is a matter of its own item; that KMS or the table does not answer ends the call.
    fn count(&mut self, id: &str, moved: Result<(usize, usize)>) -> Result<()> {
        match moved {
            Ok((replaced, others)) => {
                self.re_encrypted += replaced;
                self.superseded += others;
            }
            Err(error @ (Error::SealBroken | Error::Corrupt(_))) => {
                tracing::error!(id, error = %error.chain(), "something sealed was left as it is");
                self.failed += 1;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn sealed_in(connection: &Connection) -> Vec<(Sealed, Binding)> {
    let tokens = connection.token.iter().chain(connection.pending.iter().map(|pending| &pending.token));
    let tokens = tokens.map(|token| (token.sealed.clone(), connection.token_binding()));
    let pins = connection.numbers.iter().filter_map(|number| {
        let pin = number.pin.as_ref()?;
        let binding = Account::pin_binding(&connection.tenant, number.id(), pin.version);
        Some((pin.sealed.clone(), binding))
    });
    tokens.chain(pins).collect()
}
