//! Who may do what with the ciphertexts of which purpose. The conditions of the roles are evaluated as IAM does it,
//! with the encryption contexts that the code really sends.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::domain::{connection_id::ConnectionId, sealed::Binding};

use super::{Faults, holds, of_kind, texts};

/// A token is read only where the code calls Meta with it: the functions that people without a credential reach never
/// open the token of a connected number. What runs a connection moves its token by `ReEncrypt`, unread.
pub(super) const MAY: &[(&str, &str, &[&str])] = &[
    ("OauthInitRole", "connection-token", &["Encrypt", "Decrypt", "ReEncryptFrom"]),
    ("OauthInitRole", "account-token", &["ReEncryptTo"]),
    ("OauthInitRole", "pin", &["Encrypt", "Decrypt"]),
    ("OauthCallbackRole", "connection-token", &["Encrypt", "Decrypt", "ReEncryptFrom"]),
    ("OauthCallbackRole", "account-token", &["ReEncryptTo"]),
    ("OauthCallbackRole", "pin", &["Encrypt", "Decrypt"]),
    ("AccountsRole", "connection-token", &["Encrypt", "Decrypt", "ReEncryptFrom"]),
    ("AccountsRole", "account-token", &["Decrypt", "ReEncryptTo"]),
    ("AccountsRole", "pin", &["Encrypt", "Decrypt"]),
    ("InboxRole", "account-token", &["Decrypt"]),
    ("SendRole", "account-token", &["Decrypt"]),
    ("OutboundRole", "account-token", &["Decrypt"]),
    ("SweeperRole", "connection-token", &["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"]),
    ("SweeperRole", "account-token", &["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"]),
    ("SweeperRole", "pin", &["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"]),
];

/// What a key can be asked to do that makes or opens a ciphertext.
const ACTIONS: &[&str] = &[
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "CreateGrant",
];

type Context = BTreeMap<String, String>;

#[test]
fn ciphertexts_obey_the_roles_of_the_table_and_their_exact_context() {
    let template = super::template();
    let mut broken = Vec::new();
    for (role, place, statement) in conditional_statements(&template) {
        let at = format!("/Resources/{role}/Properties/Policies/0/PolicyDocument/Statement/{place}");
        let mut becomes = |rest: &str, value: Value| broken.push((format!("{at}{rest}"), value));
        becomes("/Action", json!("kms:*"));
        becomes("/Condition", Value::Null);
        becomes("/Condition/StringEquals", Value::Null);
        becomes("/Condition/StringEquals/kms:EncryptionContext:purpose", json!("token"));
        becomes("/Condition/ForAllValues:StringEquals", Value::Null);
        becomes("/Condition/ForAllValues:StringEquals/kms:EncryptionContextKeys/-", json!("number"));
        becomes("/Condition/ForAllValues:StringEquals/kms:EncryptionContextKeys/1", json!("Tenant"));
        for key in statement["Condition"]["Null"].as_object().unwrap().keys() {
            becomes(&format!("/Condition/Null/{key}"), Value::Null);
        }
        // These two have the same keys and, the sweeper apart, other rights.
        let purpose = &statement["Condition"]["StringEquals"]["kms:EncryptionContext:purpose"];
        if role != "SweeperRole" && purpose != "connection-token" {
            becomes("/Condition/StringEquals/kms:EncryptionContext:purpose", json!(["account-token", "pin"]));
        }
    }
    let (of_connecting, of_sending) = (4 * (3 * 7 + 2 + 3 + 3) + 3 * 2, 3 * (7 + 3 + 1));
    assert_eq!(broken.len(), of_connecting + of_sending);

    let broken: Vec<(&str, Value)> = broken.iter().map(|(place, value)| (place.as_str(), value.clone())).collect();
    holds(ciphertexts_obey, &broken);
}

