//! What wakes functions besides requests: queues, schedules, commands; and the clock they go by.

use aws_sdk_sqs::types::QueueAttributeName;
use local::template::physical_name;
use serde_json::{Value, json};

use super::Host;

impl Host {
    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .credentials_provider(aws_sdk_sqs::config::Credentials::new("test", "local", None, None, "test"))
            .endpoint_url(self.stack.aws_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(aws_sdk_sqs::config::Region::from_static("us-east-1"))
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    pub(super) fn queue_url(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.stack.aws_url())
    }

    async fn order(&self, group: &str, id: &str, what: Value) {
        let mut body = json!({ "id": id });
        body.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let url = self.queue_url("patchbay-Orders.fifo");
        let message = self.sqs().send_message().queue_url(url).message_group_id(group).message_deduplication_id(id);
        message.message_body(body.to_string()).send().await.unwrap();
    }

    /// How many messages of a queue are visible and in flight.
    async fn depth(&self, queue: &str) -> (u64, u64) {
        let state = self.get("/_local/state").await.json();
        let counts = &state["queues"][queue];
        (counts["visible"].as_u64().unwrap(), counts["in_flight"].as_u64().unwrap())
    }

    pub(super) async fn advance(&self, seconds: u32) {
        let answer = self.post_json("/_local/clock", &json!({ "advance_seconds": seconds }).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// The ids in the lines of one kind, in order: `batch [...]` or `done [...]`.
fn ids(lines: &[String], kind: &str) -> Vec<Vec<String>> {
    let batches = lines.iter().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    let id = |body: &String| serde_json::from_str::<Value>(body).unwrap()["id"].as_str().unwrap().to_owned();
    batches.map(|batch| serde_json::from_str::<Vec<String>>(batch).unwrap().iter().map(id).collect()).collect()
}

fn count(lines: &[String], kind: &str, wanted: &str) -> usize {
    ids(lines, kind).concat().iter().filter(|id| *id == wanted).count()
}

#[tokio::test]
async fn a_message_arrives_as_lambda_gives_it_and_is_deleted_once_handled() {
    let host = Host::start().await;

    host.order("g", "first", json!({ "do": "record" })).await;

    let lines = host.lines.until("it is handled", |lines| count(lines, "done", "first") == 1).await;
    let record = lines.iter().find_map(|line| line.strip_prefix("record ")).unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    for field in ["messageId", "receiptHandle", "md5OfBody"] {
        assert!(!record[field].take().as_str().unwrap().is_empty(), "{field}");
    }
    for field in ["SentTimestamp", "ApproximateFirstReceiveTimestamp", "SequenceNumber", "SenderId"] {
        assert!(record["attributes"][field].is_string(), "{field}: {record}");
        record["attributes"].as_object_mut().unwrap().remove(field);
    }
    let expected = json!({
        "messageId": null, "receiptHandle": null, "md5OfBody": null,
        "body": r#"{"do":"record","id":"first"}"#,
        "attributes": { "ApproximateReceiveCount": "1", "MessageGroupId": "g", "MessageDeduplicationId": "first" },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:patchbay-Orders.fifo",
        "awsRegion": "us-east-1",
    });
    assert_eq!(record, expected);
    until_empty(&host, "Orders").await;
}

#[tokio::test]
async fn only_what_failed_comes_back_and_keeps_its_group_waiting() {
    let host = Host::start().await;

    host.order("a", "a1", json!({ "do": "fail-once" })).await;
    host.lines.until("a1 was tried", |lines| count(lines, "done", "a1") == 1).await;
    host.order("a", "a2", json!({})).await;
    host.order("b", "b1", json!({})).await;
    let before = host.lines.until("b1 is handled", |lines| count(lines, "done", "b1") == 1).await;
    host.advance(31).await;
    let after = host.lines.until("a2 is handled", |lines| count(lines, "done", "a2") == 1).await;

    assert_eq!(count(&before, "batch", "a2"), 0, "{before:#?}");
    let order: Vec<_> = ids(&after, "done").concat().into_iter().filter(|id| id.starts_with('a')).collect();
    assert_eq!(order, ["a1", "a1", "a2"]);
    until_empty(&host, "Orders").await;
}

#[tokio::test]
async fn a_crash_fails_the_whole_batch_and_nothing_else() {
    let host = Host::start().await;

    host.order("a", "a1", json!({ "do": "exit-once" })).await;
    host.lines.until("the process has died", |lines| lines.iter().any(|line| line.contains("exit status: 9"))).await;
    host.order("b", "b1", json!({})).await;
    host.lines.until("b1 is handled", |lines| count(lines, "done", "b1") == 1).await;
    // Deleted too, or moving the clock would bring it back.
    until_depth(&host, "Orders", (0, 1)).await;
    host.advance(31).await;
    let lines = host.lines.until("a1 is handled", |lines| count(lines, "done", "a1") == 1).await;

    assert_eq!(count(&lines, "batch", "a1"), 2);
    assert_eq!(count(&lines, "batch", "b1"), 1);
}

#[tokio::test]
async fn poison_ends_in_the_dead_letter_queue_after_its_last_receive() {
    let host = Host::start().await;

    host.order("a", "bad", json!({ "do": "fail" })).await;
    host.order("a", "good", json!({})).await;
    for attempt in 1..=3 {
        host.lines.until("it was tried", |lines| count(lines, "done", "bad") >= attempt).await;
        host.advance(31).await;
    }
    let lines = host.lines.until("the one behind it is handled", |lines| count(lines, "done", "good") >= 1).await;

    assert_eq!(count(&lines, "batch", "bad"), 3);
    let dead = host.sqs().receive_message().queue_url(host.queue_url("patchbay-OrdersDead.fifo")).send().await.unwrap();
    let bodies: Vec<_> = dead.messages().iter().filter_map(|message| message.body()).collect();
    assert_eq!(bodies, [r#"{"do":"fail","id":"bad"}"#]);
}

#[tokio::test]
async fn a_group_is_never_in_two_invocations_at_once_while_groups_run_side_by_side() {
    let host = Host::start().await;
    for number in 0..6 {
        for group in ["a", "b", "c"] {
            host.order(group, &format!("{group}{number}"), json!({ "sleep_ms": 20 })).await;
        }
    }

    let done = |lines: &[String]| ids(lines, "done").concat().len() == 18;
    let lines = host.lines.until("all are handled", done).await;

    for group in ["a", "b", "c"] {
        let order: Vec<_> = ids(&lines, "done").concat().into_iter().filter(|id| id.starts_with(group)).collect();
        let expected: Vec<_> = (0..6).map(|number| format!("{group}{number}")).collect();
        assert_eq!(order, expected);
        assert!(never_overlaps(&lines, group), "{lines:#?}");
    }
}

/// Whether every batch with that group was done before the next began.
fn never_overlaps(lines: &[String], group: &str) -> bool {
    let mut open = false;
    for line in lines {
        let line = std::slice::from_ref(line);
        let has = |kind: &str| ids(line, kind).concat().iter().any(|id| id.starts_with(group));
        if has("batch") {
            if open {
                return false;
            }
            open = true;
        }
        if has("done") {
            open = false;
        }
    }
    !open
}

#[tokio::test]
async fn a_slow_consumer_never_has_more_than_its_maximum_concurrency() {
    let host = Host::start().await;
    let (sqs, url) = (host.sqs(), host.queue_url("patchbay-Parcels"));
    for number in 0..8 {
        sqs.send_message().queue_url(&url).message_body(number.to_string()).send().await.unwrap();
    }

    let ended = |lines: &[String]| lines.iter().filter(|line| line.starts_with("end ")).count() == 8;
    let lines = host.lines.until("all are handled", ended).await;

    let (mut now, mut most) = (0_usize, 0);
    for line in &lines {
        now = if line.starts_with("start ") {
            now + 1
        } else if line.starts_with("end ") {
            now - 1
        } else {
            now
        };
        most = most.max(now);
    }
    assert_eq!(most, 2);
    assert_eq!(host.get("/_local/state").await.json()["functions"]["SlowFunction"]["started"], 2);
}

#[tokio::test]
async fn what_waits_in_a_queue_when_the_stack_ends_is_handled_after_the_next_start() {
    let host = Host::start().await;
    host.order("a", "later", json!({ "do": "fail-once" })).await;
    host.lines.until("it was tried", |lines| count(lines, "done", "later") == 1).await;

    let host = host.restart().await;
    host.advance(31).await;

    host.lines.until("it is handled", |lines| count(lines, "done", "later") == 2).await;
    until_empty(&host, "Orders").await;
}

#[tokio::test]
async fn a_schedule_fires_when_the_clock_is_moved_and_again_when_it_failed() {
    let host = Host::start().await;

    host.advance(3_600).await;
    let hourly = |lines: &[String]| lines.iter().filter(|line| line.contains(r#""name":"hourly""#)).count();
    host.lines.until("it has fired", |lines| hourly(lines) == 1).await;
    host.lines.until("its failure is known", |lines| lines.iter().any(|line| line.contains("not yet"))).await;
    host.advance(2).await;
    let lines = host.lines.until("it has fired again", |lines| hourly(lines) == 2).await;

    assert!(lines.contains(&r#"scheduled {"fail":1,"name":"hourly"}"#.to_owned()), "{lines:#?}");
}

#[tokio::test]
async fn a_schedule_without_an_input_gives_the_schedulers_own_event() {
    let host = Host::start().await;

    host.advance(86_400).await;
    let daily = |line: &String| {
        line.strip_prefix("scheduled ").filter(|event| event.contains("aws.scheduler")).map(str::to_owned)
    };
    let lines = host.lines.until("midnight has come", |lines| lines.iter().any(|line| daily(line).is_some())).await;

    let event: Value = serde_json::from_str(&lines.iter().find_map(daily).unwrap()).unwrap();
    assert_eq!((&event["detail-type"], &event["detail"]), (&json!("Scheduled Event"), &json!("{}")));
    assert!(event["time"].as_str().unwrap().ends_with("T00:00:00Z"), "{event}");
}

#[tokio::test]
async fn a_moved_clock_is_seen_by_every_process_at_once_and_after_a_restart() {
    let host = Host::start().await;
    let seen = async |host: &Host| {
        let answer = host.get("/environment").await.json();
        let now: jiff::Timestamp = answer["now"].as_str().unwrap().parse().unwrap();
        let left = answer["deadline_ms"].as_i64().unwrap() - now.as_millisecond();
        assert!((0..=30_000).contains(&left), "the deadline is on the same clock: {left}");
        now
    };

    let before = seen(&host).await;
    host.advance(7_200).await;
    let after = seen(&host).await;
    let host = host.restart().await;
    let later = seen(&host).await;

    assert!((7_200..7_260).contains(&after.duration_since(before).as_secs()));
    assert!((0..60).contains(&later.duration_since(after).as_secs()));
    assert_eq!(host.get("/_local/clock").await.json()["advanced_seconds"], 7_200);
}

#[tokio::test]
async fn a_command_is_answered_by_the_sweeper() {
    let host = Host::start().await;

    let answer = host.post_json("/_local/command", r#"{"command":"tidy","limit":3}"#).await;
    let nonsense = host.post_json("/_local/command", r#"{"limit":3}"#).await;

    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "did": "tidy", "with": { "command": "tidy", "limit": 3 } }))
    );
    assert_eq!(nonsense.status, 400);
}

#[tokio::test]
async fn local_calls_are_for_this_machine_and_programs_on_it() {
    let host = Host::start().await;
    let body = br#"{"advance_seconds":1}"#;
    let json_type = "content-type: application/json";
    let own = format!("origin: {}", host.stack.api_url());

    for (what, head, status) in [
        ("a form", &["content-type: application/x-www-form-urlencoded"][..], 415),
        ("text", &["content-type: text/plain"], 415),
        ("nothing", &["x-none: none"], 415),
        ("another page", &[json_type, "origin: https://evil.example.com"], 403),
        ("a page of another port", &[json_type, "origin: http://127.0.0.1:1"], 403),
        ("a sandboxed page", &[json_type, "origin: null"], 403),
        ("a proxy", &[json_type, "x-forwarded-for: 1.2.3.4"], 403),
        ("a tunnel", &[json_type, "X-Forwarded-Host: x"], 403),
        ("a gateway", &[json_type, "via: 1.1 x"], 403),
        ("an old proxy", &[json_type, "forwarded: for=1.2.3.4"], 403),
        ("its own page", &[json_type, &own], 200),
        ("a program", &["content-type: application/json; charset=utf-8"], 200),
    ] {
        let mut lines = vec!["POST /_local/clock HTTP/1.1"];
        lines.extend(head);

        assert_eq!(host.send(&lines, body).await.status, status, "{what}");
    }
    assert_eq!(host.get("/_local/clock").await.json()["advanced_seconds"], 2);
    assert_eq!(host.post_json("/_local/clock", r#"{"advance_seconds":-1}"#).await.status, 400);
    assert_eq!(host.get("/_local/nothing").await.status, 404);
}

#[tokio::test]
async fn a_tunnel_reaches_what_meta_needs_and_nothing_else() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = Host::start_with(|config| {
        config.tunnel_port = Some(port);
        config.control = false;
    })
    .await;
    let tunnel = format!("127.0.0.1:{port}");
    let ask = async |line: &str| tests::wire::send(&tunnel, &[line, "host: tunnel.example.com"], b"").await.status;

    assert_eq!(ask("POST /webhooks/whatsapp HTTP/1.1").await, 200);
    assert_eq!(ask("GET /oauth/start/ticket HTTP/1.1").await, 200);
    for path in ["/items/1", "/_local/state", "/webhooks", "/", "/webhooks/../items/1", "//items/1", "/%5flocal/state"]
    {
        assert_eq!(ask(&format!("GET {path} HTTP/1.1")).await, 404, "{path}");
    }
    assert_eq!(host.get("/_local/state").await.status, 404);
    assert_eq!(host.post_json("/_local/clock", r#"{"advance_seconds":1}"#).await.status, 404);
}

async fn until_empty(host: &Host, queue: &str) {
    until_depth(host, queue, (0, 0)).await;
}

async fn until_depth(host: &Host, queue: &str, wanted: (u64, u64)) {
    for _ in 0..1_000 {
        if host.depth(queue).await == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let url = host.queue_url(&format!("{}.fifo", physical_name(queue)));
    let all = host.sqs().get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send().await;
    panic!("{queue} does not come to {wanted:?}: {all:?}");
}
