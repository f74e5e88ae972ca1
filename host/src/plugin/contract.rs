//! What an answer owes beyond its type. A breach is the plugin's fault, whatever the question was.

use super::{
    bindings::{coach, extract::Found, filter::Content, prompt::Role, types},
    call::{Answer, Question},
};

/// The verbs a coach may use; the host does them.
pub const VERBS: [&str; 12] =
    ["join", "return", "leave", "confirm", "rename", "set-home", "forget", "undo", "hide", "unhide", "fave", "chat"];

/// Checks an answer against the contract in `wit/`; the words are for the plugin's author.
pub fn check(question: &Question, answer: &Answer) -> Result<(), String> {
    match (question, answer) {
        (Question::Decide { person, .. }, Answer::Decision(decision)) => decision_holds(person, decision),
        (Question::Say { occasion, .. }, Answer::Words(words)) => words_hold(occasion, words.as_deref()),
        (Question::Compose { .. }, Answer::Call(call)) => {
            // Providers take no call without the person's turn.
            let asks = call.messages.iter().any(|message| message.role == Role::User && !message.content.is_empty());
            asks.then_some(()).ok_or_else(|| "composed a call in which nobody asks anything".into())
        }
        (Question::Extract { .. }, Answer::Found(Found::Pages(pages))) => {
            let whole = pages.iter().any(|page| page.audience == "everyone" && !page.html.trim().is_empty());
            whole.then_some(()).ok_or_else(|| "gave no page for everyone".into())
        }
        (Question::Extract { .. }, Answer::Found(_)) => Ok(()),
        (Question::Propose { .. }, Answer::Names(names)) => {
            names.iter().any(|name| is_slug(name)).then_some(()).ok_or_else(|| "proposed no name that is a slug".into())
        }
        (Question::Apply { content }, Answer::Content(passed)) => {
            let same_case = std::mem::discriminant::<Content>(content) == std::mem::discriminant(passed);
            same_case.then_some(()).ok_or_else(|| "a filter gives back the case it was given".into())
        }
        (question, _) => Err(format!("answered another function than {}", question.function())),
    }
}

fn decision_holds(person: &types::Person, decision: &coach::Decision) -> Result<(), String> {
    let mut known = person.standing != "unknown";
    for action in &decision.actions {
        let verb = action.verb.as_str();
        if !VERBS.contains(&verb) {
            return Err(format!("asks for the action `{verb}`, which this host does not know"));
        }
        known |= verb == "join";
        if !known && verb != "leave" {
            return Err(format!("asks for `{verb}` for someone unknown: `join` comes first"));
        }
    }
    Ok(())
}

/// A text that announces a page holds exactly one link, last, with nothing after it.
fn words_hold(occasion: &coach::Occasion, words: Option<&str>) -> Result<(), String> {
    let Some(words) = words else { return Ok(()) };
    let url = occasion.values.iter().find(|(name, _)| name == "url").map(|(_, url)| url.as_str());
    match url {
        Some(url) if !words.ends_with(url) || words.matches("://").count() != 1 => {
            Err(format!("the words for {} must hold one link, and end with it", occasion.name))
        }
        None if words.trim().is_empty() => {
            Err(format!("the words for {} are blank: silence is no words at all", occasion.name))
        }
        _ => Ok(()),
    }
}

/// `[a-z0-9]+(-[a-z0-9]+)*`, at most 64 bytes.
pub fn is_slug(text: &str) -> bool {
    text.len() <= 64
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_words_of_letters_and_digits() {
        for good in ["a", "red-fox-jumps", "2048", "a1-b2"] {
            assert!(is_slug(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "a/b", "é", "../x", long.as_str()] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn the_words_that_announce_a_page_end_with_its_one_link() {
        let url = "https://x.example/a/b";
        let live = coach::Occasion { name: "page-live".into(), values: vec![("url".into(), url.into())] };
        let said = |words: &str| words_hold(&live, Some(words)).is_ok();
        assert!(said("It is live: https://x.example/a/b"));
        assert!(!said("https://x.example/a/b is live"));
        assert!(!said("See http://evil.example and https://x.example/a/b"));
        assert!(words_hold(&live, None).is_ok());
    }

    #[test]
    fn a_coach_acts_for_people_it_knows_and_by_verbs_the_host_knows() {
        let person = |standing: &str| types::Person {
            slug: None,
            role: "coder".into(),
            standing: standing.into(),
            extra: Vec::new(),
        };
        let does = |verbs: &[&str]| coach::Decision {
            actions: verbs
                .iter()
                .map(|verb| coach::Action { verb: (*verb).into(), target: None, value: None, extra: Vec::new() })
                .collect(),
            then: coach::Outcome::Report,
        };
        assert!(decision_holds(&person("active"), &does(&["undo"])).is_ok());
        assert!(decision_holds(&person("unknown"), &does(&["join", "undo"])).is_ok());
        assert!(decision_holds(&person("unknown"), &does(&["undo"])).unwrap_err().contains("join"));
        assert!(decision_holds(&person("active"), &does(&["explode"])).unwrap_err().contains("explode"));
    }
}
