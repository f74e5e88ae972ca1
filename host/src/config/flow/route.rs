//! One pass along each route, noting what lacks and what is left over.

use super::{Placed, ROUTES, Work};
use crate::config::model::{FilterOn, When};

/// What a stage needs from those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What is to be made.
    Order,
    /// An AI call.
    Call,
    /// What the AI said.
    Answer,
    /// A page as found in an answer.
    Draft,
    /// The page's name.
    Name,
    /// A live page.
    Page,
    /// Words for the person.
    Words,
    /// The idea, before a prompt is written of it.
    Idea,
    /// A page without a name.
    Nameless,
}

/// A stage that lacks something on some routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    pub stage: usize,
    pub need: Need,
    pub routes: Vec<When>,
}

/// What a stage makes and nothing uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// A call no AI is asked.
    Call,
    /// An answer nothing is looked for in.
    Answer,
    /// A page never published.
    Draft,
    /// A material no prompt reads.
    Material,
}

/// A leftover of some routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub stage: usize,
    pub left: Left,
    pub routes: Vec<When>,
}

/// All routes walked.
#[derive(Debug, Default)]
pub struct Routes {
    pub lacks: Vec<Lack>,
    pub leftovers: Vec<Leftover>,
    /// Filters on replies (first) that stand before the extract (second) which finds a chat's reply.
    pub passed_by: Vec<(usize, usize)>,
    /// Whether a build ends in a live page.
    pub builds: bool,
    stood: Vec<Vec<When>>,
}

/// What there is at a point of a route; each by the stage that made it.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing that is there or is not")]
struct State {
    call: Option<usize>,
    answer: Option<usize>,
    draft: Option<usize>,
    material: Option<usize>,
    name: bool,
    page: bool,
    reply: bool,
    prompted: bool,
    /// A stage hidden by a fault has been passed: whatever lacks from here on may be its work.
    unsure: bool,
    reply_filters: Vec<usize>,
}

impl Routes {
    /// Walks them all.
    pub fn of(stages: &[Placed]) -> Self {
        let mut routes = Self { stood: vec![Vec::new(); stages.len()], ..Self::default() };
        for route in ROUTES {
            routes.walk(stages, route);
        }
        routes.nowhere(stages);
        if stages.iter().any(|stage| stage.work() == Work::Unknown) {
            routes.leftovers.clear();
            routes.builds = true;
        }
        routes
    }

    /// The routes a stage stands on.
    pub fn stood_on(&self, stage: usize) -> Vec<When> {
        self.stood[stage].clone()
    }

    fn walk(&mut self, stages: &[Placed], route: When) {
        let mut state = State::default();
        for (index, stage) in stages.iter().enumerate() {
            let stands = match &stage.when {
                Some(when) => when.contains(&route),
                None => has_work(stage, route, &state),
            };
            if stands {
                self.stood[index].push(route);
                self.stand(stages, index, route, &mut state);
            }
            state.unsure |= stage.work() == Work::Unknown;
        }
        for (stage, left) in [
            (state.call, Left::Call),
            (state.answer, Left::Answer),
            (state.draft, Left::Draft),
            (state.material, Left::Material),
        ] {
            self.leave(stage, left, route);
        }
        self.builds |= route == When::Build && state.page;
    }

