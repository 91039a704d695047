//! From Meta's delivery to what is kept, through the real functions: `webhook` puts it on the queue, `inbound` takes it in.

mod budget;
mod corpus;
pub(crate) mod faults;
mod fixtures;
mod identity;
mod messages;
mod order;
mod statuses;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    aws::{
        accounts::{Accounts, Claimed},
        messages::Messages,
        parking::Parking,
        transaction::{Outcome, Transactions},
    },
    domain::{
        account::{Ability, Account, Claim, Facts, Fresh, TokenSummary},
        connection_id::ConnectionId,
        conversation::{ConversationId, Head, MessageId},
        hex,
        message::Stored,
        parking::{Lot, Parked, Reason, Subject},
        sealed::Sealed,
        tenant::TenantId,
    },
};
use tests::{World, signature};

/// A number that is `acme`'s in most tests, on its WABA.
pub(crate) const NUMBER: &str = "300400500600703";
pub(crate) const WABA: &str = "200300400500602";
pub(crate) const DISPLAY: &str = "15550783881";
pub(crate) const ACME: &str = "acme";

/// Something of [`NUMBER`] that is too old to be taken in, as the consumer leaves it.
pub(crate) async fn park(world: &World, owner: Option<&str>, kept_for: SignedDuration) {
    let parking = Parking::new(world.aws_clients().dynamodb(), world.variable("sweeper", "RECEIPTS_TABLE"));
    let lot = Lot { reason: Reason::Stale, subject: Subject::Number(NUMBER.parse().unwrap()) };
    let now = world.product_clock().now();
    let unit = Parked {
        group: "group".to_owned(),
        body: "{}".to_owned(),
        second: 0,
        sequence: "1.0000".to_owned(),
        received_at: now,
        expires_at: now + kept_for,
        owner: owner.map(|owner| owner.parse().unwrap()),
        neighbours: Vec::new(),
        digest: "digest".to_owned(),
    };
    parking.park(&lot, &unit, now).await.unwrap();
}

/// Makes a number a tenant's, without asking Meta.
pub(crate) async fn own(world: &World, tenant: &str, number: &str, waba: &str) -> Account {
    let dynamodb = world.aws_clients().dynamodb();
    let accounts = Accounts::new(dynamodb.clone(), world.variable("inbound", "ACCOUNTS_TABLE"));
    let (tenant, now) = (tenant.parse::<TenantId>().unwrap(), world.product_clock().now());
    let claim = Claim {
        number: number.parse().unwrap(),
        waba: waba.parse().unwrap(),
        connection: ConnectionId::new(&tenant, [7; 16]),
        tenant: tenant.clone(),
        until: now + SignedDuration::from_mins(10),
    };
    let claimed = accounts.claim(&claim, now).await.unwrap();
    let Claimed::Yes { token_version, .. } = claimed else { panic!("{claimed:?}") };
    let summary = TokenSummary {
        kind: "system_user".to_owned(),
        expires_at: None,
        abilities: vec![Ability::Manage, Ability::Message],
        checked_at: now,
    };
    let fresh = Fresh {
        facts: Facts { display_phone_number: DISPLAY.to_owned(), ..Facts::default() },
        business: None,
        coexistence: false,
        external_id: None,
        token: Sealed(b"sealed".to_vec()),
        token_version,
        summary,
        subject: None,
        sealed_at: now,
        pin: None,
        now,
        claim,
    };
    let number = number.parse().unwrap();
    let before = accounts.find(&number).await.unwrap();
    let writes = accounts.activating(fresh, before.as_ref()).unwrap();
    assert!(matches!(Transactions::new(dynamodb).commit(writes).await.unwrap(), Outcome::Committed));
    accounts.find(&number).await.unwrap().unwrap()
}

/// A world in which [`NUMBER`] is `acme`'s.
pub(crate) async fn connected() -> World {
    let world = World::start().await;
    own(&world, ACME, NUMBER, WABA).await;
    world
}

pub(crate) fn messages(world: &World) -> Messages {
    Messages::new(
        world.aws_clients().dynamodb(),
        world.variable("inbound", "MESSAGES_TABLE"),
        365,
        world.product_clock(),
    )
}

