//! Checklist 2 and 8: subscription, registration, verification, health, and numbers on the Business App.

use http::Method;
use serde_json::{Value, json};

use crate::world::{APP, BUSINESS, NUMBER, WABA, World};

fn registration(pin: &str) -> Value {
    json!({"messaging_product": "whatsapp", "pin": pin})
}

#[tokio::test]
async fn the_seed_is_five_verified_numbers_without_a_pin_the_last_on_the_business_app() {
    let world = World::start().await;

    let state = world.state().await;

    let ids = |kind: &str| state[kind].as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (ids("businesses"), ids("wabas"), ids("numbers")),
        (BUSINESS.map(Value::from).to_vec(), WABA.map(Value::from).to_vec(), NUMBER.map(Value::from).to_vec())
    );
    for number in state["numbers"].as_array().unwrap() {
        assert_eq!((&number["code_verification_status"], &number["pin"]), (&json!("VERIFIED"), &Value::Null));
        assert_eq!(number["is_on_biz_app"], number["id"] == NUMBER[4]);
    }
    let business = &state["tokens"][1];
    assert_eq!((&business["kind"], &business["valid"]), (&json!("system"), &json!(true)));
    assert_eq!(business["reaches"], json!([WABA[0], NUMBER[0], NUMBER[1], WABA[1], NUMBER[2]]));
}

#[tokio::test]
async fn a_number_is_registered_under_its_first_pin_and_no_other() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let register = async |pin: &str| world.post(&format!("{}/register", NUMBER[0]), &token, registration(pin)).await;

    let path = format!("{}?fields=status,platform_type,is_pin_enabled", NUMBER[0]);
    let before =
        json!({"id": NUMBER[0], "status": "PENDING", "platform_type": "NOT_APPLICABLE", "is_pin_enabled": false});
    assert_eq!(world.get(&path, &token).await.body, before);
    assert_eq!(register("12345").await.error(), (100, None));
    assert_eq!(register("123456").await.body, json!({"success": true}));
    assert_eq!(register("123456").await.body, json!({"success": true}));
    let wrong = register("654321").await;
    assert_eq!((wrong.status, wrong.error().0), (400, 133005));
    assert_eq!(wrong.body["error"]["error_data"]["details"], "Two step verification PIN mismatch");
    let after = json!({"id": NUMBER[0], "status": "CONNECTED", "platform_type": "CLOUD_API", "is_pin_enabled": true});
    assert_eq!(world.get(&path, &token).await.body, after);

    assert_eq!(
        world.post(&format!("{}/deregister", NUMBER[0]), &token, json!({})).await.body,
        json!({"success": true})
    );
    assert_eq!(world.get(&path, &token).await.body["status"], "DISCONNECTED");
    assert_eq!(register("654321").await.error().0, 133005);
    assert_eq!(world.post(NUMBER[0], &token, json!({"pin": "654321"})).await.body, json!({"success": true}));
    assert_eq!(register("654321").await.body, json!({"success": true}));
}

#[tokio::test]
async fn after_ten_registrations_in_72_hours_none_is_taken_for_72_hours() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let register = async || world.post(&format!("{}/register", NUMBER[0]), &token, registration("123456")).await;

    for _ in 0..10 {
        assert_eq!(register().await.status, 200);
    }
    let refused = register().await;
    assert_eq!((refused.status, refused.error().0), (400, 133016));
    assert_eq!(world.post(&format!("{}/deregister", NUMBER[0]), &token, json!({})).await.error().0, 133016);

    world.advance(72 * 3600 - 1);
    assert_eq!(register().await.error().0, 133016);
    world.advance(1);
    assert_eq!(register().await.status, 200);
}

#[tokio::test]
async fn registrations_older_than_72_hours_do_not_count() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let register = async || world.post(&format!("{}/register", NUMBER[0]), &token, registration("123456")).await.status;

    for _ in 0..9 {
        assert_eq!(register().await, 200);
    }
    world.advance(72 * 3600);

    for _ in 0..10 {
        assert_eq!(register().await, 200);
    }
    assert_eq!(register().await, 400);
}

