//! How many jobs are at work at once: asking plugins, writing to the store. A job that waits, on an AI, for its turn or for another try, holds no place.
//!
//! A place goes to the job whose turn came first. So in a flood the oldest jobs end while the youngest wait in the queue, where all moving on side by
//! side would end none of them. New jobs are taken up only when there is a place: those in hand come first.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Jobs at work for each core. More than one, for they wait for the disk by turns, and what they write side by side is committed together.
const FOR_EACH_CORE: usize = 16;

/// When a job's turn came. The smallest is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

/// The places, all jobs' own.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Mutex<Room>>);

#[derive(Debug)]
struct Room {
    free: usize,
    count: u64,
    /// By turn, then in the order they asked. One who no longer waits is passed over.
    waiting: BTreeMap<(Turn, u64), oneshot::Sender<Place>>,
}

/// A place, free for the next one when this is dropped.
#[derive(Debug)]
pub(super) struct Place(Option<Places>);

impl Places {
    /// As many as this machine can make use of.
    pub(super) fn for_this_machine() -> Self {
        Self::new(FOR_EACH_CORE * std::thread::available_parallelism().map_or(2, usize::from).max(2))
    }

    fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Room { free: most, count: 0, waiting: BTreeMap::new() })))
    }

    /// A turn after all that were given out before.
    pub(super) fn turn(&self) -> Turn {
        Turn(self.room().next())
    }

    /// Waits for a place. Nobody whose turn came later is given one before.
    pub(super) async fn take(&self, turn: Turn) -> Place {
        let wait = {
            let mut room = self.room();
            if room.free > 0 {
                room.free -= 1;
                return Place(Some(self.clone()));
            }
            let (give, wait) = oneshot::channel();
            let asked = room.next();
            room.waiting.insert((turn, asked), give);
            wait
        };
        // It is dropped only in giving; and a place too many would be better than a job that waits for ever.
        wait.await.unwrap_or(Place(None))
    }

    fn pass_on(&self) {
        let mut place = Place(Some(self.clone()));
        while let Some(give) = self.next_in_line() {
            match give.send(place) {
                Ok(()) => return,
                Err(returned) => place = returned,
            }
        }
        // It is among the free ones now.
        place.0 = None;
    }

    /// Who is next; where nobody is, there is one more free place.
    fn next_in_line(&self) -> Option<oneshot::Sender<Place>> {
        let mut room = self.room();
        let next = room.waiting.pop_first().map(|(_, give)| give);
        room.free += usize::from(next.is_none());
        next
    }

    fn room(&self) -> std::sync::MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.0.take() {
            places.pass_on();
        }
    }
}

tokio::task_local! {
    static SEAT: RefCell<Seat>;
}

/// A job's turn, and its place while it is at work.
struct Seat {
    places: Places,
    turn: Turn,
    place: Option<Place>,
    /// From then on places count for nothing: all that is left is handed back.
    stopping: CancellationToken,
}

/// Does a job's work on a place that was taken for it.
pub(super) fn seated<F: Future>(
    places: &Places,
    place: Place,
    stopping: &CancellationToken,
    work: F,
) -> impl Future<Output = F::Output> + use<F> {
    let seat = Seat { places: places.clone(), turn: places.turn(), place: Some(place), stopping: stopping.clone() };
    SEAT.scope(RefCell::new(seat), work)
}

/// Waits without a place, and takes one again before it goes on, in the job's old turn. What need not be waited for keeps the place; whoever is no job just
/// waits.
pub(super) async fn aside<F: Future>(wait: F) -> F::Output {
    step_aside(wait, false).await
}

/// The same for a wait behind others of the same person. Their turn comes when that ends: who asks for much waits behind all who came meanwhile.
pub(super) async fn in_line<F: Future>(wait: F) -> F::Output {
    step_aside(wait, true).await
}

