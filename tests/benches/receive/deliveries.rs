//! What Meta posts: deliveries of three sizes, whose messages nobody has seen before.

use std::fmt::Write;

use benches::{Result, signature};
use bytes::Bytes;
use emulators::Clock;
use serde_json::{Value, json};

/// How large a delivery is. More messages make it larger: they are of ten people, who fit into one batch of the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    messages: usize,
    /// In one round. Large ones need fewer to be measured as well.
    pub(crate) invocations: usize,
}

pub(crate) const SIZES: [Size; 3] = [
    Size { messages: 1, invocations: 400 },
    Size { messages: 13, invocations: 200 },
    Size { messages: 329, invocations: 40 },
];

const PEOPLE: u64 = 10;

/// Some two hundred letters, of which Meta escapes a few.
const TEXT: &str = "¡Hola! ¿El pedido 4711 llega mañana o ya salió? La tienda dice https://shop.example.com/orders/4711 que \
                    está en camino desde el martes, pero nadie llamó 😀 Quiero saber si alguien lo puede dejar con el \
                    vecino del segundo, porque mañana salgo temprano y no vuelvo hasta las nueve de la noche. Muchas \
                    gracias de antemano por mirar, y saludos a todos.";

pub(crate) struct Delivery {
    /// An HTTP API event around it.
    pub(crate) event: Bytes,
    pub(crate) bytes: usize,
    pub(crate) message_ids: Vec<String>,
}

/// Meta, as far as its webhooks go.
pub(crate) struct Sender {
    app_secret: String,
    clock: Clock,
    messages: u64,
}

impl Sender {
    pub(crate) fn new(app_secret: String, clock: Clock) -> Self {
        Self { app_secret, clock, messages: 0 }
    }

    pub(crate) fn deliveries(&mut self, size: Size) -> Result<Vec<Delivery>> {
        (0..size.invocations).map(|_| self.delivery(size)).collect()
    }

    pub(crate) fn delivery(&mut self, size: Size) -> Result<Delivery> {
        let (changes, message_ids): (Vec<_>, _) = (0..size.messages).map(|_| self.change()).unzip();
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": changes }] });
        let body = as_meta_writes(&body);
        let signature = signature::of(body.as_bytes(), &self.app_secret)?;
        Ok(Delivery { event: event(&body, &signature).to_string().into(), bytes: body.len(), message_ids })
    }

    /// One message, and its id.
    fn change(&mut self) -> (Value, String) {
        self.messages += 1;
        let (phone, user) = (self.messages % PEOPLE + 16_505_550_100, self.messages % PEOPLE + 7_311_843_009_900);
        let (phone, user) = (phone.to_string(), format!("US.{user}"));
        let id = format!("wamid.HBgLMTY1MDU1NTAxMDAVAgASGBQzQUY5{:032X}AA==", self.messages);
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "contacts": [{ "profile": { "name": "María José Núñez" }, "user_id": user, "wa_id": phone }],
            "messages": [{
                "from": phone,
                "from_user_id": user,
                "id": id,
                "timestamp": self.clock.now().as_second().to_string(),
                "text": { "body": TEXT },
                "type": "text",
            }],
        });
        (json!({ "value": value, "field": "messages" }), id)
    }
}

/// What API Gateway makes of the request.
fn event(body: &str, signature: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /webhooks/whatsapp",
        "rawPath": "/webhooks/whatsapp",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "accept-encoding": "deflate, gzip",
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "api.example.com",
            "user-agent": "facebookexternalua",
            "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-hub-signature-256": signature,
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "a1b2c3d4e5",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/webhooks/whatsapp",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "facebookexternalua",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /webhooks/whatsapp",
            "stage": "$default",
            "time": "01/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_793_534_400_000_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// Beyond ASCII everything is `\uXXXX`, and slashes are escaped.
fn as_meta_writes(value: &Value) -> String {
    let mut text = String::new();
    let mut units = [0; 2];
    for character in value.to_string().chars() {
        match character {
            '/' => text.push_str(r"\/"),
            character if character.is_ascii() => text.push(character),
            character => {
                for unit in character.encode_utf16(&mut units) {
                    // A String takes whatever is written to it.
                    let _ = write!(text, r"\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_as_large_as_the_documents_say() {
        let mut sender = Sender::new("secret".to_owned(), Clock::new());
        let sizes = SIZES.map(|size| sender.delivery(size).unwrap().bytes);

        assert_eq!(sizes.map(|bytes| bytes / 100), [9, 115, 2892]);
    }

    #[test]
    fn no_two_deliveries_are_alike_and_each_is_json_that_names_its_messages() {
        let mut sender = Sender::new("secret".to_owned(), Clock::new());
        let [one, two] = [(); 2].map(|()| sender.delivery(SIZES[1]).unwrap());
        assert!(one.message_ids.iter().all(|id| !two.message_ids.contains(id)));

        let event: Value = serde_json::from_slice(&one.event).unwrap();
        let body = event["body"].as_str().unwrap();
        assert!(body.is_ascii() && body.contains(r"\ud83d\ude00") && body.contains(r"https:\/\/"));
        assert_eq!(crate::arrived::message_ids(body).unwrap(), one.message_ids);
    }
}
