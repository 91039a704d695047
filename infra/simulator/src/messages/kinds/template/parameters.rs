//! The parameters of a template message's component.

use crate::graph::GraphError;
use crate::messages::shape::{Part, Rule, Shape, optional, required};

const CURRENCY: Shape = Shape(&[
    required("fallback_value", Rule::Text(1024)),
    required("code", Rule::Text(3)),
    required("amount_1000", Rule::Number(-1e15, 1e15)),
]);
const DATE_TIME: Shape = Shape(&[
    required("fallback_value", Rule::Text(1024)),
    optional("day_of_week", Rule::Any),
    optional("day_of_month", Rule::Any),
    optional("year", Rule::Any),
    optional("month", Rule::Any),
    optional("hour", Rule::Any),
    optional("minute", Rule::Any),
    optional("calendar", Rule::Any),
    optional("timestamp", Rule::Any),
]);

pub(super) fn of<'a>(component: Option<&Part<'a>>) -> Vec<Part<'a>> {
    component.and_then(|component| component.get("parameters")).map(|list| list.items().collect()).unwrap_or_default()
}

/// As many as there are variables, each with its name where they have names; gives what they say.
pub(super) fn fit(component: &str, given: &[Part<'_>], names: &[String]) -> Result<Vec<String>, GraphError> {
    if given.len() != names.len() {
        let details = format!(
            "{component}: number of localizable_params ({}) does not match the expected number of params ({})",
            given.len(),
            names.len()
        );
        return Err(GraphError::of(132000).details(details));
    }
    let are_named = names.iter().any(|name| name.parse::<u32>().is_err());
    let mut filled = Vec::with_capacity(given.len());
    for parameter in given {
        if are_named && !parameter.text_of("parameter_name").is_some_and(|name| names.contains(&name)) {
            let details = format!("{component}: parameter_name must be one of {}", names.join(", "));
            return Err(GraphError::of(132012).details(details));
        }
        filled.push(text(component, parameter)?);
    }
    Ok(filled)
}

/// What a parameter fills in.
fn text(component: &str, parameter: &Part<'_>) -> Result<String, GraphError> {
    match parameter.need("type")?.text().to_ascii_lowercase().as_str() {
        "text" => written(component, &parameter.need("text")?),
        "currency" => formatted(&parameter.need("currency")?, &CURRENCY),
        "date_time" => formatted(&parameter.need("date_time")?, &DATE_TIME),
        other => {
            let details =
                format!("{component}: Format mismatch, expected TEXT, received {}", other.to_ascii_uppercase());
            Err(GraphError::of(132012).details(details))
        }
    }
}

fn formatted(part: &Part<'_>, shape: &Shape) -> Result<String, GraphError> {
    part.must_be(shape)?;
    Ok(part.need("fallback_value")?.text())
}

pub(super) fn written(component: &str, part: &Part<'_>) -> Result<String, GraphError> {
    part.must_follow(&Rule::Text(32_768))?;
    let text = part.text();
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        let details =
            format!("{component}: Param text cannot have new-line/tab characters or more than 4 consecutive spaces");
        return Err(GraphError::of(132018).details(details));
    }
    Ok(text)
}
