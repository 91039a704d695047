//! The Meta app as the operator entered it.

use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{Error, aws::meta_app::MetaApps};
use tests::World;

async fn entered(world: &World, value: &Value) -> MetaApps {
    world.secrets_manager().create_secret().name("app").secret_string(value.to_string()).send().await.unwrap();
    MetaApps::new(world.aws_clients().secrets(world.product_clock()), "app".to_owned(), world.product_clock())
}

async fn enter(world: &World, text: &str) {
    world.secrets_manager().put_secret_value().secret_id("app").secret_string(text).send().await.unwrap();
}

/// As the template writes it.
fn value(id: &str, secret: &str) -> Value {
    json!({"app_id": id, "app_secret": secret, "verify_token": "", "config_id": "",
        "previous_app_secret": "", "previous_app_secret_until": ""})
}

fn reads(world: &World) -> usize {
    world.aws.calls().iter().filter(|call| call.operation == "GetSecretValue").count()
}

#[tokio::test]
async fn an_app_is_read_as_the_template_writes_it_and_shows_its_id_alone() {
    let world = World::start().await;
    let until = world.clock.now() + SignedDuration::from_hours(24);
    let whole = json!({"app_id": "67", "app_secret": "s3cret", "verify_token": "v3rify", "config_id": "900",
        "previous_app_secret": "0ld", "previous_app_secret_until": format!("{until:.0}")});
    let app = entered(&world, &whole).await.current().await.unwrap();

    let secrets = |now| app.secrets_at(now).map(|secret| secret.expose_secret().to_owned()).collect::<Vec<_>>();
    assert_eq!((app.id.as_str(), app.config_id.as_deref()), ("67", Some("900")));
    assert_eq!(app.verify_token.as_ref().map(ExposeSecret::expose_secret), Some("v3rify"));
    assert_eq!(secrets(world.clock.now()), ["s3cret", "0ld"]);
    assert_eq!(secrets(until), ["s3cret"]);
    assert_eq!(format!("{app:?}"), r#"MetaApp { id: "67", .. }"#);
}

#[tokio::test]
async fn without_an_id_or_a_secret_there_is_no_app() {
    let world = World::start().await;
    let apps = entered(&world, &value("", "")).await;
    for incomplete in [value("67", ""), value("", "s3cret"), value("", "")] {
        enter(&world, &incomplete.to_string()).await;
        world.clock.advance(SignedDuration::from_mins(5));
        assert!(matches!(apps.current().await, Err(Error::MetaAppNotConfigured)), "{incomplete}");
    }

    let before = reads(&world);
    assert!(apps.current().await.is_err());
    assert_eq!(reads(&world), before, "that there is none is remembered too");
}

#[tokio::test]
async fn the_secret_is_read_again_after_five_minutes_and_by_one_reader() {
    let world = World::start().await;
    let apps = entered(&world, &value("67", "first")).await;
    let before = reads(&world);

    let all = (0..20).map(|_| apps.clone()).map(async |apps| apps.current().await.unwrap().id.clone());
    let mut asked = tokio::task::JoinSet::new();
    for one in all {
        asked.spawn(one);
    }
    assert_eq!(asked.join_all().await, vec!["67"; 20]);
    enter(&world, &value("67", "second").to_string()).await;
    world.clock.advance(SignedDuration::from_secs(299));
    let still = apps.current().await.unwrap();
    assert_eq!(reads(&world) - before, 1);
    world.clock.advance(SignedDuration::from_secs(1));
    let now = apps.current().await.unwrap();

    assert_eq!((still.secret.expose_secret(), now.secret.expose_secret()), ("first", "second"));
    assert_eq!(reads(&world) - before, 2);
}

#[tokio::test]
async fn a_previous_secret_counts_for_eight_days_at_most() {
    let world = World::start().await;
    let apps = entered(&world, &value("67", "s3cret")).await;
    for (until, counts) in [("", 1), ("soon", 1), ("2999-01-01T00:00:00Z", 1)] {
        let mut far = value("67", "s3cret");
        far["previous_app_secret"] = json!("0ld");
        far["previous_app_secret_until"] = json!(until);
        enter(&world, &far.to_string()).await;
        world.clock.advance(SignedDuration::from_mins(5));
        let app = apps.current().await.unwrap();
        assert_eq!(app.secrets_at(world.clock.now()).count(), counts, "{until}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_not_quoted() {
    let world = World::start().await;
    let apps = entered(&world, &value("67", "s3cret")).await;
    for broken in
        ["theSecretNobodyMaySee", r#"{"app_secret": "theSecretNobodyMaySee"}"#, r#"{"app_id": "theSecretNobodyMaySee""#]
    {
        enter(&world, broken).await;
        world.clock.advance(SignedDuration::from_mins(5));
        let error = apps.current().await.unwrap_err();
        let shown = format!("{error} {error:?} {}", error.chain());
        assert!(matches!(error, Error::Corrupt(_)) && !shown.contains("theSecretNobodyMaySee"), "{shown}");
    }
}
