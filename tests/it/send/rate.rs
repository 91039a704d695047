//! Many messages of many numbers: no limit of Meta's is met. How fast it went is said beside what the emulators and the
//! simulator take for the same calls when nothing but an SDK makes them; a rate decides nothing.

use std::{sync::Arc, time::Instant};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use emulators::{Call as Made, Service};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::*;
use crate::connect::{ONE, begin, system_token};

const NUMBERS: usize = 20;
/// To each of their people each number says this much.
const SAID: usize = 5;
/// Environments of `outbound`, and tasks that do the same without it.
const AT_ONCE: usize = 8;

/// Twenty numbers of one tenant, connected.
async fn twenty_numbers(world: &World) -> Vec<String> {
    let mut numbers = Vec::new();
    for place in 0..NUMBERS {
        let number = json!({"waba_id": ONE, "phone_number": format!("155502{place:05}"), "registered": true});
        numbers.push(world.meta.post("/_sim/numbers", number).await["id"].as_str().unwrap().to_owned());
    }
    let token = system_token(world, ONE).await;
    let manual = json!({"access_token": token, "waba_id": ONE, "phone_number_ids": numbers});
    let connection = begin(world, ACME, json!({"method": "manual", "manual": manual})).await;
    world.sweep().await;
    let connection = crate::connect::shown(world, ACME, &connection).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    numbers
}

/// Each number's batches, one after the other.
async fn accept(world: &World, numbers: &[String], people: usize) {
    let message = json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}});
    for (place, number) in numbers.iter().enumerate() {
        let to = |person| json!({"to": format!("+1650{place:02}{person:05}")});
        let recipients: Vec<Value> = (0..people).map(to).collect();
        let body = json!({"message": message, "recipients": recipients});
        for _ in 0..SAID {
            let path = format!("/v1/accounts/{number}/messages/batch");
            let answer = call(world, ACME, "POST", &path).json(&body).send().await;
            assert_eq!(answer.status, 202, "{answer:?}");
        }
    }
}

/// Everything goes out, and Meta tells nothing of it: that is another function's work.
async fn deliver(world: &Arc<World>, messages: usize) {
    for second in 1.. {
        let mut going = JoinSet::new();
        for place in 0..AT_ONCE {
            let world = Arc::clone(world);
            going.spawn(async move {
                let caller = format!("outbound-{place}");
                world.drain_with(&world.cold_outbound(&caller), &caller).await
            });
        }
        going.join_all().await;
        if posts(world).await.len() >= messages {
            return;
        }
        assert!(second < 300, "{} are out", posts(world).await.len());
        world.clock.advance(SignedDuration::from_secs(1));
        if second % 60 == 0 {
            world.sweep().await;
        }
    }
}

/// What one call of the function's becomes without it.
#[derive(Clone, Copy)]
enum Bare {
    Write { bytes: usize },
    Read,
    Queue,
    Post,
}

impl Bare {
    fn of(made: &Made) -> Self {
        match (made.service, made.operation.as_str()) {
            (Service::DynamoDb, "BatchGetItem" | "GetItem" | "Query") => Self::Read,
            (Service::DynamoDb, _) => Self::Write { bytes: made.request_bytes.min(2_000) },
            _ => Self::Queue,
        }
    }
}

/// The SDK's clients and a connection to Meta, and nothing of ours.
struct Plain {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    sqs: aws_sdk_sqs::Client,
    queue: String,
    meta: SendRequest<Body>,
    host: String,
    numbers: Vec<String>,
    proof: String,
    token: String,
}

