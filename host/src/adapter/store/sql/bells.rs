//! Wakes those who wait for something (a job's next event, a page's next record), in this process. Holds an entry only while someone listens.
//!
//! What happens in other processes rings here too, where the database tells of it ([`super::ear`]).

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

/// A bell for each thing that someone listens to.
#[derive(Debug)]
pub(super) struct Bells<K> {
    hung: Mutex<HashMap<K, watch::Sender<()>>>,
}

impl<K> Default for Bells<K> {
    fn default() -> Self {
        Self { hung: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash> Bells<K> {
    /// Begins to listen: what rings from now on is heard.
    pub(super) fn listen(&self, to: K) -> Listening<'_, K> {
        let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = hung.entry(to).or_insert_with(|| watch::channel(()).0).subscribe();
        Listening { bells: self, to, heard: Some(heard) }
    }

    /// Wakes everyone who listens to this.
    pub(super) fn ring(&self, what: K) {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = hung.get(&what) {
            bell.send_replace(());
        }
    }

    /// Wakes everyone: something may have happened unheard.
    pub(super) fn ring_all(&self) {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        for bell in hung.values() {
            bell.send_replace(());
        }
    }
}

/// An open ear; closing it removes the bell when it was the last.
pub(super) struct Listening<'b, K: Copy + Eq + Hash> {
    bells: &'b Bells<K>,
    to: K,
    heard: Option<watch::Receiver<()>>,
}

impl<K: Copy + Eq + Hash> Listening<'_, K> {
    /// Returns when it rings, or has rung since the listening began.
    pub(super) async fn heard(&mut self) {
        if let Some(heard) = &mut self.heard
            && heard.changed().await.is_err()
        {
            // The bell cannot go while someone listens.
            std::future::pending::<()>().await;
        }
    }
}

impl<K: Copy + Eq + Hash> Drop for Listening<'_, K> {
    fn drop(&mut self) {
        let mut hung = self.bells.hung.lock().unwrap_or_else(PoisonError::into_inner);
        self.heard = None;
        if hung.get(&self.to).is_some_and(|bell| bell.receiver_count() == 0) {
            hung.remove(&self.to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobId;

    fn job() -> JobId {
        "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    #[test]
    fn nothing_stays_behind_when_nobody_listens() {
        let bells = Bells::default();
        let (first, second) = (bells.listen(job()), bells.listen(job()));
        drop(first);
        assert_eq!(bells.hung.lock().unwrap().len(), 1);
        drop(second);
        assert!(bells.hung.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_rings_between_listening_and_waiting_is_heard() {
        let bells = Bells::default();
        let mut listening = bells.listen(job());
        bells.ring(job());
        listening.heard().await;
        bells.ring_all();
        listening.heard().await;
    }
}
