//! What a batch does to conversations: one head each, then what lists and figures are made from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{AT_ONCE, Failed, Receive, people::People, store::Landed};
use crate::{
    Error, Result,
    aws::messages::{Counts, Met, Note},
    domain::{
        conversation::{ConversationId, Head, Line, Touch},
        message::Put,
        record::Record,
    },
};

/// How often a head meets faster ones before that is an error.
const TRIES: usize = 8;

/// What one conversation takes in, and of which records it is.
#[derive(Debug, Default)]
struct Turn {
    touches: Vec<Touch>,
    records: BTreeSet<usize>,
    counts: Counts,
}

/// A head that was saved.
#[derive(Debug)]
struct Saved {
    conversation: ConversationId,
    before: Head,
    after: Head,
}

impl Receive {
    /// Saves heads, then notes and counts.
    pub(super) async fn conclude(
        &self,
        records: &[Record],
        landed: Vec<Landed>,
        people: &People,
        failed: &mut Failed,
        now: Timestamp,
    ) {
        let mut turns: HashMap<(Line, ConversationId), Turn> = HashMap::new();
        let mut counts: HashMap<Line, Counts> = HashMap::new();
        let mut records_of: HashMap<Line, BTreeSet<usize>> = HashMap::new();
        let mut notes = Vec::new();
        for landed in landed {
            records_of.entry(landed.line.clone()).or_default().insert(landed.record);
            notes.extend(landed.file);
            let Some((conversation, touch)) = landed.touch else {
                counts.entry(landed.line).or_default().add_all(landed.counts);
                continue;
            };
            let turn = turns.entry((landed.line, conversation)).or_default();
            turn.touches.push(touch);
            turn.records.insert(landed.record);
            turn.counts.add_all(landed.counts);
        }
        let saving = turns.into_iter().map(|((line, conversation), turn)| async move {
            let saved = self.save(&line, conversation, people, &turn, now).await;
            (line, turn, saved)
        });
        let mut touched: BTreeMap<Timestamp, Vec<(Line, ConversationId)>> = BTreeMap::new();
        for (line, mut turn, saved) in stream::iter(saving).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            // What was put where somebody has just been erased goes with them, and counts where it is put again.
            if !matches!(saved, Err(Error::Outdated)) {
                counts.entry(line.clone()).or_default().add_all(std::mem::take(&mut turn.counts));
            }
            match saved {
                Ok(saved) => {
                    notes.extend(saved.notes(&line, &turn.touches));
                    if saved.is_moved(&turn.touches) {
                        touched.entry(saved.after.updated_at).or_default().push((line, saved.conversation));
                    }
                }
                Err(error) => turn.records.iter().for_each(|record| failed.add(records, *record, &error)),
            }
        }
        notes.extend(touched.into_iter().flat_map(|(at, touched)| in_lists(at, touched)));
        self.write_down(records, &notes, counts, &records_of, failed, now).await;
    }

    async fn save(
        &self,
        line: &Line,
        mut conversation: ConversationId,
        people: &People,
        turn: &Turn,
        now: Timestamp,
    ) -> Result<Saved> {
        let mut seen = people.head(line, conversation).cloned();
        let mut first = None;
        for _ in 0..TRIES {
            let before = seen.unwrap_or_else(|| Head::new(line.number.clone(), now));
            if let Some(winner) = before.merged_into {
                conversation = winner;
                seen = self.messages.head(&line.tenant, &conversation).await?;
                first = None;
                continue;
            }
            let mut after = before.clone();
            // A save whose answer was lost is met as somebody else's: lists are told of all that came since the first look.
            let began = first.get_or_insert_with(|| before.clone());
            after.takes(&turn.touches, now);
            if after == before || self.messages.save_head(&line.tenant, &conversation, &mut after, now).await? {
                self.rename(line, conversation, &turn.touches).await?;
                self.remember(line, conversation, &after, people);
                return Ok(Saved { conversation, before: began.clone(), after });
            }
            seen = match self.messages.meet(&line.tenant, &conversation).await? {
                Met::Somebody(id, head) => {
                    first = first.filter(|_| id == conversation);
                    conversation = id;
                    Some(*head)
                }
                // It comes again, and begins a conversation of its own.
                Met::Erased => return Err(Error::Outdated),
                Met::Nobody => None,
            };
        }
        Err(Error::aws("a conversation was changed by others without end"))
    }

    /// Old names lead nowhere from their end on.
    async fn rename(&self, line: &Line, conversation: ConversationId, touches: &[Touch]) -> Result<()> {
        for touch in touches {
            let Touch::Arrived(arrival) = touch else { continue };
            let Some(renamed) = arrival.renamed.as_ref().filter(|_| arrival.put.is_own()) else { continue };
            let until = arrival.at.unwrap_or(arrival.received_at);
            self.messages.unname(line, conversation, &renamed.before.aliases(), until).await?;
        }
        Ok(())
    }

    /// The names that were looked up and still are the person's.
    fn remember(&self, line: &Line, conversation: ConversationId, head: &Head, people: &People) {
        for alias in head.contact.living() {
            let leads = people.leads(line, alias);
            if leads.now == Some(conversation) {
                self.known.remember((line.clone(), alias.clone()), leads);
            }
        }
    }

    /// The last writes of a batch. Where they fail, all records they are of come again, and say the same again.
    async fn write_down(
        &self,
        records: &[Record],
        notes: &[Note],
        counts: HashMap<Line, Counts>,
        records_of: &HashMap<Line, BTreeSet<usize>>,
        failed: &mut Failed,
        now: Timestamp,
    ) {
        if let Err(error) = self.messages.note(notes, now).await {
            records_of.values().flatten().for_each(|record| failed.add(records, *record, &error));
        }
        for (line, counts) in counts {
            // What is counted is a view: it may say less, never more, and holds nothing up.
            if let Err(error) = self.messages.count(&line, &counts, self.random.bytes(), now).await {
                tracing::warn!(error = %error.chain(), "a batch was not counted");
            }
        }
    }
}

