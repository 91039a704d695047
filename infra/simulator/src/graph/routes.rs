//! The route table: which node and edge goes where, and who may.

use super::auth::{self, Scope};
use super::{Call, GraphError, Outcome, usage};
use crate::meta::Meta;
use crate::world::{Token, TokenKind, World};
use crate::{
    apps, assigned_users, blocks, businesses, media, messages, numbers, profile, qr_codes, settings, signup, templates,
    uploads, wabas,
};

/// What an id in a path can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    App,
    Business,
    Waba,
    Number,
    User,
    Media,
    MessageHistory,
    Template,
    Upload,
}

impl Kind {
    /// What stands for such an id in the name of a route.
    fn placeholder(self) -> &'static str {
        match self {
            Self::App => "{app}",
            Self::Business => "{business}",
            Self::Waba => "{waba}",
            Self::Number => "{number}",
            Self::User => "{user}",
            Self::Media => "{media}",
            Self::MessageHistory => "{message_history}",
            Self::Template => "{template}",
            Self::Upload => "{upload}",
        }
    }

    /// What Graph calls it in errors.
    fn name(self) -> &'static str {
        match self {
            Self::App => "Application",
            Self::Business => "Business",
            Self::Waba => "WhatsAppBusinessAccount",
            Self::Number => "WhatsAppBusinessPhoneNumber",
            Self::User => "User",
            Self::Media => "WhatsAppBusinessMedia",
            Self::Template => "WhatsAppMessageTemplate",
            Self::Upload => "UploadSession",
            Self::MessageHistory => "WhatsAppBusinessMessageHistory",
        }
    }
}

/// Edges that need the permission to message rather than to manage.
const MESSAGING: [&str; 3] = ["messages", "media", "marketing_messages"];

pub(crate) async fn route(meta: &Meta, call: &Call) -> Outcome {
    match (call.method.as_str(), call.segments().as_slice()) {
        ("GET" | "POST", ["oauth", "access_token"]) => signup::access_token(meta, call),
        ("GET" | "POST", ["oauth", "revoke"]) => signup::revoke(meta, call),
        ("GET", ["debug_token"]) => signup::debug_token(meta, call),
        ("GET", ["whatsapp_business", "attachments"]) => media::download(meta, call),
        (_, [node, edge @ ..]) => at_node(meta, call, node, edge).await,
        (_, []) => Err(GraphError::unknown_path(&call.path)),
    }
}

/// `POST /{number}/register`: what is asked, whatever the version and of whom.
pub(super) fn name(world: &World, call: &Call) -> String {
    let mut segments = call.segments();
    if let Some(node) = segments.first_mut()
        && let Some(kind) = kind_of(world, node)
    {
        *node = kind.placeholder();
    }
    format!("{} /{}", call.method, segments.join("/"))
}

async fn at_node(meta: &Meta, call: &Call, node: &str, edge: &[&str]) -> Outcome {
    let (caller, id, kind) = meta.read(|world| {
        let caller = auth::caller(world, call)?;
        let id = if node == "me" { caller.grant.user_id.clone() } else { node.to_owned() };
        let kind = kind_of(world, &id).filter(|kind| reaches(world, &caller, *kind, &id));
        let kind = kind.ok_or_else(|| GraphError::no_such_object(&call.method, node))?;
        if let Some(scope) = scope(kind, edge) {
            auth::require(&caller, scope)?;
        }
        if let Some(waba) = waba_of(world, &id) {
            usage::count(meta, world, &waba, call)?;
        }
        Ok::<_, GraphError>((caller, id, kind))
    })?;
    match kind {
        Kind::App => app(meta, call, &caller, edge).await,
        Kind::Business => business(meta, call, &caller, &id, edge),
        Kind::Waba => waba(meta, call, &id, edge).await,
        Kind::Number => number(meta, call, &id, edge).await,
        Kind::User => user(meta, call, &caller, edge),
        Kind::Media => attachment(meta, call, &id, edge),
        Kind::Upload => upload(meta, call, &id, edge),
        Kind::Template => template(meta, call, &id, edge),
        Kind::MessageHistory => message_history(meta, call, &id, edge),
    }
}

