//! What every queue does.

use std::{collections::HashSet, sync::Arc, time::Duration};

use wtaf_host::{
    adapter::queue::{Accepted, Ended, QueueError, Roles, State},
    job::{Job, JobError, Millis, Status},
};

use super::{Place, asker, decided, next, nothing_next, request, until};

/// Makes tests of behaviours: one on each queue.
macro_rules! on_every_queue {
    ($($behaviour:ident),* $(,)?) => {
        on_every_queue!(@on files $($behaviour)*);
        on_every_queue!(@on nats $($behaviour)*);
    };
    (@on $place:ident $($behaviour:ident)*) => {
        mod $place {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(&crate::queue::Place::$place().await).await;
                }
            )*
        }
    };
}

on_every_queue! {
    a_job_goes_its_way_from_new_to_done,
    a_job_is_found_from_the_moment_it_is_accepted,
    thirty_two_deliveries_of_one_text_at_once_make_one_job,
    hundreds_of_requests_at_once_are_all_there_and_in_their_askers_order,
    a_delivery_whose_job_is_done_is_still_known_after_a_restart,
    someone_with_one_request_does_not_wait_for_someone_with_many,
    a_retry_waits_for_its_time_and_lets_others_pass,
    an_undecided_request_that_waits_holds_back_what_its_asker_sent_later,
    a_dropped_next_takes_nothing,
    work_under_way_at_a_crash_goes_on_with_its_progress_and_costs_no_attempt,
    a_failed_job_is_kept_and_brought_back_with_its_progress,
    a_failed_job_brought_back_from_another_process_is_taken_up,
    when_as_many_wait_as_may_the_next_is_refused_and_a_known_one_is_not,
    a_process_does_only_what_its_role_is,
    jobs_are_listed_by_where_they_stand,
    what_is_forgotten_is_gone_and_its_delivery_makes_no_other_job,
    a_web_process_and_a_worker_process_share_the_work,
}

async fn a_job_goes_its_way_from_new_to_done(place: &Place) {
    let queue = place.open().await;
    let id = queue.accept(request("a", "hello", None)).await.unwrap().id();

    let mut job = next(&*queue).await;
    assert_eq!((job.id, queue.find(id).await.unwrap().unwrap().status), (id, Status::Running));
    job.progress.slug = Some("amber-fox-runs".into());
    queue.checkpoint(&job).await.unwrap();
    assert_eq!(queue.find(id).await.unwrap().unwrap().progress.slug.as_deref(), Some("amber-fox-runs"));
    until("it counts as being at work", async || queue.depth().await.unwrap().working == 1).await;
    job.status = Status::Done;
    queue.finish(&job, Ended::Done).await.unwrap();

    assert_eq!(queue.find(id).await.unwrap().unwrap().status, Status::Done);
    until("nothing is at work", async || queue.depth().await.unwrap().working == 0).await;
    assert!(matches!(queue.checkpoint(&job).await, Err(QueueError::NoSuchJob(_))));
    nothing_next(&*queue).await;
}

async fn a_job_is_found_from_the_moment_it_is_accepted(place: &Place) {
    let web = place.open_as(Roles { web: true, worker: false }, 100).await;
    let id = web.accept(request("a", "a page about otters", Some("SM1"))).await.unwrap().id();
    let found = web.find(id).await.unwrap().unwrap();
    assert_eq!((found.id, found.status, found.request.text.as_str()), (id, Status::Queued, "a page about otters"));
}

async fn thirty_two_deliveries_of_one_text_at_once_make_one_job(place: &Place) {
    let queue = place.open().await;
    let deliveries = (0..32).map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { queue.accept(request("a", "one", Some("SM1"))).await.unwrap() })
    });
    let mut answers = Vec::new();
    for delivery in deliveries.collect::<Vec<_>>() {
        answers.push(delivery.await.unwrap());
    }

    let new: Vec<_> = answers.iter().filter(|answer| matches!(answer, Accepted::New(_))).collect();
    assert_eq!(new.len(), 1);
    assert!(answers.iter().all(|answer| answer.id() == new[0].id()));
    let job = next(&*queue).await;
    queue.finish(&job, Ended::Done).await.unwrap();
    nothing_next(&*queue).await;
}

