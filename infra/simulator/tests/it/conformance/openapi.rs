//! Every request Meta's document shows of the calls that are here: taken or refused as it says, answered in its shapes.

use http::Method;
use serde_json::{Value, json};

use super::examples::{Stage, replace};
use super::shape::differences;
use super::spec::{Example, Spec};
use super::{exceptions, say, shared};
use crate::sender::{CUSTOMER, Sender};
use crate::world::{Answer, NUMBER, WABA};

const FILE: &str = "reference/business-messaging-api_v23.0.yaml";

/// The document's calls that the simulator has.
const CALLS: [(&str, &str); 48] = [
    ("get", "/{Version}/{Application-ID}/connected_client_businesses"),
    ("get", "/{Version}/{Business-ID}"),
    ("get", "/{Version}/{Business-ID}/client_whatsapp_business_accounts"),
    ("get", "/{Version}/{Business-ID}/owned_whatsapp_business_accounts"),
    ("get", "/{Version}/{User-ID}/assigned_whatsapp_business_accounts"),
    ("get", "/{Version}/{WABA-ID}"),
    ("post", "/{Version}/{WABA-ID}"),
    ("get", "/{Version}/{WhatsApp-Business-Account-ID}/assigned_users"),
    ("post", "/{Version}/{WhatsApp-Business-Account-ID}/assigned_users"),
    ("delete", "/{Version}/{WhatsApp-Business-Account-ID}/assigned_users"),
    ("get", "/{Version}/{WABA-ID}/phone_numbers"),
    ("post", "/{Version}/{WABA-ID}/phone_numbers"),
    ("get", "/{Version}/{WABA-ID}/subscribed_apps"),
    ("post", "/{Version}/{WABA-ID}/subscribed_apps"),
    ("delete", "/{Version}/{WABA-ID}/subscribed_apps"),
    ("get", "/{Version}/{WABA-ID}/message_templates"),
    ("post", "/{Version}/{WABA-ID}/message_templates"),
    ("delete", "/{Version}/{WABA-ID}/message_templates"),
    ("get", "/{Version}/{TEMPLATE_ID}"),
    ("post", "/{Version}/{TEMPLATE_ID}"),
    ("get", "/{Version}/{Phone-Number-ID}"),
    ("post", "/{Version}/{Phone-Number-ID}"),
    ("get", "/{Version}/{WhatsApp-Account-Number-ID}"),
    ("post", "/{Version}/{Phone-Number-ID}/register"),
    ("post", "/{Version}/{Phone-Number-ID}/deregister"),
    ("post", "/{Version}/{Phone-Number-ID}/request_code"),
    ("post", "/{Version}/{Phone-Number-ID}/verify_code"),
    ("post", "/{Version}/{Phone-Number-ID}/messages"),
    ("post", "/{Version}/{Phone-Number-ID}/marketing_messages"),
    ("get", "/{Version}/{Phone-Number-ID}/message_history"),
    ("get", "/{Version}/{Message-History-ID}/events"),
    ("get", "/{Version}/{Media-ID}"),
    ("delete", "/{Version}/{Media-ID}"),
    ("get", "/{Version}/{Phone-Number-ID}/block_users"),
    ("post", "/{Version}/{Phone-Number-ID}/block_users"),
    ("delete", "/{Version}/{Phone-Number-ID}/block_users"),
    ("get", "/{Version}/{Phone-Number-ID}/message_qrdls"),
    ("post", "/{Version}/{Phone-Number-ID}/message_qrdls"),
    ("get", "/{Version}/{Phone-Number-ID}/message_qrdls/{QR-Code-ID}"),
    ("delete", "/{Version}/{Phone-Number-ID}/message_qrdls/{QR-Code-ID}"),
    ("get", "/{Version}/{Phone-Number-ID}/whatsapp_business_profile"),
    ("post", "/{Version}/{Phone-Number-ID}/whatsapp_business_profile"),
    ("get", "/{Version}/{Phone-Number-ID}/settings"),
    ("post", "/{Version}/{Phone-Number-ID}/settings"),
    ("get", "/{Version}/{Phone-Number-ID}/whatsapp_commerce_settings"),
    ("post", "/{Version}/{Phone-Number-ID}/conversational_automation"),
    ("get", "/{Version}/{Phone-Number-ID}/whatsapp_business_encryption"),
    ("post", "/{Version}/{Phone-Number-ID}/whatsapp_business_encryption"),
];

/// What one example came to.
#[derive(Debug)]
struct Outcome {
    call: String,
    example: String,
    answer: Answer,
    breaches: Vec<String>,
}

#[tokio::test]
async fn every_example_of_metas_document_is_taken_and_answered_in_its_shapes() {
    let Some(file) = shared(FILE) else { return };
    let spec = Spec::load(&file);
    let excused = exceptions("openapi.json");

    let mut outcomes = Vec::new();
    for (method, path) in CALLS {
        for example in spec.examples(method, path) {
            outcomes.push(play(&spec, method, path, example).await);
        }
    }
    let uploads = uploads(&spec).await;

    let refused: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.answer.status >= 400).collect();
    for outcome in &refused {
        say(&format!("refused with {}: {} {}", outcome.answer.error().0, outcome.call, outcome.example));
    }
    say(&format!("{} examples of {} calls, {} refused", outcomes.len() + uploads, CALLS.len() + 1, refused.len()));
    let surprises: Vec<String> = outcomes.iter().flat_map(|outcome| surprises(outcome, &excused)).collect();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    assert_eq!(stale(&outcomes, &excused), Vec::<String>::new(), "exceptions that excuse nothing any more");
    assert!(outcomes.len() + uploads > 150, "only {} examples", outcomes.len() + uploads);
}

