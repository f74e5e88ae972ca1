//! Who asks: a guest, known by the token their browser holds, or the person that token has signed in.
//!
//! Everything in the web that depends on who it is asks here. Only a token of a session's form costs a look into the store, so guests are served without it;
//! where it is away, nobody is taken for a person, and no person for a guest.

use http::{HeaderMap, StatusCode};

use super::{Problem, Site, session, session::Token};
use crate::{
    adapter::store::{Person, SessionKey, Standing, StoreError},
    job::{Asker, GuestKey, Job, Millis},
};

/// Whoever sends a request.
#[derive(Clone, Default)]
pub(super) struct Who {
    /// What the client holds, while it counts for something.
    pub token: Option<Token>,
    /// The guest they are, or were before they signed in.
    pub guest: Option<GuestKey>,
    /// Who is signed in.
    pub person: Option<Person>,
    /// They hold the token of a session that has ended.
    pub ended: bool,
}

impl Who {
    /// A guest with this token.
    pub fn guest(token: Token) -> Self {
        Self { guest: Some(token.guest()), token: Some(token), ..Self::default() }
    }

    /// As whom they ask; nobody who has not asked before.
    pub fn asker(&self) -> Option<Asker> {
        match &self.person {
            Some(person) => Some(person.asker.clone()),
            None => self.guest.clone().map(Asker::Guest),
        }
    }

    /// Everyone they are: what was asked as a guest stays theirs.
    pub fn askers(&self) -> Vec<Asker> {
        let person = self.person.as_ref().map(|person| person.asker.clone());
        person.into_iter().chain(self.guest.clone().map(Asker::Guest)).collect()
    }

    /// Whether a job is theirs.
    pub fn asked(&self, job: &Job) -> bool {
        self.askers().contains(&job.request.asker)
    }

    /// Refuses, kindly, for someone who has opted out.
    pub fn check_standing(&self, number: Option<&str>) -> Result<(), Problem> {
        match &self.person {
            Some(person) if person.standing == Standing::Left => Err(left(number)),
            _ => Ok(()),
        }
    }
}

/// They opted out; only a text brings them back.
pub(super) fn left(number: Option<&str>) -> Problem {
    let to = number.map(|number| format!(" to {number}")).unwrap_or_default();
    Problem::new(StatusCode::FORBIDDEN, "left", "You have left, so nothing is made for you now.")
        .kept("Your pages are as you left them.")
        .detail(format!("Text START{to} to come back."))
}

impl Site {
    /// Who sends this: by the session in the header, else by the one in the cookie.
    pub(super) async fn who(&self, headers: &HeaderMap) -> Result<Who, StoreError> {
        self.who_holds(session::reader(headers, &self.config().server)).await
    }

    /// Who holds this token.
    pub(super) async fn who_holds(&self, token: Option<Token>) -> Result<Who, StoreError> {
        let Some(token) = token else { return Ok(Who::default()) };
        if !token.may_be_signed_in() {
            return Ok(Who::guest(token));
        }
        let key = SessionKey::of_token(token.as_str());
        Ok(match self.store().session(&key, Millis::now()).await? {
            Some(session) => {
                Who { token: Some(token), guest: session.guest, person: Some(session.person), ended: false }
            }
            None => Who { ended: true, ..Who::default() },
        })
    }

    /// The same where an answer makes sense without it: nobody, while the store is away.
    pub(super) async fn who_if_known(&self, headers: &HeaderMap) -> Who {
        self.who(headers).await.unwrap_or_default()
    }

    /// The number people text to, where there is one.
    pub(super) fn number(&self) -> Option<&str> {
        self.config().sms.from.as_deref().filter(|from| from.starts_with('+'))
    }
}
