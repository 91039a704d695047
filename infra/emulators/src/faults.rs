//! Sites, recordings and faults: what a scenario may do to one request. The front door asks here before and after each.

use crate::{dynamodb::CONFLICTING, wire::Service};
use jiff::SignedDuration;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One request of a flow, named `<service>.<Operation>[:resource]#<ordinal>`. Ordinals begin with 1 and count since the
/// recording began, or since the first fault was armed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(String);

impl Site {
    /// The site of that name; whether such a request ever comes, `Faults::fired` tells.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn operation(&self) -> &str {
        let operation = self.0.split_once('.').map_or("", |(_, rest)| rest);
        operation.split([':', '#']).next().unwrap_or_default()
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request as a recording keeps it. A poll that found nothing is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub site: Site,
    /// The access key id the request was signed with.
    pub caller: String,
    pub service: Service,
    pub operation: String,
    /// The table, queue, key or secret.
    pub resource: Option<String>,
    pub ordinal: usize,
}

/// What may happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The caller is killed, and the request has no effect.
    KillBefore,
    /// The request has its effect, then the caller is killed.
    KillAfter,
    /// The service says "too many requests"; no effect.
    Throttle,
    /// The service answers 5xx; no effect.
    Fail,
    /// The request waits so long, on the movable clock, before it has its effect.
    Delay(SignedDuration),
    /// The request has its effect, but the connection breaks instead of an answer.
    LoseAnswer,
    /// The request is applied twice and the first answer given; what `ReceiveMessage` hands out comes back once more
    /// after it was deleted.
    Duplicate,
    /// DynamoDB says that a transaction is under way on the same item; no effect.
    Conflict,
}

impl FaultKind {
    /// Every kind, with a delay of one second.
    pub const ALL: [Self; 8] = [
        Self::KillBefore,
        Self::KillAfter,
        Self::Throttle,
        Self::Fail,
        Self::Delay(SignedDuration::from_secs(1)),
        Self::LoseAnswer,
        Self::Duplicate,
        Self::Conflict,
    ];

    /// Whether a request of that kind can meet this in AWS.
    pub fn can_happen_at(self, site: &Site) -> bool {
        self != Self::Conflict || CONFLICTING.contains(&site.operation())
    }
}

/// One thing to go wrong, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub site: Site,
    pub kind: FaultKind,
}

/// The faults of one local stack. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ordinals: HashMap<String, usize>,
    recording: Option<Vec<Seen>>,
    armed: Vec<Fault>,
    fired: Vec<Fault>,
}

impl Faults {
    /// Starts a recording; ordinals begin anew.
    pub fn record(&self) {
        let mut state = self.state();
        state.ordinals.clear();
        state.recording = Some(Vec::new());
    }

    /// Ends the recording: what was seen, in order of arrival.
    pub fn recorded(&self) -> Vec<Seen> {
        self.state().recording.take().unwrap_or_default()
    }

    /// Lets `fault`, which can happen there, happen when its site comes. The first one armed begins the ordinals anew.
    pub fn arm(&self, fault: Fault) {
        assert!(fault.kind.can_happen_at(&fault.site), "{:?} cannot happen at {}", fault.kind, fault.site);
        let mut state = self.state();
        if state.armed.is_empty() && state.fired.is_empty() {
            state.ordinals.clear();
        }
        state.armed.push(fault);
    }

    /// The faults that happened since the last `clear`, in order.
    pub fn fired(&self) -> Vec<Fault> {
        self.state().fired.clone()
    }

    /// Forgets every fault, armed or fired.
    pub fn clear(&self) {
        let mut state = self.state();
        state.armed.clear();
        state.fired.clear();
    }

    /// Counts a request, and says what is to happen to it.
    pub(crate) fn meet(
        &self,
        caller: &str,
        service: Service,
        operation: &str,
        resource: Option<&str>,
    ) -> Option<FaultKind> {
        let name = match resource {
            Some(resource) => format!("{service}.{operation}:{resource}"),
            None => format!("{service}.{operation}"),
        };
        let mut state = self.state();
        let ordinal = state.ordinals.entry(name.clone()).or_default();
        *ordinal += 1;
        let ordinal = *ordinal;
        let site = Site(format!("{name}#{ordinal}"));
        if let Some(recording) = &mut state.recording {
            recording.push(Seen {
                site: site.clone(),
                caller: caller.to_owned(),
                service,
                operation: operation.to_owned(),
                resource: resource.map(str::to_owned),
                ordinal,
            });
        }
        let fault = state.armed.iter().position(|fault| fault.site == site)?;
        let fault = state.armed.remove(fault);
        let kind = fault.kind;
        state.fired.push(fault);
        Some(kind)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(faults: &Faults) -> Option<FaultKind> {
        faults.meet("send-1", Service::Sqs, "SendMessage", Some("outbound"))
    }

    #[test]
    fn an_armed_fault_fires_once_at_its_site_and_nowhere_else() {
        let faults = Faults::default();
        send(&faults);
        let fault = Fault { site: Site::named("sqs.SendMessage:outbound#2"), kind: FaultKind::Throttle };
        faults.arm(fault.clone());

        assert_eq!([send(&faults), send(&faults), send(&faults)], [None, Some(FaultKind::Throttle), None]);
        assert_eq!(faults.fired(), [fault]);
    }

    #[test]
    fn a_conflict_happens_only_where_dynamodb_has_them() {
        let at = |name: &str| FaultKind::Conflict.can_happen_at(&Site::named(name));

        assert!(at("dynamodb.TransactWriteItems:Put:keys+Update:numbers#3") && at("dynamodb.PutItem:keys#1"));
        assert!(!at("dynamodb.GetItem:keys#1") && !at("sqs.SendMessage:outbound#1") && !at("kms.ListKeys#1"));
        assert!(FaultKind::Fail.can_happen_at(&Site::named("kms.ListKeys#1")));
    }

    #[test]
    fn a_recording_names_each_request_by_its_ordinal() {
        let faults = Faults::default();
        send(&faults);
        faults.record();
        send(&faults);
        faults.meet("send-1", Service::Kms, "ListKeys", None);
        send(&faults);

        let sites: Vec<_> = faults.recorded().into_iter().map(|seen| seen.site.to_string()).collect();

        assert_eq!(sites, ["sqs.SendMessage:outbound#1", "kms.ListKeys#1", "sqs.SendMessage:outbound#2"]);
        assert_eq!(faults.recorded(), []);
    }
}
