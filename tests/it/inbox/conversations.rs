//! Lists of conversations: newest first, each once, whatever happens between two pages.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::conversation::{Alias, Head, Known};

use super::{SECOND, Seeds, after, all, connect, each, get, shown, with_number};
use crate::connect::{NUMBER, TWO};

const LIST: &str = "/v1/conversations";

#[tokio::test]
async fn a_conversation_is_shown_with_its_person_and_its_last_message() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let began = format!("{:.3}", seeds.now());
    seeds.said(1, "16505550001", "Ada", "first").await;
    seeds.pass(1_000);
    let (id, message) = seeds.said(1, "16505550001", "Ada", "hello").await;
    let now = seeds.now();
    let contact = id.to_string().replace("cnv_", "ctc_");
    let wamid = seeds.wamid(1, "hello");

    let body = shown(&world, "acme", &format!("/v1/conversations/{id}")).await;

    let expected = json!({
        "id": id.to_string(),
        "phone_number_id": NUMBER,
        "contact": {
            "id": contact, "phone_number_id": NUMBER, "phone": "16505550001", "user_id": null, "username": null,
            "aliases": [{ "kind": "phone", "value": "16505550001", "since": began, "until": null }],
            "name": "Ada", "tags": [], "pinned": false, "blocked": false, "notes": null,
            "created_at": began, "updated_at": began,
        },
        "window_open_until": format!("{:.3}", now + SignedDuration::from_hours(24)),
        "unread": 2,
        "last_message": {
            "id": message.to_string(), "wamid": wamid, "phone_number_id": NUMBER, "conversation_id": id.to_string(),
            "contact": { "id": contact, "name": "Ada", "phone": "16505550001", "user_id": null, "username": null },
            "direction": "inbound", "origin": "customer", "type": "text", "content": { "body": "hello" },
            "preview": "hello", "status": "received",
            "history": [{ "at": format!("{now:.3}"), "status": "received", "source": "webhook", "detail": null }],
            "error": null, "context": null, "pricing": null,
            "meta_timestamp": format!("{now:.3}"), "created_at": format!("{now:.3}"),
        },
        "updated_at": format!("{now:.3}"),
    });
    assert_eq!(body, expected, "{body:#}");
    assert_eq!(shown(&world, "acme", LIST).await, json!({ "data": [expected], "next": null }));

    world.clock.advance(SignedDuration::from_hours(25));
    let closed = shown(&world, "acme", &format!("/v1/conversations/{id}")).await;
    assert_eq!(closed["window_open_until"], Value::Null);
}

#[tokio::test]
async fn a_list_is_newest_first_over_all_numbers() {
    let world = with_number("acme").await;
    connect(&world, "acme", TWO, SECOND).await;
    let one = Seeds::new(&world, "acme", NUMBER);
    let two = one.beside(SECOND);
    for who in 1..=4 {
        one.said(who, &format!("1650555000{who}"), &format!("One {who}"), "hi").await;
        one.pass(1_000);
        two.said(who, &format!("1650555000{who}"), &format!("Two {who}"), "hi").await;
        one.pass(1);
    }
    // An old conversation moves to the top.
    one.said(2, "16505550002", "One 2", "again").await;

    let order = ["One 2", "Two 4", "One 4", "Two 3", "One 3", "Two 2", "Two 1", "One 1"];
    for limit in [1, 3, 8, 100] {
        assert_eq!(all(&world, "acme", &format!("{LIST}?limit={limit}"), "/contact/name").await, order, "{limit}");
    }
    let of_two = ["Two 4", "Two 3", "Two 2", "Two 1"];
    assert_eq!(all(&world, "acme", &format!("{LIST}?phone_number_id={SECOND}"), "/contact/name").await, of_two);
    assert_eq!(all(&world, "acme", &format!("/v1/accounts/{SECOND}/conversations"), "/contact/name").await, of_two);
    assert_eq!(shown(&world, "acme", &format!("{LIST}?phone_number_id=1")).await, json!({ "data": [], "next": null }));
}

#[tokio::test]
async fn what_comes_between_two_pages_changes_nothing_on_those_that_follow() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    for who in 1..=9 {
        seeds.said(who, &format!("1650555000{who}"), &format!("Person {who}"), "hi").await;
        seeds.pass(1_000);
    }
    let path = format!("{LIST}?limit=3");

    let first = shown(&world, "acme", &path).await;
    seeds.said(10, "16505550010", "Newcomer", "hi").await;
    seeds.pass(1_000);
    // Somebody who was on the first page is not there again; somebody who was to come is still to come.
    for who in [8, 2, 2] {
        seeds.said(who, &format!("1650555000{who}"), &format!("Person {who}"), "again").await;
        seeds.pass(1_000);
    }
    let second = shown(&world, "acme", &after(&path, &first).unwrap()).await;
    seeds.said(11, "16505550011", "Latecomer", "hi").await;
    let third = shown(&world, "acme", &after(&path, &second).unwrap()).await;

    let names = |list: &Value| each(list, "/contact/name").join(", ");
    assert_eq!(names(&first), "Person 9, Person 8, Person 7");
    assert_eq!(names(&second), "Person 6, Person 5, Person 4");
    assert_eq!(names(&third), "Person 3, Person 2, Person 1");
    assert_eq!(third["next"], Value::Null);
    let now = shown(&world, "acme", &path).await;
    assert_eq!(names(&now), "Latecomer, Person 2, Person 8");
}

