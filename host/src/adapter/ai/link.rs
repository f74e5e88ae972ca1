//! One link of the chain: a provider with its place in the lane, its breaker and its tries.
//!
//! A call takes a place, then tries until it is answered, another try is no use, or the budget is spent. It keeps its place while it waits
//! between tries: a struggling provider is left alone, and nobody queues twice.

use std::time::Duration;

use rand::Rng;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::{
    AiCall, AiError, Answer, Bar, BreakerState, Trouble,
    breaker::{Admission, Breaker, Pass, Resting},
    lane::{Lane, Place},
    meter,
    provider::{Ear, Ending, Named, Provider},
    recent::{Recent, Tries},
};
use crate::{
    config,
    job::{Finish, Millis},
};

/// The first wait between tries is up to this; each further one up to twice as long.
const BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);
/// When a provider that failed for no stated time may be worth another try.
const COMES_BACK: Duration = Duration::from_secs(10);

/// The first rest of a provider that failed too often in a row.
const REST: Duration = Duration::from_secs(10);

/// What the console shows of a provider.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderState {
    /// In pipeline.toml.
    pub name: String,
    /// As the provider names it.
    pub model: String,
    /// Its breaker.
    pub state: BreakerState,
    /// Since when.
    pub since: Millis,
    /// Tries since the start.
    pub calls: u64,
    /// Of those, failed.
    pub failures: u64,
    /// The last failure, until a success.
    pub why: Option<String>,
    /// Calls it may have at once now.
    pub places: usize,
    /// When it is asked again, where it rests.
    pub again: Option<Millis>,
    /// Its last tries.
    pub recent: Recent,
}

/// Why a link was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    /// In words, the provider's name first.
    pub reason: String,
    /// When it may answer.
    pub after: Option<Duration>,
}

/// One provider of the chain.
pub(super) struct Link {
    entry: config::Ai,
    named: Named,
    provider: Box<dyn Provider>,
    breaker: Breaker,
    lane: Lane,
    tries: Tries,
}

impl Link {
    /// For an entry of `[[ai]]`.
    pub fn new(entry: &config::Ai, provider: Box<dyn Provider>) -> Self {
        Self {
            entry: entry.clone(),
            named: Named(entry.name.clone()),
            provider,
            breaker: Breaker::new(REST),
            lane: Lane::new(entry.max_concurrent),
            tries: Tries::default(),
        }
    }

    /// In pipeline.toml.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// For the console.
    pub fn state(&self) -> ProviderState {
        let now = Instant::now();
        let seen = self.breaker.seen(now);
        let left = self.breaker.resting(now).map(|resting| resting.left);
        ProviderState {
            name: self.entry.name.clone(),
            model: self.entry.model.clone(),
            state: seen.state,
            since: seen.since,
            calls: seen.calls,
            failures: seen.failures,
            why: seen.why,
            places: self.lane.limit(),
            again: left.map(|left| Millis::now().after(left)),
            recent: self.tries.recent(),
        }
    }

    /// Asks until there is an answer, or a reason to pass this provider over.
    pub async fn ask(&self, call: &AiCall, ear: &mut Ear<'_>) -> Result<Answer, Passed> {
        if let Some(resting) = self.breaker.resting(Instant::now()) {
            return Err(self.rests(&resting));
        }
        let place = self.lane.place().await;
        let mut tries = 0;
        let mut budget = None;
        loop {
            let pass = self.admitted().await?;
            let began = Instant::now();
            // No try begins later than this: the person waits.
            let budget = *budget.get_or_insert(began + self.entry.timeout);
            tries += 1;
            let error = match self.attempt(call, ear).await {
                Ok(ending) => {
                    pass.succeeded();
                    place.good();
                    self.report_breaker();
                    return Ok(self.answer(ending, ear.take()));
                }
                Err(error) => error,
            };
            self.settle(&error, pass, &place, began);
            let wait = self.wait(&error, tries, budget)?;
            tracing::debug!(provider = %self.entry.name, tries, ?wait, %error, "another try");
            sleep(wait).await;
        }
    }

