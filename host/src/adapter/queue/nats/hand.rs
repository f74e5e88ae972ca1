//! What this process has: messages that were delivered to it, and which of their jobs are being taken up, are ready to be given out, or are at work.
//!
//! Pure bookkeeping under one lock. All of it may be lost: what nobody speaks for is delivered again.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::Subject;

use super::{
    super::order::{Order, Peek},
    names::Key,
};
use crate::job::{Asker, Job, JobId, Millis};

/// Messages that wait here for their turn, at most: so many are fetched ahead.
pub(super) const ROOM: usize = 256;

/// How many of one asker may wait here while others' may be behind them.
const CROWD: usize = 16;

/// Jobs that are taken up ahead of being asked for, at most, when they are asked for quickly.
const AHEAD: u32 = 16;

/// How long after the last question for a job this process counts as one that works.
const WANTS: Duration = Duration::from_secs(1);

/// What came with a delivery.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) key: Key,
    pub(super) asker: Asker,
    /// Where words about it go.
    pub(super) reply: Subject,
    /// How often it was delivered.
    pub(super) times: u64,
    /// As it was accepted; gone once it was taken up.
    pub(super) fresh: Option<Arc<Job>>,
    /// How often it had to wait for an older one of the same asker.
    pub(super) held_back: u32,
}

/// A job that is ours.
#[derive(Debug, Clone)]
pub(super) struct Mine {
    pub(super) sequence: u64,
    pub(super) key: Key,
    pub(super) claim: String,
    pub(super) revision: u64,
    pub(super) taken: u32,
    pub(super) retries: u32,
    pub(super) decided: bool,
}

/// One to be taken up.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) sequence: u64,
    pub(super) key: Key,
    pub(super) times: u64,
    pub(super) fresh: Arc<Job>,
}

#[derive(Debug, Default)]
pub(super) struct Hand {
    order: Order<u64>,
    messages: HashMap<u64, Delivered>,
    mine: HashMap<JobId, Mine>,
    ready: VecDeque<Job>,
    /// Those of an asker that wait for an older one to be decided.
    held_back: HashMap<Asker, BTreeSet<u64>>,
    /// How many wait here, by whose they are.
    crowd: HashMap<Asker, BTreeSet<u64>>,
    taking: u32,
    /// Callers that wait for a job.
    asking: u32,
    asked: Option<Instant>,
    /// Jobs given out within this second and the one before: how quickly they are wanted.
    pace: Pace,
    pub(super) closing: bool,
}

#[derive(Debug, Default)]
struct Pace {
    second: Option<Instant>,
    now: u32,
    before: u32,
}

impl Pace {
    fn count(&mut self, now: Instant) {
        self.turn(now);
        self.now += 1;
    }

    fn turn(&mut self, now: Instant) {
        let Some(began) = self.second else { return self.second = Some(now) };
        let passed = now.saturating_duration_since(began);
        if passed >= Duration::from_secs(1) {
            self.before = if passed < Duration::from_secs(2) { self.now } else { 0 };
            self.now = 0;
            self.second = Some(now);
        }
    }

    /// How many to have ready. One where each takes long: what is ready here is nobody else's.
    fn ahead(&mut self, now: Instant) -> u32 {
        self.turn(now);
        (self.now.max(self.before) / 4).clamp(1, AHEAD)
    }
}

impl Hand {
    /// A message came. Gives false where it was here already: then only where to speak of it has changed.
    pub(super) fn deliver(&mut self, sequence: u64, delivered: Delivered, now: Millis) -> bool {
        if let Some(here) = self.messages.get_mut(&sequence) {
            here.reply = delivered.reply;
            here.times = delivered.times;
            return false;
        }
        let asker = delivered.asker.clone();
        self.messages.insert(sequence, delivered);
        self.wait(sequence, asker, Millis::default(), now);
        true
    }

    fn wait(&mut self, sequence: u64, asker: Asker, not_before: Millis, now: Millis) {
        self.crowd.entry(asker.clone()).or_default().insert(sequence);
        self.order.add(sequence, Peek { asker, not_before, decided: false }, now);
    }

    fn waits_no_more(&mut self, sequence: u64) {
        let Some(asker) = self.messages.get(&sequence).map(|here| here.asker.clone()) else { return };
        for sets in [&mut self.crowd, &mut self.held_back] {
            if let Some(set) = sets.get_mut(&asker) {
                set.remove(&sequence);
                if set.is_empty() {
                    sets.remove(&asker);
                }
            }
        }
    }

