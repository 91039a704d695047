//! Puts the parts together, and takes them down again.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulators::{Clock, Emulators};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Kill, Simulator};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clients::Clients;
use crate::config::{Config, StartError};
use crate::core::Core;
use crate::gateway::Gateway;
use crate::poll::queue::QueuePoller;
use crate::poll::stream::StreamPoller;
use crate::runtime::{Launcher, Outcome, Pool, Processes};
use crate::template::{Names, Source, Template};
use crate::{control, files, listen, meta, provision, schedule, template};

const BETWEEN_SWEEPS: Duration = Duration::from_secs(10);
/// Of stream mappings, one file each.
const PROGRESS: &str = "streams";
const LOCK: &str = "lock";
/// Whose value begins an installation: prefix and secret are its first operator key.
const STACK_SECRET: &str = "StackSecret";

/// A running stack. Dropping it ends it.
pub struct Stack {
    core: Arc<Core>,
    template: Template,
    api_url: String,
    simulator: Option<Simulator>,
    operator_key: Option<String>,
    tasks: JoinSet<()>,
    hold: Hold,
}

/// What a stack holds while it runs, and lets go of however it ends.
struct Hold {
    lock: File,
    addresses: PathBuf,
    processes: Processes,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.processes.kill_all();
        // Whoever finds the file believes that somebody answers.
        let _ = files::remove(&self.addresses);
        // Closing it is not enough: a process that is just being started still has a copy.
        let _ = self.lock.unlock();
    }
}

impl Stack {
    /// Starts everything; the API answers when this returns.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let data_error = |source| StartError::Data { path: config.data.clone(), source };
        files::private_directory(&config.data).map_err(data_error)?;
        let lock = lock(&config.data)?;
        files::private_directory(&config.data.join(PROGRESS)).map_err(data_error)?;
        let processes = Processes::default();
        let addresses = config.data.join("addresses.json");
        files::remove(&addresses).map_err(data_error)?;
        let hold = Hold { lock, addresses, processes: processes.clone() };
        let listeners = Listeners::bind(&config).await?;
        let source = read_template(&config)?;
        let plan = source.resolve(source.planned_names()).map_err(|source| config.template_error(source))?;

        let clock_file = config.data.join("clock");
        let clock = Clock::with_offset(read_offset(&clock_file));
        let emulators = start_emulators(&config.data, &clock, &processes).await?;
        let clients = Clients::new(&emulators.url(), "stack");
        let names = provision::provision(&clients, &plan, source.planned_names()).await?;
        let template = source.resolve(&names).map_err(|source| config.template_error(source))?;

