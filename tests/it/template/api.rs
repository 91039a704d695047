//! The HTTP API: which routes exist, who may call them from a browser, what is logged of a request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use shared::http::routes::ROUTES;

use super::{Faults, events, functions, holds, texts, unless};

/// What the log says of a request. A path, a query or a header may carry a ticket, a code or a token.
const LOGGED: &[&str] = &[
    "integrationErrorMessage",
    "integrationLatency",
    "requestId",
    "requestTime",
    "responseLatency",
    "responseLength",
    "routeKey",
    "status",
];

#[test]
fn routes_are_unique_few_per_function_and_end_in_access() {
    let crowd: Map<String, Value> =
        (0..41).map(|n| (format!("Route{n}"), route("GET", &format!("/v1/crowd/{n}")))).collect();
    holds(
        routes_are_sane,
        &[
            ("/Resources/AccessFunction/Properties/Events/UnknownRoute", Value::Null),
            ("/Resources/SweeperFunction/Properties/Events/Again", route("GET", "/v1/keys")),
            ("/Resources/SweeperFunction/Properties/Events/Hole", route("GET", "v1/hole")),
            ("/Resources/SweeperFunction/Properties/Events", Value::Object(crowd)),
        ],
    );
}

#[test]
fn the_routes_are_those_of_the_route_table() {
    holds(
        routes_match_the_table,
        &[
            ("/Resources/AccessFunction/Properties/Events/ShowHealth", Value::Null),
            ("/Resources/AccessFunction/Properties/Events/ShowHealth/Properties/Method", json!("POST")),
            ("/Resources/AccessFunction/Properties/Events/Extra", route("GET", "/v1/extra")),
            ("/Resources/AccessFunction/Metadata/BuildProperties/Binary", json!("keys")),
        ],
    );
}

fn routes_match_the_table(template: &Value) -> Faults {
    let wanted: BTreeSet<String> = ROUTES.iter().map(|route| format!("{}: {}", route.function, route.key())).collect();
    let mut written = BTreeSet::new();
    for (_, function) in functions(template) {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap_or_default();
        for (_, route) in events(function, "HttpApi") {
            let [method, path] = ["Method", "Path"].map(|part| route[part].as_str().unwrap_or_default());
            written.extend((path != "$default").then(|| format!("{binary}: {method} {path}")));
        }
    }
    written.symmetric_difference(&wanted).map(|route| format!("{route} is only in one of template and table")).collect()
}

