//! A message is taken to be sent: whoever was answered 202 finds it on record and on its way.
//!
//! The queue hears of it first, then it is put, then it is answered. Half: a record whose message is not there is ended by
//! whoever gets it, and nobody was answered 202; the same request under the same key goes on with the same id. Twice:
//! the id is the message, and is put once.

mod batch;
mod template;
mod whom;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{deliver::KEEPS_COMING, known::Known};
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        fifo::Fifo,
        messages::{Messages, Stepped},
    },
    clock::{Clock, Random},
    domain::{
        account::{Account, Status},
        conversation::{ConversationId, Head, Line, MessageId},
        hex,
        message::{Direction, Origin, Stored},
        meta_id::PhoneNumberId,
        outgoing::{Options, Outgoing, Recipient},
        record::Parcel,
        sending::{Asked, Order, Sending},
        tenant::TenantId,
    },
    flow::jobs,
};

pub use batch::{Accepted, Refused};

#[derive(Debug, Clone)]
pub struct Accept {
    pub accounts: Accounts,
    pub messages: Messages,
    pub outbound: Fifo,
    pub clock: Clock,
    pub random: Random,
    pub known: Known,
}

/// By what a message is sent.
#[derive(Debug, Clone)]
pub enum Via {
    Account(PhoneNumberId),
    Default,
    Conversation(ConversationId),
}

/// Everything that is to be known of a message before it is taken.
#[derive(Debug)]
pub struct Ready {
    pub line: Line,
    pub generation: u64,
    pub conversation: ConversationId,
    pub head: Head,
    recipient: Recipient,
}

const CANCEL_TRIES: usize = 8;

impl Accept {
    /// Finds out whom a message is for, and whether it may go. Refuses what cannot.
    pub async fn prepare(&self, tenant: &TenantId, via: Via, message: &Outgoing, options: Options) -> Result<Ready> {
        let now = self.clock.now();
        let (account, conversation, head, recipient) = match via {
            Via::Conversation(id) => self.in_conversation(tenant, id, message).await?,
            Via::Account(number) => self.to_somebody(tenant, number, message, now).await?,
            Via::Default => {
                let number = self.accounts.default_of(tenant).await?.ok_or(Error::NoDefaultAccount)?;
                self.to_somebody(tenant, number, message, now).await?
            }
        };
        may_send(&account)?;
        if message.is_free_form() && !options.force && !head.is_open(now) {
            return Err(Error::WindowClosed);
        }
        let line = Line { tenant: tenant.clone(), number: account.number };
        Ok(Ready { line, generation: account.hidden.generation, conversation, head, recipient })
    }

    /// Refuses what is another tenant's, or nobody's.
    pub async fn must_exist(&self, tenant: &TenantId, via: &Via) -> Result<()> {
        match via {
            Via::Account(number) => self.accounts.own(tenant, number).await.map(drop),
            Via::Default => Ok(()),
            Via::Conversation(id) => {
                let found = self.messages.head(tenant, id).await?;
                found.map(drop).ok_or(Error::NotFound { thing: "conversation" })
            }
        }
    }

    /// An id for a message that has none yet.
    pub fn fresh_id(&self, ready: &Ready) -> MessageId {
        MessageId::of_ours(ready.conversation, self.clock.now(), self.random.bytes())
    }

    /// Takes a message under an id that no other message has.
    pub async fn take(
        &self,
        ready: &Ready,
        id: MessageId,
        message: Outgoing,
        options: Options,
        asked: Asked,
    ) -> Result<Stored> {
        let now = self.clock.now();
        let taken = Stored {
            sending: Some(Sending {
                asked: Some(asked),
                callback_data: message.callback_data,
                ..Sending::new(ready.recipient.clone(), now + options.expires_in, options.on_unknown)
            }),
            ..outbound(&ready.line, ready.generation, id, Value::Object(message.body).to_string(), now)
        };
        let order = order(&taken, &ready.line.tenant);
        self.outbound.send(vec![parcel(&order, &self.random)]).await?;
        self.messages.put(&ready.line.tenant, &taken, now).await?;
        // The table was slow: whoever got the order may have found no message, and let go of it.
        if self.clock.now() > now + KEEPS_COMING {
            self.outbound.send(vec![parcel(&order, &self.random)]).await?;
        }
        Ok(taken)
    }

