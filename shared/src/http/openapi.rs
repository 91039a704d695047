//! The OpenAPI document, composed from the route table and the body types. Only tests build it; a copy is committed
//! as `docs/openapi.json` and compared.

mod operations;

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    problem::Problem,
    routes::{Access, ROUTES, Route, Tenancy},
};
use crate::domain::tenant::TenantId;
use operations::{Operation, Response, of, operation};

/// The whole document. `Err` names a route that nobody described.
pub fn document() -> Result<Value, String> {
    let mut written = SchemaSettings::draft2020_12().with(at_components).for_serialize().into_generator();
    let mut read = SchemaSettings::draft2020_12().with(at_components).for_deserialize().into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let operation = operation(&route.key()).ok_or_else(|| format!("{} has no operation", route.key()))?;
        let described = describe(route, &operation, &mut read, &mut written);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = described;
    }
    let problem = of::<Problem>(&mut written);
    let mut schemas = read.take_definitions(true);
    schemas.extend(written.take_definitions(true));
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Patchbay",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Connect your customers' WhatsApp Business numbers from your own dashboard, in your own AWS account.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer",
                "description": "An operator key `pb_sk_…` (backends) or a session token `pb_st_…` (browsers)." } },
            "responses": { "Problem": { "description": "Refused (RFC 9457).",
                "content": { "application/problem+json": { "schema": problem } } } },
        },
    }))
}

fn at_components(settings: &mut SchemaSettings) {
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
}

fn describe(route: &Route, operation: &Operation, read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Value {
    let success = match operation.response {
        Response::Json(schema) => {
            json!({ "description": "Done.", "content": { "application/json": { "schema": schema(written) } } })
        }
        Response::File => {
            let file = json!({ "type": "string", "format": "binary" });
            json!({ "description": "The file.", "content": { "*/*": { "schema": file } } })
        }
        Response::Nothing => json!({ "description": "Done." }),
    };
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [route.function],
        "parameters": parameters(route, operation),
        "responses": { route.success.to_string(): success, "default": { "$ref": "#/components/responses/Problem" } },
        "security": security(route),
    });
    if let Access::Scope(scope) = route.access {
        described["x-scope"] = json!(scope);
    }
    if let Some(schema) = operation.request {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema(read) } } });
    }
    if !operation.parts.is_empty() {
        let fields: Map<String, Value> =
            operation.parts.iter().map(|(name, is)| ((*name).to_owned(), part(name, is))).collect();
        described["requestBody"] = json!({ "required": true, "content": {
            "multipart/form-data": { "schema": { "type": "object", "properties": fields, "required": ["file"] } } } });
    }
    if !operation.form.is_empty() {
        let fields: Map<String, Value> =
            operation.form.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
        described["requestBody"] = json!({ "required": true, "content": {
            "application/x-www-form-urlencoded": { "schema": { "type": "object", "properties": fields } } } });
    }
    described
}

fn part(name: &str, is: &str) -> Value {
    match name {
        "file" => json!({ "type": "string", "format": "binary", "description": is }),
        _ => json!({ "type": "string", "description": is }),
    }
}

fn security(route: &Route) -> Value {
    match route.access {
        Access::Public if !route.looks_at_credentials() => json!([]),
        Access::Public => json!([{}, { "bearer": [] }]),
        Access::Key | Access::Session | Access::Scope(_) => json!([{ "bearer": [] }]),
    }
}

fn parameters(route: &Route, operation: &Operation) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> =
        in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text })).collect();
    if operation.is_list {
        all.push(json!({ "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 25 } }));
        all.push(
            json!({ "name": "after", "in": "query", "schema": text, "description": "`next` of the page before." }),
        );
    }
    for (name, values, does) in operation.query {
        let schema = if values.is_empty() { text.clone() } else { json!({ "type": "string", "enum": values }) };
        all.push(json!({ "name": name, "in": "query", "schema": schema, "description": does }));
    }
    if operation.is_conditional {
        all.push(json!({ "name": "If-Match", "in": "header", "required": false, "schema": text,
            "description": "The `ETag` of the version to change; another one is refused with 412." }));
    }
    if route.access != Access::Public {
        all.push(json!({ "name": "Patchbay-Tenant", "in": "header", "required": false,
            "schema": { "type": "string", "pattern": TenantId::PATTERN },
            "description": match route.tenancy {
                Tenancy::One => "The tenant concerned; needed with a key that is bound to none.",
                Tenancy::Any => "The tenant concerned.",
            } }));
    }
    if operation.is_once || (operation.request.is_some() && route.success == 201) {
        all.push(json!({ "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
            "description": "The same request again makes nothing new." }));
    }
    all
}
