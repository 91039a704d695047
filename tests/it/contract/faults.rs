//! What the front door can do to a request, as its caller sees it.

use super::clients::Clients;
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType,
        TransactWriteItem,
    },
};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use emulators::{Emulators, Fault, FaultKind, Options, Service, Site};
use jiff::SignedDuration;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

struct Stack {
    emulators: Emulators,
    clients: Clients,
    queue: String,
    killed: Arc<Mutex<Vec<String>>>,
    _directory: TempDir,
}

/// The answer to one send: an id, or the code of the refusal; `None` where the connection broke.
type Sent = Result<(), Option<String>>;

impl Stack {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let killed = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&killed);
        let kill: emulators::Kill = Arc::new(move |caller| record.lock().unwrap().push(caller.to_owned()));
        let emulators = Emulators::start(Options { kill, ..Options::new(directory.path()) }).await.unwrap();
        let clients = Clients::signed_by("send-3", &emulators.url());
        let queue = clients.sqs.create_queue().queue_name("outbound").send().await.unwrap().queue_url.unwrap();
        Self { emulators, clients, queue, killed, _directory: directory }
    }

    fn arm(&self, site: &str, kind: FaultKind) {
        self.emulators.faults().arm(Fault { site: Site::named(site), kind });
    }

    async fn send(&self, body: &str) -> Sent {
        let sent = self.clients.sqs.send_message().queue_url(&self.queue).message_body(body).send().await;
        sent.map(drop).map_err(|error| error.code().map(str::to_owned))
    }

    /// Sends once under a fault, and says what came of it and what is in the queue now.
    async fn send_under(&self, kind: FaultKind) -> (Sent, Vec<String>) {
        self.arm("sqs.SendMessage:outbound#1", kind);
        let sent = self.send("a").await;
        let fired: Vec<_> = self.emulators.faults().fired().into_iter().map(|fault| fault.kind).collect();
        assert_eq!(fired, [kind]);
        (sent, self.receive().await)
    }

    async fn receive(&self) -> Vec<String> {
        self.messages().await.into_iter().filter_map(|message| message.body).collect()
    }

    async fn messages(&self) -> Vec<aws_sdk_sqs::types::Message> {
        let receive = self.clients.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    fn killed(&self) -> Vec<String> {
        self.killed.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn killed_before_means_no_effect() {
    let stack = Stack::start().await;

    assert_eq!(stack.send_under(FaultKind::KillBefore).await, (Err(None), vec![]));
    assert_eq!(stack.killed(), ["send-3"]);
}

#[tokio::test]
async fn killed_after_means_the_effect_without_an_answer() {
    let stack = Stack::start().await;

    assert_eq!(stack.send_under(FaultKind::KillAfter).await, (Err(None), vec!["a".to_owned()]));
    assert_eq!(stack.killed(), ["send-3"]);
}

#[tokio::test]
async fn a_lost_answer_kills_nobody() {
    let stack = Stack::start().await;

    assert_eq!(stack.send_under(FaultKind::LoseAnswer).await, (Err(None), vec!["a".to_owned()]));
    assert_eq!(stack.killed(), [""; 0]);
}

#[tokio::test]
async fn a_throttled_or_failed_request_has_no_effect() {
    for (kind, code) in [(FaultKind::Throttle, "RequestThrottled"), (FaultKind::Fail, "InternalFailure")] {
        let stack = Stack::start().await;

        assert_eq!(stack.send_under(kind).await, (Err(Some(code.to_owned())), vec![]));
    }
}

#[tokio::test]
async fn a_duplicated_request_is_applied_twice() {
    let stack = Stack::start().await;

    assert_eq!(stack.send_under(FaultKind::Duplicate).await, (Ok(()), vec!["a".to_owned(), "a".to_owned()]));
}

#[tokio::test]
async fn a_delay_ends_when_the_clock_is_moved() {
    let stack = Stack::start().await;
    stack.arm("sqs.SendMessage:outbound#1", FaultKind::Delay(SignedDuration::from_hours(1)));
    let send = stack.clients.sqs.send_message().queue_url(&stack.queue).message_body("a").send();
    let sending = tokio::spawn(send);
    while stack.emulators.faults().fired().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(stack.receive().await, [""; 0]);

    stack.emulators.clock().advance(SignedDuration::from_hours(1));

    sending.await.unwrap().unwrap();
    assert_eq!(stack.receive().await, ["a"]);
}

#[tokio::test]
async fn what_is_delivered_twice_comes_back_after_it_was_deleted() {
    let stack = Stack::start().await;
    stack.send("a").await.unwrap();
    stack.arm("sqs.ReceiveMessage:outbound#1", FaultKind::Duplicate);

    for expected in [1, 1, 0] {
        let messages = stack.messages().await;
        assert_eq!(messages.len(), expected);
        for message in messages {
            let delete = stack.clients.sqs.delete_message().queue_url(&stack.queue);
            delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_recording_holds_what_was_asked_in_order_without_polls_that_found_nothing() {
    let stack = Stack::start().await;
    let key = stack.clients.kms.create_key().description("TokenKey").send().await.unwrap().key_metadata.unwrap().key_id;
    stack.emulators.faults().record();

    stack.receive().await;
    stack.send("a").await.unwrap();
    stack.send("b").await.unwrap();
    stack.receive().await;
    let plaintext = aws_sdk_kms::primitives::Blob::new(b"x");
    stack.clients.kms.encrypt().key_id(key).plaintext(plaintext).send().await.unwrap();

    let seen = stack.emulators.faults().recorded();
    let sites: Vec<_> = seen.iter().map(|seen| seen.site.as_str()).collect();
    let wanted = [
        "sqs.SendMessage:outbound#1",
        "sqs.SendMessage:outbound#2",
        "sqs.ReceiveMessage:outbound#1",
        "kms.Encrypt:TokenKey#1",
    ];
    assert_eq!(sites, wanted);
    assert!(seen.iter().all(|seen| seen.caller == "send-3"));
}

/// A site of a recording names the same request when the flow is repeated on a stack of its own.
#[tokio::test]
async fn every_kind_fires_at_every_site_of_a_recording() {
    let flow = async |stack: &Stack| {
        for body in ["a", "b"] {
            let _ = stack.send(body).await;
        }
        let receive = stack.clients.sqs.receive_message().queue_url(&stack.queue).send().await;
        receive.ok().and_then(|received| received.messages).unwrap_or_default().len()
    };
    let recorded = Stack::start().await;
    recorded.emulators.faults().record();
    flow(&recorded).await;
    let sites: Vec<_> = recorded.emulators.faults().recorded().into_iter().map(|seen| seen.site).collect();
    assert_eq!(sites.len(), 3);

    for site in sites {
        for kind in FaultKind::ALL.into_iter().filter(|kind| kind.can_happen_at(&site)) {
            let stack = Stack::start().await;
            stack.emulators.faults().arm(Fault { site: site.clone(), kind });
            flow(&stack).await;
            assert_eq!(stack.emulators.faults().fired(), [Fault { site: site.clone(), kind }]);
        }
    }
}

#[tokio::test]
async fn a_write_may_meet_a_transaction_on_its_item() {
    let stack = Stack::start().await;
    let dynamodb = &stack.clients.dynamodb;
    let key = |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
    let create = dynamodb.create_table().table_name("numbers").billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(key("id").build().unwrap());
    let hash = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    create.key_schema(hash).send().await.unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let write = |id: &str| {
        let put = Put::builder().table_name("numbers").item("id", text(id)).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    stack.arm("dynamodb.TransactWriteItems:Put:numbers#1", FaultKind::Conflict);
    stack.arm("dynamodb.PutItem:numbers#1", FaultKind::Conflict);

    let both = dynamodb.transact_write_items().transact_items(write("a")).transact_items(write("b")).send().await;
    let one = dynamodb.put_item().table_name("numbers").item("id", text("a")).send().await;

    let TransactWriteItemsError::TransactionCanceledException(cancelled) = both.unwrap_err().into_service_error()
    else {
        panic!("it is another error");
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    assert!(one.unwrap_err().into_service_error().is_transaction_conflict_exception());
    assert_eq!(dynamodb.scan().table_name("numbers").send().await.unwrap().count, 0);
}

#[tokio::test]
async fn every_call_is_counted_with_who_made_it_and_how_it_ended() {
    let stack = Stack::start().await;
    stack.emulators.clear_calls();
    stack.send("a").await.unwrap();
    stack.send_under(FaultKind::LoseAnswer).await.0.unwrap_err();

    let calls = stack.emulators.calls();
    let counted: Vec<_> = calls
        .iter()
        .map(|call| {
            (call.caller.as_str(), call.service, call.operation.as_str(), call.resource.as_deref(), call.status)
        })
        .collect();
    let send = |status| ("send-3", Service::Sqs, "SendMessage", Some("outbound"), status);
    assert_eq!(counted[..2], [send(200), send(0)]);
    assert_eq!((calls[0].fault, calls[1].fault), (None, Some(FaultKind::LoseAnswer)));
}
