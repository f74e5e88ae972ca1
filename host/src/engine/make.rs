//! From an order to a named page: prompt, AI, extract, slug, and the filters between.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Failure, at_work, consult, decide, generation::Ready, speech, speech::Occasion, translate, walk::Walk};
use crate::{
    adapter::{
        ai::{AiCall, Answer, Message, Piece, Speaker},
        sms::carrier_word,
        store::{Cost, Lookup, PageKey, Turn, Whose},
    },
    config::FilterOn,
    failpoint::{Step, reached},
    job::{AiAnswer, AiUse, Finish, ForPerson, Millis, Order, Paid, SavedDraft, Source},
    plugin::{Question, contract::is_slug, extract::Found, filter::Content, types},
};

/// How often an answer that was cut off is asked to go on.
const CONTINUATIONS: u32 = 3;

/// How often words that arrive are written down for those who watch.
const TEXT_EVERY: Duration = Duration::from_millis(300);

const GO_ON: &str = "Your answer was cut off. Go on exactly where it stopped, in the middle of a line if need be. Repeat nothing, explain nothing, \
                     open no new code fence.";

/// The order, its words as a filter left them.
fn order_of(walk: &Walk) -> Result<Order, Failure> {
    let order = walk.order().cloned().ok_or_else(|| Failure::last("flow", "there is no order to make anything of"))?;
    Ok(match &walk.idea {
        Some(idea) => Order { text: idea.clone(), ..order },
        None => order,
    })
}

/// Writes the AI call.
pub(super) async fn prompt(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    let order = order_of(walk)?;
    let mut material = walk.job.progress.material.clone();
    let page = match &order.page {
        Some(page) => Some(page_to_change(walk, page, false).await?),
        None => None,
    };
    material.extend(page.iter().map(|html| ("page".to_owned(), html.clone())));
    let thread = match &walk.person {
        Some(person) if order.kind == "chat" => {
            let (parts, store, id) = (&walk.parts, &walk.store, person.id);
            let since = walk.job.created_at.before(Duration::from_hours(24));
            parts.patiently(|| store.turns(id, since, 20)).await?
        }
        _ => Vec::new(),
    };
    // The person's newest words are the order's: they come last by themselves.
    let thread: Vec<_> = thread.iter().filter(|turn| turn.at != walk.job.created_at).map(translate::turn).collect();
    let person = translate::person(walk.person.as_ref(), "");
    let question = Question::Compose { order: translate::order_out(&order), person, thread, material };
    let composed = consult::compose(walk, ready, question).await?;
    walk.call = Some(translate::call(&composed, &order.kind, page, &walk.parts.rules));
    Ok(())
}

/// The document that an edit or a remix begins with. Where there is none the job ends, and the person is told; `first` as in the occasion.
pub(super) async fn page_to_change(walk: &Walk, page: &str, first: bool) -> Result<String, Failure> {
    let own = walk.person.as_ref().map(|person| person.slug.clone()).unwrap_or_default();
    let (user, app) = page.split_once('/').map_or((own.as_str(), page), |(user, app)| (user, app));
    let mut key = PageKey { user: user.to_owned(), app: app.to_owned() };
    for _ in 0..2 {
        match walk.parts.patiently(|| walk.store.page(&key, None)).await? {
            Lookup::Found(page) => return Ok(page.draft.html),
            Lookup::Moved(to) => key = to,
            Lookup::Missing => break,
        }
    }
    let mut occasion = Occasion::new("no-such-page").with("page", page);
    if first {
        occasion = occasion.with("first", "true");
    }
    let words = speech::words(walk, &occasion).await.unwrap_or_default();
    Err(Failure::Refused { code: "no-such-page", words })
}

