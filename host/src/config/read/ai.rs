//! `[[ai]]`: each provider, and which of them make the chain.

use url::Url;

use super::unique;
use crate::config::{
    document::Val,
    expand,
    fault::{Code, Found},
    keys::{ai, price},
    model::{Ai, AiKind},
    walk::{View, Walk},
};

const ANTHROPIC: &str = "https://api.anthropic.com";
const OPENAI: &str = "https://api.openai.com/v1";

/// An entry, and whether the chain has a use for it.
enum Entry {
    /// It can answer.
    Ready(Box<Ai>),
    /// Its key comes out empty.
    Keyless,
    /// A fault was noted: it may have been meant to answer.
    Faulty,
}

/// The chain. An entry without its key is left out; the demo provider is left out as soon as there is another.
pub fn read(walk: &mut Walk<'_>, views: &[View]) -> Option<Vec<Ai>> {
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for view in views {
        let name = view.need(walk, &ai::NAME_);
        if let Some(name) = &name {
            names.push((name.clone(), view.at_of(&ai::NAME_)));
        }
        entries.push(entry(walk, view, name));
    }
    unique(walk, "[[ai]]", &names);
    let faulty = entries.iter().any(|entry| matches!(entry, Entry::Faulty));
    let mut chain: Vec<Ai> =
        entries.into_iter().filter_map(|entry| if let Entry::Ready(ai) = entry { Some(*ai) } else { None }).collect();
    if chain.iter().any(|ai| ai.kind != AiKind::Demo) {
        chain.retain(|ai| ai.kind != AiKind::Demo);
    }
    if faulty {
        return None;
    }
    if chain.is_empty() {
        no_provider(walk, views);
        return None;
    }
    Some(chain)
}

fn entry(walk: &mut Walk<'_>, view: &View, name: Option<String>) -> Entry {
    let keyless = view.node(&ai::API_KEY).is_some_and(|node| walk.is_blank(node));
    match provider(walk, view, name) {
        None => Entry::Faulty,
        Some(ai) if keyless && ai.kind != AiKind::Demo => Entry::Keyless,
        Some(ai) => Entry::Ready(Box::new(ai)),
    }
}

fn provider(walk: &mut Walk<'_>, view: &View, name: Option<String>) -> Option<Ai> {
    let kind = view.need(walk, &ai::KIND);
    let model = match kind {
        Some(AiKind::Anthropic | AiKind::OpenAi) => view.need(walk, &ai::MODEL),
        _ => Some(view.get(walk, &ai::MODEL).unwrap_or_else(|| "demo".to_owned())),
    };
    let base_url = base_url(walk, view, kind);
    let api_key = view.get(walk, &ai::API_KEY);
    let timeout = view.get(walk, &ai::TIMEOUT);
    let first_token_timeout = view.get(walk, &ai::FIRST_TOKEN_TIMEOUT);
    let max_wait = view.get(walk, &ai::MAX_WAIT);
    let max_tokens = view.get(walk, &ai::MAX_TOKENS);
    let temperature = view.get(walk, &ai::TEMPERATURE);
    let max_concurrent = view.get(walk, &ai::MAX_CONCURRENT);
    let retries = view.get(walk, &ai::RETRIES);
    let price = view.get(walk, &ai::PRICE).map(|view| read_price(walk, &view));
    let spend_per_day = view.get(walk, &ai::SPEND_PER_DAY_);
    let mended = rules(walk, view, kind);
    Some(Ai {
        name: name?,
        kind: kind?,
        model: model?,
        base_url: mended.then_some(base_url?)?,
        api_key,
        timeout: timeout?,
        first_token_timeout: first_token_timeout?,
        max_wait: max_wait?,
        max_tokens: max_tokens?,
        #[allow(clippy::cast_possible_truncation, reason = "from 0 to 2")]
        temperature: temperature.map(|temperature| temperature as f32),
        max_concurrent: max_concurrent?,
        retries: retries?,
        price: match price {
            Some(price) => Some(price?),
            None => None,
        },
        spend_per_day,
    })
}

