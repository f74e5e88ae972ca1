//! Faults as people and scripts read them.
//!
//! Each begins `FILE:LINE:COLUMN: message`, as editors and terminals make clickable; below it the line, a caret and the help. Colour is the
//! caller's choice. Control characters of a source never reach the terminal.

use std::fmt::Write;

use super::fault::{Fault, Faults, Spot};

/// Characters of a source line that are shown.
const WIDTH: usize = 120;

impl Faults {
    /// For people; with colour where the caller found a terminal.
    pub fn render(&self, color: bool) -> String {
        let paint = Paint { color };
        self.iter().map(|fault| paint.fault(fault)).collect::<Vec<_>>().join("\n")
    }

    /// For scripts: `[{file, line, column, code, message, help}]`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

struct Paint {
    color: bool,
}

impl Paint {
    fn fault(&self, fault: &Fault) -> String {
        let spot = fault.spot();
        let place = self.with("1", &format!("{}:{}:{}:", spot.file(), spot.line(), spot.column()));
        let mut out = format!("{place} {}\n", fault.message());
        self.snippet(&mut out, spot, "^", "1;31");
        for also in fault.also() {
            let elsewhere = also.file() != spot.file();
            if elsewhere {
                let _ = writeln!(out, "  --> {}", also.file());
            }
            self.snippet(&mut out, also, "-", "1;34");
        }
        if let Some(help) = fault.help() {
            let _ = writeln!(out, "  {} {help}", self.with("1;36", "help:"));
        }
        out
    }

    /// The line with the place marked; nothing where the fault is of the whole file, or the source has no text to show.
    fn snippet(&self, out: &mut String, spot: &Spot, mark: &str, style: &str) {
        let (before, meant, after) = spot.pieces();
        let nowhere = before.is_empty() && meant.is_empty() && (after.is_empty() || spot.line() == 1);
        if nowhere {
            return;
        }
        let (before, meant, after) = (printable(before), printable(meant), printable(after));
        let before = last_of(&before, WIDTH / 2);
        let meant = first_of(&meant, WIDTH / 2);
        let after = first_of(&after, WIDTH / 4);
        let number = spot.line().to_string();
        let gutter = " ".repeat(number.len());
        let marks = mark.repeat(meant.chars().count().max(1));
        let label = spot.label().map(|label| format!(" {label}")).unwrap_or_default();
        let pad = " ".repeat(before.chars().count());
        let bar = self.with("34", "|");
        let _ = writeln!(out, "  {} {bar} {before}{meant}{after}", self.with("34", &number));
        let _ = writeln!(out, "  {gutter} {bar} {pad}{}", self.with(style, &format!("{marks}{label}")));
    }

    fn with(&self, style: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Tabs as spaces, control characters as a mark.
fn printable(text: &str) -> String {
    let shown = |c: char| if c == '\t' { ' ' } else { char::REPLACEMENT_CHARACTER };
    text.chars().map(|c| if c.is_control() { shown(c) } else { c }).collect()
}

fn first_of(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn last_of(text: &str, width: usize) -> String {
    match text.char_indices().rev().nth(width) {
        Some((start, c)) => format!("…{}", &text[start + c.len_utf8()..]),
        None => text.to_owned(),
    }
}
