//! Functions and what wakes them: routes, queues, streams, schedules.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::names::{ACCOUNT, Names, PARTITION, REGION, physical_name};
use super::properties::Properties;
use super::{Error, Resource, join};
use crate::schedule::Expression;

/// A Lambda function.
#[derive(Clone)]
pub struct Function {
    pub logical_id: String,
    /// Of its crate and its binary.
    pub name: String,
    pub timeout: Duration,
    pub memory_megabytes: u64,
    pub environment: BTreeMap<String, String>,
    pub reserved_concurrency: Option<usize>,
    /// Format and application level of its log, as Lambda tells a function by environment.
    pub log_format: Option<String>,
    pub log_level: Option<String>,
    /// As SAM takes them, references resolved.
    pub policies: Value,
}

impl Function {
    pub fn arn(&self) -> String {
        format!("arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{}", physical_name(&self.logical_id))
    }
}

impl fmt::Debug for Function {
    // The environment's values may come from NoEcho parameters.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Function")
            .field("logical_id", &self.logical_id)
            .field("name", &self.name)
            .field("environment", &self.environment.keys())
            .finish_non_exhaustive()
    }
}

/// The HTTP API.
#[derive(Debug, Clone, Default)]
pub struct Api {
    pub routes: Vec<Route>,
    pub cors: Option<Cors>,
    pub throttle: Throttle,
    /// By route key, such as `POST /v1/keys`.
    pub route_throttles: BTreeMap<String, Throttle>,
}

/// `function` is a logical id, here and below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub path: RoutePath,
    pub function: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutePath {
    /// The method is upper-case, or `ANY`.
    Path {
        method: String,
        path: String,
    },
    Default,
}

impl fmt::Display for RoutePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { method, path } => write!(formatter, "{method} {path}"),
            Self::Default => formatter.write_str("$default"),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    pub origins: Vec<String>,
    pub methods: Vec<String>,
    pub headers: Vec<String>,
    pub exposed: Vec<String>,
    pub credentials: bool,
    pub max_age: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Throttle {
    pub per_second: Option<f64>,
    pub burst: Option<u32>,
}

/// `queue` is a logical id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMapping {
    pub function: String,
    pub queue: String,
    pub batch_size: usize,
    pub batching_window: Duration,
    pub maximum_concurrency: Option<usize>,
    pub partial_failures: bool,
}

/// `table` and `on_failure` are logical ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamMapping {
    pub function: String,
    pub table: String,
    /// Unique within the template; progress is kept under it.
    pub name: String,
    pub batch_size: usize,
    pub batching_window: Duration,
    pub from_start: bool,
    pub partial_failures: bool,
    pub bisect: bool,
    pub maximum_retries: Option<u32>,
    pub maximum_record_age: Option<Duration>,
    pub on_failure: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub function: String,
    pub name: String,
    pub expression: Expression,
    pub input: Option<Value>,
    pub maximum_retries: u32,
    pub maximum_event_age: Duration,
}

#[derive(Default)]
pub(super) struct Events {
    pub(super) api: Option<Api>,
    pub(super) functions: BTreeMap<String, Function>,
    pub(super) queue_mappings: Vec<QueueMapping>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) stream_mappings: Vec<StreamMapping>,
}

type Metadata<'a> = dyn Fn(&str) -> Option<&'a Value> + 'a;

pub(super) fn read(
    resources: &BTreeMap<String, Resource>,
    metadata: &Metadata<'_>,
    names: &Names,
) -> Result<Events, Error> {
    let mut events = Events { api: api(resources)?, ..Events::default() };
    for (logical_id, resource) in resources.iter().filter(|(_, resource)| resource.kind == "AWS::Serverless::Function")
    {
        let properties = Properties::new(format!("Resources.{logical_id}.Properties"), &resource.properties)?;
        let function = function(logical_id, &properties, metadata(logical_id))?;
        if let Some(other) = events.functions.values().find(|other| other.name == function.name) {
            return Err(properties.wrong("CodeUri", &format!("{} has the same binary", other.logical_id)));
        }
        events.functions.insert(logical_id.clone(), function);
        if let Some(written) = properties.map("Events")? {
            for (name, place, event) in written.entries() {
                let event = Properties::new(place, event)?;
                events.take(logical_id, name, &event, names)?;
            }
        }
    }
    Ok(events)
}

fn function(logical_id: &str, properties: &Properties<'_>, metadata: Option<&Value>) -> Result<Function, Error> {
    properties.refuse(&["FunctionName", "ImageUri", "InlineCode", "Layers", "FileSystemConfigs", "VpcConfig"])?;
    let binary = metadata.and_then(|metadata| metadata.pointer("/BuildProperties/Binary")).and_then(Value::as_str);
    let name = if let Some(binary) = binary {
        binary.to_owned()
    } else {
        let folder = properties.needed_text("CodeUri")?;
        folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
    };
    let logging = properties.map("LoggingConfig")?;
    let logging = |field: &str| logging.as_ref().map_or(Ok(None), |logging| logging.text(field));
    let environment = properties.map("Environment")?.map(|environment| environment.text_map("Variables"));
    Ok(Function {
        logical_id: logical_id.to_owned(),
        name,
        timeout: Duration::from_secs(properties.number("Timeout")?.unwrap_or(3)),
        memory_megabytes: properties.number("MemorySize")?.unwrap_or(128),
        environment: environment.transpose()?.unwrap_or_default(),
        reserved_concurrency: properties.number("ReservedConcurrentExecutions")?,
        log_format: logging("LogFormat")?,
        log_level: logging("ApplicationLogLevel")?,
        policies: properties.raw("Policies").cloned().unwrap_or_default(),
    })
}

