//! Processes: reuse, limits, and every way to go wrong.

use std::time::Instant;

use emulators::{Fault, FaultKind};
use local::{Config, FailureKind, Outcome, Stack};
use serde_json::{Value, json};
use tests::wire;

use super::{Host, Lines, config};

const SERVER_ERROR: &str = r#"{"message":"Internal Server Error"}"#;

#[tokio::test]
async fn a_function_that_goes_wrong_costs_its_caller_a_500_and_nobody_else_anything() {
    let host = Host::start().await;

    for (kind, line) in [
        (
            "trouble/exit",
            "Runtime.ExitError: RequestId: … Error: Runtime exited with error: exit status: 7: out of patience",
        ),
        ("trouble/abort", "Runtime.ExitError: RequestId: … Error: Runtime exited with error: signal: 6 (SIGABRT)"),
        ("trouble/panic", "this was not foreseen"),
        ("trouble/error", "the secret is out"),
        ("hurried/sleep", "Sandbox.Timedout: … Task timed out after 1.00 seconds"),
        ("hurried/block", "Sandbox.Timedout: … Task timed out after 1.00 seconds"),
        ("trouble/eat", "Runtime.OutOfMemory: RequestId: … Error: out of memory: "),
        (
            "trouble/big",
            "Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ] {
        let answer = host.post_json(&format!("/{kind}"), "{}").await;

        assert_eq!((answer.status, answer.text().as_str()), (500, SERVER_ERROR), "{kind}");
        let parts: Vec<&str> = line.split('…').collect();
        let texts = host.lines.texts().into_iter();
        let said = texts.filter(|text| parts.iter().all(|part| text.contains(part)));
        assert!(said.count() >= 1, "{kind}: {:#?}", host.lines.texts());
        let (function, _) = kind.split_once('/').unwrap();
        assert_eq!(host.post_json(&format!("/{function}/none"), "{}").await.status, 200, "after {kind}");
    }
}

#[tokio::test]
async fn a_warm_process_is_used_again_even_after_it_reported_an_error() {
    let host = Host::start().await;

    let first = host.post_json("/trouble/none", "{}").await.text();
    host.post_json("/trouble/panic", "{}").await;
    host.post_json("/trouble/error", "{}").await;
    let again = host.post_json("/trouble/none", "{}").await.text();
    host.post_json("/trouble/exit", "{}").await;
    let other = host.post_json("/trouble/none", "{}").await.text();

    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn an_answer_just_within_the_limit_arrives_whole() {
    let host = Host::start().await;

    let answer = host.post_json("/trouble/large", "{}").await;

    assert_eq!((answer.status, answer.body.len()), (200, 5 << 20));
}

#[tokio::test]
async fn more_calls_than_processes_are_answered_503_until_one_is_free() {
    let host = Host::start().await;
    let gate = host.data.path().join("gate");
    let path = format!("/narrow/a?file={}", gate.display());

    let address = host.stack.api_url().to_owned();
    let first = tokio::spawn({
        let path = path.clone();
        async move { wire::send(&address, &[&format!("GET {path} HTTP/1.1")], b"").await }
    });
    host.lines.until("the first call is inside", |lines| lines.iter().any(|line| line == "entered")).await;
    let second = host.get(&path).await;
    std::fs::write(&gate, "").unwrap();
    let first = first.await.unwrap();
    let third = host.get(&path).await;

    assert_eq!((second.status, second.text().as_str()), (503, r#"{"message":"Service Unavailable"}"#));
    assert_eq!((first.status, first.text().as_str()), (200, "through"));
    assert_eq!(third.status, 200);
}

#[tokio::test]
async fn a_function_that_takes_longer_than_the_gateway_waits_is_answered_503() {
    let host = Host::start_with(|config| config.integration_timeout = std::time::Duration::from_millis(200)).await;

    let answer = host.get("/narrow/a?file=/nowhere").await;

    assert_eq!((answer.status, answer.text().as_str()), (503, r#"{"message":"Service Unavailable"}"#));
}

#[tokio::test]
async fn a_process_has_the_environment_of_the_template_and_of_lambda_and_no_other() {
    let host = Host::start_with(|config| {
        config.parameters.insert("Greeting".to_owned(), "good day".to_owned());
        config.graph_url = Some("http://127.0.0.1:1".to_owned());
    })
    .await;

    let answer = host.get("/environment").await.json();

    let environment = answer["environment"].as_object().unwrap();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "EVERYWHERE",
        "GRAPH_URL",
        "GREETING",
        "LANG",
        "PATCHBAY_CLOCK",
        "PATCHBAY_FUNCTION",
        "QUEUE_ARN",
        "QUEUE_URL",
        "TZ",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    ];
    assert_eq!(environment.keys().collect::<Vec<_>>(), expected);
    assert_eq!(environment["GREETING"], "good day from us-east-1");
    assert_eq!(environment["EVERYWHERE"], "yes");
    // A stack with a simulator must not reach Meta, whatever the template says.
    assert_eq!(environment["GRAPH_URL"], "http://127.0.0.1:1");
    assert_eq!(environment["AWS_ACCESS_KEY_ID"], "mirror-1");
    assert_eq!(environment["AWS_ENDPOINT_URL"], host.stack.aws_url());
    assert_eq!(environment["QUEUE_ARN"], "arn:aws:sqs:us-east-1:000000000000:patchbay-Orders.fifo");
    let queue_url = format!("{}/000000000000/patchbay-Orders.fifo", host.stack.aws_url());
    assert_eq!(environment["QUEUE_URL"], queue_url);
}

#[tokio::test]
async fn the_runtime_api_answers_only_its_own_host() {
    let host = Host::start().await;
    let environment = host.get("/environment").await.json();
    let address = environment["environment"]["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap().to_owned();
    let ask = async |name: &str| {
        let head = ["GET /2018-06-01/runtime/nothing HTTP/1.1", &format!("host: {name}")];
        wire::send(&address, &head, b"").await.status
    };

    assert_eq!([ask(&address).await, ask("evil.example.com").await], [404, 403]);
}

#[tokio::test]
async fn an_emulator_kills_the_very_process_that_calls_it() {
    let host = Host::start().await;
    let faults = host.stack.emulators().faults();
    faults.record();
    assert_eq!(host.post_json("/send", r#"{"id":"one"}"#).await.status, 202);
    let seen = faults.recorded().into_iter().find(|seen| seen.operation == "SendMessage").unwrap();
    assert_eq!(seen.caller, "mirror-1");

    faults.arm(Fault { site: seen.site, kind: FaultKind::KillBefore });
    let killed = host.post_json("/send", r#"{"id":"two"}"#).await;
    let next = host.post_json("/send", r#"{"id":"three"}"#).await;

    assert_eq!((killed.status, killed.text().as_str(), next.status), (500, SERVER_ERROR, 202));
    assert_eq!(faults.fired().len(), 1);
    let lines = host.lines.until("the third is handled", |lines| lines.iter().any(|line| line.contains("three"))).await;
    assert!(lines.iter().any(|line| line.contains("signal: 9")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("two")), "{lines:#?}");
}

#[tokio::test]
async fn the_simulator_kills_the_very_process_that_calls_it() {
    let host = Host::start_with(|config| config.simulator_port = Some(0)).await;
    let simulator = host.stack.simulator_url().unwrap();
    assert_eq!(host.post_json("/ask", "{}").await.status, 400, "no token, no answer but Graph's");
    let before = host.stack.invoke("PatientFunction", &json!({})).await;
    let fault = json!({ "match": { "route": "GET /me" }, "fault": { "kill": "before" } }).to_string();
    let head = ["POST /_sim/faults HTTP/1.1", "content-type: application/json"];
    assert_eq!(wire::send(&simulator, &head, fault.as_bytes()).await.status, 200);

    let killed = host.post_json("/ask", "{}").await;
    let next = host.post_json("/ask", "{}").await;

    assert_eq!((killed.status, killed.text().as_str(), next.status), (500, SERVER_ERROR, 400));
    let said = host.lines.until("it is killed", |lines| lines.iter().any(|line| line.contains("signal: 9"))).await;
    assert_eq!(said.iter().filter(|line| line.contains("signal: 9")).count(), 1, "{said:#?}");
    // Another function's process answers as the one it was.
    let after = host.stack.invoke("PatientFunction", &json!({})).await;
    let pid = |outcome| match outcome {
        Some(Outcome::Answered(answer)) => serde_json::from_slice::<Value>(&answer).unwrap()["body"].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(pid(before), pid(after));
}

#[tokio::test]
async fn an_invocation_by_name_gives_the_answer_or_the_error_itself() {
    let host = Host::start().await;
    let trouble = |kind: &str| json!({ "pathParameters": { "kind": kind } });

    let answered = host.stack.invoke("SweeperFunction", &json!({ "command": "tidy" })).await;
    let failed = host.stack.invoke("TroubleFunction", &trouble("error")).await;
    let crashed = host.stack.invoke("TroubleFunction", &trouble("exit")).await;
    let unknown = host.stack.invoke("NobodyFunction", &Value::Null).await;

    let Some(Outcome::Answered(answer)) = answered else { panic!("{answered:?}") };
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["did"], "tidy");
    let Some(Outcome::Failed(failure)) = failed else { panic!("{failed:?}") };
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Reported, "the secret is out"));
    let Some(Outcome::Failed(failure)) = crashed else { panic!("{crashed:?}") };
    assert_eq!((failure.kind, failure.error_type.as_str()), (FailureKind::Crashed, "Runtime.ExitError"));
    assert!(unknown.is_none());
}

#[tokio::test]
async fn a_function_that_cannot_begin_keeps_the_stack_from_starting_with_one_line_that_says_why() {
    for (name, reason) in [
        ("fails-init", "Runtime exited with error: exit status: 1: SOME_TABLE is not set"),
        ("panics-in-init", "no way to begin"),
        ("slow-init", "init took longer than 1.00 seconds"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let started = Instant::now();

        let error = Stack::start(broken(data.path(), name)).await.unwrap_err().to_string();

        assert!(error.starts_with(&format!("function {name} cannot start: ")), "{error}");
        assert!(error.contains(reason) && !error.contains('\n'), "{error}");
        assert!(started.elapsed().as_secs() < 5);
    }
}

#[tokio::test]
async fn a_function_that_cannot_begin_is_a_500_for_its_caller() {
    let data = tempfile::tempdir().unwrap();
    let mut config = broken(data.path(), "fails-init");
    config.check_functions = false;
    let stack = Stack::start(config).await.unwrap();

    let answer = wire::send(stack.api_url(), &["GET /broken HTTP/1.1"], b"").await;

    assert_eq!((answer.status, answer.text().as_str()), (500, SERVER_ERROR));
}

fn broken(data: &std::path::Path, name: &str) -> Config {
    let template = data.join("template.yaml");
    let text = format!(
        "Resources:\n  Broken:\n    Type: AWS::Serverless::Function\n    Metadata: {{ BuildProperties: {{ Binary: {name} }} }}\n    \
         Properties: {{ Events: {{ Call: {{ Type: HttpApi, Properties: {{ Method: GET, Path: /broken }} }} }} }}\n"
    );
    std::fs::write(&template, text).unwrap();
    let mut config = config(&data.join("data"), &Lines::default());
    config.template = template;
    config.check_functions = true;
    config.init_timeout = std::time::Duration::from_secs(1);
    config
}
