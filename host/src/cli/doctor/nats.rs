//! NATS: the servers, JetStream, and our streams and buckets as they are beside how they are to be.

use std::{sync::Arc, time::Duration};

use super::{Check, Notes, readable};
use crate::{
    adapter::{
        nats::Nats,
        queue::{
            Room,
            nats::{Found, Kept, Mend, Wrong, compare},
        },
    },
    config::{self, Checked, QueueBackend},
    job::Millis,
};

const LIMIT: Duration = Duration::from_secs(20);
/// Major and minor: per-message limits and stream metadata are not in older ones.
const OLDEST: (u32, u32) = (2, 10);
/// A request with its progress, an AI's answer included, is one message.
const PAYLOAD: usize = 1 << 20;
/// Milliseconds: what is put off is put off by the server's clock, and a job's age is told by ours.
const OFF: i64 = 2_000;

pub(super) fn check(pipeline: &Arc<Checked>) -> Option<Check> {
    let settings = pipeline.queue.nats.clone()?;
    let queued = matches!(pipeline.queue.backend, QueueBackend::Nats(_));
    let room = Room { most: pipeline.queue.max_waiting, oldest: pipeline.queue.max_age };
    Some(Check::new("nats", "connection", LIMIT, look(settings, queued.then_some(room))))
}

/// `queued`: with what the queue in NATS has room for, where it is there.
async fn look(settings: config::Nats, queued: Option<Room>) -> Notes {
    let mut notes = Notes::default();
    let nats = match Nats::connect(&settings).await {
        Ok(nats) => nats,
        Err(error) => {
            let todo = "see whether it runs (nats-server -js), whether queue.nats_url is its address, and queue.nats_creds its credentials";
            notes.fail("connection", error.to_string(), todo);
            return notes;
        }
    };
    server(&nats, &mut notes);
    clock(&nats, &mut notes).await;
    if !jetstream(&nats, &mut notes).await {
        return notes;
    }
    let Some(room) = queued else { return notes };
    for kept in compare(&nats, room, settings.lease).await {
        told(&kept, &mut notes);
    }
    notes
}

fn server(nats: &Nats, notes: &mut Notes) {
    let info = nats.client().server_info();
    let found = format!("nats-server {} ({})", info.version, info.server_name);
    if version(&info.version) >= OLDEST {
        notes.ok("server", found);
    } else {
        notes.fail("server", found, "move to nats-server 2.10 or later");
    }
    let payload = format!("{} at most", readable(info.max_payload as u64));
    if info.max_payload >= PAYLOAD {
        notes.ok("message size", payload);
    } else {
        notes.warn(
            "message size",
            payload,
            "max_payload: 8MB in nats-server's configuration: a job with a large page does not fit",
        );
    }
}

fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

async fn jetstream(nats: &Nats, notes: &mut Notes) -> bool {
    match nats.jetstream().query_account().await {
        Ok(account) => {
            let used = format!("on, {} streams, {} on disk", account.streams, readable(account.storage));
            match u64::try_from(account.limits.max_storage.unwrap_or(-1)) {
                Ok(most) if most > 0 && account.storage > most / 10 * 9 => {
                    notes.warn(
                        "JetStream",
                        format!("{used} of {}", readable(most)),
                        "raise the account's max_file in nats-server's configuration",
                    );
                }
                _ => notes.ok("JetStream", used),
            }
            true
        }
        Err(error) => {
            notes.fail(
                "JetStream",
                format!("not to be had: {error}"),
                "start nats-server with -js (or jetstream { } in its configuration), and allow it for this account",
            );
            false
        }
    }
}

/// How far the server's clock is off ours. Servers before 2.10, and accounts that may not ask, do not say.
async fn clock(nats: &Nats, notes: &mut Notes) {
    let began = Millis::now();
    let Ok(answer) = nats.client().request("$SYS.REQ.USER.INFO", "".into()).await else { return };
    let ended = Millis::now();
    let said: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
    let Some(theirs) = said["server"]["time"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()) else {
        return;
    };
    let ours = began.as_i64().midpoint(ended.as_i64());
    let ahead = theirs.as_millisecond() - ours;
    if ahead.abs() < OFF {
        notes.ok("clock", format!("the server's is {ahead} ms off ours"));
    } else {
        notes.warn(
            "clock",
            format!("the server's is {} s off ours: what is put off comes too early or too late", ahead / 1000),
            "keep both clocks with NTP, on this machine and on the servers': timedatectl set-ntp true",
        );
    }
}

