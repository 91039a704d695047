//! Every request of an erasure with every kind of fault: whoever asks again, and the schedule that comes again, get there.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::{
    conversation::{Alias, ContactId, Known},
    message::{Direction, Origin},
};
use tests::{World, faults::exhaust, schedule_event};

use super::{erasures, tenant::of_acme};
use crate::{
    accounts::faults::prepared,
    connect::asked,
    feed::incompressible,
    inbox::Seeds,
    receive::{ACME, NUMBER, WABA, own, park},
};

const PHONE: &str = "16505557788";
const NEIGHBOUR: &str = "16505551111";

/// Two people, told of in the feed, of whom one is forgotten.
async fn forgetting(world: Arc<World>) -> Vec<String> {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    own(&world, ACME, NUMBER, WABA).await;
    let seeds = Seeds::new(&world, ACME, NUMBER);
    let (id, _) = seeds.said(1, PHONE, "Zoe Kanari", "secret").await;
    let large = json!({"from": PHONE, "id": "wamid.large", "timestamp": seeds.now().as_second().to_string(),
        "type": "text", "text": {"body": incompressible(400_000)}});
    seeds.put(1, Direction::Inbound, Origin::Customer, &large, "2.0", BTreeMap::new()).await;
    let (neighbour, _) = seeds.said(2, NEIGHBOUR, "Ada", "Hello").await;
    let alias = Alias::User("US.zoe".into());
    let now = seeds.now();
    let known = Known { alias: alias.clone(), since: now, until: None };
    seeds.head(1, |head| head.contact.aliases.push(known)).await;
    seeds.named(id, &alias).await;
    let feeder = world.cold_feed("test");
    world.feed_with(&feeder, "test").await;

    let path = format!("/v1/contacts/{}", ContactId(id));
    let mut answered = 0;
    for attempt in 0..6 {
        let caller = format!("inbox-{attempt}");
        let call = world.cold_call(&caller, "DELETE", &path).bearer(&world.first_key).tenant(ACME);
        match world.as_process(&caller, call.send()).await {
            Some(answer) if answer.status < 500 => {
                answered = answer.status;
                break;
            }
            _ => world.clock.advance(SignedDuration::from_secs(1)),
        }
    }
    for run in 0..8 {
        if answered == 204 && erasures(&world).await.is_empty() {
            break;
        }
        let caller = format!("sweeper-{run}");
        let sweep = world.cold_sweeper(&caller).handle(schedule_event());
        let _ = world.as_process(&caller, sweep).await;
        world.clock.advance(SignedDuration::from_secs(90));
    }
    world.feed_with(&feeder, "test").await;

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: String| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("it is answered", answered == 204, answered.to_string());
    let left = erasures(&world).await;
    hold("nothing is left to do", left.is_empty(), format!("{left:?}"));
    let items = world.table("MESSAGES_TABLE").await;
    let theirs: Vec<&Value> = items.iter().filter(|item| is_of(item, &id.hex())).collect();
    hold(
        "nothing of theirs is left but that it was erased",
        theirs.len() == 1 && theirs[0]["erased_at"].is_number(),
        format!("{theirs:?}"),
    );
    let named = items
        .iter()
        .filter(|item| ["16505557788", "US.zoe", "zoe kanari"].iter().any(|name| item.to_string().contains(name)));
    let named: Vec<&Value> = named.collect();
    hold("nor their names", named.is_empty(), format!("{named:?}"));
    let others = items.iter().filter(|item| is_of(item, &neighbour.hex())).count();
    hold("the neighbour has a head, a message, a name, what is unread and searched", others == 5, others.to_string());
    let events =
        world.cold_call("test", "GET", "/v1/events?limit=100").bearer(&world.first_key).tenant(ACME).send().await;
    let conversation = json!(id.to_string());
    let shown = events.body["data"].as_array().into_iter().flatten();
    let (theirs, others): (Vec<&Value>, Vec<&Value>) =
        shown.partition(|event| event["conversation_id"] == conversation);
    hold(
        "the feed shows nothing",
        !theirs.is_empty() && theirs.iter().all(|event| event["data"].is_null()),
        format!("{theirs:?}"),
    );
    let is_shown = others
        .iter()
        .any(|event| event["data"]["text"]["body"] == "Hello" || event["data"].to_string().contains("Hello"));
    hold("but of the neighbour", is_shown, String::new());
    let beside = world
        .table("EVENTS_TABLE")
        .await
        .into_iter()
        .filter(|item| item["pk"] != format!("{ACME}#log") && item["pk"] != "*")
        .count();
    hold("nor beside it", beside == 0, beside.to_string());
    let audited = world.table("AUDIT_TABLE").await.into_iter();
    let audited = audited.filter(|entry| entry["what"] == "DELETE /v1/contacts/{id}" && entry["status"] == 204).count();
    hold("it is on record", audited >= 1, audited.to_string());
    broken
}

