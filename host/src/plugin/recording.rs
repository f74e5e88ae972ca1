//! What plugins were asked and what they answered, job by job: a file of lines a job, which a person can read, a rehearsal can try a new version on, and
//! `jobs replay` can run again.
//!
//! Bounded in number and in size, oldest gone first. It is written when a job has gone as far as it goes, and nothing waits for it: lost in a crash, a
//! recording is missed by nobody but a replay.

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    io::{BufRead, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Asked, Call, Grants, Limits, Question, bindings::types};
use crate::job::{JobId, Millis};

/// A call with more than this in it is not kept whole: 4 MiB.
const LONGEST: usize = 4 << 20;

/// What all recordings together may take on the disk: 512 MiB.
const ALL: u64 = 512 << 20;

/// Calls of a plugin kept at hand for rehearsals, and their bytes.
const AT_HAND: usize = 256;
const AT_HAND_BYTES: usize = 8 << 20;

/// One call and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When.
    pub at: Millis,
    /// The stage.
    pub stage: String,
    /// What pipeline.toml calls the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// The generation the job ran on.
    pub generation: String,
    /// Milliseconds of processor time.
    pub ms: f64,
    /// What it was told.
    pub context: types::Context,
    /// What it was asked.
    pub question: Question,
    /// What it answered…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// …or what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Whether people's words were left out: then it cannot be run again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_words: bool,
}

impl Recorded {
    /// The answer, or how it failed.
    pub fn came_of_it(&self) -> Value {
        let failed = || faulted(self.fault.as_deref().unwrap_or_default());
        self.answer.clone().unwrap_or_else(failed)
    }

    /// The same call, to be put to some version again.
    pub fn call(&self, limits: Limits, grants: Grants) -> Call {
        Call {
            stage: self.stage.as_str().into(),
            limits,
            grants,
            context: self.context.clone(),
            question: self.question.clone(),
        }
    }
}

impl Asked {
    /// The answer, or how it failed, as a recording has it.
    pub fn came_of_it(&self) -> Value {
        match &self.outcome {
            Ok(answer) => answer.to_json(),
            Err(error) => faulted(&error.fault.to_string()),
        }
    }
}

/// The first line tells; what comes after it is a backtrace.
fn faulted(words: &str) -> Value {
    json!({ "fault": words.lines().next().unwrap_or_default() })
}

/// The recordings of a data directory.
pub struct Recordings {
    dir: PathBuf,
    keep: usize,
    words: bool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Oldest first: id and bytes.
    jobs: VecDeque<(JobId, u64)>,
    bytes: u64,
    at_hand: HashMap<String, AtHand>,
}

#[derive(Default)]
struct AtHand {
    calls: VecDeque<(Arc<Recorded>, usize)>,
    bytes: usize,
}

impl Recordings {
    /// Those below `data_dir`; `keep` jobs are kept, none where it is 0. Without `words` what people and AIs wrote is left out of what is written from now on.
    pub fn open(data_dir: &Path, keep: usize, words: bool) -> io::Result<Self> {
        let dir = data_dir.join("recordings");
        super::own::folder(&dir)?;
        let mut jobs: Vec<_> = fs::read_dir(&dir)?
            .flatten()
            .filter_map(|entry| {
                let id = entry.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok()?;
                Some((id, entry.metadata().ok()?.len()))
            })
            .collect();
        jobs.sort_unstable_by_key(|(id, _)| *id);
        let bytes = jobs.iter().map(|(_, bytes)| bytes).sum();
        let kept = Kept { jobs: jobs.into(), bytes, at_hand: HashMap::new() };
        Ok(Self { dir, keep, words, kept: Mutex::new(kept) })
    }

    /// Reads the newest few, so that there is something to rehearse with right after a start.
    pub fn warm(&self) {
        let newest: Vec<JobId> = self.lock().jobs.iter().rev().take(50).map(|(id, _)| *id).collect();
        for id in newest.into_iter().rev() {
            for recorded in self.of(id).unwrap_or_default() {
                self.take_to_hand(Arc::new(recorded));
            }
        }
    }

