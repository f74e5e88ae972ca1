//! Makes the page live: its version, its row and the texts that tell of it, in one transaction.

use std::path::{Path, PathBuf};

use super::{Failure, generation::Ready, notify, speech::Occasion, walk::Walk};
use crate::{
    adapter::store::{Draft, Lookup, PageKey, Publication},
    failpoint::{Step, reached},
    job::{Millis, Order, Published, SavedDraft},
};

/// Publishes the draft. Doing it again for the same job changes nothing.
pub(super) async fn publish(walk: &mut Walk) -> Result<(), Failure> {
    let (Some(person), Some(order)) = (walk.person.clone(), walk.order().cloned()) else {
        return Err(Failure::last("flow", "a page needs an owner and an order"));
    };
    let slug = slug_of(walk, &order)?;
    let draft = draft_of(&walk.drafts, &order)?;
    let pipeline = walk.generation.pipeline.clone();
    let url = pipeline.server.page_url(&format!("/{}/{slug}", person.slug));
    let name = if order.kind == "edit" { "edit-done" } else { "page-live" };
    let occasion = Occasion::new(name)
        .with("kind", order.kind.clone())
        .with("title", draft.title.clone())
        .with("url", url.clone());
    let told = notify::word(walk, &occasion).await;
    let publication = Publication {
        job: walk.job.id,
        person: person.id,
        slug: slug.clone(),
        draft: draft.clone(),
        kind: order.kind.clone(),
        coach: order.coach.clone(),
        prompt: order.text.clone(),
        remix_of: remix_of(&order),
        now: Millis::now(),
        texts: told.iter().filter_map(|words| notify::text_for(walk, name, words)).collect(),
    };
    let parts = walk.parts.clone();
    let version = parts.patiently(|| parts.store.publish(publication.clone())).await?;
    reached(Step::PageCommitted);
    // The owner's view is kept with the version; it gets an address once there is a sign-in to guard it.
    walk.job.progress.published =
        Some(Published { user: person.slug, app: slug, version, url, admin_url: None, title: draft.title });
    walk.job.progress.reply = told;
    parts.checkpoint(&walk.job).await?;
    reached(Step::PageKept);
    parts.outbox.notify_one();
    parts.tell(&walk.job, "page").await;
    metrics::counter!("wtaf_pages_published_total").increment(1);
    Ok(())
}

fn slug_of(walk: &Walk, order: &Order) -> Result<String, Failure> {
    let edited = order.page.clone().filter(|_| order.kind == "edit");
    let slug = edited.or_else(|| walk.job.progress.slug.clone());
    slug.ok_or_else(|| Failure::last("flow", "a page needs a name before it is published"))
}

fn remix_of(order: &Order) -> Option<PageKey> {
    let (user, app) = order.page.as_deref().filter(|_| order.kind == "remix")?.split_once('/')?;
    Some(PageKey { user: user.to_owned(), app: app.to_owned() })
}

fn draft_of(drafts: &[SavedDraft], order: &Order) -> Result<Draft, Failure> {
    let page = drafts.iter().find(|draft| draft.audience == "everyone");
    let page = page.ok_or_else(|| Failure::last("flow", "there is no page to publish"))?;
    let title = page.title.clone().filter(|title| !title.trim().is_empty());
    Ok(Draft {
        html: page.html.clone(),
        owner_html: drafts.iter().find(|draft| draft.audience == "owner").map(|draft| draft.html.clone()),
        title: title.unwrap_or_else(|| order.text.chars().take(60).collect()),
        description: order.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect(),
    })
}

/// Writes the page to a folder as well (`{user}/{app}.html`), for static hosting.
pub(super) async fn write_file(walk: &Walk, ready: &Ready) -> Result<(), Failure> {
    let Some(page) = &walk.job.progress.published else {
        return Err(Failure::last("flow", "there is no live page to write to a folder"));
    };
    let mut key = PageKey { user: page.user.clone(), app: page.app.clone() };
    let mut found = walk.parts.patiently(|| walk.parts.store.page(&key, Some(page.version))).await?;
    // Its owner may have taken another name since.
    if let Lookup::Moved(to) = found {
        key = to;
        found = walk.parts.patiently(|| walk.parts.store.page(&key, Some(page.version))).await?;
    }
    let Lookup::Found(found) = found else {
        return Err(Failure::last("flow", "the live page is gone"));
    };
    let dir = folder(walk, ready).join(&key.user);
    let file = dir.join(format!("{}.html", page.app));
    let (shown, html) = (file.display().to_string(), found.draft.html);
    let written = tokio::task::spawn_blocking(move || write_whole(&dir, &file, &html)).await;
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Retry { code: "files", why: format!("{shown}: {error}"), after: None }),
        Err(error) => Err(Failure::last("files", error.to_string())),
    }
}

fn folder(walk: &Walk, ready: &Ready) -> PathBuf {
    let pipeline = &walk.generation.pipeline;
    let named = ready.stage.config.get("dir").and_then(serde_json::Value::as_str).unwrap_or("site");
    let base = pipeline.path().parent().unwrap_or(Path::new("."));
    base.join(named)
}

/// A reader of the folder never sees half a page.
fn write_whole(dir: &Path, file: &Path, html: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let half = file.with_extension("html.tmp");
    std::fs::write(&half, html)?;
    std::fs::rename(half, file)
}
