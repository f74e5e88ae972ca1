//! Makes pages fit for phones, and keeps ideas to a length one can read.
//!
//! A filter stands between stages: `on = ["idea", "reply", "page"]` of its stage in pipeline.toml says what it is shown. It gives back what it was
//! given, changed or not, or refuses, in words for the person.

use serde::Deserialize;
use wtaf_plugin_sdk::{
    Context, StageError,
    filter::{Content, Filter},
};

const VIEWPORT: &str = r#"<meta name="viewport" content="width=device-width, initial-scale=1">"#;

/// The stage's `config` in pipeline.toml. Tell people of each key in plugin.toml.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    longest: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { longest: 2000 }
    }
}

struct PhoneReady;

impl Filter for PhoneReady {
    fn apply(ctx: Context, content: Content) -> Result<Content, StageError> {
        let config: Config = ctx.config()?;
        match content {
            Content::Idea(idea) if idea.text.chars().count() > config.longest => {
                Err(StageError::Refused(format!(
                    "That is a lot at once. Tell it in {} letters, please.",
                    config.longest
                )))
            }
            Content::Page(mut page) => {
                page.html = phone_ready(page.html);
                Ok(Content::Page(page))
            }
            // Everything else passes as it is.
            other => Ok(other),
        }
    }
}

/// The page, told to be as wide as the screen unless it already is.
fn phone_ready(mut html: String) -> String {
    let seen = html.to_ascii_lowercase();
    if seen.contains("name=\"viewport\"") || seen.contains("name=viewport") {
        return html;
    }
    let head = ["<head>", "<head "]
        .into_iter()
        .filter_map(|tag| seen.find(tag))
        .min();
    if let Some(end) = head.and_then(|start| Some(start + seen[start..].find('>')?)) {
        html.insert_str(end + 1, VIEWPORT);
    }
    html
}

wtaf_plugin_sdk::export_filter!(PhoneReady);

#[cfg(test)]
mod tests {
    use wtaf_plugin_sdk::Request;

    use super::*;

    fn idea(text: &str, config: &str) -> Result<Content, StageError> {
        let ctx = Context {
            job: "1".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: config.into(),
            extra: vec![],
        };
        let idea = Request {
            text: text.into(),
            source: "sms".into(),
            media: vec![],
            extra: vec![],
        };
        PhoneReady::apply(ctx, Content::Idea(idea))
    }

    #[test]
    fn a_page_gets_its_viewport_once() {
        let html = phone_ready("<html><head lang=\"en\"><title>x</title></head></html>".into());
        assert!(
            html.contains(&format!("<head lang=\"en\">{VIEWPORT}<title>")),
            "{html}"
        );
        assert_eq!(phone_ready(html.clone()), html);
    }

    #[test]
    fn a_long_idea_is_refused_kindly() {
        assert!(matches!(
            idea("ten letters", r#"{"longest":5}"#),
            Err(StageError::Refused(_))
        ));
        assert!(idea("ten letters", "{}").is_ok());
    }
}
