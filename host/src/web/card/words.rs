//! A title made fit to be set: cleaned of what cannot be drawn, broken into lines, as large as it goes.

use super::fonts::Fonts;

/// Characters of a title that are looked at: more could not be read on a card.
const LONGEST: usize = 400;

/// A title as it will be set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// One line each.
    pub lines: Vec<String>,
    /// Of the letters, pixels.
    pub size: f64,
    /// Read from right to left.
    pub rtl: bool,
}

/// From a line to the next, in sizes.
pub(super) const LEADING: f64 = 1.12;

/// Letters' sizes, the largest first.
const SIZES: [f64; 11] = [168.0, 144.0, 124.0, 108.0, 94.0, 82.0, 72.0, 62.0, 54.0, 47.0, 41.0];
/// Below this a word had better be broken than everything be smaller.
const COMFORT: f64 = 62.0;

/// The words at the largest size at which they fit the box; at the smallest what is over is cut.
pub(super) fn set(words: &str, fonts: &Fonts, width: f64, height: f64) -> Setting {
    let rtl = is_rtl(words);
    let fits = |pieces: &[Piece], size: f64| {
        let wide = width / size;
        let fits = pieces.iter().all(|piece| piece.width <= wide);
        let lines = if fits { balanced(pieces, wide, room(height, size)) } else { None };
        lines.map(|lines| Setting { lines, size, rtl })
    };
    let comfortable = || SIZES.into_iter().filter(|size| *size >= COMFORT);
    let (whole, parts) = (pieces(words, fonts, false), pieces(words, fonts, true));
    let found = comfortable()
        .find_map(|size| fits(&whole, size))
        .or_else(|| comfortable().find_map(|size| fits(&parts, size)))
        .or_else(|| {
            SIZES
                .into_iter()
                .skip_while(|s| *s > COMFORT)
                .find_map(|size| fits(&split(&parts, fonts, width / size), size))
        });
    if let Some(setting) = found {
        return setting;
    }
    let size = SIZES[SIZES.len() - 1];
    let (wide, most) = (width / size, room(height, size));
    let mut lines = broken(&split(&parts, fonts, wide), wide);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && fonts.width(last) > wide - fonts.width("\u{2026}") {
                last.pop();
            }
            let kept = last.trim_end().trim_end_matches([',', '.', ':', ';', '-']).len();
            last.truncate(kept);
            last.push('\u{2026}');
        }
    }
    Setting { lines, size, rtl }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a handful of lines
fn room(height: f64, size: f64) -> usize {
    (((height - size) / (size * LEADING)).floor() + 1.0).max(1.0) as usize
}

/// What a line is not broken within.
#[derive(Debug, Clone)]
struct Piece {
    text: String,
    width: f64,
    /// A space stands before it, unless it begins a line.
    spaced: bool,
}

/// With `parts`, words may be broken after their hyphens.
fn pieces(words: &str, fonts: &Fonts, parts: bool) -> Vec<Piece> {
    let mut out = Vec::new();
    for word in words.split_whitespace() {
        let mut spaced = true;
        let mut text = String::new();
        for c in word.chars() {
            let square = is_square(c) || text.chars().last().is_some_and(is_square);
            // Closing marks stay with what they close.
            if square && !text.is_empty() && !CLOSING.contains(c) {
                push(&mut out, &mut text, &mut spaced, fonts);
            }
            text.push(c);
            if parts && matches!(c, '-' | '/' | '\u{2013}' | '\u{2014}') && text.chars().count() > 2 {
                push(&mut out, &mut text, &mut spaced, fonts);
            }
        }
        push(&mut out, &mut text, &mut spaced, fonts);
    }
    out
}

fn push(out: &mut Vec<Piece>, text: &mut String, spaced: &mut bool, fonts: &Fonts) {
    if !text.is_empty() {
        out.push(Piece { width: fonts.width(text), text: std::mem::take(text), spaced: std::mem::take(spaced) });
    }
}