#[tokio::test]
async fn an_unverified_number_is_verified_by_its_code_before_it_is_registered() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let number = world.must("numbers", json!({"waba_id": WABA[0], "code_verification_status": "NOT_VERIFIED"})).await;
    let id = number["id"].as_str().unwrap();
    let post = async |edge: &str, body: Value| world.post(&format!("{id}/{edge}"), &token, body).await;

    assert_eq!(post("register", registration("123456")).await.error().0, 133006);
    assert_eq!(post("verify_code", json!({"code": "123456"})).await.error().0, 136025);
    assert_eq!(post("request_code", json!({"code_method": "PIGEON", "language": "en_US"})).await.error().0, 100);
    assert_eq!(
        post("request_code", json!({"code_method": "SMS", "language": "en_US"})).await.body,
        json!({"success": true})
    );
    assert_eq!(post("request_code", json!({"code_method": "SMS", "language": "en_US"})).await.error().0, 136024);
    assert_eq!(post("verify_code", json!({"code": "000000"})).await.error().0, 136025);
    world.advance(601);
    assert_eq!(post("verify_code", json!({"code": "123456"})).await.error().0, 136025);
    assert_eq!(
        post("request_code", json!({"code_method": "VOICE", "language": "en_US"})).await.body,
        json!({"success": true})
    );
    assert_eq!(post("verify_code", json!({"code": "123-456"})).await.body, json!({"success": true}));
    assert_eq!(post("register", registration("123456")).await.body, json!({"success": true}));
    assert_eq!(post("request_code", json!({"code_method": "SMS", "language": "en_US"})).await.error().0, 136024);
}

#[tokio::test]
async fn a_code_may_be_guessed_five_times() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let body = json!({"cc": "1", "phone_number": "415 555-1212", "verified_name": "New"});
    let created = world.post(&format!("{}/phone_numbers", WABA[0]), &token, body.clone()).await.body;
    let id = created["id"].as_str().unwrap();
    assert_eq!(world.post(&format!("{}/phone_numbers", WABA[0]), &token, body).await.error(), (100, Some(2388023)));
    world.post(&format!("{id}/request_code?code_method=SMS&language=en"), &token, json!({})).await;

    for _ in 0..5 {
        assert_eq!(world.post(&format!("{id}/verify_code?code=000000"), &token, json!({})).await.error().0, 136025);
    }

    assert_eq!(world.post(&format!("{id}/verify_code?code=123456"), &token, json!({})).await.error().0, 136025);
    let fields = "display_phone_number,code_verification_status,name_status,status";
    assert_eq!(
        world.get(&format!("{id}?fields={fields}"), &token).await.body,
        json!({"id": id, "display_phone_number": "+1 4155551212", "code_verification_status": "NOT_VERIFIED",
            "name_status": "PENDING_REVIEW", "status": "UNVERIFIED"})
    );
}

#[tokio::test]
async fn an_app_subscribes_to_a_waba_and_may_name_an_address_that_proves_itself() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let path = format!("{}/subscribed_apps", WABA[0]);
    let data =
        json!({"id": APP, "name": "Simulated app", "link": format!("https://www.facebook.com/games/?app_id={APP}")});
    let uri = format!("{}/tenant", world.app.base);

    assert_eq!(world.get(&path, &token).await.body, json!({"data": []}));
    assert_eq!(world.post(&path, &token, json!({})).await.body, json!({"success": true}));
    assert_eq!(world.get(&path, &token).await.body, json!({"data": [{"whatsapp_business_api_data": data}]}));
    let with_uri = json!({"override_callback_uri": uri, "verify_token": "v"});
    let row = json!({"whatsapp_business_api_data": data, "override_callback_uri": uri});
    assert_eq!(world.post(&path, &token, with_uri.clone()).await.body, json!({"success": true, "data": [row]}));
    assert_eq!(world.get(&path, &token).await.body, json!({"data": [row]}));
    assert_eq!(world.post(&path, &token, json!({})).await.body, json!({"success": true}));
    assert_eq!(world.get(&path, &token).await.body, json!({"data": [{"whatsapp_business_api_data": data}]}));

    world.app.does_not_understand_the_handshake();
    assert_eq!(world.post(&path, &token, with_uri.clone()).await.error(), (2200, Some(1349006)));
    world.app.refuses_the_handshake();
    assert_eq!(world.post(&path, &token, with_uri).await.error(), (2200, Some(1349006)));
    let long = format!("{uri}?{}", "x".repeat(200));
    assert_eq!(
        world.post(&path, &token, json!({"override_callback_uri": long, "verify_token": "v"})).await.error().0,
        100
    );
    assert_eq!(world.delete(&path, &token).await.body, json!({"success": true}));
    assert_eq!(world.get(&path, &token).await.body, json!({"data": []}));
}

