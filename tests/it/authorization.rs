//! The authorization matrix: every route of the table, with every kind of caller that must be refused, and the right one.

mod samples;

use std::collections::BTreeSet;

use axum::{Json, Router, http::Method, routing::get};
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{
    aws::audit::Audit,
    clock::Random,
    domain::scope::Scope,
    http::{
        call::{self, Edge},
        routes::{Access, ROUTES, Route, Tenancy},
    },
};
use tests::{Call, World};

use samples::Sample;

fn secret(made: &Value) -> &str {
    made["key"].as_str().or(made["token"].as_str()).unwrap()
}

/// The credential a route wants, of that tenant, made anew.
async fn right(world: &World, access: Access, tenant: &str) -> String {
    let made = match access {
        Access::Session => world.make_session(tenant, &["accounts:read"]).await,
        Access::Public | Access::Key => world.make_key(json!({ "name": "right", "tenant": tenant })).await,
        Access::Scope(scope) => {
            world.make_key(json!({ "name": "right", "tenant": tenant, "scopes": [scope.as_str()] })).await
        }
    };
    secret(&made).to_owned()
}

/// Every scope but the one.
async fn lacking(world: &World, access: Access) -> Option<String> {
    let Access::Scope(wanted) = access else { return None };
    let others: Vec<&str> = Scope::ALL.iter().filter(|scope| **scope != wanted).map(|scope| scope.as_str()).collect();
    Some(secret(&world.make_key(json!({ "name": "lacking", "tenant": "acme", "scopes": others })).await).to_owned())
}

/// A credential of the kind the route does not take.
async fn of_wrong_kind(world: &World, access: Access) -> Option<(String, &'static str)> {
    match access {
        Access::Key => Some((secret(&world.make_session("acme", &["accounts:read"]).await).to_owned(), "key_required")),
        Access::Session => Some((
            secret(&world.make_key(json!({ "name": "key", "tenant": "acme" })).await).to_owned(),
            "session_required",
        )),
        Access::Public | Access::Scope(_) => None,
    }
}

