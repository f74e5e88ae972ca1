//! Kill after kill: the real binary, ended by SIGKILL at random moments and at every named step, against an AI and a carrier that count.
//!
//! `WTAF_TEST_SEED` repeats the choices of a run; `WTAF_CHAOS_JOBS` and `WTAF_CHAOS_KILLS` make it longer (docs/reliability.md).

mod beast;
mod books;
mod crowd;

use std::{collections::BTreeMap, time::Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use wtaf_host::failpoint::Step;

use self::{beast::End, books::Books, crowd::Crowd};

/// Texts of each person, a job each.
const TEXTS: usize = crowd::SCRIPT.len();

/// One run: so many jobs, so many kills.
struct Run {
    name: &'static str,
    jobs: usize,
    kills: usize,
    store: Option<url::Url>,
}

impl Run {
    /// As many as the test says, or as the environment does.
    fn of(name: &'static str, jobs: usize, kills: usize, store: Option<url::Url>) -> Self {
        let asked = |name: &str, or: usize| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(or);
        Self { name, jobs: asked("WTAF_CHAOS_JOBS", jobs), kills: asked("WTAF_CHAOS_KILLS", kills), store }
    }

    async fn survive(self) {
        let seed = std::env::var("WTAF_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
        eprintln!("{}: WTAF_TEST_SEED={seed}", self.name);
        let began = Instant::now();
        let people = self.jobs / TEXTS;
        let mut chance = StdRng::seed_from_u64(seed);
        let (mut beast, ai, twilio) = beast::born(seed, self.store).await;
        let crowd = Crowd::new(people, seed, &beast.door());
        let mut books = Books::default();
        let mut kills: BTreeMap<&'static str, usize> = BTreeMap::new();

        // Every step once, in an order of chance, among kills at any moment; some people are kept for the steps that chance has passed by.
        let mut unhit: Vec<Step> = Step::ALL.to_vec();
        let rounds = self.kills + self.kills / 3;
        for kill in 0..rounds {
            let overtime = kill >= self.kills;
            if overtime && unhit.is_empty() {
                break;
            }
            crowd.release(people * (kill + 2) / rounds);
            let seeks = !unhit.is_empty() && (overtime || chance.random_bool(0.6));
            let at = seeks.then(|| chance.random_range(0..unhit.len()));
            let step = match at {
                Some(at) => Some(unhit[at]),
                None if chance.random_bool(0.5) => Some(Step::ALL[chance.random_range(0..Step::ALL.len())]),
                None => None,
            };
            let times = if overtime { 1 } else { chance.random_range(1..=3) };
            let end = beast.live_and_die(step.map(|step| (step, times)), &mut chance).await;
            if let End::At(hit) = end {
                unhit.retain(|step| *step != hit);
            }
            *kills.entry(end.name()).or_default() += 1;
            books.look(&beast, &ai);
        }
        crowd.release(people);
        beast.live().await;
        let answers = crowd.all_answered().await;
        beast.outbox_is_empty(&twilio).await;
        books.check_pages(&beast, &answers).await;
        beast.told_to_stop().await;

        let figures = books.close(&beast, &ai, &twilio, &answers).await;
        let killed: usize = kills.values().sum();
        eprintln!("{}: {} jobs, {killed} kills in {:?}", self.name, answers.len(), began.elapsed());
        eprintln!("{}: kills by step: {kills:?}", self.name);
        eprintln!("{}: {figures}", self.name);
        // Even so chance may pass by a step that few jobs come to; most of them are met in every run.
        assert!(unhit.len() <= 3, "never reached: {unhit:?}");
        figures.assert_good();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_done_twice_whenever_it_is_killed_on_sqlite() {
    Run::of("sqlite", 600, 120, None).survive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_done_twice_whenever_it_is_killed_on_postgres() {
    let database = crate::kit::postgres::database().await;
    Run::of("postgres", 400, 80, Some(database)).survive().await;
}
