//! JSON as Meta writes it: pure ASCII, with some signs escaped that need not be. Who re-serialises it breaks its signature.

use std::fmt::Write as _;

use serde_json::Value;

pub(crate) fn written(value: &Value) -> String {
    let plain = value.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 4);
    // Outside of strings JSON has none of these signs, so the whole text can be treated alike.
    for letter in plain.chars() {
        match letter {
            '/' => text.push_str("\\/"),
            '<' | '@' | '%' => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{:04X}", u32::from(letter));
            }
            ' '..='~' => text.push(letter),
            _ => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ascii_escaped_as_metas_and_means_the_same() {
        let value = serde_json::json!({"body": "Grüße 👋 </b> 100% a@b \"q\" \\ \n"});

        let text = written(&value);

        assert_eq!(text, r#"{"body":"Gr\u00fc\u00dfe \ud83d\udc4b \u003C\/b> 100\u0025 a\u0040b \"q\" \\ \n"}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
