//! What a texter does again and again: text something and read the answer, text an idea and wait for its page.

use super::{
    ai::{FakeAi, Reply},
    host::{Host, answer_with, asked_in, until},
};

/// Texts it, waits for its end, and gives the text that answers it.
pub async fn answer(host: &Host, from: &str, body: &str) -> String {
    let before = host.texts(from).len();
    let job = host.text(from, body).await;
    host.ended(&job).await;
    until(&format!("{body:?} is answered"), async || host.texts(from).into_iter().nth(before)).await.body
}

/// An AI that writes a page with the person's own words as its heading.
pub async fn echo() -> FakeAi {
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        let words = asked_in(call);
        Reply::text(answer_with(words.lines().last().unwrap_or("nothing")))
    });
    ai
}

/// Texts an idea, and gives the page's address once they were told of it.
pub async fn made(host: &Host, from: &str, idea: &str) -> String {
    let job = host.text(from, idea).await;
    let url = host.made(&job).await;
    host.told_of(from, &url).await;
    url
}

/// The person's name and the page's, from its address.
pub fn names(host: &Host, url: &str) -> (String, String) {
    let path = url.strip_prefix(&host.public()).unwrap_or_else(|| panic!("{url} is an address of ours"));
    let (user, page) = path.trim_start_matches('/').split_once('/').expect("a page has an owner");
    (user.to_owned(), page.to_owned())
}
