//! The card itself: a title on the page's own ground, beside a pattern that no other page has.

use std::fmt::Write as _;

use resvg::{tiny_skia, usvg};
use sha2::{Digest, Sha256};

use super::{
    HEIGHT, WIDTH,
    colour::{self, Palette},
    fonts::{FAMILY, FONTS, Fonts},
    words::{self, LEADING, Setting, xml},
};

/// What a card says.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub title: String,
    pub kind: String,
    pub user: String,
    pub app: String,
}

/// Chance that is always the same for a page.
pub(super) struct Bits {
    seed: String,
    block: [u8; 32],
    used: usize,
    round: u32,
}

impl Bits {
    /// The page's own.
    pub fn of(user: &str, app: &str) -> Self {
        let seed = format!("{user}/{app}");
        Self { block: Sha256::digest(&seed).into(), seed, used: 0, round: 0 }
    }

    /// A number from 0 to below `most`, about evenly.
    pub fn below(&mut self, most: u32) -> u32 {
        if self.used + 2 > self.block.len() {
            self.round += 1;
            self.block = Sha256::digest(format!("{} {}", self.seed, self.round)).into();
            self.used = 0;
        }
        let pair = u32::from(u16::from_be_bytes([self.block[self.used], self.block[self.used + 1]]));
        self.used += 2;
        (pair * most) >> 16
    }
}

/// Five tiles fill the height.
const TILE: u32 = HEIGHT / 5;
const COLUMNS: u32 = 3;
const ROWS: u32 = 5;
const MARGIN: f64 = 72.0;
/// Small print, pixels.
const SMALL: f64 = 32.0;
/// The engine's name at that size, pixels.
const MARK: f64 = 74.0;

/// The card as a PNG; `None` would be a fault of ours.
pub(super) fn png(subject: &Subject) -> Option<Vec<u8>> {
    drawn(subject, &FONTS)
}

fn drawn(subject: &Subject, fonts: &Fonts) -> Option<Vec<u8>> {
    let tree = tree(subject, fonts)?;
    let mut pixels = tiny_skia::Pixmap::new(WIDTH, HEIGHT)?;
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().ok()
}

fn tree(subject: &Subject, fonts: &Fonts) -> Option<usvg::Tree> {
    let title = words::clean(&subject.title, &subject.app, fonts);
    let (width, height) = room();
    let mut setting = words::set(&title, fonts, width, height);
    let options = fonts.options();
    let tree = usvg::Tree::from_str(&svg(subject, &setting), &options).ok()?;
    // Widths were measured a character at a time; where letters join, or come from another font, what was drawn has the last word.
    let widest = widest(&tree, setting.lines.len());
    if widest <= width * 1.01 {
        return Some(tree);
    }
    setting.size *= width / widest;
    usvg::Tree::from_str(&svg(subject, &setting), &options).ok()
}

/// Where the title goes, width and height.
fn room() -> (f64, f64) {
    (f64::from(WIDTH - COLUMNS * TILE) - MARGIN - 56.0, 348.0)
}

fn widest(tree: &usvg::Tree, lines: usize) -> f64 {
    let width =
        |line| tree.node_by_id(&format!("line{line}")).map_or(0.0, |node| f64::from(node.bounding_box().width()));
    (0..lines).map(width).fold(0.0, f64::max)
}