async fn hundreds_of_requests_at_once_are_all_there_and_in_their_askers_order(place: &Place) {
    let queue = place.open().await;
    let accepts = (0..400).map(|n| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            queue.accept(request(&(n % 7).to_string(), "x", Some(&format!("SM{n}")))).await.unwrap().id()
        })
    });
    let mut accepted = HashSet::new();
    for accept in accepts.collect::<Vec<_>>() {
        accepted.insert(accept.await.unwrap());
    }

    let mut taken: Vec<Job> = Vec::new();
    for _ in 0..400 {
        let job = next(&*queue).await;
        queue.finish(&job, Ended::Done).await.unwrap();
        taken.push(job);
    }
    assert_eq!(taken.iter().map(|job| job.id).collect::<HashSet<_>>(), accepted);
    for who in 0..7 {
        let asker = asker(&who.to_string());
        assert!(taken.iter().filter(|job| job.request.asker == asker).map(|job| job.id).is_sorted());
    }
}

async fn a_delivery_whose_job_is_done_is_still_known_after_a_restart(place: &Place) {
    let queue = place.open().await;
    let id = queue.accept(request("a", "one", Some("SM1"))).await.unwrap().id();
    let job = next(&*queue).await;
    queue.finish(&job, Ended::Done).await.unwrap();
    drop(queue);

    let queue = place.open().await;
    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    nothing_next(&*queue).await;
}

async fn someone_with_one_request_does_not_wait_for_someone_with_many(place: &Place) {
    let queue = place.open().await;
    for n in 0..100 {
        queue.accept(request("many", &n.to_string(), None)).await.unwrap();
    }
    let one = queue.accept(request("one", "x", None)).await.unwrap().id();

    let mut before = 0;
    loop {
        let job = next(&*queue).await;
        queue.finish(&job, Ended::Done).await.unwrap();
        if job.id == one {
            break;
        }
        before += 1;
    }
    assert!(before < 50, "{before} of someone else's came first");
}

async fn a_retry_waits_for_its_time_and_lets_others_pass(place: &Place) {
    let queue = place.open().await;
    let first = queue.accept(request("a", "1", None)).await.unwrap().id();
    let mut job = next(&*queue).await;
    job.not_before = Some(Millis::now().after(Duration::from_secs(3)));
    job.attempts = 1;
    job.progress.decided = Some(decided());
    queue.hand_back(&job).await.unwrap();
    let second = queue.accept(request("a", "2", None)).await.unwrap().id();

    assert_eq!(next(&*queue).await.id, second);
    let again = next(&*queue).await;
    assert_eq!((again.id, again.attempts), (first, 1));
    assert!(Millis::now() >= again.not_before.unwrap());
}

async fn an_undecided_request_that_waits_holds_back_what_its_asker_sent_later(place: &Place) {
    let queue = place.open().await;
    let stop = queue.accept(request("a", "STOP", None)).await.unwrap().id();
    let mut job = next(&*queue).await;
    job.not_before = Some(Millis::now().after(Duration::from_millis(400)));
    queue.hand_back(&job).await.unwrap();
    let idea = queue.accept(request("a", "wtaf x", None)).await.unwrap().id();

    let mut first = next(&*queue).await;
    assert_eq!(first.id, stop);
    first.progress.decided = Some(decided());
    queue.checkpoint(&first).await.unwrap();
    assert_eq!(next(&*queue).await.id, idea);
}

