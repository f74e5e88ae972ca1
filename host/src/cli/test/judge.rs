//! Whether what came of a case is what was asked for.

use serde_json::{Value, json};

use super::came::Came;
use crate::config::{Case, Expect};

/// A line of text is compared as far as this.
const LINE: usize = 160;

/// Something that was asked for and did not come.
#[derive(Debug, PartialEq)]
pub(super) struct Miss {
    /// The key of `expect`.
    pub key: &'static str,
    /// Where it is asked for, from 1.
    pub line: usize,
    /// What was asked for.
    pub wanted: Value,
    /// What came; for words that are nowhere, the line that is nearest.
    pub got: Value,
    /// Whether the words might have stood anywhere in a longer text.
    pub within: bool,
}

/// Everything that did not come, in the order of the file.
pub(super) fn misses(case: &Case, came: &Came) -> Vec<Miss> {
    let mut misses: Vec<_> = case
        .wanted
        .iter()
        .filter_map(|wanted| {
            let (asked, got, within) = missed(&wanted.what, came)?;
            Some(Miss { key: wanted.what.key(), line: wanted.line, wanted: asked, got, within })
        })
        .collect();
    misses.sort_by_key(|miss| miss.line);
    misses
}

/// What was asked for, what came instead, and whether it might have stood anywhere in it; nothing where it came.
fn missed(wanted: &Expect, came: &Came) -> Option<(Value, Value, bool)> {
    let same = |asked: &str, got: Option<&str>| (got != Some(asked)).then(|| (json!(asked), json!(got), false));
    match wanted {
        Expect::Status(status) => {
            (came.status != *status).then(|| (json!(status.as_str()), json!(came.status.as_str()), false))
        }
        Expect::Kind(kind) => same(kind, came.kind.as_deref()),
        Expect::Title(title) => same(title, came.title.as_deref()),
        Expect::Slug(slug) => same(slug, came.slug.as_deref()),
        Expect::Error(code) => same(code, came.error.as_ref().map(|error| error.code.as_str())),
        Expect::Texts(texts) => (came.texts != *texts).then(|| (json!(texts), json!(came.texts), false)),
        Expect::Stages(stages) => (came.ran() != *stages).then(|| (json!(stages), json!(came.ran()), false)),
        Expect::Reply(words) => within(words, &came.read),
        Expect::Page(words) => within(words, came.html.as_slice()),
        Expect::Prompt(words) => within(words, &came.told),
    }
}

fn within(words: &str, texts: &[String]) -> Option<(Value, Value, bool)> {
    if texts.iter().any(|text| text.contains(words)) {
        return None;
    }
    let lines = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty());
    let near = lines.map(short).max_by(|one, other| likeness(words, one).total_cmp(&likeness(words, other)));
    Some((json!(words), json!(near), true))
}

fn short(line: &str) -> String {
    line.trim().chars().take(LINE).collect()
}

fn likeness(words: &str, line: &str) -> f64 {
    strsim::sorensen_dice(&words.to_lowercase(), &line.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{AiSays, Wanted},
        job::{Source, Status},
    };

    fn came() -> Came {
        Came {
            status: Status::Done,
            error: None,
            kind: Some("app".into()),
            silence: None,
            read: vec!["On it.".into(), "Your tip calculator is live: http://x/ann/tips".into()],
            texts: 2,
            title: Some("Tips".into()),
            slug: Some("tips".into()),
            html: Some("<h1>Tips</h1>\n<p>Fair shares</p>".into()),
            told: vec!["You make pages.".into(), "a tip calculator".into()],
            stages: vec![("coach".into(), "ok".into()), ("ai".into(), "ok".into())],
        }
    }

    fn case(wanted: Vec<Expect>) -> Case {
        let wanted = (10..).zip(wanted).map(|(line, what)| Wanted { what, line }).collect();
        Case {
            name: "a case".into(),
            line: 9,
            source: Source::Sms,
            from: None,
            known: None,
            before: Vec::new(),
            text: "wtaf a tip calculator".into(),
            ai: AiSays::Demo,
            wanted,
        }
    }

    #[test]
    fn what_came_as_it_was_asked_for_is_no_miss() {
        let words = |words: &str| words.to_owned();
        let all = vec![
            Expect::Status(Status::Done),
            Expect::Kind(words("app")),
            Expect::Reply(words("is live")),
            Expect::Texts(2),
            Expect::Title(words("Tips")),
            Expect::Slug(words("tips")),
            Expect::Page(words("Fair shares")),
            Expect::Prompt(words("a tip calculator")),
            Expect::Stages(vec![words("coach"), words("ai")]),
        ];
        assert_eq!(misses(&case(all), &came()), []);
    }

    #[test]
    fn a_miss_says_where_it_was_asked_for_and_what_came_nearest() {
        let all = vec![Expect::Page("Fair Shares".into()), Expect::Error("refused".into()), Expect::Texts(1)];
        let told: Vec<_> = misses(&case(all), &came())
            .into_iter()
            .map(|miss| format!("{} {}: {} for {}", miss.line, miss.key, miss.got, miss.wanted))
            .collect();
        assert_eq!(
            told,
            [
                "10 page: \"<p>Fair shares</p>\" for \"Fair Shares\"",
                "11 error: null for \"refused\"",
                "12 texts: 2 for 1"
            ]
        );
    }
}
