use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8) -> PublicKey {
    key(seed).verifying_key().into()
}

/// A component of a few sections: what is in them is not this module's business.
fn component() -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend_from_slice(&[1, 4, 9, 9, 9, 9]);
    bytes.extend_from_slice(&sections::custom("version", b"1.2.3").unwrap());
    bytes
}

fn release(counter: u64) -> Vec<u8> {
    sign(&component(), "slug", Role::Slug, counter, &key(1)).unwrap()
}

fn checked(bytes: &[u8]) -> Result<Option<Signed>, NotTrusted> {
    check(bytes, Some("slug"), Role::Slug, &[public(2), public(1)], None)
}

#[test]
fn a_release_is_let_in_and_says_whose_it_is() {
    let signed = checked(&release(7)).unwrap().unwrap();
    assert_eq!(signed, Signed { key: public(1).to_string(), counter: 7, name: "slug".into() });
}

#[test]
fn the_real_plugin_is_still_one_when_signed() {
    let slug = wtaf_bundle::embedded("slug").unwrap();
    let signed = sign(slug.bytes, "slug", Role::Slug, 1, &key(1)).unwrap();
    assert_eq!(crate::plugin::about(&signed).unwrap().role, Role::Slug);
    assert!(checked(&signed).unwrap().is_some());
    assert_eq!(unsigned(&signed).unwrap(), slug.bytes);
}

#[test]
fn without_keys_everything_passes() {
    assert_eq!(check(&component(), Some("slug"), Role::Slug, &[], None), Ok(None));
    assert_eq!(check(b"", Some("slug"), Role::Slug, &[], None), Ok(None));
}

#[test]
fn what_is_not_signed_is_refused() {
    assert_eq!(checked(&component()), Err(NotTrusted::Unsigned));
    assert!(matches!(checked(b""), Err(NotTrusted::Malformed(_))));
}

#[test]
fn a_signature_of_someone_else_is_refused() {
    let foreign = sign(&component(), "slug", Role::Slug, 7, &key(3)).unwrap();
    assert_eq!(checked(&foreign), Err(NotTrusted::ForeignKey(public(3).to_string())));
}

#[test]
fn nobody_signs_in_the_name_of_another() {
    let mut statement = split(&sign(&component(), "slug", Role::Slug, 7, &key(3)).unwrap()).unwrap().1;
    statement.key = public(1).to_string();
    let forged = [component(), encode(&statement).unwrap()].concat();
    assert_eq!(checked(&forged), Err(NotTrusted::Altered(public(1).to_string())));
}

#[test]
fn a_release_of_another_plugin_or_role_is_refused() {
    let coach = sign(&component(), "coach", Role::Slug, 7, &key(1)).unwrap();
    assert_eq!(checked(&coach), Err(NotTrusted::OtherName { signed: "coach".into(), here: "slug".into() }));
    assert!(check(&coach, None, Role::Slug, &[public(1)], None).unwrap().is_some(), "a digest fits any name");
    let filter = sign(&component(), "slug", Role::Filter, 7, &key(1)).unwrap();
    assert_eq!(checked(&filter), Err(NotTrusted::OtherRole { signed: "filter".into(), here: "slug" }));
}

#[rstest]
#[case(None, true)]
#[case(Some(6), true)]
#[case(Some(7), true)]
#[case(Some(8), false)]
fn an_older_release_is_refused(#[case] newest: Option<u64>, #[case] passes: bool) {
    let checked = check(&release(7), Some("slug"), Role::Slug, &[public(1)], newest);
    assert_eq!(checked.is_ok(), passes, "{checked:?}");
    assert!(passes || checked == Err(NotTrusted::Older { counter: 7, newest: 8 }));
}

#[test]
fn signing_again_takes_the_place_of_the_first() {
    let again = sign(&release(7), "slug", Role::Slug, 8, &key(1)).unwrap();
    assert_eq!(again, release(8));
    let appended = [release(7), sections::custom("name", b"x").unwrap()].concat();
    assert!(checked(&sign(&appended, "slug", Role::Slug, 8, &key(1)).unwrap()).is_ok());
}

#[test]
fn nothing_stands_behind_the_signature() {
    let section = sections::custom("name", b"x").unwrap();
    assert_eq!(checked(&[release(7), section].concat()), Err(NotTrusted::NotLast));
    assert!(matches!(checked(&[release(7), vec![0]].concat()), Err(NotTrusted::Malformed(_))));
}

#[test]
fn there_is_one_signature() {
    let second = release(8)[component().len()..].to_vec();
    assert_eq!(checked(&[release(7), second].concat()), Err(NotTrusted::Several(2)));
}

#[test]
fn the_same_words_written_otherwise_are_no_signature() {
    let (_, statement) = split(&release(7)).map(|(body, statement)| (body.to_vec(), statement)).unwrap();
    let spaced = serde_json::to_vec_pretty(&statement).unwrap();
    let bytes = [component(), sections::custom(SECTION, &spaced).unwrap()].concat();
    assert!(matches!(checked(&bytes), Err(NotTrusted::Garbled(_))));
    // A length with a zero of its own at the end.
    let canonical = sections::custom(SECTION, &serde_json::to_vec(&statement).unwrap()).unwrap();
    let (length, rest) = canonical[1..].split_at(2);
    let padded = [component(), vec![0, length[0], length[1] | 0x80, 0], rest.to_vec()].concat();
    assert!(matches!(checked(&padded), Err(NotTrusted::Garbled(_))), "{:?}", checked(&padded));
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = release(7);
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(checked(&bytes).is_err(), "bit {bit} of {}", good.len() * 8);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(head in prop::bool::ANY, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = if head { [b"\0asm\x0d\0\x01\0".to_vec(), bytes].concat() } else { bytes };
        prop_assert!(checked(&bytes).is_err());
        let _ = sign(&bytes, "slug", Role::Slug, 1, &key(1));
    }

    #[test]
    fn a_hostile_section_never_makes_it_panic(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [component(), sections::custom(SECTION, &data).unwrap()].concat();
        prop_assert!(checked(&bytes).is_err());
    }

    #[test]
    fn what_is_signed_passes_and_what_is_changed_does_not(
        body in prop::collection::vec(any::<u8>(), 0..300), counter: u64, at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let bytes = [component(), sections::custom("x", &body).unwrap()].concat();
        let mut signed = sign(&bytes, "slug", Role::Slug, counter, &key(1)).unwrap();
        prop_assert_eq!(checked(&signed).unwrap().unwrap().counter, counter);
        let at = at.index(signed.len());
        signed[at] ^= 1 << bit;
        prop_assert!(checked(&signed).is_err());
    }
}
