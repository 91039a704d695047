//! What a stack is started with, and why it may not start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::gateway::INTEGRATION_TIMEOUT;
use crate::runtime::{Failure, Output, Program};
use crate::{provision, template};

/// What a stack is started with.
#[derive(Clone)]
pub struct Config {
    pub template: PathBuf,
    /// Everything that outlives the process.
    pub data: PathBuf,
    /// Of the API; 0 is any free one.
    pub port: u16,
    pub parameters: BTreeMap<String, String>,
    /// Parameters that are used where the template declares them and nobody gave them.
    pub fallback_parameters: BTreeMap<String, String>,
    /// Processes a function may have, unless the template reserves fewer.
    pub concurrency: usize,
    pub program: Program,
    pub output: Output,
    pub init_timeout: Duration,
    pub integration_timeout: Duration,
    /// Starts one process of every function before anything is served, so that what cannot start is known at once.
    pub check_functions: bool,
    /// Serves `/_local/*`.
    pub control: bool,
    /// A second port that serves only what Meta and a person's browser need; a tunnel may point to it.
    pub tunnel_port: Option<u16>,
    /// Where Graph is, for the functions; else the simulator's address.
    pub graph_url: Option<String>,
    /// Starts the simulator on this port; 0 is any free one.
    pub simulator_port: Option<u16>,
}

impl Config {
    /// Any free port, the usual limits, and everything local.
    pub fn new(template: impl Into<PathBuf>, data: impl Into<PathBuf>, program: Program) -> Self {
        Self {
            template: template.into(),
            data: data.into(),
            port: 0,
            parameters: BTreeMap::new(),
            fallback_parameters: BTreeMap::new(),
            concurrency: 8,
            program,
            output: crate::runtime::to_terminal(),
            init_timeout: Duration::from_secs(10),
            integration_timeout: INTEGRATION_TIMEOUT,
            check_functions: false,
            control: true,
            tunnel_port: None,
            graph_url: None,
            simulator_port: None,
        }
    }
}

impl Config {
    pub(crate) fn template_error(&self, source: template::Error) -> StartError {
        StartError::Template { path: self.template.clone(), source }
    }
}

impl std::fmt::Debug for Config {
    // Parameters may be secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Config")
            .field("template", &self.template)
            .field("data", &self.data)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why a stack could not start: one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data directory {path} cannot be used: {source}")]
    Data { path: PathBuf, source: std::io::Error },
    #[error("another stack runs on {0}: end it, or choose another directory with --data")]
    Locked(PathBuf),
    #[error("port {port} cannot be used: {source}; choose another with {flag}")]
    Port { port: u16, flag: &'static str, source: std::io::Error },
    #[error("the template {path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Template { path: PathBuf, source: template::Error },
    #[error("the emulators cannot start: {0}")]
    Emulators(#[from] emulators::Error),
    #[error(transparent)]
    Provision(#[from] provision::Error),
    #[error("the simulator cannot start: {0}")]
    Simulator(#[source] std::io::Error),
    #[error("function {name} cannot start: {failure}")]
    Function { name: String, failure: Failure },
}