impl Saved {
    /// Whether lists are to be told of its place: also where that was done before, by a try that did not end.
    fn is_moved(&self, touches: &[Touch]) -> bool {
        let is_new = self.before.last.is_none() && self.after.last.is_some();
        self.after.updated_at != self.before.updated_at || is_new || self.is_again(touches)
    }

    /// An earlier try came at least as far as to what it touches, and perhaps not to the notes of it.
    fn is_again(&self, touches: &[Touch]) -> bool {
        touches.iter().any(|touch| match touch {
            Touch::Arrived(arrival) => arrival.put == Put::Own,
            Touch::Called { place, .. } => self.before.has_reached(place),
        })
    }

    fn notes(&self, line: &Line, touches: &[Touch]) -> Vec<Note> {
        let (before, after) = (&self.before, &self.after);
        let again = self.is_again(touches);
        let mut notes = Vec::new();
        if after.unread > 0 && (before.unread == 0 || again) {
            notes.push(Note::Unread(line.clone(), self.conversation));
        }
        let (old, new) = (before.contact.shown_name(), after.contact.shown_name());
        if old != new || again {
            let old = old.filter(|old| Some(*old) != new);
            notes.extend(old.map(|name| Note::Unnamed(line.clone(), self.conversation, name.to_owned())));
            notes.extend(new.map(|name| Note::Named(line.clone(), self.conversation, name.to_owned())));
        }
        notes
    }
}

/// One note for each number, of the conversations that were touched at one time.
fn in_lists(at: Timestamp, touched: Vec<(Line, ConversationId)>) -> Vec<Note> {
    let mut of_lines: HashMap<Line, Vec<(ConversationId, Timestamp)>> = HashMap::new();
    for (line, conversation) in touched {
        of_lines.entry(line).or_default().push((conversation, at));
    }
    of_lines.into_iter().map(|(line, touched)| Note::Touched(line, touched)).collect()
}
