//! What may be uploaded: a file is what its bytes are, whatever it is said to be, and Meta's rules of that hold.

use super::{Content, Kind, essence};
use crate::domain::violation::Violation;

/// A file as somebody gives it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What it is to be sent as.
    pub kind: Option<&'a str>,
    /// Its MIME type, as they say.
    pub claimed: Option<&'a str>,
    pub file_name: &'a str,
    pub bytes: &'a [u8],
}

/// A file that Meta takes, as Meta is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload<'a> {
    pub kind: Kind,
    pub mime_type: &'static str,
    pub file_name: &'a str,
    pub bytes: &'a [u8],
}

/// The only limits of Meta's below what goes through us at all.
const LARGEST_STICKER: usize = 100 * 1024;
const LARGEST_ANIMATED_STICKER: usize = 500 * 1024;
const STICKER_SIDE: u32 = 512;

const OLD_OFFICE: [&str; 3] = ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"];
const UNSAID: &str = "application/octet-stream";
/// What others call what Meta calls otherwise.
const ALSO: [(&str, &str); 8] = [
    ("image/jpg", "image/jpeg"),
    ("audio/opus", "audio/ogg"),
    ("application/ogg", "audio/ogg"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/x-aac", "audio/aac"),
    ("video/3gp", "video/3gpp"),
];

impl<'a> Upload<'a> {
    pub fn read(asked: Asked<'a>) -> Result<Self, Vec<Violation>> {
        let wrong = |pointer: &str, detail: String| vec![Violation { pointer: pointer.to_owned(), detail }];
        if asked.bytes.is_empty() {
            return Err(wrong("/file", "is empty".to_owned()));
        }
        let content = Content::of(asked.bytes);
        let mime_type = mime_type(content, asked.claimed).map_err(|(pointer, detail)| wrong(pointer, detail))?;
        let kind = match asked.kind {
            None => kind_of(mime_type),
            Some(said) => named(said).ok_or_else(|| wrong("/kind", format!("must be one of {}", names())))?,
        };
        if !takes(kind, mime_type) {
            return Err(wrong("/kind", format!("takes {}, and the file is {mime_type}", formats(kind))));
        }
        match content {
            Content::Opus { channels: 2.. } => Err(wrong("/file", "has two channels: Meta takes mono only".to_owned())),
            Content::Webp(webp) => match sticker(webp, asked.bytes.len()) {
                Some(detail) => Err(wrong("/file", detail)),
                None => Ok(()),
            },
            _ => Ok(()),
        }?;
        Ok(Self { kind, mime_type, file_name: asked.file_name, bytes: asked.bytes })
    }
}

type Wrong = (&'static str, String);

/// What the bytes are, unless something else was said.
fn mime_type(content: Content, claimed: Option<&str>) -> Result<&'static str, Wrong> {
    let claimed = claimed.map(essence).filter(|claimed| !claimed.is_empty() && claimed != UNSAID);
    let claimed = claimed.map(|claimed| match ALSO.iter().find(|(other, _)| *other == claimed) {
        Some((_, ours)) => (*ours).to_owned(),
        None => claimed,
    });
    if content == Content::OldOffice {
        let said = OLD_OFFICE.into_iter().find(|known| claimed.as_deref() == Some(known));
        return said.ok_or_else(|| ("/type", format!("must say which it is: {}", OLD_OFFICE.join(", "))));
    }
    let Some(found) = content.mime_type() else {
        let detail = "is of no format that Meta takes: JPEG, PNG, WebP, AAC, AMR, MP3, MP4, 3GP, Ogg with Opus, PDF, \
                      Word, Excel, PowerPoint, plain text";
        return Err(("/file", detail.to_owned()));
    };
    match claimed.as_deref() {
        None => Ok(found),
        Some(claimed) if claimed == found => Ok(found),
        // Which of both an MP4 is does not show at its beginning.
        Some("audio/mp4") if content == Content::Mp4 => Ok("audio/mp4"),
        Some(claimed) => Err(("/type", format!("is {claimed}, and the file is {found}"))),
    }
}

fn kind_of(mime_type: &str) -> Kind {
    match mime_type.split('/').next() {
        Some("image") if mime_type == "image/webp" => Kind::Sticker,
        Some("image") => Kind::Image,
        Some("audio") => Kind::Audio,
        Some("video") => Kind::Video,
        _ => Kind::Document,
    }
}

const KINDS: [(&str, Kind); 6] = [
    ("audio", Kind::Audio),
    ("document", Kind::Document),
    ("image", Kind::Image),
    ("sticker", Kind::Sticker),
    ("video", Kind::Video),
    ("voice", Kind::Voice),
];

fn named(said: &str) -> Option<Kind> {
    KINDS.into_iter().find(|(name, _)| *name == said).map(|(_, kind)| kind)
}

fn names() -> String {
    KINDS.map(|(name, _)| name).join(", ")
}

fn takes(kind: Kind, mime_type: &str) -> bool {
    match kind {
        Kind::Audio => mime_type.starts_with("audio/"),
        // What can be shown may be handed over as a file all the same.
        Kind::Document => true,
        Kind::Image => matches!(mime_type, "image/jpeg" | "image/png"),
        Kind::Sticker => mime_type == "image/webp",
        Kind::Video => mime_type.starts_with("video/"),
        Kind::Voice => mime_type == "audio/ogg",
    }
}

fn formats(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "AAC, AMR, MP3, MP4 and Ogg with Opus",
        Kind::Document => "files",
        Kind::Image => "JPEG and PNG",
        Kind::Sticker => "WebP",
        Kind::Video => "MP4 and 3GP",
        Kind::Voice => "Ogg with Opus",
    }
}

fn sticker(webp: super::webp::Webp, size: usize) -> Option<String> {
    let (most, what) = if webp.is_animated {
        (LARGEST_ANIMATED_STICKER, "an animated sticker")
    } else {
        (LARGEST_STICKER, "a sticker")
    };
    if size > most {
        return Some(format!("has {size} bytes: {what} may have {most}"));
    }
    let is_right = webp.width == STICKER_SIDE && webp.height == STICKER_SIDE;
    let detail = || format!("has {} × {} pixels: a sticker has 512 × 512", webp.width, webp.height);
    (!is_right).then(detail)
}
