//! Keys, sessions, health: what a caller sees.

use emulators::{Fault, FaultKind, Site};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Call, World};

#[tokio::test]
async fn a_key_is_shown_once_and_works_at_once() {
    let world = World::start().await;

    let order = json!({ "name": "backend", "tenant": "acme", "scopes": ["messages:send", "accounts:read"] });
    let made = world.as_operator("POST", "/v1/keys").json(&order).send().await;

    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    let mut body = made.body.clone();
    let (id, key) = (made.text("id"), made.text("key"));
    assert!(id.starts_with("key_") && key.starts_with("pb_sk_"), "{body}");
    body["id"] = json!("key_…");
    body["key"] = json!("pb_sk_…");
    let now = format!("{:.3}", world.clock.now());
    assert_eq!(&body["created_at"].as_str().unwrap()[..16], &now[..16]);
    body["created_at"] = json!("now");
    assert_eq!(
        body,
        json!({
            "id": "key_…", "key": "pb_sk_…", "name": "backend", "tenant": "acme",
            "scopes": ["accounts:read", "messages:send"], "created_at": "now", "expires_at": null,
        })
    );
    assert_eq!(world.call("GET", "/v1/health").bearer(&key).send().await.status, 200);
    let listed = world.as_operator("GET", "/v1/keys").tenant("acme").send().await;
    assert_eq!(listed.body["data"][0]["id"], json!(id));
    assert!(!listed.body.to_string().contains(&key));
}

#[tokio::test]
async fn a_revoked_key_is_gone() {
    let world = World::start().await;
    let key = world.make_key(json!({ "name": "old" })).await;
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());

    let first = world.as_operator("DELETE", &path).send().await;
    let second = world.as_operator("DELETE", &path).send().await;

    assert_eq!((first.status, first.body, second.status), (204, Value::Null, 404));
    let listed = world.as_operator("GET", "/v1/keys").send().await;
    assert_eq!(names(&listed.body), ["first key"]);
}

