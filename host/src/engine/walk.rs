//! One job's way through the stages of its generation.
//!
//! What is in the job's progress is not done again; what is not is made anew from what is there (plugins are pure, so that costs nothing and changes
//! nothing).

use std::{sync::Arc, time::Duration};

use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, Span};

use super::{
    Failure, Generation, GenerationId, Parts, at_work,
    consult::Tape,
    decide,
    lanes::Ticket,
    make, notify, publish,
    telling::Telling,
    view::{self, RUNNING},
};
use crate::{
    adapter::{
        ai::AiCall,
        queue::QueueError,
        store::{Fence, News, Person, PersonId, Store},
    },
    config::{AdapterStage, Role, Runs, When},
    engine::generation::Ready,
    job::{Asker, ForPerson, Job, Millis, Order, SavedDraft, StageRecord, Status},
    plugin::types,
    telemetry::traces,
};

/// A job on its way, with what lives only as long as this run of it.
pub(super) struct Walk {
    pub parts: Arc<Parts>,
    /// The database as this job sees it. Where another worker may take the job over, nothing is written through this from then on.
    pub store: Arc<dyn Store>,
    pub generation: Arc<Generation>,
    pub job: Job,
    /// What its plugins were asked and answered.
    pub tape: Tape,
    pub person: Option<Person>,
    /// As filters left it.
    pub request: types::Request,
    /// The order's words, where a filter changed them.
    pub idea: Option<String>,
    pub call: Option<AiCall>,
    /// The name of the AI stage that answered last.
    pub answered: Option<String>,
    pub drafts: Vec<SavedDraft>,
    /// What those who watch are told, and the lists.
    pub telling: Telling,
    /// Its place among the person's requests, until it is decided.
    ticket: Option<Ticket<Asker>>,
    /// Places taken for as long as the walk lasts: in the person's share, and in the line of edits of one page.
    held: (Option<OwnedSemaphorePermit>, Option<Ticket<(PersonId, String)>>),
}

impl Walk {
    pub async fn new(parts: Arc<Parts>, mut job: Job, ticket: Ticket<Asker>) -> Self {
        let generation = generation_of(&parts, &job).await;
        job.generation = Some(generation.id.to_string());
        let request = super::translate::request(&job.request);
        Self {
            store: Arc::clone(&parts.store),
            parts,
            generation,
            job,
            tape: Tape::default(),
            person: None,
            request,
            idea: None,
            call: None,
            answered: None,
            drafts: Vec::new(),
            telling: Telling::default(),
            ticket: Some(ticket),
            held: (None, None),
        }
    }

    /// Forgets what lives only as long as a run, for another on the generation it was given. What is in the progress stays: it is paid for, or done.
    pub fn start_over(&mut self) {
        self.job.generation = Some(self.generation.id.to_string());
        self.request = super::translate::request(&self.job.request);
        (self.idea, self.call, self.answered) = (None, None, None);
        self.drafts.clear();
    }

