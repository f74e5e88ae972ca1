//! The traits of the store, each method handed to its behaviour.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::value::RawValue;

use super::{
    super::{
        Allowance, Befriended, Collected, Collection, Cost, Count, Delivery, Did, Erased, Erasure, Event, Events,
        Fence, Friend, Gallery, Heard, Held, JobFilter, Joined, Kept, Key, Keys, Listed, Lookup, Mark, NewRecord,
        NewText, News, Outbox, OutboxText, Page, PageId, PageKey, PageSummary, Paged, Pages, People, Person, PersonId,
        Placed, Portrait, Publication, Record, RecordFilter, Records, Result, Roll, Room, Seq, SharedPage, Spent,
        Standing, Store, Tally, Traces, Turn, Views, Watermark, Whom, Whose,
    },
    Database, SqlStore,
    accounts::{self, Step},
    collected,
    db::{Scope, args},
    erase, events, fences, friends, gallery, jobs, keys, limits, old, outbox, pages, people, publish, roll, talks,
};
use crate::job::{Asker, Job, JobId, Millis, Phone};

#[async_trait]
impl Store for SqlStore {
    async fn ping(&self) -> Result<()> {
        self.read((), |db, ()| {
            Box::pin(async { db.one("select person_id from sms_subscribers limit 1", args![]).await.map(drop) })
        })
        .await
    }

    async fn behind(&self, fence: Fence) -> Result<Arc<dyn Store>> {
        self.write_unfenced(fence, |db, fence| Box::pin(fences::raise(db, *fence))).await?;
        Ok(Arc::new(Self { common: Arc::clone(&self.common), fence: Some(fence) }))
    }

    async fn still_ours(&self) -> Result<()> {
        match self.fence {
            Some(_) => self.write((), |_, ()| Box::pin(async { Ok(()) })).await,
            None => Ok(()),
        }
    }

    async fn prune_fences(&self, before: Millis) -> Result<u64> {
        self.write(before, |db, before| Box::pin(fences::prune(db, *before))).await
    }
}

#[async_trait]
impl People for SqlStore {
    async fn person(&self, asker: &Asker) -> Result<Option<Person>> {
        self.read(asker.clone(), |db, asker| Box::pin(people::by_asker(db, asker))).await
    }

    async fn person_by_slug(&self, slug: &str) -> Result<Option<Person>> {
        self.read(slug.to_owned(), |db, slug| Box::pin(people::by_slug(db, slug))).await
    }

    async fn join(
        &self,
        asker: &Asker,
        slugs: &[String],
        reserved: &[&str],
        role: &str,
        now: Millis,
    ) -> Result<Joined> {
        let newcomer = people::Newcomer {
            asker: asker.clone(),
            slugs: slugs.to_vec(),
            reserved: owned(reserved),
            role: role.to_owned(),
            now,
        };
        self.write(newcomer, |db, newcomer| Box::pin(people::join(db, newcomer))).await
    }

    async fn set_standing(&self, asker: &Asker, standing: Standing, now: Millis) -> Result<bool> {
        let turned = people::Turned { asker: asker.clone(), standing, now };
        self.write(turned, |db, turned| Box::pin(people::set_standing(db, turned))).await
    }

    async fn confirm(&self, person: PersonId) -> Result<()> {
        self.write(person, |db, person| Box::pin(people::confirm(db, *person))).await
    }

    async fn rename(&self, job: JobId, step: u32, person: PersonId, slug: &str, reserved: &[&str]) -> Result<Did> {
        let wish = accounts::Rename {
            step: Step { job, number: step, person },
            slug: slug.to_owned(),
            reserved: owned(reserved),
        };
        self.write(wish, |db, wish| Box::pin(accounts::rename(db, wish))).await
    }

    async fn do_to_page(
        &self,
        job: JobId,
        step: u32,
        person: PersonId,
        page: &str,
        action: Paged,
        now: Millis,
    ) -> Result<Did> {
        let wish = accounts::OnPage { step: Step { job, number: step, person }, page: page.to_owned(), action, now };
        self.write(wish, |db, wish| Box::pin(accounts::do_to_page(db, wish))).await
    }

    async fn fave(&self, job: JobId, step: u32, person: PersonId, user: &str, page: &str) -> Result<Did> {
        let mark =
            accounts::Mark { step: Step { job, number: step, person }, user: user.to_owned(), page: page.to_owned() };
        self.write(mark, |db, mark| Box::pin(accounts::fave(db, mark))).await
    }
}

