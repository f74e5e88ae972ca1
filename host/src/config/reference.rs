//! `oci://registry/name:tag@sha256:…`: where in a registry a plugin is.
//!
//! A reference is whole: it names its registry, and a tag or a digest or both. Nothing is filled in, so that a pipeline means the same everywhere. With
//! a digest it means the same for ever; a tag alone is a moving name.

use std::{fmt, net::IpAddr, str::FromStr};

/// What every reference begins with.
const SCHEME: &str = "oci://";

/// A plugin in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OciReference {
    registry: String,
    repository: String,
    version: Version,
}

/// Which of a repository's manifests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Version {
    Tag(String),
    /// The tag beside it is for people; the digest decides.
    Digest {
        tag: Option<String>,
        digest: String,
    },
}

impl OciReference {
    /// Host, and port where one is given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The last part of the path: what the plugin is called in logs, and the name it is signed for.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// The tag, where there is one.
    pub fn tag(&self) -> Option<&str> {
        match &self.version {
            Version::Tag(tag) => Some(tag),
            Version::Digest { tag, .. } => tag.as_deref(),
        }
    }

    /// `sha256:…` of the manifest, where it is pinned.
    pub fn digest(&self) -> Option<&str> {
        match &self.version {
            Version::Tag(_) => None,
            Version::Digest { digest, .. } => Some(digest),
        }
    }

    /// Whether what it means may change.
    pub fn moves(&self) -> bool {
        matches!(self.version, Version::Tag(_))
    }

    /// The same, pinned to a manifest.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        let version = Version::Digest { tag: self.tag().map(str::to_owned), digest: digest.to_owned() };
        Self { version, ..self.clone() }
    }

    /// Whether the registry is this machine: only there is it spoken to without TLS.
    pub fn is_local(&self) -> bool {
        let host = host_of(&self.registry);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        if let Some(tag) = self.tag() {
            write!(f, ":{tag}")?;
        }
        self.digest().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReference {
    /// Another scheme, or none.
    #[error("does not begin with `oci://`")]
    Scheme,
    /// `oci://user:password@…`
    #[error(
        "has a user in it; name the registry alone: who signs in is in WTAF_OCI_USER and WTAF_OCI_PASSWORD, or in docker's config.json"
    )]
    User,
    /// `oci://name:tag`
    #[error("names no registry; did you mean \"oci://{0}\" of a registry such as ghcr.io: \"oci://ghcr.io/{0}\"?")]
    NoRegistry(String),
    /// Not a host and a port.
    #[error("names the registry `{0}`, which is no host with or without a port")]
    Registry(String),
    /// Nothing after the registry.
    #[error("names a registry and no plugin in it: oci://{0}/NAME:TAG")]
    NoName(String),
    /// Registries know small letters only.
    #[error("has capitals in its name, and registries have none; did you mean `{0}`?")]
    Capitals(String),
    /// Anything else in the path.
    #[error(
        "has the name `{0}`, and registries take parts of small letters and digits with single `.`, `_` or `-` between them"
    )]
    Name(String),
    /// Too long.
    #[error("has a name longer than 255 characters")]
    Long,
    /// Not a tag.
    #[error(
        "has the tag `{0}`: a tag has letters, digits, `.`, `_` and `-`, at most 128, and begins with neither `.` nor `-`"
    )]
    Tag(String),
    /// Not a digest.
    #[error("has `{0}` after the `@`, where sha256: and 64 hexadecimal digits belong")]
    Digest(String),
    /// Neither.
    #[error("has neither a tag nor a digest; did you mean \"oci://{0}:latest\"? A digest is safer: oci://{0}@sha256:…")]
    NoVersion(String),
}

impl FromStr for OciReference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let rest = text.strip_prefix(SCHEME).ok_or(NotAReference::Scheme)?;
        let (registry, path) = rest.split_once('/').unwrap_or((rest, ""));
        if registry.contains('@') && !registry.contains("@sha256:") {
            return Err(NotAReference::User);
        }
        if path.is_empty() {
            return Err(if is_registry(registry) && registry.contains(['.', '[']) {
                NotAReference::NoName(registry.to_owned())
            } else {
                NotAReference::NoRegistry(rest.trim_end_matches('/').to_owned())
            });
        }
        if !is_registry(registry) {
            return Err(NotAReference::Registry(registry.to_owned()));
        }
        // Without a dot, a port or its being this machine, the first part is a user's name on some registry that is not named.
        if !registry.contains(['.', ':']) && registry != "localhost" {
            return Err(NotAReference::NoRegistry(rest.to_owned()));
        }
        let (path, digest) = path.split_once('@').map_or((path, None), |(path, digest)| (path, Some(digest)));
        let (repository, tag) = path.split_once(':').map_or((path, None), |(path, tag)| (path, Some(tag)));
        check_repository(repository)?;
        let tag = tag.map(tag_of).transpose()?;
        let digest = digest.map(digest_of).transpose()?;
        let version = match (tag, digest) {
            (tag, Some(digest)) => Version::Digest { tag, digest },
            (Some(tag), None) => Version::Tag(tag),
            (None, None) => return Err(NotAReference::NoVersion(format!("{registry}/{repository}"))),
        };
        Ok(Self { registry: registry.to_ascii_lowercase(), repository: repository.to_owned(), version })
    }
}

/// The registry without its port; an IPv6 address without its brackets.
fn host_of(registry: &str) -> &str {
    if let Some(rest) = registry.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    registry.split(':').next().unwrap_or(registry)
}

