//! How a file that came from Meta may be shown: a browser must not run what somebody sent.

use super::{Content, essence};

/// Whether a browser is told what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A picture, sound or film, which is shown where it stands.
    Inline(&'static str),
    /// Bytes to be kept.
    Attachment,
}

/// What begins that which a browser, or a reader beside it, would run.
const ACTIVE: [&[u8]; 9] =
    [b"<html", b"<!doctype", b"<script", b"<svg", b"<iframe", b"<body", b"<object", b"<embed", b"%pdf-"];

impl Shown {
    /// Of bytes that are said to be of this MIME type. What is two things at once is shown as neither.
    pub fn of(bytes: &[u8], said: &str) -> Self {
        let said = essence(said);
        let harmless = match Content::of(bytes) {
            Content::Mp4 if said == "audio/mp4" => Some("audio/mp4"),
            content @ (Content::Jpeg
            | Content::Png
            | Content::Webp(_)
            | Content::Aac
            | Content::Amr
            | Content::Mp3
            | Content::M4a
            | Content::Mp4
            | Content::ThreeGp
            | Content::Opus { .. }) => content.mime_type(),
            Content::Pdf
            | Content::OldOffice
            | Content::Word
            | Content::Excel
            | Content::PowerPoint
            | Content::Text
            | Content::Other => None,
        };
        match harmless {
            Some(found) if found == said && !is_active(bytes) => Self::Inline(found),
            _ => Self::Attachment,
        }
    }
}

fn is_active(bytes: &[u8]) -> bool {
    let begins = |rest: &[u8]| {
        ACTIVE.iter().any(|active| rest.get(..active.len()).is_some_and(|start| start.eq_ignore_ascii_case(active)))
    };
    let places = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'<' | b'%'));
    places.map(|(at, _)| &bytes[at..]).any(begins)
}