/// Whether an item is of a conversation: in its own partition, or by what leads to it.
fn is_of(item: &Value, conversation: &str) -> bool {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    text("pk").ends_with(&format!("#c#{conversation}"))
        || text("conversation") == conversation
        || (["#u#", "#q#", "#x#"].iter().any(|kind| text("pk").contains(kind)) && text("sk").ends_with(conversation))
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_somebody_survives_every_single_fault() {
    exhaust(forgetting).await.must_hold("erasing a person", 30);
}

/// A tenant with whatever it can have: a number that is connected, a key, an attempt to connect, a person, a file of
/// theirs, an answer that is kept, a unit that is parked, a feed.
async fn endowed(world: &World) {
    prepared(world).await;
    let ask = |path: &str| world.cold_call("test", "POST", path).bearer(&world.first_key);
    let key = json!({"name": "theirs", "tenant": ACME});
    assert_eq!(ask("/v1/keys").json(&key).send().await.status, 201);
    let login = ask("/v1/connections").tenant(ACME).header("idempotency-key", "once").json(&json!({"method": "login"}));
    assert_eq!(login.send().await.status, 201);
    Seeds::new(world, ACME, NUMBER).said(1, PHONE, "Zoe Kanari", "secret").await;
    park(world, Some(ACME), SignedDuration::from_hours(24)).await;
    world.feed_with(&world.cold_feed("test"), "test").await;
    for table in
        ["MESSAGES_TABLE", "RECEIPTS_TABLE", "CREDENTIALS_TABLE", "CONNECTIONS_TABLE", "ACCOUNTS_TABLE", "EVENTS_TABLE"]
    {
        assert_ne!(of_acme(world, table).await, Vec::<Value>::new(), "{table}");
    }
}

/// The operator's command for a tenant, with what it answered until it is done, whoever dies meanwhile.
async fn leaving(world: Arc<World>) -> Vec<String> {
    endowed(&world).await;
    let (mut after, mut is_done) = (Value::Null, false);
    for run in 0..12 {
        let mut event = schedule_event();
        event.payload = json!({"command": "erase_tenant", "tenant": ACME, "disconnect": true, "after": after});
        let caller = format!("sweeper-{run}");
        if let Some(Ok(report)) = world.as_process(&caller, world.cold_sweeper(&caller).handle(event)).await {
            let report = serde_json::to_value(report).unwrap();
            after = report["after"].clone();
            is_done = report["more"] == false;
        }
        if is_done {
            break;
        }
        world.clock.advance(SignedDuration::from_secs(181));
    }

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: String| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("it comes to an end", is_done, after.to_string());
    for table in ["MESSAGES_TABLE", "RECEIPTS_TABLE", "CREDENTIALS_TABLE", "CONNECTIONS_TABLE"] {
        let left = of_acme(&world, table).await;
        hold("nothing of theirs is left", left.is_empty(), format!("{table}: {left:?}"));
    }
    let log = of_acme(&world, "EVENTS_TABLE").await;
    hold("nor in the feed, but where it ended", log.len() == 1 && log[0]["sk"] == "anchor", format!("{log:?}"));
    let accounts = of_acme(&world, "ACCOUNTS_TABLE").await;
    let is_bare = |account: &Value| {
        account["state"] == "disconnected"
            && ["token", "pin", "leaving", "display_phone_number"].iter().all(|name| account[*name].is_null())
    };
    hold("of the number whose it was", accounts.len() == 1 && is_bare(&accounts[0]), format!("{accounts:?}"));
    let unsubscribed = asked(&world, "DELETE", "/subscribed_apps").await;
    hold("Meta was told to stop", unsubscribed >= 1, unsubscribed.to_string());
    let audit = world.table("AUDIT_TABLE").await;
    for what in ["erase_tenant begun", "erase_tenant ended", "erase_tenant disconnects"] {
        hold("it is on record", audit.iter().any(|entry| entry["what"] == what), format!("{what}: {audit:?}"));
    }
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_a_tenant_survives_every_single_fault() {
    exhaust(leaving).await.must_hold("erasing a tenant", 30);
}
