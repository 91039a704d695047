//! Tables, queues and keys: nothing in them is lost by accident.

use local::template::{SecretContent, Template};
use serde_json::{Value, json};

use super::{Faults, events, functions, holds, of_kind, referred, resources, root, unless};

/// Their items never expire.
const KEPT_FOREVER: &[&str] = &["AccountsTable", "AuditTable"];

/// Seconds a consumer may take, for a queue whose consumer does not exist yet.
const LONGEST_CONSUMER: u64 = 30;

#[test]
fn tables_survive_accidents() {
    holds(
        tables_survive,
        &[
            ("/Resources/CredentialsTable/Properties/DeletionProtectionEnabled", json!(false)),
            ("/Resources/ReceiptsTable/Properties/PointInTimeRecoverySpecification", Value::Null),
            ("/Resources/AuditTable/DeletionPolicy", json!("Delete")),
            ("/Resources/AuditTable/UpdateReplacePolicy", Value::Null),
            ("/Resources/CredentialsTable/Properties/BillingMode", json!("PROVISIONED")),
            ("/Resources/AccountsTable/Properties/PointInTimeRecoverySpecification", Value::Null),
            ("/Resources/ConnectionsTable/DeletionPolicy", json!("Delete")),
            ("/Resources/OauthStatesTable/Properties/DeletionProtectionEnabled", json!(false)),
        ],
    );
}

fn tables_survive(template: &Value) -> Faults {
    let tables = of_kind(template, "AWS::DynamoDB::Table").into_iter().filter(|(_, table)| {
        let properties = &table["Properties"];
        properties["BillingMode"] != "PAY_PER_REQUEST"
            || properties["DeletionProtectionEnabled"] != true
            || properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] != true
            || !outlives_the_stack(table)
    });
    tables.map(|(name, _)| format!("{name} is not on demand, recoverable, protected and retained")).collect()
}

#[test]
fn tables_expire_by_ttl_unless_they_are_kept_forever() {
    holds(
        tables_expire,
        &[
            ("/Resources/CredentialsTable/Properties/TimeToLiveSpecification/AttributeName", json!("expires_at")),
            ("/Resources/ReceiptsTable/Properties/TimeToLiveSpecification/Enabled", json!(false)),
            (
                "/Resources/AuditTable/Properties/TimeToLiveSpecification",
                json!({"AttributeName": "ttl", "Enabled": true}),
            ),
            (
                "/Resources/AccountsTable/Properties/TimeToLiveSpecification",
                json!({"AttributeName": "ttl", "Enabled": true}),
            ),
            ("/Resources/ConnectionsTable/Properties/TimeToLiveSpecification", Value::Null),
            ("/Resources/OauthStatesTable/Properties/TimeToLiveSpecification", Value::Null),
        ],
    );
}

fn tables_expire(template: &Value) -> Faults {
    let wanted = |name| {
        if KEPT_FOREVER.contains(&name) { Value::Null } else { json!({"AttributeName": "ttl", "Enabled": true}) }
    };
    let wrong = of_kind(template, "AWS::DynamoDB::Table")
        .into_iter()
        .filter(|(name, table)| table["Properties"]["TimeToLiveSpecification"] != wanted(name));
    wrong.map(|(name, _)| format!("{name} has the wrong TTL")).collect()
}

#[test]
fn no_index_holds_a_sealed_secret() {
    holds(
        indexes_hold_no_secret,
        &[
            (
                "/Resources/AccountsTable/Properties/GlobalSecondaryIndexes/0/Projection",
                json!({"ProjectionType": "ALL"}),
            ),
            (
                "/Resources/ConnectionsTable/Properties/GlobalSecondaryIndexes/2/Projection",
                json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["token"]}),
            ),
        ],
    );
}