async fn step_aside<F: Future>(wait: F, anew: bool) -> F::Output {
    let mut wait = pin!(wait);
    if let Poll::Ready(over) = std::future::poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await {
        return over;
    }
    let held = SEAT.try_with(|seat| seat.borrow_mut().place.take());
    drop(held);
    let over = wait.await;
    let known = SEAT.try_with(|seat| {
        let mut seat = seat.borrow_mut();
        if anew {
            seat.turn = seat.places.turn();
        }
        (seat.places.clone(), seat.turn, seat.stopping.clone())
    });
    let Ok((places, turn, stopping)) = known else { return over };
    let place = tokio::select! {
        biased;
        () = stopping.cancelled() => None,
        place = places.take(turn) => Some(place),
    };
    // A seat is there as long as the job's own future, which is this one.
    let _ = SEAT.try_with(|seat| seat.borrow_mut().place = place);
    over
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_place_goes_to_whose_turn_came_first_whenever_they_asked() {
        let places = Places::new(1);
        let held = places.take(places.turn()).await;
        let turns: Vec<_> = (0..10).map(|_| places.turn()).collect();
        let order = Arc::new(Mutex::new(Vec::new()));
        let asking = turns.iter().enumerate().rev().map(|(n, turn)| {
            let (places, order) = (&places, &order);
            async move {
                let place = places.take(*turn).await;
                order.lock().unwrap().push(n);
                drop(place);
            }
        });
        let all = join_all(asking);
        let free = async {
            settle().await;
            drop(held);
        };

        tokio::join!(all, free);

        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_no_longer_waits_is_passed_over_and_no_place_is_lost() {
        let places = Places::new(2);
        let (one, two) = (places.take(places.turn()).await, places.take(places.turn()).await);
        let mut gone = Box::pin(places.take(places.turn()));
        let mut given = Box::pin(places.take(places.turn()));
        assert!(gone.as_mut().now_or_never().is_none() && given.as_mut().now_or_never().is_none());
        drop(gone);

        drop(one);
        // Given a place and gone before it looked.
        drop(given);
        drop(two);

        let free = (places.take(places.turn()).now_or_never(), places.take(places.turn()).now_or_never());
        assert!(matches!(&free, (Some(_), Some(_))) && places.take(places.turn()).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_job_that_waits_holds_no_place_and_takes_its_turn_again() {
        let (places, stopping) = (Places::new(1), CancellationToken::new());
        let (answer, ai) = oneshot::channel::<()>();
        let place = places.take(places.turn()).await;
        let job = seated(&places, place, &stopping, async {
            aside(std::future::ready(())).await;
            let _ = aside(ai).await;
            "done"
        });
        let mut job = Box::pin(job);
        assert!(job.as_mut().now_or_never().is_none());

        let other = places.take(places.turn()).now_or_never().expect("it is free while the job waits");
        let mut younger = Box::pin(places.take(places.turn()));
        assert!(younger.as_mut().now_or_never().is_none());
        answer.send(()).unwrap();
        assert!(job.as_mut().now_or_never().is_none(), "there is no place yet");
        drop(other);

        assert!(younger.as_mut().now_or_never().is_none(), "the job's turn came first");
        assert_eq!(job.now_or_never(), Some("done"));
        assert!(younger.now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_waited_behind_their_own_goes_behind_those_who_came_meanwhile() {
        let (places, stopping) = (Places::new(1), CancellationToken::new());
        let (free, lane) = oneshot::channel::<()>();
        let place = places.take(places.turn()).await;
        let mut second = Box::pin(seated(&places, place, &stopping, async {
            let _ = in_line(lane).await;
        }));
        assert!(second.as_mut().now_or_never().is_none());
        let held = places.take(places.turn()).await;
        let mut other = Box::pin(places.take(places.turn()));
        assert!(other.as_mut().now_or_never().is_none());

        free.send(()).unwrap();
        assert!(second.as_mut().now_or_never().is_none());
        drop(held);

        assert!(second.as_mut().now_or_never().is_none() && other.now_or_never().is_some());
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn once_the_engine_stops_nobody_waits_for_a_place() {
        let (places, stopping) = (Places::new(1), CancellationToken::new());
        let (_never, ai) = oneshot::channel::<()>();
        let place = places.take(places.turn()).await;
        let stopped = stopping.clone();
        let mut job = Box::pin(seated(&places, place, &stopping, async move {
            aside(async {
                tokio::select! {
                    _ = ai => {}
                    () = stopped.cancelled() => {}
                }
            })
            .await;
        }));
        assert!(job.as_mut().now_or_never().is_none());
        let _held = places.take(places.turn()).await;

        stopping.cancel();

        assert!(job.now_or_never().is_some());
    }
}
