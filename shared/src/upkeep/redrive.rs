//! The command `redrive`: dead letters go back to the queue they died in.

use serde::Deserialize;

use super::{Context, Report};
use crate::{Result, flow::redrive::redrive};

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    Inbound,
    Outbound,
}

/// How many messages one invocation moves: what it can do within its time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "usize")]
pub(super) struct Limit(usize);

impl Limit {
    pub(super) fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(500)
    }
}

impl TryFrom<usize> for Limit {
    type Error = &'static str;

    fn try_from(limit: usize) -> Result<Self, &'static str> {
        if (1..=500).contains(&limit) { Ok(Self(limit)) } else { Err("limit is 1 to 500") }
    }
}

impl Context {
    pub(super) async fn redrive(&self, which: Which, Limit(limit): Limit, request_id: &str) -> Result<Report> {
        let (queue, dead_letters) = match which {
            Which::Inbound => ("inbound", &self.inbound_dead_letters),
            Which::Outbound => ("outbound", &self.outbound_dead_letters),
        };
        let moving = Box::pin(redrive(dead_letters, limit));
        let moved = self.audited("redrive", Some(queue), request_id, moving).await?;
        Ok(Report::Redrive { moved, more: moved == limit })
    }
}