fn api(resources: &BTreeMap<String, Resource>) -> Result<Option<Api>, Error> {
    let mut apis = resources.iter().filter(|(_, resource)| resource.kind == "AWS::Serverless::HttpApi");
    let Some((logical_id, resource)) = apis.next() else { return Ok(None) };
    if let Some((second, _)) = apis.next() {
        return Err(Error::new(&format!("Resources.{second}"), "the local stack serves one HTTP API"));
    }
    let properties = Properties::new(format!("Resources.{logical_id}.Properties"), &resource.properties)?;
    properties.refuse(&["Auth", "DefinitionBody", "DefinitionUri", "StageVariables"])?;
    let stage = properties.text("StageName")?;
    if stage.is_some_and(|stage| stage != "$default") {
        return Err(properties.wrong("StageName", "the local stack serves the $default stage"));
    }
    let default = properties.map("DefaultRouteSettings")?.map(|settings| throttle(&settings)).transpose()?;
    let mut route_throttles = BTreeMap::new();
    if let Some(settings) = properties.map("RouteSettings")? {
        for (route, place, settings) in settings.entries() {
            route_throttles.insert(route.clone(), throttle(&Properties::new(place, settings)?)?);
        }
    }
    let cors = match properties.raw("CorsConfiguration") {
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(Cors { origins: vec!["*".to_owned()], ..Cors::default() }),
        Some(_) => properties.map("CorsConfiguration")?.as_ref().map(cors).transpose()?,
    };
    Ok(Some(Api { routes: Vec::new(), cors, throttle: default.unwrap_or_default(), route_throttles }))
}

fn throttle(settings: &Properties<'_>) -> Result<Throttle, Error> {
    Ok(Throttle {
        per_second: settings.number("ThrottlingRateLimit")?,
        burst: settings.number("ThrottlingBurstLimit")?,
    })
}

fn cors(properties: &Properties<'_>) -> Result<Cors, Error> {
    let methods = properties.texts("AllowMethods")?;
    Ok(Cors {
        origins: properties.texts("AllowOrigins")?,
        methods: methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
        headers: properties.texts("AllowHeaders")?,
        exposed: properties.texts("ExposeHeaders")?,
        credentials: properties.flag("AllowCredentials")?,
        max_age: properties.number("MaxAge")?,
    })
}

impl Events {
    fn take(&mut self, function: &str, name: &str, event: &Properties<'_>, names: &Names) -> Result<(), Error> {
        let empty = Value::Object(serde_json::Map::new());
        let properties = match event.map("Properties")? {
            Some(properties) => properties,
            None => Properties::new(join(&event.place, "Properties"), &empty)?,
        };
        match event.needed_text("Type")?.as_str() {
            "HttpApi" => {
                let route = Route { path: route_path(&properties)?, function: function.to_owned() };
                let routes = &mut self.api.get_or_insert_default().routes;
                if routes.iter().any(|other| other.path == route.path) {
                    return Err(properties.wrong("Path", &format!("{} is routed twice", route.path)));
                }
                routes.push(route);
            }
            "SQS" => self.queue_mappings.extend(queue_mapping(function, &properties, names)?),
            "DynamoDB" => self.stream_mappings.extend(stream_mapping(function, name, &properties, names)?),
            "ScheduleV2" => self.schedules.extend(schedule(function, name, &properties, "ScheduleExpression")?),
            "Schedule" => self.schedules.extend(schedule(function, name, &properties, "Schedule")?),
            other => return Err(event.wrong("Type", &format!("{other} is not known to the local stack"))),
        }
        Ok(())
    }
}

fn route_path(properties: &Properties<'_>) -> Result<RoutePath, Error> {
    properties.refuse(&["Auth", "RouteSettings"])?;
    if properties.text("PayloadFormatVersion")?.is_some_and(|version| version != "2.0") {
        return Err(properties.wrong("PayloadFormatVersion", "the local stack speaks 2.0"));
    }
    match (properties.text("Method")?, properties.text("Path")?) {
        (None, None) => Ok(RoutePath::Default),
        (_, Some(path)) if path == "$default" => Ok(RoutePath::Default),
        (Some(method), Some(path)) if path.starts_with('/') => {
            let method = if method == "*" || method == "x-amazon-apigateway-any-method" { "ANY" } else { &method };
            Ok(RoutePath::Path { method: method.to_ascii_uppercase(), path })
        }
        (_, Some(_)) => Err(properties.wrong("Path", "must begin with / and have a Method")),
        (Some(_), None) => Err(properties.wrong("Path", "is missing")),
    }
}

