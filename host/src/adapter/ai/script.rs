//! An AI that says what a case says it says, and remembers what it was told. It asks nobody.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Ai, AiCall, Answer, Listener, Piece, Unanswered, demo_provider};
use crate::{config::AiSays, job::Finish};

/// Says what it is told to.
#[derive(Debug)]
pub struct Script(Mutex<Part>);

#[derive(Debug)]
struct Part {
    says: AiSays,
    /// What is left of its answers, and whether each is whole; the last stays.
    left: VecDeque<(String, Finish)>,
    heard: Vec<AiCall>,
}

impl Default for Script {
    fn default() -> Self {
        Self(Mutex::new(Part { says: AiSays::Demo, left: VecDeque::new(), heard: Vec::new() }))
    }
}

impl Script {
    /// From now on it says this, and has heard nothing.
    pub fn play(&self, says: &AiSays) {
        *self.part() = Part { says: says.clone(), left: pieces(says), heard: Vec::new() };
    }

    /// What it was asked, in order.
    pub fn heard(&self) -> Vec<AiCall> {
        self.part().heard.clone()
    }

    fn part(&self) -> MutexGuard<'_, Part> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pieces(says: &AiSays) -> VecDeque<(String, Finish)> {
    let (answers, cut) = match says {
        AiSays::Words(answers) => (answers.as_slice(), false),
        AiSays::CutOff(answers) => (answers.as_slice(), true),
        AiSays::Demo | AiSays::Refusal | AiSays::Nothing => (&[][..], false),
    };
    let last = answers.len().saturating_sub(1);
    let finish = |index| if cut && (index < last || last == 0) { Finish::CutOff } else { Finish::Complete };
    answers.iter().enumerate().map(|(index, answer)| (answer.clone(), finish(index))).collect()
}

impl Part {
    fn say(&mut self, call: &AiCall) -> Option<(String, Finish)> {
        self.heard.push(call.clone());
        match self.says {
            AiSays::Demo => Some((demo_provider::answer(call), Finish::Complete)),
            AiSays::Refusal => Some((String::new(), Finish::Refused)),
            AiSays::Nothing => None,
            AiSays::Words(_) | AiSays::CutOff(_) if self.left.len() > 1 => self.left.pop_front(),
            AiSays::Words(_) | AiSays::CutOff(_) => self.left.front().cloned(),
        }
    }
}

#[async_trait]
impl Ai for Script {
    async fn ask(&self, call: &AiCall, listener: Listener<'_>) -> Result<Answer, Unanswered> {
        let Some((text, finish)) = self.part().say(call) else {
            return Err(Unanswered { tried: vec!["the case says that no provider answers".to_owned()], after: None });
        };
        listener(Piece::Text(&text));
        Ok(Answer {
            text,
            finish,
            provider: "script".to_owned(),
            model: "script".to_owned(),
            input_tokens: 0,
            output_tokens: 0,
            cost: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finishes(says: &AiSays) -> Vec<Finish> {
        pieces(says).into_iter().map(|(_, finish)| finish).collect()
    }

    #[test]
    fn of_several_cut_off_answers_the_last_is_whole_and_a_single_one_never_is() {
        let words = |answers: &[&str]| answers.iter().map(|answer| (*answer).to_owned()).collect::<Vec<_>>();
        assert_eq!(finishes(&AiSays::CutOff(words(&["a"]))), [Finish::CutOff]);
        assert_eq!(finishes(&AiSays::CutOff(words(&["a", "b"]))), [Finish::CutOff, Finish::Complete]);
        assert_eq!(finishes(&AiSays::Words(words(&["a", "b"]))), [Finish::Complete, Finish::Complete]);
    }
}
