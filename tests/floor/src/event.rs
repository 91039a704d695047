//! The two things of an HTTP API event that matter here, found without parsing the rest.

use std::borrow::Cow;

pub(crate) struct Event<'a> {
    /// Without `sha256=`: 64 hexadecimal digits.
    pub(crate) signature: &'a str,
    /// As it stands in the event, without the quotes.
    pub(crate) quoted_body: &'a str,
}

impl<'a> Event<'a> {
    pub(crate) fn read(event: &'a str) -> Option<Self> {
        Some(Self {
            signature: text_after(event, r#""x-hub-signature-256":"sha256="#)?,
            quoted_body: text_after(event, r#""body":""#)?,
        })
    }

    pub(crate) fn body(&self) -> Cow<'a, str> {
        if self.quoted_body.contains('\\') { unquoted(self.quoted_body).into() } else { self.quoted_body.into() }
    }
}

/// A JSON text up to its closing quote.
fn text_after<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    let (_, text) = event.split_once(name)?;
    let bytes = text.as_bytes();
    let mut end = 0;
    loop {
        match bytes.get(end)? {
            b'"' => return text.get(..end),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

fn unquoted(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (character, length) = escaped(&rest[at..]);
        text.push(character);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    text
}

/// The character an escape stands for, and how long it is written.
fn escaped(escape: &str) -> (char, usize) {
    match escape.as_bytes().get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => by_number(escape),
        Some(&other) => (char::from(other), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn by_number(escape: &str) -> (char, usize) {
    let unit = |at: usize| escape.get(at..at + 4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let pair = [unit(2), escape.get(6..8).filter(|second| *second == r"\u").and_then(|_| unit(8))];
    let character = char::decode_utf16(pair.into_iter().flatten()).next().and_then(Result::ok);
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    (character, if character.len_utf16() == 2 { 12 } else { 6 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_found_and_unquoted() {
        let event = r#"{"headers":{"x-hub-signature-256":"sha256=00ff"},"body":"{\"a\":\"\\u00e9 \/\n\u00e9\ud83d\ude00\"}","isBase64Encoded":false}"#;
        let event = Event::read(event).unwrap();

        assert_eq!(event.signature, "00ff");
        assert_eq!(event.body(), "{\"a\":\"\\u00e9 /\né😀\"}");
        assert!(Event::read(r#"{"body":"never closed"#).is_none());
    }
}
