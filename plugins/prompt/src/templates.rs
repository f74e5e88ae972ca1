//! The texts calls are made of: readable files, each replaceable by config under its own name.

use std::collections::BTreeMap;

use wtaf_plugin_sdk::StageError;

/// One text. The names below are those of the files and of the keys under `templates` in the stage's config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Rules for every page.
    Base,
    /// Something to read or look at; also for a kind nobody knows.
    Page,
    /// Something to play.
    Game,
    /// Something to use.
    App,
    /// Something that collects entries.
    DataApp,
    /// A picture with a caption.
    Meme,
    /// Something to hear.
    Music,
    /// A coach on a person.
    Testimonial,
    /// A page changed.
    Edit,
    /// A page made anew.
    Remix,
    /// The host's storage, whole.
    Records,
    /// The host's storage, for pages that may need it.
    RecordsShort,
    /// The host's storage, for a game's board.
    Scores,
    /// What a host without storage does not do.
    NoRecords,
    /// The call that writes a brief.
    Brief,
    /// Talk.
    Chat,
    /// Before a coach's voice, on a page.
    VoicePage,
    /// Before a coach's voice, in talk.
    VoiceChat,
}

use Template::{
    App, Base, Brief, Chat, DataApp, Edit, Game, Meme, Music, NoRecords, Page, Records, RecordsShort, Remix, Scores,
    Testimonial, VoiceChat, VoicePage,
};

const BUILT_IN: &[(Template, &str, &str)] = &[
    (Base, "base", include_str!("templates/base.md")),
    (Page, "page", include_str!("templates/page.md")),
    (Game, "game", include_str!("templates/game.md")),
    (App, "app", include_str!("templates/app.md")),
    (DataApp, "data-app", include_str!("templates/data-app.md")),
    (Meme, "meme", include_str!("templates/meme.md")),
    (Music, "music", include_str!("templates/music.md")),
    (Testimonial, "testimonial", include_str!("templates/testimonial.md")),
    (Edit, "edit", include_str!("templates/edit.md")),
    (Remix, "remix", include_str!("templates/remix.md")),
    (Records, "records", include_str!("templates/records.md")),
    (RecordsShort, "records-short", include_str!("templates/records-short.md")),
    (Scores, "scores", include_str!("templates/scores.md")),
    (NoRecords, "no-records", include_str!("templates/no-records.md")),
    (Brief, "brief", include_str!("templates/brief.md")),
    (Chat, "chat", include_str!("templates/chat.md")),
    (VoicePage, "voice-page", include_str!("templates/voice-page.md")),
    (VoiceChat, "voice-chat", include_str!("templates/voice-chat.md")),
];

impl Template {
    /// The template for an order's kind; a kind nobody knows is a page.
    pub fn of_kind(kind: &str) -> Self {
        match kind {
            "game" => Game,
            "app" => App,
            "data-app" => DataApp,
            "meme" => Meme,
            "music" => Music,
            "testimonial" => Testimonial,
            "edit" => Edit,
            "remix" => Remix,
            "chat" => Chat,
            _ => Page,
        }
    }

    /// What a page of this kind is told of the host's storage, where there is one.
    pub fn of_records(self) -> Option<Self> {
        match self {
            DataApp => Some(Records),
            Game => Some(Scores),
            Page | App | Edit | Remix => Some(RecordsShort),
            _ => None,
        }
    }

    /// The template of this name; `_` may stand for `-`, which a bare TOML key takes as well.
    fn named(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        BUILT_IN.iter().find(|(_, known, _)| *known == name).map(|(template, ..)| *template)
    }

    fn built_in(self) -> &'static str {
        BUILT_IN.iter().find(|(template, ..)| *template == self).map_or("", |(.., text)| text)
    }
}

/// The operator's texts, over the built-in ones; of two for the same template the last.
#[derive(Debug, Default)]
pub struct Templates(Vec<(Template, String)>);

impl Templates {
    /// Puts the operator's texts over the built-in ones.
    ///
    /// # Errors
    /// `internal` where a text has a name that no template has: it would never be used.
    pub fn new(replaced: BTreeMap<String, String>) -> Result<Self, StageError> {
        let mut texts = Vec::with_capacity(replaced.len());
        for (name, text) in replaced {
            match Template::named(&name) {
                Some(template) => texts.push((template, text)),
                None => return Err(unknown(&name)),
            }
        }
        Ok(Self(texts))
    }

    /// The text of a template.
    pub fn text(&self, template: Template) -> &str {
        let own = self.0.iter().rev().find(|(known, _)| *known == template);
        own.map_or(template.built_in(), |(_, text)| text.as_str()).trim()
    }
}

fn unknown(name: &str) -> StageError {
    let known: Vec<&str> = BUILT_IN.iter().map(|(_, name, _)| *name).collect();
    StageError::Internal(format!("config of this stage: no template `{name}`; there are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wtaf_plugin_sdk::StageError;

    use super::{BUILT_IN, Template, Templates};

    #[test]
    fn every_template_has_words() {
        let templates = Templates::default();
        assert!(BUILT_IN.iter().all(|(template, ..)| templates.text(*template).len() > 40));
    }

    #[test]
    fn an_unknown_kind_is_a_page() {
        assert_eq!(Template::of_kind("hologram"), Template::Page);
    }

    #[test]
    fn a_replaced_template_is_used_and_a_misspelt_one_is_an_error() {
        let replace = |name: &str| Templates::new(BTreeMap::from([(name.to_owned(), "mine".to_owned())]));
        assert_eq!(replace("game").expect("templates").text(Template::Game), "mine");
        assert_eq!(replace("data_app").expect("templates").text(Template::DataApp), "mine");
        assert!(
            matches!(replace("gamme"), Err(StageError::Internal(why)) if why.contains("gamme") && why.contains("game"))
        );
    }
}
