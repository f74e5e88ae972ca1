//! The demo provider: answers without any AI, so that the first minute of the product needs no key.
//!
//! It picks one of a small library of hand-written pages by the words of the request, fills in what it finds there
//! (a title, names, numbers, a list, a date, a colour) and answers as an AI would: a line of prose, then the page.
//! Pure and deterministic: the same ask always gets the same answer. It promises that nothing a person wrote can become
//! markup or script of the page, and that every page says it came from here. It does not invent anything: an edit it
//! cannot do is admitted on the page itself.

mod chat;
mod choose;
mod colour;
mod copy;
mod edit;
mod fill;
mod list;
mod template;
mod title;
mod when;
mod words;

#[cfg(test)]
mod tests;

/// What stands at the foot of every page made here.
pub const FOOTER: &str = "Made by the demo provider: set an API key to have an AI write your own.";

/// Stands before [`FOOTER`] where the library has nothing that fits.
const NEAREST: &str = "The demo provider has no page of its own for this; this is the nearest it has.";

/// One call, as far as the demo provider understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// What the answer is for: `page`, `brief` or `chat`; anything else is answered like `page`.
    pub purpose: &'a str,
    /// The order's kind: `page`, `game`, `app`, `data-app`, `meme`, `music`, `testimonial`, `edit`, `remix`…
    pub kind: &'a str,
    /// The person's words, verbatim.
    pub words: &'a str,
    /// The page an edit or a remix begins with.
    pub page: Option<&'a str>,
    /// The system prompt of the call; the coach's voice is taken from it.
    pub system: &'a str,
}

/// What an AI would answer: prose and a fenced page, a chat reply, or a short brief.
pub fn answer(ask: &Ask<'_>) -> String {
    match ask.purpose {
        "chat" => chat::reply(ask.words, ask.system),
        "brief" => chat::brief(ask.words, ask.kind),
        _ => page(ask),
    }
}

fn page(ask: &Ask<'_>) -> String {
    if let ("edit", Some(html)) = (ask.kind, ask.page) {
        let edited = edit::apply(html, ask.words);
        return fenced(&edited.say(), &edited.html);
    }
    let known = ask.page.and_then(choose::marked).or_else(|| choose::matching(ask.words, ask.kind));
    let app = known.unwrap_or_else(|| choose::choose(ask.words, ask.kind));
    let mut fills = fill::Fills::from_request(ask.words, app);
    let mut prose = format!("Here is {}: {}.", fills.title(), app.pitch);
    // "Make me a game" asks for any; "a weather app" asks for what is not here, and is told so.
    if known.is_none() && title::of_request(ask.words).is_some() {
        prose = format!("The demo provider has no page of its own for this. {prose}");
        fills.admit();
    }
    fenced(&prose, &template::render(app.html, fills.values()))
}

/// The prose quotes the person: nothing in it may look like a fence or a document. The fence is longer than any run of
/// backticks in the page, which may be one that somebody else wrote.
fn fenced(prose: &str, html: &str) -> String {
    let prose = prose.replace(['`', '<'], "");
    let longest = html.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{prose}\n\n{fence}html\n{}\n{fence}\n", html.trim_end())
}
