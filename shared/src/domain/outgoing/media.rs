//! Images, videos, audio, documents and stickers: by the id of an upload, or by a link Meta can fetch.

use super::check::{ANY, Part, flag, maybe_text};

const LONGEST_CAPTION: usize = 1024;
const LONGEST_LINK: usize = 2048;
const LONGEST_ID: usize = 32;

pub(super) fn captioned(media: &Part<'_>) {
    file(media);
    media.may("caption", maybe_text(LONGEST_CAPTION));
}

pub(super) fn document(media: &Part<'_>) {
    captioned(media);
    media.may("filename", maybe_text(ANY));
}

pub(super) fn audio(media: &Part<'_>) {
    file(media);
    media.may("voice", flag);
}

/// Exactly one of id and link.
pub(super) fn file(media: &Part<'_>) {
    match (media.may("id", id), media.may("link", link)) {
        (Some(_), Some(link)) => link.wrong("cannot be given beside id"),
        (None, None) if media.value.is_object() => media.wrong("needs an id or a link"),
        _ => {}
    }
}

fn id(part: &Part<'_>) {
    let is_id = |id: &str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    if !part.scalar().is_some_and(|text| is_id(&text)) {
        part.wrong(format!("must be the id of an upload: 1 to {LONGEST_ID} digits"));
    }
}

fn link(part: &Part<'_>) {
    match part.text() {
        Some(link) if link.chars().count() > LONGEST_LINK => {
            part.wrong(format!("must have at most {LONGEST_LINK} characters"));
        }
        Some(link) if is_public(link) => {}
        _ => part.wrong("must be an https link to a public host"),
    }
}

/// Meta's servers fetch it: it cannot be an address of this machine or of a network of one's own.
fn is_public(link: &str) -> bool {
    let is_https = link.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let is_clean = !link.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\\');
    is_https && is_clean && is_public_host(host(&link[8..]))
}

/// Without who logs in and the port.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() }
}

fn is_public_host(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'))
    };
    let Some(last) = labels.last().filter(|_| labels.len() > 1 && labels.iter().all(is_label)) else { return false };
    // 127.0.0.1, 127.1, 0x7f.1: what ends in a number is an address.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    !is_number && *last != "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_that_meta_could_fetch_are_public() {
        for good in [
            "https://example.com",
            "HTTPS://Example.com:8443/x?y=http://127.0.0.1#z",
            "https://user@cdn.example.com/x",
            "https://bücher.example/ü.png",
            "https://files.invalid/x",
            "https://10.example.com",
        ] {
            assert!(is_public(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "http://example.com/x",
            "ftp://example.com/x",
            "example.com/x",
            "https://localhost/x",
            "https://localhost:3000/x",
            "https://a.localhost./x",
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://0x7f.0x1/x",
            "https://2130706433/x",
            "https://[::1]/x",
            "https://user:pass@10.0.0.1:80/x",
            "https://intranet/x",
            "https://exa mple.com/x",
            "https://example.com/a b",
            "https://example.com\\@127.0.0.1/",
            "https://example..com/x",
            "https://<host>/x",
        ] {
            assert!(!is_public(bad), "{bad}");
        }
    }
}
