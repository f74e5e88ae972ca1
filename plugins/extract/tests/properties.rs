//! What holds for any answer: a page is found to its last byte in whatever it is wrapped, what is found is a whole document (of sane answers
//! also found again in itself), and nothing panics.

use proptest::prelude::*;
use wtaf_plugin_extract::Extractor;
use wtaf_plugin_sdk::{
    Context, Order,
    extract::{Extract, Found},
};

fn extract(answer: &str, kind: &str, finished: bool, last: bool) -> Found {
    let ctx = Context {
        job: "01JD0000000000000000000000".into(),
        attempt: 1,
        now: 0,
        seed: 0,
        config: "{}".into(),
        extra: if last { vec![("last".into(), "true".into())] } else { vec![] },
    };
    let order = Order {
        kind: kind.into(),
        text: "a thing".into(),
        coach: None,
        page: None,
        why: String::new(),
        extra: Vec::new(),
    };
    Extractor::extract(ctx, order, answer.into(), finished).unwrap()
}

fn html(found: Found) -> Vec<String> {
    match found {
        Found::Pages(pages) => pages.into_iter().map(|page| page.html).collect(),
        other => panic!("no page but {other:?}"),
    }
}

/// Parts of a body, some of them mean: fences, end tags in strings, comments, markup in attributes.
fn body() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-Z0-9 .,é]{0,40}".prop_map(|words| format!("<p>{words}</p>\n")),
        Just("<h1>A heading</h1>".to_owned()),
        Just("<!-- a note > with < marks -->\n".to_owned()),
        Just("<div title=\"a > b </html> `\">x</div>".to_owned()),
        Just("<pre>\n```js\nlet a = 1;\n```\n</pre>\n".to_owned()),
        Just("<pre>\n```html\n<b>bold</b>\n```\n</pre>\n".to_owned()),
        Just("<script>\nconst md = `\n```\nplain\n```\n`;\n</script>\n".to_owned()),
        Just("<script>const page = '<html><body></body></html>';</script>\n".to_owned()),
        Just("<script>const s = \"<!DOCTYPE html><html></html>\";</script>".to_owned()),
        Just("<script>if (a < b && c > d) { w('<\\/script>') }</script>".to_owned()),
        Just("<style>p > a::before { content: '</html>' }</style>".to_owned()),
        Just("<textarea></body></textarea>".to_owned()),
        Just("<svg viewBox=\"0 0 1 1\"><title>t</title><path d=\"M0 0\"/></svg>".to_owned()),
        Just("{\"html\": \"<p>\"}\n".to_owned()),
        Just("--- ADMIN PAGE ---\n".to_owned()),
        Just("~~~\n".to_owned()),
    ];
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

fn document() -> impl Strategy<Value = String> {
    let doctype = prop::sample::select(vec![
        "<!DOCTYPE html>\n",
        "<!doctype html>",
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n",
    ]);
    let html = prop::sample::select(vec!["<html>", "<html lang=\"en\">\n", "<HTML LANG=de>"]);
    let head = prop::sample::select(vec!["", "<head><title>T</title></head>", "<head>\n<style>a{}</style>\n</head>\n"]);
    (doctype, html, head, body(), any::<bool>(), any::<bool>()).prop_map(
        |(doctype, html, head, body, named, windows)| {
            let body = if named { format!("<body>{body}</body>") } else { body };
            let document = format!("{doctype}{html}{head}{body}</html>");
            if windows { document.replace('\n', "\r\n") } else { document }
        },
    )
}

/// The ways an answer wraps a page.
fn wrapped(document: &str, way: usize) -> String {
    let long = "`".repeat(7);
    match way {
        0 => document.to_owned(),
        1 => format!("```html\n{document}\n```"),
        2 => format!("Sure! Here it is:\n\n```HTML class=\"x\" {{1}}\n{document}\n```\n\nHave fun with it.\n"),
        3 => format!("~~~~html\n{document}\n~~~~\n"),
        4 => format!("{long}html\r\n{document}\r\n{long}\r\n"),
        5 => format!("\u{feff}Words before.\n\n{document}\n\nWords after, with `code`.\n"),
        6 => format!("```\n{document}\n```\n"),
        7 => format!("```html\n{document}\n"),
        8 => format!("```html\n{document}```"),
        9 => format!("<think>A page, <html> and all.</think>\n```html\n{document}\n```\n"),
        10 => format!("{{\"title\": \"T\", \"html\": {}}}", serde_json_string(document)),
        11 => format!("```json\n{{\"page\": {{\"html\": {}}}, \"ok\": true}}\n```", serde_json_string(document)),
        12 => format!("{{\"text\": {}}}", serde_json_string(&format!("Here:\n```html\n{document}\n```\n"))),
        13 => {
            format!("```html\n<!DOCTYPE html><html><p>First try</p></html>\n```\nBetter:\n```html\n{document}\n```\n")
        }
        14 => format!("Run `npx serve`:\n```bash\nnpx serve\n```\n```html\n{document}\n```\n```json\n{{}}\n```\n"),
        _ => format!("````markdown\n```html\n{document}\n```\n````\n"),
    }
}

const WAYS: usize = 16;

