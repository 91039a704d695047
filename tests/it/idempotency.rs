//! The same request again: one effect, and the first answer where it may be kept.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    Error, Result,
    aws::{
        audit::Audit,
        credentials::Credentials,
        receipts::{self, Claim, Receipts},
        stack_secret::StackSecret,
    },
    clock::Random,
    domain::{
        idempotency::{IdempotencyKey, Repetition},
        scope::Scope,
    },
    flow::admit::{First, Gate},
    http::{
        body::Body,
        call::{self, Edge},
        caller::{Admission, Caller},
        idempotency::{Once, answer_once},
        routes::{Access, Route, Tenancy},
    },
};
use tests::{Answer, Call, World};

async fn make(world: &World, key: &str, order: &Value) -> Answer {
    world.as_operator("POST", "/v1/keys").header("idempotency-key", key).json(order).send().await
}

#[tokio::test]
async fn a_repeated_key_is_refused_with_the_id_of_the_first() {
    let world = World::start().await;
    let order = json!({ "name": "backend" });
    let first = make(&world, "one", &order).await;

    let second = make(&world, "one", &order).await;

    assert_eq!(first.status, 201);
    assert_eq!(second.outcome(), (409, "idempotency_secret_not_repeated".to_owned()));
    assert_eq!(second.body["id"], first.body["id"]);
    assert_eq!(keys_named(&world, "backend").await, 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_mistake() {
    let world = World::start().await;
    make(&world, "one", &json!({ "name": "backend" })).await;

    let other = make(&world, "one", &json!({ "name": "frontend" })).await;

    assert_eq!(other.outcome(), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(keys_named(&world, "frontend").await, 0);
}

#[tokio::test]
async fn two_tenants_with_one_key_and_one_body_get_one_effect_each() {
    let world = World::start().await;
    let order = json!({ "name": "same" });
    let mut ids = Vec::new();
    for tenant in ["acme", "bravo"] {
        let call = world.as_operator("POST", "/v1/keys").tenant(tenant).header("idempotency-key", "one");
        ids.push(call.json(&order).send().await.text("id"));
    }

    assert_ne!(ids[0], ids[1]);
    assert_eq!(keys_named(&world, "same").await, 2);
}

#[tokio::test]
async fn a_hundred_at_once_have_one_effect() {
    let world = Arc::new(World::start().await);
    let calls = (0..100).map(|place| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let router = world.cold("access", &format!("racer-{}", place % 8));
            let call = Call::new(router, "POST", "/v1/keys").bearer(&world.first_key);
            call.header("idempotency-key", "race").json(&json!({ "name": "raced" })).send().await.outcome()
        })
    });
    let mut outcomes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        outcomes.push(call.await.unwrap());
    }

    let made = outcomes.iter().filter(|(status, _)| *status == 201).count();
    let refused = outcomes.iter().filter(|(_, code)| code == "idempotency_secret_not_repeated").count();
    assert_eq!((made, refused), (1, 99), "{outcomes:?}");
    assert_eq!(keys_named(&world, "raced").await, 1);
}

#[tokio::test]
async fn a_record_is_forgotten_after_seven_days_even_if_it_was_not_deleted() {
    let world = World::start().await;
    let order = json!({ "name": "weekly" });
    make(&world, "one", &order).await;

    world.clock.advance(SignedDuration::from_hours(24 * 7));

    assert_eq!(make(&world, "one", &order).await.status, 201);
    assert_eq!(keys_named(&world, "weekly").await, 2);
}

#[tokio::test]
async fn no_secret_is_in_any_table() {
    let world = World::start().await;
    let mut secrets = vec![world.first_key.clone()];
    secrets.push(make(&world, "canary", &json!({ "name": "canary", "tenant": "acme" })).await.text("key"));
    let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 60 });
    let session =
        world.as_operator("POST", "/v1/sessions").header("idempotency-key", "canary").json(&order).send().await;
    secrets.push(session.text("token"));

    let mut rows = 0;
    for table in ["CREDENTIALS_TABLE", "RECEIPTS_TABLE", "AUDIT_TABLE"] {
        for row in world.table(table).await {
            rows += 1;
            let row = row.to_string();
            for secret in secrets.iter().flat_map(|secret| tests::spellings(secret)) {
                assert!(!row.contains(&secret), "{table}: {row}");
            }
        }
    }
    assert!(rows >= 8, "there is something to search: {rows}");
}

