//! Reads the SAM template, so that what runs on this machine is what gets deployed: one description, two places.

mod document;
mod functions;
mod intrinsic;
mod names;
mod parameters;
mod properties;
mod resources;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;

pub use document::parse as document;
pub use functions::{Api, Cors, Function, QueueMapping, Route, RoutePath, Schedule, StreamMapping, Throttle};
pub use names::{ACCOUNT, Identity, Names, PARTITION, PASSED_OVER, REGION, STACK, physical_name};
pub use resources::{GeneratedSecret, Index, Queue, Redrive, Secret, SecretContent, Table};
pub use source::{Source, declared_parameters};

/// Everything the template describes, with all references resolved. Maps are keyed by logical id.
#[derive(Debug, Clone)]
pub struct Template {
    pub api: Option<Api>,
    pub functions: BTreeMap<String, Function>,
    pub keys: BTreeMap<String, Value>,
    pub queue_mappings: Vec<QueueMapping>,
    pub queues: BTreeMap<String, Queue>,
    pub schedules: Vec<Schedule>,
    pub secrets: BTreeMap<String, Secret>,
    pub stream_mappings: Vec<StreamMapping>,
    pub tables: BTreeMap<String, Table>,
    /// Type and evaluated properties of every resource, those that need nothing locally included.
    pub resources: BTreeMap<String, Resource>,
    pub outputs: BTreeMap<String, Value>,
}

/// One resource as the template has it, references resolved.
#[derive(Clone)]
pub struct Resource {
    pub kind: String,
    pub properties: Value,
}

impl fmt::Debug for Resource {
    // Properties may hold a NoEcho parameter.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resource").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Template {
    /// Reads a template with the names its resources are planned to have.
    pub fn read(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self, Error> {
        let source = Source::read(path, parameters)?;
        source.resolve(source.planned_names())
    }
}

/// Where the template is wrong, and why: one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Error {
    place: String,
    problem: String,
}

impl Error {
    fn new(place: &str, problem: impl Into<String>) -> Self {
        // YAML errors come in several lines.
        let problem = problem.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { place: if place.is_empty() { "template".to_owned() } else { place.to_owned() }, problem }
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}
