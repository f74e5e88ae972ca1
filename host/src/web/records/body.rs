//! What a visitor sends, as a record: JSON as it came but for the blanks between its words, or a form's fields in their order.

use axum::body::{Body, Bytes};
use http::HeaderMap;
use serde_json::{Value, value::RawValue};

use super::{super::form, Problem, refuse};

/// Bytes of one record.
pub(super) const LONGEST: usize = 16 * 1024;
/// Bytes of one request: a form spells many characters with three.
const BODY: usize = 3 * LONGEST + 4 * 1024;
/// Fields and entries of one record, of all depths.
const PARTS: usize = 400;
/// Lists within lists.
const DEPTH: usize = 8;
/// Characters of a field's name.
const NAME: usize = 100;

/// Fields of a form that are for us.
const TOKEN: &str = "wtaf_token";
const COLLECTION: &str = "data-wtaf";

/// Something to keep.
#[derive(Debug)]
pub(super) struct Sent {
    pub data: Box<RawValue>,
    /// Of a form.
    pub token: Option<String>,
    /// Of a form: the collection it names.
    pub collection: Option<String>,
}

/// Reads a request's body as a record.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Sent, Problem> {
    let bytes = whole(body).await?;
    if form::is(headers, "application/x-www-form-urlencoded") {
        return of_form(&bytes);
    }
    if !form::is(headers, "application/json") {
        return Err(refuse::no_record_type());
    }
    Ok(Sent { data: of_json(&bytes)?, token: None, collection: None })
}

/// A body that is not longer than any record.
pub(super) async fn whole(body: Body) -> Result<Bytes, Problem> {
    let reading = tokio::time::timeout(form::PATIENCE, axum::body::to_bytes(body, BODY));
    reading.await.map_err(|_| refuse::too_slow())?.map_err(|_| refuse::too_long())
}

fn of_json(bytes: &[u8]) -> Result<Box<RawValue>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| refuse::bad_record("It is not UTF-8."))?;
    let value: Value = serde_json::from_str(text).map_err(|error| refuse::bad_record(&format!("{error}.")))?;
    fits(&value)?;
    kept(compact(text))
}

/// Names that come more than once become a list, as they do in JavaScript's `FormData`.
fn of_form(bytes: &[u8]) -> Result<Sent, Problem> {
    let mut fields: Vec<(String, Vec<Value>)> = Vec::new();
    let (mut token, mut collection) = (None, None);
    for (name, value) in url::form_urlencoded::parse(bytes) {
        match name.as_ref() {
            TOKEN => token = Some(value.into_owned()),
            COLLECTION => collection = Some(value.into_owned()),
            _ => {
                let value = Value::String(value.replace('\0', "\u{FFFD}"));
                match fields.iter().position(|(known, _)| *known == name) {
                    Some(at) => fields[at].1.push(value),
                    None if fields.len() < PARTS => fields.push((name.replace('\0', "\u{FFFD}"), vec![value])),
                    None => return Err(refuse::too_long()),
                }
            }
        }
    }
    let parts = |values: &[Value]| if values.len() == 1 { 1 } else { 1 + values.len() };
    if 1 + fields.iter().map(|(_, values)| parts(values)).sum::<usize>() > PARTS {
        return Err(refuse::too_long());
    }
    let words: Vec<String> = fields
        .into_iter()
        .map(|(name, mut values)| {
            let one = values.len() == 1;
            let value = if one { values.swap_remove(0) } else { Value::Array(values) };
            let pair = Value::Object([(name, value)].into_iter().collect());
            fits(&pair)?;
            Ok(pair.to_string())
        })
        .collect::<Result<_, Problem>>()?;
    // Each pair is an object of its own; without their braces they are one.
    let pairs: Vec<&str> = words.iter().map(|pair| &pair[1..pair.len() - 1]).collect();
    let data = kept(format!("{{{}}}", pairs.join(",")))?;
    Ok(Sent { data, token, collection })
}

fn kept(text: String) -> Result<Box<RawValue>, Problem> {
    if text.len() > LONGEST {
        return Err(refuse::too_long());
    }
    if matches!(text.as_str(), "{}" | "[]" | "null" | "\"\"") {
        return Err(refuse::empty());
    }
    RawValue::from_string(text).map_err(|error| refuse::bad_record(&format!("{error}.")))
}

