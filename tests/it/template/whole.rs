//! The template as a whole: it deploys twice, in one go, without questions, and costs what we say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Faults, events, functions, holds, of_kind, referred, resources, text, unless, walk};

/// What the local stack evaluates.
const INTRINSICS: &[&str] =
    &["Condition", "Fn::And", "Fn::Equals", "Fn::GetAtt", "Fn::If", "Fn::Join", "Fn::Not", "Fn::Or", "Fn::Sub", "Ref"];

#[test]
fn nothing_has_a_name_that_a_second_stack_would_want_too() {
    holds(
        nothing_is_named,
        &[
            ("/Resources/CredentialsTable/Properties/TableName", json!("credentials")),
            ("/Resources/InboundQueue/Properties/QueueName", json!("inbound.fifo")),
            ("/Resources/AccessFunction/Properties/FunctionName", json!("access")),
            ("/Resources/AccessRole/Properties/RoleName", json!("access")),
            ("/Resources/StackSecret/Properties/Name", json!("stack")),
            ("/Resources/ApiErrorsAlarm/Properties/AlarmName", json!("errors")),
            ("/Resources/SweeperLogs/Properties/LogGroupName", json!("/sweeper")),
            ("/Resources/SweeperFunction/Properties/Events/EveryMinute/Properties/OmitName", Value::Null),
            (
                "/Resources/TokenKeyAlias",
                json!({"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/patchbay"}}),
            ),
            ("/Outputs/ApiUrl/Export", json!({"Name": "patchbay-url"})),
        ],
    );
}

fn nothing_is_named(template: &Value) -> Faults {
    const NAMES: &[&str] = &[
        "AliasName",
        "AlarmName",
        "FunctionName",
        "LogGroupName",
        "Name",
        "QueueName",
        "RoleName",
        "StageName",
        "TableName",
    ];
    let mut faults = Faults::new();
    for (name, resource) in resources(template) {
        // A name that is another resource's is no name of its own.
        let is_own = |value: &Value| value.get("Ref").is_none();
        let named = NAMES.iter().filter(|property| resource["Properties"].get(**property).is_some_and(is_own));
        faults.extend(named.map(|property| format!("{name} has a {property}")));
        for (event, properties) in events(resource, "ScheduleV2") {
            let anonymous = properties["OmitName"] == true && properties.get("Name").is_none();
            faults.extend(unless(anonymous, || format!("{name}.{event} has a name")));
        }
    }
    let outputs = template["Outputs"].as_object().into_iter().flatten();
    faults.extend(
        outputs.filter(|(_, output)| output.get("Export").is_some()).map(|(name, _)| format!("{name} is exported")),
    );
    faults
}

#[test]
fn no_resource_waits_for_itself() {
    holds(
        dependencies_end,
        &[
            // SAM writes the functions' ARNs into the API, so a function cannot be told the API's address.
            ("/Resources/AccessFunction/Properties/Environment/Variables/API", json!({"Ref": "Api"})),
            (
                "/Resources/InboundDeadLetters/Properties/RedriveAllowPolicy",
                json!({"Fn::GetAtt": ["InboundQueue", "Arn"]}),
            ),
            ("/Resources/SweeperRole/DependsOn", json!("SweeperFunction")),
            ("/Resources/TokenKey/Properties/Description", json!({"Fn::Sub": "for ${AccessFunction}"})),
        ],
    );
}

fn dependencies_end(template: &Value) -> Faults {
    let mut waits: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, resource) in resources(template) {
        let mut own = resource.clone();
        own["Properties"]["Events"].take();
        let mut needed = referred(&own);
        needed.extend(super::texts(&resource["DependsOn"]).into_iter().map(str::to_owned));
        waits
            .entry(name)
            .or_default()
            .extend(needed.into_iter().filter(|other| resources(template).contains_key(other)));
    }
    for (name, function) in functions(template) {
        if !events(function, "HttpApi").is_empty() {
            waits.entry("Api").or_default().insert(name.to_owned());
        }
    }
    // What waits for nobody is created and no longer waited for, until only circles are left.
    while let Some(ready) = waits.iter().find(|(_, needed)| needed.is_empty()).map(|(name, _)| *name) {
        waits.remove(ready);
        for needed in waits.values_mut() {
            needed.retain(|other| other != ready);
        }
    }
    waits.into_iter().map(|(name, needed)| format!("{name} waits for {needed:?}")).collect()
}

#[test]
fn only_functions_that_the_local_stack_knows_are_used() {
    holds(
        intrinsics_are_known,
        &[
            ("/Outputs/ApiUrl/Value", json!({"Fn::Select": [0, ["a"]]})),
            ("/Resources/TokenKey/Properties/Description", json!({"Fn::ImportValue": "elsewhere"})),
        ],
    );
}