#[tokio::test]
async fn the_first_key_once_revoked_stays_revoked() {
    let world = World::start().await;
    let own = world.make_key(json!({ "name": "own" })).await;
    let own = own["key"].as_str().unwrap();
    let listed = world.call("GET", "/v1/keys").bearer(own).send().await;
    let first = listed.body["data"].as_array().unwrap().iter().find(|key| key["name"] == "first key").unwrap();

    world.call("DELETE", &format!("/v1/keys/{}", first["id"].as_str().unwrap())).bearer(own).send().await;
    world.clock.advance(SignedDuration::from_hours(24 * 400));
    world.aws.sweep_ttl().await;
    let report = world.sweeper().handle(tests::schedule_event()).await.unwrap();

    assert_eq!(serde_json::to_value(report).unwrap()["first_key_put"], json!(false));
    let call = Call::new(world.cold("access", "later"), "GET", "/v1/keys").bearer(&world.first_key);
    assert_eq!(call.send().await.outcome(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn the_sweeper_puts_the_first_key_where_nobody_called_yet() {
    let world = World::start().await;

    let first = world.sweeper().handle(tests::schedule_event()).await.unwrap();
    let second = world.sweeper().handle(tests::schedule_event()).await.unwrap();

    let put = |report| serde_json::to_value(report).unwrap()["first_key_put"].clone();
    assert_eq!((put(first), put(second)), (json!(true), json!(false)));
    let who: Vec<Value> = world.table("AUDIT_TABLE").await.into_iter().map(|row| row["who"].clone()).collect();
    assert_eq!(who, [json!("system")]);
}

#[tokio::test]
async fn strangers_cause_no_more_than_one_look_at_the_secret_a_minute() {
    let world = World::start().await;
    world.aws.clear_calls();
    for letter in 'a'..='z' {
        let stranger = format!("pb_sk_{}", letter.to_string().repeat(64));
        world.call("GET", "/v1/keys").bearer(&stranger).send().await;
        world.call("GET", "/v1/keys").bearer("garbage").send().await;
    }

    let calls = world.aws.calls();
    let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    // One look at the secret, and the one it leads to at the table; garbage costs nothing at all.
    assert_eq!((count("GetSecretValue"), count("GetItem")), (1, 26 + 2), "{calls:?}");
}

#[tokio::test]
async fn a_failed_look_at_the_first_key_does_not_shut_the_operator_out() {
    let world = World::start().await;
    // As often as the SDK tries.
    for ordinal in 1..=3 {
        let site = Site::named(format!("secretsmanager.GetSecretValue:patchbay-StackSecret#{ordinal}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Fail });
    }
    let router = world.cold("access", "access");
    let health = || Call::new(router.clone(), "GET", "/v1/health").bearer(&world.first_key).send();

    let first = health().await;
    let second = health().await;

    assert_eq!(world.aws.faults().fired().len(), 3);
    assert_eq!((first.status, second.status), (503, 200));
}

#[tokio::test]
async fn a_session_ends_by_its_own_hand() {
    let world = World::start().await;
    let session = world.make_session("acme", &["accounts:read"]).await;
    let token = session["token"].as_str().unwrap();

    let ended =
        world.call("DELETE", "/v1/sessions").bearer(token).header("origin", "https://app.example.com").send().await;

    assert_eq!((ended.status, ended.body), (204, Value::Null));
    assert_eq!(world.call("GET", "/v1/health").bearer(token).send().await.status, 401);
}

#[tokio::test]
async fn sessions_are_short_and_never_mint() {
    let world = World::start().await;
    for (order, pointer) in [
        (json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 14401 }), "/ttl_seconds"),
        (json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 0 }), "/ttl_seconds"),
        (json!({ "tenant": "acme", "scopes": [], "ttl_seconds": 60 }), "/scopes"),
        (json!({ "tenant": "acme", "scopes": ["keys:write"], "ttl_seconds": 60 }), "/scopes"),
        (json!({ "tenant": "acme", "scopes": ["all"], "ttl_seconds": 60 }), "/scopes/0"),
        (json!({ "tenant": "a b", "scopes": ["accounts:read"], "ttl_seconds": 60 }), "/tenant"),
        (json!({ "scopes": ["accounts:read"], "ttl_seconds": 60 }), ""),
        (json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 60, "admin": true }), "/admin"),
    ] {
        let answer = world.as_operator("POST", "/v1/sessions").json(&order).send().await;
        assert_eq!(answer.outcome(), (422, "invalid_body".to_owned()), "{order}");
        assert_eq!(answer.body["errors"][0]["pointer"], json!(pointer), "{order}");
    }
}

#[tokio::test]
async fn bodies_that_are_not_json_are_told_apart() {
    let world = World::start().await;
    let post = || world.as_operator("POST", "/v1/keys");

    let answers = [
        post().body("application/json", "{").send().await,
        post().body("text/plain", "{}").send().await,
        post().send().await,
        post().body("application/json", format!("{{\"name\":\"{}\"}}", "x".repeat(70_000))).send().await,
        post().body("application/json; charset=utf-8", "{\"name\":\"\"}").send().await,
    ];

    assert_eq!(
        answers.map(|answer| answer.outcome()),
        [
            (400, "malformed_json".to_owned()),
            (415, "unsupported_media_type".to_owned()),
            (415, "unsupported_media_type".to_owned()),
            (413, "body_too_large".to_owned()),
            (422, "invalid_body".to_owned()),
        ]
    );
}