    /// Adds a job's calls to its recording. Blocking: call it off the async threads.
    pub fn add(&self, id: JobId, calls: Vec<Recorded>) -> io::Result<()> {
        if self.keep == 0 || calls.is_empty() {
            return Ok(());
        }
        let path = self.path(id);
        let fresh = !path.exists();
        let mut lines = Vec::new();
        for recorded in calls {
            let recorded = if self.words { recorded } else { without_words(recorded) };
            let start = lines.len();
            serde_json::to_writer(&mut lines, &recorded)?;
            if lines.len() - start > LONGEST {
                lines.truncate(start);
                serde_json::to_writer(&mut lines, &without_words(recorded))?;
            } else if !recorded.without_words && recorded.answer.is_some() {
                self.take_to_hand(Arc::new(recorded));
            }
            lines.push(b'\n');
        }
        let mut file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        file.write_all(&lines)?;
        let mut kept = self.lock();
        let added = lines.len() as u64;
        kept.bytes += added;
        match kept.jobs.iter_mut().rev().find(|(known, _)| *known == id) {
            Some((_, bytes)) if !fresh => *bytes += added,
            _ => kept.jobs.push_back((id, added)),
        }
        while kept.jobs.len() > self.keep || kept.bytes > ALL {
            let Some((oldest, bytes)) = kept.jobs.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(bytes);
            remove(&self.path(oldest))?;
        }
        Ok(())
    }

