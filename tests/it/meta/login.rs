//! From the dialog to a token, and what a token is.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::{
    domain::{
        meta_app::MetaApp,
        meta_error::{Class, MetaError},
    },
    meta::login::{AppSubscription, TokenFacts, TokenKind},
};
use tests::wire;

use super::{
    Meta, START, WABA, graph, refused,
    server::{Manner, Server},
};

const REDIRECT: &str = "https://api.example.com/oauth/callback";
const DAY: i64 = 86_400;

/// Says yes in the dialog; the code that comes back.
async fn consent(meta: &Meta, app: &MetaApp, wabas: &str) -> SecretString {
    let dialog = meta.graph.dialog_url(app, REDIRECT, "the-state", false);
    let path = dialog.strip_prefix(&super::url(&meta.simulator)).unwrap();
    let line = format!("GET {path}&_consent=approve&_waba_ids={wabas} HTTP/1.1");
    let answer = wire::send(&super::url(&meta.simulator), &[&line], b"").await;
    let back = answer.header("location").unwrap();
    let query = back.strip_prefix(REDIRECT).unwrap().trim_start_matches('?').trim_end_matches("#_=_");
    assert!(query.ends_with("&state=the-state"), "{query}");
    query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap().into()
}

#[tokio::test]
async fn a_consent_becomes_a_business_token_that_says_what_it_reaches() {
    let meta = Meta::start().await;
    let app = MetaApp { config_id: Some("900".to_owned()), ..meta.app.clone() };
    let code = consent(&meta, &app, &format!("{},{}", WABA[0], WABA[1])).await;

    let granted = meta.graph.of_app(&app).exchange_code(&code, Some(REDIRECT)).await.unwrap();
    let facts = meta.graph.of_app(&app).inspect(&granted.token).await.unwrap();

    assert_eq!(granted.expires_in, None);
    assert_eq!(
        facts,
        TokenFacts {
            app_id: Some(app.id.clone()),
            is_valid: true,
            kind: TokenKind::SystemUser,
            subject: Some("600700800900101".parse().unwrap()),
            expires_at: None,
            data_access_expires_at: None,
            issued_at: Some(super::start()),
            scopes: [
                "whatsapp_business_management",
                "whatsapp_business_messaging",
                "business_management",
                "public_profile"
            ]
            .map(str::to_owned)
            .to_vec(),
            target_wabas: [WABA[1], WABA[0]].map(|id| id.parse().unwrap()).to_vec(),
            targets_all: false,
            error: None,
        }
    );
}

#[tokio::test]
async fn a_person_s_token_is_made_long() {
    let meta = Meta::start().await;
    // Without a configuration the login is the old kind.
    let code = consent(&meta, &meta.app, WABA[0]).await;
    let session = meta.graph.of_app(&meta.app);
    let short = session.exchange_code(&code, Some(REDIRECT)).await.unwrap();

    let long = session.long_lived(&short.token).await.unwrap();
    let facts = session.inspect(&long.token).await.unwrap();

    assert_eq!((short.expires_in, long.expires_in), (Some(5_400), Some(5_184_000)));
    assert_eq!(facts.kind, TokenKind::User);
    assert_eq!(facts.expires_at.map(jiff::Timestamp::as_second), Some(START + 60 * DAY));
    assert_eq!(facts.data_access_expires_at.map(jiff::Timestamp::as_second), Some(START + 90 * DAY));
}

#[tokio::test]
async fn each_way_a_code_can_fail_is_told_apart() {
    let meta = Meta::start().await;
    let session = meta.graph.of_app(&meta.app);
    let used = meta.code(WABA[0]).await;
    session.exchange_code(&used, None).await.unwrap();
    let elsewhere = consent(&meta, &meta.app, WABA[0]).await;
    let old = meta.code(WABA[0]).await;

    let was_used = session.exchange_code(&used, None).await.unwrap_err();
    let moved = session.exchange_code(&elsewhere, Some("https://api.example.com/other")).await.unwrap_err();
    meta.advance(31);
    let expired = session.exchange_code(&old, None).await.unwrap_err();
    let nonsense = session.exchange_code(&"never-given".into(), None).await.unwrap_err();

    assert_eq!(
        [was_used, moved, expired, nonsense].map(|error| error.class()),
        [Class::CodeUsed, Class::RedirectMismatch, Class::CodeExpired, Class::InvalidParameter]
    );
}

#[tokio::test]
async fn the_secrets_of_an_exchange_travel_in_the_body() {
    let meta = Meta::start().await;
    let code = meta.code(WABA[0]).await;
    meta.graph.of_app(&meta.app).exchange_code(&code, None).await.unwrap();

    let calls = meta.calls("/oauth/access_token").await;

    assert_eq!(calls.len(), 1);
    assert_eq!((&calls[0]["method"], &calls[0]["query"]), (&json!("POST"), &json!({})));
    let mut names: Vec<&str> = calls[0]["body"].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["client_id", "client_secret", "code"]);
}

