//! `GET /console/providers`: each AI provider in the order it is asked: its breaker, its last calls, what was spent on it in a day.

use std::time::Duration;

use askama::Template;
use axum::{extract, response::Response};
use http::{HeaderMap, Uri};

use super::{Frame, Here, Shut, frame, page, stored, words};
use crate::{
    adapter::{
        ai::{BreakerState, ProviderState},
        store::Whose,
    },
    config::Ai,
    job::Millis,
    web::Site,
};

#[derive(Template)]
#[template(path = "console/providers.html")]
struct View {
    title: &'static str,
    frame: Frame,
    providers: Vec<Shown>,
    all: Spent,
}

struct Shown {
    name: String,
    model: String,
    place: usize,
    class: &'static str,
    state: &'static str,
    meaning: String,
    why: Option<String>,
    calls: String,
    failures: String,
    recent: String,
    p50: String,
    p95: String,
    places: String,
    timeout: String,
    spent: Spent,
}

/// What was spent in a day, of what may be.
struct Spent {
    words: String,
    /// Thousandths of the limit.
    part: Option<u64>,
    near: bool,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Providers, &uri, &headers).await?;
    let current = site.engine().swaps().map(|swaps| swaps.generations().current());
    let (pipeline, states) = match &current {
        Some(current) => (&current.pipeline, current.ai.states()),
        None => (site.config_arc(), Vec::new()),
    };
    let limits = &pipeline.limits;
    let all = spent(&site, &Whose::Everyone, limits.spend_per_day.filter(|_| limits.enabled)).await;
    let mut providers = Vec::new();
    for (at, state) in states.iter().enumerate() {
        let Some(entry) = pipeline.ai.iter().find(|ai| ai.name == state.name) else { continue };
        let most = entry.spend_per_day.filter(|_| limits.enabled);
        let spent = spent(&site, &Whose::Provider(state.name.clone()), most).await;
        providers.push(shown(at, at + 1 == states.len(), state, entry, spent));
    }
    Ok(page(&site, &View { title: "Providers", frame, providers, all })?)
}

fn shown(at: usize, is_last: bool, state: &ProviderState, entry: &Ai, spent: Spent) -> Shown {
    let (class, word, meaning) = match state.state {
        BreakerState::Closed => ("good", "answering", "Calls go through.".to_owned()),
        BreakerState::Paused => {
            ("wait", "paused", "It asked to be left alone for a while; calls wait or go to the next.".to_owned())
        }
        BreakerState::Probing => {
            ("wait", "probing", "One call tries whether it is back; the others go to the next.".to_owned())
        }
        BreakerState::Open => {
            let again = state.again.map_or_else(
                || " The next call tries it again.".to_owned(),
                |at| match at.since(Millis::now()) {
                    soon if soon < Duration::from_secs(1) => " It is about to be tried again.".to_owned(),
                    later => format!(" It is tried again in {}.", words::age(later)),
                },
            );
            let others = if is_last { "no other is left after it" } else { "the next provider is asked" };
            ("wrong", "resting", format!("Nothing is sent; {others}.{again}"))
        }
    };
    let said = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), words::took);
    Shown {
        name: state.name.clone(),
        model: state.model.clone(),
        place: at + 1,
        class,
        state: word,
        meaning: format!("{meaning} It has been so for {}.", words::age(Millis::now().since(state.since))),
        why: state.why.as_deref().map(words::line),
        calls: words::thousands(state.calls),
        failures: words::thousands(state.failures),
        recent: format!("{} of the last {} failed", state.recent.failed, state.recent.tries),
        p50: said(state.recent.p50),
        p95: said(state.recent.p95),
        places: match entry.max_concurrent {
            most if state.places < most => format!("{}, lowered from {most}", state.places),
            most => most.to_string(),
        },
        timeout: words::age(entry.timeout),
        spent,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a limit, clamped")]
async fn spent(site: &Site, whose: &Whose, most: Option<f64>) -> Spent {
    let since = Millis::now().before(Duration::from_hours(24));
    let Ok(spent) = stored(site.store().cost_since(whose, since)).await else {
        return Spent { words: "The database does not answer.".into(), part: None, near: false };
    };
    match most {
        None => Spent { words: format!("{}; no limit is in force", words::dollars(spent)), part: None, near: false },
        Some(most) => Spent {
            words: format!("{} of {}", words::dollars(spent), words::dollars(most)),
            part: Some((spent / most.max(f64::MIN_POSITIVE) * 1_000.0).clamp(0.0, 1_000.0) as u64),
            near: spent >= most * 0.8,
        },
    }
}
