//! Answers wrapped in JSON: `{"html": "…"}`, files by name, the reply of an API, a string within a string.
//!
//! A scanner for strings and the names before them, not a parser: it reads JSON that stops in mid-string and JSON whose quotes were not
//! escaped, and does not care how deep it is nested. What it finds it writes down as the plain answer that the JSON stands for.

use crate::{
    delimiter::Audience,
    document, fences, fragment,
    text::{self, Meter},
};

/// The plain answer that a JSON answer stands for, where it is one that holds a page.
pub fn plain(answer: &str, meter: &Meter) -> Option<String> {
    let start = beginning(answer)?;
    meter.add(answer.len());
    let entries = entries(&answer[start..]);
    let parts: Vec<Part> = entries.iter().filter_map(part).collect();
    if !parts.iter().any(|part| matches!(part.holds, Holds::Answer | Holds::Fragment)) {
        return None;
    }
    Some(written(&parts))
}

/// Where JSON begins: at the start, or on a line of its own, before anything that is a page or a block of another kind.
fn beginning(answer: &str) -> Option<usize> {
    let mut at = 0;
    for line in answer.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let offset = at + (line.len() - trimmed.len());
        if fences::opening(line)
            .is_some_and(|fence| matches!(fence.lang, fences::Lang::Html | fences::Lang::Css | fences::Lang::Js))
        {
            return None;
        }
        match trimmed.as_bytes().first() {
            Some(b'{' | b'[') => {
                let next = text::slice(&answer[offset + 1..], 0..200).trim_start();
                if next.starts_with(['"', '{', '[']) {
                    return Some(offset);
                }
            }
            Some(b'"') if at == 0 || trimmed.starts_with("\"<") => return Some(offset),
            Some(b'<') => return None,
            _ => {}
        }
        at += line.len();
    }
    None
}

/// A string and the name it goes by.
#[derive(Debug)]
struct Entry {
    key: String,
    value: String,
    ended: bool,
}

fn entries(json: &str) -> Vec<Entry> {
    let bytes = json.as_bytes();
    let mut entries = Vec::new();
    let (mut key, mut file) = (String::new(), None::<String>);
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            b'"' => {
                let (value, next, ended) = string(json, at + 1);
                at = next;
                let after = json[next..].trim_start().as_bytes().first().copied();
                if ended && after == Some(b':') {
                    key = value.to_ascii_lowercase();
                } else {
                    let is_name = ["name", "path", "file", "filename", "language", "lang"].contains(&key.as_str());
                    if is_name {
                        file = Some(value.to_ascii_lowercase());
                    } else {
                        let named = ["content", "code", "source", "body", "text"].contains(&key.as_str());
                        let key = if named { file.clone().unwrap_or_else(|| key.clone()) } else { key.clone() };
                        entries.push(Entry { key, value, ended });
                    }
                    if depth == 0 {
                        break;
                    }
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    entries
}

/// Reads a string from behind its first quote: its value, where it stops, whether it was ended. A quote ends it only where JSON could go on.
fn string(json: &str, start: usize) -> (String, usize, bool) {
    let bytes = json.as_bytes();
    let mut value = String::new();
    let mut from = start;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let after = json[at + 1..].trim_start().as_bytes().first();
                if matches!(after, None | Some(b',' | b':' | b'}' | b']' | b'`')) {
                    value.push_str(&json[from..at]);
                    return (value, at + 1, true);
                }
                at += 1;
            }
            b'\\' => {
                value.push_str(&json[from..at]);
                let (decoded, next) = escape(json, at);
                value.push_str(&decoded);
                at = next;
                from = next;
            }
            _ => at += 1,
        }
    }
    value.push_str(&json[from..]);
    (value, json.len(), false)
}

/// What the escape at `at` stands for and where it ends; one that is not JSON's stands for itself.
fn escape(json: &str, at: usize) -> (String, usize) {
    let plain = |c: char| (c.to_string(), at + 2);
    match json.as_bytes().get(at + 1) {
        Some(b'n') => plain('\n'),
        Some(b't') => plain('\t'),
        Some(b'r') => plain('\r'),
        Some(b'b') => plain('\u{8}'),
        Some(b'f') => plain('\u{c}'),
        Some(c @ (b'"' | b'\\' | b'/')) => plain(char::from(*c)),
        Some(b'u') => unicode(json, at),
        Some(_) => ("\\".to_owned(), at + 1),
        None => (String::new(), at + 1),
    }
}

