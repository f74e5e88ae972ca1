//! Tells an AI what page is wanted, in your own house style.
//!
//! `compose` is called once a page. Text that stays the same goes first and the person's words go last, unchanged: providers remember a beginning
//! they have seen before, and charge less for it.

use serde::Deserialize;
use wtaf_plugin_sdk::{
    Context, Extra, Named, Order, Person, StageError, Turn,
    prompt::{AiCall, Message, Part, Prompt, Role},
};

const PAGE: &str = "You make one web page: a single, whole HTML document with its style and script inside, in one ```html fence, and nothing else.";
const CHAT: &str =
    "You are a kind and witty coach. Answer in three sentences at most, in plain words.";

/// The stage's `config` in pipeline.toml. Tell people of each key in plugin.toml.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    style: Option<String>,
}

struct HouseStyle;

impl Prompt for HouseStyle {
    fn compose(
        ctx: Context,
        order: Order,
        _person: Person,
        thread: Vec<Turn>,
        material: Extra,
    ) -> Result<AiCall, StageError> {
        if order.text.trim().is_empty() {
            return Err(StageError::BadInput("an order without words".into()));
        }
        let config: Config = ctx.config()?;
        let is_chat = order.kind == "chat";
        let mut messages = vec![says(Role::System, system(&config, &order))];
        if is_chat {
            messages.extend(thread.into_iter().map(said));
        } else if let Some(page) = material.named("page") {
            // An edit or a remix begins with a page that is there.
            messages.push(says(
                Role::User,
                format!("The page as it is now:\n\n```html\n{page}\n```"),
            ));
            messages.push(says(
                Role::Assistant,
                "I have it. What shall I change?".into(),
            ));
        }
        messages.push(says(Role::User, order.text));
        let purpose = if is_chat { "chat" } else { "page" };
        Ok(AiCall {
            messages,
            modality: "text".into(),
            temperature: None,
            max_output_tokens: is_chat.then_some(500),
            extra: vec![
                ("purpose".into(), purpose.into()),
                ("kind".into(), order.kind),
            ],
        })
    }
}

fn system(config: &Config, order: &Order) -> String {
    if order.kind == "chat" {
        return CHAT.into();
    }
    let style = config
        .style
        .as_deref()
        .unwrap_or("Calm colours, large type, and room to breathe.");
    format!(
        "{PAGE}\n\nWhat it is: a {}.\n\nHouse style: {style}",
        order.kind
    )
}

fn said(turn: Turn) -> Message {
    says(
        if turn.coach.is_some() {
            Role::Assistant
        } else {
            Role::User
        },
        turn.text,
    )
}

fn says(role: Role, text: String) -> Message {
    Message {
        role,
        content: vec![Part::Text(text)],
    }
}

wtaf_plugin_sdk::export_prompt!(HouseStyle);

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(kind: &str, text: &str, material: Extra) -> Result<AiCall, StageError> {
        let config = r#"{"style":"Neon."}"#;
        let ctx = Context {
            job: "1".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: config.into(),
            extra: vec![],
        };
        let order = Order {
            kind: kind.into(),
            text: text.into(),
            coach: None,
            page: None,
            why: String::new(),
            extra: vec![],
        };
        let person = Person {
            slug: None,
            role: "coder".into(),
            standing: "active".into(),
            extra: vec![],
        };
        HouseStyle::compose(ctx, order, person, vec![], material)
    }

    fn text_of(message: &Message) -> &str {
        match &message.content[0] {
            Part::Text(text) | Part::Media(text) => text,
        }
    }

    #[test]
    fn the_style_comes_first_and_the_persons_words_last() {
        let call = composed("game", "snake", vec![]).unwrap();
        assert!(text_of(&call.messages[0]).ends_with("House style: Neon."));
        assert_eq!(text_of(call.messages.last().unwrap()), "snake");
    }

    #[test]
    fn an_edit_shows_the_page_that_is_there() {
        let call = composed(
            "edit",
            "make it blue",
            vec![("page".into(), "<p>Old".into())],
        )
        .unwrap();
        assert!(text_of(&call.messages[1]).contains("<p>Old"));
    }

    #[test]
    fn an_order_without_words_is_somebody_elses_fault() {
        assert!(matches!(
            composed("page", " ", vec![]),
            Err(StageError::BadInput(_))
        ));
    }
}
