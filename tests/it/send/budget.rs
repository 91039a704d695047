//! What a message that goes out costs, counted at the emulators: DESIGN §9.

use std::collections::BTreeMap;

use super::*;

/// What it came to for each message.
#[derive(Debug, Default)]
struct Spent {
    calls: BTreeMap<String, f64>,
    written: f64,
}

impl Spent {
    fn of(world: &World, caller: &str, messages: usize) -> Self {
        let mut spent = Self::default();
        let share = 1.0 / f64::from(u32::try_from(messages).unwrap());
        for made in world.aws.calls().into_iter().filter(|made| made.caller == caller) {
            assert_eq!(made.status, 200, "{made:?}");
            *spent.calls.entry(made.operation).or_default() += share;
            spent.written += made.consumed_write_units * share;
        }
        spent
    }

    fn together(&self) -> f64 {
        rounded(self.calls.values().sum())
    }

    fn told(&self, what: &str) {
        println!("{what}: {:.1} calls, {:.1} written units a message: {:?}", self.together(), self.written, self.calls);
    }
}

/// Shares of ten add up to a little more than they are.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

const TEXT: &str = "It is. Come whenever you like, we are open until eight.";

/// Ten people whom everything is known of, and warm environments.
async fn warmed() -> (World, Vec<String>) {
    let world = ready().await;
    let people: Vec<String> = (0..10).map(|number| format!("1650555{number:04}")).collect();
    for person in &people {
        written_by(&world, person).await;
        send(&world, &text(person, TEXT)).await;
    }
    settle(&world).await;
    world.aws.clear_calls();
    (world, people)
}

#[tokio::test]
async fn ten_messages_to_ten_people_cost_what_they_may() {
    let (world, people) = warmed().await;
    for person in &people {
        send(&world, &text(person, TEXT)).await;
    }
    let accepting = Spent::of(&world, "send", 10);
    accepting.told("accepting");
    world.aws.clear_calls();
    let sent = world.send_out().await;
    assert_eq!((sent.batches, sent.done), (1, 10));
    let delivering = Spent::of(&world, "outbound", 10);
    delivering.told("delivering, ten at a time");

    assert!(accepting.together() <= 3.0, "{accepting:?}");
    assert!(delivering.together() <= 3.5, "{delivering:?}");
    assert!(accepting.written + delivering.written <= 6.5, "{accepting:?} {delivering:?}");
    let opened = delivering.calls.get("Decrypt").copied().unwrap_or_default();
    assert!(opened == 0.0, "the token was opened within the last five minutes");
}

#[tokio::test]
async fn a_key_costs_one_call_and_one_unit_more() {
    let (world, people) = warmed().await;
    // The first one reads the secret that keys are made of.
    posting(&world, &text(&people[0], TEXT)).header("idempotency-key", "first").send().await;
    world.aws.clear_calls();
    for person in &people {
        let answer = posting(&world, &text(person, TEXT)).header("idempotency-key", person).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let accepting = Spent::of(&world, "send", 10);
    accepting.told("accepting, under keys");

    assert!(accepting.together() <= 4.0 && rounded(accepting.written) <= 2.0, "{accepting:?}");
}

#[tokio::test]
async fn the_statuses_of_a_message_cost_a_write_each() {
    let (world, people) = warmed().await;
    for person in &people {
        send(&world, &text(person, TEXT)).await;
    }
    world.send_out().await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.meta.told().await;
    world.aws.clear_calls();
    let drained = world.drain().await;
    let told = Spent::of(&world, "inbound", 30);
    told.told(&format!("statuses, in {} batches of {}", drained.batches, drained.done));

    assert!(told.written <= 1.2, "{told:?}");
}
