//! What our streams, their subjects and keys are called. Knows names alone.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{
    adapter::nats::Nats,
    job::{Asker, JobId},
};

/// Who asks, as subjects have it: a digest, so that a list of subjects is no list of phone numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn of(asker: &Asker) -> Self {
        let kind = match asker {
            Asker::Phone(_) => "phone",
            Asker::Guest(_) => "guest",
        };
        Self(hex::encode(&Sha256::digest(format!("{kind} {}", asker.key()))[..16]))
    }

    /// As it was written; anything else is no tag.
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A job, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) id: JobId,
    pub(super) tag: Tag,
}

impl Key {
    pub(super) fn of(id: JobId, asker: &Asker) -> Self {
        Self { id, tag: Tag::of(asker) }
    }
}

/// The names on one prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The stream of what waits and is at work.
    pub(super) work: String,
    /// The bucket of the jobs' progress.
    pub(super) jobs: String,
    /// The bucket of the deliveries that were accepted.
    pub(super) seen: String,
    /// The stream of what failed.
    pub(super) dead: String,
    prefix: String,
}

impl Names {
    pub(super) fn of(nats: &Nats) -> Self {
        Self {
            work: nats.name("work"),
            jobs: nats.name("jobs"),
            seen: nats.name("seen"),
            dead: nats.name("dead"),
            prefix: nats.prefix().to_owned(),
        }
    }

    /// The stream behind a bucket.
    pub(super) fn bucket_stream(bucket: &str) -> String {
        format!("KV_{bucket}")
    }

    /// Where a job waits and is at work.
    pub(super) fn work_of(&self, key: &Key) -> String {
        format!("{}.work.{}.{}", self.prefix, key.tag, key.id)
    }

    /// All that one asker has there.
    pub(super) fn work_by(&self, tag: &Tag) -> String {
        format!("{}.work.{tag}.*", self.prefix)
    }

    /// Whoever's the job is.
    pub(super) fn work_any(&self, id: JobId) -> String {
        format!("{}.work.*.{id}", self.prefix)
    }

    pub(super) fn all_work(&self) -> String {
        format!("{}.work.*.*", self.prefix)
    }

    /// The job that a subject of the work stream names.
    pub(super) fn of_work(subject: &str) -> Option<Key> {
        let mut parts = subject.rsplit('.');
        let (id, tag) = (parts.next()?, parts.next()?);
        Some(Key { id: id.parse().ok()?, tag: Tag::parse(tag)? })
    }

    /// Where a job's progress is.
    pub(super) fn job_of(&self, key: &Key) -> String {
        format!("$KV.{}.{}.{}", self.jobs, key.id, key.tag)
    }

    pub(super) fn job_any(&self, id: JobId) -> String {
        format!("$KV.{}.{id}.*", self.jobs)
    }

    pub(super) fn jobs_by(&self, tag: &Tag) -> String {
        format!("$KV.{}.*.{tag}", self.jobs)
    }

    pub(super) fn all_jobs(&self) -> String {
        format!("$KV.{}.>", self.jobs)
    }

    /// The job that a key of the bucket, or a subject of the dead-letter stream, names.
    pub(super) fn of_job(subject: &str) -> Option<Key> {
        let mut parts = subject.rsplit('.');
        let (tag, id) = (parts.next()?, parts.next()?);
        Some(Key { id: id.parse().ok()?, tag: Tag::parse(tag)? })
    }

    /// Where it is written that a delivery was accepted.
    pub(super) fn seen_of(&self, delivery: &str) -> String {
        format!("$KV.{}.{}", self.seen, hex::encode(Sha256::digest(delivery)))
    }

    pub(super) fn all_seen(&self) -> String {
        format!("$KV.{}.>", self.seen)
    }

    /// Where a failed job is kept.
    pub(super) fn dead_of(&self, key: &Key) -> String {
        format!("{}.dead.{}.{}", self.prefix, key.id, key.tag)
    }

    pub(super) fn dead_any(&self, id: JobId) -> String {
        format!("{}.dead.{id}.*", self.prefix)
    }

    pub(super) fn dead_by(&self, tag: &Tag) -> String {
        format!("{}.dead.*.{tag}", self.prefix)
    }

    pub(super) fn all_dead(&self) -> String {
        format!("{}.dead.>", self.prefix)
    }

    /// What was no job, by its place in the work stream.
    pub(super) fn damaged(&self, sequence: u64) -> String {
        format!("{}.dead.damaged.{sequence}", self.prefix)
    }

    /// Where a worker is asked whether it is at a job.
    pub(super) fn holds(&self, worker: &str) -> String {
        format!("{}.holds.{worker}", self.prefix)
    }

    /// Where workers are asked whether they can work.
    pub(super) fn able(&self) -> String {
        format!("{}.able", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{GuestKey, JobIds, Millis};

    #[test]
    fn a_subject_names_its_job_and_nobodys_number() {
        let names = Names {
            work: "p_work".into(),
            jobs: "p_jobs".into(),
            seen: "p_seen".into(),
            dead: "p_dead".into(),
            prefix: "p".into(),
        };
        let id = JobIds::default().next(Millis(1));
        let key = Key::of(id, &Asker::Phone("+15550001111".parse().unwrap()));

        assert_eq!(Names::of_work(&names.work_of(&key)), Some(key.clone()));
        assert_eq!(Names::of_job(&names.job_of(&key)), Some(key.clone()));
        assert_eq!(Names::of_job(&names.dead_of(&key)), Some(key.clone()));
        assert!(!names.work_of(&key).contains("555"));
        assert_eq!(Names::of_work("p.work.x.y"), None);
        assert_eq!(Names::of_job(&names.damaged(7)), None);
    }

    #[test]
    fn a_guest_is_nobody_with_a_number() {
        let number: Asker = Asker::Phone("+15550001111".parse().unwrap());
        let guest = Asker::Guest(GuestKey::from_stored("+15550001111".into()));
        assert_ne!(Tag::of(&number), Tag::of(&guest));
    }
}
