//! JSON that comes with a plugin, taken apart by the compiler: the items of a list, and what they have under a key.
//!
//! A call then reads no more of it than it needs. Only what the compiler could not copy is left out: a string with escapes in it.

/// The items of a JSON list, each as its own text, as a `&'static [&'static str]`.
///
/// ```
/// use wtaf_plugin_sdk::json::table;
///
/// const CAST: &[&str] = wtaf_plugin_sdk::json_items!(r#"[{ "id": "alex" }, { "id": "venus" }]"#);
/// const SECOND: &str = table::text(CAST[1], "id");
///
/// assert_eq!((CAST.len(), SECOND), (2, "venus"));
/// ```
///
/// Usually of a file: `json_items!(include_str!("../cast.json"))`. What is no list is an error of the build.
#[macro_export]
macro_rules! json_items {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const ITEMS: [&str; $crate::json::table::items::<0>(TEXT).1] = $crate::json::table::items(TEXT).0;
        &ITEMS
    }};
}

/// The string an object has under a key; empty where it has none, or something else.
///
/// # Panics
/// Where the string has escapes; where the text is no object.
pub const fn text<'t>(object: &'t str, key: &str) -> &'t str {
    match value(object, key).as_bytes() {
        [b'"', .., b'"'] => inside(value(object, key)),
        _ => "",
    }
}

/// Whether an object has `true` under a key.
///
/// # Panics
/// Where the text is no object.
pub const fn is_true(object: &str, key: &str) -> bool {
    matches!(value(object, key).as_bytes(), b"true")
}

/// The first items of a list, as many as there is room for, and how many there are.
#[doc(hidden)]
pub const fn items<const N: usize>(list: &'static str) -> ([&'static str; N], usize) {
    let (mut items, mut count) = ([""; N], 0);
    let mut at = begin(list, b'[');
    while let Some(end) = item(list, at) {
        if count < N {
            items[count] = between(list, at, end);
        }
        count += 1;
        at = behind(list, end);
    }
    (items, count)
}

/// What an object has under a key, as it is written; empty where it has nothing there.
const fn value<'t>(object: &'t str, key: &str) -> &'t str {
    let mut at = begin(object, b'{');
    while let Some(end) = item(object, at) {
        let name = inside(between(object, at, end));
        let start = space(object, space(object, end) + 1);
        let Some(end) = item(object, start) else { panic!("a key without a value") };
        if is_same(name.as_bytes(), key.as_bytes()) {
            return between(object, start, end);
        }
        at = behind(object, end);
    }
    ""
}

/// The first place inside a list or an object.
const fn begin(text: &str, open: u8) -> usize {
    let at = space(text, 0);
    assert!(at < text.len() && text.as_bytes()[at] == open, "another kind of JSON is wanted here");
    space(text, at + 1)
}

/// Where the value ends that begins here; none at the end of a list or an object.
const fn item(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut quoted) = (start, 0_usize, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b']' | b'}' | b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => break,
            _ => {}
        }
        at += 1;
    }
    if at == start { None } else { Some(at) }
}

/// Where the next value begins, past a comma.
const fn behind(text: &str, end: usize) -> usize {
    let at = space(text, end);
    if at < text.len() && text.as_bytes()[at] == b',' { space(text, at + 1) } else { at }
}

/// Past white space.
const fn space(text: &str, from: usize) -> usize {
    let mut at = from;
    while at < text.len() && text.as_bytes()[at].is_ascii_whitespace() {
        at += 1;
    }
    at
}

/// A string without its quotes.
const fn inside(quoted: &str) -> &str {
    let mut at = 0;
    while at < quoted.len() {
        assert!(quoted.as_bytes()[at] != b'\\', "a string with escapes is read by `json::read`");
        at += 1;
    }
    between(quoted, 1, quoted.len() - 1)
}

const fn between(text: &str, start: usize, end: usize) -> &str {
    text.split_at(end).0.split_at(start).1
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::{is_true, text};

    #[test]
    fn a_list_is_taken_apart_as_it_is_read() {
        const NONE: &[&str] = crate::json_items!(" [ ] ");
        const MIXED: &[&str] = crate::json_items!(r#"[{"a": [1, {"b": "]}"}]}, "c, \"d\"",[[2]] , true]"#);
        assert!(NONE.is_empty());
        assert_eq!(MIXED, [r#"{"a": [1, {"b": "]}"}]}"#, r#""c, \"d\"""#, "[[2]]", "true"]);
    }

    #[test]
    fn what_stands_under_a_key_is_found_and_nothing_else() {
        let object =
            r#"{ "lines": ["a \" b", "id"], "id" : "x, y: {", "hidden":true, "name": "", "age": 7, "not": "true" }"#;
        assert_eq!(["id", "name", "age", "lines", "i"].map(|key| text(object, key)), ["x, y: {", "", "", "", ""]);
        assert_eq!(["hidden", "not", "none"].map(|key| is_true(object, key)), [true, false, false]);
    }

    #[test]
    #[should_panic(expected = "escapes")]
    fn a_string_that_would_have_to_be_copied_is_refused() {
        text(r#"{ "id": "a\"b" }"#, "id");
    }
}
