//! A tenant goes, where an operator says so.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{World, schedule_event};

use super::{all_of, contact};
use crate::{
    connect::{NUMBER, ONE, OTHER, begin, call, system_token},
    feed::incompressible,
    receive::{deliver, delivery, text},
    send::{self, ACME, CUSTOMER},
};

const BRAVOS: &str = "300400500600704";
const BRAVOS_CUSTOMER: &str = "16505552222";

async fn command(world: &World, more: &Value) -> Result<Value, String> {
    let mut event = schedule_event();
    event.payload = json!({"command": "erase_tenant", "tenant": ACME});
    event.payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    match world.sweeper().handle(event).await {
        Ok(report) => Ok(serde_json::to_value(report).unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

/// Until nothing is left to do.
async fn erased(world: &World) -> Value {
    let mut after = Value::Null;
    for _ in 0..20 {
        let answer = command(world, &json!({"disconnect": true, "after": after})).await.unwrap();
        if answer["more"] == false {
            return answer;
        }
        if let Some(at) = answer["not_before"].as_str() {
            let at: Timestamp = at.parse().unwrap();
            world.clock.advance(at.duration_since(world.product_clock().now()) + SignedDuration::from_secs(1));
        }
        world.feed().await;
        after = answer["after"].clone();
    }
    panic!("without end: {after:#}");
}

/// A tenant with all there is: keys, numbers, attempts, people, files of theirs, receipts, parked units, a feed.
async fn everything(world: &World) {
    let label = json!({"label": "cnry-label", "external_id": "cnry-external", "metadata": {"shop": "cnry-metadata"}});
    let changed = call(world, ACME, "PATCH", &format!("/v1/accounts/{NUMBER}")).json(&label).send().await;
    assert_eq!(changed.status, 200, "{changed:?}");
    world.make_key(json!({"name": "cnry-key", "tenant": ACME})).await;
    begin(world, ACME, json!({"method": "login", "external_id": "cnry-attempt"})).await;
    send::written_by(world, CUSTOMER).await;
    let once =
        send::posting(world, &send::text(CUSTOMER, "cnry-answer")).header("idempotency-key", "once").send().await;
    assert_eq!(once.status, 202, "{once:?}");
    send::settle(world).await;
    let now = world.clock.now().as_second();
    let large = incompressible(400_000);
    for message in [
        text(CUSTOMER, "wamid.large", now, &format!("cnry-large {large}")),
        text(CUSTOMER, "wamid.stale", now - 9 * 24 * 3600, &format!("cnry-stale {large}")),
    ] {
        deliver(world, &delivery("messages", json!({"messages": [message]}))).await;
        world.drain().await;
    }
    assert_eq!(call(world, ACME, "GET", &format!("/v1/accounts/{NUMBER}/templates")).send().await.status, 200);
    world.feed().await;
}

/// What of a tenant is in a table.
pub(super) async fn of_acme(world: &World, table: &str) -> Vec<Value> {
    let items = world.table(table).await.into_iter();
    items
        .filter(|item| {
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            text("pk").starts_with("acme#")
                || ["tenant", "owner", "phone_number_id"]
                    .iter()
                    .any(|name| text(name) == "acme" || text(name) == "tenant#acme")
        })
        .collect()
}

#[tokio::test]
async fn everything_of_a_tenant_goes_and_nothing_of_others() {
    let world = send::ready().await;
    let token = system_token(&world, OTHER).await;
    let manual = json!({"access_token": token, "waba_id": OTHER, "phone_number_ids": [BRAVOS]});
    begin(&world, "bravo", json!({"method": "manual", "manual": manual})).await;
    let wrote =
        json!({"phone_number_id": BRAVOS, "from": BRAVOS_CUSTOMER, "type": "text", "text": {"body": "Hi bravo"}});
    world.meta.post("/_sim/inbound", wrote).await;
    world.drain().await;
    everything(&world).await;
    let session = world.make_session(ACME, &["messages:read"]).await;
    let bravos = contact(&world, "bravo", BRAVOS, BRAVOS_CUSTOMER).await.unwrap();
    let before = all_of(&world, "bravo", &bravos).await;
    for table in
        ["MESSAGES_TABLE", "EVENTS_TABLE", "RECEIPTS_TABLE", "CREDENTIALS_TABLE", "CONNECTIONS_TABLE", "ACCOUNTS_TABLE"]
    {
        assert!(!of_acme(&world, table).await.is_empty(), "nothing in {table} to begin with");
    }

    let gone = erased(&world).await;

    assert!(gone["items"].as_u64().unwrap() > 20, "{gone}");
    for table in ["MESSAGES_TABLE", "RECEIPTS_TABLE", "CREDENTIALS_TABLE", "CONNECTIONS_TABLE"] {
        assert_eq!(of_acme(&world, table).await, Vec::<Value>::new(), "{table}");
    }
    // Where the log goes on, should there ever be one again; and whose the number was.
    let events = of_acme(&world, "EVENTS_TABLE").await;
    assert!(events.len() == 1 && events[0]["sk"] == "anchor", "{events:#?}");
    let accounts = of_acme(&world, "ACCOUNTS_TABLE").await;
    assert_eq!(accounts.iter().map(|account| &account["phone_number_id"]).collect::<Vec<_>>(), [&json!(NUMBER)]);
    let mut all = String::new();
    for table in
        ["MESSAGES_TABLE", "EVENTS_TABLE", "RECEIPTS_TABLE", "CREDENTIALS_TABLE", "CONNECTIONS_TABLE", "ACCOUNTS_TABLE"]
    {
        world.table(table).await.iter().for_each(|item| all.push_str(&item.to_string()));
    }
    assert!(!all.contains("cnry-") && !all.contains(CUSTOMER), "{:?}", all.find("cnry-").map(|at| &all[at..at + 40]));
    assert!(!all.contains("blob#"), "what was too large went too");
    assert_eq!(all_of(&world, "bravo", &bravos).await, before);
    world.clock.advance(SignedDuration::from_secs(31));
    let token = session["token"].as_str().unwrap();
    assert_eq!(world.call("GET", "/v1/conversations").bearer(token).send().await.status, 401);
    let audit = world.table("AUDIT_TABLE").await;
    let done = |what: &str| audit.iter().any(|entry| entry["what"] == what && entry["on"].is_string());
    assert!(
        ["erase_tenant begun", "erase_tenant ended", "erase_tenant disconnects"].into_iter().all(done),
        "{audit:#?}"
    );
}

#[tokio::test]
async fn a_tenant_with_numbers_is_erased_only_where_that_is_said() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    world.make_key(json!({"name": "theirs", "tenant": ACME})).await;
    let there =
        async || [of_acme(&world, "MESSAGES_TABLE").await, of_acme(&world, "CREDENTIALS_TABLE").await].concat().len();
    let before = there().await;

    let refused = command(&world, &json!({})).await.unwrap_err();

    assert!(refused.contains(NUMBER) && refused.contains("disconnect"), "{refused}");
    assert_eq!(there().await, before);
    assert_eq!(call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.status, 200);
    assert_eq!(command(&world, &json!({})).await.unwrap()["more"], json!(true));
    let other = command(
        &world,
        &json!({"after": {"order": {"tenant": "bravo", "disconnect": false}, "step": "said",
        "at": null, "items": 0, "settling_since": null}}),
    )
    .await;
    assert!(other.unwrap_err().contains("another command"));
}

#[tokio::test]
async fn what_was_said_to_a_tenant_that_is_gone_goes_to_nobody_else() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    // Already in the queue.
    let late = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "type": "text", "text": {"body": "cnry-late"}});
    world.meta.post("/_sim/inbound", late).await;
    erased(&world).await;

    world.drain().await;
    let token = system_token(&world, ONE).await;
    let manual = json!({"access_token": token, "phone_number_ids": [NUMBER]});
    let connected = begin(&world, "bravo", json!({"method": "manual", "manual": manual})).await;
    assert_eq!(connected["status"], "connected", "{connected:#}");
    for _ in 0..2 {
        world.sweep().await;
        world.drain().await;
    }

    assert_eq!(contact(&world, "bravo", NUMBER, CUSTOMER).await, None);
}
