//! The candidates, best first: names made of the title, then a title word among colours and animals, then colour-animal-action.
//!
//! Drawn from the seed, so that a replayed job gets the same names. The last kind walks through the combinations of the lists without meeting
//! one twice, so there is always another name however many are taken.

use std::collections::HashSet;

use wtaf_plugin_sdk::Seeded;

use crate::{Style, rude::Manners, title, words::Words};

/// The longest slug the contract allows, in bytes.
const LONGEST: usize = 64;
/// The longest made of a title: it is read in a text.
const READABLE: usize = 40;
/// Names that routes have or may come to have.
const RESERVED: [&str; 46] = [
    "about",
    "account",
    "admin",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "chat",
    "console",
    "data",
    "docs",
    "edit",
    "events",
    "export",
    "favicon",
    "feed",
    "gallery",
    "healthz",
    "help",
    "home",
    "index",
    "jobs",
    "login",
    "logout",
    "metrics",
    "new",
    "pages",
    "phone",
    "privacy",
    "public",
    "readyz",
    "records",
    "robots",
    "search",
    "session",
    "settings",
    "sitemap",
    "sms",
    "static",
    "status",
    "terms",
    "trending",
    "user",
    "users",
    "well-known",
];

/// What names are made for.
#[derive(Debug)]
pub struct Wanted<'a> {
    pub title: &'a str,
    pub idea: &'a str,
    pub kind: &'a str,
    pub style: Style,
    pub count: usize,
    pub reserved: &'a [String],
    pub taken: &'a [String],
    pub seed: u64,
}

/// The candidates, best first.
pub fn candidates(wanted: &Wanted<'_>) -> Vec<String> {
    let words = Words::new();
    let manners = Manners::new();
    let mut list = List::new(wanted, &manners);
    let mut chance = Seeded::new(wanted.seed);
    let named = title::telling(wanted.title, &manners);
    let asked = title::telling(wanted.idea, &manners);
    let telling = if named.is_empty() { &asked } else { &named };
    if wanted.style == Style::Title {
        from_title(&mut list, &named, wanted.kind);
        from_title(&mut list, &asked, wanted.kind);
        mixed(&mut list, telling, &words, &mut chance);
    }
    friendly(&mut list, telling, &words, &mut chance);
    walk(&mut list, &words, &mut chance);
    list.found
}

/// What was found so far, and what may not be in it.
struct List<'a> {
    found: Vec<String>,
    barred: HashSet<&'a str>,
    count: usize,
    manners: &'a Manners,
}

impl<'a> List<'a> {
    fn new(wanted: &Wanted<'a>, manners: &'a Manners) -> Self {
        let given = wanted.taken.iter().chain(wanted.reserved).map(String::as_str);
        Self { found: Vec::new(), barred: given.chain(RESERVED).collect(), count: wanted.count, manners }
    }

    fn full(&self) -> bool {
        self.found.len() >= self.count
    }

    /// Adds a name, unless it is barred, rude, too long or there already.
    fn add(&mut self, parts: &[&str]) {
        let slug = parts.join("-");
        let fits = !slug.is_empty() && slug.len() <= LONGEST && !self.barred.contains(slug.as_str());
        if !self.full() && fits && !self.found.contains(&slug) && !self.manners.offended_by(&slug) {
            self.found.push(slug);
        }
    }
}

/// Two to four words of a title as they stand, then with the first or last left out; a single word with the kind of the page.
fn from_title(list: &mut List<'_>, words: &[String], kind: &str) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let [word] = words.as_slice() {
        let noun = noun(kind);
        if *word != noun && !word.bytes().all(|byte| byte.is_ascii_digit()) {
            list.add(&[word, noun]);
        }
        return;
    }
    let readable = |words: &[&str]| words.iter().map(|word| word.len() + 1).sum::<usize>() <= READABLE + 1;
    for length in [4, 3, 2] {
        let Some(head) = words.get(..length.min(words.len())).filter(|head| head.len() >= 2) else { return };
        if readable(head) {
            list.add(head);
        }
    }
    for length in [3, 2] {
        if let Some(tail) = words.len().checked_sub(length).map(|from| &words[from..]).filter(|tail| readable(tail)) {
            list.add(tail);
        }
    }
}

/// What a page of this kind is called.
fn noun(kind: &str) -> &'static str {
    match kind {
        "game" => "game",
        "app" | "data-app" => "app",
        "meme" => "meme",
        "music" => "song",
        "testimonial" => "story",
        _ => "page",
    }
}

/// `amber-otter-dough`, for a few words of the title.
fn mixed(list: &mut List<'_>, telling: &[String], words: &Words, chance: &mut Seeded) {
    let good: Vec<&String> =
        telling.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())).take(4).collect();
    for _ in 0..4 {
        let (Some(colour), Some(animal), Some(word)) =
            (chance.pick(&words.colours), chance.pick(&words.animals), chance.pick(&good))
        else {
            return;
        };
        if word.as_str() != *animal && word.as_str() != *colour {
            list.add(&[colour, animal, word]);
        }
    }
}

/// Colour-animal-action with a colour, animal or action that the title itself names ("Fox memory" is glad of `amber-fox-leaping`).
fn friendly(list: &mut List<'_>, telling: &[String], words: &Words, chance: &mut Seeded) {
    let named =
        |words: &[&'static str]| words.iter().copied().find(|word| telling.iter().any(|telling| same(telling, word)));
    let (colour, animal, action) = (named(&words.colours), named(&words.animals), named(&words.actions));
    if colour.is_none() && animal.is_none() && action.is_none() {
        return;
    }
    for _ in 0..4 {
        let mut draw =
            |given: Option<&'static str>, words: &[&'static str]| given.or_else(|| chance.pick(words).copied());
        let parts = (draw(colour, &words.colours), draw(animal, &words.animals), draw(action, &words.actions));
        if let (Some(colour), Some(animal), Some(action)) = parts {
            list.add(&[colour, animal, action]);
        }
    }
}

/// Whether a title's word is a list's word, or its plural.
fn same(telling: &str, word: &str) -> bool {
    telling == word || telling.strip_suffix('s') == Some(word)
}

/// Every combination once, in an order of the seed's own: steps of a size that shares no factor with their number.
fn walk(list: &mut List<'_>, words: &Words, chance: &mut Seeded) {
    let (colours, animals, actions) = (words.colours.len(), words.animals.len(), words.actions.len());
    let total = colours * animals * actions;
    if total == 0 {
        return;
    }
    let mut at = chance.below(total);
    let mut step = chance.below(total) | 1;
    while common_divisor(step, total) != 1 {
        step += 2;
    }
    for _ in 0..total {
        if list.full() {
            return;
        }
        let (colour, rest) = (at % colours, at / colours);
        list.add(&[words.colours[colour], words.animals[rest % animals], words.actions[rest / animals]]);
        at = (at + step) % total;
    }
}

fn common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
