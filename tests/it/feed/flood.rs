//! Many tenants at once, while processes die: everything is told, in order, to whom it belongs, however readers come and go.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use emulators::{Fault, Site};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, signature};

use super::{Reader, types};
use crate::{
    receive::{ago, own, text},
    send::chaos::{Dice, KINDS},
};

const TENANTS: usize = 20;
const PEOPLE: usize = 3;
/// What a run brings about, and what it does where all is asked for: messages, statuses, changes by an operator.
const EFFECTS: usize = 500;
const ALL_EFFECTS: usize = 10_000;

/// The number of a tenant, and its WABA.
fn number(tenant: usize) -> String {
    format!("300400500610{tenant:03}")
}

fn name(tenant: usize) -> String {
    format!("tenant-{tenant}")
}

fn person(tenant: usize, person: usize) -> String {
    format!("1650{tenant:03}{person:04}")
}

struct Flood {
    world: World,
    dice: Dice,
    /// What each person has said so far, as a number.
    said: HashMap<(usize, usize), usize>,
    effects: usize,
    sites: Vec<Site>,
    readers: Vec<Reader>,
    processes: usize,
}

impl Flood {
    async fn start(seed: u64) -> Self {
        let world = World::deployed().await;
        for tenant in 0..TENANTS {
            own(&world, &name(tenant), &number(tenant), &format!("200400500610{tenant:03}")).await;
        }
        let mut readers: Vec<Reader> = (0..TENANTS).map(|tenant| Reader::of(&name(tenant))).collect();
        readers.push(Reader::of_all());
        world.aws.faults().record();
        Self { world, dice: Dice(seed), said: HashMap::new(), effects: 0, sites: Vec::new(), readers, processes: 0 }
    }

    fn process(&mut self, function: &str) -> String {
        self.processes += 1;
        format!("some-{function}-{}", self.processes)
    }

    /// One request of those that were seen last goes wrong, most of the time.
    fn arm(&mut self) {
        let faults = self.world.aws.faults();
        let recorded = faults.recorded().into_iter().filter(|seen| seen.caller.starts_with("some-"));
        let met: Vec<Site> = recorded.map(|seen| seen.site).collect();
        if !met.is_empty() {
            self.sites = met;
        }
        faults.record();
        if !self.sites.is_empty() && self.dice.roll(3) > 0 {
            let kind = *self.dice.pick(KINDS);
            let site = self.dice.pick(&self.sites).clone();
            faults.arm(Fault { site, kind });
        }
    }

    /// Some people of some tenants write, some answers are read.
    async fn deliver(&mut self) {
        let mut entries = Vec::new();
        for _ in 0..=self.dice.roll(4) {
            let tenant = self.dice.roll(TENANTS);
            let mut messages = Vec::new();
            for _ in 0..=self.dice.roll(4) {
                messages.push(self.message(tenant));
            }
            let value = json!({
                "messaging_product": "whatsapp", "messages": messages,
                "metadata": {"display_phone_number": "15550783881", "phone_number_id": number(tenant)},
            });
            entries.push(
                json!({"id": format!("200400500610{tenant:03}"), "changes": [{"field": "messages", "value": value}]}),
            );
        }
        let body = json!({"object": "whatsapp_business_account", "entry": entries}).to_string().into_bytes();
        loop {
            let caller = self.process("webhook");
            let call = self.world.cold_call(&caller, "POST", "/webhooks/whatsapp");
            let call = call.header("x-hub-signature-256", &signature(&body)).body("application/json", body.clone());
            if self.world.as_process(&caller, call.send()).await.is_some_and(|answer| answer.status == 200) {
                return;
            }
        }
    }

    fn message(&mut self, tenant: usize) -> Value {
        let who = self.dice.roll(PEOPLE);
        let said = self.said.entry((tenant, who)).or_default();
        *said += 1;
        self.effects += 1;
        let second = ago(&self.world, SignedDuration::from_secs(60)) + i64::try_from(self.effects / 100).unwrap();
        text(&person(tenant, who), &format!("wamid.{tenant}.{who}.{said}"), second, &said.to_string())
    }

    /// The operator calls a number something else.
    async fn relabel(&mut self) {
        let tenant = self.dice.roll(TENANTS);
        let caller = self.process("accounts");
        let path = format!("/v1/accounts/{}", number(tenant));
        let call = self.world.cold_call(&caller, "PATCH", &path).bearer(&self.world.first_key).tenant(&name(tenant));
        let call = call.json(&json!({"label": format!("{}", self.effects)}));
        drop(self.world.as_process(&caller, call.send()).await);
        self.effects += 1;
    }

    async fn take_in(&mut self) {
        let caller = self.process("inbound");
        let inbound = self.world.cold_inbound(&caller);
        self.world.drain_with(&inbound, &caller).await;
    }

    async fn tell(&mut self) -> usize {
        let caller = self.process("feed");
        let feeder = self.world.cold_feed(&caller);
        let most = i32::try_from(1 + self.dice.roll(60)).unwrap();
        let mut again = 0;
        for table in ["MESSAGES_TABLE", "ACCOUNTS_TABLE", "CONNECTIONS_TABLE"] {
            while let Some(done) = self.world.feed_batch(&feeder, &caller, table, most).await {
                if done.is_none() {
                    again += 1;
                    break;
                }
            }
        }
        again
    }

