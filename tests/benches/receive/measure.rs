//! Rounds in which all take turns, so that what else the machine does meanwhile falls on all alike.

use std::time::Duration;

use benches::{Result, aws::Aws, document::float, process::Process, queue::Queue, say};
use serde::Deserialize;

use crate::{
    arrived::message_ids,
    deliveries::{Delivery, SIZES, Sender, Size},
    subject::{Subject, queue_url},
};

/// One subject in one round, for one webhook.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) processor: Duration,
    pub(crate) median: Duration,
    pub(crate) slow: Duration,
    pub(crate) calls: f64,
}

/// One subject at one size.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) subject: &'static str,
    pub(crate) bytes: usize,
    pub(crate) rounds: Vec<Figures>,
    /// In KiB. Sizes only grow, so it is that of this size.
    pub(crate) peak_memory: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
}

/// By size, in the order of the subjects.
pub(crate) async fn all(subjects: &[Subject], aws: &Aws, rounds: usize) -> Result<Vec<Measured>> {
    let queue = Queue::new(&aws.emulators.url(), queue_url(aws)?);
    let mut sender = Sender::new(aws.app_secret.clone(), aws.emulators.clock().clone());
    let mut processes = Vec::new();
    for subject in subjects {
        let mut process = subject.start().await?;
        process.ready().await?;
        processes.push(process);
    }
    let mut measured = Vec::new();
    for size in SIZES {
        measured.extend(at_size(size, subjects, &mut processes, &mut sender, &queue, aws, rounds).await?);
    }
    for process in processes {
        process.end().await?;
    }
    Ok(measured)
}

async fn at_size(
    size: Size,
    subjects: &[Subject],
    processes: &mut [Process],
    sender: &mut Sender,
    queue: &Queue,
    aws: &Aws,
    rounds: usize,
) -> Result<Vec<Measured>> {
    let bytes = sender.delivery(size)?.bytes;
    say(&format!("deliveries of {bytes} bytes"));
    let measured = |subject: &Subject| Measured { subject: subject.name, bytes, rounds: Vec::new(), peak_memory: 0 };
    let mut measured: Vec<_> = subjects.iter().map(measured).collect();
    // The first round warms up: just-in-time compilers, caches, pools.
    for round in 0..=rounds {
        let deliveries = sender.deliveries(size)?;
        for ((subject, process), measured) in subjects.iter().zip(&mut *processes).zip(&mut measured) {
            let figures = take_turn(subject, process, &deliveries, aws).await?;
            check_arrival(subject, &deliveries, queue).await?;
            if round > 0 {
                measured.rounds.push(figures);
            }
            measured.peak_memory = process.peak_memory().await?;
        }
    }
    Ok(measured)
}

async fn take_turn(subject: &Subject, process: &mut Process, deliveries: &[Delivery], aws: &Aws) -> Result<Figures> {
    aws.emulators.clear_calls();
    let before = process.processor_time().await?;
    let mut times = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let (answer, time) = process.invoke(delivery.event.clone()).await?;
        let Answer { status_code } = serde_json::from_slice(&answer)?;
        if status_code != 200 {
            return Err(format!("{} answered {status_code}", subject.name).into());
        }
        times.push(time);
    }
    let spent = process.processor_time().await?.checked_sub(before).ok_or("a thread has ended: its time is lost")?;
    times.sort_unstable();
    Ok(Figures {
        processor: spent / u32::try_from(times.len())?,
        median: times[times.len() / 2],
        slow: times[times.len() * 99 / 100],
        calls: float(aws.calls_of(subject.caller()).try_into()?) / float(times.len().try_into()?),
    })
}

/// An answer of 200 is a promise: each message is in the queue, once.
async fn check_arrival(subject: &Subject, deliveries: &[Delivery], queue: &Queue) -> Result<()> {
    let mut arrived = Vec::new();
    for queued in queue.drain().await? {
        arrived.extend(message_ids(&queued)?);
    }
    let mut sent: Vec<_> = deliveries.iter().flat_map(|delivery| delivery.message_ids.iter().cloned()).collect();
    arrived.sort_unstable();
    sent.sort_unstable();
    if arrived == sent {
        return Ok(());
    }
    Err(format!("{}: of {} messages, {} arrived, or not these", subject.name, sent.len(), arrived.len()).into())
}
