//! `/console/plugins`: what is in force, on trial, before, set aside and why; the journal; and going back, forward, to more people or fewer.

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Uri};

use super::{Frame, Here, Shut, back_to, diff, door, frame, page, swaps, words};
use crate::{
    config::TrialRule,
    engine::{
        Mode, Verdict,
        swap::{Line, OnTrial},
    },
    job::Millis,
    plugin::ledger::{Event, What},
    web::{Problem, Site, ask, form, plugins::refused},
};

/// Lines of the journal that are shown.
const EVENTS: usize = 60;

#[derive(Template)]
#[template(path = "console/plugins.html")]
struct View {
    title: &'static str,
    frame: Frame,
    generation: String,
    plugins: Vec<Shown>,
    events: Vec<Told>,
    rule: String,
    folder: String,
}

struct Shown {
    name: String,
    key: String,
    role: &'static str,
    stages: String,
    version: String,
    digest: String,
    since: String,
    asks: Vec<String>,
    idle: Vec<String>,
    before: Vec<Was>,
    aside: Vec<Went>,
    trial: Option<Tried>,
    /// A component can be sent for it: the pipeline names no digest and no registry.
    open: bool,
    /// There is something to go back to.
    back: bool,
}

struct Was {
    version: String,
    digest: String,
    since: String,
}

struct Went {
    digest: String,
    when: String,
    why: String,
}

struct Tried {
    version: String,
    digest: String,
    how: String,
    since: String,
    share: Option<u8>,
    /// It serves everyone, and is only watched.
    watched: bool,
    shadow: bool,
    jobs: u64,
    strikes: u64,
    shown: u64,
    differences: u64,
    faults: u64,
    verdict: String,
    seen: Vec<Differs>,
}

/// What a shadow would have said otherwise.
struct Differs {
    job: String,
    stage: String,
    lines: Vec<diff::Line>,
}

/// A line of the journal.
pub(super) struct Told {
    pub when: String,
    pub at: String,
    pub plugin: String,
    pub version: String,
    pub digest: String,
    pub word: &'static str,
    pub class: &'static str,
    pub words: String,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Plugins, &uri, &headers).await?;
    let mut view = View {
        title: "Plugins",
        generation: String::new(),
        plugins: Vec::new(),
        events: Vec::new(),
        rule: String::new(),
        folder: String::new(),
        frame,
    };
    if let Some(swaps) = site.engine().swaps() {
        let in_force = swaps.generations().in_force();
        let pipeline = &in_force.base.pipeline;
        view.generation = in_force.base.id.to_string();
        view.folder = pipeline.plugins.dir.display().to_string();
        view.rule = rule(&pipeline.plugins.trial);
        view.plugins = swaps
            .lines()
            .into_iter()
            .map(|line| {
                let trial = in_force.trials.iter().find(|trial| trial.key == line.plugin);
                let open = swaps.source_called(&line.plugin).is_ok_and(|source| swaps.file_of(&source).is_some());
                shown(line, trial.map(|trial| swaps.verdict(trial)), open)
            })
            .collect();
        view.events = swaps.events(EVENTS).iter().rev().map(told).collect();
    }
    Ok(page(&site, &view)?)
}

/// Does something with a plugin, or with pipeline.toml.
pub(crate) async fn act(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    door::act(&site, &parts.uri, &parts.headers)?;
    let pairs = form::pairs(&parts.headers, body).await?;
    let swaps = swaps(&site).map_err(back_to(Here::Plugins))?;
    let name = form::first(&pairs, "plugin").unwrap_or_default();
    let no = |why| back_to(Here::Plugins)(refused(why));
    let done = match form::first(&pairs, "do").unwrap_or_default() {
        "rollback" => {
            swaps.roll_back(name).await.map_err(no)?;
            "rolled-back"
        }
        "promote" => {
            swaps.promote(name).await.map_err(no)?;
            "promoted"
        }
        "share" => {
            swaps.change_share(name, Mode::Canary(share(form::first(&pairs, "share"))?)).await.map_err(no)?;
            "shared"
        }
        _ => return Err(ask::unprocessable("form-incomplete", "This form was not sent whole.").todo("Send it again.")),
    };
    tracing::info!(plugin = name, done, "an operator acted on a plugin in the console");
    Ok(Redirect::to(&format!("{}?done={done}", Here::Plugins.path())).into_response())
}

