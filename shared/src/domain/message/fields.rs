//! An object of Meta's, read leniently: what is missing or of another type is not there, and nothing is an error.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use serde_json::value::RawValue;

/// The fields of one object, each as its text came. Of a name that occurs twice the last counts.
#[derive(Debug, Clone, Default)]
pub struct Fields<'a>(BTreeMap<String, &'a RawValue>);

/// Seconds that are later than this are milliseconds.
const LATEST_SECONDS: i64 = 100_000_000_000;

impl<'a> Fields<'a> {
    /// None: it is no object, or no JSON. `text` is to have been [`readable`].
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// A value as its text came; null is none.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|raw| raw.get()).filter(|text| *text != "null")
    }

    /// A text that is not empty, or a number as text: Meta writes ids either way.
    pub fn text(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        let text = match raw.as_bytes().first()? {
            b'"' => serde_json::from_str(raw).ok()?,
            b'-' | b'0'..=b'9' => raw.to_owned(),
            _ => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    pub fn object(&self, name: &str) -> Option<Self> {
        self.raw(name).and_then(Self::of)
    }

    /// The elements of a list, each as its text came.
    pub fn list(&self, name: &str) -> Vec<&'a str> {
        let elements: Option<Vec<&'a RawValue>> = self.raw(name).and_then(|raw| serde_json::from_str(raw).ok());
        elements.into_iter().flatten().map(RawValue::get).collect()
    }

    /// A time in seconds, as a text or a number.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        let number: i64 = self.text(name)?.trim().parse().ok().filter(|number| *number > 0)?;
        if number > LATEST_SECONDS {
            Timestamp::from_millisecond(number).ok()
        } else {
            Timestamp::from_second(number).ok()
        }
    }

    /// The object without some of its fields, as JSON; none where nothing is left.
    pub fn without(&self, names: &[&str]) -> Option<String> {
        let rest: BTreeMap<_, _> = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).collect();
        if rest.is_empty() { None } else { serde_json::to_string(&rest).ok() }
    }
}

/// A text in which every escape stands for a character. JavaScript writes half of a surrogate pair where it cut an emoji
/// in two; a parser refuses all of the object for it.
pub fn readable(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        let length = match surrogate(&text[at..]) {
            None => escape_length(&text[at..]),
            Some(Surrogate::High) if surrogate(&text[at + 6..]) == Some(Surrogate::Low) => 12,
            Some(_) => {
                mended.push_str(&text[kept..at]);
                mended.push_str("\\ufffd");
                kept = at + 6;
                6
            }
        };
        at += length;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[kept..]);
    Cow::Owned(mended)
}

#[derive(Debug, PartialEq)]
enum Surrogate {
    High,
    Low,
}

/// What escape of a surrogate a text begins with.
fn surrogate(text: &str) -> Option<Surrogate> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Surrogate::High),
        0xDC00..=0xDFFF => Some(Surrogate::Low),
        _ => None,
    }
}

/// A backslash and what it escapes.
fn escape_length(text: &str) -> usize {
    1 + text[1..].chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_as_expected_is_not_there() {
        let fields = Fields::of(r#"{"id":"a","number":7,"none":null,"empty":"","list":[1,{}],"twice":1,"twice":"2"}"#);
        let fields = fields.unwrap();

        assert_eq!(fields.text("id").as_deref(), Some("a"));
        assert_eq!(fields.text("number").as_deref(), Some("7"));
        assert_eq!(fields.text("twice").as_deref(), Some("2"));
        for name in ["none", "empty", "list", "absent"] {
            assert_eq!(fields.text(name), None, "{name}");
        }
        assert_eq!(fields.list("list"), ["1", "{}"]);
        assert!(fields.list("id").is_empty() && fields.object("id").is_none());
        assert!(!fields.has("none") && fields.has("empty"));
        for text in ["", "[]", "1", "{", "nonsense"] {
            assert!(Fields::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_time_is_seconds_as_text_or_number_or_milliseconds_where_it_must_be() {
        let time =
            |value: &str| Fields::of(&format!(r#"{{"t":{value}}}"#)).unwrap().time("t").map(Timestamp::as_second);

        for same in ["1763719200", "\"1763719200\"", "1763719200000", "\" 1763719200\""] {
            assert_eq!(time(same), Some(1_763_719_200), "{same}");
        }
        for odd in ["\"\"", "-1", "0", "\"soon\"", "1.5", "true", "null", "99999999999999999999", "9223372036854775807"]
        {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn half_of_a_pair_hurts_nothing_around_it() {
        let broken = r#"{"id":"wamid.A","text":{"body":"\ud83d hi \ude00\ud83d\ude00 \\ud83d"}}"#;
        assert!(Fields::of(broken).unwrap().object("text").unwrap().text("body").is_none());

        let mended = readable(broken);
        let text = Fields::of(&mended).unwrap().object("text").unwrap();

        assert_eq!(text.text("body").as_deref(), Some("\u{fffd} hi \u{fffd}😀 \\ud83d"));
        assert!(matches!(readable(r#"{"a":"\ud83d\ude00"}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_left_out_is_all_that_is_left_out() {
        let fields = Fields::of(r#"{"b":{"x": 1},"a":1,"c":null}"#).unwrap();

        assert_eq!(fields.without(&["a"]).as_deref(), Some(r#"{"b":{"x": 1},"c":null}"#));
        assert_eq!(fields.without(&["a", "b", "c"]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[\\\\\"ud83ce0f{}:,é ]{0,60}") {
            let mended = readable(&text);
            drop(Fields::of(&mended).map(|fields| (fields.text("u"), fields.without(&[]))));
            prop_assert_eq!(readable(&mended), Cow::Borrowed(&*mended));
        }
    }
}
