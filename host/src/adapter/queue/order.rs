//! Who is next: oldest first, in turns between askers, one asker's requests in the order they came.
//!
//! Pure bookkeeping over what tells earlier from later: a job's id with files, a place in the stream with NATS. It does no I/O. Files whose asker is not known
//! yet wait as *unread* and are read in batches, oldest first; nothing that came later is handed out before them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    hash::Hash,
};

use serde::Deserialize;

use crate::job::{Asker, Job, LONGEST_WAIT, Millis, Status};

/// What the order must know of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peek {
    /// Whose turn it takes.
    pub(super) asker: Asker,
    /// Not before this moment.
    pub(super) not_before: Millis,
    /// Whether the coach has decided it. An undecided request that waits for its time holds back the asker's later ones (STOP, then an idea: nothing is
    /// built); a decided one does not.
    pub(super) decided: bool,
}

impl Peek {
    pub(super) fn of(job: &Job) -> Self {
        Self {
            asker: job.request.asker.clone(),
            not_before: job.not_before.unwrap_or_default(),
            decided: job.progress.decided.is_some(),
        }
    }

    /// From a job's file, without building the whole of it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct File {
            status: Status,
            request: Request,
            #[serde(default)]
            not_before: Option<Millis>,
            #[serde(default)]
            progress: Progress,
        }
        #[derive(Deserialize)]
        struct Request {
            asker: Asker,
        }
        #[derive(Deserialize, Default)]
        struct Progress {
            #[serde(default)]
            decided: Option<serde::de::IgnoredAny>,
        }
        let file: File = serde_json::from_slice(bytes)?;
        // A job that had ended and is in new/ was brought back: whatever it waited for is over.
        let not_before = if file.status.is_final() { None } else { file.not_before };
        Ok(Self {
            asker: file.request.asker,
            not_before: not_before.unwrap_or_default(),
            decided: file.progress.decided.is_some(),
        })
    }
}

/// Jobs that are put off, looked past to find the oldest that is not.
const PASSED_OVER: usize = 256;

/// The jobs this process may take up, and those it has taken up.
#[derive(Debug)]
pub(super) struct Order<K> {
    places: HashMap<K, Place>,
    lanes: HashMap<Asker, Lane<K>>,
    /// Askers with something ready, in turn.
    ring: VecDeque<Asker>,
    /// Askers who wait for a moment.
    asleep: BTreeSet<(Millis, Asker)>,
    unread: BTreeSet<K>,
    /// Under way at a crash, or taken and dropped: these come first.
    resumed: BTreeSet<K>,
    /// The disk would not give these; until then.
    paused: BTreeSet<(Millis, K)>,
    /// All that waits, read or unread.
    waiting: BTreeSet<K>,
    taken: usize,
}

#[derive(Debug)]
enum Place {
    Unread,
    Waiting(Asker),
    Resumed,
    Paused(Millis),
    Taken,
}

#[derive(Debug)]
struct Lane<K> {
    jobs: BTreeMap<K, Spot>,
    in_ring: bool,
    asleep: Option<Millis>,
}

#[derive(Debug)]
struct Spot {
    not_before: Millis,
    decided: bool,
}

enum Ready<K> {
    Now(K),
    At(Millis),
    Never,
}

impl<K> Default for Lane<K> {
    fn default() -> Self {
        Self { jobs: BTreeMap::new(), in_ring: false, asleep: None }
    }
}

impl<K: Ord + Copy> Lane<K> {
    fn ready(&self, now: Millis) -> Ready<K> {
        let mut at: Option<Millis> = None;
        for (id, spot) in &self.jobs {
            if spot.not_before <= now {
                return Ready::Now(*id);
            }
            let earliest = at.map_or(spot.not_before, |earlier| earlier.min(spot.not_before));
            if !spot.decided {
                return Ready::At(earliest);
            }
            at = Some(earliest);
        }
        at.map_or(Ready::Never, Ready::At)
    }
}

impl<K> Default for Order<K> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            lanes: HashMap::new(),
            ring: VecDeque::new(),
            asleep: BTreeSet::new(),
            unread: BTreeSet::new(),
            resumed: BTreeSet::new(),
            paused: BTreeSet::new(),
            waiting: BTreeSet::new(),
            taken: 0,
        }
    }
}

