//! What our emulators promise beyond AWS: they keep their state, follow one clock, count units, and answer nobody else.

use super::{check::fresh, clients::Clients};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, TimeToLiveSpecification,
};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_sqs::types::QueueAttributeName::{FifoQueue, VisibilityTimeout};
use emulators::{Emulators, Options};
use jiff::SignedDuration;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

/// Copies the files as a killed process would leave them: nothing is closed, nothing is written back.
fn killed_copy(of: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(of).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn queues_survive_the_death_of_the_process_with_what_is_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let sqs = Clients::new(&emulators.url()).sqs;
    let create =
        sqs.create_queue().queue_name("q.fifo").attributes(FifoQueue, "true").attributes(VisibilityTimeout, "60");
    let url = create.send().await.unwrap().queue_url.unwrap();
    let send = |sqs: &aws_sdk_sqs::Client, url: &str, id: &str, group: &str| {
        sqs.send_message().queue_url(url).message_body(id).message_group_id(group).message_deduplication_id(id).send()
    };
    for (id, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        send(&sqs, &url, id, group).await.unwrap();
    }
    let held = sqs.receive_message().queue_url(&url).send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(held.body(), Some("a1"));

    let copy = killed_copy(directory.path());
    let again = Emulators::start(Options::new(copy.path())).await.unwrap();
    let sqs = Clients::new(&again.url()).sqs;
    let url = sqs.get_queue_url().queue_name("q.fifo").send().await.unwrap().queue_url.unwrap();
    let receive = async || {
        let received = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
        received.messages.unwrap_or_default().into_iter().filter_map(|message| message.body).collect::<Vec<_>>()
    };
    send(&sqs, &url, "a1", "a").await.unwrap();
    let later = send(&sqs, &url, "b2", "b").await.unwrap();

    // The group in flight still is, the id sent before is still known, and the order goes on.
    assert_eq!(receive().await, ["b1", "b2"]);
    assert!(later.sequence_number().unwrap() > "10000000000000000003");
    again.clock().advance(SignedDuration::from_secs(61));
    assert_eq!(receive().await, ["a1", "a2", "b1", "b2"]);
    sqs.delete_message().queue_url(&url).receipt_handle(held.receipt_handle.unwrap()).send().await.unwrap_err();
}

#[tokio::test]
async fn keys_secrets_and_tables_survive_the_death_of_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let clients = Clients::new(&emulators.url());
    let key = clients.kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let sealed = clients.kms.encrypt().key_id(&key).plaintext(Blob::new(b"secret")).encryption_context("t", "a");
    let sealed = sealed.send().await.unwrap().ciphertext_blob.unwrap();
    clients.kms.rotate_key_on_demand().key_id(&key).send().await.unwrap();
    clients.secrets.create_secret().name("stack").secret_string("one").send().await.unwrap();
    clients.secrets.put_secret_value().secret_id("stack").secret_string("two").send().await.unwrap();
    let table = table(&clients).await;
    put(&clients, &table, "a", 0).await;

    let copy = killed_copy(directory.path());
    let again = Emulators::start(Options::new(copy.path())).await.unwrap();
    let clients = Clients::new(&again.url());

    let opened = clients.kms.decrypt().ciphertext_blob(sealed).encryption_context("t", "a").send().await.unwrap();
    assert_eq!(opened.plaintext.unwrap().into_inner(), b"secret");
    let previous =
        clients.secrets.get_secret_value().secret_id("stack").version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(previous.secret_string.as_deref(), Some("one"));
    assert!(is_there(&clients, &table, "a").await);
}

#[tokio::test]
async fn items_expire_by_the_moved_clock_and_only_when_swept() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let clients = Clients::new(&emulators.url());
    let table = table(&clients).await;
    let now = emulators.clock().now().as_second();
    put(&clients, &table, "soon", now + 3600).await;
    put(&clients, &table, "later", now + 36_000).await;
    assert_eq!(emulators.sweep_ttl().await, 0);

    emulators.clock().advance(SignedDuration::from_hours(2));

    assert!(is_there(&clients, &table, "soon").await);
    assert_eq!(emulators.sweep_ttl().await, 1);
    assert!(!is_there(&clients, &table, "soon").await);
    assert!(is_there(&clients, &table, "later").await);
}

#[tokio::test]
async fn a_key_rotates_and_is_deleted_by_the_moved_clock() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let kms = Clients::new(&emulators.url()).kms;
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let sealed = kms.encrypt().key_id(&key).plaintext(Blob::new(b"x")).send().await.unwrap().ciphertext_blob.unwrap();
    kms.enable_key_rotation().key_id(&key).rotation_period_in_days(90).send().await.unwrap();
    let open = || kms.decrypt().ciphertext_blob(sealed.clone()).send();

    emulators.clock().advance(SignedDuration::from_hours(24 * 91));
    assert_eq!(kms.list_key_rotations().key_id(&key).send().await.unwrap().rotations.unwrap().len(), 1);
    assert_eq!(open().await.unwrap().plaintext.unwrap().into_inner(), b"x");

    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    emulators.clock().advance(SignedDuration::from_hours(24 * 7));
    assert!(kms.describe_key().key_id(&key).send().await.unwrap_err().into_service_error().is_not_found_exception());
    assert!(open().await.unwrap_err().into_service_error().is_invalid_ciphertext_exception());
}

