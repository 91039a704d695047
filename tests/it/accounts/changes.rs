//! What a tenant changes of its account: over the version it has seen, and with the audit's entry or not at all.

use serde_json::{Value, json};
use tests::World;

use super::http::{SECOND, THIRD, account, audited, connect, patch, row};
use crate::connect::{NUMBER, ONE, TWO, call, connected};

#[tokio::test]
async fn a_change_is_kept_and_what_is_not_named_stays() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let metadata = json!({ "nested": { "list": [1, 2.5, null, "ß"] } });

    let changed = patch(
        &world,
        "acme",
        NUMBER,
        json!({ "label": "Shop", "external_id": "shop-1", "metadata": metadata, "enabled": false }),
    )
    .await;

    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{changed:?}");
    let seen = |body: &Value| {
        ["label", "external_id", "metadata", "enabled", "status", "version"].map(|name| body[name].clone())
    };
    let expected = [json!("Shop"), json!("shop-1"), metadata, json!(false), json!("paused"), json!(2)];
    assert_eq!(seen(&changed.body), expected);
    assert_eq!(account(&world, "acme", NUMBER).await, changed.body);
    let cleared = patch(&world, "acme", NUMBER, json!({ "label": null, "enabled": true })).await;
    assert_eq!(
        seen(&cleared.body),
        [Value::Null, json!("shop-1"), expected[2].clone(), json!(true), json!("active"), json!(3)]
    );
    // Nothing changes: no new version.
    assert_eq!(patch(&world, "acme", NUMBER, json!({})).await.body, cleared.body);
    assert_eq!(patch(&world, "acme", NUMBER, json!({ "default": true })).await.body, cleared.body);
    assert_eq!(audited(&world, "PATCH /v1/accounts/{id}").await, [200, 200, 200, 200]);
}

#[tokio::test]
async fn a_change_over_another_version_is_refused() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let path = format!("/v1/accounts/{NUMBER}");
    let change = async |tag: &str, label: &str| {
        let call = call(&world, "acme", "PATCH", &path).header("if-match", tag);
        call.json(&json!({ "label": label })).send().await.outcome()
    };
    let stale = (412, "version_mismatch".to_owned());

    assert_eq!(change("\"1\"", "first").await.0, 200);
    for tag in ["\"1\"", "\"1\", \"3\"", "W/\"2\"", "\"strange\"", "\"\""] {
        assert_eq!(change(tag, "late").await, stale, "{tag}");
    }
    assert_eq!(change("2", "unquoted").await, (400, "invalid_header".to_owned()));
    assert_eq!(account(&world, "acme", NUMBER).await["label"], "first");
    for tag in ["\"2\"", "*", "\"7\", \"4\""] {
        assert_eq!(change(tag, tag).await.0, 200, "{tag}");
    }

    let delete = call(&world, "acme", "DELETE", &path).header("if-match", "\"1\"").send().await;
    assert_eq!(delete.outcome(), stale);
    assert_eq!(account(&world, "acme", NUMBER).await["status"], "active");
    let latest = call(&world, "acme", "DELETE", &path).header("if-match", "\"5\"").send().await;
    assert_eq!((latest.status, latest.text("status")), (200, "disconnected".to_owned()));
}

#[tokio::test]
async fn of_many_changes_over_one_version_one_is_taken() {
    let world = std::sync::Arc::new(World::deployed().await);
    connected(&world, "acme").await;
    let mut racing = tokio::task::JoinSet::new();
    for place in 0..10 {
        let world = std::sync::Arc::clone(&world);
        racing.spawn(async move {
            let call = call(&world, "acme", "PATCH", &format!("/v1/accounts/{NUMBER}")).header("if-match", "\"1\"");
            call.json(&json!({ "label": format!("label {place}") })).send().await.status
        });
    }
    let mut answers = racing.join_all().await;

    answers.sort_unstable();
    assert_eq!(answers, [vec![200], vec![412; 9]].concat());
    assert_eq!(account(&world, "acme", NUMBER).await["version"], 2);
}

