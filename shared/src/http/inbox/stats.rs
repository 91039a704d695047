//! `GET /v1/accounts/{id}/stats`: how many messages there were, hour by hour or day by day.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::http::path::Id;
use crate::{
    Error, Result,
    domain::{
        message::{Counts, Granularity, Period},
        time::rfc3339,
    },
    http::{caller::Caller, query::Parameters},
};

/// A view of what was counted: nothing is counted twice, and what is not counted yet comes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatsBody {
    /// The beginning of the first hour or day, in UTC.
    #[schemars(extend("format" = "date-time"))]
    from: String,
    /// The end of the last.
    #[schemars(extend("format" = "date-time"))]
    to: String,
    #[schemars(with = "String", extend("enum" = ["hour", "day"]))]
    granularity: &'static str,
    data: Vec<CountBody>,
    /// Over the whole time, the most frequent first.
    failures: Vec<FailureCount>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CountBody {
    /// The beginning of the hour or day.
    #[schemars(extend("format" = "date-time"))]
    at: String,
    direction: String,
    #[serde(rename = "type")]
    kind: String,
    status: String,
    count: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FailureCount {
    /// Meta's.
    code: String,
    count: u64,
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<StatsBody>> {
    let line = context.own_account(&caller, &id).await?;
    let period = period(&mut parameters, context.edge.clock.now())?;
    parameters.finish()?;
    let hours = context.messages.counts(&line, period.from, period.to).await?;
    Ok(Json(StatsBody::of(&period, &period.gather(hours))))
}

fn period(parameters: &mut Parameters, now: Timestamp) -> Result<Period> {
    let granularity = parameters.take("granularity", |text| match text {
        "hour" => Ok(Granularity::Hour),
        "day" => Ok(Granularity::Day),
        _ => Err("it is hour or day".to_owned()),
    })?;
    let granularity = granularity.unwrap_or(Granularity::Hour);
    let time = |text: &str| text.parse().map_err(|_| "it is a time such as 2026-11-21T10:00:00Z".to_owned());
    let (from, to): (Option<Timestamp>, Option<Timestamp>) =
        (parameters.take("from", time)?, parameters.take("to", time)?);
    let to = to.unwrap_or(now);
    let usual = match granularity {
        Granularity::Hour => SignedDuration::from_hours(24),
        Granularity::Day => SignedDuration::from_hours(24 * 30),
    };
    let from = from.or_else(|| to.checked_sub(usual).ok()).unwrap_or(to);
    let longest = granularity.longest().as_hours() / 24;
    Period::touching(from, to, granularity).ok_or_else(|| Error::InvalidQuery {
        parameter: "from".to_owned(),
        detail: format!("it is before to, and {longest} days before it at most"),
    })
}

impl StatsBody {
    fn of(period: &Period, gathered: &BTreeMap<Timestamp, Counts>) -> Self {
        let mut failures: BTreeMap<&str, u64> = BTreeMap::new();
        let mut data = Vec::new();
        for (at, counts) in gathered {
            data.extend(counts.messages.iter().map(|(counted, count)| CountBody {
                at: rfc3339(*at),
                direction: counted.direction.clone(),
                kind: counted.kind.clone(),
                status: counted.status.clone(),
                count: *count,
            }));
            for (code, count) in &counts.failures {
                *failures.entry(code).or_default() += count;
            }
        }
        let mut failures: Vec<FailureCount> =
            failures.into_iter().map(|(code, count)| FailureCount { code: code.to_owned(), count }).collect();
        failures.sort_by_key(|failure| Reverse(failure.count));
        Self {
            from: rfc3339(period.from),
            to: rfc3339(period.to),
            granularity: match period.granularity {
                Granularity::Hour => "hour",
                Granularity::Day => "day",
            },
            data,
            failures,
        }
    }
}
