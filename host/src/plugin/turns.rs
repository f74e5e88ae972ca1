//! How many of the guests' threads one plugin may have: all of them while its calls are short, all but one as soon as they are not. So a plugin at work uses the
//! whole machine, and one that hogs its time leaves a thread to the others.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// A call that took longer is a long one: beside a short one, nobody notices that a thread was taken.
const SHORT: Duration = Duration::from_millis(1);

/// After a long call so many in a row have to be short before the plugin is trusted again; one long call in so many is all it can sneak in.
const WARY: u32 = 64;

/// Those of one plugin.
pub struct Turns {
    all: Semaphore,
    long: Arc<Semaphore>,
    /// Short calls until it is trusted.
    wary: AtomicU32,
}

impl Turns {
    /// On so many threads, of which there are two at least.
    pub fn on(threads: usize) -> Self {
        // Nothing is known of it yet.
        Self { all: Semaphore::new(threads), long: Arc::new(Semaphore::new(threads - 1)), wary: AtomicU32::new(WARY) }
    }

    /// Waits for a turn; it fails only when the engine stops.
    pub async fn take(&self) -> Result<Turn<'_>, AcquireError> {
        let own = self.all.acquire().await?;
        let long = Long { permits: Arc::clone(&self.long), held: Arc::default() };
        let trusted = self.wary.load(Ordering::Relaxed) == 0;
        if !trusted {
            long.clone().take().await;
        }
        Ok(Turn { _own: own, trusted, long })
    }

    /// A call took so much processor time.
    pub fn took(&self, time: Duration) {
        if time > SHORT {
            self.wary.store(WARY, Ordering::Relaxed);
        } else {
            let _ = self.wary.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        }
    }
}

/// A turn of a plugin's, until it is dropped.
pub struct Turn<'a> {
    _own: SemaphorePermit<'a>,
    trusted: bool,
    /// What the call takes with it.
    pub long: Long,
}

impl Turn<'_> {
    /// Whether the plugin's last calls were all short, so that this one may be expected to be.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }
}

/// Leave to take long, once taken or not; given back with the last copy.
#[derive(Clone)]
pub struct Long {
    permits: Arc<Semaphore>,
    held: Arc<OnceLock<OwnedSemaphorePermit>>,
}

impl Long {
    /// Whether the call has it.
    pub fn is_held(&self) -> bool {
        self.held.get().is_some()
    }

    /// Waits for it.
    pub async fn take(self) {
        if let Ok(permit) = self.permits.acquire_owned().await {
            // Taken twice, the second goes back at once.
            let _ = self.held.set(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::{SHORT, Turns, WARY};

    fn trusted(threads: usize) -> Turns {
        let turns = Turns::on(threads);
        (0..WARY).for_each(|_| turns.took(Duration::ZERO));
        turns
    }

    #[test]
    fn a_plugin_of_short_calls_has_every_thread_and_no_more() {
        let turns = trusted(2);
        let _first = turns.take().now_or_never().expect("a turn");
        let _second = turns.take().now_or_never().expect("a turn");
        assert!(turns.take().now_or_never().is_none());
    }

    #[test]
    fn one_that_is_not_known_or_was_slow_once_leaves_a_thread_to_others() {
        let slow = trusted(2);
        slow.took(SHORT * 2);
        for turns in [Turns::on(2), slow] {
            let first = turns.take().now_or_never().expect("a turn");
            assert!(turns.take().now_or_never().is_none());
            drop(first);
            assert!(turns.take().now_or_never().is_some());
        }
    }

    #[test]
    fn of_the_calls_of_a_trusted_plugin_that_turn_out_long_all_but_one_go_on() {
        let turns = trusted(2);
        let first = turns.take().now_or_never().expect("a turn").expect("the engine runs");
        let second = turns.take().now_or_never().expect("a turn").expect("the engine runs");
        assert!(first.long.clone().take().now_or_never().is_some());
        assert!(first.long.is_held());
        assert!(second.long.clone().take().now_or_never().is_none());
        drop(first);
        assert!(second.long.clone().take().now_or_never().is_some());
    }
}
