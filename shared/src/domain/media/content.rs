//! What a file is by its own bytes, whatever it is said to be.

use super::webp::{Webp, webp};

/// Formats that Meta takes; of all others only that they are none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Jpeg,
    Png,
    Webp(Webp),
    Aac,
    Amr,
    Mp3,
    /// Audio in an MP4 that says so.
    M4a,
    /// Sound alone, too: that takes more than a look at its beginning.
    Mp4,
    ThreeGp,
    /// Opus in Ogg. Other codecs in it are none of Meta's.
    Opus {
        channels: u8,
    },
    Pdf,
    /// An office document of before 2007: of which program does not show.
    OldOffice,
    Word,
    Excel,
    PowerPoint,
    Text,
    Other,
}

impl Content {
    pub fn of(bytes: &[u8]) -> Self {
        let is_text = || if is_text(bytes) { Self::Text } else { Self::Other };
        image(bytes).or_else(|| sound_or_film(bytes)).or_else(|| document(bytes)).unwrap_or_else(is_text)
    }

    /// What Meta calls it; none where it takes no such thing, or where that does not show.
    pub fn mime_type(self) -> Option<&'static str> {
        Some(match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp(_) => "image/webp",
            Self::Aac => "audio/aac",
            Self::Amr => "audio/amr",
            Self::Mp3 => "audio/mpeg",
            Self::M4a => "audio/mp4",
            Self::Mp4 => "video/mp4",
            Self::ThreeGp => "video/3gpp",
            Self::Opus { .. } => "audio/ogg",
            Self::Pdf => "application/pdf",
            Self::Word => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Excel => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::PowerPoint => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Text => "text/plain",
            Self::OldOffice | Self::Other => return None,
        })
    }
}

fn image(bytes: &[u8]) -> Option<Content> {
    if bytes.starts_with(b"\xFF\xD8\xFF") {
        return Some(Content::Jpeg);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
        return Some(Content::Png);
    }
    webp(bytes).map(Content::Webp)
}

fn sound_or_film(bytes: &[u8]) -> Option<Content> {
    if bytes.starts_with(b"#!AMR\n") || bytes.starts_with(b"#!AMR-WB\n") {
        return Some(Content::Amr);
    }
    if bytes.starts_with(b"ID3") {
        return Some(Content::Mp3);
    }
    match bytes {
        // A frame's sync word, and then its layer: AAC has none, MP3 the third.
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => Some(Content::Aac),
        [0xFF, second, ..] if second & 0xE6 == 0xE2 => Some(Content::Mp3),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => brand.get(..4).and_then(in_mp4),
        [b'O', b'g', b'g', b'S', ..] => opus(bytes),
        _ => None,
    }
}

/// By the brand that an MP4 begins with. Not `QuickTime`'s, nor those of pictures.
fn in_mp4(brand: &[u8]) -> Option<Content> {
    match brand {
        b"M4A " | b"M4B " => Some(Content::M4a),
        [b'3', b'g', b'p' | b'2' | b'r' | b's' | b'e' | b'g', _] => Some(Content::ThreeGp),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"dash"
        | b"MSNV" | b"f4v " => Some(Content::Mp4),
        _ => None,
    }
}

/// The first packet of the first page: its codec, and how many channels.
fn opus(bytes: &[u8]) -> Option<Content> {
    let segments = usize::from(*bytes.get(26)?);
    let packet = bytes.get(27 + segments..)?;
    let channels = *packet.strip_prefix(b"OpusHead")?.get(1)?;
    Some(Content::Opus { channels })
}

fn document(bytes: &[u8]) -> Option<Content> {
    if bytes.starts_with(b"%PDF-") {
        return Some(Content::Pdf);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Some(Content::OldOffice);
    }
    if !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let mut names = names_in_zip(bytes);
    names.find_map(|name| {
        let of = [(&b"word/"[..], Content::Word), (b"xl/", Content::Excel), (b"ppt/", Content::PowerPoint)];
        of.into_iter().find(|(folder, _)| name.starts_with(folder)).map(|(_, content)| content)
    })
}

/// The names of a zip's files, as its directory has them.
fn names_in_zip(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const ENTRY: usize = 46;
    let entries = bytes.windows(4).enumerate().filter(|(_, window)| *window == b"PK\x01\x02");
    entries.filter_map(|(at, _)| {
        let length = bytes.get(at + 28..at + 30)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        bytes.get(at + ENTRY..at + ENTRY + length)
    })
}

/// UTF-8 without what no text has.
fn is_text(bytes: &[u8]) -> bool {
    let is_of_text = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t' | '\u{c}');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_of_text))
}
