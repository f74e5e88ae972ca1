//! The templates (`host/templates/plugin`), and what goes into every project beside them.

use super::Lang;
use crate::config::Role;

/// Of the contract and the SDK, which are links in this crate, so that its package holds them.
macro_rules! linked {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path))
    };
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/plugin/", $path))
    };
}

/// The contract, by file.
pub(in crate::cli::plugin) const WIT: [(&str, &str); 6] = [
    ("types.wit", linked!("wit/types.wit")),
    ("coach.wit", linked!("wit/coach.wit")),
    ("prompt.wit", linked!("wit/prompt.wit")),
    ("extract.wit", linked!("wit/extract.wit")),
    ("slug.wit", linked!("wit/slug.wit")),
    ("filter.wit", linked!("wit/filter.wit")),
];

/// The SDK's sources.
const SDK: [(&str, &str); 22] = [
    ("__bindings.rs", linked!("templates/sdk/__bindings.rs")),
    ("__bindings/coach.rs", linked!("templates/sdk/__bindings/coach.rs")),
    ("__bindings/extract.rs", linked!("templates/sdk/__bindings/extract.rs")),
    ("__bindings/filter.rs", linked!("templates/sdk/__bindings/filter.rs")),
    ("__bindings/prompt.rs", linked!("templates/sdk/__bindings/prompt.rs")),
    ("__bindings/shared.rs", linked!("templates/sdk/__bindings/shared.rs")),
    ("__bindings/slug.rs", linked!("templates/sdk/__bindings/slug.rs")),
    ("context.rs", linked!("templates/sdk/context.rs")),
    ("json.rs", linked!("templates/sdk/json.rs")),
    ("json/error.rs", linked!("templates/sdk/json/error.rs")),
    ("json/keys.rs", linked!("templates/sdk/json/keys.rs")),
    ("json/reader.rs", linked!("templates/sdk/json/reader.rs")),
    ("json/serde.rs", linked!("templates/sdk/json/serde.rs")),
    ("json/table.rs", linked!("templates/sdk/json/table.rs")),
    ("json/variants.rs", linked!("templates/sdk/json/variants.rs")),
    ("lib.rs", linked!("templates/sdk/lib.rs")),
    ("log.rs", linked!("templates/sdk/log.rs")),
    ("panics.rs", linked!("templates/sdk/panics.rs")),
    ("phrases.rs", linked!("templates/sdk/phrases.rs")),
    ("roles.rs", linked!("templates/sdk/roles.rs")),
    ("seed.rs", linked!("templates/sdk/seed.rs")),
    ("words.rs", linked!("templates/sdk/words.rs")),
];

/// What is the same in every language.
struct OfRole {
    about: &'static str,
    /// What a plugin of the role is for, behind "of the role x:".
    what: &'static str,
    /// How it gets into a pipeline, behind "In pipeline.toml,".
    used: &'static str,
    /// `[config]` of plugin.toml.
    config: &'static str,
    examples: &'static str,
}

/// Sources in one language: the plugin, what it decides where that is a file of its own, its unit tests.
type Sources = (&'static str, &'static str, &'static str);

fn of_role(role: Role) -> OfRole {
    match role {
        Role::Coach => OfRole {
            about: "A coach of few words: make a page, list the pages",
            what: "it understands what people text, and words what they are told",
            used: "give the stage of the role coach `plugin = \"my-plugin\"`, or call the file `coach.wasm`: then it takes the built-in one's place.",
            config: "",
            examples: template!("examples/coach.json"),
        },
        Role::Prompt => OfRole {
            about: "Asks an AI for pages in a house style of your own",
            what: "it turns an order into the call of an AI",
            used: "give the stage of the role prompt `plugin = \"my-plugin\"`, or call the file `prompt.wasm`: then it takes the built-in one's place.",
            config: "\n[config]\nstyle = \"what every page looks like, in a sentence or two\"\n",
            examples: template!("examples/prompt.json"),
        },
        Role::Extract => OfRole {
            about: "Finds the last fenced page in an answer, else a bare document",
            what: "it finds the page in what an AI said",
            used: "give the stage of the role extract `plugin = \"my-plugin\"`, or call the file `extract.wasm`: then it takes the built-in one's place.",
            config: "",
            examples: template!("examples/extract.json"),
        },
        Role::Slug => OfRole {
            about: "Names pages by the words of their title",
            what: "it proposes names for a page, best first, and the host takes the first that is free",
            used: "give the stage of the role slug `plugin = \"my-plugin\"`, or call the file `slug.wasm`: then it takes the built-in one's place.",
            config: "",
            examples: template!("examples/slug.json"),
        },
        Role::Filter => OfRole {
            about: "Makes pages fit for phones, and keeps ideas to a length one can read",
            what: "it looks at, changes or refuses what passes between stages",
            used: "add a stage where it belongs (for pages, before `publish`):\n\n    [[stage]]\n    name = \"my-plugin\"\n    plugin = \"my-plugin\"\n    on = [\"page\"]      # and \"idea\", \"reply\"",
            config: "\n[config]\nlongest = \"the longest idea that is taken, in letters; unset: 2000\"\n",
            examples: template!("examples/filter.json"),
        },
    }
}

fn rust(role: Role) -> &'static str {
    match role {
        Role::Coach => template!("rust/coach.rs"),
        Role::Prompt => template!("rust/prompt.rs"),
        Role::Extract => template!("rust/extract.rs"),
        Role::Slug => template!("rust/slug.rs"),
        Role::Filter => template!("rust/filter.rs"),
    }
}