/// Asks the AI, unless it has answered already. An answer is written down before anything else is done with it: it is paid for.
pub(super) async fn answer(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    let stage = ready.stage.name.clone();
    let call = walk.call.clone().ok_or_else(|| Failure::last("flow", format!("stage {stage} has no call to make")))?;
    if !walk.job.progress.answers.iter().any(|answer| answer.stage == stage) {
        let answer = ask(walk, &call).await?;
        reached(Step::AnswerArrived);
        let text = answer.text.clone();
        walk.job.progress.answers.push(AiAnswer { stage: stage.clone(), text, finish: answer.finish, calls: 1 });
        Box::pin(walk.parts.checkpoint(&walk.job)).await?;
        reached(Step::AnswerKept);
    }
    Box::pin(book(walk)).await?;
    if call.purpose == "brief" {
        let brief = walk.job.progress.answers.iter().find(|answer| answer.stage == stage);
        let text = brief.map(|answer| answer.text.clone()).unwrap_or_default();
        walk.job.progress.material.retain(|(name, _)| name != "brief");
        walk.job.progress.material.push(("brief".into(), text));
        return Ok(());
    }
    walk.answered = Some(stage);
    Ok(())
}

/// While it waits a job holds room for the largest of what its stage may still await: all but the waiting itself is on the heap, each when its time comes.
async fn ask(walk: &mut Walk, call: &AiCall) -> Result<Answer, Failure> {
    let call = &AiCall { barred: Box::pin(spent_out(walk)).await?, ..call.clone() };
    let arrived = Mutex::new(Arrived::default());
    let watched = walk.job.request.source == Source::Web;
    let answer = at_work::aside(Box::pin(listen(walk, call, &arrived, watched))).await?;
    let news = arrived.into_inner().unwrap_or_else(PoisonError::into_inner).news();
    if let Some(news) = news.filter(|_| watched) {
        tell_text(walk, news);
    }
    count(walk, &answer);
    Ok(answer)
}

/// Waits for the answer; those who watch are told what arrives meanwhile.
async fn listen(walk: &Walk, call: &AiCall, arrived: &Mutex<Arrived>, watched: bool) -> Result<Answer, Failure> {
    let mut listener = |piece: Piece<'_>| {
        reached(Step::AnswerPiece);
        arrived.lock().unwrap_or_else(PoisonError::into_inner).take_in(piece);
    };
    let mut asking = std::pin::pin!(walk.generation.ai.ask(call, &mut listener));
    let mut tick = tokio::time::interval(TEXT_EVERY);
    loop {
        tokio::select! {
            answer = &mut asking => return Ok(answer?),
            () = walk.parts.stopping.cancelled() => return Err(Failure::Stopping),
            _ = tick.tick(), if watched => {
                if walk.telling.is_behind() {
                    continue;
                }
                let news = arrived.lock().unwrap_or_else(PoisonError::into_inner).news();
                if let Some(news) = news {
                    tell_text(walk, news);
                }
            }
        }
    }
}

/// Words that arrived and are not yet told of.
#[derive(Debug, Default)]
struct Arrived {
    text: String,
    restarted: bool,
    chars: usize,
}

impl Arrived {
    fn take_in(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Text(text) => {
                self.text.push_str(text);
                self.chars += text.chars().count();
            }
            Piece::Restart => *self = Self { restarted: true, ..Self::default() },
        }
    }

    fn news(&mut self) -> Option<(String, bool, usize)> {
        let news = !self.text.is_empty() || self.restarted;
        news.then(|| (std::mem::take(&mut self.text), std::mem::take(&mut self.restarted), self.chars))
    }
}

fn tell_text(walk: &Walk, (text, restarted, chars): (String, bool, usize)) {
    let data =
        serde_json::json!({ "id": walk.job.id.to_string(), "text": text, "restarted": restarted, "chars": chars });
    walk.tell_this("text", data);
}

fn count(walk: &mut Walk, answer: &Answer) {
    let total = walk.job.ai.get_or_insert_with(AiUse::default);
    total.provider.clone_from(&answer.provider);
    total.model.clone_from(&answer.model);
    total.input_tokens += answer.input_tokens;
    total.output_tokens += answer.output_tokens;
    total.calls += 1;
    if let Some(cost) = answer.cost {
        total.cost = Some(total.cost.unwrap_or_default() + cost);
        total.paid.push(Paid { provider: answer.provider.clone(), cost });
    }
}

