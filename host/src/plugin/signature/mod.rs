//! Signed releases: who made a plugin, for which name and role, and that it is no older than the last.
//!
//! A signed component ends with the custom section `wtaf:signature`: the signer's public key, a rising counter, the name and the role it is for, and an
//! ed25519 signature over these and the SHA-256 of every byte before the section. The section's own bytes are fixed by what it says, so that there is
//! one signed file for a signature: any changed bit is refused. Whether a pipeline asks for signatures is its `plugins.keys`; which counter was the last
//! is in [`Newest`]; [`Trust`] is the two together.

mod newest;
mod sections;
mod trust;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::sections::Section;
pub use self::{
    newest::{Newest, NewestError},
    trust::Trust,
};
use crate::config::{PublicKey, Role};

/// The section's name.
pub const SECTION: &str = "wtaf:signature";

/// What every signed statement begins with: a signature made for anything else is none here.
const DOMAIN: &[u8] = b"wtaf-host plugin release, version 1\n";

/// More than the section can need.
const MOST: usize = 4096;

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who signed, as in `plugins.keys`.
    pub key: String,
    /// Which release: higher is newer.
    pub counter: u64,
    /// The plugin's name.
    pub name: String,
}

/// Why a component is not let in where signatures are asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTrusted {
    /// No signature.
    #[error("it is not signed, and plugins.keys lets only signed plugins in: sign it with `wtaf-host plugin sign`")]
    Unsigned,
    /// Not made of sections.
    #[error("it is not a whole WebAssembly file: {0}")]
    Malformed(&'static str),
    /// More than one signature.
    #[error("it has {0} signatures, and a release has one")]
    Several(usize),
    /// Something was added behind the signature.
    #[error("something stands behind its signature, which covers only what stands before it")]
    NotLast,
    /// The section is not what `sign` writes.
    #[error("its signature is not as `wtaf-host plugin sign` writes it: {0}")]
    Garbled(String),
    /// Signed by someone else.
    #[error("it is signed by {0}, who is not in plugins.keys")]
    ForeignKey(String),
    /// The bytes are not those that were signed.
    #[error("it is not what {0} signed: the file was changed after it was signed")]
    Altered(String),
    /// A release of another plugin.
    #[error("it is signed as the plugin {signed}, and stands here as {here}")]
    OtherName {
        /// Whose release it is.
        signed: String,
        /// Where it was found.
        here: String,
    },
    /// A release for another role.
    #[error("it is signed as a {signed} plugin, and is asked for as a {here} plugin")]
    OtherRole {
        /// What it was signed as.
        signed: String,
        /// What it is to be.
        here: &'static str,
    },
    /// Replaced by a newer one.
    #[error(
        "it is release {counter}, and {newest} was let in before: an older release may have faults that were mended since"
    )]
    Older {
        /// Its counter.
        counter: u64,
        /// The last one's.
        newest: u64,
    },
}

/// What the section says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    name: String,
    role: String,
    counter: u64,
    key: String,
    signature: String,
}

/// Checks a component's signature against a pipeline's keys; without keys everything passes.
///
/// `name` is what the plugin is called where it was found; `None` where it was named by its digest, which fits whatever it is called. `newest` is the
/// highest counter that was let in under the signed name so far: the same again passes, a lower one does not.
pub fn check(
    bytes: &[u8],
    name: Option<&str>,
    role: Role,
    keys: &[PublicKey],
    newest: Option<u64>,
) -> Result<Option<Signed>, NotTrusted> {
    if keys.is_empty() {
        return Ok(None);
    }
    let (body, statement) = split(bytes)?;
    let Statement { key, counter, .. } = &statement;
    let Some(signer) = keys.iter().find(|known| known.to_string() == *key) else {
        return Err(NotTrusted::ForeignKey(key.clone()));
    };
    if !holds(body, &statement, signer.verifying())? {
        return Err(NotTrusted::Altered(key.clone()));
    }
    if let Some(here) = name.filter(|here| *here != statement.name) {
        return Err(NotTrusted::OtherName { signed: statement.name, here: here.to_owned() });
    }
    if statement.role != role.as_str() {
        return Err(NotTrusted::OtherRole { signed: statement.role, here: role.as_str() });
    }
    match newest {
        Some(newest) if *counter < newest => Err(NotTrusted::Older { counter: *counter, newest }),
        _ => Ok(Some(Signed { key: key.clone(), counter: *counter, name: statement.name })),
    }
}

