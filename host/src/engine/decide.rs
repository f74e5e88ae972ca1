//! The coach's stage: who asks, what they want, what is done to their account.

use super::{
    Failure, consult,
    generation::Ready,
    make, notify,
    speech::{self, Occasion},
    translate,
    walk::Walk,
};
use crate::{
    adapter::{
        sms::{CarrierWord, carrier_word},
        store::{Allowance, Did, Paged, Person, Spent, Standing, Turn, Whose},
    },
    failpoint::{Step, reached},
    job::{Asker, Decided, ForPerson, Millis, Order, Source, reserved::RESERVED},
    plugin::{Fault, Question, coach},
};
use std::time::Duration;

/// How far back a coach hears the talk.
const THREAD_SPAN: Duration = Duration::from_hours(24);
const THREAD_LINES: u32 = 20;
const PAGES: u32 = 100;

/// Looks the person up again for a job that was decided before a restart.
async fn know_again(walk: &mut Walk) -> Result<(), Failure> {
    walk.person = find(walk).await?;
    if let (None, Asker::Guest(key)) = (&walk.person, &walk.job.request.asker) {
        // They signed in meanwhile: what they began is still theirs.
        let (parts, store) = (&walk.parts, &walk.store);
        walk.person = parts.patiently(|| store.moved_guest(key)).await?;
    }
    Ok(())
}

/// Goes on with a job that was decided before a restart. What it cost to decide is kept; whether its person was told that it is on its way may have been cut
/// off, and is said once however often it is written.
pub(super) async fn resume(walk: &mut Walk) -> Result<(), Failure> {
    know_again(walk).await?;
    if walk.job.progress.answers.is_empty() && walk.job.progress.published.is_none() {
        notify::acknowledge(walk).await?;
    }
    Ok(())
}

/// Runs the coach and does what it says.
pub(super) async fn decide(walk: &mut Walk, ready: &Ready) -> Result<(), Failure> {
    walk.person = find(walk).await?;
    let standing_before = walk.person.as_ref().map(|person| person.standing);
    let mut decided = match settle_by_carrier_word(walk).await? {
        Some(silence) => Decided { then: ForPerson::Silence(silence), first: false },
        None => ask_coach(walk, ready, standing_before).await?,
    };
    if let ForPerson::Order(order) = &mut decided.then {
        own_page(walk, order);
        // Now rather than at the prompt: nobody is told that what cannot be is on its way, and it counts against no limit.
        if let Some(page) = &order.page {
            make::page_to_change(walk, page, decided.first).await?;
        }
        within_limits(walk, order).await?;
    }
    walk.job.progress.decided = Some(decided);
    reached(Step::Decided);
    // Side by side, for each waits for the disk. Where a crash leaves the second alone, whoever goes on writes the first.
    let (told, kept) = tokio::join!(notify::acknowledge(walk), walk.parts.checkpoint(&walk.job));
    kept.and(told)
}

/// Who edits by a whole address means a page of their own by its name; another's is none of theirs, and found nowhere.
fn own_page(walk: &Walk, order: &mut Order) {
    let own = walk.person.as_ref().map(|person| person.slug.as_str());
    let Some((user, page)) = order.page.as_deref().filter(|_| order.kind == "edit").and_then(|it| it.split_once('/'))
    else {
        return;
    };
    let page = if own == Some(user) { page.to_owned() } else { format!("{user}-{page}") };
    order.page = Some(page);
}

async fn find(walk: &Walk) -> Result<Option<Person>, Failure> {
    let (parts, store, request) = (&walk.parts, &walk.store, &walk.job.request);
    // Who may drop a file into the queue's folder may name any person.
    if let (Source::File, Some(slug)) = (request.source, &request.user_slug)
        && let Some(person) = parts.patiently(|| store.person_by_slug(slug)).await?
    {
        return Ok(Some(person));
    }
    parts.patiently(|| store.person(&request.asker)).await
}

