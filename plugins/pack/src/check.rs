//! What must hold in a manifest, whoever wrote it. Each fault is a sentence for its author.

use serde_json::Value;

use crate::{Example, Manifest};

/// The roles, their functions, the arguments of each.
const FUNCTIONS: [(&str, &str, &[&str]); 6] = [
    ("coach", "decide", &["request", "person", "pages", "thread"]),
    ("coach", "say", &["person", "occasion"]),
    ("prompt", "compose", &["order", "person", "thread", "material"]),
    ("extract", "extract", &["order", "answer", "finished"]),
    ("slug", "propose", &["order", "title", "taken"]),
    ("filter", "apply", &["content"]),
];

const ERRORS: [&str; 3] = ["refused", "bad-input", "internal"];

/// The plugin's own fields.
pub(crate) fn manifest(manifest: &Manifest) -> Result<(), String> {
    if !is_name(&manifest.name) {
        return Err(format!(
            "name = {:?}: small letters and digits, with single dashes between them, at most 64 (it is the name of the plugin's file)",
            manifest.name
        ));
    }
    if !is_version(&manifest.version) {
        return Err(format!("version = {:?}: three numbers, as in 1.0.0", manifest.version));
    }
    if !FUNCTIONS.iter().any(|(role, ..)| *role == manifest.role) {
        return Err(format!("role = {:?}: one of coach, prompt, extract, slug, filter", manifest.role));
    }
    if manifest.about.trim().is_empty() || manifest.about.contains('\n') {
        return Err("about: one line on what it does".into());
    }
    Ok(())
}

/// An example calls a function of the plugin's role with that function's arguments, and expects something that can be compared.
pub(crate) fn example(example: &Example, role: &str) -> Result<(), String> {
    if example.name.trim().is_empty() {
        return Err("`name` is empty".into());
    }
    let (function, arguments) = only(&example.call)
        .ok_or("`call` is one function with its arguments: {\"call\": {\"propose\": {\"title\": \"…\"}}}")?;
    let own: Vec<_> = FUNCTIONS.iter().filter(|(of, ..)| *of == role).collect();
    let Some((_, _, known)) = own.iter().find(|(_, name, _)| *name == function) else {
        let names: Vec<_> = own.iter().map(|(_, name, _)| *name).collect();
        return Err(format!("`call` names `{function}`: a {role} plugin has {}", names.join(" and ")));
    };
    let arguments = arguments.as_object().ok_or_else(|| {
        format!("the arguments of `{function}` are named: {{\"{function}\": {{\"{}\": …}}}}", known[0])
    })?;
    if let Some(unknown) = arguments.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("`{function}` has no argument `{unknown}`: it has {}", known.join(", ")));
    }
    if !example.context.is_object() {
        return Err("`context` is an object, such as {\"seed\": 7}".into());
    }
    example.expect.as_ref().map_or(Ok(()), expect)
}

fn expect(expect: &Value) -> Result<(), String> {
    match only(expect) {
        Some(("answer", _)) => Ok(()),
        Some(("error", Value::String(kind))) if ERRORS.contains(&kind.as_str()) => Ok(()),
        Some(("error", _)) => Err(format!("`expect`: an error is one of {}", ERRORS.join(", "))),
        _ => Err("`expect` is {\"answer\": …} or {\"error\": \"…\"}; leave it out where any answer will do".into()),
    }
}

/// The one entry of an object that has one.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let mut entries = value.as_object()?.iter();
    let (name, value) = entries.next()?;
    entries.next().is_none().then_some((name.as_str(), value))
}

fn is_name(name: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    name.len() <= 64 && name.split('-').all(plain)
}

fn is_version(version: &str) -> bool {
    let (numbers, rest) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && rest.len() != 1
        && rest.len() <= 64
        && rest.bytes().all(sign)
}