/// The name a component says it was signed for, unchecked: which of the [`Newest`] counters to ask for. `None` where there is no signature to read.
pub fn claimed_name(bytes: &[u8]) -> Option<String> {
    split(bytes).ok().map(|(_, statement)| statement.name)
}

/// Signs a component, in place of an earlier signature.
pub fn sign(bytes: &[u8], name: &str, role: Role, counter: u64, key: &SigningKey) -> Result<Vec<u8>, NotTrusted> {
    let mut signed = unsigned(bytes)?;
    let mut statement = Statement {
        name: name.to_owned(),
        role: role.as_str().to_owned(),
        counter,
        key: PublicKey::from(key.verifying_key()).to_string(),
        signature: String::new(),
    };
    let signature = key.sign(&message(&signed, &statement));
    statement.signature = BASE64_STANDARD.encode(signature.to_bytes());
    let section = encode(&statement)?;
    signed.extend_from_slice(&section);
    Ok(signed)
}

/// The component without any signature.
fn unsigned(bytes: &[u8]) -> Result<Vec<u8>, NotTrusted> {
    let mut out = bytes.get(..sections::PREAMBLE).ok_or(NotTrusted::Malformed("it is cut short"))?.to_vec();
    for section in sections::all(bytes).map_err(NotTrusted::Malformed)? {
        if section.name != Some(SECTION) {
            out.extend_from_slice(&bytes[section.whole]);
        }
    }
    Ok(out)
}

/// What is signed, and what is said of it: exactly one signature, and it ends the file.
fn split(bytes: &[u8]) -> Result<(&[u8], Statement), NotTrusted> {
    let sections = sections::all(bytes).map_err(NotTrusted::Malformed)?;
    let signatures: Vec<&Section<'_>> = sections.iter().filter(|section| section.name == Some(SECTION)).collect();
    let section = match signatures.as_slice() {
        [] => return Err(NotTrusted::Unsigned),
        [section] => section,
        several => return Err(NotTrusted::Several(several.len())),
    };
    if section.whole.end != bytes.len() {
        return Err(NotTrusted::NotLast);
    }
    let garbled = |why: &str| NotTrusted::Garbled(why.to_owned());
    let data = Some(section.data).filter(|data| data.len() <= MOST).ok_or_else(|| garbled("it is too long"))?;
    // What stands in it is not repeated before it is trusted: it may hold anything.
    let statement: Statement = serde_json::from_slice(data).map_err(|_| garbled("it is not the JSON of one"))?;
    if statement.key.parse::<PublicKey>().is_err() {
        return Err(garbled("its key is none"));
    }
    if encode(&statement)? != bytes[section.whole.clone()] {
        return Err(garbled("it can be written in another way"));
    }
    Ok((&bytes[..section.whole.start], statement))
}

fn holds(body: &[u8], statement: &Statement, signer: &VerifyingKey) -> Result<bool, NotTrusted> {
    let garbled = || NotTrusted::Garbled("the signature is no 64 bytes in base64".into());
    let signature = BASE64_STANDARD.decode(&statement.signature).map_err(|_| garbled())?;
    let signature = Signature::from_slice(&signature).map_err(|_| garbled())?;
    // Strict: for one key and one message no second signature can be made of a good one.
    Ok(signer.verify_strict(&message(body, statement), &signature).is_ok())
}

/// What is signed. Every part has a length of its own, so that no two statements are the same bytes.
fn message(body: &[u8], statement: &Statement) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    message.extend_from_slice(&Sha256::digest(body));
    for part in [&statement.role, &statement.name] {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part.as_bytes());
    }
    message.extend_from_slice(&statement.counter.to_be_bytes());
    message
}

fn encode(statement: &Statement) -> Result<Vec<u8>, NotTrusted> {
    let json = serde_json::to_vec(statement).map_err(|error| NotTrusted::Garbled(error.to_string()))?;
    sections::custom(SECTION, &json).ok_or_else(|| NotTrusted::Garbled("it is too long".into()))
}

#[cfg(test)]
mod tests;
