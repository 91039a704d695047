//! `/_sim/faults`: asks for faults ahead, shows which have fired, forgets them.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, ControlError};
use crate::faults::{Fault, Kind, Match};
use crate::meta::Meta;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(rename = "match", default)]
    on: Match,
    #[serde(default = "once")]
    times: u64,
    #[serde(default)]
    skip: u64,
    fault: Kind,
}

fn once() -> u64 {
    1
}

pub(crate) async fn ask(State(meta): State<Arc<Meta>>, Body(asked): Body<Asked>) -> Result<Json<Fault>, ControlError> {
    asked.fault.check(&meta).map_err(ControlError::bad)?;
    meta.change(|world| {
        let id = format!("fault-{}", world.next());
        let fault =
            Fault { id: id.clone(), on: asked.on, times: asked.times, skip: asked.skip, fired: 0, kind: asked.fault };
        world.faults.put(id, fault.clone());
        Ok(Json(fault))
    })
}

pub(crate) async fn list(State(meta): State<Arc<Meta>>) -> Json<Value> {
    Json(meta.read(|world| json!(world.faults.values().collect::<Vec<_>>())))
}

pub(crate) async fn forget(State(meta): State<Arc<Meta>>) -> Result<Json<Value>, ControlError> {
    meta.change(|world| {
        for id in world.faults.keys() {
            world.faults.remove(&id);
        }
        Ok(Json(json!([])))
    })
}
