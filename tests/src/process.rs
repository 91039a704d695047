//! What runs as a process of its own: a task that a fault may kill by its caller's name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

/// By access key id. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<HashMap<String, AbortHandle>>>);

impl Processes {
    /// Runs `work` as the process `caller`. `None`: a fault has killed it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        caller: &str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let process = tokio::spawn(work);
        self.living().insert(caller.to_owned(), process.abort_handle());
        match process.await {
            Ok(result) => Some(result),
            Err(error) if error.is_cancelled() => None,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    pub(crate) fn kill(&self, caller: &str) {
        if let Some(process) = self.living().remove(caller) {
            process.abort();
        }
    }

    fn living(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