async fn app(meta: &Meta, call: &Call, caller: &Token, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => apps::show(meta, call),
        ("GET", ["subscriptions"]) => apps::subscriptions(meta, call, caller),
        ("POST", ["subscriptions"]) => apps::subscribe(meta, call, caller).await,
        ("DELETE", ["subscriptions"]) => apps::unsubscribe(meta, call, caller),
        ("POST", ["uploads"]) => uploads::begin(meta, call),
        ("GET", ["connected_client_businesses"]) => apps::connected_clients(meta, call),
        _ => Err(no_such_edge(call, Kind::App, edge)),
    }
}

fn business(meta: &Meta, call: &Call, caller: &Token, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => businesses::show(meta, call, id),
        ("GET", ["owned_whatsapp_business_accounts"]) => businesses::owned_wabas(meta, call, caller, id),
        ("GET", ["client_whatsapp_business_accounts"]) => businesses::client_wabas(meta, call, id),
        ("POST", ["system_user_access_tokens"]) => signup::system_user_access_token(meta, call, caller, id),
        _ => Err(no_such_edge(call, Kind::Business, edge)),
    }
}

fn user(meta: &Meta, call: &Call, caller: &Token, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => signup::me(meta, call, caller),
        ("GET", ["permissions"]) => Ok(signup::permissions(caller)),
        ("DELETE", ["permissions"]) => signup::remove_permissions(meta, &caller.grant.user_id),
        ("GET", ["businesses"]) => signup::businesses(meta, call, caller),
        ("GET", ["assigned_whatsapp_business_accounts"]) => signup::assigned_wabas(meta, call, caller),
        _ => Err(no_such_edge(call, Kind::User, edge)),
    }
}

async fn waba(meta: &Meta, call: &Call, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => wabas::show(meta, call, id),
        ("POST", []) => wabas::change(meta, call, id),
        ("GET", ["assigned_users"]) => assigned_users::list(meta, call, id),
        ("POST", ["assigned_users"]) => assigned_users::assign(meta, call, id),
        ("DELETE", ["assigned_users"]) => assigned_users::remove(meta, call, id),
        ("GET", ["phone_numbers"]) => numbers::list(meta, call, id),
        ("POST", ["phone_numbers"]) => numbers::create(meta, call, id),
        ("GET", ["subscribed_apps"]) => Ok(wabas::subscribed_apps(meta, id)),
        ("GET", ["message_templates"]) => templates::list(meta, call, id),
        ("POST", ["message_templates"]) => templates::create(meta, call, id),
        ("DELETE", ["message_templates"]) => templates::delete(meta, call, id),
        ("POST", ["subscribed_apps"]) => wabas::subscribe(meta, call, id).await,
        ("DELETE", ["subscribed_apps"]) => wabas::unsubscribe(meta, call, id),
        _ => Err(no_such_edge(call, Kind::Waba, edge)),
    }
}

async fn number(meta: &Meta, call: &Call, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => numbers::show(meta, call, id),
        ("POST", []) => numbers::change(meta, call, id).await,
        ("POST", ["register"]) => numbers::register(meta, call, id),
        ("POST", ["deregister"]) => numbers::deregister(meta, call, id),
        ("POST", ["request_code"]) => numbers::request_code(meta, call, id),
        ("POST", ["verify_code"]) => numbers::verify_code(meta, call, id),
        ("POST", ["messages"]) => messages::post(meta, call, id),
        ("POST", ["marketing_messages"]) => messages::post_marketing(meta, call, id),
        ("GET", ["message_history"]) => messages::history(meta, call, id),
        ("GET", ["whatsapp_business_profile"]) => profile::show(meta, call, id),
        ("POST", ["whatsapp_business_profile"]) => profile::change(meta, call, id),
        ("GET", ["block_users"]) => blocks::list(meta, call, id),
        ("POST", ["block_users"]) => blocks::add(meta, call, id),
        ("DELETE", ["block_users"]) => blocks::remove(meta, call, id),
        ("GET", ["message_qrdls"]) => qr_codes::list(meta, call, id, call.params.text("code").as_deref()),
        ("GET", ["message_qrdls", code]) => qr_codes::list(meta, call, id, Some(code)),
        ("POST", ["message_qrdls"]) => qr_codes::put(meta, call, id),
        ("DELETE", ["message_qrdls", code]) => qr_codes::delete(meta, id, code),
        ("GET", [edge]) if settings::is_edge(edge) => settings::show(meta, id, edge),
        ("POST", [edge]) if settings::is_edge(edge) => settings::change(meta, call, id, edge),
        ("POST", ["media"]) => media::upload(meta, call, id),
        ("POST", ["smb_app_data"]) => numbers::request_sync(meta, call, id),
        _ => Err(no_such_edge(call, Kind::Number, edge)),
    }
}

