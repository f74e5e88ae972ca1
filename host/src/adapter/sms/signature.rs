//! `X-Twilio-Signature`: proof that a request is the carrier's, and that not a letter of it was changed.
//!
//! Signed are the address the carrier called, as configured there, and every parameter, known or not. So the address comes from `server.public_url`, never from
//! the request's own Host, and the parameters must be all of them, blanks kept, as decoded from the form.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use url::Url;

/// Whether a form post is signed with one of the tokens. `path_and_query` is the request's own, beginning with `/`, not decoded. A GET has an empty form.
pub fn check(
    public_url: &Url,
    path_and_query: &str,
    form: &[(String, String)],
    signature: &str,
    tokens: &[SecretString],
) -> bool {
    let parameters = parameters(form);
    let mut valid = Choice::from(0);
    // Every candidate is computed and compared in full: the time tells nothing about which was near.
    for address in addresses(public_url, path_and_query) {
        for token in tokens {
            valid |= mac(&address, &parameters, token.expose_secret()).as_bytes().ct_eq(signature.as_bytes());
        }
    }
    valid.into()
}

/// The same for a JSON body: the query carries `bodySHA256`, the address alone is signed.
pub fn check_json(
    public_url: &Url,
    path_and_query: &str,
    body: &[u8],
    signature: &str,
    tokens: &[SecretString],
) -> bool {
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    let claimed = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    let Some((_, claimed)) = claimed else { return false };
    let is_its = hex::encode(Sha256::digest(body)).as_bytes().ct_eq(claimed.to_ascii_lowercase().as_bytes());
    bool::from(is_its) && check(public_url, path_and_query, &[], signature, tokens)
}

/// The signature of a form post to an address, as the carrier makes it.
pub fn sign(address: &str, form: &[(String, String)], token: &SecretString) -> String {
    mac(address, &parameters(form), token.expose_secret())
}