fn is_registry(text: &str) -> bool {
    let after_host = if text.starts_with('[') {
        match text.split_once(']') {
            Some((_, after)) => after,
            None => return false,
        }
    } else {
        &text[host_of(text).len()..]
    };
    let port = after_host.strip_prefix(':');
    let port_fits = match port {
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0),
        None => after_host.is_empty(),
    };
    port_fits && is_host(text)
}

fn is_host(registry: &str) -> bool {
    let host = host_of(registry);
    if registry.starts_with('[') {
        return host.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        letters && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn check_repository(repository: &str) -> Result<(), NotAReference> {
    if repository.len() > 255 {
        return Err(NotAReference::Long);
    }
    if repository.split('/').all(is_part) {
        return Ok(());
    }
    let small = repository.to_ascii_lowercase();
    Err(if small != repository && small.split('/').all(is_part) {
        NotAReference::Capitals(small)
    } else {
        NotAReference::Name(repository.to_owned())
    })
}

/// Words of small letters and digits, between them one of `.`, `_`, `__` or any number of `-`.
fn is_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut between = part.split(word).filter(|between| !between.is_empty());
    part.starts_with(word)
        && part.ends_with(word)
        && between.all(|between| matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

fn tag_of(text: &str) -> Result<String, NotAReference> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(letter) && !text.starts_with(['.', '-']);
    if fits { Ok(text.to_owned()) } else { Err(NotAReference::Tag(text.to_owned())) }
}

fn digest_of(text: &str) -> Result<String, NotAReference> {
    let fits = text
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if fits { Ok(text.to_ascii_lowercase()) } else { Err(NotAReference::Digest(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn read(text: &str) -> Result<OciReference, NotAReference> {
        text.parse()
    }

    #[test]
    fn a_reference_is_read_to_its_parts() {
        let reference = read(&format!("oci://GHCR.io/acme/wtaf-slug:1.2@{DIGEST}")).expect("it is one");
        assert_eq!((reference.registry(), reference.repository()), ("ghcr.io", "acme/wtaf-slug"));
        assert_eq!((reference.name(), reference.tag()), ("wtaf-slug", Some("1.2")));
        assert_eq!((reference.digest(), reference.moves()), (Some(DIGEST), false));
        assert!(read("oci://localhost/slug:1").expect("it is one").moves());
    }

    #[rstest]
    #[case("oci://localhost/slug:1", true)]
    #[case("oci://127.0.0.9:5000/slug:1", true)]
    #[case("oci://[::1]:5000/slug:1", true)]
    #[case("oci://localhost.example/slug:1", false)]
    #[case("oci://127.0.0.1.example/slug:1", false)]
    #[case("oci://10.0.0.1:5000/slug:1", false)]
    fn only_this_machine_is_spoken_to_without_tls(#[case] text: &str, #[case] local: bool) {
        assert_eq!(read(text).expect("it is one").is_local(), local);
    }

    #[rstest]
    #[case("https://ghcr.io/acme/slug:1", NotAReference::Scheme)]
    #[case("oci://me:secret@ghcr.io/acme/slug:1", NotAReference::User)]
    #[case("oci://slug:1", NotAReference::NoRegistry("slug:1".into()))]
    #[case("oci://acme/slug:1", NotAReference::NoRegistry("acme/slug:1".into()))]
    #[case("oci://ghcr.io", NotAReference::NoName("ghcr.io".into()))]
    #[case("oci://ghcr.io/", NotAReference::NoName("ghcr.io".into()))]
    #[case("oci://ghcr.io:x/acme/slug:1", NotAReference::Registry("ghcr.io:x".into()))]
    #[case("oci://-x.io/acme/slug:1", NotAReference::Registry("-x.io".into()))]
    #[case("oci://ghcr.io/Acme/slug:1", NotAReference::Capitals("acme/slug".into()))]
    #[case("oci://ghcr.io/acme//slug:1", NotAReference::Name("acme//slug".into()))]
    #[case("oci://ghcr.io/../slug:1", NotAReference::Name("../slug".into()))]
    #[case("oci://ghcr.io/acme/slug", NotAReference::NoVersion("ghcr.io/acme/slug".into()))]
    #[case("oci://ghcr.io/acme/slug:", NotAReference::Tag(String::new()))]
    #[case("oci://ghcr.io/acme/slug:a b", NotAReference::Tag("a b".into()))]
    #[case("oci://ghcr.io/acme/slug@sha256:12", NotAReference::Digest("sha256:12".into()))]
    fn what_is_no_reference_is_told_apart(#[case] text: &str, #[case] why: NotAReference) {
        assert_eq!(read(text), Err(why));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_what_it_was(
            registry in "[a-z]{1,8}\\.[a-z]{2,5}(:[1-9][0-9]{0,3})?", name in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", tag in "[a-z0-9_][a-z0-9._-]{0,9}",
            pinned: bool,
        ) {
            let text = format!("oci://{registry}/{name}:{tag}{}", if pinned { format!("@{DIGEST}") } else { String::new() });
            let reference = read(&text).expect("it is one");
            prop_assert_eq!(reference.to_string(), text);
            prop_assert_eq!(read(&reference.pinned(DIGEST).to_string()), Ok(reference.pinned(DIGEST)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(oci://)?\\PC*") {
            let _ = read(&text);
        }
    }
}
