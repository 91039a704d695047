//! Processes end at random moments, as Lambda's may.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use benches::Result;

use crate::stack::Stack;

/// The stack itself, pollers and queues and all.
const STACK_EVERY: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(crate) struct Kills {
    pub(crate) webhook: usize,
    pub(crate) inbound: usize,
    pub(crate) stack: usize,
}

impl Kills {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) async fn during(stack: &mut Stack, lasting: Duration, seed: u64) -> Result<Self> {
        let (mut kills, mut random) = (Self::none(), Random(seed | 1));
        let begun = Instant::now();
        let mut last = begun;
        while begun.elapsed() < lasting {
            tokio::time::sleep(Duration::from_millis(100 + random.below(500))).await;
            if last.elapsed() >= STACK_EVERY {
                stack.restart().await?;
                kills.stack += 1;
                last = Instant::now();
                continue;
            }
            let Some(parent) = stack.pid() else { continue };
            let living = functions(parent);
            if living.is_empty() {
                continue;
            }
            let (pid, name) = &living[usize::try_from(random.below(living.len() as u64))?];
            // It may have ended by itself meanwhile.
            if kill_process(*pid, Signal::KILL).is_ok() {
                let count = if name == "webhook" { &mut kills.webhook } else { &mut kills.inbound };
                *count += 1;
            }
        }
        Ok(kills)
    }
}

/// The processes of the two functions that a delivery goes through.
fn functions(parent: u32) -> Vec<(Pid, String)> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent))
        .filter_map(|pid| Some((Pid::from_raw(pid)?, function_of(pid)?)))
        .filter(|(_, name)| name == "webhook" || name == "inbound")
        .collect()
}

fn parent_of(pid: i32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn function_of(pid: i32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    variables.find_map(|variable| variable.strip_prefix("PATCHBAY_FUNCTION=")).map(str::to_owned)
}

/// xorshift: the same seed, the same choices.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