#[async_trait]
impl Pages for SqlStore {
    async fn reserve(&self, job: JobId, person: PersonId, candidates: &[String], now: Millis) -> Result<String> {
        let wish = publish::Reservation { job, person, candidates: candidates.to_vec(), now };
        self.write(wish, |db, wish| Box::pin(publish::reserve(db, wish))).await
    }

    async fn publish(&self, publication: Publication) -> Result<u32> {
        self.write(publication, |db, wish| Box::pin(publish::publish(db, wish))).await
    }

    async fn pages_of(&self, person: PersonId, limit: u32) -> Result<Vec<PageSummary>> {
        self.read((person, limit), |db, args| Box::pin(pages::pages_of(db, args))).await
    }

    async fn slugs_of(&self, person: PersonId) -> Result<Vec<String>> {
        self.read(person, |db, person| Box::pin(pages::slugs_of(db, *person))).await
    }

    async fn page(&self, key: &PageKey, version: Option<u32>) -> Result<Lookup<Page>> {
        self.read((key.clone(), version), |db, args| Box::pin(pages::page(db, args))).await
    }

    async fn mark(&self, key: &PageKey) -> Result<Option<Mark>> {
        self.read(key.clone(), |db, key| Box::pin(pages::mark(db, key))).await
    }

    fn watermark(&self) -> Option<Watermark> {
        match &self.common.database {
            Database::Lite(lite) => lite.watermark(),
            Database::Server(_) => None,
        }
    }

    async fn home(&self, slug: &str) -> Result<Lookup<Person>> {
        self.read(slug.to_owned(), |db, slug| Box::pin(pages::home(db, slug))).await
    }

    async fn versions(&self, key: &PageKey) -> Result<Vec<(u32, Millis)>> {
        self.read(key.clone(), |db, key| Box::pin(pages::versions(db, key))).await
    }

    async fn published_since(&self, user: &str, since: Millis, limit: u32) -> Result<Vec<(JobId, PageSummary)>> {
        self.read((user.to_owned(), since, limit), |db, args| Box::pin(pages::published_since(db, args))).await
    }
}

#[async_trait]
impl Outbox for SqlStore {
    async fn write_text(&self, text: NewText, now: Millis) -> Result<bool> {
        self.write((text, now), |db, (text, now)| Box::pin(outbox::write(db, text, *now))).await
    }

    async fn take_texts(&self, now: Millis, limit: u32) -> Result<Vec<OutboxText>> {
        self.write((now, limit), |db, args| Box::pin(outbox::take(db, args))).await
    }

    async fn release_texts(&self, now: Millis) -> Result<u64> {
        self.write(now, |db, args| Box::pin(outbox::release(db, args))).await
    }

    async fn hold_text(&self, text: &OutboxText, now: Millis) -> Result<bool> {
        self.write((outbox::Claim::of(text), now), |db, args| Box::pin(outbox::hold(db, args))).await
    }

    async fn put_text_back(&self, text: &OutboxText, now: Millis) -> Result<()> {
        self.write((outbox::Claim::of(text), text.status, now), |db, args| Box::pin(outbox::put_back(db, args))).await
    }

    async fn text_tried(&self, text: &OutboxText, delivery: Delivery, now: Millis) -> Result<()> {
        self.write((outbox::Claim::of(text), delivery, now), |db, args| Box::pin(outbox::tried(db, args))).await
    }

    async fn text_delivery(&self, heard: Heard, now: Millis) -> Result<Option<Phone>> {
        self.write((heard, now), |db, (heard, now)| Box::pin(outbox::delivery(db, heard, *now))).await
    }

    async fn texts_to(&self, to: &Phone, limit: u32) -> Result<Vec<OutboxText>> {
        self.read((to.clone(), limit), |db, args| Box::pin(outbox::to(db, args))).await
    }

    async fn texts_of(&self, job: JobId) -> Result<Vec<OutboxText>> {
        self.read(job, |db, job| Box::pin(outbox::of(db, *job))).await
    }

    async fn texts_waiting(&self) -> Result<u64> {
        self.read((), |db, ()| Box::pin(outbox::waiting(db))).await
    }
}

#[async_trait]
impl Events for SqlStore {
    async fn tell(&self, job: JobId, news: News) -> Result<Seq> {
        let rings = !news.events.is_empty();
        let last = self.write((job, news), |db, told| Box::pin(events::tell(db, told))).await?;
        if rings {
            self.common.bells.ring(Scope::Job(job).number());
        }
        Ok(last)
    }

    async fn events_after(&self, job: JobId, after: Seq, limit: u32) -> Result<Vec<Event>> {
        self.read((job, after, limit), |db, args| Box::pin(events::after(db, args))).await
    }

