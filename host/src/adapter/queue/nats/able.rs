//! Which workers can end what they take up. One to which the database does not answer asks whether it answers another, and leaves the work to that one.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt;

use super::Shared;

/// How long the others have to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// Says that this worker can, whenever another asks, for as long as it can.
pub(super) async fn answer(shared: Arc<Shared>) {
    let mut questions = loop {
        match shared.wire.client().subscribe(shared.wire.names.able()).await {
            Ok(questions) => break questions,
            Err(error) => tracing::warn!(%error, "other workers cannot ask whether this one can work: trying again"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    loop {
        let question = tokio::select! {
            question = questions.next() => question,
            () = shared.gone.cancelled() => return,
        };
        let Some(question) = question else { return };
        let own = question.payload.as_ref() == shared.worker.as_bytes();
        if let Some(reply) = question.reply.filter(|_| !own && shared.able.load(Ordering::Relaxed)) {
            // Whoever hears nothing keeps its jobs, and asks again.
            let _ = shared.wire.client().publish(reply, "yes".into()).await;
        }
    }
}

/// Whether any other worker says that it can. Those that cannot are silent.
pub(super) async fn another(shared: &Shared) -> bool {
    let asked = shared.wire.client().request(shared.wire.names.able(), shared.worker.clone().into());
    matches!(tokio::time::timeout(ANSWER, asked).await, Ok(Ok(answer)) if answer.payload.as_ref() == b"yes")
}
