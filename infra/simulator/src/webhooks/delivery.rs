//! Getting webhooks out: each is tried when it is due, again and later after anything but a 200, and finally dropped.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::meta::{Meta, NotWritten};
use crate::outgoing::Reply;
use crate::signature;
use crate::webhooks::{Try, order};
use crate::world::{Delivery, WebhookState, World};

/// How many webhooks are under way at once.
const AT_ONCE: usize = 32;
/// How often the clock is looked at while something waits for it to pass.
const TICK: Duration = Duration::from_millis(10);

/// What one try came to; status 0 where there was no answer.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Tried {
    pub status: u16,
    pub ms: u64,
}

impl From<&Reply> for Tried {
    fn from(reply: &Reply) -> Self {
        Self { status: reply.code(), ms: reply.millis() }
    }
}

/// Those who want to hear how the first try of a delivery went.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<String, oneshot::Sender<Tried>>>);

impl Waiting {
    fn ask(&self, id: &str) -> oneshot::Receiver<Tried> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), sender);
        receiver
    }

    fn tell(&self, id: &str, tried: Tried) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(waiting) = waiting {
            // Who asked may have gone.
            let _ = waiting.send(tried);
        }
    }
}

/// Queues deliveries by `queue` and waits for the first try of each that nothing holds back, in their order.
pub(crate) async fn tried<E: From<NotWritten>>(
    meta: &Meta,
    queue: impl FnOnce(&mut World) -> Result<Vec<String>, E>,
) -> Result<Vec<Tried>, E> {
    let waiting = meta.change(|world| {
        // Asked for under the lock: nothing can be tried before someone waits for it.
        let ids = queue(world)?;
        let now = ids.iter().filter(|id| order::goes_by_itself(world, id));
        Ok::<_, E>(now.map(|id| meta.waiting.ask(id)).collect::<Vec<_>>())
    })?;
    let mut all = Vec::with_capacity(waiting.len());
    for receiver in waiting {
        all.extend(receiver.await);
    }
    Ok(all)
}

/// One signed POST, without queue or retry.
pub(crate) async fn post(meta: &Meta, url: &str, body: Bytes, secret: Option<&str>) -> Reply {
    let signature = secret.map(|secret| format!("sha256={}", signature::hmac_hex(secret, &body)));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(signature.as_deref().map(|signature| ("x-hub-signature-256", signature)));
    meta.outgoing.post(url, &headers, body).await
}

/// When which delivery is to be tried next; those under way are not in it.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    due: Mutex<Due>,
    rung: Notify,
}

/// Each delivery once, by time and by id.
#[derive(Debug, Default)]
struct Due {
    by_time: BTreeSet<(i64, String)>,
    times: HashMap<String, i64>,
}

impl Schedule {
    /// Takes up what a change of the world has queued or put off.
    pub(crate) fn take_up(&self, touched: Vec<(i64, String)>) {
        if !touched.is_empty() {
            let mut due = self.lock();
            for (at, id) in touched {
                due.put(at, id);
            }
            drop(due);
            self.rung.notify_one();
        }
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Due::default();
    }

    fn next_due(&self, now: i64) -> Option<String> {
        let mut due = self.lock();
        let first = due.by_time.first().filter(|(at, _)| *at <= now).cloned()?;
        due.by_time.remove(&first);
        due.times.remove(&first.1);
        Some(first.1)
    }

    fn is_empty(&self) -> bool {
        self.lock().by_time.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Due {
    /// What was to come at another time comes at this one.
    fn put(&mut self, at: i64, id: String) {
        if let Some(before) = self.times.insert(id.clone(), at) {
            self.by_time.remove(&(before, id.clone()));
        }
        self.by_time.insert((at, id));
    }
}

/// Delivers what becomes due, for as long as the simulator runs.
pub(crate) async fn deliver_when_due(meta: Arc<Meta>) {
    let mut attempts = JoinSet::new();
    loop {
        while attempts.len() < AT_ONCE
            && let Some(id) = meta.schedule.next_due(meta.clock.now().as_millisecond())
        {
            attempts.spawn(attempt(Arc::clone(&meta), id));
        }
        let waits_for_the_clock = attempts.len() < AT_ONCE && !meta.schedule.is_empty();
        tokio::select! {
            Some(_) = attempts.join_next() => {}
            () = meta.schedule.rung.notified() => {}
            () = tokio::time::sleep(TICK), if waits_for_the_clock => {}
        }
    }
}

async fn attempt(meta: Arc<Meta>, id: String) {
    let begun = meta.change(|world| Ok::<_, NotWritten>(begin(world, &id)));
    let Ok(Some((delivery, secret))) = begun else { return };
    let body = Bytes::from(delivery.body);
    let reply = match &delivery.url {
        Some(url) => Some(post(&meta, url, body.clone(), Some(&secret)).await),
        None => None,
    };
    let delivered = reply.as_ref().is_none_or(Reply::is_ok);
    let tried = reply.as_ref().map_or(Tried { status: 0, ms: 0 }, Tried::from);
    // If this cannot be written, the webhook is delivered again: Meta does that too.
    let settled: Result<(), NotWritten> = meta.change(|world| {
        settle(&meta, world, &id, delivered);
        Ok(())
    });
    drop(settled);
    if let Some(url) = delivery.url {
        let at = meta.clock.now().as_millisecond();
        meta.webhooks.note(Try { delivery: id.clone(), at, url, body, number: delivery.tries + 1, tried });
    }
    meta.waiting.tell(&id, tried);
}

/// The status a webhook tells of is true from the moment it goes out.
fn begin(world: &mut World, id: &str) -> Option<(Delivery, String)> {
    let delivery = world.deliveries.get(id)?.clone();
    if let (0, Some((wamid, status))) = (delivery.tries, &delivery.about)
        && let Some(message) = world.messages.get_mut(wamid)
        && !(world.app.reorder && rank(&message.status) > rank(status))
    {
        message.status.clone_from(status);
    }
    Some((delivery, world.app.secret.clone()))
}

/// How far a message has come: told late, an earlier status is not true again.
fn rank(status: &str) -> u8 {
    match status {
        "sent" => 1,
        "delivered" => 2,
        "read" => 3,
        "failed" => 4,
        _ => 0,
    }
}

fn settle(meta: &Meta, world: &mut World, id: &str, delivered: bool) {
    let Some(delivery) = world.deliveries.get_mut(id) else { return };
    delivery.tries += 1;
    let now_ms = meta.clock.now().as_millisecond();
    let state = match (delivered, meta.options.retry_delays.get(delivery.tries - 1)) {
        (true, _) => WebhookState::Delivered,
        (false, None) => WebhookState::Failed,
        (false, Some(delay)) => {
            let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            delivery.due_at = now_ms.saturating_add(delay);
            WebhookState::Retrying
        }
    };
    let about = delivery.about.clone();
    if state != WebhookState::Retrying {
        world.deliveries.remove(id);
    }
    order::release(world, id, now_ms);
    if let Some((wamid, status)) = about
        && let Some(message) = world.messages.get_mut(&wamid)
        && let Some(told) =
            message.history.iter_mut().rev().find(|told| told.status == status && told.webhook.is_some())
    {
        told.webhook = Some(state);
    }
}
