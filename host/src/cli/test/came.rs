//! What came of a case, as far as anything may be asked of it.

use crate::{
    adapter::{
        ai::AiCall,
        store::{Lookup, PageKey, Result, Store},
    },
    job::{ForPerson, Job, JobError, Status},
};

/// How a job ended.
pub(super) struct Came {
    pub status: Status,
    pub error: Option<JobError>,
    /// The order's kind, `reply` or `silence`; none where nothing was decided.
    pub kind: Option<String>,
    /// Why there was silence.
    pub silence: Option<String>,
    /// What they read, in the order written: texts, and what the chat shows where no text says it.
    pub read: Vec<String>,
    /// How many of these are texts.
    pub texts: usize,
    pub title: Option<String>,
    pub slug: Option<String>,
    pub html: Option<String>,
    /// What the AI was told, message by message.
    pub told: Vec<String>,
    /// The stages that ran, each once, and the last outcome of each.
    pub stages: Vec<(String, String)>,
}

impl Came {
    /// Reads it from the job, and from the store it was kept in.
    pub(super) async fn of(job: Job, store: &dyn Store, heard: Vec<AiCall>) -> Result<Self> {
        let texts = store.texts_of(job.id).await?;
        let mut read: Vec<String> = texts.iter().map(|text| text.text.body.clone()).collect();
        read.extend(job.progress.reply.clone().filter(|words| !read.contains(words)));
        let page = job.progress.published.as_ref();
        let key = page.map(|page| PageKey { user: page.user.clone(), app: page.app.clone() });
        let html = match key {
            Some(key) => match store.page(&key, None).await? {
                Lookup::Found(page) => Some(page.draft.html),
                Lookup::Moved(_) | Lookup::Missing => None,
            },
            None => None,
        };
        let (kind, silence) = match job.progress.decided.as_ref().map(|decided| &decided.then) {
            Some(ForPerson::Order(order)) => (Some(order.kind.clone()), None),
            Some(ForPerson::Reply(_)) => (Some("reply".to_owned()), None),
            Some(ForPerson::Silence(why)) => (Some("silence".to_owned()), Some(why.clone())),
            None => (None, None),
        };
        Ok(Self {
            kind,
            silence,
            texts: texts.len(),
            read,
            title: page.map(|page| page.title.clone()),
            slug: page.map(|page| page.app.clone()),
            html,
            told: heard.into_iter().flat_map(|call| call.messages).map(|message| message.text.to_string()).collect(),
            stages: ran(&job),
            status: job.status,
            error: job.error,
        })
    }

    /// The names of the stages that ran.
    pub(super) fn ran(&self) -> Vec<&str> {
        self.stages.iter().map(|(name, _)| name.as_str()).collect()
    }
}

fn ran(job: &Job) -> Vec<(String, String)> {
    let mut ran: Vec<(String, String)> = Vec::new();
    for stage in &job.stages {
        match ran.iter_mut().find(|(name, _)| *name == stage.name) {
            Some((_, outcome)) => outcome.clone_from(&stage.outcome),
            None => ran.push((stage.name.clone(), stage.outcome.clone())),
        }
    }
    ran
}
