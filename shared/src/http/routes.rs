//! Every route there is: who serves it, who may call it, what success is. The extractor that admits callers, the
//! answer to unknown paths, the OpenAPI document, the template check and the authorization matrix all read this.

use axum::http::Method;

use crate::domain::scope::Scope;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// As API Gateway and axum both write it.
    pub path: &'static str,
    /// The function that serves it.
    pub function: &'static str,
    pub access: Access,
    pub tenancy: Tenancy,
    pub success: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone. A credential that is shown all the same must be valid.
    Public,
    /// An operator's key, whatever its scopes.
    Key,
    /// A browser's session, for itself.
    Session,
    /// A key or session with this scope.
    Scope(Scope),
}

/// Whether a call concerns one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenancy {
    /// A key bound to no tenant must name one in the `Patchbay-Tenant` header.
    One,
    /// A tenant may be named.
    Any,
}

macro_rules! routes {
    ($($method:ident $path:literal $function:literal $access:expr, $tenancy:ident, $success:literal;)+) => {
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            function: $function,
            access: $access,
            tenancy: Tenancy::$tenancy,
            success: $success,
        }),+];
    };
}

routes! {
    GET    "/v1/health"        "access" Access::Public, Any, 200;
    POST   "/v1/keys"          "access" Access::Scope(Scope::KeysWrite), Any, 201;
    GET    "/v1/keys"          "access" Access::Scope(Scope::KeysWrite), Any, 200;
    DELETE "/v1/keys/{id}"     "access" Access::Scope(Scope::KeysWrite), Any, 204;
    POST   "/v1/sessions"      "access" Access::Key, Any, 201;
    DELETE "/v1/sessions"      "access" Access::Session, Any, 204;
    DELETE "/v1/sessions/{id}" "access" Access::Key, Any, 204;

    GET    "/v1/connections/options" "oauth-init" Access::Scope(Scope::ConnectionsRead), One, 200;
    POST   "/v1/connections"         "oauth-init" Access::Scope(Scope::ConnectionsWrite), One, 201;
    GET    "/v1/connections"         "oauth-init" Access::Scope(Scope::ConnectionsRead), One, 200;
    GET    "/v1/connections/{id}"    "oauth-init" Access::Scope(Scope::ConnectionsRead), One, 200;
    DELETE "/v1/connections/{id}"    "oauth-init" Access::Scope(Scope::ConnectionsWrite), One, 204;
    GET    "/oauth/start/{ticket}"   "oauth-init" Access::Public, Any, 302;

    GET    "/oauth/callback"                "oauth-callback" Access::Public, Any, 303;
    GET    "/oauth/connections/{id}"        "oauth-callback" Access::Public, Any, 200;
    POST   "/oauth/connections/{id}"        "oauth-callback" Access::Public, Any, 303;
    POST   "/v1/connections/{id}/confirm"   "oauth-callback" Access::Scope(Scope::ConnectionsWrite), One, 200;
    POST   "/v1/connections/{id}/code"      "oauth-callback" Access::Scope(Scope::ConnectionsWrite), One, 200;
    POST   "/v1/connections/{id}/resume"    "oauth-callback" Access::Scope(Scope::ConnectionsWrite), One, 202;
    POST   "/oauth/deauthorize"             "oauth-callback" Access::Public, Any, 200;
    POST   "/oauth/data-deletion"           "oauth-callback" Access::Public, Any, 200;
    GET    "/oauth/data-deletion/{code}"    "oauth-callback" Access::Public, Any, 200;

    GET    "/v1/connections/{id}/numbers"   "accounts" Access::Scope(Scope::ConnectionsRead), One, 200;
    POST   "/v1/connections/{id}/accounts"  "accounts" Access::Scope(Scope::ConnectionsWrite), One, 202;
    POST   "/v1/connections/{id}/numbers/{phone_number_id}/verification"
                                            "accounts" Access::Scope(Scope::ConnectionsWrite), One, 200;
    GET    "/v1/accounts"                   "accounts" Access::Scope(Scope::AccountsRead), One, 200;
    GET    "/v1/accounts/{id}"              "accounts" Access::Scope(Scope::AccountsRead), One, 200;
    PATCH  "/v1/accounts/{id}"              "accounts" Access::Scope(Scope::AccountsWrite), One, 200;
    DELETE "/v1/accounts/{id}"              "accounts" Access::Scope(Scope::AccountsWrite), One, 200;
    POST   "/v1/accounts/{id}/refresh"      "accounts" Access::Scope(Scope::AccountsWrite), One, 200;
    GET    "/v1/accounts/{id}/diagnosis"    "accounts" Access::Scope(Scope::AccountsRead), One, 200;
    POST   "/v1/accounts/{id}/repair"       "accounts" Access::Scope(Scope::AccountsWrite), One, 200;
    PUT    "/v1/accounts/{id}/pin"          "accounts" Access::Scope(Scope::AccountsWrite), One, 200;
    GET    "/v1/accounts/{id}/profile"      "accounts" Access::Scope(Scope::AccountsRead), One, 200;
    PATCH  "/v1/accounts/{id}/profile"      "accounts" Access::Scope(Scope::AccountsWrite), One, 200;
    GET    "/v1/accounts/{id}/templates"    "accounts" Access::Scope(Scope::TemplatesRead), One, 200;
    POST   "/v1/accounts/{id}/templates"    "accounts" Access::Scope(Scope::TemplatesWrite), One, 201;
    DELETE "/v1/accounts/{id}/templates/{name}"
                                            "accounts" Access::Scope(Scope::TemplatesWrite), One, 204;

    GET    "/webhooks/whatsapp" "webhook" Access::Public, Any, 200;
    POST   "/webhooks/whatsapp" "webhook" Access::Public, Any, 200;

    GET    "/v1/conversations"               "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/conversations/{id}"          "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/conversations/{id}/messages" "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/messages/{id}"               "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/contacts/{id}"               "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    PATCH  "/v1/contacts/{id}"               "inbox" Access::Scope(Scope::ContactsWrite), One, 200;
    DELETE "/v1/contacts/{id}"               "inbox" Access::Scope(Scope::ContactsWrite), One, 204;
    GET    "/v1/accounts/{id}/conversations" "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/accounts/{id}/contacts"      "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/accounts/{id}/stats"         "inbox" Access::Scope(Scope::MessagesRead), One, 200;
    GET    "/v1/events"                      "inbox" Access::Scope(Scope::EventsRead), Any, 200;
    GET    "/v1/accounts/{id}/media/{media_id}"
                                             "inbox" Access::Scope(Scope::MessagesRead), One, 200;

    POST   "/v1/messages"                     "send" Access::Scope(Scope::MessagesSend), One, 202;
    POST   "/v1/accounts/{id}/messages"       "send" Access::Scope(Scope::MessagesSend), One, 202;
    POST   "/v1/accounts/{id}/messages/batch" "send" Access::Scope(Scope::MessagesSend), One, 202;
    POST   "/v1/conversations/{id}/messages"  "send" Access::Scope(Scope::MessagesSend), One, 202;
    POST   "/v1/conversations/{id}/read"      "send" Access::Scope(Scope::MessagesSend), One, 200;
    POST   "/v1/contacts/{id}/block"          "send" Access::Scope(Scope::ContactsWrite), One, 200;
    DELETE "/v1/contacts/{id}/block"          "send" Access::Scope(Scope::ContactsWrite), One, 204;
    POST   "/v1/accounts/{id}/media"          "send" Access::Scope(Scope::MessagesSend), One, 201;
    DELETE "/v1/messages/{id}"                "send" Access::Scope(Scope::MessagesSend), One, 200;
}

