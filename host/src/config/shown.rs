//! pipeline.toml as an operator may see it: as it was written, variables by their names, secrets as stars, also where one was commented out.

use super::{
    document::{self, At, Entry, Node, Val},
    keys::sounds_secret,
    walk::blot,
};

/// Keys whose names only sound like a secret's.
const PLAIN: [&str; 3] = ["max_tokens", "first_token_timeout", "keys"];

/// A text without its secrets: those that `known` holds, those under keys that sound like one, passwords in addresses.
pub(super) fn without_secrets(text: &str, known: &[&str]) -> String {
    let (entries, _) = document::document(text);
    let mut places = Vec::new();
    for entry in &entries {
        secrets(entry, &mut places);
    }
    let mut text = text.to_owned();
    // A star takes the place of each byte, so places stay what they were.
    for at in places {
        blot(&mut text, at);
    }
    for secret in known.iter().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, &"*".repeat(secret.len()));
    }
    text.split_inclusive('\n').map(without_old_secret).collect()
}

fn secrets(entry: &Entry, places: &mut Vec<At>) {
    let secret = sounds_secret(&entry.key) && !PLAIN.contains(&entry.key.as_str());
    below(&entry.node, secret, places);
}

fn below(node: &Node, secret: bool, places: &mut Vec<At>) {
    match &node.value {
        Val::Table(entries) => entries.iter().for_each(|entry| secrets(entry, places)),
        Val::List(nodes) => nodes.iter().for_each(|node| below(node, secret, places)),
        Val::Text(text) if secret || has_password(text) => places.push(node.at),
        _ => {}
    }
}

fn has_password(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    host.is_some_and(|host| host.contains('@'))
}

/// A line that is a comment, and holds what looks like a key's value.
fn without_old_secret(line: &str) -> String {
    let Some((before, value)) = line.split_once('=').filter(|_| line.trim_start().starts_with('#')) else {
        return line.to_owned();
    };
    let key = before.trim_start_matches([' ', '\t', '#']).trim();
    let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.\"".contains(&b));
    let value = value.trim_end_matches(['\r', '\n']);
    if !is_key || !(sounds_secret(key) || has_password(value)) || PLAIN.contains(&key) || value.contains("${") {
        return line.to_owned();
    }
    format!("{before}= ***{}", &line[before.len() + 1 + value.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_stars_and_everything_else_is_as_it_was_written() {
        let text = "# mine\n[server]\nadmin_token = \"hunter22\" # theirs\n[[ai]]\nmax_tokens = 9\nfirst_token_timeout = \"60s\"\napi_key = \"${KEY:-}\"\n";
        let shown = without_secrets(text, &[]);
        assert!(!shown.contains("hunter22"), "{shown}");
        for kept in ["# mine", "# theirs", "${KEY", "max_tokens = 9", "\"60s\"", "admin_token = \"********\""] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
        assert_eq!(shown.lines().count(), text.lines().count());
    }

    #[test]
    fn a_secret_is_found_in_a_list_an_inline_table_an_address_a_comment_and_wherever_else_it_is_known_to_be() {
        let text = "auth_token = [\"aaaa1\", \"bbbb2\"]\nconfig = { secret_word = \"cccc3\", mood = \"calm\" }\nurl = \"postgres://u:dddd4@h/x\"\n\
                    #api_key = \"eeee5\"\n# the old one was ffff6\n#url = \"nats://me:gggg7@h\"\n#keys = []\n";
        let shown = without_secrets(text, &["ffff6"]);
        for secret in ["aaaa1", "bbbb2", "cccc3", "dddd4", "eeee5", "ffff6", "gggg7"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("calm") && shown.contains("#keys = []"), "{shown}");
    }

    #[test]
    fn a_default_of_a_variable_is_a_secret_too() {
        let shown = without_secrets("api_key = \"${KEY:-sk-live-1}\"\n", &[]);
        assert!(shown.contains("KEY") && !shown.contains("sk-live-1"), "{shown}");
    }
}
