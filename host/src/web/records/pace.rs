//! How fast records come and go: buckets that refill, by page and by address. In memory: what must not be reset by a restart (guesses, room) is in the store.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::adapter::store::PageId;

/// Buckets at once; full ones are forgotten first.
const MOST: usize = 50_000;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rush {
    /// A record is left, changed or removed.
    Write,
    /// Records are read.
    Read,
    /// A friend joins.
    Join,
}

/// A bucket: so many at once, so many a second after that.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    burst: f64,
    a_second: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Page(PageId),
    Address(IpAddr),
    Both(PageId, IpAddr),
}

impl Rush {
    /// By page and address, by page, by address.
    fn buckets(self) -> [Bucket; 3] {
        let of = |burst, a_second| Bucket { burst, a_second };
        match self {
            Self::Write => [of(30.0, 0.5), of(300.0, 5.0), of(60.0, 1.0)],
            Self::Read => [of(120.0, 4.0), of(2_000.0, 100.0), of(240.0, 8.0)],
            Self::Join => [of(10.0, 0.1), of(30.0, 0.5), of(20.0, 0.2)],
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Level {
    left: f64,
    at: Instant,
    bucket: Bucket,
}

impl Level {
    fn now(self, now: Instant) -> f64 {
        let refilled = now.saturating_duration_since(self.at).as_secs_f64() * self.bucket.a_second;
        (self.left + refilled).min(self.bucket.burst)
    }
}

/// All buckets.
#[derive(Default)]
pub(super) struct Pace(Mutex<HashMap<(Rush, Who), Level>>);

impl Pace {
    /// Takes one out of each bucket, or tells how long until that can be done.
    pub fn admit(&self, rush: Rush, page: PageId, from: IpAddr) -> Result<(), Duration> {
        self.admit_at(rush, page, from, Instant::now())
    }

    fn admit_at(&self, rush: Rush, page: PageId, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut levels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= MOST {
            levels.retain(|_, level| level.now(now) < level.bucket.burst);
        }
        // Still that many: someone has a great many addresses. Beginning anew is kinder than refusing everyone.
        if levels.len() >= MOST {
            levels.clear();
        }
        let who = [Who::Both(page, from), Who::Page(page), Who::Address(from)];
        let wanted = who.into_iter().zip(rush.buckets());
        let mut taken = Vec::with_capacity(3);
        for (who, bucket) in wanted {
            let left = levels.get(&(rush, who)).map_or(bucket.burst, |level| level.now(now));
            if left < 1.0 {
                return Err(Duration::from_secs_f64((1.0 - left) / bucket.a_second));
            }
            taken.push(((rush, who), Level { left: left - 1.0, at: now, bucket }));
        }
        levels.extend(taken);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: PageId = PageId(1);

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_burst_fits_then_it_goes_on_at_the_pace_of_the_bucket() {
        let (pace, now) = (Pace::default(), Instant::now());
        let fits = (0..40).filter(|_| pace.admit_at(Rush::Write, PAGE, address(1), now).is_ok()).count();
        assert_eq!(fits, 30);
        let wait = pace.admit_at(Rush::Write, PAGE, address(1), now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(2));
        assert!(pace.admit_at(Rush::Write, PAGE, address(1), now + wait).is_ok());
        assert!(pace.admit_at(Rush::Write, PAGE, address(2), now).is_ok(), "others are not held up");
        assert!(pace.admit_at(Rush::Read, PAGE, address(1), now).is_ok(), "reading is another matter");
    }

    #[test]
    fn many_addresses_together_do_not_flood_a_page() {
        let (pace, now) = (Pace::default(), Instant::now());
        let addresses = (0..400u16).map(|n| IpAddr::from([10, 0, n.to_be_bytes()[0], n.to_be_bytes()[1]]));
        let fits = addresses.filter(|from| pace.admit_at(Rush::Write, PAGE, *from, now).is_ok()).count();
        assert_eq!(fits, 300);
    }
}