fn route(method: &str, path: &str) -> Value {
    json!({"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}, "Method": method, "Path": path}})
}

fn routes_are_sane(template: &Value) -> Faults {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let mut faults = Faults::new();
    for (name, function) in functions(template) {
        let routes = events(function, "HttpApi");
        faults.extend(unless(routes.len() <= 40, || format!("{name} has {} routes", routes.len())));
        for (event, properties) in routes {
            let path = properties["Path"].as_str().unwrap_or_default();
            let key = format!("{} {path}", properties["Method"].as_str().unwrap_or_default());
            let good =
                path == "$default" || ["/v1/", "/oauth/", "/webhooks/"].iter().any(|start| path.starts_with(start));
            faults.extend(unless(good && properties["ApiId"] == json!({"Ref": "Api"}), || {
                format!("{name}.{event} leads nowhere")
            }));
            faults.extend(owners.insert(key.clone(), name).map(|other| format!("{key} belongs to {name} and {other}")));
        }
    }
    let unknown = owners.get("ANY $default");
    faults.extend(unless(unknown == Some(&"AccessFunction"), || "access does not answer unknown routes".to_owned()));
    faults
}

#[test]
fn browsers_may_call_from_listed_origins_and_never_with_credentials() {
    holds(
        cors_is_strict,
        &[
            ("/Resources/Api/Properties/CorsConfiguration/Fn::If/1/AllowOrigins", json!(["*"])),
            ("/Resources/Api/Properties/CorsConfiguration/Fn::If/1/AllowCredentials", json!(true)),
            ("/Resources/Api/Properties/CorsConfiguration/Fn::If/1/AllowHeaders", json!(["authorization"])),
            ("/Resources/Api/Properties/CorsConfiguration/Fn::If/1/ExposeHeaders/0", Value::Null),
            ("/Resources/Api/Properties/CorsConfiguration/Fn::If/2", json!({"AllowOrigins": ["*"]})),
            ("/Resources/AccessFunction/Properties/Events/Head", route("HEAD", "/v1/keys/{id}")),
            ("/Resources/Api/Properties/CorsConfiguration/Fn::If/1/AllowMethods", json!(["GET", "POST", "DELETE"])),
            ("/Parameters/AllowedOrigins/Default", json!("*")),
        ],
    );
}

fn cors_is_strict(template: &Value) -> Faults {
    let written = &template["Resources"]["Api"]["Properties"]["CorsConfiguration"]["Fn::If"];
    let cors = &written[1];
    let set = |property: &str| texts(&cors[property]).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let routes = functions(template).into_iter().flat_map(|(_, function)| events(function, "HttpApi"));
    let methods: BTreeSet<String> = routes
        .filter_map(|(_, route)| route["Method"].as_str())
        .filter(|method| *method != "ANY")
        .map(str::to_owned)
        .collect();

    let rules = [
        (
            written[0] == "HasAllowedOrigins" && written[2] == json!({"Ref": "AWS::NoValue"}),
            "without origins there is CORS",
        ),
        (cors["AllowOrigins"] == json!({"Ref": "AllowedOrigins"}), "others than the listed origins may call"),
        (template["Parameters"]["AllowedOrigins"]["Default"] == "", "somebody may call without being listed"),
        (cors.get("AllowCredentials").is_none(), "credentials are allowed"),
        (set("AllowMethods") == methods, "the methods are not those of the routes"),
        (
            set("AllowHeaders")
                == names(&["authorization", "content-type", "idempotency-key", "if-match", "patchbay-tenant"]),
            "the headers are not those we read",
        ),
        (
            set("ExposeHeaders") == names(&["etag", "idempotency-replayed", "retry-after", "x-request-id"]),
            "the exposed headers are not those we answer with",
        ),
    ];
    rules.into_iter().filter(|(good, _)| !good).map(|(_, fault)| fault.to_owned()).collect()
}

#[test]
fn the_access_log_knows_the_route_but_not_the_path() {
    let format = |variable: &str| json!(format!(r#"{{"route":"$context.routeKey","more":"{variable}"}}"#));
    holds(
        access_log_is_discreet,
        &[
            ("/Resources/Api/Properties/AccessLogSettings", Value::Null),
            ("/Resources/Api/Properties/AccessLogSettings/Format", format("$context.path")),
            ("/Resources/Api/Properties/AccessLogSettings/Format", format("$context.identity.userAgent")),
            ("/Resources/Api/Properties/AccessLogSettings/Format", format("$request.header.authorization")),
            (
                "/Resources/Api/Properties/AccessLogSettings/Format",
                json!("$context.requestId $context.routeKey $context.status"),
            ),
            ("/Resources/Api/Properties/AccessLogSettings/DestinationArn/Fn::GetAtt/0", json!("AccessLogs")),
        ],
    );
}

fn access_log_is_discreet(template: &Value) -> Faults {
    let settings = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"];
    let format = settings["Format"].as_str().unwrap_or_default();
    let Ok(Value::Object(line)) = serde_json::from_str(format) else {
        return vec!["the access log is not JSON".to_owned()];
    };
    let written: BTreeSet<&str> = line.values().filter_map(Value::as_str).collect();
    let wanted: Vec<String> = LOGGED.iter().map(|variable| format!("$context.{variable}")).collect();
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();

    let mut faults = Faults::from_iter(unless(written == wanted, || format!("the access log has {written:?}")));
    let destination = settings["DestinationArn"] == json!({"Fn::GetAtt": ["ApiLogs", "Arn"]});
    faults.extend(unless(destination, || "the access log goes elsewhere".to_owned()));
    faults
}

#[test]
fn the_api_is_throttled_by_parameters() {
    holds(
        api_is_throttled,
        &[
            ("/Resources/Api/Properties/DefaultRouteSettings", Value::Null),
            ("/Resources/Api/Properties/DefaultRouteSettings/ThrottlingRateLimit", json!(10_000)),
            ("/Resources/Api/Properties/DefaultRouteSettings/ThrottlingBurstLimit", Value::Null),
        ],
    );
}

fn api_is_throttled(template: &Value) -> Faults {
    let settings = &template["Resources"]["Api"]["Properties"]["DefaultRouteSettings"];
    let wanted =
        json!({"ThrottlingRateLimit": {"Ref": "RequestsPerSecond"}, "ThrottlingBurstLimit": {"Ref": "RequestBurst"}});
    Faults::from_iter(unless(*settings == wanted, || "the API is not throttled by its parameters".to_owned()))
}
