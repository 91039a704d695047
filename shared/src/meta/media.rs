//! Files at Meta: those a number uploads, and those that people sent to it. A file is fetched in two steps, for its link
//! is good for five minutes only.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{StatusCode, header};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{
    graph::{Session, bearer, unreachable},
    link, wire,
};
use crate::domain::{
    hex,
    media::Upload,
    meta_error::MetaError,
    meta_id::{MediaId, PhoneNumberId},
};

/// Some of Meta's hosts answer nobody who does not say what it is.
const AGENT: &str = "Patchbay";

/// What Graph says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    link: reqwest::Url,
    pub mime_type: String,
    pub sha256: [u8; 32],
    pub size: Option<u64>,
}

/// What came of fetching it, as far as it came.
#[derive(Debug)]
pub struct Fetched {
    pub mime_type: Option<String>,
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Uploaded {
    #[serde(deserialize_with = "wire::id")]
    id: MediaId,
}

#[derive(Deserialize)]
struct AnnouncedBody {
    url: String,
    mime_type: String,
    sha256: String,
    #[serde(default, deserialize_with = "wire::text")]
    file_size: Option<String>,
}

impl Session<'_> {
    pub async fn upload(&self, number: &PhoneNumberId, upload: &Upload<'_>) -> Result<MediaId, MetaError> {
        // No file can hold what stands between the parts: it would have to know its own hash.
        let boundary = hex::sha256(upload.bytes);
        let body = form(&boundary, upload);
        let uploaded: Uploaded = self.post_parts(&format!("{number}/media"), &boundary, &body).await?;
        Ok(uploaded.id)
    }

    /// What Graph says of a file of this number. Its link is followed only where it leads to Meta.
    pub async fn announced(&self, number: &PhoneNumberId, id: &MediaId) -> Result<Announced, MetaError> {
        let body: AnnouncedBody = self.get(id.as_str(), &[("phone_number_id", number.as_str())]).await?;
        let link = link::to_file(&body.url, &self.graph.base).ok_or_else(|| {
            tracing::error!("Graph gave a link to a file that leads away from Meta: it is not followed");
            MetaError::Unreadable
        })?;
        Ok(Announced {
            link,
            mime_type: body.mime_type,
            sha256: sha256(&body.sha256).ok_or(MetaError::Unreadable)?,
            size: body.file_size.and_then(|size| size.parse().ok()),
        })
    }

    /// The file itself, up to so many bytes and one. Where it breaks off, what came until then: its size and hash tell.
    pub async fn fetch(&self, announced: &Announced, most: usize) -> Result<Fetched, MetaError> {
        let request = self.graph.http()?.get(announced.link.clone());
        let request = request.header(header::AUTHORIZATION, bearer(self.token.expose_secret())?);
        let request = request.header(header::USER_AGENT, AGENT);
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        if response.status() != StatusCode::OK {
            return Err(wire::refusal(response.status().as_u16(), b""));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mut fetched = Fetched { mime_type: kind.map(str::to_owned), bytes: Vec::new() };
        while fetched.bytes.len() <= most
            && let Ok(Some(chunk)) = response.chunk().await
        {
            fetched.bytes.extend_from_slice(&chunk);
        }
        fetched.bytes.truncate(most + 1);
        Ok(fetched)
    }
}

/// As `multipart/form-data`.
fn form(boundary: &str, upload: &Upload<'_>) -> Vec<u8> {
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let head = format!(
        "{}{}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        field("messaging_product", "whatsapp"),
        field("type", upload.mime_type),
        quotable(upload.file_name),
        upload.mime_type,
    );
    [head.as_bytes(), upload.bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat()
}

/// What would end a quoted name, or its line, as browsers write it.
fn quotable(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

/// Graph writes it in hexadecimal, and webhooks in base64.
fn sha256(text: &str) -> Option<[u8; 32]> {
    let base64 = || BASE64_STANDARD.decode(text).ok()?.try_into().ok();
    hex::decode(&text.to_ascii_lowercase()).or_else(base64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::Kind;

    #[test]
    fn no_file_name_ends_its_header() {
        let upload = Upload {
            kind: Kind::Document,
            mime_type: "text/plain",
            file_name: "a\"\r\nX-Evil: 1\r\n\r\n.txt",
            bytes: b"bytes",
        };

        assert_eq!(
            String::from_utf8(form("b", &upload)).unwrap(),
            "--b\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
             --b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ntext/plain\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22%0D%0AX-Evil: 1%0D%0A%0D%0A.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nbytes\r\n--b--\r\n"
        );
    }

    #[test]
    fn a_hash_is_read_in_both_spellings() {
        let hex = "2CF24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let base64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

        assert_eq!(sha256(hex), sha256(base64));
        assert!(sha256(hex).is_some());
        assert_eq!((sha256(""), sha256("2cf2"), sha256("LPJN")), (None, None, None));
    }
}
