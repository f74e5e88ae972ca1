//! Hears what other processes write: one listening connection a process, where the way to the database lets notifications through.
//!
//! A notification is a hint to look and no more: it names a job or a page by a digest, so nobody who listens learns an id, and one that is forged or lost costs
//! a look. Whether notifications arrive is tried out, again and again: a transaction pooler says yes to LISTEN and delivers nothing, and a line may die
//! without a word. As long as nothing arrives, those who wait look more often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::postgres::PgListener;
use tokio_util::task::AbortOnDropHandle;

use super::{
    bells::Bells,
    db::args,
    fault::{Fault, Outcome},
    postgres::{Address, Server},
};

/// Where all of it is told.
pub(super) const CHANNEL: &str = "wtaf";
/// Silence after which it is tried whether the line is still there.
const SILENCE: Duration = Duration::from_secs(15);
/// For a notification to arrive that was sent to find out whether it does.
const PROOF: Duration = Duration::from_secs(5);
/// A pooler does not change its ways every minute.
const DEAF: Duration = Duration::from_mins(10);
/// Between two tries to listen again: at first soon, later less often.
const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(15);

/// Which store speaks: its own words are not news to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(u64);

impl Node {
    /// One that no other has.
    pub(super) fn new() -> Self {
        Self(rand::random())
    }
}

/// What a store says when something changed.
pub(super) fn words(node: Node, what: i64) -> String {
    format!("{:016x} {what}", node.0)
}

fn heard(words: &str, me: Node) -> Option<i64> {
    let (node, what) = words.split_once(' ')?;
    (u64::from_str_radix(node, 16).ok()? != me.0).then(|| what.parse().ok())?
}

/// An open ear; dropping it closes it.
pub(super) struct Ear {
    hears: Arc<AtomicBool>,
    _task: AbortOnDropHandle<()>,
}

/// Where to listen, and by which way to speak when it is tried whether that is heard.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) listen: Address,
    pub(super) speak: Server,
    pub(super) me: Node,
}

impl Ear {
    /// Begins to listen, for as long as this lives. Bells ring for what is heard, and all of them when something may have gone unheard.
    pub(super) fn open(line: Line, bells: Arc<Bells<i64>>) -> Self {
        let hears = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(stay(line, bells, Arc::clone(&hears)));
        Self { hears, _task: AbortOnDropHandle::new(task) }
    }

    /// Whether notifications are known to arrive.
    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }
}

/// Why listening ended.
enum Over {
    /// The connection broke, or none could be made.
    Lost(Fault),
    /// There is one, and nothing arrives on it.
    Deaf,
}

impl From<Fault> for Over {
    fn from(fault: Fault) -> Self {
        Self::Lost(fault)
    }
}

impl From<sqlx::Error> for Over {
    fn from(error: sqlx::Error) -> Self {
        Self::Lost(error.into())
    }
}

async fn stay(line: Line, bells: Arc<Bells<i64>>, hears: Arc<AtomicBool>) {
    let mut pause = SOON;
    loop {
        let Err(over) = listen(&line, &bells, &hears).await;
        if hears.swap(false, Ordering::Relaxed) {
            pause = SOON;
            // Those who wait believed that they would be told.
            bells.ring_all();
        }
        match over {
            Over::Deaf => {
                tracing::info!(
                    "no notification arrives through this way to the database, so other processes' events are looked for each second; \
                     with store.listen_url, a direct or session URL, they are seen at once"
                );
                pause = DEAF;
            }
            Over::Lost(fault) => tracing::debug!(?fault, "the listening connection is gone, and is made again"),
        }
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.8..1.2))).await;
        pause = (pause * 2).min(LATER);
    }
}

/// Listens until it ends, and says why.
async fn listen(line: &Line, bells: &Bells<i64>, hears: &AtomicBool) -> Result<std::convert::Infallible, Over> {
    let mut ear = open(&line.listen).await?;
    prove(&mut ear, line, bells).await?;
    // What was written before this moment was not heard: those who wait since then still look after a short while.
    hears.store(true, Ordering::Relaxed);
    loop {
        match tokio::time::timeout(SILENCE, next(&mut ear)).await {
            Ok(words) => ring(&words?, line.me, bells),
            Err(_) => prove(&mut ear, line, bells).await?,
        }
    }
}

fn ring(words: &str, me: Node, bells: &Bells<i64>) {
    if let Some(what) = heard(words, me) {
        bells.ring(what);
    }
}

async fn open(address: &Address) -> Outcome<PgListener> {
    let opening = async {
        let mut ear = PgListener::connect_with(&address.alone("wtaf-host (listening)")).await?;
        ear.eager_reconnect(false);
        ear.listen(CHANNEL).await?;
        Ok(ear)
    };
    tokio::time::timeout(PROOF, opening)
        .await
        .unwrap_or_else(|_| Err(Fault::Unavailable("PostgreSQL does not answer".into())))
}

async fn next(ear: &mut PgListener) -> Outcome<String> {
    match ear.try_recv().await? {
        Some(notification) => Ok(notification.payload().to_owned()),
        None => Err(Fault::Lost("the connection broke".into())),
    }
}

/// Sends a notification the way everything is written, and waits for it here. It is not sent on the listening connection: a pooler that has just run both on one
/// server connection would deliver that one, and no other.
async fn prove(ear: &mut PgListener, line: &Line, bells: &Bells<i64>) -> Result<(), Over> {
    let proof = format!("{} is heard", words(Node::new(), 0));
    line.speak
        .write(&proof, |db, proof| {
            Box::pin(async move { db.run("select pg_notify($1, $2)", args![CHANNEL, proof]).await })
        })
        .await?;
    let until = Instant::now() + PROOF;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, next(ear)).await {
            Ok(words) => match words? {
                words if words == proof => return Ok(()),
                words => ring(&words, line.me, bells),
            },
            Err(_) => return Err(Over::Deaf),
        }
    }
}

/// Whether a notification sent one way arrives the other, in words where that could not be found out.
pub(super) async fn arrives(listen: &Address, speak: &Server) -> Outcome<bool> {
    let line = Line { listen: listen.clone(), speak: speak.clone(), me: Node::new() };
    let mut ear = open(&line.listen).await?;
    match prove(&mut ear, &line, &Bells::default()).await {
        Ok(()) => Ok(true),
        Err(Over::Deaf) => Ok(false),
        Err(Over::Lost(fault)) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_heard_and_what_we_say_is_not() {
        let (me, other) = (Node(1), Node(u64::MAX));
        assert_eq!(heard(&words(other, -5), me), Some(-5));
        assert_eq!(heard(&words(me, -5), me), None);
    }

    #[test]
    fn words_that_are_not_ours_are_let_pass() {
        for odd in ["", " ", "x 1", "1", "1 x", "ffffffffffffffff 1 is heard", "ffffffffffffffffff 1", "é é"] {
            assert_eq!(heard(odd, Node(1)), None, "{odd:?}");
        }
    }
}
