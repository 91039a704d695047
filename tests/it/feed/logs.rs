//! Logs: nothing is put before what a reader has seen, by whomever, and however long it was quiet.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{json, value::to_raw_value};
use shared::{
    aws::events::{Events, Log},
    domain::{
        event::{Cursor, Event, EventId, EventType, Place},
        tenant::TenantId,
    },
};
use tests::World;

fn events(world: &World) -> Events {
    Events::new(world.aws_clients().dynamodb(), world.variable("feed", "EVENTS_TABLE"))
}

fn event(tenant: &TenantId, name: &str) -> Event {
    Event {
        id: EventId::of(name, EventType::MessageReceived, tenant, ""),
        kind: EventType::MessageReceived,
        at: Timestamp::UNIX_EPOCH,
        tenant: tenant.clone(),
        phone_number_id: None,
        conversation_id: None,
        changed: Vec::new(),
        data: Some(to_raw_value(&json!({ "name": name })).unwrap()),
    }
}

fn names(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| {
        let data: serde_json::Value = serde_json::from_str(event.data.as_ref().unwrap().get()).unwrap();
        data["name"].as_str().unwrap().to_owned()
    };
    events.iter().map(name).collect()
}

async fn read(events: &Events, log: Log<'_>, from: Option<Cursor>, now: Timestamp) -> (Vec<String>, Cursor) {
    let told = events.read(log, from, |_| true, 100, now).await.unwrap();
    (names(&told.events), told.cursor)
}

#[tokio::test]
async fn a_log_grows_by_one_without_holes() {
    let world = World::start().await;
    let (events, now) = (events(&world), world.clock.now());
    let acme: TenantId = "acme".parse().unwrap();

    let mut places = Vec::new();
    for name in ["one", "two", "three"] {
        places.push(events.tell(&acme, &[event(&acme, name)], now).await.unwrap());
    }

    assert_eq!(places, [1, 2, 3].map(|number| Place { era: 1, number }));
    let (heard, cursor) = read(&events, Log::Of(&acme), None, now).await;
    assert_eq!(heard, ["one", "two", "three"]);
    assert_eq!(read(&events, Log::Of(&acme), Some(cursor), now).await.0, Vec::<String>::new());
    // Two calls a pack: the place is remembered.
    let mine = world.aws.calls().into_iter().filter(|call| call.operation == "PutItem").count();
    assert_eq!(mine, 2, "the first goes by the anchor");
}

