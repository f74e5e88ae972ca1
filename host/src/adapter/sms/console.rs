//! Texts for a phone in the browser: each is a readable file under `data/outbox/`, and taken at once.

use std::{
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{Sms, SmsError, Taken, Text, segments};
use crate::job::{Millis, Phone};

/// The carrier of someone who has none.
#[derive(Debug)]
pub struct Console {
    outbox: PathBuf,
}

impl Console {
    /// Texts go to `<data_dir>/outbox`.
    pub fn open(data_dir: &Path) -> Result<Self, SmsError> {
        let outbox = data_dir.join("outbox");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&outbox).map_err(|why| {
            SmsError::Misconfigured {
                code: "outbox".to_owned(),
                why: format!("the folder {} cannot be made: {why}", outbox.display()),
            }
        })?;
        Ok(Self { outbox })
    }
}

#[async_trait]
impl Sms for Console {
    /// A text sent twice is there once: its file and its sid follow from its id.
    async fn send(&self, text: &Text) -> Result<Taken, SmsError> {
        let path = self.outbox.join(format!("{}.txt", plain(&text.id)));
        let body = segments::outgoing(&text.body);
        let contents = format!("To: {}\nAt: {}\n\n{body}\n", text.to.e164(), Millis::now());
        let (shown, digest) = (path.display().to_string(), Sha256::digest(text.id.as_bytes()));
        let written = tokio::task::spawn_blocking(move || write(&path, &contents)).await;
        match written {
            Ok(Ok(())) => {
                let sid = format!("console-{}", &hex::encode(digest)[..32]);
                Ok(Taken { sid, segments: segments::measure(&body).segments })
            }
            Ok(Err(why)) => Err(SmsError::Later { why: format!("writing {shown}: {why}"), after: None }),
            Err(why) => Err(SmsError::Later { why: format!("writing {shown} ended early: {why}"), after: None }),
        }
    }

    /// Sending again is harmless, so there is nothing to look for.
    async fn find_taken(&self, _to: &Phone, _body: &str, _since: Millis) -> Result<Option<Taken>, SmsError> {
        Ok(None)
    }

    async fn prune(&self, before: Millis) -> std::io::Result<u64> {
        let outbox = self.outbox.clone();
        tokio::task::spawn_blocking(move || sweep(&outbox, before)).await.map_err(std::io::Error::other)?
    }
}

/// By the files' own times.
fn sweep(outbox: &Path, before: Millis) -> std::io::Result<u64> {
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_millis(before.0);
    let mut gone = 0;
    for entry in std::fs::read_dir(outbox)? {
        let entry = entry?;
        let what = entry.metadata()?;
        if what.is_file() && what.modified()? < then {
            std::fs::remove_file(entry.path())?;
            gone += 1;
        }
    }
    Ok(gone)
}

fn write(path: &Path, contents: &str) -> std::io::Result<()> {
    let making = path.with_extension("making");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&making)?;
    file.write_all(contents.as_bytes())?;
    std::fs::rename(&making, path)
}

/// A text's id as a file name.
fn plain(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(120).collect()
}