fn mac(address: &str, parameters: &str, token: &str) -> String {
    // A key of any length will do for an HMAC.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(address.as_bytes());
    mac.update(parameters.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// Names in the order of their bytes, each with its value and nothing between; of a repeated name the distinct values, in order.
fn parameters(form: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = form.iter().collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect()
}

/// The addresses the carrier may have signed: it is not consistent about the port, so both with one (the default where none is named) and without are good. Where
/// `public_url` has a path, a proxy may or may not have taken it off.
fn addresses(public_url: &Url, path_and_query: &str) -> Vec<String> {
    let prefix = public_url.path().trim_end_matches('/');
    let mut paths = vec![format!("{prefix}{path_and_query}")];
    if !prefix.is_empty() && path_and_query.starts_with(&format!("{prefix}/")) {
        paths.push(path_and_query.to_owned());
    }
    let mut origins = vec![origin(public_url, None)];
    origins.extend(public_url.port_or_known_default().map(|port| origin(public_url, Some(port))));
    origins.iter().flat_map(|origin| paths.iter().map(move |path| format!("{origin}{path}"))).collect()
}

/// Scheme, user, host (in small letters: `Url` sees to it), port.
fn origin(url: &Url, port: Option<u16>) -> String {
    let user = match (url.username(), url.password()) {
        ("", None) => String::new(),
        (user, None) => format!("{user}@"),
        (user, Some(password)) => format!("{user}:{password}@"),
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn tokens(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|token| SecretString::from(*token)).collect()
    }

    fn pairs(form: &[(&str, &str)]) -> Vec<(String, String)> {
        form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn call() -> Vec<(String, String)> {
        pairs(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ])
    }

    fn text() -> Vec<(String, String)> {
        pairs(&[
            ("ToCountry", "US"),
            ("SmsMessageSid", "SM1"),
            ("NumMedia", "0"),
            ("Body", "make a snake game 🐍 & café"),
            ("From", "+15558675310"),
            ("To", "+15005550006"),
            ("MessageSid", "SM1"),
            ("AccountSid", "ACx"),
            ("ApiVersion", "2010-04-01"),
            ("FromCity", ""),
        ])
    }

    const CALLED: &str = "/myapp.php?foo=1&bar=2";

    fn good(base: &str, path: &str, form: &[(String, String)], signature: &str) -> bool {
        check(&base.parse().unwrap(), path, form, signature, &tokens(&["12345"]))
    }

    #[rstest]
    #[case::base("https://mycompany.com", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")]
    #[case::the_port_was_left_out("https://mycompany.com:1234", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")]
    #[case::the_port_was_signed("http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=")]
    #[case::the_default_port_was_signed("https://mycompany.com", "kvajT1Ptam85bY51eRf/AJRuM3w=")]
    #[case::the_default_port_was_signed("http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4=")]
    #[case::capitals_in_the_host("https://MyCompany.COM", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")]
    fn the_published_vectors_hold(#[case] base: &str, #[case] signature: &str) {
        assert!(good(base, CALLED, &call(), signature));
    }

    #[rstest]
    #[case("https://host.example", "/sms/webhook", "1X1RnV5Q7nDtDzgLYeWlA5wR13Y=")]
    #[case("http://host.example:3030", "/sms/webhook", "5ShOCxlNnQgRuKBPrZcv8G1om9k=")]
    #[case("https://user:pw@host.example", "/sms/webhook", "iDYFsbIMdFCg6O1On//w8BAFu4g=")]
    #[case("https://host.example", "/sms/webhook?a=%27x", "hisrIoPRGeKRLhqwiYHOCDeThFg=")]
    fn the_official_libraries_vectors_hold(#[case] base: &str, #[case] path: &str, #[case] signature: &str) {
        assert!(good(base, path, &text(), signature));
    }

    #[test]
    fn a_repeated_name_counts_once_for_each_value() {
        let form = pairs(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert!(good("https://mycompany.com", CALLED, &form, "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
    }

    #[test]
    fn a_json_body_is_signed_by_its_digest() {
        let path = format!("{CALLED}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
        let base = "https://mycompany.com".parse().unwrap();
        let signature = "a9nBmqA0ju/hNViExpshrM61xv4=";
        let holds = |body: &str| check_json(&base, &path, body.as_bytes(), signature, &tokens(&["12345"]));
        assert!(holds(r#"{"property": "value", "boolean": true}"#));
        assert!(!holds(r#"{"property": "value", "boolean": false}"#));
        assert!(!check_json(&base, CALLED, b"{}", signature, &tokens(&["12345"])));
    }

    #[test]
    fn any_of_several_tokens_is_good_while_they_are_changed() {
        let base = "https://mycompany.com".parse().unwrap();
        let signed = |all: &[&str]| check(&base, CALLED, &call(), "RSOYDt4T1cUTdK1PDd93/VVr8B8=", &tokens(all));
        assert!(signed(&["new", "12345"]) && signed(&["12345", "new"]));
        assert!(!signed(&["new"]) && !signed(&[]));
    }

    #[test]
    fn a_path_in_the_public_url_is_part_of_what_is_signed() {
        let token = SecretString::from("12345");
        let signature = sign("https://host.example/wtaf/sms/webhook", &text(), &token);
        let base = "https://host.example/wtaf/";
        assert!(good(base, "/sms/webhook", &text(), &signature), "the proxy took the prefix off");
        assert!(good(base, "/wtaf/sms/webhook", &text(), &signature), "the proxy left it");
        assert!(!good("https://host.example", "/sms/webhook", &text(), &signature));
    }

    #[test]
    fn a_changed_letter_is_seen_wherever_it_is() {
        let signature = "1X1RnV5Q7nDtDzgLYeWlA5wR13Y=";
        let base = "https://host.example";
        assert!(!good("http://host.example", "/sms/webhook", &text(), signature));
        assert!(!good(base, "/sms/webhook/", &text(), signature));
        assert!(!good(base, "/sms/webhook", &text()[1..], signature));
        for bad in ["", "1X1RnV5Q7nDtDzgLYeWlA5wR13Y", "1x1RnV5Q7nDtDzgLYeWlA5wR13Y=", "é"] {
            assert!(!good(base, "/sms/webhook", &text(), bad), "{bad}");
        }
        for at in 0..text().len() {
            let mut form = text();
            form[at].1.push('x');
            assert!(!good(base, "/sms/webhook", &form, signature), "{}", form[at].0);
        }
    }
}