    fn stand(&mut self, stages: &[Placed], index: usize, route: When, state: &mut State) {
        let stage = &stages[index];
        match stage.work() {
            Work::Coach | Work::Notify | Work::Unknown => {}
            Work::Filter => self.filter(index, stage, route, state),
            Work::Prompt => {
                self.require(route != When::Reply, index, Need::Order, route, state);
                self.leave(state.call.replace(index), Left::Call, route);
                state.prompted = true;
                if stage.make.is_none() {
                    state.material = None;
                }
            }
            Work::Ai => {
                self.require(state.call.is_some(), index, Need::Call, route, state);
                let prompt = state.call.take();
                if prompt.is_some_and(|prompt| stages[prompt].make.is_some()) {
                    state.material = prompt;
                } else {
                    self.leave(state.answer.replace(index), Left::Answer, route);
                }
            }
            Work::Extract => {
                self.require(state.answer.is_some(), index, Need::Answer, route, state);
                state.answer = None;
                if route == When::Chat {
                    self.passed_by.extend(state.reply_filters.iter().map(|filter| (*filter, index)));
                    state.reply = true;
                } else {
                    self.leave(state.draft.replace(index), Left::Draft, route);
                }
            }
            Work::Slug => {
                self.require(route != When::Reply, index, Need::Order, route, state);
                self.require(!matches!(route, When::Edit | When::Chat), index, Need::Nameless, route, state);
                state.name = true;
            }
            Work::Publish => {
                self.require(state.draft.is_some(), index, Need::Draft, route, state);
                self.require(state.name || route != When::Build, index, Need::Name, route, state);
                state.draft = None;
                state.page = true;
            }
            Work::Files => self.require(state.page, index, Need::Page, route, state),
        }
    }

    fn filter(&mut self, index: usize, stage: &Placed, route: When, state: &mut State) {
        let chosen = stage.when.is_some();
        for on in &stage.on {
            match on {
                FilterOn::Idea => self.require(!state.prompted, index, Need::Idea, route, state),
                FilterOn::Reply => {
                    state.reply_filters.push(index);
                    let words = route == When::Reply || state.reply;
                    self.require(words || !chosen || stage.on.len() > 1, index, Need::Words, route, state);
                }
                FilterOn::Page => {
                    let pageless = matches!(route, When::Chat | When::Reply);
                    let passes = state.draft.is_some() || (pageless && stage.on.len() > 1);
                    self.require(passes, index, Need::Draft, route, state);
                }
            }
        }
    }

    fn require(&mut self, there: bool, stage: usize, need: Need, route: When, state: &State) {
        if there || state.unsure {
            return;
        }
        match self.lacks.iter_mut().find(|lack| (lack.stage, lack.need) == (stage, need)) {
            Some(lack) => lack.routes.push(route),
            None => self.lacks.push(Lack { stage, need, routes: vec![route] }),
        }
    }

    fn leave(&mut self, stage: Option<usize>, left: Left, route: When) {
        let Some(stage) = stage else { return };
        match self.leftovers.iter_mut().find(|leftover| (leftover.stage, leftover.left) == (stage, left)) {
            Some(leftover) => leftover.routes.push(route),
            None => self.leftovers.push(Leftover { stage, left, routes: vec![route] }),
        }
    }

    /// Stages without a `when` that found no work on any route.
    fn nowhere(&mut self, stages: &[Placed]) {
        for (index, stage) in stages.iter().enumerate() {
            let unsure = stages[..index].iter().any(|earlier| earlier.work() == Work::Unknown);
            if stage.when.is_some() || !self.stood[index].is_empty() || unsure {
                continue;
            }
            let need = match stage.work() {
                Work::Ai => Need::Call,
                Work::Extract => Need::Answer,
                Work::Publish => Need::Draft,
                Work::Files => Need::Page,
                Work::Filter if stage.on.contains(&FilterOn::Page) => Need::Draft,
                _ => continue,
            };
            self.lacks.push(Lack { stage: index, need, routes: Vec::new() });
        }
    }
}

/// Whether a stage without `when` has anything to do on a route.
fn has_work(stage: &Placed, route: When, state: &State) -> bool {
    match stage.work() {
        Work::Coach | Work::Notify | Work::Unknown => true,
        Work::Prompt if stage.make.is_some() => route == When::Build,
        Work::Prompt => route != When::Reply,
        Work::Ai => state.call.is_some(),
        Work::Extract => state.answer.is_some(),
        Work::Slug => route == When::Build,
        Work::Publish => state.draft.is_some(),
        Work::Files => state.page,
        Work::Filter => stage.on.iter().any(|on| match on {
            FilterOn::Idea => true,
            FilterOn::Reply => matches!(route, When::Reply | When::Chat),
            FilterOn::Page => state.draft.is_some(),
        }),
    }
}
