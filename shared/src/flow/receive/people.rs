//! Whom a unit is about: names lead to conversations, and where two lead to different ones that are the same person's,
//! those become one.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Delivery, Receive, read::Given};
use crate::{
    Error, Result,
    aws::messages::{Note, Seen, Side, Wanted},
    domain::{
        account::Account,
        conversation::{Alias, ConversationId, Head, Leads, Line},
        meta_id::PhoneNumberId,
    },
    flow::known::Known,
};

/// What a batch knows of accounts, names and heads.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) seen: Seen,
    /// Names whose conversation is remembered from an earlier batch, until its head has confirmed it.
    guessed: HashSet<(Line, Alias)>,
}

/// Where a unit belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belongs {
    pub(super) conversation: ConversationId,
    /// Its head does not know all of these names yet.
    pub(super) is_learning: bool,
}

/// Accounts, names, heads, and heads that others were merged into: a guess that was wrong begins again.
const ROUNDS: usize = 8;
/// How often somebody else may be faster before that is an error.
const TRIES: usize = 8;

pub(super) fn line_of(account: &Account) -> Line {
    Line { tenant: account.tenant.clone(), number: account.number.clone() }
}

impl Receive {
    /// Looks up all that a batch names: in one call where it is remembered, in three where it is not.
    pub(super) async fn look(&self, deliveries: &[Delivery<'_>]) -> Result<People> {
        let mut people = People::default();
        let numbers: HashSet<&PhoneNumberId> =
            deliveries.iter().filter_map(|delivery| delivery.number.as_ref()).collect();
        let mut wanted = Wanted { accounts: numbers.into_iter().cloned().collect(), ..Wanted::default() };
        for _ in 0..ROUNDS {
            for delivery in deliveries {
                let Some(line) = self.line(delivery, &people) else { continue };
                for alias in delivery.units.iter().flat_map(|(_, given)| given.names()) {
                    people.wants(&line, &alias, &self.known, &mut wanted);
                }
            }
            people.wants_heads(&mut wanted);
            if wanted.is_empty() {
                self.remember_owners(&people);
                return Ok(people);
            }
            self.messages.look(&self.accounts, &wanted, &mut people.seen).await?;
            people.confirm(&self.known);
            wanted = Wanted::default();
        }
        Err(Error::aws("conversations were merged without end"))
    }

    /// Whose number it is, as far as that is known: a guess is confirmed in the call that rests on it.
    fn line(&self, delivery: &Delivery<'_>, people: &People) -> Option<Line> {
        let number = delivery.number.clone()?;
        match people.seen.accounts.get(&number) {
            Some(account) => account.as_ref().map(line_of),
            None => self.known.owner(&number).map(|tenant| Line { tenant, number }),
        }
    }

    fn remember_owners(&self, people: &People) {
        for account in people.seen.accounts.values().flatten() {
            self.known.remember_owner(account.number.clone(), account.tenant.clone());
        }
    }

    /// The conversation of what a unit is about. None: it is about nobody, or about somebody of whom nothing is known and
    /// nothing need be.
    pub(super) async fn belonging(
        &self,
        line: &Line,
        given: &Given,
        people: &mut People,
        now: Timestamp,
    ) -> Result<Option<Belongs>> {
        let (names, own) = (given.names(), given.own_names());
        let at = given.at().unwrap_or(now);
        if names.is_empty() {
            return Ok(None);
        }
        for _ in 0..TRIES {
            match people.found(line, &names, at).as_slice() {
                [] if !given.begins_conversations() => return Ok(None),
                [] => {
                    let conversation = ConversationId::new(self.random.bytes());
                    if self.messages.name(line, conversation, &own).await? {
                        people.leads_to(line, &own, conversation);
                        return Ok(Some(Belongs { conversation, is_learning: true }));
                    }
                }
                [conversation] => {
                    let conversation = *conversation;
                    let new = people.leading_nowhere(line, &own, at);
                    if new.is_empty() || self.messages.name(line, conversation, &new).await? {
                        people.leads_to(line, &new, conversation);
                        let is_learning = people.is_learning(line, conversation, &own, at);
                        return Ok(Some(Belongs { conversation, is_learning }));
                    }
                }
                [one, other, ..] => self.merge(line, *one, *other, people, now).await?,
            }
            self.look_again(line, &names, people).await?;
        }
        Err(Error::aws("names were given to others without end"))
    }

    /// Two conversations are with the same person. Lists are told first: what they say of a head that is not as they say
    /// is passed over.
    async fn merge(
        &self,
        line: &Line,
        one: ConversationId,
        other: ConversationId,
        people: &People,
        now: Timestamp,
    ) -> Result<()> {
        let head = |id| people.head(line, id).cloned().unwrap_or_else(|| Head::new(line.number.clone(), now));
        let (mut winner, mut loser) = ((one, head(one)), (other, head(other)));
        if loser.1.is_older(loser.0, &winner.1, winner.0) {
            std::mem::swap(&mut winner, &mut loser);
        }
        let mut notes = vec![Note::Read(line.clone(), loser.0)];
        notes.extend(loser.1.contact.shown_name().map(|name| Note::Unnamed(line.clone(), loser.0, name.to_owned())));
        winner.1.absorbs(loser.0, &loser.1, now);
        loser.1.is_absorbed_by(winner.0);
        notes.push(Note::Touched(line.clone(), vec![(winner.0, winner.1.updated_at)]));
        notes.extend((winner.1.unread > 0).then(|| Note::Unread(line.clone(), winner.0)));
        notes.extend(winner.1.contact.shown_name().map(|name| Note::Named(line.clone(), winner.0, name.to_owned())));
        self.messages.note(&notes, now).await?;
        let [winner, loser] = [&winner, &loser].map(|(id, head)| Side { id: *id, head });
        self.messages.merge(line, winner, loser, now).await?;
        Ok(())
    }

    async fn look_again(&self, line: &Line, names: &[Alias], people: &mut People) -> Result<()> {
        people.forget(line, names, &self.known);
        let mut wanted = Wanted::default();
        for _ in 0..ROUNDS {
            for alias in names {
                people.wants(line, alias, &self.known, &mut wanted);
            }
            people.wants_heads(&mut wanted);
            if wanted.is_empty() {
                return Ok(());
            }
            self.messages.look(&self.accounts, &std::mem::take(&mut wanted), &mut people.seen).await?;
        }
        Err(Error::aws("conversations were merged without end"))
    }
}

impl People {
    pub(super) fn head(&self, line: &Line, conversation: ConversationId) -> Option<&Head> {
        self.seen.heads.get(&(line.clone(), conversation)).and_then(Option::as_ref)
    }

