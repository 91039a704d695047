//! Checklist 1 and 10: versions, tokens and proofs, reach and permissions, errors, usage.

use http::Method;
use serde_json::{Value, json};

use crate::world::{APP, BUSINESS, NUMBER, SECRET, WABA, World, app_token, hmac_hex, proof};

#[tokio::test]
async fn an_expired_version_is_upgraded_to_the_oldest_usable_one_and_says_so() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let get = async |version: &str| {
        let path = format!("{version}/{}?fields=id&appsecret_proof={}&access_token={token}", WABA[0], proof(&token));
        let answer = world.request(Method::GET, &path, &[], "").await.unwrap();
        (
            answer.status,
            answer.header("facebook-api-version").to_owned(),
            answer.header("x-ad-api-version-warning").to_owned(),
        )
    };
    let upgraded = |from: &str, to: &str| {
        let warning = format!("The call has been auto-upgraded to {to} as {from} has been deprecated.");
        (200, to.to_owned(), warning)
    };

    assert_eq!(get("/v25.0").await, (200, "v25.0".to_owned(), String::new()));
    assert_eq!(get("/v19.0").await, upgraded("v19.0", "v21.0"));
    assert_eq!(get("/v3.2").await, upgraded("v3.2", "v21.0"));
    assert_eq!(get("").await, (200, "v21.0".to_owned(), String::new()));
    world.advance(60 * 24 * 3600);
    assert_eq!(get("/v21.0").await, (200, "v21.0".to_owned(), String::new()));
    world.advance(24 * 3600);
    assert_eq!(get("/v21.0").await, upgraded("v21.0", "v22.0"));
}

#[tokio::test]
async fn an_unknown_version_or_edge_is_an_unknown_path() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;

    let answer = world.request(Method::GET, &format!("/v99.0/{}", WABA[0]), &[], "").await.unwrap();
    assert_eq!((answer.status, answer.error().0), (400, 2500));
    assert_eq!(answer.body["error"]["message"], format!("Unknown path components: /v99.0/{}", WABA[0]));
    let edge = world.post(&format!("{}/teapots", WABA[0]), &token, json!({})).await;
    assert_eq!(edge.body["error"]["message"], "Unknown path components: /teapots");
    let field = world.get(&format!("{}/teapots", WABA[0]), &token).await;
    assert_eq!(
        field.body["error"]["message"],
        "(#100) Tried accessing nonexisting field (teapots) on node type (WhatsAppBusinessAccount)"
    );
}

#[tokio::test]
async fn a_call_needs_a_token_that_is_one() {
    let world = World::start().await;
    let get = async |headers: &[(&str, &str)]| {
        let answer = world.request(Method::GET, &format!("/v25.0/{}", WABA[0]), headers, "").await.unwrap();
        (answer.status, answer.error())
    };

    assert_eq!(get(&[]).await, (400, (104, None)));
    assert_eq!(get(&[("authorization", "Bearer nonsense")]).await, (401, (190, None)));
    assert_eq!(get(&[("authorization", &format!("Bearer {APP}|wrong"))]).await, (401, (190, None)));
}

#[tokio::test]
async fn without_the_proof_a_token_is_worth_nothing() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let get = async |parameters: &str| {
        let path = format!("/v25.0/{}?fields=id&{parameters}", WABA[0]);
        let bearer = format!("Bearer {token}");
        world.request(Method::GET, &path, &[("authorization", &bearer)], "").await.unwrap()
    };
    let timed = |time: i64| {
        format!("appsecret_time={time}&appsecret_proof={}", hmac_hex(SECRET, format!("{token}|{time}").as_bytes()))
    };

    let bare = get("").await;
    assert_eq!((bare.status, bare.error().0), (400, 100));
    assert_eq!(bare.body["error"]["message"], "API calls from the server require an appsecret_proof argument");
    assert_eq!(bare.body["error"]["type"], "GraphMethodException");
    let wrong = get(&format!("appsecret_proof={}", hmac_hex("other", token.as_bytes()))).await;
    assert_eq!(wrong.body["error"]["message"], "Invalid appsecret_proof provided in the API argument");
    assert_eq!(get(&timed(world.now())).await.status, 200);
    assert_eq!(get(&timed(world.now() - 301)).await.status, 400);
    assert_eq!(get(&format!("appsecret_time={}&appsecret_proof={}", world.now(), proof(&token))).await.status, 400);

    world.must("app", json!({"require_proof": false})).await;
    assert_eq!(get("").await.status, 200);
    assert_eq!(get("appsecret_proof=00").await.status, 400);
}

