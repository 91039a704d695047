//! Functions: how they are built, what they are told, where they log, who hears of their failures.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Faults, events, functions, holds, of_kind, referred, root, unless};

#[test]
fn every_function_is_built_from_the_folder_that_has_its_name() {
    holds(
        functions_are_built,
        &[
            ("/Resources/AccessFunction/Metadata/BuildMethod", json!("makefile")),
            ("/Resources/AccessFunction/Metadata/BuildProperties/Binary", json!("sweeper")),
            ("/Resources/SweeperFunction/Properties/CodeUri", json!("functions/sweep")),
            ("/Globals/Function/Runtime", json!("provided.al2")),
            ("/Globals/Function/Architectures", json!(["x86_64"])),
            ("/Resources/AccessFunction/Properties/Timeout", Value::Null),
        ],
    );
}

fn functions_are_built(template: &Value) -> Faults {
    let globals = &template["Globals"]["Function"];
    let on_arm = template["Parameters"]["Architecture"]["Default"] == "arm64";
    let custom =
        globals["Runtime"] == "provided.al2023" && globals["Architectures"] == json!([{"Ref": "Architecture"}]);
    let mut faults =
        Faults::from_iter(unless(on_arm && custom, || "functions do not run on provided.al2023, arm64".to_owned()));
    for (name, function) in functions(template) {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap_or_default();
        let folder = format!("functions/{binary}");
        let good = function["Metadata"]["BuildMethod"] == "rust-cargolambda"
            && function["Properties"]["CodeUri"] == *folder
            && name == logical_id(binary)
            && root().join(&folder).join("src/main.rs").is_file();
        faults.extend(unless(good, || format!("{name} is not built from the folder with its name")));
        let limited = function["Properties"]["Timeout"].is_u64() && function["Properties"]["MemorySize"].is_u64();
        faults.extend(unless(limited, || format!("{name} has no timeout or memory of its own")));
    }
    faults
}

/// `oauth-init` is `OauthInitFunction`.
fn logical_id(binary: &str) -> String {
    let words = binary.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Function"
}

#[test]
fn every_folder_of_a_function_is_deployed() {
    let template = super::template();
    let deployed: Vec<_> = functions(&template)
        .into_iter()
        .filter_map(|(_, function)| function["Properties"]["CodeUri"].as_str())
        .collect();

    for folder in
        std::fs::read_dir(root().join("functions")).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir())
    {
        let folder = format!("functions/{}", folder.file_name().to_str().unwrap());
        assert!(deployed.contains(&folder.as_str()), "{folder} is in no function of the template");
    }
}

#[test]
fn nothing_sends_a_function_elsewhere() {
    holds(
        environments_are_plain,
        &[
            (
                "/Resources/AccessFunction/Properties/Environment/Variables/AWS_ENDPOINT_URL",
                json!("http://127.0.0.1:1"),
            ),
            ("/Resources/OauthInitFunction/Properties/Environment/Variables/GRAPH_URL", json!("http://127.0.0.1:1")),
            ("/Resources/AccountsFunction/Properties/Environment/Variables/GRAPH_URL", json!({"Ref": "PublicUrl"})),
            (
                "/Resources/OauthCallbackFunction/Properties/Environment/Variables/PUBLIC_URL",
                json!("https://elsewhere.example.com"),
            ),
            ("/Resources/AccountsFunction/Properties/Environment/Variables/OTHER_URL", json!({"Ref": "PublicUrl"})),
            ("/Globals/Function/Environment", json!({"Variables": {"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1"}})),
            ("/Resources/SweeperFunction/Properties/Environment/Variables/CREDENTIALS_TABLE", json!("credentials")),
        ],
    );

    let text = super::text("template.yaml");
    assert!(!text.contains("/_local") && !text.contains("/_sim"));
}

fn environments_are_plain(template: &Value) -> Faults {
    let everyone = json!({"Globals": template["Globals"]["Function"]["Environment"]["Variables"]});
    let own = functions(template)
        .into_iter()
        .map(|(name, function)| (name, &function["Properties"]["Environment"]["Variables"]));
    let mut faults = Faults::new();
    for (owner, variables) in own.chain([("Globals", &everyone["Globals"])]) {
        for (variable, value) in variables.as_object().into_iter().flatten() {
            let redirects = variable.contains("ENDPOINT") || variable.ends_with("_URL");
            let good = match address(variable) {
                Some(address) => *value == address,
                None => !redirects && !referred(value).is_empty(),
            };
            faults.extend(unless(good, || format!("{owner}: {variable} is a literal, or sends it elsewhere")));
        }
    }
    faults
}

/// The addresses that functions are told: Meta's, and their own if the operator gave them one.
fn address(variable: &str) -> Option<Value> {
    match variable {
        "GRAPH_URL" => Some(json!("https://graph.facebook.com")),
        "PUBLIC_URL" => Some(json!({"Ref": "PublicUrl"})),
        _ => None,
    }
}

#[test]
fn every_log_group_has_one_writer_and_an_end() {
    holds(
        logs_end,
        &[
            ("/Resources/AccessFunction/Properties/LoggingConfig", Value::Null),
            ("/Resources/SweeperFunction/Properties/LoggingConfig/LogGroup/Ref", json!("AccessLogs")),
            ("/Resources/SweeperLogs/Properties/RetentionInDays", Value::Null),
            ("/Resources/ApiLogs/Properties/RetentionInDays", json!(30)),
            ("/Globals/Function/LoggingConfig/LogFormat", json!("Text")),
        ],
    );
}