        let launcher = Arc::new(Launcher {
            program: config.program.clone(),
            clock: clock.clone(),
            clock_file: clock_file.clone(),
            init_timeout: config.init_timeout,
            output: config.output.clone(),
            aws_url: emulators.url(),
            graph_url: config.graph_url.clone().or_else(|| listeners.simulator_url.clone()),
            processes: processes.clone(),
        });
        let pool = |function: &template::Function| Pool::new(function.clone(), launcher.clone(), config.concurrency);
        let functions: BTreeMap<_, _> =
            template.functions.iter().map(|(id, function)| (id.clone(), pool(function))).collect();
        if config.check_functions {
            check(&functions).await?;
        }
        let queues = template.queues.keys().filter_map(|id| Some((id.clone(), names.reference(id)?.to_owned())));
        let queues = queues.collect();
        let core = Core { port: listeners.port, functions, clock, clock_file, emulators, clients, queues };
        let mut stack = Self {
            core: Arc::new(core),
            template,
            api_url: format!("http://127.0.0.1:{}", listeners.port),
            simulator: None,
            operator_key: None,
            tasks: JoinSet::new(),
            hold,
        };
        stack.follow_events(&names, &config.data);
        stack.tasks.spawn(expire(stack.core.clone()));
        stack.open(listeners, &config)?;
        stack.announce(&names, &config.data).await.map_err(data_error)?;
        Ok(stack)
    }

    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    pub fn simulator_url(&self) -> Option<String> {
        self.simulator.as_ref().map(|simulator| format!("http://{}", simulator.address()))
    }

    /// The first operator key, where the template has a stack secret.
    pub fn operator_key(&self) -> Option<&str> {
        self.operator_key.as_deref()
    }

    pub fn aws_url(&self) -> String {
        self.core.emulators.url()
    }

    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    pub fn emulators(&self) -> &Emulators {
        &self.core.emulators
    }

    /// The template as it runs here, with the real names of everything.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Moves the clock of the whole stack; functions see it at their next reading.
    pub async fn advance(&self, seconds: u32) -> std::io::Result<()> {
        self.core.advance(seconds).await
    }

    /// Invokes a function by its logical id, as `aws lambda invoke` does. `None`: there is no such function.
    pub async fn invoke(&self, logical_id: &str, event: &Value) -> Option<Outcome> {
        let function = self.core.functions.get(logical_id)?;
        Some(function.invoke(Bytes::from(event.to_string())).await)
    }

    /// Ends everything and waits for the end.
    pub async fn stop(self) {
        let Self { mut core, mut tasks, hold, .. } = self;
        tasks.shutdown().await;
        hold.processes.kill_all();
        // A connection that is being closed may hold on to it for a moment.
        for _ in 0..100 {
            match Arc::try_unwrap(core) {
                Ok(core) => return core.emulators.stop().await,
                Err(shared) => core = shared,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn follow_events(&mut self, names: &Names, data: &Path) {
        let core = &self.core;
        let attribute = |id: &str, attribute| names.attribute(id, attribute).unwrap_or_default();
        for mapping in &self.template.queue_mappings {
            let Some(function) = core.functions.get(&mapping.function) else { continue };
            let poller = QueuePoller {
                function: function.clone(),
                sqs: core.clients.sqs.clone(),
                url: attribute(&mapping.queue, "QueueUrl"),
                arn: attribute(&mapping.queue, "Arn"),
                mapping: mapping.clone(),
            };
            self.tasks.spawn(poller.run());
        }
        for mapping in &self.template.stream_mappings {
            let Some(function) = core.functions.get(&mapping.function) else { continue };
            let poller = StreamPoller {
                function: function.clone(),
                streams: core.clients.streams.clone(),
                sqs: core.clients.sqs.clone(),
                clock: core.clock.clone(),
                stream_arn: attribute(&mapping.table, "StreamArn"),
                progress: data.join(PROGRESS).join(&mapping.name),
                on_failure: mapping.on_failure.as_ref().map(|queue| attribute(queue, "QueueUrl")),
                mapping: mapping.clone(),
            };
            self.tasks.spawn(poller.run());
        }
        for schedule in &self.template.schedules {
            let Some(function) = core.functions.get(&schedule.function) else { continue };
            self.tasks.spawn(schedule::run(schedule.clone(), function.clone(), core.clock.clone()));
        }
    }

    /// Begins to answer.
    fn open(&mut self, listeners: Listeners, config: &Config) -> Result<(), StartError> {
        let core = self.core.clone();
        if let Some(listener) = listeners.simulator {
            let data = Some(config.data.join("simulator"));
            let processes = self.hold.processes.clone();
            let kill = Some(Kill::from_fn(move |caller| processes.kill_at(caller.peer, caller.local)));
            let options = simulator::Options { data, kill, ..meta::options(&self.api_url, &core.clock) };
            let simulator = Simulator::start(listener, options).map_err(StartError::Simulator)?;
            self.simulator = Some(simulator);
        }
        let api = self.template.api.clone().unwrap_or_default();
        let gateway = Gateway::new(api, core.functions.clone(), core.clock.clone(), config.integration_timeout);
        let gateway = Arc::new(gateway);
        if let Some(listener) = listeners.tunnel {
            let gateway = gateway.clone();
            self.tasks.spawn(listen::serve(listener, move |request, peer| {
                let gateway = gateway.clone();
                async move { gateway.answer_stranger(request, peer).await }
            }));
        }
        let with_control = config.control;
        self.tasks.spawn(listen::serve(listeners.api, move |request, peer| {
            let (core, gateway) = (core.clone(), gateway.clone());
            async move {
                if let Some(refusal) = listen::refuse_foreign_host(request.headers(), core.port) {
                    return refusal;
                }
                let call = request.uri().path().strip_prefix("/_local/").map(str::to_owned);
                match call.filter(|_| with_control) {
                    Some(call) => control::answer(&core, &call, request).await,
                    None => gateway.answer(request, peer).await,
                }
            }
        }));
        Ok(())
    }

    /// Writes down where everything is, for programs that wait for it.
    async fn announce(&mut self, names: &Names, data: &Path) -> std::io::Result<()> {
        self.operator_key = self.core.clients.first_key(names.reference(STACK_SECRET)).await;
        if let Some(key) = &self.operator_key {
            files::replace(&data.join("operator.key"), key.as_bytes())?;
        }
        let addresses = json!({ "api": self.api_url, "simulator": self.simulator_url(), "dashboard": null });
        files::replace(&self.hold.addresses, addresses.to_string().as_bytes())
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stack").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

/// The ports a stack holds, before anything answers on them.
struct Listeners {
    api: TcpListener,
    port: u16,
    tunnel: Option<TcpListener>,
    simulator: Option<TcpListener>,
    simulator_url: Option<String>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let api = bind(config.port, "--port").await?;
        let port = port_of(&api)?;
        let tunnel = match config.tunnel_port {
            Some(port) => Some(bind(port, "--tunnel-port").await?),
            None => None,
        };
        let simulator = match config.simulator_port {
            Some(port) => Some(bind(port, "--simulator-port").await?),
            None => None,
        };
        let simulator_port = simulator.as_ref().map(port_of).transpose()?;
        let simulator_url = simulator_port.map(|port| format!("http://127.0.0.1:{port}"));
        Ok(Self { api, port, tunnel, simulator, simulator_url })
    }
}

/// Forgets everything a stack has kept in a directory.
pub fn reset(data: &Path) -> Result<(), StartError> {
    let data_error = |source| StartError::Data { path: data.to_owned(), source };
    if !data.exists() {
        return Ok(());
    }
    // A directory without it is somebody else's, given by mistake.
    if !data.join(LOCK).exists() {
        return Err(data_error(std::io::Error::other("no stack has kept anything there, so nothing is removed")));
    }
    let _lock = lock(data)?;
    std::fs::remove_dir_all(data).map_err(data_error)
}

fn lock(data: &Path) -> Result<File, StartError> {
    let data_error = |source| StartError::Data { path: data.to_owned(), source };
    let file = File::create(data.join(LOCK)).map_err(data_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked(data.to_owned())),
        Err(TryLockError::Error(source)) => Err(data_error(source)),
    }
}

async fn bind(port: u16, flag: &'static str) -> Result<TcpListener, StartError> {
    listen::bind(port).await.map_err(|source| StartError::Port { port, flag, source })
}

fn port_of(listener: &TcpListener) -> Result<u16, StartError> {
    let address = listener.local_addr();
    Ok(address.map_err(|source| StartError::Port { port: 0, flag: "--port", source })?.port())
}

fn read_template(config: &Config) -> Result<Source, StartError> {
    let mut parameters = config.fallback_parameters.clone();
    if config.simulator_port.is_some() {
        parameters.extend(meta::parameters());
    }
    let text = std::fs::read_to_string(&config.template)
        .map_err(|source| StartError::Unreadable { path: config.template.clone(), source })?;
    let declared = template::declared_parameters(&text).map_err(|source| config.template_error(source))?;
    parameters.retain(|name, _| declared.contains(name));
    parameters.extend(config.parameters.clone());
    Source::parse(&text, &parameters).map_err(|source| config.template_error(source))
}

fn read_offset(file: &Path) -> SignedDuration {
    let milliseconds = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
    milliseconds.map_or(SignedDuration::ZERO, SignedDuration::from_millis)
}

async fn start_emulators(data: &Path, clock: &Clock, processes: &Processes) -> Result<Emulators, StartError> {
    let processes = processes.clone();
    let options = emulators::Options {
        data: data.join("aws"),
        listener: None,
        clock: clock.clone(),
        kill: Arc::new(move |caller| processes.kill(caller)),
    };
    Ok(Emulators::start(options).await?)
}

/// Deletes expired items now and then, as DynamoDB does; moving the clock does it at once.
async fn expire(core: Arc<Core>) {
    loop {
        tokio::time::sleep(BETWEEN_SWEEPS).await;
        core.emulators.sweep_ttl().await;
    }
}

async fn check(functions: &BTreeMap<String, Arc<Pool>>) -> Result<(), StartError> {
    let mut starts = JoinSet::new();
    for function in functions.values().cloned() {
        starts.spawn(async move {
            let name = function.function.name.clone();
            function.warm().await.map_err(|failure| StartError::Function { name, failure })
        });
    }
    while let Some(started) = starts.join_next().await {
        started.unwrap_or(Ok(()))?;
    }
    Ok(())
}
