//! Filling a page's placeholders, strictly escaped.
//!
//! `{{name}}` stands in HTML text or in a quoted attribute; `{{json:name}}` stands in a script where an expression
//! may. A value is put in once and never looked at again, so a value cannot hold a placeholder. Only `theme`, which is
//! written from constants, goes in as it is. A placeholder without a value becomes empty text or `null`.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Values by name.
pub(super) type Values = Map<String, Value>;

/// The one value that is CSS of our own making.
const RAW: &str = "theme";

pub(super) fn render(html: &str, values: &Values) -> String {
    let mut out = String::with_capacity(html.len() + 4096);
    let mut rest = html;
    while let Some((before, name, after)) = next_placeholder(rest) {
        out.push_str(before);
        out.push_str(&filled(name, values));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Text before, the name, text after.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices("{{").find_map(|(at, _)| {
        let (name, after) = text[at + 2..].split_once("}}")?;
        let named = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:".contains(&b));
        named.then_some((&text[..at], name, after))
    })
}

fn filled(name: &str, values: &Values) -> String {
    if let Some(name) = name.strip_prefix("json:") {
        return json(values.get(name).unwrap_or(&Value::Null));
    }
    match values.get(name) {
        Some(Value::String(text)) if name == RAW => text.clone(),
        Some(Value::String(text)) => escape(text),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Escaped for HTML text and quoted attributes. Braces and backticks too: the first would look like a placeholder, the
/// second like the end of the fence around the page.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '{' => out.push_str("&#123;"),
            '}' => out.push_str("&#125;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// JSON for a script: nothing in it can end the script, open a comment, or be a line's end to JavaScript. All that is
/// replaced can only stand inside a JSON string, where the escape means the same.
fn json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '`' | '\u{2028}' | '\u{2029}' => push_unicode(&mut out, c),
            '{' if out.ends_with('{') => push_unicode(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

fn push_unicode(out: &mut String, c: char) {
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(value: &Value) -> Values {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn text_is_escaped_for_text_and_attributes() {
        let out = render(r#"<b title="{{t}}">{{t}}</b>"#, &values(&json!({"t": r#""><img src=x onerror='x'>`"#})));

        assert_eq!(out.matches('<').count(), 2);
        assert_eq!(out.matches('"').count(), 2);
        assert!(!out.contains('`') && !out.contains('\''));
    }

    #[test]
    fn a_script_cannot_be_ended_from_inside() {
        let out = render("<script>x({{json:t}})</script>", &values(&json!({"t": ["</script><!--", "\u{2028}{{t}}"]})));

        assert_eq!(out.matches("</script").count(), 1);
        assert!(!out.contains("<!--") && !out.contains('\u{2028}') && !out.contains("{{"));
        let inside = out.trim_start_matches("<script>x(").trim_end_matches(")</script>");
        assert_eq!(serde_json::from_str::<Value>(inside).ok(), Some(json!(["</script><!--", "\u{2028}{{t}}"])));
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        assert_eq!(render("{{a}}", &values(&json!({"a": "{{b}}", "b": "no"}))), "&#123;&#123;b&#125;&#125;");
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        assert_eq!(render("a{{ b }}{{C}} {{missing}}{{json:missing}}", &Values::new()), "a{{ b }}{{C}} null");
    }
}
