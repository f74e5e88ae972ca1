//! Who is signed in where: sessions by the digest of their token, codes by a hash that only the browser that asked can make again, and a guest's pages that
//! move to the person the guest turned out to be.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Allowance, NewText, Person, PersonId, Result};
use crate::job::{GuestKey, Millis, Phone};

/// A session ends when it was not seen for this long.
pub const SESSION_LASTS: Duration = Duration::from_hours(90 * 24);

/// How long a code can be used.
pub const CODE_LASTS: Duration = Duration::from_mins(10);

/// How often a code may be tried.
pub const CODE_TRIES: u32 = 5;

/// The digest of a token: what the store knows a browser by. The token is kept nowhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionKey(String);

impl SessionKey {
    /// The key for a token.
    pub fn of_token(token: &str) -> Self {
        Self(hex::encode(Sha256::digest(format!("wtaf session {token}"))))
    }

    /// As the store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({}…)", &self.0[..6])
    }
}

/// A code for a number, as it is kept. It is keyed with the browser's token, which the store has not got: whoever reads the table can try no code against it,
/// and a code is worth nothing in another browser.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeHash(String);

impl CodeHash {
    /// Of a code, asked for by the browser with this token, for this number.
    pub fn of(token: &str, phone: &Phone, code: &str) -> Self {
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(token.as_bytes()) else {
            unreachable!("HMAC takes a key of any length");
        };
        mac.update(format!("wtaf code {} {code}", phone.e164()).as_bytes());
        Self(hex::encode(mac.finalize().into_bytes()))
    }

    /// As the store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash")
    }
}

/// Someone is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub person: Person,
    /// The guest this browser was before.
    pub guest: Option<GuestKey>,
    /// When it was last written down that the session is in use.
    pub seen: Millis,
}

/// A code to keep for a browser. The same is done for a number that nobody here has, but for the text.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The browser that asked.
    pub browser: SessionKey,
    /// The code.
    pub hash: CodeHash,
    /// What is counted for the number, known or not.
    pub number_key: String,
    /// How many codes one number may be asked for.
    pub for_number: Vec<Allowance>,
    /// How many codes may be texted to everyone.
    pub for_all: Vec<Allowance>,
    /// The text with the code; none where the number is nobody's, or they have left.
    pub text: Option<NewText>,
    /// What counts it once.
    pub job: crate::job::JobId,
    /// When.
    pub now: Millis,
}

/// What came of a wish for a code. Whoever asked is told none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKept {
    /// The text is in the outbox.
    Texted,
    /// Nobody to text to.
    Nobody,
    /// The number was asked for too often: the code before it holds.
    NumberOver,
    /// Too many codes go out to everyone just now.
    AllOver,
}

/// A try at signing in.
#[derive(Debug, Clone)]
pub struct CodeTry {
    /// The browser that tries.
    pub browser: SessionKey,
    /// The code it was given.
    pub hash: CodeHash,
    /// Whose.
    pub phone: Phone,
    /// The fresh session that begins if it fits.
    pub session: SessionKey,
    /// The guest the browser was.
    pub guest: Option<GuestKey>,
    /// When.
    pub now: Millis,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeTried {
    /// Signed in. The browser's session before this one, where it had one, has ended.
    In(Box<Person>),
    /// It does not fit; so many tries are left.
    Wrong(u32),
    /// No try is left.
    TooMany,
    /// Too old, used, or never asked for by this browser.
    Expired,
    /// It fits, and they have left: they come back by text.
    Left,
}

/// What came of moving a guest's pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moved {
    /// How many are the person's now.
    pub pages: u32,
    /// Those that had to take another name: the one before, the one now.
    pub renamed: Vec<(String, String)>,
}

/// Sessions.
#[async_trait]
pub trait Sessions {
    /// Keeps a code for a browser in place of the one before, and writes the text that tells it, in one transaction and within the allowances.
    async fn keep_code(&self, code: NewCode) -> Result<CodeKept>;

    /// Tries a code; counted, and once it fits it is gone.
    async fn try_code(&self, attempt: CodeTry) -> Result<CodeTried>;

    /// The session of a token, unless it has run out. Its use is written down once a day.
    async fn session(&self, key: &SessionKey, now: Millis) -> Result<Option<Session>>;

    /// Signs out. Gives whether there was a session.
    async fn end_session(&self, key: &SessionKey) -> Result<bool>;

    /// Signs a person out everywhere. Gives how many sessions ended.
    async fn end_sessions_of(&self, person: PersonId) -> Result<u64>;

    /// Removes sessions and codes that have run out. Gives how many.
    async fn prune_sessions(&self, now: Millis) -> Result<u64>;

    /// Gives a guest's pages to a person, in one transaction, with versions, records, faves and talks; a name that is taken gets a number. The guest's name and
    /// the pages' old addresses redirect for ever, and what the guest has under way ends as the person's.
    async fn move_pages(&self, guest: &GuestKey, person: PersonId, now: Millis) -> Result<Moved>;

    /// The guest whose pages have moved, as they were: only for a job of theirs that goes on.
    async fn moved_guest(&self, guest: &GuestKey) -> Result<Option<Person>>;
}
