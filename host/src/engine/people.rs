//! One person's data: everything kept about them, given out or erased, wherever it is: database, queue, recordings, outbox, folders of pages.
//!
//! Erasing can be done again at any moment and goes on where it broke off: the database, which leads to everything else, is last.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    adapter::{
        queue::{Queue, QueueError, State},
        store::{Erased, Held, Lookup, Person, Store, StoreError, Traces, Whom},
    },
    config::{AdapterStage, Pipeline, Runs},
    job::{Asker, Job, JobId, Phone},
    plugin::Recordings,
};

/// Why somebody's data could not be found or erased.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Nobody here is known by that.
    #[error("nobody is known by {0}")]
    Nobody(String),
    /// The database would not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue would not, or requests of theirs are under way.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A file would not go.
    #[error("{what}: {source}")]
    Disk {
        /// What was tried, on which file.
        what: String,
        /// Why not.
        source: io::Error,
    },
}

/// Where data of people is.
pub struct Places<'a> {
    /// Folders and stages.
    pub pipeline: &'a Pipeline,
    /// The database.
    pub store: &'a dyn Store,
    /// The queue.
    pub queue: &'a dyn Queue,
    /// What plugins were asked and answered.
    pub recordings: &'a Recordings,
}

/// Someone, and all that leads to what is kept of them.
#[derive(Debug, Clone)]
pub struct Known {
    /// As the store finds them.
    pub whom: Whom,
    /// Their account, where they have one.
    pub person: Option<Person>,
    /// What else is theirs.
    pub traces: Traces,
    /// Their jobs that the queue has, and where each stands.
    pub jobs: Vec<(State, Job)>,
}

impl Known {
    /// How many of their requests are under way.
    pub fn under_way(&self) -> usize {
        self.jobs.iter().filter(|(state, _)| matches!(state, State::New | State::Work)).count()
    }
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows, by table.
    pub database: Vec<Erased>,
    /// Files of the queue.
    pub queue: usize,
    /// Recordings of plugin calls.
    pub recordings: usize,
    /// Texts in `outbox/`.
    pub texts: usize,
    /// Folders of pages for static hosting.
    pub folders: usize,
}