async fn play(spec: &Spec, method: &str, path: &str, example: Example) -> Outcome {
    let stage = Stage::set().await;
    let (real, body) = stage.real(method, path, example.body.clone()).await;
    let query = example.query.map(|(name, value)| {
        let value = value.replace("<PHONE_NUMBER_ID>", NUMBER[0]).replace("<TEMPLATE_NAME>", "hello_world");
        format!("?{name}={}", encode(&value))
    });
    let method_name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let real = format!("{real}{}", query.unwrap_or_default());
    let answer = stage.sender.world.graph(method_name, &real, &stage.token, body).await;
    let breaches = spec.breaches(method, path, answer.status, &answer.body);
    Outcome { call: format!("{method} {path}"), example: example.name, answer, breaches }
}

/// The three uploads are written for curl (`@file;type=…`); gives how many there are.
async fn uploads(spec: &Spec) -> usize {
    let path = "/{Version}/{Phone-Number-ID}/media";
    let examples = spec.examples("post", path);
    for example in &examples {
        let file = example.body.as_ref().unwrap()["file"].as_str().unwrap().to_owned();
        let mime_type = match file.split_once(";type=").unwrap().1 {
            "ogg" => "audio/ogg",
            "webp" => "image/webp",
            other => other,
        };
        let stage = Stage::set().await;
        let id = stage.upload(mime_type, b"bytes").await;
        assert_eq!(spec.breaches("post", path, 200, &json!({"id": id})), Vec::<String>::new());
    }
    examples.len()
}

/// Refusals and breaches of schemas nobody has excused.
fn surprises(outcome: &Outcome, excused: &[Value]) -> Vec<String> {
    let name = format!("{} [{}]", outcome.call, outcome.example);
    let mut surprises = Vec::new();
    let refusal = outcome.answer.error().0;
    if outcome.answer.status >= 400 && !excused.iter().any(|row| excuses_refusal(row, outcome)) {
        surprises.push(format!("{name}: refused with {refusal}: {}", outcome.answer.body));
    }
    for breach in &outcome.breaches {
        if !excused.iter().any(|row| excuses_breach(row, outcome, breach)) {
            surprises.push(format!("{name}: answer {breach}"));
        }
    }
    surprises
}

fn is_about(row: &Value, outcome: &Outcome) -> bool {
    let names = |field: &str, text: &str| row[field].as_str().is_none_or(|wanted| text.contains(wanted));
    names("call", &outcome.call) && names("example", &outcome.example)
}

fn excuses_refusal(row: &Value, outcome: &Outcome) -> bool {
    row["refused_with"] == outcome.answer.error().0 && is_about(row, outcome)
}

fn excuses_breach(row: &Value, outcome: &Outcome, breach: &str) -> bool {
    row["breach"].as_str().is_some_and(|wanted| breach.contains(wanted)) && is_about(row, outcome)
}

/// An excuse nobody needs hides the next mistake.
fn stale(outcomes: &[Outcome], excused: &[Value]) -> Vec<String> {
    let is_needed = |row: &&Value| {
        outcomes.iter().any(|outcome| {
            outcome.answer.status >= 400 && excuses_refusal(row, outcome)
                || outcome.breaches.iter().any(|breach| excuses_breach(row, outcome, breach))
        })
    };
    excused.iter().filter(|row| !is_needed(row)).map(Value::to_string).collect()
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded + &char::from(byte).to_string(),
        other => encoded + &format!("%{other:02X}"),
    })
}

/// Held to the examples: the document's schemas of inbound messages refuse its own.
#[tokio::test]
async fn every_webhook_of_metas_document_is_delivered_in_its_shape() {
    let Some(file) = shared(FILE) else { return };
    let spec = Spec::load(&file);

    let examples = spec.webhook_examples();
    for (name, example) in &examples {
        let sender = Sender::silent().await;
        let change = &example["entry"][0]["changes"][0];
        match change["value"]["messages"][0].clone() {
            Value::Null => {
                let mut value = change["value"].clone();
                value["metadata"]["phone_number_id"] = NUMBER[0].into();
                let event =
                    json!({"waba_id": WABA[0], "phone_number_id": NUMBER[0], "field": change["field"], "value": value});
                sender.world.must("event", event).await;
            }
            mut message => {
                replace(&mut message, &|text| text.replace("16505551234", CUSTOMER));
                sender.inbound(message).await;
            }
        }
        let heard = sender.world.app.hears(1).await.remove(0);
        assert_eq!(heard.field(), change["field"].as_str().unwrap(), "{name}");
        let mut found = Vec::new();
        differences("", &change["value"], &heard.value(), &mut found);
        assert_eq!(found, Vec::<String>::new(), "{name}: {}", heard.body());
    }
    say(&format!("{} webhooks delivered in the shape of the document's examples", examples.len()));
}

#[tokio::test]
async fn the_statuses_of_a_message_are_told_in_the_documents_shape() {
    let Some(file) = shared(FILE) else { return };
    let spec = Spec::load(&file);
    let sender = Sender::start().await;

    sender.sent("Hi").await;
    sender.world.advance(1);
    sender.statuses(3).await;

    for heard in sender.world.app.heard() {
        assert_eq!(spec.webhook_breaches(&heard.body()), Vec::<String>::new(), "{}", heard.body());
    }
}
