//! What a page says about its records, in two meta elements of its newest version: which kinds every visitor may read, and which are for friends.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use lol_html::{HtmlRewriter, Settings, element};

use super::{Problem, refuse};
use crate::adapter::store::{Collection, Lookup, PageId, Placed, Store};

/// Pages whose declarations are kept at hand.
const SHELF: usize = 4_096;
/// Names one page may declare; more are not read.
const NAMES: usize = 48;

/// Who may do what with a kind of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Visitors may add; the owner alone reads.
    Private,
    /// Visitors may add and read.
    Shared,
    /// Friends may do everything, nobody else anything.
    Friends,
}

/// What a page declares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    shared: Vec<Collection>,
    friends: Vec<Collection>,
}

impl Declared {
    /// Reads a page.
    fn of(html: &str) -> Self {
        let found = Rc::new(RefCell::new(Self::default()));
        let note = found.clone();
        let settings = Settings::new()
            .append_element_content_handler(element!("meta[name][content]", move |el| {
                let name = el.get_attribute("name").unwrap_or_default().trim().to_ascii_lowercase();
                let mut found = note.borrow_mut();
                let kinds = match name.as_str() {
                    "wtaf-shared" => &mut found.shared,
                    "wtaf-friends" => &mut found.friends,
                    _ => return Ok(()),
                };
                let names = el.get_attribute("content").unwrap_or_default();
                let named = names.split([' ', ',', '\t', '\n', '\r']).filter_map(|name| name.parse().ok());
                let room = NAMES.saturating_sub(kinds.len());
                kinds.extend(named.take(room));
                Ok(())
            }))
            .with_strict(false);
        let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
        if let Err(error) = rewriter.write(html.as_bytes()).and_then(|()| rewriter.end()) {
            tracing::debug!(%error, "a page could not be read to its end");
        }
        found.take()
    }

    /// Who may do what with a kind. The stricter word holds.
    pub fn access(&self, collection: &Collection) -> Access {
        if self.friends.contains(collection) {
            Access::Friends
        } else if self.shared.contains(collection) {
            Access::Shared
        } else {
            Access::Private
        }
    }

    /// Whether friends share anything here.
    pub fn has_friends(&self) -> bool {
        !self.friends.is_empty()
    }
}

/// Declarations by page, each of one version.
#[derive(Default)]
pub(super) struct Shelf(Mutex<HashMap<PageId, (u32, Arc<Declared>)>>);

impl Shelf {
    /// What a page's newest version declares.
    pub async fn of(&self, store: &dyn Store, page: &Placed) -> Result<Arc<Declared>, Problem> {
        if let Some((version, known)) = self.shelf().get(&page.id)
            && *version == page.version
        {
            return Ok(known.clone());
        }
        let Lookup::Found(found) = store.page(&page.key, None).await? else { return Err(refuse::no_page()) };
        let declared = Arc::new(Declared::of(&found.draft.html));
        let mut shelf = self.shelf();
        if shelf.len() >= SHELF {
            shelf.clear();
        }
        shelf.insert(found.id, (found.version, declared.clone()));
        Ok(declared)
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, HashMap<PageId, (u32, Arc<Declared>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(html: &str, kind: &str) -> Access {
        Declared::of(html).access(&kind.parse().unwrap())
    }

    #[test]
    fn what_is_not_declared_is_the_owners_alone() {
        assert_eq!(access("<p>hi", "main"), Access::Private);
        let page =
            "<!-- <meta name=wtaf-shared content=main> --><script>'<meta name=wtaf-shared content=main>'</script>";
        assert_eq!(access(page, "main"), Access::Private);
    }

    #[test]
    fn kinds_are_declared_by_name() {
        let page = "<head><META name='Wtaf-Shared' content='GuestBook, scores  not/one'>\
                    <meta content=\"list scores\" name=wtaf-friends></head>";
        let kinds = ["guestbook", "scores", "list", "not"].map(|kind| access(page, kind));
        assert_eq!(kinds, [Access::Shared, Access::Friends, Access::Friends, Access::Private]);
    }
}
