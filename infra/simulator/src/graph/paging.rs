//! Lists: `{data, paging {cursors, next, previous}}`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::params::encode;
use super::{Answer, Call, GraphError, Node, Outcome};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 1000;

/// One page of `items` (id and what is shown), as the call's `limit`, `after` and `before` ask.
pub(crate) fn page(call: &Call, items: &[(String, Value)]) -> Outcome {
    let limit = match call.params.text("limit") {
        None => DEFAULT_LIMIT,
        Some(limit) => limit.parse().map_err(|_| GraphError::invalid("limit must be a positive integer"))?,
    };
    let limit = limit.clamp(1, MAX_LIMIT);
    let (begin, end) = window(call, items, limit)?;
    let shown = &items[begin..end];

    let (Some((first, _)), Some((last, _))) = (shown.first(), shown.last()) else {
        return Ok(Answer::json(json!({"data": []})));
    };
    let mut paging = json!({"cursors": {"before": cursor(first), "after": cursor(last)}});
    if end < items.len() {
        paging["next"] = link(call, "after", &cursor(last)).into();
    }
    if begin > 0 {
        paging["previous"] = link(call, "before", &cursor(first)).into();
    }
    let data: Vec<&Value> = shown.iter().map(|(_, item)| item).collect();
    Ok(Answer::json(json!({"data": data, "paging": paging})))
}

/// As [`page`], of nodes as the call's `fields` ask.
pub(crate) fn page_of(call: &Call, nodes: Vec<(String, Node)>) -> Outcome {
    let shown = nodes.into_iter().map(|(id, node)| Ok((id, node.shown(call)?)));
    page(call, &shown.collect::<Result<Vec<_>, GraphError>>()?)
}

fn window(call: &Call, items: &[(String, Value)], limit: usize) -> Result<(usize, usize), GraphError> {
    let position = |name: &str| -> Result<Option<usize>, GraphError> {
        let Some(given) = call.params.text(name).filter(|given| !given.is_empty()) else { return Ok(None) };
        let found = items.iter().position(|(id, _)| cursor(id) == given);
        found.map(Some).ok_or_else(|| GraphError::invalid(format!("Invalid cursor: {name}")))
    };
    if let Some(before) = position("before")? {
        return Ok((before.saturating_sub(limit), before));
    }
    let begin = position("after")?.map_or(0, |after| after + 1);
    Ok((begin, items.len().min(begin + limit)))
}

pub(crate) fn cursor(id: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("cursor:{id}"))
}

/// Like Meta's, the link carries the access token: who follows it blindly leaks it.
fn link(call: &Call, direction: &str, cursor: &str) -> String {
    let mut pairs = vec![format!("access_token={}", encode(&call.token().unwrap_or_default()))];
    for (name, value) in &call.params.query {
        if let (false, Some(value)) =
            (["access_token", "appsecret_proof", "after", "before"].contains(&name.as_str()), value.as_str())
        {
            pairs.push(format!("{}={}", encode(name), encode(value)));
        }
    }
    pairs.push(format!("{direction}={}", encode(cursor)));
    format!("{}{}?{}", call.base, call.path, pairs.join("&"))
}