impl<K: Ord + Copy + Hash> Order<K> {
    /// A file was seen in `new/`; gives whether that is news.
    pub(super) fn found(&mut self, id: K) -> bool {
        if self.places.contains_key(&id) {
            return false;
        }
        self.places.insert(id, Place::Unread);
        self.unread.insert(id);
        self.waiting.insert(id);
        true
    }

    /// A job of which everything is known waits from now on.
    pub(super) fn add(&mut self, id: K, peek: Peek, now: Millis) {
        if matches!(self.places.get(&id), Some(Place::Waiting(_))) {
            return;
        }
        if self.unread.first().is_some_and(|oldest| *oldest < id) {
            // Not before what came earlier: an older request of the same asker may be among the unread.
            self.remove(id);
            self.found(id);
            return;
        }
        self.remove(id);
        self.waiting.insert(id);
        let Peek { asker, not_before, decided } = peek;
        let not_before = if not_before > now.after(LONGEST_WAIT) { now } else { not_before };
        self.places.insert(id, Place::Waiting(asker.clone()));
        self.lanes.entry(asker.clone()).or_default().jobs.insert(id, Spot { not_before, decided });
        self.line_up(&asker, now);
    }

    /// The next unread files, oldest first.
    pub(super) fn unread(&self, at_most: usize) -> Vec<K> {
        self.unread.iter().take(at_most).copied().collect()
    }

    /// Whether files wait to be read.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// An unread file was read.
    pub(super) fn read(&mut self, id: K, peek: Peek, now: Millis) {
        if self.unread.remove(&id) {
            self.places.remove(&id);
            self.waiting.remove(&id);
            self.add(id, peek, now);
        }
    }

    /// An unread file turned out to be no job.
    pub(super) fn remove_unread(&mut self, id: K) {
        if self.unread.contains(&id) {
            self.remove(id);
        }
    }

    /// A job is in `work/` and nobody is at it.
    pub(super) fn resume(&mut self, id: K) {
        self.remove(id);
        self.resumed.insert(id);
        self.places.insert(id, Place::Resumed);
    }

    /// There is no such job here any more.
    pub(super) fn remove(&mut self, id: K) {
        match self.places.remove(&id) {
            None => {}
            Some(Place::Taken) => self.taken -= 1,
            Some(Place::Resumed) => drop(self.resumed.remove(&id)),
            Some(Place::Paused(until)) => {
                self.paused.remove(&(until, id));
                self.waiting.remove(&id);
            }
            Some(Place::Unread) => {
                self.unread.remove(&id);
                self.waiting.remove(&id);
            }
            Some(Place::Waiting(asker)) => {
                self.waiting.remove(&id);
                // The lane stays in the ring, if it is there; it is judged when its turn comes.
                if let Some(lane) = self.lanes.get_mut(&asker) {
                    lane.jobs.remove(&id);
                }
            }
        }
    }

    /// Hands out the next job.
    pub(super) fn take(&mut self, now: Millis) -> Option<K> {
        self.wake(now);
        let id = self.resumed.pop_first().or_else(|| self.take_turn(now))?;
        self.waiting.remove(&id);
        self.places.insert(id, Place::Taken);
        self.taken += 1;
        Some(id)
    }

    /// A taken job could not be read or moved: it comes again, first, at that moment.
    pub(super) fn pause(&mut self, id: K, until: Millis) {
        self.remove(id);
        self.places.insert(id, Place::Paused(until));
        self.waiting.insert(id);
        self.paused.insert((until, id));
    }

    /// Whether there is such a job here.
    pub(super) fn knows(&self, id: K) -> bool {
        self.places.contains_key(&id)
    }

    /// Whether this process is at it.
    pub(super) fn is_taken(&self, id: K) -> bool {
        matches!(self.places.get(&id), Some(Place::Taken))
    }