struct Cell {
    caller: &'static str,
    call: Call,
    expected: (u16, &'static str),
}

async fn cells(world: &World, route: &Route) -> Vec<Cell> {
    let router = world.cold(route.function, &format!("matrix {}", route.function));
    let sample = Sample::of(world, route).await;
    let fresh = || sample.call(route, &router);
    // Cookies, states and signatures are theirs; `connect` and `webhook` show what those are worth.
    if !route.looks_at_credentials() {
        let success = (route.success, "");
        let garbage = fresh().bearer("garbage").tenant("no tenant");
        return vec![
            Cell { caller: "nobody", call: fresh(), expected: success },
            Cell { caller: "garbage", call: garbage, expected: success },
        ];
    }
    let good = right(world, route.access, "acme").await;
    let is_key = !matches!(route.access, Access::Session);
    let mut cells = Vec::new();
    let mut add = |caller, call, expected| cells.push(Cell { caller, call, expected });
    let anyone = if route.access == Access::Public { (route.success, "") } else { (401, "unauthenticated") };
    add("nobody", fresh(), anyone);
    for (caller, header) in [
        ("garbage", "Bearer garbage".to_owned()),
        ("an empty bearer", "Bearer ".to_owned()),
        ("another scheme", format!("Basic {good}")),
        ("a well-formed stranger", format!("Bearer pb_sk_{}", "a".repeat(64))),
        ("one letter wrong", format!("Bearer {}", swap_last(&good))),
    ] {
        add(caller, fresh().header("authorization", &header), (401, "unauthenticated"));
    }
    let twice = fresh().bearer(&good).bearer(&good);
    add("two credentials", twice, (401, "unauthenticated"));

    add("revoked", fresh().bearer(&revoked(world, route.access).await), (401, "unauthenticated"));
    add("expired", fresh().bearer(&expired(world, route.access).await), (401, "unauthenticated"));
    add("another tenant's header", fresh().bearer(&good).tenant("bravo"), (403, "tenant_mismatch"));
    add("a malformed header", fresh().bearer(&good).tenant("no tenant"), (400, "invalid_header"));
    if let Some(lacking) = lacking(world, route.access).await {
        add("all scopes but the one", fresh().bearer(&lacking), (403, "scope_missing"));
    }
    if let Some((wrong, code)) = of_wrong_kind(world, route.access).await {
        add("the wrong kind", fresh().bearer(&wrong), (403, code));
    }
    if is_key {
        let from_browser = fresh().bearer(&good).header("origin", "https://app.example.com");
        add("a key in a browser", from_browser, (403, "key_in_browser"));
    }
    if route.tenancy == Tenancy::One && is_key {
        add("no tenant named", fresh().bearer(&world.first_key), (400, "tenant_required"));
    }
    if route.path.contains('{') {
        // What the path names is acme's: to bravo, and to an operator who speaks for bravo, it is not there.
        let bravo = right(world, route.access, "bravo").await;
        add("another tenant", fresh().bearer(&bravo), (404, "not_found"));
        let speaking_for_bravo = fresh().bearer(&world.first_key).tenant("bravo");
        add("an operator for another tenant", speaking_for_bravo, (404, "not_found"));
    }
    add("the right one", fresh().bearer(&good), (route.success, ""));
    cells
}

fn swap_last(secret: &str) -> String {
    let (rest, last) = secret.split_at(secret.len() - 1);
    format!("{rest}{}", if last == "x" { "y" } else { "x" })
}

async fn revoked(world: &World, access: Access) -> String {
    let made = match access {
        Access::Session => world.make_session("acme", &["accounts:read"]).await,
        _ => world.make_key(json!({ "name": "revoked", "tenant": "acme" })).await,
    };
    let noun = if made["key"].is_string() { "keys" } else { "sessions" };
    let ended = world.as_operator("DELETE", &format!("/v1/{noun}/{}", made["id"].as_str().unwrap())).send().await;
    assert_eq!(ended.status, 204);
    secret(&made).to_owned()
}

/// Expired, and not deleted: TTL takes its time.
async fn expired(world: &World, access: Access) -> String {
    let made = if access == Access::Session {
        let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 1 });
        world.as_operator("POST", "/v1/sessions").json(&order).send().await.body
    } else {
        let soon = world.clock.now() + SignedDuration::from_secs(1);
        world.make_key(json!({ "name": "expired", "tenant": "acme", "expires_at": soon.to_string() })).await
    };
    world.clock.advance(SignedDuration::from_secs(1));
    secret(&made).to_owned()
}

#[tokio::test]
async fn every_route_refuses_every_wrong_caller_and_takes_the_right_one() {
    let world = World::start().await;
    let mut wrong = Vec::new();
    let mut count = 0;
    for route in ROUTES {
        for Cell { caller, call, expected } in cells(&world, route).await {
            let answer = call.send().await;
            count += 1;
            if answer.outcome() != (expected.0, expected.1.to_owned()) {
                wrong.push(format!("{} by {caller}: {:?} instead of {expected:?}", route.key(), answer.outcome()));
            }
        }
    }
    println!("authorization matrix: {count} cells over {} routes", ROUTES.len());
    assert_eq!(wrong, Vec::<String>::new());
}

/// The routes of a router that let a stranger in.
async fn open_to_strangers(router: &Router, table: &[Route]) -> Vec<String> {
    let mut open = Vec::new();
    for route in table.iter().filter(|route| route.access != Access::Public) {
        let path = route
            .path
            .replace("{id}", "x")
            .replace("{phone_number_id}", "x")
            .replace("{media_id}", "x")
            .replace("{name}", "x");
        let answer = Call::new(router.clone(), route.method.as_str(), &path).send().await;
        if answer.status != 401 {
            open.push(route.key());
        }
    }
    open
}

#[tokio::test]
async fn a_route_whose_handler_forgets_the_caller_is_noticed() {
    let world = World::start().await;
    let forgetful = Router::new().route("/v1/forgetful", get(async || Json("hello")).post(async || Json("hello")));
    let added = [Method::GET, Method::POST].map(|method| Route { method, path: "/v1/forgetful", ..ROUTES[1].clone() });

    let functions: BTreeSet<&str> = ROUTES.iter().map(|route| route.function).collect();
    for function in functions {
        let own: Vec<Route> = ROUTES.iter().filter(|route| route.function == function).cloned().collect();
        assert_eq!(open_to_strangers(&world.cold(function, "strangers"), &own).await, Vec::<String>::new());
    }
    assert_eq!(open_to_strangers(&forgetful, &added).await, ["GET /v1/forgetful", "POST /v1/forgetful"]);
}

