//! Parked units: counted, capped, and let go to whom they may go, when they may.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{
    aws::{
        accounts::Accounts,
        blobs::Blobs,
        clients::made,
        parking::{Admitted, Count, Parking},
    },
    domain::{
        envelope::Envelope,
        parking::{Lot, MOST_UNITS, Parked, Reason, Subject},
    },
    flow::park::{Origin, Park},
    upkeep::Report,
};
use tests::{World, schedule_event};

use crate::connect::{NUMBER, ONE, begin, call, connected, system_token};

/// What a test sees of parking, and does to it.
struct Lots<'a> {
    world: &'a World,
    park: Park,
}

impl<'a> Lots<'a> {
    fn of(world: &'a World) -> Self {
        let (dynamodb, clock) = (world.aws_clients().dynamodb(), world.product_clock());
        let accounts = Accounts::new(dynamodb.clone(), world.variable("sweeper", "ACCOUNTS_TABLE"));
        let table = world.variable("sweeper", "RECEIPTS_TABLE");
        let blobs = Blobs::new(made(dynamodb.clone()), table.clone());
        Self { world, park: Park { accounts, blobs, parking: Parking::new(dynamodb, table), clock } }
    }

    /// As the consumer parks what nobody takes: one unit for each word, of [`NUMBER`].
    async fn unowned(&self, words: &[&str]) {
        let account = self.park.accounts.find(&NUMBER.parse().unwrap()).await.unwrap();
        let body = body(self.world, words);
        let envelope = Envelope::parse(&body).unwrap();
        let origin = Origin { group: "g", sequence: "7" };
        self.park.units(Reason::Unowned, &envelope, 0..words.len(), account.as_ref(), origin).await.unwrap();
    }

    async fn counts(&self) -> Vec<Count> {
        self.park.parking.lots(100, None).await.unwrap().0
    }

    async fn waiting(&self) -> u64 {
        self.counts().await.iter().map(|count| count.units).sum()
    }

    /// The words of what the sweeper sends back to the queue, and takes out there.
    async fn swept(&self) -> Vec<String> {
        let report = self.world.sweep().await;
        let Report::Upkeep { parked, .. } = report else { panic!("{report:?}") };
        let words = words(self.world).await;
        assert_eq!(parked.sent, words.len(), "{parked:?}");
        words
    }
}

fn lot() -> Lot {
    Lot { reason: Reason::Unowned, subject: Subject::Number(NUMBER.parse().unwrap()) }
}

fn body(world: &World, words: &[&str]) -> String {
    let units: Vec<Value> = words
        .iter()
        .map(|word| json!({ "kind": "message", "raw": { "id": word, "timestamp": "1795000000" } }))
        .collect();
    let at = world.clock.now().as_millisecond();
    json!({ "v": 1, "at": at, "entry": ONE, "field": "messages", "number": NUMBER, "units": units }).to_string()
}

/// What waits in the inbound queue, in its order.
async fn words(world: &World) -> Vec<String> {
    let (sqs, url) = (world.aws_clients().sqs(), world.variable("sweeper", "INBOUND_QUEUE"));
    let mut words = Vec::new();
    loop {
        let received = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            return words;
        }
        for message in messages {
            let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
            let released = if body["released"] == true { "released " } else { "" };
            words.push(format!("{released}{}", body["units"][0]["raw"]["id"].as_str().unwrap()));
            let handle = message.receipt_handle().unwrap();
            sqs.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
        }
    }
}

async fn disconnected(world: &World, tenant: &str) {
    let gone = call(world, tenant, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await;
    assert_eq!(gone.status, 200, "{gone:?}");
}

#[tokio::test]
async fn what_came_before_anybody_had_the_number_goes_to_whoever_connects_it() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    lots.unowned(&["one", "two", "three"]).await;
    let early = lots.swept().await;
    connected(&world, "acme").await;

    assert_eq!((early, lots.swept().await), (vec![], vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]));
    assert_eq!((lots.swept().await, lots.counts().await), (vec![], vec![]));
}

#[tokio::test]
async fn what_came_while_a_number_was_somebodys_goes_to_nobody_else() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    connected(&world, "bravo").await;
    disconnected(&world, "bravo").await;
    lots.unowned(&["bravos"]).await;
    connected(&world, "acme").await;
    let others = lots.swept().await;
    disconnected(&world, "acme").await;
    connected(&world, "bravo").await;

    assert_eq!((others, lots.swept().await), (vec![], vec!["bravos".to_owned()]));
}

#[tokio::test]
async fn what_was_on_its_way_when_a_number_changed_hands_stays_its_former_owners() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    connected(&world, "bravo").await;
    let body = body(&world, &["late"]);
    world.advance(SignedDuration::from_secs(1)).await;
    disconnected(&world, "bravo").await;
    connected(&world, "acme").await;
    let account = lots.park.accounts.find(&NUMBER.parse().unwrap()).await.unwrap().unwrap();
    let envelope = Envelope::parse(&body).unwrap();

    assert!(!account.had_the_number_at(envelope.at));
    let origin = Origin { group: "g", sequence: "7" };
    lots.park.units(Reason::Unowned, &envelope, 0..1, Some(&account), origin).await.unwrap();
    assert_eq!(lots.swept().await, Vec::<String>::new());
    disconnected(&world, "acme").await;
    connected(&world, "bravo").await;
    assert_eq!(lots.swept().await, ["late"]);
}

