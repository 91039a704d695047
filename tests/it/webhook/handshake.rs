//! Meta asks whether the address is ours.

use serde_json::json;
use tests::World;

use super::{PATH, calls};

const TOKEN: &str = "simulated-verify-token";

#[tokio::test]
async fn only_who_knows_the_verify_token_gets_the_challenge() {
    let world = World::start().await;
    let of = |mode: &str, token: &str, challenge: &str| {
        format!("{PATH}?hub.mode={mode}&hub.challenge={challenge}&hub.verify_token={token}")
    };
    let long = "x".repeat(129);

    for (path, expected) in [
        (of("subscribe", TOKEN, "1158201444"), (200, json!("1158201444"))),
        (of("subscribe", TOKEN, "aZ-_09"), (200, json!("aZ-_09"))),
        (of("subscribe", "simulated-verify%2Dtoken", "1"), (200, json!("1"))),
        (of("subscribe", "wrong", "1158201444"), (403, json!(null))),
        (of("subscribe", "", "1158201444"), (403, json!(null))),
        (of("subscribe", "simulated-verify-toke", "1"), (403, json!(null))),
        (of("subscribe", "simulated-verify-tokenn", "1"), (403, json!(null))),
        (of("subscribe", "Simulated-Verify-Token", "1"), (403, json!(null))),
        (of("unsubscribe", TOKEN, "1158201444"), (403, json!(null))),
        (of("", TOKEN, "1158201444"), (403, json!(null))),
        (of("subscribe", TOKEN, "%3Cscript%3E"), (400, json!(null))),
        (of("subscribe", TOKEN, ""), (400, json!(null))),
        (of("subscribe", TOKEN, &long), (400, json!(null))),
        (of("subscribe", TOKEN, "1%0A2"), (400, json!(null))),
        (format!("{PATH}?hub.mode=subscribe&hub.verify_token={TOKEN}"), (400, json!(null))),
        (format!("{PATH}?hub_mode=subscribe&hub_challenge=1&hub_verify_token={TOKEN}"), (403, json!(null))),
        (PATH.to_owned(), (403, json!(null))),
    ] {
        let answer = world.call("GET", &path).send().await;
        assert_eq!((answer.status, answer.body.clone()), expected, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    assert_eq!(calls(&world, "GetSecretValue"), 1);
}

#[tokio::test]
async fn without_a_verify_token_nobody_is_confirmed() {
    let world = World::start().await;
    let secret = json!({"app_id": "1", "app_secret": "s", "verify_token": "", "config_id": "",
        "previous_app_secret": "", "previous_app_secret_until": ""});
    let put = world.secrets_manager().put_secret_value();
    let put = put.secret_id(world.variable("webhook", "META_APP_SECRETS")).secret_string(secret.to_string());
    put.send().await.unwrap();

    let path = format!("{PATH}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=");
    assert_eq!(world.call("GET", &path).send().await.status, 403);
}

#[tokio::test]
async fn other_methods_are_none() {
    let world = World::start().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = tests::Call::new(world.cold("webhook", "other"), method, PATH).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")), "{method}");
    }
}