/// People in a hundred, 1 to 99: everyone is what `promote` is for.
pub(super) fn share(text: Option<&str>) -> Result<u8, Problem> {
    let share = text.and_then(|text| text.trim().parse::<u8>().ok()).filter(|share| (1..100).contains(share));
    share.ok_or_else(|| {
        back_to(Here::Plugins)(
            ask::unprocessable("bad-share", "A share is 1 to 99 people in 100.")
                .todo("For everyone there is Give it to everyone."),
        )
    })
}

fn shown(line: Line, verdict: Option<Verdict>, open: bool) -> Shown {
    let before = line.before.unwrap_or_default();
    Shown {
        role: line.role,
        stages: line.stages.join(", "),
        since: line.since.map(words::ago).unwrap_or_default(),
        digest: words::short(&line.digest),
        asks: line.asks,
        idle: line.idle_grants,
        back: !before.is_empty() || line.trial.is_some(),
        before: before
            .iter()
            .map(|was| Was {
                version: was.version.clone(),
                digest: words::short(&was.digest),
                since: words::ago(was.since),
            })
            .collect(),
        aside: line
            .set_aside
            .unwrap_or_default()
            .iter()
            .rev()
            .map(|went| Went {
                digest: words::short(&went.digest),
                when: words::ago(went.at),
                why: words::line(&went.why),
            })
            .collect(),
        trial: line.trial.zip(verdict).map(|(shown, verdict)| tried(shown, verdict)),
        name: line.name,
        key: line.plugin,
        version: line.version,
        open,
    }
}

fn tried(shown: OnTrial, verdict: Verdict) -> Tried {
    Tried {
        digest: words::short(&shown.digest),
        version: shown.version,
        how: shown.mode.words(),
        since: words::ago(shown.since),
        share: match shown.mode {
            Mode::Canary(share) => Some(share),
            Mode::Shadow | Mode::Whole => None,
        },
        watched: shown.mode == Mode::Whole,
        shadow: shown.mode == Mode::Shadow,
        jobs: shown.counts.jobs,
        strikes: shown.counts.strikes,
        shown: shown.counts.shown,
        differences: shown.counts.differences,
        faults: shown.counts.faults,
        verdict: match verdict {
            Verdict::Wait if shown.mode == Mode::Shadow => {
                "A shadow serves nobody: whether its differences are wanted is for you to say.".into()
            }
            Verdict::Wait => "Too early to say.".into(),
            Verdict::Promote => "It has held: everyone gets it now.".into(),
            Verdict::Settle => "It has held: it stays.".into(),
            Verdict::RollBack(why) => format!("It goes: {why}."),
        },
        seen: shown
            .differences
            .into_iter()
            .rev()
            .map(|one| Differs { lines: diff::lines(&one.before, &one.after), job: one.job, stage: one.stage })
            .collect(),
    }
}

fn rule(rule: &TrialRule) -> String {
    format!(
        "{} that failed on a new version and not on the one before roll it back, where they are at least {} in 100 of its jobs. A share is \
         promoted after {} and {}. A version that serves everyone is watched for {}.",
        words::count(u64::from(rule.strikes), "job"),
        rule.share,
        words::count(u64::from(rule.jobs), "job"),
        words::age(rule.least),
        words::age(rule.window)
    )
}

/// A line of the journal, in words.
pub(super) fn told(event: &Event) -> Told {
    let (class, said) = match &event.what {
        What::Swapped { from, rehearsal } => {
            ("good", format!("In force instead of {}; {rehearsal}.", words::short(from)))
        }
        What::Tried { how, rehearsal } => ("wait", format!("On trial, {how}; {rehearsal}.")),
        What::Promoted => ("good", "Everyone gets it.".into()),
        What::Settled => ("good", "Its watch is over: it stays.".into()),
        What::Refused { why } => ("wrong", format!("Not taken: {}", why.trim_end())),
        What::RolledBack { to, why } => ("wrong", format!("{} is in force again: {why}.", words::short(to))),
        What::Reloaded => ("good", "Read again and in force.".into()),
    };
    Told {
        when: if Millis::now() < event.at { "now".into() } else { words::ago(event.at) },
        at: event.at.to_string(),
        plugin: event.plugin.clone(),
        version: event.version.clone(),
        digest: words::short(&event.digest),
        word: event.what.word(),
        class,
        words: words::masked(&said),
    }
}