fn serde_json_string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '<' => out.push_str("\\u003c"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Answers made of the pieces that mean something to the extractor, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "```",
        "```html",
        "```html\n",
        "\n```\n",
        "~~~",
        "````md\n",
        "\n",
        "\r\n",
        " ",
        "<",
        ">",
        "<!DOCTYPE html>",
        "<html>",
        "<html lang=en>",
        "</html>",
        "<head>",
        "</head>",
        "<body>",
        "</body>",
        "<script>",
        "</script>",
        "<script src=a.js></script>",
        "<style>",
        "</style>",
        "<link rel=stylesheet href=s.css>",
        "<title>",
        "</title>",
        "<h1>",
        "</h1>",
        "<p>",
        "</p>",
        "<!--",
        "-->",
        "<!-- wtaf:page owner -->",
        "\n<!-- wtaf:page everyone -->\n",
        "\n--- ADMIN PAGE ---\n",
        "{\"html\": \"",
        "\"",
        "\\",
        "\\u00e9",
        "\\ud83d",
        "}",
        "{",
        "[",
        "\0",
        "\u{feff}",
        "words",
        "é",
        "😀",
        "&amp;",
        "<svg>",
        "</svg>",
        "<textarea>",
        "<plaintext>",
        "<canvas>",
        "```css\n",
        "```js\n",
        "p{}",
        "<think>",
        "</think>",
        "Continuing:",
        "html\n",
        "visible words enough to keep",
        "<!doctype svg>",
        "<?xml?>",
        "<a b='",
        "'",
        "=",
        "/",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn holds_only_whole_documents(found: &Found) -> Result<(), TestCaseError> {
    let Found::Pages(pages) = found else { return Ok(()) };
    prop_assert!((1..=2).contains(&pages.len()));
    for page in pages {
        let lower = page.html.to_lowercase();
        prop_assert!(lower.starts_with("<!doctype html"), "{}", page.html);
        prop_assert!(lower.contains("<html") && lower.contains("</html"), "{}", page.html);
        prop_assert!(!page.html.contains('\0'));
    }
    Ok(())
}

fn is_found_again_in_itself(found: Found) -> Result<(), TestCaseError> {
    let Found::Pages(pages) = found else { return Ok(()) };
    for page in pages {
        prop_assert_eq!(html(extract(&page.html, "page", false, false)), vec![page.html]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_page_is_found_to_its_last_byte_in_whatever_it_is_wrapped(document in document(), way in 0..WAYS) {
        prop_assert_eq!(html(extract(&wrapped(&document, way), "page", true, false)), vec![document]);
    }

    #[test]
    fn a_page_that_came_is_found_before_the_provider_says_that_it_is_done(document in document(), way in 0..10_usize) {
        prop_assert_eq!(html(extract(&wrapped(&document, way), "page", false, false)), vec![document]);
    }

    #[test]
    fn two_pages_are_told_apart(public in document(), owner in document(), way in 0..4_usize) {
        let answer = match way {
            0 => format!("{public}\n<!-- wtaf:page owner -->\n{owner}"),
            1 => format!("```html\n<!-- wtaf:page everyone -->\n{public}\n<!-- wtaf:page owner -->\n{owner}\n```"),
            2 => format!("```html\n{public}\n```\n\n--- ADMIN PAGE ---\n\n```html\n{owner}\n```"),
            _ => format!("<!-- wtaf:page owner -->\n{owner}\n<!-- wtaf:page everyone -->\n{public}"),
        };
        prop_assert_eq!(html(extract(&answer, "data-app", true, false)), vec![public, owner]);
    }

    #[test]
    fn an_answer_cut_anywhere_is_never_saved_with_half_a_script(document in document(), part in 0.0..1.0_f64, last: bool) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short text")]
        let mut at = (document.len() as f64 * part) as usize;
        while !document.is_char_boundary(at) { at -= 1 }
        let found = extract(&format!("```html\n{}", &document[..at]), "page", false, last);
        if !last {
            prop_assert!(matches!(&found, Found::CutOff), "{:?}", found);
        }
        if let Found::Pages(pages) = &found {
            let html = &pages[0].html;
            prop_assert_eq!(html.matches("<script").count(), html.matches("</script").count());
        }
        holds_only_whole_documents(&found)?;
        is_found_again_in_itself(found)?;
    }

    #[test]
    fn a_fragment_becomes_a_page_that_is_found_again(body in body(), last: bool) {
        let found = extract(&format!("```html\n<main>\n{body}</main>\n```\n"), "page", true, last);
        holds_only_whole_documents(&found)?;
        is_found_again_in_itself(found)?;
    }

    #[test]
    fn pieces_in_any_order_do_no_harm(answer in soup(), finished: bool, last: bool) {
        holds_only_whole_documents(&extract(&answer, "page", finished, last))?;
    }

    #[test]
    fn any_text_does_no_harm(answer in "\\PC{0,200}", finished: bool, kind in prop::sample::select(vec!["page", "chat", "edit"])) {
        if let Found::Reply(words) = extract(&answer, kind, finished, false) {
            prop_assert!(words.chars().count() <= 451);
        }
    }
}
