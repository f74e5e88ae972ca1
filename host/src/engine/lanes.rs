//! Order where order matters: one person's requests are decided one after another, edits of one page too, while everything else runs side by side.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

/// Lanes by key. A lane is a line of tickets; it is gone when its last ticket is.
#[derive(Debug)]
pub struct Lanes<K>(Arc<Mutex<HashMap<K, Lane>>>);

#[derive(Debug)]
struct Lane {
    tickets: usize,
    last: Option<oneshot::Receiver<()>>,
}

/// A place in a lane. The next one's turn comes when this is dropped.
#[derive(Debug)]
pub struct Ticket<K: Eq + Hash> {
    lanes: Arc<Mutex<HashMap<K, Lane>>>,
    key: Option<K>,
    before: Option<oneshot::Receiver<()>>,
    // Dropped with the ticket, which wakes the one behind.
    _behind: oneshot::Sender<()>,
}

impl<K: Eq + Hash + Clone> Default for Lanes<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Lanes<K> {
    /// Takes the next place in a lane; places are in the order of these calls.
    pub fn enter(&self, key: K) -> Ticket<K> {
        let (behind, wait) = oneshot::channel();
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(key.clone()).or_insert(Lane { tickets: 0, last: None });
        lane.tickets += 1;
        let before = lane.last.replace(wait);
        drop(lanes);
        Ticket { lanes: Arc::clone(&self.0), key: Some(key), before, _behind: behind }
    }
}

impl<K: Eq + Hash> Ticket<K> {
    /// Waits for the turn.
    pub async fn turn(&mut self) {
        if let Some(before) = &mut self.before {
            // Both a word and a dropped sender mean that the one before is through.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl<K: Eq + Hash> Drop for Ticket<K> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = lanes.get_mut(&key).is_some_and(|lane| {
            lane.tickets -= 1;
            lane.tickets == 0
        });
        if empty {
            lanes.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_the_order_of_entering() {
        let lanes = Lanes::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let tickets: Vec<_> = (0..20).map(|n| (n, lanes.enter("one person"))).collect();
        let tasks: Vec<_> = tickets
            .into_iter()
            .rev()
            .map(|(n, mut ticket)| {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    ticket.turn().await;
                    tokio::task::yield_now().await;
                    seen.lock().unwrap().push(n);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*seen.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn another_lane_does_not_wait_and_an_empty_one_is_forgotten() {
        let lanes = Lanes::default();
        let first = lanes.enter("a");
        let mut other = lanes.enter("b");
        other.turn().await;
        drop((first, other));
        assert!(lanes.0.lock().unwrap().is_empty());
    }
}
