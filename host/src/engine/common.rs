//! Words that many jobs have in common, kept once: ten thousand jobs that wait on an AI were told the same rules, which are the longest part of what they hold.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// So many texts are known at once. There is one for each kind of order, coach and pipeline; what is beyond is not shared, and nothing else is lost.
const MOST: usize = 64;

/// The words, for as long as a job has them.
#[derive(Debug, Default)]
pub(super) struct Common(Mutex<Vec<Weak<str>>>);

impl Common {
    /// The same words, shared with whoever has them too.
    pub(super) fn of(&self, words: &str) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = known.iter().filter_map(Weak::upgrade).find(|text| **text == *words) {
            return shared;
        }
        let text = Arc::from(words);
        known.retain(|text| text.strong_count() > 0);
        if known.len() < MOST {
            known.push(Arc::downgrade(&text));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_kept_once_for_as_long_as_anyone_has_them() {
        let common = Common::default();
        let (one, two, other) = (common.of("rules"), common.of("rules"), common.of("other rules"));
        assert!(Arc::ptr_eq(&one, &two) && !Arc::ptr_eq(&one, &other));

        drop((one, two));
        common.of("more rules");

        assert_eq!(common.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn where_everyone_is_told_something_else_memory_stays_bounded() {
        let common = Common::default();
        let all: Vec<_> = (0..MOST * 2).map(|n| common.of(&n.to_string())).collect();
        assert_eq!((all.len(), common.0.lock().unwrap().len()), (MOST * 2, MOST));
    }
}
