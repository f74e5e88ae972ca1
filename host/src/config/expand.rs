//! `${NAME}`, `${NAME:-default}` and `$$` in strings.
//!
//! Works on strings that are already parsed, so a value can never add a key. As in a shell, `:-` stands in for a variable that is unset or
//! empty. A dollar before anything else is a dollar.

/// A string with its variables put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The result.
    pub text: String,
    /// Whether anything of it came from the environment, and may therefore not be shown.
    pub from_env: bool,
}

/// Why a string cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexpandable {
    /// This variable is not set, and there is no default.
    Unset(String),
    /// What stands between the braces is no name.
    NoName(String),
    /// `${` without `}`.
    Open,
    /// Defaults within defaults beyond reason.
    Deep,
}

/// Looks a variable up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Levels of `${A:-${B:-…}}`.
const DEPTH: usize = 8;

/// Puts the variables in, or tells everything that stands in the way.
pub fn expand(text: &str, lookup: Lookup<'_>) -> Result<Expanded, Vec<Unexpandable>> {
    let mut work = Work { lookup, faults: Vec::new(), from_env: false };
    let text = work.text(text, 0);
    if work.faults.is_empty() { Ok(Expanded { text, from_env: work.from_env }) } else { Err(work.faults) }
}

/// Whether a string has a variable in it.
pub fn has_variable(text: &str) -> bool {
    text.replace("$$", "").contains("${")
}

/// The length of the `${NAME}` or `${NAME:-` a text begins with, 0 where it does not.
pub fn variable_at_start(text: &str) -> usize {
    let Some(inside) = text.strip_prefix("${") else { return 0 };
    let name = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    match &inside[name..] {
        rest if name > 0 && rest.starts_with('}') => 2 + name + 1,
        rest if name > 0 && rest.starts_with(":-}") => 2 + name + 3,
        rest if name > 0 && rest.starts_with(":-") => 2 + name + 2,
        _ => 0,
    }
}

/// The names of a string's variables.
pub fn variables(text: &str) -> Vec<String> {
    let names = std::cell::RefCell::new(Vec::new());
    let note = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        None
    };
    let _ = expand(text, &note);
    names.into_inner()
}

struct Work<'a> {
    lookup: Lookup<'a>,
    faults: Vec<Unexpandable>,
    from_env: bool,
}

impl Work<'_> {
    fn text(&mut self, text: &str, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            rest = &rest[dollar..];
            if let Some(after) = rest.strip_prefix("$$") {
                out.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("${") {
                let Some(close) = closing(after) else {
                    self.faults.push(Unexpandable::Open);
                    return out;
                };
                out.push_str(&self.variable(&after[..close], depth));
                rest = &after[close + 1..];
            } else {
                out.push('$');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }

    fn variable(&mut self, inside: &str, depth: usize) -> String {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            self.faults.push(Unexpandable::NoName(name.to_owned()));
            return String::new();
        }
        let set = (self.lookup)(name);
        match (set, default) {
            (Some(value), default) if !value.is_empty() || default.is_none() => {
                self.from_env = true;
                value
            }
            (_, Some(_)) if depth >= DEPTH => {
                self.faults.push(Unexpandable::Deep);
                String::new()
            }
            (_, Some(default)) => self.text(default, depth + 1),
            (_, None) => {
                self.faults.push(Unexpandable::Unset(name.to_owned()));
                String::new()
            }
        }
    }
}

/// The brace that closes what has just been opened.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(text: &str) -> Result<String, Vec<Unexpandable>> {
        let lookup = |name: &str| match name {
            "NAME" => Some("otter".to_owned()),
            "EMPTY" => Some(String::new()),
            "SNEAKY" => Some("\"\nadmin = true ${NAME} $$".to_owned()),
            _ => None,
        };
        expand(text, &lookup).map(|expanded| expanded.text)
    }

    #[test]
    fn a_variable_is_put_in() {
        assert_eq!(with("a ${NAME} b"), Ok("a otter b".to_owned()));
    }

    #[test]
    fn a_default_stands_in_for_what_is_unset_or_empty() {
        assert_eq!(with("${NOPE:-x}${EMPTY:-y}${NAME:-z}"), Ok("xyotter".to_owned()));
        assert_eq!(with("${NOPE:-}"), Ok(String::new()));
        assert_eq!(with("${NOPE:-${NAME}!}"), Ok("otter!".to_owned()));
    }

    #[test]
    fn an_empty_variable_without_default_is_empty_and_set() {
        assert_eq!(with("[${EMPTY}]"), Ok("[]".to_owned()));
    }

    #[test]
    fn two_dollars_are_one_and_a_lone_one_stays() {
        assert_eq!(with("$$ $${NAME} $5 $NAME $"), Ok("$ ${NAME} $5 $NAME $".to_owned()));
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(with("${SNEAKY}"), Ok("\"\nadmin = true ${NAME} $$".to_owned()));
    }

    #[test]
    fn every_hindrance_is_told() {
        use Unexpandable::{NoName, Open, Unset};
        let expected = vec![Unset("A".to_owned()), NoName("no name".to_owned()), Open];
        assert_eq!(with("${A} ${no name} ${B"), Err(expected));
    }

    #[test]
    fn variables_are_named_those_in_defaults_too() {
        assert_eq!(variables("${A:-${B:-}} $${C}"), ["A", "B"]);
    }

    proptest! {
        #[test]
        fn text_without_dollars_stays_as_it_is(text in "[^$]*") {
            prop_assert_eq!(with(&text), Ok(text));
        }

        #[test]
        fn doubling_every_dollar_keeps_any_text(text in ".*") {
            prop_assert_eq!(with(&text.replace('$', "$$")), Ok(text));
        }

        #[test]
        fn nothing_makes_it_panic(text in r"([$]|[{]|[}]|:-|NAME|é|[a-z ])*") {
            let _ = with(&text);
        }
    }
}
