//! `POST …/friends`: joining those who share a page. The first use of a name sets its passcode; after that the page holds a token, never the passcode.

use std::time::Duration;

use axum::{
    extract::{self, Path, Request},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    super::{Problem, Site, form},
    FRIENDS, Visit, body, keep,
    pace::Rush,
    refuse,
};
use crate::{
    adapter::store::{Allowance, Befriended, Friend, Spent},
    job::{JobIds, Millis},
};

/// Tries at one name from one address.
const FROM_ONE: [Allowance; 1] = [Allowance { per: "quarter", span: Duration::from_mins(15), most: 10 }];
/// Tries at one name from anywhere: a short passcode must not be found by many who share the work.
const FROM_ALL: [Allowance; 1] = [Allowance { per: "day", span: Duration::from_hours(24), most: 100 }];

#[derive(Deserialize)]
struct Asked {
    name: String,
    passcode: String,
}

pub(in crate::web) async fn join(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if !form::is(&parts.headers, "application/json") {
        return Err(refuse::bad_friend("A name and a passcode come as JSON."));
    }
    let bytes = body::whole(body).await?;
    let visit = Visit::of(&site, (&user, &app), &parts, None).await?;
    visit.pace(&site, Rush::Join)?;
    if !visit.declared.has_friends() {
        return Err(refuse::no_friends_here());
    }
    let asked: Asked =
        serde_json::from_slice(&bytes).map_err(|_| refuse::bad_friend("Join with a name and a passcode."))?;
    let friend = admit(&site, &visit, name(&asked.name)?, passcode(asked.passcode)?).await?;
    let token = site.desk.signer(&site).await?.member(visit.page.id, &friend, Millis::now());
    Ok(keep::fresh(axum::Json(json!({ "name": friend.name, "token": token })).into_response()))
}

async fn admit(site: &Site, visit: &Visit, name: String, passcode: String) -> Result<Friend, Problem> {
    let (store, page) = (site.store(), visit.page.id);
    let there = match store.friend(page, &name).await? {
        Some(there) => there,
        None if store.friends(page).await?.len() >= FRIENDS as usize => return Err(refuse::friends_full()),
        None => {
            let hash = site.desk.passcodes.hash(passcode.clone()).await?;
            match store.befriend(page, &name, &hash, FRIENDS, Millis::now()).await? {
                Befriended::New(friend) => return Ok(friend),
                Befriended::Full => return Err(refuse::friends_full()),
                // Someone took the name in between: what follows tells whether it was the same person, twice.
                Befriended::There(friend) => friend,
            }
        }
    };
    spend(site, visit, &there.name).await?;
    if site.desk.passcodes.fits(passcode, there.hash.clone()).await? {
        Ok(there)
    } else {
        Err(refuse::wrong_passcode())
    }
}

/// Counts a try before it is made, so that many at once are no way around; in the store, so that no restart is either.
async fn spend(site: &Site, visit: &Visit, name: &str) -> Result<(), Problem> {
    static TRIES: std::sync::LazyLock<JobIds> = std::sync::LazyLock::new(JobIds::default);
    let now = Millis::now();
    let name = name.to_lowercase();
    let of_name = digest(&format!("{}\n{name}", visit.page.id.0));
    let of_both = digest(&format!("{}\n{name}\n{}", visit.page.id.0, visit.from));
    for (key, allowance) in [(of_both, &FROM_ONE), (of_name, &FROM_ALL)] {
        let spent = site.store().spend(&format!("passcode:{key}"), TRIES.next(now), allowance, now).await?;
        if let Spent::Over { again, .. } = spent {
            return Err(refuse::too_many(again.since(now)));
        }
    }
    Ok(())
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..16])
}

fn name(text: &str) -> Result<String, Problem> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then_some(name).ok_or_else(|| refuse::bad_friend("A name has 1 to 40 characters."))
}

fn passcode(text: String) -> Result<String, Problem> {
    let fits = (4..=100).contains(&text.chars().count());
    fits.then_some(text).ok_or_else(|| refuse::bad_friend("A passcode has 4 to 100 characters."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(name("  Ann \n Lee ").unwrap(), "Ann Lee");
        for text in ["", "  ", "a\0b", &"a".repeat(41)] {
            assert!(name(text).is_err(), "{text}");
        }
        assert!(passcode("abc".into()).is_err() && passcode("abcd".into()).is_ok());
    }
}
