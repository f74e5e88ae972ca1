//! The flow, one small pipeline at a time.

use super::*;

/// Stages written short: `name:plugin`, `name:@adapter`, and after that any keys.
fn stages(lines: &[&str]) -> String {
    let mut text = String::from("[[ai]]\nname = \"demo\"\nkind = \"demo\"\n");
    for line in lines {
        let (stage, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, runs) = stage.split_once(':').unwrap_or((stage, stage));
        let runs = match runs.strip_prefix('@') {
            Some(adapter) => format!("adapter = \"{adapter}\""),
            None => format!("plugin = \"{runs}\""),
        };
        text += &["[[stage]]", &format!("name = \"{name}\""), &runs, &rest.replace("; ", "\n"), ""].join("\n");
    }
    text
}

fn messages(lines: &[&str]) -> Vec<String> {
    Case { text: &stages(lines), ..Case::default() }.messages()
}

fn good(lines: &[&str]) -> Checked {
    Case { text: &stages(lines), ..Case::default() }.good()
}

const COACH: &str = "coach";
const PROMPT: &str = "prompt";
const AI: &str = "ai:@ai";
const EXTRACT: &str = "extract";
const SLUG: &str = "slug";
const PUBLISH: &str = "publish:@publish";
const NOTIFY: &str = "notify:@notify";

#[test]
fn the_brief_pair_flows() {
    let checked = good(&[
        COACH,
        "plan:prompt config = { make = \"brief\" }",
        "brief:@ai",
        PROMPT,
        AI,
        EXTRACT,
        SLUG,
        PUBLISH,
        NOTIFY,
    ]);
    assert_eq!(checked.stages[1].when, [When::Build]);
    assert_eq!(checked.stages[2].when, [When::Build], "the brief's AI stands where its prompt does");
}

#[test]
fn a_pipeline_that_only_builds_is_a_pipeline() {
    let checked = good(&[COACH, "prompt when = \"build\"", AI, EXTRACT, SLUG, PUBLISH, "files:@files", NOTIFY]);
    assert!(checked.stages[1..6].iter().all(|stage| stage.when == [When::Build]));
}

#[test]
fn edits_and_chats_may_have_stages_of_their_own() {
    good(&[
        COACH,
        "prompt when = [\"build\", \"edit\"]",
        AI,
        EXTRACT,
        "talk:prompt when = \"chat\"",
        "talk-ai:@ai when = \"chat\"",
        "talk-extract:extract when = \"chat\"",
        SLUG,
        PUBLISH,
        NOTIFY,
    ]);
}

#[test]
fn filters_stand_where_what_they_look_at_is() {
    let checked = good(&[
        "early:tidy on = \"idea\"",
        COACH,
        "idea:tidy on = \"idea\"",
        PROMPT,
        AI,
        EXTRACT,
        "page:tidy on = \"page\"",
        "both:tidy on = [\"page\", \"reply\"]",
        SLUG,
        PUBLISH,
        "reply:tidy on = \"reply\"",
        NOTIFY,
    ]);
    assert_eq!(checked.stages[6].when, [When::Build, When::Edit]);
    assert_eq!(checked.stages[10].when, [When::Chat, When::Reply]);
}

#[test]
fn a_filter_in_the_wrong_place_is_told() {
    let late = messages(&[
        COACH,
        PROMPT,
        "idea:tidy on = \"idea\"",
        AI,
        EXTRACT,
        SLUG,
        PUBLISH,
        "page:tidy on = \"page\"",
        NOTIFY,
    ]);
    assert_eq!(
        late,
        [
            "`idea` looks at ideas, and stands after the prompt written of them",
            "`page` needs a page found in an answer, and there it is live already",
        ]
    );
    let passed_by = messages(&[COACH, "words:tidy on = \"reply\"", PROMPT, AI, EXTRACT, SLUG, PUBLISH, NOTIFY]);
    assert_eq!(passed_by, ["`words` looks at replies, and a chat's reply is found only after it"]);
}

#[test]
fn a_stage_that_lacks_something_names_it() {
    assert_eq!(
        messages(&[COACH, PROMPT, EXTRACT, AI, SLUG, PUBLISH, NOTIFY])[0],
        "`extract` needs an AI's answer, and no stage before it makes one"
    );
    assert_eq!(
        messages(&[COACH, PROMPT, AI, EXTRACT, PUBLISH, NOTIFY]),
        ["`publish` needs a name for the page, and no stage before it makes one for build"]
    );
    assert_eq!(
        messages(&[
            COACH,
            PROMPT,
            AI,
            "extract when = \"edit\"",
            SLUG,
            "publish:@publish when = [\"build\", \"edit\"]",
            NOTIFY
        ]),
        ["`publish` needs a page found in an answer, and no stage before it makes one for build"]
    );
}

#[test]
fn a_second_call_needs_a_prompt_of_its_own() {
    assert_eq!(
        messages(&[COACH, PROMPT, AI, "again:@ai", EXTRACT, SLUG, PUBLISH, NOTIFY]),
        ["`again` needs an AI call, and the one there was is used already"]
    );
}

#[test]
fn what_is_made_for_nobody_is_told() {
    assert_eq!(
        messages(&[COACH, PROMPT, AI, "extract when = [\"build\", \"edit\"]", SLUG, PUBLISH, NOTIFY]),
        ["the answer to `ai` goes nowhere for chat: nothing is looked for in it"]
    );
    assert_eq!(
        messages(&[
            COACH,
            "plan:prompt config.make = \"brief\"",
            "brief:@ai",
            "prompt when = \"edit\"",
            AI,
            EXTRACT,
            SLUG,
            PUBLISH,
            NOTIFY
        ]),
        ["the brief of `plan` goes nowhere for build: no prompt reads it"]
    );
}

#[test]
fn there_is_one_coach_one_publish_one_notify() {
    assert_eq!(messages(&[PROMPT, AI, EXTRACT, SLUG]).len(), 3);
    assert_eq!(messages(&[COACH, PROMPT, AI, EXTRACT, SLUG, PUBLISH, NOTIFY, "b:@notify", "c:coach"]).len(), 2);
}

#[test]
fn nothing_but_files_follows_notify() {
    good(&[COACH, PROMPT, AI, EXTRACT, SLUG, PUBLISH, NOTIFY, "files:@files"]);
    assert_eq!(
        messages(&[COACH, PROMPT, AI, EXTRACT, NOTIFY, SLUG, PUBLISH]),
        ["`slug` stands after the person has been told", "`publish` stands after the person has been told"]
    );
}

#[test]
fn a_build_that_publishes_nothing_is_told() {
    assert_eq!(
        messages(&[COACH, "prompt when = \"chat\"", AI, EXTRACT, SLUG, "publish:@publish when = \"build\"", NOTIFY]),
        ["`publish` needs a page found in an answer, and no stage before it makes one"]
    );
    assert_eq!(
        messages(&[COACH, "prompt when = \"edit\"", AI, EXTRACT, SLUG, PUBLISH, NOTIFY]),
        ["a build ends without a page: `publish` is not on its way"]
    );
}

#[test]
fn a_stage_hidden_by_a_fault_does_not_set_off_others() {
    assert_eq!(
        messages(&[COACH, PROMPT, AI, "extract:nope", SLUG, PUBLISH, NOTIFY]),
        ["`stage.extract.plugin`: there is no plugin `nope`"]
    );
    assert_eq!(
        messages(&["coach:nope", PROMPT, AI, EXTRACT, SLUG, PUBLISH, NOTIFY]),
        ["`stage.coach.plugin`: there is no plugin `nope`"]
    );
}