    /// Runs the stages. The ticket is given back as soon as it is decided what happens: the person's next request need not wait for this one's page.
    pub async fn run(&mut self) -> Result<(), Failure> {
        self.begin().await?;
        let generation = Arc::clone(&self.generation);
        for ready in &generation.stages {
            if !self.wanted(ready) {
                continue;
            }
            if self.job.progress.decided.is_none()
                && let Some(ticket) = &mut self.ticket
            {
                at_work::in_line(ticket.turn()).await;
            }
            self.run_stage(ready).await?;
            if self.job.progress.decided.is_some() && self.ticket.take().is_some() {
                self.take_places().await?;
            }
            if matches!(self.then(), Some(ForPerson::Silence(_))) {
                break;
            }
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        self.raise_fence().await?;
        for stage in &mut self.job.stages {
            if stage.outcome == RUNNING {
                "interrupted".clone_into(&mut stage.outcome);
            }
        }
        self.job.status = Status::Running;
        self.job.not_before = None;
        // Words about a failure before this try are not this try's.
        if self.job.progress.published.is_none() {
            self.job.progress.reply = None;
        }
        // The lists show a job from the moment it is taken up; with the store away they show it later.
        let state = Some(Box::new((self.job.clone(), None)));
        self.telling.tell(&self.store, self.job.id, News { state, ..News::default() });
        Ok(())
    }

    /// Before anything else is done for a job that another worker may have had: from here on nothing that one still does counts.
    pub(super) async fn raise_fence(&mut self) -> Result<(), Failure> {
        let Some(hold) = self.job.hold else { return Ok(()) };
        let fence = Fence { job: self.job.id, number: hold.fence };
        let parts = &self.parts;
        self.store = parts.patiently(|| parts.store.behind(fence)).await?;
        Ok(())
    }

    /// Tells those who watch. Progress on the way is told once, as well as the store can; nothing waits for it.
    pub fn tell(&self, event: &'static str) {
        self.tell_this(event, view::job_view(&self.job, None, view::Eyes::Owner));
    }

    /// The same, of something beside the job itself.
    pub fn tell_this(&self, event: &'static str, data: serde_json::Value) {
        self.telling.tell(&self.store, self.job.id, News::default().event(event, data, Millis::now()));
    }

    /// A build waits for a place in its person's share; an edit also for the edit of the same page before it.
    async fn take_places(&mut self) -> Result<(), Failure> {
        let (Some(person), Some(order)) = (self.person.as_ref(), self.order()) else { return Ok(()) };
        let (id, page) = (person.id, edited(order).map(str::to_owned));
        if let Some(page) = page {
            // First those that other workers may have: whoever waits for them holds no place that they may need.
            self.wait_for_edits(&page).await?;
            let mut edit = self.parts.edits.enter((id, page));
            at_work::in_line(edit.turn()).await;
            self.held.1 = Some(edit);
        }
        self.held.0 = at_work::in_line(self.parts.shares.take(id)).await;
        Ok(())
    }

    /// Until no older edit of the same page is under way anywhere.
    async fn wait_for_edits(&self, page: &str) -> Result<(), Failure> {
        let mut wait = Duration::from_millis(100);
        loop {
            match self.parts.queue.unfinished_before(&self.job).await {
                Ok(older) => {
                    let same = |job: &Job| matches!(job.progress.decided.as_ref().map(|decided| &decided.then), Some(ForPerson::Order(order)) if edited(order) == Some(page));
                    if !older.iter().any(same) {
                        return Ok(());
                    }
                }
                Err(QueueError::Lost(_)) => return Err(Failure::Lost),
                Err(error) => {
                    tracing::warn!(job = %self.job.id, %error, "not known whether an older edit of the page is under way: asking again");
                }
            }
            self.parts.pause(wait).await?;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
    }

    pub fn then(&self) -> Option<&ForPerson> {
        self.job.progress.decided.as_ref().map(|decided| &decided.then)
    }

    pub fn order(&self) -> Option<&Order> {
        match self.then() {
            Some(ForPerson::Order(order)) => Some(order),
            _ => None,
        }
    }

    fn route(&self) -> Option<When> {
        match self.then()? {
            ForPerson::Order(order) => Some(match order.kind.as_str() {
                "chat" => When::Chat,
                "edit" => When::Edit,
                _ => When::Build,
            }),
            ForPerson::Reply(_) | ForPerson::Silence(_) => Some(When::Reply),
        }
    }

    fn wanted(&self, ready: &Ready) -> bool {
        let stage = &ready.stage;
        let decided = self.job.progress.decided.is_some();
        let coach = matches!(&stage.runs, Runs::Plugin { role: Role::Coach, .. });
        // Once it is decided, what led to the decision is settled; the person still has to be known again after a restart.
        if coach || ready.before_coach {
            return coach || !decided;
        }
        stage.when.is_empty() || self.route().is_some_and(|route| stage.when.contains(&route))
    }

    async fn run_stage(&mut self, ready: &Ready) -> Result<(), Failure> {
        if self.settled(ready) {
            if self.person.is_none() {
                decide::resume(self).await?;
            }
            return Ok(());
        }
        self.open_record(ready);
        self.tell("stage");
        let began = std::time::Instant::now();
        let span = self.job.stages.last().map_or_else(Span::none, traces::stage);
        let at_work = self.parts.pulse.enter(&ready.stage.name, self.job.id);
        let outcome = self.do_stage(ready).instrument(span.clone()).await;
        at_work.end(&outcome);
        let ms = began.elapsed().as_secs_f64() * 1_000.0;
        let line = outcome.as_ref().map_or_else(|failure| first_line(&failure.to_string()), |()| "ok".to_owned());
        metrics::histogram!("wtaf_stage_seconds", "stage" => ready.stage.name.clone()).record(ms / 1_000.0);
        tracing::info!(
            job = %self.job.id,
            stage = %ready.stage.name,
            plugin = ready.plugin.as_ref().map(|plugin| plugin.name.as_str()),
            digest = ready.plugin.as_ref().map(|plugin| &plugin.digest[..12]),
            ms = (ms * 1_000.0).round() / 1_000.0,
            outcome = if outcome.is_ok() { "ok" } else { "failed" },
            "stage ended"
        );
        if let Some(record) = self.job.stages.last_mut() {
            record.ms = (ms * 1_000.0).round() / 1_000.0;
            record.outcome = line;
        }
        if let Err(failure) = &outcome {
            traces::failed(&span, failure.word());
            self.tell("stage");
        }
        outcome
    }

    /// Whether what this stage makes is already there from before a restart.
    fn settled(&self, ready: &Ready) -> bool {
        let progress = &self.job.progress;
        match &ready.stage.runs {
            Runs::Plugin { role: Role::Coach, .. } => progress.decided.is_some(),
            Runs::Plugin { role: Role::Slug, .. } => progress.slug.is_some(),
            Runs::Adapter(AdapterStage::Publish) => progress.published.is_some(),
            _ => false,
        }
    }

    fn open_record(&mut self, ready: &Ready) {
        let plugin = ready.plugin.as_deref();
        self.job.stages.push(StageRecord {
            name: ready.stage.name.clone(),
            plugin: plugin.map(|plugin| plugin.name.clone()),
            version: plugin.map(|plugin| plugin.about.version.clone()),
            digest: plugin.map(|plugin| plugin.digest.clone()),
            at: Millis::now(),
            ms: 0.0,
            attempt: self.job.attempts + 1,
            outcome: RUNNING.into(),
        });
    }

    /// Each on the heap, or a job that waits in one would hold room for the largest of them.
    async fn do_stage(&mut self, ready: &Ready) -> Result<(), Failure> {
        match &ready.stage.runs {
            Runs::Plugin { role, .. } => match role {
                Role::Coach => Box::pin(decide::decide(self, ready)).await,
                Role::Prompt => Box::pin(make::prompt(self, ready)).await,
                Role::Extract => Box::pin(make::extract(self, ready)).await,
                Role::Slug => Box::pin(make::slug(self, ready)).await,
                Role::Filter => Box::pin(make::filter(self, ready)).await,
            },
            Runs::Adapter(AdapterStage::Ai) => Box::pin(make::answer(self, ready)).await,
            Runs::Adapter(AdapterStage::Publish) => Box::pin(publish::publish(self)).await,
            Runs::Adapter(AdapterStage::Files) => Box::pin(publish::write_file(self, ready)).await,
            Runs::Adapter(AdapterStage::Notify) => Box::pin(notify::notify(self)).await,
        }
    }
}

/// The page that an order changes.
fn edited(order: &Order) -> Option<&str> {
    order.page.as_deref().filter(|_| order.kind == "edit")
}

/// The generation a job began on, also across a restart; a job that begins gets the one for its person.
async fn generation_of(parts: &Arc<Parts>, job: &Job) -> Arc<Generation> {
    let Some(id) = job.generation.clone().map(GenerationId::from) else {
        return parts.generations.pick(&job.request.asker);
    };
    match began_on(parts, &id).await {
        // A version that was rolled back meanwhile is not given a second chance at the same job.
        Ok(generation) => parts.generations.before_failed(&generation).unwrap_or(generation),
        Err(why) => {
            tracing::warn!(job = %job.id, generation = %id, %why, "the generation it began on is gone: it goes on with what is in force");
            parts.generations.pick(&job.request.asker)
        }
    }
}

async fn began_on(parts: &Arc<Parts>, id: &GenerationId) -> Result<Arc<Generation>, String> {
    if let Some(resident) = parts.generations.resident(id) {
        return Ok(resident);
    }
    let _turn = parts.rebuilding.lock().await;
    if let Some(resident) = parts.generations.resident(id) {
        return Ok(resident);
    }
    let record = parts.generations.on_record(id).map_err(|error| error.to_string())?;
    let record = match (record, &parts.elsewhere) {
        (None, Some(elsewhere)) => elsewhere.on_record(id).await?,
        (record, _) => record,
    };
    let record = record.ok_or("it is not on record")?;
    let rebuild = Arc::clone(&parts.rebuild);
    let now = Arc::clone(&parts.generations.current().pipeline);
    let rebuilt = tokio::task::spawn_blocking(move || rebuild.rebuild(&record, &now)).await;
    let generation = Arc::new(rebuilt.map_err(|error| error.to_string())??);
    parts.generations.keep_as(id, &generation);
    Ok(generation)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
