//! A coach's words made fit for a text: Markdown taken off, a bound kept, ended at a sentence.

use crate::text;

/// The words of a chat answer, at most `chars` characters long. Empty when there are none.
pub fn reply(answer: &str, coach: Option<&str>, chars: usize, finished: bool) -> String {
    let words = plain(answer);
    let words = without_name(&words, coach);
    end_at_sentence(words, chars, finished)
}

/// Markdown to plain text: fences, headings, quotes, rules and emphasis go, links keep their words, lists keep their shape.
pub fn plain(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    for line in markdown.lines() {
        let line = line.trim_end();
        if crate::fences::opening(line).is_some() || rule(line) {
            continue;
        }
        let body = line.trim_start_matches(['#', '>', ' ']);
        let body = if line.starts_with(['#', '>']) { body } else { line };
        if body.is_empty() {
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
            continue;
        }
        inline(body, &mut out);
        out.push('\n');
    }
    out.trim().to_owned()
}

fn rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3
        && ["-", "*", "_", "="].iter().any(|mark| line.trim_matches(mark.chars().next().unwrap_or('-')).is_empty())
}

/// Emphasis, code marks and links of one line. A `*` or `_` between spaces, or inside a word, stays.
fn inline(line: &str, out: &mut String) {
    let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
    let rest = match rest.strip_prefix("* ").or_else(|| rest.strip_prefix("+ ")) {
        Some(item) => {
            out.push_str(indent);
            out.push_str("- ");
            item
        }
        None => rest,
    };
    let chars: Vec<char> = rest.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1).copied();
        match chars[at] {
            '`' => {}
            '*' if before == Some('*') || after == Some('*') => {}
            mark @ ('*' | '_') => {
                let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let opens = outside(before) && after.is_some_and(|c| !c.is_whitespace());
                let closes = outside(after) && before.is_some_and(|c| !c.is_whitespace());
                if !opens && !closes {
                    out.push(mark);
                }
            }
            '[' => match link(&chars[at..]) {
                Some((words, length)) => {
                    out.extend(words);
                    at += length - 1;
                }
                None => out.push('['),
            },
            c => out.push(c),
        }
        at += 1;
    }
}

/// The words of `[words](address)` and the length of it all. Bounded, so that a line of brackets is not read again and again.
fn link(chars: &[char]) -> Option<(&[char], usize)> {
    let near = &chars[..chars.len().min(300)];
    let close = near.iter().position(|&c| c == ']')?;
    if near.get(close + 1) != Some(&'(') {
        return None;
    }
    let end = near[close..].iter().position(|&c| c == ')')?;
    Some((&chars[1..close], close + end + 1))
}

/// Models like to begin with who speaks.
fn without_name<'a>(words: &'a str, coach: Option<&str>) -> &'a str {
    let Some(name) = coach.filter(|name| !name.is_empty() && text::starts_with(words, name)) else { return words };
    match words[name.len()..].strip_prefix(':') {
        Some(rest) => rest.trim_start(),
        None => words,
    }
}

fn end_at_sentence(words: &str, chars: usize, finished: bool) -> String {
    let limit = words.char_indices().nth(chars).map_or(words.len(), |(at, _)| at);
    if limit == words.len() && finished {
        return words.to_owned();
    }
    let head = &words[..limit];
    match last_sentence(head) {
        Some(end) => head[..end].trim_end().to_owned(),
        None if head.trim().is_empty() => String::new(),
        None => {
            let cut = head.rfind(char::is_whitespace).unwrap_or(limit);
            format!("{}…", head[..cut].trim_end())
        }
    }
}

/// Where the last whole sentence ends: a mark, its closing quotes, then a space or the end.
fn last_sentence(head: &str) -> Option<usize> {
    let mut end = None;
    let mut marked = false;
    for (at, c) in head.char_indices() {
        match c {
            '.' | '!' | '?' | '…' | '。' => marked = true,
            '"' | '\'' | '”' | '’' | ')' => {}
            c if c.is_whitespace() && marked => {
                end = Some(at);
                marked = false;
            }
            _ => marked = false,
        }
    }
    if marked { Some(head.len()) } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_comes_off() {
        assert_eq!(
            plain("## Hi\n\n**Bold** and *soft* and `code`, [here](http://x.y).\n\n---\n* one\n* two"),
            "Hi\n\nBold and soft and code, here.\n\n- one\n- two"
        );
        assert_eq!(plain("2 * 3 * 4 and snake_case_name"), "2 * 3 * 4 and snake_case_name");
        assert_eq!(plain("```\nhey\n```"), "hey");
    }

    #[test]
    fn a_long_or_cut_reply_ends_at_a_sentence() {
        assert_eq!(reply("One. Two is long. Three is", None, 480, false), "One. Two is long.");
        assert_eq!(reply("One. Two is long. Three is", None, 20, true), "One. Two is long.");
        assert_eq!(reply("no sentence at all here", None, 480, false), "no sentence at all…");
        assert_eq!(reply("no period but finished", None, 480, true), "no period but finished");
        assert_eq!(reply("  ", None, 480, false), "");
    }

    #[test]
    fn the_speakers_name_goes() {
        assert_eq!(reply("Alex: breathe.", Some("alex"), 480, true), "breathe.");
        assert_eq!(reply("Alexander: x.", Some("alex"), 480, true), "Alexander: x.");
    }
}
