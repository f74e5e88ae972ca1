//! What a verb's exit code says. docs/reference/exits.md is written from here, and every verb has its line.

/// Bad configuration (`EX_CONFIG` of sysexits.h).
pub const BAD_CONFIG: u8 = 78;

/// A verb's own codes. Usage (2) is every verb's; [`BAD_CONFIG`] that of each that reads a pipeline.
#[cfg(test)]
pub(super) struct Exits {
    /// Such as `jobs show`.
    pub verb: &'static str,
    /// What 0 says.
    pub done: &'static str,
    /// What 1 says.
    pub failed: &'static str,
    /// Whether it reads a pipeline, and so may end in 78.
    pub reads: bool,
}

#[cfg(test)]
const fn exits(verb: &'static str, reads: bool, done: &'static str, failed: &'static str) -> Exits {
    Exits { verb, done, failed, reads }
}

/// In the order of `--help`.
#[cfg(test)]
pub(super) const EXITS: &[Exits] = &[
    exits(
        "run",
        true,
        "told to stop, it ended what was in hand",
        "it could not start, such as with a port that is taken, or a part failed for good",
    ),
    exits("init", false, "the files are written", "there is a file already, or nobody to ask"),
    exits("check", true, "the pipeline is good", "never: what is wrong with it is 78"),
    exits("test", true, "every case passed", "a case failed, or there is none"),
    exits("doctor", true, "nothing failed; there may be warnings", "something failed, and it says what to do"),
    exits("schema", false, "it is printed", "never"),
    exits("graph", true, "it is drawn", "never: what is wrong with the pipeline is 78"),
    exits(
        "send",
        true,
        "the job ended well: a page, or an answer",
        "the job failed, was refused or has not ended in time; no engine answers",
    ),
    exits("status", true, "the engine is ready", "it is not, or none answers"),
    exits("tap", true, "as many calls as asked for were shown", "there is no such stage, or it runs no plugin"),
    exits("jobs list", true, "they are listed, if there are any", "queue or database cannot be read"),
    exits(
        "jobs show",
        true,
        "there is such a job; with `--follow`: it ended well",
        "there is none; with `--follow`: it failed or was refused",
    ),
    exits("jobs explain", true, "there is such a job, however it ended", "there is none"),
    exits("jobs retry", true, "all of them wait again", "one of them has not failed; those before it wait again"),
    exits(
        "jobs replay",
        true,
        "the versions answered the same again; with `--with`: the other answered",
        "an answer differs, or there is none; nothing is recorded of the job",
    ),
    exits("people list", true, "they are listed, if there are any", "the database cannot be read"),
    exits("people show", true, "there is such a person", "there is none"),
    exits("people export", true, "all of it is written", "there is no such person, or the folder is there already"),
    exits(
        "people erase",
        true,
        "nothing is left; without `--yes`: what would go was shown",
        "there is no such person, or a job of theirs is under way",
    ),
    exits("plugin list", true, "they are listed", "the data directory cannot be read"),
    exits("plugin inspect", false, "it is a plugin", "it is none that this engine could run"),
    exits(
        "plugin export",
        false,
        "the file is written",
        "there is no such built-in plugin, or the file cannot be written",
    ),
    exits("plugin new", false, "the project is there", "the folder holds something already"),
    exits("plugin build", true, "the component is written", "it does not build; it says what is missing"),
    exits(
        "plugin test",
        true,
        "every example and every recorded call passed",
        "one failed, or there was nothing to try it on",
    ),
    exits(
        "plugin install",
        true,
        "it is in force, or on trial",
        "it was refused, or asks for more than before; the version in force stays",
    ),
    exits("plugin rollback", true, "the version before is in force", "there is none before it"),
    exits(
        "plugin uninstall",
        true,
        "the built-in version serves again, or did already",
        "no such plugin is in the pipeline or in its bucket, or the engine has not gone back",
    ),
    exits(
        "plugin promote",
        true,
        "everyone gets the version that was on trial",
        "none was on trial, or no engine answers",
    ),
    exits("plugin keygen", false, "the key is written", "there is a file already"),
    exits("plugin sign", false, "it is signed", "it is no plugin, or the file holds no key"),
    exits("plugin verify", true, "the pipeline's keys let it in, or it asks for none", "they do not"),
    exits("plugin push", false, "it is in the registry", "the registry would not have it"),
    exits(
        "migrate",
        true,
        "the tables are up to date; with `--dry-run`: they could be",
        "the database would not; with `--dry-run`: they could not be",
    ),
    exits("completions", false, "they are printed", "never"),
    exits("man", false, "it is printed, or the pages are written", "the folder cannot be written"),
];
