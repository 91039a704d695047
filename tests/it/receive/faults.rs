//! Every request that taking in makes, with every kind of fault: the process dies, the table throttles, an answer is lost.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{
    World,
    faults::{Verdict, exhaust, exhaust_pairs},
    signature,
};

use super::{ACME, NUMBER, WABA, ago, all, delivery, heads, items, own, text};

const MARIA: &str = "16505551234";
const ID: &str = "US.13491208655302741918";

fn told(what: &str, verdict: &Verdict) {
    println!(
        "faults, {what}: {} sites, {} scenarios, {} violations",
        verdict.sites.len(),
        verdict.scenarios,
        verdict.violations.len()
    );
    assert_eq!(verdict.violations, Vec::<String>::new());
    assert_eq!(verdict.idle, Vec::<String>::new());
}

/// Puts deliveries on the queue, as the test itself.
pub(crate) async fn deliver(world: &World, bodies: &[Vec<u8>]) {
    for body in bodies {
        let call =
            world.cold_call("test", "POST", "/webhooks/whatsapp").header("x-hub-signature-256", &signature(body));
        assert_eq!(call.body("application/json", body.clone()).send().await.status, 200);
    }
}

/// Takes in until nothing is left, in a new process after each that died, each time after what was hidden is not.
pub(crate) async fn take_in(world: &World) -> bool {
    for run in 0..6 {
        let caller = format!("inbound-{}-{run}", world.aws.calls().len());
        let environment = world.cold_inbound(&caller);
        let drained = world.drain_with(&environment, &caller).await;
        if drained.again == 0 {
            return true;
        }
        world.clock.advance(SignedDuration::from_secs(181));
    }
    false
}

pub(crate) struct Broken(pub(crate) Vec<String>);

impl Broken {
    pub(crate) fn unless(&mut self, holds: bool, what: &str, seen: impl std::fmt::Debug) {
        if !holds {
            self.0.push(format!("{what}: {seen:?}"));
        }
    }

    /// What is true of every conversation, whatever happened: lists show it, and what it says of itself is so.
    pub(crate) async fn unless_listed(&mut self, world: &World) {
        let touched = items(world, 'r').await;
        let (unread, named) = (items(world, 'u').await, items(world, 'q').await);
        for (id, head) in heads(world).await {
            if head.merged_into.is_some() {
                continue;
            }
            let here = json!({"c": id.hex(), "t": head.updated_at.as_millisecond()});
            let is_listed = touched.iter().any(|item| item["touched"].as_array().unwrap().contains(&here));
            self.unless(is_listed || head.last.is_none(), "it is in the list", (&head, &touched));
            let is_marked = unread.iter().any(|item| item["sk"] == json!(id.hex()));
            self.unless(is_marked == (head.unread > 0), "it is marked as unread", (&head, &unread));
            let name = head.contact.shown_name().map(|name| json!(format!("{}#{}", name.to_lowercase(), id.hex())));
            self.unless(name.is_none_or(|name| named.iter().any(|item| item["sk"] == name)), "it is found", &named);
        }
    }

    pub(crate) async fn unless_counted(&mut self, world: &World, most: &[(&str, u64)]) {
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        for item in items(world, 'n').await {
            for (name, count) in item.as_object().unwrap().iter().filter(|(name, _)| name.contains('#')) {
                *counted.entry(name.clone()).or_default() += count.as_u64().unwrap();
            }
        }
        let is_allowed =
            |(name, count): (&String, &u64)| most.iter().any(|(known, most)| known == name && count <= most);
        self.unless(counted.iter().all(is_allowed), "nothing is counted twice", &counted);
    }
}

fn wamids(messages: &[shared::domain::message::Stored]) -> Vec<&str> {
    let mut wamids: Vec<&str> = messages.iter().filter_map(|message| message.wamid.as_deref()).collect();
    wamids.sort_unstable();
    wamids
}

