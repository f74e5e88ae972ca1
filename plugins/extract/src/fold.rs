//! Makes one document of what an answer gave in parts: style sheets and scripts folded in, a fragment wrapped, missing ends added.
//!
//! A whole document is not touched but where it must be: a doctype in front (without one browsers lay pages out as in 1999), an `<html>` tag,
//! the ends it lacks. Separate blocks of CSS or JS are folded into a document that asks for a file of that kind, or has none of its own; else they
//! are excerpts of what it holds already, and left out.

use std::borrow::Cow;

use crate::{
    document::{self, Outline, Reference},
    text::{self, Meter},
};

/// How a document begins that is made here; a title follows.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";

/// Blocks of code that stand beside a page.
#[derive(Debug, Default)]
pub struct Beside<'a> {
    pub css: Vec<&'a str>,
    pub js: Vec<&'a str>,
}

impl Beside<'_> {
    fn style(&self) -> Option<String> {
        let css = joined(&self.css)?;
        Some(format!("<style>\n{}\n</style>\n", harmless(&css, "style")))
    }

    fn script(&self, module: bool) -> Option<String> {
        let js = joined(&self.js)?;
        let kind = if module { " type=\"module\"" } else { "" };
        Some(format!("<script{kind}>\n{}\n</script>\n", harmless(&js, "script")))
    }
}

fn joined(blocks: &[&str]) -> Option<String> {
    let blocks: Vec<&str> = blocks.iter().map(|block| block.trim()).filter(|block| !block.is_empty()).collect();
    (!blocks.is_empty()).then(|| blocks.join("\n"))
}

/// Code that holds its own element's end tag (in a string, say) would end it: `<\/script` means the same to JS and CSS.
fn harmless(code: &str, element: &str) -> String {
    let end = format!("</{element}");
    let mut out = String::with_capacity(code.len());
    let mut from = 0;
    while let Some(at) = text::find(code, &end, from) {
        out.push_str(&code[from..at]);
        out.push_str("<\\/");
        from = at + 2;
    }
    out.push_str(&code[from..]);
    out
}

/// A change to a document: at this place, so many bytes go, and this comes.
struct Edit(usize, usize, String);

/// The document in `html`, with what stands beside it, complete.
pub fn complete<'a>(html: &'a str, outline: &Outline, beside: &Beside<'_>) -> Cow<'a, str> {
    let html = if outline.html_close.is_none() { html.trim_end() } else { html };
    let mut edits = Vec::new();
    start(outline, &mut edits);
    fold_style(html, outline, beside, &mut edits);
    fold_script(html, outline, beside, &mut edits);
    if edits.is_empty() && outline.html_close.is_some() {
        return Cow::Borrowed(html);
    }
    let mut page = apply(html, edits);
    if outline.html_close.is_none() {
        if outline.body_close.is_none() && outline.body_tag {
            page.push_str("\n</body>");
        }
        page.push_str("\n</html>");
    }
    Cow::Owned(page)
}

fn start(outline: &Outline, edits: &mut Vec<Edit>) {
    let doctype = if outline.doctype.is_some() { "" } else { "<!DOCTYPE html>\n" };
    let html = if outline.html_tag.is_some() { "" } else { "\n<html lang=\"en\">" };
    if !doctype.is_empty() {
        edits.push(Edit(0, 0, doctype.to_owned()));
    }
    if !html.is_empty() {
        edits.push(Edit(outline.doctype.as_ref().map_or(0, |range| range.end), 0, html.to_owned()));
    }
}

fn fold_style(html: &str, outline: &Outline, beside: &Beside<'_>, edits: &mut Vec<Edit>) {
    let wanted = !outline.links.is_empty() || outline.styles == 0;
    let Some(style) = beside.style().filter(|_| wanted) else { return };
    remove(&outline.links, edits);
    let at = outline.links.first().map(|link| link.at.start);
    edits.push(Edit(at.unwrap_or_else(|| style_place(html, outline)), 0, style));
}

fn style_place(html: &str, outline: &Outline) -> usize {
    outline.head_close.or(outline.head_start).or(outline.body_close).unwrap_or_else(|| script_place(html, outline))
}

fn fold_script(html: &str, outline: &Outline, beside: &Beside<'_>, edits: &mut Vec<Edit>) {
    let wanted = !outline.sources.is_empty() || outline.scripts == 0;
    let module = outline.sources.iter().any(|source| source.module);
    let Some(script) = beside.script(module).filter(|_| wanted) else { return };
    remove(&outline.sources, edits);
    edits.push(Edit(script_place(html, outline), 0, script));
}

