//! To whom, of what type, and how.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{TO, message, pointers, read, with, without};
use crate::domain::{
    conversation::Names,
    outgoing::{Kind, OnUnknown, Options, Outgoing, Recipient},
    violation::Violation,
};

fn text() -> Value {
    message("text", json!({"body": "Hi"}))
}

fn to(to: Value) -> Value {
    with(text(), "/to", to)
}

fn group(body: Value) -> Value {
    with(with(body, "/recipient_type", "group".into()), "/to", "Y2FwaV9n".into())
}

fn recipient(to: Option<&str>, recipient: Option<&str>, is_group: bool) -> Recipient {
    Recipient { to: to.map(Into::into), recipient: recipient.map(Into::into), is_group }
}

#[test]
fn a_number_is_taken_as_people_write_it_and_never_rewritten() {
    for good in ["+16505551234", "16505551234", "+1 (650) 555-1234", "+49.30.1234567", "1234567", "0049 30 1234567"] {
        assert_eq!(read(&to(good.into())).0.recipient, Some(recipient(Some(good), None, false)));
    }
    for bad in [
        "",
        "+",
        "123456",
        "+1650555123456789",
        "16505551234x",
        "1+6505551234",
        "US.134912086",
        "tel:16505551234",
        "-16505551234",
        "1٣٣٣٣٣٣٣",
    ] {
        assert_eq!(pointers(&to(bad.into())), ["/to"], "{bad}");
    }
    for bad in [json!(true), json!([]), json!({}), json!(1.5), json!(-16_505_551_234_i64)] {
        assert_eq!(pointers(&to(bad.clone())), ["/to"], "{bad}");
    }
}

#[test]
fn a_person_without_a_number_goes_by_their_id() {
    let by_id = |id: &str| json!({"recipient": id, "type": "text", "text": {"body": "Hi"}});

    for good in ["US.13491208655302741918", "DE.ENT.abcXYZ9"] {
        assert_eq!(read(&by_id(good)).0.recipient, Some(recipient(None, Some(good), false)));
    }
    for bad in ["", "US", "US.", "us.1", "USA.1", "US.1 2", "US.ENT.", "US.a.b", "16505551234"] {
        assert_eq!(pointers(&by_id(bad)), ["/recipient"], "{bad}");
    }
}

#[test]
fn names_are_those_meta_goes_by() {
    let phone = Names { phone: Some("16505551234".into()), ..Names::default() };
    let user = Names { user_id: Some("US.1".into()), ..Names::default() };
    let group = Names { group: Some("Y2FwaV9n".into()), ..Names::default() };

    assert_eq!(recipient(Some(TO), None, false).names(), phone);
    assert_eq!(recipient(Some(TO), Some("US.1"), false).names(), phone);
    assert_eq!(recipient(None, Some("US.1"), false).names(), user);
    assert_eq!(recipient(Some("Y2FwaV9n"), None, true).names(), group);
}

#[test]
fn a_group_is_named_by_its_id_and_takes_what_groups_take() {
    let media = json!({"id": "1"});
    let pin = json!({"type": "pin", "message_id": "wamid.1"});
    let location = message("location", json!({"latitude": 1, "longitude": 2}));

    assert_eq!(read(&group(text())).0.recipient, Some(recipient(Some("Y2FwaV9n"), None, true)));
    for body in [message("image", media), message("pin", pin.clone())] {
        assert_eq!(pointers(&group(body)), Vec::<String>::new());
    }
    assert_eq!(pointers(&group(location.clone())), ["/type"]);
    assert_eq!(pointers(&message("pin", pin.clone())), ["/type"]);
    assert_eq!(pointers(&with(group(text()), "/to", "a group".into())), ["/to"]);
    assert_eq!(pointers(&with(without(group(text()), "/to"), "/recipient", "US.1".into())), ["/to"]);
    assert_eq!(pointers(&with(text(), "/recipient_type", "everyone".into())), ["/recipient_type"]);

    // Where the conversation says to whom, it says whether that is a group.
    let (nobody, _) = read(&without(message("pin", pin), "/to"));
    let to_a_person = Violation { pointer: "/type".into(), detail: "can be sent to groups only".into() };
    assert_eq!(nobody.suits(&recipient(Some(TO), None, false)), Err(to_a_person));
    assert_eq!(nobody.suits(&recipient(Some("Y2FwaV9n"), None, true)), Ok(()));
    assert_eq!(pointers(&without(with(location, "/recipient_type", "group".into()), "/to")), ["/type"]);
}

