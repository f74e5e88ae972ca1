//! `[[test]]`: each case, with the line of everything it asks for, so that a failure can say where it was asked.

use serde_json::{Map, Value};

use super::unique;
use crate::{
    config::{
        case::{Acquaintance, AiSays, Case, Expect, Wanted},
        document::{At, Val},
        fault::{Code, Found},
        keys::{AiPart, case, expect},
        kinds::{Roles, unknown_role},
        model::Stage,
        walk::{Key, Kind, View, Walk, nearest},
    },
    job::Status,
};

/// Every case. What they say of roles and stages is looked at where those could be read.
pub fn read(
    walk: &mut Walk<'_>,
    views: &[View],
    roles: Option<&Map<String, Value>>,
    stages: Option<&[Stage]>,
) -> Option<Vec<Case>> {
    let mut names = Vec::new();
    let mut cases = Vec::new();
    for view in views {
        let name = view.need(walk, &case::NAME_);
        if let Some(name) = &name {
            names.push((name.clone(), view.at_of(&case::NAME_)));
        }
        cases.push(read_case(walk, view, name, roles, stages));
    }
    unique(walk, "[[test]]", &names);
    cases.into_iter().collect()
}

fn read_case(
    walk: &mut Walk<'_>,
    view: &View,
    name: Option<String>,
    roles: Option<&Map<String, Value>>,
    stages: Option<&[Stage]>,
) -> Option<Case> {
    let source = view.get(walk, &case::SOURCE);
    let from_given = view.has(walk, &case::FROM);
    let from = view.get(walk, &case::FROM);
    let known = known(walk, view, roles);
    let before = view.get(walk, &case::BEFORE);
    let text = view.need(walk, &case::TEXT_);
    let ai = ai(walk, view);
    let wanted = view.get(walk, &case::EXPECT).and_then(|inner| wanted(walk, view, &inner, stages));
    if from_given && from.is_none() {
        return None;
    }
    Some(Case {
        name: name?,
        line: walk.line(view.at()),
        source: source?,
        from,
        known: known?,
        before: before?,
        text: text?,
        ai: ai?,
        wanted: wanted?,
    })
}

#[allow(
    clippy::option_option,
    reason = "the outer one is a fault that was told, as with every key; the inner one a key that is not there"
)]
fn known(walk: &mut Walk<'_>, view: &View, roles: Option<&Map<String, Value>>) -> Option<Option<Acquaintance>> {
    let (slug_given, role_given) = (view.has(walk, &case::SLUG), view.has(walk, &case::ROLE));
    let slug = view.get(walk, &case::SLUG);
    let role = view.get(walk, &case::ROLE);
    if let (Some(role), Some(roles)) = (&role, roles) {
        let ladder = Roles::ladder(roles);
        if !ladder.contains(role) {
            walk.push(unknown_role(&view.path_of("role"), role, &ladder, view.at_of(&case::ROLE)));
            return None;
        }
    }
    if role_given && !slug_given {
        let message = format!("`{}` says what someone may do, and nothing says who that is", view.path());
        walk.push(Found::new(Code::Missing, view.at_of(&case::ROLE), message).help("add slug = \"ann\", say"));
        return None;
    }
    if slug_given { slug.map(|slug| Some(Acquaintance { slug, role })) } else { Some(None) }
}

