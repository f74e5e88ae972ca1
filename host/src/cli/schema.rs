//! `wtaf-host schema`: the JSON Schema of pipeline.toml, for editors.

/// The schema, a line break at its end.
pub fn run() -> String {
    crate::config::schema_text()
}
