//! The HTTP edge: loopback only, its own Host only, AWS JSON protocols only.

use crate::{
    door::{Door, Lost},
    random,
    wire::{Refusal, Request, Service},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// DynamoDB's limit, the largest of all.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Headers only a browser or a proxy sends.
const FOREIGN: [&str; 6] =
    ["origin", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, address: SocketAddr, door: Arc<Door>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, say: the next one may be served.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, address, Arc::clone(&door)));
            // An error is a client that went away, or a fault that took the answer: nobody is left to tell.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    address: SocketAddr,
    door: Arc<Door>,
) -> Result<Response<Full<Bytes>>, Lost> {
    if let Err(reason) = check_sender(request.headers(), address) {
        return Ok(plain(StatusCode::FORBIDDEN, reason));
    }
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Ok(plain(StatusCode::OK, "the AWS emulators of a local Patchbay"));
    }
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or did not arrive"));
    };
    let target = text(&parts.headers, "x-amz-target").and_then(Service::of_target);
    let Some((service, operation)) = target else {
        return Ok(plain(StatusCode::BAD_REQUEST, "X-Amz-Target names no operation of an emulated service"));
    };
    let request = Request {
        caller: caller(&parts.headers),
        service,
        operation: operation.to_owned(),
        headers: parts.headers.clone(),
        body: body.to_bytes(),
        deliver_twice: false,
    };
    let (status, body, query_error) = match door.answer(request).await? {
        Ok(answer) => (StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), answer.body, None),
        Err(refusal) => written(&refusal),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(service.content_type()));
    if let Ok(id) = HeaderValue::from_str(&random::uuid()) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(code) = query_error {
        headers.insert("x-amzn-query-error", code);
    }
    Ok(response)
}

fn written(refusal: &Refusal) -> (StatusCode, Bytes, Option<HeaderValue>) {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "__type": refusal.kind, "message": refusal.message }).to_string();
    let fault = if refusal.is_caller_at_fault() { "Sender" } else { "Receiver" };
    let query_error = refusal.query_code.and_then(|code| HeaderValue::from_str(&format!("{code};{fault}")).ok());
    (status, body.into(), query_error)
}

/// Refuses what a web page of another origin, or a proxy, might send here.
fn check_sender(headers: &HeaderMap, own: SocketAddr) -> Result<(), &'static str> {
    let port = own.port();
    let host = text(headers, "host").unwrap_or_default();
    if ![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")]
        .iter()
        .any(|own| own == host)
    {
        return Err("this listener answers only its own Host");
    }
    if FOREIGN.iter().any(|name| headers.contains_key(*name)) {
        return Err("this listener answers no browser and no proxy");
    }
    Ok(())
}

/// The access key id that signed the request. Signatures are not checked: nobody here has a secret.
fn caller(headers: &HeaderMap) -> String {
    let credential =
        text(headers, "authorization").and_then(|value| value.split_once("Credential=")).map(|(_, rest)| rest);
    credential.and_then(|credential| credential.split('/').next()).unwrap_or("anonymous").to_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
