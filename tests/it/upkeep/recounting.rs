//! `rebuild_stats`: what was counted too little is counted again, and nothing ever too much.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use emulators::{Fault, FaultKind, Site};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::{
    aws::messages::Counts,
    clock::Clock,
    domain::{conversation::Line, message::Direction},
    flow::recount::{Order, Recount},
};
use tests::{World, schedule_event};

use crate::receive::{ACME, DISPLAY, NUMBER, ago, arrive, connected, items, messages, text};

/// The number is connected, and the hour does not end while a test counts.
async fn in_the_middle_of_an_hour() -> World {
    let world = connected().await;
    let into_the_hour = world.product_clock().now().as_second().rem_euclid(3_600);
    world.clock.advance(SignedDuration::from_secs((2_100 - into_the_hour).rem_euclid(3_600)));
    world
}

/// One command of an operator.
pub(super) fn command(span: (Timestamp, Timestamp), after: &Value) -> LambdaEvent<Value> {
    let mut event = schedule_event();
    event.payload = json!({
        "command": "rebuild_stats", "tenant": ACME, "phone_number_id": NUMBER,
        "from": span.0, "to": span.1, "after": after,
    });
    event
}

async fn call(world: &World, span: (Timestamp, Timestamp), after: &Value) -> Value {
    serde_json::to_value(world.sweeper().handle(command(span, after)).await.unwrap()).unwrap()
}

/// Calls until there is no more, as an operator does.
async fn rebuild(world: &World, span: (Timestamp, Timestamp)) -> Value {
    let mut after = Value::Null;
    loop {
        let answer = call(world, span, &after).await;
        if answer["more"] == false {
            return answer;
        }
        after = answer["after"].clone();
        if answer["not_before"].is_string() {
            world.clock.advance(SignedDuration::from_mins(2));
        }
    }
}

fn line() -> Line {
    Line { tenant: ACME.parse().unwrap(), number: NUMBER.parse().unwrap() }
}

/// What is counted, hour by hour.
pub(super) async fn counted(world: &World) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut hours = BTreeMap::new();
    for item in items(world, 'n').await {
        let counts = item.as_object().unwrap().iter().filter(|(name, _)| name.contains('#'));
        let counts = counts.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect();
        hours.insert(item["sk"].as_str().unwrap().to_owned(), counts);
    }
    hours
}

/// Forgets all counts.
pub(super) async fn lose(world: &World) {
    for item in items(world, 'n').await {
        let value = |name: &str| aws_sdk_dynamodb::types::AttributeValue::S(item[name].as_str().unwrap().to_owned());
        let delete =
            world.aws_clients().dynamodb().delete_item().table_name(world.variable("inbound", "MESSAGES_TABLE"));
        delete.key("pk", value("pk")).key("sk", value("sk")).send().await.unwrap();
    }
}

/// From two hours ago until an hour from now.
pub(super) fn span(world: &World) -> (Timestamp, Timestamp) {
    let now = world.product_clock().now();
    (now - SignedDuration::from_hours(2), now + SignedDuration::from_hours(1))
}

/// A text of somebody's, for each.
async fn arrives(world: &World, from: &[&str], wamid: &str, minutes_ago: i64) {
    let second = ago(world, SignedDuration::from_mins(minutes_ago));
    let texts: Vec<Value> =
        from.iter().map(|from| text(from, &format!("wamid.{from}.{wamid}"), second, "Hi")).collect();
    arrive(world, "messages", json!({ "messages": texts })).await;
}

