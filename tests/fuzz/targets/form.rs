//! A form with a file in it, and the file: what it is, and how it would be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::{
    domain::media::{Content, Shown},
    http::multipart::Form,
};

fuzz_target!(|body: &[u8]| {
    let _ = Content::of(body);
    assert_eq!(Shown::of(body, "text/html"), Shown::Attachment);
    let Ok(Form(parts)) = Form::read(&body.to_vec().into(), "b1") else { return };
    let inside: usize = parts.iter().map(|part| part.bytes.len() + part.name.len()).sum();
    assert!(inside < body.len());
});
