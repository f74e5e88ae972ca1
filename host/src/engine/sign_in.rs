//! Signing in by a code sent by text: who is texted, how often, in what words.
//!
//! Whether a number is known shows nowhere: the same is counted and kept for every number, and only a text more is written for one whose owner has texted us and
//! has not left. Every cap is kept in the store; while it cannot be asked, nobody is texted. These caps hold even where `limits.enabled` is false: they
//! protect people who never asked for anything.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{Engine, translate};
use crate::{
    adapter::{
        sms::segments,
        store::{
            Allowance, CODE_LASTS, CodeHash, CodeKept, NewCode, NewText, Person, SessionKey, Spent, Standing,
            StoreError,
        },
    },
    job::{Asker, GuestKey, JobId, Millis, Phone},
    plugin::{Answer, Call, Grants, Limits, Plugin, Question, coach},
};

/// The occasion of the text that tells a code.
pub const CODE_OCCASION: &str = "code";

const TEN_MINUTES: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// One number, whoever asks.
const FOR_NUMBER: [Allowance; 3] = [so_many(3, TEN_MINUTES), so_many(5, HOUR), so_many(10, DAY)];
/// Everyone together: what an attack may cost at most.
const FOR_ALL: [Allowance; 2] = [so_many(300, HOUR), so_many(2_000, DAY)];
/// One address that asks for codes.
const ASKS: [Allowance; 2] = [so_many(10, HOUR), so_many(30, DAY)];
/// One address that tries codes.
const TRIES: [Allowance; 2] = [so_many(60, HOUR), so_many(200, DAY)];

const fn so_many(most: u32, span: Duration) -> Allowance {
    Allowance { per: "while", span, most }
}

/// Why an address may not go on.
#[derive(Debug, thiserror::Error)]
pub enum CodeLimit {
    /// It did so too often.
    #[error("this address has asked for codes, or tried them, too often")]
    Over {
        /// When the next one fits.
        again: Millis,
    },
    /// Not known, so: no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Whether someone at this address may ask for a code; counts it.
    pub async fn admit_code_ask(&self, address: IpAddr) -> Result<(), CodeLimit> {
        self.admit_code("code-asked", address, &ASKS).await
    }

    /// Whether someone at this address may try a code; counts it.
    pub async fn admit_code_try(&self, address: IpAddr) -> Result<(), CodeLimit> {
        self.admit_code("code-tried", address, &TRIES).await
    }

    async fn admit_code(&self, what: &str, address: IpAddr, allowances: &[Allowance]) -> Result<(), CodeLimit> {
        let key = format!("{what}:{}", GuestKey::of_token(&address.to_string()).as_str());
        let now = Millis::now();
        match self.store.spend(&key, self.asks.next(now), allowances, now).await? {
            Spent::Fits => Ok(()),
            Spent::Over { again, .. } => Err(CodeLimit::Over { again }),
        }
    }

    /// Makes a code for the browser with this token, and texts it where the number is someone's who wants to hear from us. Takes longer for those: no answer to
    /// the outside may wait for it.
    pub async fn text_code(&self, token: &str, phone: &Phone) -> Result<CodeKept, StoreError> {
        let known = self.store.person(&Asker::Phone(phone.clone())).await?;
        let known = known.filter(|person| person.standing == Standing::Active);
        let code = format!("{:06}", rand::random_range(0..1_000_000_u32));
        let now = Millis::now();
        let job = self.asks.next(now);
        let text = match &known {
            Some(person) => Some(NewText {
                job,
                occasion: CODE_OCCASION.to_owned(),
                to: phone.clone(),
                body: self.code_words(job, person, &code).await,
            }),
            None => None,
        };
        let kept = NewCode {
            browser: SessionKey::of_token(token),
            hash: CodeHash::of(token, phone, &code),
            number_key: format!("code-for:{}", GuestKey::of_token(phone.e164()).as_str()),
            for_number: FOR_NUMBER.to_vec(),
            for_all: FOR_ALL.to_vec(),
            text,
            job,
            now,
        };
        self.store.keep_code(kept).await
    }

    /// The coach's words, and the line by which a phone knows where the code belongs.
    async fn code_words(&self, id: JobId, person: &Person, code: &str) -> String {
        let line =
            self.pipeline.server.public_url.domain().map(|host| format!("\n\n@{host} #{code}")).unwrap_or_default();
        let said = self.say_code(id, person, code).await.map(|words| format!("{}{line}", words.trim()));
        if let Some(text) = said.filter(|text| is_one_text(text)) {
            return text;
        }
        let fixed = format!("{code} is your code to sign in. Never share it.");
        Some(format!("{fixed}{line}")).filter(|text| is_one_text(text)).unwrap_or(fixed)
    }

    /// Asked apart from every job: it is on no tape, in no recording, and no shadow hears it.
    async fn say_code(&self, id: JobId, person: &Person, code: &str) -> Option<String> {
        let generation = self.swaps.as_ref()?.generations().current();
        let (ready, plugin) = generation.coach()?;
        let minutes = (CODE_LASTS.as_secs() / 60).to_string();
        let values = [("code", code), ("minutes", &minutes), ("source", "sms")];
        let occasion = coach::Occasion {
            name: CODE_OCCASION.into(),
            values: values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        for (speaker, limits) in [(plugin, ready.limits), (&generation.spare_coach, Limits::default())] {
            let call = Call {
                stage: ready.stage.name.as_str().into(),
                limits,
                grants: Grants::of(&ready.stage),
                context: translate::context_without_job(&generation.pipeline, id, &ready.stage, &[]),
                question: Question::Say { person: translate::person(Some(person), ""), occasion: occasion.clone() },
            };
            if let Some(words) = say(speaker, call).await.filter(|words| holds(words, code)) {
                return Some(words);
            }
        }
        None
    }
}

async fn say(speaker: &Arc<Plugin>, call: Call) -> Option<String> {
    match speaker.ask(Arc::new(call)).await.outcome {
        Ok(Answer::Words(words)) => words,
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(plugin = %error.plugin, fault = error.fault.word(), "the coach could not tell a code");
            None
        }
    }
}

/// The code is there, on a line that is not taken for the one phones read, and nothing leads anywhere.
fn holds(words: &str, code: &str) -> bool {
    words.contains(code) && !words.contains("://") && !words.contains('@')
}

fn is_one_text(text: &str) -> bool {
    segments::measure(text).segments == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_lose_the_code_or_lead_elsewhere_are_not_sent() {
        assert!(holds("123456 is your code.", "123456"));
        for words in ["Your code is on its way.", "123456 https://evil.example", "123456\n@evil.example #123456"] {
            assert!(!holds(words, "123456"), "{words}");
        }
    }
}
