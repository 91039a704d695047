//! Template messages: what is sent must fit the template as it was approved.

mod buttons;
mod parameters;

use serde_json::Value;

use super::{Sending, media};
use crate::graph::GraphError;
use crate::messages::shape::{Field, Part, Rule, Shape, optional, required};
use crate::templates::{component, variables};
use crate::world::Template;

pub(super) const TEMPLATE: Shape = Shape(&[
    required("name", Rule::Text(512)),
    required("language", Rule::Object(&Shape(&[required("code", Rule::Text(15)), optional("policy", Rule::Text(32))]))),
    optional("components", Rule::List(0, 20, &Rule::Object(&COMPONENT))),
    optional("namespace", Rule::Maybe(128)),
    optional("degrees_of_freedom_spec", Rule::Any),
]);

const KIND: Field = required("type", Rule::OneOf(&TYPES));
const SUB_TYPE: Field = optional("sub_type", Rule::Text(32));
const INDEX: Field = optional("index", Rule::Number(0.0, 9.0));
const PARAMETERS: Field = optional("parameters", Rule::List(0, 100, &Rule::Any));

const COMPONENT: Shape =
    Shape(&[KIND, SUB_TYPE, INDEX, PARAMETERS, optional("cards", Rule::List(1, 10, &Rule::Object(&CARD)))]);
const TYPES: [&str; 9] = [
    "header",
    "body",
    "footer",
    "button",
    "carousel",
    "limited_time_offer",
    "order_status",
    "tap_target_configuration",
    "call_permission_request",
];
const CARD: Shape = Shape(&[
    required("card_index", Rule::Number(0.0, 9.0)),
    required("components", Rule::List(0, 20, &Rule::Object(&CARD_COMPONENT))),
]);
/// A card has no cards.
const CARD_COMPONENT: Shape = Shape(&[KIND, SUB_TYPE, INDEX, PARAMETERS]);

const LONGEST_BODY: usize = 1024;

pub(super) fn check(sending: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let name = part.need("name")?.text();
    let language = part.need("language")?.need("code")?.text();
    let template = sendable(sending, &name, &language)?;
    if sending.is_by_user_id && template.category == "AUTHENTICATION" {
        let details = "Authentication templates with a one-tap, zero-tap or copy code button need a phone number.";
        return Err(GraphError::of(131062).details(details));
    }
    let sent: Vec<Part<'_>> = part.get("components").map(|list| list.items().collect()).unwrap_or_default();
    check_components(sending, &sent, &template.components)?;
    check_carousel(sending, &sent, &template.components)
}

/// The template, if it exists and may be sent.
fn sendable<'a>(sending: &Sending<'a>, name: &str, language: &str) -> Result<&'a Template, GraphError> {
    let missing = |details: String| Err(GraphError::of(132001).details(details));
    let mut own = sending.world.templates.values().filter(|template| template.waba_id == sending.waba.id);
    let found = own.find(|template| template.name == name && template.language == language);
    let Some(template) = found else {
        return missing(format!("template name ({name}) does not exist in {language}"));
    };
    match template.status_at(sending.now_ms) {
        "APPROVED" => Ok(template),
        "PAUSED" => Err(GraphError::of(132015).details(format!("Template ({name}) is paused due to low quality"))),
        "DISABLED" => Err(GraphError::of(132016).details(format!("Template ({name}) is disabled"))),
        _ => missing(format!("template name ({name}) does not exist in {language}")),
    }
}

fn check_components(sending: &Sending<'_>, sent: &[Part<'_>], approved: &Value) -> Result<(), GraphError> {
    check_header(sending, of_type(sent, "header").as_ref(), component(approved, "HEADER"))?;
    check_body(of_type(sent, "body").as_ref(), component(approved, "BODY"))?;
    check_offer(of_type(sent, "limited_time_offer").as_ref(), component(approved, "LIMITED_TIME_OFFER"))?;
    buttons::check(sent, component(approved, "BUTTONS"))
}

