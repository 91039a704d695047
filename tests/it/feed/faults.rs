//! Every request on the way from a message to its reader, with every kind of fault: each effect is told, in its order.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, faults::exhaust};

use super::{ACME, Reader};
use crate::{
    connect::faults::by_operator,
    receive::{
        self, ago, delivery,
        faults::{Broken, deliver, take_in},
        text,
    },
    send::{self, CUSTOMER},
};

/// Whatever dies, all is told in so many of them.
const ROUNDS: usize = 6;

/// Tells until nothing is left, in a new process after each that died.
async fn tell(world: &World, name: &str) -> bool {
    for run in 0..ROUNDS {
        let caller = format!("feed-{name}-{run}");
        let feeder = world.cold_feed(&caller);
        if world.feed_with(&feeder, &caller).await.again == 0 {
            return true;
        }
    }
    false
}

/// A reader who repeats what it gets no answer to.
async fn read(world: &World, reader: &mut Reader, name: &str) -> bool {
    let mut is_over = false;
    for run in 0..40 {
        let after = reader.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
        let caller = format!("inbox-{name}-{run}");
        let path = format!("/v1/events?limit=100{after}");
        let call = match &reader.tenant {
            Some(_) => by_operator(world, &caller, "GET", &path),
            None => world.cold_call(&caller, "GET", &path).bearer(&world.first_key),
        };
        match world.as_process(&caller, call.send()).await {
            Some(answer) if answer.status == 200 => {
                reader.after = Some(answer.body["next"].as_str().unwrap().to_owned());
                let data = answer.body["data"].as_array().unwrap();
                reader.heard.extend(data.iter().cloned());
                if data.is_empty() {
                    is_over = true;
                    break;
                }
            }
            _ => world.clock.advance(SignedDuration::from_secs(2)),
        }
    }
    is_over
}

/// Somebody writes, the phone answers, and its status comes; all of it is told, and read by two.
async fn writing_and_telling(world: Arc<World>) -> Vec<String> {
    world.cold_sweeper("test").handle(tests::schedule_event()).await.unwrap();
    receive::own(&world, ACME, receive::NUMBER, receive::WABA).await;
    let now = ago(&world, SignedDuration::from_secs(30));
    let said = |wamid: &str, after: i64| {
        let contact = json!({"wa_id": CUSTOMER, "profile": {"name": "Maria"}});
        let said = text(CUSTOMER, wamid, now + after, wamid);
        delivery("messages", json!({"contacts": [contact], "messages": [said]}))
    };
    let echo = json!({"from": receive::DISPLAY, "to": CUSTOMER, "id": "wamid.echo", "timestamp": (now + 3).to_string(),
        "type": "text", "text": {"body": "Hi"}});
    let status =
        json!({"id": "wamid.echo", "status": "delivered", "timestamp": now.to_string(), "recipient_id": CUSTOMER});
    let bodies = [
        said("wamid.1", 0),
        delivery("smb_message_echoes", json!({"message_echoes": [echo]})),
        said("wamid.2", 4),
        delivery("messages", json!({"statuses": [status]})),
    ];
    deliver(&world, &bodies).await;
    let mut broken = Broken(Vec::new());
    broken.unless(take_in(&world).await, "it is taken in", ());
    let (acme, all) = broken.unless_heard(&world).await;
    for heard in [&acme, &all] {
        let received = heard.iter().filter(|event| event["type"] == "message.received");
        let received: Vec<&Value> = received.map(|event| &event["data"]["wamid"]).collect();
        let first = |wamid: &str| received.iter().position(|one| *one == wamid);
        let is_so = first("wamid.1").is_some() && first("wamid.1") < first("wamid.2");
        broken.unless(is_so, "in their order", &received);
    }
    broken.0
}

/// Somebody who has written is answered; it goes out, Meta tells what became of it, and all of that is told and read.
async fn answering_and_telling(world: Arc<World>) -> Vec<String> {
    send::faults::ready(&world).await;
    send::faults::written_by(&world, CUSTOMER).await;
    let sent = send::faults::send_once(&world, "one", &send::text(CUSTOMER, "One")).await;
    let is_over = send::faults::until_over(&world).await && send::faults::told(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(sent.status == 202 && is_over, "it ends", &sent);
    broken.unless_heard(&world).await;
    broken.0
}

impl Broken {
    /// All is told, and what two readers hear is how it stands: what they have heard.
    async fn unless_heard(&mut self, world: &World) -> (Vec<Value>, Vec<Value>) {
        self.unless(tell(world, "all").await, "it is told", ());
        let (mut acme, mut all) = (Reader::of(ACME), Reader::of_all());
        self.unless(read(world, &mut acme, "acme").await, "it is read", ());
        self.unless(read(world, &mut all, "all").await, "all is read", ());
        self.unless_told(world, &acme.heard).await;
        self.unless_told(world, &all.heard).await;
        (acme.heard, all.heard)
    }

    /// Of each thing that was told, the last that a reader hears is how it stands; and all of them are told.
    async fn unless_told(&mut self, world: &World, heard: &[Value]) {
        let mut last: BTreeMap<(String, String), &Value> = BTreeMap::new();
        for event in heard {
            let thing = event["data"]["id"].as_str().or(event["phone_number_id"].as_str()).unwrap_or_default();
            let kind = event["type"].as_str().unwrap().split('.').next().unwrap().to_owned();
            last.insert((kind, thing.to_owned()), event);
        }
        for message in receive::all(world).await {
            let event = last.get(&("message".to_owned(), message.id.to_string()));
            let status = event.map(|event| event["data"]["status"].clone());
            self.unless(status == Some(json!(message.status())), "each message is told as it is", (&message, event));
        }
        for (id, head) in receive::heads(world).await {
            let event = last.get(&("conversation".to_owned(), id.to_string()));
            let unread = event.map(|event| event["data"]["unread"].clone());
            self.unless(unread == Some(json!(head.unread)), "each conversation is told as it is", (&head, event));
            let contact = last.get(&("contact".to_owned(), id.to_string().replace("cnv_", "ctc_")));
            let name = contact.map(|event| event["data"]["name"].clone());
            self.unless(name == Some(json!(head.contact.shown_name())), "each person is told", (&head, contact));
        }
        self.unless(last.contains_key(&("account".to_owned(), receive::NUMBER.to_owned())), "the account is told", ());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_what_came_in_survives_every_single_fault() {
    exhaust(writing_and_telling).await.must_hold("telling what came in", 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_what_went_out_survives_every_single_fault() {
    exhaust(answering_and_telling).await.must_hold("telling what went out", 40);
}