    /// When something that waits for a moment is due.
    pub(super) fn due(&self) -> Option<Millis> {
        let (asleep, paused) = (self.asleep.first().map(|(at, _)| *at), self.paused.first().map(|(at, _)| *at));
        asleep.into_iter().chain(paused).min()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn working(&self) -> usize {
        self.taken + self.resumed.len()
    }

    pub(super) fn oldest(&self) -> Option<K> {
        self.waiting.first().copied()
    }

    /// The oldest that waits for nothing but its turn. What is put off is passed over, a few at most: a queue that is behind has older ones right after it.
    pub(super) fn oldest_due(&self, now: Millis) -> Option<K> {
        self.waiting.iter().take(PASSED_OVER).copied().find(|id| match self.places.get(id) {
            Some(Place::Waiting(asker)) => {
                let spot = self.lanes.get(asker).and_then(|lane| lane.jobs.get(id));
                spot.is_some_and(|spot| spot.not_before <= now)
            }
            Some(Place::Unread) => true,
            _ => false,
        })
    }

    fn take_turn(&mut self, now: Millis) -> Option<K> {
        while let Some(asker) = self.ring.pop_front() {
            let Some(lane) = self.lanes.get_mut(&asker) else { continue };
            lane.in_ring = false;
            let turn = match lane.ready(now) {
                Ready::Now(id) => lane.jobs.remove(&id).map(|_| id),
                Ready::At(_) | Ready::Never => None,
            };
            self.line_up(&asker, now);
            if turn.is_some() {
                return turn;
            }
        }
        None
    }

    fn wake(&mut self, now: Millis) {
        self.mend_after_the_clock(now);
        while let Some((_, id)) = self.paused.first().copied().filter(|(until, _)| *until <= now) {
            self.resume(id);
        }
        while let Some((at, asker)) = self.asleep.pop_first() {
            if at > now {
                self.asleep.insert((at, asker));
                return;
            }
            if let Some(lane) = self.lanes.get_mut(&asker) {
                lane.asleep = None;
            }
            self.line_up(&asker, now);
        }
    }

    /// Set back, the clock would have what waits for a moment wait for as long again.
    fn mend_after_the_clock(&mut self, now: Millis) {
        let limit = now.after(LONGEST_WAIT);
        while let Some((at, asker)) = self.asleep.last().cloned().filter(|(at, _)| *at > limit) {
            self.asleep.remove(&(at, asker.clone()));
            if let Some(lane) = self.lanes.get_mut(&asker) {
                lane.asleep = None;
                lane.jobs.values_mut().filter(|spot| spot.not_before > limit).for_each(|spot| spot.not_before = now);
            }
            self.line_up(&asker, now);
        }
        while let Some((_, id)) = self.paused.last().copied().filter(|(until, _)| *until > limit) {
            self.resume(id);
        }
    }

    /// Puts an asker where they belong: in the ring, asleep, or nowhere.
    fn line_up(&mut self, asker: &Asker, now: Millis) {
        let Some(lane) = self.lanes.get_mut(asker) else { return };
        if let Some(at) = lane.asleep.take() {
            self.asleep.remove(&(at, asker.clone()));
        }
        match lane.ready(now) {
            _ if lane.in_ring => {}
            Ready::Now(_) => {
                lane.in_ring = true;
                self.ring.push_back(asker.clone());
            }
            Ready::At(at) => {
                lane.asleep = Some(at);
                self.asleep.insert((at, asker.clone()));
            }
            Ready::Never => drop(self.lanes.remove(asker)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{GuestKey, JobId, JobIds};

    const NOW: Millis = Millis(1_000_000);

    fn asker(name: &str) -> Asker {
        Asker::Guest(GuestKey::of_token(name))
    }

    fn ready(name: &str) -> Peek {
        Peek { asker: asker(name), not_before: Millis(0), decided: false }
    }

    fn drain(order: &mut Order<JobId>, now: Millis) -> Vec<JobId> {
        std::iter::from_fn(|| order.take(now)).collect()
    }

    #[test]
    fn someone_with_one_request_is_second_after_someone_with_a_thousand() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let many: Vec<_> = (0..1000).map(|_| ids.next(NOW)).collect();
        for id in &many {
            order.add(*id, ready("many"), NOW);
        }
        let one = ids.next(NOW);
        order.add(one, ready("one"), NOW);

        let taken = drain(&mut order, NOW);

        assert_eq!(&taken[..3], &[many[0], one, many[1]]);
        assert!(taken[2..].is_sorted());
        assert_eq!((order.waiting(), order.working()), (0, 1001));
    }

    #[test]
    fn an_undecided_request_that_waits_holds_back_the_askers_later_ones() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let (stop, idea, other) = (ids.next(NOW), ids.next(NOW), ids.next(NOW));
        order.add(stop, Peek { not_before: Millis(NOW.0 + 50), ..ready("a") }, NOW);
        order.add(idea, ready("a"), NOW);
        order.add(other, ready("b"), NOW);

        assert_eq!(drain(&mut order, NOW), [other]);
        assert_eq!(order.due(), Some(Millis(NOW.0 + 50)));
        assert_eq!(drain(&mut order, Millis(NOW.0 + 50)), [stop, idea]);
    }

    #[test]
    fn a_decided_request_that_waits_lets_later_ones_pass() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let (later, now) = (ids.next(NOW), ids.next(NOW));
        order.add(later, Peek { not_before: Millis(NOW.0 + 50), decided: true, ..ready("a") }, NOW);
        order.add(now, ready("a"), NOW);

        assert_eq!(drain(&mut order, NOW), [now]);
        assert_eq!(drain(&mut order, Millis(NOW.0 + 49)), []);
        assert_eq!(drain(&mut order, Millis(NOW.0 + 50)), [later]);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_wait_for_as_long_again() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let hours = |n: u64| Millis(NOW.0 + n * 3_600_000);
        let (soon, later) = (ids.next(hours(5)), ids.next(Millis(hours(5).0 + 1)));
        order.add(soon, Peek { not_before: Millis(hours(5).0 + 50), decided: true, ..ready("a") }, hours(5));
        assert_eq!(drain(&mut order, hours(5)), []);

        order.add(later, Peek { not_before: Millis(hours(5).0 + 50), ..ready("b") }, NOW);
        let mut given = drain(&mut order, NOW);
        given.sort_unstable();
        assert_eq!(given, [soon, later]);
    }

    #[test]
    fn the_oldest_that_is_behind_is_none_that_was_put_off() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let (put_off, behind) = (ids.next(NOW), ids.next(NOW));
        order.add(put_off, Peek { not_before: Millis(NOW.0 + 50), decided: true, ..ready("a") }, NOW);
        assert_eq!(order.oldest_due(NOW), None);
        order.add(behind, ready("b"), NOW);
        assert_eq!((order.oldest(), order.oldest_due(NOW)), (Some(put_off), Some(behind)));
    }

