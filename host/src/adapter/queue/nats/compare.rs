//! Our streams and their consumer as they are beside how they are to be, for whoever looks and changes nothing.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, Config as Workers, pull},
    stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType},
};

use super::{
    super::Room,
    names::Names,
    streams::{WORKERS, wanted, wanted_workers},
};
use crate::adapter::nats::Nats;

/// What was found of a stream, or of the consumer.
#[derive(Debug)]
pub struct Kept {
    /// As NATS' own tools call it: a stream, or a stream and its consumer.
    pub name: String,
    /// What it is for.
    pub what: &'static str,
    /// How it is.
    pub found: Found,
}

/// How something is that we keep.
#[derive(Debug)]
pub enum Found {
    /// It is made at the first start.
    NotYet,
    /// It could not be looked at.
    Unseen(String),
    /// It is there.
    There {
        /// How much is in it, in words.
        holds: String,
        /// Servers of it that are away or behind; `None`: it has no leader.
        behind: Option<usize>,
        /// What is not as it is to be.
        wrong: Vec<Wrong>,
    },
}

/// A setting that is not as it is to be.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What it means, in words.
    pub is: String,
    /// How it is mended.
    pub mend: Mend,
}

/// How a setting is mended.
#[derive(Debug, PartialEq, Eq)]
pub enum Mend {
    /// By this option of `nats stream edit` or `nats consumer edit`; an engine that starts sets it too.
    Set(String),
    /// NATS does not change it: it is to be made anew.
    Anew,
    /// An operator has limited it: by this option of `nats stream edit`, and nothing else.
    Lift(String),
}

/// Looks at all of them.
pub async fn compare(nats: &Nats, room: Room, lease: Duration) -> Vec<Kept> {
    const WHAT: [&str; 4] = ["what waits", "jobs' progress", "what was accepted", "what failed"];
    let names = Names::of(nats);
    let mut kept = Vec::new();
    for (wanted, what) in wanted(nats, &names, room).into_iter().zip(WHAT) {
        kept.push(Kept { what, found: stream(nats, &wanted).await, name: wanted.name });
    }
    let found = workers(nats, &names, lease).await;
    kept.push(Kept { what: "workers", found, name: format!("{} {WORKERS}", names.work) });
    kept
}

async fn stream(nats: &Nats, wanted: &Config) -> Found {
    match nats.jetstream().get_stream(&wanted.name).await {
        Ok(found) => there(found.cached_info(), wanted, has_message_ttl(nats)),
        Err(error) if error.to_string().contains("not found") => Found::NotYet,
        Err(error) => Found::Unseen(error.to_string()),
    }
}

fn there(info: &Info, wanted: &Config, message_ttl: bool) -> Found {
    let cluster = info.cluster.as_ref().filter(|_| info.config.num_replicas > 1);
    let behind = cluster.map_or(Some(0), |cluster| {
        let late = cluster.replicas.iter().filter(|peer| peer.offline || !peer.current).count();
        cluster.leader.as_ref().map(|_| late)
    });
    let servers = info.config.num_replicas;
    let holds =
        format!("{} messages on {servers} {}", info.state.messages, if servers == 1 { "server" } else { "servers" });
    let mut wrong = differs(&info.config, wanted, message_ttl);
    wrong.extend(limited(&info.config, info.state.bytes));
    Found::There { holds, behind, wrong }
}

/// Whether the servers know a message's own time to live: since 2.11. Without it ended jobs go with the bucket's.
fn has_message_ttl(nats: &Nats) -> bool {
    let version = nats.client().server_info().version;
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (2, 11)
}

async fn workers(nats: &Nats, names: &Names, lease: Duration) -> Found {
    let Ok(stream) = nats.jetstream().get_stream(&names.work).await else { return Found::NotYet };
    match stream.consumer_info(WORKERS).await {
        Ok(info) => {
            let holds = format!("{} fetched, {} not", info.num_ack_pending, info.num_pending);
            Found::There {
                holds,
                behind: Some(0),
                wrong: workers_differ(
                    &info.config,
                    &wanted_workers(nats, lease),
                    stream.cached_info().config.num_replicas,
                ),
            }
        }
        Err(error) if error.to_string().contains("not found") => Found::NotYet,
        Err(error) => Found::Unseen(error.to_string()),
    }
}

/// Notes of what differs.
#[derive(Default)]
struct Notes(Vec<Wrong>);