/// At the end of the body, where every element that a script may look for is there.
fn script_place(html: &str, outline: &Outline) -> usize {
    let end_tag = outline.html_end.as_ref().map(|tag| tag.start);
    outline.body_close.or(end_tag).unwrap_or(html.len())
}

fn remove(references: &[Reference], edits: &mut Vec<Edit>) {
    edits.extend(references.iter().map(|reference| Edit(reference.at.start, reference.at.len(), String::new())));
}

fn apply(html: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.0);
    let mut out = String::with_capacity(html.len() + edits.iter().map(|edit| edit.2.len()).sum::<usize>() + 32);
    let mut from = 0;
    for Edit(at, gone, comes) in edits {
        out.push_str(text::slice(html, from..at.max(from)));
        out.push_str(&comes);
        from = from.max(at + gone);
    }
    out.push_str(text::slice(html, from..html.len()));
    out
}

/// A document around a fragment, with what stands beside it.
pub fn wrap(fragment: &str, outline: &Outline, title: &str, beside: &Beside<'_>, meter: &Meter) -> String {
    if let Some(start) = outline.doctype.as_ref().map(|doctype| doctype.start).or(outline.html_tag) {
        // A document after all, behind something that hid it.
        let html = text::slice(fragment, start..outline.html_close.unwrap_or(fragment.len()));
        return complete(html, &document::outline(html, meter), beside).into_owned();
    }
    let fragment = without_ends(fragment, outline);
    let fragment = fragment.trim();
    let page = if outline.body_tag || outline.head_tag {
        format!("<!DOCTYPE html>\n<html lang=\"en\">\n{fragment}\n</html>")
    } else {
        let title =
            if outline.title.is_none() { format!("<title>{}</title>\n", text::escape(title)) } else { String::new() };
        format!("{HEAD}{title}</head>\n<body>\n{fragment}\n</body>\n</html>")
    };
    let whole = document::outline(&page, meter);
    complete(&page, &whole, beside).into_owned()
}

/// A fragment without the end tags of a document that it never began.
fn without_ends(fragment: &str, outline: &Outline) -> String {
    let body = outline.body_close.filter(|_| !outline.body_tag).map(|at| Edit(at, "</body>".len(), String::new()));
    let html = outline.html_end.as_ref().map(|tag| Edit(tag.start, tag.len(), String::new()));
    let end = outline.html_close.unwrap_or(fragment.len());
    apply(text::slice(fragment, 0..end), body.into_iter().chain(html).collect())
}

/// A document that shows one drawing, as large as the window.
pub fn frame(svg: &str, title: &str) -> String {
    let start = text::find(svg, "<svg", 0).unwrap_or(0);
    let svg = svg[start..].trim();
    let title = text::escape(title);
    format!(
        "{HEAD}<title>{title}</title>\n<style>\nhtml, body {{ margin: 0; height: 100% }}\n\
         body {{ display: grid; place-items: center }}\nsvg {{ max-width: 100vw; max-height: 100vh }}\n</style>\n</head>\n<body>\n{svg}\n\
         </body>\n</html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(html: &str, css: &[&str], js: &[&str]) -> String {
        let beside = Beside { css: css.to_vec(), js: js.to_vec() };
        complete(html, &document::outline(html, &Meter::default()), &beside).into_owned()
    }

    #[test]
    fn a_whole_document_stays_as_it_is() {
        let page = "<!doctype html>\n<html><head></head><body></body></html>";
        assert_eq!(completed(page, &[], &[]), page);
    }

    #[test]
    fn what_a_document_lacks_is_added() {
        assert_eq!(completed("<html><body><p>x", &[], &[]), "<!DOCTYPE html>\n<html><body><p>x\n</body>\n</html>");
        assert_eq!(completed("<!doctype html><p>x", &[], &[]), "<!doctype html>\n<html lang=\"en\"><p>x\n</html>");
    }

    #[test]
    fn files_asked_for_are_folded_in_and_the_script_goes_last() {
        let page = "<!doctype html><html><head><link rel=\"stylesheet\" href=\"style.css\"><script src=\"app.js\" defer></script></head>\
                    <body><p>x</p></body></html>";
        assert_eq!(
            completed(page, &["p {}"], &["let a = '</script>';"]),
            "<!doctype html><html><head><style>\np {}\n</style>\n</head><body><p>x</p><script>\nlet a = '<\\/script>';\n</script>\n</body></html>"
        );
    }

    #[test]
    fn an_excerpt_of_what_the_page_holds_is_left_out() {
        let page = "<!doctype html><html><head><style>p{}</style></head><body><script>1</script></body></html>";
        assert_eq!(completed(page, &["p { color: red }"], &["2"]), page);
    }
}
