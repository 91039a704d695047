//! The peers, installed from `PyPI` and npm into the target folder: by name and exact version, from `peers/`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use benches::{Result, build::root};
use tokio::process::Command;

/// A program, its arguments, and the folder it is started in.
pub(crate) struct Peer {
    pub(crate) command: Vec<PathBuf>,
    pub(crate) folder: PathBuf,
}

/// AWS's runtime interface client and our handler.
pub(crate) async fn python() -> Result<Peer> {
    let workshop = Workshop::prepare("python", &["requirements.txt", "webhook.py"])?;
    let python = workshop.folder.join("environment/bin/python");
    if !workshop.is_current("requirements.txt") {
        run(Path::new("python3"), ["-m", "venv", "environment"], &workshop.folder).await?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
        run(&python, install, &workshop.folder).await?;
        workshop.note("requirements.txt")?;
    }
    let command = vec![python, "-m".into(), "awslambdaric".into(), "webhook.receive".into()];
    Ok(Peer { command, folder: workshop.folder })
}

/// A loop over `node:http` and our handler.
pub(crate) async fn node() -> Result<Peer> {
    let files = ["package.json", "package-lock.json", "runtime.mjs", "webhook.mjs"];
    let workshop = Workshop::prepare("node", &files)?;
    if !workshop.is_current("package-lock.json") {
        run(Path::new("npm"), ["ci", "--silent", "--no-audit", "--no-fund"], &workshop.folder).await?;
        workshop.note("package-lock.json")?;
    }
    Ok(Peer { command: vec![found("node")?, "webhook.mjs".into()], folder: workshop.folder })
}

/// A folder where a peer lies beside what it needs.
struct Workshop {
    source: PathBuf,
    folder: PathBuf,
}

impl Workshop {
    fn prepare(name: &str, files: &[&str]) -> Result<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let folder = std::path::absolute(target.join("benches/peers").join(name))?;
        let source = root().join("tests/benches/peers").join(name);
        std::fs::create_dir_all(&folder)?;
        for file in files {
            std::fs::copy(source.join(file), folder.join(file))?;
        }
        Ok(Self { source, folder })
    }

    /// Whether what this file names has been installed.
    fn is_current(&self, file: &str) -> bool {
        let wanted = std::fs::read(self.source.join(file));
        matches!((wanted, std::fs::read(self.folder.join(".installed"))), (Ok(wanted), Ok(installed)) if wanted == installed)
    }

    fn note(&self, file: &str) -> Result<()> {
        std::fs::copy(self.source.join(file), self.folder.join(".installed"))?;
        Ok(())
    }
}

async fn run<const N: usize>(program: &Path, arguments: [&str; N], folder: &Path) -> Result<()> {
    let command = format!("{} {}", program.display(), arguments.join(" "));
    let output = Command::new(program).args(arguments).current_dir(folder).output().await;
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim().lines().last().unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(format!("{command}: {}: {last}", output.status).into()) }
}

/// Subjects run without `PATH`.
fn found(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(OsStr::new(program)));
    Ok(candidates.find(|candidate| candidate.is_file()).ok_or_else(|| format!("{program} is not installed"))?)
}
