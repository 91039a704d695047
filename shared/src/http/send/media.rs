//! `POST …/media`: a file goes to Meta, so that messages can carry it by its id.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    Error, Result,
    domain::{
        hex,
        media::{Asked, Kind, LARGEST, Media, Trouble, Upload},
        meta_id::{MediaId, PhoneNumberId},
        time::rfc3339,
        violation::Violation,
    },
    http::{
        caller::Caller,
        idempotency::{Once, answer_once},
        multipart::{Form, Part},
        path::Id,
    },
};

/// A file that Meta has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MediaBody {
    /// What a message names it by, from this number only.
    id: MediaId,
    kind: Kind,
    mime_type: &'static str,
    /// In hexadecimal.
    sha256: String,
    size: usize,
    /// Meta keeps it for 30 days.
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
}

pub(super) async fn upload(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    once: Once,
    form: Result<Form>,
) -> Result<Response> {
    let number: PhoneNumberId = id.parse().map_err(|_| Error::NotFound { thing: "account" })?;
    let tenant = caller.of_tenant()?;
    // Another tenant's account is not there, whatever is wrong with the request besides.
    let account = context.files.accounts.own(tenant, &number).await?;
    caller.call.concerns(number.as_str(), None);
    let given = Given::read(form?)?;
    let upload = Upload::read(given.asked()).map_err(Error::Unprocessable)?;
    let work = async |_: &str| {
        let media = context.files.upload(&account, &upload).await?;
        Ok((StatusCode::CREATED, Json(MediaBody::of(media))).into_response())
    };
    let repetition = once.repetition(&caller, &given.sameness(), &context.secret).await?;
    let (random, now) = (&context.edge.random, context.edge.clock.now());
    let fresh = hex::encode(&random.bytes::<8>());
    answer_once(&context.receipts, repetition.as_ref(), random, &fresh, now, work).await
}

/// The form's fields.
struct Given {
    file: Part,
    kind: Option<String>,
    claimed: Option<String>,
}

impl Given {
    fn read(form: Form) -> Result<Self> {
        let (mut file, mut kind, mut claimed) = (None, None, None);
        let mut violations = Vec::new();
        let mut wrong = |name: &str, detail: &str| {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            violations.push(Violation { pointer, detail: detail.to_owned() });
        };
        for part in form.0 {
            let name = part.name.clone();
            match name.as_str() {
                "file" if file.is_none() => file = Some(part),
                "kind" if kind.is_none() => kind = Some(text(&part)),
                "type" if claimed.is_none() => claimed = Some(text(&part)),
                // As Graph has it.
                "messaging_product" if text(&part) == "whatsapp" => {}
                "messaging_product" => wrong(&name, "must be whatsapp"),
                "file" | "kind" | "type" => wrong(&name, "stands twice"),
                name => wrong(name, "is not a field of an upload: file, kind, type"),
            }
        }
        let Some(file) = file else {
            wrong("file", "is required");
            return Err(Error::Unprocessable(violations));
        };
        if file.bytes.len() > LARGEST {
            return Err(Trouble::TooLargeToSend.into());
        }
        if violations.is_empty() { Ok(Self { file, kind, claimed }) } else { Err(Error::Unprocessable(violations)) }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            kind: self.kind.as_deref(),
            claimed: self.claimed.as_deref().or(self.file.content_type.as_deref()),
            file_name: self.file.file_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("file"),
            bytes: &self.file.bytes,
        }
    }

    /// What makes it the same upload: a client draws the form's boundary anew each time it sends it.
    fn sameness(&self) -> Bytes {
        let asked = self.asked();
        let said = [asked.kind, asked.claimed, Some(asked.file_name)].map(Option::unwrap_or_default);
        let said = said.map(|part| format!("{}:{part}", part.len())).concat();
        [said.as_bytes(), asked.bytes].concat().into()
    }
}

/// What is no text is nothing that a field may say.
fn text(part: &Part) -> String {
    String::from_utf8_lossy(&part.bytes).trim().to_owned()
}

impl MediaBody {
    fn of(media: Media) -> Self {
        let Media { id, kind, mime_type, sha256, size, expires_at } = media;
        Self { id, kind, mime_type, sha256, size, expires_at: rfc3339(expires_at) }
    }
}
