//! Named steps at which a test may end the process as SIGKILL would, and a clock that a test may set.
//!
//! `WTAF_FAIL=page-committed:3` ends it when that step is reached for the third time, `WTAF_FAIL=text-going:1+5ms` five milliseconds after; `WTAF_HALT` has it
//! stand still there, as SIGSTOP would, until it is told to go on. `WTAF_FAIL=decided:2!panic` panics where the step is reached for the second time, with
//! `!panics` each time from then on. `WTAF_CLOCK` names a file that holds how many milliseconds the clock is off. All of it stands under
//! `debug_assertions`: in a release build a step is an empty function and neither variable is read.

macro_rules! steps {
    ($($(#[$doc:meta])+ $step:ident = $name:literal),+ $(,)?) => {
        /// A step between two others that must be harmless to be cut off at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Step {
            $($(#[$doc])+ $step),+
        }

        impl Step {
            /// All of them, in a job's order.
            pub const ALL: &[Self] = &[$(Self::$step),+];

            /// What `WTAF_FAIL` calls it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name),+
                }
            }
        }
    };
}

steps! {
    /// The queue's folders are settled, nothing runs yet.
    QueueRecovered = "queue-recovered",
    /// A request is in `tmp/`, and in no ledger.
    RequestWritten = "request-written",
    /// It is in the ledger of deliveries, and not in `new/`.
    DeliveryEntered = "delivery-entered",
    /// It is in `new/`; nobody was answered.
    RequestPlaced = "request-placed",
    /// A job moved from `new/` to `work/`.
    JobClaimed = "job-claimed",
    /// A checkpoint is in `tmp/`, and the older one in `work/`.
    CheckpointWritten = "checkpoint-written",
    /// A coach's action is written, and not committed.
    ActionInTransaction = "action-in-transaction",
    /// It is committed; the decision is nowhere.
    ActionDone = "action-done",
    /// All of the decision is done; it is neither acknowledged nor checkpointed.
    Decided = "decided",
    /// A piece of an answer arrived.
    AnswerPiece = "answer-piece",
    /// An answer arrived whole, and is nowhere but in memory.
    AnswerArrived = "answer-arrived",
    /// It is checkpointed; what it cost is not booked.
    AnswerKept = "answer-kept",
    /// A name is reserved; the job does not say so.
    NameReserved = "name-reserved",
    /// A page and its texts are written, and not committed.
    PageInTransaction = "page-in-transaction",
    /// They are committed; the job says so in memory alone.
    PageCommitted = "page-committed",
    /// A job's end is in the lists; its file is in `work/`.
    EndRecorded = "end-recorded",
    /// Its file is in `done/` or `failed/` and in `work/`.
    EndPlaced = "end-placed",
    /// A job that goes back to wait is written, and still in `work/`.
    HandBackWritten = "hand-back-written",
    /// Texts are marked as being sent; none was.
    TextsTaken = "texts-taken",
    /// A text is about to go to the carrier.
    TextGoing = "text-going",
    /// The carrier has it; nothing of ours says so.
    TextAccepted = "text-accepted",
    /// What came of it is written down.
    TextRecorded = "text-recorded",
}

#[cfg(not(debug_assertions))]
mod armed {
    use super::Step;

    /// Nothing.
    #[inline]
    pub fn reached(_: Step) {}

    /// The clock as it is.
    #[inline]
    pub fn clock(now: u64) -> u64 {
        now
    }
}

#[cfg(debug_assertions)]
mod armed {
    use std::{
        path::PathBuf,
        sync::{
            Arc, OnceLock,
            atomic::{AtomicI64, AtomicU32, Ordering},
        },
        time::Duration,
    };

    use super::Step;

    struct Trap {
        step: &'static str,
        left: AtomicU32,
        manner: Manner,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Manner {
        /// The process ends, so much later.
        Ends(Duration),
        /// Whoever reached it panics: once, or from then on.
        Panics { always: bool },
    }

    impl Trap {
        /// Counts that its step is reached; gives whether it snaps.
        fn snaps(&self) -> bool {
            match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
                Ok(left) => left == 1,
                Err(_) => self.manner == Manner::Panics { always: true },
            }
        }
    }

    /// A step is reached.
    pub fn reached(step: Step) {
        static TRAP: OnceLock<Option<Trap>> = OnceLock::new();
        static HALT: OnceLock<Option<Trap>> = OnceLock::new();
        let halt = HALT.get_or_init(|| std::env::var("WTAF_HALT").ok().and_then(|wish| parse(&wish)));
        if halt.as_ref().is_some_and(|halt| halt.step == step.name() && halt.snaps()) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        }
        let trap = TRAP.get_or_init(|| std::env::var("WTAF_FAIL").ok().and_then(|wish| parse(&wish)));
        let Some(trap) = trap.as_ref().filter(|trap| trap.step == step.name()) else { return };
        if !trap.snaps() {
            return;
        }
        match trap.manner {
            Manner::Panics { .. } => panic!("as WTAF_FAIL wishes, at {}", step.name()),
            Manner::Ends(Duration::ZERO) => die(),
            Manner::Ends(late) => drop(std::thread::spawn(move || {
                std::thread::sleep(late);
                die();
            })),
        }
    }

    /// `step`, `step:times`, `step:times+milliseconds ms`, `step:times!panic`, `step:times!panics`.
    fn parse(wish: &str) -> Option<Trap> {
        let (wish, manner) = match (wish.split_once('!'), wish.split_once('+')) {
            (Some((wish, "panic")), _) => (wish, Manner::Panics { always: false }),
            (Some((wish, "panics")), _) => (wish, Manner::Panics { always: true }),
            (Some(_), _) => return None,
            (None, Some((wish, late))) => {
                (wish, Manner::Ends(Duration::from_millis(late.strip_suffix("ms")?.parse().ok()?)))
            }
            (None, None) => (wish, Manner::Ends(Duration::ZERO)),
        };
        let (name, times) = wish.split_once(':').unwrap_or((wish, "1"));
        let step = Step::ALL.iter().find(|step| step.name() == name)?.name();
        Some(Trap { step, left: AtomicU32::new(times.parse().ok()?), manner })
    }

    /// No destructor, no flush, no last word: what a crash of the machine's making does.
    fn die() {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }

    /// The clock as a test wants it.
    pub fn clock(now: u64) -> u64 {
        static OFF: OnceLock<Option<Arc<AtomicI64>>> = OnceLock::new();
        let off = OFF.get_or_init(|| std::env::var_os("WTAF_CLOCK").map(|file| follow(file.into())));
        off.as_ref().map_or(now, |off| now.saturating_add_signed(off.load(Ordering::Relaxed)))
    }

    /// What the file says, within a few milliseconds of its being written.
    fn follow(file: PathBuf) -> Arc<AtomicI64> {
        let read = move || std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        let off = Arc::new(AtomicI64::new(read().unwrap_or_default()));
        let kept = Arc::clone(&off);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(10));
                if let Some(now) = read() {
                    kept.store(now, Ordering::Relaxed);
                }
            }
        });
        off
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_wish_names_a_step_how_often_and_how_much_later() {
            let trap = parse("text-going:3+5ms").unwrap();
            assert_eq!(
                (trap.step, trap.left.into_inner(), trap.manner),
                ("text-going", 3, Manner::Ends(Duration::from_millis(5)))
            );
            assert_eq!(parse("decided").unwrap().left.into_inner(), 1);
            assert!(parse("no such step").is_none() && parse("decided:x").is_none() && parse("decided!x").is_none());
        }

        #[test]
        fn a_panic_is_wished_for_once_or_from_then_on() {
            let snaps = |wish| {
                let trap = parse(wish).unwrap();
                [trap.snaps(), trap.snaps(), trap.snaps()]
            };
            assert_eq!(snaps("decided:2!panic"), [false, true, false]);
            assert_eq!(snaps("decided:2!panics"), [false, true, true]);
            assert_eq!(snaps("decided"), [true, false, false]);
        }
    }
}

pub use armed::{clock, reached};

/// Whether this build has them.
pub const ARMED: bool = cfg!(debug_assertions);