/// Four who put into one log at once, each of them in its own order, and two who read meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn four_writers_at_once_put_everything_once_and_readers_miss_nothing() {
    const EACH: usize = 100;
    let world = Arc::new(World::start().await);
    let acme: TenantId = "acme".parse().unwrap();
    let now = world.clock.now();
    let reader = tokio::spawn({
        let (events, acme) = (events(&world), acme.clone());
        async move {
            let (mut heard, mut cursor) = (Vec::new(), None);
            while heard.len() < 4 * EACH {
                let (more, next) = read(&events, Log::Of(&acme), cursor, now).await;
                heard.extend(more);
                cursor = Some(next);
            }
            heard
        }
    });
    world.aws.clear_calls();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (events, acme) = (events(&world), acme.clone());
            tokio::spawn(async move {
                for number in 0..EACH {
                    events.tell(&acme, &[event(&acme, &format!("{writer}.{number:03}"))], now).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    // In vain, where a reader has missed something.
    let heard = tokio::time::timeout(std::time::Duration::from_mins(1), reader).await;
    let heard = heard.unwrap().unwrap();

    let (all, _) = read_all(&events(&world), Log::Of(&acme), now).await;
    assert_eq!(heard, all, "whoever reads meanwhile hears the same in the same order");
    for writer in 0..4 {
        let own: Vec<&String> = heard.iter().filter(|name| name.starts_with(&format!("{writer}."))).collect();
        let wanted: Vec<String> = (0..EACH).map(|number| format!("{writer}.{number:03}")).collect();
        assert_eq!(own, wanted.iter().collect::<Vec<_>>());
    }
    let calls = world.aws.calls();
    let puts = calls.iter().filter(|call| call.operation == "PutItem").count();
    let refused = calls.iter().filter(|call| call.status != 200).count();
    println!("four writers: {} packs, {puts} puts, {refused} of them too late", 4 * EACH);
}

async fn read_all(events: &Events, log: Log<'_>, now: Timestamp) -> (Vec<String>, Cursor) {
    let (mut heard, mut cursor) = read(events, log, None, now).await;
    loop {
        let (more, next) = read(events, log, Some(cursor), now).await;
        cursor = next;
        if more.is_empty() {
            return (heard, cursor);
        }
        heard.extend(more);
    }
}

#[tokio::test]
async fn what_was_quiet_until_nothing_was_left_goes_on_behind_what_was_read() {
    let world = World::start().await;
    let acme: TenantId = "acme".parse().unwrap();
    let first = events(&world);
    let mut last = Place::default();
    let mut cursor = None;
    for name in ["one", "two"] {
        last = first.tell(&acme, &[event(&acme, name)], world.clock.now()).await.unwrap();
        cursor = Some(read(&first, Log::Of(&acme), cursor, world.clock.now()).await.1);
    }
    // Of what another put behind that, the first knows nothing.
    last = last.max(events(&world).tell(&acme, &[event(&acme, "elsewhere")], world.clock.now()).await.unwrap());
    cursor = Some(read(&first, Log::Of(&acme), cursor, world.clock.now()).await.1);
    // Nobody wrote for long, but the reader went on asking.
    for _ in 0..10 {
        world.advance(SignedDuration::from_hours(24)).await;
        let (heard, next) = read(&first, Log::Of(&acme), cursor, world.clock.now()).await;
        assert_eq!(heard, Vec::<String>::new());
        cursor = Some(next);
    }
    let left = world.table("EVENTS_TABLE").await;
    assert_eq!(left.iter().filter(|item| item["sk"] != "anchor").count(), 0, "{left:#?}");

    // One who remembers an end that is gone, and one who remembers nothing.
    let now = world.clock.now();
    let three = first.tell(&acme, &[event(&acme, "three")], now).await.unwrap();
    let four = events(&world).tell(&acme, &[event(&acme, "four")], now).await.unwrap();

    assert!(last < three && three < four, "{last:?} {three:?} {four:?}");
    assert_eq!(read(&first, Log::Of(&acme), cursor, now).await.0, ["three", "four"]);
}

#[tokio::test]
async fn an_end_that_is_old_but_there_is_gone_on_from() {
    let world = World::start().await;
    let acme: TenantId = "acme".parse().unwrap();
    let events = events(&world);
    events.tell(&acme, &[event(&acme, "one")], world.clock.now()).await.unwrap();
    world.advance(SignedDuration::from_hours(30)).await;

    let two = events.tell(&acme, &[event(&acme, "two")], world.clock.now()).await.unwrap();

    assert_eq!(two, Place { era: 1, number: 2 });
}

#[tokio::test]
async fn all_tenants_are_read_by_what_points_to_them() {
    let world = World::start().await;
    let (events, now) = (events(&world), world.clock.now());
    let [acme, bravo]: [TenantId; 2] = ["acme", "bravo"].map(|tenant| tenant.parse().unwrap());
    let mut packs = Vec::new();
    for (tenant, name) in [(&acme, "one"), (&bravo, "two"), (&acme, "three")] {
        packs.push((tenant.clone(), events.tell(tenant, &[event(tenant, name)], now).await.unwrap()));
    }
    events.point(&packs[..2], now).await.unwrap();

    let (heard, cursor) = read(&events, Log::OfAll, None, now).await;
    assert_eq!(heard, ["one", "two"], "what nothing points to yet is not there");
    events.point(&packs[2..], now).await.unwrap();
    let (heard, cursor) = read(&events, Log::OfAll, Some(cursor), now).await;
    assert_eq!(heard, ["three"]);
    // A batch that came again may point to the same once more: that is told twice.
    events.point(&packs[1..], now).await.unwrap();
    events.point(&packs[1..], now).await.unwrap();
    assert_eq!(read(&events, Log::OfAll, Some(cursor), now).await.0, ["two", "three", "two", "three"]);
}
