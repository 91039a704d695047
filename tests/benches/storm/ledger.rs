//! What the API shows afterwards, held against what was sent.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;

use benches::Result;

use crate::{
    stack::{Number, Stack},
    traffic::Sent,
};

/// Per customer, the places of their messages, oldest first.
pub(crate) struct Found(BTreeMap<String, Vec<usize>>);

#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) disordered: usize,
    pub(crate) examples: Vec<String>,
}

impl Verdict {
    pub(crate) fn holds(&self) -> bool {
        self.lost + self.doubled + self.disordered == 0
    }
}

impl Found {
    /// Reads every conversation of every tenant, page by page.
    pub(crate) async fn everywhere(stack: &Stack, numbers: &[Number]) -> Result<Self> {
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let tenants: BTreeSet<&str> = numbers.iter().map(|number| number.tenant).collect();
        for tenant in tenants {
            for conversation in pages(stack, tenant, "/v1/conversations").await? {
                let id = conversation["id"].as_str().unwrap_or_default();
                let phone = conversation["contact"]["phone"].as_str().unwrap_or_default();
                let messages = pages(stack, tenant, &format!("/v1/conversations/{id}/messages")).await?;
                // Newest first.
                let places = messages
                    .iter()
                    .rev()
                    .filter_map(|message| message["content"]["body"].as_str()?.parse::<usize>().ok());
                found.entry(digits(phone)).or_default().extend(places);
            }
        }
        Ok(Self(found))
    }

    pub(crate) fn stored(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    pub(crate) fn against(&self, sent: &Sent) -> Verdict {
        let mut verdict = Verdict::default();
        for (customer, written) in &sent.written {
            let places = self.0.get(customer).map(Vec::as_slice).unwrap_or_default();
            let known: BTreeSet<usize> = places.iter().copied().collect();
            let lost: Vec<usize> = (0..*written).filter(|place| !known.contains(place)).collect();
            let disordered = places.windows(2).filter(|pair| pair[1] < pair[0]).count();
            if !lost.is_empty() || places.len() != known.len() || disordered > 0 {
                verdict.examples.push(format!("{customer}: of {written} lost {lost:?}, found {places:?}"));
                verdict.examples.truncate(3);
            }
            verdict.lost += lost.len();
            verdict.doubled += places.len() - known.len();
            verdict.disordered += disordered;
        }
        verdict
    }
}

async fn pages(stack: &Stack, tenant: &str, path: &str) -> Result<Vec<Value>> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = stack.call(Method::GET, &format!("{path}?limit=100{after}"), tenant, &Value::Null).await?;
        all.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(all),
        }
    }
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}