    /// The next to be taken up, if one is wanted.
    pub(super) fn turn(&mut self, now: Millis) -> Option<Turn> {
        let ahead = self.pace.ahead(Instant::now());
        let under_way = self.taking + u32::try_from(self.ready.len()).unwrap_or(u32::MAX);
        if self.closing || self.asking == 0 || under_way >= self.asking.max(ahead) {
            return None;
        }
        let sequence = self.order.take(now)?;
        self.waits_no_more(sequence);
        let here = self.messages.get(&sequence)?;
        let fresh = here.fresh.clone()?;
        self.taking += 1;
        Some(Turn { sequence, key: here.key.clone(), times: here.times, fresh })
    }

    /// A job was taken up.
    pub(super) fn took(&mut self, mine: Mine, job: Job) {
        self.taking = self.taking.saturating_sub(1);
        if let Some(here) = self.messages.get_mut(&mine.sequence) {
            here.fresh = None;
        }
        self.mine.insert(mine.key.id, mine);
        self.ready.push_back(job);
    }

    /// Not now: it waits here for a moment longer. What its asker sent later waits with it.
    pub(super) fn later(&mut self, sequence: u64, held_back: bool, now: Millis) {
        self.taking = self.taking.saturating_sub(1);
        let Some(here) = self.messages.get_mut(&sequence) else { return self.order.remove(sequence) };
        let asker = here.asker.clone();
        let pause = if held_back {
            here.held_back += 1;
            Duration::from_millis(50 << here.held_back.min(5))
        } else {
            Duration::from_secs(1)
        };
        if held_back {
            self.held_back.entry(asker.clone()).or_default().insert(sequence);
        }
        self.order.remove(sequence);
        self.wait(sequence, asker, now.after(pause), now);
    }

    /// Nothing is to be done here for a message that was to be taken up.
    pub(super) fn not_taken(&mut self, sequence: u64) -> Option<Delivered> {
        self.taking = self.taking.saturating_sub(1);
        self.forget(sequence)
    }

    fn forget(&mut self, sequence: u64) -> Option<Delivered> {
        self.waits_no_more(sequence);
        self.order.remove(sequence);
        self.messages.remove(&sequence)
    }

    /// Those of an asker that waited for an older one may be looked at again.
    pub(super) fn look_again(&mut self, asker: &Asker, now: Millis) {
        for sequence in self.held_back.remove(asker).unwrap_or_default() {
            self.order.remove(sequence);
            self.wait(sequence, asker.clone(), Millis::default(), now);
        }
    }

    /// A job that is ready, for a caller.
    pub(super) fn give(&mut self) -> Option<Job> {
        self.asked = Some(Instant::now());
        let job = self.ready.pop_front()?;
        self.pace.count(Instant::now());
        Some(job)
    }

    pub(super) fn asks(&mut self, more: bool) {
        self.asking = if more { self.asking + 1 } else { self.asking.saturating_sub(1) };
        self.asked = Some(Instant::now());
    }

    /// Whether jobs are wanted here.
    pub(super) fn is_wanted(&self) -> bool {
        !self.closing && (self.asking > 0 || self.asked.is_some_and(|asked| asked.elapsed() < WANTS))
    }

    pub(super) fn mine(&self, id: JobId) -> Option<&Mine> {
        self.mine.get(&id)
    }

    pub(super) fn mine_mut(&mut self, id: JobId) -> Option<&mut Mine> {
        self.mine.get_mut(&id)
    }

    /// A job is ours no more.
    pub(super) fn end(&mut self, id: JobId) -> Option<Delivered> {
        let mine = self.mine.remove(&id)?;
        self.forget(mine.sequence)
    }

    /// Whether jobs are being taken up at this moment.
    pub(super) fn is_taking(&self) -> bool {
        self.taking > 0
    }

    /// How many more may be fetched.
    pub(super) fn room(&self) -> usize {
        ROOM.saturating_sub(self.waiting())
    }

    pub(super) fn waiting(&self) -> usize {
        self.order.waiting()
    }

    /// The oldest here that waits for nothing but its turn.
    pub(super) fn oldest_due(&self, now: Millis) -> Option<JobId> {
        let sequence = self.order.oldest_due(now)?;
        self.messages.get(&sequence).map(|here| here.key.id)
    }

