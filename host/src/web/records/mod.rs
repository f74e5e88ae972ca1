//! `/api/apps/{user}/{app}/…`: where a generated page keeps what its visitors leave.
//!
//! A page has no origin to be known by, so it shows a token that the host wrote into it; the token opens that page's records and nothing else, and what it
//! opens is only what the page declares. No cookie is read here, so nothing is ever done in a visitor's name. Records are kept as they came, never looked into.

mod body;
mod cors;
mod declared;
mod friends;
mod keep;
mod live;
mod pace;
mod passcode;
mod read;
mod refuse;
mod seats;
mod token;

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, request::Parts};

#[cfg(any(test, fuzzing))]
pub(super) use body::try_any;
pub(super) use cors::any_origin;
pub(super) use friends::join;
pub(super) use keep::{add, change, remove};
pub(super) use live::stream;
pub(super) use read::list;

use self::{
    declared::{Access, Declared},
    pace::{Pace, Rush},
    passcode::Passcodes,
    seats::Seats,
    token::Signer,
};
use super::{Problem, Site, address, page, session};
use crate::adapter::store::{Collection, Friend, PageId, PageKey, Placed, Room};

/// What one page may keep.
const ROOM: Room = Room { records: 5_000, bytes: 16 * 1024 * 1024, collections: 24 };

/// Friends who share a page.
const FRIENDS: u32 = 5;

/// The header in which a page says which friend it speaks for.
pub(super) const FRIEND: &str = "wtaf-friend";

/// What records need between requests. Lost with the process, and no harm done.
#[derive(Default)]
pub(super) struct Desk {
    signer: tokio::sync::OnceCell<Signer>,
    declared: declared::Shelf,
    pace: Pace,
    passcodes: Passcodes,
    seats: Arc<Seats>,
}

impl Desk {
    /// Signs with the store's key, so that a token of one node is good at all of them.
    async fn signer(&self, site: &Site) -> Result<&Signer, Problem> {
        let made = self.signer.get_or_try_init(async || site.store().key("pages").await.map(Signer::new));
        Ok(made.await?)
    }
}

/// The token that is written into a page.
pub(super) async fn token_for(site: &Site, id: PageId) -> Result<String, Problem> {
    Ok(site.desk.signer(site).await?.page(id))
}

/// Has the secret behind the tokens made while all is well: the first page shown after a start must not need a disk that is full by then.
pub(super) async fn prepare(site: &Site) {
    if site.desk.signer(site).await.is_err() {
        tracing::debug!("the pages' secret is not there yet; it is made when the first page is shown");
    }
}

/// Where a page's records are, as the page itself must call it.
pub(super) fn url(site: &Site, key: &PageKey) -> String {
    site.config().server.url(&format!("/api/apps/{}/{}", key.user, key.app))
}

/// A request that showed the page's token.
struct Visit {
    page: Placed,
    declared: Arc<Declared>,
    friend: Option<Friend>,
    from: IpAddr,
}

/// What may be done with a kind of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Add,
    Read,
    Change,
}

impl Visit {
    /// Checks the token: the one in the header, or `shown` by a form.
    async fn of(site: &Site, (user, app): (&str, &str), request: &Parts, shown: Option<&str>) -> Result<Self, Problem> {
        let (Some(user), Some(app)) = (page::slug(user), page::slug(app)) else { return Err(refuse::no_page()) };
        let placed = site.store().place(&PageKey { user, app }).await?.ok_or_else(refuse::no_page)?;
        let signer = site.desk.signer(site).await?;
        let given = session::bearer(&request.headers).or(shown).ok_or_else(refuse::no_token)?;
        if !signer.is_page(placed.id, given) {
            return Err(refuse::wrong_token());
        }
        let from = address::client(address::peer(&request.extensions), &request.headers, &site.trusted);
        let friend = friend(site, signer, placed.id, &request.headers).await?;
        let declared = site.desk.declared.of(site.store(), &placed).await?;
        Ok(Self { page: placed, declared, friend, from: address::bucket(from) })
    }

    /// Whether this may be done to that kind.
    fn may(&self, wish: Wish, collection: &Collection) -> Result<(), Problem> {
        match (self.declared.access(collection), wish) {
            (Access::Friends, _) if self.friend.is_some() => Ok(()),
            (Access::Friends, _) => Err(refuse::not_joined()),
            (Access::Shared, Wish::Add | Wish::Read) | (Access::Private, Wish::Add) => Ok(()),
            (Access::Shared, Wish::Change) => Err(refuse::not_changed(collection)),
            (Access::Private, Wish::Read | Wish::Change) => Err(refuse::not_shared(collection)),
        }
    }

    /// Whether it is not too often.
    fn pace(&self, site: &Site, rush: Rush) -> Result<(), Problem> {
        if !site.config().limits.enabled {
            return Ok(());
        }
        site.desk.pace.admit(rush, self.page.id, self.from).map_err(refuse::too_many)
    }
}

/// The friend a page speaks for; whoever was removed is a friend no more, whatever they hold.
async fn friend(site: &Site, signer: &Signer, page: PageId, headers: &HeaderMap) -> Result<Option<Friend>, Problem> {
    let Some(claim) = headers.get(FRIEND).and_then(|value| token::Claim::read(value.to_str().ok()?)) else {
        return Ok(None);
    };
    let found = site.store().friend(page, claim.name()).await?;
    Ok(found.filter(|friend| signer.is_member(page, friend, &claim, crate::job::Millis::now())))
}

/// The collection that a request names.
fn collection(named: Option<&str>) -> Result<Collection, Problem> {
    match named.map(str::trim).filter(|name| !name.is_empty()) {
        None => Ok(Collection::main()),
        Some(name) => name.parse().map_err(|error| refuse::bad_name(&error)),
    }
}
