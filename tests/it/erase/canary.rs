//! Somebody of whom there is everything there can be. Once they are erased no byte of theirs is found anywhere, and what
//! others have is as it was.

use std::collections::BTreeSet;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, World, spellings};

use super::{all_of, contact, erase, known, swept_out};
use crate::{
    connect::{NUMBER, OTHER, begin, call, system_token},
    feed::incompressible,
    receive::{deliver, delivery},
    send::{self, ACME},
};

const PHONE: &str = "16505557788";
const FORMER: &str = "16505557799";
const USER: &str = "US.canary5551user";
const NAME: &str = "Zoë Kanarienvogel";
/// A word of each thing there can be, in which nothing else is called so.
const WORDS: [&str; 16] = [
    "cnry-text",
    "cnry-answer",
    "cnry-caption",
    "cnry-file.pdf",
    "cnry-note",
    "cnry-tag",
    "Own Kanarienname",
    "cnry-queued",
    "cnry-batch",
    "cnry-refused",
    "cnry-stale",
    "cnry-large",
    "cnry-large-stale",
    "cnry-echo",
    "cnry-old",
    "cnry-many",
];
const NEIGHBOUR: &str = "16505551111";
/// Bravo's number, to which the same person writes.
const BRAVOS: &str = "300400500600704";

/// Meta's ids hold whom they are of.
fn wamid(word: &str) -> String {
    format!("wamid.{}.{word}", BASE64_URL_SAFE_NO_PAD.encode(PHONE))
}

fn canaries() -> Vec<&'static str> {
    [PHONE, FORMER, USER, NAME].into_iter().chain(WORDS).collect()
}

/// Everything that is kept anywhere: every item of every table, what is packed in it unpacked, and all queues.
async fn kept(world: &World) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    for table in [
        "ACCOUNTS_TABLE",
        "AUDIT_TABLE",
        "CONNECTIONS_TABLE",
        "CREDENTIALS_TABLE",
        "EVENTS_TABLE",
        "MESSAGES_TABLE",
        "OAUTH_STATES_TABLE",
        "RECEIPTS_TABLE",
    ] {
        for item in world.table(table).await {
            let mut text = item.to_string();
            unpacked(&item, &mut text);
            kept.push((format!("{table} {} {}", item["pk"], item["sk"]), text));
        }
    }
    let sqs = world.aws_clients().sqs();
    for queue in ["INBOUND_QUEUE", "OUTBOUND_QUEUE", "INBOUND_DEAD_LETTERS", "OUTBOUND_DEAD_LETTERS"] {
        let receive = sqs.receive_message().queue_url(world.variable("sweeper", queue)).max_number_of_messages(10);
        for message in receive.visibility_timeout(0).send().await.unwrap().messages.unwrap_or_default() {
            kept.push((queue.to_owned(), format!("{message:?}")));
        }
    }
    kept
}

