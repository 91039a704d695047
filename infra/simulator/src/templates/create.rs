//! `POST /{waba}/message_templates`.

use serde_json::{Value, json};

use super::check::{self, Rules};
use super::{FAMILY, refusal, review};
use crate::graph::{Answer, Call, GraphError, Outcome, Params};
use crate::meta::Meta;
use crate::signature;
use crate::world::{Template, World};

const CATEGORIES: [&str; 3] = ["AUTHENTICATION", "MARKETING", "UTILITY"];
const LONGEST_NAME: usize = 512;
/// While the portfolio is unverified, and after.
const MOST: (usize, usize) = (250, 6000);
const DAY: i64 = 24 * 3600;

/// The languages templates can be written in.
const LANGUAGES: [&str; 113] = [
    "af", "ar", "ar_AE", "ar_EG", "ar_KW", "ar_LB", "ar_MA", "ar_QA", "ar_SA", "az", "be_BY", "bg", "bn", "bn_IN",
    "ca", "cs", "da", "de", "de_AT", "de_CH", "el", "en", "en_AE", "en_AU", "en_CA", "en_GB", "en_GH", "en_IE",
    "en_IN", "en_JM", "en_MY", "en_NZ", "en_QA", "en_SG", "en_UG", "en_US", "en_ZA", "es", "es_AR", "es_CL", "es_CO",
    "es_CR", "es_DO", "es_EC", "es_ES", "es_HN", "es_MX", "es_PA", "es_PE", "es_UY", "et", "fa", "fi", "fil", "fr",
    "fr_BE", "fr_CA", "fr_CH", "fr_CI", "fr_MA", "ga", "gu", "ha", "he", "hi", "hr", "hu", "id", "it", "ja", "ka",
    "kk", "kn", "ko", "ky_KG", "lo", "lt", "lv", "mk", "ml", "mr", "ms", "nb", "nl", "nl_BE", "pa", "pl", "prs_AF",
    "ps_AF", "pt_BR", "pt_PT", "ro", "ru", "rw_RW", "si_LK", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th",
    "tr", "uk", "ur", "uz", "vi", "zh_CN", "zh_HK", "zh_TW", "zu",
];

pub(crate) fn create(meta: &Meta, call: &Call, waba: &str) -> Outcome {
    let draft = draft(&call.params)?;
    let now_ms = call.at.as_millisecond();
    let made = meta.change(|world| {
        has_room(world, waba)?;
        is_free(world, waba, &draft, call.now)?;
        let mut template =
            Template { id: world.next_id(FAMILY), waba_id: waba.to_owned(), created_at: call.now, ..draft };
        let answer = template.id.clone();
        review::begin(world, &mut template, now_ms);
        world.templates.put(answer.clone(), template);
        Ok::<_, GraphError>(answer)
    })?;
    let shown = meta.read(|world| {
        let template = world.templates.get(&made);
        template.map(|row| json!({"id": row.id, "status": row.status_at(now_ms), "category": row.category}))
    });
    Ok(Answer::json(shown.unwrap_or_default()))
}

/// The template a request describes, checked.
fn draft(params: &Params) -> Result<Template, GraphError> {
    let name = params.required("name")?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.len() > LONGEST_NAME || !name.bytes().all(is_plain) {
        let message = "(#100) Param name must be at most 512 lowercase letters, digits and underscores.";
        return Err(GraphError::new(100, message));
    }
    let language = params.required("language")?;
    if !LANGUAGES.contains(&language.as_str()) {
        return Err(GraphError::new(
            100,
            format!("(#100) Param language must be a supported language - got \"{language}\"."),
        ));
    }
    let category = params.required("category")?.to_ascii_uppercase();
    if !CATEGORIES.contains(&category.as_str()) {
        let message =
            format!("(#100) Param category must be one of {{{}}} - got \"{category}\".", CATEGORIES.join(", "));
        return Err(GraphError::new(100, message));
    }
    let parameter_format = params.text("parameter_format").unwrap_or("POSITIONAL".to_owned()).to_ascii_uppercase();
    if !matches!(parameter_format.as_str(), "NAMED" | "POSITIONAL") {
        return Err(GraphError::new(100, "(#100) Param parameter_format must be one of {NAMED, POSITIONAL}."));
    }
    let components = params.json("components").ok_or_else(|| GraphError::missing("components"))?;
    check::check(&components, Rules { category: &category, is_named: parameter_format == "NAMED" })?;
    Ok(Template {
        components: normalized(components),
        message_send_ttl_seconds: life(params, &category)?,
        cta_url_link_tracking_opted_out: params.get("cta_url_link_tracking_opted_out").and_then(Value::as_bool),
        name,
        language,
        category,
        parameter_format,
        ..Template::new(String::new(), "", 0)
    })
}

