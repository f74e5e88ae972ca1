//! Kinds made of one line of text: addresses, URLs, names, secrets, paths.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::bad_value;
use crate::{
    config::{
        document::Node,
        fault::{Code, Found},
        grant::{Grant, UnknownGrant},
        model::{PluginHome, PluginSource, StoreUrl},
        reference::NotAReference,
        trust::{NotAKey, PublicKey},
        walk::{Kind, Shape, Walk},
    },
    job::Phone,
};

/// Text of a certain form.
pub struct Line<T: 'static> {
    wants: &'static str,
    /// Reads it, or says why not, without repeating it. The path is the folder relative paths start from.
    parse: fn(&Path, &str) -> Result<T, String>,
    /// Whether it may hold a secret: then no message shows it.
    secret: bool,
    /// For editors.
    example: Option<&'static str>,
}

impl<T: 'static> Kind for Line<T> {
    type Out = T;

    fn wants(&self) -> String {
        self.wants.to_owned()
    }

    fn schema(&self) -> Value {
        match self.example {
            Some(example) => json!({ "type": "string", "examples": [example] }),
            None => json!({ "type": "string" }),
        }
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<T> {
        if self.secret {
            walk.hide(node.at);
        }
        let given = walk.text(node, path, self.wants)?;
        match (self.parse)(walk.base(), &given.text) {
            Ok(value) => Some(value),
            Err(why) if self.secret || holds_password(&given.text) => {
                walk.hide(node.at);
                let message = format!("`{path}` {why}");
                walk.push(Found::new(Code::BadValue, node.at, message).help(format!("it takes {}", self.wants)));
                None
            }
            Err(why) => bad_value(walk, node, path, &given.shown, &why, self.wants),
        }
    }
}

/// Whether something that ought to be a URL has a user and password before its host.
fn holds_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// Any text.
pub const TEXT: Line<String> =
    Line { wants: "text", parse: |_, text| Ok(text.to_owned()), secret: false, example: None };

/// A name for logs, metrics and `--set`.
pub const NAME: Line<String> = Line {
    wants: "a name of letters, digits, `-` and `_`, at most 64",
    parse: |_, text| name(text),
    secret: false,
    example: None,
};
/// What a plugin is granted.
pub const GRANTED: Line<Grant> = Line {
    wants: "\"clock\" (the true time), \"chance\" (true randomness) or \"env:NAME\" (that variable)",
    parse: |_, text| text.parse().map_err(|unknown: UnknownGrant| unknown.to_string()),
    secret: false,
    example: None,
};

/// An address and a port.
pub const ADDRESS: Line<SocketAddr> = Line {
    wants: "an address and a port such as \"127.0.0.1:3030\"",
    parse: |_, text| address(text),
    secret: false,
    example: Some("127.0.0.1:3030"),
};

/// Where something is served; paths are appended to it.
pub const BASE_URL: Line<Url> = Line {
    wants: "an absolute http or https URL without query, such as \"https://wtaf.example\"",
    parse: |_, text| base_url(text),
    secret: false,
    example: Some("https://wtaf.example"),
};

/// Scheme, host and port.
pub const ORIGIN: Line<String> = Line {
    wants: "an origin such as \"https://app.example\"",
    parse: |_, text| origin(text),
    secret: false,
    example: Some("https://app.example"),
};

/// An address or network.
pub const PROXY: Line<String> = Line {
    wants: "an address or a network such as \"10.0.0.0/8\"",
    parse: |_, text| proxy(text),
    secret: false,
    example: Some("10.0.0.0/8"),
};

/// A key, a token.
pub const SECRET: Line<SecretString> = Line {
    wants: "a secret, best as a variable: \"${NAME:-}\"",
    parse: |_, text| secret(text),
    secret: true,
    example: None,
};

/// A folder; relative to the file.
pub const FOLDER: Line<PathBuf> = Line {
    wants: "a folder, relative to the file or absolute",
    parse: |base, text| Ok(base.join(text)),
    secret: false,
    example: None,
};

/// A file that is read at the start.
pub const FILE: Line<PathBuf> = Line { wants: "a file, relative to this one or absolute", ..FOLDER };

