//! What is measured: a binary, its environment, one event, and the answer that shows it did its work.

use std::collections::BTreeMap;

use benches::{
    Result,
    aws::Aws,
    build::{Program, root},
    meta::Meta,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::orders::Orders;

pub(crate) struct Subject {
    pub(crate) program: Program,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) case: Case,
    pub(crate) orders: Orders,
}

/// One entry of `events/<function>.json`.
#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) event: Value,
    /// Fields that the answer must have, with these values.
    answer: Value,
    /// Happens once in the life of a deployment: it goes before the others and is not measured.
    #[serde(default)]
    pub(crate) once: bool,
    /// Meta is the simulator then.
    #[serde(default)]
    speaks_to_meta: bool,
    #[serde(default)]
    pub(crate) most: Most,
}

/// What a start may cost at most.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Most {
    /// Times the instructions of hello.
    pub(crate) ratio: f64,
    /// The stripped binary.
    pub(crate) bytes: u64,
}

/// For every function that has none of its own.
impl Default for Most {
    fn default() -> Self {
        Self { ratio: 9.0, bytes: 8_500_000 }
    }
}

/// The WABA of the number that messages are sent from.
const WABA: &str = simulator::seed::WABAS[1];

/// Every case of every function, those first that happen once.
pub(crate) async fn all(functions: &[Program], aws: &Aws, meta: &Meta, orders: &Orders) -> Result<Vec<Subject>> {
    let token = meta.system_token(WABA).await?;
    let mut subjects = Vec::new();
    for program in functions {
        for case in cases(&program.name, &[("{{operator key}}", &aws.operator_key), ("{{system token}}", &token)])? {
            let mut environment = aws.function_environment(&program.name)?;
            if case.speaks_to_meta {
                environment.insert("GRAPH_URL".to_owned(), meta.url());
            }
            subjects.push(Subject { program: program.clone(), environment, case, orders: orders.clone() });
        }
    }
    subjects.sort_by_key(|subject| !subject.case.once);
    Ok(subjects)
}

fn cases(function: &str, secrets: &[(&str, &str)]) -> Result<Vec<Case>> {
    let path = format!("tests/benches/events/{function}.json");
    let text = std::fs::read_to_string(root().join(&path))
        .map_err(|error| format!("{path}: {error}; it says which first events of {function} are measured"))?;
    let text = secrets.iter().fold(text, |text, (place, secret)| text.replace(place, secret));
    Ok(serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}

impl Subject {
    pub(crate) fn hello(program: Program, aws: &Aws) -> Self {
        let environment = aws.environment(&program.name);
        let answer = json!({ "message": "hello" });
        let title = "any event".to_owned();
        let case = Case { title, event: json!({}), answer, once: false, speaks_to_meta: false, most: Most::default() };
        Self { program, environment, case, orders: Orders::default() }
    }

    /// The event of one run.
    pub(crate) fn event(&self) -> Result<String> {
        self.orders.put_into(self.case.event.to_string())
    }

    pub(crate) fn title(&self) -> String {
        format!("{}, {}", self.program.name, self.case.title)
    }

    /// A start that ends in an error is cheap; its figures would flatter.
    pub(crate) fn must_answer(&self, answer: &Value) -> Result<()> {
        let expected = self.case.answer.as_object().into_iter().flatten();
        for (field, value) in expected {
            if answer.get(field) != Some(value) {
                return Err(format!("{}: answered {answer}, and {field} should be {value}", self.title()).into());
            }
        }
        Ok(())
    }
}
