//! Finding, listing and counting: nothing here changes anything.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    In, Key, Names, Shared, Stands, Tag, Trouble, Which, dead,
    entry::{Entry, decode},
};
use crate::{
    adapter::queue::{Depth, QueueError, State},
    job::{Asker, Job, JobId, Millis},
};

/// How long a count is good.
const FRESH: Duration = Duration::from_secs(1);

/// Steps back through the bucket in search of jobs that ended: most of what is there are older writes of the same few jobs, and gaps.
const STEPS_BACK: u64 = 4_000;

/// A count of what there is.
pub(super) struct Tally {
    at: Instant,
    waiting: usize,
    working: usize,
    failed: usize,
    /// The oldest that no worker has fetched.
    oldest: Option<JobId>,
}

/// A job wherever it is.
pub(super) async fn find(shared: &Shared, id: JobId) -> Result<Option<Job>, QueueError> {
    // It may be taken up between two looks.
    for _ in 0..2 {
        if let Some((_, _, entry)) = shared.entry_at(Which::Last(shared.wire.names.job_any(id))).await? {
            return Ok(entry.job.map(|job| *job));
        }
        if let Some(waits) = shared.wire.read(In::Work, &Which::Last(shared.wire.names.work_any(id))).await? {
            let job = decode(&waits.payload);
            return job
                .map(Some)
                .map_err(|why| QueueError::Damaged { what: format!("{} holds no job: {why}", waits.subject) });
        }
    }
    Ok(dead::find(shared, id).await?.map(|(_, _, job)| job))
}

/// Jobs in a state, newest first.
pub(super) async fn list(shared: &Shared, state: State, limit: usize) -> Result<Vec<Job>, QueueError> {
    match state {
        State::New | State::Work => under_way(shared, state, limit).await,
        State::Done => ended(shared, limit).await,
        State::Failed => failed(shared, limit).await,
    }
}

async fn under_way(shared: &Shared, state: State, limit: usize) -> Result<Vec<Job>, QueueError> {
    let mut keys = shared.wire.keys(In::Work, &shared.wire.names.all_work()).await?;
    keys.sort_unstable_by_key(|key| std::cmp::Reverse(key.id));
    let mut found = Vec::new();
    for key in keys {
        if found.len() == limit {
            break;
        }
        found.extend(standing(shared, &key).await?.filter(|(stands, _)| *stands == state).map(|(_, job)| job));
    }
    Ok(found)
}

/// A job that has a message, and whether it waits or is at work.
async fn standing(shared: &Shared, key: &Key) -> Result<Option<(State, Job)>, QueueError> {
    if let Some((_, Entry { stands, job, .. })) = shared.entry(key).await? {
        let state = match stands {
            Stands::Waiting => State::New,
            Stands::Work => State::Work,
            Stands::Done => State::Done,
            Stands::Failed => State::Failed,
            Stands::Forgotten => return Ok(None),
        };
        return Ok(job.map(|job| (state, *job)));
    }
    let waits = shared.wire.read(In::Work, &Which::Last(shared.wire.names.work_of(key))).await?;
    Ok(waits.and_then(|waits| decode(&waits.payload).ok()).map(|job| (State::New, job)))
}

/// The bucket's last writes, from the newest back.
async fn ended(shared: &Shared, limit: usize) -> Result<Vec<Job>, QueueError> {
    let info = shared.wire.stream(In::Jobs).get_info().await.map_err(|why| Trouble::Away(why.to_string()))?;
    let (first, last) = (info.state.first_sequence, info.state.last_sequence);
    let mut found = Vec::new();
    for at in (first.max(last.saturating_sub(STEPS_BACK))..=last).rev() {
        if found.len() == limit {
            break;
        }
        let entry = shared.entry_at(Which::At(at)).await?.map(|(_, _, entry)| entry);
        found.extend(entry.filter(|entry| entry.stands == Stands::Done).and_then(|entry| entry.job).map(|job| *job));
    }
    Ok(found)
}