fn svg(subject: &Subject, setting: &Setting) -> String {
    let mut bits = Bits::of(&subject.user, &subject.app);
    let palette = colour::palette(&mut bits);
    let (width, height) = (f64::from(WIDTH), f64::from(HEIGHT));
    let pattern_width = f64::from(COLUMNS * TILE);
    // What is read from the right begins at the right: then the pattern stands on the left.
    let (edge, anchor, pattern_at) =
        if setting.rtl { (width - MARGIN, "end", 0.0) } else { (MARGIN, "start", width - pattern_width) };
    let far = if setting.rtl { pattern_width + 56.0 } else { width - pattern_width - 56.0 };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"{FAMILY}\" font-weight=\"700\">\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
        palette.ground
    );
    let _ = write!(out, "<g transform=\"translate({pattern_at} 0)\">{}</g>", pattern(&palette, &mut bits));
    let kind = short(&subject.kind, 24);
    let dot = if setting.rtl { edge - 10.0 } else { edge + 10.0 };
    let after = if setting.rtl { edge - 36.0 } else { edge + 36.0 };
    let _ = write!(
        out,
        "<circle cx=\"{dot}\" cy=\"87\" r=\"10\" fill=\"{}\"/>\
         <text x=\"{after}\" y=\"98\" font-size=\"{SMALL}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
        palette.accent,
        palette.ink,
        xml(&kind)
    );
    #[allow(clippy::cast_precision_loss)] // a handful of lines
    let block = setting.size * LEADING * (setting.lines.len() as f64 - 1.0);
    // Capitals are 0.7 of the size: what is seen is centred, not the box around it.
    let first = 312.0 - block / 2.0 + setting.size * 0.35;
    for (n, line) in setting.lines.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)] // a handful of lines
        let y = first + setting.size * LEADING * n as f64;
        // Without these, Latin words in an Arabic line would stand on the wrong side.
        let (open, close) = if setting.rtl { ("\u{2067}", "\u{2069}") } else { ("", "") };
        let _ = write!(
            out,
            "<text id=\"line{n}\" x=\"{edge}\" y=\"{y:.1}\" font-size=\"{:.1}\" letter-spacing=\"{:.2}\" text-anchor=\"{anchor}\" fill=\"{}\">\
             {open}{}{close}</text>",
            setting.size,
            // Large letters stand too far apart; joined scripts must not be pulled at.
            if setting.rtl { 0.0 } else { setting.size * -0.012 },
            palette.ink,
            xml(line)
        );
    }
    // The mark ends in its dot, wherever it stands.
    let mark = if setting.rtl { far } else { far - MARK - 14.0 };
    let _ = write!(
        out,
        "<text x=\"{edge}\" y=\"556\" font-size=\"{SMALL}\" text-anchor=\"{anchor}\" fill=\"{ink}\" fill-opacity=\"0.78\">{}</text>\
         <text x=\"{mark}\" y=\"556\" font-size=\"{SMALL}\" fill=\"{ink}\">wtaf</text><circle cx=\"{}\" cy=\"551\" r=\"6\" fill=\"{accent}\"/>",
        xml(&format!("by {}", short(&subject.user, 28))),
        mark + MARK + 8.0,
        ink = palette.ink,
        accent = palette.accent,
    );
    out.push_str("</svg>");
    out
}

/// Three by five tiles, each with a shape of its own.
fn pattern(palette: &Palette, bits: &mut Bits) -> String {
    let mut out = String::new();
    let mut before = 0;
    for n in 0..COLUMNS * ROWS {
        let (x, y) = (n % COLUMNS * TILE, n / COLUMNS * TILE);
        let (field, colour) = match bits.below(8) {
            0 | 1 => (&palette.ground, &palette.middle),
            2 | 3 => (&palette.field, &palette.middle),
            4 => (&palette.field, &palette.accent),
            5 => (&palette.ground, &palette.accent),
            6 => (&palette.middle, &palette.accent),
            _ => (&palette.accent, &palette.ground),
        };
        // Never the same shape twice in a row.
        let kind = (before + 1 + bits.below(SHAPES - 1)) % SHAPES;
        before = kind;
        let turn = bits.below(4) * 90;
        let half = TILE / 2;
        let _ = write!(
            out,
            "<g transform=\"translate({x} {y}) rotate({turn} {half} {half})\"><path fill=\"{field}\" d=\"M0 0h{TILE}v{TILE}H0z\"/>{}</g>",
            shape(kind, colour, field)
        );
    }
    out
}

const SHAPES: u32 = 7;