#[test]
fn what_is_posted_is_metas_and_ours_alone() {
    let body = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": TO, "recipient": "US.1", "type": "text",
        "text": {"body": "Hi"}, "context": {"message_id": "wamid.1"}, "biz_opaque_callback_data": "theirs",
        "on_unknown": "resend", "expires_in": 60, "force": true, "of_next_year": 1,
    });

    let (outgoing, options) = read(&body);

    let kept = json!({"type": "text", "text": {"body": "Hi"}, "context": {"message_id": "wamid.1"}, "of_next_year": 1});
    assert_eq!(
        outgoing,
        Outgoing {
            recipient: Some(recipient(Some(TO), Some("US.1"), false)),
            kind: Kind::Text,
            body: kept.as_object().unwrap().clone(),
            callback_data: Some("theirs".into()),
        }
    );
    let expires_in = SignedDuration::from_secs(60);
    assert_eq!(options, Options { on_unknown: OnUnknown::Resend, expires_in, force: true });
    assert_eq!(
        outgoing.posted(&recipient(None, Some("US.2"), false), "ours"),
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "recipient": "US.2", "type": "text",
            "text": {"body": "Hi"}, "context": {"message_id": "wamid.1"}, "biz_opaque_callback_data": "ours",
            "of_next_year": 1})
    );
    assert_eq!(outgoing.posted(&recipient(Some("Y2FwaV9n"), None, true), "ours")["recipient_type"], "group");
}

#[test]
fn what_is_left_out_has_its_default() {
    let (outgoing, options) = read(&json!({"text": {"body": "Hi"}, "to": null, "category": null, "force": null}));

    assert_eq!((outgoing.recipient, outgoing.kind, outgoing.callback_data), (None, Kind::Text, None));
    let expires_in = SignedDuration::from_hours(24);
    assert_eq!(options, Options { on_unknown: OnUnknown::Unconfirmed, expires_in, force: false });
    assert_eq!(options, Options::default());
}

#[test]
fn templates_reactions_and_direct_sends_pass_a_closed_window() {
    let is_free_form = |body: Value| read(&body).0.is_free_form();

    assert!(is_free_form(text()));
    assert!(is_free_form(with(text(), "/category", Value::Null)));
    assert!(!is_free_form(with(text(), "/category", "utility".into())));
    assert!(!is_free_form(message("template", json!({"name": "a", "language": {"code": "en"}}))));
    assert!(!is_free_form(message("reaction", json!({"message_id": "wamid.1", "emoji": ""}))));
}

#[test]
fn a_type_nobody_knows_is_refused_with_those_there_are() {
    let known =
        "text, image, video, audio, document, sticker, location, contacts, reaction, interactive, template, pin";
    let refused = |body: Value, detail: String| {
        assert_eq!(Outgoing::read(body), Err(vec![Violation { pointer: "/type".into(), detail }]));
    };

    refused(message("hologram", json!({})), format!("must be one of {known}"));
    refused(json!({"to": TO, "type": 5}), format!("must be one of {known}"));
    refused(json!({"to": TO, "image": {"id": "1"}}), format!("is required: one of {known}"));
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}

#[test]
fn marking_as_read_is_another_call() {
    let detail = "is not sent as a message: use POST /v1/conversations/{id}/read".to_owned();
    let read =
        json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1", "typing_indicator": {}});
    assert_eq!(Outgoing::read(read), Err(vec![Violation { pointer: "/status".into(), detail }]));
    assert_eq!(pointers(&json!({"to": TO, "typing_indicator": {"type": "text"}})), ["/typing_indicator"]);
}

#[test]
fn what_is_wrong_around_the_content_is_told_with_its_place() {
    let wrong = |name: &str, value: Value| pointers(&with(text(), &format!("/{name}"), value));

    assert_eq!(wrong("messaging_product", "sms".into()), ["/messaging_product"]);
    assert_eq!(wrong("context", json!({})), ["/context/message_id"]);
    assert_eq!(wrong("context", "wamid.1".into()), ["/context"]);
    assert_eq!(wrong("biz_opaque_callback_data", json!({})), ["/biz_opaque_callback_data"]);
    assert_eq!(wrong("on_unknown", "again".into()), ["/on_unknown"]);
    assert_eq!(wrong("on_unknown", true.into()), ["/on_unknown"]);
    for bad in [json!("60"), json!(60.0), json!(-1), json!(u64::MAX)] {
        assert_eq!(wrong("expires_in", bad), ["/expires_in"]);
    }
    assert_eq!(wrong("force", "true".into()), ["/force"]);
    assert_eq!(wrong("category", "marketing".into()), ["/category"]);
    let image = message("image", json!({"id": "1"}));
    assert_eq!(pointers(&with(image, "/category", "utility".into())), ["/category"]);
    for body in [json!(null), json!([]), json!("text"), json!(1)] {
        assert_eq!(pointers(&body), [""]);
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let body = json!({"to": "x", "recipient": "x", "type": "text", "text": {}, "expires_in": 0, "on_unknown": 1});
    assert_eq!(pointers(&body), ["/to", "/recipient", "/on_unknown", "/expires_in", "/text/body"]);

    let many = message("contacts", (0..5000).map(|_| json!({})).collect());
    assert_eq!(pointers(&many).len(), 100);
}