#[tokio::test]
async fn a_route_the_table_does_not_know_admits_nobody() {
    let world = World::start().await;
    let aws = world.aws_clients();
    let edge = Edge {
        audit: Audit::new(aws.dynamodb(), world.variable("access", "AUDIT_TABLE")),
        clock: world.product_clock(),
        random: Random::system(),
        routes: ROUTES,
    };
    let router = call::serve(Router::new().route("/v1/forgetful", get(async || Json("hello"))), edge);

    let answer = Call::new(router, "GET", "/v1/forgetful").bearer(&world.first_key).send().await;

    assert_eq!(answer.outcome(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_revoked_key_mints_nothing_even_where_it_is_remembered() {
    let world = World::start().await;
    let stolen = world.make_key(json!({ "name": "stolen" })).await;
    let warm = world.cold("access", "warm");
    let mint = || {
        let call = Call::new(warm.clone(), "POST", "/v1/keys").bearer(secret(&stolen));
        call.json(&json!({ "name": "offspring" })).send()
    };
    assert_eq!(mint().await.status, 201);

    world.as_operator("DELETE", &format!("/v1/keys/{}", stolen["id"].as_str().unwrap())).send().await;

    assert_eq!(mint().await.outcome(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn nobody_mints_more_than_they_are() {
    let world = World::start().await;
    let soon = (world.clock.now() + SignedDuration::from_hours(1)).to_string();
    let later = (world.clock.now() + SignedDuration::from_hours(2)).to_string();
    let bound = world
        .make_key(
            json!({ "name": "bound", "tenant": "acme", "scopes": ["keys:write", "accounts:read"], "expires_at": soon }),
        )
        .await;
    let narrow = world.make_key(json!({ "name": "narrow", "scopes": ["keys:write"], "expires_at": soon })).await;
    let session = |tenant: &str, scope: &str| json!({ "tenant": tenant, "scopes": [scope], "ttl_seconds": 60 });
    let long_session = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 7200 });

    for (minter, path, order, expected) in [
        (&bound, "/v1/keys", json!({ "name": "x", "tenant": "bravo" }), (403, "tenant_mismatch")),
        (&bound, "/v1/keys", json!({ "name": "x" }), (403, "tenant_mismatch")),
        (
            &bound,
            "/v1/keys",
            json!({ "name": "x", "tenant": "acme", "scopes": ["messages:send"] }),
            (403, "scope_missing"),
        ),
        (&bound, "/v1/keys", json!({ "name": "x", "tenant": "acme", "expires_at": later }), (403, "expiry_exceeded")),
        (&bound, "/v1/keys", json!({ "name": "x", "tenant": "acme" }), (201, "")),
        (&narrow, "/v1/keys", json!({ "name": "x", "scopes": ["accounts:read"] }), (403, "scope_missing")),
        (&narrow, "/v1/keys", json!({ "name": "x", "expires_at": later }), (403, "expiry_exceeded")),
        (&narrow, "/v1/keys", json!({ "name": "x", "tenant": "bravo" }), (201, "")),
        (&bound, "/v1/sessions", session("bravo", "accounts:read"), (403, "tenant_mismatch")),
        (&bound, "/v1/sessions", session("acme", "messages:send"), (403, "scope_missing")),
        (&bound, "/v1/sessions", long_session, (403, "expiry_exceeded")),
        (&bound, "/v1/sessions", session("acme", "keys:write"), (422, "invalid_body")),
        (&bound, "/v1/sessions", session("acme", "accounts:read"), (201, "")),
    ] {
        let answer = world.call("POST", path).bearer(secret(minter)).json(&order).send().await;
        assert_eq!(answer.outcome(), (expected.0, expected.1.to_owned()), "{path} {order}");
    }
}

#[tokio::test]
async fn what_is_not_asked_for_ends_with_its_maker() {
    let world = World::start().await;
    let soon = (world.clock.now() + SignedDuration::from_hours(1)).to_string();
    let maker = world.make_key(json!({ "name": "maker", "scopes": ["keys:write"], "expires_at": soon })).await;

    let made = world.call("POST", "/v1/keys").bearer(secret(&maker)).json(&json!({ "name": "made" })).send().await;

    assert_eq!((&made.body["scopes"], &made.body["expires_at"]), (&maker["scopes"], &maker["expires_at"]));
}

#[tokio::test]
async fn revoking_a_key_ends_its_sessions() {
    let world = World::start().await;
    let maker = world.make_key(json!({ "name": "maker" })).await;
    let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 600 });
    let session = world.call("POST", "/v1/sessions").bearer(secret(&maker)).json(&order).send().await;

    world.as_operator("DELETE", &format!("/v1/keys/{}", maker["id"].as_str().unwrap())).send().await;

    let ended =
        Call::new(world.cold("access", "other"), "GET", "/v1/health").bearer(secret(&session.body)).send().await;
    assert_eq!(ended.outcome(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn a_warm_process_takes_a_revoked_key_for_thirty_seconds_at_most() {
    let world = World::start().await;
    let key = world.make_key(json!({ "name": "key" })).await;
    let warm = world.cold("access", "warm");
    let health = async || Call::new(warm.clone(), "GET", "/v1/health").bearer(secret(&key)).send().await.status;
    assert_eq!(health().await, 200);

    world.as_operator("DELETE", &format!("/v1/keys/{}", key["id"].as_str().unwrap())).send().await;
    world.clock.advance(SignedDuration::from_secs(30));

    assert_eq!(health().await, 401);
}

#[tokio::test]
async fn one_warm_process_never_mixes_tenants() {
    let world = World::start().await;
    let mut keys = Vec::new();
    for tenant in ["acme", "bravo"] {
        let key = world.make_key(json!({ "name": tenant, "tenant": tenant })).await;
        keys.push((tenant, secret(&key).to_owned()));
    }
    for (tenant, key) in keys.iter().cycle().take(40) {
        let listed = world.call("GET", "/v1/keys").bearer(key).send().await;

        let tenants: Vec<&str> =
            listed.body["data"].as_array().unwrap().iter().filter_map(|key| key["tenant"].as_str()).collect();
        assert_eq!(tenants, [*tenant]);
    }
}

#[tokio::test]
async fn another_tenants_key_is_as_absent_as_one_that_never_was() {
    let world = World::start().await;
    let theirs = world.make_key(json!({ "name": "theirs", "tenant": "bravo" })).await;
    let own = world.make_key(json!({ "name": "own", "tenant": "acme" })).await;
    let session = world.make_session("bravo", &["accounts:read"]).await;

    for (noun, id) in [
        ("keys", theirs["id"].as_str().unwrap()),
        ("keys", "key_AAAAAAAAAAAAAAAAAAAAAA"),
        ("keys", "key_1"),
        ("keys", "%25FF"),
        ("keys", session["id"].as_str().unwrap()),
        ("sessions", session["id"].as_str().unwrap()),
        ("sessions", "ses_AAAAAAAAAAAAAAAAAAAAAA"),
        ("sessions", own["id"].as_str().unwrap()),
    ] {
        let mut answer = world.call("DELETE", &format!("/v1/{noun}/{id}")).bearer(secret(&own)).send().await;
        answer.body["request_id"] = Value::Null;
        assert_eq!(
            answer.body,
            json!({
                "type": "urn:patchbay:problem:not_found", "title": "Not Found", "status": 404,
                "detail": "key or session not found", "code": "not_found", "request_id": null, "retryable": false,
                "remedy": "Check the address and the id.",
            }),
            "{noun} {id}"
        );
    }
    let still_there = world.call("GET", "/v1/health").bearer(secret(&theirs)).send().await;
    assert_eq!(still_there.status, 200);
}

#[test]
fn the_guide_to_embedding_names_every_scope_a_session_may_have() {
    let guide = include_str!("../../docs/embedding.md");
    let table = guide.split("## Which scopes").nth(1).unwrap().split("\n## ").next().unwrap();
    let quoted = table.split('`').skip(1).step_by(2).filter(|word| word.contains(':'));
    let named: BTreeSet<Scope> = quoted.map(|scope| scope.parse().unwrap()).collect();
    let all = Scope::ALL.iter().copied();

    assert_eq!(named, all.filter(|scope| *scope != Scope::KeysWrite).collect());
}
