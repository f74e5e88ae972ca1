//! The tables of what people expect (docs/parity.md) and of what is promised (docs/reliability.md): each row names the tests that hold it, and they are there.

use std::path::Path;

/// Every file of a kind below a folder, read.
fn read_all(folder: &Path, ending: &str, into: &mut String) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_built = path.file_name().is_some_and(|name| name == "target" || name == "node_modules");
        if path.is_dir() && !is_built {
            read_all(&path, ending, into);
        } else if path.extension().is_some_and(|found| found == ending) {
            into.push_str(&std::fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

#[test]
fn every_row_of_the_table_names_tests_that_are_there() {
    assert_rows_name_tests("docs/parity.md", 20);
}

#[test]
fn every_promise_and_fault_names_tests_that_are_there() {
    assert_rows_name_tests("docs/reliability.md", 30);
}

/// Each row of the tables whose last column is `shown by` names tests, and they are there.
fn assert_rows_name_tests(document: &str, at_least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate has a workspace");
    let mut sources = String::new();
    for folder in ["host/tests/it", "host/src", "plugins"] {
        read_all(&root.join(folder), "rs", &mut sources);
    }
    let text = std::fs::read_to_string(root.join(document)).expect("the table is there");
    let mut rows = Vec::new();
    let mut in_a_table = false;
    for line in text.lines() {
        match line {
            _ if !line.starts_with('|') => in_a_table = false,
            _ if line.ends_with("| shown by |") => in_a_table = true,
            _ if in_a_table && line.starts_with("| ") => rows.push(line),
            _ => {}
        }
    }

    assert!(rows.len() >= at_least, "{} rows", rows.len());
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let named: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for name in named {
            assert!(sources.contains(&format!("fn {name}(")), "{name} is no test");
        }
    }
}