impl Notes {
    fn set(&mut self, differs: bool, is: impl FnOnce() -> String, option: impl FnOnce() -> String) {
        if differs {
            self.0.push(Wrong { is: is(), mend: Mend::Set(option()) });
        }
    }

    fn anew(&mut self, differs: bool, is: &str) {
        if differs {
            self.0.push(Wrong { is: is.to_owned(), mend: Mend::Anew });
        }
    }
}

fn differs(is: &Config, wanted: &Config, message_ttl: bool) -> Vec<Wrong> {
    let mut notes = Notes::default();
    notes.anew(
        is.storage != wanted.storage,
        match is.storage {
            StorageType::Memory => "it is kept in memory and gone with the server",
            StorageType::File => "it is kept on the disk",
        },
    );
    notes.anew(
        is.retention != wanted.retention,
        match wanted.retention {
            RetentionPolicy::WorkQueue => "what is done stays in it (its retention is no work queue's)",
            _ => "what is read goes from it (its retention is not by limits)",
        },
    );
    notes.set(
        is.num_replicas != wanted.num_replicas,
        || format!("it is kept on {} and queue.replicas is {}", is.num_replicas, wanted.num_replicas),
        || format!("--replicas={}", wanted.num_replicas),
    );
    notes.set(
        is.duplicate_window < wanted.duplicate_window,
        || {
            format!(
                "a repetition is recognised for {}, not {}",
                spoken(is.duplicate_window),
                spoken(wanted.duplicate_window)
            )
        },
        || format!("--dupe-window={}", spoken(wanted.duplicate_window)),
    );
    let age = |age: Duration| if age.is_zero() { "without end".to_owned() } else { format!("for {}", spoken(age)) };
    notes.set(
        is.max_age != wanted.max_age,
        || format!("it is kept {}, not {}", age(is.max_age), age(wanted.max_age)),
        || format!("--max-age={}", spoken(wanted.max_age)),
    );
    notes.set(
        is.max_messages != wanted.max_messages,
        || format!("it takes {} messages, not {}", most(is.max_messages), most(wanted.max_messages)),
        || format!("--max-msgs={}", wanted.max_messages),
    );
    notes.set(
        is.max_messages_per_subject != wanted.max_messages_per_subject,
        || {
            format!(
                "it takes {} of each subject, not {}",
                most(is.max_messages_per_subject),
                most(wanted.max_messages_per_subject)
            )
        },
        || format!("--max-msgs-per-subject={}", wanted.max_messages_per_subject),
    );
    notes.set(
        is.discard != wanted.discard,
        || match wanted.discard {
            DiscardPolicy::New => "when it is full the oldest goes unseen".to_owned(),
            DiscardPolicy::Old => "when it is full nothing more is kept".to_owned(),
        },
        || format!("--discard={}", if wanted.discard == DiscardPolicy::New { "new" } else { "old" }),
    );
    notes.set(
        is.subjects != wanted.subjects,
        || format!("it listens to {}", is.subjects.join(", ")),
        || format!("--subjects='{}'", wanted.subjects.join(",")),
    );
    notes.set(
        is.allow_direct != wanted.allow_direct,
        || "a server that is behind may answer for it".to_owned(),
        || "--no-allow-direct".to_owned(),
    );
    notes.set(
        message_ttl && wanted.allow_message_ttl && !is.allow_message_ttl,
        || "jobs that ended stay for as long as those that did not".to_owned(),
        || "--allow-msg-ttl".to_owned(),
    );
    notes.0
}

/// What an operator has limited, and what is nearly used up. An engine leaves that as it is.
fn limited(is: &Config, bytes: u64) -> Option<Wrong> {
    let most = u64::try_from(is.max_bytes).ok().filter(|most| *most > 0)?;
    (bytes > most / 10 * 9).then(|| Wrong {
        is: format!("{bytes} of the {most} bytes it may hold are used"),
        mend: Mend::Lift(format!("--max-bytes={}", most.saturating_mul(2))),
    })
}

