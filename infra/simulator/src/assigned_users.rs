//! Who may work with a WABA: assigning it to a system user lets that user's tokens reach it.

use serde_json::{Value, json};

use crate::graph::{Answer, Call, GraphError, Node, Outcome, page_of};
use crate::meta::Meta;
use crate::world::{AssignedUser, Business, Waba, World};

const TASKS: [&str; 13] = [
    "DEVELOP",
    "FULL_CONTROL",
    "MANAGE",
    "MANAGE_EXTENSIONS",
    "MANAGE_PHONE",
    "MANAGE_PHONE_ASSETS",
    "MANAGE_TEMPLATES",
    "MESSAGING",
    "VIEW_COST",
    "VIEW_INSIGHTS",
    "VIEW_PHONE_ASSETS",
    "VIEW_TEMPLATES",
    "MANAGE_BUSINESS_PHONES",
];

/// `GET /{waba}/assigned_users`.
pub(crate) fn list(meta: &Meta, call: &Call, waba: &str) -> Outcome {
    let nodes = meta.read(|world| {
        let users = world.wabas.get(waba).map(|waba| waba.assigned_users.as_slice()).unwrap_or_default();
        users.iter().map(|user| (user.id.clone(), node(world, user))).collect()
    });
    page_of(call, nodes)
}

fn node(world: &World, user: &AssignedUser) -> Node {
    let system = |business: &&Business| [&business.system_user_id, &business.integration_user_id].contains(&&user.id);
    let owner = world.businesses.values().find(system);
    let name = owner.map_or_else(|| format!("User {}", user.id), |owner| format!("{} system user", owner.name));
    let fields = json!({
        "id": user.id,
        "name": name,
        "business": owner.map(|owner| json!({"id": owner.id, "name": owner.name})),
        "user_type": if owner.is_some() { "SYSTEM_USER" } else { "BUSINESS_USER" },
        "tasks": user.tasks,
    });
    Node::new("AssignedUser", &["id", "name", "business", "user_type"], fields)
}

/// `POST /{waba}/assigned_users`.
pub(crate) fn assign(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let user = call.params.required("user")?;
    let tasks = tasks(call)?;
    meta.change(|world| {
        let waba = of(world, call, id)?;
        waba.assigned_users.retain(|assigned| assigned.id != user);
        waba.assigned_users.push(AssignedUser { id: user.clone(), tasks });
        reach(world, &user, |wabas| {
            if !wabas.iter().any(|waba| waba == id) {
                wabas.insert(0, id.to_owned());
            }
        });
        Ok(Answer::success())
    })
}

/// `DELETE /{waba}/assigned_users`.
pub(crate) fn remove(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let user = call.params.required("user")?;
    meta.change(|world| {
        let waba = of(world, call, id)?;
        let before = waba.assigned_users.len();
        waba.assigned_users.retain(|assigned| assigned.id != user);
        if waba.assigned_users.len() == before {
            return Err(GraphError::invalid("This user is not assigned to the WhatsApp Business Account"));
        }
        reach(world, &user, |wabas| wabas.retain(|waba| waba != id));
        Ok(Answer::success())
    })
}

/// A list, as JSON, as repeated form fields, or (as Meta's own samples have it) with single quotes.
fn tasks(call: &Call) -> Result<Vec<String>, GraphError> {
    let quoted = call.params.text("tasks").and_then(|text| serde_json::from_str(&text.replace('\'', "\"")).ok());
    let list: Value = quoted.or_else(|| call.params.json("tasks")).ok_or_else(|| GraphError::missing("tasks"))?;
    let tasks: Vec<String> =
        serde_json::from_value(list).map_err(|_| GraphError::invalid("Param tasks must be an array"))?;
    match tasks.iter().find(|task| !TASKS.contains(&task.as_str())) {
        Some(unknown) => Err(GraphError::invalid(format!("Param tasks[0] must be one of {TASKS:?}, not {unknown}"))),
        None => Ok(tasks),
    }
}

fn of<'a>(world: &'a mut World, call: &Call, id: &str) -> Result<&'a mut Waba, GraphError> {
    world.wabas.get_mut(id).ok_or_else(|| GraphError::no_such_object(&call.method, id))
}

fn reach(world: &mut World, user: &str, change: impl Fn(&mut Vec<String>)) {
    let theirs: Vec<String> =
        world.tokens.values().filter(|token| token.grant.user_id == user).map(|token| token.secret.clone()).collect();
    for secret in theirs {
        if let Some(token) = world.tokens.get_mut(&secret) {
            change(&mut token.grant.wabas);
        }
    }
}