#[tokio::test]
async fn a_dead_token_is_an_answer_and_not_an_error() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let revoked = json!({"token": token.expose_secret(), "subcode": 460});
    meta.sim("revoke", revoked).await;
    let session = meta.graph.of_app(&meta.app);

    let dead = session.inspect(&token).await.unwrap();
    let strange = session.inspect(&"no token at all".into()).await.unwrap();

    assert!(!dead.is_valid && !strange.is_valid);
    assert_eq!(dead.error.map(|error| error.to_string()).as_deref(), Some("password_changed (190/460)"));
    assert_eq!(strange.kind, TokenKind::Unknown(String::new()));
    assert_eq!(
        refused(meta.with(&token).number(&super::NUMBER[0].parse().unwrap()).await),
        "Meta refused: password_changed (190/460)"
    );
}

#[tokio::test]
async fn a_wrong_app_secret_is_the_app_s_fault_and_no_token_s() {
    let meta = Meta::start().await;
    let (code, token) = (meta.code(WABA[0]).await, meta.token(WABA[0]).await);
    let wrong = super::app(&meta.app.id, "another-secret");
    let session = meta.graph.of_app(&wrong);

    let errors = [
        session.exchange_code(&code, None).await.unwrap_err(),
        session.long_lived(&token).await.unwrap_err(),
        session.inspect(&token).await.unwrap_err(),
        session.subscription().await.unwrap_err(),
        meta.graph.of_app(&super::app("1", "x")).exchange_code(&code, None).await.unwrap_err(),
    ];

    for error in errors {
        assert!(matches!(error, MetaError::AppRefused(_)), "{error:?}");
        assert_eq!(error.class(), Class::AppMisconfigured);
    }
}

#[tokio::test]
async fn the_app_s_own_subscription_is_read() {
    let meta = Meta::start().await;
    meta.sim("app", json!({"callback_url": "http://127.0.0.1:1/hooks", "fields": ["messages", "account_update"]}))
        .await;
    let session = meta.graph.of_app(&meta.app);

    let subscription = session.subscription().await.unwrap();
    meta.sim("app", json!({"callback_url": ""})).await;
    let none = session.subscription().await.unwrap();

    let fields = ["messages", "account_update"].map(str::to_owned).to_vec();
    assert_eq!(
        subscription,
        Some(AppSubscription { callback_url: "http://127.0.0.1:1/hooks".to_owned(), fields, active: true })
    );
    assert_eq!(none, None);
}

fn query(url: &str) -> Vec<(String, String)> {
    let (_, query) = url.split_once('?').unwrap();
    query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

#[test]
fn the_dialog_is_facebook_s_and_asks_by_configuration_or_by_scope() {
    let graph = graph("https://graph.facebook.com", "v25.0").unwrap();
    let bare = super::app("67", "secret");
    let configured = MetaApp { config_id: Some("900".to_owned()), ..bare.clone() };

    let by_scope = graph.dialog_url(&bare, "https://a.example/cb?x=1", "st", true);
    let by_configuration = graph.dialog_url(&configured, "https://a.example/cb", "st", true);

    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert!(by_scope.starts_with("https://www.facebook.com/v25.0/dialog/oauth?"), "{by_scope}");
    assert_eq!(
        query(&by_scope),
        [
            pair("client_id", "67"),
            pair("redirect_uri", "https%3A%2F%2Fa.example%2Fcb%3Fx%3D1"),
            pair("state", "st"),
            pair("response_type", "code"),
            pair("override_default_response_type", "true"),
            pair("scope", "whatsapp_business_management%2Cwhatsapp_business_messaging"),
        ]
    );
    let asked = query(&by_configuration);
    assert_eq!(asked[5], pair("config_id", "900"));
    let extras = asked[6].1.replace("%7B", "{").replace("%7D", "}").replace("%22", "\"").replace("%3A", ":");
    let extras: Value = serde_json::from_str(&extras.replace("%2C", ",")).unwrap();
    assert_eq!(
        extras,
        json!({"setup": {}, "featureType": "whatsapp_business_app_onboarding", "sessionInfoVersion": "3"})
    );
    assert!(!by_scope.contains("secret") && !by_configuration.contains("secret"));
}

#[tokio::test]
async fn what_a_token_is_survives_strange_spellings() {
    let server = Server::start(Manner::Answers(
        200,
        r#"{"data": {"app_id": 67, "type": "ROBOT", "is_valid": true, "user_id": 218471, "expires_at": "soon",
            "data_access_expires_at": -1, "issued_at": 1000, "scopes": ["whatsapp_business_messaging", 7, null],
            "granular_scopes": [
                {"scope": "whatsapp_business_manage_events", "target_ids": ["999"]},
                {"scope": "whatsapp_business_management", "target_ids": ["3", 2, "../me", "3"]},
                {"scope": "whatsapp_business_messaging"},
                "nonsense"]}}"#,
    ))
    .await;
    let (graph, app) = (graph(&server.url, "v25.0").unwrap(), super::app("67", "secret"));

    let facts = graph.of_app(&app).inspect(&"a-token".into()).await.unwrap();

    assert_eq!(
        facts,
        TokenFacts {
            app_id: Some("67".to_owned()),
            is_valid: true,
            kind: TokenKind::Unknown("ROBOT".to_owned()),
            subject: Some("218471".parse().unwrap()),
            expires_at: None,
            data_access_expires_at: None,
            issued_at: Some(jiff::Timestamp::from_second(1_000).unwrap()),
            scopes: vec!["whatsapp_business_messaging".to_owned(), "7".to_owned()],
            target_wabas: vec!["3".parse().unwrap(), "2".parse().unwrap()],
            targets_all: true,
            error: None,
        }
    );
}