fn shape(kind: u32, colour: &str, field: &str) -> String {
    let (t, h, q) = (TILE, TILE / 2, TILE / 4);
    match kind {
        // A quarter of a disc.
        0 => format!("<path fill=\"{colour}\" d=\"M0 0h{t}A{t} {t} 0 0 1 0 {t}z\"/>"),
        // A disc.
        1 => format!("<circle cx=\"{h}\" cy=\"{h}\" r=\"{}\" fill=\"{colour}\"/>", h - 12),
        // Half a disc.
        2 => format!("<path fill=\"{colour}\" d=\"M0 0h{t}A{h} {h} 0 0 1 0 0z\"/>"),
        // A leaf.
        3 => format!("<path fill=\"{colour}\" d=\"M0 0h{h}A{h} {h} 0 0 1 {t} {h}v{h}H{h}A{h} {h} 0 0 1 0 {h}z\"/>"),
        // A triangle.
        4 => format!("<path fill=\"{colour}\" d=\"M0 0h{t}L0 {t}z\"/>"),
        // A ring.
        5 => format!(
            "<circle cx=\"{h}\" cy=\"{h}\" r=\"{}\" fill=\"{colour}\"/><circle cx=\"{h}\" cy=\"{h}\" r=\"{}\" fill=\"{field}\"/>",
            h - 12,
            q - 6
        ),
        // Two arcs, one within the other.
        _ => format!(
            "<path fill=\"{colour}\" d=\"M0 0h{t}A{t} {t} 0 0 1 0 {t}z\"/><path fill=\"{field}\" d=\"M0 0h{h}A{h} {h} 0 0 1 0 {h}z\"/>"
        ),
    }
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        text.chars().take(most - 1).chain(['\u{2026}']).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static OWN: std::sync::LazyLock<Fonts> = std::sync::LazyLock::new(|| Fonts::with(|_| {}));

    fn subject(title: &str, app: &str) -> Subject {
        Subject { title: title.into(), kind: "game".into(), user: "brave-otter".into(), app: app.into() }
    }

    #[test]
    fn a_card_is_a_png_of_its_size() {
        let png = drawn(&subject("Snake", "red-fox"), &OWN).unwrap();
        let pixels = tiny_skia::Pixmap::decode_png(&png).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (WIDTH, HEIGHT));
        assert!(png.len() < 200_000, "{}", png.len());
    }

    #[test]
    fn no_two_pages_look_alike_and_a_page_always_like_itself() {
        let card = |title, app| svg(&subject(title, app), &words::set(title, &OWN, 600.0, 300.0));
        assert_ne!(card("Snake", "red-fox"), card("Snake", "blue-fox"));
        assert_eq!(card("Snake", "red-fox"), card("Snake", "red-fox"));
    }

    #[test]
    fn what_a_title_says_is_never_markup() {
        let odd = Subject {
            kind: "</text><image href='file:///etc/passwd'/>".into(),
            ..subject("</text><script>&lt;&#0;]]>\u{1}", "a")
        };
        let svg = svg(&odd, &words::set(&words::clean(&odd.title, "a", &OWN), &OWN, 600.0, 300.0));
        assert!(!svg.contains("<script") && !svg.contains("<image"), "{svg}");
        assert!(drawn(&odd, &OWN).is_some());
    }

    /// For eyes: `WTAF_CARDS=folder cargo test -p wtaf-host --lib card::draw -- --ignored`.
    #[test]
    #[ignore = "writes pictures for people to look at"]
    fn cards_to_look_at() {
        let folder = std::path::PathBuf::from(std::env::var("WTAF_CARDS").expect("a folder"));
        let fonts = Fonts::with(|db| {
            db.load_system_fonts();
            if let Ok(more) = std::env::var("WTAF_FONTS") {
                db.load_fonts_dir(more);
            }
        });
        for (n, title) in [
            "Snake",
            "Tic-tac-toe for two",
            "A countdown to the first day of the summer holidays in Helsinki, with a song",
            "Kesämökin siivousvuorolista",
            "数独パズル、毎日ひとつ",
            "لعبة الثعبان الصغير مع WTAF",
            "\u{1f98a}\u{1f40d}\u{2764}\u{fe0f}",
            "Žluťoučký kůň \u{1f40e} & přátelé",
            "Крестики-нолики на двоих",
            "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
        ]
        .into_iter()
        .enumerate()
        {
            let subject =
                Subject { kind: ["game", "page", "app"][n % 3].into(), ..subject(title, &format!("red-fox-{n}")) };
            std::fs::write(folder.join(format!("{n}.png")), drawn(&subject, &fonts).unwrap()).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_title_can_be_set_within_the_card(title in any::<String>(), long in 0_usize..3) {
            let title = title.repeat(1 + long * 40);
            let tree = tree(&subject(&title, "red-fox"), &OWN);
            prop_assert!(tree.is_some_and(|tree| widest(&tree, 9) <= room().0 * 1.02));
        }
    }
}
