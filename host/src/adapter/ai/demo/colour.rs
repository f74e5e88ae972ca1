//! Colours that people name, and the few lines of CSS by which a page takes one on.
//!
//! Every page reads `--accent` (legible on its paper, in light and in dark) and `--on` (legible on the accent). Each
//! named colour is a pair chosen so that both hold at WCAG AA; a colour's own hue decides the papers' tint.

use super::words::Words;

/// A colour as it is worn in light and in dark, with a paper of its hue for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour {
    pub(super) name: &'static str,
    light: &'static str,
    dark: &'static str,
    light_paper: &'static str,
    dark_paper: &'static str,
}

const fn colour(
    name: &'static str,
    light: &'static str,
    dark: &'static str,
    light_paper: &'static str,
    dark_paper: &'static str,
) -> Colour {
    Colour { name, light, dark, light_paper, dark_paper }
}

const COLOURS: &[Colour] = &[
    colour("red", "#b3161f", "#ff8f8a", "#fdeceb", "#250f10"),
    colour("orange", "#9e4400", "#ffab66", "#fff0e2", "#251507"),
    colour("yellow", "#735400", "#ffd84d", "#fff8d6", "#221c05"),
    colour("green", "#17662f", "#7fdc95", "#e8f6ea", "#0c1f12"),
    colour("teal", "#0b6262", "#67d9d3", "#e2f4f3", "#072020"),
    colour("blue", "#1b4fb0", "#8fb8ff", "#e7effd", "#0b1730"),
    colour("purple", "#6527ab", "#c9a1ff", "#f3eafd", "#1c1030"),
    colour("pink", "#ab1a66", "#ff9ccb", "#fdeaf3", "#2a0f1d"),
    colour("brown", "#6b431f", "#dcb48a", "#f6ece1", "#21160c"),
    colour("grey", "#4b5159", "#c3c9d1", "#eef0f2", "#17191c"),
    colour("black", "#16181b", "#eceef0", "#f2f2f2", "#0b0c0d"),
    colour("gold", "#6f5200", "#ecc75f", "#fbf4df", "#211a08"),
];

/// Other words for them.
const ALIASES: &[(&str, &str)] = &[
    ("crimson", "red"),
    ("scarlet", "red"),
    ("ruby", "red"),
    ("coral", "orange"),
    ("peach", "orange"),
    ("amber", "yellow"),
    ("lemon", "yellow"),
    ("lime", "green"),
    ("mint", "green"),
    ("emerald", "green"),
    ("olive", "green"),
    ("sage", "green"),
    ("forest", "green"),
    ("turquoise", "teal"),
    ("cyan", "teal"),
    ("aqua", "teal"),
    ("navy", "blue"),
    ("indigo", "blue"),
    ("violet", "purple"),
    ("lilac", "purple"),
    ("lavender", "purple"),
    ("magenta", "pink"),
    ("rose", "pink"),
    ("gray", "grey"),
    ("silver", "grey"),
    ("golden", "gold"),
];

/// Words that name a colour but mostly mean something else: only taken in an edit, where nothing else is talked about.
const DOUBTFUL: &[&str] =
    &["coral", "peach", "lemon", "lime", "mint", "olive", "sage", "forest", "rose", "silver", "gold", "ruby", "amber"];

fn by_name(word: &str) -> Option<&'static Colour> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word, |(_, name)| *name);
    COLOURS.iter().find(|colour| colour.name == name)
}

/// The first colour named in a request for a new page.
pub(super) fn in_request(words: &Words) -> Option<&'static Colour> {
    words.iter().filter(|word| !DOUBTFUL.contains(word)).find_map(by_name)
}

/// The first colour named in an edit.
pub(super) fn in_edit(words: &Words) -> Option<&'static Colour> {
    words.iter().find_map(by_name)
}

/// Is this word a colour, and surely so?
pub(super) fn is_colour(word: &str) -> bool {
    by_name(word).is_some() && !DOUBTFUL.contains(&word)
}

/// What can be laid over a page's own style: one line each, later lines taking the place of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wear {
    Accent(&'static Colour),
    Paper(&'static Colour),
    Dark,
    Light,
    /// Text size in percent of the usual.
    Size(u32),
}

impl Wear {
    fn tag(self) -> &'static str {
        match self {
            Self::Accent(_) => "accent",
            Self::Paper(_) => "paper",
            Self::Dark | Self::Light => "scheme",
            Self::Size(_) => "size",
        }
    }

    fn css(self) -> String {
        match self {
            Self::Accent(c) => format!("--accent:light-dark({},{});--on:light-dark(#fff,#14100c)", c.light, c.dark),
            Self::Paper(c) => format!("--paper:light-dark({},{})", c.light_paper, c.dark_paper),
            Self::Dark => "color-scheme:dark".to_owned(),
            Self::Light => "color-scheme:light".to_owned(),
            Self::Size(percent) => format!("font-size:{percent}%"),
        }
    }
}

/// A theme's lines with one put on; what it replaces goes.
pub(super) fn put_on(theme: &str, wear: Wear) -> String {
    let tag = format!("/*{}*/", wear.tag());
    let mut lines: Vec<String> = theme.lines().filter(|line| !line.starts_with(&tag)).map(str::to_owned).collect();
    lines.push(format!("{tag}:root{{{}}}", wear.css()));
    lines.retain(|line| !line.trim().is_empty());
    lines.join("\n")
}

/// The text size a theme has now, in percent.
pub(super) fn size(theme: &str) -> u32 {
    theme
        .lines()
        .find_map(|line| line.strip_prefix("/*size*/:root{font-size:")?.strip_suffix("%}")?.parse().ok())
        .unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG relative luminance of `#rrggbb` or `#rgb`.
    fn luminance(hex: &str) -> f64 {
        let hex = hex.trim_start_matches('#');
        let wide: String = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        [(0, 0.2126), (2, 0.7152), (4, 0.0722)]
            .iter()
            .map(|(at, weight)| {
                let part = f64::from(u8::from_str_radix(&wide[*at..at + 2], 16).unwrap()) / 255.0;
                weight * if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            })
            .sum()
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_colour_is_legible_on_paper_and_under_its_own_text() {
        for c in COLOURS {
            for (one, other) in
                [(c.light, "#ffffff"), (c.light, c.light_paper), (c.dark, "#14100c"), (c.dark, c.dark_paper)]
            {
                assert!(contrast(one, other) >= 4.5, "{}: {one} on {other} is {:.2}", c.name, contrast(one, other));
            }
        }
    }

    #[test]
    fn every_alias_names_a_colour() {
        assert!(ALIASES.iter().all(|(alias, _)| by_name(alias).is_some()));
    }

    #[test]
    fn a_new_accent_takes_the_place_of_the_old() {
        let theme = put_on(&put_on("", Wear::Accent(&COLOURS[0])), Wear::Dark);

        let theme = put_on(&theme, Wear::Accent(&COLOURS[5]));

        assert_eq!(theme.matches("--accent").count(), 1);
        assert!(theme.contains("#1b4fb0") && theme.contains("color-scheme:dark"));
        assert_eq!(size(&put_on(&theme, Wear::Size(118))), 118);
    }
}