fn template(meta: &Meta, call: &Call, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => templates::show(meta, call, id),
        ("POST", []) => templates::edit(meta, call, id),
        ("POST", ["unpause"]) => templates::unpause(meta, call, id),
        _ => Err(no_such_edge(call, Kind::Template, edge)),
    }
}

fn upload(meta: &Meta, call: &Call, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => uploads::show(meta, call, id),
        ("POST", []) => uploads::add(meta, call, id),
        _ => Err(no_such_edge(call, Kind::Upload, edge)),
    }
}

fn attachment(meta: &Meta, call: &Call, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", []) => media::show(meta, call, id),
        ("DELETE", []) => media::delete(meta, call, id),
        _ => Err(no_such_edge(call, Kind::Media, edge)),
    }
}

fn message_history(meta: &Meta, call: &Call, id: &str, edge: &[&str]) -> Outcome {
    match (call.method.as_str(), edge) {
        ("GET", ["events"]) => messages::events(meta, call, id),
        _ => Err(no_such_edge(call, Kind::MessageHistory, edge)),
    }
}

/// The permission an edge asks for; some nodes are their owner's own.
fn scope(kind: Kind, edge: &[&str]) -> Option<Scope> {
    match kind {
        Kind::App | Kind::Upload => None,
        Kind::User => (edge == ["businesses"]).then_some(Scope::Business),
        Kind::Media => Some(Scope::Messaging),
        Kind::Number if edge.first().is_some_and(|edge| MESSAGING.contains(edge)) => Some(Scope::Messaging),
        Kind::Business | Kind::Waba | Kind::Number | Kind::Template | Kind::MessageHistory => Some(Scope::Management),
    }
}

fn no_such_edge(call: &Call, kind: Kind, edge: &[&str]) -> GraphError {
    match (call.method.as_str(), edge) {
        ("GET", [field]) => GraphError::no_such_field(field, kind.name()),
        (_, []) => GraphError::no_such_object(&call.method, &call.segments.join("/")),
        _ => GraphError::unknown_path(&format!("/{}", edge.join("/"))),
    }
}

fn kind_of(world: &World, id: &str) -> Option<Kind> {
    if id == world.app.id {
        Some(Kind::App)
    } else if world.businesses.contains(id) {
        Some(Kind::Business)
    } else if world.wabas.contains(id) {
        Some(Kind::Waba)
    } else if world.numbers.contains(id) {
        Some(Kind::Number)
    } else if world.tokens.values().any(|token| token.grant.user_id == id) {
        Some(Kind::User)
    } else if world.uploads.contains(id) {
        Some(Kind::Upload)
    } else if world.templates.contains(id) {
        Some(Kind::Template)
    } else if world.media.contains(id) {
        Some(Kind::Media)
    } else {
        messages::find(world, id).map(|_| Kind::MessageHistory)
    }
}

/// The WABA a node belongs to: what a token must reach, and whose allowance the call counts against.
pub(crate) fn waba_of(world: &World, id: &str) -> Option<String> {
    if let Some(template) = world.templates.get(id) {
        return Some(template.waba_id.clone());
    }
    let number = world.media.get(id).map_or(id, |media| &media.phone_number_id);
    let number = messages::find(world, id).map_or(number, |message| &message.phone_number_id);
    let number = world.numbers.get(number).map(|number| &number.waba_id);
    number.or_else(|| world.wabas.get(id).map(|waba| &waba.id)).cloned()
}

fn reaches(world: &World, caller: &Token, kind: Kind, id: &str) -> bool {
    match kind {
        Kind::App | Kind::Upload => true,
        Kind::User => caller.grant.user_id == id,
        Kind::Business => reaches_business(world, caller, id),
        Kind::Waba | Kind::Number | Kind::Media | Kind::MessageHistory | Kind::Template => {
            waba_of(world, id).is_some_and(|waba| caller.reaches_waba(&waba))
        }
    }
}

/// A business is reached through itself or a WABA of it; the partner's own system token reaches its clients'.
fn reaches_business(world: &World, caller: &Token, id: &str) -> bool {
    let is_partner = caller.grant.kind == TokenKind::System && caller.grant.business_id == world.app.business_id;
    let owns = |waba: &String| world.wabas.get(waba).is_some_and(|waba| waba.business_id == id);
    is_partner || caller.grant.business_id == id || caller.grant.wabas.iter().any(owns)
}
