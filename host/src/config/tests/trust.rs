//! Who may sign, and plugins in registries.

use rstest::rstest;

use super::*;

const KEY: &str = "ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";

#[test]
fn keys_and_references_are_read() {
    let keys = format!("plugins.keys=[\"{KEY}\"]");
    let set = [keys.as_str(), "plugins.refresh=5m", "stage.slug.plugin=oci://localhost:5000/acme/slug:1"];
    // The known plugin of a reference is a filter.
    let set = [set[0], set[1], set[2], "stage.slug.on=page", "stage.slug.name=extra"];
    let faults = Case { set: &set, ..shipped() }.messages();
    assert!(faults.iter().all(|fault| !fault.contains("plugins") && !fault.contains("oci")), "{faults:?}");

    let checked = Case { set: &set[..2], ..shipped() }.good();
    assert_eq!(checked.plugins.keys.iter().map(ToString::to_string).collect::<Vec<_>>(), [KEY]);
    assert_eq!(checked.plugins.refresh, Some(std::time::Duration::from_mins(5)));
    assert_eq!(shipped().good().plugins.refresh, None);
}

#[test]
fn a_bad_key_is_pointed_at_and_not_repeated() {
    let text = SHIPPED.replace("[plugins]", "[plugins]\nkeys = [\"ed25519:AAAA\", \"ed25519-secret:c2VjcmV0\"]");
    let faults = Case { text: &text, ..Case::default() }.faults();
    let told = faults.render(false);
    let line = text.lines().position(|line| line.starts_with("keys =")).unwrap() + 1;
    assert!(told.contains(&format!("pipeline.toml:{line}:9: `plugins.keys.0` has 3 bytes")), "{told}");
    assert!(told.contains(&format!("pipeline.toml:{line}:25: `plugins.keys.1` is a secret key")), "{told}");
    assert!(told.contains('^') && !told.contains("c2VjcmV0"), "{told}");
}

#[rstest]
#[case("oci://acme/slug:1", "did you mean \"oci://acme/slug:1\" of a registry such as ghcr.io")]
#[case("https://ghcr.io/acme/slug:1", "did you mean \"oci://ghcr.io/acme/slug:1\"?")]
#[case("oci://ghcr.io/acme/slug", "did you mean \"oci://ghcr.io/acme/slug:latest\"?")]
#[case("oci:ghcr.io/acme/slug:1", "does not begin with `oci://`")]
fn a_bad_reference_is_told_with_what_was_meant(#[case] text: &str, #[case] told: &str) {
    let set = format!("stage.slug.plugin={text}");
    let faults = Case { set: &[&set], ..shipped() }.messages();
    assert!(faults.iter().any(|fault| fault.contains(told)), "{faults:?}");
}

#[test]
fn a_password_in_a_reference_is_not_repeated() {
    let text = SHIPPED.replace("plugin = \"slug\"", "plugin = \"oci://me:hunter2@ghcr.io/acme/slug:1\"");
    let told = Case { text: &text, ..Case::default() }.faults().render(false);
    assert!(told.contains("WTAF_OCI_PASSWORD") && !told.contains("hunter2"), "{told}");
}
