//! Forgetting somebody a little at a time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{
    aws::{
        accounts::Accounts, audit::Audit, blobs::Blobs, clients::made, events::Events, messages::Messages,
        parking::Parking, stack_secret::StackSecret,
    },
    clock::{Clock, Random},
    flow::erase::{Erase, EraseRest},
};
use tests::World;

use super::{erase, erasures, known};
use crate::{
    receive::{self, deliver, delivery, text},
    send::{self, CUSTOMER},
};

const NEIGHBOUR: &str = "16505551111";

/// What the sweeper does, with a clock on which each look takes a second.
fn rest(world: &World) -> EraseRest {
    let looks = Arc::new(AtomicI64::new(0));
    let began = world.clock.now();
    let tick = move || began + SignedDuration::from_secs(looks.fetch_add(1, Ordering::SeqCst));
    let (aws, clock) = (world.aws_clients(), Clock::from_fn(tick));
    let variable = |name: &str| world.variable("sweeper", name);
    let dynamodb = aws.dynamodb();
    let secrets = aws.secrets(world.product_clock());
    EraseRest {
        erase: Erase {
            messages: Messages::new(dynamodb.clone(), variable("MESSAGES_TABLE"), 365, world.product_clock()),
            audit: Audit::new(dynamodb.clone(), variable("AUDIT_TABLE")),
            secret: StackSecret::new(secrets, variable("STACK_SECRET"), world.product_clock()),
            clock,
        },
        accounts: Accounts::new(dynamodb.clone(), variable("ACCOUNTS_TABLE")),
        parking: Parking::new(dynamodb.clone(), variable("RECEIPTS_TABLE")),
        blobs: Blobs::new(made(dynamodb.clone()), variable("RECEIPTS_TABLE")),
        events: Events::new(dynamodb, variable("EVENTS_TABLE")),
        random: Random::system(),
    }
}

/// Whose stale units are parked.
async fn parked(world: &World) -> Vec<String> {
    let items = world.table("RECEIPTS_TABLE").await.into_iter();
    let bodies = items.filter(|item| item["pk"].as_str().is_some_and(|pk| pk.starts_with("park#")));
    bodies.map(|item| item["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whoever_has_little_time_goes_on_where_the_last_one_ended_and_says_nobodys_name() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let old = world.clock.now().as_second() - 9 * 24 * 3600;
    for (place, phone) in (0..60).map(|place| (place, if place % 2 == 0 { CUSTOMER } else { NEIGHBOUR })) {
        let message = text(phone, &format!("wamid.{place}"), old + place, "stale");
        deliver(&world, &delivery("messages", json!({"messages": [message]}))).await;
    }
    world.drain().await;
    assert_eq!(parked(&world).await.len(), 60);
    assert_eq!(erase(&world, &known(&world, CUSTOMER).await).await.status, 204);
    let rest = rest(&world);

    let mut places = Vec::new();
    let mut rounds = 0;
    while !erasures(&world).await.is_empty() {
        rounds += 1;
        assert!(rounds < 500, "{:#?}", erasures(&world).await);
        let due = rest.due().await.unwrap();
        // Enough to begin something, and to see once that there is no more time.
        let until = rest.erase.clock.now() + SignedDuration::from_secs(5);
        assert_eq!(rest.go_on(due, until).await.failed, 0);
        places.extend(erasures(&world).await.into_iter().filter(|erasure| erasure["place"].is_string()));
    }

    let left = parked(&world).await;
    assert!(left.len() == 30 && left.iter().all(|body| body.contains(NEIGHBOUR)), "{left:?}");
    assert_eq!(receive::stored(&world).await, Vec::<Value>::new());
    let steps: std::collections::BTreeSet<&str> = places.iter().filter_map(|place| place["step"].as_str()).collect();
    assert!(steps.contains("parked"), "{steps:?}");
    let told = format!("{places:?}");
    assert!(!told.contains(CUSTOMER) && !told.contains(NEIGHBOUR) && !told.contains("stale"), "{told}");
    assert!(rounds > 10, "{rounds}");
}
