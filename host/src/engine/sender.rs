//! Drains the outbox: everything that goes out by SMS goes through here, with its status, in order for each number.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::Parts;
use crate::{
    adapter::{
        sms::{SmsError, Text},
        store::{CODE_LASTS, Delivery, OutboxText, Standing, StoreError, TextStatus},
    },
    config::QueueBackend,
    failpoint::{Step, reached},
    job::{Asker, LONGEST_WAIT, Millis},
};

/// Texts handed over side by side; to one number they go one after another. No more are taken at a time: what lies in hand may be taken by another.
const AT_ONCE: u32 = 16;

/// A text that waits for its turn is held anew this often, and a claim confirmed longer ago is no longer sure. Half of what the store gives.
const SURE_FOR: Duration = Duration::from_mins(1);

/// A row another node wrote, or one whose time has come, is found within this.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What goes out longer after it was due is no news any more.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// Sends until the engine stops.
pub(super) async fn run(parts: Arc<Parts>) {
    let exclusive = matches!(parts.generations.current().pipeline.queue.backend, QueueBackend::Files);
    // The lock on the data directory says that there is no other sender: what one had in hand at a crash need not wait for its lease to end.
    if exclusive && let Err(failure) = parts.patiently(|| parts.store.release_texts(Millis::now())).await {
        tracing::warn!(%failure, "texts in hand at a crash wait for their lease to end");
    }
    loop {
        let taken = match parts.store.take_texts(Millis::now(), AT_ONCE).await {
            Ok(texts) => {
                parts.outage.is_over(&*parts.queue);
                texts
            }
            Err(error) => {
                if error.is_transient() {
                    parts.outage.goes_on(&*parts.queue);
                }
                tracing::warn!(%error, "outbox not read");
                Vec::new()
            }
        };
        if taken.is_empty() {
            tokio::select! {
                () = parts.outbox.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = parts.stopping.cancelled() => return,
            }
            continue;
        }
        reached(Step::TextsTaken);
        join_all(taken.into_iter().map(|text| send(&parts, text))).await;
        if parts.stopping.is_cancelled() {
            return;
        }
    }
}

/// What became of a text in hand.
enum Came {
    /// It was tried, or need not be.
    To(Delivery),
    /// The engine stops, and the carrier does not have it.
    Back,
    /// Another sender has it by now, or nothing is to be sent any more.
    Away,
}

