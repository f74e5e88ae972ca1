//! How many calls a provider has at once: up to its `max_concurrent`, halved when it says 429, grown again one by one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// Good calls that win one more place.
const GOOD_FOR_ONE: u32 = 8;
/// A burst of 429 is one piece of news: places are halved once for the calls that were under way together.
const SAME_BURST: Duration = Duration::from_millis(100);

/// The places of one provider.
pub(super) struct Lane {
    places: Arc<Semaphore>,
    room: Arc<Mutex<Room>>,
}

struct Room {
    most: usize,
    limit: usize,
    /// Places to be taken away as calls end.
    owed: usize,
    good: u32,
    halved: Option<Instant>,
}

impl Lane {
    /// With room for `most` calls, at least one.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let room = Room { most, limit: most, owed: 0, good: 0, halved: None };
        Self { places: Arc::new(Semaphore::new(most)), room: Arc::new(Mutex::new(room)) }
    }

    /// A place, when there is one; first come, first served.
    pub async fn place(&self) -> Place {
        let permit = self.places.clone().acquire_owned().await.ok();
        Place { permit, places: self.places.clone(), room: self.room.clone() }
    }

    /// Calls that may be under way at once now.
    pub fn limit(&self) -> usize {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).limit
    }
}

/// One call's place, given back when dropped.
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    places: Arc<Semaphore>,
    room: Arc<Mutex<Room>>,
}

impl Place {
    /// The call went well.
    pub fn good(&self) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.good += 1;
        if room.good < GOOD_FOR_ONE || room.limit >= room.most {
            return;
        }
        room.good = 0;
        room.limit += 1;
        if room.owed > 0 {
            room.owed -= 1;
        } else {
            self.places.add_permits(1);
        }
    }

    /// The try that began at `began` was told, just now, that there are too many.
    pub fn crowded(&self, began: Instant) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if room.halved.is_some_and(|halved| began < halved + SAME_BURST) {
            return;
        }
        let limit = (room.limit / 2).max(1);
        let fewer = room.limit - limit;
        room.owed += fewer - self.places.forget_permits(fewer);
        room.limit = limit;
        room.good = 0;
        room.halved = Some(Instant::now());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if room.owed > 0 {
            room.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_429_halves_the_places_once_for_a_burst() {
        let lane = Lane::new(8);
        let began = Instant::now();
        let places = [lane.place().await, lane.place().await, lane.place().await, lane.place().await];
        for place in &places {
            place.crowded(began);
        }
        assert_eq!(lane.limit(), 4);
        assert_eq!(lane.places.available_permits(), 0, "four are taken and four are gone");
        drop(places);
        assert_eq!(lane.places.available_permits(), 4);
    }

    #[tokio::test]
    async fn places_taken_away_from_a_full_lane_go_as_calls_end() {
        let lane = Lane::new(4);
        let mut places = vec![lane.place().await, lane.place().await, lane.place().await, lane.place().await];
        places[0].crowded(Instant::now());
        assert_eq!(lane.limit(), 2);
        places.truncate(2);
        assert_eq!(lane.places.available_permits(), 0);
        places.clear();
        assert_eq!(lane.places.available_permits(), 2);
    }

    #[tokio::test]
    async fn good_calls_win_places_back_up_to_the_most() {
        let lane = Lane::new(2);
        lane.place().await.crowded(Instant::now());
        assert_eq!(lane.limit(), 1);
        for _ in 0..GOOD_FOR_ONE * 5 {
            lane.place().await.good();
        }
        assert_eq!(lane.limit(), 2);
        assert_eq!(lane.places.available_permits(), 2);
    }

    #[tokio::test]
    async fn one_place_is_always_left() {
        let lane = Lane::new(1);
        lane.place().await.crowded(Instant::now());
        assert_eq!(lane.limit(), 1);
        assert_eq!(lane.places.available_permits(), 1);
    }
}
