//! The connections to one provider, and who shares them.
//!
//! A provider that speaks HTTP/2 gets connections of [`SEATS`] calls each, as many as that takes: no call queues unseen for the provider's limit of streams (commonly a hundred), and one that breaks takes
//! few calls with it. With HTTP/1.1 each call has its own, as it has while nobody knows. The first call finds out, as it connects; those that come meanwhile wait for that, and no longer.
//! A call has a [`Seat`], given back when dropped. Nothing is sent here.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::Client;
use tokio::{sync::watch, time::Instant};

use super::{
    client::{ClientError, Maker, SEATS},
    door::{Door, Speaks, Stands},
};

/// Empty connections that are kept, so that the next calls find them open.
const SPARE: usize = 2;
/// All that one broken connection took with it say so within this.
const SAME_BREAK: Duration = Duration::from_secs(5);

/// The connections to one provider.
pub(super) struct Wires {
    maker: Maker,
    alone: Client,
    speaks: watch::Sender<Speaks>,
    shared: Mutex<Shared>,
}

/// The connections that are shared.
#[derive(Default)]
struct Shared {
    wires: Vec<Wire>,
    last: u64,
}

/// One connection of HTTP/2, from before it is made until the last call has left it.
struct Wire {
    number: u64,
    client: Client,
    door: Door,
    aboard: usize,
    /// It gave cause for doubt: who sits stays, and nobody else boards.
    worn: bool,
    broke: Option<Instant>,
}

impl Wire {
    fn has_room(&self) -> bool {
        !self.worn && self.aboard < SEATS
    }
}

/// What a connection's end says of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Something.
    First,
    /// Nothing that another call on it did not say a moment ago.
    Known,
}

impl Wires {
    /// To a server of HTTPS.
    pub fn secure(maker: Maker) -> Result<Arc<Self>, ClientError> {
        Self::new(maker, Speaks::Unknown(0))
    }

    /// To a server without encryption, and so without a word on what else it speaks.
    pub fn plain(maker: Maker) -> Result<Arc<Self>, ClientError> {
        Self::new(maker, Speaks::Alone)
    }

    fn new(maker: Maker, speaks: Speaks) -> Result<Arc<Self>, ClientError> {
        let alone = maker.alone()?;
        Ok(Arc::new(Self { maker, alone, speaks: watch::Sender::new(speaks), shared: Mutex::default() }))
    }

    /// A seat for one call.
    pub async fn seat(self: &Arc<Self>) -> Seat {
        if let Some(seat) = self.scout() {
            return seat;
        }
        let mut speaks = self.speaks.subscribe();
        let mut known = *speaks.borrow_and_update();
        if matches!(known, Speaks::Asked(_)) {
            known = speaks.wait_for(|now| *now != known).await.map_or(Speaks::Alone, |now| *now);
        }
        match known {
            Speaks::Together => self.board(Wire::has_room),
            // Whoever asked found nobody; this call goes its own way, as if there were no others.
            Speaks::Alone | Speaks::Unknown(_) | Speaks::Asked(_) => self.alone(),
        }
    }

    /// The seat of the call that finds out, where none does yet.
    fn scout(self: &Arc<Self>) -> Option<Seat> {
        let mut asked = None;
        self.speaks.send_if_modified(|speaks| {
            if let Speaks::Unknown(tries) = *speaks {
                *speaks = Speaks::Asked(tries.wrapping_add(1));
                asked = Some(*speaks);
            }
            asked.is_some()
        });
        let place = Place::Scout { wires: self.clone(), asked: asked? };
        // Without a client the place is dropped, and the next call tries.
        let client = self.maker.either(Door::for_any(self.speaks.clone())).ok()?;
        Some(Seat { client, place })
    }

    fn alone(&self) -> Seat {
        Seat { client: self.alone.clone(), place: Place::Alone }
    }

    /// A seat on the first wire that will do, else on a new one.
    fn board(self: &Arc<Self>, will_do: impl Fn(&Wire) -> bool) -> Seat {
        let mut shared = self.shared();
        if let Some(wire) = shared.wires.iter_mut().find(|wire| will_do(wire)) {
            wire.aboard += 1;
            let place = Place::Wire { wires: self.clone(), number: wire.number, door: wire.door.clone() };
            return Seat { client: wire.client.clone(), place };
        }
        let door = Door::for_one(self.speaks.clone());
        let Ok(client) = self.maker.together(door.clone()) else {
            return self.alone();
        };
        shared.last += 1;
        let number = shared.last;
        shared.wires.push(Wire {
            number,
            client: client.clone(),
            door: door.clone(),
            aboard: 1,
            worn: false,
            broke: None,
        });
        Seat { client, place: Place::Wire { wires: self.clone(), number, door } }
    }

    fn with<T>(&self, number: u64, then: impl FnOnce(&mut Wire) -> T) -> Option<T> {
        self.shared().wires.iter_mut().find(|wire| wire.number == number).map(then)
    }

