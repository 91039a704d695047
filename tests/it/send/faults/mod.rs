//! Every request of sending, with every kind of fault: nothing is posted twice, nothing is forgotten, and each conversation
//! keeps its order.

mod accepting;
mod delivering;
mod feeding;
mod pairs;
mod reading;

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicUsize, Ordering},
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::{conversation::MessageId, message::Stored, sending::State};
use tests::{Answer, Call, World, schedule_event};

use super::{ACME, CUSTOMER, posts, text};
use crate::{
    connect::{
        NUMBER, ONE,
        faults::{by_operator, insist},
        system_token,
    },
    receive::{
        ago, all,
        faults::{Broken, deliver, take_in},
        text as written,
    },
    upkeep::Behind,
};

/// Somebody nobody has heard of.
const STRANGER: &str = "16505550000";
/// Longer than a queue waits before it hands out again what somebody has died with.
const ROUND: SignedDuration = SignedDuration::from_secs(181);
/// Whatever dies, all is over in so many of them.
const ROUNDS: usize = 7;

/// A number that sends, and of which Meta tells nothing by itself: what it tells, the flows say.
pub(crate) async fn ready(world: &World) {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({"registered": true})).await;
    connect(world).await;
}

async fn connect(world: &World) {
    Behind::of(world).own(ACME, &system_token(world, ONE).await, None).await;
}

/// A customer has written, so that they may be answered.
pub(crate) async fn written_by(world: &World, from: &str) {
    let said = json!({"phone_number_id": NUMBER, "from": from, "type": "text", "text": {"body": "Hi"}});
    let wamids = world.meta.post("/_sim/inbound", said).await["wamids"].clone();
    let contact = json!({"wa_id": from, "profile": {"name": "Maria"}});
    let said = written(from, wamids[0].as_str().unwrap(), ago(world, SignedDuration::from_secs(9)), "Hi");
    let delivery = crate::receive::delivery("messages", json!({"contacts": [contact], "messages": [said]}));
    deliver(world, &[delivery]).await;
    world.drain_with(&world.cold_inbound("test"), "test").await;
}

/// What anybody may be sent, whether they have written or not.
fn greeting(to: &str) -> Value {
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
    json!({"to": format!("+{to}"), "type": "template", "template": template})
}

/// A request to send `body`, as the process `caller`.
fn sending(world: &World, caller: &str, body: &Value) -> Call {
    by_operator(world, caller, "POST", &format!("/v1/accounts/{NUMBER}/messages")).json(body)
}

/// A client that repeats what it gets no answer to, under the same key.
pub(crate) async fn send_once(world: &World, key: &str, body: &Value) -> Answer {
    insist(world, &format!("send-{key}"), |caller| sending(world, caller, body).header("idempotency-key", key)).await
}

/// Accepted before the flow begins.
async fn accepted(world: &World, body: &Value) -> Value {
    let answer = sending(world, "test", body).send().await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.body
}

/// A name that no process had before.
fn process(function: &str) -> String {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    format!("{function}-{}", STARTED.fetch_add(1, Ordering::Relaxed))
}

/// Sends what the queue gives. Says whether nothing is left there.
async fn send_out(world: &World) -> bool {
    let caller = process("outbound");
    let outbound = world.cold_outbound(&caller);
    world.drain_with(&outbound, &caller).await;
    world.queued(&outbound).await == 0
}

/// The schedule comes, in a process that may die.
async fn sweep(world: &World) {
    let caller = process("sweeper");
    let sweep = world.cold_sweeper(&caller).handle(schedule_event());
    let _ = world.as_process(&caller, sweep).await;
}

/// Sends, and lets time pass with all that happens in it, until everything has come to its end.
pub(crate) async fn until_over(world: &World) -> bool {
    for _ in 0..ROUNDS {
        if send_out(world).await && all(world).await.iter().all(is_over) {
            return true;
        }
        world.clock.advance(ROUND);
        sweep(world).await;
    }
    false
}

/// Meta tells what became of all messages that it has, and that is taken in. Twice: it is told twice.
pub(crate) async fn told(world: &World) -> bool {
    let state = world.meta.state().await;
    let sent = state["messages"].as_array().into_iter().flatten().filter(|message| message["direction"] == "outbound");
    let at = world.clock.now().as_second().to_string();
    let statuses = sent.flat_map(|message| {
        ["sent", "delivered"].map(|status| {
            json!({"id": message["id"], "status": status, "timestamp": at, "recipient_id": message["phone"],
                "biz_opaque_callback_data": message["biz_opaque_callback_data"]})
        })
    });
    let statuses: Vec<Value> = statuses.collect();
    deliver(world, &[crate::receive::delivery("messages", json!({"statuses": statuses}))]).await;
    take_in(world).await
}