impl Places<'_> {
    /// Someone by their number, or by the first part of their pages' addresses, now or before.
    pub async fn find(&self, who: &str) -> Result<Known, PeopleError> {
        let nobody =
            || PeopleError::Nobody(who.parse::<Phone>().map_or_else(|_| who.to_owned(), |phone| phone.to_string()));
        let (asker, person) = if let Ok(phone) = who.parse::<Phone>() {
            let asker = Asker::Phone(phone);
            let person = self.store.person(&asker).await?;
            (asker, person)
        } else {
            let person = match self.store.home(&who.to_ascii_lowercase()).await? {
                Lookup::Found(person) => Some(person),
                Lookup::Moved(to) => self.store.person_by_slug(&to.user).await?,
                Lookup::Missing => None,
            };
            let person = person.ok_or_else(nobody)?;
            (person.asker.clone(), Some(person))
        };
        let mut whom = Whom { asker, person: person.as_ref().map(|person| person.id), jobs: Vec::new() };
        let askers = self.store.traces(&whom).await?.askers;
        let jobs = self.queue.of_askers(&askers).await?;
        whom.jobs = jobs.iter().map(|(_, job)| job.id).collect();
        let traces = self.store.traces(&whom).await?;
        if person.is_none()
            && traces.jobs.is_empty()
            && texts(self.outbox(), &whom, &traces).map_err(listing)?.is_empty()
        {
            return Err(nobody());
        }
        Ok(Known { whom, person, traces, jobs })
    }

    /// Everything, as one value that reads from the top: who, what they asked, what was made and said, what was counted.
    pub async fn everything(&self, known: &Known) -> Result<Value, PeopleError> {
        let held = self.store.held(&known.whom).await?;
        let texts = texts(self.outbox(), &known.whom, &known.traces).map_err(listing)?;
        let sent: Vec<_> = texts.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
        let mut recordings = serde_json::Map::new();
        for id in &known.traces.jobs {
            let calls =
                self.recordings.of(*id).map_err(|source| disk("reading the recording of", &id.to_string(), source))?;
            if !calls.is_empty() {
                recordings.insert(id.to_string(), json!(calls));
            }
        }
        Ok(json!({
            "person": known.person.as_ref().map(about),
            "number": known.whom.asker.phone().map(Phone::e164),
            "addresses": known.traces.slugs,
            "database": held.into_iter().map(|Held { table, rows }| (table.to_owned(), Value::Array(rows))).collect::<serde_json::Map<_, _>>(),
            "queue": known.jobs.iter().map(|(_, job)| json!(job)).collect::<Vec<_>>(),
            "texts": sent,
            "plugin_calls": recordings,
        }))
    }

    /// Erases everything about someone; what must stay (that they left, what was paid) stays for no one.
    pub async fn erase(&self, known: &Known) -> Result<Report, PeopleError> {
        let Known { whom, traces, .. } = known;
        // It refuses where something is under way, and so is first.
        let queue = self.queue.forget(&traces.jobs, &traces.askers, &traces.slugs).await?;
        let mut recordings = 0;
        for id in &traces.jobs {
            let of = |source| disk("removing the recording of", &id.to_string(), source);
            recordings += usize::from(!self.recordings.of(*id).map_err(of)?.is_empty());
            self.recordings.forget(*id).map_err(of)?;
        }
        let texts = texts(self.outbox(), whom, traces).map_err(listing)?;
        for path in &texts {
            fs::remove_file(path).map_err(|source| disk("removing", &path.display().to_string(), source))?;
        }
        let folders = self.folders(traces);
        for folder in &folders {
            fs::remove_dir_all(folder).map_err(|source| disk("removing", &folder.display().to_string(), source))?;
        }
        let database = self.store.erase(whom).await?;
        Ok(Report { database, queue, recordings, texts: texts.len(), folders: folders.len() })
    }

    /// What would go, without anything going.
    pub async fn count(&self, known: &Known) -> Result<Report, PeopleError> {
        let held = self.store.held(&known.whom).await?;
        let mut recordings = 0;
        for id in &known.traces.jobs {
            let calls =
                self.recordings.of(*id).map_err(|source| disk("reading the recording of", &id.to_string(), source))?;
            recordings += usize::from(!calls.is_empty());
        }
        Ok(Report {
            database: held.iter().map(|Held { table, rows }| Erased { table, rows: rows.len() as u64 }).collect(),
            queue: known.jobs.len(),
            recordings,
            texts: texts(self.outbox(), &known.whom, &known.traces).map_err(listing)?.len(),
            folders: self.folders(&known.traces).len(),
        })
    }

    fn outbox(&self) -> PathBuf {
        self.pipeline.data_dir.join("outbox")
    }

    /// Where `files` stages put their pages.
    fn folders(&self, traces: &Traces) -> Vec<PathBuf> {
        let dirs: BTreeSet<PathBuf> = self
            .pipeline
            .stages
            .iter()
            .filter(|stage| matches!(stage.runs, Runs::Adapter(AdapterStage::Files)))
            .filter_map(|stage| Some(PathBuf::from(stage.config.get("dir")?.as_str()?)))
            .collect();
        let slugs = traces.slugs.iter().filter(|slug| is_plain(slug));
        slugs.flat_map(|slug| dirs.iter().map(move |dir| dir.join(slug))).filter(|folder| folder.is_dir()).collect()
    }
}

/// Their account, as people read it.
pub fn about(person: &Person) -> Value {
    json!({
        "slug": person.slug,
        "number": person.phone().map(Phone::e164),
        "role": person.role,
        "left": person.standing == crate::adapter::store::Standing::Left,
        "confirmed": person.confirmed,
        "home": person.home,
        "joined": person.joined,
    })
}

/// A slug is part of a path here: an old row may hold anything.
fn is_plain(slug: &str) -> bool {
    !slug.is_empty() && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Texts that the console carrier wrote for them: named by a job of theirs, or to their number.
fn texts(outbox: PathBuf, whom: &Whom, traces: &Traces) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(outbox) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let jobs: BTreeSet<JobId> = traces.jobs.iter().copied().collect();
    let numbers: BTreeSet<&str> =
        traces.askers.iter().chain([&whom.asker]).filter_map(Asker::phone).map(Phone::e164).collect();
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if of_job(&path).is_some_and(|id| jobs.contains(&id))
            || to(&path).is_some_and(|to| numbers.contains(to.as_str()))
        {
            found.push(path);
        }
    }
    Ok(found)
}

fn of_job(path: &Path) -> Option<JobId> {
    path.file_name()?.to_str()?.split_once('-')?.0.parse().ok()
}

fn to(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.lines().next()?.strip_prefix("To:")?.trim().to_owned())
}

fn disk(what: &str, of: &str, source: io::Error) -> PeopleError {
    PeopleError::Disk { what: format!("{what} {of}"), source }
}

fn listing(source: io::Error) -> PeopleError {
    disk("listing", "outbox/", source)
}
