//! Broken files, each with everything that is wrong with it as a person reads it.

use super::*;

#[test]
fn every_broken_file_is_told_all_that_is_wrong_with_it() {
    let files = broken_files();
    assert!(files.len() >= 10);
    for path in files {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let faults = Case { text: &text, ..Case::default() }.faults();
        insta::assert_snapshot!(name, faults.render(false));
    }
}

#[test]
fn every_fault_begins_with_file_line_and_column() {
    let faults = Case { text: "[limits]\n\tenabld = 1\nper_day = \"é\"", ..Case::default() }.faults();
    let rendered = faults.render(false);
    let begins: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(begins[2], "pipeline.toml:2:2: there is no key `enabld` in [limits]");
    assert!(begins.iter().all(|begin| rendered.contains(begin)));
}

#[test]
fn scripts_get_the_same_as_json() {
    let json = Case { text: "[limits]\nenabld = 1", ..Case::default() }.faults().to_json();
    let fault = &json.as_array().expect("a list")[2];
    assert_eq!((&fault["file"], &fault["line"], &fault["column"]), (&"pipeline.toml".into(), &2.into(), &1.into()));
    assert_eq!(fault["code"], "wtaf::config::unknown-key");
    assert!(fault["help"].as_str().is_some_and(|help| help.starts_with("keys here: enabled")));
}

#[test]
fn a_secret_is_never_repeated_neither_from_the_environment_nor_from_the_file() {
    let env = [("KEY", "sk-from env"), ("HALF", "half-of-it")];
    let text = "[server]\nadmin_token = \"${KEY}\"\nbridge_token = \"${HALF} sk-in-the-file\"\n\n[store]\nurl = \"redis://u:sk-in-the-file@h\"\n\
                [[ai]]\nname = \"a\"\nkind = \"openai\"\nmodel = \"m\"\napi_key = [\"sk-in-the-file\"]\n";
    let faults = Case { text, env: &env, ..Case::default() }.faults();
    let shown =
        format!("{}{}{:?}{:?}", faults.render(true), faults.to_json(), faults, miette::Report::new(faults.clone()));
    for secret in ["sk-from", "half-of-it", "sk-in-the-file"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("${KEY}"), "what is written may be shown");
}

#[test]
fn a_secret_on_a_line_with_a_slip_is_not_shown_either() {
    let text = "[server]\nadmin_token = sk-in-the-file\nadmin_tokn = \"sk-in-the-file\"\n[[stage]\nname = \"a\"\nconfig = { api_key = \"sk-in-the-file\", a = inf }\n";
    let faults = Case { text, ..Case::default() }.faults();
    assert!(faults.len() >= 3, "{faults}");
    assert!(!faults.render(false).contains("sk-in-the-file"), "{faults}");
}

#[test]
fn what_a_variable_holds_is_never_shown() {
    let env = [("URL", "not-for-eyes"), ("N", "not-for-eyes")];
    let text = "[server]\npublic_url = \"${URL}\"\nlisten = \"${URL}\"\n[queue]\nbackend = \"${N}\"\nin_hand = \"${N}\"\n[roles]\nedit = \"${N}\"";
    let faults = Case { text, env: &env, ..Case::default() }.faults();
    assert!(!faults.render(false).contains("not-for-eyes"), "{faults}");
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let rendered = Case { text: "[limits]\nenabld = \"a\u{9b}31m\"\n", ..Case::default() }.faults().render(false);
    assert!(!rendered.contains('\u{9b}'), "{rendered:?}");
}

#[test]
fn a_file_that_is_not_there_is_a_fault_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = load(&folder.path().join("pipeline.toml"), &[], &Known).expect_err("it is not there");
    assert_eq!(faults.iter().map(Fault::code).collect::<Vec<_>>(), [Code::Unreadable]);
}

#[test]
fn the_dotenv_beside_the_file_is_read_and_its_bad_lines_are_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pipeline.toml");
    std::fs::write(&file, SHIPPED.replace("${WTAF_ADMIN_TOKEN:-}", "${WTAF_TEST_ONLY_TOKEN}")).expect("written");
    std::fs::write(folder.path().join(".env"), "WTAF_TEST_ONLY_TOKEN=sesame\n").expect("written");
    assert!(load(&file, &[], &Known).expect("it is good").server.admin_token.is_some());

    std::fs::write(folder.path().join(".env"), "A=1\nsesame open\n").expect("written");
    let faults = load(&file, &[], &Known).expect_err("the .env is broken");
    assert!(faults.to_string().contains(".env:2:1: "), "{faults}");
    assert!(!faults.to_string().contains("sesame"), "{faults}");
}

#[test]
fn the_environment_goes_before_the_dotenv() {
    let env = |name: &str| (name == "WTAF_ADMIN_TOKEN").then(String::new);
    let dotenv = BTreeMap::from([
        ("WTAF_ADMIN_TOKEN".to_owned(), "a".to_owned()),
        ("WTAF_BRIDGE_TOKEN".to_owned(), "b".to_owned()),
    ]);
    let sources = Sources { path: Path::new("pipeline.toml"), text: SHIPPED, env: &env, dotenv, overrides: &[] };
    let checked = parse(sources, &Known).expect("it is good");
    assert!(checked.server.admin_token.is_none(), "set to nothing in the environment");
    assert!(checked.server.bridge_token.is_some());
}
