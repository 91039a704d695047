use proptest::prelude::*;

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0";
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<<>>endobj\n";
const OLD_OFFICE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest";

fn webp(flags: u8, width: u32, height: u32, size: usize) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0".to_vec();
    file.extend([flags, 0, 0, 0]);
    file.extend(&(width - 1).to_le_bytes()[..3]);
    file.extend(&(height - 1).to_le_bytes()[..3]);
    file.resize(size, 0);
    file
}

fn opus(channels: u8) -> Vec<u8> {
    let mut file = b"OggS\0\x02".to_vec();
    file.resize(26, 0);
    file.extend(*b"\x01\x13OpusHead\x01");
    file.extend([channels, 0, 0]);
    file
}

fn mp4(brand: &[u8]) -> Vec<u8> {
    [b"\0\0\0\x18ftyp", brand, b"\0\0\0\0"].concat()
}

/// A zip with one entry of this name.
fn zip(name: &str) -> Vec<u8> {
    let mut file = b"PK\x03\x04".to_vec();
    file.resize(60, 0);
    let at = file.len();
    file.extend(*b"PK\x01\x02");
    file.resize(at + 46, 0);
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    file[at + 28..at + 30].copy_from_slice(&length);
    file.extend(name.as_bytes());
    file
}

fn uploaded(kind: Option<&str>, claimed: Option<&str>, bytes: &[u8]) -> Result<(Kind, &'static str), String> {
    let upload = Upload::read(Asked { kind, claimed, file_name: "file", bytes });
    upload.map(|upload| (upload.kind, upload.mime_type)).map_err(|mut wrong| {
        let wrong = wrong.remove(0);
        format!("{} {}", wrong.pointer, wrong.detail)
    })
}