    async fn event_near(&self, job: JobId) {
        let mut listening = self.common.bells.listen(Scope::Job(job).number());
        // Running out of time is an answer too: look again.
        let _ = tokio::time::timeout(self.glance(), listening.heard()).await;
    }

    async fn next_events(&self, job: JobId, after: Seq, limit: u32) -> Result<Vec<Event>> {
        let mut listening = self.common.bells.listen(Scope::Job(job).number());
        let there = self.events_after(job, after, limit).await?;
        if !there.is_empty() {
            return Ok(there);
        }
        let _ = tokio::time::timeout(self.glance(), listening.heard()).await;
        self.events_after(job, after, limit).await
    }

    async fn prune_events(&self, before: Millis) -> Result<u64> {
        self.write(before, |db, before| Box::pin(events::prune(db, *before))).await
    }
}

#[async_trait]
impl Collected for SqlStore {
    async fn place(&self, key: &PageKey) -> Result<Option<Placed>> {
        self.read(key.clone(), |db, key| Box::pin(collected::place(db, key))).await
    }

    async fn add_record(&self, record: NewRecord, room: Room, now: Millis) -> Result<Kept> {
        let page = record.page;
        let wish = collected::Addition { record, room, now };
        let kept = self.write(wish, |db, wish| Box::pin(collected::add(db, wish))).await?;
        self.common.bells.ring(Scope::Page(page).number());
        Ok(kept)
    }

    async fn record(&self, page: PageId, number: Count) -> Result<Option<Record>> {
        self.read((page, number), |db, args| Box::pin(collected::record(db, args))).await
    }

    async fn records_of(&self, page: PageId, filter: &RecordFilter, limit: u32) -> Result<Vec<Record>> {
        self.read((page, filter.clone(), limit), |db, args| Box::pin(collected::list(db, args))).await
    }

    async fn change_record(
        &self,
        page: PageId,
        number: Count,
        data: Box<RawValue>,
        room: Room,
        now: Millis,
    ) -> Result<Option<Kept>> {
        let wish = collected::Replacement { page, number, data, room, now };
        let kept = self.write(wish, |db, wish| Box::pin(collected::change(db, wish))).await?;
        self.common.bells.ring(Scope::Page(page).number());
        Ok(kept)
    }

    async fn remove_record(&self, page: PageId, number: Count) -> Result<bool> {
        let removed = self.write((page, number), |db, args| Box::pin(collected::remove(db, args))).await?;
        self.common.bells.ring(Scope::Page(page).number());
        Ok(removed)
    }

    async fn erase_records(&self, page: PageId, collection: Option<&Collection>) -> Result<u64> {
        let removed = self.write((page, collection.cloned()), |db, args| Box::pin(collected::erase(db, args))).await?;
        self.common.bells.ring(Scope::Page(page).number());
        Ok(removed)
    }

    async fn tally(&self, page: PageId) -> Result<Vec<Tally>> {
        self.read(page, |db, page| Box::pin(collected::tally(db, *page))).await
    }

    async fn changes(&self, page: PageId, collection: &Collection) -> Result<Count> {
        self.read((page, collection.clone()), |db, args| Box::pin(collected::changes(db, args))).await
    }

    async fn next_change(&self, page: PageId, collection: &Collection, seen: Count) -> Result<Count> {
        let mut listening = self.common.bells.listen(Scope::Page(page).number());
        let newest = self.changes(page, collection).await?;
        if newest != seen {
            return Ok(newest);
        }
        let _ = tokio::time::timeout(self.glance(), listening.heard()).await;
        self.changes(page, collection).await
    }

    async fn friend(&self, page: PageId, name: &str) -> Result<Option<Friend>> {
        self.read((page, name.to_owned()), |db, args| Box::pin(friends::find(db, args))).await
    }

    async fn friends(&self, page: PageId) -> Result<Vec<Friend>> {
        self.read(page, |db, page| Box::pin(friends::list(db, *page))).await
    }

    async fn befriend(&self, page: PageId, name: &str, hash: &str, most: u32, now: Millis) -> Result<Befriended> {
        let wish = friends::Wish { page, name: name.to_owned(), hash: hash.to_owned(), most, now };
        self.write(wish, |db, wish| Box::pin(friends::join(db, wish))).await
    }

    async fn unfriend(&self, page: PageId, name: &str) -> Result<bool> {
        self.write((page, name.to_owned()), |db, args| Box::pin(friends::remove(db, args))).await
    }
}

#[async_trait]
impl Keys for SqlStore {
    async fn key(&self, name: &str) -> Result<Key> {
        match self.read(name.to_owned(), |db, name| Box::pin(keys::find(db, name))).await? {
            Some(key) => Ok(key),
            None => self.write(name.to_owned(), |db, name| Box::pin(keys::make(db, name))).await,
        }
    }
}