impl Plain {
    async fn new(world: &World, numbers: &[String]) -> Self {
        let token = system_token(world, ONE).await;
        let proof = tests::signature(token.as_bytes()).trim_start_matches("sha256=").to_owned();
        let host = world.meta.url().trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.unwrap();
        let (meta, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self {
            dynamodb: world.aws_clients().dynamodb(),
            table: world.variable("outbound", "MESSAGES_TABLE"),
            sqs: world.aws_clients().sqs(),
            queue: world.variable("outbound", "OUTBOUND_QUEUE"),
            meta,
            host,
            numbers: numbers.to_vec(),
            proof,
            token,
        }
    }

    async fn make(&mut self, place: usize, call: Bare) {
        let key = |place: usize| {
            let text = AttributeValue::S(format!("bare#{place}"));
            [("pk".to_owned(), text.clone()), ("sk".to_owned(), text)]
        };
        match call {
            Bare::Write { bytes } => {
                let put = self.dynamodb.put_item().table_name(&self.table).set_item(Some(key(place).into()));
                put.item("said", AttributeValue::S("x".repeat(bytes))).send().await.unwrap();
            }
            Bare::Read => {
                let keys = (0..20).map(|before| key(place.saturating_sub(before)).into());
                let mut keys: Vec<_> = keys.collect();
                keys.dedup();
                let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
                self.dynamodb.batch_get_item().request_items(&self.table, keys).send().await.unwrap();
            }
            Bare::Queue => {
                let received = self.sqs.receive_message().queue_url(&self.queue).wait_time_seconds(0).send().await;
                received.unwrap();
            }
            Bare::Post => {
                let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
                let body = json!({"messaging_product": "whatsapp", "to": format!("1650{place:07}"),
                    "type": "template", "template": template});
                let number = &self.numbers[place % self.numbers.len()];
                let post = Request::post(format!("/v25.0/{number}/messages?appsecret_proof={}", self.proof));
                let post = post.header("host", &self.host).header("content-type", "application/json");
                let post = post.header("authorization", format!("Bearer {}", self.token));
                let answer = self.meta.send_request(post.body(Body::from(body.to_string())).unwrap()).await.unwrap();
                let status = answer.status();
                let said = to_bytes(Body::new(answer.into_body()), usize::MAX).await.unwrap();
                assert_eq!(status, 200, "{said:?}");
            }
        }
    }
}

/// So many seconds for the same calls, and as many POSTs.
async fn bare_seconds(world: &World, numbers: &[String], calls: Vec<Made>, posts: usize) -> f64 {
    let calls: Vec<Bare> = calls.iter().map(Bare::of).chain((0..posts).map(|_| Bare::Post)).collect();
    let (mut making, calls) = (JoinSet::new(), Arc::new(calls));
    let started = Instant::now();
    for first in 0..AT_ONCE {
        let (mut plain, calls) = (Plain::new(world, numbers).await, Arc::clone(&calls));
        let clock = world.clock.clone();
        making.spawn(async move {
            for place in (first..calls.len()).step_by(AT_ONCE) {
                plain.make(place, calls[place]).await;
                // Nothing paces these: on a fast machine one number would say more within a second than Meta takes.
                if matches!(calls[place], Bare::Post) {
                    clock.advance(SignedDuration::from_millis(5));
                }
            }
        });
    }
    making.join_all().await;
    started.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_messages_of_twenty_numbers_at_a_time_meet_no_limit() {
    let people = if tests::whole() { 50 } else { 5 };
    let messages = NUMBERS * people * SAID;
    let world = Arc::new(World::deployed().await);
    let numbers = twenty_numbers(&world).await;
    fault(&world, 1_000_000, json!({"drop_status": true})).await;
    accept(&world, &numbers, people).await;
    world.aws.clear_calls();

    let started = Instant::now();
    deliver(&world, messages).await;
    let seconds = started.elapsed().as_secs_f64();

    let calls = world.aws.calls();
    let posts = posts(&world).await;
    let refused: Vec<&Value> = posts.iter().filter(|post| post["status"] != 200).collect();
    assert_eq!((posts.len(), refused.len()), (messages, 0), "{:?}", refused.first());
    let bare = bare_seconds(&world, &numbers, calls, messages).await;
    let rate = |seconds: f64| f64::from(u32::try_from(messages).unwrap()) / seconds;
    println!(
        "{messages} messages of {NUMBERS} numbers: {:.0} a second, the same calls alone {:.0} a second, ratio {:.2}",
        rate(seconds),
        rate(bare),
        bare / seconds
    );
}