    fn leave(&self, number: u64) {
        let mut shared = self.shared();
        let Some(at) = shared.wires.iter().position(|wire| wire.number == number) else {
            return;
        };
        let wire = &mut shared.wires[at];
        wire.aboard = wire.aboard.saturating_sub(1);
        if wire.aboard > 0 {
            return;
        }
        let gone = wire.worn || shared.wires.iter().filter(|wire| wire.aboard == 0).count() > SPARE;
        if gone {
            let wire = shared.wires.remove(at);
            drop(shared);
            drop(wire);
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call's right to a connection, given back when dropped.
pub(super) struct Seat {
    client: Client,
    place: Place,
}

enum Place {
    Alone,
    Scout { wires: Arc<Wires>, asked: Speaks },
    Wire { wires: Arc<Wires>, number: u64, door: Door },
}

impl Seat {
    /// What to send with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A seat on a connection that nobody had yet, where this call could not be sent because its connection had ended in peace (it was idle, or the provider asked for another).
    pub fn instead(&self) -> Option<Seat> {
        let Place::Wire { wires, door, .. } = &self.place else {
            return None;
        };
        (door.stands() == Stands::Opened).then(|| {
            self.worn();
            wires.board(|wire| wire.has_room() && wire.door.stands() == Stands::Shut)
        })
    }

    /// It may be at fault that the call failed: nobody else boards it.
    pub fn worn(&self) {
        if let Place::Wire { wires, number, .. } = &self.place {
            wires.with(*number, |wire| wire.worn = true);
        }
    }

    /// The connection gave out, or could not be made.
    pub fn broke(&self) -> News {
        let Place::Wire { wires, number, .. } = &self.place else {
            return News::First;
        };
        let now = Instant::now();
        let news = wires.with(*number, |wire| {
            wire.worn = true;
            let known = wire.broke.is_some_and(|broke| now < broke + SAME_BREAK);
            wire.broke = wire.broke.filter(|_| known).or(Some(now));
            if known { News::Known } else { News::First }
        });
        news.unwrap_or(News::First)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        match &self.place {
            Place::Alone => {}
            Place::Scout { wires, asked } => {
                let Speaks::Asked(tries) = *asked else { return };
                wires.speaks.send_if_modified(|speaks| {
                    let unanswered = speaks == asked;
                    if unanswered {
                        *speaks = Speaks::Unknown(tries);
                    }
                    unanswered
                });
            }
            Place::Wire { wires, number, .. } => wires.leave(*number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::ai::client::Trust;

    fn wires(speaks: Speaks) -> Arc<Wires> {
        let trust = Trust::Only(Arc::new(rustls::RootCertStore::empty()));
        Wires::new(Maker::new(&trust, true).unwrap(), speaks).unwrap()
    }

    /// The wire it is on.
    fn number(seat: &Seat) -> u64 {
        match &seat.place {
            Place::Wire { number, .. } => *number,
            Place::Alone | Place::Scout { .. } => 0,
        }
    }

    async fn numbers(wires: &Arc<Wires>, calls: usize) -> Vec<Seat> {
        let mut seats = Vec::new();
        for _ in 0..calls {
            seats.push(wires.seat().await);
        }
        seats
    }

    #[tokio::test]
    async fn a_full_connection_is_followed_by_another_and_a_seat_given_back_is_taken_again() {
        let wires = wires(Speaks::Together);
        let mut seats = numbers(&wires, SEATS + 1).await;
        assert!(seats[..SEATS].iter().all(|seat| number(seat) == 1));
        assert_eq!(number(&seats[SEATS]), 2);
        seats.remove(7);
        assert_eq!(number(&wires.seat().await), 1);
    }

    #[tokio::test]
    async fn nobody_boards_what_broke_and_it_is_news_once() {
        let wires = wires(Speaks::Together);
        let seats = numbers(&wires, 2).await;
        assert_eq!((seats[0].broke(), seats[1].broke()), (News::First, News::Known));
        assert_eq!(number(&wires.seat().await), 2);
        drop(seats);
        assert!(wires.shared().wires.iter().all(|wire| wire.number == 2), "the last to leave takes it away");
    }

    #[tokio::test]
    async fn few_empty_connections_are_kept() {
        let wires = wires(Speaks::Together);
        drop(numbers(&wires, SEATS * 5).await);
        assert_eq!(wires.shared().wires.len(), SPARE);
    }

    #[tokio::test]
    async fn those_who_wait_for_the_first_call_go_alone_when_it_comes_to_nothing() {
        let wires = wires(Speaks::Unknown(0));
        let first = wires.seat().await;
        assert!(matches!(first.place, Place::Scout { .. }));
        let waits = wires.seat();
        let (second, ()) = tokio::join!(waits, async { drop(first) });
        assert!(matches!(second.place, Place::Alone));
        assert!(matches!(wires.seat().await.place, Place::Scout { .. }), "the next one asks again");
    }
}