#[tokio::test]
async fn numbers_are_listed_page_by_page() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let list = async |parameters: &str| {
        world.get(&format!("{}/phone_numbers?fields=id&{parameters}", WABA[0]), &token).await.body
    };

    let first = list("limit=1").await;
    assert_eq!(first["data"], json!([{"id": NUMBER[0]}]));
    assert!(first["paging"]["next"].as_str().unwrap().contains(&format!("access_token={token}")));
    let second = list(&format!("limit=1&after={}", first["paging"]["cursors"]["after"].as_str().unwrap())).await;
    assert_eq!(second["data"], json!([{"id": NUMBER[1]}]));
    assert_eq!(second["paging"]["next"], Value::Null);
    let back = list(&format!("limit=1&before={}", second["paging"]["cursors"]["before"].as_str().unwrap())).await;
    assert_eq!(back["data"], first["data"]);
    assert_eq!(
        list(&format!("after={}", second["paging"]["cursors"]["after"].as_str().unwrap())).await,
        json!({"data": []})
    );
    assert_eq!(list("after=nonsense").await["error"]["code"], 100);
    let both = list(
        "filtering=%5B%7B%22field%22:%22account_mode%22,%22operator%22:%22EQUAL%22,%22value%22:%22SANDBOX%22%7D%5D",
    )
    .await;
    assert_eq!(both, json!({"data": []}));
}

#[tokio::test]
async fn a_number_shows_what_it_is_asked_for() {
    let world = World::start().await;
    let token = world.business_token(WABA[2]).await;

    let all = world.get(NUMBER[4], &token).await;
    assert_eq!(
        all.body,
        json!({"id": NUMBER[4], "verified_name": "Blumen Grün Werkstatt", "code_verification_status": "VERIFIED",
            "display_phone_number": "+49 1555 0100005", "quality_rating": "GREEN", "platform_type": "CLOUD_API",
            "throughput": {"level": "STANDARD"}, "last_onboarded_time": "2026-11-21T12:00:00+0000",
            "webhook_configuration": {"application": format!("{}/webhooks", world.app.base)}})
    );
    let limit = world
        .get(&format!("{}?fields=whatsapp_business_manager_messaging_limit,is_on_biz_app", NUMBER[4]), &token)
        .await;
    assert_eq!(
        limit.body,
        json!({"id": NUMBER[4], "whatsapp_business_manager_messaging_limit": "TIER_250", "is_on_biz_app": true})
    );
    let unknown = world.get(&format!("{}?fields=id,shoe_size", NUMBER[4]), &token).await;
    assert_eq!(
        unknown.body["error"]["message"],
        "(#100) Tried accessing nonexisting field (shoe_size) on node type (WhatsAppBusinessPhoneNumber)"
    );
}

#[tokio::test]
async fn health_names_the_link_that_is_broken() {
    let world = World::start().await;
    let waba = world.must("wabas", json!({"primary_funding_id": null})).await["id"].as_str().unwrap().to_owned();
    let number =
        world.must("numbers", json!({"waba_id": waba, "registered": true})).await["id"].as_str().unwrap().to_owned();
    let token = world.business_token(&waba).await;
    let health =
        async |id: &str| world.get(&format!("{id}?fields=health_status"), &token).await.body["health_status"].clone();

    let unpaid = health(&number).await;
    assert_eq!(unpaid["can_send_message"], "LIMITED");
    assert_eq!(
        unpaid["entities"][0],
        json!({"entity_type": "PHONE_NUMBER", "id": number, "can_send_message": "AVAILABLE"})
    );
    assert_eq!(
        (&unpaid["entities"][1]["entity_type"], &unpaid["entities"][1]["errors"][0]["error_code"]),
        (&json!("WABA"), &json!(141006))
    );
    assert_eq!(world.get(&format!("{waba}?fields=primary_funding_id"), &token).await.body, json!({"id": waba}));
    world.must(&format!("wabas/{waba}"), json!({"primary_funding_id": "77"})).await;
    assert_eq!(health(&waba).await["can_send_message"], "AVAILABLE");
    world.must(&format!("numbers/{number}"), json!({"registered": false})).await;
    assert_eq!(health(&number).await["can_send_message"], "BLOCKED");
}

