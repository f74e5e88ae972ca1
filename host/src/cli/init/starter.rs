//! The files that `init` writes: what is shipped, with a few lines changed, and an environment to fill in.

use url::Url;

use super::{Ai, Texts};

const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.toml"));

/// What was answered.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub ai: Ai,
    pub texts: Texts,
    pub public_url: Option<Url>,
}

/// A file to write.
pub(super) struct File {
    pub name: &'static str,
    pub text: String,
    pub secret: bool,
}

impl Answers {
    /// The variables that somebody has to fill in.
    pub fn to_fill_in(&self) -> Vec<&'static str> {
        let mut names = match self.ai {
            Ai::Anthropic => vec!["ANTHROPIC_API_KEY"],
            Ai::Openai => vec!["OPENAI_API_KEY"],
            Ai::Ollama | Ai::Demo => Vec::new(),
        };
        if self.texts == Texts::Twilio {
            names.extend(["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"]);
        }
        names
    }
}

/// pipeline.toml, its schema for editors, and `.env`.
pub(super) fn starter(answers: &Answers) -> Vec<File> {
    let file = |name, text, secret| File { name, text, secret };
    vec![
        file("pipeline.toml", pipeline(answers), false),
        file("pipeline.schema.json", crate::config::schema_text(), false),
        file(".env", environment(answers), true),
    ]
}

fn pipeline(answers: &Answers) -> String {
    let mut text = SHIPPED.replacen("./docs/pipeline.schema.json", "./pipeline.schema.json", 1);
    if let Some(url) = &answers.public_url {
        let url = url.as_str().trim_end_matches('/');
        text = text.replacen("#public_url = \"https://wtaf.example\"", &format!("public_url = \"{url}\""), 1);
    }
    if answers.texts == Texts::Twilio {
        text = text.replacen("provider = \"console\" ", "provider = \"twilio\"  ", 1);
    }
    if answers.ai == Ai::Ollama {
        let server = "#[[ai]]\n#name = \"ollama\"\n#kind = \"openai\"\n#model = \"qwen3\"\n#base_url = \"http://localhost:11434/v1\"\n";
        text = text.replacen(server, &server.replace('#', ""), 1);
    }
    text
}

fn environment(answers: &Answers) -> String {
    let mut lines = vec!["# Read by wtaf-host, beside pipeline.toml. Keep it to yourself.".to_owned()];
    lines.extend(answers.to_fill_in().iter().map(|name| format!("{name}=")));
    if answers.public_url.is_some() {
        lines.push("# Opens the operator's pages and API from elsewhere.".to_owned());
        lines.push(format!("WTAF_ADMIN_TOKEN={}", hex::encode(rand::random::<[u8; 32]>())));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, engine::Components};

    /// Checks what was written, with its environment filled in.
    fn checked(answers: &Answers) -> config::Checked {
        let folder = tempfile::tempdir().unwrap();
        for file in starter(answers) {
            let filled = match file.name {
                ".env" => file
                    .text
                    .replace("TWILIO_ACCOUNT_SID=", &format!("TWILIO_ACCOUNT_SID=AC{}", "0".repeat(32)))
                    .replace("TWILIO_AUTH_TOKEN=", "TWILIO_AUTH_TOKEN=token")
                    .replace("TWILIO_FROM=", "TWILIO_FROM=+15550001111")
                    .replace("_API_KEY=", "_API_KEY=key"),
                _ => file.text,
            };
            std::fs::write(folder.path().join(file.name), filled).unwrap();
        }
        config::load(&folder.path().join("pipeline.toml"), &[], &Components)
            .unwrap_or_else(|faults| panic!("{}", faults.render(false)))
    }

    #[test]
    fn every_choice_gives_a_pipeline_that_checks() {
        for ai in [Ai::Anthropic, Ai::Openai, Ai::Ollama, Ai::Demo] {
            for texts in [Texts::Console, Texts::Twilio] {
                for url in [None, Some("https://wtaf.example/here")] {
                    let answers = Answers { ai, texts, public_url: url.map(|url| url.parse().unwrap()) };
                    let checked = checked(&answers);
                    assert_eq!(matches!(checked.sms.provider, config::SmsProvider::Twilio(_)), texts == Texts::Twilio);
                    if let Some(url) = url {
                        assert_eq!(checked.server.public_url.as_str(), url);
                        assert!(checked.server.admin_token.is_some());
                    }
                    let first = checked.ai.first().unwrap();
                    match ai {
                        Ai::Anthropic => assert_eq!(first.kind, config::AiKind::Anthropic),
                        Ai::Openai => assert_eq!((first.kind, first.name.as_str()), (config::AiKind::OpenAi, "gpt")),
                        Ai::Ollama => assert_eq!(first.name, "ollama"),
                        Ai::Demo => assert_eq!(first.kind, config::AiKind::Demo),
                    }
                }
            }
        }
    }

    #[test]
    fn tokens_differ_from_one_to_the_next() {
        let answers = Answers { ai: Ai::Demo, texts: Texts::Console, public_url: "https://a.example".parse().ok() };
        assert_ne!(environment(&answers), environment(&answers));
    }
}
