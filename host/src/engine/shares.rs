//! How many builds of one person run side by side; the rest wait their turn, and nobody else waits for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapter::store::PersonId;

/// Each person's share.
#[derive(Debug)]
pub struct Shares {
    each: usize,
    taken: Mutex<HashMap<PersonId, Weak<Semaphore>>>,
}

impl Shares {
    /// So many for each person.
    pub fn new(each: usize) -> Self {
        Self { each: each.max(1), taken: Mutex::default() }
    }

    /// Waits for a place in the person's share; it is free again when the permit is dropped.
    pub async fn take(&self, person: PersonId) -> Option<OwnedSemaphorePermit> {
        let share = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if taken.len() > 1_024 {
                taken.retain(|_, share| share.strong_count() > 0);
            }
            taken.get(&person).and_then(Weak::upgrade).unwrap_or_else(|| {
                let share = Arc::new(Semaphore::new(self.each));
                taken.insert(person, Arc::downgrade(&share));
                share
            })
        };
        share.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_persons_builds_wait_for_each_other_and_for_nobody_else() {
        let shares = Shares::new(2);
        let _held = (shares.take(PersonId(1)).await, shares.take(PersonId(1)).await);
        let third = shares.take(PersonId(1));
        assert!(futures_util::FutureExt::now_or_never(third).is_none());
        assert!(futures_util::FutureExt::now_or_never(shares.take(PersonId(2))).is_some());
    }
}