fn queue_mapping(function: &str, properties: &Properties<'_>, names: &Names) -> Result<Option<QueueMapping>, Error> {
    properties.refuse(&["FilterCriteria"])?;
    if !is_enabled(properties)? {
        return Ok(None);
    }
    let arn = properties.needed_text("Queue")?;
    let queue = names.owner_of(&arn).ok_or_else(|| properties.wrong("Queue", "is no queue of this template"))?;
    let scaling = properties.map("ScalingConfig")?;
    Ok(Some(QueueMapping {
        function: function.to_owned(),
        queue: queue.to_owned(),
        batch_size: properties.number("BatchSize")?.unwrap_or(10),
        batching_window: seconds(properties, "MaximumBatchingWindowInSeconds")?.unwrap_or_default(),
        maximum_concurrency: match scaling {
            Some(scaling) => scaling.number("MaximumConcurrency")?,
            None => None,
        },
        partial_failures: reports_item_failures(properties)?,
    }))
}

fn stream_mapping(
    function: &str,
    name: &str,
    properties: &Properties<'_>,
    names: &Names,
) -> Result<Option<StreamMapping>, Error> {
    properties.refuse(&["FilterCriteria", "TumblingWindowInSeconds"])?;
    if !is_enabled(properties)? {
        return Ok(None);
    }
    let stream = properties.needed_text("Stream")?;
    let table = names.owner_of(&stream).ok_or_else(|| properties.wrong("Stream", "is no stream of this template"))?;
    let from_start = match properties.needed_text("StartingPosition")?.as_str() {
        "TRIM_HORIZON" => true,
        "LATEST" => false,
        _ => return Err(properties.wrong("StartingPosition", "must be TRIM_HORIZON or LATEST")),
    };
    let on_failure = match properties.map("DestinationConfig")?.map(|config| config.map("OnFailure")).transpose()? {
        Some(Some(destination)) => {
            let arn = destination.needed_text("Destination")?;
            let queue = names.owner_of(&arn);
            Some(queue.ok_or_else(|| destination.wrong("Destination", "is no queue of this template"))?.to_owned())
        }
        _ => None,
    };
    Ok(Some(StreamMapping {
        function: function.to_owned(),
        table: table.to_owned(),
        name: format!("{function}{name}"),
        batch_size: properties.number("BatchSize")?.unwrap_or(100),
        batching_window: seconds(properties, "MaximumBatchingWindowInSeconds")?.unwrap_or_default(),
        from_start,
        partial_failures: reports_item_failures(properties)?,
        bisect: properties.flag("BisectBatchOnFunctionError")?,
        maximum_retries: properties.number::<i64>("MaximumRetryAttempts")?.and_then(|retries| retries.try_into().ok()),
        maximum_record_age: seconds(properties, "MaximumRecordAgeInSeconds")?,
        on_failure,
    }))
}

fn schedule(function: &str, name: &str, properties: &Properties<'_>, field: &str) -> Result<Option<Schedule>, Error> {
    let text = properties.needed_text(field)?;
    let expression = text
        .parse()
        .map_err(|problem: crate::schedule::BadExpression| properties.wrong(field, &problem.to_string()))?;
    if properties.text("ScheduleExpressionTimezone")?.is_some_and(|zone| zone != "UTC") {
        return Err(properties.wrong("ScheduleExpressionTimezone", "the local stack knows UTC"));
    }
    let input = properties.text("Input")?.map(|input| serde_json::from_str(&input));
    let input = input.transpose().map_err(|problem| properties.wrong("Input", &format!("is not JSON: {problem}")))?;
    let retry = properties.map("RetryPolicy")?;
    let retry = |field: &str| retry.as_ref().map_or(Ok(None), |retry| retry.number::<u32>(field));
    if properties.text("State")?.is_some_and(|state| state != "ENABLED") || !is_enabled(properties)? {
        return Ok(None);
    }
    Ok(Some(Schedule {
        function: function.to_owned(),
        name: format!("{function}{name}"),
        expression,
        input,
        maximum_retries: retry("MaximumRetryAttempts")?.unwrap_or(185),
        maximum_event_age: Duration::from_secs(u64::from(retry("MaximumEventAgeInSeconds")?.unwrap_or(86_400))),
    }))
}

fn is_enabled(properties: &Properties<'_>) -> Result<bool, Error> {
    Ok(properties.raw("Enabled").is_none() || properties.flag("Enabled")?)
}

fn seconds(properties: &Properties<'_>, name: &str) -> Result<Option<Duration>, Error> {
    // -1 is how the cloud says "no limit".
    let seconds = properties.number::<i64>(name)?.and_then(|seconds| seconds.try_into().ok());
    Ok(seconds.map(Duration::from_secs))
}

fn reports_item_failures(properties: &Properties<'_>) -> Result<bool, Error> {
    Ok(properties.texts("FunctionResponseTypes")?.iter().any(|kind| kind == "ReportBatchItemFailures"))
}