fn unpacked(value: &Value, text: &mut String) {
    match value {
        Value::String(string) => {
            let Ok(bytes) = BASE64_STANDARD.decode(string) else { return };
            let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(&bytes, 1 << 24);
            for bytes in [Some(bytes), inflated.ok()].into_iter().flatten() {
                text.push('\n');
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        Value::Array(values) => values.iter().for_each(|value| unpacked(value, text)),
        Value::Object(fields) => fields.values().for_each(|value| unpacked(value, text)),
        _ => {}
    }
}

/// Where something of a canary is found, however it is written.
fn found(kept: &[(String, String)], canaries: &[&str]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for canary in canaries {
        let escaped: String = canary
            .chars()
            .map(|letter| if letter.is_ascii() { letter.to_string() } else { format!("\\u{:04x}", u32::from(letter)) })
            .collect();
        let lower = canary.to_lowercase();
        let ways = spellings(canary).into_iter().chain([escaped, lower]).collect::<Vec<_>>();
        for (place, text) in kept {
            if ways.iter().any(|way| text.contains(way.as_str())) {
                found.insert(format!("{canary} in {place}"));
            }
        }
    }
    found.into_iter().collect()
}

async fn arrive(world: &World, field: &str, value: Value) {
    deliver(world, &delivery(field, value)).await;
    let drained = world.drain().await;
    assert_eq!(drained.again, 0, "{drained:?}");
}

/// Whatever somebody can leave behind.
async fn everything_of(world: &World) {
    let second = |ago: i64| (world.clock.now() - SignedDuration::from_secs(ago)).as_second().to_string();
    let who = json!({"wa_id": PHONE, "user_id": USER, "profile": {"name": NAME, "username": "kanarienvogel"}});
    let from = |from: &str, id: &str, ago: i64, kind: &str, content: Value| json!({"from": from, "id": wamid(id), "timestamp": second(ago), "type": kind, kind: content});
    let said = async |message: Value| {
        arrive(world, "messages", json!({"contacts": [who.clone()], "messages": [message]})).await;
    };
    // By another number first, which is changed.
    let old = from(FORMER, "old", 900, "text", json!({"body": "cnry-old"}));
    let former = json!({"wa_id": FORMER, "profile": {"name": NAME}});
    arrive(world, "messages", json!({"contacts": [former], "messages": [old]})).await;
    let changed = json!({"type": "user_changed_number", "body": "", "wa_id": PHONE});
    arrive(world, "messages", json!({"messages": [from(FORMER, "changed", 800, "system", changed)]})).await;
    said(from(PHONE, "text", 700, "text", json!({"body": "cnry-text"}))).await;
    let image = json!({"id": "900100200300400", "mime_type": "image/png", "caption": "cnry-caption"});
    said(from(PHONE, "image", 600, "image", image)).await;
    let file = json!({"id": "900100200300401", "mime_type": "application/pdf", "filename": "cnry-file.pdf"});
    said(from(PHONE, "file", 500, "document", file)).await;
    let large = |word: &str| json!({"body": format!("{word} {}", incompressible(400_000))});
    said(from(PHONE, "large", 400, "text", large("cnry-large"))).await;
    // More than one look at what was said, or one write, can hold.
    for delivery in 0..10 {
        let text = |place: i64| from(PHONE, &format!("many{place}"), 399, "text", json!({"body": "cnry-many"}));
        let messages: Vec<Value> = (delivery * 50..delivery * 50 + 50).map(text).collect();
        arrive(world, "messages", json!({"contacts": [who.clone()], "messages": messages})).await;
    }
    // By their id alone: two conversations, which turn out to be one.
    let alone = json!({"from_user_id": USER, "id": wamid("alone"), "timestamp": second(300), "type": "text",
        "text": {"body": "cnry-text"}});
    arrive(world, "messages", json!({"contacts": [{"user_id": USER}], "messages": [alone]})).await;
    // Written on the phone, and what became of it before it came.
    let status = json!({"id": wamid("echo"), "status": "delivered", "timestamp": second(200), "recipient_id": PHONE});
    arrive(world, "messages", json!({"statuses": [status]})).await;
    let echo = json!({"from": "15550783881", "to": PHONE, "id": wamid("echo"), "timestamp": second(200), "type": "text",
        "text": {"body": "cnry-echo"}});
    arrive(world, "smb_message_echoes", json!({"message_echoes": [echo]})).await;
    let astray = json!({"id": wamid("nowhere"), "status": "read", "timestamp": second(190), "recipient_id": PHONE});
    arrive(world, "messages", json!({"statuses": [astray]})).await;
    let preference = json!({"wa_id": PHONE, "user_id": USER, "detail": "no more", "category": "marketing_messages",
        "value": "stop", "timestamp": second(180)});
    arrive(world, "user_preferences", json!({"contacts": [who], "user_preferences": [preference]})).await;
    // Too old to be taken in: they wait for the operator.
    let day = 24 * 3600;
    for (id, content) in [("stale", json!({"body": "cnry-stale"})), ("stale2", large("cnry-large-stale"))] {
        said(from(PHONE, id, 9 * day, "text", content)).await;
    }
}

/// What is said to them.
async fn everything_to(world: &World, id: &str) {
    let kept = json!({"name": "Own Kanarienname", "tags": ["cnry-tag"], "notes": "cnry-note"});
    let changed = call(world, ACME, "PATCH", &format!("/v1/contacts/{id}")).json(&kept).send().await;
    assert_eq!(changed.status, 200, "{changed:?}");
    send::send(world, &send::text(PHONE, "cnry-answer")).await;
    send::settle(world).await;
    let hello = |word: &str| json!([{"type": "body", "parameters": [{"type": "text", "text": word}]}]);
    let recipient =
        |phone: &str, word: &str| json!({"to": format!("+{phone}"), "parameters": {"components": hello(word)}});
    let batch = json!({
        "message": {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}},
        "recipients": [
            recipient(NEIGHBOUR, "for the neighbour"),
            recipient(PHONE, "cnry-batch"),
            // Refused: nothing is kept of it from the beginning.
            {"to": format!("+{PHONE}"), "parameters": "cnry-refused"},
        ],
    });
    let path = format!("/v1/accounts/{NUMBER}/messages/batch");
    let accepted = call(world, ACME, "POST", &path).header("idempotency-key", "batch").json(&batch).send().await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let queued =
        send::posting(world, &send::text(PHONE, "cnry-queued")).header("idempotency-key", "queued").send().await;
    assert_eq!(queued.status, 202, "{queued:?}");
}

async fn figures(world: &World) -> Value {
    let stats = call(world, ACME, "GET", &format!("/v1/accounts/{NUMBER}/stats")).send().await;
    assert_eq!(stats.status, 200, "{stats:?}");
    stats.body["data"].clone()
}

#[tokio::test]
async fn nothing_of_somebody_is_left_anywhere_and_all_of_others() {
    let world = send::ready().await;
    let token = system_token(&world, OTHER).await;
    let manual = json!({"access_token": token, "waba_id": OTHER, "phone_number_ids": [BRAVOS]});
    let bravos = begin(&world, "bravo", json!({"method": "manual", "manual": manual})).await;
    assert_eq!(bravos["status"], "connected", "{bravos:#}");
    send::written_by(&world, NEIGHBOUR).await;
    let wrote = json!({"phone_number_id": BRAVOS, "from": "16505552222", "type": "text", "text": {"body": "Hi bravo"}});
    world.meta.post("/_sim/inbound", wrote).await;
    world.drain().await;
    everything_of(&world).await;
    let id = known(&world, PHONE).await;
    everything_to(&world, &id).await;
    world.feed().await;
    let neighbour = known(&world, NEIGHBOUR).await;
    let bravos = contact(&world, "bravo", BRAVOS, "16505552222").await.unwrap();
    let said = world
        .table("MESSAGES_TABLE")
        .await
        .into_iter()
        .filter(|item| item["pk"].as_str().is_some_and(|pk| pk.contains("#c#")));
    assert!(said.count() > 500);
    let others = async || [all_of(&world, ACME, &neighbour).await, all_of(&world, "bravo", &bravos).await];
    let (before, counted) = (others().await, figures(&world).await);
    let there = found(&kept(&world).await, &canaries());
    for canary in canaries().into_iter().filter(|canary| *canary != "cnry-refused") {
        assert!(there.iter().any(|place| place.starts_with(canary)), "{canary} is nowhere to begin with");
    }
    for table in ["MESSAGES_TABLE", "EVENTS_TABLE", "RECEIPTS_TABLE"] {
        assert!(there.iter().any(|place| place.contains(table)), "nothing in {table}: {there:#?}");
    }

    let log = Log::default();
    let listening = log.listen_as_deployed();
    assert_eq!(erase(&world, &id).await.status, 204);
    swept_out(&world).await;
    drop(listening);

    assert_eq!(found(&kept(&world).await, &canaries()), Vec::<String>::new());
    assert_eq!(found(&[("the log".to_owned(), log.text())], &canaries()), Vec::<String>::new());
    assert_eq!(figures(&world).await, counted, "counts stay");
    assert_eq!(others().await, before);
    // What was to go to the neighbour in the same batch goes.
    let posted = send::posts(&world).await.len();
    send::pass(&world, 5).await;
    let posts = send::posts(&world).await;
    let since: Vec<&Value> = posts[posted..].iter().map(|post| &post["body"]["to"]).collect();
    assert_eq!(since, [&json!(format!("+{NEIGHBOUR}"))], "{posts:#?}");
    assert_eq!(found(&kept(&world).await, &canaries()), Vec::<String>::new());
}
