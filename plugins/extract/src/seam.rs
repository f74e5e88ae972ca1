//! Joins an answer that came in pieces: the host puts a continuation right behind what came before.
//!
//! A model that goes on often opens its fence again (and says "continuing"), in mid line, and repeats the last line. Such a seam is a fence
//! of HTML inside an unfinished document that no bare fence pairs with, so that a page which *shows* Markdown keeps its own fences. What is
//! removed is the fence, the words before it and the repetition; a seam without a fence leaves no trace, and nothing is guessed at.

use std::{borrow::Cow, ops::Range};

use crate::{
    document,
    fences::{self, Runs},
    text::{self, Meter},
};

/// More continuations than the host ever asks for; each costs a comparison of [`WINDOW`] bytes.
const MOST: usize = 16;
/// How far back a repetition is looked for.
const WINDOW: usize = 2048;
/// A repetition shorter than this may be chance (`}` after `}`).
const LEAST_REPEATED: usize = 8;
/// Most text between a closed fence and the one that goes on ("Here is the rest:").
const BETWEEN: usize = 200;

/// What matters for seams, in the order it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// A fence of HTML: its first mark, and where its line ends.
    Html { at: usize, end: usize, restart: bool },
    /// A fence of something else.
    Other,
    /// A bare fence; the last of the answer may be the one that ends it.
    Bare { at: usize, last: bool },
    /// `<html` or a doctype before one.
    Start,
    /// `</html`.
    End,
}

/// The answer without its seams.
pub fn mend<'a>(answer: &'a str, runs: &Runs<'_>, meter: &Meter) -> Cow<'a, str> {
    if !may_have_seams(answer, runs, meter) {
        return Cow::Borrowed(answer);
    }
    let cuts = seams(&marks(answer, meter));
    if cuts.is_empty() || cuts.len() > MOST {
        return Cow::Borrowed(answer);
    }
    let mut joined = String::with_capacity(answer.len());
    let mut from = 0;
    for (index, cut) in cuts.iter().enumerate() {
        joined.push_str(&answer[from..cut.start]);
        drop_announcement(&mut joined);
        // What is repeated ends before the next seam at the latest.
        let rest = &answer[cut.end..cuts.get(index + 1).map_or(answer.len(), |next| next.start)];
        // The line that is repeated may have had a break put behind it.
        let trimmed = joined.trim_end().len();
        let (repeated, tidy) = (overlap(&joined, rest), overlap(&joined[..trimmed], rest));
        meter.add(4 * WINDOW);
        if tidy > repeated {
            joined.truncate(trimmed);
        }
        let repeated = repeated.max(tidy);
        from = cut.end + repeated;
    }
    joined.push_str(&answer[from..]);
    Cow::Owned(joined)
}

/// Whether a fence of HTML that a document does not begin behind stands behind the start of one: without it there is no seam.
fn may_have_seams(answer: &str, runs: &Runs<'_>, meter: &Meter) -> bool {
    let going_on = runs.of_html().filter(|fence| !document::begins(answer[fence.end..].trim_start()));
    let Some(last) = going_on.last() else { return false };
    meter.add(last.start);
    let before = &answer[..last.start];
    before.match_indices('<').any(|(at, _)| document::begins(&before[at..]))
}

fn marks(answer: &str, meter: &Meter) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut at = 0;
    let content = answer.trim_end().len();
    for line in answer.split_inclusive('\n') {
        meter.add(line.len());
        let end = at + line.len();
        if fences::bare(line) {
            marks.push(Mark::Bare { at, last: end >= content });
        } else if let Some(start) = fences::html_marker_at_end(line) {
            documents(&line[..start], &mut marks);
            let restart = document::begins(answer[end..].trim_start());
            marks.push(Mark::Html { at: at + start, end, restart });
        } else if fences::opening(line).is_some_and(|fence| fence.named && fence.inline.is_none()) {
            marks.push(Mark::Other);
        } else {
            documents(line, &mut marks);
        }
        at = end;
    }
    marks
}

/// The starts and ends of documents in a line, as text: scripts that write documents name both.
fn documents(line: &str, marks: &mut Vec<Mark>) {
    for (at, _) in line.match_indices('<') {
        let rest = &line[at..];
        if text::starts_with(rest, "</html") {
            marks.push(Mark::End);
        } else if document::begins(rest) {
            let after = text::slice(rest, 0..200).split_once('>').map_or("", |(_, after)| after.trim_start());
            // A doctype counts where no tag follows that counts for both.
            if text::starts_with(rest, "<html") || !(after.is_empty() || text::starts_with(after, "<html")) {
                marks.push(Mark::Start);
            }
        }
    }
}

