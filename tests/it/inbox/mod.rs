//! The inbox, by HTTP: what was said, with whom, and how much of it.

mod arriving;
mod contacts;
mod conversations;
mod filters;
mod history;
mod isolation;
mod messages;
mod retention;
mod seeds;
mod stats;

use serde_json::{Value, json};
use tests::{Answer, World};

pub(crate) use seeds::Seeds;

use crate::connect::{NUMBER, ONE, begin, call, system_token};

/// A number beside [`NUMBER`].
const SECOND: &str = "300400500600702";

/// A deployment in which a tenant has connected [`NUMBER`].
async fn with_number(tenant: &str) -> World {
    let world = World::deployed().await;
    connect(&world, tenant, ONE, NUMBER).await;
    world
}

async fn connect(world: &World, tenant: &str, waba: &str, number: &str) {
    let token = system_token(world, waba).await;
    let manual = json!({ "access_token": token, "waba_id": waba, "phone_number_ids": [number] });
    let connection = begin(world, tenant, json!({ "method": "manual", "manual": manual })).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
}

async fn get(world: &World, tenant: &str, path: &str) -> Answer {
    call(world, tenant, "GET", path).send().await
}

/// The body of a call that succeeds.
async fn shown(world: &World, tenant: &str, path: &str) -> Value {
    let answer = get(world, tenant, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// What a field of each element of a list says.
fn each<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let data = list["data"].as_array().unwrap().iter();
    data.map(|element| element.pointer(pointer).and_then(Value::as_str).unwrap_or_default()).collect()
}

/// The path of the page after a list's.
fn after(path: &str, list: &Value) -> Option<String> {
    let joint = if path.contains('?') { '&' } else { '?' };
    list["next"].as_str().map(|next| format!("{path}{joint}after={next}"))
}

/// A field of every element, over all pages of a list.
async fn all(world: &World, tenant: &str, path: &str, pointer: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), Some(path.to_owned()));
    while let Some(page) = open {
        let list = shown(world, tenant, &page).await;
        found.extend(each(&list, pointer).into_iter().map(str::to_owned));
        open = after(path, &list);
    }
    found
}
