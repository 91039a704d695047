//! What every part of the simulator stands on: the world behind its lock, the clock, the way out to webhooks.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::graph::Usage;
use crate::media;
use crate::outgoing::Outgoing;
use crate::seed;
use crate::serve::Caller;
use crate::webhooks::{Schedule, Tries, Waiting};
use crate::world::{Journal, World};

/// How a simulator is set up. The defaults are those of `cargo run -p simulator`.
#[derive(Debug, Clone)]
pub struct Options {
    pub app_id: String,
    pub app_secret: String,
    pub verify_token: String,
    /// Where the app's webhooks go. Plain http: the simulator is for one machine.
    pub callback_url: String,
    /// Where Meta tells that a person removed the app, if anywhere.
    pub deauthorize_url: Option<String>,
    /// Where Meta asks for a person's data to be deleted, if anywhere.
    pub data_deletion_url: Option<String>,
    /// Where the state lives; in memory only when `None`.
    pub data: Option<PathBuf>,
    pub clock: Clock,
    /// How a caller is killed, where the host can do that.
    pub kill: Option<Kill>,
    /// How long after each failed delivery the next is tried; when they are used up the webhook is dropped.
    /// Meta takes seven days over it, this by default about ten minutes.
    pub retry_delays: Vec<Duration>,
    /// How long a webhook may take before it counts as failed (of real time).
    pub delivery_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            app_id: "670000000000001".to_owned(),
            app_secret: "simulated-app-secret".to_owned(),
            verify_token: "simulated-verify-token".to_owned(),
            callback_url: "http://127.0.0.1:9000/webhooks/whatsapp".to_owned(),
            deauthorize_url: None,
            data_deletion_url: None,
            data: None,
            clock: Clock::system(),
            kill: None,
            retry_delays: [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60].map(Duration::from_secs).to_vec(),
            delivery_timeout: Duration::from_secs(20),
        }
    }
}

/// Kills a caller: for faults that strike the caller itself.
#[derive(Clone)]
pub struct Kill(Arc<dyn Fn(&Caller) + Send + Sync>);

impl Kill {
    pub fn from_fn(kill: impl Fn(&Caller) + Send + Sync + 'static) -> Self {
        Self(Arc::new(kill))
    }

    pub(crate) fn caller(&self, caller: &Caller) {
        (self.0)(caller);
    }
}

impl fmt::Debug for Kill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Kill")
    }
}

#[derive(Debug)]
pub(crate) struct Meta {
    state: Mutex<State>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    /// `http://127.0.0.1:9100`: what URLs in answers begin with.
    pub(crate) base: String,
    pub(crate) outgoing: Outgoing,
    pub(crate) schedule: Schedule,
    pub(crate) usage: Usage,
    pub(crate) waiting: Waiting,
    pub(crate) webhooks: Tries,
    pub(crate) media: media::Store,
}

#[derive(Debug)]
struct State {
    world: World,
    journal: Option<Journal>,
}

/// The state could not be written down, so nothing may be said to have happened.
#[derive(Debug, thiserror::Error)]
#[error("the state could not be written: {0}")]
pub(crate) struct NotWritten(#[from] io::Error);

impl Meta {
    pub(crate) fn open(options: Options, base: String) -> io::Result<Self> {
        let seeded = seed::world(&options, options.clock.now().as_second());
        let state = match &options.data {
            None => State { world: seeded, journal: None },
            Some(directory) => restore(directory, seeded)?,
        };
        let schedule = Schedule::default();
        schedule.take_up(state.world.deliveries.iter().map(|(id, row)| (row.due_at, id.to_owned())).collect());
        Ok(Self {
            state: Mutex::new(state),
            clock: options.clock.clone(),
            base,
            outgoing: Outgoing::new(options.delivery_timeout),
            schedule,
            waiting: Waiting::default(),
            webhooks: Tries::default(),
            usage: Usage::default(),
            media: media::Store::open(options.data.as_deref())?,
            options,
        })
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock().world)
    }

    /// Changes the world, and writes the change down before anyone is told of it.
    /// What an `Err` left changed stays: a wrong PIN counts.
    pub(crate) fn change<T, E: From<NotWritten>>(&self, act: impl FnOnce(&mut World) -> Result<T, E>) -> Result<T, E> {
        let mut state = self.lock();
        let State { world, journal } = &mut *state;
        let outcome = act(world);
        let touched = world.deliveries.changed().map(|(id, row)| (row.due_at, id.to_owned())).collect();
        match journal {
            Some(journal) => journal.record(world).map_err(NotWritten)?,
            None => world.forget_changes(),
        }
        self.schedule.take_up(touched);
        outcome
    }

    /// Back to the seed.
    pub(crate) fn reset(&self) -> Result<(), NotWritten> {
        let mut state = self.lock();
        let State { world, journal } = &mut *state;
        *world = seed::world(&self.options, self.now());
        if let Some(journal) = journal {
            journal.rewrite(world)?;
        }
        self.schedule.clear();
        self.webhooks.clear();
        self.usage.clear();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state as it was left; but the app is as this start's options say.
fn restore(directory: &std::path::Path, seeded: World) -> io::Result<State> {
    let mut world = World::default();
    let (journal, found) = Journal::open(directory, &mut world)?;
    let mut journal = journal;
    if found && !world.app.id.is_empty() {
        let options = &seeded.app;
        let app = &mut *world.app;
        app.id.clone_from(&options.id);
        app.secret.clone_from(&options.secret);
        app.verify_token.clone_from(&options.verify_token);
        app.callback_url.clone_from(&options.callback_url);
        app.deauthorize_url.clone_from(&options.deauthorize_url);
        app.data_deletion_url.clone_from(&options.data_deletion_url);
        journal.record(&mut world)?;
    } else {
        world = seeded;
        journal.rewrite(&mut world)?;
    }
    Ok(State { world, journal: Some(journal) })
}