#[tokio::test]
async fn what_a_token_does_not_reach_does_not_exist_for_it() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;

    for id in [WABA[1], WABA[2], NUMBER[2], NUMBER[4], BUSINESS[1], "123"] {
        let answer = world.get(id, &token).await;
        assert_eq!((answer.status, answer.error()), (400, (100, Some(33))), "{id}");
        assert_eq!(
            answer.body["error"]["message"],
            format!(
                "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or \
                 does not support this operation. Please read the Graph API documentation at \
                 https://developers.facebook.com/docs/graph-api"
            )
        );
    }
    let answer = world.post(&format!("{}/register", NUMBER[4]), &token, json!({})).await;
    assert_eq!(answer.error(), (100, Some(33)));
    assert!(
        answer
            .header("www-authenticate")
            .starts_with("OAuth \"Facebook Platform\" \"invalid_request\" \"Unsupported post")
    );
    assert_eq!(world.get(BUSINESS[0], &token).await.body, json!({"id": BUSINESS[0], "name": "Harbour Bakery"}));
}

#[tokio::test]
async fn a_permission_that_was_not_granted_is_named() {
    let world = World::start().await;
    world.must("app", json!({"scopes": ["whatsapp_business_messaging"]})).await;
    let token = world.business_token(WABA[0]).await;

    let answer = world.get(WABA[0], &token).await;

    assert_eq!((answer.status, answer.error().0), (403, 200));
    assert_eq!(
        answer.body["error"]["message"],
        "(#200) Requires whatsapp_business_management permission to manage the object"
    );
}

#[tokio::test]
async fn the_error_envelope_is_metas() {
    let world = World::start().await;

    let answer = world.get("123", &app_token()).await;

    let error = answer.body["error"].as_object().unwrap();
    let keys: Vec<&str> = error.keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "error_subcode", "fbtrace_id", "message", "type"]);
    assert!(error["fbtrace_id"].as_str().unwrap().starts_with('A'));
    assert_eq!(answer.header("content-type"), "application/json; charset=UTF-8");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];

    for body in ["{", "[]", "\"x\""] {
        let path = format!("/v25.0/{}/register?appsecret_proof={}", NUMBER[0], proof(&token));
        let answer = world.request(Method::POST, &path, &headers, body).await.unwrap();
        assert_eq!((answer.status, answer.error().0), (400, 100), "{body}");
    }
}

#[tokio::test]
async fn parameters_may_come_as_query_form_multipart_or_json() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let path = format!("/v25.0/{}/register", NUMBER[0]);
    let post = async |query: &str, kind: &str, body: &str| {
        let path = format!("{path}?{query}");
        world.request(Method::POST, &path, &[("content-type", kind)], body.to_owned()).await.unwrap().body
    };
    let all = format!("messaging_product=whatsapp&pin=123456&access_token={token}&appsecret_proof={}", proof(&token));
    let part =
        |name: &str, value: &str| format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let parts = all.split('&').map(|pair| pair.split_once('=').unwrap());
    let multipart = parts.map(|(name, value)| part(name, value)).collect::<String>() + "--x--\r\n";
    let json = json!({"messaging_product": "whatsapp", "pin": 123456, "access_token": token, "appsecret_proof": proof(&token)});

    let success = json!({"success": true});
    assert_eq!(post(&all, "text/plain", "").await, success);
    assert_eq!(post("", "application/x-www-form-urlencoded", &all).await, success);
    assert_eq!(post("", "multipart/form-data; boundary=x", &multipart).await, success);
    assert_eq!(post("", "application/json", &json.to_string()).await, success);
}

#[tokio::test]
async fn usage_is_counted_and_refused_only_where_it_is_asked_for() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    let get = async || world.get(&format!("{}?fields=id", WABA[0]), &token).await;

    for _ in 0..200 {
        assert_eq!(get().await.status, 200);
    }
    let answer = get().await;
    assert_eq!(answer.status, 200);
    let usage: Value = serde_json::from_str(answer.header("x-business-use-case-usage")).unwrap();
    assert_eq!(
        (&usage[WABA[0]][0]["type"], &usage[WABA[0]][0]["call_count"]),
        (&json!("whatsapp_business_management"), &json!(100))
    );

    world.must("app", json!({"enforce_usage": true})).await;
    let refused = get().await;
    assert_eq!((refused.status, refused.error().0), (400, 80007));
    world.advance(3600);
    assert_eq!(get().await.status, 200);
}