/// Somebody new writes thrice, another once; the phone answers, and its status comes first.
async fn writing(world: Arc<World>) -> Vec<String> {
    own(&world, ACME, NUMBER, WABA).await;
    let now = ago(&world, SignedDuration::from_secs(30));
    let said = |from: &str, wamid: &str, after: i64| {
        let contact = json!({"wa_id": from, "profile": {"name": "Maria"}});
        delivery("messages", json!({"contacts": [contact], "messages": [text(from, wamid, now + after, wamid)]}))
    };
    let status =
        json!({"id": "wamid.echo", "status": "delivered", "timestamp": now.to_string(), "recipient_id": MARIA});
    let echo = json!({"from": super::DISPLAY, "to": MARIA, "id": "wamid.echo", "timestamp": (now + 3).to_string(),
        "type": "text", "text": {"body": "Hi"}});
    let read = json!({"id": "wamid.echo", "status": "read", "timestamp": now.to_string(), "recipient_id": MARIA});
    deliver(
        &world,
        &[
            said(MARIA, "wamid.1", 0),
            said(MARIA, "wamid.2", 1),
            said("16505550000", "wamid.other", 0),
            delivery("messages", json!({"statuses": [status]})),
            delivery("smb_message_echoes", json!({"message_echoes": [echo]})),
            delivery("messages", json!({"statuses": [read]})),
            said(MARIA, "wamid.3", 4),
            delivery("messages", json!({"errors": [{"code": 130_429}]})),
        ],
    )
    .await;
    let is_over = take_in(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", ());
    let messages = all(&world).await;
    let all = ["wamid.1", "wamid.2", "wamid.3", "wamid.echo", "wamid.other"];
    broken.unless(wamids(&messages) == all, "each message is kept once", wamids(&messages));
    let heads = heads(&world).await;
    broken.unless(heads.len() == 2, "there are two conversations", &heads);
    for (_, head) in &heads {
        let is_maria = head.contact.phone.as_deref() == Some(MARIA);
        broken.unless(head.unread == if is_maria { 3 } else { 1 }, "each is unread once", head);
        let last = messages.iter().find(|message| Some(message.id) == head.last).and_then(|last| last.wamid.as_deref());
        broken.unless(last == Some(if is_maria { "wamid.3" } else { "wamid.other" }), "the last is last", head);
    }
    let echo = messages.iter().find(|message| message.wamid.as_deref() == Some("wamid.echo"));
    let facts: Vec<&String> = echo.iter().flat_map(|echo| echo.statuses.keys()).collect();
    broken.unless(facts == ["delivered", "read", "sent"], "all facts are on their message", &facts);
    broken.unless(items(&world, 's').await.is_empty(), "none waits", ());
    broken.unless(items(&world, 'e').await.len() == 1, "the error is kept once", ());
    broken.unless_listed(&world).await;
    let most = [
        ("m#inbound#text#received", 4),
        ("m#outbound#text#sent", 1),
        ("m#outbound#text#delivered", 1),
        ("m#outbound#text#read", 1),
    ];
    broken.unless_counted(&world, &most).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_in_survives_every_single_fault() {
    let verdict = exhaust(writing).await;

    told("taking in", &verdict);
    assert!(verdict.sites.len() >= 12, "{:?}", verdict.sites);
}

/// Two who turn out to be one, and then have another number; their phone's address book knows them.
async fn becoming_one(world: Arc<World>) -> Vec<String> {
    own(&world, ACME, NUMBER, WABA).await;
    let now = ago(&world, SignedDuration::from_secs(60));
    let by = |from: Value, id: Value, wamid: &str, after: i64| {
        let mut message = text("", wamid, now + after, wamid);
        (message["from"], message["from_user_id"]) = (from, id);
        let contact =
            json!({"wa_id": message["from"], "user_id": message["from_user_id"], "profile": {"name": "Maria"}});
        delivery("messages", json!({"contacts": [contact], "messages": [message]}))
    };
    let system = json!({"body": "changed", "type": "user_changed_number", "wa_id": "16505550000"});
    let changed = json!({"from": MARIA, "id": "wamid.sys", "timestamp": (now + 20).to_string(), "type": "system",
        "system": system});
    let contact = json!({"full_name": "Maria S.", "phone_number": "16505550000"});
    let sync =
        json!({"type": "contact", "contact": contact, "action": "add", "metadata": {"timestamp": now.to_string()}});
    let mut is_over = true;
    for body in [
        by(json!(MARIA), Value::Null, "wamid.phone", 0),
        by(Value::Null, json!(ID), "wamid.id", 1),
        by(json!(MARIA), json!(ID), "wamid.both", 2),
        delivery("messages", json!({"messages": [changed]})),
        delivery("smb_app_state_sync", json!({"state_sync": [sync]})),
    ] {
        deliver(&world, &[body]).await;
        is_over &= take_in(&world).await;
    }

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", ());
    let messages = all(&world).await;
    let all = ["wamid.both", "wamid.id", "wamid.phone", "wamid.sys"];
    broken.unless(wamids(&messages) == all, "each message is kept once", wamids(&messages));
    let heads = heads(&world).await;
    let living: Vec<_> = heads.iter().filter(|(_, head)| head.merged_into.is_none()).collect();
    broken.unless(living.len() == 1 && heads.len() == 2, "two have become one", &heads);
    for (id, head) in living {
        broken.unless(head.unread == 3, "each is unread once", head);
        broken.unless(head.contact.name.as_deref() == Some("Maria S."), "the phone knows the name", head);
        broken.unless(head.contact.phone.as_deref() == Some("16505550000"), "the number is the new one", head);
        let leading: Vec<Value> = items(&world, 'a').await;
        let here = leading.iter().filter(|item| item["conversation"] == json!(id.hex())).count();
        let before = leading.iter().filter(|item| item["before"] == json!(id.hex())).count();
        broken.unless((here, before) == (2, 1), "its names lead to it", &leading);
    }
    broken.unless_listed(&world).await;
    broken.unless_counted(&world, &[("m#inbound#text#received", 3), ("m#inbound#system#received", 1)]).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn becoming_one_survives_every_single_fault() {
    let verdict = exhaust(becoming_one).await;

    told("becoming one", &verdict);
    assert!(verdict.sites.len() >= 20, "{:?}", verdict.sites);
}

/// Meta posts one message until it is taken.
async fn one_message(world: Arc<World>) -> Vec<String> {
    own(&world, ACME, NUMBER, WABA).await;
    let contact = json!({"wa_id": MARIA, "profile": {"name": "Maria"}});
    let said = text(MARIA, "wamid.1", ago(&world, SignedDuration::from_secs(30)), "Hi");
    let body = delivery("messages", json!({"contacts": [contact], "messages": [said]}));
    let mut is_taken = false;
    for attempt in 0..6 {
        let caller = format!("webhook-{attempt}");
        let call = world.cold_call(&caller, "POST", "/webhooks/whatsapp");
        let call = call.header("x-hub-signature-256", &signature(&body)).body("application/json", body.clone());
        is_taken = world.as_process(&caller, call.send()).await.is_some_and(|answer| answer.status == 200);
        if is_taken {
            break;
        }
    }
    let is_over = take_in(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_taken && is_over, "it ends", (is_taken, is_over));
    let messages = all(&world).await;
    broken.unless(wamids(&messages) == ["wamid.1"], "it is kept once", wamids(&messages));
    let heads = heads(&world).await;
    let is_unread_once = heads.len() == 1 && heads[0].1.unread == 1 && heads[0].1.last == Some(messages[0].id);
    broken.unless(is_unread_once, "it is unread once", &heads);
    broken.unless_listed(&world).await;
    broken.unless_counted(&world, &[("m#inbound#text#received", 1)]).await;
    broken.0
}

/// Of so many pairs one is tried in every run; the nightly one tries all.
const SAMPLE: usize = 37;

#[tokio::test(flavor = "multi_thread")]
async fn taking_in_survives_pairs_of_faults() {
    exhaust_pairs(one_message, SAMPLE).await.must_hold("pairs on taking in", 8);
}
