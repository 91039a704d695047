//! `/oauth/connections/{id}`: our own page, for connections that no dashboard awaits. Numbers are chosen, PINs and codes
//! given, and one sees how far it is. It is for the browser that came back from Meta: its cookie lets it in, and each form
//! carries a token made for that cookie.

use std::{fmt::Write, sync::Arc};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Context, Id, actions::is_pin};
use crate::{
    Error, Result,
    aws::connections::Stored,
    domain::{
        audit::Entry,
        connection::{ActionType, Connection, Number, NumberState, Status},
        connection_id::ConnectionId,
        keyring::Purpose,
        meta_id::PhoneNumberId,
        proof,
    },
    flow::connect::Finished,
    http::{
        base_url::BaseUrl,
        cookies,
        pages::{escaped, guarded, page, refused},
    },
};

/// What lets a browser see the page.
pub(super) struct Admitted {
    pub cookie_name: String,
    pub cookie: String,
}

/// For the browser that has just finished its visit.
pub(super) async fn admission(context: &Context, finished: &Finished) -> Result<Admitted> {
    let id = &finished.stored.connection.id;
    let keys = context.secret.keyring().await?;
    let proof = proof::prove(&keys, Purpose::Page, &[id.as_str(), &finished.visit]);
    Ok(Admitted { cookie_name: cookie_name(id), cookie: format!("{}.{proof}", finished.visit) })
}

fn cookie_name(id: &ConnectionId) -> String {
    format!("__Host-pb-{}", &id.as_str()[16..28])
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    base: BaseUrl,
    headers: HeaderMap,
    Id(id): Id,
) -> Response {
    guarded(
        match admitted(&context, &headers, &id).await {
            Ok((stored, cookie)) => render(&context, &stored.connection, &cookie).await,
            Err(error) => Err(error),
        }
        .unwrap_or_else(|error| refused(error, &headers, &base)),
    )
}

pub(super) async fn act(
    State(context): State<Arc<Context>>,
    base: BaseUrl,
    headers: HeaderMap,
    Id(id): Id,
    body: Bytes,
) -> Response {
    guarded(
        match submit(&context, &headers, &id, &body).await {
            Ok(()) => back(&base, &id),
            Err(error) => Err(error),
        }
        .unwrap_or_else(|error| refused(error, &headers, &base)),
    )
}

/// After a form the browser asks for the page anew, so that reloading repeats nothing.
fn back(base: &BaseUrl, id: &ConnectionId) -> Result<Response> {
    let location = HeaderValue::from_str(&format!("{}/oauth/connections/{id}", base.0));
    let location = location.map_err(|_| Error::Corrupt("a redirect".to_owned()))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// The connection and the browser's cookie for it. Another browser is told nothing.
async fn admitted(context: &Context, headers: &HeaderMap, id: &ConnectionId) -> Result<(Stored, String)> {
    let unknown = || Error::NotFound { thing: "page" };
    let cookie = cookies::read(headers, &cookie_name(id)).ok_or_else(unknown)?;
    let (visit, proof) = cookie.expose_secret().split_once('.').ok_or_else(unknown)?;
    let keys = context.secret.keyring().await?;
    if !proof::is_proved(&keys, Purpose::Page, &[id.as_str(), visit], proof) {
        return Err(unknown());
    }
    let stored = context.connect.connections.find(id).await?.ok_or_else(unknown)?;
    // What a dashboard awaits is the dashboard's to show.
    if stored.connection.return_url.is_some() || !stored.connection.is_alive(context.edge.clock.now()) {
        return Err(unknown());
    }
    Ok((stored, visit.to_owned()))
}

async fn submit(context: &Context, headers: &HeaderMap, id: &ConnectionId, body: &[u8]) -> Result<()> {
    let (mut stored, visit) = admitted(context, headers, id).await?;
    let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let keys = context.secret.keyring().await?;
    if !proof::is_proved(&keys, Purpose::Form, &[id.as_str(), &visit], field("form").unwrap_or_default()) {
        return Err(Error::FormMismatch);
    }
    let entry = entry(context, &stored.connection, field("action").unwrap_or_default());
    let connect = &context.connect;
    let number = || field("phone_number_id").and_then(|id| id.parse::<PhoneNumberId>().ok());
    match field("action") {
        Some("connect") => {
            let chosen = fields.iter().filter(|(key, _)| key == "phone_number_id");
            let ids: Vec<PhoneNumberId> = chosen.filter_map(|(_, id)| id.parse().ok()).collect();
            connect.choose(&mut stored, &ids, &entry).await?;
        }
        Some("pin") => {
            let pin = SecretString::from(field("pin").unwrap_or_default().trim().to_owned());
            if !is_pin(&pin) {
                return Err(Error::breaks("/pin", "expected six digits"));
            }
            connect.resume(&mut stored, number().as_ref(), Some(&pin), &entry).await?;
        }
        Some("send_code") => {
            let number = number().ok_or_else(|| Error::breaks("/phone_number_id", "expected"))?;
            connect.send_verification(&mut stored, &number, field("method") == Some("voice"), "en_US", &entry).await?;
        }
        Some("verify") => {
            let number = number().ok_or_else(|| Error::breaks("/phone_number_id", "expected"))?;
            let code = SecretString::from(field("code").unwrap_or_default().trim().to_owned());
            connect.verify(&mut stored, &number, &code, &entry).await?;
        }
        _ => connect.resume(&mut stored, number().as_ref(), None, &entry).await?,
    }
    connect.work_on(&mut stored).await;
    Ok(())
}

/// Whoever has the page has no credential: the connection's own browser did it.
fn entry(context: &Context, connection: &Connection, action: &str) -> Entry {
    let known = ["connect", "pin", "send_code", "verify"].into_iter().find(|known| *known == action);
    Entry {
        at: context.edge.clock.now(),
        request_id: crate::domain::hex::encode(&context.edge.random.bytes::<8>()),
        tenant: Some(connection.tenant.clone()),
        who: None,
        what: format!("POST /oauth/connections/{{id}} {}", known.unwrap_or("resume")),
        on: Some(connection.id.to_string()),
        status: 303,
        code: None,
    }
}

async fn render(context: &Context, connection: &Connection, visit: &str) -> Result<Response> {
    let keys = context.secret.keyring().await?;
    let form = proof::prove(&keys, Purpose::Form, &[connection.id.as_str(), visit]);
    let now = context.edge.clock.now();
    let action = connection.next_action(now);
    let waits = action.as_ref().is_some_and(|action| action.kind == ActionType::Wait);
    let mut html = String::new();
    if let Some(setback) = &connection.setback {
        let _ = write!(html, "<p class=\"remedy\">{}</p>", escaped(setback.remedy()));
    }
    let is_choosing = action.as_ref().is_some_and(|action| action.kind == ActionType::ChooseNumbers);
    if is_choosing {
        html += &picker(connection, &form);
    } else {
        let begun = connection.numbers.iter().filter(|number| number.state != NumberState::Available);
        let _ = write!(html, "<ul>{}</ul>", begun.map(|number| progress(number, &form)).collect::<String>());
    }
    if waits {
        html += "<p class=\"note\">This page refreshes by itself. You may also close it: it goes on without you.</p>";
    }
    Ok(page(StatusCode::OK, title(connection.status_at(now)), &html, waits))
}

const fn title(status: Status) -> &'static str {
    match status {
        Status::Created | Status::Opened | Status::Authorized => "Connect WhatsApp",
        Status::Connecting => "Connecting…",
        Status::Connected => "WhatsApp is connected",
        Status::Partial => "Some numbers are connected",
        Status::Failed => "WhatsApp is not connected yet",
        Status::Cancelled => "You did not allow access",
        Status::Expired => "This link has expired",
    }
}

