//! What people already expect of finding a page in an answer: one test for each item, with what once went wrong there.
#![allow(missing_docs, reason = "tests")]

use wtaf_plugin_extract::Extractor;
use wtaf_plugin_sdk::{
    Context, Order, PageDraft,
    extract::{Extract, Found},
};

const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>Dough</title></head>\n<body>\n<h1>Dough</h1>\n<script>\nlet left = 3600;\n</script>\n</body>\n</html>";

fn order() -> Order {
    Order {
        kind: "page".into(),
        text: "a timer for pizza dough".into(),
        coach: None,
        page: None,
        why: String::new(),
        extra: vec![],
    }
}

fn said(answer: &str, finished: bool, last: bool) -> Found {
    let extra = if last { vec![("last".into(), "true".into())] } else { vec![] };
    let ctx = Context { job: "01J".into(), attempt: 1, now: 0, seed: 0, config: "{}".into(), extra };
    Extractor::extract(ctx, order(), answer.into(), finished).expect("an answer is never a fault")
}

fn pages(answer: &str) -> Vec<PageDraft> {
    match said(answer, true, false) {
        Found::Pages(pages) => pages,
        other => panic!("no page in {answer:?}: {other:?}"),
    }
}

/// The one page there is, for everyone.
fn page(answer: &str) -> String {
    let mut pages = pages(answer);
    assert_eq!((pages.len(), pages[0].audience.as_str()), (1, "everyone"), "{answer}");
    pages.remove(0).html
}

/// Found whole, to the last byte, with nothing of the answer around it.
fn is_found_whole(answer: &str) {
    assert_eq!(page(answer).trim(), PAGE, "{answer}");
}

#[test]
fn a_fence_named_html_in_any_case_holds_the_page() {
    for name in ["html", "HTML", "Html", "htm", "xhtml", ""] {
        is_found_whole(&format!("Here you are.\n\n```{name}\n{PAGE}\n```\n\nEnjoy."));
    }
}

#[test]
fn attributes_behind_the_word_are_no_part_of_the_page() {
    for info in ["html title=\"index.html\" {1,3}", "html:index.html", "html lang=en", "html   "] {
        is_found_whole(&format!("```{info}\n{PAGE}\n```"));
    }
}

#[test]
fn blocks_of_html_css_and_js_become_one_page() {
    let html = page(
        "```html\n<h1>Dough</h1>\n<p id=\"left\">60</p>\n```\n```css\nh1 { color: tomato }\n```\n```js\nlet left = 59;\n```",
    );
    assert!(html.contains("<style>") && html.contains("h1 { color: tomato }"), "{html}");
    assert!(html.contains("<script>") && html.contains("let left = 59;"), "{html}");
    assert!(html.find("id=\"left\"") < html.find("let left"), "the script comes behind what it works on: {html}");
}

#[test]
fn other_languages_leave_neither_their_block_nor_their_name_behind() {
    let html =
        page(&format!("```bash\npython3 -m http.server\n```\n\n```html\n{PAGE}\n```\n\n```json\n{{\"a\": 1}}\n```"));
    assert_eq!(html.trim(), PAGE);
    let html = page("```html\n<h1>Dough</h1>\n```\n```javascript\nlet left = 59;\n```");
    assert!(!html.contains("javascript\n") && !html.contains("```"), "{html}");
}

#[test]
fn a_bare_document_is_found_with_prose_around_it() {
    is_found_whole(&format!("I used a `<html>` page.\n\n{PAGE}\n\nLet me know if you want <b>other</b> colours."));
    is_found_whole(PAGE);
}

#[test]
fn a_document_without_doctype_keeps_its_attributes_and_gets_one() {
    for tag in ["<html lang=\"fi\">", "<HTML class='a b'>", "<html\n lang=fi>"] {
        let html = page(&format!("{tag}<head><title>x</title></head><body><h1>x</h1></body></html>"));
        assert!(html.to_lowercase().starts_with("<!doctype html>") && html.contains(tag), "{html}");
    }
}

