//! What Meta tells of templates, through the simulator: their review, their pauses, their category, in any order.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{asked, created, listed, refresh, shared_with_bravo, shown, told};
use crate::{
    connect::{NUMBER, ONE, call},
    receive::deliver,
    send::{self, ACME},
};

async fn decide(world: &World, template: &Value, decision: Value) {
    let mut asked = decision;
    asked["id"] = template["id"].clone();
    world.meta.post("/_sim/templates", asked).await;
    told(world).await;
}

/// A second passes: Meta tells no less.
fn later(world: &World) {
    world.clock.advance(SignedDuration::from_secs(5));
}

#[tokio::test]
async fn a_review_ends_as_meta_says_and_nobody_asks() {
    let world = send::ready().await;
    let made = created(&world, "order_shipped").await;
    listed(&world, ACME, NUMBER).await;
    let before = asked(&world, "GET").await;

    later(&world);
    told(&world).await;

    let approved = shown(&world, "order_shipped").await;
    assert_eq!((&approved["status"], &approved["id"]), (&json!("APPROVED"), &made["id"]));
    world.meta.post("/_sim/behaviour", json!({"review_verdict": "REJECTED"})).await;
    created(&world, "order_lost").await;
    later(&world);
    told(&world).await;
    let rejected = shown(&world, "order_lost").await;
    assert_eq!((&rejected["status"], &rejected["rejected_reason"]), (&json!("REJECTED"), &json!("INVALID_FORMAT")));
    assert_eq!(asked(&world, "GET").await, before);
}

#[tokio::test]
async fn quality_pauses_and_category_are_kept_fresh() {
    let world = send::ready().await;
    let made = created(&world, "order_shipped").await;
    listed(&world, ACME, NUMBER).await;
    later(&world);
    told(&world).await;

    later(&world);
    decide(&world, &made, json!({"quality": "YELLOW"})).await;
    decide(&world, &made, json!({"event": "PAUSED", "title": "FIRST_PAUSE"})).await;
    let paused = shown(&world, "order_shipped").await;
    assert_eq!((&paused["status"], &paused["quality_score"]["score"]), (&json!("PAUSED"), &json!("YELLOW")));

    // Within the same second, too.
    decide(&world, &made, json!({"event": "APPROVED", "title": "UNPAUSE"})).await;
    decide(&world, &made, json!({"correct_category": "MARKETING"})).await;
    let announced = shown(&world, "order_shipped").await;
    assert_eq!(
        (&announced["status"], &announced["category"], &announced["correct_category"]),
        (&json!("APPROVED"), &json!("UTILITY"), &json!("MARKETING"))
    );
    assert!(announced["category_changes_at"].is_string() && announced["category_changed_at"].is_null());

    later(&world);
    decide(&world, &made, json!({"category": "MARKETING"})).await;
    let changed = shown(&world, "order_shipped").await;
    assert_eq!(
        (&changed["category"], &changed["previous_category"], &changed["correct_category"]),
        (&json!("MARKETING"), &json!("UTILITY"), &Value::Null)
    );
    assert!(changed["category_changed_at"].is_string() && changed["category_changes_at"].is_null(), "{changed:#}");
    // Reading it anew changes nothing of that.
    let since = changed["category_changed_at"].clone();
    refresh(&world).await;
    assert_eq!(shown(&world, "order_shipped").await["category_changed_at"], since);
}

/// A delivery of Meta's about a template, of that second.
fn about(template: &Value, field: &str, second: i64, mut value: Value) -> Vec<u8> {
    value["message_template_id"] = json!(template["id"].as_str().unwrap().parse::<u64>().unwrap());
    value["message_template_name"] = template["name"].clone();
    value["message_template_language"] = template["language"].clone();
    let change = json!({"field": field, "value": value});
    let entry = json!({"id": ONE, "time": second, "changes": [change]});
    json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string().into_bytes()
}

#[tokio::test]
async fn the_same_life_told_in_any_order_ends_the_same() {
    let world = send::ready().await;
    listed(&world, ACME, NUMBER).await;
    let status = "message_template_status_update";
    let lives = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [3, 1, 4, 0, 2]];
    for (life, order) in lives.into_iter().enumerate() {
        let made = created(&world, &format!("order_{life}")).await;
        let now = world.clock.now().as_second();
        let news = [
            about(&made, status, now + 1, json!({"event": "APPROVED", "reason": "NONE"})),
            about(
                &made,
                "template_category_update",
                now + 2,
                json!({"previous_category": "UTILITY", "new_category": "MARKETING"}),
            ),
            about(&made, status, now + 3, json!({"event": "PAUSED", "reason": "NONE"})),
            about(
                &made,
                "message_template_quality_update",
                now + 4,
                json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"}),
            ),
            about(&made, status, now + 5, json!({"event": "DISABLED", "reason": "NONE"})),
        ];
        world.clock.advance(SignedDuration::from_secs(6));
        for place in order.into_iter().chain(order) {
            deliver(&world, &news[place]).await;
            world.drain().await;
        }
        let ended = shown(&world, &format!("order_{life}")).await;
        assert_eq!(
            (&ended["status"], &ended["category"], &ended["quality_score"]["score"]),
            (&json!("DISABLED"), &json!("MARKETING"), &json!("RED")),
            "{order:?}"
        );
        // The review that the simulator ends by itself is older news.
        told(&world).await;
    }
}

