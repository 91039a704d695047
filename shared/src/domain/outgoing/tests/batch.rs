//! One message to many.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{TO, interactive, read as read_message};
use crate::domain::{
    outgoing::{Addressee, Batch, Filling, Outgoing, Recipient},
    violation::Violation,
};

fn template() -> Value {
    json!({"type": "template", "template": {"name": "hello", "language": {"code": "en"}, "components": [
        {"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]},
        {"type": "BODY", "parameters": [{"type": "text", "text": "you"}]},
    ]}})
}

fn batch(message: Value, recipients: Value) -> Value {
    json!({"message": message, "recipients": recipients})
}

fn read(body: Value) -> Batch {
    Batch::read(body.clone()).unwrap_or_else(|found| panic!("{body}: {found:?}"))
}

fn pointers(found: &[Violation]) -> Vec<&str> {
    found.iter().map(|violation| violation.pointer.as_str()).collect()
}

/// The message for the one recipient with these parameters, or where they are wrong.
fn filled(message: Value, parameters: Value) -> Result<Value, Vec<String>> {
    let batch = read(batch(message, json!([{"to": TO, "parameters": parameters}])));
    match &batch.recipients[0] {
        Ok(addressee) => Ok(batch.message.addressed(addressee).body["template"]["components"].clone()),
        Err(found) => Err(pointers(found).into_iter().map(ToOwned::to_owned).collect()),
    }
}

#[test]
fn a_bad_recipient_stops_nobody_else() {
    let message = json!({"type": "text", "text": {"body": "Hi"}, "expires_in": 60, "biz_opaque_callback_data": "mine"});
    let recipients = json!([{"to": TO}, {"to": "x"}, {"recipient": "US.1"}, {}, 5,
        {"to": TO, "name": "Ana"}, {"to": TO, "parameters": []}]);

    let batch = read(batch(message.clone(), recipients));

    let (expected, options) = read_message(&message);
    assert_eq!((&batch.message, batch.options), (&expected, options));
    assert_eq!(batch.options.expires_in, SignedDuration::from_secs(60));
    let outcome: Vec<_> = batch.recipients.iter().map(|read| read.as_ref().map_err(|found| pointers(found))).collect();
    let ok = |to: Option<&str>, recipient: Option<&str>| Addressee {
        recipient: Recipient { to: to.map(Into::into), recipient: recipient.map(Into::into), is_group: false },
        filling: None,
    };
    assert_eq!(
        outcome,
        [
            Ok(&ok(Some(TO), None)),
            Err(vec!["/to"]),
            Ok(&ok(None, Some("US.1"))),
            Err(vec!["/to"]),
            Err(vec![""]),
            Err(vec!["/name"]),
            Err(vec!["/parameters"]),
        ]
    );
    let first = batch.message.addressed(outcome[0].as_ref().unwrap());
    assert_eq!(first, Outgoing { recipient: Some(ok(Some(TO), None).recipient), ..expected });
}

#[test]
fn parameters_fill_the_body_of_the_template() {
    let header = json!({"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]});
    let body = |parameters: Value| json!({"type": "BODY", "parameters": parameters});
    let currency =
        json!({"type": "currency", "currency": {"fallback_value": "$1", "code": "USD", "amount_1000": 1000}});

    assert_eq!(
        filled(template(), json!(["Ana", currency])),
        Ok(json!([header, body(json!([{"type": "text", "text": "Ana"}, currency]))]))
    );
    assert_eq!(
        filled(template(), json!({"name": "Ana", "price": currency})),
        Ok(json!([
            header,
            body(json!([
                {"type": "text", "text": "Ana", "parameter_name": "name"},
                {"type": "currency", "currency": currency["currency"], "parameter_name": "price"},
            ]))
        ]))
    );
    let own =
        json!([{"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "x"}]}]);
    assert_eq!(filled(template(), json!({"components": own})), Ok(own));
    assert_eq!(
        filled(template(), json!({"components": "are named so"})),
        Ok(json!([header, body(json!([{"type": "text", "text": "are named so", "parameter_name": "components"}]))]))
    );
    assert_eq!(filled(template(), json!(null)), Ok(template()["template"]["components"].clone()));

    let bare =
        json!({"type": "template", "template": {"name": "hello", "language": {"code": "en"}, "components": null}});
    assert_eq!(filled(bare, json!([5])), Ok(json!([{"type": "body", "parameters": [{"type": "text", "text": 5}]}])));
}

#[test]
fn wrong_parameters_are_told_with_their_place() {
    let wrong = |parameters: Value| filled(template(), parameters).unwrap_err();

    assert_eq!(wrong(json!("Ana")), ["/parameters"]);
    assert_eq!(
        wrong(json!(["", "a\nb", null, []])),
        ["/parameters/0", "/parameters/1", "/parameters/2", "/parameters/3"]
    );
    assert_eq!(wrong(json!([{"type": "text"}])), ["/parameters/0/text"]);
    assert_eq!(wrong(json!({"a/b~c": ""})), ["/parameters/a~1b~0c"]);
    assert_eq!(wrong(json!({"name": {"type": "text"}})), ["/parameters/name/text"]);
    assert_eq!(
        wrong(json!({"components": [{"type": "button"}]})),
        ["/parameters/components/0/sub_type", "/parameters/components/0/index"]
    );
}

#[test]
fn a_batch_is_for_one_to_a_thousand() {
    let text = json!({"type": "text", "text": {"body": "Hi"}});
    let many = |count: usize| batch(text.clone(), (0..count).map(|_| json!({"to": TO})).collect());

    assert_eq!(read(many(1)).recipients.len(), 1);
    assert_eq!(read(many(1000)).recipients.len(), 1000);
    for count in [0, 1001] {
        assert_eq!(pointers(&Batch::read(many(count)).unwrap_err()), ["/recipients"]);
    }
}

#[test]
fn what_is_wrong_with_all_of_it_is_told_at_once() {
    let wrong = |body: Value| {
        let found = Batch::read(body).unwrap_err();
        pointers(&found).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let to_all = json!([{"to": TO}]);

    assert_eq!(wrong(json!({})), ["/message", "/recipients"]);
    assert_eq!(wrong(json!([])), [""]);
    assert_eq!(
        wrong(json!({"message": {"type": "text", "text": {}}, "recipients": 1, "force": true, "extra": 1})),
        ["/extra", "/force", "/recipients", "/message/text/body"]
    );
    assert_eq!(
        wrong(batch(json!({"type": "text", "text": {"body": "Hi"}, "to": TO}), to_all.clone())),
        ["/message/to"]
    );
    assert_eq!(
        wrong(batch(json!({"type": "text", "text": {"body": "Hi"}, "recipient": "US.1"}), to_all.clone())),
        ["/message/recipient"]
    );
    assert_eq!(
        wrong(batch(json!({"type": "pin", "pin": {"type": "pin", "message_id": "wamid.1"}}), to_all.clone())),
        ["/message/type"]
    );
    let mut list = interactive("list", json!({"button": "", "sections": [{"rows": [{"id": "1", "title": "Row"}]}]}));
    list["to"] = Value::Null;
    assert_eq!(wrong(batch(list, to_all)), ["/message/interactive/action/button"]);
}

#[test]
fn a_group_is_one_recipient() {
    let message = json!({"recipient_type": "group", "type": "text", "text": {"body": "Hi"}});
    let batch = read(batch(message, json!([{"to": "Y2FwaV9n"}, {"recipient": "US.1"}])));

    let group = Recipient { to: Some("Y2FwaV9n".into()), recipient: None, is_group: true };
    assert_eq!(batch.recipients[0], Ok(Addressee { recipient: group, filling: None }));
    assert_eq!(pointers(batch.recipients[1].as_ref().unwrap_err()), ["/to"]);
}

#[test]
fn an_addressee_is_stored_as_it_was() {
    let recipient = Recipient { to: Some(TO.into()), recipient: None, is_group: false };
    for filling in
        [None, Some(Filling::Body(vec![json!({"type": "text", "text": "Ana"})])), Some(Filling::Components(vec![]))]
    {
        let addressee = Addressee { recipient: recipient.clone(), filling };
        let stored = serde_json::to_value(&addressee).unwrap();
        assert_eq!(serde_json::from_value::<Addressee>(stored).unwrap(), addressee);
    }
}
