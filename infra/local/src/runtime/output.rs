//! What functions print, one readable line at a time.

use std::io::Write;
use std::sync::Arc;

use serde_json::Value;

/// One line a function process printed, or the stack has to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The function's name and the number of its process, such as `access-1`.
    pub process: String,
    pub stream: Stream,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Error,
    /// Not printed by the function: said about it.
    Host,
}

/// Where lines go.
pub type Output = Arc<dyn Fn(Line) + Send + Sync>;

/// Prints lines for a person: a JSON log record becomes level, message and fields.
pub fn to_terminal() -> Output {
    Arc::new(|line| {
        let text = readable(&line.text).unwrap_or(line.text);
        // A closed terminal is no reason to stop serving.
        let _ = writeln!(std::io::stdout().lock(), "{:<12} {text}", line.process);
    })
}

fn readable(text: &str) -> Option<String> {
    let record: Value = serde_json::from_str(text).ok()?;
    let record = record.as_object()?;
    let fields = record.get("fields").and_then(Value::as_object).unwrap_or(record);
    let level = record.get("level")?.as_str()?;
    let message = fields.get("message").and_then(Value::as_str).unwrap_or_default();
    let mut line = format!("{level:<5} {message}");
    let known = ["level", "message", "timestamp", "target", "fields", "span", "spans"];
    for (name, value) in fields.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        line.extend([" ", name, "=", &value]);
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_json_record_reads_as_a_sentence() {
        let record =
            r#"{"timestamp":"x","level":"WARN","fields":{"message":"slow","duration_ms":12,"table":"t"},"target":"a"}"#;

        assert_eq!(readable(record).unwrap(), "WARN  slow duration_ms=12 table=t");
        assert_eq!(readable("plain text"), None);
        assert_eq!(readable(r#"{"not":"a record"}"#), None);
    }
}