fn read_price(walk: &mut Walk<'_>, view: &View) -> Option<(f64, f64)> {
    let input = view.need(walk, &price::INPUT);
    let output = view.need(walk, &price::OUTPUT);
    Some((input?, output?))
}

fn standard(kind: AiKind) -> Option<Url> {
    match kind {
        AiKind::Anthropic => Url::parse(ANTHROPIC).ok(),
        AiKind::OpenAi => Url::parse(OPENAI).ok(),
        AiKind::Demo => None,
    }
}

/// The outer `None` where a fault was noted.
#[allow(clippy::option_option, reason = "the demo provider is nowhere")]
fn base_url(walk: &mut Walk<'_>, view: &View, kind: Option<AiKind>) -> Option<Option<Url>> {
    if view.has(walk, &ai::BASE_URL_) { view.get(walk, &ai::BASE_URL_).map(Some) } else { Some(standard(kind?)) }
}

/// What must hold between an entry's keys.
fn rules(walk: &mut Walk<'_>, view: &View, kind: Option<AiKind>) -> bool {
    let Some(kind) = kind else { return false };
    if kind == AiKind::Demo {
        return demo_takes_no_account(walk, view);
    }
    let away = view.get(walk, &ai::BASE_URL_).filter(|url| Some(url) != standard(kind).as_ref());
    let path = away.as_ref().map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    let excess = match kind {
        AiKind::Anthropic if path.ends_with("/v1") => Some("/v1"),
        _ if path.ends_with("/chat/completions") => Some("/chat/completions"),
        _ if path.ends_with("/messages") => Some("/messages"),
        _ => None,
    };
    if let Some(excess) = excess {
        let message = format!("`{}` ends in {excess}, which is added to it", view.path_of(ai::BASE_URL_.name));
        let fault = Found::new(Code::BadValue, view.at_of(&ai::BASE_URL_), message);
        walk.push(fault.help(format!("write what the provider's own SDK takes, such as {}", example(kind))));
        return false;
    }
    if view.node(&ai::API_KEY).is_none() && away.is_none() {
        let path = view.path_of(ai::API_KEY.name);
        let fault =
            Found::new(Code::Missing, view.at(), format!("`{path}` is missing, and {} wants one", example(kind)));
        walk.push(fault.help(format!(
            "api_key = \"${{{}:-}}\"; a server of your own is named by base_url and may do without",
            variable(kind)
        )));
        return false;
    }
    true
}

fn demo_takes_no_account(walk: &mut Walk<'_>, view: &View) -> bool {
    let odd = [(view.node(&ai::API_KEY), ai::API_KEY.name), (view.node(&ai::BASE_URL_), ai::BASE_URL_.name)];
    let odd: Vec<_> = odd.into_iter().filter_map(|(node, name)| Some((node?.at, name))).collect();
    for (at, name) in &odd {
        let message = format!("`{}` means nothing to the demo provider", view.path_of(name));
        walk.push(Found::new(Code::Conflict, *at, message).help("take it out, or choose another kind"));
    }
    odd.is_empty()
}

fn example(kind: AiKind) -> &'static str {
    if kind == AiKind::Anthropic { ANTHROPIC } else { OPENAI }
}

fn variable(kind: AiKind) -> &'static str {
    if kind == AiKind::Anthropic { "ANTHROPIC_API_KEY" } else { "OPENAI_API_KEY" }
}

fn no_provider(walk: &mut Walk<'_>, views: &[View]) {
    let keys = views.iter().filter_map(|view| view.node(&ai::API_KEY));
    let mut names: Vec<String> = keys
        .filter_map(|node| if let Val::Text(text) = &node.value { Some(expand::variables(text)) } else { None })
        .flatten()
        .collect();
    names.dedup();
    let at = views.first().map_or(crate::config::document::At::TOP, View::at);
    let fault = Found::new(Code::NoProvider, at, "no AI provider is left: every entry's api_key comes out empty");
    let demo = "add [[ai]] with name = \"demo\" and kind = \"demo\", which needs no key";
    walk.push(fault.help(match names.as_slice() {
        [] => demo.to_owned(),
        names => format!("set {}, or {demo}", names.join(" or ")),
    }));
}
