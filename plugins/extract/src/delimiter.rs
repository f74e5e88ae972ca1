//! Whose page comes next, when an answer holds two.
//!
//! The delimiter is a line of its own, outside any document: `<!-- wtaf:page everyone -->` or `<!-- wtaf:page owner -->`. The older style,
//! which models trained on the service's past still write, is taken too: a decorated line such as `--- ADMIN PAGE ---`,
//! `<!-- ADMIN -->` or `=== OWNER PAGE ===`. Without decoration, words are only words.

/// Who a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The public page.
    Everyone,
    /// The view of the collected data.
    Owner,
}

impl Audience {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Owner => "owner",
        }
    }
}

/// The audience that `line` announces.
pub fn line(line: &str) -> Option<Audience> {
    let line = line.trim();
    if line.len() > 80 {
        return None;
    }
    if let Some(comment) = line.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) {
        return comment_says(comment).or_else(|| words_say(comment));
    }
    let inner = line.trim_matches(|c: char| "-=#*_~:[]<> ".contains(c));
    let decoration = line.len() - inner.len();
    let heading = line.starts_with("##") || line.starts_with("**");
    if decoration >= 4 || heading { words_say(inner) } else { None }
}

/// The audience that a comment's content announces in the service's own form.
pub fn comment_says(comment: &str) -> Option<Audience> {
    let mut words = comment.split_whitespace();
    let (Some(head), Some(who), None) = (words.next(), words.next(), words.next()) else { return None };
    if !head.eq_ignore_ascii_case("wtaf:page") {
        return None;
    }
    audience(&who.to_ascii_lowercase())
}

fn words_say(inner: &str) -> Option<Audience> {
    let words = inner.trim_matches(|c: char| "-=#*_~:[]<>! ".contains(c)).to_ascii_lowercase();
    let words = words.replace(['_', '-'], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let [who, rest @ ..] = words.as_slice() else { return None };
    let filler = ["page", "html", "dashboard", "view", "delimiter", "section", "starts", "start", "begins", "here"];
    if rest.len() > 3 || !rest.iter().all(|word| filler.contains(word)) {
        return None;
    }
    audience(who)
}

fn audience(who: &str) -> Option<Audience> {
    match who {
        "everyone" | "public" | "visitors" => Some(Audience::Everyone),
        "owner" | "admin" | "owner's" | "administrator" => Some(Audience::Owner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_are_read_and_plain_words_are_not() {
        for (text, want) in [
            ("<!-- wtaf:page owner -->", Some(Audience::Owner)),
            ("  <!--wtaf:page everyone-->\r", Some(Audience::Everyone)),
            ("--- ADMIN PAGE ---", Some(Audience::Owner)),
            ("<!-- ADMIN -->", Some(Audience::Owner)),
            ("<!-- ADMIN_PAGE_DELIMITER -->", Some(Audience::Owner)),
            ("=== Public Page ===", Some(Audience::Everyone)),
            ("## Owner's page", Some(Audience::Owner)),
            ("**Admin dashboard:**", Some(Audience::Owner)),
            ("admin page", None),
            ("- admin", None),
            ("<!-- admin can edit this -->", None),
            ("---", None),
            ("", None),
        ] {
            assert_eq!(line(text), want, "{text}");
        }
    }
}
