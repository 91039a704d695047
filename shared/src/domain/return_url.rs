//! Where a browser is sent after Meta: only to an origin the operator has allowed, read as strictly as possible, for what
//! two programs read differently is how browsers are led astray.

use std::fmt;

use serde::{Deserialize, Serialize};

const LONGEST: usize = 2048;

/// `https://app.example.com`, as `AllowedOrigins` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// None: no origin, or not one that may be allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, rest) = split(text)?;
        rest.is_empty().then_some(Self(origin))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnUrl(String);

impl ReturnUrl {
    /// None: it is not an address of an allowed origin.
    pub fn parse(text: &str, allowed: &[Origin]) -> Option<Self> {
        let (origin, rest) = split(text)?;
        let is_clean = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>');
        let is_whole = text.len() <= LONGEST && rest.bytes().all(is_clean);
        (is_whole && allowed.iter().any(|allowed| allowed.0 == origin)).then(|| Self(text.to_owned()))
    }

    /// The address with parameters added, and an empty fragment: a browser would carry Meta's over.
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let start = self.0.find('?').map_or(self.0.len() + 1, |place| place + 1);
        let url = if self.0.contains('?') { self.0.clone() } else { self.0.clone() + "?" };
        let mut query = form_urlencoded::Serializer::for_suffix(url, start);
        query.extend_pairs(parameters);
        query.finish() + "#"
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Origin and the rest, which is empty or begins with `/` or `?`.
fn split(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
        ("https://", rest)
    } else {
        ("http://", text.strip_prefix("http://")?)
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let host_holds = !host.is_empty() && !host.starts_with('.') && !host.ends_with('.') && host.bytes().all(is_host);
    let port_holds = port.is_none_or(|port| {
        !port.starts_with('0') && port.len() <= 5 && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_encrypted = scheme == "https://" || matches!(host, "localhost" | "127.0.0.1");
    let default_port = if scheme == "https://" { "443" } else { "80" };
    (host_holds && port_holds && is_encrypted).then(|| {
        let port = port.filter(|port| *port != default_port).map(|port| format!(":{port}")).unwrap_or_default();
        (format!("{scheme}{host}{port}"), rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<Origin> {
        ["https://app.example.com", "http://127.0.0.1:3000", "https://odd.example:8443"]
            .map(|origin| Origin::parse(origin).unwrap())
            .to_vec()
    }

    #[test]
    fn addresses_of_allowed_origins_are_taken() {
        for good in [
            "https://app.example.com",
            "https://app.example.com/",
            "https://app.example.com:443/whatsapp?tab=1",
            "https://app.example.com?done",
            "http://127.0.0.1:3000/x",
            "https://odd.example:8443/a/b",
            "https://app.example.com/a//b",
        ] {
            assert!(ReturnUrl::parse(good, &allowed()).is_some(), "{good}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for bad in [
            "",
            "/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:\\\\evil.example",
            "https://evil.example",
            "http://app.example.com",
            "https://app.example.com@evil.example",
            "https://app.example.com:x@evil.example",
            "https://app.example.com:443@evil.example/",
            "https://evil.example/https://app.example.com",
            "https://evil.example?https://app.example.com",
            "https://evil.example#https://app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com.",
            "https://.app.example.com",
            "https://evilapp.example.com",
            "https://sub.app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com:0443/",
            "https://app.example.com:/",
            "https://app.example.com\\.evil.example",
            "https://app.example.com\\@evil.example",
            "https://app.example.com%2eevil.example",
            "https://app.example.com%2f@evil.example",
            "https://app.example.com/\u{9}",
            "https://app.example.com/\nSet-Cookie: a",
            " https://app.example.com",
            "https://app.example.com/ x",
            "https://app.example.com/#fragment",
            "HTTPS://app.example.com",
            "https://APP.example.com",
            "https://app.examplé.com",
            "https://аpp.example.com",
            "https://app。example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example.com",
            "https://[::1]/",
            "https://127.1/",
            "https://0x7f.1/",
            "http://localhost.evil.example",
            "http://localhost:4000",
            "https://",
            "https:///app.example.com",
        ] {
            assert!(ReturnUrl::parse(bad, &allowed()).is_none(), "{bad}");
        }
        assert!(ReturnUrl::parse(&format!("https://app.example.com/{}", "a".repeat(2048)), &allowed()).is_none());
    }

    #[test]
    fn parameters_are_added_to_those_there_are() {
        let url = |text: &str| ReturnUrl::parse(text, &allowed()).unwrap().with(&[("patchbay_status", "a b&c")]);

        assert_eq!(url("https://app.example.com/x"), "https://app.example.com/x?patchbay_status=a+b%26c#");
        assert_eq!(url("https://app.example.com/x?y=1"), "https://app.example.com/x?y=1&patchbay_status=a+b%26c#");
    }
}