/// Which database.
pub const STORE: Line<StoreUrl> = Line {
    wants: "\"sqlite://FILE\" or \"postgres://…\"",
    parse: store,
    secret: true,
    example: Some("sqlite://data/wtaf.db"),
};

/// Where to listen.
pub const LISTEN: Line<SecretString> = Line {
    wants: "\"postgres://…\", direct or through a session pooler",
    parse: |base, text| match store(base, text)? {
        StoreUrl::Postgres(url) => Ok(url),
        StoreUrl::Sqlite(_) => Err("is no PostgreSQL, and nothing else tells".to_owned()),
    },
    secret: true,
    example: None,
};

/// One or several NATS servers.
pub const NATS: Line<SecretString> = Line {
    wants: "a NATS URL such as \"nats://127.0.0.1:4222\", several separated by commas",
    parse: |_, text| nats(text),
    secret: true,
    example: Some("nats://127.0.0.1:4222"),
};

/// A number or messaging service that texts come from.
pub const SENDER: Line<String> = Line {
    wants: "a number such as \"+15550001111\", or a messaging service's id (MG…)",
    parse: |_, text| sender(text),
    secret: false,
    example: Some("+15550001111"),
};

/// Someone's number.
pub const NUMBER: Line<Phone> = Line {
    wants: "a number such as \"+15550001111\"",
    parse: |_, text| text.parse().map_err(|_| "is no number with its country's code".to_owned()),
    secret: false,
    example: Some("+15550001111"),
};

/// A Twilio account.
pub const SID: Line<String> = Line {
    wants: "the account's id, which begins with AC",
    parse: |_, text| {
        let fits = text.starts_with("AC") && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(text.to_owned()) } else { Err("is no account id".to_owned()) }
    },
    secret: false,
    example: None,
};

/// Who may sign plugins.
pub const KEY: Line<PublicKey> = Line {
    wants: "a public key as `wtaf-host plugin keygen` prints it, \"ed25519:…\"",
    parse: |_, text| text.parse().map_err(|why: NotAKey| why.to_string()),
    // A secret key written here by mistake must not go into a log.
    secret: true,
    example: None,
};

/// A plugin: by name, path, digest or reference.
pub const PLUGIN: Line<PluginSource> = Line {
    wants: "a plugin's name (\"coach\"), a path (\"./my.wasm\"), a digest (\"sha256:…\") or a reference (\"oci://registry/name:tag\")",
    parse: plugin,
    secret: false,
    example: Some("coach"),
};

/// Where plugins are at home.
pub const HOME: Line<PluginHome> = Line {
    wants: "a folder, or a bucket on the NATS servers such as \"nats://plugins\"",
    parse: home,
    secret: false,
    example: Some("nats://plugins"),
};

/// What our own streams and buckets are called behind the prefix.
const TAKEN: [&str; 6] = ["dead", "generations", "jobs", "nodes", "seen", "work"];

fn home(base: &Path, text: &str) -> Result<PluginHome, String> {
    match text.split_once("://") {
        Some(("nats", "")) => Err("names no bucket".to_owned()),
        // The servers are those of the queue: what stands here is a name, and no address.
        Some(("nats", bucket)) => {
            if TAKEN.contains(&bucket) {
                return Err(format!("names a bucket the engine has a use of its own for, as for {}", TAKEN.join(", ")));
            }
            name(bucket).map(PluginHome::Bucket).map_err(|why| format!("names a bucket that {why}"))
        }
        Some(_) => Err("is neither a folder nor nats://BUCKET".to_owned()),
        None => Ok(PluginHome::Folder(base.join(text))),
    }
}

fn name(text: &str) -> Result<String, String> {
    if text.len() > 64 {
        return Err("is too long".to_owned());
    }
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')) {
        Some(odd) => Err(format!("has `{}` in it", odd.escape_debug())),
        None => Ok(text.to_owned()),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err("has no port".to_owned());
    }
    match text.rsplit_once(':') {
        Some(("localhost", port)) => Err(format!("has a name for an address; write 127.0.0.1:{}", digits(port))),
        Some(("", port)) => Err(format!("has no address; write 0.0.0.0:{} for every one", digits(port))),
        _ => Err("is not that".to_owned()),
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(5).collect()
}

fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => "has no http:// or https:// before it".to_owned(),
        other => format!("is no URL ({other})"),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is neither http nor https".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or fragment".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or password in it".to_owned());
    }
    Ok(url)
}

fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("would let every site in; name each".to_owned());
    }
    let url = base_url(text)?;
    if url.path() == "/" { Ok(url.origin().ascii_serialization()) } else { Err("has a path".to_owned()) }
}

fn proxy(text: &str) -> Result<String, String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| "is no IP address".to_owned())?;
    let most = if address.is_ipv4() { 32u8 } else { 128 };
    match bits.map(str::parse::<u8>) {
        None => Ok(text.to_owned()),
        Some(Ok(bits)) if bits <= most => Ok(text.to_owned()),
        Some(_) => Err(format!("has no number from 0 to {most} after the slash")),
    }
}

fn secret(text: &str) -> Result<SecretString, String> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has a space or line break in it, which no header can carry".to_owned());
    }
    Ok(SecretString::from(text.to_owned()))
}

fn store(base: &Path, text: &str) -> Result<StoreUrl, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let url = Url::parse(text).map_err(|error| format!("is no URL ({error}); is the password percent-encoded?"))?;
        let has_host = url.host_str().is_some_and(|host| !host.is_empty()) || url.query().is_some();
        return if has_host { server(base, url) } else { Err("has no host".into()) };
    }
    let Some(file) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) else {
        return Err("begins with neither sqlite:// nor postgres://".to_owned());
    };
    match file {
        "" => Err("names no file".to_owned()),
        ":memory:" => Err("forgets everything at the end; name a file".to_owned()),
        _ if file.contains('?') => Err("takes no options after the file's name".to_owned()),
        _ => Ok(StoreUrl::Sqlite(base.join(file))),
    }
}

/// A PostgreSQL server's URL, its files found from the folder of pipeline.toml.
fn server(base: &Path, mut url: Url) -> Result<StoreUrl, String> {
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    let mut asked: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (key, value) in &mut asked {
        match key.as_str() {
            "sslmode" | "ssl-mode" if !MODES.contains(&value.as_str()) => {
                return Err(format!("has an sslmode that is none of {}", MODES.join(", ")));
            }
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" | "sslcert" | "ssl-cert" | "sslkey" | "ssl-key" => {
                *value = base.join(&*value).display().to_string();
            }
            _ => {}
        }
    }
    if !asked.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(&asked);
    }
    Ok(StoreUrl::Postgres(SecretString::from(String::from(url))))
}

fn nats(text: &str) -> Result<SecretString, String> {
    for server in text.split(',') {
        let url = Url::parse(server.trim()).map_err(|_| "is no URL".to_owned())?;
        if !matches!(url.scheme(), "nats" | "tls" | "ws" | "wss") {
            return Err("begins with none of nats://, tls://, ws://, wss://".to_owned());
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("has no host".to_owned());
        }
    }
    Ok(text.into())
}

fn sender(text: &str) -> Result<String, String> {
    let service = text.starts_with("MG") && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if service || text.parse::<Phone>().is_ok() {
        return Ok(text.to_owned());
    }
    let tidy: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    Err(if tidy.parse::<Phone>().is_ok() {
        "has spaces or marks in it: a plus sign and digits only".to_owned()
    } else if format!("+{tidy}").parse::<Phone>().is_ok() {
        "has no plus sign and country before it".to_owned()
    } else {
        "is neither".to_owned()
    })
}

fn plugin(base: &Path, text: &str) -> Result<PluginSource, String> {
    if let Some(digest) = text.strip_prefix("sha256:") {
        let fits = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if fits {
            Ok(PluginSource::Digest(text.to_ascii_lowercase()))
        } else {
            Err("has no 64 hexadecimal digits after `sha256:`".to_owned())
        };
    }
    if text.starts_with("oci:") {
        return text.parse().map(PluginSource::Oci).map_err(|why: NotAReference| why.to_string());
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let scheme: String = scheme.chars().filter(char::is_ascii_alphanumeric).collect();
        return Err(format!("is not fetched by {scheme}; of a registry did you mean \"oci://{rest}\"?"));
    }
    let is_path = text.contains(['/', '\\']) || Path::new(text).extension().is_some_and(|end| end == "wasm");
    if is_path { Ok(PluginSource::Path(base.join(text))) } else { name(text).map(PluginSource::Named) }
}