#[test]
fn tildes_fence_as_well() {
    is_found_whole(&format!("~~~html\n{PAGE}\n~~~"));
    is_found_whole(&format!("~~~~\n{PAGE}\n~~~~"));
}

#[test]
fn a_longer_fence_is_closed_by_one_as_long() {
    let inside = PAGE.replace("let left = 3600;", "let sample = `\n```js\nlet a;\n```\n`;");
    assert_eq!(page(&format!("``````html\n{inside}\n``````")).trim(), inside);
}

#[test]
fn fences_inside_a_script_end_nothing() {
    let inside =
        PAGE.replace("let left = 3600;", "const sample = `\n# Hi\n```js\nlet a = 1;\n```\nand\n```\nplain\n```\n`;");
    assert_eq!(page(&format!("```html\n{inside}\n```\nType away!")).trim(), inside);
}

#[test]
fn a_fence_that_is_never_closed_is_no_failure() {
    is_found_whole(&format!("```html\n{PAGE}"));
    is_found_whole(&format!("```html\n{PAGE}```"));
}

#[test]
fn a_bare_fragment_is_wrapped_in_a_document() {
    for answer in ["<h1>Dough</h1>\n<p>Sixty minutes.</p>", "```html\n<h1>Dough</h1>\n<p>Sixty minutes.</p>\n```"] {
        let html = page(answer);
        assert!(html.starts_with("<!doctype html>") || html.starts_with("<!DOCTYPE html>"), "{html}");
        assert!(html.contains("<h1>Dough</h1>") && html.trim_end().ends_with("</html>"), "{html}");
        assert!(html.contains("viewport") && html.contains("<title>"), "{html}");
    }
}

#[test]
fn two_pages_are_two_where_the_delimiter_says_so() {
    let owner = PAGE.replace("Dough", "Answers");
    for between in [
        "\n<!-- wtaf:page owner -->\n",
        "\n```\n\n<!-- wtaf:page owner -->\n\n```html\n",
        "\n```\n--- ADMIN PAGE ---\n```html\n",
    ] {
        let found = pages(&format!("```html\n{PAGE}{between}{owner}\n```"));
        let told: Vec<_> = found.iter().map(|page| (page.audience.as_str(), page.html.trim())).collect();
        assert_eq!(told, [("everyone", PAGE), ("owner", owner.as_str())], "{between}");
    }
    assert_eq!(pages(&format!("```html\n{PAGE}\n```\nThe admin page is up to you.")).len(), 1);
}

#[test]
fn what_is_cut_off_is_asked_for_and_what_came_is_not_lost() {
    let half = PAGE.split("3600").next().expect("half");
    let cut = format!("```html\n{half}");
    assert!(matches!(said(&cut, false, false), Found::CutOff));
    assert!(!matches!(said(&cut, false, true), Found::Pages(_)), "half a script is never saved");
    let rest = PAGE.strip_prefix(half).expect("the rest");
    is_found_whole(&format!("{cut}{rest}\n```"));
    is_found_whole(&format!("{cut}```html\n{rest}\n```"));
    let words = "```html\n<!doctype html>\n<html>\n<body>\n<h1>Dough</h1>\n<p>Sixty minutes.</p>\n<p>And";
    let Found::Pages(kept) = said(words, false, true) else { panic!("what can be closed is saved") };
    assert!(kept[0].html.contains("Sixty minutes.") && kept[0].html.trim_end().ends_with("</html>"));
}

#[test]
fn an_answer_wrapped_in_json_is_unwrapped() {
    let escaped = PAGE.replace('"', "\\\"").replace('\n', "\\n");
    for answer in [
        format!("{{\"html\": \"{escaped}\"}}"),
        format!("```json\n{{\"page\": {{\"title\": \"x\", \"html\": \"{escaped}\"}}}}\n```"),
        format!("\"{escaped}\""),
    ] {
        is_found_whole(&answer);
    }
}

#[test]
fn an_answer_without_a_page_says_why() {
    for answer in ["", "I cannot do that, sorry.", "```\n```"] {
        let Found::Nothing(why) = said(answer, true, false) else { panic!("{answer:?} holds no page") };
        assert!(!why.is_empty());
    }
}
