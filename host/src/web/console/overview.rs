//! `GET /console`: is it well, the pipeline with the jobs that flow through it, what wants a hand, the last hour in pictures.

use std::time::Duration;

use askama::Template;
use axum::{extract, response::Response};
use http::{HeaderMap, Uri};

use super::{
    Frame, Here, Shut,
    causes::{self, Cause},
    chart::{self, Chart, Span},
    frame, page,
    pipeline::{self, Card},
    stored, words,
};
use crate::{
    adapter::store::JobFilter,
    engine::{Pulse, pulse::Sum},
    job::{Millis, Status},
    web::{Site, form},
};

/// Failed jobs that are looked at for causes.
const LOOKED_AT: u32 = 200;
/// Jobs at work that are shown.
const SHOWN: usize = 12;
/// What counts as lately.
const DAY: Duration = Duration::from_hours(24);

#[derive(Template)]
#[template(path = "console/overview.html")]
struct View {
    title: &'static str,
    frame: Frame,
    waiting: String,
    oldest: Option<String>,
    working: String,
    texts: Option<u64>,
    cards: Vec<Card>,
    generation: String,
    flowing: Vec<Flowing>,
    /// Why jobs failed in the last day, or why that cannot be told.
    failures: Result<Vec<Cause>, String>,
    /// How many failed jobs were looked at, where there may be more.
    sampled: Option<u32>,
    stage: Option<String>,
    no_stage: bool,
    fine: bool,
    charts: Vec<Chart>,
    counting: String,
    /// Of what the cards' figures are.
    counted: String,
}

/// A job in a stage.
struct Flowing {
    id: String,
    stage: String,
    colour: String,
    since: String,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Overview, &uri, &headers).await?;
    let query = form::query(&uri);
    let asked = form::first(&query, "stage").map(str::to_owned);
    let fine = form::first(&query, "span") == Some("5m");
    let depth = site.engine().depth().await.unwrap_or_default();
    let generation = site.engine().swaps().map(|swaps| swaps.generations().current());
    let (mut cards, mut charts, mut flowing, mut counting) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    let mut stage = None;
    if let (Some(generation), Some(pulse)) = (&generation, site.engine().pulse()) {
        stage = asked.clone().filter(|name| generation.stages.iter().any(|ready| ready.stage.name == *name));
        cards = pipeline::cards(generation, pulse, stage.as_deref());
        let span = if fine { Span::MINUTES } else { Span::HOUR };
        charts = match &stage {
            Some(stage) => of_stage(pulse, stage, span, &pipeline::colour_of(Some(generation.as_ref()), stage)),
            None => of_all(pulse, span, &cards),
        };
        flowing = pulse
            .slowest(SHOWN)
            .into_iter()
            .map(|(id, stage, since)| Flowing {
                id: id.to_string(),
                colour: pipeline::colour_of(Some(generation.as_ref()), &stage),
                stage,
                since: words::took(since),
            })
            .collect();
        counting = words::age(pulse.age());
    }
    let mut counted = "in the hour".to_owned();
    if !frame.works {
        // What a stage does now is known where it runs; what it did stands in the records of both.
        let jobs = stored(site.store().jobs(&JobFilter::default(), LOOKED_AT)).await.unwrap_or_default();
        cards = pipeline::recorded(site.config(), &jobs);
        counted = match jobs.len() {
            0 => "on record yet".to_owned(),
            some => format!("of the last {}", words::count(some as u64, "job")),
        };
    }
    let failures = failures(&site).await;
    let view = View {
        title: "Console",
        waiting: words::thousands(depth.waiting as u64),
        oldest: (depth.waiting > 0).then(|| words::age(Duration::from_millis(depth.oldest_ms))),
        working: words::thousands(depth.working as u64),
        texts: stored(site.store().texts_waiting()).await.ok(),
        generation: generation.map(|one| one.id.to_string()).unwrap_or_default(),
        sampled: failures.as_ref().is_ok_and(|(_, all)| !all).then_some(LOOKED_AT),
        failures: failures.map(|(causes, _)| causes),
        no_stage: asked.is_some() && stage.is_none() && frame.works,
        cards,
        flowing,
        stage,
        fine,
        charts,
        counting,
        counted,
        frame,
    };
    Ok(page(&site, &view)?)
}

/// The causes, and whether all failed jobs of the day were looked at.
async fn failures(site: &Site) -> Result<(Vec<Cause>, bool), String> {
    let filter = JobFilter { status: Some(Status::Failed), ..JobFilter::default() };
    let jobs = stored(site.store().jobs(&filter, LOOKED_AT)).await?;
    let since = Millis::now().before(DAY);
    let lately: Vec<_> = jobs.iter().filter(|job| job.finished_at.unwrap_or(job.created_at) >= since).collect();
    let all = lately.len() < LOOKED_AT as usize;
    Ok((causes::grouped(lately), all))
}

fn ended(sums: &[Sum]) -> Vec<chart::Stack> {
    let of = |class: &str, label: &str, count: fn(&Sum) -> u32| {
        (class.to_owned(), label.to_owned(), sums.iter().map(count).collect())
    };
    vec![
        of("good", "ended well", |sum| sum.ended - sum.failed - sum.refused),
        of("wait", "refused by rule", |sum| sum.refused),
        of("wrong", "failed", |sum| sum.failed),
    ]
}

fn took(sums: &[Sum], colour: &str) -> Vec<chart::Times> {
    let within = |part| sums.iter().map(|sum| sum.within(part)).collect();
    vec![
        (format!("{colour} faint"), "p95: 95 of 100 within".to_owned(), within(0.95)),
        (colour.to_owned(), "p50: half within".to_owned(), within(0.5)),
    ]
}

fn of_all(pulse: &Pulse, span: Span, cards: &[Card]) -> Vec<Chart> {
    let jobs = pulse.job_columns(span.columns, span.each);
    let failed = |card: &Card| {
        let sums = pulse.columns(&card.name, span.columns, span.each);
        (card.colour.clone(), card.name.clone(), sums.iter().map(|sum| sum.failed).collect::<Vec<_>>())
    };
    // A stage that failed at nothing needs no place in the legend.
    let failed: Vec<_> = cards.iter().map(failed).filter(|(.., counts)| counts.iter().any(|n| *n > 0)).collect();
    vec![
        chart::bars(&format!("Jobs ended, per {}", span.unit()), "job", span, &ended(&jobs)),
        chart::times("From accepted to ended", span, &took(&jobs, "ink")),
        chart::bars(&format!("Failures by stage, per {}", span.unit()), "failure", span, &failed),
    ]
}

fn of_stage(pulse: &Pulse, stage: &str, span: Span, colour: &str) -> Vec<Chart> {
    let sums = pulse.columns(stage, span.columns, span.each);
    vec![
        chart::bars(&format!("Runs of {stage}, per {}", span.unit()), "run", span, &ended(&sums)),
        chart::times(&format!("Time in {stage}"), span, &took(&sums, colour)),
    ]
}