#[tokio::test]
async fn malformed_keys_are_refused_before_anything_is_done() {
    let world = World::start().await;
    for key in [String::new(), "x".repeat(256), "tab\there".to_owned()] {
        let answer = make(&world, &key, &json!({ "name": "never" })).await;
        assert_eq!(answer.outcome(), (400, "invalid_header".to_owned()), "{key:?}");
    }
    assert_eq!(keys_named(&world, "never").await, 0);
}

async fn keys_named(world: &World, name: &str) -> usize {
    world.table("CREDENTIALS_TABLE").await.iter().filter(|row| row["name"] == name).count()
}

// Answers without a secret are kept and given again. The routes that keep them arrive with accounts and messages; what
// they will stand on is proved here, on a route of the test's own: things made under an account.

#[derive(Clone)]
struct Things {
    admission: Admission,
    receipts: Receipts,
    secret: StackSecret,
    clock: shared::clock::Clock,
    /// What was made, by id: making is conditional on the id, as every write must be.
    made: Arc<std::sync::Mutex<Vec<String>>>,
    runs: Arc<AtomicUsize>,
}

impl FromRef<Things> for Admission {
    fn from_ref(things: &Things) -> Self {
        things.admission.clone()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Thing {
    Whole,
    /// The thing is made, and then something of ours fails.
    FailsAfter,
    /// Refused: nothing is made.
    Refused,
    /// Made by the first attempt, which dies; refused when it is tried again.
    RefusedLater,
}

static ROUTES: std::sync::LazyLock<Vec<Route>> = std::sync::LazyLock::new(|| {
    vec![Route {
        method: Method::POST,
        path: "/v1/accounts/{id}/things",
        function: "test",
        access: Access::Scope(Scope::AccountsWrite),
        tenancy: Tenancy::One,
        success: 201,
    }]
});

async fn make_thing(
    State(things): State<Things>,
    caller: Caller,
    once: Once,
    Body { value, bytes }: Body<Thing>,
) -> Result<Response> {
    let random = Random::system();
    let repetition = once.repetition(&caller, &bytes, &things.secret).await?;
    let repetition = repetition.ok_or(Error::NotFound { thing: "key" })?;
    let fresh = format!("thing_{}", things.runs.fetch_add(1, Ordering::SeqCst));
    answer_once(&things.receipts, Some(&repetition), &random, &fresh, things.clock.now(), async |id| {
        let attempt = things.runs.load(Ordering::SeqCst);
        if matches!(value, Thing::Refused) || (matches!(value, Thing::RefusedLater) && attempt == 2) {
            return Err(Error::NotFound { thing: "account" });
        }
        let mut made = things.made.lock().unwrap();
        if !made.contains(&id.to_owned()) {
            made.push(id.to_owned());
        }
        match value {
            Thing::FailsAfter | Thing::RefusedLater if attempt == 1 => Err(Error::aws("lost")),
            _ => Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response()),
        }
    })
    .await
}

fn things(world: &World) -> (Router, Things) {
    let aws = world.aws_clients();
    let clock = world.product_clock();
    let credentials = Credentials::new(aws.dynamodb(), world.variable("access", "CREDENTIALS_TABLE"));
    let secret = StackSecret::new(aws.secrets(clock.clone()), world.variable("access", "STACK_SECRET"), clock.clone());
    let things = Things {
        admission: Admission {
            gate: Gate::new(credentials, clock.clone(), First::Know(secret.clone())),
            routes: ROUTES.as_slice(),
        },
        receipts: Receipts::new(aws.dynamodb(), world.variable("access", "RECEIPTS_TABLE")),
        secret,
        clock: clock.clone(),
        made: Arc::default(),
        runs: Arc::default(),
    };
    let edge = Edge {
        audit: Audit::new(aws.dynamodb(), world.variable("access", "AUDIT_TABLE")),
        clock,
        random: Random::system(),
        routes: ROUTES.as_slice(),
    };
    let router = Router::new().route("/v1/accounts/{id}/things", post(make_thing)).with_state(things.clone());
    (call::serve(router, edge), things)
}

async fn thing(world: &World, router: &Router, (tenant, account, key): (&str, &str, &str), kind: &str) -> Answer {
    Call::new(router.clone(), "POST", &format!("/v1/accounts/{account}/things"))
        .bearer(&world.first_key)
        .tenant(tenant)
        .header("idempotency-key", key)
        .json(&json!(kind))
        .send()
        .await
}

async fn operator_is_known(world: &World) {
    assert_eq!(world.as_operator("GET", "/v1/keys").send().await.status, 200);
}

#[tokio::test]
async fn a_kept_answer_is_given_again_and_says_so() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let (router, things) = things(&world);