#[tokio::test]
async fn many_in_one_millisecond_noted_twice_are_shown_once_each() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let mut ids = Vec::new();
    for who in 1..=7 {
        ids.push(seeds.said(who, &format!("1650555000{who}"), "Person", "hi").await.0);
    }
    // A repetition after a kill: other conversations together than the first time.
    seeds.touched(&ids[..4], seeds.now()).await;
    seeds.touched(&ids[2..], seeds.now()).await;
    ids.sort_unstable_by(|one, other| other.cmp(one));

    for limit in [1, 2, 7] {
        let listed = all(&world, "acme", &format!("{LIST}?limit={limit}"), "/id").await;
        assert_eq!(listed, ids.iter().map(ToString::to_string).collect::<Vec<_>>(), "{limit}");
    }
}

#[tokio::test]
async fn a_conversation_that_never_rests_does_not_hide_the_others() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (quiet, _) = seeds.said(1, "16505550001", "Quiet", "hi").await;
    seeds.pass(1_000);
    let (busy, _) = seeds.said(2, "16505550002", "Busy", "hi").await;
    for millisecond in 0..2_100 {
        seeds.touched(&[busy], seeds.now() + SignedDuration::from_millis(millisecond)).await;
    }
    seeds.pass(3_000);
    seeds.said(2, "16505550002", "Busy", "still here").await;

    let first = shown(&world, "acme", LIST).await;
    let listed = all(&world, "acme", LIST, "/id").await;

    assert_eq!(listed, [busy.to_string(), quiet.to_string()]);
    assert_eq!((each(&first, "/id"), first["next"].is_string()), (vec![busy.to_string().as_str()], true));
}

#[tokio::test]
async fn two_that_turned_out_to_be_one_are_one() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let (loser, old) = seeds.said(1, "16505550001", "Ada", "from the phone").await;
    seeds.pass(1_000);
    let (winner, _) = seeds.said(2, "16505550002", "Ada", "by the user id").await;
    seeds.pass(1_000);
    let phone = Known { alias: Alias::Phone("16505550001".to_owned()), since: seeds.now(), until: None };
    seeds.head(1, |head| head.merged_into = Some(winner)).await;
    let absorb = |head: &mut Head| {
        head.parts = vec![loser];
        head.contact.aliases.push(phone);
    };
    seeds.head(2, absorb).await;

    assert_eq!(all(&world, "acme", LIST, "/id").await, [winner.to_string()]);
    assert_eq!(all(&world, "acme", &format!("{LIST}?phone=16505550001"), "/id").await, [winner.to_string()]);
    let asked = shown(&world, "acme", &format!("/v1/conversations/{loser}")).await;
    assert_eq!(asked["id"], winner.to_string());
    let contact = loser.to_string().replace("cnv_", "ctc_");
    let contact = shown(&world, "acme", &format!("/v1/contacts/{contact}")).await;
    assert_eq!(contact["id"], winner.to_string().replace("cnv_", "ctc_"));
    for id in [winner, loser] {
        let path = format!("/v1/conversations/{id}/messages?limit=1");
        assert_eq!(all(&world, "acme", &path, "/preview").await, ["by the user id", "from the phone"]);
        assert_eq!(all(&world, "acme", &path, "/conversation_id").await, vec![winner.to_string(); 2]);
    }
    let message = shown(&world, "acme", &format!("/v1/messages/{old}")).await;
    assert_eq!(message["conversation_id"], winner.to_string());
}

#[tokio::test]
async fn a_list_that_is_asked_for_wrongly_says_where() {
    let world = with_number("acme").await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("after=x", "after"),
        ("phone=", "phone"),
        ("phone=abc", "phone"),
        ("phone_number_id=me", "phone_number_id"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("unread=yes", "unread"),
        ("unread=true&unread=true", "unread"),
        ("sort=name", "sort"),
    ] {
        let answer = get(&world, "acme", &format!("{LIST}?{query}")).await;
        assert_eq!(answer.outcome(), (400, "invalid_query".to_owned()), "{query}");
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{query}");
    }
}
