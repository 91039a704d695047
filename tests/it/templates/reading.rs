//! What Meta has, as tenants read it.

use serde_json::{Value, json};

use super::{asked, create, created, listed, order, path, refresh, shared_with_bravo, shown};
use crate::{
    connect::{NUMBER, ONE, call},
    send::{self, ACME},
};

#[tokio::test]
async fn the_first_look_reads_what_meta_has_and_later_ones_read_what_is_kept() {
    let world = send::ready().await;

    let first = listed(&world, ACME, NUMBER).await;
    let again = listed(&world, ACME, NUMBER).await;

    assert_eq!((first.len(), asked(&world, "GET").await), (1, 1));
    assert_eq!(first, again);
    let mut hello = first[0].clone();
    let updated_at = hello["updated_at"].take();
    assert!(updated_at.as_str().is_some_and(|at| at.ends_with('Z')), "{updated_at}");
    assert_eq!(
        (&hello["name"], &hello["status"], &hello["parameters"], &hello["category_changed_at"]),
        (&json!("hello_world"), &json!("APPROVED"), &json!([]), &Value::Null)
    );
    assert_eq!(hello["components"].as_array().map(Vec::len), Some(3), "{hello:#}");
}

#[tokio::test]
async fn a_new_template_is_shown_whole_with_what_is_to_be_filled_in() {
    let world = send::ready().await;

    let made = created(&world, "order_shipped").await;

    assert_eq!(
        made["parameters"],
        json!([
            {"component": "body", "name": "1", "kind": "text", "example": "Ada"},
            {"component": "body", "name": "2", "kind": "text", "example": "Monday"},
            {"component": "button", "index": 0, "name": "1", "kind": "text", "example": "https://example.com/4711"},
        ])
    );
    assert_eq!((&made["status"], &made["category"]), (&json!("PENDING"), &json!("UTILITY")));
    assert!(made["id"].is_string(), "{made:#}");
    assert_eq!(made["components"], order("order_shipped")["components"]);
    assert_eq!(shown(&world, "order_shipped").await["id"], made["id"]);
}

#[tokio::test]
async fn reading_anew_takes_over_what_changed_at_meta_and_forgets_what_is_gone() {
    let world = send::ready().await;
    let made = created(&world, "order_shipped").await;
    created(&world, "order_lost").await;
    listed(&world, ACME, NUMBER).await;
    // Nothing of it is told here: what Meta tells meets nobody.
    world.meta.post("/_sim/app", json!({"callback_url": "http://127.0.0.1:1/nobody"})).await;
    world.meta.post("/_sim/templates", json!({"id": made["id"], "event": "PAUSED", "category": "MARKETING"})).await;
    let token = crate::connect::system_token(&world, ONE).await;
    world.meta.post("/_sim/app", json!({"require_proof": false})).await;
    let delete = format!("DELETE /v25.0/{ONE}/message_templates?name=order_lost&access_token={token} HTTP/1.1");
    let deleted = tests::wire::send(&world.meta.url(), &[&delete], b"").await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    assert_eq!(shown(&world, "order_shipped").await["status"], json!("PENDING"));

    refresh(&world).await;

    let fresh = shown(&world, "order_shipped").await;
    assert_eq!((&fresh["status"], &fresh["category"]), (&json!("PAUSED"), &json!("MARKETING")));
    assert_eq!(fresh["previous_category"], json!("UTILITY"));
    assert!(fresh["category_changed_at"].is_string(), "{fresh:#}");
    assert_eq!(shown(&world, "order_lost").await, Value::Null);
}

#[tokio::test]
async fn templates_are_listed_by_name_in_pages() {
    let world = send::ready().await;
    for name in ["b", "a", "d", "c"] {
        created(&world, name).await;
    }
    listed(&world, ACME, NUMBER).await;
    let (mut names, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = call(&world, ACME, "GET", &format!("{}{query}", path())).send().await;
        let data = page.body["data"].as_array().unwrap().iter();
        names.extend(data.map(|one| one["name"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        query = format!("?limit=2&after={next}");
    }

    assert_eq!(names, ["a", "b", "c", "d", "hello_world"]);
    for wrong in ["?limit=0", "?status=APPROVED", "?after=x"] {
        let refused = call(&world, ACME, "GET", &format!("{}{wrong}", path())).send().await;
        assert_eq!(refused.outcome(), (400, "invalid_query".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn each_tenant_of_a_waba_has_its_own_copy() {
    let world = send::ready().await;
    let theirs = shared_with_bravo(&world).await;
    created(&world, "order_shipped").await;

    let names = |all: Vec<Value>| all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(listed(&world, "bravo", &theirs).await), ["hello_world", "order_shipped"]);
    let rows = world.table("MESSAGES_TABLE").await.into_iter();
    let mut of: Vec<String> = rows
        .filter(|row| row["sk"] == "order_shipped#en_US")
        .map(|row| row["pk"].as_str().unwrap().to_owned())
        .collect();
    of.sort();
    assert_eq!(of, [format!("acme#t#{ONE}"), format!("bravo#t#{ONE}")]);
    for (tenant, number) in [("bravo", NUMBER), (ACME, theirs.as_str())] {
        let path = format!("/v1/accounts/{number}/templates");
        let call = |method: &str| call(&world, tenant, method, &path);
        assert_eq!(call("GET").send().await.outcome(), (404, "not_found".to_owned()));
        // Whatever is wrong with it besides.
        assert_eq!(call("POST").json(&json!({})).send().await.outcome(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn a_number_that_is_gone_shows_what_was_kept_and_takes_nothing() {
    let world = send::ready().await;
    created(&world, "order_shipped").await;
    listed(&world, ACME, NUMBER).await;
    assert_eq!(call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.status, 200);

    assert_eq!(listed(&world, ACME, NUMBER).await.len(), 2);
    assert_eq!(create(&world, &order("another")).await.outcome(), (409, "account_disconnected".to_owned()));
    let delete = call(&world, ACME, "DELETE", &format!("{}/order_shipped", path())).send().await;
    assert_eq!(delete.outcome(), (409, "account_disconnected".to_owned()));
}
