//! Refuses ideas and masks words in replies and pages, by rules of the operator's.
//!
//! An idea with a word of `refuse` in it is refused, in words. What is said and published has the words of `refuse` and `mask` masked; of a page only what
//! people read is looked at, never its tags, scripts or styles. `rules` says what counts as a word however it is spelled; `html` finds what people read.

mod html;
mod rules;

use serde::Deserialize;
use wtaf_plugin_sdk::{
    Context, StageError,
    filter::{Content, Filter},
};

use crate::rules::Rules;

/// What is masked where the stage's config does not say.
const SWEARWORDS: &str = include_str!("swearwords.txt");

/// The stage's `config`.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    refuse: Vec<String>,
    mask: Vec<String>,
    allow: Vec<String>,
    why: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            refuse: Vec::new(),
            mask: SWEARWORDS.lines().map(str::to_owned).collect(),
            allow: Vec::new(),
            why: "I would rather not make that one. Another idea?".into(),
        }
    }
}

struct Moderation;

impl Filter for Moderation {
    fn apply(ctx: Context, content: Content) -> Result<Content, StageError> {
        let config: Config = ctx.config()?;
        let refused = Rules::new(&config.refuse, &config.allow);
        let both: Vec<String> = config.refuse.iter().chain(&config.mask).cloned().collect();
        let masked = Rules::new(&both, &config.allow);
        match content {
            Content::Idea(idea) if refused.found_in(&idea.text) => Err(StageError::Refused(config.why)),
            Content::Idea(idea) => Ok(Content::Idea(idea)),
            Content::Reply(words) => Ok(Content::Reply(masked.mask(&words))),
            Content::Page(mut page) => {
                page.html = html::each_text(&page.html, |text| masked.mask(text));
                page.title = page.title.map(|title| masked.mask(&title));
                Ok(Content::Page(page))
            }
        }
    }
}

wtaf_plugin_sdk::export_filter!(Moderation);

#[cfg(test)]
mod tests {
    use wtaf_plugin_sdk::{PageDraft, Request};

    use super::*;

    const CONFIG: &str =
        r#"{"refuse":["casino","lottery ticket*"],"mask":["darn"],"allow":["darning"],"why":"No gambling here."}"#;

    fn apply(content: Content) -> Result<Content, StageError> {
        let ctx = Context { job: "1".into(), attempt: 1, now: 0, seed: 7, config: CONFIG.into(), extra: vec![] };
        Moderation::apply(ctx, content)
    }

    fn idea(text: &str) -> Result<Content, StageError> {
        apply(Content::Idea(Request { text: text.into(), source: "sms".into(), media: vec![], extra: vec![] }))
    }

    #[test]
    fn an_idea_is_refused_in_the_operators_words() {
        assert_eq!(idea("an online C.A.S.I.N.O"), Err(StageError::Refused("No gambling here.".into())));
        assert!(idea("where to buy lottery tickets").is_err());
        assert!(idea("a darn good lottery").is_ok(), "rude is not refused");
    }

    #[test]
    fn what_is_said_is_masked() {
        let Ok(Content::Reply(words)) = apply(Content::Reply("Darn! My darning. That c4sino…".into())) else {
            panic!()
        };
        assert_eq!(words, "D***! My darning. That c*****…");
    }

    #[test]
    fn of_a_page_only_what_people_read_is_masked() {
        let html = "<title>Darn</title><p class=\"darn\">darn</p><script>let darn = 1</script>".to_owned();
        let page =
            PageDraft { audience: "everyone".into(), title: Some("Darn".into()), html, assets: vec![], extra: vec![] };
        let Ok(Content::Page(page)) = apply(Content::Page(page)) else { panic!() };
        assert_eq!(page.html, "<title>D***</title><p class=\"darn\">d***</p><script>let darn = 1</script>");
        assert_eq!(page.title.as_deref(), Some("D***"));
    }
}
