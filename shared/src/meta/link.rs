//! Links that Graph gives: a token is shown to Meta's own hosts, and to nobody else whatever a link says.

use std::net::IpAddr;

use reqwest::Url;

use super::graph::META;

/// Where Meta keeps files: the first host by name, and those below the others.
const MEDIA_HOST: &str = "lookaside.fbsbx.com";
const MEDIA_DOMAINS: [&str; 2] = [".fbcdn.net", ".whatsapp.net"];

/// The link as it is fetched, if it leads to Meta; or, where Graph itself is on this machine, to the very port that stands
/// for Meta there.
pub(super) fn to_file(link: &str, graph: &str) -> Option<Url> {
    let url = Url::parse(link).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
    let is_meta = if graph == META { is_media_host(&url) } else { is_here(&url, &Url::parse(graph).ok()?) };
    is_meta.then_some(url)
}

fn is_media_host(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let is_below = |domain: &&str| host.strip_suffix(*domain).is_some_and(|name| !name.is_empty());
    url.scheme() == "https" && url.port().is_none() && (host == MEDIA_HOST || MEDIA_DOMAINS.iter().any(is_below))
}

fn is_here(url: &Url, graph: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback && url.scheme() == graph.scheme() && url.port_or_known_default() == graph.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_metas_hosts_of_files_and_nowhere_else() {
        for good in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=3",
            "https://LOOKASIDE.fbsbx.com:443/x",
            "https://scontent.xx.fbcdn.net/x",
            "https://mmg.whatsapp.net/x",
        ] {
            assert!(to_file(good, META).is_some(), "{good}");
        }
        for bad in [
            "",
            "lookaside.fbsbx.com/x",
            "http://lookaside.fbsbx.com/x",
            "ftp://lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com:8443/x",
            "https://lookaside.fbsbx.com./x",
            "https://user@lookaside.fbsbx.com/x",
            "https://:secret@lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com@evil.example/x",
            "https://evil.example\\@lookaside.fbsbx.com/x",
            "https://evil.example/lookaside.fbsbx.com",
            "https://evil.example?lookaside.fbsbx.com",
            "https://evil.example#.fbcdn.net",
            "https://lookaside.fbsbx.com.evil.example/x",
            "https://evillookaside.fbsbx.com/x",
            "https://fbsbx.com/x",
            "https://fbcdn.net/x",
            "https://.fbcdn.net/x",
            "https://evilfbcdn.net/x",
            "https://x.fbcdn.net.evil.example/x",
            "https://graph.facebook.com/x",
            "https://169.254.169.254/latest/meta-data",
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1/x",
            "http://localhost:9100/x",
            "https://[::1]/x",
            "file:///etc/passwd",
            "data:text/html,x",
        ] {
            assert!(to_file(bad, META).is_none(), "{bad}");
        }
    }

    #[test]
    fn where_graph_is_on_this_machine_so_are_its_files_and_at_the_same_port() {
        for (link, expected) in [
            ("http://127.0.0.1:9100/whatsapp_business/attachments/?mid=1", true),
            ("http://localhost:9100/x", true),
            ("http://[::1]:9100/x", true),
            ("http://127.0.0.1:9101/x", false),
            ("http://127.0.0.1/x", false),
            ("https://127.0.0.1:9100/x", false),
            ("http://user@127.0.0.1:9100/x", false),
            ("http://169.254.169.254:9100/x", false),
            ("http://127.0.0.1.evil.example:9100/x", false),
            ("https://lookaside.fbsbx.com/x", false),
        ] {
            assert_eq!(to_file(link, "http://127.0.0.1:9100").is_some(), expected, "{link}");
        }
    }
}
