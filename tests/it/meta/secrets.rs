//! Whatever goes wrong on the way to Meta: one attempt, a bounded wait, and no secret in the error or the log.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use shared::{
    Error,
    domain::{hex, meta_app::MetaApp, meta_error::MetaError},
    meta::Graph,
};
use tests::Log;
use tokio::net::TcpListener;

use super::{
    Meta, NUMBER, WABA, graph, quick,
    server::{Manner, Server},
};

const TOKEN: &str = "EAAtheTokenNobodyMaySee";
const SECRET: &str = "theAppSecretNobodyMaySee";
const CODE: &str = "theCodeNobodyMaySee";
const PIN: &str = "918273";

fn app() -> MetaApp {
    MetaApp { verify_token: Some("theVerifyTokenNobodyMaySee".into()), ..super::app("67", SECRET) }
}

/// One call of each kind: with a token by GET, POST and DELETE, with the app's own, with its secret and a code.
async fn every_kind_of_call(graph: &Graph) -> Vec<MetaError> {
    let (app, token) = (app(), SecretString::from(TOKEN));
    let session = graph.with(&app, &token);
    let (number, waba) = (NUMBER[0].parse().unwrap(), WABA[0].parse().unwrap());
    vec![
        session.number(&number).await.unwrap_err(),
        session.register(&number, &PIN.into()).await.unwrap_err(),
        session.unsubscribe(&waba).await.unwrap_err(),
        session.numbers_of(&waba).await.unwrap_err(),
        graph.of_app(&app).inspect(&token).await.unwrap_err(),
        graph.of_app(&app).long_lived(&token).await.unwrap_err(),
        graph.of_app(&app).exchange_code(&CODE.into(), Some("https://a.example/")).await.unwrap_err(),
    ]
}

/// Every way to write a secret that any of those calls sends.
fn forbidden() -> Vec<String> {
    let secrets = [TOKEN, SECRET, CODE, PIN, &proof(SECRET, TOKEN), "theVerifyTokenNobodyMaySee"];
    secrets.iter().flat_map(|secret| tests::spellings(secret)).collect()
}

fn proof(secret: &str, token: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(token);
    hex::encode(&mac.finalize().into_bytes())
}

fn leaks(text: &str) -> Vec<String> {
    forbidden().into_iter().filter(|secret| text.contains(secret.as_str())).collect()
}

const MALFORMED: &str = "{\"data\": [ECHO";
const ECHOED: &str = r#"{"error": {"message": "ECHO", "code": 190, "error_subcode": 463, "error_data": {"details": "ECHO"},
    "error_user_title": "ECHO", "error_user_msg": "ECHO", "fbtrace_id": "ECHO", "is_transient": false}}"#;

#[tokio::test]
async fn no_failure_shows_a_secret_in_an_error_or_in_the_log() {
    let log = Log::default();
    let _listening = log.listen();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let mut urls = vec![("nobody listens", nobody)];
    let manners = [
        ("it hangs", Manner::Hangs),
        ("it refuses", Manner::Refuses),
        ("it breaks", Manner::Breaks),
        ("500 with what it was asked", Manner::Answers(500, "ECHO")),
        ("a refusal with what it was asked", Manner::Answers(400, ECHOED)),
        ("the same with a 200", Manner::Answers(200, ECHOED)),
        ("a malformed body", Manner::Answers(200, MALFORMED)),
        ("a redirect", Manner::Answers(302, "ECHO")),
    ];
    for (name, manner) in manners {
        urls.push((name, Server::start(manner).await.url));
    }
    for (name, url) in urls.clone() {
        // Of a server that speaks no TLS.
        if name == "it breaks" {
            urls.push(("no TLS", url.replace("http://", "https://")));
        }
    }

    for (name, url) in urls {
        let graph = quick(&url);
        let errors = every_kind_of_call(&graph).await;
        for error in errors {
            let wrapped = Error::from(error.clone());
            let shown = format!("{error} {error:?} {wrapped} {wrapped:?} {} {}", wrapped.chain(), error.remedy());
            assert_eq!(leaks(&shown), Vec::<String>::new(), "{name}: {shown}");
        }
        assert_eq!(leaks(&format!("{graph:?} {:?}", app())), Vec::<String>::new());
    }

    let logged = log.text();
    assert!(logged.contains("a call to Meta failed") && logged.contains("token_expired (190/463)"), "{logged}");
    assert_eq!(leaks(&logged), Vec::<String>::new());
}

