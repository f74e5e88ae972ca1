//! A job's progress as the bucket has it: the checkpoints, who is at it, and which message stands for it.
//!
//! The bucket and not the database is where checkpoints are, for three reasons: accepting and working need no database up but for their effects; its revision
//! is a compare-and-set, so a worker that lost its job cannot write over what the next one wrote; and that revision is the fence.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use crate::job::Job;

/// Longer ones are compressed: an AI's answer shrinks to a fifth.
const PLAIN: usize = 16 * 1024;

/// Nothing of ours unpacks to more; what does was made to fill the memory of whoever reads it.
const LONGEST: u64 = 64 << 20;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stands {
    /// It was given back, or brought back.
    Waiting,
    /// Someone is at it.
    Work,
    /// It ended well, or was refused by rule.
    Done,
    /// It failed; the dead-letter stream has the whole of it.
    Failed,
    /// Its person was erased: only that there was a job stays, for a while.
    Forgotten,
}

impl Stands {
    /// Whether nothing is to be done for it.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Forgotten)
    }
}

/// What the bucket has of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) stands: Stands,
    /// The place of its message in the work stream, once someone took it up from there. Another message of the same job is a repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sequence: Option<u64>,
    /// Who is or was at it.
    #[serde(default)]
    pub(super) worker: String,
    /// What this taking-up is known by: a write whose answer was lost is recognised as one's own.
    #[serde(default)]
    pub(super) claim: String,
    /// Workers that took it up, one after another, without ending it or giving it back.
    #[serde(default)]
    pub(super) taken: u32,
    /// How often it was brought back.
    #[serde(default)]
    pub(super) retries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<Box<Job>>,
}

impl Entry {
    pub(super) fn decided(&self) -> bool {
        self.stands.is_over() || self.job.as_ref().is_some_and(|job| job.progress.decided.is_some())
    }
}

/// As it is written.
pub(super) fn encode<T: Serialize>(value: &T) -> std::io::Result<Bytes> {
    let plain = serde_json::to_vec(value)?;
    if plain.len() <= PLAIN {
        return Ok(plain.into());
    }
    let mut packed = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    packed.write_all(&plain)?;
    Ok(packed.finish()?.into())
}

/// As it is read. Whoever may write to the servers may have written this.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> std::io::Result<T> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(serde_json::from_slice(bytes)?);
    }
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(LONGEST).read_to_end(&mut plain)?;
    Ok(serde_json::from_slice(&plain)?)
}

/// Without the AI's answers, which are long and of no use once a job has ended.
pub(super) fn without_answers(job: &Job) -> Job {
    let mut slim = job.clone();
    for answer in &mut slim.progress.answers {
        answer.text = String::new();
    }
    slim.progress.material.clear();
    slim
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_packed_and_read_as_it_was() {
        for length in [10, 100_000] {
            let value = "otters and ".repeat(length);
            let bytes = encode(&value).unwrap();
            assert!(length < 100 || bytes.len() < value.len() / 4);
            assert_eq!(decode::<String>(&bytes).unwrap(), value);
        }
    }

    #[test]
    fn what_unpacks_without_end_is_cut_off() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..80 {
            packed.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        assert!(decode::<String>(&packed.finish().unwrap()).is_err());
    }
}