/// Pieces wider than a line, cut into such as are not; a hyphen says where.
fn split(pieces: &[Piece], fonts: &Fonts, wide: f64) -> Vec<Piece> {
    let hyphen = fonts.width("-");
    let mut out = Vec::new();
    for piece in pieces {
        if piece.width <= wide {
            out.push(piece.clone());
            continue;
        }
        // About as long as each other: the last is no crumb.
        let share = piece.width / (piece.width / (wide - hyphen).max(1.0)).ceil() + 0.5;
        let (mut text, mut width, mut spaced) = (String::new(), 0.0, piece.spaced);
        for c in piece.text.chars() {
            let one = fonts.width(c.encode_utf8(&mut [0; 4]));
            if width + one > (wide - hyphen).min(share) && !text.is_empty() {
                if text.chars().last().is_some_and(char::is_alphabetic) && c.is_alphabetic() {
                    text.push('-');
                }
                out.push(Piece { width: fonts.width(&text), text: std::mem::take(&mut text), spaced });
                (width, spaced) = (0.0, false);
            }
            text.push(c);
            width += one;
        }
        out.push(Piece { text, width, spaced });
    }
    out
}

const SPACE: f64 = 0.25;

/// Lines filled one after the other.
fn broken(pieces: &[Piece], wide: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = f64::INFINITY;
    for piece in pieces {
        let space = if piece.spaced { SPACE } else { 0.0 };
        match lines.last_mut() {
            Some(line) if used + space + piece.width <= wide => {
                if piece.spaced {
                    line.push(' ');
                }
                line.push_str(&piece.text);
                used += space + piece.width;
            }
            _ => {
                lines.push(piece.text.clone());
                used = piece.width;
            }
        }
    }
    lines
}

/// The fewest lines, all about as long as each other; `None` where there are more than `most`.
fn balanced(pieces: &[Piece], wide: f64, most: usize) -> Option<Vec<String>> {
    let lines = broken(pieces, wide);
    if lines.len() > most {
        return None;
    }
    let (mut too_narrow, mut enough) = (pieces.iter().map(|piece| piece.width).fold(0.0, f64::max), wide);
    for _ in 0..8 {
        let middle = f64::midpoint(too_narrow, enough);
        if broken(pieces, middle).len() <= lines.len() { enough = middle } else { too_narrow = middle }
    }
    let even = broken(pieces, enough);
    Some(if even.len() == lines.len() { even } else { lines })
}

/// The title's words as they can be drawn; the page's own slug where none of them can.
pub(super) fn clean(title: &str, slug: &str, fonts: &Fonts) -> String {
    let words = drawn(title, fonts);
    if words.chars().any(char::is_alphanumeric) { words } else { drawn(&slug.replace(['-', '_'], " "), fonts) }
}

