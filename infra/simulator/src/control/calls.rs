//! `GET /_sim/calls?path=`: what was asked of Graph; `GET /_sim/deliveries`: what the app has still to be told.

use std::sync::Arc;

use axum::extract::{Json, Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::calls::Record;
use crate::meta::Meta;
use crate::world::Delivery;

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    path: String,
}

pub(crate) async fn list(State(meta): State<Arc<Meta>>, Query(which): Query<Which>) -> Json<Vec<Record>> {
    Json(meta.read(|world| world.calls.values().filter(|call| call.path.contains(&which.path)).cloned().collect()))
}

/// Webhooks that have not had their 200 yet: where to, how often tried, when next.
pub(crate) async fn deliveries(State(meta): State<Arc<Meta>>) -> Json<Vec<Value>> {
    let shown =
        |row: &Delivery| json!({"url": row.url, "tries": row.tries, "due_at": at(row.due_at), "body": row.body});
    Json(meta.read(|world| world.deliveries.values().filter(|row| row.url.is_some()).map(shown).collect()))
}

fn at(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}
