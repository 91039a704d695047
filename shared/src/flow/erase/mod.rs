//! A person is forgotten. First, in one transaction, nobody is known by their conversation any more, and it is noted what
//! is left to do; then all of theirs goes, step by step, by whoever asked for it and, what is left, by the sweeper.
//!
//! From the transaction on no reader is shown anything of them, no message to them is posted, and whatever arrives begins
//! anew. Twice: there is nobody to forget. Half: it is due until all is gone, and each step may be done again. Whoever had
//! something of theirs in hand, a batch of a queue or a stream, may put it down later: so all is gone through once more.

mod rest;
mod tenant;

use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Result,
    aws::{
        audit::Audit,
        blobs::Blobs,
        messages::{Messages, Met},
        parking::Parking,
        stack_secret::StackSecret,
    },
    clock::Clock,
    domain::{
        audit::Entry,
        conversation::{ConversationId, Head, Line},
        envelope::elsewhere,
        erasure::{Erasure, Step, Whom},
        message::{Direction, MetaMessage, readable},
        parking::{Lot, Parked},
        tenant::TenantId,
    },
};

pub use rest::{EraseRest, Erased};
pub use tenant::{EraseTenant, Gone, Order, Place};

/// What a request does of it.
#[derive(Debug, Clone)]
pub struct Erase {
    pub messages: Messages,
    pub audit: Audit,
    pub secret: StackSecret,
    pub clock: Clock,
}

/// Who is at it has it for so long: longer than any function works.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// What a request takes for it; the sweeper has the rest.
const IN_REQUEST: SignedDuration = SignedDuration::from_secs(15);
/// How often the conversation changes meanwhile before that is an error.
const TRIES: usize = 8;

/// Takes away a unit that waits, and first what was too large to wait with it.
async fn forget_parked(parking: &Parking, blobs: &Blobs, lot: &Lot, unit: &Parked) -> Result<()> {
    for blob in elsewhere(&unit.body) {
        blobs.forget(&blob).await?;
    }
    parking.take_out(lot, unit).await
}

impl Erase {
    /// Forgets the person of a conversation. False: they were forgotten before.
    pub async fn forget(&self, tenant: &TenantId, id: ConversationId, entry: &Entry) -> Result<bool> {
        for _ in 0..TRIES {
            let (id, head) = match self.messages.meet(tenant, &id).await? {
                Met::Somebody(id, head) => (id, head),
                Met::Erased => return Ok(false),
                Met::Nobody => return Err(Error::NotFound { thing: "contact" }),
            };
            let now = self.clock.now();
            let mut erasure = self.begun(tenant, id, &head, now).await?;
            if self.messages.erase(&erasure, head.revision, self.audit.adding(entry)?, now).await? {
                // Nobody is known by it from here on. What cannot be done now is done within a minute.
                if let Err(error) = self.first(&mut erasure, &head, now + IN_REQUEST).await {
                    tracing::warn!(error = %error.chain(), "an erasure is left to the sweeper");
                }
                return Ok(true);
            }
        }
        Err(Error::Outdated)
    }

    async fn begun(&self, tenant: &TenantId, id: ConversationId, head: &Head, now: Timestamp) -> Result<Erasure> {
        let line = Line { tenant: tenant.clone(), number: head.number.clone() };
        let keys = self.secret.keyring().await?;
        Ok(Erasure {
            whom: Whom::of(&head.contact, &line, &keys),
            line,
            conversations: std::iter::once(id).chain(head.parts.iter().copied()).collect(),
            asked_at: now,
            step: Step::Said,
            place: None,
            is_again: false,
            due_at: now + LEASE,
        })
    }

    /// Names by which they are known, and what was said. The sweeper begins with whatever of it is left.
    async fn first(&self, erasure: &mut Erasure, head: &Head, until: Timestamp) -> Result<()> {
        self.messages.forget_marks(&erasure.line, &erasure.conversations, &head.contact).await?;
        let before = erasure.due_at;
        if self.said(erasure, until).await? {
            erasure.moves_on();
        }
        erasure.due_at = self.clock.now();
        self.messages.note_erasure(erasure, before).await.map(drop)
    }

    /// Takes away what was said, and first what hangs on it. False: there was no time for all of it.
    async fn said(&self, erasure: &Erasure, until: Timestamp) -> Result<bool> {
        let Line { tenant, .. } = &erasure.line;
        for id in &erasure.conversations {
            while let Some(hanging) = self.messages.next_said(tenant, *id).await? {
                if self.clock.now() >= until {
                    return Ok(false);
                }
                for message in &hanging.messages {
                    for wamid in message.wamid.iter().chain(&message.duplicate) {
                        for (kind, _) in self.messages.waiting(&erasure.line, wamid).await? {
                            self.messages.stop_waiting(&erasure.line, wamid, &kind).await?;
                        }
                    }
                    if let Some((job, _)) = message.id.job() {
                        self.messages.clear_job(tenant, job, &erasure.conversations).await?;
                    }
                }
                // What we uploaded is the tenant's, and may have gone to others as well.
                let came = hanging.messages.iter().filter(|message| message.direction == Direction::Inbound);
                let files = came.filter_map(|message| MetaMessage::of(&readable(&message.raw))?.file());
                let files: Vec<String> = files.map(|id| id.to_string()).collect();
                self.messages.forget_files(&erasure.line, files).await?;
                self.messages.forget_said(hanging).await?;
            }
        }
        Ok(true)
    }
}
