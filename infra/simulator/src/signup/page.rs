//! The pages a person sees: consent, the Embedded Signup popup, and what is wrong with a link.

use std::fmt::Write as _;

use super::dialog::Dialog;
use crate::world::World;

const FRAME: &str = include_str!("frame.html");
const POPUP_SCRIPT: &str = include_str!("popup.js");

/// Every account, with its numbers, to tick; and yes or no.
pub(super) fn consent(world: &World, dialog: &Dialog) -> String {
    let mut body =
        format!("<h1>{} wants to reach your WhatsApp accounts</h1><form method=get>", escaped(&world.app.name));
    for (name, value) in &dialog.parameters {
        if let (Some(value), false) = (value.as_str(), name.starts_with('_')) {
            put(&mut body, format_args!("<input type=hidden name=\"{}\" value=\"{}\">", escaped(name), escaped(value)));
        }
    }
    // Says that accounts were chosen, even where none is ticked.
    body.push_str("<input type=hidden name=\"_waba_ids[]\" value=\"\">");
    for business in world.businesses.values() {
        put(&mut body, format_args!("<fieldset><legend>{}</legend>", escaped(&business.name)));
        for waba in world.wabas_of(&business.id) {
            let (id, name) = (escaped(&waba.id), escaped(&waba.name));
            put(
                &mut body,
                format_args!("<label><input type=checkbox name=\"_waba_ids[]\" value=\"{id}\" checked> {name}"),
            );
            put(&mut body, format_args!(" <small>{id}</small></label><ul>"));
            for number in world.numbers_of(&waba.id) {
                let (display, name) = (escaped(&number.display_phone_number), escaped(&number.verified_name));
                put(&mut body, format_args!("<li>{display} <small>{name}</small></li>"));
            }
            body.push_str("</ul>");
        }
        body.push_str("</fieldset>");
    }
    body.push_str(
        "<p><button name=_consent value=approve>Continue</button> <button name=_consent value=deny class=quiet>Cancel</button></p></form>",
    );
    framed("Log in", &body)
}

/// One number to choose, and every way out of the real popup. The script says it to the opener as Meta does.
pub(super) fn popup(world: &World, channel: &str, coexistence: bool) -> String {
    let mut body = String::from("<h1>Connect WhatsApp</h1><form id=signup>");
    put(&mut body, format_args!("<input type=hidden name=channel value=\"{}\">", escaped(channel)));
    let mut first = "checked";
    for number in world.numbers.values().filter(|number| !coexistence || number.is_on_biz_app) {
        let (id, waba) = (escaped(&number.id), escaped(&number.waba_id));
        let (display, name) = (escaped(&number.display_phone_number), escaped(&number.verified_name));
        put(
            &mut body,
            format_args!("<label><input type=radio name=number value=\"{id}\" data-waba=\"{waba}\" {first}>"),
        );
        put(&mut body, format_args!(" {display} <small>{name}</small></label>"));
        first = "";
    }
    body.push_str("<p><label>Finish as <select name=event>");
    let events = if coexistence {
        ["FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", "FINISH"].as_slice()
    } else {
        &["FINISH", "FINISH_ONLY_WABA", "FINISH_GRANT_ONLY_API_ACCESS", "FINISH_OBO_MIGRATION"]
    };
    for event in events {
        put(&mut body, format_args!("<option>{event}</option>"));
    }
    body.push_str("</select></label></p><p><label>Leave at <select name=current_step>");
    let steps = [
        "PHONE_NUMBER_SETUP",
        "BUSINESS_ACCOUNT_SELECTION",
        "WABA_PHONE_PROFILE_PICKER",
        "WHATSAPP_BUSINESS_PROFILE_SETUP",
        "PHONE_NUMBER_VERIFICATION",
        "PERMISSIONS",
    ];
    for step in steps {
        put(&mut body, format_args!("<option>{step}</option>"));
    }
    body.push_str(
        "</select></label></p><p><button name=way value=finish>Finish</button> \
         <button name=way value=cancel class=quiet>Cancel</button> \
         <button name=way value=report class=quiet>Report a problem</button></p></form>",
    );
    put(&mut body, format_args!("<script type=module>{POPUP_SCRIPT}</script>"));
    framed("Connect WhatsApp", &body)
}

pub(super) fn problem(reason: &str) -> String {
    framed("Not possible", &format!("<h1>Not possible</h1><p>{}</p>", escaped(reason)))
}

fn framed(title: &str, body: &str) -> String {
    FRAME.replace("{{title}}", &escaped(title)).replace("{{body}}", body)
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(more);
}

fn escaped(text: &str) -> String {
    let entities = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    entities.iter().fold(text.to_owned(), |text, (sign, entity)| text.replace(*sign, entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_inert() {
        assert_eq!(escaped(r#"<a href="x" id='y'>&"#), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
    }
}