    let first = thing(&world, &router, ("acme", "1", "one"), "whole").await;
    let second = thing(&world, &router, ("acme", "1", "one"), "whole").await;

    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("content-type"), second.header("content-type"));
    assert_eq!(things.made.lock().unwrap().len(), 1);
    let other = thing(&world, &router, ("acme", "1", "one"), "refused").await;
    assert_eq!(other.outcome(), (422, "idempotency_mismatch".to_owned()));
}

#[tokio::test]
async fn one_key_and_body_on_two_accounts_and_two_tenants_have_separate_effects() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let (router, things) = things(&world);

    for place in [("acme", "1", "one"), ("acme", "2", "one"), ("bravo", "1", "one")] {
        assert_eq!(thing(&world, &router, place, "whole").await.header("idempotency-replayed"), None);
    }

    assert_eq!(things.made.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let (router, things) = things(&world);

    for _ in 0..2 {
        assert_eq!(thing(&world, &router, ("acme", "1", "one"), "refused").await.outcome().0, 404);
    }

    assert_eq!(things.runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_failed_after_its_effect_goes_on_under_the_same_id() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let (router, things) = things(&world);

    let first = thing(&world, &router, ("acme", "1", "one"), "fails_after").await;
    let second = thing(&world, &router, ("acme", "1", "one"), "fails_after").await;

    assert_eq!(first.outcome(), (503, "unavailable".to_owned()));
    assert_eq!((second.status, second.text("id")), (201, "thing_0".to_owned()));
    assert_eq!(*things.made.lock().unwrap(), ["thing_0"]);
}

#[tokio::test]
async fn a_refusal_after_an_effect_does_not_free_the_id() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let (router, things) = things(&world);
    let mut outcomes = Vec::new();

    for _ in 0..3 {
        outcomes.push(thing(&world, &router, ("acme", "1", "one"), "refused_later").await.status);
    }

    assert_eq!(outcomes, [503, 404, 201]);
    assert_eq!(*things.made.lock().unwrap(), ["thing_0"]);
}

