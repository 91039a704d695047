//! Nothing of a delivery is looked at before its signature is, over the bytes that came.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Call, Log, World, signature, signed_by};

use super::{PATH, calls, deliver, one, queued, seen};

async fn post(world: &World, header: Option<&str>, body: &[u8]) -> u16 {
    let mut call = world.call("POST", PATH);
    if let Some(header) = header {
        call = call.header("x-hub-signature-256", header);
    }
    call.body("application/json", body.to_vec()).send().await.status
}

/// Each with what is wrong about it.
fn wrong(body: &[u8]) -> BTreeMap<&'static str, Option<String>> {
    let right = signature(body);
    let digits = right.trim_start_matches("sha256=").to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let reserialised = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&text).unwrap()).unwrap();
    let flipped = |at: usize| {
        let mut letters = digits.clone().into_bytes();
        letters[at] = if letters[at] == b'0' { b'1' } else { b'0' };
        format!("sha256={}", String::from_utf8(letters).unwrap())
    };
    BTreeMap::from([
        ("missing", None),
        ("empty", Some(String::new())),
        ("the scheme alone", Some("sha256=".to_owned())),
        ("no scheme", Some(digits.clone())),
        ("SHA-1", Some("sha1=aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d".to_owned())),
        ("another scheme's name", Some(format!("sha512={digits}"))),
        ("the scheme in upper case", Some(format!("SHA256={digits}"))),
        ("upper-case digits", Some(format!("sha256={}", digits.to_uppercase()))),
        ("63 digits", Some(format!("sha256={}", &digits[..63]))),
        ("65 digits", Some(format!("{right}0"))),
        ("no digit among them", Some(format!("sha256={}x", &digits[..63]))),
        ("base64", Some(format!("sha256={}", BASE64_STANDARD.encode(&digits.as_bytes()[..32])))),
        ("two, joined", Some(format!("{right},{right}"))),
        ("a wrong one and the right one", Some(format!("sha256={},{right}", "0".repeat(64)))),
        ("a space before", Some(format!(" {right}"))),
        ("a space between", Some(format!("sha256= {digits}"))),
        ("in quotes", Some(format!("\"{right}\""))),
        ("the first digit flipped", Some(flipped(0))),
        ("the last digit flipped", Some(flipped(63))),
        ("zeros", Some(format!("sha256={}", "0".repeat(64)))),
        ("of another body", Some(signature(b"{}"))),
        ("of the body and a line end", Some(signature(format!("{text}\n").as_bytes()))),
        ("of the body written anew", Some(signature(reserialised.as_bytes()))),
        ("of nothing", Some(signature(b""))),
        ("under the verify token", Some(signed_by("simulated-verify-token", body))),
        ("under no key", Some(signed_by("", body))),
    ])
}

#[tokio::test]
async fn a_wrong_signature_is_refused_without_a_call_or_a_word() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::start().await;
    let body = one("wamid.canary");
    // From here on the function is warm.
    assert_eq!(post(&world, Some(&signature(&body)), &body).await, 200);
    world.aws.clear_calls();

    let variants = wrong(&body);
    for (what, header) in &variants {
        assert_eq!(post(&world, header.as_deref(), &body).await, 401, "{what}");
    }

    println!("signature headers: {} variants", variants.len());
    assert!(variants.len() >= 24);
    assert_eq!(world.aws.calls(), []);
    assert_eq!(seen(&queued(&world).await).len(), 1, "the right one");
    let text = log.text();
    let said = |word: &str| text.matches(word).count();
    assert_eq!(said("a delivery was refused"), variants.len());
    let signatures: Vec<&str> =
        variants.values().flatten().map(|header| header.trim()).filter(|h| h.len() > 60).collect();
    for canary in ["wamid.canary", "16505551234", "Hello"].into_iter().chain(signatures) {
        // What the right one put on the queue is in the SDK's own TRACE; none of it is ours.
        let ours = text.lines().filter(|line| line.contains("shared::")).any(|line| line.contains(canary));
        assert!(!ours, "{canary} is in the log");
    }
}

#[tokio::test]
async fn what_looks_like_no_signature_costs_a_cold_function_nothing() {
    let world = World::start().await;
    for header in [None, Some("sha256=abc")] {
        assert_eq!(post(&world, header, b"{}").await, 401);
    }
    assert_eq!(calls(&world, "GetSecretValue"), 0);

    for _ in 0..50 {
        assert_eq!(post(&world, Some(&signature(b"else")), b"{}").await, 401);
    }
    assert_eq!(calls(&world, "GetSecretValue"), 1);
}

#[tokio::test]
async fn nothing_of_a_stranger_is_stored() {
    let world = World::start().await;
    let large = String::from_utf8(one("wamid.1")).unwrap().replace("Hello", &"x".repeat(1_200_000)).into_bytes();

    assert_eq!(post(&world, Some(&signature(b"else")), &large).await, 401);

    let asked: Vec<String> =
        world.aws.calls().into_iter().filter(|call| call.caller == "webhook").map(|call| call.operation).collect();
    assert_eq!(asked, ["GetSecretValue"]);
    assert_eq!(world.table("RECEIPTS_TABLE").await, Vec::<Value>::new());
    assert_eq!(queued(&world).await, []);
}

