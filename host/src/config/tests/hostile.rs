//! Text that no one would write, and slips anyone may make: every one ends in a pipeline or in faults, never in a panic.

use proptest::prelude::*;

use super::*;

fn survives(text: &str, set: &[&str]) -> Result<(), TestCaseError> {
    if let Err(faults) = (Case { text, set, ..Case::default() }).parse() {
        prop_assert!(faults.len() > 0);
        for fault in &faults {
            prop_assert!(fault.spot().line() >= 1 && fault.spot().column() >= 1);
        }
        let _ = (faults.render(true), faults.to_json(), format!("{:?}", miette::Report::new(faults)));
    }
    Ok(())
}

/// The shipped file with pieces cut out, doubled or put in.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        "[\\[\\]{}\"'=#.,$\n a-z0-9\\-]{1,6}",
        Just("\"\"\"".to_owned()),
        Just("[[stage]]\n".to_owned()),
        Just("[server]\n".to_owned()),
        Just("é\u{0}\u{feff}".to_owned()),
        Just("${".to_owned()),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0usize..40, piece), 1..6).prop_map(|edits| {
        let mut text = shipped::switched_on(SHIPPED);
        for (index, length, piece) in edits {
            let start = text.floor_char_boundary(index.index(text.len()));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &piece);
        }
        text
    })
}

proptest! {
    #[test]
    fn any_text(text in "(?s).{0,200}") {
        survives(&text, &[])?;
    }

    #[test]
    fn anything_like_toml(text in "([\\[\\]{}\"'=#.,$\n]|server|stage|ai|name|true|1|é| ){0,80}") {
        survives(&text, &[])?;
    }

    #[test]
    fn the_shipped_file_with_slips(text in mutated()) {
        survives(&text, &[])?;
    }

    #[test]
    fn any_override(key in "(ai|stage|server|limits|coach|x|0|name|\\.){0,6}", value in "[\\[\\]{}\"'=#.,$\n a-z0-9é]{0,20}") {
        survives(SHIPPED, &[&format!("{key}={value}"), &value])?;
    }

    #[test]
    fn no_value_of_a_variable_adds_a_key(value in "(?s).{0,60}") {
        let env = [("WTAF_ADMIN_TOKEN", value.as_str()), ("DATABASE_URL", "")];
        match (Case { env: &env, ..shipped() }).parse() {
            Ok(checked) => prop_assert_eq!(checked.server.listen.port(), 3030),
            Err(faults) => {
                prop_assert_eq!(faults.len(), 1);
                prop_assert!(faults.to_string().contains("server.admin_token"));
            }
        }
    }
}