/// Books what the calls so far cost, once their answers are safe. Each is booked once, also after a crash in between.
async fn book(walk: &Walk) -> Result<(), Failure> {
    let paid = walk.job.ai.iter().flat_map(|ai| &ai.paid);
    for (call, paid) in (0_u32..).zip(paid) {
        let cost = Cost {
            job: walk.job.id,
            call,
            person: walk.person.as_ref().map(|person| person.id),
            provider: paid.provider.clone(),
            dollars: paid.cost,
        };
        let (parts, store) = (&walk.parts, &walk.store);
        parts.patiently(|| store.add_cost(&cost, Millis::now())).await?;
    }
    Ok(())
}

/// Providers that may not be paid any more today. While the store cannot say, nobody is asked.
async fn spent_out(walk: &Walk) -> Result<Vec<String>, Failure> {
    let pipeline = walk.generation.pipeline.clone();
    let (mut spent_out, parts, store) = (Vec::new(), &walk.parts, &walk.store);
    if !pipeline.limits.enabled {
        return Ok(spent_out);
    }
    let since = Millis::now().before(Duration::from_hours(24));
    for (entry, most) in pipeline.ai.iter().filter_map(|entry| Some((entry, entry.spend_per_day?))) {
        let whose = Whose::Provider(entry.name.clone());
        if parts.patiently(|| store.cost_since(&whose, since)).await? >= most {
            spent_out.push(entry.name.clone());
        }
    }
    if spent_out.len() == pipeline.ai.len() {
        return Err(decide::over(walk, "spend", 60).await);
    }
    Ok(spent_out)
}

/// Finds the page in the answer; one that was cut off is asked to go on first.
pub(super) async fn extract(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    let order = order_of(walk)?;
    loop {
        let answer = answer_of(walk, &ready.stage.name)?;
        if answer.finish == Finish::Refused && answer.text.trim().is_empty() {
            return Err(no_page("the AI would not make this"));
        }
        let spent = answer.calls > CONTINUATIONS;
        let extra: &[(&str, &str)] = if spent { &[("last", "true")] } else { &[] };
        let finished = answer.finish != Finish::CutOff;
        let question = Question::Extract { order: translate::order_out(&order), answer: answer.text.clone(), finished };
        match consult::extract(walk, ready, extra, question).await? {
            Found::Pages(pages) => {
                take_pages(walk, pages);
                return Ok(());
            }
            Found::Reply(words) => return take_reply(walk, &order, words).await,
            Found::CutOff if !spent => go_on(walk, &answer).await?,
            // Longer than a page may be: asking anew would cost as much again, and end the same.
            Found::CutOff => return Err(no_page("the answer was cut off again and again")),
            Found::Nothing(why) if spent && !finished => return Err(no_page(&why)),
            Found::Nothing(why) => {
                let again = walk.job.attempts == 0 && answer.finish != Finish::Refused;
                return Err(Failure::NoPage { why, ask_again: again.then_some(answer.stage) });
            }
        }
    }
}

fn answer_of(walk: &Walk, stage: &str) -> Result<AiAnswer, Failure> {
    let from = walk.answered.as_ref();
    let answer = walk.job.progress.answers.iter().rev().find(|answer| Some(&answer.stage) == from);
    answer.cloned().ok_or_else(|| Failure::last("flow", format!("stage {stage} has no answer to look at")))
}

fn take_pages(walk: &mut Walk, pages: Vec<types::PageDraft>) {
    walk.drafts = pages
        .into_iter()
        .map(|page| SavedDraft { audience: page.audience, title: page.title, html: page.html })
        .collect();
}

async fn take_reply(walk: &mut Walk, order: &Order, words: String) -> Result<(), Failure> {
    let (parts, store) = (walk.parts.clone(), walk.store.clone());
    if let Some(person) = &walk.person {
        let turn =
            Turn { coach: Some(order.coach.clone().unwrap_or_default()), text: words.clone(), at: Millis::now() };
        parts.patiently(|| store.add_turn(person.id, walk.job.id, &turn)).await?;
    }
    walk.job.progress.reply = Some(words);
    Ok(())
}

