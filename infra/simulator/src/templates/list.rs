//! What Graph shows of templates.

use serde_json::{Value, json};

use super::create::room;
use crate::graph::{AnswerBody, Call, GraphError, Node, Outcome, page_of};
use crate::meta::Meta;
use crate::world::{Template, World};

const DEFAULTS: &[&str] =
    &["name", "parameter_format", "components", "language", "status", "category", "previous_category", "id"];

pub(crate) fn show(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let now_ms = call.at.as_millisecond();
    let node = meta.read(|world| world.templates.get(id).map(|template| node(template, now_ms)));
    node.ok_or_else(|| GraphError::no_such_object(&call.method, id))?.answer(call)
}

/// `GET /{waba}/message_templates`, by name, content, language, status, category, quality and source.
pub(crate) fn list(meta: &Meta, call: &Call, waba: &str) -> Outcome {
    let filter = Filter::of(call);
    let now_ms = call.at.as_millisecond();
    let nodes: Vec<(String, Node)> = meta.read(|world| {
        let own = world.templates.values().filter(|template| template.waba_id == waba);
        let wanted = own.filter(|template| filter.matches(template, now_ms));
        wanted.map(|template| (template.id.clone(), node(template, now_ms))).collect()
    });
    let count = nodes.len();
    let mut answer = page_of(call, nodes)?;
    if let (Some(wanted), AnswerBody::Json(body)) = (call.params.text("summary"), &mut answer.body) {
        body["summary"] = meta.read(|world| summary(world, waba, &wanted, count));
    }
    Ok(answer)
}

/// Totals beside a list, as far as they are asked for.
fn summary(world: &World, waba: &str, wanted: &str, found: usize) -> Value {
    let all = world.templates.values().filter(|template| template.waba_id == waba).count();
    let totals = json!({
        "total_count": found,
        "message_template_count": all,
        "message_template_limit": room(world, waba),
        "are_translations_complete": true,
    });
    let is_wanted = |name: &str| wanted.split(',').any(|wanted| wanted.trim() == name);
    let totals = totals.as_object().into_iter().flatten().filter(|(name, _)| is_wanted(name));
    Value::Object(totals.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Each condition is a text, or a list of which one must hold.
struct Filter {
    name: Option<String>,
    content: Option<String>,
    name_or_content: Option<String>,
    language: Vec<String>,
    status: Vec<String>,
    category: Vec<String>,
    quality: Vec<String>,
    source: Vec<String>,
}

impl Filter {
    fn of(call: &Call) -> Self {
        let one = |name: &str| call.params.text(name).filter(|text| !text.is_empty());
        let many = |name: &str| match call.params.json(name) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => one(name).map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        };
        Self {
            name: one("name"),
            content: one("content"),
            name_or_content: one("name_or_content"),
            language: many("language"),
            status: many("status"),
            category: many("category"),
            quality: many("quality_score"),
            source: many("source"),
        }
    }

    fn matches(&self, template: &Template, now_ms: i64) -> bool {
        let is_one = |wanted: &[String], given: &str| {
            wanted.is_empty() || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(given))
        };
        let text = template.components.to_string();
        let source = if template.is_auto_generated { "AUTO_GENERATED" } else { "USER_CREATED" };
        let either = |wanted: &String| template.name.contains(wanted.as_str()) || text.contains(wanted.as_str());
        self.name.as_ref().is_none_or(|name| *name == template.name)
            && self.content.as_ref().is_none_or(|content| text.contains(content.as_str()))
            && self.name_or_content.as_ref().is_none_or(either)
            && is_one(&self.language, &template.language)
            && is_one(&self.status, template.status_at(now_ms))
            && is_one(&self.category, &template.category)
            && is_one(&self.quality, &template.quality)
            && is_one(&self.source, source)
    }
}

fn node(template: &Template, now_ms: i64) -> Node {
    let status = template.status_at(now_ms);
    Node::new(
        "WhatsAppMessageTemplate",
        DEFAULTS,
        json!({
            "id": template.id,
            "name": template.name,
            "language": template.language,
            "category": template.category,
            "sub_category": Value::Null,
            "previous_category": template.previous_category,
            "correct_category": template.correct_category,
            "status": status,
            "components": template.components,
            "parameter_format": template.parameter_format,
            "quality_score": {"score": template.quality, "date": template.created_at},
            "rejected_reason": template.rejected_reason,
            "cta_url_link_tracking_opted_out": template.cta_url_link_tracking_opted_out,
            "degrees_of_freedom_spec": Value::Null,
            "library_template_name": Value::Null,
            "message_send_ttl_seconds": template.message_send_ttl_seconds,
            "last_updated_time": template.edits.last().unwrap_or(&template.created_at),
        }),
    )
}