fn js(role: Role) -> Sources {
    match role {
        Role::Coach => (template!("js/coach.js"), "", template!("js/coach.test.js")),
        Role::Prompt => (template!("js/prompt.js"), "", template!("js/prompt.test.js")),
        Role::Extract => (template!("js/extract.js"), "", template!("js/extract.test.js")),
        Role::Slug => (template!("js/slug.js"), "", template!("js/slug.test.js")),
        Role::Filter => (template!("js/filter.js"), "", template!("js/filter.test.js")),
    }
}

fn python(role: Role) -> Sources {
    match role {
        Role::Coach => {
            (template!("python/coach.py"), template!("python/coach_rules.py"), template!("python/coach_test.py"))
        }
        Role::Prompt => {
            (template!("python/prompt.py"), template!("python/prompt_rules.py"), template!("python/prompt_test.py"))
        }
        Role::Extract => {
            (template!("python/extract.py"), template!("python/extract_rules.py"), template!("python/extract_test.py"))
        }
        Role::Slug => {
            (template!("python/slug.py"), template!("python/slug_rules.py"), template!("python/slug_test.py"))
        }
        Role::Filter => {
            (template!("python/filter.py"), template!("python/filter_rules.py"), template!("python/filter_test.py"))
        }
    }
}

/// Every file of a new project, by its place in it. The plugin's name stands as `my-plugin`.
pub(super) fn files(lang: Lang, role: Role) -> Vec<(String, String)> {
    let of_role = of_role(role);
    let mut files: Vec<(String, String)> = [
        ("plugin.toml", plugin_toml(lang, role, &of_role)),
        ("README.md", readme(lang, role, &of_role)),
        (".gitignore", "/target/\n/node_modules/\n/.venv/\n__pycache__/\n*.wasm\n".into()),
    ]
    .map(|(path, text)| (path.to_owned(), text))
    .into();
    let mut add = |path: String, text: &str| files.push((path, text.to_owned()));
    add(format!("examples/{}.json", role.as_str()), of_role.examples);
    for (file, text) in WIT {
        add(format!("wit/{file}"), text);
    }
    match lang {
        Lang::Rust => {
            add("Cargo.toml".into(), template!("rust/manifest.toml"));
            add("src/lib.rs".into(), rust(role));
            add("vendor/wtaf-plugin-sdk/Cargo.toml".into(), template!("rust/sdk.toml"));
            for (file, text) in SDK {
                // A project has one copy of the contract, two folders up from there.
                let text = text.replace("path: \"wit\"", "path: \"../../wit\"");
                add(format!("vendor/wtaf-plugin-sdk/src/{file}"), &text);
            }
        }
        Lang::Js => {
            let (plugin, _, test) = js(role);
            add("package.json".into(), template!("js/package.json"));
            add("plugin.js".into(), plugin);
            add("plugin.test.js".into(), test);
        }
        Lang::Python => {
            let (plugin, rules, test) = python(role);
            add("requirements.txt".into(), "componentize-py==0.25.1\n");
            add("plugin.py".into(), plugin);
            add("rules.py".into(), rules);
            add("test_rules.py".into(), test);
        }
    }
    files
}

fn plugin_toml(lang: Lang, role: Role, of_role: &OfRole) -> String {
    let lang = match lang {
        Lang::Rust => "rust",
        Lang::Js => "js",
        Lang::Python => "python",
    };
    format!(
        "# What the plugin says of itself; travels inside the .wasm, as the examples do.\n\
         name = \"my-plugin\"\nversion = \"0.1.0\"\nrole = \"{}\"\nabout = \"{}\"\nlang = \"{lang}\"\n{}",
        role.as_str(),
        of_role.about,
        of_role.config
    )
}