async fn a_dropped_next_takes_nothing(place: &Place) {
    let queue = place.open().await;
    let mut accepted = HashSet::new();
    for n in 0..20 {
        accepted.insert(queue.accept(request(&n.to_string(), "x", None)).await.unwrap().id());
    }
    let mut taken = HashSet::new();
    for micros in (0..200).cycle().take(400) {
        if let Ok(job) = tokio::time::timeout(Duration::from_micros(micros), queue.next()).await {
            taken.insert(job.unwrap().id);
        }
    }
    while taken.len() < accepted.len() {
        taken.insert(next(&*queue).await.id);
    }
    assert_eq!(taken, accepted);
    nothing_next(&*queue).await;
}

async fn work_under_way_at_a_crash_goes_on_with_its_progress_and_costs_no_attempt(place: &Place) {
    let queue = place.open().await;
    let id = queue.accept(request("a", "1", Some("SM1"))).await.unwrap().id();
    let mut job = next(&*queue).await;
    job.progress.slug = Some("amber-fox-runs".into());
    queue.checkpoint(&job).await.unwrap();
    let other = queue.accept(request("b", "2", None)).await.unwrap().id();
    drop(queue);

    let queue = place.open().await;
    let (first, second) = (next(&*queue).await, next(&*queue).await);
    let again = if first.id == id { &first } else { &second };
    assert_eq!((again.id, again.attempts, again.progress.slug.as_deref()), (id, 0, Some("amber-fox-runs")));
    assert!(first.id == other || second.id == other);
    nothing_next(&*queue).await;
}

