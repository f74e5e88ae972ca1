//! Tells the person: by a text through the outbox, by the chat's reply, or both.

use super::{
    Failure,
    speech::{self, Occasion},
    walk::Walk,
};
use crate::{
    adapter::{sms::segments, store::NewText},
    job::{ForPerson, Millis, Source},
};

/// The words for an occasion, from the coach.
pub(super) async fn word(walk: &Walk, occasion: &Occasion) -> Option<String> {
    let first = walk.job.progress.decided.as_ref().is_some_and(|decided| decided.first);
    // The acknowledgement, where there is one, is the first text and says how to stop.
    let occasion = if first && !acknowledged(walk) { occasion.clone().with("first", "true") } else { occasion.clone() };
    speech::words(walk, &occasion).await
}

fn acknowledged(walk: &Walk) -> bool {
    let built = walk.order().is_some_and(|order| order.kind != "chat");
    walk.generation.pipeline.sms.acknowledge && walk.job.request.source == Source::Sms && built
}

/// Rows for the outbox, where the person has a number: one, or several in order where the words are too long for one text. Each has an occasion of its
/// own (`reply`, `reply-2`…), so that written again after a crash each is there once.
pub(super) fn texts_for(walk: &Walk, occasion: &str, words: &str) -> Vec<NewText> {
    let known = walk.person.as_ref().and_then(crate::adapter::store::Person::phone);
    let Some(to) = walk.job.request.asker.phone().or(known) else { return Vec::new() };
    let named = |part: usize| if part == 0 { occasion.to_owned() } else { format!("{occasion}-{}", part + 1) };
    let text = |(part, body)| NewText { job: walk.job.id, occasion: named(part), to: to.clone(), body };
    segments::texts(words).into_iter().enumerate().map(text).collect()
}

/// Says at once that an order was taken: the page takes a minute.
pub(super) async fn acknowledge(walk: &Walk) -> Result<(), Failure> {
    let (Some(order), true) = (walk.order(), acknowledged(walk)) else { return Ok(()) };
    let first = walk.job.progress.decided.as_ref().is_some_and(|decided| decided.first);
    let mut occasion = Occasion::new("accepted").with("kind", order.kind.clone());
    if first {
        occasion = occasion.with("first", "true");
    }
    let words = speech::words(walk, &occasion).await;
    write(walk, "accepted", &words.unwrap_or_default()).await
}

/// The stage: a reply is sent, a page's text is already in the outbox.
pub(super) async fn notify(walk: &mut Walk) -> Result<(), Failure> {
    if walk.job.progress.published.is_some() {
        walk.parts.outbox.notify_one();
        return Ok(());
    }
    let words = match (&walk.job.progress.reply, walk.then()) {
        (Some(filtered), _) => Some(filtered.clone()),
        (None, Some(ForPerson::Reply(words))) => Some(words.clone()),
        _ => None,
    };
    let Some(words) = words.filter(|words| !words.trim().is_empty()) else { return Ok(()) };
    walk.job.progress.reply = Some(words.clone());
    if is_read_in_chat(walk) {
        return Ok(());
    }
    write(walk, "reply", &words).await
}

/// Someone who is signed in reads an answer where they asked. A page's link is texted as well, for it is worth keeping, and a failure, for they may have gone.
fn is_read_in_chat(walk: &Walk) -> bool {
    walk.job.request.source == Source::Web
}

/// Tells of a failure or a refusal. The words are kept in the job, for the chat.
pub(super) async fn tell_of_failure(walk: &mut Walk, failure: &Failure) -> Result<(), Failure> {
    // A page that was announced is live: what failed after it is for the operator.
    if walk.job.progress.published.is_some() {
        return Ok(());
    }
    let (occasion, words) = match failure {
        Failure::Refused { words, .. } if !words.trim().is_empty() => ("refused", Some(words.clone())),
        Failure::Refused { .. } => ("refused", speech::words(walk, &Occasion::new("refused")).await),
        _ => ("failed", speech::words(walk, &Occasion::new("failed")).await),
    };
    let Some(words) = words else { return Ok(()) };
    walk.job.progress.reply = Some(words.clone());
    if occasion == "refused" && is_read_in_chat(walk) {
        return Ok(());
    }
    write(walk, occasion, &words).await
}

async fn write(walk: &Walk, occasion: &str, words: &str) -> Result<(), Failure> {
    let (parts, store) = (&walk.parts, &walk.store);
    for text in texts_for(walk, occasion, words) {
        parts.patiently(|| store.write_text(text.clone(), Millis::now())).await?;
    }
    parts.outbox.notify_one();
    Ok(())
}
