//! People who text, one thing after another, and a carrier that delivers again until it is answered, and sometimes once more.

use std::{sync::Arc, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::beast::Door;

/// What each of them texts, in order; `#` stands for their number.
pub const SCRIPT: [&str; 5] = [
    "WTAF a page on otter number #a",
    "SLUG otter-#",
    "EDIT 1 make it otter number #b",
    "FAVE 1",
    "WTAF a page on otter number #c",
];

/// A text that was answered: whose, which, and the file of its job at its end.
#[derive(Debug)]
pub struct Answered {
    pub person: usize,
    pub text: usize,
    pub job: String,
    pub file: Value,
}

/// All of them.
pub struct Crowd {
    gate: Arc<Semaphore>,
    released: std::cell::Cell<usize>,
    done: std::cell::RefCell<Option<(JoinSet<()>, mpsc::UnboundedReceiver<Answered>)>>,
    people: usize,
}

/// A person's number of four digits.
pub fn number(person: usize) -> String {
    format!("{person:04}")
}

/// A person's telephone.
pub fn phone(person: usize) -> String {
    format!("+1555{:07}", 2_000_000 + person)
}

/// What is asked for, and comes back in the page: `otter number 0012b`.
pub fn tag(person: usize, letter: char) -> String {
    format!("otter number {}{letter}", number(person))
}

/// The last such words in a text.
pub fn tag_in(text: &str) -> Option<&str> {
    let at = text.rfind("otter number ")?;
    text.get(at..at + "otter number 0000a".len())
}

impl Crowd {
    /// So many people, who wait to be released.
    pub fn new(people: usize, seed: u64, door: &Door) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let (tell, heard) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        for person in 0..people {
            let (gate, door, tell) = (Arc::clone(&gate), door.clone(), tell.clone());
            let chance = StdRng::seed_from_u64(seed.wrapping_add(person as u64));
            tasks.spawn(async move {
                gate.acquire().await.expect("the gate stays").forget();
                text_all(person, chance, &door, &tell).await;
            });
        }
        Self { gate, released: std::cell::Cell::new(0), done: std::cell::RefCell::new(Some((tasks, heard))), people }
    }

    /// Lets so many of them begin, in all.
    pub fn release(&self, so_many: usize) {
        let so_many = so_many.min(self.people);
        self.gate.add_permits(so_many.saturating_sub(self.released.get()));
        self.released.set(so_many.max(self.released.get()));
    }

    /// Waits until each text of each has its end.
    pub async fn all_answered(&self) -> Vec<Answered> {
        let (mut tasks, mut heard) = self.done.take().expect("asked for once");
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                ended.expect("nobody panics");
            }
        };
        tokio::time::timeout(Duration::from_mins(10), all).await.expect("each text has its end");
        let mut answered = Vec::new();
        while let Ok(one) = heard.try_recv() {
            answered.push(one);
        }
        answered
    }
}

async fn text_all(person: usize, mut chance: StdRng, door: &Door, tell: &mpsc::UnboundedSender<Answered>) {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client can be made");
    for (text, script) in SCRIPT.iter().enumerate() {
        let (body, sid) = (script.replace('#', &number(person)), format!("SM{person:04}{text}"));
        let mut answers = Vec::new();
        let deliver_again = if chance.random_bool(0.2) { 2 } else { 1 };
        while answers.len() < deliver_again {
            match door.deliver(&client, &phone(person), &body, &sid).await {
                Some(job) => answers.push(job),
                None => tokio::time::sleep(Duration::from_millis(chance.random_range(20..60))).await,
            }
        }
        assert!(answers.iter().all(|job| *job == answers[0]), "one delivery, two jobs: {answers:?}");
        let job = answers.remove(0);
        let file = loop {
            if let Some(file) = door.ended(&job) {
                break file;
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        };
        tell.send(Answered { person, text, job, file }).expect("somebody listens");
    }
}
