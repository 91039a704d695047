//! `.env`: template parameters for `--real-meta`, in the spelling of environment variables.

use std::collections::BTreeMap;
use std::path::Path;

/// Without these nothing can be said to Meta, nor heard from it.
const NEEDED: [&str; 4] = ["META_APP_ID", "META_APP_SECRET", "META_VERIFY_TOKEN", "PUBLIC_URL"];

/// Reads parameters: `META_APP_ID=…` is the parameter `MetaAppId`.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("--real-meta reads {} from {}: {error}", NEEDED.join(", "), path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut variables = BTreeMap::new();
    for (number, line) in lines.enumerate() {
        // The line may hold a secret: only its number is told.
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("{}: entry {} is not NAME=value", path.display(), number + 1))?;
        variables.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
    }
    if let Some(missing) = NEEDED.iter().find(|name| !variables.contains_key(**name)) {
        return Err(format!("{}: {missing} is missing", path.display()));
    }
    Ok(variables.into_iter().map(|(name, value)| (parameter(&name), value)).collect())
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

fn parameter(variable: &str) -> String {
    let capitalized = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => format!("{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase()),
        None => String::new(),
    };
    variable.split('_').map(capitalized).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_parameters() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text =
            "# ours\nMETA_APP_ID=1\nMETA_APP_SECRET=\"s=e\"\n\nMETA_VERIFY_TOKEN='t'\nPUBLIC_URL = https://x.example\n";
        std::fs::write(file.path(), text).unwrap();

        let expected = [
            ("MetaAppId", "1"),
            ("MetaAppSecret", "s=e"),
            ("MetaVerifyToken", "t"),
            ("PublicUrl", "https://x.example"),
        ];
        assert_eq!(
            read(file.path()).unwrap(),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }

    #[test]
    fn what_is_missing_is_named_and_no_value_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "META_APP_ID=1\nMETA_APP_SECRET=hidden\n").unwrap();
        let missing = read(file.path()).unwrap_err();
        std::fs::write(file.path(), "hidden\n").unwrap();
        let malformed = read(file.path()).unwrap_err();

        assert!(missing.ends_with("META_VERIFY_TOKEN is missing"), "{missing}");
        assert!(malformed.ends_with("entry 1 is not NAME=value"), "{malformed}");
    }
}