/// The carriers' words are the host's business, before any plugin: they must work whatever a plugin does. Gives the reason for silence, where the job ends here.
async fn settle_by_carrier_word(walk: &mut Walk) -> Result<Option<String>, Failure> {
    let request = &walk.job.request;
    let left = walk.person.as_ref().is_some_and(|person| person.standing == Standing::Left);
    if request.source != Source::Sms {
        return Ok(left.then(|| "this person has left: they come back by texting START".to_owned()));
    }
    let (word, answered) = (carrier_word(&request.text), request.opt_out.is_some());
    // Twilio takes YES from someone who had left for START.
    let comes_back = word == Some(CarrierWord::Start) || (left && word == Some(CarrierWord::Yes));
    if word == Some(CarrierWord::Stop) {
        stand(walk, Standing::Left).await?;
        return Ok(Some("opted out".to_owned()));
    }
    if comes_back && walk.person.is_some() {
        stand(walk, Standing::Active).await?;
    }
    if left && !comes_back {
        return Ok(Some("this person has left: no command runs and no text goes to them".to_owned()));
    }
    if answered {
        return Ok(Some("the carrier has answered this word itself".to_owned()));
    }
    Ok(None)
}

async fn stand(walk: &Walk, standing: Standing) -> Result<(), Failure> {
    let (parts, store, asker) = (&walk.parts, &walk.store, &walk.job.request.asker);
    let changed = parts.patiently(|| store.set_standing(asker, standing, Millis::now())).await?;
    tracing::info!(job = %walk.job.id, asker = %asker, ?standing, changed, "standing set");
    Ok(())
}

async fn ask_coach(walk: &mut Walk, ready: &Ready, standing: Option<Standing>) -> Result<Decided, Failure> {
    let (parts, store) = (walk.parts.clone(), walk.store.clone());
    let pipeline = walk.generation.pipeline.clone();
    // Who joined by this very request, before a crash, is to the coach as unknown as they were then.
    let known = walk.person.clone().filter(|person| person.joined != walk.job.created_at);
    let mut person = translate::person(known.as_ref(), new_role(walk));
    // The plugin hears how things stood when the words were written: START means "back again" only to someone who had left.
    let word = carrier_word(&walk.job.request.text);
    if standing == Some(Standing::Left) && matches!(word, Some(CarrierWord::Start | CarrierWord::Yes)) {
        "left".clone_into(&mut person.standing);
    }
    let (mut pages, mut thread) = (Vec::new(), Vec::new());
    if let Some(known) = &known {
        let id = known.id;
        let owned = parts.patiently(|| store.pages_of(id, PAGES)).await?;
        pages = owned.iter().map(|page| translate::page(&pipeline, known, page)).collect();
        let since = walk.job.created_at.before(THREAD_SPAN);
        let turns = parts.patiently(|| store.turns(id, since, THREAD_LINES)).await?;
        thread = turns.iter().map(translate::turn).collect();
    }
    let question = Question::Decide { request: walk.request.clone(), person, pages, thread };
    let decision = consult::decide(walk, ready, question).await?;
    let first = known.is_none();
    let done = act(walk, ready, &decision.actions).await?;
    if walk.person.is_none() && !matches!(decision.then, coach::Outcome::Silence(_)) {
        join(walk, &fallback_slugs(walk)).await?;
    }
    let then = match decision.then {
        coach::Outcome::Reply(words) => ForPerson::Reply(words),
        coach::Outcome::Report => ForPerson::Reply(report(walk, done, first).await),
        coach::Outcome::Silence(why) => ForPerson::Silence(why),
        coach::Outcome::Order(order) => ForPerson::Order(translate::order_in(order)),
    };
    remember_talk(walk, &then).await?;
    Ok(Decided { then, first })
}

/// New people may build from their first text: `[roles] new`, else `coder`.
fn new_role(walk: &Walk) -> &str {
    walk.generation.pipeline.roles.get("new").and_then(serde_json::Value::as_str).unwrap_or("coder")
}

fn fallback_slugs(walk: &Walk) -> Vec<String> {
    let id = walk.job.id.to_string().to_lowercase();
    vec![format!("maker-{}", &id[id.len() - 6..])]
}