#[tokio::test]
async fn what_was_lost_is_counted_again_as_it_was() {
    let world = in_the_middle_of_an_hour().await;
    arrives(&world, &["16505551001", "16505551002"], "A", 70).await;
    arrives(&world, &["16505551001"], "B", 0).await;
    let second = ago(&world, SignedDuration::from_mins(70));
    let image = json!({"from": "16505551003", "id": "wamid.I", "timestamp": second.to_string(), "type": "image",
        "image": {"id": "1", "mime_type": "image/png", "sha256": "x"}});
    let echo = json!({"from": DISPLAY, "to": "16505551001", "id": "wamid.E", "timestamp": second.to_string(),
        "type": "text", "text": {"body": "Yes"}});
    arrive(&world, "messages", json!({ "messages": [image] })).await;
    arrive(&world, "smb_message_echoes", json!({ "message_echoes": [echo] })).await;
    let now = ago(&world, SignedDuration::ZERO);
    let status = |status: &str| {
        json!({"id": "wamid.E", "status": status, "timestamp": now.to_string(), "recipient_id": "16505551001",
            "errors": [{"code": 131_047}]})
    };
    arrive(&world, "messages", json!({ "statuses": [status("delivered"), status("failed")] })).await;
    let before = counted(&world).await;
    let total: u64 = before.values().flat_map(BTreeMap::values).sum();
    assert_eq!((before.len(), total), (2, 4 + 3 + 1), "{before:#?}");

    lose(&world).await;
    let rebuilt = rebuild(&world, span(&world)).await;

    assert_eq!(rebuilt, json!({ "messages": 5, "hours": 2, "busy": [], "more": false }));
    assert_eq!(counted(&world).await, before);
    // Again, over what is right.
    assert_eq!(rebuild(&world, span(&world)).await["hours"], 2);
    assert_eq!(counted(&world).await, before);
}

#[tokio::test]
async fn what_was_counted_too_much_is_put_right_and_other_hours_are_left() {
    let world = in_the_middle_of_an_hour().await;
    arrives(&world, &["16505551001"], "A", 0).await;
    let right = counted(&world).await;
    let mut wrong = Counts::default();
    let at = |hours| world.product_clock().now() - SignedDuration::from_hours(hours);
    for hours in [0, 1, 5] {
        wrong.message(at(hours), Direction::Outbound, "image", "sent");
    }
    messages(&world).count(&line(), &wrong, [1; 6], world.product_clock().now()).await.unwrap();
    let outside = at(5).to_string()[..13].to_owned();

    rebuild(&world, span(&world)).await;

    let mut counts = counted(&world).await;
    assert_eq!(counts.remove(&outside).unwrap()["m#outbound#image#sent"], 1);
    counts.retain(|_, counts| !counts.is_empty());
    assert_eq!(counts, right);
}

#[tokio::test]
async fn an_hour_in_which_something_is_counted_meanwhile_stays_as_it_is() {
    let world = in_the_middle_of_an_hour().await;
    arrives(&world, &["16505551001"], "A", 90).await;
    arrives(&world, &["16505551001"], "B", 0).await;
    let span = span(&world);
    let begun = call(&world, span, &Value::Null).await;
    assert_eq!((&begun["more"], &begun["messages"]), (&json!(true), &json!(2)));
    // Somebody whom the walk has passed, and somebody new.
    arrives(&world, &["16505551001", "16505551002"], "C", 0).await;
    let before = counted(&world).await;
    world.clock.advance(SignedDuration::from_mins(2));

    let ended = call(&world, span, &begun["after"]).await;

    let busy = before.keys().next_back().unwrap();
    assert_eq!(ended, json!({ "messages": 2, "hours": 1, "busy": [busy], "more": false }));
    assert_eq!(counted(&world).await, before);
}

#[tokio::test]
async fn nothing_is_written_before_what_was_on_its_way_has_been_counted() {
    let world = in_the_middle_of_an_hour().await;
    arrives(&world, &["16505551001"], "A", 0).await;
    let counts = counted(&world).await;
    lose(&world).await;
    let span = span(&world);
    let begun = call(&world, span, &Value::Null).await;

    let too_early = call(&world, span, &begun["after"]).await;
    assert_eq!(too_early, begun);
    assert_eq!(counted(&world).await, BTreeMap::new());

    // The message that was read is counted only now, by the batch that had put it.
    let mut late = Counts::default();
    late.message(world.product_clock().now(), Direction::Inbound, "text", "received");
    messages(&world).count(&line(), &late, [2; 6], world.product_clock().now()).await.unwrap();
    world.clock.advance(SignedDuration::from_mins(2));
    let ended = call(&world, span, &begun["after"]).await;

    assert_eq!((&ended["hours"], ended["busy"].as_array().unwrap().len()), (&json!(0), 1));
    assert_eq!(counted(&world).await, counts);
}

/// What somebody says, by the names that are given.
async fn says(world: &World, phone: Option<&str>, user: Option<&str>, wamid: &str) {
    let mut message = text("", wamid, ago(world, SignedDuration::ZERO), "Hi");
    message["from"] = json!(phone);
    message["from_user_id"] = json!(user);
    arrive(world, "messages", json!({ "messages": [message] })).await;
}