fn of_type<'a>(sent: &[Part<'a>], kind: &str) -> Option<Part<'a>> {
    sent.iter().find(|part| part.text_of("type").is_some_and(|given| given.eq_ignore_ascii_case(kind))).cloned()
}

fn check_header(sending: &Sending<'_>, sent: Option<&Part<'_>>, approved: Option<&Value>) -> Result<(), GraphError> {
    let parameters = parameters::of(sent);
    let format = approved.and_then(|header| header["format"].as_str()).unwrap_or("NONE");
    if format == "TEXT" || format == "NONE" {
        let text = approved.and_then(|header| header["text"].as_str()).unwrap_or_default();
        return parameters::fit("header", &parameters, &variables(text)).map(drop);
    }
    let expected = format.to_ascii_lowercase();
    let received = parameters.first().and_then(|parameter| parameter.text_of("type")).unwrap_or("unknown".to_owned());
    // A product header says everything itself; a GIF is sent as a video.
    let fits =
        received.eq_ignore_ascii_case(&expected) || (expected == "gif" && received.eq_ignore_ascii_case("video"));
    if expected == "product" {
        return Ok(());
    }
    if !fits {
        let details = format!("header: Format mismatch, expected {format}, received {}", received.to_ascii_uppercase());
        return Err(GraphError::of(132012).details(details));
    }
    let Some(parameter) = parameters.first() else { return Ok(()) };
    let content = parameter.need(&received.to_ascii_lowercase())?;
    if expected == "location" {
        return content.must_be(&LOCATION);
    }
    media::check(sending, &content)
}

const LOCATION: Shape = Shape(&[
    required("latitude", Rule::Number(-90.0, 90.0)),
    required("longitude", Rule::Number(-180.0, 180.0)),
    required("name", Rule::Text(1000)),
    required("address", Rule::Text(1000)),
]);

fn check_body(sent: Option<&Part<'_>>, approved: Option<&Value>) -> Result<(), GraphError> {
    let text = approved.and_then(|body| body["text"].as_str()).unwrap_or_default();
    // The text of an authentication template is Meta's own; its one variable is the code.
    let is_code = approved.is_some_and(|body| body.get("text").is_none());
    let names = if is_code { vec!["1".to_owned()] } else { variables(text) };
    let filled = parameters::fit("body", &parameters::of(sent), &names)?;
    let longer: usize = filled.iter().map(|text| text.chars().count()).sum();
    if text.chars().count() + longer > LONGEST_BODY + names.len() * "{{1}}".len() {
        return Err(GraphError::of(132005).details("body: translated text is too long"));
    }
    Ok(())
}

fn check_offer(sent: Option<&Part<'_>>, approved: Option<&Value>) -> Result<(), GraphError> {
    let expires = approved.is_some_and(|offer| offer["limited_time_offer"]["has_expiration"].as_bool() == Some(true));
    if !expires {
        return Ok(());
    }
    let offer = parameters::of(sent).first().and_then(|parameter| parameter.get("limited_time_offer"));
    let Some(offer) = offer else {
        return Err(GraphError::of(131008).details("limited_time_offer: expiration_time_ms is required"));
    };
    offer.need("expiration_time_ms")?.must_follow(&Rule::Number(0.0, 1e15))
}

/// As many cards as were approved, each fitting its own.
fn check_carousel(sending: &Sending<'_>, sent: &[Part<'_>], approved: &Value) -> Result<(), GraphError> {
    let Some(expected) = component(approved, "CAROUSEL").and_then(|carousel| carousel["cards"].as_array()) else {
        return Ok(());
    };
    let cards: Vec<Part<'_>> = of_type(sent, "carousel")
        .and_then(|part| part.get("cards"))
        .map(|cards| cards.items().collect())
        .unwrap_or_default();
    if cards.len() != expected.len() {
        let details = format!("carousel: {} cards, expected {}", cards.len(), expected.len());
        return Err(GraphError::of(132012).details(details));
    }
    for (card, expected) in cards.iter().zip(expected) {
        let parts: Vec<Part<'_>> = card.need("components")?.items().collect();
        check_components(sending, &parts, &expected["components"])?;
    }
    Ok(())
}