/// How long Meta tries to deliver messages of a category; −1 is the longest.
pub(super) fn life(params: &Params, category: &str) -> Result<Option<i64>, GraphError> {
    let Some(seconds) = params.number("message_send_ttl_seconds") else { return Ok(None) };
    let allowed = match category {
        "AUTHENTICATION" => 30..=900,
        "UTILITY" => 30..=43200,
        _ => 43200..=2592000,
    };
    if seconds == -1 || allowed.contains(&seconds) {
        return Ok(Some(seconds));
    }
    let (from, to) = (allowed.start(), allowed.end());
    let message =
        format!("(#100) Param message_send_ttl_seconds must be between {from} and {to} for {category} templates.");
    Err(GraphError::new(100, message))
}

/// Types in capitals, however they were given.
pub(super) fn normalized(components: Value) -> Value {
    match components {
        Value::Array(list) => list.into_iter().map(normalized).collect(),
        Value::Object(mut map) => {
            for name in ["type", "format", "otp_type"] {
                if let Some(Value::String(text)) = map.get_mut(name) {
                    text.make_ascii_uppercase();
                }
            }
            for name in ["buttons", "cards", "components"] {
                if let Some(inner) = map.remove(name) {
                    map.insert(name.to_owned(), normalized(inner));
                }
            }
            Value::Object(map)
        }
        other => other,
    }
}

fn has_room(world: &World, waba: &str) -> Result<(), GraphError> {
    let most = room(world, waba);
    if world.templates.values().filter(|template| template.waba_id == waba).count() < most {
        return Ok(());
    }
    let text = format!("You can have up to {most} message templates for your WhatsApp Business account.");
    Err(refusal(2388019, "Message template limit exceeded", text))
}

/// How many templates a WABA may have.
pub(super) fn room(world: &World, waba: &str) -> usize {
    let business = world.wabas.get(waba).and_then(|waba| world.businesses.get(&waba.business_id));
    let is_verified = business.is_some_and(|business| business.verification_status == "verified");
    if is_verified { MOST.1 } else { MOST.0 }
}

fn is_free(world: &World, waba: &str, draft: &Template, now: i64) -> Result<(), GraphError> {
    let Template { name, language, .. } = draft;
    let deleted = world.deleted_templates.get(&deleted_key(waba, name, language));
    if deleted.is_some_and(|at| now - at < 30 * DAY) {
        let text = format!(
            "New {language} content can't be added while the existing {language} content is being deleted. Try again in 4 \
             weeks or consider creating a new message template."
        );
        return Err(refusal(2388023, "Message template language is being deleted", text));
    }
    let is_same = |row: &&Template| row.waba_id == waba && row.name == *name && row.language == *language;
    if world.templates.values().any(|row| is_same(&row)) {
        let text = format!(
            "There is already {language} content for this template. You can create a new template and try again."
        );
        return Err(refusal(2388024, "Content in this language already exists", text));
    }
    Ok(())
}

pub(super) fn deleted_key(waba: &str, name: &str, language: &str) -> String {
    format!("{waba}/{name}/{language}")
}

/// The template Meta makes of a direct send, once for the same content.
pub(crate) fn generated(world: &mut World, waba: &str, category: &str, text: &str, now: i64) {
    let name = format!("auto_{}", signature::short_hash(text));
    if world.templates.values().any(|row| row.waba_id == waba && row.name == name) {
        return;
    }
    let id = world.next_id(FAMILY);
    let template = Template {
        name,
        category: category.to_ascii_uppercase(),
        components: json!([{"type": "BODY", "text": text}]),
        status: "APPROVED".to_owned(),
        is_auto_generated: true,
        ..Template::new(id.clone(), waba, now)
    };
    world.templates.put(id, template);
}