fn picker(connection: &Connection, form: &str) -> String {
    let row = |number: &Number| {
        let disabled = if number.is_connectable() { "" } else { " disabled" };
        let note = if number.is_connectable() { "" } else { "<span class=\"note\">connected elsewhere</span>" };
        format!(
            "<li><label><input type=\"checkbox\" name=\"phone_number_id\" value=\"{}\"{disabled}> {}{note}</label></li>",
            number.id(),
            heading(number)
        )
    };
    let rows: String = connection.numbers.iter().map(row).collect();
    format!(
        "<form method=\"post\">{}<ul>{rows}</ul><button>Connect these numbers</button></form>",
        hidden(form, "connect", None)
    )
}

fn progress(number: &Number, form: &str) -> String {
    let state = match number.state {
        NumberState::Connected => "<p class=\"good\">Connected</p>".to_owned(),
        NumberState::Connecting => "<p class=\"note\">Connecting…</p>".to_owned(),
        NumberState::Available | NumberState::Failed => number.setback.as_ref().map_or_else(String::new, |setback| {
            format!(
                "<p class=\"remedy\">{}</p>{}",
                escaped(setback.remedy()),
                remedy_form(number, setback.obstacle, form)
            )
        }),
    };
    format!("<li>{}{state}</li>", heading(number))
}

fn remedy_form(number: &Number, obstacle: crate::domain::connection::Obstacle, form: &str) -> String {
    use crate::domain::connection::Obstacle as O;
    let id = Some(number.id());
    match obstacle {
        O::PinRequired | O::PinBlocked => format!(
            "<form method=\"post\">{}<label>Two-step PIN <input type=\"text\" name=\"pin\" inputmode=\"numeric\" \
             autocomplete=\"off\" maxlength=\"6\" required></label> <button>Continue</button></form>",
            hidden(form, "pin", id)
        ),
        O::NumberUnverified => format!(
            "<form method=\"post\">{}<button name=\"method\" value=\"sms\">Send a code by SMS</button> \
             <button name=\"method\" value=\"voice\">Call me</button></form>\
             <form method=\"post\">{}<label>Code <input type=\"text\" name=\"code\" inputmode=\"numeric\" \
             autocomplete=\"one-time-code\" maxlength=\"8\" required></label> <button>Verify</button></form>",
            hidden(form, "send_code", id),
            hidden(form, "verify", id)
        ),
        _ => format!("<form method=\"post\">{}<button>Try again</button></form>", hidden(form, "resume", id)),
    }
}

fn hidden(form: &str, action: &str, number: Option<&PhoneNumberId>) -> String {
    let number = number.map(|id| format!("<input type=\"hidden\" name=\"phone_number_id\" value=\"{id}\">"));
    format!(
        "<input type=\"hidden\" name=\"form\" value=\"{form}\"><input type=\"hidden\" name=\"action\" value=\"{action}\">{}",
        number.unwrap_or_default()
    )
}

fn heading(number: &Number) -> String {
    let shown = number.found.display_phone_number.as_deref().unwrap_or_else(|| number.id().as_str());
    let name = number.found.verified_name.as_deref().unwrap_or_default();
    format!("<span class=\"name\">{}</span> {}", escaped(shown), escaped(name))
}