/// A stream, or the consumer, as it is.
fn told(kept: &Kept, notes: &mut Notes) {
    let Kept { name, what, found } = kept;
    let (holds, behind, wrong) = match found {
        Found::NotYet => return notes.ok(*what, format!("{name} is made at the first start")),
        Found::Unseen(why) => {
            return notes.fail(*what, format!("{name}: {why}"), "see whether this account may use JetStream's API");
        }
        Found::There { holds, behind, wrong } => (holds, behind, wrong),
    };
    if wrong.is_empty() {
        notes.ok(*what, format!("{name}: {holds}"));
    }
    settings(kept, wrong, notes);
    match behind {
        Some(0) => {}
        Some(behind) => notes.warn(
            *what,
            format!("{name}: {behind} of its servers are away or behind"),
            "nats server report jetstream shows which: start it, or wait until it has caught up",
        ),
        None => notes.fail(
            *what,
            format!("{name} has no leader: too few of its servers are there"),
            "nats server report jetstream shows which are away: start them",
        ),
    }
}

/// What is not as it is to be, and what to run.
fn settings(kept: &Kept, wrong: &[Wrong], notes: &mut Notes) {
    let (name, what) = (&kept.name, kept.what);
    let edit = if name.contains(' ') { "consumer" } else { "stream" };
    let all = |wrong: &[&Wrong]| wrong.iter().map(|wrong| wrong.is.as_str()).collect::<Vec<_>>().join("; ");
    let (anew, rest): (Vec<_>, Vec<_>) = wrong.iter().partition(|wrong| wrong.mend == Mend::Anew);
    if !anew.is_empty() {
        notes.fail(
            what,
            format!("{name}: {}", all(&anew)),
            format!(
                "NATS does not change that: stop the engines when nothing waits, nats {edit} rm {name}, and start them"
            ),
        );
    }
    let (lift, set): (Vec<_>, Vec<_>) = rest.into_iter().partition(|wrong| matches!(wrong.mend, Mend::Lift(_)));
    for (wrong, sets_itself) in [(lift, false), (set, true)] {
        let options = wrong.iter().filter_map(|wrong| match &wrong.mend {
            Mend::Set(option) | Mend::Lift(option) => Some(option.as_str()),
            Mend::Anew => None,
        });
        let run = format!("nats {edit} edit {name} {} -f", options.collect::<Vec<_>>().join(" "));
        let todo = if sets_itself { format!("restart an engine, which sets it, or: {run}") } else { run };
        if !wrong.is_empty() {
            notes.warn(what, format!("{name}: {}", all(&wrong)), todo);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(version("2.9.25") < OLDEST && version("2.10.0-beta") >= OLDEST && version("2.15.1") >= OLDEST);
        assert!(version("nonsense") < OLDEST);
    }

    #[test]
    fn what_is_wrong_comes_with_the_command_that_mends_it() {
        let wrong = |is: &str, mend| Wrong { is: is.to_owned(), mend };
        let kept = Kept {
            name: "wtaf_work".into(),
            what: "what waits",
            found: Found::There {
                holds: "3 messages on 1 server".into(),
                behind: None,
                wrong: vec![
                    wrong("in memory", Mend::Anew),
                    wrong("on 1", Mend::Set("--replicas=3".into())),
                    wrong("for 2m", Mend::Set("--dupe-window=10m".into())),
                    wrong("nearly full", Mend::Lift("--max-bytes=9".into())),
                ],
            },
        };
        let mut notes = Notes::default();

        told(&kept, &mut notes);

        let todo: Vec<_> = notes.0.iter().map(|note| note.3.as_deref().unwrap()).collect();
        assert!(todo[0].contains("nats stream rm wtaf_work"), "{todo:?}");
        assert_eq!(todo[1], "nats stream edit wtaf_work --max-bytes=9 -f");
        assert!(todo[2].ends_with("nats stream edit wtaf_work --replicas=3 --dupe-window=10m -f"), "{todo:?}");
        assert!(todo[3].contains("nats server report"), "{todo:?}");
    }
}
