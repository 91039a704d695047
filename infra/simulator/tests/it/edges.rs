//! The smaller edges of a number: profile, block list, QR codes, settings; and the app's resumable uploads.

use http::Method;
use serde_json::json;

use crate::sender::{CUSTOMER, Sender, reason};
use crate::world::{APP, NUMBER, proof};

#[tokio::test]
async fn a_profile_shows_what_was_written_and_asked_for() {
    let sender = Sender::start().await;
    let change = json!({"messaging_product": "whatsapp", "about": "Bread", "email": "a@example.com", "vertical": "GROCERY",
        "websites": ["https://example.com"], "profile_picture_handle": "4::abc"});

    let before = sender.get("whatsapp_business_profile").await.body;
    let written = sender.post("whatsapp_business_profile", change).await;
    let shown = sender.get("whatsapp_business_profile?fields=about,email,websites,vertical").await.body;
    let erased = json!({"messaging_product": "whatsapp", "email": ""});
    sender.post("whatsapp_business_profile", erased).await;
    let after = sender.get("whatsapp_business_profile?fields=about,email").await.body;

    assert_eq!(before, json!({"data": [{"vertical": "UNDEFINED", "messaging_product": "whatsapp"}]}));
    assert_eq!(written.body, json!({"success": true}));
    assert_eq!(
        shown,
        json!({"data": [{"about": "Bread", "email": "a@example.com", "vertical": "GROCERY",
            "websites": ["https://example.com"], "messaging_product": "whatsapp"}]})
    );
    assert_eq!(after, json!({"data": [{"about": "Bread", "messaging_product": "whatsapp"}]}));
}

#[tokio::test]
async fn a_profile_keeps_to_its_limits() {
    let sender = Sender::start().await;

    for (change, details) in [
        (json!({"about": "a".repeat(140)}), "Param about must be at most 139 characters long."),
        (json!({"about": ""}), "Param about cannot be empty."),
        (json!({"address": "a".repeat(257)}), "Param address must be at most 256 characters long."),
        (json!({"description": "a".repeat(513)}), "Param description must be at most 512 characters long."),
        (json!({"email": "nobody"}), "Param email must be an email address."),
        (
            json!({"websites": ["https://a.com", "https://b.com", "https://c.com"]}),
            "Param websites must be at most 2 links of at most 256 characters.",
        ),
    ] {
        let mut body = change.clone();
        body["messaging_product"] = json!("whatsapp");
        assert_eq!(reason(&sender.post("whatsapp_business_profile", body).await), details);
    }
    let odd =
        sender.post("whatsapp_business_profile", json!({"messaging_product": "whatsapp", "vertical": "MAGIC"})).await;
    assert!(reason(&odd).ends_with("- got \"MAGIC\"."));
}

#[tokio::test]
async fn a_blocked_customer_gets_nothing_until_unblocked() {
    let sender = Sender::start().await;
    let users = json!({"messaging_product": "whatsapp", "block_users": [{"user": format!("+{CUSTOMER}")}]});

    let blocked = sender.post("block_users", users.clone()).await;
    let listed = sender.get("block_users").await.body;
    sender.text("Hi").await;
    let failed = sender.statuses(1).await.remove(0);
    let unblocked = sender.delete("block_users", users.clone()).await;
    let again = sender.delete("block_users", users).await;

    let added = &blocked.body["block_users"]["added_users"][0];
    assert_eq!((&added["input"], &added["wa_id"]), (&json!(format!("+{CUSTOMER}")), &json!(CUSTOMER)));
    assert_eq!(listed["data"][0]["wa_id"], CUSTOMER);
    assert_eq!(failed["errors"][0]["code"], 130403);
    assert_eq!(unblocked.body["block_users"]["removed_users"][0]["wa_id"], CUSTOMER);
    assert_eq!((again.status, &again.body["errors"]["code"]), (200, &json!(139100)));
    assert_eq!(sender.text("Hi").await.status, 200);
}

#[tokio::test]
async fn only_who_wrote_today_can_be_blocked() {
    let sender = Sender::start().await;
    let users = |user: &str| json!({"messaging_product": "whatsapp", "block_users": [{"user": user}]});
    sender.world.advance(24 * 3600);

    let late = sender.post("block_users", users(CUSTOMER)).await;
    let stranger = sender.post("block_users", users("+15557779999")).await;

    assert_eq!((&late.body["errors"]["code"], &stranger.body["errors"]["code"]), (&json!(139100), &json!(139100)));
    assert_eq!(late.body["block_users"]["failed_users"][0]["errors"][0]["code"], 131047);
}

