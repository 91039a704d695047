//! Checklist 5: uploads, links of five minutes, customers' files.

use http::Method;
use serde_json::{Value, json};

use crate::sender::{Sender, reason};
use crate::world::{Answer, NUMBER, WABA, World, proof};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and some pixels";
const PNG_SHA256: &str = "ef6b3eb89da33c0dc63ddf905acef199e9811867d5c68ef34f1a818d39484938";

/// Uploads a file as a browser would: a multipart body.
async fn upload(sender: &Sender, mime_type: &str, bytes: &[u8]) -> Answer {
    let mut body =
        b"--edge\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--edge\r\n".to_vec();
    body.extend_from_slice(b"Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n");
    body.extend_from_slice(format!("Content-Type: {mime_type}\r\n\r\n").as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let path = format!("/v25.0/{}/media?appsecret_proof={}", NUMBER[0], proof(&sender.token));
    let bearer = format!("Bearer {}", sender.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=edge")];
    sender.world.request(Method::POST, &path, &headers, body).await.unwrap()
}

async fn uploaded(sender: &Sender) -> String {
    let answer = upload(sender, "image/png", PNG).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn download(world: &World, url: &Value, token: Option<&str>) -> Answer {
    let path = url.as_str().unwrap().strip_prefix(world.base.as_str()).unwrap().to_owned();
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    world.request(Method::GET, &path, &headers, "").await.unwrap()
}

#[tokio::test]
async fn an_upload_is_shown_with_its_hash_and_downloaded_with_the_bearer() {
    let sender = Sender::start().await;
    let id = uploaded(&sender).await;

    let shown = sender.world.get(&id, &sender.token).await.body;

    assert_eq!(
        shown,
        json!({"id": id, "messaging_product": "whatsapp", "mime_type": "image/png", "sha256": PNG_SHA256,
            "file_size": PNG.len().to_string(), "url": shown["url"]})
    );
    let file = download(&sender.world, &shown["url"], Some(&sender.token)).await;
    assert_eq!((file.status, file.header("content-type"), &file.bytes[..]), (200, "image/png", PNG));
}

#[tokio::test]
async fn a_link_needs_its_bearer_and_lives_five_minutes() {
    let sender = Sender::start().await;
    let id = uploaded(&sender).await;
    let url = sender.world.get(&id, &sender.token).await.body["url"].clone();

    let bare = download(&sender.world, &url, None).await;
    let foreign = sender.world.business_token(WABA[2]).await;
    let strange = download(&sender.world, &url, Some(&foreign)).await;
    let forged = json!(url.as_str().unwrap().replace("hash=", "hash=0"));
    let forged = download(&sender.world, &forged, Some(&sender.token)).await;
    sender.world.advance(299);
    let in_time = download(&sender.world, &url, Some(&sender.token)).await;
    sender.world.advance(1);
    let late = download(&sender.world, &url, Some(&sender.token)).await;
    let again = sender.world.get(&id, &sender.token).await.body["url"].clone();

    assert_eq!((bare.error().0, strange.status, forged.status), (104, 404, 404));
    assert_eq!((in_time.status, late.status), (200, 404));
    assert_eq!(download(&sender.world, &again, Some(&sender.token)).await.status, 200);
}

#[tokio::test]
async fn an_upload_lives_thirty_days_or_until_it_is_deleted() {
    let sender = Sender::start().await;
    let (kept, deleted) = (uploaded(&sender).await, uploaded(&sender).await);

    assert_eq!(sender.world.delete(&deleted, &sender.token).await.body, json!({"success": true}));
    let gone = sender.world.get(&deleted, &sender.token).await;
    let elsewhere = sender.world.get(&format!("{kept}?phone_number_id={}", NUMBER[1]), &sender.token).await;
    sender.world.advance(30 * 24 * 3600);
    let old = sender.world.get(&kept, &sender.token).await;

    assert_eq!((gone.error(), old.error()), ((100, Some(33)), (100, Some(33))));
    assert_eq!(reason(&elsewhere), "The media does not belong to the phone number of phone_number_id.");
}

#[tokio::test]
async fn a_file_must_be_of_a_known_type_and_not_too_large() {
    let sender = Sender::start().await;
    let animated = [b"RIFF....WEBPVP8X....ANIM".to_vec(), vec![0; 101 * 1024]].concat();

    let strange = upload(&sender, "application/zip", PNG).await;
    let large = upload(&sender, "image/jpeg", &vec![0; 5 * 1024 * 1024 + 1]).await;
    let largest = upload(&sender, "image/jpeg", &vec![0; 5 * 1024 * 1024]).await;
    let sticker = upload(&sender, "image/webp", &vec![0; 101 * 1024]).await;
    let moving = upload(&sender, "image/webp", &animated).await;
    let empty = upload(&sender, "image/png", b"").await;
    let none = sender.post("media", json!({"messaging_product": "whatsapp", "type": "image/png"})).await;

    assert!(reason(&strange).ends_with("Received file of type 'application/zip'."));
    assert_eq!((strange.error().0, large.error().0, sticker.error().0, empty.error().0), (100, 131053, 131053, 131053));
    assert_eq!((largest.status, moving.status), (200, 200));
    assert_eq!(reason(&none), "(#100) The parameter file is required.");
}

#[tokio::test]
async fn an_upload_is_sent_as_what_it_is_and_from_its_own_number() {
    let sender = Sender::start().await;
    let id = uploaded(&sender).await;

    let image = sender.send(json!({"type": "image", "image": {"id": id, "caption": "C"}})).await;
    let document = sender.send(json!({"type": "document", "document": {"id": id, "filename": "a.png"}})).await;
    let video = sender.send(json!({"type": "video", "video": {"id": id}})).await;

    assert_eq!((image.status, document.status), (200, 200));
    assert_eq!(
        (video.error().0, reason(&video)),
        (131009, "Param video cannot be media of type image/png.".to_owned())
    );
}

#[tokio::test]
async fn what_a_customer_sends_can_be_downloaded_from_the_webhook() {
    let sender = Sender::start().await;

    sender
        .inbound(json!({"type": "image", "image": {"caption": "Look", "mime_type": "image/png",
        "bytes_base64": "iVBORw0KGgo="}}))
        .await;

    let message = sender.world.app.hears(1).await[0].value()["messages"][0].clone();
    let image = message["image"].clone();
    assert_eq!((&image["caption"], &image["mime_type"]), (&json!("Look"), &json!("image/png")));
    assert_eq!(image["sha256"], "TEtqO+ExSrhhOL70MU3eAi5gCWDYaJosj4YxgC0g2rY=");
    let file = download(&sender.world, &image["url"], Some(&sender.token)).await;
    assert_eq!(&file.bytes[..], b"\x89PNG\r\n\x1a\n");
    let shown = sender.world.get(image["id"].as_str().unwrap(), &sender.token).await.body;
    assert_eq!(shown["file_size"], "8");
    sender.world.advance(7 * 24 * 3600);
    assert_eq!(sender.world.get(image["id"].as_str().unwrap(), &sender.token).await.error(), (100, Some(33)));
}

#[tokio::test]
async fn media_outlives_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::with(|options| options.data = Some(directory.path().to_owned())).await;
    let token = world.business_token(WABA[0]).await;
    let mut sender = Sender { world, token };
    let id = uploaded(&sender).await;

    sender.world.restart().await;

    let url = sender.world.get(&id, &sender.token).await.body["url"].clone();
    assert_eq!(&download(&sender.world, &url, Some(&sender.token)).await.bytes[..], PNG);
}
