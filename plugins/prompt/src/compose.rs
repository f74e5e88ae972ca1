//! Puts a call together: stable text first, what the order builds on in the middle, the person's words last.
//!
//! The system text depends on nothing but the config, the kind, the coach and the host's `records`, so that a provider
//! caches it. The person's words are the whole text of the last message, unchanged; nothing is wrapped around them.

use wtaf_plugin_sdk::{
    Context, Extra, Named, Order, StageError, Turn,
    prompt::{AiCall, Message, Part, Role},
};

use crate::{
    config::{Config, Make},
    templates::Template,
    voice,
};

/// What stands for the words of a person who gave none: only a remix is complete without.
const REMIX_WITHOUT_WORDS: &str = "Surprise me with your own take on it.";

/// What a call is for, as the records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Page,
    Brief,
    Chat,
}

impl Purpose {
    fn of(order: &Order, make: Make) -> Self {
        match make {
            _ if order.kind == "chat" => Self::Chat,
            Make::Page => Self::Page,
            Make::Brief => Self::Brief,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Brief => "brief",
            Self::Chat => "chat",
        }
    }
}

/// The AI call for an order.
///
/// # Errors
/// `bad-input` for an order without words or without the page it begins with; `internal` for a broken config.
pub fn compose(ctx: &Context, order: &Order, thread: &[Turn], material: &Extra) -> Result<AiCall, StageError> {
    let config = Config::read(ctx)?;
    let purpose = Purpose::of(order, config.make);
    let words = words(order)?;
    let mut messages = vec![message(Role::System, system(ctx, &config, purpose, order, material)?)];
    match purpose {
        Purpose::Chat => messages.extend(said_before(order, thread, ctx.now)),
        Purpose::Page | Purpose::Brief => messages.extend(to_build_on(order, material)?),
    }
    messages.push(last(order, words));
    Ok(AiCall {
        messages,
        modality: "text".into(),
        temperature: config.temperature,
        max_output_tokens: if purpose == Purpose::Chat { Some(config.chat_max_tokens) } else { config.max_tokens },
        extra: vec![("purpose".into(), purpose.name().into()), ("kind".into(), order.kind.clone())],
    })
}

fn words(order: &Order) -> Result<&str, StageError> {
    match (order.text.trim().is_empty(), order.kind.as_str()) {
        (false, _) => Ok(&order.text),
        (true, "remix") => Ok(REMIX_WITHOUT_WORDS),
        (true, kind) => Err(StageError::BadInput(format!("an order of the kind `{kind}` without words"))),
    }
}

/// The system text: the same bytes for the same purpose, kind, coach and records.
fn system(
    ctx: &Context,
    config: &Config,
    purpose: Purpose,
    order: &Order,
    material: &Extra,
) -> Result<String, StageError> {
    let text = |template| config.templates.text(template).to_owned();
    let kind = Template::of_kind(&order.kind);
    let mut parts = match purpose {
        Purpose::Chat => vec![text(Template::Chat)],
        Purpose::Brief => {
            vec![text(Template::Brief), format!("What the builder is told of this kind:\n\n{}", text(kind))]
        }
        Purpose::Page => vec![text(Template::Base), text(kind)],
    };
    if purpose != Purpose::Chat {
        match material.named("records") {
            Some(records) => parts.push(records.to_owned()),
            None if config.records => parts.extend(kind.of_records().map(text)),
            None if kind == Template::DataApp => parts.push(text(Template::NoRecords)),
            None => {}
        }
    }
    if let Some(voice) = order.coach.as_deref().map(|id| voice::of(ctx, id)).transpose()?.flatten() {
        let before = if purpose == Purpose::Chat { Template::VoiceChat } else { Template::VoicePage };
        parts.push(format!("{}\n\n{voice}", text(before)));
    }
    let rules: Vec<String> = config.extra_rules.iter().map(|rule| format!("- {rule}")).collect();
    if !rules.is_empty() {
        parts.push(format!("# Also\n\n{}", rules.join("\n")));
    }
    Ok(parts.join("\n\n"))
}

/// What the order builds on, as something already said: the page there is, the brief. The answer in between keeps the
/// two sides taking turns, and the last message free for the person's words alone.
fn to_build_on(order: &Order, material: &Extra) -> Result<Vec<Message>, StageError> {
    let mut given = vec![];
    let page = material.named("page").filter(|page| !page.trim().is_empty());
    match (page, order.kind.as_str()) {
        (Some(page), _) => given.push(format!("This is the page as it is now:\n\n{}", fenced(page))),
        (None, "edit" | "remix") => {
            return Err(StageError::BadInput(format!("an order of the kind `{}` without its page", order.kind)));
        }
        (None, _) => {}
    }
    if let Some(brief) = material.named("brief").map(str::trim).filter(|brief| !brief.is_empty()) {
        given.push(format!(
            "This is a brief for the page, written from the text that follows. Where the two differ, the text is right.\n\n{brief}"
        ));
    }
    if given.is_empty() {
        return Ok(vec![]);
    }
    Ok(vec![
        message(Role::User, given.join("\n\n")),
        message(Role::Assistant, "I have read it. What does the person say?".into()),
    ])
}

/// A document in a fence that nothing inside it can end.
fn fenced(html: &str) -> String {
    let longest = html.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}html\n{}\n{fence}", html.trim_end())
}

/// The talk so far: the person's turns and those of the coach who is asked now.
///
/// Another coach's words would pull this one out of their voice. A talk begins with the person, as providers want it.
fn said_before(order: &Order, thread: &[Turn], now: u64) -> Vec<Message> {
    // A host may have put the words being answered into the thread already.
    let thread = match thread {
        [before @ .., last] if last.coach.is_none() && last.at >= now && last.text.contains(order.text.trim()) => {
            before
        }
        all => all,
    };
    thread
        .iter()
        .filter(|turn| !turn.text.trim().is_empty() && (turn.coach.is_none() || turn.coach == order.coach))
        .skip_while(|turn| turn.coach.is_some())
        .map(|turn| message(if turn.coach.is_some() { Role::Assistant } else { Role::User }, turn.text.clone()))
        .collect()
}

/// The person's words, after whatever they sent along.
fn last(order: &Order, words: &str) -> Message {
    let media = order.extra.named("media").unwrap_or_default().split_whitespace();
    let content = media.map(|id| Part::Media(id.to_owned())).chain([Part::Text(words.to_owned())]).collect();
    Message { role: Role::User, content }
}

fn message(role: Role, text: String) -> Message {
    Message { role, content: vec![Part::Text(text)] }
}
