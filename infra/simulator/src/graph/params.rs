//! The parameters of a call: Graph takes them from the query, a form, multipart or JSON alike, and is lenient about types.

use serde_json::{Map, Value};

use super::GraphError;

#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    pub(crate) query: Map<String, Value>,
    pub(crate) body: Map<String, Value>,
}

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.body.get(name).or_else(|| self.query.get(name)).filter(|value| !value.is_null())
    }

    /// A scalar as text, however it was written.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A text that is there and not empty.
    pub(crate) fn required(&self, name: &str) -> Result<String, GraphError> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| GraphError::missing(name))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name).as_deref(), Some("true" | "1"))
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// An object or array, also where a form or the query carries it as JSON text.
    pub(crate) fn json(&self, name: &str) -> Option<Value> {
        match self.get(name)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            value => Some(value.clone()),
        }
    }

    /// `messaging_product` must say `whatsapp` on the calls that take it.
    pub(crate) fn require_whatsapp(&self) -> Result<(), GraphError> {
        match self.text("messaging_product").as_deref() {
            Some("whatsapp") => Ok(()),
            Some(_) => Err(GraphError::invalid("Param messaging_product must be one of {WHATSAPP}")),
            None => Err(GraphError::missing("messaging_product")),
        }
    }
}

/// `a=1&b[]=2&b[]=3` as a map; repeated and bracketed names become arrays.
pub(crate) fn form(text: &str) -> Map<String, Value> {
    let mut map = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(&mut map, &decode(name), decode(value));
    }
    map
}

pub(crate) fn add(map: &mut Map<String, Value>, name: &str, value: String) {
    match name.strip_suffix("[]") {
        None => {
            map.insert(name.to_owned(), Value::String(value));
        }
        Some(name) => {
            let list = map.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(Value::String(value));
            }
        }
    }
}

/// Percent-decoding as forms do it; what is not UTF-8 is replaced.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                bytes.push(digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0));
                rest = after;
                continue;
            }
            _ => bytes.push(*first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoding of a query value.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