/// Whether it is of a size that a person can have meant.
fn fits(value: &Value) -> Result<(), Problem> {
    let mut parts = 0;
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        parts += 1;
        if parts > PARTS {
            return Err(refuse::too_long());
        }
        if depth > DEPTH {
            return Err(refuse::bad_record("It has lists within lists within lists."));
        }
        match value {
            Value::Array(entries) => open.extend(entries.iter().map(|entry| (entry, depth + 1))),
            Value::Object(fields) => {
                if fields.keys().any(|name| name.chars().count() > NAME || name.contains('\0')) {
                    return Err(refuse::bad_record(&format!("A field's name has at most {NAME} characters.")));
                }
                open.extend(fields.values().map(|field| (field, depth + 1)));
            }
            // PostgreSQL has no such character.
            Value::String(text) if text.contains('\0') => return Err(refuse::bad_record("It holds a NUL.")),
            _ => {}
        }
    }
    Ok(())
}

/// JSON without the blanks between its words, so that it is one line; what is within quotes stays as it is.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in json.chars() {
        if quoted || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            out.push(c);
        }
        match c {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    out
}

/// For [`crate::fuzzing`]: whatever is sent, what is kept of it is one line of JSON that means the same.
#[cfg(any(test, fuzzing))]
pub(in crate::web) fn try_any(bytes: &[u8], is_form: bool) {
    let kept = if is_form { of_form(bytes).map(|sent| sent.data) } else { of_json(bytes) };
    let Ok(data) = kept else { return };
    let text = data.get();
    assert!(text.len() <= LONGEST && !text.contains(['\n', '\r', '\0']), "not one line: {text}");
    let value: Option<Value> = serde_json::from_str(text).ok();
    assert!(value.as_ref().is_some_and(|value| fits(value).is_ok()), "no record: {text}");
    assert!(is_form || value == serde_json::from_slice(bytes).ok(), "not what was sent: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<String, Problem> {
        of_json(text.as_bytes()).map(|data| data.get().to_owned())
    }

    #[test]
    fn json_is_kept_as_it_came_but_for_blanks() {
        let sent = " {\"z\" : \"a \\\"b\\\\\" ,\n\t\"a\": [1.50, true ] } ";
        assert_eq!(json(sent).unwrap(), "{\"z\":\"a \\\"b\\\\\",\"a\":[1.50,true]}");
        assert_eq!(json("42").unwrap(), "42");
    }

    #[test]
    fn what_nobody_can_have_meant_is_refused() {
        let deep = format!("{}1{}", "[".repeat(9), "]".repeat(9));
        let wide = format!("[{}1]", "1,".repeat(PARTS));
        let long = format!("\"{}\"", "a".repeat(LONGEST));
        let named = format!("{{\"{}\":1}}", "a".repeat(NAME + 1));
        for text in
            ["", "{", "{}", "null", "[]", "1e999", "\"\\u0000\"", &deep, &wide, &long, &named, &"[".repeat(5_000)]
        {
            assert!(json(text).is_err(), "{}", &text[..text.len().min(20)]);
        }
    }

    #[test]
    fn a_form_keeps_the_order_of_its_fields() {
        let sent = of_form(b"wtaf_token=t&name=Ann+%22%C3%A9%22&days=Mon&data-wtaf=rsvp&a=&days=Tue").unwrap();
        assert_eq!(sent.data.get(), "{\"name\":\"Ann \\\"\u{e9}\\\"\",\"days\":[\"Mon\",\"Tue\"],\"a\":\"\"}");
        assert_eq!((sent.token.as_deref(), sent.collection.as_deref()), (Some("t"), Some("rsvp")));
        assert!(of_form(b"wtaf_token=t").is_err(), "nothing but a token is nothing");
        let many: Vec<String> = (0..=PARTS).map(|n| format!("f{n}=1")).collect();
        assert!(of_form(many.join("&").as_bytes()).is_err());
        assert!(of_form("a=1&".repeat(PARTS).as_bytes()).is_err(), "many of one name are many too");
    }
}
