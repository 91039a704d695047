//! Checklist 6: templates from their draft to the messages made of them.

use serde_json::{Value, json};

use crate::sender::{CUSTOMER, Sender, reason};
use crate::world::{Answer, WABA, until};

async fn create(sender: &Sender, template: Value) -> Answer {
    sender.world.post(&format!("{}/message_templates", WABA[0]), &sender.token, template).await
}

fn order(components: impl Into<Value>) -> Value {
    let components: Value = components.into();
    json!({"name": "order_update", "language": "en_US", "category": "UTILITY", "components": components})
}

fn body(text: &str, samples: &[&str]) -> Value {
    json!({"type": "BODY", "text": text, "example": {"body_text": [samples]}})
}

/// A template that is approved; gives its id.
async fn approved(sender: &Sender, template: Value) -> String {
    let answer = create(sender, template).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    sender.world.advance(2);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn told(sender: &Sender, field: &str) -> Value {
    until(|| sender.world.app.heard().into_iter().find(|heard| heard.field() == field)).await.value()
}

async fn list(sender: &Sender, filter: &str) -> Vec<String> {
    let answer = sender.world.get(&format!("{}/message_templates?{filter}", WABA[0]), &sender.token).await;
    let data = answer.body["data"].as_array().unwrap_or_else(|| panic!("{}", answer.body)).clone();
    data.iter().map(|row| format!("{} {}", row["name"].as_str().unwrap(), row["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_template_is_pending_until_its_review_ends_and_then_told_of() {
    let sender = Sender::start().await;

    let answer = create(&sender, order(json!([body("Order {{1}} is on its way.", &["7"])]))).await;

    let id = answer.body["id"].clone();
    assert_eq!(answer.body, json!({"id": id, "status": "PENDING", "category": "UTILITY"}));
    assert_eq!(list(&sender, "status=PENDING").await, ["order_update PENDING"]);
    sender.world.advance(2);
    assert_eq!(list(&sender, "name=order_update").await, ["order_update APPROVED"]);
    let value = told(&sender, "message_template_status_update").await;
    assert_eq!(
        value,
        json!({"event": "APPROVED", "message_template_id": id.as_str().unwrap().parse::<u64>().unwrap(),
            "message_template_name": "order_update", "message_template_language": "en_US",
            "message_template_category": "UTILITY", "reason": "NONE"})
    );
}

#[tokio::test]
async fn a_review_ends_as_it_is_set_to() {
    let sender = Sender::start().await;
    sender.world.must("behaviour", json!({"review_verdict": "REJECTED", "review_ms": 0})).await;

    let answer = create(&sender, order(json!([body("Order {{1}} is on its way.", &["7"])]))).await;

    assert_eq!(answer.body["status"], "REJECTED");
    let value = told(&sender, "message_template_status_update").await;
    assert_eq!((&value["event"], &value["reason"]), (&json!("REJECTED"), &json!("INVALID_FORMAT")));
    let shown = sender
        .world
        .get(&format!("{}?fields=status,rejected_reason", answer.body["id"].as_str().unwrap()), &sender.token)
        .await;
    assert_eq!(shown.body["rejected_reason"], "INVALID_FORMAT");
}

#[tokio::test]
async fn every_breach_of_a_limit_has_its_subcode() {
    let sender = Sender::start().await;
    let quick = |text: &str| json!({"type": "QUICK_REPLY", "text": text});
    let url = |url: &str| json!({"type": "URL", "text": "Open", "url": url});
    let buttons = |list: Value| json!([{"type": "BODY", "text": "Choose one."}, {"type": "BUTTONS", "buttons": list}]);
    let header = |header: Value| json!([header, {"type": "BODY", "text": "Choose one."}]);
    let long = "a".repeat(1025);

    let cases = [
        (json!([]), Some(2388043), "component of type BODY is missing expected field(s) (a template has one)"),
        (json!([{"type": "BODY"}]), Some(2388043), "component of type BODY is missing expected field(s) (text)"),
        (json!([{"type": "BODY", "text": long}]), Some(2388040), "The body is longer than 1024 characters."),
        (
            json!([body("{{1}} is late.", &["a"])]),
            Some(2388299),
            "Variables can't be at the start or end of the template.",
        ),
        (
            json!([body("Order {{2}} is late.", &["a"])]),
            Some(2388072),
            "Variables are written {{1}}, {{2}} and so on, from 1 without gaps.",
        ),
        (
            json!([body("Order {{1}} {{2}} {{3}} late.", &["a", "b", "c"])]),
            Some(2388293),
            "This template contains too many variable parameters relative to the message length.",
        ),
        (
            json!([body("Order {{1}} is late by {{2}} days.", &["a"])]),
            Some(2388043),
            "component of type BODY is missing expected field(s) (example)",
        ),
        (
            header(json!({"type": "HEADER", "format": "TEXT", "text": "a\nb"})),
            Some(2388047),
            "A header is one line of text with one variable at most.",
        ),
        (
            header(json!({"type": "HEADER", "format": "TEXT", "text": "a".repeat(61)})),
            Some(2388040),
            "The header is longer than 60 characters.",
        ),
        (
            header(json!({"type": "HEADER", "format": "IMAGE"})),
            Some(2388043),
            "component of type HEADER is missing expected field(s) (example.header_handle of an uploaded sample)",
        ),
        (
            json!([{"type": "BODY", "text": "Hi."}, {"type": "FOOTER", "text": "By {{1}}"}]),
            Some(2388073),
            "A footer is one line of text without variables.",
        ),
        (buttons(json!([quick(&"a".repeat(26))])), Some(2388040), "The button text is longer than 25 characters."),
        (
            buttons(json!([quick("a"), url("https://e.com"), quick("b")])),
            Some(2388043),
            "Quick replies and other buttons cannot be mixed.",
        ),
        (
            buttons(json!([url("https://e.com/{{1}}")])),
            Some(2388043),
            "component of type BUTTONS is missing expected field(s) (example)",
        ),
        (buttons(json!([url("https://e.com/{{1}}/x")])), Some(2388043), "A button's url has its variable at the end."),
        (
            buttons(json!([url("https://e.com"), url("https://e.com"), url("https://e.com")])),
            Some(2388043),
            "A template has at most 2 buttons of type URL.",
        ),
        (
            buttons(json!([{"type": "OTP", "otp_type": "COPY_CODE"}])),
            Some(2388043),
            "Buttons of type OTP belong to authentication templates, and no others do.",
        ),
    ];

    for (components, subcode, text) in cases {
        let answer = create(&sender, order(components.clone())).await;
        assert_eq!(
            (answer.error(), answer.body["error"]["error_user_msg"].as_str()),
            ((100, subcode), Some(text)),
            "{components}"
        );
    }
    assert_eq!(list(&sender, "").await, ["hello_world APPROVED"]);
}

#[tokio::test]
async fn name_language_and_category_are_checked_first() {
    let sender = Sender::start().await;
    let fine = order(json!([{"type": "BODY", "text": "Hello there."}]));
    let with = |field: &str, value: Value| {
        let mut template = fine.clone();
        template[field] = value;
        template
    };

    for (template, message) in [
        (
            with("name", json!("Order Update")),
            "(#100) Param name must be at most 512 lowercase letters, digits and underscores.",
        ),
        (with("name", json!(null)), "(#100) The parameter name is required."),
        (with("language", json!("en-US")), "(#100) Param language must be a supported language - got \"en-US\"."),
        (
            with("category", json!("NEWS")),
            "(#100) Param category must be one of {AUTHENTICATION, MARKETING, UTILITY} - got \"NEWS\".",
        ),
        (with("parameter_format", json!("ODD")), "(#100) Param parameter_format must be one of {NAMED, POSITIONAL}."),
        (
            with("message_send_ttl_seconds", json!(10)),
            "(#100) Param message_send_ttl_seconds must be between 30 and 43200 for UTILITY templates.",
        ),
        (with("components", json!(null)), "(#100) The parameter components is required."),
    ] {
        assert_eq!(reason(&create(&sender, template).await), message);
    }
}

#[tokio::test]
async fn a_name_and_language_exist_once_and_rest_thirty_days_after_deletion() {
    let sender = Sender::start().await;
    let template = order(json!([{"type": "BODY", "text": "Hello there."}]));
    approved(&sender, template.clone()).await;

    let twice = create(&sender, template.clone()).await;
    let path = format!("{}/message_templates?name=", WABA[0]);
    let unknown = sender.world.delete(&format!("{path}fake"), &sender.token).await;
    let deleted = sender.world.delete(&format!("{path}order_update"), &sender.token).await;
    let soon = create(&sender, template.clone()).await;
    sender.world.advance(30 * 24 * 3600 - 1);
    let still = create(&sender, template.clone()).await;
    sender.world.advance(1);
    let later = create(&sender, template).await;

    assert_eq!((twice.error(), soon.error()), ((100, Some(2388024)), (100, Some(2388023))));
    assert_eq!(still.error(), (100, Some(2388023)));
    assert_eq!(unknown.error(), (100, Some(2593002)));
    assert_eq!((deleted.body, later.status), (json!({"success": true}), 200));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let sender = Sender::start().await;
    for name in ["a", "b", "c"] {
        let template = json!({"name": name, "language": "de", "category": "MARKETING",
            "components": [{"type": "BODY", "text": format!("This is {name} for you.")}]});
        assert_eq!(create(&sender, template).await.status, 200);
    }

    assert_eq!(list(&sender, "language=de&status=PENDING").await, ["a PENDING", "b PENDING", "c PENDING"]);
    assert_eq!(list(&sender, "category=UTILITY").await, ["hello_world APPROVED"]);
    assert_eq!(list(&sender, "content=is%20b").await, ["b PENDING"]);
    assert_eq!(list(&sender, "name_or_content=hello").await, ["hello_world APPROVED"]);
    let path = format!("{}/message_templates?limit=3&fields=name", WABA[0]);
    let first = sender.world.get(&path, &sender.token).await.body;
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let second = sender.world.get(&format!("{path}&after={after}"), &sender.token).await.body;
    assert_eq!(first["data"].as_array().unwrap().len(), 3);
    assert_eq!(second["data"], json!([{"name": "c", "id": second["data"][0]["id"]}]));
}

#[tokio::test]
async fn an_approved_template_is_edited_once_a_day_and_reviewed_again() {
    let sender = Sender::start().await;
    let id = approved(&sender, order(json!([{"type": "BODY", "text": "Hello there."}]))).await;
    let edit = json!({"components": [{"type": "body", "text": "Hello you."}]});

    let first = sender.world.post(&id, &sender.token, edit.clone()).await;
    let pending = sender.world.post(&id, &sender.token, edit.clone()).await;
    sender.world.advance(2);
    let second = sender.world.post(&id, &sender.token, edit.clone()).await;
    let recategorised = sender.world.post(&id, &sender.token, json!({"category": "MARKETING"})).await;
    sender.world.advance(24 * 3600);
    let next_day = sender.world.post(&id, &sender.token, edit).await;

    let edited = json!({"success": true, "id": id, "name": "order_update", "category": "UTILITY"});
    assert_eq!((first.body, next_day.body), (edited.clone(), edited));
    assert_eq!(pending.body["error"]["error_user_msg"], "A message template that is PENDING can't be edited.");
    assert_eq!(second.body["error"]["error_user_title"], "Too many edits");
    assert_eq!(recategorised.status, 400);
    let value = told(&sender, "message_template_components_update").await;
    assert_eq!(value["message_template_element"], "Hello you.");
}

#[tokio::test]
async fn meta_pauses_disables_recategorises_and_rates() {
    let sender = Sender::start().await;
    let id = approved(&sender, order(json!([{"type": "BODY", "text": "Hello there."}]))).await;
    let send = || {
        sender.send(json!({"type": "template", "template": {"name": "order_update", "language": {"code": "en_US"}}}))
    };

    sender.world.must("templates", json!({"id": id, "event": "PAUSED", "title": "FIRST_PAUSE"})).await;
    let paused = send().await;
    let unpaused = sender.world.post(&format!("{id}/unpause"), &sender.token, json!({})).await;
    let taken = send().await;
    sender.world.must("templates", json!({"id": id, "event": "DISABLED"})).await;
    let disabled = send().await;
    let kept = sender.world.delete(&format!("{}/message_templates?name=order_update", WABA[0]), &sender.token).await;
    sender.world.must("templates", json!({"id": id, "quality": "RED", "category": "MARKETING"})).await;

    assert_eq!((paused.error().0, taken.status, disabled.error().0), (132015, 200, 132016));
    assert_eq!((unpaused.body, kept.error().0), (json!({"success": true}), 100));
    let quality = told(&sender, "message_template_quality_update").await;
    assert_eq!((&quality["previous_quality_score"], &quality["new_quality_score"]), (&json!("UNKNOWN"), &json!("RED")));
    let category = told(&sender, "template_category_update").await;
    assert_eq!((&category["previous_category"], &category["new_category"]), (&json!("UTILITY"), &json!("MARKETING")));
}

#[tokio::test]
async fn a_message_must_fit_its_template() {
    let sender = Sender::start().await;
    let sample = json!({"header_handle": ["4::aW1hZ2UvcG5n:abc"]});
    approved(
        &sender,
        order(json!([
            {"type": "HEADER", "format": "IMAGE", "example": sample},
            body("Order {{1}} is on its way, {{2}}.", &["7", "Ana"]),
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "Track", "url": "https://e.com/{{1}}", "example": ["https://e.com/7"]},
                {"type": "QUICK_REPLY", "text": "Stop"}]},
        ])),
    )
    .await;
    let image = json!({"type": "header", "parameters": [{"type": "image", "image": {"link": "https://e.com/a.png"}}]});
    let text = |text: &str| json!({"type": "text", "text": text});
    let words = json!({"type": "body", "parameters": [text("7"), text("Ana")]});
    let button = |index: &str, kind: &str, parameter: Value| json!({"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]});
    let track = button("0", "url", text("7"));

    let cases = [
        (json!([image, words, track]), 0, ""),
        (json!([image, words, track, button("1", "quick_reply", json!({"type": "payload", "payload": "p"}))]), 0, ""),
        (json!([words, track]), 132012, "header: Format mismatch, expected IMAGE, received UNKNOWN"),
        (
            json!([{"type": "header", "parameters": [text("x")]}, words, track]),
            132012,
            "header: Format mismatch, expected IMAGE, received TEXT",
        ),
        (
            json!([image, {"type": "body", "parameters": [text("7")]}, track]),
            132000,
            "body: number of localizable_params (1) does not match the expected number of params (2)",
        ),
        (json!([image, words]), 131008, "buttons: Button at index 0 of type Url requires a parameter"),
        (
            json!([image, words, button("0", "quick_reply", json!({"type": "payload", "payload": "p"}))]),
            132018,
            "buttons: Button at index 0 is of type URL, not quick_reply",
        ),
        (json!([image, words, track, button("2", "url", text("7"))]), 132018, "buttons: there is no button at index 2"),
        (
            json!([image, {"type": "body", "parameters": [text("7"), text("a\nb")]}, track]),
            132018,
            "body: Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        ),
        (
            json!([image, {"type": "body", "parameters": [text("7"), text(&"x".repeat(1024))]}, track]),
            132005,
            "body: translated text is too long",
        ),
    ];
    for (components, code, details) in cases {
        let template = json!({"name": "order_update", "language": {"code": "en_US"}, "components": components});
        let answer = sender.send(json!({"type": "template", "template": template})).await;
        assert_eq!((answer.error().0.max(0), reason(&answer).as_str()), (code, details), "{components}");
    }
    for (name, language) in [("order_update", "de"), ("order", "en_US")] {
        let template = json!({"name": name, "language": {"code": language}});
        let answer = sender.send(json!({"type": "template", "template": template})).await;
        let details = format!("template name ({name}) does not exist in {language}");
        assert_eq!((answer.status, answer.error().0, reason(&answer)), (404, 132001, details));
    }
}

#[tokio::test]
async fn named_variables_are_filled_by_name() {
    let sender = Sender::start().await;
    let template = json!({"name": "named", "language": "en_US", "category": "UTILITY", "parameter_format": "named",
        "components": [{"type": "BODY", "text": "Order {{order_number}} is here.",
            "example": {"body_text_named_params": [{"param_name": "order_number", "example": "7"}]}}]});
    approved(&sender, template).await;
    let send = |name: &'static str| {
        let parameters = json!([{"type": "text", "parameter_name": name, "text": "7"}]);
        let template = json!({"name": "named", "language": {"code": "en_US"},
            "components": [{"type": "body", "parameters": parameters}]});
        sender.send(json!({"type": "template", "template": template}))
    };

    assert_eq!(send("order_number").await.status, 200);
    assert_eq!(reason(&send("number").await), "body: parameter_name must be one of order_number");
}

#[tokio::test]
async fn codes_go_to_phone_numbers_only() {
    let sender = Sender::start().await;
    let template = json!({"name": "code", "language": "en_US", "category": "AUTHENTICATION", "components": [
        {"type": "BODY", "add_security_recommendation": true},
        {"type": "FOOTER", "code_expiration_minutes": 10},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}]});
    approved(&sender, template).await;
    let code = json!([{"type": "text", "text": "123456"}]);
    let message = json!({"name": "code", "language": {"code": "en_US"}, "components": [
        {"type": "body", "parameters": code},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": code}]});
    let state = sender.world.state().await;
    let user = state["messages"][0]["user_id"].as_str().unwrap().to_owned();

    let by_phone = sender.send(json!({"type": "template", "template": message})).await;
    let by_id = sender.send(json!({"to": "", "recipient": user, "type": "template", "template": message})).await;

    assert_eq!((by_phone.status, by_id.error().0), (200, 131062));
    assert_eq!(sender.statuses(1).await[0]["pricing"]["category"], "authentication");
}

#[tokio::test]
async fn the_marketing_edge_takes_marketing_templates_only() {
    let sender = Sender::start().await;
    let template = json!({"name": "sale", "language": "en_US", "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Everything must go."}]});
    approved(&sender, template).await;
    let send = |name: &'static str| {
        let message = json!({"messaging_product": "whatsapp", "to": format!("+{CUSTOMER}"), "type": "template",
            "template": {"name": name, "language": {"code": "en_US"}}});
        sender.post("marketing_messages", message)
    };

    let sale = send("sale").await;
    let hello = send("hello_world").await;
    let text = json!({"messaging_product": "whatsapp", "to": format!("+{CUSTOMER}"), "text": {"body": "Hi"}});
    let text = sender.post("marketing_messages", text).await;

    assert_eq!((sale.status, hello.error().0), (200, 134100));
    assert_eq!((text.error().0, reason(&text).as_str()), (100, "Message must be a template message."));
    assert_eq!(sender.statuses(1).await[0]["pricing"]["category"], "marketing_lite");
}

#[tokio::test]
async fn a_direct_send_needs_no_window_and_leaves_a_template_behind() {
    let sender = Sender::silent().await;
    let send = |category: &'static str| {
        sender.send(json!({"type": "text", "text": {"body": "Your order is here."}, "category": category}))
    };

    let taken = send("utility").await;
    let refused = send("marketing").await;
    sender.world.must("behaviour", json!({"direct_send": false})).await;
    let disabled = send("utility").await;

    assert_eq!((taken.status, refused.error().0), (200, 100));
    assert_eq!(reason(&disabled), "Direct Send isn't enabled for this account");
    let path = format!("{}/message_templates?source=AUTO_GENERATED", WABA[0]);
    let row = sender.world.get(&path, &sender.token).await.body["data"][0].clone();
    let edit = sender.world.post(row["id"].as_str().unwrap(), &sender.token, json!({"components": []})).await;
    let path = format!("{}/message_templates?name={}", WABA[0], row["name"].as_str().unwrap());
    let delete = sender.world.delete(&path, &sender.token).await;
    assert_eq!((edit.error(), delete.error()), ((100, Some(2388318)), (100, Some(2388330))));
}