    #[test]
    fn nothing_new_overtakes_what_is_still_unread() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let (old, fresh) = (ids.next(NOW), ids.next(NOW));
        order.found(old);
        order.add(fresh, ready("a"), NOW);

        assert_eq!(order.take(NOW), None);
        for id in order.unread(10) {
            order.read(id, ready("a"), NOW);
        }
        assert_eq!(drain(&mut order, NOW), [old, fresh]);
    }

    #[test]
    fn work_under_way_at_a_crash_comes_first() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        let (waiting, crashed) = (ids.next(NOW), ids.next(NOW));
        order.add(waiting, ready("a"), NOW);
        order.resume(crashed);
        assert_eq!(drain(&mut order, NOW), [crashed, waiting]);
    }

    #[test]
    fn an_asker_with_nothing_left_leaves_no_trace() {
        let (mut order, ids) = (Order::default(), JobIds::default());
        for round in 0..50 {
            let id = ids.next(NOW);
            order.add(id, ready(&round.to_string()), NOW);
            order.take(NOW);
            order.remove(id);
        }
        assert!(order.places.is_empty() && order.lanes.is_empty() && order.ring.is_empty() && order.asleep.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn every_job_is_handed_out_once_and_in_its_askers_order(askers in proptest::collection::vec(0u8..5, 1..80)) {
            let (mut order, ids) = (Order::default(), JobIds::default());
            let mut owner = HashMap::new();
            for who in &askers {
                let id = ids.next(NOW);
                owner.insert(id, *who);
                order.add(id, ready(&who.to_string()), NOW);
            }
            let taken = drain(&mut order, NOW);
            proptest::prop_assert_eq!(taken.len(), askers.len());
            for who in 0u8..5 {
                let mine: Vec<_> = taken.iter().filter(|id| owner[id] == who).collect();
                proptest::prop_assert!(mine.is_sorted());
            }
        }
    }
}
