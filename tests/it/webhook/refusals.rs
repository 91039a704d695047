//! What SQS does not take is not answered 200.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap};
use emulators::{Fault, FaultKind, Site};
use jiff::SignedDuration;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::{env::Env, webhook::Context};
use tests::{World, signature, wire};

use super::{body, deliver, entry, one, queued, seen, text};

#[tokio::test]
async fn while_sqs_takes_nothing_meta_is_told_to_come_again() {
    let world = World::start().await;
    let queue = world.variable("webhook", "INBOUND_QUEUE");
    let queue = queue.rsplit('/').next().unwrap();
    for ordinal in 1..=9 {
        let site = Site::named(format!("sqs.SendMessageBatch:{queue}#{ordinal}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Throttle });
    }
    for _ in 0..3 {
        assert_eq!(deliver(&world, &one("wamid.1")).await, 500);
    }
    assert_eq!(world.aws.faults().fired().len(), 9);
    assert_eq!(seen(&queued(&world).await), []);

    assert_eq!(deliver(&world, &one("wamid.1")).await, 200);
    assert_eq!(seen(&queued(&world).await).len(), 1);
}

/// SQS, but for the entries that it does not take: `refuses` says which, by the body and how often it came.
#[derive(Clone)]
struct Partly {
    sqs: String,
    seen: Arc<Mutex<Vec<Vec<String>>>>,
    refuses: fn(&str, usize) -> bool,
}

impl Partly {
    async fn start(world: &World, refuses: fn(&str, usize) -> bool) -> (Self, String) {
        let partly = Self { sqs: world.aws.url(), seen: Arc::default(), refuses };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(partly.clone());
        tokio::spawn(serve(listener, router));
        (partly, url)
    }

    /// The words of each batch's entries, in the order they came.
    fn batches(&self) -> Vec<Vec<String>> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(listener: tokio::net::TcpListener, router: Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
}

/// The text messages in an entry, as words.
fn words(entry: &Value) -> String {
    let envelope: Value = serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap();
    let units = envelope["units"].as_array().unwrap();
    units.iter().map(|unit| unit["raw"]["text"]["body"].as_str().unwrap().split(' ').next().unwrap()).collect()
}

async fn answer(State(partly): State<Partly>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    let entries = request["Entries"].as_array().unwrap().clone();
    let earlier: Vec<String> = partly.batches().concat();
    partly.seen.lock().unwrap().push(entries.iter().map(words).collect());
    let refused = |entry: &&Value| {
        let word = words(entry);
        (partly.refuses)(&word, earlier.iter().filter(|other| **other == word).count())
    };
    let failed: Vec<Value> = entries.iter().filter(refused).map(|entry| entry["Id"].clone()).collect();
    request["Entries"] = entries.into_iter().filter(|entry| !failed.contains(&entry["Id"])).collect();
    let mut successful = json!([]);
    if request["Entries"] != json!([]) {
        let head: Vec<String> = ["x-amz-target", "authorization", "content-type", "x-amz-date"]
            .iter()
            .filter_map(|name| Some(format!("{name}: {}", headers.get(*name)?.to_str().unwrap())))
            .collect();
        let head: Vec<&str> = std::iter::once("POST / HTTP/1.1").chain(head.iter().map(String::as_str)).collect();
        let sent = wire::send(&partly.sqs, &head, request.to_string().as_bytes()).await.json();
        successful = sent["Successful"].clone();
    }
    let failed: Vec<Value> = failed
        .into_iter()
        .map(|id| json!({"Id": id, "SenderFault": false, "Code": "InternalError", "Message": "later"}))
        .collect();
    Json(json!({"Successful": successful, "Failed": failed}))
}

/// The function, with its queue behind that address.
fn function(world: &World, sqs: &str) -> Context {
    let mut environment = world.environment("webhook").clone();
    environment.insert("AWS_ENDPOINT_URL_SQS".to_owned(), sqs.to_owned());
    Context::from_env(&Env::from_fn(move |name| environment.get(name).cloned()), world.product_clock()).unwrap()
}

async fn post(function: &Context, body: &[u8]) -> u16 {
    let event = json!({
        "requestContext": {"http": {"method": "POST"}},
        "headers": {"x-hub-signature-256": signature(body)},
        "body": str::from_utf8(body).unwrap(),
    });
    let event = serde_json::from_value(event).unwrap();
    function.handle(LambdaEvent::new(event, lambda_runtime::Context::default())).await.status_code
}

/// To three people; the first is written to so much that it takes three messages.
fn to_three() -> Vec<u8> {
    let large = |word: &str| format!("{word} {}", "x".repeat(200 * 1024));
    let mut units = Vec::new();
    for word in ["a1", "a2", "a3"] {
        units.push(text("16505550001", word, &large(word)));
    }
    units.push(text("16505550002", "b1", "b1"));
    units.push(text("16505550003", "c1", "c1"));
    body(&[entry("102", "106", "messages", &units)])
}

#[tokio::test]
async fn entries_that_fail_are_sent_again_and_nothing_overtakes_them() {
    let world = World::start().await;
    let (partly, url) = Partly::start(&world, |word, times| (word == "a1" || word == "b1") && times < 1).await;

    assert_eq!(post(&function(&world, &url), &to_three()).await, 200);

    assert_eq!(
        partly.batches(),
        [vec!["a1", "b1", "c1"], vec!["a1", "b1"], vec!["a2"], vec!["a3"]]
            .map(|batch| batch.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    );
    let units = seen(&queued(&world).await);
    let mut order: BTreeSet<(String, usize, String)> = BTreeSet::new();
    for (place, unit) in units.iter().enumerate() {
        order.insert((unit.group.clone(), place, unit.raw["id"].as_str().unwrap().to_owned()));
    }
    let of_a: Vec<&str> = order.iter().map(|(_, _, id)| id.as_str()).filter(|id| id.starts_with('a')).collect();
    assert_eq!((units.len(), of_a), (5, vec!["a1", "a2", "a3"]));
}

#[tokio::test]
async fn what_fails_three_times_is_not_answered_200() {
    let world = World::start().await;
    let (partly, url) = Partly::start(&world, |word, times| word == "a1" && times < 3).await;
    let function = function(&world, &url);

    assert_eq!(post(&function, &to_three()).await, 500);
    assert_eq!(partly.batches().concat().iter().filter(|word| *word == "a1").count(), 3);
    assert!(!partly.batches().concat().contains(&"a2".to_owned()), "nothing overtakes it");

    // Meta comes again; what was sent the first time is known by its bytes.
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(post(&function, &to_three()).await, 200);
    assert_eq!(seen(&queued(&world).await).len(), 5);
}
