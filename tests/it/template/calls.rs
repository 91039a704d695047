//! What the functions really call is what their roles allow. The emulators allow everything; AWS would not.

use std::collections::BTreeSet;

use emulators::Service;
use serde_json::json;
use tests::{World, schedule_event};

use super::permissions::MAY;

/// Permissions that no emulator sees used.
const UNSEEN: &[&str] = &["logs:", "lambda:"];

#[tokio::test]
async fn functions_use_what_their_roles_allow_and_nothing_else() {
    let world = World::start().await;
    use_everything(&world).await;

    let used: BTreeSet<Use> = world.aws.calls().iter().flat_map(uses).collect();

    let allowed: Vec<Use> =
        MAY.iter().flat_map(|(role, actions, resources)| permissions(role, actions, resources)).collect();
    let refused: Vec<&Use> = used.iter().filter(|one| !allowed.iter().any(|may| one.needs(may))).collect();
    assert_eq!(refused, Vec::<&Use>::new(), "AWS would refuse these");
    let idle: Vec<&Use> = allowed.iter().filter(|may| !used.iter().any(|one| one.needs(may))).collect();
    assert_eq!(idle, Vec::<&Use>::new(), "no call needs these");
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    role: &'static str,
    action: String,
    resource: String,
}

impl Use {
    fn needs(&self, permission: &Self) -> bool {
        self.role == permission.role && self.action == permission.action && self.resource.contains(&permission.resource)
    }
}

/// The rows of the table, one action on one resource each; an index counts as its table.
fn permissions(role: &'static str, actions: &[&str], resources: &[&str]) -> Vec<Use> {
    let seen = actions.iter().filter(|action| !UNSEEN.iter().any(|service| action.starts_with(service)));
    let each = |action: &&str| {
        let on = |resource: &&str| Use {
            role,
            action: (*action).to_owned(),
            resource: resource.split('/').next().unwrap_or_default().to_owned(),
        };
        resources.iter().map(on).collect::<Vec<_>>()
    };
    seen.flat_map(each).collect()
}

/// What a call needs to be allowed. What the test itself calls needs nothing.
fn uses(call: &emulators::Call) -> Vec<Use> {
    let role = match call.caller.as_str() {
        "access" => "AccessRole",
        "sweeper" => "SweeperRole",
        _ => return Vec::new(),
    };
    let service = match call.service {
        Service::DynamoDb => "dynamodb",
        Service::DynamoDbStreams => "dynamodbstreams",
        Service::Kms => "kms",
        Service::SecretsManager => "secretsmanager",
        Service::Sqs => "sqs",
    };
    // IAM knows no batches and no transactions: their members need the permission of the single action.
    let resources = call.resource.clone().unwrap_or_default();
    let each = |resource: &str| {
        let is_transaction = call.operation == "TransactWriteItems";
        let (action, resource) = match resource.split_once(':').filter(|_| is_transaction) {
            Some((member, table)) => (format!("{member}Item"), table),
            None => (call.operation.trim_end_matches("Batch").to_owned(), resource),
        };
        Use { role, action: format!("{service}:{action}"), resource: resource.to_owned() }
    };
    resources.split('+').map(each).collect()
}

/// Every route and command once, as far as it takes to reach each of their calls.
async fn use_everything(world: &World) {
    // First: whoever comes first puts the first key.
    world.sweeper().handle(schedule_event()).await.unwrap();
    let key = world.make_key(json!({"name": "backend", "tenant": "acme"})).await;
    let again = json!({"name": "again"});
    for _ in 0..2 {
        world.as_operator("POST", "/v1/keys").header("idempotency-key", "once").json(&again).send().await;
    }
    // Refused now, it may have succeeded before: that is looked up.
    let too_late = json!({"name": "late", "expires_at": "2020-01-01T00:00:00Z"});
    world.as_operator("POST", "/v1/keys").header("idempotency-key", "late").json(&too_late).send().await;
    world.as_operator("GET", "/v1/keys").send().await;
    world.as_operator("GET", "/v1/keys").tenant("acme").send().await;
    let session = world.make_session("acme", &["accounts:read"]).await;
    let own = world.make_session("acme", &["accounts:read"]).await;
    let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(world.as_operator("DELETE", &path).send().await.status, 204);
    assert_eq!(world.call("DELETE", "/v1/sessions").bearer(own["token"].as_str().unwrap()).send().await.status, 204);
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(world.as_operator("DELETE", &path).send().await.status, 204);
    assert_eq!(world.as_operator("GET", "/v1/health").send().await.status, 200);
    assert_eq!(world.as_operator("GET", "/v1/nowhere").send().await.status, 404);

    let sqs = world.aws_clients().sqs();
    for queue in ["inbound", "outbound"] {
        let dead_letters = world.variable("sweeper", &format!("{}_DEAD_LETTERS", queue.to_uppercase()));
        let send = sqs.send_message().queue_url(dead_letters).message_body("dead");
        send.message_group_id("group").message_deduplication_id("dead").send().await.unwrap();
        let mut event = schedule_event();
        event.payload = json!({"command": "redrive", "queue": queue});
        world.sweeper().handle(event).await.unwrap();
    }
}
