use std::time::Duration;

use wtaf_host::{
    adapter::store::{Allowance, Cost, JobFilter, PersonId, Spent, Turn, Whose},
    job::{Job, Millis, Source, Status},
};

use super::{NOW, Place, at, guest, job, job_id, on_every_store, person, texter};

on_every_store!(
    a_job_is_read_back_as_it_was_recorded,
    a_final_status_is_not_overwritten_by_an_older_one,
    jobs_are_listed_newest_first_and_filtered,
    jobs_are_found_by_where_they_came_in_and_the_beginning_of_their_id,
    a_line_of_a_talk_is_there_once,
    a_talk_is_its_last_lines_oldest_first,
    an_allowance_slides,
    what_does_not_fit_is_not_counted,
    a_job_counts_once,
    the_allowance_that_takes_longest_is_told,
    nothing_fits_into_an_allowance_of_none,
    money_is_added_up,
    what_is_old_is_forgotten_and_what_failed_is_not,
);

const HOUR: Duration = Duration::from_hours(1);

fn per(per: &'static str, span: Duration, most: u32) -> Allowance {
    Allowance { per, span, most }
}

async fn a_job_is_read_back_as_it_was_recorded(place: &Place) {
    let job = job(&texter(1));
    assert_eq!(place.store.job(job.id).await.unwrap(), None);
    place.store.record_job(&job, None).await.unwrap();
    assert_eq!(place.store.job(job.id).await.unwrap(), Some(job));
}

async fn a_final_status_is_not_overwritten_by_an_older_one(place: &Place) {
    let queued = job(&texter(1));
    let mut failed = queued.clone();
    (failed.status, failed.finished_at) = (Status::Failed, Some(at(5)));
    let mut done = queued.clone();
    (done.status, done.finished_at) = (Status::Done, Some(at(9)));
    for (state, expected) in [
        (&queued, Status::Queued),
        (&failed, Status::Failed),
        (&queued, Status::Failed),
        (&done, Status::Done),
        (&failed, Status::Done),
    ] {
        place.store.record_job(state, None).await.unwrap();
        assert_eq!(place.store.job(queued.id).await.unwrap().unwrap().status, expected);
    }
}

async fn jobs_are_listed_newest_first_and_filtered(place: &Place) {
    let mut jobs = Vec::new();
    for n in 0..6_u32 {
        let mut job = job(&if n % 2 == 0 { texter(1) } else { guest("g") });
        job.status = if n < 3 { Status::Done } else { Status::Running };
        place.store.record_job(&job, None).await.unwrap();
        jobs.push(job);
    }
    let list = |filter: JobFilter| async move { place.store.jobs(&filter, 9).await.unwrap() };
    let pick = |picked: &[usize]| picked.iter().map(|n| jobs[*n].clone()).collect::<Vec<_>>();
    let of = |status, asker| JobFilter { status, asker, ..JobFilter::default() };
    assert_eq!(list(JobFilter::default()).await, pick(&[5, 4, 3, 2, 1, 0]));
    assert_eq!(list(of(Some(Status::Done), None)).await, pick(&[2, 1, 0]));
    assert_eq!(list(of(None, Some(texter(1)))).await, pick(&[4, 2, 0]));
    assert_eq!(list(of(Some(Status::Running), Some(guest("g")))).await, pick(&[5, 3]));
    let next = JobFilter { before: Some(jobs[2].id), ..JobFilter::default() };
    assert_eq!(place.store.jobs(&next, 1).await.unwrap(), pick(&[1]));
}

async fn jobs_are_found_by_where_they_came_in_and_the_beginning_of_their_id(place: &Place) {
    let mut jobs = Vec::new();
    for n in 0..4_u32 {
        let mut job = job(&texter(1));
        job.request.source = if n < 2 { Source::Web } else { Source::Sms };
        // Nobody's words are taken for where they came in.
        job.request.text = r#"{"source":"file"} "source":"file""#.into();
        job.status = if n % 2 == 0 { Status::Done } else { Status::Failed };
        place.store.record_job(&job, None).await.unwrap();
        jobs.push(job);
    }
    let list = |filter: JobFilter| async move { place.store.jobs(&filter, 9).await.unwrap() };
    let of = |source, status, id: Option<&str>| JobFilter {
        source,
        status,
        id: id.map(str::to_owned),
        ..JobFilter::default()
    };
    let id = jobs[1].id.to_string();

    assert_eq!(list(of(Some(Source::Web), None, None)).await, [jobs[1].clone(), jobs[0].clone()]);
    assert_eq!(list(of(Some(Source::Sms), Some(Status::Failed), None)).await, [jobs[3].clone()]);
    assert_eq!(list(of(Some(Source::File), None, None)).await, vec![]);
    assert_eq!(list(of(None, None, Some(&id[..16].to_ascii_lowercase()))).await, [jobs[1].clone()]);
    assert_eq!(list(of(None, None, Some("ZZ"))).await, vec![]);
    let before = JobFilter { before: Some(jobs[1].id), ..of(Some(Source::Web), None, None) };
    assert_eq!(list(before).await, [jobs[0].clone()]);
}

async fn a_line_of_a_talk_is_there_once(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = job_id();
    let asked = Turn { coach: None, text: "hey".into(), at: NOW };
    let said = Turn { coach: Some("alex".into()), text: "hello".into(), at: NOW };
    for turn in [&asked, &said, &asked, &said] {
        place.store.add_turn(fox.id, job, turn).await.unwrap();
    }
    assert_eq!(place.store.turns(fox.id, NOW, 9).await.unwrap(), [asked, said]);
}

