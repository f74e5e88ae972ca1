//! Wakes those who wait for a job's next event, in this process. Holds an entry only while someone listens.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::job::JobId;

/// A bell for each job that someone listens to.
#[derive(Debug, Default)]
pub(super) struct Bells {
    by_job: Mutex<HashMap<JobId, watch::Sender<()>>>,
}

impl Bells {
    /// Begins to listen: what rings from now on is heard.
    pub(super) fn listen(&self, job: JobId) -> Listening<'_> {
        let mut by_job = self.by_job.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = by_job.entry(job).or_insert_with(|| watch::channel(()).0).subscribe();
        Listening { bells: self, job, heard: Some(heard) }
    }

    /// Wakes everyone who listens to this job.
    pub(super) fn ring(&self, job: JobId) {
        let by_job = self.by_job.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = by_job.get(&job) {
            bell.send_replace(());
        }
    }
}

/// An open ear; closing it removes the bell when it was the last.
pub(super) struct Listening<'b> {
    bells: &'b Bells,
    job: JobId,
    heard: Option<watch::Receiver<()>>,
}

impl Listening<'_> {
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

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let mut by_job = self.bells.by_job.lock().unwrap_or_else(PoisonError::into_inner);
        self.heard = None;
        if by_job.get(&self.job).is_some_and(|bell| bell.receiver_count() == 0) {
            by_job.remove(&self.job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_behind_when_nobody_listens() {
        let bells = Bells::default();
        let job = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let (first, second) = (bells.listen(job), bells.listen(job));
        drop(first);
        assert_eq!(bells.by_job.lock().unwrap().len(), 1);
        drop(second);
        assert!(bells.by_job.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_rings_between_listening_and_waiting_is_heard() {
        let bells = Bells::default();
        let job = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let mut listening = bells.listen(job);
        bells.ring(job);
        listening.heard().await;
    }
}
