//! Every field and type that is known, and some that are not: `tests/corpus/receive` says what each becomes.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::message::{Direction, MetaMessage, Stored, readable};
use tests::World;

use super::{all, connected, deliver, delivery, items};

/// What no JSON of ours can hold: half of an emoji.
const HALF: &str =
    r#"{"from":"16505551234","id":"wamid.corpus-half","timestamp":"NOW","type":"text","text":{"body":"\ud83d!"}}"#;

#[derive(Deserialize)]
struct Case {
    field: String,
    value: Value,
    kept: Vec<Kept>,
    /// How many units are kept as they came.
    events: usize,
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Deserialize)]
struct Kept {
    #[serde(rename = "type")]
    kind: String,
    direction: String,
    preview: Option<String>,
}

impl Kept {
    fn of(message: &Stored) -> Self {
        let raw = readable(&message.raw);
        let meta = MetaMessage::of(&raw).unwrap();
        let direction = if message.direction == Direction::Inbound { "inbound" } else { "outbound" };
        Self { kind: meta.kind().to_owned(), direction: direction.to_owned(), preview: meta.preview() }
    }
}

fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/receive");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let case = |file: &Path| {
        let case = serde_json::from_str(&fs::read_to_string(file).unwrap());
        (file.file_stem().unwrap().to_string_lossy().into_owned(), case.unwrap())
    };
    files.iter().map(|file| case(file)).collect()
}

/// The bodies of a case, as Meta would write it now.
fn body(world: &World, case: &Case) -> Vec<u8> {
    let now = world.product_clock().now().as_second().to_string();
    let body = String::from_utf8(delivery(&case.field, case.value.clone())).unwrap();
    body.replace("\"HALF\"", HALF).replace("NOW", &now).into_bytes()
}

/// Every object that a value has, however deep: what was kept is one of them, word for word.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.push(value);
            map.values().for_each(|value| objects(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| objects(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_field_and_type_is_kept_as_what_it_is() {
    let world = connected().await;
    let cases = cases();
    for (name, case) in &cases {
        let (before, events) = (all(&world).await, items(&world, 'e').await.len());
        let body = body(&world, case);
        deliver(&world, &body).await;
        assert_eq!(world.drain().await.again, 0, "{name}");

        let new: Vec<Stored> = all(&world).await.into_iter().filter(|message| !before.contains(message)).collect();
        let mut kept: Vec<Kept> = new.iter().map(Kept::of).collect();
        let mut wanted = case.kept.clone();
        kept.sort_by(|one, other| one.partial_cmp(other).unwrap());
        wanted.sort_by(|one, other| one.partial_cmp(other).unwrap());
        assert_eq!(kept, wanted, "{name}");
        assert_eq!(items(&world, 'e').await.len() - events, case.events, "{name}");
        let sent: Option<Value> = serde_json::from_slice(&body).ok();
        let mut said = Vec::new();
        if let Some(sent) = &sent {
            objects(sent, &mut said);
        }
        for message in new {
            let raw: Option<Value> = serde_json::from_str(&message.raw).ok();
            assert_eq!(raw.is_some(), sent.is_some(), "{name}");
            assert!(raw.is_none_or(|raw| said.contains(&&raw)), "{name}: {}", message.raw);
        }

        let before = world.table("MESSAGES_TABLE").await;
        // Another delivery to the queue, for there is one field more; the same units.
        let again = String::from_utf8(body).unwrap().replacen("{\"entry\"", "{\"again\":1,\"entry\"", 1);
        world.clock.advance(jiff::SignedDuration::from_mins(6));
        deliver(&world, again.as_bytes()).await;
        assert_eq!(world.drain().await.again, 0, "{name}");
        assert_eq!(world.table("MESSAGES_TABLE").await, before, "{name} again");
    }
    println!("corpus: {} deliveries", cases.len());
    assert!(cases.len() >= 60);
}

#[tokio::test]
async fn a_name_in_the_phones_address_book_is_a_conversation_without_messages() {
    let world = connected().await;
    let contact = json!({"full_name": "Pablo Morales", "phone_number": "5219999999999"});
    let sync = json!({"type": "contact", "contact": contact, "action": "add", "metadata": {"timestamp": "1739321024"}});
    super::arrive(&world, "smb_app_state_sync", json!({"state_sync": [sync]})).await;

    let (id, head) = super::head(&world).await;
    assert_eq!((head.contact.name.as_deref(), head.last, head.unread), (Some("Pablo Morales"), None, 0));
    assert!(items(&world, 'r').await.is_empty());
    assert_eq!(items(&world, 'q').await[0]["sk"], json!(format!("pablo morales#{}", id.hex())));
}
