//! What is told while a job is on its way: written one after another in the background, in the order it happened. No stage waits for it; the job's end does, so
//! that nothing is told of a job after its end.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;

/// How long a job that is handed back waits for what it told.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one job tells.
#[derive(Default)]
pub(super) struct Telling {
    last: Mutex<Option<JoinHandle<()>>>,
}

impl Telling {
    /// Writes this once all before it is written.
    pub fn then(&self, write: impl Future<Output = ()> + Send + 'static) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.take().filter(|before| !before.is_finished());
        *last = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // A panic in telling is told by itself, and stands in nobody's way.
                let _ = before.await;
            }
            write.await;
        }));
    }

    /// Whether something of it is still to be written: what comes in pieces is gathered meanwhile, so that a slow database is told less and not later.
    pub fn is_behind(&self) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|last| !last.is_finished())
    }

    /// Returns when all of it is written.
    pub async fn told(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            let _ = last.await;
        }
    }

    /// The same for one that leaves our hands unended: what takes too long is written all the same, and waited for no longer.
    pub async fn told_soon(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.told()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_told_is_written_in_its_order_however_long_each_takes() {
        let (telling, written) = (Telling::default(), Arc::new(Mutex::new(Vec::new())));
        for (word, ms) in [("one", 30), ("two", 0), ("three", 10)] {
            let written = Arc::clone(&written);
            telling.then(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                written.lock().unwrap().push(word);
            });
        }
        assert!(written.lock().unwrap().is_empty(), "nobody waits for it");
        telling.told().await;
        assert_eq!(*written.lock().unwrap(), ["one", "two", "three"]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_behind_until_what_it_was_told_is_written() {
        let telling = Telling::default();
        assert!(!telling.is_behind());
        telling.then(tokio::time::sleep(Duration::from_millis(10)));
        assert!(telling.is_behind());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!telling.is_behind());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_written_holds_nobody_who_leaves() {
        let telling = Telling::default();
        telling.then(std::future::pending());
        telling.told_soon().await;
    }
}