#[tokio::test]
async fn businesses_show_their_own_and_their_clients_wabas() {
    let world = World::start().await;
    let (partner, client) = (world.system_token(0).await, world.business_token(WABA[2]).await);
    let ids = async |path: String, token: &str| {
        let answer = world.get(&path, token).await;
        answer.body["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>()
    };

    assert_eq!(ids(format!("{}/owned_whatsapp_business_accounts", BUSINESS[0]), &partner).await, [WABA[0], WABA[1]]);
    let sorted = format!("{}/owned_whatsapp_business_accounts?sort=creation_time_descending&limit=1", BUSINESS[0]);
    assert_eq!(ids(sorted, &partner).await, [WABA[1]]);
    assert_eq!(ids(format!("{}/client_whatsapp_business_accounts", BUSINESS[0]), &partner).await, [WABA[2]]);
    assert_eq!(ids(format!("{}/owned_whatsapp_business_accounts", BUSINESS[1]), &client).await, [WABA[2]]);
    assert_eq!(ids("me/businesses".to_owned(), &client).await, [BUSINESS[1]]);
    assert_eq!(ids("me/assigned_whatsapp_business_accounts".to_owned(), &client).await, [WABA[2]]);
    assert_eq!(ids(format!("{APP}/connected_client_businesses"), &partner).await, [BUSINESS[1]]);
    assert_eq!(
        world.get("me", &client).await.body,
        json!({"id": "600700800900102", "name": "Blumen Grün system user"})
    );
    let permissions = world.get("me/permissions", &client).await.body;
    assert_eq!(permissions["data"][0], json!({"permission": "whatsapp_business_management", "status": "granted"}));
}

#[tokio::test]
async fn a_client_assigns_its_waba_to_the_partners_system_user() {
    let world = World::start().await;
    let (partner, client) = (world.system_token(0).await, world.business_token(WABA[2]).await);
    let path = format!("{}/assigned_users", WABA[2]);
    assert_eq!(world.get(NUMBER[3], &partner).await.error(), (100, Some(33)));

    let assigned = world.post(&format!("{path}?user=600700800900201&tasks=%5B'MANAGE'%5D"), &client, json!({})).await;

    assert_eq!(assigned.body, json!({"success": true}));
    assert_eq!(world.get(NUMBER[3], &partner).await.status, 200);
    let user = json!({"id": "600700800900201", "name": "Harbour Bakery system user", "user_type": "SYSTEM_USER",
        "business": {"id": BUSINESS[0], "name": "Harbour Bakery"}});
    assert_eq!(world.get(&path, &client).await.body["data"], json!([user]));
    let wrong = json!({"user": "1", "tasks": ["JUGGLE"]});
    assert_eq!(world.post(&path, &client, wrong).await.error().0, 100);
    assert_eq!(world.delete(&format!("{path}?user=600700800900201"), &client).await.body, json!({"success": true}));
    assert_eq!(world.get(NUMBER[3], &partner).await.error(), (100, Some(33)));
    assert_eq!(world.delete(&format!("{path}?user=600700800900201"), &client).await.error().0, 100);
}

#[tokio::test]
async fn a_waba_changes_its_name_and_time_zone() {
    let world = World::start().await;
    let token = world.business_token(WABA[2]).await;

    assert_eq!(
        world.post(WABA[2], &token, json!({"name": "Blumen", "timezone_id": "2"})).await.body,
        json!({"success": true})
    );

    let shown = world.get(&format!("{}?fields=name,timezone_id", WABA[2]), &token).await.body;
    assert_eq!(shown, json!({"id": WABA[2], "name": "Blumen", "timezone_id": "2"}));
    assert_eq!(world.post(WABA[2], &token, json!({"timezone_id": "Berlin"})).await.error().0, 100);
}

#[tokio::test]
async fn a_waba_shows_what_it_is_asked_for() {
    let world = World::start().await;
    let token = world.business_token(WABA[2]).await;

    let fields = "id,name,currency,timezone_id,account_review_status,owner_business_info{name},ownership_type,on_behalf_of_business_info";
    assert_eq!(
        world.get(&format!("{}?fields={fields}", WABA[2]), &token).await.body,
        json!({"id": WABA[2], "name": "Blumen Grün", "currency": "EUR", "timezone_id": "1", "account_review_status": "APPROVED",
            "owner_business_info": {"id": BUSINESS[1], "name": "Blumen Grün"}, "ownership_type": "CLIENT_OWNED"})
    );
}
