//! The HTTP API, as API Gateway would answer.

use serde_json::{Value, json};

use super::Host;

#[tokio::test]
async fn a_request_arrives_as_payload_format_2() {
    let host = Host::start().await;
    let head = [
        "GET /items/a%20b%2Bc?x=1&x=2&name=J%C3%B6rg+K&flag HTTP/1.1",
        "X-One: first",
        "x-one: second",
        "Cookie: a=1; b=2",
        "Cookie: c=3",
        "X-Forwarded-For: 6.6.6.6",
        "User-Agent: test",
    ];

    let mut event = host.send(&head, b"").await.json();

    let request_id = event["requestContext"]["requestId"].take();
    let time = event["requestContext"]["timeEpoch"].take();
    event["requestContext"]["time"].take();
    event["headers"]["x-amzn-trace-id"].take();
    assert_eq!(request_id.as_str().map(str::len), Some(36));
    assert!((host.stack.clock().now().as_millisecond() - time.as_i64().unwrap()).abs() < 10_000);
    let domain = host.stack.api_url().trim_start_matches("http://");
    let expected = json!({
        "version": "2.0",
        "routeKey": "GET /items/{id}",
        "rawPath": "/items/a b+c",
        "rawQueryString": "x=1&x=2&name=J%C3%B6rg+K&flag",
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {
            "connection": "close",
            "content-length": "0",
            "host": domain,
            "user-agent": "test",
            "x-amzn-trace-id": null,
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": domain.split(':').nth(1),
            "x-forwarded-proto": "http",
            "x-one": "first,second",
        },
        "queryStringParameters": { "x": "1,2", "name": "Jörg K", "flag": "" },
        "pathParameters": { "id": "a b+c" },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": "127",
            "http": { "method": "GET", "path": "/items/a b+c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test" },
            "requestId": null,
            "routeKey": "GET /items/{id}",
            "stage": "$default",
            "time": null,
            "timeEpoch": null,
        },
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn a_body_is_text_only_where_api_gateway_takes_it_for_text() {
    let host = Host::start().await;
    let cases = [
        ("content-type: application/json", &b"{\"a\":1}"[..], json!("{\"a\":1}"), false),
        ("content-type: Application/JSON; charset=utf-8", b"{}", json!("{}"), false),
        ("content-type: text/plain", "naïve".as_bytes(), json!("naïve"), false),
        ("content-type: application/x-www-form-urlencoded", b"a=b", json!("YT1i"), true),
        ("content-type: application/octet-stream", b"\x00\xff", json!("AP8="), true),
        ("content-type: text/plain", b"\xff", json!("/w=="), true),
        ("x-none: none", b"plain", json!("cGxhaW4="), true),
    ];
    for (header, body, expected, is_base64) in cases {
        let event = host.send(&["POST /echo HTTP/1.1", header], body).await.json();

        assert_eq!((&event["body"], event["isBase64Encoded"].as_bool()), (&expected, Some(is_base64)), "{header}");
    }
    let empty = host.send(&["POST /echo HTTP/1.1", "content-type: application/json"], b"").await.json();
    assert_eq!((empty.get("body"), &empty["isBase64Encoded"]), (None, &json!(false)));
}

#[tokio::test]
async fn an_answer_becomes_http_as_its_function_says() {
    let host = Host::start().await;
    let structured = json!({
        "statusCode": 201,
        "headers": { "x-a": "1", "Content-Type": "text/html" },
        "multiValueHeaders": { "x-b": ["1", "2"] },
        "cookies": ["s=1; Secure", "t=2"],
        "body": "PGI+",
        "isBase64Encoded": true,
    });

    let answer = host.post_json("/answer", &structured.to_string()).await;

    assert_eq!((answer.status, answer.text().as_str()), (201, "<b>"));
    assert_eq!(answer.all("content-type"), ["text/html"]);
    assert_eq!(answer.all("x-a"), ["1"]);
    assert_eq!(answer.all("x-b"), ["1", "2"]);
    assert_eq!(answer.all("set-cookie"), ["s=1; Secure", "t=2"]);
    assert_eq!(answer.all("apigw-requestid").len(), 1);
}

#[tokio::test]
async fn an_answer_without_a_status_is_the_body() {
    let host = Host::start().await;

    for (answer, body) in
        [(json!("just text"), "just text"), (json!({ "a": 1 }), r#"{"a":1}"#), (json!([1, 2]), "[1,2]")]
    {
        let received = host.post_json("/answer", &answer.to_string()).await;

        assert_eq!((received.status, received.text().as_str()), (200, body));
        assert_eq!(received.all("content-type"), ["application/json"]);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_http_is_the_gateways_500() {
    let host = Host::start().await;
    let bad = [
        json!({ "statusCode": "abc" }),
        json!({ "statusCode": 99 }),
        json!({ "statusCode": 200, "body": { "not": "text" } }),
        json!({ "statusCode": 200, "body": "***", "isBase64Encoded": true }),
        json!({ "statusCode": 200, "headers": { "x": "line\nbreak" } }),
    ];
    for answer in bad {
        let received = host.post_json("/answer", &answer.to_string()).await;

        assert_eq!(
            (received.status, received.json()),
            (500, json!({ "message": "Internal Server Error" })),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn what_the_gateway_refuses_it_answers_itself() {
    let host = Host::start().await;

    let unknown = host.get("/nowhere").await;
    let wrong_method = host.send(&["DELETE /echo HTTP/1.1"], b"").await;
    let large = host.send(&["POST /echo HTTP/1.1"], &vec![b'x'; (10 << 20) + 1]).await;
    let throttled = [host.get("/throttled").await, host.get("/throttled").await, host.get("/throttled").await];

    assert_eq!((unknown.status, unknown.json()), (404, json!({ "message": "Not Found" })));
    assert_eq!((wrong_method.status, wrong_method.json()), (404, json!({ "message": "Not Found" })));
    assert_eq!((large.status, large.json()), (413, json!({ "message": "Request Entity Too Large" })));
    assert_eq!(throttled.each_ref().map(|answer| answer.status), [200, 200, 429]);
    assert_eq!(throttled[2].json(), json!({ "message": "Too Many Requests" }));
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway_alone() {
    let host = Host::start().await;
    let preflight =
        |origin: &str| format!("OPTIONS /nowhere HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST");

    let allowed = host.send(&[&preflight("http://localhost:5173")], b"").await;
    let foreign = host.send(&[&preflight("https://evil.example.com")], b"").await;
    let no_preflight = host.send(&["OPTIONS /nowhere HTTP/1.1"], b"").await;

    assert_eq!((allowed.status, allowed.body.len()), (204, 0));
    assert_eq!(allowed.all("access-control-allow-origin"), ["http://localhost:5173"]);
    assert_eq!(allowed.all("access-control-allow-methods"), ["GET,POST"]);
    assert_eq!(allowed.all("access-control-allow-headers"), ["authorization,content-type"]);
    assert_eq!(allowed.all("access-control-max-age"), ["600"]);
    assert!(allowed.all("access-control-allow-credentials").is_empty());
    assert_eq!(foreign.status, 204);
    assert!(foreign.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{:?}", foreign.headers);
    assert_eq!(no_preflight.status, 404);
    assert!(host.lines.texts().is_empty());
}

#[tokio::test]
async fn cors_headers_are_the_gateways_whatever_the_function_says() {
    let host = Host::start().await;
    let answer = json!({ "statusCode": 200, "headers": { "access-control-allow-origin": "*", "access-control-allow-credentials": "true" } });
    let with_origin =
        |origin: &str| format!("POST /answer HTTP/1.1\r\ncontent-type: application/json\r\norigin: {origin}");

    let allowed = host.send(&[&with_origin("https://app.example.com")], answer.to_string().as_bytes()).await;
    let foreign = host.send(&[&with_origin("https://evil.example.com")], answer.to_string().as_bytes()).await;
    let failed = host.send(&["POST /trouble/error HTTP/1.1\r\norigin: https://app.example.com"], b"").await;

    assert_eq!(allowed.all("access-control-allow-origin"), ["https://app.example.com"]);
    assert_eq!(allowed.all("access-control-expose-headers"), ["etag,retry-after"]);
    assert!(allowed.all("access-control-allow-credentials").is_empty());
    assert!(foreign.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{:?}", foreign.headers);
    assert_eq!(failed.all("access-control-allow-origin"), ["https://app.example.com"]);
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let host = Host::start().await;

    for name in ["evil.example.com", "127.0.0.1", "127.0.0.1:1", "localhost"] {
        for path in ["/items/1", "/_local/state"] {
            let answer = host.send(&[&format!("GET {path} HTTP/1.1"), &format!("host: {name}")], b"").await;

            assert_eq!((answer.status, answer.json()), (403, json!({ "message": "Forbidden" })), "{name}{path}");
        }
    }
    let port = host.stack.api_url().rsplit(':').next().unwrap();
    let by_name = host.send(&["GET /items/1 HTTP/1.1", &format!("host: localhost:{port}")], b"").await;
    assert_eq!(by_name.status, 200);
}

#[tokio::test]
async fn a_greedy_route_takes_the_rest_of_the_path() {
    let host = Host::start().await;

    let event: Value = host.send(&["PUT /rest/a/b%20c/d HTTP/1.1"], b"").await.json();

    assert_eq!(event["routeKey"], "ANY /rest/{proxy+}");
    assert_eq!(event["pathParameters"], json!({ "proxy": "a/b c/d" }));
}
