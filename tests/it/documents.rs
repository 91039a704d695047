//! What the documents tell a reader to type works as it stands there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::stack::Running;

/// A fenced `sh` block: where it stands and what it says.
struct Block {
    place: String,
    script: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn blocks(path: &Path) -> Vec<Block> {
    let text = fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.trim().strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let is_shell = ["sh", "bash", "shell", "console", "zsh"].iter().any(|shell| kind.starts_with(shell));
        assert!(!is_shell || kind == "sh", "{}:{}: write ```sh, so that it is run", path.display(), number + 1);
        if !is_shell {
            continue;
        }
        let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        let name = path.strip_prefix(root()).unwrap().display();
        found.push(Block { place: format!("{name}:{}", number + 1), script: body.join("\n") });
    }
    found
}

fn needs_what_a_laptop_lacks(block: &Block) -> bool {
    let first = block.script.lines().next().unwrap_or_default();
    matches!(first.trim(), "# needs AWS" | "# needs Meta")
}

/// `cargo run` is the stack that runs already, and `cargo test` is what runs this; a refusal of curl is a failure.
const PRELUDE: &str = r#"
set -euo pipefail
cargo() { case "$1" in run|test) ;; *) command cargo "$@" ;; esac; }
curl() { command curl --fail-with-body "$@"; }
"#;

#[tokio::test]
async fn every_command_in_the_documents_works() {
    let stack = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(stack.data(), folder.path().join(".patchbay")).unwrap();
    let (mut ran, mut marked, mut failed) = (0, 0, Vec::new());

    for block in documents().iter().flat_map(|path| blocks(path)) {
        if needs_what_a_laptop_lacks(&block) {
            marked += 1;
            continue;
        }
        ran += 1;
        let script = block.script.replace("http://127.0.0.1:9000", stack.api_url());
        let script = script.replace("http://127.0.0.1:9100", &stack.simulator_url());
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(format!("{PRELUDE}{script}")).current_dir(folder.path()).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            failed.push(format!("{}: {said}", block.place));
        }
    }

    println!("documents: {ran} blocks ran, {marked} need AWS or Meta");
    assert_eq!(failed, Vec::<String>::new());
    assert!(ran >= 6, "{ran}");
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for (place, _) in text.match_indices("](") {
            let target: String = text[place + 2..].chars().take_while(|letter| *letter != ')').collect();
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:") || file.is_empty();
            if !is_elsewhere && !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