/// The continuation is appended to what came before; both are written down.
async fn go_on(walk: &mut Walk, so_far: &AiAnswer) -> Result<(), Failure> {
    let mut call = walk.call.clone().ok_or_else(|| Failure::last("flow", "there is no call to go on with"))?;
    call.messages.push(Message { speaker: Speaker::Assistant, text: so_far.text.as_str().into() });
    call.messages.push(Message { speaker: Speaker::User, text: GO_ON.into() });
    let more = ask(walk, &call).await?;
    tracing::info!(job = %walk.job.id, calls = so_far.calls + 1, "a cut-off answer was continued");
    if let Some(answer) = walk.job.progress.answers.iter_mut().find(|answer| answer.stage == so_far.stage) {
        answer.text.push_str(&more.text);
        answer.finish = more.finish;
        answer.calls += 1;
    }
    walk.parts.checkpoint(&walk.job).await?;
    book(walk).await
}

fn no_page(why: &str) -> Failure {
    Failure::NoPage { why: why.to_owned(), ask_again: None }
}

/// Names the page and reserves the name.
pub(super) async fn slug(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    let order = order_of(walk)?;
    let Some(person) = walk.person.clone() else { return Err(Failure::last("flow", "a page needs an owner")) };
    let (parts, store) = (walk.parts.clone(), walk.store.clone());
    let taken = parts.patiently(|| store.slugs_of(person.id)).await?;
    let title = walk.drafts.first().and_then(|draft| draft.title.clone());
    let question = Question::Propose { order: translate::order_out(&order), title, taken };
    let mut proposed = consult::propose(walk, ready, question).await?;
    proposed.retain(|slug| is_slug(slug));
    let reserved = parts.patiently(|| store.reserve(walk.job.id, person.id, &proposed, Millis::now())).await?;
    reached(Step::NameReserved);
    walk.job.progress.slug = Some(reserved);
    Ok(())
}

/// Lets a filter look at what passes.
pub(super) async fn filter(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    for on in &ready.stage.on {
        match on {
            FilterOn::Idea if ready.before_coach => filter_request(walk, ready).await?,
            FilterOn::Idea => filter_order(walk, ready).await?,
            FilterOn::Reply => filter_reply(walk, ready).await?,
            FilterOn::Page => filter_pages(walk, ready).await?,
        }
    }
    Ok(())
}

/// Before anything is decided. A carrier's word is the host's business: no plugin sees STOP before it is obeyed.
async fn filter_request(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    let request = &walk.job.request;
    if walk.job.progress.decided.is_some() || (request.source == Source::Sms && carrier_word(&request.text).is_some()) {
        return Ok(());
    }
    let content = Content::Idea(walk.request.clone());
    if let Content::Idea(request) = consult::apply(walk, ready, content).await? {
        walk.request = request;
    }
    Ok(())
}

/// After the coach: the words of the order. Kept for this run only, so that a restart does not filter what was filtered.
async fn filter_order(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    if walk.order().is_none() {
        return Ok(());
    }
    let content = Content::Idea(types::Request { text: order_of(walk)?.text, ..walk.request.clone() });
    if let Content::Idea(request) = consult::apply(walk, ready, content).await? {
        walk.idea = Some(request.text);
    }
    Ok(())
}

async fn filter_reply(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    let said = walk.job.progress.reply.clone().or_else(|| match walk.then() {
        Some(ForPerson::Reply(words)) => Some(words.clone()),
        _ => None,
    });
    let Some(words) = said else { return Ok(()) };
    if let Content::Reply(words) = consult::apply(walk, ready, Content::Reply(words)).await? {
        walk.job.progress.reply = Some(words);
    }
    Ok(())
}

async fn filter_pages(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    for n in 0..walk.drafts.len() {
        let draft = walk.drafts[n].clone();
        let content = Content::Page(types::PageDraft {
            audience: draft.audience,
            title: draft.title,
            html: draft.html,
            assets: Vec::new(),
            extra: Vec::new(),
        });
        if let Content::Page(page) = consult::apply(walk, ready, content).await? {
            walk.drafts[n] = SavedDraft { audience: page.audience, title: page.title, html: page.html };
        }
    }
    Ok(())
}
