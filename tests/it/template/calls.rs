//! What the functions really call is what their roles allow. The emulators allow everything; AWS would not.

use std::collections::{BTreeMap, BTreeSet};

use tests::World;

use super::{permissions::MAY, seals, usage};

/// Permissions that no emulator sees used.
const UNSEEN: &[&str] = &["logs:", "lambda:"];

/// What the mapping of a queue or stream does with the role of its function.
const MAPPINGS: &[(&str, &str)] = &[
    ("InboundRole", "sqs:GetQueueAttributes"),
    ("InboundRole", "sqs:ReceiveMessage"),
    ("InboundRole", "sqs:DeleteMessage"),
    ("OutboundRole", "sqs:GetQueueAttributes"),
    ("OutboundRole", "sqs:ReceiveMessage"),
    ("OutboundRole", "sqs:DeleteMessage"),
    ("FeedRole", "dynamodb:DescribeStream"),
    ("FeedRole", "dynamodb:GetRecords"),
    ("FeedRole", "dynamodb:GetShardIterator"),
    ("FeedRole", "dynamodb:ListStreams"),
];

/// Needed only where another attempt has moved the number meanwhile: the tests of that table show it.
const RACES: &[(&str, &str)] = &[
    ("OauthInitRole", "dynamodb:ConditionCheckItem"),
    ("OauthCallbackRole", "dynamodb:ConditionCheckItem"),
    ("SweeperRole", "dynamodb:ConditionCheckItem"),
    // A head that another batch was faster to save, and a message of several items, are read alone.
    ("InboundRole", "dynamodb:GetItem"),
];

#[tokio::test]
async fn functions_use_what_their_roles_allow_and_nothing_else() {
    let world = World::start().await;
    usage::everything(&world).await;
    let calls = world.aws.calls();

    let used: BTreeSet<Use> = calls.iter().flat_map(uses).collect();
    let allowed: Vec<Use> =
        MAY.iter().flat_map(|(role, actions, resources)| permissions(role, actions, resources)).collect();
    let refused: Vec<&Use> = used.iter().filter(|one| !allowed.iter().any(|may| one.needs(may))).collect();
    assert_eq!(refused, Vec::<&Use>::new(), "AWS would refuse these");
    let is_excused =
        |may: &Use| RACES.iter().chain(MAPPINGS).any(|excused| *excused == (may.role, may.action.as_str()));
    let idle = allowed.iter().filter(|may| !is_excused(may) && !used.iter().any(|one| one.needs(may)));
    let idle: Vec<&Use> = idle.collect();
    assert_eq!(idle, Vec::<&Use>::new(), "no call needs these");

    let template = super::template();
    let sealing: Vec<Sealing<'_>> = calls.iter().flat_map(sealings).collect();
    let refused: Vec<&Sealing<'_>> =
        sealing.iter().filter(|one| !seals::may(&template["Resources"][one.role], one.action, one.context)).collect();
    assert_eq!(refused, Vec::<&Sealing<'_>>::new(), "AWS would refuse these contexts");
    let used: BTreeSet<_> = sealing.iter().map(|one| (one.role, one.context["purpose"].as_str(), one.action)).collect();
    let listed =
        seals::MAY.iter().flat_map(|(role, purpose, actions)| actions.iter().map(|action| (*role, *purpose, *action)));
    let idle: Vec<_> = listed.filter(|row| !used.contains(row)).collect();
    assert_eq!(idle, Vec::new(), "no call needs these purposes");
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    role: &'static str,
    action: String,
    resource: String,
    index: Option<String>,
}

impl Use {
    fn needs(&self, permission: &Self) -> bool {
        self.role == permission.role
            && self.action == permission.action
            && self.resource.contains(&permission.resource)
            && self.index == permission.index
    }
}

/// The rows of the table, one action on one resource each.
fn permissions(role: &'static str, actions: &[&str], resources: &[&str]) -> Vec<Use> {
    let seen = actions.iter().filter(|action| !UNSEEN.iter().any(|service| action.starts_with(service)));
    let each = |action: &&str| {
        let on = |resource: &&str| {
            let (resource, index) = match resource.split_once("/index/") {
                Some((table, index)) => (table, Some(index.to_owned())),
                None => (*resource, None),
            };
            Use { role, action: (*action).to_owned(), resource: resource.to_owned(), index }
        };
        resources.iter().map(on).collect::<Vec<_>>()
    };
    seen.flat_map(each).collect()
}

/// What a call needs to be allowed. What the test itself calls needs nothing.
fn uses(call: &emulators::Call) -> Vec<Use> {
    let Some(role) = role(&call.caller) else { return Vec::new() };
    let service = call.service.name();
    // IAM knows no batches and no transactions: their members need the permission of the single action.
    let resources = call.resource.clone().unwrap_or_default();
    let each = |resource: &str| {
        let is_transaction = call.operation == "TransactWriteItems";
        let (actions, resource) = match resource.split_once(':').filter(|_| is_transaction) {
            Some((member, table)) => (vec![format!("{member}Item")], table),
            None if call.operation == "ReEncrypt" => (MOVING.map(str::to_owned).to_vec(), resource),
            None => (vec![call.operation.trim_end_matches("Batch").to_owned()], resource),
        };
        let on = |action| Use {
            role,
            action: format!("{service}:{action}"),
            resource: resource.to_owned(),
            index: call.index.clone(),
        };
        actions.into_iter().map(on).collect::<Vec<_>>()
    };
    resources.split('+').flat_map(each).collect()
}

fn role(caller: &str) -> Option<&'static str> {
    // What comes in from outside is served by numbered environments of a function.
    let numbered = caller.strip_prefix("front-").and_then(|rest| rest.rsplit_once('-'));
    match numbered.map_or(caller, |(function, _)| function) {
        "access" => Some("AccessRole"),
        "oauth-init" => Some("OauthInitRole"),
        "oauth-callback" => Some("OauthCallbackRole"),
        "accounts" => Some("AccountsRole"),
        "feed" => Some("FeedRole"),
        "inbound" => Some("InboundRole"),
        "inbox" => Some("InboxRole"),
        "outbound" => Some("OutboundRole"),
        "send" => Some("SendRole"),
        "sweeper" => Some("SweeperRole"),
        "webhook" => Some("WebhookRole"),
        _ => None,
    }
}

/// What `ReEncrypt` needs: the first for the ciphertext there is, the second for the one it makes.
const MOVING: [&str; 2] = ["ReEncryptFrom", "ReEncryptTo"];

/// What a call needs of the conditions on ciphertexts.
#[derive(Debug, PartialEq)]
struct Sealing<'a> {
    role: &'static str,
    action: &'a str,
    context: &'a BTreeMap<String, String>,
}

fn sealings(call: &emulators::Call) -> Vec<Sealing<'_>> {
    let Some(role) = role(&call.caller) else { return Vec::new() };
    let is_moving = call.operation == "ReEncrypt";
    let contexts = call.contexts.iter().enumerate();
    contexts
        .map(|(place, context)| Sealing {
            role,
            action: if is_moving { MOVING[place] } else { &call.operation },
            context,
        })
        .collect()
}
