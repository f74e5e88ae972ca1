//! Someone who texts: what the host would hand to the coach, and what came of it.

use wtaf_plugin_coach::BuiltIn;
use wtaf_plugin_sdk::{
    Context, Media, Order, PageSummary, Person, Request, StageError, Turn,
    coach::{Coach, Decision, Outcome},
};

pub const NOW: u64 = 1_760_000_000_000;
pub const MINUTE: u64 = 60_000;

/// Someone who texts, with everything that can differ between tests.
#[derive(Clone)]
pub struct Texter {
    pub ctx: Context,
    pub person: Person,
    pub source: &'static str,
    pub coach: Option<&'static str>,
    pub media: Vec<Media>,
    pub pages: Vec<PageSummary>,
    pub thread: Vec<Turn>,
}

pub fn texter() -> Texter {
    Texter {
        ctx: Context {
            job: "01J".into(),
            attempt: 1,
            now: NOW,
            seed: 7,
            config: "{}".into(),
            extra: vec![("public-url".into(), "https://wtaf.example".into())],
        },
        person: Person {
            slug: Some("happy-otter".into()),
            role: "coder".into(),
            standing: "active".into(),
            extra: vec![],
        },
        source: "sms",
        coach: None,
        media: vec![],
        pages: vec![
            page("coral-fox", "Snake", &[("version", "2")]),
            page("blue-hen", "To-do", &[("version", "1"), ("home", "true")]),
            page("old-owl", "", &[("hidden", "true")]),
        ],
        thread: vec![],
    }
}

pub fn page(slug: &str, title: &str, extra: &[(&str, &str)]) -> PageSummary {
    PageSummary {
        slug: slug.into(),
        title: title.into(),
        asked: String::new(),
        created: NOW,
        extra: extra.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    }
}

pub fn said(coach: Option<&str>, minutes_ago: u64) -> Turn {
    Turn { coach: coach.map(Into::into), text: "words".into(), at: NOW - minutes_ago * MINUTE }
}

impl Texter {
    pub fn web(mut self) -> Self {
        self.source = "web";
        self
    }

    pub fn standing(mut self, standing: &str) -> Self {
        self.person.standing = standing.into();
        self
    }

    pub fn role(mut self, role: &str) -> Self {
        self.person.role = role.into();
        self
    }

    pub fn offers(mut self, name: &str, value: &str) -> Self {
        self.ctx.extra.push((name.into(), value.into()));
        self
    }

    pub fn try_says(&self, text: &str) -> Result<Decision, StageError> {
        let request = Request {
            text: text.into(),
            source: self.source.into(),
            media: self.media.clone(),
            extra: self.coach.map(|coach| ("coach".to_owned(), coach.to_owned())).into_iter().collect(),
        };
        BuiltIn::decide(self.ctx.clone(), request, self.person.clone(), self.pages.clone(), self.thread.clone())
    }

    pub fn says(&self, text: &str) -> Decision {
        self.try_says(text).expect("a decision")
    }

    pub fn orders(&self, text: &str) -> Order {
        match self.says(text).then {
            Outcome::Order(order) => order,
            other => panic!("{text:?}: no order but {other:?}"),
        }
    }

    pub fn is_told(&self, text: &str) -> String {
        match self.says(text).then {
            Outcome::Reply(words) => {
                assert!(words.is_ascii(), "plain signs only: {words}");
                words
            }
            other => panic!("{text:?}: no reply but {other:?}"),
        }
    }

    /// The actions as `verb target value`, and whether a report follows.
    pub fn does(&self, text: &str) -> (Vec<String>, bool) {
        let decision = self.says(text);
        let actions = decision.actions.into_iter().map(|action| {
            let parts = [Some(action.verb), action.target, action.value];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        (actions.collect(), decision.then == Outcome::Report)
    }
}

pub fn done(action: &str) -> (Vec<String>, bool) {
    (vec![action.to_owned()], true)
}