fn is_over(message: &Stored) -> bool {
    let open = [State::Accepted, State::Waiting, State::Held, State::Sending, State::Unknown];
    message.sending.as_ref().is_none_or(|sending| !open.contains(&sending.state))
}

/// What Meta has been asked to send, by message of ours: what each call may have come to.
struct Asked {
    message: MessageId,
    may_have_succeeded: bool,
}

async fn asked(world: &World) -> Vec<Asked> {
    let asked = posts(world).await.into_iter().map(|post| {
        let callback = post["body"]["biz_opaque_callback_data"].as_str().unwrap();
        // Meta's refusal says that nothing came of it; no answer, or its own error, says nothing.
        let is_refused = post["status"].as_u64().is_some_and(|status| (400..500).contains(&status));
        let is_heard = post["fault"]["reset"].is_null() && post["fault"]["kill"].is_null();
        Asked {
            message: callback.split('.').nth(2).unwrap().parse().unwrap(),
            may_have_succeeded: !(is_refused && is_heard),
        }
    });
    asked.collect()
}

/// What is shown of a message.
async fn shown(world: &World, id: &str) -> Answer {
    by_operator(world, "test", "GET", &format!("/v1/messages/{id}")).send().await
}

impl Broken {
    /// Of what came in and went out, nothing is counted more often than it happened.
    async fn unless_counted_once(&mut self, world: &World, kinds: &[(&str, u64)]) {
        let words = ["accepted", "unconfirmed", "sent", "delivered"];
        let out = kinds.iter().flat_map(|(kind, most)| words.map(|word| (format!("m#outbound#{kind}#{word}"), *most)));
        let out: Vec<(String, u64)> = out.collect();
        let mut most: Vec<(&str, u64)> = out.iter().map(|(name, most)| (name.as_str(), *most)).collect();
        most.push(("m#inbound#text#received", 2));
        self.unless_counted(world, &most).await;
    }

    /// What is true of everything that was to be sent, whatever happened.
    async fn unless_sent_once(&mut self, world: &World) {
        let asked = asked(world).await;
        let mut of_message: BTreeMap<String, usize> = BTreeMap::new();
        let mut latest: HashMap<_, String> = HashMap::new();
        for asked in &asked {
            *of_message.entry(asked.message.to_string()).or_default() += usize::from(asked.may_have_succeeded);
            let place = asked.message.sort_key();
            let before = latest.insert(asked.message.conversation, place.clone());
            self.unless(before.is_none_or(|before| before <= place), "they go in their order", asked.message);
        }
        self.unless(of_message.values().all(|count| *count <= 1), "each is posted once", &of_message);
        let messages = all(world).await;
        for message in &messages {
            self.unless(is_over(message), "each has come to its end", message);
        }
        let is_known = |id: &String| messages.iter().any(|message| message.id.to_string() == *id);
        self.unless(of_message.keys().all(is_known), "what was posted is on record", &of_message);
    }

    /// Whoever was answered 202 finds the message, as one of these.
    async fn unless_shown(&mut self, world: &World, accepted: &Value, statuses: &[&str]) -> Value {
        let id = accepted["id"].as_str().unwrap_or_default();
        let shown = shown(world, id).await;
        let is_so = shown.status == 200 && statuses.iter().any(|status| shown.body["status"] == *status);
        self.unless(is_so, "what was accepted is shown", (accepted, &shown));
        shown.body
    }

    /// Whether Meta has a message decides how it ended, once Meta has told all it knows.
    async fn unless_as_meta_knows(&mut self, world: &World) {
        let state = world.meta.state().await;
        for message in all(world).await.iter().filter(|message| message.sending.is_some()) {
            let id = message.id.to_string();
            let is_it = |known: &&Value| {
                known["biz_opaque_callback_data"].as_str().is_some_and(|data| data.split('.').nth(2) == Some(&id))
            };
            let known: Vec<&Value> = state["messages"].as_array().into_iter().flatten().filter(is_it).collect();
            let shown = shown(world, &id).await.body;
            let is_so = match known.as_slice() {
                [] => ["unconfirmed", "expired", "cancelled"].iter().any(|status| shown["status"] == *status),
                [one] => shown["status"] == "delivered" && shown["wamid"] == one["id"],
                _ => false,
            };
            self.unless(is_so, "it ended as Meta knows", (&shown, &known));
        }
    }
}
