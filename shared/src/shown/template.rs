//! A template as every call that answers with one shows it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::{
    meta_id::WabaId,
    template::{Filled, Parameter, Place, Template},
    time::rfc3339,
};

/// A template, with Meta's own fields by Meta's names. One of which Meta has told and that was not read since lacks some.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TemplateBody {
    waba_id: WabaId,
    /// `id`, `name`, `language`, `status`, `category`, `previous_category`, `correct_category`, `components`,
    /// `parameter_format`, `quality_score`, `rejected_reason` and whatever else Meta shows.
    #[serde(flatten)]
    graph: Map<String, Value>,
    /// What a message must give it; null: its components are not known.
    parameters: Option<Vec<ParameterBody>>,
    /// When its category became what it is: another one costs another price.
    #[schemars(extend("format" = "date-time"))]
    category_changed_at: Option<String>,
    /// When Meta will make it a template of `correct_category`.
    #[schemars(extend("format" = "date-time"))]
    category_changes_at: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TemplateParameter")]
struct ParameterBody {
    component: &'static str,
    /// Of a button: which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// Of a carousel: which of its cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<usize>,
    /// A word, where the template's parameters have names; else the number of its place, or its kind.
    name: String,
    kind: Filled,
    example: Option<String>,
}

impl TemplateBody {
    pub fn of(waba: &WabaId, template: &Template) -> Self {
        Self {
            waba_id: waba.clone(),
            graph: template.graph.clone(),
            parameters: template.parameters().map(|all| all.into_iter().map(ParameterBody::of).collect()),
            category_changed_at: template.category_changed_at.map(rfc3339),
            category_changes_at: template.category_changes_at.map(rfc3339),
            updated_at: rfc3339(template.updated_at),
        }
    }
}

impl ParameterBody {
    fn of(parameter: Parameter) -> Self {
        let (component, index) = match parameter.place {
            Place::Header => ("header", None),
            Place::Body => ("body", None),
            Place::Button(index) => ("button", Some(index)),
        };
        let Parameter { card, name, kind, example, .. } = parameter;
        Self { component, index, card, name, kind, example }
    }
}