impl Route {
    /// Browsers and Meta itself have no credential of ours: these routes look at none, whatever is sent.
    pub fn looks_at_credentials(&self) -> bool {
        !["/oauth/", "/webhooks/"].iter().any(|place| self.path.starts_with(place))
    }

    /// `METHOD /path/{parameter}`: API Gateway's route key.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether the call may change something.
    pub fn is_mutating(&self) -> bool {
        !self.method.is_safe()
    }

    /// Whether a path has this shape.
    pub fn matches(&self, path: &str) -> bool {
        let (mut own, mut asked) = (self.path.split('/'), path.split('/'));
        loop {
            match (own.next(), asked.next()) {
                (None, None) => return true,
                (Some(own), Some(asked)) if own == asked || (own.starts_with('{') && !asked.is_empty()) => {}
                _ => return false,
            }
        }
    }
}

/// The route a router matched. HEAD is GET without a body.
pub fn find<'a>(routes: &'a [Route], method: &Method, template: &str) -> Option<&'a Route> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    routes.iter().find(|route| route.method == *method && route.path == template)
}

/// The methods a path takes, whichever function serves it; none: there is no such path.
pub fn allowed(path: &str) -> Option<String> {
    let mut methods = Vec::new();
    for route in ROUTES.iter().filter(|route| route.matches(path)) {
        // A path may be the shape of two routes: /v1/connections/options is also a connection's.
        if !methods.contains(&route.method.as_str()) {
            methods.push(route.method.as_str());
        }
    }
    (!methods.is_empty()).then(|| methods.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_shape() {
        assert_eq!(allowed("/v1/keys").as_deref(), Some("POST, GET"));
        assert_eq!(allowed("/v1/keys/key_1").as_deref(), Some("DELETE"));
        assert_eq!(allowed("/v1/connections/options").as_deref(), Some("GET, DELETE"));
        for unknown in ["", "/", "/v1", "/v1/keys/", "/v1/keys/a/b", "/v1/Keys", "/v1/key"] {
            assert_eq!(allowed(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn no_route_stands_twice() {
        for (place, route) in ROUTES.iter().enumerate() {
            assert!(ROUTES[place + 1..].iter().all(|other| other.key() != route.key()), "{}", route.key());
        }
    }
}
