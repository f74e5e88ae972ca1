//! What was drawn lately, up to a number of bytes; what was not asked for the longest goes first.

use std::collections::HashMap;

use bytes::Bytes;

pub(super) struct Kept {
    most: usize,
    bytes: usize,
    clock: u64,
    by_tag: HashMap<String, (Bytes, u64)>,
}

impl Kept {
    /// Keeps up to `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { most, bytes: 0, clock: 0, by_tag: HashMap::new() }
    }

    pub fn get(&mut self, tag: &str) -> Option<Bytes> {
        self.clock += 1;
        let (picture, used) = self.by_tag.get_mut(tag)?;
        *used = self.clock;
        Some(picture.clone())
    }

    pub fn put(&mut self, tag: &str, picture: Bytes) {
        if picture.len() > self.most {
            return;
        }
        self.clock += 1;
        self.bytes += picture.len();
        if let Some((before, _)) = self.by_tag.insert(tag.to_owned(), (picture, self.clock)) {
            self.bytes -= before.len();
        }
        while self.bytes > self.most {
            let Some(oldest) = self.by_tag.iter().min_by_key(|(_, (_, used))| *used).map(|(tag, _)| tag.clone()) else {
                return;
            };
            self.bytes -= self.by_tag.remove(&oldest).map_or(0, |(picture, _)| picture.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_the_longest_goes_first() {
        let mut kept = Kept::new(10);
        for tag in ["a", "b"] {
            kept.put(tag, Bytes::from_static(b"1234"));
        }
        assert!(kept.get("a").is_some());
        kept.put("c", Bytes::from_static(b"1234"));
        assert!(kept.get("b").is_none() && kept.get("a").is_some() && kept.get("c").is_some());
        assert_eq!(kept.bytes, 8);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let mut kept = Kept::new(10);
        kept.put("huge", Bytes::from(vec![0; 11]));
        for _ in 0..3 {
            kept.put("same", Bytes::from_static(b"12345678"));
        }
        assert!(kept.get("huge").is_none() && kept.bytes == 8);
    }
}
