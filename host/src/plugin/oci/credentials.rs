//! Who we are to a registry: what docker's config.json has for it, else the environment's word. Kept where nothing prints it.

use std::path::PathBuf;

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Who asks.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Anyone.
    Anonymous,
    /// A user.
    Basic {
        /// Their name.
        user: String,
        /// Their password, or a token that stands for one.
        password: SecretString,
    },
}

impl Credentials {
    /// As the client takes them.
    pub(super) fn auth(&self) -> oci_client::secrets::RegistryAuth {
        use oci_client::secrets::RegistryAuth;

        match self {
            Self::Anonymous => RegistryAuth::Anonymous,
            Self::Basic { user, password } => RegistryAuth::Basic(user.clone(), password.expose_secret().to_owned()),
        }
    }
}

/// What docker's config.json has for the registry, else `WTAF_OCI_USER` and `WTAF_OCI_PASSWORD`, which go to every other one a pipeline names, else nobody.
pub fn from_environment(registry: &str) -> Credentials {
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folder = env("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(PathBuf::from(env("HOME")?).join(".docker")));
    let config = folder.and_then(|folder| std::fs::read(folder.join("config.json")).ok());
    if let Some(known) = config.and_then(|config| in_docker_config(&config, registry)) {
        return known;
    }
    match (env("WTAF_OCI_USER"), env("WTAF_OCI_PASSWORD")) {
        (Some(user), Some(password)) => Credentials::Basic { user, password: password.into() },
        _ => Credentials::Anonymous,
    }
}

fn in_docker_config(config: &[u8], registry: &str) -> Option<Credentials> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let auths = config.get("auths")?.as_object()?;
    let registry = if registry == "docker.io" { "index.docker.io" } else { registry };
    // Docker has written both, and paths of its API behind them.
    let host = |key: &str| {
        let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        rest.split('/').next().unwrap_or_default().to_ascii_lowercase()
    };
    let (_, entry) = auths.iter().find(|(key, _)| host(key) == registry)?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (user, password) = match text("auth") {
        Some(auth) => {
            let pair = String::from_utf8(BASE64_STANDARD.decode(auth).ok()?).ok()?;
            let (user, password) = pair.split_once(':')?;
            (user.to_owned(), password.trim_end_matches('\0').to_owned())
        }
        None => (text("username")?.to_owned(), text("password")?.to_owned()),
    };
    Some(Credentials::Basic { user, password: password.into() })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"auths":{"ghcr.io":{"auth":"bWU6c2VjcmV0"}}}"#, "ghcr.io", Some(("me", "secret")))]
    #[case(r#"{"auths":{"https://GHCR.io/v2/":{"username":"me","password":"secret"}}}"#, "ghcr.io", Some(("me", "secret")))]
    #[case(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6c2VjcmV0"}}}"#, "docker.io", Some(("me", "secret")))]
    #[case(r#"{"auths":{"ghcr.io":{"auth":"bWU6c2VjcmV0"}}}"#, "ghcr.io.example", None)]
    #[case(r#"{"auths":{"ghcr.io":{}},"credsStore":"desktop"}"#, "ghcr.io", None)]
    #[case(r#"{"auths":{"ghcr.io":{"auth":"%%"}}}"#, "ghcr.io", None)]
    #[case("[]", "ghcr.io", None)]
    fn docker_s_own_file_is_read(#[case] config: &str, #[case] registry: &str, #[case] who: Option<(&str, &str)>) {
        let found = in_docker_config(config.as_bytes(), registry).map(|found| match found {
            Credentials::Basic { user, password } => (user, password.expose_secret().to_owned()),
            Credentials::Anonymous => panic!("nobody is None"),
        });
        assert_eq!(found, who.map(|(user, password)| (user.to_owned(), password.to_owned())));
    }

    #[test]
    fn a_password_is_not_printed() {
        let who = Credentials::Basic { user: "me".into(), password: "hunter2".to_owned().into() };
        assert!(!format!("{who:?}{:?}", who.auth()).contains("hunter2"));
    }
}
