//! A generated page made ready to be served: what a browser and a share preview need is added, what would lead visitors away is taken out.
//!
//! The document is read once to learn what it has, and rewritten once as a stream of tokens; it is never rebuilt from a tree, and when it cannot be
//! rewritten it is served as it is.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::LazyLock,
};

use lol_html::{
    HtmlRewriter, Settings, element,
    html_content::{ContentType, Element},
    text,
};

use super::card;
use crate::adapter::store::Collection;

/// In an opaque origin `localStorage` throws, and games break. This stand-in forgets with the tab.
const SHIM: &str = include_str!("look/shim.js");

/// What a page keeps its visitors' records with, as `window.wtaf`; called with where they are and the page's token.
static WTAF: LazyLock<String> = LazyLock::new(|| small(include_str!("look/wtaf.js")));

/// A script without its margins, the lines that only explain, and the ends of lines that need none: it travels with every page. No line ends in a comment.
fn small(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        if !out.is_empty() && !out.ends_with([';', '{', ',', '(']) && !line.starts_with('}') {
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

/// Where a page's records are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    /// Absolute, without a slash at its end.
    pub url: &'a str,
    /// Opens this page's records and no other's.
    pub token: &'a str,
}

/// What a page is known by besides its own markup.
pub(super) struct About<'a> {
    pub title: &'a str,
    pub description: &'a str,
    /// Absolute; of an old version the newest one's.
    pub url: &'a str,
    pub storage: Storage<'a>,
    /// A form was sent, and its visitor came back.
    pub saved: bool,
    /// The card of share previews, absolute.
    pub image: &'a str,
}

/// The page, ready to be served.
pub(super) fn dress(html: &str, about: &About<'_>) -> String {
    let seen = look(html);
    let head = head(&seen, about);
    rewrite(html, &seen, &head, about).unwrap_or_else(|error| {
        tracing::warn!(%error, "a page is served undressed");
        html.to_owned()
    })
}

/// What a document has already.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    place: Place,
    body: bool,
    charset: bool,
    viewport: bool,
    title: Option<String>,
    description: Option<String>,
}

/// Where what is added goes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Before the first element: a browser makes a head of it.
    #[default]
    First,
    /// First in `html`, for the same reason.
    Html,
    /// First in the head.
    Head,
}

fn look(html: &str) -> Seen {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let [s1, s2, s3, s4, s5, s6] = std::array::from_fn(|_| seen.clone());
    // A title within a drawing is the drawing's. Handlers of one element run in this order.
    let drawing = Rc::new(Cell::new(false));
    let drawing_too = drawing.clone();
    let in_title = Rc::new(Cell::new(false));
    let in_title_too = in_title.clone();
    let settings = Settings::new()
        .append_element_content_handler(element!("head", move |_| {
            s1.borrow_mut().place = Place::Head;
            Ok(())
        }))
        .append_element_content_handler(element!("html", move |_| {
            let mut seen = s2.borrow_mut();
            seen.place = seen.place.max(Place::Html);
            Ok(())
        }))
        .append_element_content_handler(element!("body", move |_| {
            s6.borrow_mut().body = true;
            Ok(())
        }))
        .append_element_content_handler(element!("meta", move |el| {
            note_meta(&mut s3.borrow_mut(), el);
            Ok(())
        }))
        .append_element_content_handler(element!("svg title", move |_| {
            drawing.set(true);
            Ok(())
        }))
        .append_element_content_handler(element!("title", move |_| {
            let ours = !drawing_too.take() && s4.borrow().title.is_none();
            in_title.set(ours);
            if ours {
                s4.borrow_mut().title = Some(String::new());
            }
            Ok(())
        }))
        .append_element_content_handler(text!("title", move |chunk| {
            if in_title_too.get()
                && let Some(title) = &mut s5.borrow_mut().title
            {
                title.push_str(chunk.as_str());
            }
            Ok(())
        }))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let read = rewriter.write(html.as_bytes()).and_then(|()| rewriter.end());
    if let Err(error) = read {
        tracing::debug!(%error, "a page could not be read to its end");
    }
    seen.take()
}

fn note_meta(seen: &mut Seen, el: &Element<'_, '_>) {
    let is = |attribute: &str, value: &str| {
        el.get_attribute(attribute).is_some_and(|v| v.trim().eq_ignore_ascii_case(value))
    };
    seen.charset |= el.has_attribute("charset") || is("http-equiv", "content-type");
    seen.viewport |= is("name", "viewport");
    if is("name", "description") && seen.description.is_none() {
        seen.description = el.get_attribute("content").filter(|c| !c.trim().is_empty());
    }
}

