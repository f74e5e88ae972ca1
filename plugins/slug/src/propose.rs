//! The candidates, best first: names made of the title, then a title word among colours and animals, then colour-animal-action.
//!
//! Drawn from the seed, so that a replayed job gets the same names. The last kind walks through the combinations of the lists without meeting
//! one twice, so there is always another name however many are taken.

use std::collections::BTreeSet;

use wtaf_plugin_sdk::{Seeded, words::in_order};

use crate::{
    Style,
    rude::offends,
    title,
    words::{ACTIONS, ANIMALS, COLOURS},
};

/// The longest slug the contract allows, in bytes.
const LONGEST: usize = 64;
/// The longest made of a title: it is read in a text.
const READABLE: usize = 40;
/// Names that routes have or may come to have.
const RESERVED: &[&str] = wtaf_plugin_sdk::words!(include_str!("../words/reserved.txt"));
const _: () = assert!(in_order(RESERVED), "words/reserved.txt: each word once, in alphabetical order");

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
    let mut list = List::new(wanted);
    let mut chance = Seeded::new(wanted.seed);
    let named = title::telling(wanted.title);
    let asked = title::telling(wanted.idea);
    let telling = if named.is_empty() { &asked } else { &named };
    if wanted.style == Style::Title {
        from_title(&mut list, &named, wanted.kind);
        from_title(&mut list, &asked, wanted.kind);
        mixed(&mut list, telling, &mut chance);
    }
    friendly(&mut list, telling, &mut chance);
    walk(&mut list, &mut chance);
    list.found
}

/// What was found so far, and what may not be in it.
struct List<'a> {
    found: Vec<String>,
    barred: BTreeSet<&'a str>,
    count: usize,
    /// Where the next name is put together.
    slug: String,
}

impl<'a> List<'a> {
    fn new(wanted: &Wanted<'a>) -> Self {
        let mut barred = BTreeSet::new();
        for name in wanted.taken.iter().chain(wanted.reserved) {
            // One by one: `collect` would bring sorting along, a seventh of this plugin.
            barred.insert(name.as_str());
        }
        let (found, slug) = (Vec::with_capacity(wanted.count), String::with_capacity(LONGEST));
        Self { found, barred, count: wanted.count, slug }
    }

    fn full(&self) -> bool {
        self.found.len() >= self.count
    }

    /// Adds a name, unless it is barred, rude, too long or there already.
    fn add(&mut self, parts: &[&str]) {
        if self.full() {
            return;
        }
        self.slug.clear();
        for (at, part) in parts.iter().enumerate() {
            self.slug.push_str(if at == 0 { "" } else { "-" });
            self.slug.push_str(part);
        }
        if self.is_new() && !offends(&self.slug) {
            self.found.push(self.slug.clone());
        }
    }

    fn is_new(&self) -> bool {
        let slug = self.slug.as_str();
        (1..=LONGEST).contains(&slug.len())
            && RESERVED.binary_search(&slug).is_err()
            && !self.barred.contains(slug)
            && !self.found.iter().any(|found| found == slug)
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
fn mixed(list: &mut List<'_>, telling: &[String], chance: &mut Seeded) {
    let good: Vec<&String> =
        telling.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())).take(4).collect();
    for _ in 0..4 {
        let (Some(colour), Some(animal), Some(word)) = (chance.pick(COLOURS), chance.pick(ANIMALS), chance.pick(&good))
        else {
            return;
        };
        if word.as_str() != *animal && word.as_str() != *colour {
            list.add(&[colour, animal, word]);
        }
    }
}

/// Colour-animal-action with a colour, animal or action that the title itself names ("Fox memory" is glad of `amber-fox-leaping`).
fn friendly(list: &mut List<'_>, telling: &[String], chance: &mut Seeded) {
    let (colour, animal, action) = (named(COLOURS, telling), named(ANIMALS, telling), named(ACTIONS, telling));
    if colour.is_none() && animal.is_none() && action.is_none() {
        return;
    }
    for _ in 0..4 {
        let mut draw =
            |given: Option<&'static str>, words: &[&'static str]| given.or_else(|| chance.pick(words).copied());
        let parts = (draw(colour, COLOURS), draw(animal, ANIMALS), draw(action, ACTIONS));
        if let (Some(colour), Some(animal), Some(action)) = parts {
            list.add(&[colour, animal, action]);
        }
    }
}

/// The first word of a list that the title names, or names in the plural.
fn named(words: &[&'static str], telling: &[String]) -> Option<&'static str> {
    let place = |word: &str| words.binary_search(&word).ok();
    let places = telling.iter().flat_map(|word| [place(word), word.strip_suffix('s').and_then(place)]);
    places.flatten().min().map(|place| words[place])
}

/// Every combination once, in an order of the seed's own: steps of a size that shares no factor with their number.
fn walk(list: &mut List<'_>, chance: &mut Seeded) {
    const TOTAL: usize = COLOURS.len() * ANIMALS.len() * ACTIONS.len();
    let mut at = chance.below(TOTAL);
    let mut step = chance.below(TOTAL) | 1;
    while common_divisor(step, TOTAL) != 1 {
        step += 2;
    }
    for _ in 0..TOTAL {
        if list.full() {
            return;
        }
        let (colour, rest) = (at % COLOURS.len(), at / COLOURS.len());
        list.add(&[COLOURS[colour], ANIMALS[rest % ANIMALS.len()], ACTIONS[rest / ANIMALS.len()]]);
        at = (at + step) % TOTAL;
    }
}

fn common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