#[tokio::test]
async fn what_breaks_a_rule_is_pointed_at_and_changes_nothing() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let before = row(&world, NUMBER).await;
    let within = json!({ "metadata": { "k": "x".repeat(4096 - r#"{"k":""}"#.len()) } });

    for (change, pointer) in [
        (json!({ "unknown": 1 }), "/unknown"),
        (json!({ "default": false }), "/default"),
        (json!({ "default": null }), "/default"),
        (json!({ "enabled": null }), "/enabled"),
        (json!({ "metadata": null }), "/metadata"),
        (json!({ "metadata": [1] }), "/metadata"),
        (json!({ "metadata": { "k": "x".repeat(4097 - r#"{"k":""}"#.len()) } }), "/metadata"),
        (json!({ "label": "" }), "/label"),
        (json!({ "label": "x".repeat(101) }), "/label"),
        (json!({ "external_id": "x".repeat(256) }), "/external_id"),
        (json!({ "label": "kept?", "status": "active" }), "/status"),
    ] {
        let refused = patch(&world, "acme", NUMBER, change.clone()).await;
        assert_eq!(refused.outcome(), (422, "invalid_body".to_owned()), "{change}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{change}");
    }
    assert_eq!(row(&world, NUMBER).await, before);
    assert_eq!(patch(&world, "acme", NUMBER, within).await.status, 200);
}

#[tokio::test]
async fn the_default_moves_and_both_show_it() {
    let world = World::deployed().await;
    connect(&world, "acme", TWO, SECOND).await;
    connect(&world, "acme", TWO, THIRD).await;
    connect(&world, "bravo", ONE, NUMBER).await;
    let shown = async |tenant: &str, number: &str| {
        let body = account(&world, tenant, number).await;
        (body["default"].clone(), body["version"].clone())
    };
    assert_eq!(shown("acme", SECOND).await, (json!(true), json!(1)));
    assert_eq!(shown("acme", THIRD).await, (json!(false), json!(1)));

    let moved = patch(&world, "acme", THIRD, json!({ "default": true, "label": "front" })).await;

    assert_eq!((moved.status, &moved.body["default"], &moved.body["version"]), (200, &json!(true), &json!(2)));
    assert_eq!(shown("acme", SECOND).await, (json!(false), json!(2)));
    assert_eq!(shown("bravo", NUMBER).await, (json!(true), json!(1)));
    assert_eq!(audited(&world, "PATCH /v1/accounts/{id}").await, [200]);
}

#[tokio::test]
async fn a_pin_goes_in_and_never_comes_out() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let path = format!("/v1/accounts/{NUMBER}/pin");
    let put = async |body: Value| call(&world, "acme", "PUT", &path).json(&body).send().await;
    let before = account(&world, "acme", NUMBER).await;
    for wrong in [json!({ "pin": "12345" }), json!({ "pin": "12345a" }), json!({ "pin": 654_987 }), json!({})] {
        let refused = put(wrong.clone()).await;
        assert_eq!(refused.outcome(), (422, "invalid_body".to_owned()), "{wrong}");
        assert!(!refused.body.to_string().contains("654987"));
    }

    let set = put(json!({ "pin": "654987" })).await;

    assert_eq!((set.status, &set.body), (200, &before));
    for table in ["ACCOUNTS_TABLE", "AUDIT_TABLE", "CONNECTIONS_TABLE"] {
        let kept = json!(world.table(table).await).to_string();
        assert!(tests::spellings("654987").iter().all(|spelling| !kept.contains(spelling)), "{table}");
    }
    assert_eq!(audited(&world, "PUT /v1/accounts/{id}/pin").await, [200, 422, 422, 422, 422]);
    // It stands at Meta, and is what the number is registered with next time.
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "registered": false })).await;
    connect(&world, "acme", ONE, NUMBER).await;
}

#[tokio::test]
async fn a_pin_that_meta_refuses_is_not_kept_and_one_it_cannot_be_asked_about_is() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let path = format!("/v1/accounts/{NUMBER}/pin");
    let put = async || call(&world, "acme", "PUT", &path).json(&json!({ "pin": "654987" })).send().await;
    let kept = async || row(&world, NUMBER).await["pin"].clone();
    let drawn = kept().await;
    let refuse = async |code: i64| {
        let matching = json!({ "method": "POST", "path": NUMBER });
        let fault = json!({ "match": matching, "times": 1, "fault": { "error": { "code": code } } });
        world.meta.post("/_sim/faults", fault).await;
    };

    refuse(133_008).await;
    assert_eq!(put().await.outcome(), (502, "meta_refused".to_owned()));
    refuse(2).await;
    assert_eq!(put().await.outcome(), (503, "meta_unavailable".to_owned()));
    assert_eq!(kept().await, drawn);

    refuse(190).await;
    let told = put().await;
    assert_eq!((told.status, told.text("status")), (200, "needs_reconnect".to_owned()), "{told:?}");
    assert_ne!(kept().await, drawn);
    let asked = crate::connect::asked(&world, "POST", &format!("/{NUMBER}")).await;
    assert_eq!(put().await.status, 200);
    assert_eq!(crate::connect::asked(&world, "POST", &format!("/{NUMBER}")).await, asked, "nobody to ask");
}
