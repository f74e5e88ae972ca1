//! Our two streams, two buckets and the consumer: made where they are not, brought up to date where they are, with words for an operator where neither can be.

use std::time::Duration;

use async_nats::jetstream::{
    self, ErrorCode,
    consumer::{AckPolicy, Consumer, pull},
    context::{CreateStreamError, CreateStreamErrorKind, GetStreamError},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};

use super::{
    super::{QueueError, Room},
    names::Names,
};
use crate::adapter::nats::Nats;

/// How long a repetition of a message is recognised by its id alone.
const REPEATS: Duration = Duration::from_mins(10);

/// How long a delivery is known to have been accepted.
const DELIVERIES: Duration = Duration::from_hours(30 * 24);

/// How long progress is kept that nothing is added to. Those that have ended go after [`super::KEEP_ENDED`].
const PROGRESS: Duration = Duration::from_hours(7 * 24);

/// Failed jobs that are kept for someone to look at; more of them push out the oldest.
const FAILED: i64 = 1_000_000;

/// The name of the consumer that all workers share.
pub(super) const WORKERS: &str = "workers";

/// A cluster that was started a moment ago elects its leaders first.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sees to it that everything is there as it must be.
pub(super) async fn ready(nats: &Nats, names: &Names, room: Room) -> Result<(), QueueError> {
    for wanted in wanted(nats, names, room) {
        stream(nats.jetstream(), wanted).await?;
    }
    Ok(())
}

/// What all workers pull from.
pub(super) async fn workers(nats: &Nats, names: &Names, lease: Duration) -> Result<Consumer<pull::Config>, QueueError> {
    let wanted = wanted_workers(nats, lease);
    let began = tokio::time::Instant::now();
    loop {
        match nats.jetstream().create_consumer_on_stream(wanted.clone(), &names.work).await {
            Ok(consumer) => return Ok(consumer),
            Err(_) if began.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(why) => {
                return Err(fault(format!(
                    "the consumer `{WORKERS}` of the stream `{}` could not be made or changed: {why}. `nats consumer info {} {WORKERS}` shows it; it may \
                     be removed while no worker runs, and is made anew",
                    names.work, names.work
                )));
            }
        }
    }
}

