//! What is there to be read: put into the table as deliveries from Meta put it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::{
    aws::messages::{Counts, Messages, Note},
    domain::{
        conversation::{Alias, ConversationId, Head, Known, Line, MessageId},
        message::{Direction, Fact, Origin, Stored},
    },
};
use tests::World;

/// What a number of a tenant has.
pub(crate) struct Seeds<'a> {
    world: &'a World,
    pub(crate) line: Line,
    messages: Messages,
    /// Its own time, which passes only where a test says so.
    now: Arc<Mutex<Timestamp>>,
}

impl<'a> Seeds<'a> {
    pub(crate) fn new(world: &'a World, tenant: &str, number: &str) -> Self {
        let table = world.variable("inbox", "MESSAGES_TABLE");
        Self {
            world,
            line: Line { tenant: tenant.parse().unwrap(), number: number.parse().unwrap() },
            messages: Messages::new(world.aws_clients().dynamodb(), table, 30, world.product_clock()),
            now: Arc::new(Mutex::new(Timestamp::from_second(world.clock.now().as_second()).unwrap())),
        }
    }

    /// What another number of the tenant's has, in the same time.
    pub(crate) fn beside(&self, number: &str) -> Self {
        Self { now: Arc::clone(&self.now), ..Self::new(self.world, self.line.tenant.as_str(), number) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_millis(milliseconds);
    }

    /// The conversation with the person `who`.
    pub(crate) fn conversation(&self, who: u8) -> ConversationId {
        let digest = Sha256::digest(format!("{}#{}#{who}", self.line.tenant, self.line.number));
        ConversationId::new(digest[..16].try_into().unwrap())
    }

    pub(crate) fn wamid(&self, who: u8, text: &str) -> String {
        format!("wamid.{}{who}{text}==", self.line.tenant)
    }

    /// The person `who` writes now, and is not answered.
    pub(crate) async fn said(&self, who: u8, phone: &str, name: &str, text: &str) -> (ConversationId, MessageId) {
        let raw = json!({
            "from": phone, "id": self.wamid(who, text), "timestamp": self.now().as_second().to_string(),
            "type": "text", "text": { "body": text },
        });
        let message = self.put(who, Direction::Inbound, Origin::Customer, &raw, "1.0", BTreeMap::new()).await;
        let now = self.now();
        let id = self.head(who, |head| {
            head.contact.phone = Some(phone.to_owned());
            head.contact.name = Some(name.to_owned());
            let alias = Alias::Phone(phone.to_owned());
            if !head.contact.answers_to(&alias) {
                head.contact.aliases.push(Known { alias, since: now, until: None });
            }
            head.window_until = Some(now + SignedDuration::from_hours(24));
            head.unread += 1;
            head.last = Some(message);
        });
        let id = id.await;
        self.named(id, &Alias::Phone(phone.to_owned())).await;
        self.note(&[Note::Unread(self.line.clone(), id), Note::Named(self.line.clone(), id, name.to_owned())]).await;
        (id, message)
    }

    /// Keeps a message of Meta's as it is.
    pub(crate) async fn put(
        &self,
        who: u8,
        direction: Direction,
        origin: Origin,
        raw: &Value,
        sequence: &str,
        statuses: BTreeMap<String, Fact>,
    ) -> MessageId {
        let seconds = raw["timestamp"].as_str().and_then(|text| text.parse().ok());
        let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let wamid = raw["id"].as_str().map(str::to_owned);
        let id = MessageId::of_meta(self.conversation(who), at, wamid.as_deref().unwrap_or_default());
        let message = Stored {
            id,
            number: self.line.number.clone(),
            wamid,
            direction,
            origin,
            raw: raw.to_string(),
            sequence: sequence.to_owned(),
            received_at: self.now(),
            statuses,
            generation: 1,
            sending: None,
            duplicate: None,
        };
        self.messages.put(&self.line.tenant, &message, self.now()).await.unwrap();
        id
    }

    /// Changes a head, which has its place in the list from now on.
    pub(crate) async fn head(&self, who: u8, change: impl FnOnce(&mut Head)) -> ConversationId {
        let (id, now) = (self.conversation(who), self.now());
        let found = self.messages.head(&self.line.tenant, &id).await.unwrap();
        let mut head = found.unwrap_or_else(|| Head::new(self.line.number.clone(), now));
        if head.last.is_some() && head.updated_at != now {
            head.stood.push(head.updated_at.as_millisecond());
        }
        head.updated_at = now;
        change(&mut head);
        assert!(self.messages.save_head(&self.line.tenant, &id, &mut head, now).await.unwrap());
        self.touched(&[id], head.updated_at).await;
        id
    }

    /// Lets a name lead to a conversation, where it leads nowhere yet.
    pub(crate) async fn named(&self, id: ConversationId, alias: &Alias) {
        self.messages.name(&self.line, id, std::slice::from_ref(alias)).await.unwrap();
    }

    /// Notes that something happened in these conversations.
    pub(crate) async fn touched(&self, conversations: &[ConversationId], at: Timestamp) {
        let touched = conversations.iter().map(|id| (*id, at)).collect();
        self.note(&[Note::Touched(self.line.clone(), touched)]).await;
    }

    pub(crate) async fn note(&self, notes: &[Note]) {
        self.messages.note(notes, self.now()).await.unwrap();
    }

    pub(crate) async fn count(&self, counts: &Counts) {
        self.messages.count(&self.line, counts, shared::clock::Random::system().bytes(), self.now()).await.unwrap();
    }
}