fn ai(walk: &mut Walk<'_>, view: &View) -> Option<AiSays> {
    let part_given = view.has(walk, &case::AI_);
    let part = view.get(walk, &case::AI_);
    let answers = view.get(walk, &case::ANSWER);
    let answered = view.has(walk, &case::ANSWER);
    let answers = if answered { answers? } else { Vec::new() };
    match (if part_given { part? } else { AiPart::Answers }, answers.is_empty()) {
        (AiPart::Answers, true) => Some(AiSays::Demo),
        (AiPart::Answers, false) => Some(AiSays::Words(answers)),
        (AiPart::CutOff, false) => Some(AiSays::CutOff(answers)),
        (AiPart::Refuses, true) => Some(AiSays::Refusal),
        (AiPart::Down, true) => Some(AiSays::Nothing),
        (AiPart::CutOff, true) => {
            let message = format!("`{}`: an answer that is cut off has to begin somehow", view.path_of("ai"));
            let help = "add answer = \"…\", or a list of the pieces it comes in";
            walk.push(Found::new(Code::Missing, view.at_of(&case::AI_), message).help(help));
            None
        }
        (AiPart::Refuses | AiPart::Down, false) => {
            let message = format!("`{}` and `{}` do not go together", view.path_of("answer"), view.path_of("ai"));
            let help = "an AI that refuses or is down says nothing: take one of the two out";
            let fault = Found::new(Code::Conflict, view.at_of(&case::ANSWER), message);
            walk.push(fault.also(view.at_of(&case::AI_), "the other").help(help));
            None
        }
    }
}

/// What a key's words ask for.
type Wants = fn(String) -> Expect;

fn wanted(walk: &mut Walk<'_>, case: &View, view: &View, stages: Option<&[Stage]>) -> Option<Vec<Wanted>> {
    let mut all = Vec::new();
    let status = view.get(walk, &expect::STATUS);
    // Unset, it is asked for all the same: a job that fails is no good case, whatever else it did.
    let at = view.entry_at(&expect::STATUS).unwrap_or(case.at());
    all.push(Wanted { what: Expect::Status(status.unwrap_or(Status::Done)), line: walk.line(at) });
    let one: [(&Key<_>, Wants); 4] = [
        (&expect::KIND_, Expect::Kind),
        (&expect::TITLE, Expect::Title),
        (&expect::SLUG_, Expect::Slug),
        (&expect::ERROR, Expect::Error),
    ];
    for (key, wants) in one {
        let value = view.get(walk, key);
        all.extend(value.map(|value| Wanted { what: wants(value), line: walk.line(view.at_of(key)) }));
    }
    let several: [(&Key<_>, Wants); 3] =
        [(&expect::REPLY, Expect::Reply), (&expect::PAGE, Expect::Page), (&expect::PROMPT, Expect::Prompt)];
    for (key, wants) in several {
        let values = view.get(walk, key).unwrap_or_default();
        let places = places(view, key);
        let at = |index: usize| places.get(index).copied().unwrap_or(view.at_of(key));
        let each = values.into_iter().enumerate();
        let each: Vec<_> =
            each.map(|(index, words)| Wanted { what: wants(words), line: walk.line(at(index)) }).collect();
        all.extend(each);
    }
    let texts = view.get(walk, &expect::TEXTS);
    all.extend(texts.map(|texts| Wanted { what: Expect::Texts(texts), line: walk.line(view.at_of(&expect::TEXTS)) }));
    let ran = view.get(walk, &expect::STAGES);
    if let Some(ran) = ran.filter(|_| view.has(walk, &expect::STAGES)) {
        let unknown = stages.and_then(|stages| ran.iter().find(|name| stages.iter().all(|it| it.name != **name)));
        if let (Some(unknown), Some(stages)) = (unknown, stages) {
            walk.push(no_such_stage(view, unknown, stages));
            return None;
        }
        all.push(Wanted { what: Expect::Stages(ran), line: walk.line(view.at_of(&expect::STAGES)) });
    }
    Some(all)
}

/// Where each of a list stands, or the one there is.
fn places<K: Kind>(view: &View, key: &Key<K>) -> Vec<At> {
    match view.node(key).map(|node| (node.at, &node.value)) {
        Some((_, Val::List(items))) => items.iter().map(|item| item.at).collect(),
        Some((at, _)) => vec![at],
        None => Vec::new(),
    }
}

fn no_such_stage(view: &View, name: &str, stages: &[Stage]) -> Found {
    let message = format!("`{}`: there is no stage called `{name}`", view.path_of("stages"));
    let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let fault = Found::new(Code::BadValue, view.at_of(&expect::STAGES), message)
        .help(format!("the stages are {}", names.join(", ")));
    match nearest(name, names.iter().copied()) {
        Some(near) => fault.label(format!("did you mean \"{near}\"?")),
        None => fault,
    }
}