fn indexes_hold_no_secret(template: &Value) -> Faults {
    const SEALED_IN: &[&str] = &["AccountsTable", "ConnectionsTable"];
    let mut faults = Faults::new();
    for table in SEALED_IN {
        let indexes = &template["Resources"][*table]["Properties"]["GlobalSecondaryIndexes"];
        let telling = indexes
            .as_array()
            .into_iter()
            .flatten()
            .filter(|index| index["Projection"] != json!({"ProjectionType": "KEYS_ONLY"}));
        faults.extend(telling.map(|index| format!("{table}/{} has more than keys", index["IndexName"])));
    }
    faults
}

#[test]
fn queues_are_fast_fifo_encrypted_and_kept_for_two_weeks() {
    holds(
        queues_are_fast_fifo,
        &[
            ("/Resources/InboundQueue/Properties/FifoQueue", Value::Null),
            ("/Resources/InboundQueue/Properties/FifoThroughputLimit", json!("perQueue")),
            ("/Resources/OutboundQueue/Properties/DeduplicationScope", json!("queue")),
            ("/Resources/OutboundDeadLetters/Properties/MessageRetentionPeriod", Value::Null),
            ("/Resources/InboundDeadLetters/Properties/SqsManagedSseEnabled", json!(false)),
        ],
    );
}

fn queues_are_fast_fifo(template: &Value) -> Faults {
    let wanted = json!({
        "FifoQueue": true,
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "MessageRetentionPeriod": 14 * 24 * 60 * 60,
        "SqsManagedSseEnabled": true,
    });
    let mut faults = Faults::new();
    for (name, queue) in of_kind(template, "AWS::SQS::Queue") {
        let rules = wanted.as_object().into_iter().flatten();
        let broken = rules.filter(|(property, value)| queue["Properties"][property.as_str()] != **value);
        faults.extend(broken.map(|(property, value)| format!("{name}: {property} is not {value}")));
    }
    faults
}

#[test]
fn every_queue_has_dead_letters_that_only_real_trouble_reaches() {
    holds(
        queues_have_dead_letters,
        &[
            ("/Resources/InboundQueue/Properties/RedrivePolicy", Value::Null),
            ("/Resources/OutboundQueue/Properties/RedrivePolicy/maxReceiveCount", json!(5)),
            ("/Resources/InboundQueue/Properties/RedrivePolicy/maxReceiveCount", json!(10)),
            (
                "/Resources/InboundQueue/Properties/RedrivePolicy/deadLetterTargetArn/Fn::GetAtt/0",
                json!("OutboundDeadLetters"),
            ),
            (
                "/Resources/OutboundQueue/Properties/RedrivePolicy/deadLetterTargetArn/Fn::GetAtt/0",
                json!("InboundQueue"),
            ),
        ],
    );
}

fn queues_have_dead_letters(template: &Value) -> Faults {
    let queues = of_kind(template, "AWS::SQS::Queue").into_iter().filter(|(name, _)| !name.ends_with("DeadLetters"));
    let mut faults = Faults::new();
    for (name, queue) in queues {
        let redrive = &queue["Properties"]["RedrivePolicy"];
        let own = format!("{}DeadLetters", name.trim_end_matches("Queue"));
        let patience = if name == "OutboundQueue" { 1000 } else { 100 };
        let goes_there = redrive["deadLetterTargetArn"] == json!({"Fn::GetAtt": [own, "Arn"]});
        faults.extend(unless(goes_there && resources(template).contains_key(&own), || {
            format!("{name} does not end in {own}")
        }));
        faults.extend(unless(redrive["maxReceiveCount"].as_u64() >= Some(patience), || {
            format!("{name} gives up before {patience} receives")
        }));
    }
    faults
}

#[test]
fn a_queue_hides_a_message_for_six_times_what_its_consumer_may_take() {
    holds(
        visibility_is_long_enough,
        &[
            ("/Resources/InboundQueue/Properties/VisibilityTimeout", json!(179)),
            ("/Resources/OutboundQueue/Properties/VisibilityTimeout", Value::Null),
            ("/Resources/SweeperFunction/Properties/Events/Inbound", consumer(&json!({}))),
        ],
    );
}

