//! Media in two steps: an upload or a customer's file gets an id, the id gives a link of five minutes, the link the bytes.

mod family;
mod store;
mod upload;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::graph::{Answer, AnswerBody, Call, GraphError, Outcome, bearer, encode};
use crate::meta::{Meta, NotWritten};
use crate::signature;
use crate::world::Media;

pub(crate) use family::Family;
pub(crate) use store::Store;
use upload::received;
pub(crate) use upload::upload;

const LINK_LIFE: i64 = 300;

/// `GET /{media}`: facts, and a link that lives five minutes.
pub(crate) fn show(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let media = of_number(meta, call, id)?;
    let link = media.served_link.unwrap_or_else(|| link(meta, &call.base, &media.id, call.now));
    Ok(Answer::json(json!({
        "url": link,
        "mime_type": media.mime_type,
        "sha256": media.sha256,
        "file_size": media.file_size.to_string(),
        "id": media.id,
        "messaging_product": "whatsapp",
    })))
}

pub(crate) fn delete(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let media = of_number(meta, call, id)?;
    meta.change(|world| {
        world.media.remove(&media.id);
        Ok::<_, GraphError>(())
    })?;
    meta.media.remove(&media.id);
    Ok(Answer::success())
}

/// `GET /whatsapp_business/attachments/`: the bytes, to who holds the link and a token that reaches the number.
pub(crate) fn download(meta: &Meta, call: &Call) -> Outcome {
    let gone = || GraphError::new(100, "URL signature expired").status(http::StatusCode::NOT_FOUND);
    let id = call.params.text("mid").ok_or_else(gone)?;
    let expires = call.params.number("ext").filter(|expires| call.now < *expires).ok_or_else(gone)?;
    let given = call.params.text("hash").unwrap_or_default();
    if !signature::equal(&given, &hash(meta, &id, expires)) {
        return Err(gone());
    }
    let media = meta.read(|world| {
        let caller = bearer(world, call)?;
        let media = world.media.get(&id).filter(|media| call.now < media.expires_at).ok_or_else(gone)?;
        let waba = world.numbers.get(&media.phone_number_id).map(|number| number.waba_id.clone());
        if waba.is_some_and(|waba| caller.reaches_waba(&waba)) { Ok(media.clone()) } else { Err(gone()) }
    })?;
    let bytes = meta.media.get(&id).ok_or_else(gone)?;
    let mut answer = Answer { body: AnswerBody::Bytes(bytes), ..Answer::success() };
    let disposition = format!("inline;filename={}", encode(&media.file_name));
    let kind = media.served_type.unwrap_or(media.mime_type);
    for (name, value) in [(http::header::CONTENT_TYPE, kind), (http::header::CONTENT_DISPOSITION, disposition)] {
        answer.headers.extend(value.try_into().ok().map(|value| (name, value)));
    }
    Ok(answer)
}

/// A link to an attachment; its end and a hash of it are part of it.
fn link(meta: &Meta, base: &str, id: &str, now: i64) -> String {
    let expires = now + LINK_LIFE;
    let hash = hash(meta, id, expires);
    format!("{base}/whatsapp_business/attachments/?mid={id}&source=getMedia&ext={expires}&hash={hash}")
}

fn hash(meta: &Meta, id: &str, expires: i64) -> String {
    signature::hmac_hex(&meta.options.app_secret, format!("media {id} {expires}").as_bytes())
}

/// The media, if it lives, and belongs to the number a caller may name.
fn of_number(meta: &Meta, call: &Call, id: &str) -> Result<Media, GraphError> {
    let media = meta.read(|world| world.media.get(id).filter(|media| call.now < media.expires_at).cloned());
    let media = media.ok_or_else(|| GraphError::no_such_object(&call.method, id))?;
    match call.params.text("phone_number_id") {
        Some(number) if number != media.phone_number_id => {
            Err(GraphError::invalid("The media does not belong to the phone number of phone_number_id."))
        }
        _ => Ok(media),
    }
}

/// Makes a customer's media downloadable: `bytes_base64`, or a small file of the kind, gets an id and what goes with it.
/// Content that names an id, and other kinds of messages, stay as they are.
pub(crate) fn arrive(meta: &Meta, number: &str, kind: &str, content: &mut Value) -> Result<(), NotWritten> {
    let (Some(family), None) = (Family::named(kind), content.get("id")) else { return Ok(()) };
    let Value::Object(content) = content else { return Ok(()) };
    let (sample, mime_type) = family.sample();
    let given = content.remove("bytes_base64");
    let given = given.as_ref().and_then(Value::as_str).and_then(|given| BASE64_STANDARD.decode(given).ok());
    let bytes = given.map_or(sample, Bytes::from);
    let mime_type = content.get("mime_type").and_then(Value::as_str).unwrap_or(mime_type).to_owned();
    let media = received(meta, number, &mime_type, &bytes)?;
    if let Value::Object(told) = told(meta, &media, meta.now()) {
        content.extend(told);
    }
    Ok(())
}

/// What a webhook tells of a customer's media.
fn told(meta: &Meta, media: &Media, now: i64) -> Value {
    let hash: Vec<u8> = (0..media.sha256.len() / 2)
        .filter_map(|index| u8::from_str_radix(media.sha256.get(index * 2..index * 2 + 2)?, 16).ok())
        .collect();
    json!({
        "id": media.id,
        "mime_type": media.mime_type,
        "sha256": BASE64_STANDARD.encode(hash),
        "url": link(meta, &meta.base, &media.id, now),
    })
}
