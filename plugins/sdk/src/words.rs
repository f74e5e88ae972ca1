//! Lists of words that cost a call nothing: the compiler splits them.
//!
//! A call runs in a fresh instance, so whatever is read from a file "once" is read in every call. With [`words!`](crate::words!) the words stay in a text file that
//! anyone can edit, and the plugin has them as a table.

/// The words of a text, as a `&'static [&'static str]`: split at white space, without what follows a `#` on its line.
///
/// ```
/// const COLOURS: &[&str] = wtaf_plugin_sdk::words!("# warm ones\namber\ncoral");
///
/// assert_eq!(COLOURS, ["amber", "coral"]);
/// ```
///
/// Usually of a file: `words!(include_str!("../words/colours.txt"))`.
#[macro_export]
macro_rules! words {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const WORDS: [&str; $crate::words::count(TEXT)] = $crate::words::split(TEXT);
        &WORDS
    }};
}

/// Whether words stand in the order of their bytes, each once, as a search by halves wants them.
///
/// ```
/// const STOP: &[&str] = wtaf_plugin_sdk::words!("a an the");
/// const _: () = assert!(wtaf_plugin_sdk::words::in_order(STOP), "stop words: in alphabetical order, please");
///
/// assert!(STOP.binary_search(&"the").is_ok());
/// ```
pub const fn in_order(words: &[&str]) -> bool {
    let mut at = 1;
    while at < words.len() {
        if !is_before(words[at - 1].as_bytes(), words[at].as_bytes()) {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether one word stands before another.
pub const fn is_before(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

#[doc(hidden)]
pub const fn count(text: &str) -> usize {
    let (mut rest, mut count) = (text, 0);
    while let Some((_, behind)) = next(rest) {
        rest = behind;
        count += 1;
    }
    count
}

#[doc(hidden)]
pub const fn split<const N: usize>(text: &'static str) -> [&'static str; N] {
    let (mut rest, mut words, mut at) = (text, [""; N], 0);
    while let Some((word, behind)) = next(rest) {
        words[at] = word;
        rest = behind;
        at += 1;
    }
    words
}

/// The first word of a text, and what follows it.
const fn next(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let (mut at, mut comment) = (0, false);
    while at < bytes.len() && (comment || bytes[at] == b'#' || bytes[at].is_ascii_whitespace()) {
        comment = bytes[at] != b'\n' && (comment || bytes[at] == b'#');
        at += 1;
    }
    let start = at;
    while at < bytes.len() && bytes[at] != b'#' && !bytes[at].is_ascii_whitespace() {
        at += 1;
    }
    if start == at {
        return None;
    }
    let (behind, (word, rest)) = (start, text.split_at(at));
    Some((word.split_at(behind).1, rest))
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn a_text_is_split_as_its_readers_expect() {
        const NONE: &[&str] = crate::words!("");
        const COMMENTS: &[&str] = crate::words!("# only\n#this");
        const MIXED: &[&str] = crate::words!("\n one two\r\n# three\nfour # five\nzoë");
        assert!(NONE.is_empty() && COMMENTS.is_empty());
        assert_eq!(MIXED, ["one", "two", "four", "zoë"]);
    }

    #[test]
    fn order_is_that_of_a_search() {
        assert!(in_order(&[]) && in_order(&["a", "ab", "b"]));
        assert!(!in_order(&["ab", "a"]) && !in_order(&["a", "a"]));
    }
}
