//! Every route and command once, as far as it takes to reach each of their calls.

mod sending;

use serde_json::json;
use shared::domain::conversation::ContactId;
use tests::{Consent, World, schedule_event, signature};

use crate::{
    connect::{NUMBER, ONE, OTHER, TWO, act, begin, call, start_url, system_token},
    feed::incompressible,
    inbox::Seeds,
    receive::{deliver, delivery, park, text},
    templates::order,
};

pub(super) async fn everything(world: &World) {
    world.meta.post("/_sim/app", json!({"business_token_days": 60})).await;
    // First: whoever comes first puts the first key.
    world.sweeper().handle(schedule_event()).await.unwrap();
    of_access(world).await;
    of_oauth_init(world).await;
    of_oauth_callback(world).await;
    of_accounts(world).await;
    of_inbox(world).await;
    of_webhook(world).await;
    world.drain().await;
    of_inbound(world).await;
    sending::of_send(world).await;
    sending::of_outbound(world).await;
    of_feed(world).await;
    of_sweeper(world).await;
}

/// A delivery that fits the queue, and one that does not.
async fn of_webhook(world: &World) {
    for size in [1, 1_000_000] {
        let value = json!({"errors": ["x".repeat(size)]});
        let body = json!({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
        let body = body.to_string().into_bytes();
        let call = world.call("POST", "/webhooks/whatsapp").header("x-hub-signature-256", &signature(&body));
        assert_eq!(call.body("application/json", body).send().await.status, 200);
    }
}

/// What somebody says to [`NUMBER`], whose tenant is `acme`, and what is said of its WABA and of nobody.
async fn of_inbound(world: &World) {
    let second = world.clock.now().as_second();
    let number = |field: &str, value: serde_json::Value| delivery(field, value);
    let (wrote, large) = ("16505551234", incompressible(400_000));
    let status =
        json!({"id": "wamid.echo", "status": "delivered", "timestamp": second.to_string(), "recipient_id": wrote});
    let echo = json!({"from": "15550783881", "to": wrote, "id": "wamid.echo", "timestamp": second.to_string(),
        "type": "text", "text": {"body": "Yes"}});
    let added = json!({"event": "PARTNER_ADDED", "waba_info": {"waba_id": ONE}});
    let portfolio =
        json!({"entry": [{"id": "900", "time": second, "changes": [{"field": "account_update", "value": added}]}]});
    let strange = json!({"entry": [{"id": "901", "changes": [{"field": "messages", "value":
        {"metadata": {"phone_number_id": "300400500600799"}, "messages": [text(wrote, "wamid.s", second, "Hello?")]}}]}]});
    for body in [
        number("messages", json!({"messages": [text(wrote, "wamid.1", second, "Are you open?")]})),
        number("messages", json!({"messages": [text(wrote, "wamid.2", second, &large)]})),
        // It comes before what it is about, and waits for it; the next one does not.
        number("messages", json!({"statuses": [status]})),
        number("smb_message_echoes", json!({"message_echoes": [echo]})),
        number(
            "messages",
            json!({"statuses": [json!({"status": "read", "id": "wamid.echo",
            "timestamp": second.to_string(), "recipient_id": wrote})]}),
        ),
        portfolio.to_string().into_bytes(),
        strange.to_string().into_bytes(),
        strange.to_string().into_bytes(),
    ] {
        deliver(world, &body).await;
        // One after the other: what SQS has seen within five minutes it drops.
        world.clock.advance(jiff::SignedDuration::from_mins(6));
        let drained = world.drain().await;
        assert_eq!((drained.done, drained.again), (1, 0), "{}", String::from_utf8_lossy(&body));
    }
}

/// The tenant `delta` gets the first WABA's second number through this function, and lets go of it again.
async fn of_accounts(world: &World) {
    let (tenant, number) = ("delta", "300400500600702");
    let begun = begin(world, tenant, json!({"method": "login", "auto_select": "none"})).await;
    world.consent(start_url(&begun), Consent::To(&[TWO])).await;
    let numbers = format!("/v1/connections/{}/numbers", begun["id"].as_str().unwrap());
    let listed = call(world, tenant, "GET", &numbers).send().await;
    assert_eq!(listed.status, 200, "{listed:?}");
    wrong_pin(world).await;
    let chosen = act(world, tenant, &begun, "accounts", json!({"phone_number_ids": [number]})).await;
    assert_eq!((chosen.status, chosen.text("status")), (202, "failed".to_owned()), "{chosen:?}");
    let again = act(world, tenant, &begun, "accounts", json!({"phone_number_ids": [number]})).await;
    assert_eq!(again.text("status"), "connected", "{again:?}");
    let path = format!("/v1/accounts/{number}");
    for path in ["/v1/accounts?include=disconnected", path.as_str()] {
        assert_eq!(call(world, tenant, "GET", path).send().await.status, 200, "{path}");
    }
    let label = call(world, tenant, "PATCH", &path).json(&json!({"label": "Till", "default": true})).send().await;
    assert_eq!(label.status, 200, "{label:?}");
    let refreshed = call(world, tenant, "POST", &format!("{path}/refresh")).send().await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let pin = call(world, tenant, "PUT", &format!("{path}/pin")).json(&json!({"pin": "445566"})).send().await;
    assert_eq!(pin.status, 200, "{pin:?}");
    // Switched off at Meta by somebody else: it is registered again with the PIN that is kept.
    world.meta.post(&format!("/_sim/numbers/{number}"), json!({"registered": false})).await;
    for (method, action) in [("GET", "diagnosis"), ("POST", "repair")] {
        let answer = call(world, tenant, method, &format!("{path}/{action}")).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    templates(world, tenant, &path).await;
    let about = call(world, tenant, "PATCH", &format!("{path}/profile")).json(&json!({"about": "Open"})).send().await;
    assert_eq!(about.status, 200, "{about:?}");
    assert_eq!(call(world, tenant, "DELETE", &path).send().await.status, 200);

    let left = uninspected(world, tenant).await;
    world.clock.advance(jiff::SignedDuration::from_secs(5));
    let chosen = act(world, tenant, &left, "accounts", json!({"phone_number_ids": [number]})).await;
    assert_eq!((chosen.status, chosen.text("status")), (202, "connected".to_owned()), "{chosen:?}");
    assert_eq!(call(world, tenant, "DELETE", &path).send().await.status, 200);
}

/// They are listed, one is handed in twice under a key, refused under another, and deleted.
async fn templates(world: &World, tenant: &str, account: &str) {
    let path = format!("{account}/templates");
    assert_eq!(call(world, tenant, "GET", &path).send().await.status, 200);
    let post = async |key: &str, name: &str| {
        let call = call(world, tenant, "POST", &path).header("idempotency-key", key);
        call.json(&order(name)).send().await.status
    };
    assert_eq!((post("once", "shipped").await, post("once", "shipped").await), (201, 201));
    // Refused: the key is given back.
    let fault = json!({"match": {"path": "/message_templates"}, "times": 1, "fault": {"error": {"code": 100}}});
    world.meta.post("/_sim/faults", fault).await;
    assert_eq!(post("refused", "other").await, 502);
    assert_eq!(call(world, tenant, "DELETE", &format!("{path}/shipped")).send().await.status, 204);
}

async fn of_access(world: &World) {
    let key = world.make_key(json!({"name": "backend", "tenant": "acme"})).await;
    let again = json!({"name": "again"});
    for _ in 0..2 {
        world.as_operator("POST", "/v1/keys").header("idempotency-key", "once").json(&again).send().await;
    }
    // Refused now, it may have succeeded before: that is looked up.
    let too_late = json!({"name": "late", "expires_at": "2020-01-01T00:00:00Z"});
    world.as_operator("POST", "/v1/keys").header("idempotency-key", "late").json(&too_late).send().await;
    world.as_operator("GET", "/v1/keys").send().await;
    world.as_operator("GET", "/v1/keys").tenant("acme").send().await;
    let session = world.make_session("acme", &["accounts:read"]).await;
    let own = world.make_session("acme", &["accounts:read"]).await;
    let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(world.as_operator("DELETE", &path).send().await.status, 204);
    assert_eq!(world.call("DELETE", "/v1/sessions").bearer(own["token"].as_str().unwrap()).send().await.status, 204);
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(world.as_operator("DELETE", &path).send().await.status, 204);
    assert_eq!(world.as_operator("GET", "/v1/health").send().await.status, 200);
    assert_eq!(world.as_operator("GET", "/v1/nowhere").send().await.status, 404);
}

async fn of_oauth_init(world: &World) {
    let get = async |path: &str| assert_eq!(call(world, "acme", "GET", path).send().await.status, 200, "{path}");
    get("/v1/connections/options").await;
    let token = system_token(world, ONE).await;
    let manual = json!({"method": "manual", "manual": {"access_token": token, "phone_number_ids": [NUMBER]}});
    let post = async |key: &str, order| {
        let call = call(world, "acme", "POST", "/v1/connections").header("idempotency-key", key).json(&order);
        call.send().await
    };
    for _ in 0..2 {
        let connected = post("once", manual.clone()).await;
        assert_eq!((connected.status, connected.text("status")), (201, "connected".to_owned()), "{connected:?}");
    }
    // Refused: the key is given back.
    let astray = json!({"method": "login", "return_url": "https://elsewhere.example.com"});
    assert_eq!(post("astray", astray).await.status, 422);
    get("/v1/connections").await;

    // Switched off at Meta by somebody else: it is registered again with the PIN that was drawn for it.
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({"registered": false})).await;
    let again = begin(world, "acme", manual).await;
    assert_eq!(again["status"], "connected", "{again:#}");

    // It comes to nothing: what was begun is undone.
    wrong_pin(world).await;
    let other = json!({"access_token": token, "phone_number_ids": ["300400500600701"]});
    let failed = begin(world, "acme", json!({"method": "manual", "manual": other})).await;
    assert_eq!(failed["status"], "failed", "{failed:#}");
    let path = format!("/v1/connections/{}", failed["id"].as_str().unwrap());
    assert_eq!(call(world, "acme", "DELETE", &path).send().await.status, 204);
}

/// The next registration is refused.
async fn wrong_pin(world: &World) {
    let fault = json!({"match": {"path": "/register"}, "times": 1, "fault": {"error": {"code": 133_005}}});
    world.meta.post("/_sim/faults", fault).await;
}

async fn of_oauth_callback(world: &World) {
    wrong_pin(world).await;
    let order = json!({"method": "login", "expected_phone_number_id": "300400500600704"});
    let begun = begin(world, "bravo", order).await;
    let back = world.consent(start_url(&begun), Consent::To(&[OTHER])).await;
    assert_eq!(back.status, 303, "{back:?}");
    let pin = json!({"phone_number_id": "300400500600704", "pin": "123456"});
    let resumed = act(world, "bravo", &begun, "resume", pin).await;
    assert_eq!((resumed.status, resumed.text("status")), (202, "connected".to_owned()), "{resumed:?}");

    let popup = world.meta.post("/_sim/embedded_signup", json!({"waba_id": TWO})).await;
    let begun = begin(world, "bravo", json!({"method": "embedded_signup"})).await;
    let nonce = &begun["embedded_signup"]["nonce"];
    let given = json!({"nonce": nonce, "code": popup["code"], "session_event": popup["session_event"]});
    assert_eq!(act(world, "bravo", &begun, "code", given).await.status, 200);

    let deleted = world.meta.post("/_sim/data_deletion", json!({"user_id": "1"})).await;
    assert_eq!(deleted["status"], 200, "{deleted}");
}

/// A login that gives a user's short-lived token, which is not inspected in its request: whoever goes on exchanges it.
async fn uninspected(world: &World, tenant: &str) -> serde_json::Value {
    world.meta.post("/_sim/app", json!({"login_token": "user"})).await;
    let fault = json!({"match": {"path": "/debug_token"}, "times": 1, "fault": {"status": 503}});
    world.meta.post("/_sim/faults", fault).await;
    let begun = begin(world, tenant, json!({"method": "login", "auto_select": "none"})).await;
    world.consent(start_url(&begun), Consent::To(&[TWO])).await;
    world.meta.post("/_sim/app", json!({"login_token": "business"})).await;
    begun
}

/// acme reads what somebody wrote to the number it has connected, and calls them something else.
async fn of_inbox(world: &World) {
    let seeds = Seeds::new(world, "acme", NUMBER);
    let (id, _) = seeds.said(1, "16505550001", "Ada", "hello").await;
    seeds.said(2, "16505550002", "Bo", "hello").await;
    let message = format!("/v1/messages/{}", seeds.wamid(1, "hello"));
    for path in ["/v1/conversations?limit=1", &format!("/v1/accounts/{NUMBER}/stats"), &message] {
        assert_eq!(call(world, "acme", "GET", path).send().await.status, 200, "{path}");
    }
    let change = call(world, "acme", "PATCH", &format!("/v1/contacts/{}", ContactId(id)));
    assert_eq!(change.json(&json!({"name": "Ada Lovelace"})).send().await.status, 200);
}

/// All that has happened so far is told, and read by acme and by whoever hears of all.
async fn of_feed(world: &World) {
    let fed = world.feed().await;
    assert!(fed.done > 0 && fed.again == 0, "{fed:?}");
    assert_eq!(call(world, "acme", "GET", "/v1/events").send().await.status, 200);
    assert_eq!(world.as_operator("GET", "/v1/events?after=now").send().await.status, 200);
    assert_eq!(world.as_operator("GET", "/v1/events").send().await.status, 200);
}

/// Somebody who wrote something large, told of and parked, is forgotten; and then a tenant.
async fn erased(world: &World) {
    let old = world.clock.now().as_second() - 9 * 24 * 3600;
    let large = text("16505551234", "wamid.old", old, &incompressible(400_000));
    deliver(world, &delivery("messages", json!({"messages": [large]}))).await;
    world.drain().await;
    let people = call(world, "acme", "GET", &format!("/v1/accounts/{NUMBER}/contacts?limit=100")).send().await;
    let people = people.body["data"].as_array().unwrap().clone();
    let person = people.iter().find(|person| person["aliases"].to_string().contains("16505551234")).unwrap();
    let path = format!("/v1/contacts/{}", person["id"].as_str().unwrap());
    assert_eq!(call(world, "acme", "DELETE", &path).send().await.status, 204);
    for _ in 0..3 {
        world.sweep().await;
        world.clock.advance(jiff::SignedDuration::from_mins(2));
    }
    world.make_key(json!({"name": "theirs", "tenant": "delta"})).await;
    let mut event = schedule_event();
    event.payload = json!({"command": "erase_tenant", "tenant": "delta"});
    world.sweeper().handle(event).await.unwrap();
}

async fn of_sweeper(world: &World) {
    erased(world).await;
    of_rebuild_stats(world).await;
    uninspected(world, "foxtrot").await;
    // What a request began, and left to the sweeper: numbers to connect, with a PIN to draw, and one to give up.
    let fault = json!({"match": {"path": "/phone_numbers"}, "times": 1, "fault": {"status": 503}});
    world.meta.post("/_sim/faults", fault).await;
    for phone_number in ["15550207001", "15550207002"] {
        world.meta.post("/_sim/numbers", json!({"waba_id": ONE, "phone_number": phone_number})).await;
    }
    let order = json!({"method": "login", "auto_select": "all"});
    let begun = begin(world, "echo", order.clone()).await;
    world.consent(start_url(&begun), Consent::To(&[ONE])).await;
    let fault = json!({"match": {"path": "/register"}, "times": 1, "fault": {"status": 503}});
    world.meta.post("/_sim/faults", fault).await;
    wrong_pin(world).await;
    for _ in 0..2 {
        world.clock.advance(jiff::SignedDuration::from_secs(61));
        world.sweep().await;
    }
    let mut event = schedule_event();
    event.payload = json!({"command": "re_encrypt"});
    world.sweeper().handle(event).await.unwrap();
    // Every number is looked at once a day; tokens that end soon are renewed.
    world.clock.advance(jiff::SignedDuration::from_hours(24 * 31));
    world.sweep().await;
    let sqs = world.aws_clients().sqs();
    for queue in ["inbound", "outbound"] {
        let dead_letters = world.variable("sweeper", &format!("{}_DEAD_LETTERS", queue.to_uppercase()));
        let send = sqs.send_message().queue_url(dead_letters).message_body("dead");
        send.message_group_id("group").message_deduplication_id("dead").send().await.unwrap();
        let mut event = schedule_event();
        event.payload = json!({"command": "redrive", "queue": queue});
        world.sweeper().handle(event).await.unwrap();
    }
    park(world, None, jiff::SignedDuration::ZERO).await;
    let mut event = schedule_event();
    event.payload = json!({"command": "redrive_parked", "reason": "stale", "subject": NUMBER});
    world.sweeper().handle(event).await.unwrap();
}

/// What was said to [`NUMBER`], counted anew.
async fn of_rebuild_stats(world: &World) {
    let now = world.clock.now();
    let mut after = json!(null);
    for _ in 0..2 {
        let mut event = schedule_event();
        event.payload = json!({"command": "rebuild_stats", "tenant": "acme", "phone_number_id": NUMBER,
            "from": now - jiff::SignedDuration::from_hours(24), "to": now, "after": after});
        let report = world.sweeper().handle(event).await.unwrap();
        after = serde_json::to_value(report).unwrap()["after"].clone();
        world.clock.advance(jiff::SignedDuration::from_mins(2));
    }
}
