//! Against what others have written down: Meta's own description of its API, and recorded exchanges with the real one.
//!
//! Both lie outside this repository: in the folder `PATCHBAY_SHARED` names, or in `../shared` beside the workspace.
//! Where they are absent each test says that it was skipped, and passes.

mod examples;
mod openapi;
mod recorded;
mod shape;
mod spec;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The file of this path in the shared folder.
fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("PATCHBAY_SHARED").map_or(beside, PathBuf::from);
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    say(&format!("SKIPPED: {} is not there; set PATCHBAY_SHARED to the folder that holds {path}", file.display()));
    None
}

/// What is excused, with its reason.
fn exceptions(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(file);
    let Value::Array(list) = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() else {
        panic!("{file} is a list");
    };
    list
}

#[expect(clippy::print_stdout, reason = "figures and lists are for who reads the run")]
fn say(line: &str) {
    println!("{line}");
}