#[tokio::test]
async fn a_qr_code_is_made_changed_shown_and_deleted() {
    let sender = Sender::start().await;

    let made = sender.post("message_qrdls", json!({"prefilled_message": "Hi!", "generate_qr_image": "SVG"})).await.body;
    let code = made["code"].as_str().unwrap();
    let changed = sender.post("message_qrdls", json!({"code": code, "prefilled_message": "Hello!"})).await.body;
    let listed = sender.get("message_qrdls").await.body;
    let one = sender.get(&format!("message_qrdls/{code}?fields=qr_image_url.format(SVG),creation_time")).await.body;
    let path = format!("{}/message_qrdls/{code}", NUMBER[0]);
    let deleted = sender.world.delete(&path, &sender.token).await;
    let twice = sender.world.delete(&path, &sender.token).await;

    let link = format!("https://wa.me/message/{code}");
    assert_eq!(changed, json!({"code": code, "prefilled_message": "Hello!", "deep_link_url": link}));
    assert_eq!(listed["data"], json!([{"code": code, "prefilled_message": "Hello!", "deep_link_url": link}]));
    assert_eq!(one["data"], json!([{"qr_image_url": made["qr_image_url"], "creation_time": sender.world.now()}]));
    assert_eq!((deleted.body, twice.status, twice.error().0), (json!({"success": true}), 404, 803));
    let long = sender.post("message_qrdls", json!({"prefilled_message": "a".repeat(141)})).await;
    assert_eq!(reason(&long), "Param prefilled_message must be at most 140 characters long.");
}

#[tokio::test]
async fn settings_are_kept_as_they_were_given() {
    let sender = Sender::start().await;
    let automation = json!({"enable_welcome_message": true, "prompts": ["Opening hours?"],
        "commands": [{"command_name": "help", "command_description": "Get help"}]});

    assert_eq!(sender.post("conversational_automation", automation.clone()).await.body, json!({"success": true}));
    assert_eq!(sender.get("conversational_automation").await.body, automation);
    let change = format!("{}/whatsapp_commerce_settings?is_catalog_visible=true", NUMBER[0]);
    assert_eq!(sender.world.post(&change, &sender.token, json!({})).await.body, json!({"success": true}));
    assert_eq!(
        sender.get("whatsapp_commerce_settings").await.body,
        json!({"data": [{"id": NUMBER[0], "is_cart_enabled": true, "is_catalog_visible": true}]})
    );
    sender.post("settings", json!({"user_identity_change": {"enable_identity_key_check": true}})).await;
    assert_eq!(sender.get("settings").await.body["user_identity_change"], json!({"enable_identity_key_check": true}));
    let twice = json!({"commands": [{"command_name": "help", "command_description": "a"},
        {"command_name": "help", "command_description": "b"}]});
    assert_eq!(
        reason(&sender.post("conversational_automation", twice).await),
        "Command names must be unique. Duplicate command name found: help"
    );
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_broken_off() {
    let sender = Sender::start().await;
    let begun =
        sender.world.post(&format!("{APP}/uploads?file_length=8&file_type=image/png"), &sender.token, json!({})).await;
    let id = begun.body["id"].as_str().unwrap().to_owned();
    let send = async |offset: &str, bytes: &'static [u8]| {
        let path = format!("/v25.0/{id}?appsecret_proof={}", proof(&sender.token));
        let oauth = format!("OAuth {}", sender.token);
        let headers = [("authorization", oauth.as_str()), ("file_offset", offset)];
        sender.world.request(Method::POST, &path, &headers, bytes).await.unwrap()
    };

    let first = send("0", b"half").await;
    let wrong = send("0", b"half").await;
    let shown = sender.world.get(&id, &sender.token).await;
    let rest = send("4", b"rest").await;

    assert_eq!((first.status, wrong.status), (200, 400));
    assert_eq!(shown.body, json!({"id": id, "file_offset": 4}));
    assert!(rest.body["h"].as_str().unwrap().starts_with("4::aW1hZ2UvcG5n:"), "{}", rest.body);
}