async fn a_talk_is_its_last_lines_oldest_first(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    for n in 0..5 {
        let turn = Turn { coach: None, text: n.to_string(), at: at(n) };
        place.store.add_turn(fox.id, job_id(), &turn).await.unwrap();
    }
    let lines = |turns: Vec<Turn>| turns.into_iter().map(|turn| turn.text).collect::<Vec<_>>();
    assert_eq!(lines(place.store.turns(fox.id, NOW, 2).await.unwrap()), ["3", "4"]);
    assert_eq!(lines(place.store.turns(fox.id, at(3), 9).await.unwrap()), ["3", "4"]);
}

async fn an_allowance_slides(place: &Place) {
    let two = [per("hour", HOUR, 2)];
    let spend = |seconds| place.store.spend("k", job_id(), &two, at(seconds));
    assert_eq!(spend(0).await.unwrap(), Spent::Fits);
    assert_eq!(spend(600).await.unwrap(), Spent::Fits);
    assert_eq!(spend(700).await.unwrap(), Spent::Over { per: "hour", again: at(3600) });
    assert_eq!(spend(3599).await.unwrap(), Spent::Over { per: "hour", again: at(3600) });
    assert_eq!(spend(3600).await.unwrap(), Spent::Fits);
    assert_eq!(spend(3601).await.unwrap(), Spent::Over { per: "hour", again: at(4200) });
    assert_eq!(place.store.spend("other", job_id(), &two, at(3601)).await.unwrap(), Spent::Fits);
}

async fn what_does_not_fit_is_not_counted(place: &Place) {
    let one = [per("hour", HOUR, 1)];
    for seconds in [0, 1, 2] {
        place.store.spend("k", job_id(), &one, at(seconds)).await.unwrap();
    }
    assert_eq!(place.store.spend("k", job_id(), &one, at(3600)).await.unwrap(), Spent::Fits);
    assert_eq!(place.store.prune_spent(at(1)).await.unwrap(), 1);
    assert_eq!(place.store.prune_spent(at(1)).await.unwrap(), 0);
}

async fn a_job_counts_once(place: &Place) {
    let (one, job) = ([per("hour", HOUR, 1)], job_id());
    for seconds in [0, 1, 2] {
        assert_eq!(place.store.spend("k", job, &one, at(seconds)).await.unwrap(), Spent::Fits);
    }
}

async fn the_allowance_that_takes_longest_is_told(place: &Place) {
    let both = [per("hour", HOUR, 1), per("day", HOUR * 24, 1)];
    place.store.spend("k", job_id(), &both, NOW).await.unwrap();
    let over = place.store.spend("k", job_id(), &both, at(1)).await.unwrap();
    assert_eq!(over, Spent::Over { per: "day", again: at(24 * 3600) });
    let lowered = [per("hour", HOUR, 5), per("day", HOUR * 24, 1)];
    assert_eq!(place.store.spend("k", job_id(), &lowered, at(2)).await.unwrap(), over);
}

async fn nothing_fits_into_an_allowance_of_none(place: &Place) {
    let none = [per("hour", HOUR, 0)];
    let over = place.store.spend("k", job_id(), &none, NOW).await.unwrap();
    assert_eq!(over, Spent::Over { per: "hour", again: at(3600) });
    assert_eq!(place.store.spend("k", job_id(), &[], Millis(5)).await.unwrap(), Spent::Fits);
}

async fn money_is_added_up(place: &Place) {
    let all = Whose::Everyone;
    assert!(place.store.cost_since(&all, NOW).await.unwrap().abs() < f64::EPSILON);
    let job = job_id();
    let one = |call, provider: &str, dollars| Cost {
        job,
        call,
        person: Some(PersonId(7)),
        provider: provider.to_owned(),
        dollars,
    };
    for (seconds, cost) in [(0, one(0, "claude", 0.25)), (1, one(1, "claude", 0.5)), (1, one(2, "gpt", 0.5))] {
        place.store.add_cost(&cost, at(seconds)).await.unwrap();
        // A step that is repeated after a crash.
        place.store.add_cost(&cost, at(seconds + 1)).await.unwrap();
    }
    let costs = async |whose: Whose, since| place.store.cost_since(&whose, since).await.unwrap();
    assert!((costs(all.clone(), NOW).await - 1.25).abs() < 1e-9);
    assert!((costs(all, at(1)).await - 1.0).abs() < 1e-9);
    assert!((costs(Whose::Provider("gpt".into()), NOW).await - 0.5).abs() < 1e-9);
    assert!((costs(Whose::Person(PersonId(7)), NOW).await - 1.25).abs() < 1e-9);
    assert!(costs(Whose::Person(PersonId(8)), NOW).await.abs() < 1e-9);
}

async fn what_is_old_is_forgotten_and_what_failed_is_not(place: &Place) {
    let store = &place.store;
    let mut jobs = Vec::new();
    for (status, ended) in [(Status::Done, 0), (Status::Failed, 0), (Status::Done, 9)] {
        let job = Job { status, finished_at: Some(at(ended)), ..job(&texter(1)) };
        store.record_job(&job, None).await.unwrap();
        jobs.push(job.id);
        let cost = Cost { job: job.id, call: 0, person: None, provider: "p".into(), dollars: 1.0 };
        store.add_cost(&cost, at(ended)).await.unwrap();
    }

    while store.prune_old(at(5)).await.unwrap() > 0 {}

    let is_there = async |n: usize| store.job(jobs[n]).await.unwrap().is_some();
    assert_eq!((is_there(0).await, is_there(1).await, is_there(2).await), (false, true, true));
    assert!((store.cost_since(&Whose::Everyone, NOW).await.unwrap() - 1.0).abs() < 1e-9);
}
