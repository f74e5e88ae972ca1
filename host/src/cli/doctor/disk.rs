//! The data directory: can it be written, does it last, is it ours alone, is there room, who holds it.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Check, Notes, is_private, readable};
use crate::config::Checked;

/// Below this the engine is about to refuse requests.
const LITTLE: u64 = 100 << 20;
/// Below this someone should look.
const SOME: u64 = 1 << 30;
/// Ten thousand waiting jobs need as many sockets.
const FILES: u64 = 10_000;

pub(super) fn check(pipeline: &Arc<Checked>) -> Check {
    let data = pipeline.data_dir.clone();
    Check::blocking("disk", "data", Duration::from_secs(20), move || {
        let mut notes = Notes::default();
        if data.exists() && !data.is_dir() {
            notes.fail(
                "folder",
                format!("{} is no folder", data.display()),
                "set data.dir to a folder, or move that file",
            );
        }
        let there = nearest(&data);
        folder(&data, &there, &mut notes);
        durable(&data, &there, &mut notes);
        space(&there, &mut notes);
        if data.exists() {
            one_disk(&data, &mut notes);
            holders(&data, &mut notes);
        }
        open_files(&mut notes);
        notes
    })
}

/// The folder itself, or the one it would be made in.
fn nearest(path: &Path) -> PathBuf {
    path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

fn folder(data: &Path, there: &Path, notes: &mut Notes) {
    if data.exists() && data != there {
        return;
    }
    if data != there {
        return notes.ok("folder", format!("{} is made at the first start", data.display()));
    }
    let mode = fs::metadata(data).map_or(0o700, |about| about.permissions().mode() & 0o777);
    if is_private(mode) {
        notes.ok("folder", format!("{}, for its owner alone", data.display()));
    } else {
        notes.warn(
            "folder",
            format!("others on this machine may look into {} ({mode:o})", data.display()),
            format!("chmod 700 {}", data.display()),
        );
    }
}

/// Writes a file, has it on the disk, and removes it.
fn durable(data: &Path, there: &Path, notes: &mut Notes) {
    let began = Instant::now();
    let tried = tempfile::Builder::new().prefix(".doctor-").tempfile_in(there).and_then(|mut file| {
        file.write_all(b"is it on the disk?")?;
        file.as_file().sync_all()?;
        fs::File::open(there)?.sync_all()
    });
    match tried {
        Ok(()) => {
            let took = began.elapsed();
            let found = format!("a file is on the disk after {:.1} ms", took.as_secs_f64() * 1000.0);
            if took < Duration::from_millis(500) {
                notes.ok("writing", found);
            } else {
                notes.warn("writing", found, "each request waits for that: give data.dir a faster disk");
            }
        }
        Err(why) => notes.fail("writing", format!("{}: {why}", data.display()), advice(&why, data)),
    }
}

fn advice(why: &io::Error, data: &Path) -> String {
    match why.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("give the account the engine runs as this folder: chown -R USER {}", data.display())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space on that disk".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount that disk for writing, or set data.dir to a folder elsewhere".to_owned()
        }
        _ => "set data.dir to a folder that can be written".to_owned(),
    }
}

fn space(there: &Path, notes: &mut Notes) {
    let Ok(disk) = rustix::fs::statvfs(there) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let found = format!("{} free", readable(free));
    match free {
        ..LITTLE => notes.fail("space", found, "free some: requests are refused when there is none"),
        LITTLE..SOME => notes.warn("space", found, "free some, or shorten data.keep"),
        _ => notes.ok("space", found),
    }
    if disk.f_files > 0 && disk.f_favail * 50 < disk.f_files {
        notes.warn("files", format!("room for {} more files", disk.f_favail), "free some: each job is a file");
    }
}

/// A job is moved from folder to folder by its name alone, which works on one disk.
fn one_disk(data: &Path, notes: &mut Notes) {
    let root = data.join("wtaf");
    let disks: Vec<_> = ["tmp", "new", "work", "done", "failed"]
        .iter()
        .filter_map(|name| fs::metadata(root.join(name)).ok())
        .map(|about| about.dev())
        .collect();
    if disks.windows(2).any(|two| two[0] != two[1]) {
        notes.fail(
            "queue's folders",
            format!("the folders of {} are on several disks", root.display()),
            "put them on one: a job must not be half in both",
        );
    } else if !disks.is_empty() {
        notes.ok("queue's folders", "on one disk");
    }
}

/// Who runs here. It is read from the kernel's list: to try a lock would get into the way of an engine that just starts.
fn holders(data: &Path, notes: &mut Notes) {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut held = Vec::new();
    for role in ["web", "worker"] {
        let file = data.join("wtaf").join(format!("{role}.lock"));
        if let Ok(about) = file.metadata()
            && locks.lines().any(|line| holds(line, about.ino()))
        {
            let pid = fs::read_to_string(&file).unwrap_or_default();
            held.push(format!("{role}: process {}", pid.trim()));
        }
    }
    let found = if held.is_empty() { "no engine runs in it".to_owned() } else { held.join(", ") };
    notes.ok("engine", found);
}

/// Whether a line of `/proc/locks` is of this file: `1: FLOCK  ADVISORY  WRITE 412 00:2a:7340 0 EOF`.
fn holds(line: &str, inode: u64) -> bool {
    let place = line.split_whitespace().find(|word| word.matches(':').count() == 2);
    place.and_then(|place| place.rsplit(':').next()).and_then(|number| number.parse().ok()) == Some(inode)
}

fn open_files(notes: &mut Notes) {
    let Ok((_, most)) = rlimit::getrlimit(rlimit::Resource::NOFILE) else { return };
    let found = format!("{most} may be open at once");
    if most >= FILES {
        notes.ok("open files", found);
    } else {
        notes.warn(
            "open files",
            found,
            format!("ulimit -Hn {FILES} (systemd: LimitNOFILE=), else many waiting jobs find no connection"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_tells_who_holds_a_file() {
        let line = "1: FLOCK  ADVISORY  WRITE 412 00:2a:7340 0 EOF";
        assert!(holds(line, 7340) && !holds(line, 412) && !holds("", 0));
    }
}