fn visibility_is_long_enough(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (name, queue) in
        of_kind(template, "AWS::SQS::Queue").into_iter().filter(|(name, _)| !name.ends_with("DeadLetters"))
    {
        let consumers = functions(template).into_iter().filter(|(_, function)| {
            events(function, "SQS").iter().any(|(_, event)| referred(&event["Queue"]).contains(name))
        });
        let timeout = consumers.filter_map(|(_, function)| function["Properties"]["Timeout"].as_u64()).max();
        let needed = 6 * timeout.unwrap_or(LONGEST_CONSUMER);
        let visible = queue["Properties"]["VisibilityTimeout"].as_u64();
        faults.extend(unless(visible >= Some(needed), || format!("{name} needs a VisibilityTimeout of {needed}")));
    }
    faults
}

#[test]
fn a_consumer_reports_each_record_and_has_a_limit() {
    let good =
        json!({"FunctionResponseTypes": ["ReportBatchItemFailures"], "ScalingConfig": {"MaximumConcurrency": 50}});
    let mut template = super::template();
    super::set(&mut template, "/Resources/SweeperFunction/Properties/Events/Inbound", consumer(&good));
    assert_eq!(consumers_are_careful(&template), Faults::new());

    holds(
        consumers_are_careful,
        &[
            (
                "/Resources/SweeperFunction/Properties/Events/Inbound",
                consumer(&json!({"ScalingConfig": {"MaximumConcurrency": 50}})),
            ),
            (
                "/Resources/SweeperFunction/Properties/Events/Inbound",
                consumer(&json!({"FunctionResponseTypes": ["ReportBatchItemFailures"]})),
            ),
        ],
    );
}

fn consumers_are_careful(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (name, function) in functions(template) {
        for (event, properties) in events(function, "SQS") {
            let reports = properties["FunctionResponseTypes"] == json!(["ReportBatchItemFailures"]);
            faults.extend(unless(reports, || format!("{name}.{event} would lose the failures of a batch")));
            let limited = properties["ScalingConfig"].get("MaximumConcurrency").is_some();
            faults.extend(unless(limited, || format!("{name}.{event} could take all of the account's concurrency")));
        }
    }
    faults
}

fn consumer(more: &Value) -> Value {
    let mut properties = more.as_object().unwrap().clone();
    properties.insert("Queue".to_owned(), json!({"Fn::GetAtt": ["InboundQueue", "Arn"]}));
    json!({"Type": "SQS", "Properties": properties})
}

#[test]
fn the_token_key_rotates_outlives_the_stack_and_obeys_roles_only() {
    holds(
        keys_are_kept,
        &[
            ("/Resources/TokenKey/Properties/EnableKeyRotation", json!(false)),
            ("/Resources/TokenKey/DeletionPolicy", json!("Delete")),
            ("/Resources/TokenKey/Properties/PendingWindowInDays", json!(7)),
            ("/Resources/TokenKey/Properties/KeyPolicy/Statement/0/Principal", json!("*")),
            (
                "/Resources/TokenKey/Properties/KeyPolicy/Statement/-",
                json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"}),
            ),
        ],
    );
}

