//! What is another tenant's is not there, and nothing is found by reading everything.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::domain::conversation::ContactId;

use super::{Seeds, all, shown, with_number};
use crate::connect::{NUMBER, call};

#[tokio::test]
async fn what_is_another_tenants_is_as_absent_as_what_never_was() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (id, message) = seeds.said(1, "16505550001", "Ada", "hi").await;
    let (person, wamid) = (ContactId(id), seeds.wamid(1, "hi"));
    let never = "AAAAAAAAAAAAAAAAAAAAAA";
    let never_said = format!("msg_{}", "A".repeat(43));

    for (path, absent) in [
        (format!("/v1/conversations/{id}"), format!("/v1/conversations/cnv_{never}")),
        (format!("/v1/conversations/{id}/messages"), format!("/v1/conversations/cnv_{never}/messages")),
        (format!("/v1/messages/{message}"), format!("/v1/messages/{never_said}")),
        (format!("/v1/messages/{wamid}"), "/v1/messages/wamid.never".to_owned()),
        (format!("/v1/contacts/{person}"), format!("/v1/contacts/ctc_{never}")),
        (format!("/v1/accounts/{NUMBER}/conversations"), "/v1/accounts/1/conversations".to_owned()),
        (format!("/v1/accounts/{NUMBER}/contacts"), "/v1/accounts/x/contacts".to_owned()),
        (format!("/v1/accounts/{NUMBER}/stats"), "/v1/accounts/1/stats".to_owned()),
    ] {
        // Before anything else: the query is wrong as well.
        let asked = async |tenant: &str, path: &str| {
            let mut answer = call(&world, tenant, "GET", &format!("{path}?nonsense=1")).send().await;
            answer.body["request_id"] = Value::Null;
            (answer.status, answer.body)
        };
        assert_eq!(asked("acme", &path).await.0, 400, "{path}");
        let theirs = asked("bravo", &path).await;
        assert_eq!((theirs.0, &theirs), (404, &asked("bravo", &absent).await), "{path}");
    }
    let change = call(&world, "bravo", "PATCH", &format!("/v1/contacts/{person}")).json(&json!({ "nonsense": 1 }));
    assert_eq!(change.send().await.outcome(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn the_same_number_has_a_history_for_each_tenant_that_had_it() {
    let world = with_number("acme").await;
    Seeds::new(&world, "acme", NUMBER).said(1, "16505550001", "Ada", "to acme").await;
    Seeds::new(&world, "bravo", NUMBER).said(1, "16505550001", "Ada", "to bravo").await;

    for tenant in ["acme", "bravo"] {
        let path = format!("/v1/conversations?phone_number_id={NUMBER}");
        for filter in ["", "&phone=16505550001", "&q=ada", "&unread=true"] {
            let said = all(&world, tenant, &format!("{path}{filter}"), "/last_message/preview").await;
            assert_eq!(said, [format!("to {tenant}")], "{filter}");
        }
    }
    // Among all numbers, those of an account that is the tenant's.
    assert_eq!(shown(&world, "bravo", "/v1/conversations").await, json!({ "data": [], "next": null }));
}

#[tokio::test]
async fn nothing_is_found_by_a_scan() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (id, message) = seeds.said(1, "16505550001", "Ada", "hi").await;
    let person = ContactId(id);
    world.aws.clear_calls();

    for path in [
        "/v1/conversations".to_owned(),
        "/v1/conversations?phone=16505550001&unread=true".to_owned(),
        "/v1/conversations?q=a".to_owned(),
        "/v1/conversations?unread=true".to_owned(),
        format!("/v1/accounts/{NUMBER}/conversations"),
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}/messages?type=text&status=received&direction=inbound"),
        format!("/v1/messages/{message}"),
        format!("/v1/messages/{}", seeds.wamid(1, "hi")),
        format!("/v1/accounts/{NUMBER}/contacts"),
        format!("/v1/contacts/{person}"),
        format!("/v1/accounts/{NUMBER}/stats"),
    ] {
        shown(&world, "acme", &path).await;
    }
    let change = call(&world, "acme", "PATCH", &format!("/v1/contacts/{person}")).json(&json!({ "name": "A" }));
    assert_eq!(change.send().await.status, 200);

    let calls = world.aws.calls();
    let used: BTreeSet<&str> =
        calls.iter().filter(|call| call.caller == "inbox").map(|call| call.operation.as_str()).collect();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"]);
}