async fn failed(shared: &Shared, limit: usize) -> Result<Vec<Job>, QueueError> {
    let mut keys = shared.wire.keys(In::Dead, &shared.wire.names.all_dead()).await?;
    keys.sort_unstable_by_key(|key| std::cmp::Reverse(key.id));
    let mut found = Vec::new();
    for key in keys.into_iter().take(limit) {
        found.extend(dead::find(shared, key.id).await?.map(|(_, _, job)| job));
    }
    Ok(found)
}

/// Every job of some askers.
pub(super) async fn of_askers(shared: &Shared, askers: &[Asker]) -> Result<Vec<(State, Job)>, QueueError> {
    let (mut found, names) = (Vec::new(), &shared.wire.names);
    for tag in askers.iter().map(Tag::of) {
        let mut keys = shared.wire.keys(In::Work, &names.work_by(&tag)).await?;
        for key in shared.wire.keys(In::Jobs, &names.jobs_by(&tag)).await? {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for key in &keys {
            found.extend(standing(shared, key).await?);
        }
        for key in shared.wire.keys(In::Dead, &names.dead_by(&tag)).await? {
            if !keys.contains(&key) {
                found.extend(dead::find(shared, key.id).await?.map(|(_, _, job)| (State::Failed, job)));
            }
        }
    }
    Ok(found)
}

/// How much there is, a second old at most but for what this process has itself.
pub(super) async fn depth(shared: &Shared) -> Result<Depth, QueueError> {
    let mut tally = shared.tally.lock().await;
    let counted = match tally.take() {
        Some(counted) if counted.at.elapsed() < FRESH => counted,
        _ => {
            let accepted = shared.accepted.swap(0, Ordering::Relaxed);
            match count(shared).await {
                Ok(counted) => counted,
                Err(trouble) => {
                    shared.accepted.fetch_add(accepted, Ordering::Relaxed);
                    return Err(trouble.into());
                }
            }
        }
    };
    let (here, oldest_here) = {
        let hand = shared.hand();
        (hand.waiting(), hand.oldest_due(Millis::now()))
    };
    let oldest = [counted.oldest, oldest_here].into_iter().flatten().min();
    let depth = Depth {
        waiting: counted.waiting + here + shared.accepted.load(Ordering::Relaxed),
        working: counted.working.saturating_sub(here),
        failed: counted.failed,
        oldest_ms: oldest.map_or(0, |id| Millis::now().0.saturating_sub(id.time().0)),
    };
    *tally = Some(counted);
    Ok(depth)
}

async fn count(shared: &Shared) -> Result<Tally, Trouble> {
    let away = |why: String| Trouble::Away(why);
    let consumer = shared.consumer.get_info().await.map_err(|why| away(why.to_string()))?;
    let dead = shared.wire.stream(In::Dead).get_info().await.map_err(|why| away(why.to_string()))?;
    let waiting = usize::try_from(consumer.num_pending).unwrap_or(usize::MAX);
    let oldest = if waiting == 0 {
        None
    } else {
        let from = consumer.delivered.stream_sequence + 1;
        let next = shared.wire.read(In::Work, &Which::First(shared.wire.names.all_work(), from)).await?;
        next.and_then(|next| Names::of_work(&next.subject)).map(|key| key.id)
    };
    let failed = usize::try_from(dead.state.messages).unwrap_or(usize::MAX);
    Ok(Tally { at: Instant::now(), waiting, working: consumer.num_ack_pending, failed, oldest })
}

/// Whether one more may wait.
pub(super) async fn has_room(shared: &Shared) -> Result<(), QueueError> {
    let depth = depth(shared).await?;
    if depth.waiting >= shared.room.most {
        return Err(QueueError::Full { waiting: depth.waiting });
    }
    let age = Duration::from_millis(depth.oldest_ms);
    if age > shared.room.oldest { Err(QueueError::Behind { age }) } else { Ok(()) }
}