#[tokio::test]
async fn units_are_counted_for_callers_who_do_not_ask() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let clients = Clients::new(&emulators.url());
    let table = table(&clients).await;
    emulators.clear_calls();

    put(&clients, &table, "a", 0).await;
    is_there(&clients, &table, "a").await;
    let once = clients.dynamodb.put_item().table_name(&table).item("id", AttributeValue::S("a".into()));
    once.condition_expression("attribute_not_exists(id)").send().await.unwrap_err();

    let units: Vec<_> = emulators
        .calls()
        .into_iter()
        .map(|call| (call.operation, call.resource, call.status, call.consumed_read_units, call.consumed_write_units))
        .collect();
    let about = Some(table);
    assert_eq!(
        units,
        [
            // The item, and its entry in the index.
            ("PutItem".to_owned(), about.clone(), 200, 0.0, 2.0),
            ("GetItem".to_owned(), about.clone(), 200, 1.0, 0.0),
            ("PutItem".to_owned(), about, 400, 0.0, 1.0),
        ]
    );
}

#[tokio::test]
async fn what_iam_decides_by_is_on_record() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let clients = Clients::new(&emulators.url());
    let (table, kms) = (table(&clients).await, &clients.kms);
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    emulators.clear_calls();

    let sealed = kms.encrypt().key_id(&key).plaintext(Blob::new("x")).encryption_context("purpose", "old");
    let sealed = sealed.send().await.unwrap().ciphertext_blob.unwrap();
    let moved = kms.re_encrypt().ciphertext_blob(sealed).destination_key_id(&key);
    let moved = moved.source_encryption_context("purpose", "old").destination_encryption_context("purpose", "new");
    moved.send().await.unwrap();
    clients.dynamodb.scan().table_name(&table).index_name("by_owner").send().await.unwrap();
    clients.dynamodb.scan().table_name(&table).send().await.unwrap();

    let purpose = |purpose: &str| BTreeMap::from([("purpose".to_owned(), purpose.to_owned())]);
    let recorded: Vec<_> = emulators.calls().into_iter().map(|call| (call.contexts, call.index)).collect();
    assert_eq!(
        recorded,
        [
            (vec![purpose("old")], None),
            (vec![purpose("old"), purpose("new")], None),
            (Vec::new(), Some("by_owner".to_owned())),
            (Vec::new(), None),
        ]
    );
}

#[tokio::test]
async fn a_foreign_host_a_browser_and_a_proxy_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let address = emulators.url().replace("http://", "");
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let ask = |host: &str, header: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "POST / HTTP/1.1\r\nHost: {host}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[9..12].parse::<u16>().unwrap()
    };

    for host in [address.clone(), format!("localhost:{port}"), format!("[::1]:{port}")] {
        assert_eq!(ask(&host, ""), 400, "{host} is its own; only the target is missing");
    }
    for host in ["evil.example", "127.0.0.1", "evil.example:80", &format!("127.0.0.1.evil.example:{port}"), ""] {
        assert_eq!(ask(host, ""), 403, "{host:?}");
    }
    for header in
        ["Origin: http://evil.example", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "X-Forwarded-Host: x"]
    {
        assert_eq!(ask(&address, &format!("{header}\r\n")), 403, "{header}");
    }
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let directory = tempfile::tempdir().unwrap();
    let everywhere = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let options = Options { listener: Some(everywhere), ..Options::new(directory.path()) };

    let refused = Emulators::start(options).await.unwrap_err().to_string();

    assert!(refused.ends_with("is not a loopback address, and the emulators listen nowhere else"), "{refused}");
}

/// A table with key `id`, an index by `owner` and a time to live.
async fn table(clients: &Clients) -> String {
    let name = fresh("ours");
    let attribute =
        |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type("S".into()).build().unwrap();
    let part = |name: &str| KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap();
    let index = GlobalSecondaryIndex::builder().index_name("by_owner").key_schema(part("owner"));
    let index =
        index.projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build()).build().unwrap();
    let create = clients.dynamodb.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    let create =
        create.key_schema(part("id")).attribute_definitions(attribute("id")).attribute_definitions(attribute("owner"));
    create.global_secondary_indexes(index).send().await.unwrap();
    let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build().unwrap();
    clients.dynamodb.update_time_to_live().table_name(&name).time_to_live_specification(ttl).send().await.unwrap();
    name
}

async fn put(clients: &Clients, table: &str, id: &str, ttl: i64) {
    let put = clients.dynamodb.put_item().table_name(table).item("id", AttributeValue::S(id.into()));
    let put = put.item("owner", AttributeValue::S("o".into())).item("ttl", AttributeValue::N(ttl.to_string()));
    put.send().await.unwrap();
}

async fn is_there(clients: &Clients, table: &str, id: &str) -> bool {
    let get =
        clients.dynamodb.get_item().table_name(table).key("id", AttributeValue::S(id.into())).consistent_read(true);
    get.send().await.unwrap().item.is_some()
}