#[tokio::test]
async fn what_comes_again_long_after_something_later_of_the_same_second_is_nothing_new() {
    let world = send::ready().await;
    let made = created(&world, "order_shipped").await;
    let second = world.clock.now().as_second() + 1;
    let paused = about(&made, "message_template_status_update", second, json!({"event": "PAUSED"}));
    let resumed = about(&made, "message_template_status_update", second, json!({"event": "APPROVED"}));
    world.clock.advance(SignedDuration::from_secs(2));
    for news in [&paused, &resumed] {
        deliver(&world, news).await;
        world.drain().await;
    }

    // What SQS has seen within five minutes it drops; later it does not.
    world.clock.advance(SignedDuration::from_mins(6));
    deliver(&world, &paused).await;
    world.drain().await;

    assert_eq!(shown(&world, "order_shipped").await["status"], json!("APPROVED"));
}

#[tokio::test]
async fn every_tenant_of_a_waba_hears_of_its_templates_and_nobody_else() {
    let world = send::ready().await;
    let theirs = shared_with_bravo(&world).await;
    let made = created(&world, "order_shipped").await;
    listed(&world, "bravo", &theirs).await;
    later(&world);

    decide(&world, &made, json!({"event": "PAUSED"})).await;

    let of_bravo = listed(&world, "bravo", &theirs).await;
    let of_bravo = of_bravo.iter().find(|one| one["name"] == "order_shipped").unwrap();
    assert_eq!(
        (&shown(&world, "order_shipped").await["status"], &of_bravo["status"]),
        (&json!("PAUSED"), &json!("PAUSED"))
    );
    let rows = world.table("MESSAGES_TABLE").await;
    assert_eq!(rows.iter().filter(|row| row["sk"] == "order_shipped#en_US").count(), 2);
}

#[tokio::test]
async fn one_that_somebody_made_in_whatsapp_manager_is_known_by_its_news_and_read_when_it_is_asked_for() {
    let world = send::ready().await;
    listed(&world, ACME, NUMBER).await;
    let made = created(&world, "order_shipped").await;
    let mut strange = made.clone();
    strange["name"] = json!("made_elsewhere");
    strange["id"] = json!("987654321");
    let second = world.clock.now().as_second() + 1;
    let news = json!({"event": "APPROVED", "message_template_category": "MARKETING"});
    world.clock.advance(SignedDuration::from_secs(2));
    deliver(&world, &about(&strange, "message_template_status_update", second, news)).await;
    world.drain().await;
    let rows = world.table("MESSAGES_TABLE").await;
    let row = rows.iter().find(|row| row["sk"] == "made_elsewhere#en_US").unwrap();
    let graph: Value = serde_json::from_str(row["graph"].as_str().unwrap()).unwrap();
    assert_eq!((&graph["status"], &graph["category"]), (&json!("APPROVED"), &json!("MARKETING")));
    let before = asked(&world, "GET").await;

    // Meta's own list has it not: it is shown while it is new.
    let listed = shown(&world, "made_elsewhere").await;

    assert_eq!(asked(&world, "GET").await, before + 1);
    assert_eq!((&listed["status"], &listed["parameters"]), (&json!("APPROVED"), &Value::Null));
    world.clock.advance(SignedDuration::from_mins(2));
    refresh(&world).await;
    assert_eq!(shown(&world, "made_elsewhere").await, Value::Null);
}

#[tokio::test]
async fn the_feed_tells_of_each_change_as_the_list_shows_it_and_of_none_that_nobody_sees() {
    let world = send::ready().await;
    listed(&world, ACME, NUMBER).await;
    let made = created(&world, "order_shipped").await;
    later(&world);
    told(&world).await;
    // Meta's list says more of it than was handed in and told.
    refresh(&world).await;
    decide(&world, &made, json!({"category": "MARKETING"})).await;
    let shown = shown(&world, "order_shipped").await;
    // By now it says nothing new.
    refresh(&world).await;
    let path = format!("/v1/accounts/{NUMBER}/templates/order_shipped");
    assert_eq!(call(&world, ACME, "DELETE", &path).send().await.status, 204);
    told(&world).await;
    let fed = world.feed().await;
    assert_eq!(fed.again, 0, "{fed:?}");

    let events = call(&world, ACME, "GET", "/v1/events?type=template.updated&limit=100").send().await;

    let of_order =
        events.body["data"].as_array().unwrap().iter().filter(|event| event["data"]["name"] == "order_shipped");
    let of_order: Vec<&Value> = of_order.collect();
    let steps: Vec<(&Value, &Value)> =
        of_order.iter().map(|event| (&event["data"]["status"], &event["data"]["category"])).collect();
    assert_eq!(
        steps,
        [
            (&json!("PENDING"), &json!("UTILITY")),
            (&json!("APPROVED"), &json!("UTILITY")),
            (&json!("APPROVED"), &json!("UTILITY")),
            (&json!("APPROVED"), &json!("MARKETING")),
            (&json!("DELETED"), &json!("MARKETING")),
        ],
        "{of_order:#?}"
    );
    assert_eq!(of_order[3]["data"], shown);
    let mut changed: Vec<&str> =
        of_order[3]["changed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    changed.sort_unstable();
    assert_eq!(changed, ["category", "category_changed_at", "previous_category", "updated_at"]);
    assert_eq!((&of_order[3]["phone_number_id"], &of_order[3]["tenant"]), (&Value::Null, &json!(ACME)));
}
