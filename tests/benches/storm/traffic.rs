//! Customers who write, each their next message when the one before is answered 200, as Meta repeats until it is.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use benches::{http::Connection, signature};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::stack::{Number, Stack};

/// Meta waits longer; a test has less time.
const PAUSE: Duration = Duration::from_millis(50);
/// Every so many deliveries Meta sends one twice although it was answered.
const REPEATED: usize = 10;
const MOST_MESSAGES: usize = 3;

pub(crate) struct Traffic(JoinSet<Customer>);

/// What was sent.
#[derive(Default)]
pub(crate) struct Sent {
    /// Per customer, how many messages were answered 200: they are numbered from 0.
    pub(crate) written: BTreeMap<String, usize>,
    pub(crate) accepted: usize,
    pub(crate) repeated: usize,
    pub(crate) refused: usize,
    latencies: Vec<Duration>,
}

struct Customer {
    phone: String,
    number: Number,
    secret: Arc<str>,
    connection: Connection,
    written: usize,
    accepted: usize,
    repeated: usize,
    refused: usize,
    latencies: Vec<Duration>,
}

impl Traffic {
    pub(crate) fn start(stack: &Stack, numbers: &[Number], senders: usize, lasting: Duration) -> Self {
        let secret: Arc<str> = stack.app_secret.as_str().into();
        let mut customers = JoinSet::new();
        for (index, number) in numbers.iter().cycle().take(senders).enumerate() {
            let customer = Customer {
                phone: format!("1555{index:07}"),
                number: number.clone(),
                secret: Arc::clone(&secret),
                connection: Connection::to(&stack.url()),
                written: 0,
                accepted: 0,
                repeated: 0,
                refused: 0,
                latencies: Vec::new(),
            };
            customers.spawn(customer.write_for(lasting));
        }
        Self(customers)
    }

    pub(crate) async fn ended(self) -> Sent {
        let mut sent = Sent::default();
        for customer in self.0.join_all().await {
            sent.written.insert(customer.phone, customer.written);
            sent.accepted += customer.accepted;
            sent.repeated += customer.repeated;
            sent.refused += customer.refused;
            sent.latencies.extend(customer.latencies);
        }
        sent.latencies.sort_unstable();
        sent
    }
}

impl Sent {
    pub(crate) fn units(&self) -> usize {
        self.written.values().sum()
    }

    pub(crate) fn customers(&self) -> usize {
        self.written.len()
    }

    pub(crate) fn quantile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

impl Customer {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    async fn write_for(mut self, lasting: Duration) -> Self {
        let begun = Instant::now();
        for turn in 0_usize.. {
            if begun.elapsed() >= lasting {
                break;
            }
            let messages = 1 + turn % MOST_MESSAGES;
            let body = self.delivery(messages);
            let signature = signature::of(&body, &self.secret).expect("a key of any length");
            while !self.deliver(&signature, &body).await {
                self.refused += 1;
                tokio::time::sleep(PAUSE).await;
            }
            self.accepted += 1;
            self.written += messages;
            if turn % REPEATED == REPEATED - 1 && self.deliver(&signature, &body).await {
                self.repeated += 1;
            }
        }
        self
    }

    async fn deliver(&mut self, signature: &str, body: &Bytes) -> bool {
        let headers = [("content-type", "application/json"), ("x-hub-signature-256", signature)];
        let begun = Instant::now();
        let answer = self.connection.send(Method::POST, "/webhooks/whatsapp", &headers, body.clone()).await;
        let is_accepted = answer.is_ok_and(|answer| answer.status == 200);
        if is_accepted {
            self.latencies.push(begun.elapsed());
        }
        is_accepted
    }

    fn delivery(&self, messages: usize) -> Bytes {
        #[expect(clippy::disallowed_methods, reason = "Meta's clock is the world's")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let message = |index: usize| {
            let place = self.written + index;
            json!({
                "from": self.phone, "id": format!("wamid.STORM-{}-{place}", self.phone), "timestamp": now.to_string(),
                "type": "text", "text": { "body": format!("{place}") },
            })
        };
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550100000", "phone_number_id": self.number.id },
            "contacts": [{ "profile": { "name": format!("Customer {}", self.phone) }, "wa_id": self.phone }],
            "messages": (0..messages).map(message).collect::<Vec<_>>(),
        });
        let change = json!({ "field": "messages", "value": value });
        let entry = json!({ "id": self.number.waba, "changes": [change] });
        json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string().into()
    }
}