fn workers_differ(is: &Workers, wanted: &pull::Config, stream_replicas: usize) -> Vec<Wrong> {
    let mut notes = Notes::default();
    notes.anew(is.ack_policy != AckPolicy::Explicit, "a job counts as done before anyone says so");
    notes.anew(is.deliver_subject.is_some(), "it pushes jobs to whoever listens");
    notes.set(
        is.ack_wait != wanted.ack_wait,
        || {
            format!(
                "a silent worker's jobs go to others after {}, and queue.lease is {}",
                spoken(is.ack_wait),
                spoken(wanted.ack_wait)
            )
        },
        || format!("--wait={}", spoken(wanted.ack_wait)),
    );
    notes.set(
        is.max_deliver > 0,
        || format!("a job is given out {} times and then never again", is.max_deliver),
        || "--max-deliver=-1".to_owned(),
    );
    notes.set(
        is.max_ack_pending > 0,
        || format!("{} jobs may be at work at once, of all workers together", is.max_ack_pending),
        || "--max-pending=-1".to_owned(),
    );
    // 0: as many as its stream.
    let servers = if is.num_replicas == 0 { stream_replicas } else { is.num_replicas };
    notes.set(
        servers != wanted.num_replicas,
        || format!("it is kept on {servers} and queue.replicas is {}", wanted.num_replicas),
        || format!("--replicas={}", wanted.num_replicas),
    );
    notes.0
}

fn most(number: i64) -> String {
    if number < 0 { "any number".to_owned() } else { number.to_string() }
}

/// As people read it and NATS' tools take it.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Config {
        Config {
            storage: StorageType::File,
            retention: RetentionPolicy::WorkQueue,
            num_replicas: 3,
            duplicate_window: Duration::from_mins(10),
            max_messages: 1_000,
            max_messages_per_subject: -1,
            discard: DiscardPolicy::New,
            subjects: vec!["p.work.*.*".into()],
            ..Config::default()
        }
    }

    fn options(wrong: &[Wrong]) -> Vec<&str> {
        let option = |wrong| match wrong {
            &Wrong { mend: Mend::Set(ref option) | Mend::Lift(ref option), .. } => option.as_str(),
            Wrong { mend: Mend::Anew, .. } => "anew",
        };
        wrong.iter().map(option).collect()
    }

    #[test]
    fn a_stream_as_it_is_to_be_is_left_alone() {
        assert_eq!(differs(&work(), &work(), true), []);
    }

    #[test]
    fn each_setting_that_loses_or_doubles_something_is_named_with_the_option_that_mends_it() {
        let is = Config {
            num_replicas: 1,
            duplicate_window: Duration::from_mins(2),
            max_age: Duration::from_hours(48),
            max_messages: 10,
            discard: DiscardPolicy::Old,
            allow_direct: true,
            ..work()
        };
        let wrong = differs(&is, &work(), true);
        assert_eq!(
            options(&wrong),
            [
                "--replicas=3",
                "--dupe-window=10m",
                "--max-age=0s",
                "--max-msgs=1000",
                "--discard=new",
                "--no-allow-direct"
            ]
        );
        let anew = Config { storage: StorageType::Memory, retention: RetentionPolicy::Limits, ..work() };
        assert!(differs(&anew, &work(), true).iter().all(|wrong| wrong.mend == Mend::Anew));
        assert_eq!(differs(&anew, &work(), true).len(), 2);
    }

    #[test]
    fn an_older_server_is_not_blamed_for_what_it_cannot_do() {
        let wanted = Config { allow_message_ttl: true, ..work() };
        assert_eq!((differs(&work(), &wanted, false).len(), differs(&work(), &wanted, true).len()), (0, 1));
    }

    #[test]
    fn a_limit_that_is_nearly_used_up_is_told() {
        let is = Config { max_bytes: 1_000, ..work() };
        assert_eq!(limited(&is, 800), None);
        assert_eq!(limited(&is, 901).map(|wrong| wrong.mend), Some(Mend::Lift("--max-bytes=2000".into())));
        assert_eq!(limited(&work(), 1 << 40), None);
    }

    #[test]
    fn a_consumer_that_gives_up_or_holds_back_jobs_is_told() {
        let wanted = pull::Config { ack_wait: Duration::from_secs(30), num_replicas: 3, ..pull::Config::default() };
        let well = Workers {
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(30),
            max_deliver: -1,
            max_ack_pending: -1,
            ..Workers::default()
        };
        assert_eq!(workers_differ(&well, &wanted, 3), []);
        let is = Workers { ack_wait: Duration::from_mins(5), max_deliver: 5, max_ack_pending: 1_000, ..well };
        assert_eq!(
            options(&workers_differ(&is, &wanted, 1)),
            ["--wait=30s", "--max-deliver=-1", "--max-pending=-1", "--replicas=3"]
        );
    }
}
