//! Every request of the daily look with its renewal, and of `re_encrypt`, with every kind of fault.

use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::{
    aws::messages::Counts,
    domain::{
        account::{Ability, State},
        connection::{AutoSelect, Connection, HeldToken, Method, Order},
        connection_id::ConnectionId,
        message::{Direction, Fact, Origin},
    },
};
use tests::{
    World,
    faults::{Verdict, exhaust},
    schedule_event,
};

use super::{Behind, at_meta, recounting, token_of_60_days};
use crate::{
    inbox::Seeds,
    receive::{ACME, NUMBER},
};

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

/// A number whose token is to be renewed; the schedule comes again and again, in a new process each time.
async fn looking(world: Arc<World>) -> Vec<String> {
    let behind = Behind::of(&world);
    let first = token_of_60_days(&world).await;
    behind.own("acme", &first, Some(behind.now + SignedDuration::from_hours(24 * 60))).await;
    world.clock.advance(SignedDuration::from_hours(24 * 40));
    // Soon again after one that failed; and a renewal that Meta refused is tried the next day.
    for (run, minutes_later) in [16, 16, 24 * 60, 16, 16].into_iter().enumerate() {
        let caller = format!("sweeper-{run}");
        let sweep = world.cold_sweeper(&caller).handle(schedule_event());
        let _ = world.as_process(&caller, sweep).await;
        world.clock.advance(SignedDuration::from_mins(minutes_later));
    }

    let (account, token) = (behind.account().await, behind.token().await);
    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool| {
        if !holds {
            broken.push(format!("{what}: {account:?}"));
        }
    };
    hold("it works", account.state == State::Connected && account.reason.is_none());
    hold("it was looked at", account.token.checked_at > behind.now + SignedDuration::from_hours(24 * 39));
    hold("its name is known", account.facts.verified_name.is_some());
    hold("it can do what it could", account.token.abilities == [Ability::Manage, Ability::Message]);
    hold("its token is another", token != first);
    hold("renewed once", account.hidden.token_version == 2);
    let now = world.product_clock().now();
    hold("for long", account.token.expires_at.is_some_and(|at| at > now + SignedDuration::from_hours(24 * 55)));
    hold("it comes round again", account.hidden.due.is_some_and(|due| due.at > now));
    let known = at_meta(&world, &token).await;
    hold("Meta knows the token", known["valid"] == true);
    let pin = behind.pin().await;
    hold("the PIN opens", pin == "135790");
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_and_a_renewal_survive_every_single_fault() {
    let verdict = exhaust(looking).await;

    told("daily look and renewal", &verdict);
    assert!(verdict.sites.len() >= 14, "{:?}", verdict.sites);
}

/// An account with token and PIN, and an attempt with a token; an operator who repeats what got no answer.
async fn sealing(world: Arc<World>) -> Vec<String> {
    let behind = Behind::of(&world);
    let before = behind.own("acme", "EAAaccount", None).await;
    let attempt = attempt(&behind).await;
    let mut after = None;
    let mut is_over = false;
    for call in 0..6 {
        let caller = format!("re-encrypt-{call}");
        let mut event = schedule_event();
        event.payload = json!({ "command": "re_encrypt", "after": after });
        let answered = world.as_process(&caller, world.cold_sweeper(&caller).handle(event)).await;
        if let Some(Ok(report)) = answered {
            let answer = serde_json::to_value(report).unwrap();
            after = Some(answer["after"].clone()).filter(|after| !after.is_null());
            is_over = answer["more"] == false && answer["failed"] == 0;
            if is_over {
                break;
            }
        }
    }

    let account = behind.account().await;
    let stored = behind.connections.find(&attempt.id).await.unwrap().unwrap().connection;
    let sealed = stored.token.clone().unwrap().sealed;
    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool| {
        if !holds {
            broken.push(what.to_owned());
        }
    };
    hold("it came to its end", is_over);
    hold("the token is sealed anew", account.hidden.token != before.hidden.token);
    hold("the PIN is sealed anew", account.hidden.pin != before.hidden.pin);
    hold("the attempt's token is sealed anew", sealed != attempt.token.unwrap().sealed);
    hold("the token opens", behind.token().await == "EAAaccount");
    hold("the PIN opens", behind.pin().await == "135790");
    let opened = behind.vault.open(&stored.token_binding(), &sealed).await;
    hold("the attempt's opens", opened.is_ok_and(|token| token.expose_secret() == "EAAattempt"));
    hold("nothing a reader sees has changed", account.version == before.version);
    let audit = world.table("AUDIT_TABLE").await;
    hold("it is on record", audit.iter().any(|row| row["what"] == "re_encrypt begun"));
    broken
}

async fn attempt(behind: &Behind) -> Connection {
    let tenant = "acme".parse().unwrap();
    let order = Order {
        method: Method::Login,
        return_url: None,
        external_id: None,
        expected: None,
        coexistence: false,
        auto_select: AutoSelect::None,
        must_confirm: false,
        hinted_wabas: Vec::new(),
        named: Vec::new(),
    };
    let mut connection = Connection::new(ConnectionId::new(&tenant, [9; 16]), tenant, order, behind.now);
    let sealed = behind.vault.seal(&connection.token_binding(), &SecretString::from("EAAattempt")).await.unwrap();
    connection.token = Some(HeldToken {
        sealed,
        sealed_at: behind.now,
        expires_at: None,
        kind: None,
        subject: None,
        abilities: Vec::new(),
        wabas: Vec::new(),
    });
    assert!(behind.connections.add(&connection, behind.now, Vec::new()).await.unwrap());
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_anew_survives_every_single_fault() {
    let verdict = exhaust(sealing).await;

    told("re_encrypt", &verdict);
    assert!(verdict.sites.len() >= 9, "{:?}", verdict.sites);
}

/// Three people, an echo and what became of it, of which half was counted; an operator who repeats what got no answer.
async fn counting_again(world: Arc<World>) -> Vec<String> {
    let (seeds, span) = (Seeds::new(&world, ACME, NUMBER), recounting::span(&world));
    for (who, phone) in [(1, "16505551001"), (2, "16505551002"), (3, "16505551003")] {
        seeds.said(who, phone, "Somebody", "Hi").await;
    }
    let fact = Fact { at: seeds.now() - SignedDuration::from_hours(1), error: None, pricing: None, rest: None };
    let facts = [("sent".to_owned(), fact.clone()), ("read".to_owned(), fact)].into();
    let second = (seeds.now().as_second() - 3_600).to_string();
    let echo = json!({ "id": "wamid.echo", "timestamp": second, "type": "text", "text": { "body": "Yes" } });
    seeds.put(1, Direction::Outbound, Origin::App, &echo, "2.0", facts).await;
    let mut counts = Counts::default();
    counts.message(seeds.now(), Direction::Inbound, "text", "received");
    seeds.count(&counts).await;

    let (mut after, mut is_over) = (Value::Null, false);
    for call in 0..8 {
        let caller = format!("rebuild-{call}");
        let sweeper = world.cold_sweeper(&caller);
        let answered = world.as_process(&caller, sweeper.handle(recounting::command(span, &after))).await;
        if let Some(Ok(report)) = answered {
            let answer = serde_json::to_value(report).unwrap();
            is_over = answer["more"] == false && answer["busy"] == json!([]);
            if is_over {
                break;
            }
            after = answer["after"].clone();
        }
        world.clock.advance(SignedDuration::from_mins(2));
    }

    let mut counted: Vec<(String, u64)> = Vec::new();
    recounting::counted(&world).await.into_values().for_each(|hour| counted.extend(hour));
    let right = [("m#outbound#text#read", 1), ("m#outbound#text#sent", 1), ("m#inbound#text#received", 3)];
    let mut broken = Vec::new();
    if !is_over {
        broken.push("it came to no end".to_owned());
    }
    if counted != right.map(|(name, count)| (name.to_owned(), count)) {
        broken.push(format!("counted {counted:?}"));
    }
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_again_survives_every_single_fault() {
    let verdict = exhaust(counting_again).await;

    told("rebuild_stats", &verdict);
    assert!(verdict.sites.len() >= 9, "{:?}", verdict.sites);
}
