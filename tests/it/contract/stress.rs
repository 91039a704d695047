//! SQS under consumers that die at any moment: order within each group, nothing lost, nothing twice once acknowledged.

use super::clients::Clients;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use emulators::{Emulators, Options};
use jiff::SignedDuration;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const MESSAGES: usize = 10_000;
const GROUPS: usize = 200;
const CONSUMERS: usize = 8;
const VISIBILITY: SignedDuration = SignedDuration::from_secs(30);

/// What the consumers saw, judged at each delivery.
#[derive(Default)]
struct Ledger {
    deliveries: usize,
    delivered: BTreeSet<(usize, usize)>,
    acknowledged: BTreeSet<(usize, usize)>,
    /// How many acknowledgements are on their way, or were when their consumer died.
    unsure: BTreeMap<(usize, usize), usize>,
    wrong: Vec<String>,
}

impl Ledger {
    /// What one receive hands out of a group must begin with the group's first message that is not acknowledged, and go on
    /// without a gap.
    fn deliver(&mut self, batch: &[(usize, usize)]) {
        let mut by_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &(group, number) in batch {
            self.deliveries += 1;
            self.delivered.insert((group, number));
            if self.acknowledged.contains(&(group, number)) {
                self.wrong.push(format!("{group}/{number} came again after it was acknowledged"));
            }
            by_group.entry(group).or_default().push(number);
        }
        for (group, numbers) in by_group {
            let open = (0..MESSAGES / GROUPS).filter(|&number| !self.acknowledged.contains(&(group, number)));
            let mut expected = open.peekable();
            for number in numbers {
                while expected.peek().is_some_and(|&next| next < number && self.unsure.contains_key(&(group, next))) {
                    expected.next();
                }
                if expected.next() != Some(number) {
                    self.wrong.push(format!("{group}/{number} came out of order"));
                }
            }
        }
    }
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test]
async fn consumers_that_die_lose_nothing_and_disorder_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let clients = Clients::new(&emulators.url());
    let url = queue(&clients).await;
    let ledger = Arc::new(Mutex::new(Ledger::default()));

    let started = Instant::now();
    fill(&clients, &url).await;
    let filled = started.elapsed();
    let kills = consume(&clients, &url, &emulators, &ledger).await;
    let emptied = started.elapsed().saturating_sub(filled);

    emulators.stop().await;
    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.wrong, [""; 0]);
    assert_eq!(ledger.delivered.len(), MESSAGES, "lost before any consumer saw them");
    assert_eq!(
        ledger.acknowledged.iter().chain(ledger.unsure.keys()).collect::<BTreeSet<_>>().len(),
        MESSAGES,
        "never acknowledged"
    );
    assert!(kills > 100, "only {kills} consumers died: the test proves little");
    report(&ledger, kills, filled, emptied);
}

#[expect(clippy::print_stdout, reason = "the figures are the point")]
fn report(ledger: &Ledger, kills: usize, filled: Duration, emptied: Duration) {
    let again = ledger.deliveries - ledger.delivered.len();
    println!(
        "{MESSAGES} messages, {GROUPS} groups, {CONSUMERS} consumers, {kills} of them killed: {} deliveries, {again} of them again, \
         {} acknowledgements cut off, 0 lost, 0 disordered, 0 twice after acknowledgement; sent in {filled:.1?}, consumed in {emptied:.1?}",
        ledger.deliveries,
        ledger.unsure.values().sum::<usize>(),
    );
}

async fn queue(clients: &Clients) -> String {
    let create = clients.sqs.create_queue().queue_name("stress.fifo").attributes(QueueAttributeName::FifoQueue, "true");
    let create = create.attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY.as_secs().to_string());
    create.send().await.unwrap().queue_url.unwrap()
}

