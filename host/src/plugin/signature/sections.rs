//! A component's top-level sections, by their own lengths: each is a number, a length and that many bytes. Nothing in them is looked into but the
//! names of custom sections, so that a signature can be found, and covered, without trusting anything that it does not cover.

use std::ops::Range;

/// `\0asm`, the version and the layer.
pub const PREAMBLE: usize = 8;

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'b> {
    /// A custom section's name.
    pub name: Option<&'b str>,
    /// What follows the name.
    pub data: &'b [u8],
    /// Where it stands in the file, its head included.
    pub whole: Range<usize>,
}

/// Every section of a file; why not, where they do not fill it exactly.
pub fn all(bytes: &[u8]) -> Result<Vec<Section<'_>>, &'static str> {
    if !bytes.starts_with(b"\0asm") || bytes.len() < PREAMBLE {
        return Err("it does not begin as one");
    }
    let mut sections = Vec::new();
    let mut at = PREAMBLE;
    while at < bytes.len() {
        let start = at;
        let id = bytes[at];
        let (length, after) = number(bytes, at + 1).ok_or("a section has no length")?;
        let end = after.checked_add(length).filter(|end| *end <= bytes.len()).ok_or("its last section is cut short")?;
        let body = &bytes[after..end];
        let (name, data) = match id {
            0 => {
                let (name, data) = named(body).ok_or("a custom section has no name")?;
                (Some(name), data)
            }
            _ => (None, body),
        };
        sections.push(Section { name, data, whole: start..end });
        at = end;
    }
    Ok(sections)
}

/// A custom section as it stands in a file; `None` where it is longer than a section can be.
pub fn custom(name: &str, data: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    push_number(&mut body, u32::try_from(name.len()).ok()?);
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    let mut section = vec![0];
    push_number(&mut section, u32::try_from(body.len()).ok()?);
    section.extend_from_slice(&body);
    Some(section)
}

fn named(body: &[u8]) -> Option<(&str, &[u8])> {
    let (length, after) = number(body, 0)?;
    let end = after.checked_add(length).filter(|end| *end <= body.len())?;
    Some((std::str::from_utf8(&body[after..end]).ok()?, &body[end..]))
}

/// A `u32` in LEB128, and where it ends.
fn number(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(value).ok()?).ok()?, at));
        }
    }
    None
}

fn push_number(out: &mut Vec<u8>, mut value: u32) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