    /// A name to be looked up, in every spelling, unless its conversation is known or remembered.
    fn wants(&mut self, line: &Line, alias: &Alias, known: &Known, wanted: &mut Wanted) {
        let name = (line.clone(), alias.clone());
        if self.seen.aliases.contains_key(&name) {
            return;
        }
        if let Some(leads) = known.leads(&name) {
            self.seen.aliases.insert(name.clone(), leads);
            self.guessed.insert(name);
            return;
        }
        let spellings = alias.spellings().into_iter().map(|spelling| (line.clone(), spelling));
        wanted.aliases.extend(spellings.filter(|name| !self.seen.aliases.contains_key(name)));
    }

    /// The heads of all conversations that names lead to, and of those that they are parts of by now.
    fn wants_heads(&self, wanted: &mut Wanted) {
        let named = self.seen.aliases.iter().flat_map(|((line, _), leads)| {
            let both = [leads.now, leads.before.map(|(before, _)| before)];
            both.into_iter().flatten().map(|id| (line.clone(), id))
        });
        let merged = self.seen.heads.iter().filter_map(|((line, _), head)| {
            let winner = head.as_ref()?.merged_into?;
            Some((line.clone(), winner))
        });
        wanted.heads.extend(named.chain(merged).filter(|head| !self.seen.heads.contains_key(head)));
    }

    /// Takes back what was remembered and is not so any more.
    fn confirm(&mut self, known: &Known) {
        for name in std::mem::take(&mut self.guessed) {
            let guess = self.seen.aliases.get(&name).and_then(|leads| leads.now);
            let Some(conversation) = guess else { continue };
            let head = self.head(&name.0, conversation);
            if !head.is_some_and(|head| head.merged_into.is_none() && head.contact.answers_to(&name.1)) {
                self.seen.aliases.remove(&name);
                known.forget(&name);
            }
        }
    }

    /// The conversations that names led to at a time, each once.
    fn found(&self, line: &Line, names: &[Alias], at: Timestamp) -> Vec<ConversationId> {
        let mut found = Vec::new();
        for spelling in names.iter().flat_map(Alias::spellings) {
            let Some(mut id) = self.leads(line, &spelling).at(at) else { continue };
            while let Some(winner) = self.head(line, id).and_then(|head| head.merged_into) {
                id = winner;
            }
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }

    pub(super) fn leads(&self, line: &Line, alias: &Alias) -> Leads {
        self.seen.aliases.get(&(line.clone(), alias.clone())).copied().unwrap_or_default()
    }

    fn leading_nowhere(&self, line: &Line, names: &[Alias], at: Timestamp) -> Vec<Alias> {
        names.iter().filter(|alias| self.leads(line, alias).at(at).is_none()).cloned().collect()
    }

    fn leads_to(&mut self, line: &Line, names: &[Alias], conversation: ConversationId) {
        for alias in names {
            let leads = Leads { now: Some(conversation), ..self.leads(line, alias) };
            self.seen.aliases.insert((line.clone(), alias.clone()), leads);
        }
        self.seen.heads.entry((line.clone(), conversation)).or_default();
    }

    fn is_learning(&self, line: &Line, conversation: ConversationId, names: &[Alias], at: Timestamp) -> bool {
        let knows = |head: &Head| names.iter().all(|alias| head.contact.knows(alias, at));
        !self.head(line, conversation).is_some_and(knows)
    }

    fn forget(&mut self, line: &Line, names: &[Alias], known: &Known) {
        for spelling in names.iter().flat_map(Alias::spellings) {
            let name = (line.clone(), spelling);
            if let Some(leads) = self.seen.aliases.remove(&name) {
                let ids = [leads.now, leads.before.map(|(before, _)| before)];
                for id in ids.into_iter().flatten() {
                    self.seen.heads.remove(&(line.clone(), id));
                }
            }
            known.forget(&name);
        }
    }
}