async fn send(parts: &Parts, row: OutboxText) {
    let delivery = match deliver(parts, &row).await {
        Came::To(delivery) => delivery,
        Came::Back => {
            if let Err(error) = parts.store.put_text_back(&row, Millis::now()).await {
                tracing::warn!(text = %row.id, %error, "a text in hand at the end waits for its lease to end");
            }
            return;
        }
        Came::Away => {
            tracing::info!(job = %row.text.job, text = %row.id, "a text is no longer ours to send: left to whoever has it");
            return;
        }
    };
    metrics::counter!("wtaf_texts_total", "outcome" => outcome(&delivery)).increment(1);
    tracing::info!(job = %row.text.job, text = %row.id, to = %row.text.to, occasion = %row.text.occasion, outcome = outcome(&delivery), "text tried");
    let mut wait = Duration::from_millis(200);
    // What the carrier said must be written down: without it the text would go out again.
    while let Err(error) = parts.store.text_tried(&row, delivery.clone(), Millis::now()).await {
        tracing::error!(text = %row.id, %error, "what came of a text is not written down: trying again");
        if parts.stopping.is_cancelled() && wait > Duration::from_secs(2) {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
    reached(Step::TextRecorded);
}

async fn deliver(parts: &Parts, row: &OutboxText) -> Came {
    if let Some(delivery) = without_sending(parts, row).await {
        return Came::To(delivery);
    }
    let text = Text { id: row.id.clone(), to: row.text.to.clone(), body: row.text.body.clone() };
    match its_turn(parts, row, &text).await {
        Ok(()) => Came::To(hand_over(parts, row, &text).await),
        Err(came) => came,
    }
}

/// What can be said of a text without handing it over.
async fn without_sending(parts: &Parts, row: &OutboxText) -> Option<Delivery> {
    // A code that comes too late only puzzles.
    if row.text.occasion == super::CODE_OCCASION && Millis::now().since(row.created) > CODE_LASTS {
        return Some(Delivery::Failed { error: "the code had run out before it could be sent".into() });
    }
    // They may have left since this was written.
    match parts.store.person(&Asker::Phone(row.text.to.clone())).await {
        Ok(Some(person)) if person.standing == Standing::Left => return Some(Delivery::Withheld),
        Ok(_) => {}
        Err(error) => return Some(away(row, &error)),
    }
    if !perhaps_taken(row) {
        return None;
    }
    match parts.sms.find_taken(&row.text.to, &row.text.body, row.created).await {
        Ok(Some(taken)) => match is_anothers(parts, row, &taken.sid).await {
            Ok(false) => Some(Delivery::Sent { sid: taken.sid, segments: taken.segments }),
            Ok(true) => None,
            Err(error) => Some(away(row, &error)),
        },
        Ok(None) => None,
        Err(error) => Some(later(row, None, format!("not known whether it was sent: {error}"))),
    }
}

/// Waits until the carrier may have it, and makes sure that it is still ours: the last thing before it goes.
async fn its_turn(parts: &Parts, row: &OutboxText, text: &Text) -> Result<(), Came> {
    let mut turn = pin!(parts.sms.turn(text));
    loop {
        tokio::select! {
            biased;
            () = parts.stopping.cancelled() => return Err(Came::Back),
            () = &mut turn => break,
            () = tokio::time::sleep(SURE_FOR) => {
                if matches!(parts.store.hold_text(row, Millis::now()).await, Ok(false)) {
                    return Err(Came::Away);
                }
            }
        }
    }
    loop {
        let asked = Instant::now();
        match parts.store.hold_text(row, Millis::now()).await {
            // This process may have stood still while it was asked.
            Ok(true) if asked.elapsed() < SURE_FOR => return Ok(()),
            Ok(true) => {}
            Ok(false) => return Err(Came::Away),
            Err(error) => return Err(Came::To(away(row, &error))),
        }
    }
}

async fn hand_over(parts: &Parts, row: &OutboxText, text: &Text) -> Delivery {
    reached(Step::TextGoing);
    let answer = parts.sms.send(text).await;
    reached(Step::TextAccepted);
    match answer {
        Ok(taken) => Delivery::Sent { sid: taken.sid, segments: taken.segments },
        Err(SmsError::Left) => {
            let asker = Asker::Phone(row.text.to.clone());
            if let Err(error) = parts.store.set_standing(&asker, Standing::Left, Millis::now()).await {
                tracing::warn!(%error, "the carrier says they left; not written down");
            }
            Delivery::Withheld
        }
        Err(SmsError::Later { why, after }) => later(row, after, why),
        Err(error @ SmsError::Unsure { .. }) => later(row, None, format!("unsure: {error}")),
        Err(error @ SmsError::Misconfigured { .. }) => {
            tracing::error!(%error, "the carrier refuses our account or settings");
            later(row, Some(Duration::from_mins(1)), error.to_string())
        }
        Err(error @ SmsError::Undeliverable { .. }) => Delivery::Failed { error: error.to_string() },
    }
}

/// The same words may have gone to the same number before: what was taken then is not this text.
async fn is_anothers(parts: &Parts, row: &OutboxText, sid: &str) -> Result<bool, StoreError> {
    let sent = parts.store.texts_to(&row.text.to, 500).await?;
    Ok(sent.iter().any(|other| other.id != row.id && other.sid.as_deref() == Some(sid)))
}

/// Someone may have handed it over and not lived to write it down.
fn perhaps_taken(row: &OutboxText) -> bool {
    row.status == TextStatus::Sending
        || row.error.as_ref().is_some_and(|error| error.starts_with("unsure") || error.starts_with("not known"))
}

/// The store did not answer. Whether the text may have gone out already must not be forgotten over this.
fn away(row: &OutboxText, error: &StoreError) -> Delivery {
    let error = if perhaps_taken(row) { format!("not known whether it was sent: {error}") } else { error.to_string() };
    later(row, None, error)
}

fn later(row: &OutboxText, after: Option<Duration>, error: String) -> Delivery {
    let now = Millis::now();
    if now.since(row.created) > GIVE_UP_AFTER {
        return Delivery::Failed { error: format!("given up after a day: {error}") };
    }
    let backoff = Duration::from_secs(1 << row.attempts.min(9)).min(Duration::from_mins(5));
    let jitter = Duration::from_millis(rand::random_range(0..1_000));
    let wait = backoff.max(after.unwrap_or_default()).min(LONGEST_WAIT.saturating_sub(Duration::from_secs(1)));
    Delivery::Again { at: now.after(wait + jitter), error }
}

fn outcome(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Sent { .. } => "sent",
        Delivery::Again { .. } => "again",
        Delivery::Failed { .. } => "failed",
        Delivery::Withheld => "withheld",
    }
}
