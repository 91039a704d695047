//! What is logged meanwhile, as bytes to be searched.

use std::{
    io::Write,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use shared::telemetry;
use tracing::{Dispatch, level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::{
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Hears nothing. Where there is one listener alone, `tracing` asks the thread that comes to a line first whether
/// anybody listens, and remembers its no for all of them; with two it asks both.
static SECOND: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::fmt().with_max_level(LevelFilter::OFF).finish()));

impl Log {
    /// Everything that this thread logs, at every level, until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        self.listen_to(Targets::new().with_default(LevelFilter::TRACE))
    }

    /// The same of what a function logs that is told to log all it may.
    pub fn listen_as_deployed(&self) -> DefaultGuard {
        self.listen_to(telemetry::heard(LevelFilter::TRACE))
    }

    fn listen_to(&self, heard: Targets) -> DefaultGuard {
        LazyLock::force(&SECOND);
        tracing_subscriber::registry().with(fmt::layer().with_writer(self.clone())).with(heard).set_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
