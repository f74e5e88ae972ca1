//! What is told while a job is on its way: gathered for a moment, and written in the background in the order it happened. No stage waits for it; what is not
//! written by the job's end is written with it, so that nothing is told of a job after its end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    adapter::store::{News, Store},
    job::JobId,
};

/// What happens within this is written at once: nobody who watches notices, and a commit for each of a quick job's stages costs more than the stages.
const GATHER: Duration = Duration::from_millis(20);

/// How long a job that is handed back waits for what it told.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one job tells.
#[derive(Default)]
pub(super) struct Telling(Arc<Gathered>);

#[derive(Default)]
struct Gathered {
    state: Mutex<State>,
    /// Whoever has the rest of it from now on is waiting.
    hurry: Notify,
}

#[derive(Default)]
struct State {
    news: News,
    writer: Option<JoinHandle<()>>,
    /// The writer will look once more before it ends.
    writing: bool,
    /// What is left is somebody else's to write.
    closing: bool,
}

impl Telling {
    /// Tells it, soon.
    pub fn tell(&self, store: &Arc<dyn Store>, job: JobId, news: News) {
        let mut state = self.0.lock();
        state.news.add(news);
        // A writer that panicked has ended without a word.
        if !state.writing || state.writer.as_ref().is_none_or(JoinHandle::is_finished) {
            let (gathered, store) = (Arc::clone(&self.0), Arc::clone(store));
            state.writing = true;
            state.writer = Some(tokio::spawn(async move { gathered.write(&store, job).await }));
        }
    }

    /// Whether something of it is still to be written: what comes in pieces is gathered meanwhile, so that a slow database is told less and not later.
    pub fn is_behind(&self) -> bool {
        self.0.lock().writing
    }

    /// What is not written yet, once nothing is being written any more: it goes with the job's end.
    pub async fn rest(&self) -> News {
        self.0.rest().await
    }

    /// Writes the rest of one that leaves our hands unended: what takes too long is written all the same, and waited for no longer.
    pub async fn told_soon(&self, store: &Arc<dyn Store>, job: JobId) {
        if self.0.lock().writer.is_none() {
            return;
        }
        let (gathered, store) = (Arc::clone(&self.0), Arc::clone(store));
        let written = tokio::spawn(async move {
            let news = gathered.rest().await;
            if !news.is_empty() {
                put(&store, job, news).await;
            }
        });
        let _ = tokio::time::timeout(PATIENCE, written).await;
    }
}

impl Gathered {
    /// Writes until there is nothing left, or until somebody else has the rest.
    async fn write(&self, store: &Arc<dyn Store>, job: JobId) {
        loop {
            let _ = tokio::time::timeout(GATHER, self.hurry.notified()).await;
            let Some(news) = self.next() else { return };
            put(store, job, news).await;
        }
    }

    fn next(&self) -> Option<News> {
        let mut state = self.lock();
        state.writing = !state.closing && !state.news.is_empty();
        if !state.writing {
            // A job may wait long after this, and a task that has ended takes room for as long as somebody holds on to it.
            state.writer = None;
        }
        state.writing.then(|| std::mem::take(&mut state.news))
    }

    async fn rest(&self) -> News {
        let writer = {
            let mut state = self.lock();
            state.closing = true;
            state.writer.take()
        };
        if let Some(writer) = writer {
            self.hurry.notify_one();
            // A panic in telling is told by itself, and stands in nobody's way.
            let _ = writer.await;
        }
        let mut state = self.lock();
        (state.closing, state.writing) = (false, false);
        std::mem::take(&mut state.news)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is told once, as well as the store can.
async fn put(store: &Arc<dyn Store>, job: JobId, news: News) {
    let events = news.events.len();
    if let Err(error) = store.tell(job, news).await {
        tracing::debug!(job = %job, events, %error, "progress not written");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        adapter::store,
        job::{JobIds, Millis},
    };

    struct Told {
        folder: tempfile::TempDir,
        store: Arc<dyn Store>,
        job: JobId,
        telling: Telling,
    }

    impl Told {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = store::open_in(folder.path()).await;
            Self { folder, store, job: JobIds::default().next(Millis(1)), telling: Telling::default() }
        }

        fn tell(&self, n: u32) {
            self.telling.tell(&self.store, self.job, News::default().event("stage", json!(n), Millis(1)));
        }

        async fn written(&self) -> Vec<u64> {
            let events = self.store.events_after(self.job, 0, 100).await.unwrap();
            events.iter().map(|event| event.data.as_u64().unwrap()).collect()
        }

        async fn until_written(&self) {
            while self.telling.is_behind() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    #[tokio::test]
    async fn what_is_told_is_written_once_and_in_its_order() {
        let told = Told::new().await;
        for n in 1..=3 {
            told.tell(n);
        }
        assert!(told.telling.is_behind(), "nobody waits for it");
        told.until_written().await;
        assert_eq!(told.written().await, [1, 2, 3]);
        told.tell(4);
        told.until_written().await;
        assert_eq!(told.written().await, [1, 2, 3, 4]);
        assert!(told.telling.rest().await.is_empty());
    }

    #[tokio::test]
    async fn what_is_not_written_by_the_end_goes_with_it_and_is_lost_by_nobody() {
        let told = Told::new().await;
        told.tell(1);
        told.until_written().await;
        told.tell(2);
        told.tell(3);
        let rest = told.telling.rest().await;
        let rest = rest.events.iter().map(|event| event.data.as_u64().unwrap());
        assert_eq!(told.written().await.into_iter().chain(rest).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(!told.telling.is_behind());
    }

    #[tokio::test]
    async fn one_that_leaves_unended_has_told_all() {
        let told = Told::new().await;
        told.tell(1);
        told.tell(2);
        told.telling.told_soon(&told.store, told.job).await;
        assert_eq!(told.written().await, [1, 2]);
    }

    #[tokio::test]
    async fn what_is_not_written_holds_nobody_who_leaves() {
        let told = Told::new().await;
        let other = rusqlite::Connection::open(told.folder.path().join("wtaf.db")).unwrap();
        other.execute("begin immediate", ()).unwrap();
        told.tell(1);
        told.telling.told_soon(&told.store, told.job).await;
        assert!(told.written().await.is_empty());
        other.execute("rollback", ()).unwrap();
        while told.written().await != [1] {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