#[tokio::test]
async fn a_number_on_the_business_app_shares_each_thing_once_within_a_day() {
    let world = World::start().await;
    let token = world.subscribed(WABA[2]).await;
    let sync = async |kind: &str| {
        let body = json!({"messaging_product": "whatsapp", "sync_type": kind});
        world.post(&format!("{}/smb_app_data", NUMBER[4]), &token, body).await
    };

    let contacts = sync("smb_app_state_sync").await.body;
    assert_eq!((&contacts["messaging_product"], contacts["request_id"].is_string()), (&json!("whatsapp"), true));
    let heard = world.app.hears(1).await;
    assert_eq!((heard[0].field(), heard[0].is_signed()), ("smb_app_state_sync".to_owned(), true));
    assert_eq!(
        heard[0].value()["state_sync"][1],
        json!({"type": "contact", "contact": {"full_name": "Jürgen Müller", "first_name": "Jürgen", "phone_number": "4915557770002"},
            "action": "add", "metadata": {"timestamp": world.now().to_string()}})
    );
    assert_eq!(sync("smb_app_state_sync").await.error().0, 2593107);

    world.app.forget();
    assert_eq!(sync("history").await.status, 200);
    let mut chunks: Vec<Value> =
        world.app.hears(3).await.iter().map(|heard| heard.value()["history"][0].clone()).collect();
    chunks.sort_by_key(|chunk| chunk["metadata"]["chunk_order"].as_i64());
    let metadata = [(0, 1, 20), (1, 2, 55), (2, 3, 100)]
        .map(|(phase, order, progress)| json!({"phase": phase, "chunk_order": order, "progress": progress}));
    assert_eq!(chunks.iter().map(|chunk| chunk["metadata"].clone()).collect::<Vec<_>>(), metadata);
    assert_eq!(chunks[2]["threads"][0]["messages"][1]["type"], "media_placeholder");

    assert_eq!(world.post(&format!("{}/register", NUMBER[4]), &token, registration("123456")).await.error().0, 100);
    assert_eq!(world.post(&format!("{}/deregister", NUMBER[4]), &token, json!({})).await.error().0, 100);
    let other = json!({"messaging_product": "whatsapp", "sync_type": "history"});
    assert_eq!(world.post(&format!("{}/smb_app_data", NUMBER[3]), &token, other).await.error().0, 100);
}

#[tokio::test]
async fn the_window_for_sharing_closes_after_a_day_and_opens_with_a_new_consent() {
    let world = World::start().await;
    let token = world.subscribed(WABA[2]).await;
    let sync = async || {
        let body = json!({"messaging_product": "whatsapp", "sync_type": "history"});
        world.post(&format!("{}/smb_app_data", NUMBER[4]), &token, body).await
    };

    world.advance(24 * 3600 + 1);
    assert_eq!(sync().await.error().0, 2593108);

    world.must(&format!("numbers/{}", NUMBER[4]), json!({"declines_history": true})).await;
    world.must("embedded_signup", json!({"waba_id": WABA[2]})).await;
    world.app.forget();
    assert_eq!(sync().await.status, 200);
    let declined = world.app.hears(1).await[0].value();
    assert_eq!(declined["history"][0]["errors"][0]["code"], 2593109);
}

#[tokio::test]
async fn the_owner_writes_from_the_phone_and_leaves_the_platform() {
    let world = World::start().await;
    world.subscribed(WABA[2]).await;

    let echo =
        json!({"phone_number_id": NUMBER[4], "to": "15557770001", "type": "text", "text": {"body": "Bis morgen!"}});
    let wamid = world.must("echo", echo).await["wamid"].clone();
    assert_eq!(
        world.app.hears(1).await[0].entry(),
        json!({"id": WABA[2], "changes": [{"field": "smb_message_echoes", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "4915550100005", "phone_number_id": NUMBER[4]},
            "message_echoes": [{"from": "4915550100005", "to": "15557770001", "id": wamid,
                "timestamp": world.now().to_string(), "type": "text", "text": {"body": "Bis morgen!"}}],
        }}]})
    );

    world.app.forget();
    world.must("offboard", json!({"phone_number_id": NUMBER[4], "reason": "PRIMARY_INACTIVITY"})).await;
    let heard = world.app.hears(1).await;
    assert_eq!(heard[0].entry()["id"], BUSINESS[0]);
    assert_eq!(
        heard[0].value()["disconnection_info"],
        json!({"reason": "PRIMARY_INACTIVITY", "initiated_by": "BUSINESS"})
    );
    assert_eq!(world.number_state(NUMBER[4]).await["registered"], false);
    world.must("embedded_signup", json!({"phone_number_id": NUMBER[4]})).await;
    assert_eq!(world.number_state(NUMBER[4]).await["registered"], true);
}

