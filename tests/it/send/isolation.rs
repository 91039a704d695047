//! What one tenant does to itself is not felt by another: how long messages take, counted in rounds of the function.

use jiff::Timestamp;

use super::*;
use crate::connect::{OTHER, begin, system_token};

const UMBRELLA: &str = "umbrella";
/// What the outbound function does in one round, of three seconds: batches of ten. Fifty environments do more in one.
const BATCHES: usize = 60;
const ROUND: SignedDuration = SignedDuration::from_secs(3);

/// `umbrella`'s own number.
async fn others_number(world: &World) -> String {
    let token = system_token(world, OTHER).await;
    let state = world.meta.state().await;
    let is_of_other = |number: &&Value| number["waba_id"] == OTHER && number["is_on_biz_app"] != true;
    let number = state["numbers"].as_array().unwrap().iter().find(is_of_other).unwrap()["id"].as_str().unwrap();
    let manual = json!({"access_token": token, "waba_id": OTHER, "phone_number_ids": [number]});
    let connection = begin(world, UMBRELLA, json!({"method": "manual", "manual": manual})).await;
    assert_eq!(connection["status"], "connected");
    number.to_owned()
}

/// How many rounds `umbrella`'s messages take, of one asked for before each round: one where it goes out in the first.
async fn delays(world: &World, number: &str, run: &str, rounds: usize) -> Vec<usize> {
    let consumer = world.cold_outbound("outbound");
    let (mut asked, mut ends): (Vec<String>, Vec<Timestamp>) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let template = json!({"to": format!("+1650{run}{round:04}"), "type": "template",
            "template": {"name": "hello_world", "language": {"code": "en_US"}}});
        let path = format!("/v1/accounts/{number}/messages");
        let answer = call(world, UMBRELLA, "POST", &path).json(&template).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
        asked.push(format!("+{}", answer.body["contact"]["phone"].as_str().unwrap()));
        if round % 20 == 10 {
            world.sweep().await;
        }
        for _ in 0..BATCHES {
            if !world.one_batch(&consumer, "outbound").await {
                break;
            }
        }
        ends.push(world.clock.now());
        world.clock.advance(ROUND);
    }
    let posts = posts(world).await;
    let mut delays = Vec::new();
    for (round, to) in asked.into_iter().enumerate() {
        let post = posts.iter().find(|post| post["body"]["to"] == to);
        let at: Timestamp = post.unwrap_or_else(|| panic!("{to} got nothing"))["at"].as_str().unwrap().parse().unwrap();
        delays.push(ends.partition_point(|end| *end < at) - round + 1);
    }
    delays.sort_unstable();
    delays
}

fn p99(delays: &[usize]) -> usize {
    delays[(delays.len() * 99).div_ceil(100) - 1]
}

/// First by itself, then while `busy` goes on: it takes at most twice as many rounds.
async fn compare(world: &World, what: &str, rounds: usize, busy: impl AsyncFn(&World)) {
    let number = others_number(world).await;
    let quiet = delays(world, &number, "557", 20).await;
    busy(world).await;
    let beside = delays(world, &number, "558", rounds).await;
    println!("{what}: p99 {} rounds alone, {} beside it", p99(&quiet), p99(&beside));
    assert!(p99(&beside) <= 2 * p99(&quiet), "{quiet:?} {beside:?}");
}

async fn batches(world: &World, count: usize, recipients: usize) {
    for place in 0..count {
        let to = |person: usize| json!({"to": format!("+1650{:07}", place * recipients + person)});
        let recipients: Vec<Value> = (0..recipients).map(to).collect();
        let template = json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}});
        let path = format!("/v1/accounts/{NUMBER}/messages/batch");
        let body = json!({"message": template, "recipients": recipients});
        let answer = call(world, ACME, "POST", &path).json(&body).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
}

#[tokio::test]
async fn a_number_that_meta_refuses_for_ten_minutes_slows_no_other() {
    let world = ready().await;
    compare(&world, "a number that answers 429 for ten minutes", 200, async |world: &World| {
        let matching = json!({"method": "POST", "path": "/messages", "phone_number_id": NUMBER});
        world
            .meta
            .post("/_sim/faults", json!({"match": matching, "times": 1_000_000, "fault": refusal(130_429)}))
            .await;
        batches(world, 1, 300).await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_with_a_hundred_batches_slows_no_other() {
    let world = ready().await;
    compare(&world, "a tenant with a hundred batches", 30, async |world: &World| batches(world, 100, 10).await).await;
}

#[tokio::test]
async fn what_is_held_of_one_tenant_stops_no_other() {
    let world = ready().await;
    // Twenty thousand, where all are asked for.
    let jobs = if tests::whole() { 20 } else { 1 };
    compare(&world, &format!("{jobs},000 held messages of a tenant"), 40, async |world: &World| {
        batches(world, jobs, 1_000).await;
        for token in crate::connect::tokens(world, "system").await {
            let reaches = world.meta.state().await["tokens"].as_array().unwrap().iter().any(|known| {
                known["token"] == json!(token) && known["reaches"].as_array().unwrap().contains(&json!(NUMBER))
            });
            if reaches {
                world.meta.post("/_sim/revoke", json!({"token": token})).await;
            }
        }
    })
    .await;
}
