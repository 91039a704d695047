//! Where calls go at all.

use super::graph;

const META: &str = "https://graph.facebook.com";

#[test]
fn a_token_goes_to_meta_or_to_this_machine_and_nowhere_else() {
    for good in [
        "https://graph.facebook.com",
        "https://graph.facebook.com/",
        "http://127.0.0.1:9100",
        "http://localhost:9100",
        "http://[::1]:9100",
        "https://127.0.0.1",
    ] {
        assert!(graph(good, "v25.0").is_ok(), "{good}");
    }
    for bad in [
        "http://graph.facebook.com",
        "https://graph.facebook.com:8443",
        "https://graph.facebook.com.evil.example",
        "https://graph.facebook.com@evil.example",
        "https://evil.example/https://graph.facebook.com",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1:9100",
        "http://127.0.0.1:9100/other",
        "http://127.0.0.1:9100?x",
        "ftp://127.0.0.1",
        "127.0.0.1:9100",
        "localhost",
        "/",
    ] {
        let refused = graph(bad, "v25.0").unwrap_err().to_string();
        assert!(refused.starts_with("GRAPH_URL is set to something it cannot be"), "{bad}: {refused}");
    }
}

#[test]
fn a_version_has_its_form() {
    assert_eq!(graph(META, "v25.0").unwrap().version(), "v25.0");
    for bad in ["25.0", "v25", "v25.0/me", "v.0", "v25.", "vx.y", "v1234.0"] {
        assert!(graph(META, bad).is_err(), "{bad}");
    }
}