/// How the consumer is to be.
pub(super) fn wanted_workers(nats: &Nats, lease: Duration) -> pull::Config {
    pull::Config {
        durable_name: Some(WORKERS.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: lease,
        // Whether a job is worth another try is told by its own count.
        max_deliver: -1,
        // Jobs that wait on an AI are many.
        max_ack_pending: -1,
        num_replicas: nats.replicas(),
        ..pull::Config::default()
    }
}

/// How the streams are to be.
pub(super) fn wanted(nats: &Nats, names: &Names, room: Room) -> [Config; 4] {
    let kept = |name: String, subject: String| Config {
        name,
        subjects: vec![subject],
        storage: StorageType::File,
        num_replicas: nats.replicas(),
        max_messages: -1,
        max_messages_per_subject: 1,
        ..Config::default()
    };
    // Like the buckets that NATS' own tools make, but that every answer comes from the leader: a follower may be a moment behind.
    let bucket = |name: &str, subject: String| Config {
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: false,
        allow_message_ttl: true,
        ..kept(Names::bucket_stream(name), subject)
    };
    // The bound on what waits is ours, for it leaves out what is at work. This one is the servers' own, should all of us be mistaken at once.
    let most = i64::try_from(room.most.saturating_mul(10)).unwrap_or(i64::MAX);
    [
        Config {
            description: Some("wtaf-host: requests that wait, and that someone is at".into()),
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_messages: most,
            max_messages_per_subject: -1,
            duplicate_window: REPEATS,
            ..kept(names.work.clone(), names.all_work())
        },
        Config {
            description: Some("wtaf-host: how far each job is".into()),
            max_age: PROGRESS,
            duplicate_window: Duration::from_mins(2),
            ..bucket(&names.jobs, names.all_jobs())
        },
        Config {
            description: Some("wtaf-host: deliveries that were accepted".into()),
            max_age: DELIVERIES,
            duplicate_window: Duration::from_mins(2),
            ..bucket(&names.seen, names.all_seen())
        },
        Config {
            description: Some("wtaf-host: jobs that failed".into()),
            max_messages: FAILED,
            discard: DiscardPolicy::Old,
            duplicate_window: Duration::from_mins(2),
            ..kept(names.dead.clone(), names.all_dead())
        },
    ]
}

async fn stream(js: &jetstream::Context, wanted: Config) -> Result<(), QueueError> {
    let began = tokio::time::Instant::now();
    loop {
        let made = match js.create_stream(wanted.clone()).await {
            Err(error) if is_there(&error) => update(js, &wanted).await,
            made => made.map(drop).map_err(Not::Made),
        };
        match made {
            Ok(()) => return Ok(()),
            Err(not) if not.may_pass() && began.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(Not::Seen(why)) => {
                return Err(fault(format!("the stream `{}` could not be looked at: {why}", wanted.name)));
            }
            Err(Not::Made(error)) => return Err(told(&wanted, &error)),
        }
    }
}

/// Why a stream is not as it must be.
enum Not {
    /// It could not be made, or changed.
    Made(CreateStreamError),
    /// It is there, and could not be looked at.
    Seen(GetStreamError),
}

impl Not {
    /// Whether it may be otherwise in a moment: no leader yet, or not enough servers yet.
    fn may_pass(&self) -> bool {
        match self {
            Self::Made(error) => may_pass(error),
            Self::Seen(_) => true,
        }
    }
}

/// What we ask for is set; what an operator added (where it is placed, say) stays.
async fn update(js: &jetstream::Context, wanted: &Config) -> Result<(), Not> {
    let there = js.get_stream(&wanted.name).await.map_err(Not::Seen)?.cached_info().config.clone();
    let changed = Config {
        description: wanted.description.clone(),
        subjects: wanted.subjects.clone(),
        retention: wanted.retention,
        discard: wanted.discard,
        storage: wanted.storage,
        num_replicas: wanted.num_replicas,
        max_messages: wanted.max_messages,
        max_messages_per_subject: wanted.max_messages_per_subject,
        max_age: wanted.max_age,
        duplicate_window: wanted.duplicate_window,
        allow_rollup: wanted.allow_rollup,
        deny_delete: wanted.deny_delete,
        allow_direct: wanted.allow_direct,
        allow_message_ttl: wanted.allow_message_ttl,
        ..there.clone()
    };
    if changed == there {
        return Ok(());
    }
    js.update_stream(&changed).await.map(drop).map_err(Not::Made)
}

fn is_there(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST)
}

fn may_pass(error: &CreateStreamError) -> bool {
    match error.kind() {
        CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::Response => true,
        CreateStreamErrorKind::JetStream(error) => [
            ErrorCode::CLUSTER_NO_PEERS,
            ErrorCode::CLUSTER_NOT_AVAILABLE,
            ErrorCode::CLUSTER_NOT_LEADER,
            ErrorCode::INSUFFICIENT_RESOURCES,
            ErrorCode::CLUSTER_INCOMPLETE,
        ]
        .contains(&error.error_code()),
        _ => false,
    }
}

fn told(wanted: &Config, error: &CreateStreamError) -> QueueError {
    let name = &wanted.name;
    match error.kind() {
        CreateStreamErrorKind::JetStreamUnavailable => fault(
            "the NATS server has no JetStream, or not for this account: start it with `-js -sd FOLDER`, or set `jetstream { store_dir = … }` in its \
             configuration"
                .to_owned(),
        ),
        CreateStreamErrorKind::JetStream(why)
            if [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT].contains(&why.error_code()) =>
        {
            fault("JetStream is not enabled for this account of the NATS server: enable it in the account's `jetstream` settings".to_owned())
        }
        CreateStreamErrorKind::JetStream(why)
            if [ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED, ErrorCode::CLUSTER_NO_PEERS, ErrorCode::INSUFFICIENT_RESOURCES]
                .contains(&why.error_code()) =>
        {
            fault(format!(
                "the stream `{name}` cannot be kept on {} servers: {why}. Start as many, or set queue.replicas to how many there are",
                wanted.num_replicas
            ))
        }
        _ => fault(format!(
            "the stream `{name}` could not be made, or is there with settings that NATS does not change: {error}. `nats stream info {name}` shows them; \
             give this engine a queue.nats_prefix of its own, or remove the stream once nothing of it is needed"
        )),
    }
}

fn fault(what: String) -> QueueError {
    QueueError::Unusable { what }
}