    /// Orders a message once more that nothing has been done with: whoever took it may have died before all was done.
    pub async fn order_again(&self, tenant: &TenantId, message: &Stored) -> Result<()> {
        let is_untouched = message.sending.as_ref().is_some_and(|sending| sending.revision == 0);
        if is_untouched && message.id.job().is_none() {
            self.outbound.send(vec![parcel(&order(message, tenant), &self.random)]).await?;
        }
        Ok(())
    }

    /// Keeps a message from going out, unless a try at it has begun. None: there is no such message.
    pub async fn cancel(&self, tenant: &TenantId, id: &MessageId) -> Result<Option<Stored>> {
        let now = self.clock.now();
        for _ in 0..CANCEL_TRIES {
            let Some(message) = jobs::find(&self.messages, tenant, id).await? else { return Ok(None) };
            let Some(sending) = &message.sending else { return Err(Error::AlreadyClaimed) };
            if sending.state == crate::domain::sending::State::Cancelled {
                return Ok(Some(message));
            }
            if !sending.may_be_cancelled() {
                return Err(Error::AlreadyClaimed);
            }
            let line = Line { tenant: tenant.clone(), number: message.number.clone() };
            let after = sending.stepped(&nonce(&self.random), |sending| sending.is_cancelled(now));
            match self.messages.step(&line, id, &after, None).await? {
                Stepped::Done => return Ok(Some(Stored { sending: Some(after), ..message })),
                Stepped::Moved(_) => {}
                // Of a batch that is not made into messages yet: it will find this one there.
                Stepped::Gone => drop(self.messages.put(tenant, &message, now).await?),
            }
        }
        Err(Error::Outdated)
    }
}

/// A message of ours that nothing has been done with.
pub(super) fn outbound(line: &Line, generation: u64, id: MessageId, raw: String, at: Timestamp) -> Stored {
    Stored {
        id,
        number: line.number.clone(),
        wamid: None,
        direction: Direction::Outbound,
        origin: Origin::Api,
        raw,
        sequence: String::new(),
        received_at: at,
        statuses: std::collections::BTreeMap::new(),
        generation,
        sending: None,
        duplicate: None,
    }
}

pub(super) fn order(message: &Stored, tenant: &TenantId) -> Order {
    Order::Message {
        tenant: tenant.clone(),
        number: message.number.clone(),
        generation: message.generation,
        id: message.id,
    }
}

/// Each its own, however often the same is ordered: whoever gets an order twice knows what was done.
pub(super) fn parcel(order: &Order, random: &Random) -> Parcel {
    #[expect(clippy::expect_used, reason = "ids and numbers are always JSON")]
    let body = serde_json::to_string(order).expect("an order is JSON");
    Parcel { group: order.group(), deduplication: nonce(random), body }
}

pub(super) fn nonce(random: &Random) -> String {
    hex::encode(&random.bytes::<12>())
}

pub(super) fn may_send(account: &Account) -> Result<()> {
    match account.status() {
        Status::Active => Ok(()),
        Status::Disconnected => Err(Error::AccountDisconnected),
        status => {
            let reason = account.reason.as_ref();
            let paused = || ("it is paused".to_owned(), "Switch it on again (PATCH, `enabled`: true).".to_owned());
            let said = reason
                .filter(|_| status != Status::Paused)
                .map(|reason| (reason.detail.clone(), reason.remedy.clone()));
            let (detail, remedy) = said.unwrap_or_else(paused);
            Err(Error::AccountUnusable { status, detail, remedy })
        }
    }
}

/// How long a batch may go without being looked after.
const JOB_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
