//! `/{number}/block_users`: customers a business does not want to hear from.

use serde_json::{Value, json};

use crate::graph::{Answer, Call, GraphError, Outcome, page, title};
use crate::messages::{conversation, digits};
use crate::meta::Meta;
use crate::people;
use crate::world::{Blocked, World};

const WINDOW: i64 = 24 * 3600;
const MOST: usize = 64_000;

pub(crate) fn list(meta: &Meta, call: &Call, number: &str) -> Outcome {
    let blocked: Vec<(String, Value)> = meta.read(|world| {
        let own = world.blocked.iter().filter(|(_, row)| row.phone_number_id == number);
        own.map(|(key, row)| (key.to_owned(), shown(row))).collect()
    });
    page(call, &blocked)
}

/// Only who wrote in the last 24 hours can be blocked.
pub(crate) fn add(meta: &Meta, call: &Call, number: &str) -> Outcome {
    let users = users(call)?;
    meta.change(|world| {
        let mut result = Result::new("added_users");
        for user in users {
            let found = find(world, number, &user);
            let wrote = found.as_ref().and_then(|row| {
                let last = world.conversations.get(&conversation(number, &row.user_id))?.last_inbound_at;
                (call.now - last < WINDOW).then_some(())
            });
            let own = world.blocked.values().filter(|row| row.phone_number_id == number).count();
            match (found, wrote) {
                _ if own >= MOST => return Err(GraphError::of(139101)),
                (Some(row), Some(())) => {
                    result.done(&row);
                    world.blocked.put(conversation(number, &row.user_id), row);
                }
                _ => result.failed(&user, 131047, "The user has not written in the last 24 hours."),
            }
        }
        Ok(result.answer())
    })
}

pub(crate) fn remove(meta: &Meta, call: &Call, number: &str) -> Outcome {
    let users = users(call)?;
    meta.change(|world| {
        let mut result = Result::new("removed_users");
        for user in users {
            let found = find(world, number, &user);
            let key = found.as_ref().map(|row| conversation(number, &row.user_id)).unwrap_or_default();
            match world.blocked.remove(&key) {
                Some(row) => result.done(&row),
                None => result.failed(&user, 139100, "The user is not blocked."),
            }
        }
        Ok::<_, GraphError>(result.answer())
    })
}

fn users(call: &Call) -> std::result::Result<Vec<String>, GraphError> {
    call.params.require_whatsapp()?;
    let list = call.params.json("block_users").ok_or_else(|| GraphError::missing("block_users"))?;
    let user = |entry: &Value| entry["user"].as_str().or(entry["user_id"].as_str()).map(str::to_owned);
    let users: Option<Vec<String>> = list.as_array().and_then(|list| list.iter().map(user).collect());
    let users = users.filter(|users| !users.is_empty());
    users.ok_or_else(|| GraphError::invalid("Param block_users must be an array of objects with a user."))
}

/// A person by their number or their id, as far as the business knows them.
fn find(world: &World, number: &str, user: &str) -> Option<Blocked> {
    let business = &world.waba_of(number)?.business_id;
    let by_phone = digits(user).and_then(|phone| world.phones.get(&people::phone_key(business, &phone)));
    let person = world.people.get(by_phone.map_or(user, String::as_str))?;
    Some(Blocked {
        input: user.to_owned(),
        phone_number_id: number.to_owned(),
        user_id: person.user_id.clone(),
        phone: person.phone.clone(),
    })
}

fn shown(row: &Blocked) -> Value {
    let mut shown = json!({"messaging_product": "whatsapp", "input": row.input, "user_id": row.user_id});
    if let Some(wa_id) = &row.phone {
        shown["wa_id"] = wa_id.clone().into();
    }
    shown
}

/// What came of each of several users. Those it failed for are told beside the others, with a 200.
struct Result {
    name: &'static str,
    done: Vec<Value>,
    failed: Vec<Value>,
}

impl Result {
    fn new(name: &'static str) -> Self {
        Self { name, done: Vec::new(), failed: Vec::new() }
    }

    fn done(&mut self, row: &Blocked) {
        self.done.push(shown(row));
    }

    fn failed(&mut self, input: &str, code: i64, details: &str) {
        let error = json!({"message": title(code), "code": code, "error_data": {"details": details}});
        self.failed.push(json!({"input": input, "errors": [error]}));
    }

    fn answer(self) -> Answer {
        let mut users = json!({});
        let mut body = json!({"messaging_product": "whatsapp"});
        if !self.done.is_empty() {
            users[self.name] = self.done.into();
        }
        if !self.failed.is_empty() {
            users["failed_users"] = self.failed.into();
            let details = "Some users failed, see the list for details";
            body["errors"] = GraphError::of(139100).details(details).body();
        }
        body["block_users"] = users;
        Answer::json(body)
    }
}
