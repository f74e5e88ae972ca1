//! How many may watch at once: each watcher holds a connection open, so there are so many seats a page, an address, and in all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::adapter::store::PageId;

const IN_ALL: usize = 1_000;
const OF_A_PAGE: usize = 100;
const OF_AN_ADDRESS: usize = 24;

/// Who watches.
#[derive(Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    in_all: usize,
    pages: HashMap<PageId, usize>,
    addresses: HashMap<IpAddr, usize>,
}

/// A seat, free again when dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    page: PageId,
    from: IpAddr,
}

impl Seats {
    /// Takes a seat, where one is free.
    pub fn take(self: &Arc<Self>, page: PageId, from: IpAddr) -> Option<Seat> {
        let mut taken = self.taken();
        let (of_page, of_address) = (taken.pages.get(&page).copied(), taken.addresses.get(&from).copied());
        let free = taken.in_all < IN_ALL && of_page.unwrap_or(0) < OF_A_PAGE && of_address.unwrap_or(0) < OF_AN_ADDRESS;
        free.then(|| {
            taken.in_all += 1;
            *taken.pages.entry(page).or_default() += 1;
            *taken.addresses.entry(from).or_default() += 1;
            Seat { seats: self.clone(), page, from }
        })
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.in_all -= 1;
        leave(&mut taken.pages, &self.page);
        leave(&mut taken.addresses, &self.from);
    }
}

fn leave<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, of: &K) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_is_left_is_free_again_and_forgotten() {
        let seats = Arc::new(Seats::default());
        let from: IpAddr = [192, 0, 2, 1].into();
        let held: Vec<_> = (0..OF_AN_ADDRESS).filter_map(|_| seats.take(PageId(1), from)).collect();
        assert_eq!(held.len(), OF_AN_ADDRESS);
        assert!(seats.take(PageId(2), from).is_none());
        assert!(seats.take(PageId(1), [192, 0, 2, 2].into()).is_some());
        drop(held);
        assert!(seats.take(PageId(2), from).is_some());
        let taken = seats.taken();
        assert!(taken.in_all == 0 && taken.pages.is_empty() && taken.addresses.is_empty());
    }
}
