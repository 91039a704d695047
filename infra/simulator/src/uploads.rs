//! Resumable uploads: a session, its bytes in one or more pieces, and at the end a handle for templates and profiles.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::json;

use crate::chance;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::{Meta, NotWritten};
use crate::world::Upload;

const MOST: usize = 100 * 1024 * 1024;
const TYPES: [&str; 5] = ["application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"];

/// `POST /{app}/uploads`.
pub(crate) fn begin(meta: &Meta, call: &Call) -> Outcome {
    let length = call.params.required("file_length")?;
    let file_length = length.parse().ok().filter(|length| (1..=MOST).contains(length));
    let file_length =
        file_length.ok_or_else(|| GraphError::new(100, "(#100) Param file_length must be a file's length."))?;
    let file_type = call.params.required("file_type")?;
    if !TYPES.contains(&file_type.as_str()) {
        let message = format!("(#100) Param file_type must be one of {{{}}} - got \"{file_type}\".", TYPES.join(", "));
        return Err(GraphError::new(100, message));
    }
    let file_name = call.params.text("file_name").unwrap_or_default();
    let id = format!("upload:{}", chance::letters(40));
    meta.change(|world| {
        world.uploads.put(id.clone(), Upload { length: file_length, mime_type: file_type, name: file_name, offset: 0 });
        Ok::<_, GraphError>(Answer::json(json!({"id": id})))
    })
}

pub(crate) fn show(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let upload = find(meta, call, id)?;
    Ok(Answer::json(json!({"id": id, "file_offset": upload.offset})))
}

/// A piece, which begins where the last one ended.
pub(crate) fn add(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let upload = find(meta, call, id)?;
    let offset = call.header("file_offset").and_then(|offset| offset.parse().ok());
    if offset != Some(upload.offset) {
        let message = format!("The header file_offset must be {}, where the upload goes on.", upload.offset);
        return Err(GraphError::new(100, message));
    }
    let piece = call.files.first().map_or(&call.raw, |file| &file.bytes);
    let file_offset = upload.offset + piece.len();
    if piece.is_empty() || file_offset > upload.length {
        return Err(GraphError::new(100, "The file has another length than file_length said."));
    }
    let key = id.replace(':', "-");
    let mut bytes = meta.media.get(&key).unwrap_or_default().to_vec();
    bytes.truncate(upload.offset);
    bytes.extend_from_slice(piece);
    meta.media.put(&key, &Bytes::from(bytes)).map_err(NotWritten::from)?;
    let is_whole = file_offset == upload.length;
    let kind = upload.mime_type.clone();
    meta.change(|world| {
        world.uploads.put(id, Upload { offset: file_offset, ..upload });
        Ok::<_, GraphError>(())
    })?;
    Ok(Answer::json(if is_whole {
        json!({"h": handle(&kind, call.now)})
    } else {
        json!({"id": id, "file_offset": file_offset})
    }))
}

fn handle(kind: &str, now: i64) -> String {
    let ends = now + 30 * 24 * 3600;
    format!("4::{}:{}:e:{ends}:{}", BASE64_STANDARD.encode(kind), chance::letters(48), chance::letters(20))
}

fn find(meta: &Meta, call: &Call, id: &str) -> Result<Upload, GraphError> {
    let upload = meta.read(|world| world.uploads.get(id).cloned());
    upload.ok_or_else(|| GraphError::no_such_object(&call.method, id))
}
