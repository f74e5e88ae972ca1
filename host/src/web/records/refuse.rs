//! What is not done, in words that a page may show to its visitor.

use std::time::Duration;

use http::StatusCode;

use super::{FRIENDS, Problem, body::LONGEST};
use crate::adapter::store::{Collection, NoCollection};

pub(super) fn no_page() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-page", "This page is gone.").todo("Check the address.")
}

pub(super) fn no_token() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-token", "This was not sent from the page.")
        .detail("The page's token stands in the page as it is served.")
        .todo("Open the page again and send it from there.")
}

pub(super) fn wrong_token() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "wrong-token", "This was sent from another page.")
        .todo("Open the page again and send it from there.")
}

pub(super) fn not_shared(collection: &Collection) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-shared", "Only the owner of this page may read this.")
        .detail(format!("The page does not declare \"{collection}\" shared."))
        .todo("Its author may add <meta name=\"wtaf-shared\"> or <meta name=\"wtaf-friends\"> with that name.")
}

pub(super) fn not_changed(collection: &Collection) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-friends", "What is here can be added to, not changed.")
        .detail(format!("The page shares \"{collection}\" with everyone; what friends share can be changed."))
}

pub(super) fn no_friends_here() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-shared", "This page has nothing that friends share.")
        .todo("Its author may add <meta name=\"wtaf-friends\"> with the names of collections.")
}

pub(super) fn not_joined() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-joined", "This is for those who have joined.")
        .todo("Join with a name and a passcode.")
}

pub(super) fn wrong_passcode() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "wrong-passcode", "That passcode does not go with this name.")
        .todo("Try again, or join under another name.")
}

pub(super) fn friends_full() -> Problem {
    let title = format!("{} people share this page already, and that is as many as may.", spelled(FRIENDS));
    Problem::new(StatusCode::CONFLICT, "friends-full", title).todo("Ask whoever made the page to make room.")
}

fn spelled(number: u32) -> String {
    match number {
        5 => "Five".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn bad_friend(title: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-friend", title)
}

pub(super) fn bad_name(error: &NoCollection) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-collection", "That is no name for a collection.")
        .detail(format!("{error}."))
}

pub(super) fn bad_record(why: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-record", "That cannot be saved.").detail(why.to_owned())
}

pub(super) fn no_record_type() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad-record", "That cannot be saved.")
        .todo("Send JSON, or a form without files.")
}

pub(super) fn empty() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "empty", "There is nothing in it to save.")
}

pub(super) fn too_long() -> Problem {
    let title = format!("That is too long to be saved: {} KiB fit.", LONGEST / 1024);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", title).todo("Send less at once.")
}

pub(super) fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "It did not arrive in time.").todo("Send it again.")
}

pub(super) fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    let title = format!("That was more than fits for now. Try again in {}.", span(seconds));
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", title).retry_after(seconds)
}

fn span(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

pub(super) fn page_full() -> Problem {
    Problem::new(StatusCode::CONFLICT, "page-full", "This page holds as much as it can.")
        .todo("Ask whoever made it to clear some of it.")
}

pub(super) fn no_record() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-record", "That is not there any more.")
}
