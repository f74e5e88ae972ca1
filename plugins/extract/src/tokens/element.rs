//! The elements that matter here, told by their names.

use crate::bytes;

/// An element by its name. Most are [`Element::Other`]: nothing is asked of them but where their tags end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Html,
    Head,
    Body,
    Link,
    Canvas,
    Button,
    Svg,
    Br,
    H1,
    Title,
    Textarea,
    Script,
    Style,
    /// `iframe`, `xmp`, `noembed`, `noframes`, `noscript`: by its place in [`UNREAD`].
    Unread(u8),
    Plaintext,
    Other,
}

/// Elements whose content a browser that runs scripts does not read as markup, and nobody here asks for by name.
const UNREAD: [&str; 5] = ["iframe", "xmp", "noembed", "noframes", "noscript"];

/// How the content of an element is read that is not markup: the tokenizer's states of those names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Characters and character references.
    Rcdata,
    /// Characters.
    Rawtext,
    /// Characters, where what looks like a comment may hide the end tag.
    Script,
    /// Characters to the end of the text.
    Plaintext,
}

/// A name of up to eight bytes as a word, the first byte lowest.
const fn packed(name: &str) -> u64 {
    let name = name.as_bytes();
    let (mut word, mut at) = (0, name.len());
    while at > 0 {
        at -= 1;
        word = word << 8 | name[at] as u64;
    }
    word
}

impl Element {
    /// The element of that name in any case.
    pub fn named(name: &[u8]) -> Self {
        if name.len() > 8 {
            return if name.eq_ignore_ascii_case(b"plaintext") { Self::Plaintext } else { Self::Other };
        }
        let mut word = [0; 8];
        word[..name.len()].copy_from_slice(name);
        Self::packed(u64::from_le_bytes(word))
    }

    /// The element whose name is the word, in any case, zeros behind it.
    #[inline]
    pub fn packed(word: u64) -> Self {
        const HTML: u64 = packed("html");
        const HEAD: u64 = packed("head");
        const BODY: u64 = packed("body");
        const LINK: u64 = packed("link");
        const CANVAS: u64 = packed("canvas");
        const BUTTON: u64 = packed("button");
        const SVG: u64 = packed("svg");
        const BR: u64 = packed("br");
        const H1: u64 = packed("h1");
        const TITLE: u64 = packed("title");
        const TEXTAREA: u64 = packed("textarea");
        const SCRIPT: u64 = packed("script");
        const STYLE: u64 = packed("style");
        const IFRAME: u64 = packed(UNREAD[0]);
        const XMP: u64 = packed(UNREAD[1]);
        const NOEMBED: u64 = packed(UNREAD[2]);
        const NOFRAMES: u64 = packed(UNREAD[3]);
        const NOSCRIPT: u64 = packed(UNREAD[4]);
        match bytes::lowercase(word) {
            HTML => Self::Html,
            HEAD => Self::Head,
            BODY => Self::Body,
            LINK => Self::Link,
            CANVAS => Self::Canvas,
            BUTTON => Self::Button,
            SVG => Self::Svg,
            BR => Self::Br,
            H1 => Self::H1,
            TITLE => Self::Title,
            TEXTAREA => Self::Textarea,
            SCRIPT => Self::Script,
            STYLE => Self::Style,
            IFRAME => Self::Unread(0),
            XMP => Self::Unread(1),
            NOEMBED => Self::Unread(2),
            NOFRAMES => Self::Unread(3),
            NOSCRIPT => Self::Unread(4),
            _ => Self::Other,
        }
    }

    /// How its content is read, where that is not as markup.
    #[inline]
    pub fn content(self) -> Option<Content> {
        match self {
            Self::Title | Self::Textarea => Some(Content::Rcdata),
            Self::Style | Self::Unread(_) => Some(Content::Rawtext),
            Self::Script => Some(Content::Script),
            Self::Plaintext => Some(Content::Plaintext),
            _ => None,
        }
    }

    /// The name that ends its content.
    pub fn end(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Textarea => "textarea",
            Self::Script => "script",
            Self::Style => "style",
            Self::Unread(index) => UNREAD[usize::from(index)],
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_any_case_and_no_other_is_taken_for_it() {
        for (name, element) in [
            ("h1", Element::H1),
            ("H1", Element::H1),
            ("TextArea", Element::Textarea),
            ("NOSCRIPT", Element::Unread(4)),
            ("PlainText", Element::Plaintext),
            ("h\u{11}", Element::Other),
            ("h", Element::Other),
            ("htmlx", Element::Other),
            ("scriptscript", Element::Other),
            ("", Element::Other),
        ] {
            assert_eq!(Element::named(name.as_bytes()), element, "{name}");
        }
    }

    #[test]
    fn what_ends_the_content_of_an_element_is_its_own_name() {
        for name in ["title", "textarea", "script", "style"].into_iter().chain(UNREAD) {
            assert_eq!(Element::named(name.as_bytes()).end(), name);
        }
    }
}