/// What is to be had before the first build, and the plugin's own tests.
pub(super) fn first_steps(lang: Lang) -> &'static [&'static str] {
    match lang {
        Lang::Rust => &["cargo test"],
        Lang::Js => &["npm install", "npm test"],
        Lang::Python => &["python3 -m venv .venv && .venv/bin/pip install -r requirements.txt", "python3 -m unittest"],
    }
}

fn readme(lang: Lang, role: Role, of_role: &OfRole) -> String {
    let (tools, layout) = match lang {
        Lang::Rust => (
            "You need Rust (https://rustup.rs) and its target for WebAssembly: `rustup target add wasm32-unknown-unknown`.\n",
            "| `src/lib.rs` | the plugin, with its tests |\n| `vendor/wtaf-plugin-sdk/` | the types of the contract for Rust; its documentation: `cargo doc -p wtaf-plugin-sdk --open` |",
        ),
        Lang::Js => (
            "You need Node.js 20 or later. `npm install` fetches componentize-js, which puts a JavaScript engine around the plugin (the `.wasm` has 12 MB, and a build takes a quarter of a minute). That engine has no `Intl` and no `\\p{…}` in regular expressions, which Node.js has.\n",
            "| `plugin.js` | the plugin: it exports an object named as the role, with the contract's functions |\n| `plugin.test.js` | its tests |",
        ),
        Lang::Python => (
            "You need Python 3.10 or later. componentize-py, in the project's own `.venv`, puts a Python around the plugin (the `.wasm` has 18 MB, and a build takes a quarter of a minute).\n",
            "| `plugin.py` | speaks with the host: a class named as the role, with the contract's functions |\n| `rules.py` | what the plugin decides, in plain Python |\n| `test_rules.py` | its tests |",
        ),
    };
    let steps = first_steps(lang).join("\n    ");
    template!("README.md")
        .replace("<about>", &format!("{}.", of_role.about))
        .replace("<role>", role.as_str())
        .replace("<what>", of_role.what)
        .replace("<use>", of_role.used)
        .replace("<tools>", tools)
        .replace("<test>", &steps)
        .replace("<layout>", layout)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// The files of a folder of this repository.
    /// Every file below a folder, by its place in it.
    fn folder(path: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                files.extend(self::folder(&format!("{path}/{name}")).iter().map(|file| format!("{name}/{file}")));
            } else {
                files.push(name);
            }
        }
        files.sort();
        files
    }

    fn sorted<const N: usize>(embedded: &[(&str, &str); N]) -> Vec<String> {
        let mut files = embedded.map(|(file, _)| file.to_owned()).to_vec();
        files.sort();
        files
    }

    #[test]
    fn the_whole_contract_and_the_whole_sdk_are_embedded() {
        assert_eq!(sorted(&WIT), folder("wit"));
        assert_eq!(sorted(&SDK), folder("plugins/sdk/src"));
    }

    #[test]
    fn the_vendored_sdk_asks_for_what_the_sdk_asks_for() {
        let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let file = |path: &str| read(&fs::read_to_string(repository.join(path)).unwrap());
        let (vendored, ours) = (read(template!("rust/sdk.toml")), file("plugins/sdk/Cargo.toml"));
        let workspace = file("Cargo.toml");
        let shared = &workspace["workspace"]["dependencies"];
        let wanted = vendored["dependencies"].as_table().unwrap();
        for name in ours["dependencies"].as_table().unwrap().keys() {
            assert_eq!(wanted.get(name), shared.get(name), "{name}");
        }
        assert_eq!(wanted.len(), ours["dependencies"].as_table().unwrap().len());
        for table in ["target", "features"] {
            assert_eq!(vendored.get(table), ours.get(table), "{table}");
        }
        assert_eq!(vendored["package"]["version"], workspace["workspace"]["package"]["version"]);
    }

    #[test]
    fn every_project_has_a_manifest_that_reads_and_a_readme_that_is_filled_in() {
        for lang in [Lang::Rust, Lang::Js, Lang::Python] {
            for role in Role::ALL {
                let folder = tempfile::tempdir().unwrap();
                for (path, text) in files(lang, role) {
                    super::super::write(&folder.path().join(path), &text).unwrap();
                }
                let manifest = wtaf_plugin_pack::Manifest::read(folder.path()).unwrap();
                assert_eq!((manifest.role.as_str(), manifest.name.as_str()), (role.as_str(), "my-plugin"));
                assert!(manifest.examples.len() >= 4);
                let readme = fs::read_to_string(folder.path().join("README.md")).unwrap();
                for marker in ["<about>", "<role>", "<what>", "<use>", "<tools>", "<test>", "<layout>"] {
                    assert!(!readme.contains(marker), "{marker} in {lang:?} {role:?}");
                }
            }
        }
    }
}