/// Each group's messages are numbered from 0.
async fn fill(clients: &Clients, url: &str) {
    for number in 0..MESSAGES / GROUPS {
        for groups in (0..GROUPS).collect::<Vec<_>>().chunks(10) {
            let entries = groups.iter().map(|group| {
                let body = format!("{group}/{number}");
                let entry = SendMessageBatchRequestEntry::builder().id(group.to_string()).message_body(&body);
                entry
                    .message_group_id(group.to_string())
                    .message_deduplication_id(body.replace('/', "-"))
                    .build()
                    .unwrap()
            });
            let sent = clients.sqs.send_message_batch().queue_url(url).set_entries(Some(entries.collect()));
            assert!(sent.send().await.unwrap().failed.is_empty());
        }
    }
}

/// Lets consumers work and die until nothing is left; says how many died.
async fn consume(clients: &Clients, url: &str, emulators: &Emulators, ledger: &Arc<Mutex<Ledger>>) -> usize {
    let mut dice = Dice(0x5EED);
    let mut kills = 0;
    let consumer = || tokio::spawn(work(clients.clone(), url.to_owned(), Arc::clone(ledger)));
    let mut consumers: Vec<_> = (0..CONSUMERS).map(|_| consumer()).collect();
    let deadline = Instant::now() + Duration::from_mins(4);
    let (mut next, mut looks) = (0, 0);
    while left(clients, url).await > 0 {
        assert!(Instant::now() < deadline, "the queue did not become empty");
        // By what has been done, not by the time: so many die on any machine. Where nothing is done the dead hold it all.
        looks += 1;
        if ledger.lock().unwrap().deliveries < next && looks < 20 {
            continue;
        }
        looks = 0;
        next = ledger.lock().unwrap().deliveries + usize::try_from(dice.below(100)).unwrap();
        let victim = usize::try_from(dice.below(CONSUMERS as u64)).unwrap();
        consumers[victim].abort();
        consumers[victim] = consumer();
        kills += 1;
        // What the dead held comes back; now and then the living are too slow as well.
        if dice.below(4) == 0 {
            emulators.clock().advance(VISIBILITY);
        }
    }
    consumers.iter().for_each(tokio::task::JoinHandle::abort);
    kills
}

async fn left(clients: &Clients, url: &str) -> usize {
    let names =
        [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
    let get = clients.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    get.send().await.unwrap().attributes.unwrap().values().map(|count| count.parse::<usize>().unwrap()).sum()
}

async fn work(clients: Clients, url: String, ledger: Arc<Mutex<Ledger>>) {
    loop {
        let receive = clients.sqs.receive_message().queue_url(&url).max_number_of_messages(10).wait_time_seconds(20);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        let names: Vec<_> = messages.iter().map(name).collect();
        ledger.lock().unwrap().deliver(&names);
        acknowledge(&clients, &url, &ledger, &messages, &names).await;
    }
}

async fn acknowledge(
    clients: &Clients,
    url: &str,
    ledger: &Mutex<Ledger>,
    messages: &[Message],
    names: &[(usize, usize)],
) {
    if messages.is_empty() {
        return;
    }
    let entries = messages.iter().enumerate().map(|(n, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
        entry.set_receipt_handle(message.receipt_handle.clone()).build().unwrap()
    });
    let delete = clients.sqs.delete_message_batch().queue_url(url).set_entries(Some(entries.collect()));
    for name in names {
        *ledger.lock().unwrap().unsure.entry(*name).or_default() += 1;
    }
    let answer = delete.send().await.unwrap();
    let mut ledger = ledger.lock().unwrap();
    for name in names {
        let unsure = ledger.unsure.get_mut(name).unwrap();
        *unsure -= 1;
        if *unsure == 0 {
            ledger.unsure.remove(name);
        }
    }
    // Also where another consumer deleted it meanwhile: gone is gone.
    ledger.acknowledged.extend(answer.successful.iter().map(|deleted| names[deleted.id.parse::<usize>().unwrap()]));
}

fn name(message: &Message) -> (usize, usize) {
    let (group, number) = message.body.as_deref().unwrap().split_once('/').unwrap();
    (group.parse().unwrap(), number.parse().unwrap())
}
