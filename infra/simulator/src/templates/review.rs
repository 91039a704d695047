//! A template's review and what follows in its life, with the webhooks that tell of it.

use serde_json::{Value, json};

use super::component;
use crate::webhooks::{self, Event};
use crate::world::{Review, Template, World};

/// Something Meta decides about a template.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decision {
    /// `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, …: its new status.
    pub(crate) event: Option<String>,
    pub(crate) reason: Option<String>,
    /// `FIRST_PAUSE` and so on.
    pub(crate) title: Option<String>,
    /// Its new category.
    pub(crate) category: Option<String>,
    /// The category it will have.
    pub(crate) correct_category: Option<String>,
    pub(crate) quality: Option<String>,
}

impl Decision {
    pub(super) fn of(event: &str) -> Self {
        Self { event: Some(event.to_owned()), ..Self::default() }
    }
}

/// Starts a review, as `/_sim/behaviour` sets it; its end is told when it comes.
pub(super) fn begin(world: &mut World, template: &mut Template, now_ms: i64) {
    let verdict = world.behaviour.review_verdict.clone();
    forget_review(world, template);
    if verdict == "PENDING" {
        return;
    }
    let ends_at = now_ms + world.behaviour.review_ms;
    let reason = if verdict == "REJECTED" { "INVALID_FORMAT" } else { "NONE" };
    reason.clone_into(&mut template.rejected_reason);
    let value = status_update(template, &Decision { reason: Some(reason.to_owned()), ..Decision::of(&verdict) });
    let event = Event::of_waba(&template.waba_id, "message_template_status_update", value);
    let delivery = webhooks::tell(world, ends_at, event);
    template.review = Some(Review { ends_at, verdict, delivery });
}

/// What Meta decides takes the place of a review under way.
pub(crate) fn decide(world: &mut World, id: &str, decision: &Decision, now_ms: i64) -> Vec<String> {
    let Some(mut template) = world.templates.get(id).cloned() else { return Vec::new() };
    let mut told = Vec::new();
    let waba = template.waba_id.clone();
    let mut tell = |world: &mut World, field: &str, value: Value| {
        told.extend(webhooks::tell(world, now_ms, Event::of_waba(&waba, field, value)));
    };
    if let Some(event) = &decision.event {
        template.status_at(now_ms).to_owned().clone_into(&mut template.status);
        forget_review(world, &mut template);
        // These two say what was done about a status, not what it is.
        let status = if matches!(event.as_str(), "REINSTATED" | "FLAGGED") { "APPROVED" } else { event };
        status.clone_into(&mut template.status);
        template.rejected_reason = decision.reason.clone().unwrap_or_else(|| "NONE".to_owned());
        tell(world, "message_template_status_update", status_update(&template, decision));
    }
    if let Some(quality) = &decision.quality {
        let value = named(&template, json!({"previous_quality_score": template.quality, "new_quality_score": quality}));
        template.quality.clone_from(quality);
        tell(world, "message_template_quality_update", value);
    }
    if let Some(category) = &decision.correct_category {
        let in_a_day = now_ms / 1000 + 24 * 3600;
        let change = json!({"correct_category": category, "new_category": template.category,
            "category_update_timestamp": in_a_day});
        template.correct_category = Some(category.clone());
        tell(world, "template_category_update", named(&template, change));
    }
    if let Some(category) = &decision.category {
        let change = json!({"previous_category": template.category, "new_category": category});
        template.previous_category = Some(std::mem::replace(&mut template.category, category.clone()));
        template.correct_category = None;
        tell(world, "template_category_update", named(&template, change));
    }
    world.templates.put(id, template);
    told
}

/// Its end is not told any more, if it has not been.
fn forget_review(world: &mut World, template: &mut Template) {
    let review = template.review.take();
    if let Some(delivery) = review.and_then(|review| review.delivery) {
        world.deliveries.remove(&delivery);
    }
}

fn status_update(template: &Template, decision: &Decision) -> Value {
    let event = decision.event.as_deref().unwrap_or_default();
    let mut value = named(template, json!({"event": event, "reason": decision.reason.as_deref().unwrap_or("NONE")}));
    value["message_template_category"] = template.category.clone().into();
    match (event, &decision.title) {
        ("REJECTED", _) => {
            value["rejection_info"] = json!({"reason": "The template does not follow Meta's guidelines.",
                "recommendation": "Change the template and submit it again."});
        }
        ("DISABLED", _) => value["disable_info"] = json!({"disable_date": "Saturday"}),
        (_, Some(title)) => value["other_info"] = json!({"title": title, "description": title}),
        _ => {}
    }
    value
}

pub(super) fn components_update(template: &Template) -> Value {
    let text = |kind: &str| component(&template.components, kind).and_then(|part| part["text"].as_str());
    let mut value = named(template, json!({"message_template_element": text("BODY").unwrap_or_default()}));
    if let Some(title) = text("HEADER") {
        value["message_template_title"] = title.into();
    }
    if let Some(footer) = text("FOOTER") {
        value["message_template_footer"] = footer.into();
    }
    if let Some(buttons) = component(&template.components, "BUTTONS").and_then(|part| part["buttons"].as_array()) {
        value["message_template_buttons"] = buttons.iter().map(told_button).collect();
    }
    value
}

fn told_button(button: &Value) -> Value {
    let mut told =
        json!({"message_template_button_type": button["type"], "message_template_button_text": button["text"]});
    for name in ["url", "phone_number"] {
        if let Some(value) = button.get(name) {
            told[format!("message_template_button_{name}")] = value.clone();
        }
    }
    told
}

/// The name every webhook about a template begins with; the id is a number here.
fn named(template: &Template, mut value: Value) -> Value {
    value["message_template_id"] = template.id.parse::<u64>().map_or_else(|_| template.id.clone().into(), Value::from);
    value["message_template_name"] = template.name.clone().into();
    value["message_template_language"] = template.language.clone().into();
    value
}
