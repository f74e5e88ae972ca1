//! One finished file: read, made a job, put away; or refused, with a note beside it.

use std::{
    ffi::OsStr,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    adapter::queue::{Accepted, QueueError},
    job::Request,
};

use super::{
    Print,
    header::{self, Fault},
};
use crate::adapter::queue::files::{Shared, accept, durable, layout::Dir};

/// A dropped file holds no more than this.
const MAX: u64 = 64 * 1024;

/// What became of a file.
pub(super) enum Outcome {
    /// It is a job, and in `taken/`.
    Taken,
    /// It stays where it is, with a note.
    Refused,
    /// It was not finished after all.
    Changed,
    /// Good, but not now.
    Later,
}

/// Why a file is no request.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("it is a link, a folder or a device, not a plain file")]
    NotAFile,
    #[error("it has {0} bytes, and a request has at most {MAX}")]
    TooBig(u64),
    #[error("it is not UTF-8: byte {0} is the first that is not")]
    NotUtf8(usize),
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    #[error(transparent)]
    Grammar(#[from] Fault),
}

/// Takes a file in.
pub(super) fn take_in(shared: &Shared, name: &OsStr, print: Print) -> Outcome {
    let path = shared.layout.root().join(name);
    let request = match request_of(&path, name, &print) {
        Ok(request) => request,
        Err(_) if Print::of(&path) != Some(print) => return Outcome::Changed,
        Err(why) => return refuse(shared, &path, &print, &why),
    };
    if Print::of(&path) != Some(print) {
        return Outcome::Changed;
    }
    match accept_now(shared, request) {
        Ok(accepted) => {
            put_away(shared, &path, name, &print, accepted);
            Outcome::Taken
        }
        Err(why) => {
            tracing::warn!(file = %path.display(), %why, "a dropped file waits: it could not become a job");
            Outcome::Later
        }
    }
}

fn request_of(path: &Path, name: &OsStr, print: &Print) -> Result<Request, Refusal> {
    let what = path.symlink_metadata().map_err(Refusal::Unreadable)?;
    if !what.is_file() {
        return Err(Refusal::NotAFile);
    }
    if what.len() > MAX {
        return Err(Refusal::TooBig(what.len()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(Refusal::Unreadable)?;
    file.take(MAX + 1).read_to_end(&mut bytes).map_err(Refusal::Unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|why| Refusal::NotUtf8(why.valid_up_to() + 1))?;
    let dropped = header::parse(text)?;
    dropped.request(delivery(name, print, &bytes)).ok_or(Refusal::Grammar(Fault::NobodyNamed))
}

/// The same file in the same state is the same delivery; the same words dropped once more are not.
fn delivery(name: &OsStr, print: &Print, bytes: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [name.as_encoded_bytes(), &print.bytes(), bytes] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    format!("file:{}", hex::encode(digest.finalize()))
}

fn accept_now(shared: &Shared, request: Request) -> Result<Accepted, QueueError> {
    let arrival = shared.arrivals.draw(&request.asker, shared.bell.clone());
    let answer = accept::begin(shared, request, arrival)?;
    answer.blocking_recv().unwrap_or_else(|_| Err(accept::closing()))
}

/// It is a job already: if this fails, the next try finds the delivery known and only moves the file.
fn put_away(shared: &Shared, path: &Path, name: &OsStr, print: &Print, accepted: Accepted) {
    tracing::info!(job = %accepted.id(), file = %path.display(), "a dropped file became a job");
    // Whoever dropped it may have dropped the next one under the same name by now: that one stays.
    if Print::of(path).as_ref() != Some(print) {
        return;
    }
    let taken = shared.layout.dir(Dir::Taken);
    let mut place = taken.join(name);
    if place.symlink_metadata().is_ok() {
        let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        place = taken.join(format!("{stem}.{}.txt", accepted.id()));
    }
    if let Err(why) = std::fs::rename(path, &place) {
        tracing::warn!(file = %path.display(), %why, "a dropped file is a job now, and could not be moved to taken/");
    } else if Print::of(&place).as_ref() != Some(print) {
        give_back(&place, path);
    }
    durable::remove_quietly(&note_beside(path));
}

/// The next file of this name slipped in between the look and the move. A link never takes the place of what may be there by now.
fn give_back(place: &Path, path: &Path) {
    match std::fs::hard_link(place, path) {
        Ok(()) => durable::remove_quietly(place),
        Err(why) => {
            tracing::error!(file = %place.display(), %why, "a dropped file was put away unread: drop it again");
        }
    }
}

fn refuse(shared: &Shared, path: &Path, print: &Print, why: &Refusal) -> Outcome {
    let beside = note_beside(path);
    let mark =
        format!("(This is about the file in the state {}.)\n", &hex::encode(Sha256::digest(print.bytes()))[..16]);
    // Refused in this very state before a restart: the note stands.
    if std::fs::read_to_string(&beside).is_ok_and(|note| note.ends_with(&mark)) {
        return Outcome::Refused;
    }
    let note = format!(
        "{} was not taken in: {why}.\n\nMend it and save it; it is looked at again by itself. A request looks like this:\n\n\
         SENDER: +15550001111\nCOACH: alex\n\na page about otters\n\n\
         SENDER (a phone number) or USER_SLUG (a person's slug) says who asks; COACH may be left out.\n{mark}",
        path.display()
    );
    let making = shared.layout.dir(Dir::Tmp).join("refused.worker-note");
    if let Err(failed) = durable::write_note(&making, &beside, &note) {
        tracing::warn!(file = %path.display(), %failed, "the note beside a refused file could not be written");
    }
    tracing::warn!(file = %path.display(), %why, "a dropped file was not taken in; the note beside it says what to do");
    Outcome::Refused
}

fn note_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".refused");
    name.into()
}
