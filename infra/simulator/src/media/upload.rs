//! Files coming in: a business's uploads, and what customers send.

use bytes::Bytes;
use serde_json::json;

use super::Family;
use crate::chance;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::{Meta, NotWritten};
use crate::signature;
use crate::world::Media;

const DAY: i64 = 24 * 3600;
const UPLOAD_LIFE: i64 = 30 * DAY;
const INBOUND_LIFE: i64 = 7 * DAY;
/// What ids of media begin with.
const FAMILY: u64 = 8;

/// `POST /{number}/media`.
pub(crate) fn upload(meta: &Meta, call: &Call, number: &str) -> Outcome {
    call.params.require_whatsapp()?;
    let file = call.files.iter().find(|file| file.field == "file").ok_or_else(|| GraphError::missing("file"))?;
    let kind = file.content_type.clone().or_else(|| call.params.text("type")).unwrap_or_default();
    let Some(family) = Family::of(&kind) else {
        return Err(GraphError::new(
            100,
            format!(
                "(#100) Param file must be a file with one of the following types: {}. Received file of type '{kind}'.",
                Family::all_types()
            ),
        ));
    };
    let limit = family.limit(&file.bytes);
    if file.bytes.is_empty() || file.bytes.len() > limit {
        let details = format!("File size {} is not between 1 and {limit} bytes.", file.bytes.len());
        return Err(GraphError::of(131053).details(details));
    }
    let media = File { number, mime_type: &kind, name: &file.name, bytes: &file.bytes, life: UPLOAD_LIFE };
    Ok(Answer::json(json!({"id": media.keep(meta)?.id})))
}

/// A file a customer sent; what a webhook tells of it is [`super::told`].
pub(super) fn received(meta: &Meta, number: &str, mime_type: &str, bytes: &Bytes) -> Result<Media, NotWritten> {
    File { number, mime_type, name: "file", bytes, life: INBOUND_LIFE }.keep(meta)
}

struct File<'a> {
    number: &'a str,
    mime_type: &'a str,
    name: &'a str,
    bytes: &'a Bytes,
    life: i64,
}

impl File<'_> {
    fn keep(&self, meta: &Meta) -> Result<Media, NotWritten> {
        let now = meta.now();
        meta.change(|world| {
            let media = Media {
                id: world.next_id(FAMILY),
                phone_number_id: self.number.to_owned(),
                mime_type: self.mime_type.to_owned(),
                sha256: chance::hex(&signature::sha256(self.bytes)),
                file_size: self.bytes.len(),
                file_name: self.name.to_owned(),
                uploaded_at: now,
                expires_at: now + self.life,
                served_type: None,
                served_link: None,
            };
            // The bytes first: a row without them would be a lie.
            meta.media.put(&media.id, self.bytes)?;
            world.media.put(media.id.clone(), media.clone());
            Ok(media)
        })
    }
}
