//! What people read on a page: the text between its tags. Comments, scripts and styles are not for reading.

/// The page, with every piece of its text as `change` makes it. Each byte is looked at once.
pub fn each_text(html: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        out.push_str(&change(&rest[..start]));
        let end = start + unread(&rest[start..]);
        out.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    out.push_str(&change(rest));
    out
}

/// How long what begins with this `<` is, up to where text may go on.
fn unread(html: &str) -> usize {
    if let Some(comment) = html.strip_prefix("<!--") {
        return comment.find("-->").map_or(html.len(), |end| "<!--".len() + end + "-->".len());
    }
    // A `<` before anything but a letter, `/`, `!` or `?` is text: 1 < 2.
    if !html[1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')) {
        return 1;
    }
    let tag = tag_length(html);
    let closing = ["script", "style"].into_iter().find(|name| is_tag(html, name)).map(|name| format!("</{name}"));
    closing.map_or(tag, |closing| find_ignoring_case(&html[tag..], &closing).map_or(html.len(), |end| tag + end))
}

/// Up to the `>` that is not in an attribute's quotes.
fn tag_length(html: &str) -> usize {
    let mut quote = None;
    for (at, byte) in html.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    html.len()
}

fn is_tag(html: &str, name: &str) -> bool {
    let end = 1 + name.len();
    let named = html.get(1..end).is_some_and(|found| found.eq_ignore_ascii_case(name));
    named && !html[end..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-')
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::each_text;

    fn shouted(html: &str) -> String {
        each_text(html, str::to_uppercase)
    }

    #[test]
    fn tags_comments_scripts_and_styles_are_kept() {
        assert_eq!(shouted("<p title=\"a > b\">hi <b>you</b></p>"), "<p title=\"a > b\">HI <b>YOU</b></p>");
        assert_eq!(shouted("<!-- x < y -->hi"), "<!-- x < y -->HI");
        assert_eq!(shouted("<SCRIPT>a<b</Script>hi"), "<SCRIPT>a<b</Script>HI");
        assert_eq!(shouted("<style>p{}</style><styled-x>hi"), "<style>p{}</style><styled-x>HI");
    }

    #[test]
    fn what_is_left_open_ends_with_the_page() {
        for html in ["<p", "<!-- a", "<script>a", "a < b", "<", "<p title=\"a"] {
            assert_eq!(shouted(html).to_lowercase(), html);
        }
        assert_eq!(shouted("1 < 2"), "1 < 2");
    }
}
