//! Half an hour of everything that can go wrong, and then quiet: everything has ended, nothing went out twice.

use std::collections::{BTreeMap, HashMap};

use emulators::{Fault, FaultKind, Site};
use shared::domain::sending::Callback;

use super::*;

/// The same numbers for the same seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((bits ^ (bits >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

pub(crate) const KINDS: &[FaultKind] = &[
    FaultKind::KillBefore,
    FaultKind::KillAfter,
    FaultKind::KillAfter,
    FaultKind::Fail,
    FaultKind::LoseAnswer,
    FaultKind::Duplicate,
];

fn of_graph(dice: &mut Dice) -> Value {
    let faults = [
        refusal(130_429),
        refusal(131_056),
        refusal(4),
        refusal(131_026),
        json!({"status": 503}),
        json!({"reset": "before"}),
        json!({"reset": "after"}),
        json!({"reset": "after", "drop_status": true}),
        json!({"kill": "before"}),
        json!({"kill": "after"}),
        json!({"duplicate": true}),
    ];
    dice.pick(&faults).clone()
}

/// What the simulator took, or may have taken, of each message, in its order.
fn possible(posts: &[Value]) -> BTreeMap<String, usize> {
    let mut possible = BTreeMap::new();
    for post in posts.iter().filter(|post| post["answer"]["error"]["code"].is_null() || post["answer"].is_null()) {
        let data = post["body"]["biz_opaque_callback_data"].as_str().unwrap();
        let callback: Callback = data.parse().unwrap_or_else(|_| panic!("{data}"));
        *possible.entry(callback.message.to_string()).or_default() += 1;
    }
    possible
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_hour_of_faults_and_kills_ends_with_everything_ended_and_nothing_doubled() {
    let seed = 20_261_121;
    let mut dice = Dice(seed);
    let world = ready().await;
    let people: Vec<String> = (0..6).map(|number| format!("1650555200{number}")).collect();
    for person in &people {
        written_by(&world, person).await;
    }
    let faults = world.aws.faults();
    faults.record();
    let mut sites: Vec<Site> = Vec::new();
    let (mut accepted, mut unanswered) = (Vec::new(), 0);
    for step in 0..180 {
        let recorded = faults.recorded().into_iter().filter(|seen| seen.caller.starts_with("some-"));
        let met: Vec<Site> = recorded.map(|seen| seen.site).collect();
        if !met.is_empty() {
            sites = met;
        }
        faults.record();
        if !sites.is_empty() && dice.roll(3) > 0 {
            faults.arm(Fault { site: dice.pick(&sites).clone(), kind: *dice.pick(KINDS) });
        }
        if dice.roll(4) == 0 {
            fault(&world, 1 + u64::try_from(dice.roll(3)).unwrap(), of_graph(&mut dice)).await;
        }
        for message in 0..dice.roll(4) {
            let person = dice.pick(&people).clone();
            let body = text(&person, &format!("{step}.{message}"));
            match accept(&world, &body, &format!("{step}.{message}")).await {
                Some(answer) => accepted.push((person, answer["id"].as_str().unwrap().to_owned())),
                None => unanswered += 1,
            }
        }
        round(&world, step).await;
        world.clock.advance(SignedDuration::from_secs(10));
    }

    faults.record();
    for _ in 0..40 {
        pass(&world, 60).await;
        world.clock.advance(SignedDuration::from_secs(150));
    }
    let posts = posts(&world).await;
    let possible = possible(&posts);
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut open = Vec::new();
    for (_, id) in &accepted {
        let message = shown(&world, &json!({ "id": id })).await;
        let status = message["status"].as_str().unwrap().to_owned();
        if ["accepted", "sending", "held"].contains(&status.as_str()) {
            open.push(message);
        }
        *ends.entry(status).or_default() += 1;
    }
    println!(
        "chaos, seed {seed}: {} accepted, {unanswered} unanswered, {} POSTs, {} faults; {ends:?}",
        accepted.len(),
        posts.len(),
        faults.fired().len()
    );
    assert!(open.is_empty(), "{open:#?}");
    let doubled: Vec<_> = possible.iter().filter(|(_, posts)| **posts > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    in_order(&accepted, &posts);
}

/// A client asks until it is answered, always under the same key.
async fn accept(world: &World, body: &Value, key: &str) -> Option<Value> {
    for attempt in 0..4 {
        let caller = format!("some-send-{key}-{attempt}");
        let path = format!("/v1/accounts/{NUMBER}/messages");
        let call = world.cold_call(&caller, "POST", &path).bearer(&world.first_key).tenant(ACME).json(body);
        let answer = world.as_process(&caller, call.header("idempotency-key", key).send()).await;
        match answer {
            Some(answer) if answer.status == 202 => return Some(answer.body),
            Some(answer) => assert!([409, 503].contains(&answer.status), "{answer:?}"),
            None => {}
        }
        world.clock.advance(SignedDuration::from_secs(61));
    }
    None
}

/// Each function once, in a process that may be killed.
async fn round(world: &World, step: usize) {
    let caller = format!("some-outbound-{step}");
    world.drain_with(&world.cold_outbound(&caller), &caller).await;
    if step.is_multiple_of(6) {
        let caller = format!("some-sweeper-{step}");
        let sweeping = world.cold_sweeper(&caller).handle(schedule_event());
        drop(world.as_process(&caller, sweeping).await);
    }
    let caller = format!("some-inbound-{step}");
    world.drain_with(&world.cold_inbound(&caller), &caller).await;
}

/// Of one person's messages none goes out for the first time before one that was accepted before it.
fn in_order(accepted: &[(String, String)], posts: &[Value]) {
    let mut first: HashMap<String, usize> = HashMap::new();
    for (place, post) in posts.iter().enumerate() {
        let data = post["body"]["biz_opaque_callback_data"].as_str().unwrap();
        let callback: Callback = data.parse().unwrap_or_else(|_| panic!("{data}"));
        first.entry(callback.message.to_string()).or_insert(place);
    }
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for (person, id) in accepted {
        let Some(place) = first.get(id) else { continue };
        let before = latest.insert(person, *place);
        assert!(before.is_none_or(|before| before < *place), "{id} to {person} was overtaken");
    }
}
