//! A page's own colours: a ground, an ink that reads on it, and a bright one beside them, from a number that is the page's alone.

/// Colours as SVG writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Palette {
    /// What everything stands on.
    pub ground: String,
    /// The ground once more, a shade away.
    pub field: String,
    /// Words.
    pub ink: String,
    /// The bright one.
    pub accent: String,
    /// Between the ground and the bright one.
    pub middle: String,
}

/// How far around the wheel the bright one is.
const APART: [f64; 6] = [40.0, 75.0, 140.0, 180.0, 220.0, 310.0];

/// Five in eight are dark: small pictures among white bubbles are found sooner.
pub(super) fn palette(bits: &mut super::draw::Bits) -> Palette {
    let dark = bits.below(8) < 5;
    // A dark yellow is mud: dark grounds begin at green and end at red.
    let hue = f64::from(if dark { 140 + bits.below(265) } else { bits.below(360) });
    let other = hue + APART[bits.below(6) as usize];
    let tone = |light, chroma, hue| srgb(light, chroma, hue);
    if dark {
        Palette {
            ground: tone(0.27, 0.075, hue),
            field: tone(0.33, 0.095, hue),
            ink: tone(0.975, 0.012, hue),
            accent: tone(0.82, 0.155, other),
            middle: tone(0.55, 0.14, hue + (other - hue) / 4.0),
        }
    } else {
        Palette {
            ground: tone(0.945, 0.04, hue),
            field: tone(0.895, 0.065, hue),
            ink: tone(0.26, 0.07, hue),
            accent: tone(0.64, 0.2, other),
            middle: tone(0.79, 0.12, hue),
        }
    }
}

/// OKLCH as sRGB, paler where a screen has no colour so strong.
fn srgb(light: f64, chroma: f64, hue: f64) -> String {
    let mut chroma = chroma;
    let mut rgb = linear(light, chroma, hue);
    while chroma > 0.001 && rgb.iter().any(|c| !(-0.0005..=1.0005).contains(c)) {
        chroma *= 0.97;
        rgb = linear(light, chroma, hue);
    }
    let [r, g, b] = rgb.map(|c| {
        let c = c.clamp(0.0, 1.0);
        let encoded = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 255 by the clamp above
        let byte = (encoded * 255.0).round() as u8;
        byte
    });
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// By Björn Ottosson's matrices.
#[allow(clippy::many_single_char_names)] // they are these colour spaces' own names
fn linear(light: f64, chroma: f64, hue: f64) -> [f64; 3] {
    let (sin, cos) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (light + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (light - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (light - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::{super::draw::Bits, *};

    /// Relative luminance, as WCAG has it.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[test]
    fn words_read_on_every_ground() {
        for n in 0..2_000 {
            let palette = palette(&mut Bits::of("user", &n.to_string()));
            let (a, b) = (luminance(&palette.ink), luminance(&palette.ground));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast > 9.0, "{contrast} {palette:?}");
        }
    }

    #[test]
    fn white_and_black_are_what_they_are() {
        assert_eq!((srgb(1.0, 0.0, 0.0).as_str(), srgb(0.0, 0.0, 0.0).as_str()), ("#ffffff", "#000000"));
    }
}
