//! Uploads: what Meta takes, to the byte, once.

use serde_json::json;

use super::{Form, PNG, asked, fetched};
use crate::{
    connect::{NUMBER, call},
    send::{self, ACME, CUSTOMER},
};

const SHA256: &str = "ef6b3eb89da33c0dc63ddf905acef199e9811867d5c68ef34f1a818d39484938";
const MOST: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn a_file_goes_to_meta_as_what_it_is_and_comes_back() {
    let world = send::ready().await;

    let uploaded = Form::default().file("a picture.png", None, PNG).send(&world, ACME).await;

    let (id, expires_at) = (uploaded.body["id"].clone(), uploaded.body["expires_at"].clone());
    assert_eq!(
        (uploaded.status, uploaded.body),
        (
            201,
            json!({"id": id, "kind": "image", "mime_type": "image/png", "sha256": SHA256, "size": PNG.len(),
                "expires_at": expires_at})
        )
    );
    let left = expires_at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().duration_since(world.clock.now());
    assert_eq!(left.as_hours(), 24 * 30 - 1, "{left}");
    let posts = world.meta.calls("/media").await;
    assert_eq!(posts.len(), 1, "{posts:#?}");
    let file = json!({"field": "file", "name": "a picture.png", "content_type": "image/png", "length": PNG.len()});
    let body = json!({"messaging_product": "whatsapp", "type": "image/png", "files": [file]});
    assert_eq!(posts[0]["body"], body, "{posts:#?}");
    let back = fetched(&world, &id).await;
    assert_eq!((back.status, &back.bytes[..], back.header("content-type")), (200, PNG, Some("image/png")));
    // It is what a message can carry.
    send::written_by(&world, CUSTOMER).await;
    let message =
        send::send(&world, &json!({"to": format!("+{CUSTOMER}"), "type": "image", "image": {"id": id}})).await;
    send::settle(&world).await;
    assert_eq!(send::status(&world, &message).await, "read");
    let audited = world.table("AUDIT_TABLE").await.into_iter();
    let mut audited = audited.filter(|entry| entry["what"] == "POST /v1/accounts/{id}/media");
    assert_eq!(
        audited.next().map(|entry| (entry["on"].clone(), entry["status"].clone())),
        Some((json!(NUMBER), json!(201)))
    );
}

#[tokio::test]
async fn four_mebibytes_pass_and_one_byte_more_does_not() {
    let world = send::ready().await;
    let mut file = PNG.to_vec();
    file.resize(MOST, 0);

    let passed = Form::default().file("a.png", Some("image/png"), &file).send(&world, ACME).await;
    assert_eq!((passed.status, &passed.body["size"]), (201, &json!(MOST)), "{:?}", passed.body);
    let back = fetched(&world, &passed.body["id"]).await;
    assert_eq!((back.status, back.bytes.len()), (200, MOST));

    for more in [1, 1024 * 1024] {
        file.resize(MOST + more, 0);
        let refused = Form::default().file("a.png", Some("image/png"), &file).send(&world, ACME).await;
        assert_eq!(refused.outcome(), (413, "media_too_large".to_owned()));
        assert!(refused.text("remedy").contains("`link`"), "{:?}", refused.body);
    }
    assert_eq!(asked(&world, "/media").await, 1);
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_said_and_meta_is_not_asked() {
    let world = send::ready().await;
    let refused = async |form: Form| {
        let answer = form.send(&world, ACME).await;
        let pointers: Vec<&str> = answer.body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["pointer"].as_str())
            .collect();
        (answer.status, answer.text("code"), pointers.join(" "))
    };
    let file = || Form::default().file("a.png", Some("image/png"), PNG);
    let wrong = |pointer: &str| (422, "invalid_body".to_owned(), pointer.to_owned());

    assert_eq!(refused(Form::default()).await, wrong("/file"));
    assert_eq!(refused(Form::default().field("kind", "image")).await, wrong("/file"));
    assert_eq!(refused(Form::default().file("a.png", None, b"")).await, wrong("/file"));
    assert_eq!(refused(Form::default().file("a.jpg", Some("image/jpeg"), PNG)).await, wrong("/type"));
    assert_eq!(refused(Form::default().file("a", None, b"\0\x01\x02")).await, wrong("/file"));
    assert_eq!(refused(file().field("kind", "sticker")).await, wrong("/kind"));
    assert_eq!(refused(file().field("kind", "image").field("kind", "image")).await, wrong("/kind"));
    assert_eq!(refused(file().field("caption", "Hello")).await, wrong("/caption"));
    assert_eq!(refused(file().field("messaging_product", "telegram")).await, wrong("/messaging_product"));
    let path = format!("/v1/accounts/{NUMBER}/media");
    let json = call(&world, ACME, "POST", &path).json(&json!({"file": "x"})).send().await;
    assert_eq!(json.outcome(), (415, "unsupported_media_type".to_owned()));
    let broken = call(&world, ACME, "POST", &path).body("multipart/form-data; boundary=x", "--y").send().await;
    assert_eq!(broken.outcome(), (400, "malformed_form".to_owned()));

    assert_eq!(asked(&world, "/media").await, 0);
    let taken = file().field("messaging_product", "whatsapp").field("kind", "image").send(&world, ACME).await;
    assert_eq!(taken.status, 201, "{taken:?}");
}

#[tokio::test]
async fn the_same_upload_under_the_same_key_is_one_whatever_its_boundary() {
    let world = send::ready().await;
    let path = format!("/v1/accounts/{NUMBER}/media");
    let keyed =
        async |form: Form| form.on(call(&world, ACME, "POST", &path).header("idempotency-key", "once")).send().await;
    let file = |bytes: &[u8]| Form::default().file("a.png", Some("image/png"), bytes);

    let first = keyed(file(PNG)).await;
    let again = {
        let body = [
            b"--other\r\ncontent-disposition: form-data; name=file; filename=a.png\r\ncontent-type: image/png\r\n\r\n",
            PNG,
            b"\r\n--other--",
        ];
        let call = call(&world, ACME, "POST", &path).header("idempotency-key", "once");
        call.body("multipart/form-data; boundary=other", body.concat()).send().await
    };
    let other = keyed(file(b"\x89PNG\r\n\x1A\n other pixels")).await;

    assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (201, 201, Some("true")));
    assert_eq!(first.body, again.body);
    assert_eq!(other.outcome(), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(asked(&world, "/media").await, 1);
}

#[tokio::test]
async fn a_number_that_does_not_send_takes_no_files_and_anothers_is_not_there() {
    let world = send::ready().await;
    let file = || Form::default().file("a.png", None, PNG);

    let anothers = file().send(&world, "bravo").await;
    assert_eq!(anothers.outcome(), (404, "not_found".to_owned()));
    // Whatever else is wrong with it.
    assert_eq!(Form::default().send(&world, "bravo").await.outcome(), (404, "not_found".to_owned()));
    let account = format!("/v1/accounts/{NUMBER}");
    let paused = call(&world, ACME, "PATCH", &account).json(&json!({"enabled": false})).send().await;
    assert_eq!(paused.status, 200);
    assert_eq!(file().send(&world, ACME).await.outcome(), (409, "account_paused".to_owned()));
    assert_eq!(call(&world, ACME, "DELETE", &account).send().await.status, 200);
    assert_eq!(file().send(&world, ACME).await.outcome(), (409, "account_disconnected".to_owned()));
    assert_eq!(asked(&world, "/media").await, 0);
}