/// What goes first into the head. The script stands before any script of the page.
fn head(seen: &Seen, about: &About<'_>) -> String {
    let mut out = String::with_capacity(2_048);
    if !seen.charset {
        out.push_str("<meta charset=\"utf-8\">");
    }
    if !seen.viewport {
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    }
    out.push_str("<script>");
    out.push_str(SHIM.trim());
    out.push_str("</script><script>");
    out.push_str(&WTAF);
    out.push_str(&["(", &quoted(about.storage.url), ",", &quoted(about.storage.token), ");"].concat());
    // The token stands in no element that scripts come across.
    out.push_str("document.currentScript.remove()</script>");
    // The page's own title is markup already; ours is plain text.
    let own_title = seen.title.as_deref().map(str::trim).filter(|t| !t.is_empty());
    let title = own_title.map_or_else(|| escape(about.title), |t| t.replace('"', "&quot;").replace('<', "&lt;"));
    if own_title.is_none() && seen.title.is_none() {
        out.push_str(&["<title>", &title, "</title>"].concat());
    }
    let description = match &seen.description {
        Some(own) => own.trim().replace('"', "&quot;").replace('<', "&lt;"),
        None => escape(about.description.trim()),
    };
    if seen.description.is_none() && !description.is_empty() {
        out.push_str(&["<meta name=\"description\" content=\"", &description, "\">"].concat());
    }
    let mut og = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&["<meta property=\"og:", name, "\" content=\"", value, "\">"].concat());
        }
    };
    og("title", &title);
    og("description", &description);
    og("type", "website");
    let url = escape(about.url);
    og("url", &url);
    og("image", &escape(about.image));
    og("image:type", "image/png");
    og("image:width", &card::WIDTH.to_string());
    og("image:height", &card::HEIGHT.to_string());
    og("image:alt", &title);
    out.push_str("<meta name=\"twitter:card\" content=\"summary_large_image\">");
    out.push_str(&["<link rel=\"canonical\" href=\"", &url, "\">"].concat());
    if about.saved && !seen.body {
        out.push_str(SAVED);
    }
    out
}

/// For browsers without scripts; where there are some, a form says so itself and nobody comes back this way.
const SAVED: &str = "<p role=\"status\" style=\"margin:0;padding:12px;text-align:center;background:#fff;color:#111;font:16px/1.4 system-ui,sans-serif\">Sent. Thank you.</p>";

/// A string in a script.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

fn rewrite(html: &str, seen: &Seen, head: &str, about: &About<'_>) -> Result<String, lol_html::errors::RewritingError> {
    let mut out = Vec::with_capacity(html.len() + head.len());
    let done = Rc::new(RefCell::new(false));
    let settings = Settings::new()
        .append_element_content_handler(element!("*", {
            let done = done.clone();
            move |el| {
                place(el, seen, head, &mut done.borrow_mut());
                Ok(())
            }
        }))
        .append_element_content_handler(element!("form", |el| {
            send_here(el, about.storage)?;
            Ok(())
        }))
        .append_element_content_handler(element!("[formaction]", |el| {
            el.remove_attribute("formaction");
            Ok(())
        }))
        .append_element_content_handler(element!("body", |el| {
            if about.saved {
                el.prepend(SAVED, ContentType::Html);
            }
            Ok(())
        }))
        .append_element_content_handler(element!("base", |el| {
            el.remove();
            Ok(())
        }))
        .append_element_content_handler(element!("link[rel]", |el| {
            if el.get_attribute("rel").is_some_and(|rel| rel.trim().eq_ignore_ascii_case("canonical")) {
                el.remove();
            }
            Ok(())
        }))
        .append_element_content_handler(element!("meta", |el| {
            if leads_away(el) || is_ours(el) {
                el.remove();
            }
            Ok(())
        }))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |chunk: &[u8]| out.extend_from_slice(chunk));
    rewriter.write(html.as_bytes())?;
    rewriter.end()?;
    let out = String::from_utf8_lossy(&out).into_owned();
    // A page without a single element is text, and stays readable after a head.
    Ok(if *done.borrow() { out } else { format!("{head}{out}") })
}

/// Into the head where there is one, else where a browser will make one.
fn place(el: &mut Element<'_, '_>, seen: &Seen, head: &str, done: &mut bool) {
    if *done {
        return;
    }
    match (seen.place, el.tag_name().as_str()) {
        (Place::Head, "head") | (Place::Html, "html") => el.prepend(head, ContentType::Html),
        (Place::First, _) => el.before(head, ContentType::Html),
        _ => return,
    }
    *done = true;
}

