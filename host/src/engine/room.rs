//! Whether a request could be written down now. With the queue in files the disk decides that, and a balancer must know it before a text is sent here and refused.
//!
//! It is tried, with a file that has no name: how much is free says nothing of a quota, of inodes, or of a disk that may not be written any more.

use std::{
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::config::{Pipeline, QueueBackend};

/// More than a request takes, its job and the names they are known by.
const REQUEST: usize = 64 << 10;
/// How long a finding counts: whoever asks often is told what was found.
const FRESH: Duration = Duration::from_secs(1);

/// What was found last, and when.
#[derive(Default)]
pub(super) struct Gauge(Mutex<Option<(Instant, String)>>);

impl Gauge {
    /// `ok`, or why nothing can be written; nothing where requests are not written to a disk of ours.
    pub(super) async fn of(&self, pipeline: &Pipeline) -> Option<String> {
        match pipeline.queue.backend {
            QueueBackend::Files => Some(self.look(&pipeline.data_dir).await),
            QueueBackend::Nats(_) => None,
        }
    }

    /// One looks at a time; the others wait for what it finds.
    async fn look(&self, data: &Path) -> String {
        let mut last = self.0.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let folder = data.join("wtaf/tmp");
        let tried = tokio::task::spawn_blocking(move || try_to_write(&folder)).await;
        let found = match tried {
            Ok(Ok(())) => "ok".to_owned(),
            Ok(Err(error)) => format!("nothing can be written to {}: {error}", data.display()),
            Err(error) => error.to_string(),
        };
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

fn try_to_write(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder)?.write_all(&vec![0; REQUEST])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_that_takes_a_request_is_well_and_nothing_stays_in_it() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("wtaf/tmp");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(Gauge::default().look(data.path()).await, "ok");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_not_and_that_counts_for_a_moment() {
        let data = tempfile::tempdir().unwrap();
        let gauge = Gauge::default();
        assert!(gauge.look(data.path()).await.contains("nothing can be written"));
        std::fs::create_dir_all(data.path().join("wtaf/tmp")).unwrap();
        assert!(
            gauge.look(data.path()).await.contains("nothing can be written"),
            "within a second it is not tried anew"
        );
    }
}