    /// Leave for one try, once a pause is over that is short enough to wait for.
    async fn admitted(&self) -> Result<Pass<'_>, Passed> {
        loop {
            match self.breaker.admit(Instant::now()) {
                Admission::Go(pass) => return Ok(pass),
                Admission::Rest(resting) => return Err(self.rests(&resting)),
                Admission::Pause(left) if left > self.entry.max_wait => return Err(self.asks_too_much(left)),
                // All who wait would come back in the same moment.
                Admission::Pause(left) => sleep(left + up_to(left / 4)).await,
            }
        }
    }

    async fn attempt(&self, call: &AiCall, ear: &mut Ear<'_>) -> Result<Ending, AiError> {
        let span = meter::span(&self.entry, call);
        let began = Instant::now();
        ear.again();
        let outcome = self.provider.call(call, ear).instrument(span.clone()).await;
        let outcome = outcome.and_then(|ending| self.something(ending, ear));
        meter::tried(&self.entry, &span, began.elapsed(), ear.first(), &outcome);
        self.tries.note(began.elapsed(), outcome.is_ok());
        outcome
    }

    /// An answer without a word is none, except a refusal.
    fn something(&self, ending: Ending, ear: &Ear<'_>) -> Result<Ending, AiError> {
        match ending.finish {
            Finish::Complete if ear.is_empty() => Err(self.named.retry(Trouble::Cut, "answered with nothing")),
            Finish::CutOff if ear.is_empty() => {
                let why = "used all its max_tokens before the first word: raise max_tokens";
                Err(self.named.next(Bar::Call, why))
            }
            _ => Ok(ending),
        }
    }

    /// What a failure means for those who come after.
    fn settle(&self, error: &AiError, pass: Pass<'_>, place: &Place, began: Instant) {
        match error {
            AiError::Retry { trouble: Trouble::Crowded, after, .. } => {
                place.crowded(began);
                if let Some(after) = after {
                    self.breaker.pause(Instant::now(), *after);
                }
                drop(pass);
            }
            AiError::Retry { trouble: Trouble::Shared, .. } | AiError::Next { bar: Bar::Call, .. } => drop(pass),
            AiError::Retry { why, after, .. } => {
                if let Some(after) = after {
                    self.breaker.pause(Instant::now(), *after);
                }
                pass.failed(Instant::now(), why.clone(), false);
            }
            AiError::Next { why, bar, .. } => {
                pass.failed(Instant::now(), why.clone(), matches!(bar, Bar::Key | Bar::Credit | Bar::Address));
            }
        }
        self.report_breaker();
    }

    /// How long until the next try, where there is to be one.
    fn wait(&self, error: &AiError, tries: u32, budget: Instant) -> Result<Duration, Passed> {
        let AiError::Retry { after, .. } = error else {
            let after = matches!(error, AiError::Next { bar: Bar::Slow | Bar::Strange, .. }).then_some(COMES_BACK);
            return Err(Passed { reason: error.to_string(), after });
        };
        if let Some(after) = after.filter(|after| *after > self.entry.max_wait) {
            let reason = format!("{error}; it asks to wait {}, longer than its max_wait", seconds(after));
            return Err(Passed { reason, after: Some(after) });
        }
        let wait = after.map_or_else(|| jittered(backoff(tries)), |after| after + up_to(backoff(tries)));
        if tries > self.entry.retries || Instant::now() + wait >= budget {
            let reason = if tries > 1 { format!("{error} (tried {tries} times)") } else { error.to_string() };
            return Err(Passed { reason, after: Some(after.unwrap_or(COMES_BACK)) });
        }
        Ok(wait)
    }

    fn rests(&self, resting: &Resting) -> Passed {
        let reason = format!("{}: not asked, after: {}", self.entry.name, resting.why);
        Passed { reason, after: (!resting.lasting).then_some(resting.left) }
    }

    fn asks_too_much(&self, left: Duration) -> Passed {
        let reason = format!("{}: not asked, it wants to be left alone for {}", self.entry.name, seconds(left));
        Passed { reason, after: Some(left) }
    }

    fn answer(&self, ending: Ending, text: String) -> Answer {
        Answer {
            text,
            finish: ending.finish,
            provider: self.entry.name.clone(),
            model: ending.model.unwrap_or_else(|| self.entry.model.clone()),
            input_tokens: ending.usage.input(),
            output_tokens: ending.usage.output,
            cost: self.entry.price.map(|price| ending.usage.cost(price)),
        }
    }

    fn report_breaker(&self) {
        meter::breaker(&self.entry.name, self.breaker.seen(Instant::now()).state);
    }
}

fn backoff(tries: u32) -> Duration {
    BACKOFF.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST_BACKOFF)
}

/// At least three fifths of `most`, so that each wait is longer than the one before: with full jitter two of three tries may come at once.
fn jittered(most: Duration) -> Duration {
    most * 3 / 5 + up_to(most * 2 / 5)
}

/// Full jitter: anything up to `most`.
fn up_to(most: Duration) -> Duration {
    most.mul_f64(rand::rng().random())
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64().ceil())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::{
        adapter::ai::{provider::Usage, sample},
        config::AiKind,
    };

    /// Answers as its switch stands, and counts.
    #[derive(Clone, Default)]
    struct Switch(Arc<Mutex<(bool, u32)>>);

    #[async_trait]
    impl Provider for Switch {
        async fn call(&self, _: &AiCall, ear: &mut Ear<'_>) -> Result<Ending, AiError> {
            let mut switch = self.0.lock().unwrap();
            switch.1 += 1;
            if !switch.0 {
                return Err(Named("acme".into()).retry(Trouble::Down, "500 it failed"));
            }
            ear.text("well");
            let reason = "stop".into();
            Ok(Ending { finish: Finish::Complete, reason, id: None, model: None, usage: Usage::default() })
        }
    }

    async fn ask(link: &Link) -> Result<Answer, Passed> {
        link.ask(&sample::call("a timer"), &mut Ear::new(&mut |_| ())).await
    }

    #[tokio::test]
    async fn after_its_rest_one_call_probes_and_the_link_is_back() {
        let switch = Switch::default();
        let rest = Duration::from_millis(50);
        let link =
            Link { breaker: Breaker::new(rest), ..Link::new(&sample::entry(AiKind::OpenAi), Box::new(switch.clone())) };
        for _ in 0..9 {
            assert!(ask(&link).await.is_err());
        }
        assert_eq!((switch.0.lock().unwrap().1, link.state().state), (5, BreakerState::Open));

        switch.0.lock().unwrap().0 = true;
        let deadline = Instant::now() + Duration::from_secs(5);
        while let Err(passed) = ask(&link).await {
            assert!(passed.after.is_some_and(|after| after <= rest) && Instant::now() < deadline, "{passed:?}");
            tokio::task::yield_now().await;
        }
        assert_eq!((switch.0.lock().unwrap().1, link.state().state), (6, BreakerState::Closed));
    }

    #[test]
    fn waits_between_tries_grow_and_stay_bounded() {
        assert_eq!([1, 2, 3, 99].map(backoff), [BACKOFF, BACKOFF * 2, BACKOFF * 4, LONGEST_BACKOFF]);
        assert!((0..100).all(|_| jittered(BACKOFF) <= BACKOFF && jittered(BACKOFF * 2) > BACKOFF * 11 / 10));
    }
}
