//! A component's own sections, one after another. What is nested in them is stepped over, never read.

use std::ops::Range;

const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// Bytes that are no component.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBytes {
    #[error("it is a core module, not a component")]
    Module,
    #[error("it is not a WebAssembly component")]
    Other,
    #[error("it is cut short at byte {0}")]
    Cut(usize),
}

/// One section, with its head and without.
struct Section {
    id: u8,
    whole: Range<usize>,
    body: Range<usize>,
}

/// What the custom sections of this name hold.
pub(crate) fn custom<'a>(component: &'a [u8], name: &str) -> Result<Vec<&'a [u8]>, BadBytes> {
    let sections = sections(component)?;
    Ok(sections
        .iter()
        .filter_map(|section| named(component, section))
        .filter(|(own, _)| *own == name.as_bytes())
        .map(|(_, data)| data)
        .collect())
}

/// The component without its custom sections of these names.
pub(crate) fn without(component: &[u8], names: &[&str]) -> Result<Vec<u8>, BadBytes> {
    let mut kept = COMPONENT.to_vec();
    for section in sections(component)? {
        let dropped =
            named(component, &section).is_some_and(|(own, _)| names.iter().any(|name| own == name.as_bytes()));
        if !dropped {
            kept.extend_from_slice(&component[section.whole]);
        }
    }
    Ok(kept)
}

/// Adds a custom section at the end.
pub(crate) fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut body = Vec::with_capacity(data.len() + name.len() + 5);
    write_size(&mut body, name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    component.push(0);
    write_size(component, body.len());
    component.extend_from_slice(&body);
}

fn sections(bytes: &[u8]) -> Result<Vec<Section>, BadBytes> {
    match bytes.get(..8) {
        Some(head) if head == COMPONENT => {}
        Some(head) if head == MODULE => return Err(BadBytes::Module),
        _ => return Err(BadBytes::Other),
    }
    let mut found = Vec::new();
    let mut at = 8;
    while let Some(&id) = bytes.get(at) {
        let (size, start) = read_size(bytes, at + 1).ok_or(BadBytes::Cut(at))?;
        let end = start.checked_add(size).filter(|end| *end <= bytes.len()).ok_or(BadBytes::Cut(at))?;
        found.push(Section { id, whole: at..end, body: start..end });
        at = end;
    }
    Ok(found)
}

/// A custom section's name and data.
fn named<'a>(bytes: &'a [u8], section: &Section) -> Option<(&'a [u8], &'a [u8])> {
    if section.id != 0 {
        return None;
    }
    let body = bytes.get(section.body.clone())?;
    let (length, start) = read_size(body, 0)?;
    body.get(start..)?.split_at_checked(length)
}

/// A size (LEB128, at most 32 bits), and where what follows it begins.
fn read_size(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (number, byte) in bytes.get(at..)?.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * number);
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok().map(|value| (value as usize, at + number + 1));
        }
    }
    None
}

fn write_size(into: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            into.push(byte);
            return;
        }
        into.push(byte | 0x80);
    }
}