fn logs_end(template: &Value) -> Faults {
    let format = &template["Globals"]["Function"]["LoggingConfig"]["LogFormat"];
    let mut faults = Faults::from_iter(unless(format == "JSON", || "functions do not log JSON".to_owned()));
    let mut writers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, function) in functions(template) {
        let group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap_or_default();
        writers.entry(group).or_default().push(name);
    }
    writers.entry("ApiLogs").or_default().push("Api");
    for (group, writers) in writers {
        let ends = template["Resources"][group]["Properties"]["RetentionInDays"] == json!({"Ref": "RetentionDays"});
        faults.extend(unless(ends && writers.len() == 1, || {
            format!("{group:?} of {writers:?} is shared or kept forever")
        }));
    }
    faults
}

#[test]
fn a_function_answers_before_the_gateway_stops_waiting() {
    holds(
        answers_are_in_time,
        &[
            ("/Resources/OauthCallbackFunction/Properties/Timeout", json!(30)),
            // A connection works for up to 20 s in the request, and an answer of Meta may take 10 of these once more.
            ("/Resources/AccountsFunction/Properties/Timeout", json!(25)),
            ("/Resources/OauthInitFunction/Properties/Timeout", Value::Null),
        ],
    );
}

fn answers_are_in_time(template: &Value) -> Faults {
    let asked = functions(template).into_iter().filter(|(_, function)| !events(function, "HttpApi").is_empty());
    let late = asked.filter(|(_, function)| {
        let speaks_to_meta = function["Properties"]["Environment"]["Variables"].get("GRAPH_URL").is_some();
        let limits = if speaks_to_meta { 28..=29 } else { 1..=29 };
        !function["Properties"]["Timeout"].as_u64().is_some_and(|timeout| limits.contains(&timeout))
    });
    late.map(|(name, _)| format!("{name} ends too late for the gateway, or too early for its work")).collect()
}

#[test]
fn what_runs_by_schedule_is_not_retried_into_the_next_run() {
    holds(
        schedules_do_not_pile_up,
        &[
            ("/Resources/SweeperFunction/Properties/EventInvokeConfig", Value::Null),
            ("/Resources/SweeperFunction/Properties/EventInvokeConfig/MaximumRetryAttempts", json!(2)),
            (
                "/Resources/SweeperFunction/Properties/Events/EveryMinute/Properties/RetryPolicy/MaximumRetryAttempts",
                json!(185),
            ),
            ("/Resources/SweeperFunction/Properties/Timeout", json!(61)),
        ],
    );
}

fn schedules_do_not_pile_up(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (name, function) in functions(template) {
        for (event, properties) in events(function, "ScheduleV2") {
            let good = properties["RetryPolicy"]["MaximumRetryAttempts"] == 0
                && function["Properties"]["EventInvokeConfig"]["MaximumRetryAttempts"] == 0
                && function["Properties"]["Timeout"].as_u64() <= Some(60);
            faults.extend(unless(good, || format!("{name}.{event} can run beside itself")));
        }
    }
    faults
}

#[test]
fn an_alarm_hears_every_failure() {
    holds(
        failures_are_heard,
        &[
            ("/Resources/SweeperStoppedAlarm", Value::Null),
            ("/Resources/SweeperStoppedAlarm/Properties/TreatMissingData", json!("notBreaching")),
            ("/Resources/AccessErrorsAlarm/Properties/Dimensions/0/Value/Ref", json!("SweeperFunction")),
            ("/Resources/SweeperThrottlesAlarm/Properties/MetricName", json!("Duration")),
            ("/Resources/InboundDeadLettersAlarm/Properties/Threshold", json!(10)),
            ("/Resources/OutboundDeadLettersAlarm/Properties/Dimensions/0/Value/Fn::GetAtt/0", json!("OutboundQueue")),
            ("/Resources/ApiErrorsAlarm", Value::Null),
            ("/Resources/ApiErrorsAlarm/Properties/AlarmActions", Value::Null),
        ],
    );
}

fn failures_are_heard(template: &Value) -> Faults {
    let mut wanted = vec!["Api 5xx".to_owned()];
    for (name, function) in functions(template) {
        wanted.extend(["Errors", "Throttles"].map(|metric| format!("{name} {metric}")));
        wanted.extend(events(function, "ScheduleV2").first().map(|_| format!("{name} Invocations")));
    }
    let queues = of_kind(template, "AWS::SQS::Queue").into_iter().filter(|(name, _)| name.ends_with("DeadLetters"));
    wanted.extend(queues.map(|(name, _)| format!("{name} ApproximateNumberOfMessagesVisible")));

    let topic = json!({"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]});
    let mut heard = Vec::new();
    let mut faults = Faults::new();
    for (name, alarm) in of_kind(template, "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let metric = properties["MetricName"].as_str().unwrap_or_default();
        heard.extend(referred(&properties["Dimensions"]).into_iter().map(|subject| format!("{subject} {metric}")));
        let told = properties["AlarmActions"] == topic && properties["OKActions"] == topic;
        let silence = if metric == "Invocations" { "breaching" } else { "notBreaching" };
        let at_first = metric != "ApproximateNumberOfMessagesVisible" || properties["Threshold"] == 1;
        faults.extend(unless(told && at_first && properties["TreatMissingData"] == silence, || {
            format!("{name} stays silent")
        }));
    }
    faults.extend(
        wanted
            .into_iter()
            .filter(|failure| !heard.contains(failure))
            .map(|failure| format!("no alarm hears {failure}")),
    );
    faults
}

#[test]
fn the_guide_says_what_to_do_at_each_alarm() {
    let guide = super::text("docs/operations.md");

    for (name, _) in of_kind(&super::template(), "AWS::CloudWatch::Alarm") {
        assert!(guide.contains(&format!("| `{name}` |")), "docs/operations.md does not know {name}");
    }
}
