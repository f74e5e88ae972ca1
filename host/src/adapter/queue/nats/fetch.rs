//! Getting messages, and keeping them: pulled while jobs are wanted here, spoken for while they are, given back when not.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;

use super::{
    Key, Names, Shared, entry,
    hand::{Delivered, ROOM},
    keep, take,
};
use crate::job::{Job, Millis};

/// How long a pull waits for messages. An end of the process waits as long.
const PULL: Duration = Duration::from_secs(1);

/// Between two looks at what waits for a moment.
const GLANCE: Duration = Duration::from_millis(250);

/// How long what one asker has too many of stays away, at first and at most.
const AWAY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));

/// Fetches until the queue closes.
pub(super) async fn fetch(shared: Arc<Shared>) {
    while !shared.hand().closing && !shared.gone.is_cancelled() {
        let (wanted, room) = {
            let hand = shared.hand();
            (hand.is_wanted(), hand.room())
        };
        if !wanted {
            // Others may have time for them.
            give_back(&shared).await;
            tokio::select! {
                () = shared.wanted.notified() => {}
                () = shared.gone.cancelled() => {}
            }
        } else if room < ROOM / 4 {
            make_room(&shared).await;
        } else {
            pull(&shared, room).await;
        }
        take::fill(&shared);
    }
}

/// Who has many here waits for others who may be behind them in the stream.
async fn make_room(shared: &Shared) {
    let away = shared.hand().thin_out();
    if away.is_empty() {
        tokio::select! {
            () = shared.wanted.notified() => {}
            () = tokio::time::sleep(GLANCE) => {}
        }
    }
    for delivered in away {
        let times = u32::try_from(delivered.times).unwrap_or(u32::MAX).saturating_sub(1).min(5);
        let wait = (AWAY.0 * (1 << times)).min(AWAY.1);
        shared.wire.say(&delivered.reply, AckKind::Nak(Some(wait))).await;
    }
}

async fn pull(shared: &Arc<Shared>, room: usize) {
    let mut messages = match shared.consumer.batch().max_messages(room).expires(PULL).messages().await {
        Ok(messages) => messages,
        Err(error) => {
            tracing::warn!(%error, "no jobs could be fetched from NATS: trying again");
            return tokio::time::sleep(PULL).await;
        }
    };
    loop {
        let due = shared.hand().due().map_or(GLANCE, |due| due.since(Millis::now()).min(GLANCE));
        // A little later than due, so that it is due.
        match tokio::time::timeout(due + Duration::from_millis(2), messages.next()).await {
            Ok(Some(Ok(message))) => delivered(shared, message).await,
            Ok(Some(Err(error))) => {
                // A server that stops, or a consumer that moves, ends a pull.
                tracing::debug!(%error, "a pull ended early");
                return tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(None) => return,
            Err(_) => {}
        }
        take::fill(shared);
    }
}

async fn delivered(shared: &Arc<Shared>, message: Message) {
    let Ok(info) = message.info() else { return };
    let (sequence, times) = (info.stream_sequence, u64::try_from(info.delivered).unwrap_or(1));
    let Some(reply) = message.reply.clone() else { return };
    if shared.hand().closing {
        return shared.wire.say(&reply, AckKind::Nak(None)).await;
    }
    match read(&message) {
        Ok((key, job)) => {
            let asker = job.request.asker.clone();
            let delivered = Delivered { key, asker, reply, times, fresh: Some(Arc::new(job)), held_back: 0 };
            shared.hand().deliver(sequence, delivered, Millis::now());
        }
        Err(why) => set_aside(shared, &message, sequence, &why).await,
    }
}

/// The job in a message. Others may write to the servers as well: what does not say the same inside and outside is not taken for ours.
fn read(message: &Message) -> Result<(Key, Job), String> {
    let key = Names::of_work(&message.subject).ok_or("its subject names no job")?;
    let job: Job = entry::decode(&message.payload).map_err(|why| why.to_string())?;
    if Key::of(job.id, &job.request.asker) != key {
        return Err("it holds another job than its subject says".to_owned());
    }
    Ok((key, job))
}

/// What is no job stops nobody, and is kept for someone to look at.
async fn set_aside(shared: &Shared, message: &Message, sequence: u64, why: &str) {
    let aside = shared.wire.names.damaged(sequence);
    let headers =
        async_nats::jetstream::message::PublishMessage::build().header("Wtaf-Why", why.lines().next().unwrap_or(""));
    match shared.wire.write(&aside, message.payload.clone(), headers).await {
        Ok(_) => {
            tracing::error!(subject = %message.subject, set_aside = %aside, why, "a message that is no job was set aside");
            if let Some(reply) = &message.reply {
                shared.wire.done_with(reply).await;
            }
        }
        Err(failed) => {
            tracing::error!(subject = %message.subject, why, ?failed, "a message that is no job could not be set aside");
        }
    }
}

/// Gives back what waits here and what is ready, for others.
pub(super) async fn give_back(shared: &Arc<Shared>) {
    let waiting = shared.hand().clear_out();
    for delivered in waiting {
        shared.wire.say(&delivered.reply, AckKind::Nak(None)).await;
    }
    // What is being taken up at this moment is ready a moment later.
    while shared.hand().is_taking() && !shared.gone.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ready = shared.hand().ready_again();
    for mut job in ready {
        job.status = crate::job::Status::Queued;
        if let Err(error) = keep::hand_back(shared, &job).await {
            tracing::warn!(job = %job.id, %error, "not handed back: others have it when the lease has run out");
            keep::let_go(shared, job.id);
        }
    }
}

/// Says, three times in a lease, that this process is still at everything it has.
pub(super) async fn beat(shared: Arc<Shared>) {
    let mut beat = tokio::time::interval(shared.lease / 3);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            () = shared.gone.cancelled() => return,
        }
        let replies = shared.hand().replies();
        for reply in replies {
            shared.wire.say(&reply, AckKind::Progress).await;
        }
    }
}
