//! How many messages there were.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{aws::messages::Counts, domain::message::Direction};
use tests::World;

use super::{Seeds, get, shown, with_number};
use crate::connect::NUMBER;

const PATH: &str = "/v1/accounts/300400500600703/stats";

async fn counted(world: &World) {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut counts = Counts::default();
    let mut received = |time: &str, count| {
        (0..count).for_each(|_| counts.message(at(time), Direction::Inbound, "text", "received"));
    };
    received("2026-01-01T22:59:59.999Z", 1);
    received("2026-01-01T23:00:00Z", 2);
    received("2026-01-02T00:10:00Z", 4);
    (0..3).for_each(|_| counts.message(at("2026-01-01T23:59:00Z"), Direction::Outbound, "image", "sent"));
    for (time, code) in [("2026-01-01T23:10:00Z", "131047"), ("2026-01-02T00:00:00Z", "131047")] {
        counts.failure(at(time), code);
    }
    (0..5).for_each(|_| counts.failure(at("2026-01-02T00:59:59Z"), "131026"));
    Seeds::new(world, "acme", NUMBER).count(&counts).await;
}

fn row(at: &str, direction: &str, kind: &str, status: &str, count: u64) -> Value {
    json!({ "at": at, "direction": direction, "type": kind, "status": status, "count": count })
}

#[tokio::test]
async fn messages_are_counted_by_hour_and_by_day() {
    let world = with_number("acme").await;
    counted(&world).await;

    let hours = shown(&world, "acme", &format!("{PATH}?from=2026-01-01T23:30:00Z&to=2026-01-02T00:00:01Z")).await;
    let by_day = "from=2026-01-01T12:00:00Z&to=2026-01-02T00:30:00Z&granularity=day";
    let days = shown(&world, "acme", &format!("{PATH}?{by_day}")).await;

    let failures = json!([{ "code": "131026", "count": 5 }, { "code": "131047", "count": 2 }]);
    assert_eq!(
        hours,
        json!({
            "from": "2026-01-01T23:00:00.000Z", "to": "2026-01-02T01:00:00.000Z", "granularity": "hour",
            "data": [
                row("2026-01-01T23:00:00.000Z", "inbound", "text", "received", 2),
                row("2026-01-01T23:00:00.000Z", "outbound", "image", "sent", 3),
                row("2026-01-02T00:00:00.000Z", "inbound", "text", "received", 4),
            ],
            "failures": failures,
        })
    );
    assert_eq!(
        days,
        json!({
            "from": "2026-01-01T00:00:00.000Z", "to": "2026-01-03T00:00:00.000Z", "granularity": "day",
            "data": [
                row("2026-01-01T00:00:00.000Z", "inbound", "text", "received", 3),
                row("2026-01-01T00:00:00.000Z", "outbound", "image", "sent", 3),
                row("2026-01-02T00:00:00.000Z", "inbound", "text", "received", 4),
            ],
            "failures": failures,
        })
    );
    let until = shown(&world, "acme", &format!("{PATH}?from=2026-01-01T22:00:00Z&to=2026-01-01T23:00:00Z")).await;
    assert_eq!(until["data"], json!([row("2026-01-01T22:00:00.000Z", "inbound", "text", "received", 1)]));
    assert_eq!((&until["to"], &until["failures"]), (&json!("2026-01-01T23:00:00.000Z"), &json!([])));
}

#[tokio::test]
async fn without_a_time_the_last_day_is_told_or_the_last_month() {
    let world = with_number("acme").await;
    let length = async |query: &str| {
        let stats = shown(&world, "acme", &format!("{PATH}{query}")).await;
        let time = |name: &str| stats[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert!(time("from") < world.clock.now() && world.clock.now() <= time("to"));
        time("to").duration_since(time("from"))
    };

    // The hours and days that the time touches, whole.
    assert_eq!(length("").await, SignedDuration::from_hours(25));
    assert_eq!(length("?granularity=day").await, SignedDuration::from_hours(24 * 31));
}

#[tokio::test]
async fn too_long_a_time_is_refused() {
    let world = with_number("acme").await;
    for (query, parameter) in [
        ("from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z", "from"),
        ("from=2026-01-01T00:00:00Z&to=2027-01-02T00:00:01Z&granularity=day", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2999-01-01T00:00:00Z", "from"),
        ("from=yesterday", "from"),
        ("granularity=week", "granularity"),
        ("limit=1", "limit"),
    ] {
        let answer = get(&world, "acme", &format!("{PATH}?{query}")).await;
        let named = answer.body["errors"][0]["parameter"].clone();
        assert_eq!((answer.outcome(), named), ((400, "invalid_query".to_owned()), json!(parameter)), "{query}");
    }
    for whole in [
        "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z",
        "from=2026-01-01T00:00:00Z&to=2027-01-02T00:00:00Z&granularity=day",
    ] {
        assert_eq!(get(&world, "acme", &format!("{PATH}?{whole}")).await.status, 200, "{whole}");
    }
}
