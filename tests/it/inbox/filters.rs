//! Who is looked for is found: by phone however it is written, by the beginning of a name, by what is unread.

use serde_json::{Value, json};
use shared::{aws::messages::Note, domain::conversation::ConversationId};
use tests::World;

use super::{SECOND, Seeds, after, all, connect, get, shown, with_number};
use crate::connect::{NUMBER, TWO};

const LIST: &str = "/v1/conversations";

async fn names(world: &World, query: &str) -> Vec<String> {
    all(world, "acme", &format!("{LIST}?{query}"), "/contact/name").await
}

/// Six people over two numbers, the first of them has been read.
async fn crowd() -> World {
    let world = with_number("acme").await;
    connect(&world, "acme", TWO, SECOND).await;
    let one = Seeds::new(&world, "acme", NUMBER);
    let two = one.beside(SECOND);
    let people = [
        (&one, 1, "5511987654321", "Ana Lima"),
        (&two, 2, "551187654321", "ANA Paula"),
        (&one, 3, "5491123456789", "Anders"),
        (&two, 4, "16505550004", "Bo"),
        (&one, 5, "16505550005", "Ángel"),
        (&two, 6, "16505550006", "ana"),
    ];
    for (seeds, who, phone, name) in people {
        seeds.said(who, phone, name, "hi").await;
        one.pass(1_000);
    }
    one.head(1, |head| head.unread = 0).await;
    world
}

#[tokio::test]
async fn a_phone_is_found_however_its_country_writes_it() {
    let world = crowd().await;

    for phone in ["5511987654321", "551187654321", "%2B55%2011%2098765-4321"] {
        assert_eq!(names(&world, &format!("phone={phone}")).await, ["Ana Lima", "ANA Paula"], "{phone}");
    }
    assert_eq!(names(&world, "phone=541123456789").await, ["Anders"]);
    assert_eq!(names(&world, "phone=1650555000").await, Vec::<String>::new());
    assert_eq!(names(&world, &format!("phone=5511987654321&phone_number_id={SECOND}")).await, ["ANA Paula"]);
    assert_eq!(names(&world, "phone=5511987654321&limit=1").await, ["Ana Lima", "ANA Paula"]);
}

#[tokio::test]
async fn a_name_is_found_by_its_beginning_newest_first() {
    let world = crowd().await;

    assert_eq!(names(&world, "q=An").await, ["Ana Lima", "ana", "Anders", "ANA Paula"]);
    assert_eq!(names(&world, "q=an&limit=1").await, ["Ana Lima", "ana", "Anders", "ANA Paula"]);
    assert_eq!(names(&world, "q=ana%20").await, ["Ana Lima", "ANA Paula"]);
    assert_eq!(names(&world, "q=%C3%81NGEL").await, ["Ángel"]);
    assert_eq!(names(&world, "q=lima").await, Vec::<String>::new());
    assert_eq!(names(&world, &format!("q=an&phone_number_id={NUMBER}")).await, ["Ana Lima", "Anders"]);
}

#[tokio::test]
async fn what_is_unread_is_found_by_the_heads_not_by_its_markers() {
    let world = crowd().await;

    assert_eq!(names(&world, "unread=true").await, ["ana", "Ángel", "Bo", "Anders", "ANA Paula"]);
    assert_eq!(names(&world, "unread=true&limit=2").await, ["ana", "Ángel", "Bo", "Anders", "ANA Paula"]);
    assert_eq!(names(&world, "unread=false").await.len(), 6);
    assert_eq!(names(&world, "unread=true&q=an").await, ["ana", "Anders", "ANA Paula"]);
    assert_eq!(names(&world, "unread=true&phone=5511987654321").await, ["ANA Paula"]);
}

#[tokio::test]
async fn an_account_tells_how_many_conversations_are_unread() {
    let world = with_number("acme").await;
    connect(&world, "acme", TWO, SECOND).await;
    let one = Seeds::new(&world, "acme", NUMBER);
    for who in 1..=3 {
        one.said(who, &format!("1650555000{who}"), "Person", "hi").await;
    }
    one.said(1, "16505550001", "Person", "again").await;
    Seeds::new(&world, "bravo", NUMBER).said(4, "16505550004", "Person", "to another tenant").await;

    let listed = shown(&world, "acme", "/v1/accounts").await;
    let unread = |account: &Value| (account["phone_number_id"].clone(), account["unread_conversations"].clone());
    let counts: Vec<(Value, Value)> = listed["data"].as_array().unwrap().iter().map(unread).collect();

    assert_eq!(counts, [(json!(SECOND), json!(0)), (json!(NUMBER), json!(3))]);
    let account = shown(&world, "acme", &format!("/v1/accounts/{NUMBER}")).await;
    assert_eq!(unread(&account), (json!(NUMBER), json!(3)));
}

#[tokio::test]
async fn where_many_are_meant_the_list_itself_is_walked() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    for who in 1..=5 {
        let name = if who % 2 == 0 { "Zoë" } else { "Ada" };
        seeds.said(who, &format!("1650555000{who}"), name, "hi").await;
        seeds.pass(1_000);
    }
    // More than a thousand markers, of people that are not there any more.
    let nobody = |marker: u16| ConversationId::new(std::array::from_fn(|byte| marker.to_be_bytes()[byte % 2]));
    let marks = |marker| {
        let (line, id) = (seeds.line.clone(), nobody(marker));
        [Note::Unread(line.clone(), id), Note::Named(line, id, "Ada".to_owned())]
    };
    seeds.note(&(0..1_001).flat_map(marks).collect::<Vec<_>>()).await;

    let phones = async |query: &str| all(&world, "acme", &format!("{LIST}?{query}"), "/contact/phone").await;

    assert_eq!(phones("q=ad&limit=1").await, ["16505550005", "16505550003", "16505550001"]);
    assert_eq!(phones("unread=true&limit=2").await.len(), 5);
    assert_eq!(phones("unread=true&q=zo").await, ["16505550004", "16505550002"]);
}

#[tokio::test]
async fn a_cursor_opens_for_its_list_tenant_and_filters_only() {
    let world = crowd().await;
    connect(&world, "bravo", crate::connect::OTHER, "300400500600704").await;
    let path = format!("{LIST}?q=an&limit=1");
    let cursor = shown(&world, "acme", &path).await["next"].as_str().unwrap().to_owned();
    let id = shown(&world, "acme", LIST).await["data"][0]["id"].as_str().unwrap().to_owned();

    for (tenant, path) in [
        ("acme", format!("{LIST}?q=ana&after={cursor}")),
        ("acme", format!("{LIST}?after={cursor}")),
        ("acme", format!("{LIST}?q=an&unread=true&after={cursor}")),
        ("acme", format!("{LIST}?q=an&phone_number_id={NUMBER}&after={cursor}")),
        ("acme", format!("/v1/accounts/{NUMBER}/conversations?q=an&after={cursor}")),
        ("acme", format!("/v1/accounts/{NUMBER}/contacts?after={cursor}")),
        ("acme", format!("/v1/conversations/{id}/messages?after={cursor}")),
        ("bravo", format!("{LIST}?q=an&after={cursor}")),
    ] {
        let answer = get(&world, tenant, &path).await;
        assert_eq!(answer.outcome(), (400, "invalid_query".to_owned()), "{path}");
    }
    // Another limit is the same list.
    let rest = shown(&world, "acme", &format!("{LIST}?q=an&limit=100&after={cursor}")).await;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next"], after(LIST, &rest)), (3, &Value::Null, None));
}
