//! Hand-written words: the landing page's copy by trade, the quiz's questions by topic.
//!
//! Both are data files beside the pages; a test reads them whole.

use super::template::Values;
use super::words::Words;
use serde_json::{Map, Value};
use std::sync::LazyLock;

static TRADES: LazyLock<Map<String, Value>> = LazyLock::new(|| read(include_str!("data/trades.json")));
static TOPICS: LazyLock<Map<String, Value>> = LazyLock::new(|| read(include_str!("data/quiz.json")));
static NONE: LazyLock<Values> = LazyLock::new(Values::new);

/// The trade when none is named.
const ANY: &str = "any";
const GENERAL: &str = "general";

fn read(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Which trade a request speaks of.
pub(super) fn trade(words: &Words) -> &'static str {
    matching(&TRADES, words).unwrap_or(ANY)
}

/// A trade's copy, by placeholder name.
pub(super) fn of_trade(trade: &str) -> &'static Values {
    TRADES.get(trade).and_then(|entry| entry.get("copy")).and_then(Value::as_object).unwrap_or(&NONE)
}

/// Is there nothing in these words but a trade and `page`?
pub(super) fn is_only_trade(words: &Words) -> bool {
    words.iter().all(|word| {
        let one = Words::of(word);
        matching(&TRADES, &one).is_some()
            || one.has_any(&[
                "landing", "page", "website", "site", "shop", "studio", "business", "event", "company", "my", "home",
            ])
    })
}

/// The questions on the topic a request names, or on everything.
pub(super) fn questions(words: &Words) -> Value {
    let topic = matching(&TOPICS, words).unwrap_or(GENERAL);
    TOPICS.get(topic).and_then(|entry| entry.get("questions")).cloned().unwrap_or_default()
}

/// The entry one of whose words stands first in the request.
fn matching(entries: &'static Map<String, Value>, words: &Words) -> Option<&'static str> {
    entries
        .iter()
        .filter_map(|(name, entry)| {
            let known = entry.get("words")?.as_array()?;
            let first = known.iter().filter_map(Value::as_str).filter_map(|word| words.find(word)).min()?;
            Some((first, name.as_str()))
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_four_different_answers_and_something_to_know() {
        assert!(TOPICS.len() >= 5);
        for (topic, entry) in TOPICS.iter() {
            let questions = entry["questions"].as_array().expect("questions");
            assert!(questions.len() >= 10, "{topic}");
            for question in questions {
                let mut parts: Vec<&str> =
                    question.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
                assert_eq!(parts.len(), 6, "{question}");
                assert!(parts.iter().all(|part| !part.is_empty()));
                parts.sort_unstable();
                parts.dedup();
                assert_eq!(parts.len(), 6, "{question}");
            }
        }
    }

    #[test]
    fn every_trade_has_the_same_copy() {
        let keys = |entry: &Value| entry["copy"].as_object().expect("copy").keys().cloned().collect::<Vec<_>>();
        let wanted = keys(&TRADES[ANY]);
        for (name, entry) in TRADES.iter() {
            assert_eq!(keys(entry), wanted, "{name}");
        }
    }

    #[test]
    fn a_topic_is_found_by_its_words() {
        assert_eq!(trade(&Words::of("a landing page for my bakery")), "bakery");
        assert_eq!(trade(&Words::of("a landing page")), ANY);
        assert_ne!(questions(&Words::of("quiz about planets")), questions(&Words::of("quiz")));
    }
}