    /// When something that waits for a moment is due.
    pub(super) fn due(&self) -> Option<Millis> {
        self.order.due()
    }

    /// Takes out what askers with many have beyond a few, the newest of each first: others' may be behind them.
    pub(super) fn thin_out(&mut self) -> Vec<Delivered> {
        let crowded: Vec<u64> =
            self.crowd.values().flat_map(|all| all.iter().skip(CROWD).copied().collect::<Vec<_>>()).collect();
        crowded.into_iter().filter_map(|sequence| self.forget(sequence)).collect()
    }

    /// Takes out everything that waits here.
    pub(super) fn clear_out(&mut self) -> Vec<Delivered> {
        let all: Vec<u64> = self.crowd.values().flatten().copied().collect();
        all.into_iter().filter_map(|sequence| self.forget(sequence)).collect()
    }

    /// Takes out what is ready and nobody was given.
    pub(super) fn ready_again(&mut self) -> Vec<Job> {
        self.ready.drain(..).collect()
    }

    /// Where to say that this process is still at all it has.
    pub(super) fn replies(&self) -> Vec<Subject> {
        self.messages.values().map(|here| here.reply.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{GuestKey, JobIds, Request, Source};

    const NOW: Millis = Millis(1_000_000);

    fn delivered(ids: &JobIds, who: &str) -> Delivered {
        let asker = Asker::Guest(GuestKey::of_token(who));
        let request = Request {
            source: Source::Web,
            asker: asker.clone(),
            text: "x".into(),
            media: vec![],
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        let job = Job::new(ids.next(NOW), request, NOW);
        let key = Key::of(job.id, &asker);
        Delivered { key, asker, reply: "r".into(), times: 1, fresh: Some(Arc::new(job)), held_back: 0 }
    }

    #[test]
    fn nothing_is_taken_up_before_someone_asks() {
        let (mut hand, ids) = (Hand::default(), JobIds::default());
        hand.deliver(1, delivered(&ids, "a"), NOW);
        assert!(hand.turn(NOW).is_none());
        hand.asks(true);
        assert_eq!(hand.turn(NOW).map(|turn| turn.sequence), Some(1));
        assert!(hand.turn(NOW).is_none(), "one is asked for, one is under way");
    }

    #[test]
    fn someone_with_many_keeps_the_oldest_few_when_there_is_no_room() {
        let (mut hand, ids) = (Hand::default(), JobIds::default());
        for sequence in 0..ROOM as u64 {
            hand.deliver(sequence, delivered(&ids, if sequence == 200 { "one" } else { "many" }), NOW);
        }
        assert_eq!(hand.room(), 0);
        assert_eq!(hand.thin_out().len(), ROOM - 1 - CROWD);
        hand.asks(true);
        assert_eq!(hand.turn(NOW).map(|turn| turn.sequence), Some(0));
        hand.not_taken(0);
        assert_eq!(hand.turn(NOW).map(|turn| turn.sequence), Some(200));
    }

    #[test]
    fn one_that_is_held_back_holds_back_what_came_after_it_and_is_looked_at_again() {
        let (mut hand, ids) = (Hand::default(), JobIds::default());
        hand.asks(true);
        for sequence in [5, 6] {
            hand.deliver(sequence, delivered(&ids, "a"), NOW);
        }
        let turn = hand.turn(NOW).unwrap();
        hand.later(turn.sequence, true, NOW);
        assert!(hand.turn(NOW).is_none());
        // What is older and comes later goes before them.
        hand.deliver(4, delivered(&ids, "a"), NOW);
        assert_eq!(hand.turn(NOW).map(|turn| turn.sequence), Some(4));
        hand.not_taken(4);
        hand.look_again(&Asker::Guest(GuestKey::of_token("a")), NOW);
        assert_eq!(hand.turn(NOW).map(|turn| turn.sequence), Some(5));
    }

    #[test]
    fn a_message_that_comes_again_is_the_same_message() {
        let (mut hand, ids) = (Hand::default(), JobIds::default());
        let first = delivered(&ids, "a");
        let again = Delivered { reply: "other".into(), key: first.key.clone(), ..delivered(&ids, "a") };
        assert!(hand.deliver(1, first, NOW));
        assert!(!hand.deliver(1, again, NOW));
        assert_eq!((hand.waiting(), hand.replies()), (1, vec![Subject::from("other")]));
    }
}