fn unicode(json: &str, at: usize) -> (String, usize) {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(at) else {
        // Cut off in the middle of an escape, or not one.
        let end = if json.len() < at + 6 { json.len() } else { at + 1 };
        return (if end == at + 1 { "\\".to_owned() } else { String::new() }, end);
    };
    let pair = [first, unit(at + 6).unwrap_or(0)];
    match char::decode_utf16(pair).next() {
        Some(Ok(c)) => (c.to_string(), at + if c.len_utf16() == 2 { 12 } else { 6 }),
        _ => ("\u{fffd}".to_owned(), at + 6),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A document, or a whole answer with fences of its own.
    Answer,
    Fragment,
    Css,
    Js,
}

#[derive(Debug)]
struct Part<'a> {
    holds: Holds,
    audience: Audience,
    value: &'a str,
    ended: bool,
}

fn part(entry: &Entry) -> Option<Part<'_>> {
    let key = entry.key.as_str();
    let value = entry.value.as_str();
    let is = |names: &[&str], ending: &str| names.contains(&key) || key.ends_with(ending);
    let holds = if is(&["css", "style", "styles", "stylesheet"], ".css") {
        Holds::Css
    } else if is(&["js", "javascript", "script", "scripts"], ".js") {
        Holds::Js
    } else if holds_answer(value) {
        Holds::Answer
    } else if fragment::begins(value.trim_start()) {
        Holds::Fragment
    } else {
        return None;
    };
    let audience = if key.contains("admin") || key.contains("owner") { Audience::Owner } else { Audience::Everyone };
    Some(Part { holds, audience, value, ended: entry.ended })
}

fn holds_answer(value: &str) -> bool {
    let inner = value.trim_start().starts_with(['{', '[', '"']) && text::find(value, "html", 0).is_some();
    inner
        || value.match_indices('<').any(|(at, _)| document::begins(&value[at..]))
        || value.lines().any(|line| fences::opening(line).is_some_and(|fence| fence.lang == fences::Lang::Html))
}

fn written(parts: &[Part<'_>]) -> String {
    let mut out = String::new();
    let mut audience = Audience::Everyone;
    for part in parts {
        if part.audience != audience {
            audience = part.audience;
            out.push_str("<!-- wtaf:page ");
            out.push_str(audience.word());
            out.push_str(" -->\n");
        }
        let name = match part.holds {
            Holds::Answer => {
                out.push_str(part.value);
                out.push('\n');
                continue;
            }
            Holds::Fragment => "html",
            Holds::Css => "css",
            Holds::Js => "js",
        };
        let fence = "`".repeat(longest_run(part.value).max(2) + 1);
        out.extend([&fence, name, "\n", part.value]);
        if part.ended {
            out.extend(["\n", &fence, "\n"]);
        }
    }
    out
}

fn longest_run(value: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in value.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<String> {
        plain(json, &Meter::default())
    }

    #[test]
    fn a_page_in_a_string_is_unescaped() {
        assert_eq!(
            read(r#"{"html": "<!DOCTYPE html>\n<html lang=\"en\">\u00e9\ud83d\ude00</html>"}"#).as_deref(),
            Some("<!DOCTYPE html>\n<html lang=\"en\">é😀</html>\n")
        );
    }

    #[test]
    fn nested_shapes_and_files_by_name_are_read() {
        assert_eq!(
            read(r#"[{"path":"index.html","content":"<p>a</p>"},{"path":"style.css","content":"p{}"}]"#).as_deref(),
            Some("```html\n<p>a</p>\n```\n```css\np{}\n```\n")
        );
        assert_eq!(
            read(r#"{"a":{"public":"<html>1</html>","admin_html":"<html>2</html>"}}"#).as_deref(),
            Some("<html>1</html>\n<!-- wtaf:page owner -->\n<html>2</html>\n")
        );
    }

    #[test]
    fn broken_json_is_read_as_far_as_it_goes() {
        assert_eq!(read("{\"html\": \"<html class=\"x\">\nhi").as_deref(), Some("<html class=\"x\">\nhi\n"));
        assert_eq!(read("{\"html\": \"<html>\\u00").as_deref(), Some("<html>\n"));
        assert_eq!(read("{\"html\": \"<html>\\").as_deref(), Some("<html>\n"));
    }

    #[test]
    fn what_holds_no_page_is_not_json_to_us() {
        assert_eq!(read("{ color: red }"), None);
        assert_eq!(read(r#"{"reply":"hello"}"#), None);
        assert_eq!(read("<html>{\"html\": \"<html>\"}</html>"), None);
        assert_eq!(read("plain words"), None);
    }
}
