//! Words that no person may have as a slug: the first part of every address the engine serves, or may come to serve.

/// Every first path segment that is the engine's own. Whoever joins or renames is given none of these.
pub const RESERVED: &[&str] = &[
    "about",
    "abuse",
    "account",
    "admin",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "billing",
    "blog",
    "chat",
    "coach",
    "coaches",
    "config",
    "console",
    "contact",
    "dashboard",
    "data",
    "demo",
    "dev",
    "doc",
    "docs",
    "events",
    "favicon.ico",
    "feed",
    "files",
    "gallery",
    "health",
    "healthz",
    "help",
    "home",
    "hook",
    "hooks",
    "host",
    "index",
    "jobs",
    "legal",
    "live",
    "livez",
    "login",
    "logout",
    "look",
    "mail",
    "me",
    "media",
    "metrics",
    "new",
    "none",
    "null",
    "oauth",
    "og",
    "openapi",
    "operator",
    "owner",
    "page",
    "pages",
    "phone",
    "plugin",
    "plugins",
    "privacy",
    "public",
    "queue",
    "ready",
    "readyz",
    "register",
    "report",
    "robots.txt",
    "root",
    "search",
    "security",
    "session",
    "settings",
    "sign-in",
    "signin",
    "signup",
    "sitemap.xml",
    "sms",
    "start",
    "static",
    "status",
    "stop",
    "support",
    "system",
    "terms",
    "trending",
    "undefined",
    "user",
    "users",
    "well-known",
    "wtaf",
    "www",
];

/// Whether a slug is one of them, whatever its case; what begins with a dot or an underscore is ours too.
pub fn is_reserved(slug: &str) -> bool {
    slug.starts_with(['.', '_']) || RESERVED.contains(&slug.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_were_once_claimable_are_not() {
        for word in ["api", "admin", "console", "chat", "phone", "sms", "public", "API", ".well-known", "_next"] {
            assert!(is_reserved(word), "{word}");
        }
        assert!(!is_reserved("brave-otter"));
    }

    #[test]
    fn the_list_is_sorted_and_has_no_word_twice() {
        assert!(RESERVED.is_sorted());
        let once: std::collections::BTreeSet<_> = RESERVED.iter().collect();
        assert_eq!(once.len(), RESERVED.len());
    }
}