/// A form that posts has its fields kept, wherever it was meant to go: nothing else would be let through. Also without a script.
fn send_here(form: &mut Element<'_, '_>, storage: Storage<'_>) -> Result<(), lol_html::errors::AttributeNameError> {
    if !form.get_attribute("method").is_some_and(|method| method.trim().eq_ignore_ascii_case("post")) {
        return Ok(());
    }
    let asked = form.get_attribute("data-wtaf").or_else(|| {
        let action = form.get_attribute("action")?;
        let path = action.split(['?', '#']).next()?;
        Some(path.rsplit('/').next()?.to_owned())
    });
    let collection = asked.and_then(|name| name.trim().parse::<Collection>().ok());
    let query = collection.map(|name| format!("?in={name}")).unwrap_or_default();
    form.set_attribute("action", &format!("{}/records{query}", storage.url))?;
    form.remove_attribute("enctype");
    form.remove_attribute("target");
    let token = ["<input type=\"hidden\" name=\"wtaf_token\" value=\"", storage.token, "\">"].concat();
    form.prepend(&token, ContentType::Html);
    Ok(())
}

fn leads_away(el: &Element<'_, '_>) -> bool {
    el.get_attribute("http-equiv").is_some_and(|v| v.trim().eq_ignore_ascii_case("refresh"))
}