#[tokio::test]
async fn lists_are_paged_and_a_cursor_opens_its_own_list_alone() {
    let world = World::start().await;
    for place in 0..5 {
        world.make_key(json!({ "name": format!("key {place}"), "tenant": "acme" })).await;
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let list = |tenant: &str, query: &str| world.as_operator("GET", &format!("/v1/keys{query}")).tenant(tenant).send();

    let first = list("acme", "?limit=2").await;
    let cursor = first.text("next");
    let second = list("acme", &format!("?limit=3&after={cursor}")).await;

    assert_eq!(names(&first.body), ["key 4", "key 3"]);
    assert_eq!(names(&second.body), ["key 2", "key 1", "key 0"]);
    let end = list("acme", &format!("?after={}", second.text("next"))).await;
    assert_eq!((end.body["data"].clone(), end.body["next"].clone()), (json!([]), Value::Null));
    for (tenant, query, parameter) in [
        ("bravo", format!("?after={cursor}"), "after"),
        ("acme", format!("?after={}", &cursor[1..]), "after"),
        ("acme", "?after=".to_owned(), "after"),
        ("acme", "?limit=0".to_owned(), "limit"),
        ("acme", "?limit=101".to_owned(), "limit"),
        ("acme", "?limit=ten".to_owned(), "limit"),
        ("acme", "?limit=1&limit=2".to_owned(), "limit"),
        ("acme", "?page=2".to_owned(), "page"),
    ] {
        let answer = list(tenant, &query).await;
        assert_eq!(answer.outcome(), (400, "invalid_query".to_owned()), "{tenant} {query}");
        assert_eq!(answer.body["errors"][0]["parameter"], json!(parameter), "{tenant} {query}");
    }
}

#[tokio::test]
async fn cursors_outlive_one_rotation_of_the_secret_and_not_two() {
    let world = World::start().await;
    for _ in 0..2 {
        world.make_key(json!({ "name": "key", "tenant": "acme" })).await;
    }
    let cursor = world.as_operator("GET", "/v1/keys?limit=1").tenant("acme").send().await.text("next");
    let own = world.make_key(json!({ "name": "own", "tenant": "bravo" })).await;
    let list = async |world: &World| {
        let call = world.as_operator("GET", &format!("/v1/keys?after={cursor}")).tenant("acme");
        call.send().await.status
    };
    let _ = own;

    rotate(&world, "second").await;
    assert_eq!(list(&world).await, 200);
    rotate(&world, "third").await;
    assert_eq!(list(&world).await, 400);
}

async fn rotate(world: &World, value: &str) {
    let secret = json!({ "prefix": "pb_sk_", "secret": value.repeat(64)[..64] }).to_string();
    let put = world.secrets_manager().put_secret_value();
    put.secret_id(world.variable("access", "STACK_SECRET")).secret_string(secret).send().await.unwrap();
    // What warm processes remember of the secret is read again after five minutes.
    world.clock.advance(SignedDuration::from_mins(5));
}

#[tokio::test]
async fn health_says_little_to_strangers_and_all_to_the_operator() {
    let world = World::start().await;
    let bound = world.make_key(json!({ "name": "bound", "tenant": "acme" })).await;

    let stranger = world.call("GET", "/v1/health").send().await;
    let tenant = world.call("GET", "/v1/health").bearer(bound["key"].as_str().unwrap()).send().await;
    let operator = world.as_operator("GET", "/v1/health").send().await;

    assert_eq!((stranger.status, stranger.body), (200, json!({ "status": "ok" })));
    assert_eq!((tenant.status, tenant.body), (200, json!({ "status": "ok" })));
    let queue = |name: &str| json!({ "name": name, "waiting": 0, "in_flight": 0 });
    assert_eq!(
        operator.body,
        json!({
            "status": "ok", "build": env!("CARGO_PKG_VERSION"), "region": "us-east-1",
            "dependencies": [
                { "name": "tables", "status": "ok" }, { "name": "stack_secret", "status": "ok" },
                { "name": "token_key", "status": "ok" }, { "name": "queues", "status": "ok" },
            ],
            "queues": [
                queue("inbound"), queue("inbound_dead_letters"), queue("outbound"), queue("outbound_dead_letters"),
            ],
            "oldest_unprocessed_at": null,
            "parked": [],
        })
    );
}

#[tokio::test]
async fn health_names_what_does_not_answer() {
    let world = World::start().await;
    let key = world.variable("access", "TOKEN_KEY");
    world.aws_clients().kms().disable_key().key_id(key).send().await.unwrap();

    let health = world.as_operator("GET", "/v1/health").send().await;

    assert_eq!(health.body["status"], "degraded");
    assert_eq!(health.body["dependencies"][2], json!({ "name": "token_key", "status": "degraded" }));
}

#[tokio::test]
async fn health_answers_while_a_queue_does_not() {
    let world = World::start().await;
    operator_is_known(&world).await;
    let site = Site::named("sqs.GetQueueAttributes:patchbay-InboundQueue.fifo#1");
    world.aws.faults().arm(Fault { site, kind: FaultKind::Delay(SignedDuration::from_hours(1)) });

    let health = world.as_operator("GET", "/v1/health").send().await;

    assert_eq!(world.aws.faults().fired().len(), 1);
    assert_eq!((health.status, &health.body["status"]), (200, &json!("degraded")));
    assert_eq!(health.body["dependencies"][3], json!({ "name": "queues", "status": "degraded" }));
    assert_eq!(health.body["queues"][0], json!({ "name": "inbound", "waiting": null, "in_flight": null }));
    assert_eq!(health.body["queues"][1]["waiting"], 0);
}

async fn operator_is_known(world: &World) {
    assert_eq!(world.as_operator("GET", "/v1/keys").send().await.status, 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let world = World::start().await;

    let path = world.call("GET", "/v1/nothing").send().await;
    let method = world.call("PUT", "/v1/keys").send().await;
    let head = world.call("HEAD", "/v1/health").send().await;

    assert_eq!(path.outcome(), (404, "not_found".to_owned()));
    assert_eq!((method.outcome(), method.header("allow")), ((405, "method_not_allowed".to_owned()), Some("POST, GET")));
    assert_eq!((head.status, head.body), (200, Value::Null));
}

#[tokio::test]
async fn every_refusal_is_a_problem_document_with_the_calls_id() {
    let world = World::start().await;

    let refused = world.call("GET", "/v1/keys").send().await;

    let id = refused.header("x-request-id").unwrap().to_owned();
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(
        refused.body,
        json!({
            "type": "urn:patchbay:problem:unauthenticated", "title": "Unauthorized", "status": 401,
            "detail": "a valid key or session token is needed", "code": "unauthenticated", "request_id": id,
            "retryable": false,
            "remedy": "Send `Authorization: Bearer` with a key or session token that has not expired or been revoked.",
        })
    );
}

#[tokio::test]
async fn every_call_that_changes_something_is_audited_once_however_it_ends() {
    let world = World::start().await;
    let key = world.make_key(json!({ "name": "key", "tenant": "acme" })).await;
    let id = key["id"].as_str().unwrap();
    world.as_operator("POST", "/v1/keys").json(&json!({ "name": "" })).send().await;
    world.as_operator("DELETE", &format!("/v1/keys/{id}")).send().await;
    world.as_operator("DELETE", &format!("/v1/keys/{id}")).send().await;
    world.as_operator("GET", "/v1/keys").send().await;
    world.call("POST", "/v1/keys").send().await;

    let mut rows = world.table("AUDIT_TABLE").await;
    rows.sort_by_key(|row| row["sk"].as_str().unwrap().to_owned());
    let seen: Vec<Value> =
        rows.iter().map(|row| json!([row["pk"], row["what"], row["on"], row["status"], row["code"]])).collect();
    let first = seen.iter().find(|row| row[1] == "first key").map(|row| row[2].clone());
    let mut expected = vec![
        json!(["-", "first key", first, 201, null]),
        json!(["acme", "POST /v1/keys", id, 201, null]),
        json!(["-", "POST /v1/keys", null, 422, "invalid_body"]),
        json!(["acme", "DELETE /v1/keys/{id}", id, 204, null]),
        json!(["-", "DELETE /v1/keys/{id}", null, 404, "not_found"]),
    ];
    // Within one millisecond the order is that of the request ids.
    let text = |row: &Value| row.to_string();
    let mut seen = seen;
    seen.sort_by_key(text);
    expected.sort_by_key(text);
    assert_eq!(seen, expected);
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_first_key_opens_every_function_before_it_is_in_the_table_and_none_once_it_is_revoked() {
    let world = World::start().await;
    let list = |caller: &str| world.cold_call(caller, "GET", "/v1/connections").bearer(&world.first_key).tenant("acme");

    assert_eq!(list("early").send().await.status, 200);
    let stranger = world.cold_call("stranger", "GET", "/v1/connections").bearer(&format!("pb_sk_{}", "a".repeat(64)));
    assert_eq!(stranger.tenant("acme").send().await.status, 401);
    let keys = world.as_operator("GET", "/v1/keys").send().await;
    let first = keys.body["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.as_operator("DELETE", &format!("/v1/keys/{first}")).send().await.status, 204);
    assert_eq!(list("late").send().await.status, 401);
}
