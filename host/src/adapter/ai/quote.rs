//! What a provider said of its error, made fit to be kept: one short line, no key, none of the person's words.

use secrecy::{ExposeSecret, SecretString};

use super::AiCall;

const LONGEST: usize = 200;
/// A run of this many characters that also stands in the prompt is taken for a quote of it.
const OVERLAP: usize = 16;
/// How keys of the known providers begin.
const KEY_MARKS: [&str; 6] = ["sk-", "sk_", "gsk_", "xai-", "AIza", "Bearer"];

/// The provider's words, or nothing where they quote the prompt or say nothing.
pub(super) fn quote(said: &str, key: Option<&SecretString>, call: &AiCall) -> Option<String> {
    let mut line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() || quotes_prompt(&line, call) {
        return None;
    }
    if let Some(key) = key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
        line = line.replace(key, "…");
    }
    let mut line = line.split(' ').map(masked).collect::<Vec<_>>().join(" ");
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).chain(['…']).collect();
    }
    Some(line)
}

fn masked(word: &str) -> String {
    match KEY_MARKS.iter().find_map(|mark| word.find(mark).map(|at| at + mark.len())) {
        Some(end) if word.len() > end => format!("{}…", &word[..end]),
        _ => word.to_owned(),
    }
}

fn quotes_prompt(line: &str, call: &AiCall) -> bool {
    let starts: Vec<usize> =
        line.char_indices().map(|(at, _)| at).chain([line.len()]).take(LONGEST + OVERLAP).collect();
    call.messages.iter().any(|message| {
        let text = message.text.trim();
        let short = text.len() >= 4 && text.chars().count() < OVERLAP && line.contains(text);
        short || starts.windows(OVERLAP + 1).any(|run| text.contains(&line[run[0]..run[OVERLAP]]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::ai::sample::call;

    #[test]
    fn a_key_is_never_quoted() {
        let key = SecretString::from("hunter2-hunter2");
        let said = "bad key\n hunter2-hunter2, or sk-proj-abc123 or (Bearer:xyz)";
        let line = quote(said, Some(&key), &call("make a timer")).unwrap();
        assert_eq!(line, "bad key …, or sk-… or (Bearer…");
    }

    #[test]
    fn an_error_that_quotes_the_prompt_is_not_quoted() {
        let prompt = call("please build me a page about my secret recipe");
        assert_eq!(quote("blocked: 'about my secret recipe'", None, &prompt), None);
        assert_eq!(quote("blocked: 'snake'", None, &call("snake")), None);
        assert_eq!(quote("max_tokens: too large", None, &prompt).unwrap(), "max_tokens: too large");
    }

    #[test]
    fn a_long_error_is_cut_short() {
        let line = quote(&"é".repeat(5000), None, &call("make a timer")).unwrap();
        assert_eq!(line.chars().count(), LONGEST + 1);
    }
}
