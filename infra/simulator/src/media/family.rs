//! Which files are which kind of media, and how large they may be.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

const MB: usize = 1024 * 1024;
const KB: usize = 1024;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    name: &'static str,
    /// The first is what a customer's file is, where nothing else is said.
    types: &'static [&'static str],
    limit: usize,
    /// A small file of the kind, in base64.
    sample: &'static str,
}

const FAMILIES: [Family; 5] = [
    Family {
        name: "audio",
        types: &["audio/ogg", "audio/aac", "audio/amr", "audio/mp4", "audio/mpeg", "audio/opus"],
        limit: 16 * MB,
        sample: "T2dnUwACAAAAAAAAAAAAAAAAAAAAAAAAAAABE09wdXNIZWFkAQEAAIC7AAAAAAA=",
    },
    Family {
        name: "document",
        types: &[
            "application/pdf",
            "text/plain",
            "text/csv",
            "application/vnd.ms-powerpoint",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ],
        limit: 100 * MB,
        sample: "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZz4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4KJSVFT0YK",
    },
    Family {
        name: "image",
        types: &["image/png", "image/jpeg"],
        limit: 5 * MB,
        sample: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    },
    Family {
        name: "sticker",
        types: &["image/webp"],
        limit: 500 * KB,
        sample: "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
    },
    Family {
        name: "video",
        types: &["video/mp4", "video/3gpp"],
        limit: 16 * MB,
        sample: "AAAAGGZ0eXBtcDQyAAAAAG1wNDJpc29tAAAACG1kYXQ=",
    },
];
const STILL_STICKER: usize = 100 * KB;

impl Family {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name)
    }

    /// Of a file of this type, without its parameters (`; codecs=opus`).
    pub(super) fn of(mime_type: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.types.contains(&bare(mime_type)))
    }

    /// Any file may go as a document.
    pub(crate) fn takes(&self, mime_type: &str) -> bool {
        self.name == "document" || self.types.contains(&bare(mime_type))
    }

    pub(super) fn limit(&self, bytes: &[u8]) -> usize {
        if self.name == "sticker" && !is_animated(bytes) { STILL_STICKER } else { self.limit }
    }

    /// A file a customer might send, and its type.
    pub(super) fn sample(&self) -> (Bytes, &'static str) {
        let bytes = BASE64_STANDARD.decode(self.sample).unwrap_or_default();
        (Bytes::from(bytes), self.types.first().copied().unwrap_or_default())
    }

    pub(super) fn all_types() -> String {
        let types: Vec<&str> = FAMILIES.iter().flat_map(|family| family.types).copied().collect();
        types.join(", ")
    }
}

fn bare(mime_type: &str) -> &str {
    mime_type.split(';').next().unwrap_or_default().trim()
}

/// Animated WebP has an `ANIM` chunk.
fn is_animated(bytes: &[u8]) -> bool {
    bytes.windows(4).take(512).any(|window| window == b"ANIM")
}
