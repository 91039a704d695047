//! The built artefacts under AWS's own runtime interface emulator: each is small enough, holds nothing that belongs to
//! the laptop, starts, answers an event and reads no certificate files. `just build x86_64 && just package`.

mod artefact;
mod emulator;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use local::template::{ACCOUNT, Template};
use serde_json::{Value, json};
use tests::World;

use artefact::Artefact;
use emulator::Emulator;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let paths = <[String; 2]>::try_from(std::env::args().skip(1).collect::<Vec<_>>());
    let Ok([build, emulator]) = paths.map(|paths| paths.map(PathBuf::from)) else {
        return end(Err("usage: packaging <sam's build folder> <aws-lambda-rie>".into()));
    };
    end(check_all(&build, &emulator).await)
}

async fn check_all(build: &Path, emulator: &Path) -> Result<String> {
    let world = World::start().await;
    let traces = tempfile::tempdir()?;
    let functions = Template::read(&tests::template(), &BTreeMap::new())?.functions;
    let mut report = Vec::new();
    for function in functions.values() {
        let name = &function.name;
        let artefact = Artefact::read(name, &build.join(&function.logical_id).join("bootstrap"))?;
        let trace = traces.path().join(name);
        let emulator = Emulator::start(emulator, &artefact.path, world.environment(name), &trace).await?;
        let answer = emulator.invoke(&event(name, &world.first_key)).await;
        let said = emulator.stop().await?;
        let answer = answer.map_err(|error| format!("{name}: {error}\n{said}"))?;
        if !is_expected(name, &answer)? {
            return Err(format!("{name} answered {answer}\n{said}").into());
        }
        artefact::reads_no_certificates(&std::fs::read_to_string(&trace)?)?;
        report.push(format!("{name}: {} bytes, answered {answer}", artefact.size));
    }
    Ok(report.join("\n"))
}

/// Something that makes the function use all it rests on.
fn event(function: &str, key: &str) -> Value {
    match function {
        "access" => request("GET", "/v1/health", key),
        "oauth-init" => of_acme(request("GET", "/v1/connections", key)),
        "oauth-callback" => stranger(request("GET", "/oauth/callback", key)),
        "accounts" => of_acme(request("GET", "/v1/accounts", key)),
        "webhook" => delivery(request("POST", "/webhooks/whatsapp", key)),
        "feed" => change(),
        "inbound" => batch(),
        "inbox" => of_acme(request("GET", "/v1/conversations", key)),
        "send" => of_acme(request("DELETE", "/v1/messages/msg_none", key)),
        "outbound" => order(),
        _ => json!({ "command": "upkeep" }),
    }
}

/// Every function stands here: what is not tried is not packaged.
fn is_expected(function: &str, answer: &Value) -> Result<bool> {
    match function {
        "access" => {
            let body = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
            let body: Value = body.unwrap_or_default();
            let dependencies = body["dependencies"].as_array().map(Vec::len);
            Ok(answer["statusCode"] == 200 && body["status"] == "ok" && dependencies == Some(4))
        }
        "oauth-init" | "accounts" | "inbox" => {
            let empty = json!({"data": [], "next": null}).to_string();
            Ok(answer["statusCode"] == 200 && answer["body"] == empty)
        }
        // A state that nobody was given.
        "oauth-callback" => Ok(answer["statusCode"] == 400),
        // Nobody has signed it: the app's secret was read to know that.
        "webhook" => Ok(answer["statusCode"] == 401),
        // A message that is told; and a number that nobody has connected: it is parked.
        "feed" | "inbound" => Ok(answer["batchItemFailures"] == json!([])),
        // There is no such message.
        "send" => Ok(answer["statusCode"] == 404),
        // Its message is not there yet: it comes again.
        "outbound" => Ok(answer["batchItemFailures"] == json!([{"itemIdentifier": "record-1"}])),
        // `access` was asked first and has put the key.
        "sweeper" => Ok(answer["first_key_put"] == false),
        _ => Err(format!("say in tests/src/bin/packaging what {function} is asked and answers").into()),
    }
}

fn of_acme(mut request: Value) -> Value {
    request["headers"]["patchbay-tenant"] = json!("acme");
    request
}

/// A record of the inbound queue.
fn batch() -> Value {
    let unit = json!({"kind": "message", "raw": {"id": "wamid.A", "from": "16505551234", "type": "text"}});
    let body =
        json!({"v": 1, "at": 1_795_219_200_000_u64, "entry": "1", "field": "messages", "number": "1", "units": [unit]});
    record(&body)
}

/// A record of a stream: somebody has written to acme.
fn change() -> Value {
    let (partition, sort_key) = (format!("acme#c#{}", "0".repeat(32)), format!("m#001795219200000#{}", "0".repeat(20)));
    let key = json!({"pk": {"S": partition}, "sk": {"S": sort_key}});
    let item = json!({
        "pk": key["pk"], "sk": key["sk"], "number": {"S": "1"}, "dir": {"S": "inbound"}, "origin": {"S": "customer"},
        "seq": {"S": "1.0"}, "at": {"S": "2026-11-21T00:00:00Z"}, "generation": {"N": "1"}, "raw": {"B": "e30="},
    });
    let change =
        json!({"ApproximateCreationDateTime": 1_795_219_200, "SequenceNumber": "1", "Keys": key, "NewImage": item});
    json!({"Records": [{
        "eventName": "INSERT",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/patchbay-MessagesTable/stream/1",
        "dynamodb": change,
    }]})
}

/// A record of the outbound queue.
fn order() -> Value {
    let id = format!("msg_{}", "A".repeat(43));
    record(&json!({"kind": "message", "tenant": "acme", "number": "1", "generation": 1, "id": id}))
}

fn record(body: &Value) -> Value {
    let attributes = json!({"MessageGroupId": "g", "SequenceNumber": "1", "ApproximateReceiveCount": "1"});
    json!({"Records": [
        {"messageId": "record-1", "receiptHandle": "handle-1", "body": body.to_string(), "attributes": attributes}
    ]})
}

/// Without the key, and with a state nobody was given: what anyone can send.
fn stranger(mut request: Value) -> Value {
    request["headers"].as_object_mut().map(|headers| headers.remove("authorization"));
    request["rawQueryString"] = json!(format!("state={}&code=code", "a".repeat(43)));
    request
}

/// With a signature of nobody's.
fn delivery(mut request: Value) -> Value {
    request["headers"]["x-hub-signature-256"] = json!(format!("sha256={}", "0".repeat(64)));
    request["body"] = json!("{}");
    request
}

/// An HTTP API event, payload 2.0.
fn request(method: &str, path: &str, key: &str) -> Value {
    let host = "abc.execute-api.us-east-1.amazonaws.com";
    let route = format!("{method} {path}");
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": host, "accept": "*/*", "authorization": format!("Bearer {key}")},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "abc",
            "domainName": host,
            "domainPrefix": "abc",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
            "requestId": "request-1",
            "routeKey": route,
            "stage": "$default",
            "time": "21/Nov/2026:00:00:00 +0000",
            "timeEpoch": 1_795_219_200_000_u64,
        },
        "isBase64Encoded": false,
    })
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer")]
fn end(result: Result<String>) -> ExitCode {
    match result {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("packaging: {error}");
            ExitCode::FAILURE
        }
    }
}