#[tokio::test]
async fn an_abandoned_claim_is_taken_over_by_one_alone() {
    let world = World::start().await;
    let (_, things) = things(&world);
    let repetition = repetition(&things).await;
    let claim = |attempt: &'static str, now| things.receipts.claim(&repetition, attempt, attempt, now);
    let start = world.product_clock().now();
    let later = start + SignedDuration::from_mins(2);
    let Ok(Claim::Mine(first)) = claim("first", start).await else { panic!("the slot was free") };

    let (second, third) = tokio::join!(claim("second", later), claim("third", later));

    let mut won = Vec::new();
    for claim in [second, third] {
        match claim {
            Ok(Claim::Mine(held)) => won.push(held),
            Ok(Claim::Answered(answer)) => panic!("{answer:?}"),
            Err(error) => assert!(matches!(error, Error::IdempotencyInFlight), "{error}"),
        }
    }
    let [winner] = won.as_slice() else { panic!("one takes over: {won:?}") };
    assert_eq!((winner.id.as_str(), winner.is_resumed), ("first", true));
    // The first wakes up: whatever it does now changes nothing.
    let answer = receipts::Answer { status: 201, content_type: None, body: "late".to_owned() };
    things.receipts.keep(&first, &answer).await.unwrap();
    things.receipts.release(&first).await.unwrap();
    assert!(matches!(claim("fourth", later).await, Err(Error::IdempotencyInFlight)));
    things.receipts.keep(winner, &receipts::Answer { body: "kept".to_owned(), ..answer }).await.unwrap();
    let Ok(Claim::Answered(kept)) = claim("fifth", later).await else { panic!("the answer was kept") };
    assert_eq!(kept.body, "kept");
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_knows_itself() {
    let world = World::start().await;
    let (_, things) = things(&world);
    let repetition = repetition(&things).await;
    let now = world.product_clock().now();

    let first = things.receipts.claim(&repetition, "thing", "mine", now).await;
    let again = things.receipts.claim(&repetition, "other", "mine", now).await;
    let foreign = things.receipts.claim(&repetition, "other", "theirs", now).await;

    assert!(matches!(first, Ok(Claim::Mine(_))));
    assert!(matches!(again, Ok(Claim::Mine(held)) if held.id == "thing"));
    assert!(matches!(foreign, Err(Error::IdempotencyInFlight)));
}

async fn repetition(things: &Things) -> Repetition {
    let key = IdempotencyKey::parse(b"one").unwrap();
    Repetition::new(&key, None, ("POST", "/v1/things"), b"{}", things.secret.keyring().await.unwrap())
}

#[tokio::test]
async fn a_repeated_request_that_would_be_refused_by_now_hears_what_it_made() {
    let world = World::start().await;
    let soon = (world.clock.now() + SignedDuration::from_hours(1)).to_string();
    let order = json!({ "name": "short-lived", "expires_at": soon });
    let first = make(&world, "one", &order).await;

    world.clock.advance(SignedDuration::from_hours(2));

    let second = make(&world, "one", &order).await;
    assert_eq!(second.outcome(), (409, "idempotency_secret_not_repeated".to_owned()));
    assert_eq!(second.body["id"], first.body["id"]);
    assert_eq!(make(&world, "two", &order).await.outcome(), (422, "invalid_body".to_owned()));
}

#[tokio::test]
async fn a_request_in_flight_is_not_begun_twice_until_its_lease_ends() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let (router, things) = things(&world);
    // Somebody claims the slot and dies: the record of a request that was answered, as if it had not been.
    thing(&world, &router, ("acme", "1", "one"), "whole").await;
    let receipts = world.variable("access", "RECEIPTS_TABLE");
    let row = world.table("RECEIPTS_TABLE").await.remove(0);
    let update = world.aws_clients().dynamodb().update_item().table_name(receipts);
    update
        .key("pk", aws_sdk_dynamodb::types::AttributeValue::S(row["pk"].as_str().unwrap().to_owned()))
        .key("sk", aws_sdk_dynamodb::types::AttributeValue::S("-".to_owned()))
        .update_expression("SET #state = :in_flight REMOVE answer")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":in_flight", aws_sdk_dynamodb::types::AttributeValue::S("in_flight".to_owned()))
        .send()
        .await
        .unwrap();

    let during = thing(&world, &router, ("acme", "1", "one"), "whole").await;
    world.clock.advance(SignedDuration::from_secs(61));
    let after = thing(&world, &router, ("acme", "1", "one"), "whole").await;

    assert_eq!(during.outcome(), (409, "idempotency_in_flight".to_owned()));
    assert_eq!(during.header("retry-after"), Some("1"));
    assert_eq!((after.status, after.text("id")), (201, "thing_0".to_owned()));
    assert_eq!(*things.made.lock().unwrap(), ["thing_0"]);
}