/// The statements that have conditions: whose, and which of the role's.
fn conditional_statements(template: &Value) -> Vec<(&str, usize, &Value)> {
    let mut found = Vec::new();
    for (role, body) in of_kind(template, "AWS::IAM::Role") {
        let statements = body["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].as_array();
        let numbered = statements.into_iter().flatten().enumerate();
        let conditional = numbered.filter(|(_, statement)| statement.get("Condition").is_some());
        found.extend(conditional.map(|(place, statement)| (role, place, statement)));
    }
    found
}

fn ciphertexts_obey(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (role, body) in of_kind(template, "AWS::IAM::Role") {
        for action in ACTIONS {
            for context in contexts() {
                let listed = MAY.iter().any(|(who, purpose, actions)| {
                    *who == role && context["purpose"] == **purpose && actions.contains(action)
                });
                let mut ask = |context: &Context, expected: bool, what: &str| {
                    if may(body, action, context) != expected {
                        faults.push(format!("{role} may {action} {what} of {context:?}: {}", !expected));
                    }
                };
                ask(&context, listed, "exactly that");
                for key in context.keys() {
                    let fewer = context.iter().filter(|(other, _)| *other != key);
                    ask(&fewer.map(|(key, value)| (key.clone(), value.clone())).collect(), false, "less");
                }
                for more in ["number", "Tenant", "connection_id", "phone_number_id"] {
                    let mut context = context.clone();
                    if context.insert(more.to_owned(), "1".to_owned()).is_none() {
                        ask(&context, false, "more");
                    }
                }
            }
            if may(body, action, &Context::new()) {
                faults.push(format!("{role} may {action} without a context"));
            }
        }
    }
    faults
}

/// One of each purpose, as the code sends it.
fn contexts() -> impl Iterator<Item = Context> {
    let (tenant, number) = ("acme".parse().unwrap(), "15550001".parse().unwrap());
    let connection = ConnectionId::new(&tenant, [7; 16]);
    let all = [
        Binding::ConnectionToken { tenant: tenant.clone(), connection },
        Binding::AccountToken { tenant: tenant.clone(), number, version: 3 },
        Binding::Pin { tenant, number: "15550001".parse().unwrap(), version: 3 },
    ];
    all.map(|binding| binding.context().into_iter().map(|(key, value)| (key.to_owned(), value)).collect()).into_iter()
}

/// Whether a role allows an action of KMS on the token key in an encryption context.
pub(super) fn may(role: &Value, action: &str, context: &Context) -> bool {
    let statements = role["Properties"]["Policies"].as_array().into_iter().flatten();
    let mut statements = statements.filter_map(|policy| policy["PolicyDocument"]["Statement"].as_array()).flatten();
    statements.any(|statement| {
        let asked = format!("kms:{action}");
        let named = |written: &str| written == asked || written == "kms:*" || written == "*";
        texts(&statement["Action"]).into_iter().any(named) && conditions_hold(&statement["Condition"], context)
    })
}

fn conditions_hold(conditions: &Value, context: &Context) -> bool {
    let all = conditions.as_object().into_iter().flatten();
    let mut each =
        all.flat_map(|(operator, keys)| keys.as_object().into_iter().flatten().map(move |key| (operator, key)));
    each.all(|(operator, (key, wanted))| {
        let asked = requested(key, context);
        let wanted = texts(wanted);
        let is_wanted = |value: &String| wanted.contains(&value.as_str());
        match operator.as_str() {
            // A key of many values would need a quantifier.
            "StringEquals" => asked.len() == 1 && is_wanted(&asked[0]),
            "ForAllValues:StringEquals" => asked.iter().all(is_wanted),
            "Null" => wanted == [if asked.is_empty() { "true" } else { "false" }],
            other => panic!("{other} is not evaluated here"),
        }
    })
}

/// What a request says to a condition key.
fn requested(key: &str, context: &Context) -> Vec<String> {
    match key.strip_prefix("kms:EncryptionContext:") {
        Some(key) => context.get(key).cloned().into_iter().collect(),
        None if key == "kms:EncryptionContextKeys" => context.keys().cloned().collect(),
        None => panic!("{key} is not evaluated here"),
    }
}
