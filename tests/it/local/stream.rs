//! A table's changes on their way to a function.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use super::Host;

impl Host {
    async fn put(&self, id: &str, more: &[(&str, AttributeValue)]) {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .credentials_provider(aws_sdk_dynamodb::config::Credentials::new("test", "local", None, None, "test"))
            .endpoint_url(self.stack.aws_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(aws_sdk_dynamodb::config::Region::from_static("us-east-1"))
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let mut put = client.put_item().table_name("patchbay-Items").item("id", AttributeValue::S(id.to_owned()));
        for (name, value) in more {
            put = put.item(*name, value.clone());
        }
        put.send().await.unwrap();
    }
}

fn poison() -> [(&'static str, AttributeValue); 1] {
    [("poison", AttributeValue::Bool(true))]
}

/// The keys of each batch the function got.
fn batches(lines: &[String]) -> Vec<Vec<String>> {
    lines.iter().filter_map(|line| serde_json::from_str(line.strip_prefix("stream ")?).ok()).collect()
}

fn times(lines: &[String], id: &str) -> usize {
    batches(lines).concat().iter().filter(|other| *other == id).count()
}

#[tokio::test]
async fn changes_arrive_in_order_and_once() {
    let host = Host::start().await;
    let ids: Vec<String> = (0..25).map(|number| format!("item-{number}")).collect();
    for id in &ids {
        host.put(id, &[]).await;
    }

    let lines = host.lines.until("all have arrived", |lines| batches(lines).concat().len() >= ids.len()).await;

    assert_eq!(batches(&lines).concat(), ids);
    assert!(batches(&lines).iter().all(|batch| batch.len() <= 10), "{lines:#?}");
}

#[tokio::test]
async fn a_change_that_cannot_succeed_is_given_up_alone_and_told_to_a_queue() {
    let host = Host::start().await;
    host.put("before", &[]).await;
    host.put("bad", &poison()).await;
    host.put("after", &[]).await;

    // Bisected until the bad one stood alone, the one behind it gets its turn by itself.
    let alone = |lines: &[String]| batches(lines).contains(&vec!["after".to_owned()]);
    let lines = host.lines.until("the one behind it has arrived", alone).await;
    let lost =
        host.sqs().receive_message().queue_url(host.queue_url("patchbay-Lost")).wait_time_seconds(5).send().await;

    assert_eq!(times(&lines, "before"), 1, "{lines:#?}");
    assert!(times(&lines, "bad") >= 3, "{lines:#?}");
    let lost = lost.unwrap();
    let [notice] = lost.messages() else { panic!("{lost:?}") };
    let notice: Value = serde_json::from_str(notice.body().unwrap()).unwrap();
    assert_eq!(notice["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(notice["DDBStreamBatchInfo"]["batchSize"], json!(1));
}

#[tokio::test]
async fn what_was_handled_before_the_stack_ended_is_not_delivered_again() {
    let host = Host::start().await;
    host.put("first", &[]).await;
    host.lines.until("the first has arrived", |lines| times(lines, "first") == 1).await;
    // The next batch begins only after the progress of this one is on disk.
    host.put("second", &[]).await;
    host.lines.until("the second has arrived", |lines| times(lines, "second") == 1).await;

    let host = host.restart().await;
    host.put("third", &[]).await;
    let lines = host.lines.until("the third has arrived", |lines| times(lines, "third") == 1).await;

    assert_eq!(times(&lines, "first"), 1, "{lines:#?}");
}

#[tokio::test]
async fn an_expired_item_goes_when_the_clock_is_moved_past_its_time() {
    let host = Host::start().await;
    let in_an_hour = (host.stack.clock().now().as_second() + 3_600).to_string();
    host.put("short-lived", &[("ttl", AttributeValue::N(in_an_hour))]).await;
    host.lines.until("it has arrived", |lines| times(lines, "short-lived") == 1).await;

    host.advance(1_800).await;
    host.put("marker", &[]).await;
    let before = host.lines.until("the marker has arrived", |lines| times(lines, "marker") == 1).await;
    host.advance(1_900).await;
    host.lines.until("its removal has arrived", |lines| times(lines, "short-lived") == 2).await;

    assert_eq!(times(&before, "short-lived"), 1);
}
