// Throws texts at the coach: whatever someone says, there is a decision, an idea is never longer than what was said, and an opt-out word is never an idea.
// Shared by the fuzz target and the tests of the host.

use wtaf_plugin_coach::BuiltIn;
use wtaf_plugin_sdk::{
    Context, PageSummary, Person, Request, StageError, Turn,
    coach::{Coach, Occasion, Outcome},
};

const NOW: u64 = 1_760_000_000_000;

pub fn coach(data: &[u8]) {
    let Some((&how, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text).into_owned();
    let decision = BuiltIn::decide(context(how), request(&text, how), person(how), pages(how), thread(how));
    let decision = match decision {
        Ok(decision) => decision,
        Err(why) => panic!("{why:?} to {text:?}"),
    };
    if let Outcome::Order(order) = &decision.then {
        assert!(!order.kind.is_empty(), "an order of no kind for {text:?}");
        assert!(order.text.len() <= text.len().max(200), "more was ordered than was said: {text:?}");
    }
    let name = ["page-live", "renamed", "failed", "index"][usize::from(how) % 4];
    let values = ["page", "url", "title", "kind", "why", "of"].map(|name| (name.to_owned(), text.clone()));
    let occasion = Occasion { name: name.to_owned(), values: values.to_vec() };
    // An occasion that lacks what it tells of is the host's fault, and said to be.
    match BuiltIn::say(context(how), person(how), occasion) {
        Ok(_) | Err(StageError::BadInput(_)) => {}
        Err(why) => panic!("{why:?} for {name} of {text:?}"),
    }
}

fn context(how: u8) -> Context {
    Context {
        job: "01J".to_owned(),
        attempt: 1,
        now: NOW,
        seed: u64::from(how),
        config: "{}".to_owned(),
        extra: vec![("public-url".to_owned(), "https://wtaf.example".to_owned())],
    }
}

fn request(text: &str, how: u8) -> Request {
    let source = ["sms", "web", "file"][usize::from(how) % 3];
    Request { text: text.to_owned(), source: source.to_owned(), media: Vec::new(), extra: Vec::new() }
}

fn person(how: u8) -> Person {
    let role = ["coder", "user", "admin"][usize::from(how >> 2) % 3];
    let standing = ["active", "unknown", "left"][usize::from(how >> 4) % 3];
    let slug = (standing != "unknown").then(|| "happy-otter".to_owned());
    Person { slug, role: role.to_owned(), standing: standing.to_owned(), extra: Vec::new() }
}

fn pages(how: u8) -> Vec<PageSummary> {
    let page = |slug: &str| PageSummary {
        slug: slug.to_owned(),
        title: String::new(),
        asked: String::new(),
        created: NOW,
        extra: Vec::new(),
    };
    if how & 1 == 1 { vec![page("coral-fox"), page("blue-hen")] } else { Vec::new() }
}

fn thread(how: u8) -> Vec<Turn> {
    if how & 2 == 0 {
        return Vec::new();
    }
    vec![Turn { coach: Some("alex".to_owned()), text: "words".to_owned(), at: NOW - 60_000 }]
}
