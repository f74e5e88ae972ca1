//! The same input for all.

/// What passes: 1 KiB.
pub fn passing() -> String {
    "what passes ".repeat(86)[..1 << 10].to_owned()
}

/// A page in a fence, of about so many bytes, with the mixture of markup, style and script that pages have.
pub fn answer(bytes: usize) -> String {
    let mut body = String::new();
    let mut row = 0;
    while body.len() < bytes {
        row += 1;
        body.push_str("<div class=\"row\"><label for=\"a\">Part</label> <input id=\"a\" type=\"number\"> <b>of the &amp; bill</b></div>\n");
        if row % 20 == 0 {
            body.push_str("<script>document.querySelectorAll('.row').forEach((row, n) => { if (n < 3) row.hidden = false; });</script>\n");
        }
    }
    format!(
        "Here it is.\n\n```html\n<!doctype html>\n<html lang=\"en\"><head><title>Tip</title></head><body>\n{body}</body></html>\n```\nEnjoy.\n"
    )
}

/// A long answer of an AI.
pub const LONG: usize = 100 << 10;

/// A usual one.
pub const USUAL: usize = 12 << 10;