#[async_trait]
impl Records for SqlStore {
    async fn record_job(&self, job: &Job, person: Option<PersonId>) -> Result<()> {
        self.write((job.clone(), person), |db, (job, person)| Box::pin(jobs::record(db, job, *person))).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.read(id, |db, id| Box::pin(jobs::job(db, *id))).await
    }

    async fn jobs(&self, filter: &JobFilter, limit: u32) -> Result<Vec<Job>> {
        self.read((filter.clone(), limit), |db, args| Box::pin(jobs::list(db, args))).await
    }

    async fn add_turn(&self, person: PersonId, job: JobId, turn: &Turn) -> Result<()> {
        let line = talks::Line { person, job, turn: turn.clone() };
        self.write(line, |db, line| Box::pin(talks::add(db, line))).await
    }

    async fn turns(&self, person: PersonId, since: Millis, limit: u32) -> Result<Vec<Turn>> {
        self.read((person, since, limit), |db, args| Box::pin(talks::since(db, args))).await
    }

    async fn spend(&self, key: &str, job: JobId, allowances: &[Allowance], now: Millis) -> Result<Spent> {
        let one = limits::OneMore { key: key.to_owned(), job, allowances: allowances.to_vec(), now };
        self.write(one, |db, one| Box::pin(limits::spend(db, one))).await
    }

    async fn prune_spent(&self, before: Millis) -> Result<u64> {
        self.write(before, |db, before| Box::pin(limits::prune(db, *before))).await
    }

    async fn add_cost(&self, cost: &Cost, now: Millis) -> Result<()> {
        self.write((cost.clone(), now), |db, paid| Box::pin(limits::add_cost(db, paid))).await
    }

    async fn cost_since(&self, whose: &Whose, since: Millis) -> Result<f64> {
        self.read((whose.clone(), since), |db, args| Box::pin(limits::cost_since(db, args))).await
    }

    async fn prune_old(&self, before: Millis) -> Result<u64> {
        self.write(before, |db, before| Box::pin(old::prune(db, *before))).await
    }
}

#[async_trait]
impl Gallery for SqlStore {
    async fn portrait(&self, key: &PageKey) -> Result<Lookup<Portrait>> {
        self.read(key.clone(), |db, key| Box::pin(gallery::portrait(db, key))).await
    }

    async fn add_views(&self, views: &[Views]) -> Result<()> {
        let mut views = views.to_vec();
        // Two processes that write the same rows must meet in one order.
        views.sort_by(|a, b| (&a.key.user, &a.key.app, a.day).cmp(&(&b.key.user, &b.key.app, b.day)));
        self.write(views, |db, views| Box::pin(gallery::add_views(db, views))).await
    }

    async fn trending(&self, limit: u32, now: Millis) -> Result<Vec<SharedPage>> {
        self.read((limit, now), |db, args| Box::pin(gallery::trending(db, args))).await
    }

    async fn shelf(&self, skip: u32, limit: u32) -> Result<Vec<SharedPage>> {
        self.read((skip, limit), |db, args| Box::pin(gallery::shelf(db, args))).await
    }
}

#[async_trait]
impl Roll for SqlStore {
    async fn roll(&self, before: Option<PersonId>, limit: u32, now: Millis) -> Result<Vec<Listed>> {
        self.read((before, limit, now), |db, args| Box::pin(roll::roll(db, args))).await
    }

    async fn listed(&self, person: PersonId, now: Millis) -> Result<Option<Listed>> {
        self.read((person, now), |db, args| Box::pin(roll::listed(db, args))).await
    }
}

#[async_trait]
impl Erasure for SqlStore {
    async fn people(&self, after: PersonId, limit: u32) -> Result<Vec<Person>> {
        self.read((after, limit), |db, args| Box::pin(erase::people(db, args))).await
    }

    async fn traces(&self, whom: &Whom) -> Result<Traces> {
        self.read(whom.clone(), |db, whom| Box::pin(erase::traces(db, whom))).await
    }

    async fn held(&self, whom: &Whom) -> Result<Vec<Held>> {
        self.read(whom.clone(), |db, whom| Box::pin(erase::held(db, whom))).await
    }

    async fn erase(&self, whom: &Whom) -> Result<Vec<Erased>> {
        self.write(whom.clone(), |db, whom| Box::pin(erase::erase(db, whom))).await
    }

    async fn unknown(&self, jobs: &[JobId]) -> Result<Vec<JobId>> {
        self.read(jobs.to_vec(), |db, jobs| Box::pin(erase::unknown(db, jobs))).await
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