#[tokio::test]
async fn what_meta_changes_about_a_number_it_tells() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;

    let change = json!({"quality_rating": "RED", "verified_name": "Bäckerei", "messaging_limit": "TIER_2K"});
    world.must(&format!("numbers/{}", NUMBER[0]), change).await;

    let mut heard: Vec<(String, Value)> =
        world.app.hears(3).await.iter().map(|heard| (heard.field(), heard.value())).collect();
    heard.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(
        heard,
        [
            (
                "business_capability_update".to_owned(),
                json!({"max_daily_conversations_per_business": "TIER_2K",
                "max_phone_numbers_per_business": 20, "max_phone_numbers_per_waba": 20})
            ),
            (
                "phone_number_name_update".to_owned(),
                json!({"display_phone_number": "15550100001", "decision": "APPROVED",
                "requested_verified_name": "Bäckerei", "rejection_reason": null})
            ),
            (
                "phone_number_quality_update".to_owned(),
                json!({"display_phone_number": "15550100001", "event": "FLAGGED",
                "current_limit": "TIER_2K", "max_daily_conversations_per_business": "TIER_2K"})
            ),
        ]
    );
}

#[tokio::test]
async fn a_new_name_is_reviewed_and_taken_by_registering_again() {
    let world = World::start().await;
    let token = world.subscribed(WABA[0]).await;
    let register = async || world.post(&format!("{}/register", NUMBER[0]), &token, registration("123456")).await.status;
    let names = async || {
        let path = format!("{}?fields=verified_name,new_display_name,new_name_status", NUMBER[0]);
        world.get(&path, &token).await.body
    };
    world.post(&format!("{}?new_display_name=Harbour", NUMBER[0]), &token, json!({})).await;
    let asked = json!({"id": NUMBER[0], "verified_name": "Harbour Bakery", "new_display_name": "Harbour", "new_name_status": "PENDING_REVIEW"});
    assert_eq!(names().await, asked);

    world.must(&format!("numbers/{}", NUMBER[0]), json!({"new_name_status": "APPROVED"})).await;

    assert_eq!(
        world.app.hears(1).await[0].value(),
        json!({"display_phone_number": "15550100001", "decision": "APPROVED", "requested_verified_name": "Harbour", "rejection_reason": null})
    );
    assert_eq!(names().await["verified_name"], "Harbour Bakery");
    assert_eq!(register().await, 200);
    assert_eq!(names().await, json!({"id": NUMBER[0], "verified_name": "Harbour", "new_name_status": "NONE"}));
}

#[tokio::test]
async fn a_disabled_waba_is_told_and_blocks() {
    let world = World::start().await;
    let token = world.subscribed(WABA[0]).await;

    world.must(&format!("wabas/{}", WABA[0]), json!({"status": "DISABLED"})).await;

    let told = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "November 21, 2026"}});
    assert_eq!(world.app.hears(1).await[0].value(), told);
    let health = world.get(&format!("{}?fields=health_status", WABA[0]), &token).await.body;
    assert_eq!(health["health_status"]["can_send_message"], "BLOCKED");
}

#[tokio::test]
async fn a_number_may_have_its_own_webhook_address() {
    let world = World::start().await;
    let token = world.subscribed(WABA[0]).await;
    let uri = format!("{}/own", world.app.base);
    let shown = async || {
        let path = format!("{}?fields=webhook_configuration", NUMBER[0]);
        world.get(&path, &token).await.body["webhook_configuration"].clone()
    };

    let set = json!({"webhook_configuration": {"override_callback_uri": uri, "verify_token": "v"}});
    assert_eq!(world.post(NUMBER[0], &token, set).await.body, json!({"success": true}));
    assert_eq!(shown().await, json!({"phone_number": uri, "application": format!("{}/webhooks", world.app.base)}));
    let unset = json!({"webhook_configuration": {"override_callback_uri": ""}});
    assert_eq!(world.post(NUMBER[0], &token, unset).await.body, json!({"success": true}));
    assert_eq!(shown().await, json!({"application": format!("{}/webhooks", world.app.base)}));
    assert_eq!(world.graph(Method::POST, NUMBER[0], &token, None).await.error().0, 100);
}
