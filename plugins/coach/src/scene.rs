//! Everything one call to `decide` was given, read once, with the questions commands ask of it.
//!
//! It decides nothing and changes nothing.

use serde::Deserialize;
use wtaf_plugin_sdk::{Context, Named, PageSummary, Person, Request, StageError, Turn, log};

use crate::{
    cast::{Cast, Coach},
    roles::Roles,
};

/// The host lists at most so many pages; beyond them a page may be there without being listed.
const LISTED_PAGES: usize = 100;

/// The stage's `config`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Who answers where nobody is named.
    default_coach: Option<String>,
    /// How long a chat stays open after the coach's last words.
    chat_minutes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { default_coach: None, chat_minutes: 15 }
    }
}

/// Where a request came from, as far as the grammar differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A text: plain words are talk.
    Sms,
    /// Web chat, a dropped file, anything newer: plain words are an idea.
    Typed,
}

/// Whether what is answered to a request of this source may be sent as a text, and so should be short and say how to stop.
pub fn is_texted(source: &str) -> bool {
    source != "web"
}

/// Who the person is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Never seen.
    Unknown,
    /// One of us.
    Active,
    /// Opted out.
    Left,
}

/// What a page reference came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found<'a> {
    /// One of the person's pages.
    Own(&'a PageSummary),
    /// Well written, and not listed: another person's, or one too old for the list.
    Elsewhere(&'a str),
    /// No such page.
    None,
}

/// One call's input.
#[derive(Debug)]
pub struct Scene<'a> {
    ctx: &'a Context,
    request: &'a Request,
    person: &'a Person,
    pages: &'a [PageSummary],
    thread: &'a [Turn],
    cast: Cast,
    roles: Roles,
    config: Config,
}

impl<'a> Scene<'a> {
    /// Reads what the host offers.
    ///
    /// # Errors
    /// `bad-input` for a broken offer of the host's, `internal` for a broken config.
    pub fn new(
        ctx: &'a Context,
        request: &'a Request,
        person: &'a Person,
        pages: &'a [PageSummary],
        thread: &'a [Turn],
    ) -> Result<Self, StageError> {
        let (config, unknown) = ctx.config_and_unknown::<Config>()?;
        for key in unknown {
            log::warn(&format!("config of this stage: unknown key `{key}` (known: default_coach, chat_minutes)"));
        }
        Ok(Self { ctx, request, person, pages, thread, cast: Cast::read(ctx)?, roles: Roles::read(ctx)?, config })
    }

    /// The text, exactly as it came.
    pub fn text(&self) -> &'a str {
        &self.request.text
    }

    /// Whether something came with it.
    pub fn has_media(&self) -> bool {
        !self.request.media.is_empty()
    }

    /// What sort of thing came with it: `image`, `video`, `audio`, `text`…; of several the first.
    pub fn media_sort(&self) -> &'a str {
        let first = self.request.media.first().map_or("", |media| media.media_type.as_str());
        first.split_once('/').map_or(first, |(sort, _)| sort)
    }

    /// What came with it, by id, for an order to carry.
    pub fn media_ids(&self) -> Option<String> {
        let ids: Vec<&str> = self.request.media.iter().map(|media| media.id.as_str()).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// Where it came from, as far as the grammar differs.
    pub fn source(&self) -> Source {
        if self.request.source == "sms" { Source::Sms } else { Source::Typed }
    }

    /// Whether the answer may be sent as a text.
    pub fn is_texted(&self) -> bool {
        is_texted(&self.request.source)
    }

    /// Who the person is to us.
    pub fn standing(&self) -> Standing {
        match self.person.standing.as_str() {
            "unknown" => Standing::Unknown,
            "left" => Standing::Left,
            _ => Standing::Active,
        }
    }

    /// The person's slug, once there is one.
    pub fn slug(&self) -> Option<&'a str> {
        self.person.slug.as_deref().filter(|slug| !slug.is_empty())
    }

    /// The address of all the person's pages.
    pub fn home_url(&self) -> Option<String> {
        Some(format!("{}/{}", self.public_url()?, self.slug()?))
    }

    fn public_url(&self) -> Option<&'a str> {
        self.ctx.extra.named("public-url").map(|url| url.trim_end_matches('/')).filter(|url| !url.is_empty())
    }

    /// The call's chance.
    pub fn seed(&self) -> u64 {
        self.ctx.seed
    }

    /// The coaches.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The person's pages, newest first.
    pub fn pages(&self) -> &'a [PageSummary] {
        self.pages
    }

    /// Whether the person may use the command of this name.
    pub fn may(&self, command: &crate::commands::Row) -> bool {
        self.roles.allow(&self.person.role, command.name, command.least)
    }

    /// The coach named outside the text: found, unknown (with the name), or not named.
    pub fn named_outside(&self) -> Result<Option<&Coach>, &'a str> {
        match self.request.extra.named("coach").map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => self.cast.find(name).map(Some).ok_or(name),
            None => Ok(None),
        }
    }

    /// The coach whose chat is open: who spoke last, if that was a short while ago.
    pub fn open_chat(&self) -> Option<&Coach> {
        let since = self.ctx.now.saturating_sub(self.config.chat_minutes.saturating_mul(60_000));
        let last = self.thread.iter().rev().find(|turn| turn.coach.is_some())?;
        if last.at < since {
            return None;
        }
        self.cast.find(last.coach.as_deref()?)
    }

    /// Who answers where nobody is named.
    pub fn default_coach(&self) -> Option<&Coach> {
        self.cast.default_coach(self.config.default_coach.as_deref())
    }

    /// The page a word refers to: its number in the list (`2`, `#2`), its slug, `user/slug`, its address, or `last`.
    pub fn page<'w>(&self, word: &'w str) -> Found<'w>
    where
        'a: 'w,
    {
        let word = word.trim_end_matches([':', ',', ';', '!', '?', '.']);
        if let Ok(number) = word.trim_start_matches('#').parse::<usize>() {
            return number.checked_sub(1).and_then(|at| self.pages.get(at)).map_or(Found::None, Found::Own);
        }
        let path = self.path_of(word);
        let (user, slug) = path.rsplit_once('/').map_or((None, path), |(user, slug)| (Some(user), slug));
        let own = user.is_none_or(|user| self.slug().is_some_and(|own| own.eq_ignore_ascii_case(user)));
        let listed = self.pages.iter().find(|page| page.slug.eq_ignore_ascii_case(slug));
        match listed.filter(|_| own) {
            Some(page) => Found::Own(page),
            None if is_newest(word) => self.pages.first().map_or(Found::None, Found::Own),
            None if is_slug(slug) && user.is_none_or(is_slug) => Found::Elsewhere(path),
            None => Found::None,
        }
    }

    /// Whether a page that is not listed may still be the person's own.
    pub fn may_have_more_pages(&self) -> bool {
        self.pages.len() >= LISTED_PAGES
    }

    fn path_of<'w>(&self, word: &'w str) -> &'w str {
        let ours = self.public_url().and_then(|url| word.strip_prefix(url));
        let path = ours.unwrap_or_else(|| match word.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => word,
        });
        path.split(['?', '#']).next().unwrap_or_default().trim_matches('/')
    }
}

/// Whether a word means the newest page.
pub fn is_newest(word: &str) -> bool {
    ["last", "latest", "newest"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn is_slug(word: &str) -> bool {
    word.len() <= 64
        && word.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_alphabetic())
        })
}