/// Share tags that we write from the page's own words: two of them would be one too many.
fn is_ours(el: &Element<'_, '_>) -> bool {
    // Either attribute counts for those who read them, so either makes it one of ours.
    ["property", "name"].into_iter().filter_map(|attribute| el.get_attribute(attribute)).any(|name| {
        let name = name.trim().to_ascii_lowercase();
        matches!(
            name.as_str(),
            "og:title"
                | "og:description"
                | "og:type"
                | "og:url"
                | "twitter:card"
                | "twitter:title"
                | "twitter:description"
        ) || ["og:image", "twitter:image"]
            .into_iter()
            .any(|family| name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> = About {
        title: "Snake & <ladders>",
        description: "A \"game\"",
        url: "https://wtaf.example/otter/red",
        storage: Storage { url: "https://wtaf.example/api/apps/otter/red", token: "t0ken" },
        saved: false,
        image: "https://wtaf.example/otter/red/card.png?v=2",
    };

    fn count(html: &str, needle: &str) -> usize {
        html.matches(needle).count()
    }

    #[test]
    fn a_bare_page_gets_what_browsers_and_previews_need() {
        let out = dress("<!DOCTYPE html><html><head></head><body>hi</body></html>", &ABOUT);
        assert!(out.starts_with("<!DOCTYPE html><html><head><meta charset=\"utf-8\"><meta name=\"viewport\""));
        assert!(out.contains("<title>Snake &amp; &lt;ladders&gt;</title>"));
        assert!(out.contains("<meta property=\"og:title\" content=\"Snake &amp; &lt;ladders&gt;\">"));
        assert!(out.contains("<meta name=\"description\" content=\"A &quot;game&quot;\">"));
        assert!(out.contains("localStorage") && out.ends_with("</head><body>hi</body></html>"));
    }

    #[test]
    fn nothing_the_page_has_is_doubled() {
        let page = "<!doctype html><html><head><meta charset=utf-8><meta name=Viewport content=x>\
                    <title>Own &amp; true</title><meta name=description content='mine'>\
                    <meta property='og:title' content=a><meta property='og:title' content=b>\
                    <meta property='og:image' content=c></head><body></body></html>";
        let out = dress(page, &ABOUT);
        assert_eq!(count(&out, "charset"), 1);
        assert_eq!(count(&out.to_lowercase(), "viewport"), 1);
        assert_eq!(count(&out, "<title>"), 1);
        assert_eq!(count(&out, "og:title"), 1);
        assert!(out.contains("<meta property=\"og:title\" content=\"Own &amp; true\">"));
        assert!(out.contains("<meta property=\"og:description\" content=\"mine\">"));
        assert_eq!(count(&out, "name=description"), 1);
    }

    #[test]
    fn the_picture_of_a_preview_is_the_card_alone() {
        let page = "<head><meta property='og:image' content='https://evil.example/a.png'><meta property='og:image:width' content=1>\
                    <meta name=' Twitter:Image ' content=b><meta name=x property='og:image:secure_url' content=c>\
                    <link rel=canonical href='https://evil.example/'></head><body></body>";
        let out = dress(page, &ABOUT);
        assert!(
            out.contains("<meta property=\"og:image\" content=\"https://wtaf.example/otter/red/card.png?v=2\">"),
            "{out}"
        );
        assert!(out.contains("content=\"summary_large_image\"") && !out.contains("evil"), "{out}");
        assert_eq!((count(&out, "og:image\""), count(&out, "og:image:width"), count(&out, "canonical")), (1, 1, 1));
        assert!(!out.to_lowercase().contains("twitter:image") && !out.contains("secure_url"), "{out}");
    }

    #[test]
    fn what_leads_visitors_away_is_taken_out() {
        let page = "<html><head><BASE href='https://evil.example/'><meta http-equiv=' Refresh' content='0;url=//evil'></head><body>x</body></html>";
        let out = dress(page, &ABOUT);
        assert!(!out.contains("evil"), "{out}");
    }

    #[test]
    fn the_stand_in_comes_before_the_pages_scripts() {
        for page in [
            "<html><head><script>localStorage.x</script></head></html>",
            "<html><script>localStorage.x</script></html>",
            "<!doctype html><script>localStorage.x</script>",
            "<script>localStorage.x</script>",
        ] {
            let out = dress(page, &ABOUT);
            assert_eq!(count(&out, "<script>"), 3, "{out}");
            assert!(out.find("opaque").unwrap_or(usize::MAX) < out.find("localStorage.x").unwrap_or(0), "{out}");
        }
    }

    #[test]
    fn a_head_within_a_script_or_a_comment_is_no_head() {
        let page = "<!doctype html><!-- <head> --><html><body><script>var s = '<head><title>no</title>';</script></body></html>";
        let out = dress(page, &ABOUT);
        assert!(out.contains("var s = '<head><title>no</title>';"));
        assert!(out.contains("<!-- <head> -->"));
        assert_eq!(count(&out, "og:title"), 1);
    }

    #[test]
    fn the_title_of_a_drawing_is_not_the_pages() {
        let out = dress("<html><head></head><body><svg><title>circle</title></svg></body></html>", &ABOUT);
        assert!(out.contains("content=\"Snake &amp; &lt;ladders&gt;\""), "{out}");
        assert!(out.contains("<svg><title>circle</title></svg>"));
    }

    #[test]
    fn plain_text_stays_readable() {
        let out = dress("just words", &ABOUT);
        assert!(out.ends_with("just words") && out.contains("charset"));
        assert!(dress("", &ABOUT).contains("<title>"));
    }

    #[test]
    fn what_keeps_records_is_small_and_knows_its_page() {
        assert!(WTAF.len() < 6 * 1024, "{} bytes", WTAF.len());
        assert!(!WTAF.contains("</script") && !WTAF.contains("<!--"));
        let out = dress("<html><head></head></html>", &ABOUT);
        assert!(out.contains("(\"https://wtaf.example/api/apps/otter/red\",\"t0ken\");"));
        assert_eq!(quoted("</script>\"\\"), "\"\\u003c/script>\\\"\\\\\"");
    }

    #[test]
    fn a_form_that_posts_sends_its_fields_to_the_pages_records() {
        let to = |form: &str| {
            let out = dress(&format!("<body>{form}<button formaction=/x>Go</button></form>"), &ABOUT);
            assert!(
                out.contains("<input type=\"hidden\" name=\"wtaf_token\" value=\"t0ken\">")
                    && !out.contains("formaction")
            );
            let form = &out[out.find("<form").unwrap()..];
            let at = form.find("action=\"").unwrap() + 8;
            form[at..at + form[at..].find('"').unwrap()].strip_prefix(ABOUT.storage.url).unwrap().to_owned()
        };
        assert_eq!(to("<form method=post>"), "/records");
        assert_eq!(
            to("<form method=POST data-wtaf=RSVP action=/api/other enctype=multipart/form-data>"),
            "/records?in=rsvp"
        );
        assert_eq!(to("<form action='/api/guestbook?x=1' method=post>"), "/records?in=guestbook");
        assert_eq!(to("<form method=post action='https://evil.example/a%20b'>"), "/records");
        for form in ["<form>", "<form method=get action=/search>", "<form method=dialog>"] {
            assert!(!dress(form, &ABOUT).contains("wtaf_token\" value"), "{form}");
        }
    }

    #[test]
    fn whoever_comes_back_from_a_plain_form_is_told_that_it_arrived() {
        let saved = About { saved: true, ..ABOUT };
        for page in ["<html><head></head><body><p>x", "<p>x"] {
            assert_eq!(count(&dress(page, &saved), "Sent. Thank you."), 1);
            assert_eq!(count(&dress(page, &ABOUT), "Sent. Thank you."), 0);
        }
    }

    #[test]
    fn the_rest_of_the_document_is_untouched_to_the_byte() {
        let body = "<body class=a  data-x='1'>\n<p>caf\u{e9} \u{1f40d} &nbsp;<br/><unclosed><b>\n</body>\n</html>\n";
        let out = dress(&format!("<!DOCTYPE html>\n<html lang=en>\n<head>\n</head>\n{body}"), &ABOUT);
        assert!(out.ends_with(body));
    }
}
