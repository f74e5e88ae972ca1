//! Asks a plugin on behalf of a job: the one place where the engine's work meets a guest. Each call is put on the job's tape, and shown to a shadow where
//! there is one.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::{Generation, common::Common, generation::Ready, step_back::Called, translate, walk::Walk};
use crate::{
    job::Millis,
    plugin::{
        Answer, Asked, Call, Fault, Grants, Limits, Plugin, PluginError, Question, Recorded, coach, extract, filter,
        prompt,
    },
};

/// What a job's plugins were asked so far, in this run of it.
#[derive(Default)]
pub(super) struct Tape {
    calls: Mutex<Vec<Taped>>,
    called: Mutex<Called>,
    struck: AtomicBool,
}

impl Tape {
    /// Takes what is on it.
    pub fn take(&self) -> Vec<Taped> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The versions that were called.
    pub fn called(&self) -> Called {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the job was held against a version already.
    pub fn is_struck(&self) -> bool {
        self.struck.load(Ordering::Relaxed)
    }

    /// The job is held against a version.
    pub fn struck(&self) {
        self.struck.store(true, Ordering::Relaxed);
    }

    fn add(&self, taped: Taped) {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).insert(taped.plugin.digest.clone());
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(taped);
    }
}

/// A call on the tape: what a recording says of it, with everything shared that others have too, for as long as the job waits.
pub(super) struct Taped {
    at: Millis,
    key: String,
    plugin: Arc<Plugin>,
    generation: Arc<Generation>,
    ms: f64,
    call: Arc<Call>,
    outcome: Result<Said, String>,
}

/// An answer, without the words that are kept in common.
#[derive(Debug)]
struct Said {
    answer: Answer,
    /// Those of an AI call, in their order.
    words: Vec<Arc<str>>,
}

impl Said {
    fn of(answer: &Answer, rules: &Common) -> Self {
        let (mut answer, mut words) = (answer.clone(), Vec::new());
        if let Answer::Call(call) = &mut answer {
            words = rules_in(call).map(|text| rules.of(&std::mem::take(text))).collect();
        }
        Self { answer, words }
    }

    fn whole(mut self) -> Answer {
        if let Answer::Call(call) = &mut self.answer {
            for (text, words) in rules_in(call).zip(self.words) {
                words.as_ref().clone_into(text);
            }
        }
        self.answer
    }
}

fn rules_in(call: &mut prompt::AiCall) -> impl Iterator<Item = &mut String> {
    let system = call.messages.iter_mut().filter(|message| message.role == prompt::Role::System);
    system.flat_map(|message| &mut message.content).filter_map(|part| match part {
        prompt::Part::Text(text) => Some(text),
        prompt::Part::Media(_) => None,
    })
}

impl From<Taped> for Recorded {
    fn from(taped: Taped) -> Self {
        let call = Arc::unwrap_or_clone(taped.call);
        let (answer, fault) = match taped.outcome {
            Ok(said) => (Some(said.whole().to_json()), None),
            Err(fault) => (None, Some(fault)),
        };
        Self {
            at: taped.at,
            stage: call.stage.to_string(),
            plugin: taped.key,
            version: taped.plugin.about.version.clone(),
            digest: taped.plugin.digest.clone(),
            generation: taped.generation.id.to_string(),
            ms: taped.ms,
            context: call.context,
            question: call.question,
            answer,
            fault,
            without_words: false,
        }
    }
}

/// The coach's decision.
pub(super) async fn decide(walk: &Walk, ready: &Ready, question: Question) -> Result<coach::Decision, PluginError> {
    match ask(walk, ready, &[], question).await? {
        Answer::Decision(decision) => Ok(decision),
        _ => Err(odd(ready)),
    }
}

/// The AI call for an order.
pub(super) async fn compose(walk: &Walk, ready: &Ready, question: Question) -> Result<prompt::AiCall, PluginError> {
    match ask(walk, ready, &[], question).await? {
        Answer::Call(call) => Ok(call),
        _ => Err(odd(ready)),
    }
}

