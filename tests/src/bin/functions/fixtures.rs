//! Functions that show what a host must cope with. They are told by their events what to do, and print what they did.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// Runs the fixture function of that name.
pub(crate) async fn run(name: String, clock: impl Fn() -> Timestamp) -> Result<(), Error> {
    match name.as_str() {
        "fails-init" => return Err("SOME_TABLE is not set".into()),
        "panics-in-init" => panic!("no way to begin"),
        "slow-init" => tokio::time::sleep(Duration::from_mins(10)).await,
        _ => {}
    }
    let function = service_fn(|event: LambdaEvent<Value>| handle(&name, event, clock()));
    lambda_runtime::run(function).await
}

async fn handle(name: &str, event: LambdaEvent<Value>, now: Timestamp) -> Result<Value, Error> {
    let deadline_ms = event.context.deadline;
    let payload = event.payload;
    match name {
        "mirror" if payload["rawPath"] == "/send" => send(&payload).await,
        "mirror" if payload["rawPath"] == "/ask" => ask().await,
        "mirror" => Ok(mirror(payload, now, deadline_ms)),
        "patient" | "trouble" => trouble(&payload).await,
        "narrow" => narrow(&payload).await,
        "orders" => orders(&payload).await,
        "slow" => slow(&payload).await,
        "scheduled" => scheduled(&payload),
        "stream" => Ok(stream(&payload)),
        "commands" => Ok(json!({ "did": payload["command"], "with": payload })),
        other => Err(format!("there is no fixture function {other}").into()),
    }
}

fn mirror(event: Value, now: Timestamp, deadline_ms: u64) -> Value {
    match event["rawPath"].as_str() {
        Some("/answer") => serde_json::from_str(event["body"].as_str().unwrap_or_default()).unwrap_or_default(),
        Some("/environment") => {
            let environment: BTreeMap<String, String> = std::env::vars().collect();
            json!({ "environment": environment, "now": now.to_string(), "deadline_ms": deadline_ms })
        }
        _ => event,
    }
}

/// Makes one call to AWS, so that something can happen to it.
async fn send(event: &Value) -> Result<Value, Error> {
    let variable = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok()).unwrap_or_default();
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new(variable("AWS_ACCESS_KEY_ID"), "local", None, None, "environment"))
        .endpoint_url(variable("AWS_ENDPOINT_URL"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(variable("AWS_REGION")))
        .build();
    let message = aws_sdk_sqs::Client::from_conf(config).send_message().queue_url(variable("QUEUE_URL"));
    let body = event["body"].as_str().unwrap_or_default();
    message.message_body(body).message_group_id("sent").message_deduplication_id(body).send().await?;
    Ok(json!({ "statusCode": 202 }))
}

/// Makes one call to Graph, so that something can happen to it.
async fn ask() -> Result<Value, Error> {
    let graph = std::env::var_os("GRAPH_URL").and_then(|value| value.into_string().ok()).unwrap_or_default();
    let answer = tests::wire::try_send(&graph, &["GET /v25.0/me HTTP/1.1"], b"").await;
    Ok(json!({ "statusCode": answer.map_or(504, |answer| answer.status) }))
}

async fn trouble(event: &Value) -> Result<Value, Error> {
    match event["pathParameters"]["kind"].as_str() {
        Some("exit") => {
            eprintln!("out of patience");
            std::process::exit(7)
        }
        Some("abort") => std::process::abort(),
        Some("panic") => panic!("this was not foreseen"),
        Some("error") => Err("the secret is out".into()),
        Some("sleep") => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            Ok(Value::Null)
        }
        Some("block") => {
            std::thread::sleep(Duration::from_mins(10));
            Ok(Value::Null)
        }
        Some("eat") => {
            // Written to, for memory that was only asked for is not used.
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 8 << 20]);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Some("big") => Ok(json!({ "statusCode": 200, "body": "x".repeat(7 << 20) })),
        Some("large") => Ok(json!({ "statusCode": 200, "body": "x".repeat(5 << 20) })),
        _ => Ok(json!({ "statusCode": 200, "body": std::process::id().to_string() })),
    }
}

/// Holds its one process until a file named by the path appears.
async fn narrow(event: &Value) -> Result<Value, Error> {
    println!("entered");
    let gate = event["queryStringParameters"]["file"].as_str().unwrap_or_default();
    while !gate.is_empty() && !std::path::Path::new(gate).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(json!({ "statusCode": 200, "body": "through" }))
}

async fn orders(event: &Value) -> Result<Value, Error> {
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    let ids: Vec<_> = records.iter().map(|record| record["body"].clone()).collect();
    println!("batch {}", Value::from(ids));
    let mut failures = Vec::new();
    for record in &records {
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap_or_default())?;
        let attempt: u64 = record["attributes"]["ApproximateReceiveCount"].as_str().unwrap_or_default().parse()?;
        match body["do"].as_str() {
            Some("fail") => failures.push(json!({ "itemIdentifier": record["messageId"] })),
            Some("fail-once") if attempt == 1 => failures.push(json!({ "itemIdentifier": record["messageId"] })),
            Some("exit-once") if attempt == 1 => std::process::exit(9),
            Some("record") => println!("record {record}"),
            _ => {}
        }
        if let Some(milliseconds) = body["sleep_ms"].as_u64() {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
    println!("done {}", Value::from(records.iter().map(|record| record["body"].clone()).collect::<Vec<_>>()));
    Ok(json!({ "batchItemFailures": failures }))
}

async fn slow(event: &Value) -> Result<Value, Error> {
    let body = event["Records"][0]["body"].as_str().unwrap_or_default().to_owned();
    println!("start {body}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    println!("end {body}");
    Ok(Value::Null)
}

static FAILED: AtomicUsize = AtomicUsize::new(0);

/// Fails as often as its input says, then succeeds.
fn scheduled(event: &Value) -> Result<Value, Error> {
    println!("scheduled {event}");
    let wanted = event["fail"].as_u64().unwrap_or_default();
    if (FAILED.fetch_add(1, Ordering::Relaxed) as u64) < wanted { Err("not yet".into()) } else { Ok(Value::Null) }
}

/// Reports the records whose new image says so.
fn stream(event: &Value) -> Value {
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    let keys: Vec<_> = records.iter().map(|record| record["dynamodb"]["Keys"]["id"]["S"].clone()).collect();
    println!("stream {}", Value::from(keys));
    let is_poison = |record: &&Value| record["dynamodb"]["NewImage"]["poison"]["BOOL"] == json!(true);
    let failures: Vec<_> = records
        .iter()
        .filter(is_poison)
        .map(|record| json!({ "itemIdentifier": record["dynamodb"]["SequenceNumber"] }))
        .collect();
    json!({ "batchItemFailures": failures })
}
