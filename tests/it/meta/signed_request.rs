//! What Meta posts about a person, and what anybody else might.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use shared::{
    domain::meta_app::MetaApp,
    meta::signed_request::{Invalid, SignedRequest, verify},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn app(previous_until: Option<i64>) -> MetaApp {
    let previous = previous_until.map(|until| ("before".into(), at(until)));
    MetaApp { previous, ..super::app("67", "current") }
}

fn signed(secret: &str, payload: &Value) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(payload.to_string());
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&payload);
    format!("{}.{payload}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn payload() -> Value {
    json!({"algorithm": "HMAC-SHA256", "expires": 1_100, "issued_at": 1_000, "user_id": "218471"})
}

#[test]
fn what_meta_signed_is_believed() {
    let request = verify(&signed("current", &payload()), &app(None), at(1_001));

    assert_eq!(request, Ok(SignedRequest { subject: "218471".parse().unwrap(), issued_at: at(1_000) }));
}

#[test]
fn padding_and_a_number_for_an_id_are_metas_to_choose() {
    let mut numeric = payload();
    numeric["user_id"] = json!(218_471);
    let padded = signed("current", &numeric).replacen('.', "=.", 1) + "==";
    let request = verify(&signed("current", &numeric), &app(None), at(1_001)).unwrap();

    assert_eq!(request.subject.as_str(), "218471");
    // The signature is over the payload as it was written.
    assert_eq!(verify(&padded, &app(None), at(1_001)), Err(Invalid));
}

#[test]
fn the_secret_before_counts_until_its_date_and_no_longer() {
    let old = signed("before", &payload());

    assert!(verify(&old, &app(Some(2_000)), at(1_999)).is_ok());
    assert_eq!(verify(&old, &app(Some(2_000)), at(2_000)), Err(Invalid));
    assert_eq!(verify(&old, &app(None), at(1_000)), Err(Invalid));
    assert!(verify(&signed("current", &payload()), &app(Some(2_000)), at(3_000)).is_ok());
}

#[test]
fn no_forgery_is_believed() {
    let good = signed("current", &payload());
    let (signature, body) = good.split_once('.').unwrap();
    let claim = |algorithm: &str| {
        let mut claim = payload();
        claim["algorithm"] = json!(algorithm);
        claim
    };
    let other =
        BASE64_URL_SAFE_NO_PAD.encode(json!({"algorithm": "HMAC-SHA256", "issued_at": 1, "user_id": "9"}).to_string());
    let forgeries = [
        signed("guessed", &payload()),
        signed("", &payload()),
        signed("current", &claim("none")),
        signed("current", &claim("HMAC-SHA1")),
        format!("{signature}.{other}"),
        format!(".{body}"),
        format!("{}.{body}", &signature[..20]),
        format!("{signature}{signature}.{body}"),
        format!("{signature}.{body}.{body}"),
        format!("{signature}."),
        body.to_owned(),
        signature.to_owned(),
        String::new(),
        ".".to_owned(),
        "é.é".to_owned(),
        signed("current", &json!("a text")),
        signed("current", &json!({"algorithm": "HMAC-SHA256", "user_id": "9"})),
        signed("current", &json!({"algorithm": "HMAC-SHA256", "issued_at": 1_000})),
        signed("current", &json!({"algorithm": "HMAC-SHA256", "issued_at": 1_000, "user_id": "../me"})),
        signed("current", &json!({"algorithm": "HMAC-SHA256", "issued_at": i64::MAX, "user_id": "9"})),
    ];
    for forgery in forgeries {
        assert_eq!(verify(&forgery, &app(Some(2_000)), at(1_001)), Err(Invalid), "{forgery}");
    }
}