#[test]
fn a_file_is_what_its_bytes_are() {
    let sticker = webp(0, 512, 512, 1000);
    for (bytes, expected) in [
        (JPEG, Ok((Kind::Image, "image/jpeg"))),
        (PNG, Ok((Kind::Image, "image/png"))),
        (&sticker, Ok((Kind::Sticker, "image/webp"))),
        (b"\xFF\xF1\x50\x80\0\0", Ok((Kind::Audio, "audio/aac"))),
        (b"#!AMR\n\0", Ok((Kind::Audio, "audio/amr"))),
        (b"ID3\x04", Ok((Kind::Audio, "audio/mpeg"))),
        (b"\xFF\xFB\x90\x64", Ok((Kind::Audio, "audio/mpeg"))),
        (&mp4(b"M4A "), Ok((Kind::Audio, "audio/mp4"))),
        (&mp4(b"isom"), Ok((Kind::Video, "video/mp4"))),
        (&mp4(b"3gp5"), Ok((Kind::Video, "video/3gpp"))),
        (&opus(1), Ok((Kind::Audio, "audio/ogg"))),
        (PDF, Ok((Kind::Document, "application/pdf"))),
        (
            &zip("word/document.xml"),
            Ok((Kind::Document, "application/vnd.openxmlformats-officedocument.wordprocessingml.document")),
        ),
        (
            &zip("xl/workbook.xml"),
            Ok((Kind::Document, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
        ),
        (
            &zip("ppt/presentation.xml"),
            Ok((Kind::Document, "application/vnd.openxmlformats-officedocument.presentationml.presentation")),
        ),
        (b"a,b\n1,2\n", Ok((Kind::Document, "text/plain"))),
    ] {
        let expected: Result<_, String> = expected;
        assert_eq!(uploaded(None, None, bytes), expected, "{bytes:?}");
        assert_eq!(uploaded(None, Some("application/octet-stream"), bytes), expected, "{bytes:?}");
    }
}

#[test]
fn what_meta_takes_not_is_refused_where_it_stands() {
    let large = webp(0, 512, 512, 100 * 1024 + 1);
    let wide = webp(0, 513, 512, 1000);
    let moving = webp(2, 512, 512, 500 * 1024 + 1);
    for (kind, claimed, bytes, expected) in [
        (None, None, &b""[..], "/file is empty"),
        (None, None, b"GIF89a\x01\0", "/file is of no format"),
        (None, None, b"\xFF\xFEh\0i\0", "/file is of no format"),
        (None, None, &mp4(b"qt  "), "/file is of no format"),
        (None, None, &zip("readme.txt"), "/file is of no format"),
        (None, None, b"OggS\0\x02", "/file is of no format"),
        (None, None, &opus(2), "/file has two channels"),
        (None, None, &large, "/file has 102401 bytes: a sticker may have 102400"),
        (None, None, &moving, "/file has 512001 bytes: an animated sticker may have 512000"),
        (None, None, &wide, "/file has 513 × 512 pixels"),
        (None, Some("image/png"), JPEG, "/type is image/png, and the file is image/jpeg"),
        (None, Some("text/html"), b"<html></html>", "/type is text/html, and the file is text/plain"),
        (None, None, OLD_OFFICE, "/type must say which it is"),
        (None, Some("application/pdf"), OLD_OFFICE, "/type must say which it is"),
        (Some("image"), None, PDF, "/kind takes JPEG and PNG, and the file is application/pdf"),
        (Some("voice"), None, b"ID3\x04", "/kind takes Ogg with Opus, and the file is audio/mpeg"),
        (Some("song"), None, b"ID3\x04", "/kind must be one of audio, document"),
    ] {
        let refused = uploaded(kind, claimed, bytes).unwrap_err();
        assert!(refused.starts_with(expected), "{refused} instead of {expected}");
    }
}

#[test]
fn names_that_others_have_for_it_are_understood() {
    for (claimed, bytes, expected) in [
        ("IMAGE/JPG", JPEG.to_vec(), "image/jpeg"),
        ("audio/opus", opus(1), "audio/ogg"),
        ("audio/ogg; codecs=opus", opus(1), "audio/ogg"),
        ("audio/mp4", mp4(b"isom"), "audio/mp4"),
        ("application/msword", OLD_OFFICE.to_vec(), "application/msword"),
    ] {
        assert_eq!(uploaded(None, Some(claimed), &bytes).unwrap().1, expected, "{claimed}");
    }
    assert_eq!(uploaded(Some("voice"), None, &opus(1)), Ok((Kind::Voice, "audio/ogg")));
    assert_eq!(uploaded(Some("document"), None, JPEG), Ok((Kind::Document, "image/jpeg")));
    assert_eq!(uploaded(None, None, &webp(2, 512, 512, 500 * 1024)), Ok((Kind::Sticker, "image/webp")));
}

#[test]
fn only_what_is_one_harmless_thing_is_shown_where_it_stands() {
    let polyglot = |start: &[u8], rest: &[u8]| [start, b"\0\0\0\0", rest].concat();
    for (bytes, said, expected) in [
        (JPEG.to_vec(), "image/jpeg", Shown::Inline("image/jpeg")),
        (opus(1), "audio/ogg; codecs=opus", Shown::Inline("audio/ogg")),
        (mp4(b"mp42"), "video/mp4", Shown::Inline("video/mp4")),
        (mp4(b"mp42"), "audio/mp4", Shown::Inline("audio/mp4")),
        (JPEG.to_vec(), "image/png", Shown::Attachment),
        (JPEG.to_vec(), "text/html", Shown::Attachment),
        (b"<html><script>alert(1)</script>".to_vec(), "text/html", Shown::Attachment),
        (b"<html>".to_vec(), "image/png", Shown::Attachment),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>".to_vec(), "image/svg+xml", Shown::Attachment),
        (b"<?xml version='1.0'?><a/>".to_vec(), "application/xml", Shown::Attachment),
        (PDF.to_vec(), "application/pdf", Shown::Attachment),
        (polyglot(PNG, b"<HTML><ScRipt>x</script>"), "image/png", Shown::Attachment),
        (polyglot(JPEG, PDF), "image/jpeg", Shown::Attachment),
        (b"GIF89a/*<svg onload=x>*/".to_vec(), "image/gif", Shown::Attachment),
    ] {
        assert_eq!(Shown::of(&bytes, said), expected, "{said}: {:?}", String::from_utf8_lossy(&bytes));
    }
}

proptest! {
    /// Every beginning that is looked at, and whatever follows or is missing.
    #[test]
    fn no_bytes_are_too_strange_to_look_at(
        start in prop::sample::select(vec![
            &b""[..], PNG, JPEG, PDF, OLD_OFFICE, b"OggS", b"RIFF\0\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8L",
            b"RIFF\0\0\0\0WEBPVP8X", b"\0\0\0\x18ftyp", b"PK\x03\x04PK\x01\x02", b"\xFF",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let bytes = [start, &rest].concat();
        let _ = Content::of(&bytes);
        prop_assert!(matches!(Shown::of(&bytes, "text/html"), Shown::Attachment));
    }
}
