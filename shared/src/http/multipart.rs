//! A form with a file in it (RFC 7578), read whole: what we take is small enough.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::header,
};

use crate::{
    Error, Result,
    domain::media::{LARGEST, Trouble},
};

pub const FORM: &str = "multipart/form-data";
/// What stands around a file: boundaries, names, the other fields.
const AROUND: usize = 16 * 1024;
const MOST_PARTS: usize = 16;

/// The parts of a form, in their order.
#[derive(Debug)]
pub struct Form(pub Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = kind.and_then(boundary).ok_or(Error::UnsupportedMediaType { wanted: FORM })?;
        let body = to_bytes(request.into_body(), LARGEST + AROUND).await.map_err(|_| Trouble::TooLargeToSend)?;
        Self::read(&body, &boundary).map_err(|detail| Error::MalformedForm { detail })
    }
}

impl Form {
    /// Says what is wrong where it is no form.
    pub fn read(body: &Bytes, boundary: &str) -> Result<Self, &'static str> {
        parts(body, boundary).map(Self)
    }
}

/// Of a content type that says it is such a form.
fn boundary(kind: &str) -> Option<String> {
    let (kind, parameters) = kind.split_once(';')?;
    let value = parameter(parameters, "boundary").filter(|value| (1..=70).contains(&value.len()));
    value.filter(|_| kind.trim().eq_ignore_ascii_case(FORM))
}

fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Part>, &'static str> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter may have no line before it.
    let mut at = if body.starts_with(&delimiter.as_bytes()[2..]) {
        delimiter.len() - 2
    } else {
        find(body, 0, delimiter.as_bytes()).ok_or("its boundary stands nowhere")? + delimiter.len()
    };
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        // Blanks may pad a delimiter's line.
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !rest[padding..].starts_with(b"\r\n") {
            return Err("a boundary has more behind it than the end of its line");
        }
        if parts.len() == MOST_PARTS {
            return Err("it has too many parts");
        }
        let begins = at + padding + 2;
        let ends = find(body, begins.saturating_sub(2), delimiter.as_bytes()).ok_or("it has no end")?;
        parts.push(part(&body.slice(begins..ends.max(begins)))?);
        at = ends + delimiter.len();
    }
}

fn part(bytes: &Bytes) -> Result<Part, &'static str> {
    let ends = if bytes.starts_with(b"\r\n") { Some(0) } else { find(bytes, 0, b"\r\n\r\n").map(|at| at + 2) };
    let ends = ends.ok_or("a part has no end of its headers")?;
    let headers = std::str::from_utf8(&bytes[..ends]).map_err(|_| "the headers of a part are not UTF-8")?;
    let header = |wanted: &str| {
        let mut named = headers.split("\r\n").filter_map(|line| line.split_once(':'));
        named.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").and_then(|value| value.split_once(';'));
    let disposition = disposition.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"));
    let (_, parameters) = disposition.ok_or("a part does not say that it is form-data")?;
    Ok(Part {
        name: parameter(parameters, "name").ok_or("a part has no name")?,
        file_name: parameter(parameters, "filename"),
        content_type: header("content-type").map(str::to_owned),
        bytes: bytes.slice(ends + 2..),
    })
}

/// A parameter of a header, quoted or not.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = value(behind)?;
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind;
    }
}

/// What stands behind an equals sign, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let ends = text.find(';').unwrap_or(text.len());
        return Some((text[..ends].trim().to_owned(), &text[ends..]));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[at + 1..])),
            // Browsers escape nothing so but a quote; a path of Windows keeps its backslashes.
            '\\' if quoted[at + 1..].starts_with('"') => {
                value.push('"');
                letters.next();
            }
            letter => value.push(letter),
        }
    }
    None
}

/// Where a needle stands, from a place on. Its first byte, a return, is rare in most of what it is sought in.
fn find(hay: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let mut at = from;
    loop {
        at += hay.get(at..)?.iter().position(|byte| *byte == needle[0])?;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &[u8]) -> Result<Vec<Part>, &'static str> {
        parts(&Bytes::copy_from_slice(body), "b1")
    }

    fn written(parts: &[(&str, Option<&str>, Vec<u8>)], boundary: &str) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, file, bytes) in parts {
            let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/png")).unwrap_or_default();
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend(head.as_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").as_bytes());
        body
    }

    #[test]
    fn a_form_is_read_as_curl_and_browsers_write_it() {
        let body = b"--b1\r\ncontent-disposition: form-data; name=kind\r\n\r\nimage\r\n--b1  \r\nContent-Type: image/png\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\"; c.png\"\r\n\r\n\r\n--b\r\n\r\n--b1--";

        assert_eq!(
            read(body).unwrap(),
            [
                Part { name: "kind".into(), file_name: None, content_type: None, bytes: Bytes::from_static(b"image") },
                Part {
                    name: "file".into(),
                    file_name: Some("a \"b\"; c.png".into()),
                    content_type: Some("image/png".into()),
                    bytes: Bytes::from_static(b"\r\n--b\r\n"),
                },
            ]
        );
        assert_eq!(
            read(b"preamble\r\n--b1\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--b1--").unwrap()[0].bytes,
            ""
        );
        assert_eq!(read(b"--b1--").unwrap(), []);
    }

    #[test]
    fn a_form_that_is_none_says_why() {
        for (body, why) in [
            (&b""[..], "its boundary stands nowhere"),
            (b"--b2\r\n", "its boundary stands nowhere"),
            (b"--b1x\r\n", "a boundary has more behind it than the end of its line"),
            (b"--b1\r\ncontent-disposition: form-data; name=a\r\n\r\nx", "it has no end"),
            (b"--b1\r\nx\r\n--b1--", "a part has no end of its headers"),
            (b"--b1\r\n\r\nx\r\n--b1--", "a part does not say that it is form-data"),
            (
                b"--b1\r\ncontent-disposition: attachment; name=a\r\n\r\nx\r\n--b1--",
                "a part does not say that it is form-data",
            ),
            (b"--b1\r\ncontent-disposition: form-data; filename=a\r\n\r\nx\r\n--b1--", "a part has no name"),
            (b"--b1\r\ncontent-disposition: form-data; name=\"a\r\n\r\nx\r\n--b1--", "a part has no name"),
            (b"--b1\r\nx: \xFF\r\n\r\nx\r\n--b1--", "the headers of a part are not UTF-8"),
        ] {
            assert_eq!(read(body), Err(why), "{}", String::from_utf8_lossy(body));
        }
        let many = vec![("a", None, Vec::new()); MOST_PARTS + 1];
        assert_eq!(read(&written(&many, "b1")), Err("it has too many parts"));
    }

    #[test]
    fn a_boundary_is_said_by_the_content_type() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=b1", Some("b1")),
            ("Multipart/Form-Data; charset=utf-8; boundary=\"b 1\"", Some("b 1")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=b1", None),
            ("application/json; boundary=b1", None),
        ] {
            assert_eq!(boundary(kind).as_deref(), expected, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), any::<u8>()], 0..200),
        ) {
            let boundary = "b-not-in-any-file";
            let body = written(&[("kind", None, b"image".to_vec()), ("file", Some("x.png"), bytes.clone())], boundary);
            let read = parts(&Bytes::from(body), boundary).unwrap();
            prop_assert_eq!((read.len(), &read[1].bytes[..]), (2, &bytes[..]));
        }

        #[test]
        fn no_body_is_too_strange_to_refuse(
            body in "(--b1|\r\n|: |content-disposition|form-data|;|name=|\"|filename|x|\u{e9}){0,40}",
        ) {
            let _ = read(body.as_bytes());
        }
    }
}
