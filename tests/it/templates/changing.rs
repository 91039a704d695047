//! Handing templates in, and deleting them.

use serde_json::{Value, json};
use tests::{Answer, World};

use super::{asked, create, created, listed, order, path, shared_with_bravo, shown};
use crate::{
    connect::{NUMBER, call},
    send::{self, ACME},
};

async fn delete(world: &World, rest: &str) -> Answer {
    call(world, ACME, "DELETE", &format!("{}/{rest}", path())).send().await
}

#[tokio::test]
async fn what_meta_would_refuse_is_pointed_at_and_not_handed_in() {
    let world = send::ready().await;
    let mut broken = order("Order Shipped");
    broken["components"][0]["example"] = Value::Null;
    broken["components"][1]["buttons"][0]["url"] = json!("example.com");

    let refused = create(&world, &broken).await;

    assert_eq!(refused.outcome(), (422, "invalid_body".to_owned()));
    let pointers: Vec<&str> =
        refused.body["errors"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/name", "/components/0/example", "/components/1/buttons/0/url"]);
    assert_eq!(create(&world, &json!("text")).await.outcome(), (422, "invalid_body".to_owned()));
    assert_eq!(asked(&world, "POST").await, 0);
}

#[tokio::test]
async fn meta_gets_the_very_body_and_its_refusal_is_told() {
    let world = send::ready().await;
    let mut template = order("order_shipped");
    template["message_send_ttl_seconds"] = json!(600);
    template["something_new"] = json!({"of": "Meta's"});

    assert_eq!(create(&world, &template).await.status, 201);
    let again = create(&world, &template).await;

    let calls = world.meta.calls("/message_templates").await;
    let posted = calls.iter().find(|call| call["method"] == "POST").unwrap();
    assert_eq!(posted["body"], template);
    assert_eq!(again.outcome(), (502, "meta_refused".to_owned()));
    assert_eq!(again.body["meta"]["subcode"], json!(2_388_024), "{again:?}");
    let audit = world.table("AUDIT_TABLE").await.into_iter();
    let mut statuses: Vec<u64> = audit
        .filter(|entry| entry["what"] == "POST /v1/accounts/{id}/templates" && entry["on"] == NUMBER)
        .filter_map(|entry| entry["status"].as_u64())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 502]);
}

#[tokio::test]
async fn the_same_under_the_same_key_is_one() {
    let world = send::ready().await;
    let keyed = async |template: &Value| {
        call(&world, ACME, "POST", &path()).header("idempotency-key", "once").json(template).send().await
    };

    let first = keyed(&order("order_shipped")).await;
    let again = keyed(&order("order_shipped")).await;
    let other = keyed(&order("order_lost")).await;

    assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (201, 201, Some("true")));
    assert_eq!(first.body, again.body);
    assert_eq!(other.outcome(), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(asked(&world, "POST").await, 1);
}

#[tokio::test]
async fn an_answer_of_metas_that_was_lost_is_found_again_under_the_same_key_and_only_for_the_same_text() {
    let world = send::ready().await;
    let lost =
        json!({"match": {"method": "POST", "path": "/message_templates"}, "times": 1, "fault": {"reset": "after"}});
    world.meta.post("/_sim/faults", lost).await;
    let keyed = async |key: &str, template: &Value| {
        call(&world, ACME, "POST", &path()).header("idempotency-key", key).json(template).send().await
    };

    assert_eq!(keyed("once", &order("order_shipped")).await.outcome(), (503, "meta_unavailable".to_owned()));
    let found = keyed("once", &order("order_shipped")).await;
    let mut other = order("order_shipped");
    other["components"][0]["text"] = json!("Dear {{1}}, your order comes on {{2}} in the morning.");
    let refused = keyed("other", &other).await;

    assert_eq!((found.status, &found.body["name"]), (201, &json!("order_shipped")), "{found:?}");
    assert_eq!(refused.outcome(), (502, "meta_refused".to_owned()));
    assert_eq!(shown(&world, "order_shipped").await["id"], found.body["id"]);
}

#[tokio::test]
async fn a_template_is_deleted_in_one_language_or_in_all() {
    let world = send::ready().await;
    created(&world, "order_shipped").await;
    let mut german = order("order_shipped");
    german["language"] = json!("de");
    assert_eq!(create(&world, &german).await.status, 201);
    let languages = async || {
        let all = listed(&world, ACME, NUMBER).await.into_iter().filter(|one| one["name"] == "order_shipped");
        all.map(|one| one["language"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(languages().await, ["de", "en_US"]);

    assert_eq!(delete(&world, "order_shipped?language=de").await.status, 204);
    assert_eq!(languages().await, ["en_US"]);
    assert_eq!(delete(&world, "order_shipped?language=de").await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(delete(&world, "order_shipped").await.status, 204);
    assert_eq!(languages().await, [""; 0]);
    assert_eq!(delete(&world, "order_shipped").await.outcome(), (404, "not_found".to_owned()));

    // What Meta tells of it afterwards brings it back for nobody.
    super::told(&world).await;
    assert_eq!(languages().await, [""; 0]);
    let before = asked(&world, "DELETE").await;
    for hostile in ["Order", "a%2Fb", "a-b", "%2e%2e", "a%3Fb", "%00"] {
        assert_eq!(delete(&world, hostile).await.outcome(), (404, "not_found".to_owned()), "{hostile}");
    }
    assert_eq!(delete(&world, "a?language=english").await.outcome(), (400, "invalid_query".to_owned()));
    assert_eq!(asked(&world, "DELETE").await, before);
}

#[tokio::test]
async fn one_that_only_meta_knows_is_deleted_too() {
    let world = send::ready().await;

    assert_eq!(delete(&world, "hello_world?language=en_US").await.status, 204);
    assert_eq!(listed(&world, ACME, NUMBER).await, [json!(null); 0]);
}

#[tokio::test]
async fn templates_of_a_shared_waba_are_changed_with_an_operator_key_only() {
    let world = send::ready().await;
    let scopes = ["templates:read", "templates:write"];
    let session = world.make_session(ACME, &scopes).await["token"].as_str().unwrap().to_owned();
    let as_session = |method: &str, path: &str| world.call(method, path).bearer(&session);
    let alone = as_session("POST", &path()).json(&order("alone")).send().await;
    assert_eq!(alone.status, 201, "{alone:?}");
    shared_with_bravo(&world).await;
    let before = (asked(&world, "POST").await, asked(&world, "DELETE").await);

    let refused = as_session("POST", &path()).json(&order("shared")).send().await;
    let kept = as_session("DELETE", &format!("{}/alone", path())).send().await;

    assert_eq!(refused.outcome(), (403, "key_required".to_owned()));
    assert_eq!(kept.outcome(), (403, "key_required".to_owned()));
    assert_eq!((asked(&world, "POST").await, asked(&world, "DELETE").await), before);
    assert_eq!(as_session("GET", &path()).send().await.status, 200);
    let key = world.make_key(json!({"name": "acme", "tenant": ACME, "scopes": scopes})).await;
    let by_key = world.call("POST", &path()).bearer(key["key"].as_str().unwrap()).json(&order("shared"));
    assert_eq!(by_key.send().await.status, 201);
    assert_eq!(delete(&world, "alone").await.status, 204);
}
