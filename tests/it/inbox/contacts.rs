//! People: each listed once, and what an operator keeps of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::domain::conversation::{Alias, ContactId, ConversationId, Known};
use tests::{Answer, World};

use super::{Seeds, all, get, shown, with_number};
use crate::connect::{NUMBER, call};

fn contact(id: ConversationId) -> String {
    format!("/v1/contacts/{}", ContactId(id))
}

async fn patch(world: &World, tenant: &str, id: ConversationId, change: Value) -> Answer {
    call(world, tenant, "PATCH", &contact(id)).json(&change).send().await
}

/// The statuses of what the audit says of changes to people.
async fn audited(world: &World) -> Vec<u64> {
    let entries = world.table("AUDIT_TABLE").await.into_iter();
    let mut statuses: Vec<u64> = entries
        .filter(|entry| entry["what"] == "PATCH /v1/contacts/{id}")
        .filter_map(|entry| entry["status"].as_u64())
        .collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn everybody_a_number_knows_is_listed_once() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let mut expected = BTreeSet::new();
    for who in 1..=5 {
        let (id, _) = seeds.said(who, &format!("1650555000{who}"), "Person", "hi").await;
        expected.insert(ContactId(id).to_string());
    }
    // One goes by two names, one by a user id alone, and a group is nobody.
    let named = |alias: Alias| Known { alias, since: seeds.now(), until: None };
    let known = [(5, Alias::User("US.5".into())), (6, Alias::User("US.6".into())), (7, Alias::Group("G".into()))];
    for (who, alias) in known {
        let id = seeds.head(who, |head| {
            match &alias {
                Alias::User(id) => head.contact.user_id = Some(id.clone()),
                Alias::Group(id) => head.contact.group_id = Some(id.clone()),
                Alias::Phone(_) => {}
            }
            head.contact.aliases.push(named(alias.clone()));
        });
        let id = id.await;
        seeds.named(id, &alias).await;
        if who == 6 {
            expected.insert(ContactId(id).to_string());
        }
    }

    for limit in [1, 3, 100] {
        let listed = all(&world, "acme", &format!("/v1/accounts/{NUMBER}/contacts?limit={limit}"), "/id").await;
        assert_eq!(listed.len(), 6, "{limit}");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected, "{limit}");
    }
}

#[tokio::test]
async fn what_is_kept_of_a_person_is_shown_found_and_taken_away_again() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (id, _) = seeds.said(1, "16505550001", "ada.l", "hi").await;
    let before = shown(&world, "acme", &contact(id)).await;

    let change =
        json!({ "name": "Ada Lovelace", "tags": ["vip", "london", "vip"], "pinned": true, "notes": "Prefers mail." });
    let changed = patch(&world, "acme", id, change).await;

    let mut expected = before.clone();
    for (name, value) in [
        ("name", json!("Ada Lovelace")),
        ("tags", json!(["vip", "london"])),
        ("pinned", json!(true)),
        ("notes", json!("Prefers mail.")),
        ("updated_at", changed.body["updated_at"].clone()),
    ] {
        expected[name] = value;
    }
    assert_eq!((changed.status, &changed.body), (200, &expected));
    assert!(*changed.text("updated_at") > *before["updated_at"].as_str().unwrap());
    assert_eq!(shown(&world, "acme", &contact(id)).await, expected);
    let found = async |name: &str| all(&world, "acme", &format!("/v1/conversations?q={name}"), "/contact/name").await;
    assert_eq!(found("ada%20love").await, ["Ada Lovelace"]);
    assert_eq!(found("ada.l").await, Vec::<String>::new());

    // Nothing new: nothing is written, and it was asked for all the same.
    assert_eq!(patch(&world, "acme", id, json!({ "pinned": true })).await.body, expected);
    let reset = patch(&world, "acme", id, json!({ "name": null, "tags": null, "pinned": null, "notes": null })).await;
    expected = Value::Object(before.as_object().unwrap().clone());
    expected["updated_at"] = reset.body["updated_at"].clone();
    assert_eq!(reset.body, expected);
    assert_eq!(found("ada.l").await, ["ada.l"]);
    assert_eq!(audited(&world).await, [200, 200, 200]);
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_says_where() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (id, _) = seeds.said(1, "16505550001", "Ada", "hi").await;
    let tags: Vec<String> = (0..21).map(|tag| tag.to_string()).collect();

    for (change, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": "x".repeat(201) }), "/name"),
        (json!({ "notes": "x".repeat(4_001) }), "/notes"),
        (json!({ "tags": tags }), "/tags"),
        (json!({ "tags": ["a", ""] }), "/tags/1"),
        (json!({ "tags": ["x".repeat(65)] }), "/tags/0"),
        (json!({ "pinned": "yes" }), "/pinned"),
        (json!({ "phone": "1" }), "/phone"),
        (json!({ "blocked": true }), "/blocked"),
    ] {
        let answer = patch(&world, "acme", id, change.clone()).await;
        let named = answer.body["errors"][0]["pointer"].clone();
        assert_eq!((answer.outcome(), named), ((422, "invalid_body".to_owned()), json!(pointer)), "{change}");
    }
    let whole = json!({ "notes": "é".repeat(4_000), "tags": vec!["x".repeat(64)], "name": "n".repeat(200) });
    assert_eq!(patch(&world, "acme", id, whole).await.status, 200);
    assert_eq!(audited(&world).await.iter().filter(|status| **status == 422).count(), 9);
}

#[tokio::test]
async fn changes_of_several_at_once_are_all_kept() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (id, _) = seeds.said(1, "16505550001", "Ada", "hi").await;

    let (name, tags, pinned, arrival) = tokio::join!(
        patch(&world, "acme", id, json!({ "name": "Ada L." })),
        patch(&world, "acme", id, json!({ "tags": ["vip"] })),
        patch(&world, "acme", id, json!({ "pinned": true })),
        patch(&world, "acme", id, json!({ "notes": "n" })),
    );

    assert_eq!([name.status, tags.status, pinned.status, arrival.status], [200; 4]);
    let body = shown(&world, "acme", &contact(id)).await;
    assert_eq!(
        [&body["name"], &body["tags"], &body["pinned"], &body["notes"]],
        [&json!("Ada L."), &json!(["vip"]), &json!(true), &json!("n")]
    );
    // A change of a person is none of the conversation's place in the list.
    let listed = shown(&world, "acme", "/v1/conversations").await;
    assert_eq!(listed["data"][0]["updated_at"], format!("{:.3}", seeds.now()));
    assert_eq!(get(&world, "acme", "/v1/contacts/ctc_x").await.outcome(), (404, "not_found".to_owned()));
}
