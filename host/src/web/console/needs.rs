//! What wants an operator's hand now, the gravest first; and from that, in one word, whether the engine is well.

use std::time::Duration;

use super::{
    disk::{Fill, Room},
    stored, words,
};
use crate::{
    adapter::{
        ai::{BreakerState, ProviderState},
        store::Whose,
    },
    engine::swap::Swaps,
    job::Millis,
    plugin::ledger::{Event, What},
    web::Site,
};

/// A request that waits longer than this is late.
const LATE: Duration = Duration::from_mins(1);
/// Texts that wait to go out, of which more are many.
const MANY_TEXTS: u64 = 100;
/// Of a limit on spending, what is near it.
const NEAR: f64 = 0.8;
/// What was refused longer ago is no news.
const NEWS: Duration = Duration::from_hours(72);
/// Lines of the journal that are looked at.
const EVENTS: usize = 200;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// Whether people notice.
    pub grave: bool,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub todo: String,
    /// Where.
    pub link: String,
    /// The link's words.
    pub go: &'static str,
}

impl Need {
    fn new(grave: bool, what: impl Into<String>, todo: impl Into<String>, link: &str, go: &'static str) -> Self {
        Self { grave, what: what.into(), todo: todo.into(), link: link.to_owned(), go }
    }
}

/// The engine in one word.
pub(super) struct Well {
    /// For the stylesheet: `good`, `wait`, `wrong`.
    pub class: &'static str,
    /// The word.
    pub word: &'static str,
    /// Why.
    pub why: String,
}

impl Well {
    /// From what wants a hand.
    pub fn of(needs: &[Need]) -> Self {
        let more = match needs.len() {
            0 | 1 => String::new(),
            n => format!(" And {} more.", n - 1),
        };
        match needs.first() {
            None => Self { class: "good", word: "Well", why: "Nothing wants a hand.".into() },
            Some(need) if need.grave => {
                Self { class: "wrong", word: "In trouble", why: format!("{}{more}", need.what) }
            }
            Some(need) => Self { class: "wait", word: "Strained", why: format!("{}{more}", need.what) },
        }
    }
}

/// Everything that wants a hand.
pub(super) async fn look(site: &Site) -> Vec<Need> {
    let mut needs = Vec::new();
    let store = stored(site.store().ping()).await;
    if let Err(why) = &store {
        let what = format!("The database does not answer: {why}.");
        let todo = "Requests are taken in all the same and wait for it. See store.url, and whether the server runs.";
        needs.push(Need::new(true, what, todo, "/console/configuration", "Configuration"));
    }
    queue(site, &mut needs).await;
    disk(Room::at(&site.config().data_dir), &mut needs);
    if let Some(swaps) = site.engine().swaps() {
        let current = swaps.generations().current();
        providers(&current.ai.states(), &mut needs);
        versions(&swaps.events(EVENTS), Millis::now(), &mut needs);
        if store.is_ok() {
            spending(site, &mut needs).await;
        }
    }
    if store.is_ok()
        && let Ok(waiting) = stored(site.store().texts_waiting()).await
        && waiting > MANY_TEXTS
    {
        let what = format!("{} wait to go out.", words::count(waiting, "text"));
        needs.push(Need::new(
            false,
            what,
            "They go out by themselves. See that the carrier takes them.",
            "/console/queue",
            "Queue",
        ));
    }
    // The order within each kind is the one above.
    needs.sort_by_key(|need| !need.grave);
    needs
}

async fn queue(site: &Site, needs: &mut Vec<Need>) {
    match site.engine().depth().await {
        Err(error) => {
            let what = format!("The queue does not answer: {}.", words::line(&error.to_string()));
            needs.push(Need::new(
                true,
                what,
                "Nothing new is taken in until it does. See the disk, or the server it names.",
                "/console/configuration",
                "Configuration",
            ));
        }
        Ok(depth) => {
            let oldest = Duration::from_millis(depth.oldest_ms);
            if depth.waiting > 0 && oldest > LATE {
                let what = format!(
                    "{} wait, the oldest for {}.",
                    words::count(depth.waiting as u64, "request"),
                    words::age(oldest)
                );
                let todo = "See which stage is slow. What waits past queue.max_age has new requests refused.";
                needs.push(Need::new(oldest > LATE * 5, what, todo, "/console", "Stages"));
            }
            if depth.failed > 0 {
                let what = format!(
                    "{} failed and will not be tried again by {}.",
                    words::count(depth.failed as u64, "job"),
                    if depth.failed == 1 { "itself" } else { "themselves" }
                );
                needs.push(Need::new(
                    false,
                    what,
                    "Mend the cause, then retry them: what they had made is kept.",
                    "/console/queue",
                    "Failed jobs",
                ));
            }
        }
    }
}

fn disk(room: Option<Room>, needs: &mut Vec<Need>) {
    let Some(room) = room else { return };
    let what = format!("The data directory's disk has {} left.", room.words());
    match room.fill() {
        Fill::Roomy => {}
        Fill::Short => {
            needs.push(Need::new(
                false,
                what,
                "Make room, or lower data.keep and plugins.record.",
                "/console/configuration",
                "Configuration",
            ));
        }
        Fill::Full => {
            let todo = "New requests are refused and jobs wait until there is room. Make some: nothing accepted is lost meanwhile.";
            needs.push(Need::new(true, what, todo, "/console/queue", "Queue"));
        }
    }
}

