//! Finds the page in what an AI said: the last fenced one, else a bare document.
//!
//! `extract` is called when an answer has come. `finished` is whether the provider said that it is complete: where it is not, `CutOff` has the host
//! ask for the rest and call again with all of it.

use wtaf_plugin_sdk::{
    Context, Named, Order, PageDraft, StageError,
    extract::{Extract, Found},
};

struct LastFence;

impl Extract for LastFence {
    fn extract(
        ctx: Context,
        order: Order,
        answer: String,
        finished: bool,
    ) -> Result<Found, StageError> {
        // There is nothing more to be had: what can be saved is saved.
        let is_last = ctx.extra.named("last") == Some("true");
        if order.kind == "chat" {
            let words = answer.trim();
            return Ok(if words.is_empty() {
                Found::Nothing("the AI said nothing".into())
            } else {
                Found::Reply(words.into())
            });
        }
        Ok(match document(&answer) {
            Some((html, true)) => Found::Pages(vec![draft(html)]),
            _ if !finished && !is_last => Found::CutOff,
            Some((html, false)) => Found::Pages(vec![draft(html)]),
            None => Found::Nothing("no page in the answer".into()),
        })
    }
}

/// The document in an answer, and whether its end is there.
fn document(answer: &str) -> Option<(&str, bool)> {
    if let Some(start) = answer.rfind("```html\n") {
        let inside = &answer[start + "```html\n".len()..];
        return Some(
            inside
                .find("\n```")
                .map_or((inside, false), |end| (&inside[..end], true)),
        );
    }
    let seen = answer.to_ascii_lowercase();
    let start = seen.find("<!doctype html").or_else(|| seen.find("<html"))?;
    let end = seen
        .rfind("</html>")
        .map(|end| end + "</html>".len())
        .filter(|end| *end > start);
    Some(end.map_or((&answer[start..], false), |end| (&answer[start..end], true)))
}

fn draft(html: &str) -> PageDraft {
    PageDraft {
        audience: "everyone".into(),
        title: title(html),
        html: html.into(),
        assets: vec![],
        extra: vec![],
    }
}

fn title(html: &str) -> Option<String> {
    let seen = html.to_ascii_lowercase();
    let start = seen.find("<title>")? + "<title>".len();
    let end = start + seen[start..].find("</title>")?;
    Some(html[start..end].trim().to_owned()).filter(|title| !title.is_empty())
}

wtaf_plugin_sdk::export_extract!(LastFence);

#[cfg(test)]
mod tests {
    use super::*;

    fn found(answer: &str, finished: bool) -> Found {
        let ctx = Context {
            job: "1".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: "{}".into(),
            extra: vec![],
        };
        let order = Order {
            kind: "page".into(),
            text: "x".into(),
            coach: None,
            page: None,
            why: String::new(),
            extra: vec![],
        };
        LastFence::extract(ctx, order, answer.into(), finished).unwrap()
    }

    #[test]
    fn the_last_of_two_fences_is_the_page() {
        let answer =
            "First:\n```html\n<p>a\n```\nNo, better:\n```html\n<title> B </title><p>b\n```\n";
        let Found::Pages(pages) = found(answer, true) else {
            panic!("no pages")
        };
        assert_eq!(
            (pages[0].html.as_str(), pages[0].title.as_deref()),
            ("<title> B </title><p>b", Some("B"))
        );
    }

    #[test]
    fn a_page_that_stops_is_asked_on_unless_there_is_nothing_more() {
        assert_eq!(found("```html\n<p>half", false), Found::CutOff);
        assert!(matches!(found("```html\n<p>half", true), Found::Pages(_)));
    }

    #[test]
    fn words_are_no_page() {
        assert!(matches!(
            found("Have you tried a clock?", true),
            Found::Nothing(_)
        ));
    }
}