#[tokio::test]
async fn each_way_to_fail_is_one_attempt_and_has_a_name() {
    for (manner, expected) in [
        (Manner::Hangs, MetaError::Unreachable("timeout")),
        (Manner::Refuses, MetaError::Unreachable("connection lost")),
        (Manner::Breaks, MetaError::Unreachable("connection lost")),
        (Manner::Answers(503, ""), MetaError::Unreachable("status 503")),
        (Manner::Answers(429, "{}"), MetaError::Unreachable("status 429")),
        (Manner::Answers(302, "{}"), MetaError::Unreachable("a redirect")),
        (Manner::Answers(200, ""), MetaError::Unreadable),
        (Manner::Answers(200, "[1"), MetaError::Unreadable),
        (Manner::Answers(200, "{}"), MetaError::Unreadable),
        (Manner::Answers(200, r#"{"success": false}"#), MetaError::Unreadable),
        (Manner::Floods, MetaError::Unreadable),
    ] {
        let server = Server::start(manner).await;
        let is_waited_for = matches!(manner, Manner::Hangs);
        let graph = if is_waited_for { quick(&server.url) } else { graph(&server.url, "v25.0").unwrap() };
        let (app, token) = (app(), SecretString::from(TOKEN));
        let begun = Instant::now();

        let error = graph.with(&app, &token).register(&NUMBER[0].parse().unwrap(), &PIN.into()).await.unwrap_err();

        assert_eq!(error, expected, "{manner:?}");
        assert!(error.is_temporary(), "{manner:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{manner:?} took {:?}", begun.elapsed());
        let attempts = usize::from(!matches!(manner, Manner::Refuses));
        assert_eq!(server.asked().len(), attempts, "{manner:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_who_cannot_prove_to_be_meta() {
    let server = Server::start(Manner::Breaks).await;
    let (graph, app, token) = (quick(&server.url.replace("http://", "https://")), app(), SecretString::from(TOKEN));

    let error = graph.with(&app, &token).number(&NUMBER[0].parse().unwrap()).await.unwrap_err();

    assert!(matches!(error, MetaError::Unreachable("no connection" | "timeout")), "{error:?}");
    assert!(server.asked().iter().all(|asked| !asked.contains(TOKEN)));
}

#[tokio::test]
async fn a_call_shows_its_token_in_one_header_only() {
    let server = Server::start(Manner::Answers(400, "{}")).await;
    let graph = graph(&server.url, "v25.0").unwrap();
    let (app, token) = (app(), SecretString::from(TOKEN));

    let _ = graph.with(&app, &token).register(&NUMBER[0].parse().unwrap(), &PIN.into()).await;

    let asked = server.asked().remove(0);
    assert!(asked.starts_with(&format!("POST /v25.0/{}/register HTTP/1.1\r\n", NUMBER[0])), "{asked}");
    assert_eq!(asked.matches(TOKEN).count(), 1);
    assert!(asked.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{asked}");
    assert!(!asked.contains(SECRET), "{asked}");
}

#[tokio::test]
async fn the_answer_of_another_version_is_warned_of_once() {
    let log = Log::default();
    let _listening = log.listen();
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let number = NUMBER[0].parse().unwrap();
    let old = graph(&super::url(&meta.simulator), "v19.0").unwrap();

    meta.with(&token).number(&number).await.unwrap();
    let before = log.text();
    for _ in 0..3 {
        old.clone().with(&meta.app, &token).number(&number).await.unwrap();
    }

    assert!(!before.contains("another version"), "{before}");
    let logged = log.text();
    assert_eq!(logged.matches("Meta answers as another version").count(), 1, "{logged}");
    assert!(logged.contains(r#"asked="v19.0" answered="v21.0""#), "{logged}");
}
