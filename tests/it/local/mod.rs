//! The local host, proved by fixture functions: real HTTP, real processes.

mod events;
mod gateway;
mod runtime;
mod stream;
mod template;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::{Config, Line, Program, Stack};
use tempfile::TempDir;

use tests::wire::{self, Answer};

/// A stack of the fixture template, and everything its functions printed.
struct Host {
    stack: Stack,
    lines: Lines,
    data: TempDir,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl Host {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let (data, lines) = (tempfile::tempdir().unwrap(), Lines::default());
        let mut config = config(data.path(), &lines);
        change(&mut config);
        let stack = Stack::start(config).await.unwrap();
        Self { stack, lines, data }
    }

    /// Ends the stack and starts it again on the same data.
    async fn restart(self) -> Self {
        let Self { stack, lines, data } = self;
        stack.stop().await;
        let stack = Stack::start(config(data.path(), &lines)).await.unwrap();
        Self { stack, lines, data }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(&[&format!("GET {path} HTTP/1.1")], b"").await
    }

    async fn post_json(&self, path: &str, body: &str) -> Answer {
        self.send(&[&format!("POST {path} HTTP/1.1"), "content-type: application/json"], body.as_bytes()).await
    }

    async fn send(&self, head: &[&str], body: &[u8]) -> Answer {
        wire::send(self.stack.api_url(), head, body).await
    }
}

impl Lines {
    fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|line| line.text.clone()).collect()
    }

    /// Waits until the lines satisfy a condition, and returns them.
    async fn until(&self, what: &str, is_met: impl Fn(&[String]) -> bool) -> Vec<String> {
        for _ in 0..3_000 {
            let texts = self.texts();
            if is_met(&texts) {
                return texts;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("waited in vain until {what}: {:#?}", self.texts());
    }
}

fn config(data: &Path, lines: &Lines) -> Config {
    let template = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/local/template.yaml");
    let mut config = Config::new(template, data, program());
    let lines = lines.clone();
    config.output = Arc::new(move |line| lines.0.lock().unwrap().push(line));
    config
}

fn program() -> Program {
    Program { executable: env!("CARGO_BIN_EXE_functions").into() }
}