fn intrinsics_are_known(template: &Value) -> Faults {
    let mut faults = Faults::new();
    walk(template, &mut |key, _| {
        let intrinsic = key.starts_with("Fn::") || key == "Ref";
        faults.extend(unless(!intrinsic || INTRINSICS.contains(&key), || format!("{key} is not known locally")));
    });
    faults
}

#[test]
fn deploying_asks_nothing_that_has_no_default_and_explains_the_rest() {
    holds(
        parameters_are_kind,
        &[
            ("/Parameters/PublicUrl/Default", Value::Null),
            ("/Parameters/AllowedOrigins/Description", Value::Null),
            ("/Parameters/MetaAppId/AllowedPattern", Value::Null),
            ("/Parameters/MetaAppId/ConstraintDescription", Value::Null),
            ("/Parameters/RequestBurst/MaxValue", Value::Null),
            (
                "/Parameters/Forgotten",
                json!({"Type": "String", "Default": "", "Description": "?", "AllowedValues": [""]}),
            ),
            ("/Metadata/AWS::CloudFormation::Interface/ParameterGroups/0/Parameters/-", json!("Nobody")),
        ],
    );
}

fn parameters_are_kind(template: &Value) -> Faults {
    let groups =
        template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"].as_array().into_iter().flatten();
    let grouped: BTreeSet<&str> = groups.flat_map(|group| super::texts(&group["Parameters"])).collect();
    let parameters = template["Parameters"].as_object().unwrap();
    let all: BTreeSet<&str> = parameters.keys().map(String::as_str).collect();
    let mut used = referred(&template["Resources"]);
    used.extend(referred(&template["Conditions"]));
    used.extend(referred(&template["Globals"]));

    let mut faults =
        Faults::from_iter(unless(grouped == all, || format!("{:?} are in no group or do not exist", &grouped ^ &all)));
    for (name, parameter) in parameters {
        let explained = parameter.get("Default").is_some() && parameter.get("Description").is_some();
        let pattern = parameter.get("AllowedPattern").is_some() && parameter.get("ConstraintDescription").is_some();
        let range = parameter.get("MinValue").is_some() && parameter.get("MaxValue").is_some();
        let checked = pattern || range || parameter.get("AllowedValues").is_some();
        faults.extend(unless(explained && checked, || format!("{name} has no default, no description or no check")));
        faults.extend(unless(used.contains(name), || format!("{name} does nothing")));
    }
    faults
}

#[test]
fn every_parameter_is_in_the_deployment_guide() {
    let guide = text("docs/deploy.md");

    for name in super::template()["Parameters"].as_object().unwrap().keys() {
        assert!(guide.contains(&format!("`{name}`")), "docs/deploy.md does not explain {name}");
    }
}

#[test]
fn at_rest_it_costs_what_the_cost_page_says() {
    let template = super::template();
    let count = |kind| of_kind(&template, kind).len();
    let [keys, secrets, alarms] = ["AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::CloudWatch::Alarm"].map(count);
    let page = text("docs/cost.md");

    for row in [
        format!("| KMS keys | {keys} | ${keys}.00 |"),
        format!("| secrets | {secrets} | ${:.2} |", f64::from(u32::try_from(secrets).unwrap()) * 0.4),
        format!("| alarms | {alarms} | ${:.2} |", f64::from(u32::try_from(alarms).unwrap()) * 0.1),
    ] {
        assert!(page.contains(&row), "docs/cost.md does not say {row}");
    }
    let amounts = page.lines().filter(|line| line.starts_with('|') && !line.contains("**"));
    let cents = |line: &str| line.rsplit_once('$')?.1.trim_end_matches([' ', '|']).replace('.', "").parse::<u32>().ok();
    let sum: u32 = amounts.filter_map(cents).sum();
    assert!(
        page.contains(&format!("**${}.{:02}**", sum / 100, sum % 100)),
        "docs/cost.md does not add up to {sum} cents"
    );
    assert!(sum <= 600, "{sum} cents a month at rest");
}

#[test]
fn every_skipped_check_has_its_reason() {
    let settings = text(".ci/checkov.yaml");
    let lines: Vec<&str> = settings.lines().map(str::trim).collect();

    let skips: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].starts_with("- CKV")).collect();
    assert!(!skips.is_empty());
    for skip in skips {
        assert!(lines[skip - 1].starts_with('#'), "{} is skipped without a reason", lines[skip]);
    }
}