fn keys_are_kept(template: &Value) -> Faults {
    let account = json!({"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}});
    let only_roles = json!([{"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}]);
    let wrong = of_kind(template, "AWS::KMS::Key").into_iter().filter(|(_, key)| {
        let properties = &key["Properties"];
        properties["EnableKeyRotation"] != true
            || properties["PendingWindowInDays"] != 30
            || properties["KeyPolicy"]["Statement"] != only_roles
            || !outlives_the_stack(key)
    });
    wrong.map(|(name, _)| format!("{name} does not rotate, is not kept, or has a policy beside the roles")).collect()
}

fn outlives_the_stack(resource: &Value) -> bool {
    resource["DeletionPolicy"] == "Retain" && resource["UpdateReplacePolicy"] == "Retain"
}

#[test]
fn secrets_come_from_aws_or_from_parameters_that_do_not_echo() {
    holds(
        secrets_do_not_echo,
        &[
            ("/Resources/StackSecret/Properties/GenerateSecretString/PasswordLength", json!(20)),
            ("/Resources/StackSecret/Properties/GenerateSecretString/ExcludePunctuation", json!(false)),
            ("/Resources/StackSecret/Properties/GenerateSecretString/SecretStringTemplate", json!("{}")),
            ("/Parameters/MetaAppSecret/NoEcho", Value::Null),
            ("/Parameters/MetaVerifyToken/NoEcho", json!(false)),
            ("/Outputs/Leak", json!({"Value": {"Ref": "MetaAppSecret"}})),
            ("/Resources/AccessFunction/Properties/Environment/Variables/TOKEN", json!({"Ref": "MetaVerifyToken"})),
        ],
    );
}

fn secrets_do_not_echo(template: &Value) -> Faults {
    const SECRET: &[&str] = &["MetaAppSecret", "MetaPreviousAppSecret", "MetaVerifyToken"];
    let generated = json!({
        "SecretStringTemplate": r#"{"prefix":"pb_sk_"}"#,
        "GenerateStringKey": "secret",
        "PasswordLength": 64,
        "ExcludePunctuation": true,
        "IncludeSpace": false,
    });
    let made = &template["Resources"]["StackSecret"]["Properties"]["GenerateSecretString"];
    let echoing = SECRET.iter().filter(|name| template["Parameters"][**name]["NoEcho"] != true);
    let mut faults: Faults = echoing.map(|name| format!("{name} echoes")).collect();
    faults.extend(unless(*made == generated, || "StackSecret is not what the first key is made of".to_owned()));

    let elsewhere =
        resources(template).iter().filter(|(_, resource)| resource["Type"] != "AWS::SecretsManager::Secret");
    for (place, value) in elsewhere.chain(template["Outputs"].as_object().into_iter().flatten()) {
        let leaks = referred(value).into_iter().filter(|name| SECRET.contains(&name.as_str()));
        faults.extend(leaks.map(|name| format!("{place} shows {name}")));
    }
    faults
}

#[test]
fn the_meta_secret_is_json_with_nothing_where_nothing_was_given() {
    let secret = |given: &[(&str, &str)]| -> Value {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let template = Template::read(&root().join("template.yaml"), &given).unwrap();
        let SecretContent::Given(text) = &template.secrets["MetaAppSecrets"].content else { panic!("it is generated") };
        serde_json::from_str(text).unwrap()
    };
    let nothing = json!({
        "app_id": "",
        "app_secret": "",
        "verify_token": "",
        "config_id": "",
        "previous_app_secret": "",
        "previous_app_secret_until": "",
    });

    assert_eq!(secret(&[]), nothing);
    assert_eq!(
        secret(&[("MetaAppSecret", "none"), ("MetaVerifyToken", "none"), ("MetaPreviousAppSecret", "none")]),
        nothing
    );

    let (new, old) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    let given = [
        ("MetaAppId", "123456789"),
        ("MetaAppSecret", new),
        ("MetaVerifyToken", "correct-horse_battery"),
        ("MetaConfigId", "987654321"),
        ("MetaPreviousAppSecret", old),
        ("MetaPreviousAppSecretUntil", "2026-12-01T00:00:00Z"),
    ];
    assert_eq!(
        secret(&given),
        json!({
            "app_id": "123456789",
            "app_secret": new,
            "verify_token": "correct-horse_battery",
            "config_id": "987654321",
            "previous_app_secret": old,
            "previous_app_secret_until": "2026-12-01T00:00:00Z",
        })
    );
}