    /// A job's calls, in order; none where nothing was recorded.
    pub fn of(&self, id: JobId) -> io::Result<Vec<Recorded>> {
        let file = match fs::File::open(self.path(id)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut calls = Vec::new();
        for line in io::BufReader::new(file).lines() {
            // A line cut short by a crash, or one of a later engine, takes nothing from the others.
            if let Ok(recorded) = serde_json::from_str(&line?) {
                calls.push(recorded);
            }
        }
        Ok(calls)
    }

    /// The last calls of a plugin that were answered, newest first.
    pub fn last(&self, plugin: &str, most: usize) -> Vec<Arc<Recorded>> {
        let kept = self.lock();
        let Some(at_hand) = kept.at_hand.get(plugin) else { return Vec::new() };
        at_hand.calls.iter().rev().take(most).map(|(recorded, _)| Arc::clone(recorded)).collect()
    }

    /// The jobs of which there is a recording.
    pub fn jobs(&self) -> Vec<JobId> {
        self.lock().jobs.iter().map(|(id, _)| *id).collect()
    }

    /// Removes a job's recording.
    pub fn forget(&self, id: JobId) -> io::Result<()> {
        let mut kept = self.lock();
        if let Some(at) = kept.jobs.iter().position(|(known, _)| *known == id)
            && let Some((_, bytes)) = kept.jobs.remove(at)
        {
            kept.bytes = kept.bytes.saturating_sub(bytes);
        }
        for at_hand in kept.at_hand.values_mut() {
            at_hand.calls.retain(|(recorded, _)| recorded.context.job != id.to_string());
            at_hand.bytes = at_hand.calls.iter().map(|(_, size)| size).sum();
        }
        drop(kept);
        remove(&self.path(id))
    }

    fn take_to_hand(&self, recorded: Arc<Recorded>) {
        if recorded.without_words || recorded.answer.is_none() {
            return;
        }
        let size = size_of(&recorded.question) + recorded.answer.as_ref().map(json_size).unwrap_or_default();
        let mut kept = self.lock();
        let at_hand = kept.at_hand.entry(recorded.plugin.clone()).or_default();
        at_hand.bytes += size;
        at_hand.calls.push_back((recorded, size));
        while at_hand.calls.len() > AT_HAND || (at_hand.bytes > AT_HAND_BYTES && at_hand.calls.len() > 1) {
            let Some((_, size)) = at_hand.calls.pop_front() else { break };
            at_hand.bytes -= size;
        }
    }

    fn path(&self, id: JobId) -> PathBuf {
        self.dir.join(format!("{id}.jsonl"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn size_of(question: &Question) -> usize {
    match question {
        Question::Decide { request, .. } => request.text.len(),
        Question::Say { .. } => 0,
        Question::Compose { order, material, .. } => {
            order.text.len() + material.iter().map(|(_, text)| text.len()).sum::<usize>()
        }
        Question::Extract { answer, .. } => answer.len(),
        Question::Propose { order, .. } => order.text.len(),
        Question::Apply { content } => match content {
            super::filter::Content::Idea(request) => request.text.len(),
            super::filter::Content::Reply(words) => words.len(),
            super::filter::Content::Page(page) => page.html.len(),
        },
    }
}

fn json_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 16,
        Value::Array(all) => all.iter().map(json_size).sum::<usize>() + 16,
        Value::Object(all) => all.values().map(json_size).sum::<usize>() + 16,
        _ => 16,
    }
}

/// What happened without what was said: every text of the call and of its answer is replaced by its length.
fn without_words(mut recorded: Recorded) -> Recorded {
    recorded.without_words = true;
    if let Ok(mut question) = serde_json::to_value(&recorded.question) {
        blank(&mut question);
        if let Ok(question) = serde_json::from_value(question) {
            recorded.question = question;
        }
    }
    if let Some(answer) = &mut recorded.answer {
        blank(answer);
    }
    if let Some(fault) = &mut recorded.fault {
        fault.truncate(fault.find(':').unwrap_or(0));
    }
    recorded
}

fn blank(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("[{} characters]", text.chars().count()),
        Value::Array(all) => all.iter_mut().for_each(blank),
        // An enum's case is its object's key, and a message's role is one of three words: neither is anybody's words.
        Value::Object(all) => all.iter_mut().filter(|(name, _)| *name != "role").for_each(|(_, value)| blank(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobIds;

    fn recorded(n: usize, words: &str) -> Recorded {
        Recorded {
            at: Millis(1),
            stage: "slug".into(),
            plugin: "slug".into(),
            version: "0.1.0".into(),
            digest: "d".into(),
            generation: "g".into(),
            ms: 0.1,
            context: types::Context {
                job: n.to_string(),
                attempt: 1,
                now: 1,
                seed: 1,
                config: "{}".into(),
                extra: Vec::new(),
            },
            question: Question::Propose {
                order: types::Order {
                    kind: "page".into(),
                    text: words.into(),
                    coach: None,
                    page: None,
                    why: "asked".into(),
                    extra: Vec::new(),
                },
                title: Some(words.into()),
                taken: Vec::new(),
            },
            answer: Some(serde_json::json!([words])),
            fault: None,
            without_words: false,
        }
    }

    #[test]
    fn a_recording_is_read_as_it_was_written_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let id = JobIds::default().next(Millis(5));
        let calls = vec![recorded(1, "a snake game"), recorded(1, "another")];

        Recordings::open(folder.path(), 10, true).unwrap().add(id, calls.clone()).unwrap();
        let again = Recordings::open(folder.path(), 10, true).unwrap();
        again.warm();

        assert_eq!(again.of(id).unwrap(), calls);
        assert_eq!(again.last("slug", 1)[0].question, calls[1].question);
    }

    #[test]
    fn the_oldest_recordings_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::open(folder.path(), 3, true).unwrap();
        let ids = JobIds::default();
        let all: Vec<_> = (0..5).map(|n| ids.next(Millis(n))).collect();

        for (n, id) in all.iter().enumerate() {
            recordings.add(*id, vec![recorded(n, "x")]).unwrap();
        }

        assert!(recordings.of(all[1]).unwrap().is_empty());
        assert_eq!(recordings.of(all[2]).unwrap().len(), 1);
        assert_eq!(fs::read_dir(folder.path().join("recordings")).unwrap().count(), 3);
    }

    #[test]
    fn without_words_a_recording_tells_what_happened_and_not_what_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::open(folder.path(), 3, false).unwrap();
        let id = JobIds::default().next(Millis(5));

        recordings.add(id, vec![recorded(1, "my secret garden")]).unwrap();

        let kept = recordings.of(id).unwrap().remove(0);
        assert!(kept.without_words && !format!("{kept:?}").contains("garden"), "{kept:?}");
        assert!(recordings.last("slug", 9).is_empty());
    }

    #[test]
    fn a_job_that_is_forgotten_is_on_no_disk_and_at_nobodys_hand() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::open(folder.path(), 3, true).unwrap();
        let ids = JobIds::default();
        let (one, two) = (ids.next(Millis(5)), ids.next(Millis(6)));
        for id in [one, two] {
            let mut call = recorded(1, "a snake game");
            call.context.job = id.to_string();
            recordings.add(id, vec![call]).unwrap();
        }

        recordings.forget(one).unwrap();

        assert!(recordings.of(one).unwrap().is_empty());
        let at_hand = recordings.last("slug", 9);
        assert_eq!(at_hand.iter().map(|call| call.context.job.as_str()).collect::<Vec<_>>(), [two.to_string()]);
        assert_eq!(fs::read_dir(folder.path().join("recordings")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::open(folder.path(), 0, true).unwrap();
        let id = JobIds::default().next(Millis(5));

        recordings.add(id, vec![recorded(1, "x")]).unwrap();

        assert!(recordings.of(id).unwrap().is_empty());
    }
}