fn drawn(text: &str, fonts: &Fonts) -> String {
    let mut out = String::new();
    let mut marks = 0;
    for c in text.chars().take(LONGEST) {
        if c.is_whitespace() || c.is_control() {
            out.push(' ');
            continue;
        }
        // Some scripts tell letters apart by a joiner; elsewhere it joins pictures.
        let joins =
            c == '\u{200c}' && out.chars().last().is_some_and(|before| before.is_alphabetic() && !before.is_ascii());
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if (is_picture(c) && !joins) || !fonts.has(c) || marks > 2 {
            continue;
        }
        out.push(c);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As XML has text: nothing in it is markup, nothing in it is forbidden.
pub(in crate::web) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Fills the square, and is broken between any two.
pub(super) fn is_square(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0x33ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xa000..=0xa4cf
        | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x2_0000..=0x3_fffd)
}

const CLOSING: &str = "、。，．・：；？！ー」』）】〉》〕］｝゛゜っゃゅょッャュョぁぃぅぇぉァィゥェォ,.!?:;)]}";

fn is_rtl(text: &str) -> bool {
    let strong = text.chars().find(|c| c.is_alphabetic());
    strong.is_some_and(|c| matches!(c as u32, 0x0590..=0x08ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x1_0800..=0x1_0fff | 0x1_e800..=0x1_efff))
}

fn is_mark(c: char) -> bool {
    matches!(c as u32, 0x0300..=0x036f | 0x0483..=0x0489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// Emoji and what holds them together, direction marks, and what has no meaning outside one machine.
fn is_picture(c: char) -> bool {
    matches!(c as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x20e3 | 0x231a..=0x231b | 0x23e9..=0x23fa | 0x25aa..=0x25ab
        | 0x25b6 | 0x25c0 | 0x25fb..=0x25fe | 0x2600..=0x2604 | 0x2607..=0x265f | 0x2668..=0x2712 | 0x2714..=0x27bf | 0x2b05..=0x2b07
        | 0x2b1b..=0x2b1c | 0x2b50 | 0x2b55 | 0x3030 | 0x303d | 0x3297 | 0x3299 | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff
        | 0xfff0..=0xffff | 0x1_f000..=0x1_faff | 0xe_0000..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static OWN: std::sync::LazyLock<Fonts> = std::sync::LazyLock::new(|| Fonts::with(|_| {}));

    const BOX: (f64, f64) = (690.0, 340.0);

    fn setting(title: &str) -> Setting {
        set(&clean(title, "red-fox", &OWN), &OWN, BOX.0, BOX.1)
    }

    #[test]
    fn a_short_title_is_large_and_a_long_one_small() {
        let (short, long) =
            (setting("Snake"), setting("A countdown to the first day of the summer holidays in Finland"));
        assert_eq!((short.lines.len(), short.size), (1, SIZES[0]));
        assert!(long.lines.len() > 2 && long.size < short.size, "{long:?}");
    }

    #[test]
    fn a_word_is_broken_only_where_everything_else_would_be_tiny() {
        assert!(setting("Tic-tac-toe for two").lines.iter().any(|line| line == "Tic-tac-toe"));
        let compound = setting("Donaudampfschifffahrtsgesellschaftskapit\u{e4}nsm\u{fc}tze");
        assert!(compound.size >= 54.0 && compound.lines[0].ends_with('-'), "{compound:?}");
    }

    #[test]
    fn lines_are_about_as_long_as_each_other() {
        let lines = setting("Guess the capital of the country").lines;
        assert!(lines.iter().all(|line| line.contains(' ') || line.len() > 4), "{lines:?}");
    }

    #[test]
    fn what_is_too_long_is_cut_and_seen_to_be() {
        let words = setting(&"endless words ".repeat(700));
        assert!(words.lines.last().unwrap().ends_with('\u{2026}'), "{words:?}");
        let word = setting(&"x".repeat(10_000));
        assert!(
            word.lines.last().unwrap().ends_with('\u{2026}') && word.lines.len() > 2 && word.size < 62.0,
            "{word:?}"
        );
    }

    #[test]
    fn emoji_are_left_out_and_a_title_of_nothing_else_is_the_slug() {
        assert_eq!(
            clean("\u{1f40d} Snake \u{2764}\u{fe0f} train \u{1f468}\u{200d}\u{1f469}", "red-fox", &OWN),
            "Snake train"
        );
        assert_eq!(clean("\u{1f98a}\u{1f98a}", "red-fox", &OWN), "red fox");
        assert_eq!(clean("日本", "red-fox", &OWN), "red fox", "where no font has it");
        assert_eq!(
            clean("1\u{fe0f}\u{20e3} a\u{0}\u{7}b\u{202e}c\u{301}\u{301}\u{301}\u{301}", "x", &OWN).chars().count(),
            8
        );
    }

    #[test]
    fn a_title_is_read_from_the_side_its_first_letter_says() {
        assert!(setting("لعبة الثعبان").rtl && setting("1. שלום world").rtl && !setting("Snake لعبة").rtl);
    }

    #[test]
    fn square_scripts_break_between_letters_but_not_before_a_closing_mark() {
        let japanese = Fonts::with(|_| {});
        let texts: Vec<_> = pieces("遊ぼう、よ!", &japanese, false).into_iter().map(|piece| piece.text).collect();
        assert_eq!(texts, ["遊", "ぼ", "う、", "よ!"]);
    }

    proptest! {
        #[test]
        fn any_title_fits_the_box(title in "\\PC{0,200}|[\\x00-\\x20a-zA-Zא-ת😀日\u{300}-]{0,400}") {
            let set = setting(&title);
            prop_assert!(!set.lines.is_empty() && set.lines.len() <= room(BOX.1, set.size));
            for line in &set.lines {
                prop_assert!(OWN.width(line) * set.size <= BOX.0 * 1.02, "{line:?} at {}", set.size);
            }
        }
    }
}
