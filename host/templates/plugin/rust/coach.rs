//! A coach of few words: `make …` makes a page, `pages` lists them, anything else is told what there is.
//!
//! `decide` is called with every text and every chat: what to do with it. `say` is called when there is something to tell: the words for it. The
//! carriers' own words (STOP and its family) are dealt with by the host before.

use wtaf_plugin_sdk::{
    Context, Named, Order, PageSummary, Person, Request, Seeded, StageError, Turn,
    coach::{Action, Coach, Decision, Occasion, Outcome},
};

const HELP: &str = "Text MAKE and what you would like, such as: make a page for my band. PAGES lists what you have.";
const STOP: &str = " Reply STOP to leave.";

struct FewWords;

impl Coach for FewWords {
    fn decide(
        ctx: Context,
        request: Request,
        person: Person,
        pages: Vec<PageSummary>,
        _thread: Vec<Turn>,
    ) -> Result<Decision, StageError> {
        let text = request.text.trim();
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (first, rest) = (first.to_lowercase(), rest.trim());
        // One who has left is left alone, until they ask to come back.
        if person.standing == "left" {
            return Ok(match first.as_str() {
                "start" => Decision {
                    actions: vec![action("return", None)],
                    then: Outcome::Report,
                },
                _ => Decision {
                    actions: vec![],
                    then: Outcome::Silence("the person has left".into()),
                },
            });
        }
        let then = match first.as_str() {
            "make" | "wtaf" if !rest.is_empty() => order(rest),
            "pages" => Outcome::Reply(list(&pages)),
            // In the web chat, plain words are an idea.
            _ if request.source != "sms" && text.contains(' ') => order(text),
            _ => Outcome::Reply(HELP.into()),
        };
        // A new person joins by whatever they text first.
        let is_new = person.standing == "unknown";
        let actions = if is_new {
            vec![action("join", Some(names(ctx.seed)))]
        } else {
            vec![]
        };
        let then = match then {
            Outcome::Reply(words) if is_new && request.source == "sms" => {
                Outcome::Reply(words + STOP)
            }
            other => other,
        };
        Ok(Decision { actions, then })
    }

    fn say(
        _ctx: Context,
        _person: Person,
        occasion: Occasion,
    ) -> Result<Option<String>, StageError> {
        let value = |name: &str| occasion.values.named(name).unwrap_or_default().to_owned();
        let stop = if value("first") == "true" { STOP } else { "" };
        Ok(Some(match occasion.name.as_str() {
            "accepted" if value("kind") == "chat" => return Ok(None),
            "accepted" => format!("On it. The link comes in about a minute.{stop}"),
            // The words that announce a page end with its link, and hold no other.
            "page-live" | "edit-done" => format!("Here it is.{stop}\n{}", value("url")),
            "chat" => value("words"),
            "refused" => value("why"),
            "failed" | "no-page" => {
                "That one did not come out. Say it another way, and I will try again.".into()
            }
            "limit" | "busy" => "That is all for now. Try again in a little while.".into(),
            "welcome" | "welcome-back" => format!("Good to have you here. {HELP}{stop}"),
            // Of anything else nothing is said.
            _ => return Ok(None),
        }))
    }
}

fn order(text: &str) -> Outcome {
    Outcome::Order(Order {
        kind: "page".into(),
        text: text.into(),
        coach: None,
        page: None,
        why: "everything is a page here".into(),
        extra: vec![],
    })
}

fn list(pages: &[PageSummary]) -> String {
    if pages.is_empty() {
        return format!("No pages yet. {HELP}");
    }
    let lines = pages.iter().take(9).enumerate().map(|(at, page)| {
        let title = if page.title.is_empty() {
            &page.slug
        } else {
            &page.title
        };
        format!("{} {title}", at + 1)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn action(verb: &str, value: Option<String>) -> Action {
    Action {
        verb: verb.into(),
        target: None,
        value,
        extra: vec![],
    }
}

/// What a new person may be called, best first; the host takes the first that is free.
fn names(seed: u64) -> String {
    let mut chance = Seeded::new(seed);
    (0..20)
        .map(|_| format!("friend-{}", 1000 + chance.below(9000)))
        .collect::<Vec<_>>()
        .join(" ")
}

wtaf_plugin_sdk::export_coach!(FewWords);

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            job: "1".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: "{}".into(),
            extra: vec![],
        }
    }

    fn person(standing: &str) -> Person {
        Person {
            slug: None,
            role: "coder".into(),
            standing: standing.into(),
            extra: vec![],
        }
    }

    fn decided(text: &str, standing: &str) -> Decision {
        let request = Request {
            text: text.into(),
            source: "sms".into(),
            media: vec![],
            extra: vec![],
        };
        FewWords::decide(context(), request, person(standing), vec![], vec![]).unwrap()
    }

    #[test]
    fn make_makes_a_page_of_what_follows() {
        let Outcome::Order(order) = decided("Make  a page for my band", "active").then else {
            panic!("no order")
        };
        assert_eq!(order.text, "a page for my band");
    }

    #[test]
    fn a_new_person_joins_and_is_told_how_to_leave() {
        let decision = decided("hello", "unknown");
        assert_eq!(decision.actions[0].verb, "join");
        assert!(
            matches!(decision.then, Outcome::Reply(words) if words.ends_with("STOP to leave."))
        );
    }

    #[test]
    fn one_who_has_left_is_left_alone() {
        assert!(matches!(
            decided("make a page", "left").then,
            Outcome::Silence(_)
        ));
        assert_eq!(decided("START", "left").actions[0].verb, "return");
    }

    #[test]
    fn a_page_is_announced_with_its_link_last() {
        let values = vec![("url".into(), "https://x.example/y".into())];
        let said = FewWords::say(
            context(),
            person("active"),
            Occasion {
                name: "page-live".into(),
                values,
            },
        )
        .unwrap();
        assert!(said.unwrap().ends_with("\nhttps://x.example/y"));
    }
}