/// A second of Meta's, so long ago.
pub(crate) fn ago(world: &World, ago: SignedDuration) -> i64 {
    (world.product_clock().now() - ago).as_second()
}

/// A delivery of one change for [`NUMBER`].
pub(crate) fn delivery(field: &str, mut value: Value) -> Vec<u8> {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": DISPLAY, "phone_number_id": NUMBER});
    let entry = json!({"id": WABA, "changes": [{"value": value, "field": field}]});
    json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string().into_bytes()
}

/// As Meta posts it, until it is taken.
pub(crate) async fn deliver(world: &World, body: &[u8]) {
    let call = world.call("POST", "/webhooks/whatsapp").header("x-hub-signature-256", &signature(body));
    let answer = call.body("application/json", body.to_vec()).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The same, and what came of it is taken in whole.
pub(crate) async fn arrive(world: &World, field: &str, value: Value) {
    deliver(world, &delivery(field, value)).await;
    let drained = world.drain().await;
    assert_eq!(drained.again, 0, "{drained:?}");
}

/// A customer's text.
pub(crate) fn text(from: &str, wamid: &str, second: i64, body: &str) -> Value {
    json!({"from": from, "id": wamid, "timestamp": second.to_string(), "type": "text", "text": {"body": body}})
}

/// What is kept, item by item, by kind: `c` conversations, `a` names, and so on.
pub(crate) async fn items(world: &World, kind: char) -> Vec<Value> {
    let part = format!("#{kind}#");
    let of_kind = |item: &Value| item["pk"].as_str().unwrap().contains(&part);
    let mut items: Vec<Value> = world.table("MESSAGES_TABLE").await.into_iter().filter(of_kind).collect();
    items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
    items
}

/// The messages that are kept.
pub(crate) async fn stored(world: &World) -> Vec<Value> {
    let items = items(world, 'c').await.into_iter();
    items.filter(|item| item["sk"].as_str().unwrap().starts_with("m#")).collect()
}

/// Every conversation with its head.
pub(crate) async fn heads(world: &World) -> Vec<(ConversationId, Head)> {
    let mut heads = Vec::new();
    for item in items(world, 'c').await.into_iter().filter(|item| item["sk"] == "head") {
        let (tenant, id) = item["pk"].as_str().unwrap().split_once("#c#").unwrap();
        let id = ConversationId::new(hex::decode(id).unwrap());
        // Of one that was erased there is none.
        let head = messages(world).head(&tenant.parse().unwrap(), &id).await.unwrap();
        heads.extend(head.map(|head| (id, head)));
    }
    heads
}

/// The one conversation there is.
pub(crate) async fn head(world: &World) -> (ConversationId, Head) {
    let mut heads = heads(world).await;
    assert_eq!(heads.len(), 1, "{heads:#?}");
    heads.remove(0)
}

/// A message, whole.
pub(crate) async fn found(world: &World, conversation: ConversationId, second: i64, wamid: &str) -> Option<Stored> {
    let id = MessageId::of_meta(conversation, Timestamp::from_second(second).ok(), wamid);
    messages(world).find(&ACME.parse().unwrap(), &id).await.unwrap()
}

/// All messages, whole, in the order of their conversations.
pub(crate) async fn all(world: &World) -> Vec<Stored> {
    let mut all = Vec::new();
    for item in stored(world).await.into_iter().filter(|item| item["dir"].is_string()) {
        let (tenant, id) = item["pk"].as_str().unwrap().split_once("#c#").unwrap();
        let id = ConversationId::new(hex::decode(id).unwrap());
        let id = MessageId::from_sort_key(id, item["sk"].as_str().unwrap()).unwrap();
        all.push(messages(world).find(&tenant.parse().unwrap(), &id).await.unwrap().unwrap());
    }
    all
}

/// Meta's id of each, in their order.
pub(crate) async fn wamids(world: &World) -> Vec<String> {
    let mut wamids: Vec<String> = all(world).await.into_iter().filter_map(|message| message.wamid).collect();
    wamids.sort_unstable();
    wamids
}
