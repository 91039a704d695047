//! `/{number}/whatsapp_business_profile`.

use serde_json::{Value, json};

use crate::graph::{Answer, Call, GraphError, Node, Outcome};
use crate::meta::Meta;
use crate::signature;
use crate::world::Profile;

const FIELDS: &[&str] = &["about", "address", "description", "email", "profile_picture_url", "websites", "vertical"];
const LONGEST: [(&str, usize); 4] = [("about", 139), ("address", 256), ("description", 512), ("email", 128)];
const MOST_WEBSITES: usize = 2;
const LONGEST_WEBSITE: usize = 256;
const VERTICALS: [&str; 23] = [
    "ALCOHOL",
    "APPAREL",
    "AUTO",
    "BEAUTY",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GOVT",
    "GROCERY",
    "HEALTH",
    "HOTEL",
    "NONPROFIT",
    "NOT_A_BIZ",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROF_SERVICES",
    "RESTAURANT",
    "RETAIL",
    "TRAVEL",
    "UNDEFINED",
];

pub(crate) fn show(meta: &Meta, call: &Call, number: &str) -> Outcome {
    let profile = meta.read(|world| world.profiles.get(number).cloned()).unwrap_or_default();
    let fields = json!({
        "messaging_product": "whatsapp",
        "about": profile.about,
        "address": profile.address,
        "description": profile.description,
        "email": profile.email,
        "profile_picture_url": profile.picture_url,
        "websites": if profile.websites.is_empty() { Value::Null } else { json!(profile.websites) },
        "vertical": profile.vertical.as_deref().unwrap_or("UNDEFINED"),
    });
    let mut shown = Node::new("WhatsAppBusinessProfile", FIELDS, fields).shown(call)?;
    shown["messaging_product"] = "whatsapp".into();
    Ok(Answer::json(json!({"data": [shown]})))
}

pub(crate) fn change(meta: &Meta, call: &Call, number: &str) -> Outcome {
    call.params.require_whatsapp()?;
    for (name, most) in LONGEST {
        if call.params.text(name).is_some_and(|text| text.chars().count() > most) {
            return Err(GraphError::invalid(format!("Param {name} must be at most {most} characters long.")));
        }
    }
    let email = call.params.text("email").filter(|email| !email.is_empty());
    if email.is_some_and(|email| !email.contains('@')) {
        return Err(GraphError::invalid("Param email must be an email address."));
    }
    if call.params.text("about").is_some_and(|about| about.is_empty()) {
        return Err(GraphError::invalid("Param about cannot be empty."));
    }
    let websites = websites(call)?;
    let vertical = call.params.text("vertical").map(|vertical| vertical.to_ascii_uppercase());
    if let Some(unknown) = vertical.as_ref().filter(|vertical| !VERTICALS.contains(&vertical.as_str())) {
        let message = format!("(#100) Param vertical must be one of {{{}}} - got \"{unknown}\".", VERTICALS.join(", "));
        return Err(GraphError::new(100, message));
    }
    let picture = call.params.text("profile_picture_handle");
    meta.change(|world| {
        let mut profile = world.profiles.get(number).cloned().unwrap_or_default();
        let Profile { about, address, description, email, .. } = &mut profile;
        for (name, field) in [("about", about), ("address", address), ("description", description), ("email", email)] {
            if let Some(text) = call.params.text(name) {
                *field = Some(text).filter(|text| !text.is_empty());
            }
        }
        profile.websites = websites.unwrap_or(profile.websites);
        profile.vertical = vertical.or(profile.vertical);
        if let Some(handle) = picture {
            let name = signature::short_hash(&handle);
            profile.picture_url = Some(format!("https://pps.whatsapp.net/v/{name}"));
        }
        world.profiles.put(number, profile);
        Ok::<_, GraphError>(Answer::success())
    })
}

fn websites(call: &Call) -> Result<Option<Vec<String>>, GraphError> {
    let Some(given) = call.params.json("websites") else { return Ok(None) };
    let list = given.as_array().ok_or_else(|| GraphError::invalid("Param websites must be an array."))?;
    let sites: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let is_link = |site: &String| site.starts_with("https://") || site.starts_with("http://");
    if sites.len() > MOST_WEBSITES || sites.iter().any(|site| site.len() > LONGEST_WEBSITE || !is_link(site)) {
        return Err(GraphError::invalid("Param websites must be at most 2 links of at most 256 characters."));
    }
    Ok(Some(sites))
}
