//! A business ready to send: its first number registered, the app subscribed, one customer who has just written.

use serde_json::{Value, json};

use crate::world::{Answer, Heard, NUMBER, WABA, World, until};

pub(crate) const CUSTOMER: &str = "15557770001";

pub(crate) struct Sender {
    pub(crate) world: World,
    pub(crate) token: String,
}

impl Sender {
    /// The customer has written: the window is open.
    pub(crate) async fn start() -> Self {
        let sender = Self::silent().await;
        sender.inbound(json!({"type": "text", "text": {"body": "Bom dia"}})).await;
        sender.world.app.forget();
        sender
    }

    /// Nobody has written yet.
    pub(crate) async fn silent() -> Self {
        let world = World::start().await;
        let token = world.subscribed(WABA[0]).await;
        let pin = json!({"messaging_product": "whatsapp", "pin": "123456"});
        let answer = world.post(&format!("{}/register", NUMBER[0]), &token, pin).await;
        assert_eq!(answer.body, json!({"success": true}));
        Self { world, token }
    }

    /// The customer writes; gives the wamid.
    pub(crate) async fn inbound(&self, message: Value) -> String {
        let mut body = json!({"phone_number_id": NUMBER[0], "from": CUSTOMER, "name": "Maria"});
        merge(&mut body, message);
        let written = self.world.must("inbound", body).await;
        written["wamids"][0].as_str().unwrap().to_owned()
    }

    /// Posts a message to the customer; what `message` says wins.
    pub(crate) async fn send(&self, message: Value) -> Answer {
        let mut body = json!({"messaging_product": "whatsapp", "to": format!("+{CUSTOMER}")});
        merge(&mut body, message);
        self.post("messages", body).await
    }

    pub(crate) async fn text(&self, text: &str) -> Answer {
        self.send(json!({"type": "text", "text": {"body": text}})).await
    }

    /// A text that is taken; gives its wamid.
    pub(crate) async fn sent(&self, text: &str) -> String {
        wamid(&self.text(text).await)
    }

    pub(crate) async fn post(&self, edge: &str, body: Value) -> Answer {
        self.world.post(&format!("{}/{edge}", NUMBER[0]), &self.token, body).await
    }

    pub(crate) async fn get(&self, edge: &str) -> Answer {
        self.world.get(&format!("{}/{edge}", NUMBER[0]), &self.token).await
    }

    pub(crate) async fn delete(&self, edge: &str, body: Value) -> Answer {
        let path = format!("{}/{edge}", NUMBER[0]);
        self.world.graph(http::Method::DELETE, &path, &self.token, Some(body)).await
    }

    /// Waits until so many statuses were told, and gives them.
    pub(crate) async fn statuses(&self, count: usize) -> Vec<Value> {
        let told = || -> Vec<Value> {
            let heard = self.world.app.heard();
            heard
                .iter()
                .map(Heard::value)
                .filter_map(|value| value.get("statuses").map(|list| list[0].clone()))
                .collect()
        };
        until(|| Some(told()).filter(|told| told.len() >= count)).await
    }
}

pub(crate) fn wamid(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["messages"][0]["id"].as_str().unwrap().to_owned()
}

/// What a refusal says in `error_data.details`, or in its message where it has none.
pub(crate) fn reason(answer: &Answer) -> String {
    let error = &answer.body["error"];
    error["error_data"]["details"].as_str().or(error["message"].as_str()).unwrap_or_default().to_owned()
}

fn merge(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { panic!("both are objects") };
    into.extend(from);
}
