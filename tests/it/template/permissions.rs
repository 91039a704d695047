//! Which function may do what to which resource: the whole table. A policy that grows has to grow here too.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use shared::{
    batch::{feed, inbound, outbound},
    clock::{Clock, Random},
    env::Env,
    http::{access, accounts, connections, inbox, oauth, send},
    upkeep, webhook,
};

use super::{Faults, functions, holds, of_kind, referred, texts, unless};

pub(super) const MAY: &[(&str, &[&str], &[&str])] = &[
    ("AccessRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["AccessLogs"]),
    (
        "AccessRole",
        &[
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:ConditionCheckItem",
        ],
        &["CredentialsTable"],
    ),
    ("AccessRole", &["dynamodb:Query"], &["CredentialsTable/index/by_tenant", "CredentialsTable/index/by_kind"]),
    ("AccessRole", &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], &["ReceiptsTable"]),
    ("AccessRole", &["dynamodb:PutItem"], &["AuditTable"]),
    ("AccessRole", &["secretsmanager:GetSecretValue"], &["StackSecret"]),
    (
        "AccessRole",
        &["sqs:GetQueueAttributes"],
        &["InboundQueue", "InboundDeadLetters", "OutboundQueue", "OutboundDeadLetters"],
    ),
    ("AccessRole", &["kms:DescribeKey"], &["TokenKey"]),
    ("OauthInitRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["OauthInitLogs"]),
    ("OauthInitRole", &["dynamodb:GetItem"], &["CredentialsTable"]),
    ("OauthInitRole", &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], &["ReceiptsTable"]),
    ("OauthInitRole", &["dynamodb:PutItem"], &["AuditTable", "OauthStatesTable"]),
    ("OauthInitRole", CONNECTING, &["AccountsTable"]),
    ("OauthInitRole", &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"], &["ConnectionsTable"]),
    ("OauthInitRole", &["dynamodb:Query"], &["ConnectionsTable/index/by_tenant"]),
    ("OauthInitRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("OauthInitRole", &["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"], &["TokenKey"]),
    ("OauthCallbackRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["OauthCallbackLogs"]),
    ("OauthCallbackRole", &["dynamodb:GetItem"], &["CredentialsTable"]),
    ("OauthCallbackRole", &["dynamodb:PutItem"], &["AuditTable"]),
    ("OauthCallbackRole", CONNECTING, &["AccountsTable"]),
    ("OauthCallbackRole", &["dynamodb:GetItem", "dynamodb:PutItem"], &["ConnectionsTable"]),
    (
        "OauthCallbackRole",
        &["dynamodb:Query"],
        &["AccountsTable/index/by_subject", "ConnectionsTable/index/by_subject"],
    ),
    ("OauthCallbackRole", &["dynamodb:GetItem", "dynamodb:UpdateItem"], &["OauthStatesTable"]),
    ("OauthCallbackRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("OauthCallbackRole", &["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"], &["TokenKey"]),
    ("AccountsRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["AccountsLogs"]),
    ("AccountsRole", &["dynamodb:GetItem"], &["CredentialsTable"]),
    ("AccountsRole", &["dynamodb:PutItem"], &["AuditTable"]),
    ("AccountsRole", CONNECTING, &["AccountsTable"]),
    ("AccountsRole", &["dynamodb:Query"], &["AccountsTable/index/by_tenant"]),
    ("AccountsRole", &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], &["MessagesTable"]),
    ("AccountsRole", &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], &["ReceiptsTable"]),
    ("AccountsRole", &["dynamodb:GetItem", "dynamodb:PutItem"], &["ConnectionsTable"]),
    ("AccountsRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("AccountsRole", &["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"], &["TokenKey"]),
    ("InboundRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["InboundLogs"]),
    ("InboundRole", &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], &["InboundQueue"]),
    ("InboundRole", &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"], &["AccountsTable"]),
    ("InboundRole", &["dynamodb:GetItem", "dynamodb:PutItem"], &["ConnectionsTable"]),
    ("InboundRole", &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], &["ReceiptsTable"]),
    (
        "InboundRole",
        &[
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
        &["MessagesTable"],
    ),
    ("InboundRole", &["dynamodb:Query"], &["MessagesTable/index/by_wamid"]),
    ("InboundRole", &["secretsmanager:GetSecretValue"], &["StackSecret"]),
    ("InboxRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["InboxLogs"]),
    ("InboxRole", &["dynamodb:GetItem"], &["CredentialsTable"]),
    ("InboxRole", &["dynamodb:PutItem"], &["AuditTable"]),
    ("InboxRole", &["dynamodb:BatchGetItem", "dynamodb:GetItem"], &["AccountsTable"]),
    ("InboxRole", &["dynamodb:Query"], &["AccountsTable/index/by_tenant", "MessagesTable/index/by_wamid"]),
    ("InboxRole", ERASING, &["MessagesTable"]),
    ("InboxRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("InboxRole", &["dynamodb:BatchGetItem", "dynamodb:Query"], &["EventsTable"]),
    ("InboxRole", &["kms:Decrypt"], &["TokenKey"]),
    ("FeedRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["FeedLogs"]),
    (
        "FeedRole",
        &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
        &["MessagesTable/stream", "AccountsTable/stream", "ConnectionsTable/stream"],
    ),
    ("FeedRole", &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"], &["MessagesTable"]),
    ("FeedRole", &["dynamodb:GetItem"], &["AccountsTable"]),
    ("FeedRole", &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], &["EventsTable"]),
    ("SendRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["SendLogs"]),
    ("SendRole", &["dynamodb:GetItem"], &["CredentialsTable"]),
    ("SendRole", &["dynamodb:PutItem"], &["AuditTable"]),
    ("SendRole", &["dynamodb:BatchGetItem", "dynamodb:GetItem"], &["AccountsTable"]),
    ("SendRole", SENDING, &["MessagesTable"]),
    ("SendRole", &["dynamodb:Query"], &["MessagesTable/index/by_wamid"]),
    (
        "SendRole",
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        &["ReceiptsTable"],
    ),
    ("SendRole", &["sqs:SendMessage"], &["OutboundQueue"]),
    ("SendRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("SendRole", &["kms:Decrypt"], &["TokenKey"]),
    ("OutboundRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["OutboundLogs"]),
    (
        "OutboundRole",
        &[
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
            "sqs:SendMessage",
        ],
        &["OutboundQueue"],
    ),
    ("OutboundRole", &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"], &["AccountsTable"]),
    ("OutboundRole", SENDING, &["MessagesTable"]),
    ("OutboundRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("OutboundRole", &["kms:Decrypt"], &["TokenKey"]),
    ("SweeperRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["SweeperLogs"]),
    (
        "SweeperRole",
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Scan"],
        &["CredentialsTable"],
    ),
    ("SweeperRole", &["dynamodb:PutItem"], &["AuditTable"]),
    (
        "SweeperRole",
        &[
            "dynamodb:BatchWriteItem",
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        ],
        &["ReceiptsTable"],
    ),
    (
        "SweeperRole",
        &["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:Query", "dynamodb:UpdateItem"],
        &["EventsTable"],
    ),
    ("SweeperRole", CONNECTING, &["AccountsTable"]),
    (
        "SweeperRole",
        &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
        &["ConnectionsTable"],
    ),
    ("SweeperRole", &["dynamodb:Scan"], &["AccountsTable", "ConnectionsTable", "MessagesTable", "ReceiptsTable"]),
    ("SweeperRole", ERASING, &["MessagesTable"]),
    (
        "SweeperRole",
        &["dynamodb:Query"],
        &[
            "AccountsTable/index/due",
            "ConnectionsTable/index/due",
            "MessagesTable/index/due",
            "AccountsTable/index/by_tenant",
            "ConnectionsTable/index/by_tenant",
        ],
    ),
    ("SweeperRole", &["secretsmanager:GetSecretValue"], &["StackSecret", "MetaAppSecrets"]),
    ("SweeperRole", &["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"], &["TokenKey"]),
    ("SweeperRole", &["sqs:ReceiveMessage", "sqs:DeleteMessage"], &["InboundDeadLetters", "OutboundDeadLetters"]),
    ("SweeperRole", &["sqs:SendMessage"], &["InboundQueue", "OutboundQueue"]),
    ("WebhookRole", &["logs:CreateLogStream", "logs:PutLogEvents"], &["WebhookLogs"]),
    ("WebhookRole", &["secretsmanager:GetSecretValue"], &["MetaAppSecrets"]),
    ("WebhookRole", &["sqs:SendMessage"], &["InboundQueue"]),
    ("WebhookRole", &["dynamodb:PutItem"], &["ReceiptsTable"]),
    ("SweeperScheduleRole", &["lambda:InvokeFunction"], &["SweeperFunction"]),
];

/// Claiming numbers, making them a tenant's, letting go of them. Which keys' ciphertexts: `seals` has that table.
const CONNECTING: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:ConditionCheckItem",
];

/// Messages and heads as they are, and their next step over that.
const SENDING: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

/// The same, and taking all of it away.
const ERASING: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
];

#[test]
fn roles_allow_what_the_table_says_and_nothing_else() {
    holds(
        roles_allow_the_table,
        &[
            ("/Resources/AccessRole/Properties/Policies/0/PolicyDocument/Statement/1/Action/-", json!("dynamodb:Scan")),
            ("/Resources/AccessRole/Properties/Policies/0/PolicyDocument/Statement/1/Action/0", json!("dynamodb:*")),
            (
                "/Resources/AccessRole/Properties/Policies/0/PolicyDocument/Statement/4/Action",
                json!("dynamodb:UpdateItem"),
            ),
            ("/Resources/AccessRole/Properties/Policies/0/PolicyDocument/Statement/5/Resource", json!("*")),
            (
                "/Resources/SweeperRole/Properties/Policies/0/PolicyDocument/Statement/5/Resource/0/Fn::GetAtt/0",
                json!("InboundDeadLetters"),
            ),
            ("/Resources/SweeperRole/Properties/Policies/0/PolicyDocument/Statement/3", Value::Null),
            ("/Resources/SweeperRole/Properties/Policies/0/PolicyDocument/Statement/0/NotAction", json!("iam:*")),
            (
                "/Resources/SweeperRole/Properties/ManagedPolicyArns",
                json!(["arn:aws:iam::aws:policy/AdministratorAccess"]),
            ),
            (
                "/Resources/SweeperScheduleRole/Properties/Policies/-",
                json!({"PolicyName": "more", "PolicyDocument": {"Statement": [
                    {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": {"Fn::GetAtt": ["AccessFunction", "Arn"]}}
                ]}}),
            ),
            ("/Resources/MoreForSweeper", json!({"Type": "AWS::IAM::Policy", "Properties": {}})),
        ],
    );
}

fn roles_allow_the_table(template: &Value) -> Faults {
    let wanted: BTreeSet<String> =
        MAY.iter().flat_map(|(role, actions, resources)| sentences(role, actions, resources)).collect();
    let mut written = BTreeSet::new();
    let mut faults = Faults::new();
    for (role, body) in of_kind(template, "AWS::IAM::Role") {
        let properties = &body["Properties"];
        faults
            .extend(unless(properties.get("ManagedPolicyArns").is_none(), || format!("{role} takes a managed policy")));
        for statement in properties["Policies"].as_array().into_iter().flatten().flat_map(statements) {
            let known = |key: &String| ["Sid", "Effect", "Action", "Resource", "Condition"].contains(&key.as_str());
            let plain = statement["Effect"] == "Allow"
                && statement.as_object().is_some_and(|statement| statement.keys().all(known));
            faults.extend(unless(plain, || format!("{role} has a statement that is not a plain permission")));
            let resources: Vec<String> = arns(&statement["Resource"]).collect();
            let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
            written.extend(sentences(role, &texts(&statement["Action"]), &resources));
        }
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"] {
        faults.extend(
            of_kind(template, kind).into_iter().map(|(name, _)| format!("{name} adds to a role from elsewhere")),
        );
    }
    faults.extend(written.difference(&wanted).map(|sentence| format!("not in the table: {sentence}")));
    faults.extend(wanted.difference(&written).map(|sentence| format!("not in the template: {sentence}")));
    faults
}

fn sentences(role: &str, actions: &[&str], resources: &[&str]) -> Vec<String> {
    let each =
        |action: &&str| resources.iter().map(|resource| format!("{role} may {action} {resource}")).collect::<Vec<_>>();
    actions.iter().flat_map(each).collect()
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten()
}

/// Resources of a statement as `Table`, `Table/index/name`, `Table/stream`, or literally.
fn arns(resource: &Value) -> Box<dyn Iterator<Item = String> + '_> {
    match resource {
        Value::Array(several) => Box::new(several.iter().flat_map(arns)),
        Value::String(literal) => Box::new(std::iter::once(literal.clone())),
        Value::Object(object) => match (object.get("Fn::Sub"), object.get("Fn::GetAtt"), object.get("Ref")) {
            (Some(Value::String(text)), ..) => Box::new(std::iter::once(text.replace("${", "").replace(".Arn}", ""))),
            (_, Some(path), _) if path[1] == "StreamArn" => {
                Box::new(texts(&path[0]).into_iter().map(|table| format!("{table}/stream")))
            }
            (_, Some(path), _) if path[1] == "Arn" => Box::new(texts(&path[0]).into_iter().map(str::to_owned)),
            (.., Some(name)) => Box::new(texts(name).into_iter().map(str::to_owned)),
            _ => Box::new(std::iter::once(resource.to_string())),
        },
        _ => Box::new(std::iter::empty()),
    }
}

#[test]
fn every_function_and_schedule_has_a_role_of_its_own() {
    holds(
        roles_are_not_shared,
        &[
            ("/Resources/SweeperFunction/Properties/Role/Fn::GetAtt/0", json!("AccessRole")),
            ("/Resources/AccessFunction/Properties/Role", Value::Null),
            ("/Resources/AccessFunction/Properties/Policies", json!(["AmazonDynamoDBFullAccess"])),
            (
                "/Resources/SweeperFunction/Properties/Events/EveryMinute/Properties/RoleArn/Fn::GetAtt/0",
                json!("SweeperRole"),
            ),
            (
                "/Resources/SweeperRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal/Service",
                json!("ec2.amazonaws.com"),
            ),
            ("/Resources/SweeperScheduleRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition", Value::Null),
            ("/Resources/AccessRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", json!({"AWS": "*"})),
        ],
    );
}

fn roles_are_not_shared(template: &Value) -> Faults {
    let lambda =
        json!([{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]);
    let scheduler = json!([{
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }]);
    let mut users = Vec::new();
    let mut faults = Faults::new();
    for (name, function) in functions(template) {
        faults.extend(unless(function["Properties"].get("Policies").is_none(), || {
            format!("{name} has policies beside its role")
        }));
        users.push((name.to_owned(), &function["Properties"]["Role"], &lambda));
        for (event, properties) in super::events(function, "ScheduleV2") {
            users.push((format!("{name}.{event}"), &properties["RoleArn"], &scheduler));
        }
    }
    let mut taken = BTreeSet::new();
    for (user, role, trust) in users {
        let role = role["Fn::GetAtt"][0].as_str().unwrap_or_default();
        let trusted = &template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"];
        faults.extend(unless(taken.insert(role), || format!("{user} shares {role}")));
        faults.extend(unless(trusted == trust, || format!("{role} can be assumed by others than {user}")));
    }
    faults
}

#[test]
fn a_function_is_given_the_names_of_exactly_what_it_may_use() {
    holds(
        environments_match_policies,
        &[
            ("/Resources/AccessFunction/Properties/Environment/Variables/TOKEN_KEY", Value::Null),
            (
                "/Resources/SweeperFunction/Properties/Environment/Variables/OAUTH_STATES_TABLE",
                json!({"Ref": "OauthStatesTable"}),
            ),
            (
                "/Resources/SweeperRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource",
                json!({"Fn::GetAtt": ["ReceiptsTable", "Arn"]}),
            ),
        ],
    );
}

fn environments_match_policies(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (name, function) in functions(template) {
        let properties = &function["Properties"];
        let role = properties["Role"]["Fn::GetAtt"][0].as_str().unwrap_or_default();
        let logs = referred(&properties["LoggingConfig"]);
        // A parameter is no resource: nobody needs a permission for it.
        let is_resource = |name: &String| template["Resources"].get(name).is_some();
        let named = referred(&properties["Environment"]).into_iter().filter(is_resource);
        // What it is sent from, its mapping takes with the same role.
        let sources = super::events(function, "SQS").into_iter().flat_map(|(_, event)| referred(&event["Queue"]));
        let named: BTreeSet<String> = named.chain(sources).collect();
        let allowed = referred(&template["Resources"][role]["Properties"]["Policies"]);
        let allowed: BTreeSet<String> = allowed.difference(&logs).cloned().collect();
        faults.extend(unless(named == allowed, || format!("{name} knows {named:?} and may use {allowed:?}")));
    }
    faults
}

#[test]
fn a_function_reads_exactly_the_variables_it_is_given() {
    let template = super::template();
    let given = |function: &str| -> BTreeSet<String> {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        variables.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let (clock, random) = (Clock::system, Random::system);

    let read = [
        ("AccessFunction", read_by(|env| access::Context::from_env(env, clock(), random()).is_ok())),
        ("OauthInitFunction", read_by(|env| connections::Context::from_env(env, clock(), random()).is_ok())),
        ("OauthCallbackFunction", read_by(|env| oauth::Context::from_env(env, clock(), random()).is_ok())),
        ("AccountsFunction", read_by(|env| accounts::Context::from_env(env, clock(), random()).is_ok())),
        ("WebhookFunction", read_by(|env| webhook::Context::from_env(env, clock()).is_ok())),
        ("InboundFunction", read_by(|env| inbound::Context::from_env(env, clock(), random()).is_ok())),
        ("FeedFunction", read_by(|env| feed::Context::from_env(env, clock()).is_ok())),
        ("InboxFunction", read_by(|env| inbox::Context::from_env(env, clock(), random()).is_ok())),
        ("SendFunction", read_by(|env| send::Context::from_env(env, clock(), random()).is_ok())),
        ("OutboundFunction", read_by(|env| outbound::Context::from_env(env, clock(), random()).is_ok())),
        ("SweeperFunction", read_by(|env| upkeep::Context::from_env(env, clock(), random()).is_ok())),
    ];

    for (function, read) in &read {
        assert_eq!(*read, given(function), "{function}");
    }
    let tried: BTreeSet<&str> = read.iter().map(|(function, _)| *function).collect();
    let all: BTreeSet<&str> = functions(&template).into_iter().map(|(name, _)| name).collect();
    assert_eq!(tried, all, "each function's Context belongs into this test");
}

/// The variables that a start asks for, beside those that Lambda itself sets.
fn read_by(starts: impl FnOnce(&Env) -> bool) -> BTreeSet<String> {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let notes = asked.clone();
    let env = Env::from_fn(move |name| {
        // Not for a deployment: an endpoint, a bundle of certificates, another patience.
        if name.starts_with("AWS_ENDPOINT_URL") || ["AWS_CA_BUNDLE", "GRAPH_TIMEOUT_MS"].contains(&name) {
            return None;
        }
        notes.lock().unwrap().insert(name.to_owned());
        let value = match name {
            "GRAPH_URL" => "https://graph.facebook.com",
            "GRAPH_VERSION" => "v25.0",
            "RETENTION_DAYS" => "365",
            "PUBLIC_URL" | "ALLOWED_ORIGINS" => "https://app.example.com",
            _ => "something",
        };
        Some(value.to_owned())
    });
    assert!(starts(&env));
    let asked = asked.lock().unwrap();
    asked.iter().filter(|name| !name.starts_with("AWS_")).cloned().collect()
}

#[test]
fn nobody_can_change_or_delete_an_audit_item() {
    let changing = ["DeleteItem", "UpdateItem", "BatchWriteItem", "PartiQLDelete", "PartiQLUpdate", "*"];
    let able = MAY.iter().filter(|(_, actions, resources)| {
        resources.contains(&"AuditTable")
            && actions.iter().any(|action| changing.iter().any(|change| action.ends_with(change)))
    });

    assert_eq!(able.count(), 0);
}

#[test]
fn only_access_and_the_first_key_write_credentials() {
    let writers = MAY.iter().filter(|(_, actions, resources)| {
        resources.contains(&"CredentialsTable") && actions.iter().any(|action| !action.ends_with("GetItem"))
    });

    assert_eq!(writers.map(|(role, ..)| *role).collect::<Vec<_>>(), ["AccessRole", "SweeperRole"]);
}