#[tokio::test]
async fn a_body_counts_as_it_came() {
    let world = World::start().await;
    let message = |text: &str| String::from_utf8(one("wamid.1")).unwrap().replace("Hello", text);
    let plain = message("Hello");
    let with = |text: &str| message(text).into_bytes();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("plain", plain.clone().into_bytes()),
        ("escapes", with(r"\u003Cb\u003E \u00e9 \/")),
        ("raw letters", with("é 😀")),
        ("line ends", plain.replace(',', ",\r\n").into_bytes()),
        ("a byte order mark", [b"\xEF\xBB\xBF", plain.as_bytes()].concat()),
        ("invalid UTF-8", with("Hell").into_iter().chain(*b"\xFF\xFE").collect()),
        ("empty", Vec::new()),
        ("a null", vec![0]),
    ];

    for (what, body) in &bodies {
        // As text where it is any, and as base64.
        for kind in ["application/json", "application/octet-stream"] {
            let signed = signature(body);
            let send = |body: Vec<u8>| {
                let call = world.call("POST", PATH).header("x-hub-signature-256", &signed);
                call.body(kind, body).send()
            };
            assert_eq!(send(body.clone()).await.status, 200, "{what} as {kind}");
            assert_eq!(send([body, b" ".as_slice()].concat()).await.status, 401, "{what} and a space as {kind}");
        }
    }
    let kinds: Vec<String> = seen(&queued(&world).await).into_iter().map(|unit| unit.kind).collect();
    // Each once: the second copy is a repetition, and so is what differs by its mark alone. The last three are not what
    // Meta sends, and kept all the same.
    let expected = [vec!["message"; 4], vec!["unreadable"; 3]].concat();
    assert_eq!(kinds, expected);
}

/// Enters other secrets, as a deployment with other parameters does.
async fn enter(world: &World, secret: &str, previous: Option<(&str, SignedDuration)>) {
    let (previous, until) =
        previous.map_or_else(Default::default, |(old, left)| (old.to_owned(), (world.clock.now() + left).to_string()));
    let value = json!({"app_id": "1", "app_secret": secret, "verify_token": "", "config_id": "",
        "previous_app_secret": previous, "previous_app_secret_until": until});
    let put = world.secrets_manager().put_secret_value();
    let put = put.secret_id(world.variable("webhook", "META_APP_SECRETS")).secret_string(value.to_string());
    put.send().await.unwrap();
}

#[tokio::test]
async fn the_secret_before_ends_at_its_date_on_a_warm_function() {
    let world = World::start().await;
    enter(&world, "new", Some(("old", SignedDuration::from_mins(3)))).await;
    let body = one("wamid.1");
    let old = signed_by("old", &body);
    assert_eq!(post(&world, Some(&old), &body).await, 200);
    assert_eq!(post(&world, Some(&signed_by("new", &body)), &body).await, 200);

    world.clock.advance(SignedDuration::from_secs(179));
    assert_eq!(post(&world, Some(&old), &body).await, 200);
    world.clock.advance(SignedDuration::from_secs(1));

    assert_eq!(post(&world, Some(&old), &body).await, 401);
    assert_eq!(post(&world, Some(&signed_by("new", &body)), &body).await, 200);
    assert_eq!(calls(&world, "GetSecretValue"), 1, "it did not have to look");
}

#[tokio::test]
async fn a_rotated_secret_counts_within_five_minutes() {
    let world = World::start().await;
    let body = one("wamid.1");
    assert_eq!(deliver(&world, &body).await, 200);
    enter(&world, "rotated", None).await;
    let rotated = signed_by("rotated", &body);
    assert_eq!(post(&world, Some(&rotated), &body).await, 401);

    world.clock.advance(SignedDuration::from_mins(5));

    assert_eq!(post(&world, Some(&rotated), &body).await, 200);
    assert_eq!(deliver(&world, &body).await, 401);
}

#[tokio::test]
async fn without_an_app_nothing_counts() {
    let world = World::start().await;
    enter(&world, "", None).await;
    assert_eq!(post(&world, Some(&signed_by("", b"{}")), b"{}").await, 401);
}

#[tokio::test]
async fn while_the_secret_cannot_be_read_meta_is_told_to_come_again() {
    let world = World::start().await;
    let delete = world.secrets_manager().delete_secret();
    delete.secret_id(world.variable("webhook", "META_APP_SECRETS")).send().await.unwrap();

    assert_eq!(deliver(&world, &one("wamid.1")).await, 500);
}

#[tokio::test]
async fn four_mebibytes_are_taken_and_no_more() {
    let world = World::start().await;
    let mut body = br#"{"entry":[]}"#.to_vec();
    body.resize(4 * 1024 * 1024, b' ');
    assert_eq!(deliver(&world, &body).await, 200);
    body.push(b' ');
    assert_eq!(deliver(&world, &body).await, 413);

    let call = Call::new(world.cold("webhook", "unsigned"), "POST", PATH).body("application/json", body);
    assert_eq!(call.send().await.status, 413);
}