async fn join(walk: &mut Walk, slugs: &[String]) -> Result<bool, Failure> {
    let (parts, store, request) = (walk.parts.clone(), walk.store.clone(), walk.job.request.clone());
    let named: Vec<String> = match (&request.user_slug, request.source) {
        (Some(slug), Source::File) => std::iter::once(slug.clone()).chain(slugs.iter().cloned()).collect(),
        _ => slugs.to_vec(),
    };
    let role = new_role(walk).to_owned();
    let joined = parts.patiently(|| store.join(&request.asker, &named, RESERVED, &role, walk.job.created_at)).await?;
    let fresh = joined.fresh;
    walk.person = Some(joined.person);
    Ok(fresh)
}

/// Does the coach's actions in order. Each is recorded under the job's id and its number, so that doing it again after a crash changes nothing.
async fn act(walk: &mut Walk, ready: &Ready, actions: &[coach::Action]) -> Result<Vec<Occasion>, Failure> {
    let mut done = Vec::new();
    for (step, action) in (0_u32..).zip(actions) {
        let occasion = act_once(walk, ready, step, action).await?;
        reached(Step::ActionDone);
        done.extend(occasion);
    }
    Ok(done)
}

async fn act_once(
    walk: &mut Walk,
    ready: &Ready,
    step: u32,
    action: &coach::Action,
) -> Result<Option<Occasion>, Failure> {
    let (parts, store) = (walk.parts.clone(), walk.store.clone());
    let (job, now) = (walk.job.id, walk.job.created_at);
    if action.verb == "join" {
        let wanted: Vec<String> =
            action.value.iter().flat_map(|value| value.split_whitespace()).map(str::to_owned).collect();
        let fresh = join(walk, &wanted).await?;
        return Ok(fresh.then(|| Occasion::new("welcome")));
    }
    if action.verb == "leave" {
        // Nobody leaves by what they type into the chat: their way back is by text alone.
        if walk.job.request.source == Source::Sms {
            stand(walk, Standing::Left).await?;
        }
        return Ok(None);
    }
    let Some(person) = walk.person.clone() else {
        let why = format!("asks for `{}` for someone unknown: `join` comes first", action.verb);
        return Err(contract(ready, why));
    };
    let target = action.target.clone().unwrap_or_default();
    let value = action.value.clone().unwrap_or_default();
    let (did, name) = match action.verb.as_str() {
        "return" => {
            stand(walk, Standing::Active).await?;
            (Did::Done(None), "welcome-back")
        }
        "confirm" => {
            parts.patiently(|| store.confirm(person.id)).await?;
            (Did::Done(None), "confirmed")
        }
        // Whose chat is open is told by the talk itself.
        "chat" => return Ok(None),
        "rename" => (parts.patiently(|| store.rename(job, step, person.id, &value, RESERVED)).await?, "renamed"),
        "fave" => {
            let (user, page) = target.split_once('/').unwrap_or((&person.slug, &target));
            (parts.patiently(|| store.fave(job, step, person.id, user, page)).await?, "faved")
        }
        verb => {
            let Some((paged, name)) = paged(verb) else {
                return Err(contract(ready, format!("asks for the action `{verb}`, which this host does not know")));
            };
            (parts.patiently(|| store.do_to_page(job, step, person.id, &target, paged, now)).await?, name)
        }
    };
    if action.verb == "rename" && matches!(did, Did::Done(_)) {
        walk.person = parts.patiently(|| store.person(&person.asker)).await?;
    }
    Ok(Some(occasion_of(did, name)))
}

fn contract(ready: &Ready, why: String) -> Failure {
    match &ready.plugin {
        Some(plugin) => plugin.error(Fault::Contract(why)).into(),
        None => Failure::last("plugin", why),
    }
}

fn paged(verb: &str) -> Option<(Paged, &'static str)> {
    Some(match verb {
        "set-home" => (Paged::SetHome, "home-set"),
        "forget" => (Paged::Forget, "forgotten"),
        "undo" => (Paged::Undo, "undone"),
        "hide" => (Paged::Hide, "hidden"),
        "unhide" => (Paged::Unhide, "unhidden"),
        _ => return None,
    })
}

