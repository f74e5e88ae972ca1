//! Makes the page live: its version, its row and the texts that tell of it, in one transaction.

use std::path::{Path, PathBuf};

use super::{Failure, generation::Ready, notify, own_words, speech::Occasion, walk::Walk};
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
    let draft = draft_of(&walk.drafts, &slug)?;
    let pipeline = walk.generation.pipeline.clone();
    let url = pipeline.server.page_url(&format!("/{}/{slug}", person.slug));
    let name = if order.kind == "edit" { "edit-done" } else { "page-live" };
    let occasion = Occasion::new(name)
        .with("kind", order.kind.clone())
        .with("title", draft.title.clone())
        .with("url", url.clone());
    let occasion = match collects(&draft.html) {
        Some(what) => occasion.with("collects", what),
        None => occasion,
    };
    let told = notify::word(walk, &occasion).await;
    let publication = Publication {
        job: walk.job.id,
        person: person.id,
        slug: slug.clone(),
        draft: draft.clone(),
        kind: order.kind.clone(),
        coach: order.coach.clone(),
        prompt: order.text.clone(),
        remix_of: remix_of(&order, &person.slug),
        og_image_url: Some(pipeline.server.url(&format!("/{}/{slug}/card.png", person.slug))),
        now: Millis::now(),
        texts: told.iter().flat_map(|words| notify::texts_for(walk, name, words)).collect(),
    };
    let (parts, store) = (walk.parts.clone(), walk.store.clone());
    let version = parts.patiently(|| store.publish(publication.clone())).await?;
    reached(Step::PageCommitted);
    let admin_url =
        has_owners_view(&draft, &order.kind).then(|| pipeline.server.url(&format!("/{}/{slug}/owner", person.slug)));
    walk.job.progress.published =
        Some(Published { user: person.slug, app: slug, version, url, admin_url, title: draft.title });
    // No checkpoint: whoever goes on after a crash publishes again, which changes nothing and gives the same.
    walk.job.progress.reply = told;
    parts.outbox.notify_one();
    walk.tell("page");
    metrics::counter!("wtaf_pages_published_total").increment(1);
    Ok(())
}

/// Whether there is something for the owner to see besides the page.
fn has_owners_view(draft: &Draft, kind: &str) -> bool {
    kind == "data-app" || draft.owner_html.is_some() || collects(&draft.html).is_some()
}

fn slug_of(walk: &Walk, order: &Order) -> Result<String, Failure> {
    let edited = order.page.clone().filter(|_| order.kind == "edit");
    let slug = edited.or_else(|| walk.job.progress.slug.clone());
    slug.ok_or_else(|| Failure::last("flow", "a page needs a name before it is published"))
}

/// What the page keeps of what people enter there, as far as its own text shows it: its owner is told where to look.
fn collects(html: &str) -> Option<&'static str> {
    // As AIs write it: in any case, with any quotes or none.
    let html = html.to_ascii_lowercase().replace(['"', '\'', ' '], "");
    let has = |sign: &str| html.contains(sign);
    if has("wtaf-friends") {
        Some("friends")
    } else if has("wtaf-shared") {
        Some("shared")
    } else {
        (has("wtaf.save(") || has("data-wtaf=") || has("method=post") || has("method:post")).then_some("answers")
    }
}

/// A page named without its owner is one of the person's own.
fn remix_of(order: &Order, own: &str) -> Option<PageKey> {
    let page = order.page.as_deref().filter(|_| order.kind == "remix")?;
    let (user, app) = page.split_once('/').unwrap_or((own, page));
    Some(PageKey { user: user.to_owned(), app: app.to_owned() })
}

/// What a page is called and what it is about are the page's own words: those that it was asked for with are the person's.
fn draft_of(drafts: &[SavedDraft], slug: &str) -> Result<Draft, Failure> {
    let page = drafts.iter().find(|draft| draft.audience == "everyone");
    let page = page.ok_or_else(|| Failure::last("flow", "there is no page to publish"))?;
    let own = own_words::of(&page.html);
    let title = page.title.clone().filter(|title| !title.trim().is_empty());
    Ok(Draft {
        html: page.html.clone(),
        owner_html: drafts.iter().find(|draft| draft.audience == "owner").map(|draft| draft.html.clone()),
        description: own.description(),
        title: title.or_else(|| own.title()).unwrap_or_else(|| slug.replace('-', " ")),
    })
}

/// Writes the page to a folder as well (`{user}/{app}.html`), for static hosting.
pub(super) async fn write_file(walk: &Walk, ready: &Ready) -> Result<(), Failure> {
    let Some(page) = &walk.job.progress.published else {
        return Err(Failure::last("flow", "there is no live page to write to a folder"));
    };
    let mut key = PageKey { user: page.user.clone(), app: page.app.clone() };
    let mut found = walk.parts.patiently(|| walk.store.page(&key, Some(page.version))).await?;
    // Its owner may have taken another name since.
    if let Lookup::Moved(to) = found {
        key = to;
        found = walk.parts.patiently(|| walk.store.page(&key, Some(page.version))).await?;
    }
    let Lookup::Found(found) = found else {
        return Err(Failure::last("flow", "the live page is gone"));
    };
    let dir = folder(walk, ready).join(&key.user);
    let file = dir.join(format!("{}.html", key.app));
    let (shown, html) = (file.display().to_string(), found.draft.html);
    // A folder refuses nobody: whoever lost the job must not put an older page over a newer one.
    walk.parts.patiently(|| walk.store.still_ours()).await?;
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

#[cfg(test)]
mod tests {
    use super::collects;

    #[test]
    fn what_a_page_keeps_is_seen_in_its_own_text() {
        let cases = [
            ("<form><button>Go", None),
            ("<form method=\"post\" data-wtaf=\"rsvp\">", Some("answers")),
            ("<script>wtaf.save('rsvp', {})</script>", Some("answers")),
            ("<meta name=\"wtaf-shared\" content=\"guestbook\"><script>wtaf.save(\"guestbook\", {})", Some("shared")),
            ("<meta name=\"wtaf-shared\"><meta name=\"wtaf-friends\" content=\"list\">", Some("friends")),
        ];
        for (html, kept) in cases {
            assert_eq!(collects(html), kept, "{html}");
        }
    }
}
