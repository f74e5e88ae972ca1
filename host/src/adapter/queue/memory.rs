//! A queue in memory: what the cases of `wtaf-host test` are tried on. Nothing of it outlives the process, and so nothing that people ask may wait here.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Accepted, Depth, Ended, Queue, QueueError, State, revive};
use crate::job::{Asker, Job, JobId, JobIds, Millis, Request};

/// Jobs by their ids, which is the order they came in.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    jobs: Mutex<BTreeMap<JobId, (State, Job)>>,
    ids: JobIds,
    arrived: Notify,
}

impl MemoryQueue {
    fn jobs(&self) -> MutexGuard<'_, BTreeMap<JobId, (State, Job)>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, state: State, job: &Job) {
        self.jobs().insert(job.id, (state, job.clone()));
        self.arrived.notify_waiters();
    }

    fn take(&self, now: Millis) -> Option<Job> {
        let mut jobs = self.jobs();
        let due = |job: &Job| job.not_before.is_none_or(|time| time <= now);
        let (state, job) = jobs.values_mut().find(|(state, job)| *state == State::New && due(job))?;
        *state = State::Work;
        Some(job.clone())
    }

    fn count(&self, state: State) -> usize {
        self.jobs().values().filter(|(is, _)| *is == state).count()
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn accept(&self, request: Request) -> Result<Accepted, QueueError> {
        let again = request.delivery.as_ref().and_then(|delivery| {
            let jobs = self.jobs();
            let same = jobs.values().find(|(_, job)| job.request.delivery.as_ref() == Some(delivery));
            same.map(|(_, job)| job.id)
        });
        if let Some(id) = again {
            return Ok(Accepted::Again(id));
        }
        let now = Millis::now();
        let job = Job::new(self.ids.next(now), request, now);
        self.put(State::New, &job);
        Ok(Accepted::New(job.id))
    }

    async fn next(&self) -> Result<Job, QueueError> {
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(job) = self.take(Millis::now()) {
                return Ok(job);
            }
            // One that waits for its time rings no bell.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), arrived).await;
        }
    }

    async fn checkpoint(&self, job: &Job) -> Result<(), QueueError> {
        self.put(State::Work, job);
        Ok(())
    }

    async fn finish(&self, job: &Job, ended: Ended) -> Result<(), QueueError> {
        self.put(if ended == Ended::Failed { State::Failed } else { State::Done }, job);
        Ok(())
    }

    async fn hand_back(&self, job: &Job) -> Result<(), QueueError> {
        self.put(State::New, job);
        Ok(())
    }

    async fn take_back(&self, job: JobId) {
        if let Some((state, _)) = self.jobs().get_mut(&job).filter(|(state, _)| *state == State::Work) {
            *state = State::New;
        }
        self.arrived.notify_waiters();
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>, QueueError> {
        Ok(self.jobs().get(&id).map(|(_, job)| job.clone()))
    }

    async fn list(&self, state: State, limit: usize) -> Result<Vec<Job>, QueueError> {
        let jobs = self.jobs();
        let there = jobs.values().rev().filter(|(is, _)| *is == state);
        Ok(there.take(limit).map(|(_, job)| job.clone()).collect())
    }

    async fn retry(&self, id: JobId) -> Result<(), QueueError> {
        let mut job = match self.jobs().get(&id) {
            Some((State::Failed, job)) => job.clone(),
            _ => return Err(QueueError::NoSuchJob(id)),
        };
        revive(&mut job);
        self.put(State::New, &job);
        Ok(())
    }

    async fn of_askers(&self, askers: &[Asker]) -> Result<Vec<(State, Job)>, QueueError> {
        let jobs = self.jobs();
        Ok(jobs.values().filter(|(_, job)| askers.contains(&job.request.asker)).cloned().collect())
    }

    async fn forget(&self, jobs: &[JobId], askers: &[Asker], _slugs: &[String]) -> Result<usize, QueueError> {
        let theirs = |job: &Job| jobs.contains(&job.id) || askers.contains(&job.request.asker);
        let mut all = self.jobs();
        let before = all.len();
        all.retain(|_, (_, job)| !theirs(job));
        Ok(before - all.len())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let oldest = self.jobs().values().find(|(state, _)| *state == State::New).map(|(_, job)| job.created_at);
        Ok(Depth {
            waiting: self.count(State::New),
            working: self.count(State::Work),
            failed: self.count(State::Failed),
            oldest_ms: oldest.map_or(0, |at| u64::try_from(Millis::now().since(at).as_millis()).unwrap_or(u64::MAX)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Source;

    fn request(text: &str) -> Request {
        Request {
            source: Source::Sms,
            asker: Asker::Phone("+15550002020".parse().unwrap()),
            text: text.into(),
            media: Vec::new(),
            delivery: Some(text.into()),
            opt_out: None,
            coach: None,
            user_slug: None,
        }
    }

    #[tokio::test]
    async fn jobs_come_in_order_and_one_that_was_handed_back_comes_again() {
        let queue = MemoryQueue::default();
        let one = queue.accept(request("one")).await.unwrap().id();
        let two = queue.accept(request("two")).await.unwrap().id();
        assert_eq!(queue.accept(request("one")).await.unwrap(), Accepted::Again(one));

        let first = queue.next().await.unwrap();
        assert_eq!((first.id, queue.next().await.unwrap().id), (one, two));
        queue.hand_back(&first).await.unwrap();
        assert_eq!(queue.next().await.unwrap().id, one);
        queue.finish(&first, Ended::Done).await.unwrap();

        let depth = queue.depth().await.unwrap();
        assert_eq!((depth.waiting, depth.working, depth.failed), (0, 1, 0));
        assert_eq!(queue.list(State::Done, 9).await.unwrap().len(), 1);
    }
}