    /// Somebody comes back and reads a little, or all there is.
    async fn read(&mut self) {
        for _ in 0..3 {
            let who = self.dice.roll(self.readers.len());
            let limit = 1 + self.dice.roll(100);
            for _ in 0..=self.dice.roll(3) {
                self.readers[who].read(&self.world, limit).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_in_order_to_whom_it_belongs_while_processes_die() {
    let wanted = if tests::whole() { ALL_EFFECTS } else { EFFECTS };
    let seed = 20_261_121;
    let began = Instant::now();
    let mut flood = Flood::start(seed).await;
    while flood.effects < wanted {
        flood.arm();
        flood.deliver().await;
        flood.take_in().await;
        if flood.dice.roll(4) == 0 {
            flood.relabel().await;
        }
        if flood.dice.roll(2) == 0 {
            flood.tell().await;
        }
        flood.read().await;
        // What died with a record gets it again.
        flood.world.clock.advance(SignedDuration::from_secs(31));
    }
    let fired = flood.world.aws.faults().fired().len();
    flood.world.aws.faults().clear();
    for _ in 0..8 {
        flood.world.clock.advance(SignedDuration::from_secs(181));
        flood.take_in().await;
    }
    let quiet = Instant::now();
    while flood.tell().await > 0 {}
    let told = quiet.elapsed();
    for place in 0..flood.readers.len() {
        let mut reader = std::mem::replace(&mut flood.readers[place], Reader::of_all());
        reader.read_all(&flood.world).await;
        flood.readers[place] = reader;
    }

    let mut repeated = 0;
    for (tenant, reader) in flood.readers[..TENANTS].iter().enumerate() {
        repeated += of_one(&flood, tenant, &reader.heard).await;
    }
    of_all(&flood);
    let events: usize = flood.readers[..TENANTS].iter().map(|reader| reader.heard.len()).sum();
    println!(
        "flood, seed {seed}: {} effects of {TENANTS} tenants, {fired} faults, {} processes; {events} events, {repeated} of \
         them repetitions; the rest was told {told:?} after the last effect; {:?} in all",
        flood.effects,
        flood.processes,
        began.elapsed()
    );
}

/// Says how much was told more than once.
async fn of_one(flood: &Flood, tenant: usize, heard: &[Value]) -> usize {
    // Who stopped and went on has heard what one hears who reads it all at once.
    let mut whole = Reader::of(&name(tenant));
    whole.read_all(&flood.world).await;
    assert_eq!(ids(heard), ids(&whole.heard), "{tenant}");

    let own = number(tenant);
    for event in heard {
        assert_eq!(event["tenant"], name(tenant));
        let of_number = event["phone_number_id"].as_str().is_none_or(|number| number == own);
        assert!(of_number, "{event:#}");
        let others = (0..TENANTS).filter(|other| *other != tenant).map(number);
        let text = event.to_string();
        assert!(others.into_iter().all(|other| !text.contains(&other)), "{event:#}");
    }
    for who in 0..PEOPLE {
        let said = flood.said.get(&(tenant, who)).copied().unwrap_or_default();
        let theirs = format!("wamid.{tenant}.{who}.");
        let received = heard.iter().filter(|event| {
            event["type"] == "message.received" && event["data"]["wamid"].as_str().unwrap().starts_with(&theirs)
        });
        // Of each the first time: a repetition may come behind what came later.
        let (mut known, mut order) = (BTreeSet::new(), Vec::new());
        for event in received {
            if known.insert(event["data"]["wamid"].as_str().unwrap().to_owned()) {
                order.push(event["data"]["content"]["body"].as_str().unwrap().parse::<usize>().unwrap());
            }
        }
        assert_eq!(order, (1..=said).collect::<Vec<_>>(), "of person {who} of {tenant}");
    }
    let mut last: BTreeMap<String, &Value> = BTreeMap::new();
    for event in heard.iter().filter(|event| event["type"] == "conversation.updated") {
        last.insert(event["conversation_id"].as_str().unwrap().to_owned(), &event["data"]);
    }
    let unread: u64 = last.values().map(|data| data["unread"].as_u64().unwrap()).sum();
    let said: usize = (0..PEOPLE).filter_map(|who| flood.said.get(&(tenant, who))).sum();
    assert_eq!(unread, u64::try_from(said).unwrap(), "the last that is told of each conversation is how it stands");
    let unique: BTreeSet<String> = ids(heard).into_iter().collect();
    heard.len() - unique.len()
}

/// Whoever hears of all hears the same, of each tenant in the same order.
fn of_all(flood: &Flood) {
    let all = &flood.readers[TENANTS].heard;
    for (tenant, reader) in flood.readers[..TENANTS].iter().enumerate() {
        let of_tenant: Vec<Value> = all.iter().filter(|event| event["tenant"] == name(tenant)).cloned().collect();
        let (mine, theirs) = (firsts(&reader.heard), firsts(&of_tenant));
        assert_eq!(mine.len(), theirs.len(), "{tenant}: {:?}", types(&of_tenant).len());
        assert_eq!(BTreeSet::from_iter(&mine), BTreeSet::from_iter(&theirs), "{tenant}");
    }
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// Each once, where it first stood.
fn firsts(events: &[Value]) -> Vec<String> {
    let mut known = BTreeSet::new();
    ids(events).into_iter().filter(|id| known.insert(id.clone())).collect()
}
