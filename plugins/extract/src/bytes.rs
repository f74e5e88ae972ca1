//! Looking for bytes eight at a time: a word of them is compared in a handful of instructions, where a loop over bytes costs that for each.
//!
//! The arithmetic is the old one for a zero byte in a word (Hacker's Delight, 6-1): the lowest mark is always right, marks above it may not be, and only the
//! lowest is ever used.
#![allow(
    clippy::inline_always,
    reason = "left to the compiler, half of it stays calls, and a page takes 1.6 times as long in the sandbox"
)]

use std::ops::Range;

/// Every byte of a word the same.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The top bit of each byte of `word` that is `byte`.
#[inline(always)]
pub const fn same(word: u64, byte: u8) -> u64 {
    let zero_there = word ^ all(byte);
    zero_there.wrapping_sub(all(1)) & !zero_there & all(0x80)
}

/// The top bit of each byte of `word` that is less than `bound`, which is at most 128.
#[inline(always)]
pub const fn less(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(all(bound)) & !word & all(0x80)
}

/// How many bytes of a word stand before its lowest mark.
#[inline(always)]
pub const fn before(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// `A` to `Z` in a word made small.
#[inline(always)]
pub const fn lowercase(word: u64) -> u64 {
    let low = word & all(0x7f);
    let from_a = low.wrapping_add(all(0x80 - b'A'));
    let past_z = low.wrapping_add(all(0x7f - b'Z'));
    word | (((from_a ^ past_z) & !word & all(0x80)) >> 2)
}

/// The eight bytes at `at`, the first of them lowest, where there are so many.
#[inline(always)]
pub fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Where the first byte is, at or after `from`, that is one of `needles`; the length where there is none.
#[inline(always)]
pub fn find<const N: usize>(bytes: &[u8], from: usize, needles: [u8; N]) -> usize {
    let mut at = from;
    while let Some(word) = word(bytes, at) {
        let found = needles.iter().fold(0, |found, &needle| found | same(word, needle));
        if found != 0 {
            return at + before(found);
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| needles.contains(byte)).unwrap_or(rest.len())
}

/// How many bytes are looked at together where what is looked for is far.
const BLOCK: usize = 32;

/// The words of a block.
fn words(block: &[u8; BLOCK]) -> impl Iterator<Item = u64> {
    block.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
}

/// The same for bytes that are far between: four words at a time.
pub fn find_rare<const N: usize>(bytes: &[u8], from: usize, needles: [u8; N]) -> usize {
    let blocks = bytes.get(from..).unwrap_or_default().as_chunks().0;
    let holds = |word| needles.iter().fold(0, |found, &needle| found | same(word, needle));
    let clear = blocks.iter().take_while(|block| words(block).fold(0, |found, word| found | holds(word)) == 0).count();
    find(bytes, from + clear * BLOCK, needles)
}

/// Where something may begin, at or after `from`, whose first and last byte are `ends`, letters in any case, so far from each other.
pub fn find_ends(bytes: &[u8], from: usize, ends: [u8; 2], apart: usize) -> Option<usize> {
    // What makes a letter small changes few other bytes, and is taken back by whoever compares the rest.
    let small = ends.map(|end| if end.is_ascii_alphabetic() { 0x20 } else { 0 });
    let differ = |(first, last): (u64, u64)| {
        let first = (first | all(small[0])) ^ all(ends[0] | small[0]);
        first | (last | all(small[1])) ^ all(ends[1] | small[1])
    };
    let (firsts, lasts) = (bytes.get(from..)?, bytes.get(from + apart..)?);
    let blocks = firsts.as_chunks().0.iter().zip(lasts.as_chunks().0);
    let none =
        |(firsts, lasts)| words(firsts).zip(words(lasts)).fold(0, |found, pair| found | same(differ(pair), 0)) == 0;
    let clear = blocks.take_while(|&pair| none(pair)).count();
    let mut rest = firsts.iter().zip(lasts).skip(clear * BLOCK);
    let found = rest.position(|(&first, &last)| same(differ((first.into(), last.into())), 0) & 0xff != 0)?;
    Some(from + clear * BLOCK + found)
}

/// The lines of a text with their ends, as ranges.
pub fn lines(text: &str, from: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = from;
    std::iter::from_fn(move || {
        let start = at;
        at = line_end(text, start);
        (start < text.len()).then_some(start..at)
    })
}

/// Where the line that `at` stands in ends, its break included.
#[inline]
pub fn line_end(text: &str, at: usize) -> usize {
    (find(text.as_bytes(), at, [b'\n']) + 1).min(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_a_loop_finds(bytes: Vec<u8>, from in 0..20_usize, needles: [u8; 2]) {
            let slow = (from..bytes.len()).find(|&at| needles.contains(&bytes[at])).unwrap_or(bytes.len().max(from));
            prop_assert_eq!(find(&bytes, from, needles), slow);
            prop_assert_eq!(find_rare(&bytes, from, needles), slow);
        }

        #[test]
        fn what_has_such_ends_is_found(text in "[aAbB<h]{0,40}", from in 0..20_usize, ends in prop::sample::select(vec![*b"ab", *b"<h", *b"b<"]), apart in 0..12_usize) {
            let bytes = text.as_bytes();
            let fits = |at: usize| {
                bytes.get(at).is_some_and(|b| b.eq_ignore_ascii_case(&ends[0])) && bytes.get(at + apart).is_some_and(|b| b.eq_ignore_ascii_case(&ends[1]))
            };
            prop_assert_eq!(find_ends(bytes, from, ends, apart), (from..bytes.len()).find(|&at| fits(at)));
        }

        #[test]
        fn the_lowest_mark_of_a_word_is_right(bytes: [u8; 8], byte: u8, bound in 0..=128_u8) {
            let (word, first) = (u64::from_le_bytes(bytes), |yes: &dyn Fn(u8) -> bool| bytes.iter().position(|&b| yes(b)).unwrap_or(8));
            prop_assert_eq!(before(same(word, byte)), first(&|b| b == byte));
            prop_assert_eq!(before(less(word, bound)), first(&|b| b < bound));
        }

        #[test]
        fn a_word_is_made_small_as_its_bytes_are(bytes: [u8; 8]) {
            prop_assert_eq!(lowercase(u64::from_le_bytes(bytes)).to_le_bytes(), bytes.map(|byte| byte.to_ascii_lowercase()));
        }

        #[test]
        fn lines_are_those_of_the_standard_library(text in "[a\n]{0,30}") {
            let ours: Vec<&str> = lines(&text, 0).map(|line| &text[line]).collect();
            prop_assert_eq!(ours, text.split_inclusive('\n').collect::<Vec<_>>());
        }
    }
}