async fn a_failed_job_is_kept_and_brought_back_with_its_progress(place: &Place) {
    let queue = place.open().await;
    let id = queue.accept(request("a", "1", Some("SM1"))).await.unwrap().id();
    let mut job = next(&*queue).await;
    job.status = Status::Failed;
    job.attempts = 5;
    job.error = Some(JobError { code: "ai-unavailable".into(), message: "all down".into() });
    job.progress.slug = Some("amber-fox-runs".into());
    queue.finish(&job, Ended::Failed).await.unwrap();
    assert_eq!(queue.list(State::Failed, 10).await.unwrap()[0].error, job.error);
    until("it is counted", async || queue.depth().await.unwrap().failed == 1).await;

    queue.retry(id).await.unwrap();

    assert_eq!(queue.find(id).await.unwrap().unwrap().status, Status::Queued);
    let again = next(&*queue).await;
    assert_eq!((again.id, again.attempts, &again.error), (id, 0, &None));
    assert_eq!(again.progress.slug.as_deref(), Some("amber-fox-runs"));
    assert!(matches!(queue.retry(id).await, Err(QueueError::NoSuchJob(_))));
    assert_eq!(queue.accept(request("a", "1", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    nothing_next(&*queue).await;
}

async fn a_failed_job_brought_back_from_another_process_is_taken_up(place: &Place) {
    let queue = place.open().await;
    let id = queue.accept(request("a", "1", None)).await.unwrap().id();
    let job = next(&*queue).await;
    queue.finish(&job, Ended::Failed).await.unwrap();

    let shell = place.open_as(Roles::NONE, 100).await;
    assert_eq!(shell.depth().await.unwrap().failed, 1);
    shell.retry(id).await.unwrap();

    assert_eq!(next(&*queue).await.id, id);
}

async fn when_as_many_wait_as_may_the_next_is_refused_and_a_known_one_is_not(place: &Place) {
    let queue = place.open_as(Roles::BOTH, 2).await;
    let first = queue.accept(request("a", "1", Some("SM1"))).await.unwrap().id();
    queue.accept(request("b", "2", Some("SM2"))).await.unwrap();

    assert!(matches!(queue.accept(request("c", "3", Some("SM3"))).await, Err(QueueError::Full { waiting: 2 })));
    assert_eq!(queue.accept(request("a", "1", Some("SM1"))).await.unwrap(), Accepted::Again(first));
    next(&*queue).await;
    let admitted = async || matches!(queue.accept(request("c", "3", Some("SM3"))).await, Ok(Accepted::New(_)));
    until("there is room for the third", admitted).await;
}

async fn a_process_does_only_what_its_role_is(place: &Place) {
    let web = place.open_as(Roles { web: true, worker: false }, 10).await;
    let worker = place.open_as(Roles { web: false, worker: true }, 10).await;
    assert!(matches!(web.next().await, Err(QueueError::Held { .. })));
    assert!(matches!(worker.accept(request("a", "1", None)).await, Err(QueueError::Held { .. })));
}

async fn jobs_are_listed_by_where_they_stand(place: &Place) {
    let queue = place.open().await;
    let mut ids = Vec::new();
    for (n, ended) in [Some(Ended::Done), Some(Ended::Failed), None].into_iter().enumerate() {
        ids.push(queue.accept(request(&n.to_string(), "x", None)).await.unwrap().id());
        let job = next(&*queue).await;
        if let Some(ended) = ended {
            queue.finish(&job, ended).await.unwrap();
        }
    }
    ids.push(queue.accept(request("new", "x", None)).await.unwrap().id());

    for (state, id) in [State::Done, State::Failed, State::Work, State::New].into_iter().zip(&ids) {
        let listed: Vec<_> = queue.list(state, 10).await.unwrap().iter().map(|job| job.id).collect();
        assert_eq!(listed, [*id], "{state:?}");
    }
    let theirs = queue.of_askers(&[asker("0"), asker("2")]).await.unwrap();
    let mut theirs: Vec<_> = theirs.iter().map(|(state, job)| (*state, job.id)).collect();
    theirs.sort_by_key(|(_, id)| *id);
    assert_eq!(theirs, [(State::Done, ids[0]), (State::Work, ids[2])]);
}

async fn what_is_forgotten_is_gone_and_its_delivery_makes_no_other_job(place: &Place) {
    let queue = place.open().await;
    let id = queue.accept(request("a", "1", Some("SM1"))).await.unwrap().id();
    let kept = queue.accept(request("b", "2", None)).await.unwrap().id();
    assert!(matches!(queue.forget(&[id], &[asker("a")], &[]).await, Err(QueueError::UnderWay(1))));
    for _ in 0..2 {
        let job = next(&*queue).await;
        queue.finish(&job, Ended::Failed).await.unwrap();
    }

    assert!(queue.forget(&[id], &[asker("a")], &[]).await.unwrap() > 0);

    assert_eq!(queue.find(id).await.unwrap().map(|job| job.id), None);
    assert!(queue.of_askers(&[asker("a")]).await.unwrap().is_empty());
    assert_eq!(queue.list(State::Failed, 10).await.unwrap()[0].id, kept);
    assert_eq!(queue.accept(request("a", "1", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    nothing_next(&*queue).await;
}

async fn a_web_process_and_a_worker_process_share_the_work(place: &Place) {
    let web = place.open_as(Roles { web: true, worker: false }, 1000).await;
    let worker = place.open_as(Roles { web: false, worker: true }, 1000).await;
    let accepting = {
        let web = Arc::clone(&web);
        tokio::spawn(async move {
            let mut accepted = Vec::new();
            for n in 0..200 {
                accepted.push(web.accept(request("a", &n.to_string(), Some(&format!("SM{n}")))).await.unwrap().id());
            }
            accepted
        })
    };
    let mut taken = Vec::new();
    for _ in 0..200 {
        let job = next(&*worker).await;
        taken.push(job.id);
        worker.finish(&job, Ended::Done).await.unwrap();
    }

    let accepted = accepting.await.unwrap();
    assert_eq!(taken, accepted, "one asker's requests come in the order they were accepted");
    assert_eq!(web.find(taken[0]).await.unwrap().unwrap().id, taken[0]);
    assert!(matches!(web.accept(request("a", "0", Some("SM0"))).await, Ok(Accepted::Again(id)) if id == taken[0]));
    until("the web process sees that nothing waits", async || web.depth().await.unwrap().waiting == 0).await;
}