fn occasion_of(did: Did, name: &'static str) -> Occasion {
    match did {
        Did::Done(what) => {
            let what = what.unwrap_or_default();
            Occasion::new(name).with("slug", what.clone()).with("page", what)
        }
        Did::Taken(slug) => Occasion::new("name-taken").with("slug", slug),
        Did::NoSuchPage(page) => Occasion::new("no-such-page").with("page", page),
        Did::Already => Occasion::new("already").with("of", name),
    }
}

async fn report(walk: &Walk, done: Vec<Occasion>, first: bool) -> String {
    // Joining is told of only where nothing else was done.
    let other = done.iter().rev().find(|occasion| occasion.name() != "welcome").cloned();
    let mut occasion = other.unwrap_or_else(|| Occasion::new("welcome"));
    if first {
        occasion = occasion.with("first", "true");
    }
    if let Some(person) = &walk.person
        && occasion.name() != "name-taken"
    {
        occasion = occasion.with("user", person.slug.clone());
    }
    speech::words(walk, &occasion).await.unwrap_or_default()
}

/// What is said in a talk is kept: the person's words, and a reply given at once.
async fn remember_talk(walk: &Walk, then: &ForPerson) -> Result<(), Failure> {
    let ForPerson::Order(order) = then else { return Ok(()) };
    let (Some(person), "chat") = (&walk.person, order.kind.as_str()) else { return Ok(()) };
    let (parts, store) = (&walk.parts, &walk.store);
    let turn = Turn { coach: None, text: order.text.clone(), at: walk.job.created_at };
    parts.patiently(|| store.add_turn(person.id, walk.job.id, &turn)).await
}

async fn within_limits(walk: &Walk, _order: &Order) -> Result<(), Failure> {
    let pipeline = &walk.generation.pipeline;
    let (limits, parts, store) = (&pipeline.limits, &walk.parts, &walk.store);
    let Some(person) = walk.person.as_ref().filter(|_| limits.enabled) else { return Ok(()) };
    let now = Millis::now();
    let factor = limits.factor.iter().find(|(role, _)| *role == person.role).map_or(1.0, |(_, factor)| *factor);
    let yours = limits.spend_per_person.map(|most| (Whose::Person(person.id), most * factor));
    let all = limits.spend_per_day.map(|most| (Whose::Everyone, most));
    for (whose, most) in yours.into_iter().chain(all) {
        let spent = parts.patiently(|| store.cost_since(&whose, now.before(Duration::from_hours(24)))).await?;
        if spent >= most {
            return Err(over(walk, "spend", 60).await);
        }
    }
    let allowances = allowances(walk, factor);
    let key = format!("person:{}", person.id.0);
    match parts.patiently(|| store.spend(&key, walk.job.id, &allowances, now)).await? {
        Spent::Fits => Ok(()),
        Spent::Over { per, again } => Err(over(walk, per, again.since(now).as_secs() / 60 + 1).await),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a limit times a small factor")]
fn allowances(walk: &Walk, factor: f64) -> Vec<Allowance> {
    let limits = &walk.generation.pipeline.limits;
    let hours = |n: u64| Duration::from_secs(n * 3_600);
    let spans = [("hour", 1, limits.per_hour), ("day", 24, limits.per_day), ("month", 720, limits.per_month)];
    spans
        .into_iter()
        .map(|(per, n, most)| Allowance { per, span: hours(n), most: (f64::from(most) * factor) as u32 })
        .collect()
}

/// Refuses kindly: which allowance is used up, and when there is room again.
pub(super) async fn over(walk: &Walk, per: &str, minutes: u64) -> Failure {
    let occasion = Occasion::new("limit").with("per", per).with("again", minutes.to_string());
    let words = speech::words(walk, &occasion).await.unwrap_or_default();
    Failure::Refused { code: "limit", words }
}
