//! Another order than things happened in, where it is asked for: of each two webhooks of a number the second goes first.

use serde::{Deserialize, Serialize};

use crate::world::{Delivery, World};

/// How long (milliseconds of the clock) one waits for another to go before it.
const PATIENCE: i64 = 1_000;

/// Why a webhook is not tried yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Held {
    /// Until there is another of the same number.
    Alone,
    /// Until that one has been tried.
    Behind(String),
}

/// A delivery has just been queued: it waits, or goes before the one that does.
pub(super) fn hold(world: &mut World, id: &str) {
    if !world.app.reorder {
        return;
    }
    let Some(delivery) = world.deliveries.get(id).filter(|delivery| delivery.url.is_some()) else { return };
    if delivery.number.is_none() {
        return;
    }
    let waits = |other: &Delivery| {
        other.held == Some(Held::Alone)
            && other.number == delivery.number
            && other.tries == 0
            // Else it is under way, or will be before this one.
            && other.due_at > delivery.due_at
    };
    let first = world.deliveries.iter().find(|(_, other)| waits(other)).map(|(first, _)| first.to_owned());
    if let Some(first) = first.and_then(|first| world.deliveries.get_mut(&first)) {
        first.held = Some(Held::Behind(id.to_owned()));
        first.due_at = i64::MAX;
    } else if let Some(delivery) = world.deliveries.get_mut(id) {
        delivery.held = Some(Held::Alone);
        delivery.due_at = delivery.due_at.saturating_add(PATIENCE);
    }
}

/// The delivery has been tried: what waited behind it may go.
pub(super) fn release(world: &mut World, id: &str, now_ms: i64) {
    let is_behind = |held: &Option<Held>| matches!(held, Some(Held::Behind(first)) if first == id);
    let behind = world.deliveries.iter().find(|(_, other)| is_behind(&other.held)).map(|(other, _)| other.to_owned());
    if let Some(other) = behind.and_then(|other| world.deliveries.get_mut(&other)) {
        other.held = None;
        other.due_at = now_ms;
    }
}

/// Whether its turn comes without anything more having to happen.
pub(super) fn goes_by_itself(world: &World, id: &str) -> bool {
    world.deliveries.get(id).is_none_or(|delivery| delivery.held != Some(Held::Alone))
}