#[tokio::test]
async fn what_came_for_nobody_beside_another_tenants_number_goes_to_nobody_new() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    // A second number on the WABA, which bravo has.
    let added = world.meta.post("/_sim/numbers", json!({ "waba_id": ONE })).await;
    let neighbour = added["id"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned();
    let token = system_token(&world, ONE).await;
    let manual = json!({ "access_token": token, "waba_id": ONE, "phone_number_ids": [neighbour] });
    let shared = begin(&world, "bravo", json!({ "method": "manual", "manual": manual })).await;
    assert_eq!(shared["status"], "connected", "{shared:#}");
    lots.unowned(&["whose"]).await;
    connected(&world, "acme").await;

    assert_eq!((lots.swept().await, lots.waiting().await), (vec![], 1));
}

#[tokio::test]
async fn a_unit_is_there_once_however_often_it_comes() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    lots.unowned(&["one", "two"]).await;
    lots.unowned(&["two", "one"]).await;

    let counts = lots.counts().await;
    assert_eq!((counts.len(), counts[0].units, counts[0].dropped), (1, 2, 0));
}

#[tokio::test]
async fn the_unit_beyond_the_cap_is_dropped_and_counted() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    lots.unowned(&["first"]).await;
    // As if there had been so many.
    let count = world.aws_clients().dynamodb().update_item().table_name(world.variable("sweeper", "RECEIPTS_TABLE"));
    count
        .key("pk", AttributeValue::S("parked".into()))
        .key("sk", AttributeValue::S(format!("unowned#{NUMBER}")))
        .update_expression("SET units = :most")
        .expression_attribute_values(":most", AttributeValue::N((MOST_UNITS - 1).to_string()))
        .send()
        .await
        .unwrap();
    lots.unowned(&["last that fits"]).await;
    lots.unowned(&["too many", "far too many"]).await;

    let count = lots.counts().await.remove(0);
    assert_eq!((count.units, count.dropped), (MOST_UNITS, 2));
    let health = world.as_operator("GET", "/v1/health").send().await;
    assert_eq!(
        health.body["parked"],
        json!([{ "reason": "unowned", "numbers": 1, "units": MOST_UNITS, "dropped": 2 }])
    );
    assert_eq!(health.body["oldest_unprocessed_at"], json!(count.since));
}

#[tokio::test]
async fn nobodys_units_go_after_seven_days() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    lots.unowned(&["old"]).await;
    world.advance(SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(60)).await;
    world.sweep().await;
    let nearly = lots.waiting().await;
    world.advance(SignedDuration::from_secs(60)).await;
    let report = world.sweep().await;

    let Report::Upkeep { parked, .. } = report else { panic!("{report:?}") };
    assert_eq!((nearly, parked.sent, parked.expired, lots.counts().await), (1, 0, 1, vec![]));
}

#[tokio::test]
async fn a_unit_that_is_parked_anew_while_it_is_let_go_stays() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    lots.unowned(&["one"]).await;
    let seen = lots.park.parking.units(&lot(), 10, None).await.unwrap().0.remove(0);
    // It was sent, taken in by nobody, and is parked again before it is taken out.
    let again = Parked { sequence: "8.0000".to_owned(), ..seen.clone() };
    let admitted = lots.park.parking.park(&lot(), &again, world.clock.now()).await.unwrap();
    lots.park.parking.take_out(&lot(), &seen).await.unwrap();

    assert_eq!((admitted, lots.waiting().await), (Admitted::Known, 1));
    lots.park.parking.take_out(&lot(), &again).await.unwrap();
    lots.park.parking.take_out(&lot(), &again).await.unwrap();
    lots.park.parking.close(&lot()).await.unwrap();
    assert_eq!(lots.counts().await, []);
}

#[tokio::test]
async fn what_is_stale_waits_for_the_operator() {
    let world = World::deployed().await;
    let lots = Lots::of(&world);
    connected(&world, "acme").await;
    let body = body(&world, &["stale"]);
    let envelope = Envelope::parse(&body).unwrap();
    let origin = Origin { group: "g", sequence: "7" };
    lots.park.units(Reason::Stale, &envelope, 0..1, None, origin).await.unwrap();
    let by_itself = lots.swept().await;

    let mut event = schedule_event();
    event.payload = json!({ "command": "redrive_parked", "reason": "stale", "subject": NUMBER });
    let report = world.sweeper().handle(event).await.unwrap();

    assert_eq!(serde_json::to_value(&report).unwrap(), json!({ "sent": 1, "expired": 0, "more": false }));
    assert_eq!((by_itself, words(&world).await), (vec![], vec!["released stale".to_owned()]));
    assert_eq!(lots.counts().await, []);
    let audited =
        world.table("AUDIT_TABLE").await.iter().filter(|entry| entry.to_string().contains("redrive_parked")).count();
    assert_eq!(audited, 2);
}
