//! Downloads: only what is the number's, only from Meta, only what Meta said it would be, and nothing that runs.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Form, PNG, asked, fetched, path, sent_in};
use crate::{
    connect::{NUMBER, ONE, begin, call, system_token},
    receive::{deliver, delivery},
    send::{self, ACME, CUSTOMER},
};

#[tokio::test]
async fn what_somebody_sent_is_given_as_it_came_and_kept_nowhere() {
    let world = send::ready().await;
    let sent = sent_in(&world, "image", "image/png", PNG).await;

    let back = fetched(&world, &sent["id"]).await;

    assert_eq!((back.status, &back.bytes[..]), (200, PNG));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(back.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn what_a_browser_would_run_comes_as_an_attachment() {
    let world = send::ready().await;
    let polyglot = [PNG, b"<html><script>alert(1)</script>"].concat();
    for (kind, mime_type, bytes) in [
        ("document", "text/html", &b"<!doctype html><script>alert(1)</script>"[..]),
        ("document", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("document", "application/xml", b"<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>"),
        ("document", "application/pdf", b"%PDF-1.4\n1 0 obj<</S/JavaScript>>endobj"),
        ("image", "image/png", b"<html><script>alert(1)</script>"),
        ("image", "image/png", &polyglot),
        ("image", "text/html", PNG),
        ("document", "text/plain", b"Hello"),
    ] {
        let sent = sent_in(&world, kind, mime_type, bytes).await;
        let back = fetched(&world, &sent["id"]).await;

        let name = format!("attachment; filename=\"{}\"", sent["id"].as_str().unwrap());
        assert_eq!((back.status, &back.bytes[..]), (200, bytes), "{mime_type}");
        assert_eq!(back.header("content-type"), Some("application/octet-stream"), "{mime_type}");
        assert_eq!(back.header("content-disposition"), Some(name.as_str()), "{mime_type}");
        assert_eq!(back.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(back.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    }
}

/// Ids that are none, that are of something else, or somebody else's.
fn hostile(own: &str, anothers: &str) -> Vec<String> {
    let mut ids: Vec<String> = [
        "me",
        "0",
        "1",
        "-1",
        "1.5",
        "1e3",
        "0x1f",
        "%2e%2e",
        "..%2f..%2fme",
        "%00",
        "%0a",
        "%20",
        "%09",
        "%5c",
        "%25",
        "%3Ffields=id",
        "%23",
        "%2F",
        "%2Fme%2Faccounts",
        "null",
        "undefined",
        "{media_id}",
        "*",
        "%E2%91%A0",
        "%D9%A1%D9%A2",
        "oauth",
        "debug_token",
        "search",
        "%7B%7D",
        "%22",
        "%27%20OR%201=1",
        "http:%2F%2F169.254.169.254",
        NUMBER,
        ONE,
        "900000000000000",
    ]
    .map(str::to_owned)
    .to_vec();
    ids.extend([
        format!("{own}%2Fmessages"),
        format!("{own}%3Faccess_token=x"),
        format!("{own}%26fields=url"),
        format!("{own}%20"),
        format!("%20{own}"),
        format!("{own}%00"),
        format!("0{own}"),
        format!("{own}.json"),
        "9".repeat(33),
        "9".repeat(5000),
        anothers.to_owned(),
    ]);
    ids
}

#[tokio::test]
async fn an_id_that_is_no_file_of_the_number_asks_nothing_of_meta() {
    let world = send::ready().await;
    let own = sent_in(&world, "image", "image/png", PNG).await["id"].as_str().unwrap().to_owned();
    // Of a number of the same WABA's owner, which acme's token reaches too, and which is bravo's here.
    let token = system_token(&world, ONE).await;
    let other = world.meta.post("/_sim/numbers", json!({"waba_id": ONE, "phone_number": "15550207001"})).await;
    let other = other["id"].as_str().unwrap();
    let manual = json!({"access_token": token, "waba_id": ONE, "phone_number_ids": [other]});
    begin(&world, "bravo", json!({"method": "manual", "manual": manual})).await;
    let upload = Form::default().file("a.png", None, PNG).on(call(
        &world,
        "bravo",
        "POST",
        &format!("/v1/accounts/{other}/media"),
    ));
    let anothers = upload.send().await.text("id");
    assert!(!anothers.is_empty());
    let ids = hostile(&own, &anothers);
    let before = asked(&world, "").await;

    for id in &ids {
        let answer = call(&world, ACME, "GET", &format!("/v1/accounts/{NUMBER}/media/{id}")).send().await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{id}");
    }
    // Nor does another tenant's way to the file lead there.
    for (tenant, number) in [("bravo", NUMBER), ("bravo", other), (ACME, other)] {
        let answer = call(&world, tenant, "GET", &format!("/v1/accounts/{number}/media/{own}")).send().await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{tenant} {number}");
    }

    println!("media: {} hostile ids, {} calls to Graph", ids.len(), asked(&world, "").await - before);
    assert!(ids.len() >= 40, "{}", ids.len());
    assert_eq!(asked(&world, "").await, before);
    assert_eq!(call(&world, ACME, "GET", &path(&json!(own))).send().await.status, 200);
}

#[tokio::test]
async fn whoever_has_the_number_next_has_none_of_its_files() {
    let world = send::ready().await;
    let sent = sent_in(&world, "image", "image/png", PNG).await;
    assert_eq!(call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.status, 200);
    let token = system_token(&world, ONE).await;
    let manual = json!({"access_token": token, "waba_id": ONE, "phone_number_ids": [NUMBER]});
    let begun = begin(&world, "bravo", json!({"method": "manual", "manual": manual})).await;
    assert_eq!(begun["status"], "connected", "{begun:#}");

    let before = asked(&world, "").await;
    let theirs = call(&world, "bravo", "GET", &path(&sent["id"])).send().await;

    assert_eq!((theirs.outcome(), asked(&world, "").await), ((404, "not_found".to_owned()), before));
}

#[tokio::test]
async fn a_url_in_a_webhook_is_never_fetched() {
    let world = send::ready().await;
    let sent = sent_in(&world, "image", "image/png", PNG).await;
    let hostile = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/latest/meta-data", hostile.local_addr().unwrap());
    let image = json!({"id": "8123", "mime_type": "image/png", "sha256": "x", "url": url});
    let message = json!({"from": CUSTOMER, "id": "wamid.hostile", "timestamp": world.clock.now().as_second().to_string(),
        "type": "image", "image": image});
    deliver(&world, &delivery("messages", json!({"messages": [message]}))).await;
    world.drain().await;

    // The message is there as it came; Graph knows no such file.
    let shown = call(&world, ACME, "GET", "/v1/messages/wamid.hostile").send().await;
    assert_eq!(shown.body["content"]["url"], json!(url), "{shown:?}");
    assert_eq!(fetched(&world, &json!("8123")).await.outcome(), (410, "media_expired".to_owned()));
    // Nor is one fetched that Graph itself would give, away from Meta.
    world.meta.post(&format!("/_sim/media/{}", sent["id"].as_str().unwrap()), json!({"url": url})).await;
    assert_eq!(fetched(&world, &sent["id"]).await.outcome(), (503, "meta_unavailable".to_owned()));

    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), hostile.accept()).await;
    assert!(nobody.is_err(), "somebody came: {nobody:?}");
}

#[tokio::test]
async fn what_is_not_what_meta_said_is_refused() {
    let world = send::ready().await;
    for (served, why) in [
        (json!({"bytes_base64": BASE64_STANDARD.encode(&PNG[..PNG.len() - 1])}), "size"),
        (json!({"bytes_base64": BASE64_STANDARD.encode([&PNG[..PNG.len() - 1], b"!"].concat())}), "hash"),
        (json!({"bytes_base64": ""}), "size"),
        (json!({"mime_type": "text/html"}), "type"),
    ] {
        let sent = sent_in(&world, "image", "image/png", PNG).await;
        world.meta.post(&format!("/_sim/media/{}", sent["id"].as_str().unwrap()), served).await;

        let refused = fetched(&world, &sent["id"]).await;

        assert_eq!(refused.outcome(), (502, "media_broken".to_owned()), "{why}");
        assert!(refused.text("detail").contains(why), "{refused:?}");
        assert_eq!(refused.body["retryable"], json!(true));
    }
}

#[tokio::test]
async fn what_the_media_host_does_not_give_is_metas_fault() {
    let world = send::ready().await;
    let sent = sent_in(&world, "image", "image/png", PNG).await;
    for (fault, outcome) in [
        (json!({"status": 503}), (503, "meta_unavailable")),
        (json!({"status": 302}), (503, "meta_unavailable")),
        (json!({"reset": "before"}), (503, "meta_unavailable")),
    ] {
        let matching = json!({"path": "/whatsapp_business/attachments"});
        world.meta.post("/_sim/faults", json!({"match": matching, "times": 1, "fault": fault})).await;
        let refused = fetched(&world, &sent["id"]).await;
        assert_eq!(refused.outcome(), (outcome.0, outcome.1.to_owned()), "{fault}");
    }
    let unknown = json!({"match": {"path": sent["id"]}, "times": 1, "fault": {"error": {"code": 190}}});
    world.meta.post("/_sim/faults", unknown).await;
    assert_eq!(fetched(&world, &sent["id"]).await.outcome(), (502, "meta_refused".to_owned()));
    assert_eq!(fetched(&world, &sent["id"]).await.status, 200);
}

#[tokio::test]
async fn a_file_that_meta_keeps_no_more_is_gone_and_says_how_long_it_was_there() {
    let world = send::ready().await;
    let sent = sent_in(&world, "image", "image/png", PNG).await;
    let uploaded = Form::default().file("a.png", None, PNG).send(&world, ACME).await.body["id"].clone();

    world.clock.advance(SignedDuration::from_hours(24 * 7));
    let before = asked(&world, "").await;
    let gone = fetched(&world, &sent["id"]).await;

    assert_eq!((gone.outcome(), asked(&world, "").await), ((410, "media_expired".to_owned()), before));
    assert!(gone.text("remedy").contains("7 days"), "{gone:?}");
    assert_eq!(fetched(&world, &uploaded).await.status, 200);
    world.clock.advance(SignedDuration::from_hours(24 * 23));
    assert_eq!(fetched(&world, &uploaded).await.outcome(), (410, "media_expired".to_owned()));
}

#[tokio::test]
async fn a_file_too_large_to_come_through_is_not_fetched() {
    let world = send::ready().await;
    let large = vec![0; 4 * 1024 * 1024 + 1];
    let sent = sent_in(&world, "document", "application/pdf", &large).await;

    let refused = fetched(&world, &sent["id"]).await;

    assert_eq!(refused.outcome(), (413, "media_too_large".to_owned()));
    assert!(refused.text("remedy").contains("4 MiB"), "{refused:?}");
    assert_eq!(asked(&world, "/whatsapp_business/attachments").await, 0);
    assert_eq!(refused.body["errors"], Value::Null);
}