fn providers(states: &[ProviderState], needs: &mut Vec<Need>) {
    let resting: Vec<_> = states.iter().filter(|state| state.state == BreakerState::Open).collect();
    let all = !resting.is_empty() && resting.len() == states.len();
    for state in resting {
        let why = state.why.as_deref().map(words::line).unwrap_or_default();
        let what = format!("The AI provider {} rests after failures: {why}.", state.name);
        let todo = if all {
            "No other is left: jobs wait and fail. See its key, credit and address."
        } else {
            "The others answer in its place. See its key, credit and address."
        };
        needs.push(Need::new(all, what, todo, "/console/providers", "Providers"));
    }
}

/// The last that happened to each plugin, where that was not good.
fn versions(events: &[Event], now: Millis, needs: &mut Vec<Need>) {
    let mut last: Vec<&Event> = Vec::new();
    for event in events.iter().rev() {
        if last.iter().all(|seen| seen.plugin != event.plugin) {
            last.push(event);
        }
    }
    for event in last.into_iter().filter(|event| now.since(event.at) < NEWS) {
        match &event.what {
            What::Refused { why } if Swaps::is_of_pipeline(event) => {
                let what = format!(
                    "pipeline.toml was refused {}: {}.",
                    words::ago(event.at),
                    words::line(why).trim_end_matches('.')
                );
                needs.push(Need::new(
                    false,
                    what,
                    "What was in force stays. Mend the file; it is read again by itself.",
                    "/console/configuration",
                    "Configuration",
                ));
            }
            What::Refused { why } => {
                let what = format!(
                    "A version of {} was refused {}: {}.",
                    event.plugin,
                    words::ago(event.at),
                    words::line(why).trim_end_matches('.')
                );
                needs.push(Need::new(
                    false,
                    what,
                    "The version in force serves on. Mend the plugin and offer it again.",
                    "/console/plugins",
                    "Plugins",
                ));
            }
            What::RolledBack { why, .. } if why != "an operator went back" => {
                let what = format!(
                    "{} {} was rolled back {}: {}.",
                    event.plugin,
                    event.version,
                    words::ago(event.at),
                    words::line(why).trim_end_matches('.')
                );
                needs.push(Need::new(
                    false,
                    what,
                    "The version before serves. Nobody needs to hurry.",
                    "/console/plugins",
                    "Plugins",
                ));
            }
            _ => {}
        }
    }
}

async fn spending(site: &Site, needs: &mut Vec<Need>) {
    let Some(swaps) = site.engine().swaps() else { return };
    let pipeline = &swaps.generations().current().pipeline.clone();
    let mut limits = Vec::new();
    limits.extend(
        pipeline
            .limits
            .spend_per_day
            .filter(|_| pipeline.limits.enabled)
            .map(|most| (Whose::Everyone, "all providers".to_owned(), most)),
    );
    limits.extend(
        pipeline
            .ai
            .iter()
            .filter(|_| pipeline.limits.enabled)
            .filter_map(|ai| Some((Whose::Provider(ai.name.clone()), ai.name.clone(), ai.spend_per_day?))),
    );
    for (whose, name, most) in limits {
        let since = Millis::now().before(Duration::from_hours(24));
        let Ok(spent) = stored(site.store().cost_since(&whose, since)).await else { return };
        if spent >= most * NEAR {
            let what = format!("{} of the {} a day for {name} are spent.", words::dollars(spent), words::dollars(most));
            let todo = if whose == Whose::Everyone {
                "Orders are refused once it is spent. Raise limits.spend_per_day, or wait."
            } else {
                "The next provider is asked once it is spent."
            };
            needs.push(Need::new(
                spent >= most && whose == Whose::Everyone,
                what,
                todo,
                "/console/providers",
                "Providers",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_413_000_000);

    fn event(plugin: &str, what: What) -> Event {
        Event { at: NOW, plugin: plugin.into(), version: "2.0.0".into(), digest: "d".into(), what }
    }

    fn refused() -> What {
        What::Refused { why: "it traps".into() }
    }

    #[test]
    fn a_refusal_is_news_until_something_better_happens_to_the_plugin() {
        let mut needs = Vec::new();
        let swapped = What::Swapped { from: "a".into(), rehearsal: String::new() };
        versions(&[event("slug", refused()), event("coach", refused()), event("slug", swapped)], NOW, &mut needs);
        assert_eq!(needs.len(), 1);
        assert!(needs[0].what.contains("coach") && needs[0].what.contains("it traps"), "{needs:?}");
    }

    #[test]
    fn what_was_refused_long_ago_and_what_an_operator_did_are_no_news() {
        let mut needs = Vec::new();
        let went_back = What::RolledBack { to: "a".into(), why: "an operator went back".into() };
        versions(&[event("slug", went_back)], NOW, &mut needs);
        versions(&[event("coach", refused())], NOW.after(NEWS), &mut needs);
        assert_eq!(needs, []);
    }

    #[test]
    fn the_gravest_gives_the_word() {
        let need = |grave| Need::new(grave, "It burns.", "Run.", "/", "Go");
        assert_eq!(Well::of(&[]).word, "Well");
        assert_eq!(Well::of(&[need(false)]).word, "Strained");
        let worst = Well::of(&[need(true), need(false)]);
        assert_eq!((worst.word, worst.why.as_str()), ("In trouble", "It burns. And 1 more."));
    }

    #[test]
    fn a_full_disk_is_grave() {
        let mut needs = Vec::new();
        disk(Some(Room { free: 1 << 20, all: 1 << 40 }), &mut needs);
        disk(Some(Room { free: 1 << 39, all: 1 << 40 }), &mut needs);
        assert!(needs.len() == 1 && needs[0].grave, "{needs:?}");
    }
}
