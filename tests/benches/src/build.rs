//! The binaries, built as they are deployed: each function by itself, so that no other's features slip in.

use std::{ffi::OsString, path::PathBuf, process::Stdio};

use serde::Deserialize;
use tokio::process::Command;

use crate::{Result, say};

/// A built binary, named like its package.
#[derive(Debug, Clone)]
pub struct Program {
    pub name: String,
    pub executable: PathBuf,
    pub bytes: u64,
}

/// One line of cargo's report.
#[derive(Deserialize)]
struct Artifact {
    #[serde(default)]
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Target {
    name: String,
}

pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Every package under `functions/`.
pub fn functions() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in std::fs::read_dir(root().join("functions"))? {
        let folder = folder?;
        if folder.path().join("Cargo.toml").exists() {
            names.push(folder.file_name().to_string_lossy().into_owned());
        }
    }
    // What these leave behind the sweeper would find, whose minute is to be one in which nothing is due: they come last.
    names.sort_by_key(|name| (["inbound", "outbound", "send"].contains(&name.as_str()), name.clone()));
    Ok(names)
}

/// As it is deployed.
pub async fn release(package: &str) -> Result<Program> {
    with_profile(package, "release").await
}

pub async fn with_profile(package: &str, profile: &str) -> Result<Program> {
    say(&format!("building {package}"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let built = Command::new(cargo)
        .current_dir(root())
        .args(["build", "--profile", profile, "--locked", "--package", package])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .await?;
    if !built.status.success() {
        return Err(format!("{package} does not build").into());
    }
    let lines = built.stdout.split(|byte| *byte == b'\n');
    let artifacts = lines.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
    let mut executables = artifacts.filter(|artifact| artifact.target.name == package).filter_map(|a| a.executable);
    let executable = executables.next().ok_or_else(|| format!("{package} has no binary of its name"))?;
    let bytes = executable.metadata()?.len();
    Ok(Program { name: package.to_owned(), executable, bytes })
}
