//! The fonts that cards are set in: one of our own, which has Latin, Cyrillic, Hebrew and Arabic, and the machine's for what that one lacks.
//!
//! Cards never depend on the machine having any: what no font has is left out before anything is set.

use std::sync::{Arc, LazyLock};

use resvg::usvg::{self, fontdb};
use skrifa::{
    FontRef, MetadataProvider,
    instance::{LocationRef, Size},
};

/// Rubik Bold, under the SIL Open Font License (`fonts/OFL.txt`).
const OWN: &[u8] = include_bytes!("fonts/Rubik-Bold.ttf");
/// Its name.
pub(super) const FAMILY: &str = "Rubik";

/// Read once: a machine may have thousands.
pub(super) static FONTS: LazyLock<Fonts> = LazyLock::new(|| Fonts::with(fontdb::Database::load_system_fonts));

pub(super) struct Fonts {
    db: Arc<fontdb::Database>,
    own: fontdb::ID,
    letters: Option<FontRef<'static>>,
    /// The others, the likest first.
    others: Arc<[fontdb::ID]>,
    /// A bit a character.
    drawable: Vec<u64>,
}

impl Fonts {
    /// Our own, and what `load` adds.
    pub fn with(load: impl FnOnce(&mut fontdb::Database)) -> Self {
        let mut db = fontdb::Database::new();
        let own = db.load_font_source(fontdb::Source::Binary(Arc::new(OWN))).first().copied().unwrap_or_default();
        load(&mut db);
        let mut faces: Vec<_> = db.faces().filter(|face| face.id != own && is_lettering(face)).collect();
        faces.sort_by_key(|face| {
            let odd = face.style != fontdb::Style::Normal || face.stretch != fontdb::Stretch::Normal || face.monospaced;
            (odd, face.weight.0.abs_diff(fontdb::Weight::BOLD.0), face.post_script_name.clone())
        });
        let others: Arc<[fontdb::ID]> = faces.into_iter().map(|face| face.id).collect();
        let mut drawable = vec![0; 0x11_0000 / 64];
        for id in std::iter::once(own).chain(others.iter().copied()) {
            db.with_face_data(id, |data, index| note(&mut drawable, data, index));
        }
        Self { db: Arc::new(db), own, letters: FontRef::new(OWN).ok(), others, drawable }
    }

    /// Whether any font has this character.
    pub fn has(&self, c: char) -> bool {
        let code = c as usize;
        self.drawable.get(code / 64).is_some_and(|bits| (bits >> (code % 64)) & 1 == 1)
    }

    /// How wide a word is about, in ems; what only another font has is guessed.
    pub fn width(&self, word: &str) -> f64 {
        let Some(font) = &self.letters else { return word.chars().map(guess).sum() };
        let (charmap, metrics) = (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
        let one = |c| charmap.map(c).and_then(|glyph| metrics.advance_width(glyph)).map_or_else(|| guess(c), f64::from);
        word.chars().map(one).sum()
    }

    /// What resvg needs to set words in these.
    pub fn options(&self) -> usvg::Options<'static> {
        let (own, others) = (self.own, Arc::clone(&self.others));
        usvg::Options {
            fontdb: Arc::clone(&self.db),
            font_family: FAMILY.to_owned(),
            font_resolver: usvg::FontResolver {
                select_font: Box::new(move |_, _| Some(own)),
                select_fallback: Box::new(move |c, tried, db| {
                    let has = |id: &fontdb::ID| {
                        let map = |data: &[u8], index| FontRef::from_index(data, index).ok()?.charmap().map(c);
                        db.with_face_data(*id, map).flatten().is_some()
                    };
                    others.iter().find(|id| !tried.contains(id) && has(id)).copied()
                }),
            },
            ..usvg::Options::default()
        }
    }
}

fn note(drawable: &mut [u64], data: &[u8], index: u32) {
    let Ok(font) = FontRef::from_index(data, index) else { return };
    for (code, _) in font.charmap().mappings() {
        if let Some(bits) = drawable.get_mut(code as usize / 64) {
            *bits |= 1 << (code % 64);
        }
    }
}

/// Not pictures, and not the font that has a box for everything.
fn is_lettering(face: &fontdb::FaceInfo) -> bool {
    face.families.iter().all(|(name, _)| {
        let name = name.to_lowercase();
        !["emoji", "lastresort", "last resort", "symbol", "wingdings", "icons"].iter().any(|odd| name.contains(odd))
    })
}

/// East Asian characters fill the square.
fn guess(c: char) -> f64 {
    if super::words::is_square(c) { 1.0 } else { 0.62 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_font_has_the_scripts_it_is_there_for() {
        let own = Fonts::with(|_| {});
        for c in "Ää ßçñ Žluťoučký Ελ Жук שלום مرحبا 123 & \u{2026}\u{2019}".chars().filter(|c| !"Ελ".contains(*c))
        {
            assert!(own.has(c), "{c}");
        }
        assert!(!own.has('日') && !own.has('\u{1f98a}'));
        assert!(own.width("WWW") > own.width("iii") && own.width("日本") > 1.9);
    }
}
