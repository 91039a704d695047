//! What can be said of an artefact without, or after, running it.

use std::path::{Path, PathBuf};

use crate::Result;

/// What a cold start has to load. A binary that is not stripped has a multiple of it.
fn largest(function: &str) -> usize {
    if function == "webhook" { 5_500_000 } else { 8_500_000 }
}

/// Routes and names of the laptop's stack, which no deployed binary may know.
const LOCAL_ONLY: &[&str] = &["/_local", "/_sim", "PATCHBAY_FUNCTION", "PATCHBAY_CLOCK"];

pub(crate) struct Artefact {
    pub(crate) path: PathBuf,
    pub(crate) size: usize,
}

impl Artefact {
    pub(crate) fn read(function: &str, path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.display();
        if !bytes.starts_with(b"\x7fELF") {
            return Err(format!("{name} is no Linux binary").into());
        }
        let largest = largest(function);
        if bytes.len() > largest {
            return Err(format!("{name} has {} bytes, more than {largest}", bytes.len()).into());
        }
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if let Some(text) = LOCAL_ONLY.iter().find(|text| holds(text)) {
            return Err(format!("{name} knows {text}, which belongs to the local stack").into());
        }
        Ok(Self { path: path.canonicalize()?, size: bytes.len() })
    }
}

/// The trust store is in the binary: reading the system's costs a cold start more than everything else it does.
pub(crate) fn reads_no_certificates(trace: &str) -> Result<()> {
    if !trace.contains("openat(") {
        return Err("strace saw no file opened: the check did not work".into());
    }
    let certificate =
        |line: &&str| [".pem\"", ".crt\"", "/ssl/", "/certs", "/pki/"].iter().any(|mark| line.contains(mark));
    match trace.lines().find(certificate) {
        Some(line) => Err(format!("a file of certificates was looked for: {line}").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADER: &str = "7 openat(AT_FDCWD, \"/lib/x86_64-linux-gnu/libc.so.6\", O_RDONLY|O_CLOEXEC) = 3\n";

    #[test]
    fn certificates_are_noticed_and_so_is_a_trace_of_nothing() {
        assert!(reads_no_certificates(LOADER).is_ok());
        assert!(reads_no_certificates("").is_err());
        for bundle in ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem", "/usr/lib/ssl/cert"] {
            let trace = format!("{LOADER}7 openat(AT_FDCWD, \"{bundle}\", O_RDONLY) = -1 ENOENT\n");
            assert!(reads_no_certificates(&trace).is_err(), "{bundle}");
        }
    }

    #[test]
    fn an_artefact_is_a_small_binary_that_knows_nothing_local() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Artefact::read("access", &path).map(|artefact| artefact.size)
        };

        assert_eq!(read("good", b"\x7fELF thread_local").unwrap(), 17);
        assert!(read("script", b"#!/bin/sh").is_err());
        assert!(read("local", b"\x7fELF ... /_local/clock").is_err());
        let large = [b"\x7fELF".as_slice(), &vec![0; 6_000_000]].concat();
        assert!(read("large", &large).is_ok() && Artefact::read("webhook", &folder.path().join("large")).is_err());
        assert!(read("larger", &[large.as_slice(), &large].concat()).is_err());
        assert!(Artefact::read("access", &folder.path().join("missing")).is_err());
    }
}