#[tokio::test]
async fn who_has_several_names_is_counted_once_and_with_all_that_was_said_under_each() {
    let world = in_the_middle_of_an_hour().await;
    says(&world, Some("16505551001"), None, "wamid.P").await;
    says(&world, None, Some("US.1"), "wamid.U").await;
    says(&world, Some("16505551001"), Some("US.1"), "wamid.B").await;
    let before = counted(&world).await;
    lose(&world).await;

    assert_eq!(rebuild(&world, span(&world)).await["messages"], 3);
    assert_eq!(counted(&world).await, before);
}

#[tokio::test]
async fn who_is_renamed_between_two_calls_is_not_counted_under_the_new_name_too() {
    const OLD: &str = "16505551001";
    let world = in_the_middle_of_an_hour().await;
    // A page of others stands between the old name and the new.
    let others: Vec<String> = (0..60).map(|other| format!("165055520{other:02}")).collect();
    let all: Vec<&str> = std::iter::once(OLD).chain(others.iter().map(String::as_str)).collect();
    arrives(&world, &all, "A", 0).await;
    let until = world.product_clock().now() + SignedDuration::from_secs(35);
    let (from, to) = span(&world);
    let order = Order { tenant: ACME.parse().unwrap(), phone_number_id: NUMBER.parse().unwrap(), from, to };
    let recount = |clock| Recount { messages: messages(&world), clock };

    // The clock is looked at for the order, and before each page.
    let late = late_after(&world, 2);
    let first = recount(late).run(order.clone(), None, until).await.unwrap();
    assert_eq!((first.messages, first.more, first.not_before), (50, true, None));
    let system = json!({ "body": "User A changed", "type": "user_changed_number", "wa_id": "19995550000" });
    let second = ago(&world, SignedDuration::ZERO).to_string();
    let changed = json!({ "from": OLD, "id": "wamid.S", "timestamp": second, "type": "system", "system": system });
    arrive(&world, "messages", json!({ "messages": [changed] })).await;
    arrives(&world, &["19995550000"], "B", 0).await;
    let rest = recount(world.product_clock()).run(order, first.after, until).await.unwrap();

    assert_eq!(rest.messages, 61);
}

/// A clock that is asked so often, and then has gone on for a minute.
fn late_after(world: &World, looks: usize) -> Clock {
    let (asked, clock) = (AtomicUsize::new(0), world.product_clock());
    Clock::from_fn(move || {
        let is_late = asked.fetch_add(1, Ordering::Relaxed) >= looks;
        clock.now() + SignedDuration::from_mins(i64::from(is_late))
    })
}

#[tokio::test]
async fn a_call_that_died_among_its_writes_is_repeated_and_ends_the_same() {
    let world = Arc::new(in_the_middle_of_an_hour().await);
    arrives(&world, &["16505551001"], "A", 90).await;
    arrives(&world, &["16505551001"], "B", 0).await;
    let before = counted(&world).await;
    lose(&world).await;
    let span = span(&world);
    let begun = call(&world, span, &Value::Null).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let table = world.variable("sweeper", "MESSAGES_TABLE");
    let site = Site::named(format!("dynamodb.PutItem:{table}#1"));
    world.aws.faults().arm(Fault { site, kind: FaultKind::KillAfter });
    let dying = world.cold_sweeper("dies").handle(command(span, &begun["after"]));

    assert!(world.as_process("dies", dying).await.is_none());
    assert_eq!(counted(&world).await.len(), 1);
    let ended = call(&world, span, &begun["after"]).await;

    assert_eq!(ended, json!({ "messages": 2, "hours": 2, "busy": [], "more": false }));
    assert_eq!(counted(&world).await, before);
}

#[tokio::test]
async fn what_cannot_be_counted_again_is_refused() {
    let world = in_the_middle_of_an_hour().await;
    let now = world.product_clock().now();
    let days = |days: i64| now - SignedDuration::from_hours(24 * days);
    let refused =
        async |span, after: Value| world.sweeper().handle(command(span, &after)).await.unwrap_err().to_string();
    let place = call(&world, (days(1), now), &Value::Null).await["after"].clone();

    for (span, after) in
        [((now, now), Value::Null), ((days(40), now), Value::Null), ((days(3_000), days(2_999)), Value::Null)]
    {
        assert!(refused(span, after).await.contains("rule"), "{span:?}");
    }
    refused((days(2), now), place).await;
}