/// The byte ranges to take out.
fn seams(marks: &[Mark]) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut open = 0_usize;
    let mut skip = 0;
    for (index, mark) in marks.iter().enumerate() {
        if index < skip {
            continue;
        }
        match *mark {
            Mark::Start => open += 1,
            Mark::End => open = open.saturating_sub(1),
            _ if open == 0 => {}
            Mark::Html { restart: true, .. } => open = 0,
            Mark::Html { at, end, .. } => match (marks.get(index + 1), marks.get(index + 2)) {
                (Some(Mark::Bare { last: false, .. }), _) | (Some(Mark::Bare { .. }), Some(_)) => skip = index + 2,
                _ => cuts.push(at..end),
            },
            Mark::Bare { at, .. } => match (marks.get(index + 1), marks.get(index + 2)) {
                (Some(Mark::Bare { .. }), _) => skip = index + 2,
                (Some(&Mark::Html { at: next, end, restart: false }), Some(Mark::End)) if next - at <= BETWEEN => {
                    cuts.push(at..end);
                    skip = index + 2;
                }
                _ => {}
            },
            Mark::Other => {
                if matches!(marks.get(index + 1), Some(Mark::Bare { .. })) {
                    skip = index + 2;
                }
            }
        }
    }
    cuts
}

/// Takes "Continuing from where I left off:" off the end of what came before.
fn drop_announcement(joined: &mut String) {
    const OPENINGS: [&str; 9] = [
        "Continuing",
        "Here's the rest",
        "Here is the rest",
        "Here's the remaining",
        "Here is the remaining",
        "Here's the continuation",
        "Here is the continuation",
        "Sure",
        "Certainly",
    ];
    let trimmed = joined.trim_end();
    if !trimmed.ends_with([':', '.', '!', '…']) {
        return;
    }
    let from = text::floor(joined, trimmed.len().saturating_sub(BETWEEN));
    if let Some(at) = OPENINGS.iter().filter_map(|opening| joined[from..].rfind(opening)).min() {
        joined.truncate(from + at);
    }
}

/// How many bytes at the start of `after` repeat the end of `before` (Knuth, Morris and Pratt's failure table over a window).
fn overlap(before: &str, after: &str) -> usize {
    let pattern = text::slice(after, 0..WINDOW).as_bytes();
    let tail = before.as_bytes();
    let tail = &tail[tail.len().saturating_sub(WINDOW)..];
    if pattern.is_empty() {
        return 0;
    }
    let mut failure = vec![0_usize; pattern.len()];
    let mut matched = 0;
    for at in 1..pattern.len() {
        while matched > 0 && pattern[at] != pattern[matched] {
            matched = failure[matched - 1];
        }
        matched += usize::from(pattern[at] == pattern[matched]);
        failure[at] = matched;
    }
    matched = 0;
    for byte in tail {
        while matched > 0 && pattern.get(matched) != Some(byte) {
            matched = failure[matched - 1];
        }
        matched += usize::from(pattern[matched] == *byte);
    }
    let telling = pattern[..matched].iter().filter(|byte| !byte.is_ascii_whitespace()).count();
    if telling >= LEAST_REPEATED && after.is_char_boundary(matched) { matched } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(answer: &str) -> String {
        let meter = Meter::default();
        mend(answer, &Runs::of(answer, &meter), &meter).into_owned()
    }

    #[test]
    fn a_fence_reopened_in_mid_line_is_taken_out() {
        assert_eq!(
            mended("```html\n<html><script>ctx.fillRe```html\nct(0)\n</script></html>\n```"),
            "```html\n<html><script>ctx.fillRect(0)\n</script></html>\n```"
        );
    }

    #[test]
    fn words_and_a_repeated_line_at_the_seam_go_too() {
        assert_eq!(
            mended(
                "<html><script>\n  ctx.fillReContinuing where I stopped:\n\n```html\n  ctx.fillRect(0)\n</script></html>"
            ),
            "<html><script>\n  ctx.fillRect(0)\n</script></html>"
        );
    }

    #[test]
    fn what_is_repeated_across_the_next_seam_too_is_taken_out_once() {
        let words = "<p>the very same words</p>\n";
        let again = format!("{words}```html\n{words}");
        let mended = mended(&format!("<html>\n```html\n{again}```html\n{again}</html>"));
        assert!(mended.contains(words) && mended.ends_with("</html>"), "{mended}");
    }

    #[test]
    fn a_page_in_two_fences_becomes_one() {
        assert_eq!(
            mended("```html\n<html>\n<p>a</p>\n```\n\nPart 2:\n\n```html\n<p>b</p>\n</html>\n```"),
            "```html\n<html>\n<p>a</p>\n<p>b</p>\n</html>\n```"
        );
    }

    #[test]
    fn a_page_that_shows_markdown_keeps_its_fences() {
        for page in [
            "```html\n<html><pre>\n```html\n<b>\n```\n</pre></html>\n```",
            "```html\n<html><pre>\n```js\nx\n```\n</pre></html>\n```",
            "```html\n<html><pre>\n```\nx\n```\n</pre></html>\n```",
            "```html\n<p>a</p>\n```\nor\n```html\n<p>b</p>\n```",
        ] {
            assert_eq!(mended(page), page);
        }
    }

    #[test]
    fn a_repetition_is_measured_and_chance_is_left() {
        assert_eq!(overlap("let colour = 'red'", "let colour = 'red';"), 18);
        assert_eq!(overlap("}\n}", "}\n}"), 0);
        assert_eq!(overlap("abc", ""), 0);
        assert_eq!(overlap("", "abc"), 0);
        assert_eq!(overlap("xyxyxyxyxyxyxy", "xyxyxyxyxyxyxy"), 14);
    }
}