/// What an answer holds.
pub(super) async fn extract(
    walk: &Walk,
    ready: &Ready,
    extra: &[(&str, &str)],
    question: Question,
) -> Result<extract::Found, PluginError> {
    match ask(walk, ready, extra, question).await? {
        Answer::Found(found) => Ok(found),
        _ => Err(odd(ready)),
    }
}

/// Names for a page.
pub(super) async fn propose(walk: &Walk, ready: &Ready, question: Question) -> Result<Vec<String>, PluginError> {
    match ask(walk, ready, &[], question).await? {
        Answer::Names(names) => Ok(names),
        _ => Err(odd(ready)),
    }
}

/// What passes a filter.
pub(super) async fn apply(
    walk: &Walk,
    ready: &Ready,
    content: filter::Content,
) -> Result<filter::Content, PluginError> {
    match ask(walk, ready, &[], Question::Apply { content }).await? {
        Answer::Content(content) => Ok(content),
        _ => Err(odd(ready)),
    }
}

/// A coach's words, of the stage's own plugin or of another that speaks for it.
pub(super) async fn say(
    walk: &Walk,
    ready: &Ready,
    speaker: &Arc<Plugin>,
    limits: Limits,
    question: Question,
) -> Result<Option<String>, PluginError> {
    match Box::pin(put(walk, ready, speaker, limits, &[], question)).await? {
        Answer::Words(words) => Ok(words),
        _ => Err(odd(ready)),
    }
}

async fn ask(walk: &Walk, ready: &Ready, extra: &[(&str, &str)], question: Question) -> Result<Answer, PluginError> {
    let Some(plugin) = &ready.plugin else { return Err(odd(ready)) };
    Box::pin(put(walk, ready, plugin, ready.limits, extra, question)).await
}

/// Callers have it on the heap: a call in the sandbox is large, and whoever may ask a plugin would hold room for it while waiting for something else.
async fn put(
    walk: &Walk,
    ready: &Ready,
    plugin: &Arc<Plugin>,
    limits: Limits,
    extra: &[(&str, &str)],
    question: Question,
) -> Result<Answer, PluginError> {
    let context = translate::context(&walk.generation.pipeline, &walk.job, &ready.stage, extra);
    let grants = Grants::of(&ready.stage);
    let call = Arc::new(Call { stage: ready.stage.name.as_str().into(), limits, grants, context, question });
    let asked = plugin.ask(Arc::clone(&call)).await;
    measure(ready, plugin, &asked);
    if !ready.stage.grant.is_empty() {
        walk.parts.generations.granted(plugin, &asked.used.grants);
    }
    let key = ready.key().unwrap_or_default();
    walk.parts.generations.show_to_shadow(&key, plugin, &call, asked.outcome.as_ref().ok());
    let said = asked.outcome.as_ref().map(|answer| Said::of(answer, &walk.parts.rules));
    walk.tape.add(Taped {
        at: Millis::now(),
        key,
        plugin: Arc::clone(plugin),
        generation: Arc::clone(&walk.generation),
        ms: asked.used.time.as_secs_f64() * 1e3,
        call,
        outcome: said.map_err(|error| error.fault.to_string()),
    });
    asked.outcome
}

fn measure(ready: &Ready, plugin: &Plugin, asked: &Asked) {
    let outcome = asked.outcome.as_ref().map_or_else(|error| error.fault.word(), |_| "ok");
    metrics::counter!("wtaf_plugin_calls_total", "plugin" => plugin.name.clone(), "version" => plugin.about.version.clone(), "outcome" => outcome)
        .increment(1);
    metrics::histogram!("wtaf_plugin_call_seconds", "stage" => ready.stage.name.clone())
        .record(asked.used.time.as_secs_f64());
}

/// A stage that is no plugin, or an answer of another function: the sandbox has checked both.
fn odd(ready: &Ready) -> PluginError {
    match &ready.plugin {
        Some(plugin) => plugin.error(Fault::Contract("answered another function than it was asked".into())),
        None => PluginError {
            plugin: ready.stage.name.clone(),
            version: String::new(),
            digest: String::new(),
            role: crate::config::Role::Filter,
            fault: Fault::Contract("is no plugin".into()),
        },
    }
}
