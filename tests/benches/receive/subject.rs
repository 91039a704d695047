//! Who takes deliveries: our function, the floor, and what teams would write in Python and in Node.

use std::{collections::BTreeMap, path::PathBuf};

use benches::{
    Result,
    aws::Aws,
    build::{self, Program},
    process::Process,
};
use tokio::process::Command;

use crate::peers::{self, Peer};

pub(crate) struct Subject {
    pub(crate) name: &'static str,
    command: Vec<PathBuf>,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

pub(crate) const FLOOR: &str = "floor, by hand";
pub(crate) const OURS: &str = "Patchbay";
pub(crate) const PYTHON: &str = "Python, boto3";
pub(crate) const NODE: &str = "Node, whatsapp-api-js";

/// The floor first, ours second, and the peers that can be installed here.
pub(crate) async fn all(aws: &Aws) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for (name, package, environment) in
        [(FLOOR, "floor", simple_environment(FLOOR, aws)?), (OURS, "webhook", aws.function_environment("webhook")?)]
    {
        let Program { executable, .. } = build::release(package).await?;
        subjects.push(Subject { name, command: vec![executable], folder: build::root(), environment });
    }
    for (name, installed) in [(PYTHON, peers::python().await), (NODE, peers::node().await)] {
        let environment = simple_environment(name, aws)?;
        match installed {
            Ok(Peer { command, folder }) => subjects.push(Subject { name, command, folder, environment }),
            Err(error) => benches::say(&format!("SKIPPED: {name}: {error}")),
        }
    }
    Ok(subjects)
}

/// Everything the others need is told them by variables: they read no secret and no table. Each has a group of the queue
/// to itself, or it would be taken for a repetition of the one before.
fn simple_environment(name: &str, aws: &Aws) -> Result<BTreeMap<String, String>> {
    let mut environment = aws.environment("webhook");
    environment.insert("META_APP_SECRET".to_owned(), aws.app_secret.clone());
    environment.insert("QUEUE_URL".to_owned(), queue_url(aws)?);
    environment.insert("QUEUE_GROUP".to_owned(), name.chars().filter(char::is_ascii_alphanumeric).collect());
    Ok(environment)
}

pub(crate) fn queue_url(aws: &Aws) -> Result<String> {
    let url = aws.function_environment("webhook")?.remove("INBOUND_QUEUE");
    Ok(url.ok_or("webhook has no INBOUND_QUEUE")?)
}

impl Subject {
    /// AWS knows its calls by its name.
    pub(crate) async fn start(&self) -> Result<Process> {
        let (program, arguments) = self.command.split_first().ok_or("a subject without a program")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        Process::start(command, &self.environment, self.caller(), self.name).await
    }

    /// An access key id that stands in a header, so a word.
    pub(crate) fn caller(&self) -> &'static str {
        self.name.split([',', ' ']).next().unwrap_or(self.name)
    }
}
