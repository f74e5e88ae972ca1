//! What is so with files alone: what lies in the folders, what a crash may leave there, drop-ins.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rstest::rstest;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wtaf_host::{
    adapter::queue::{Accepted, Ended, FilesQueue, Queue, QueueError, Roles},
    job::{Asker, GuestKey, Job, JobId, Millis, Request, Source, Status},
};

const SOON: Duration = Duration::from_secs(10);

fn request(who: &str, text: &str, delivery: Option<&str>) -> Request {
    Request {
        source: Source::Sms,
        asker: Asker::Guest(GuestKey::of_token(who)),
        text: text.to_owned(),
        media: vec![],
        delivery: delivery.map(str::to_owned),
        opt_out: None,
        coach: None,
        user_slug: None,
    }
}

fn open(dir: &Path) -> Arc<FilesQueue> {
    FilesQueue::open(dir, Roles::BOTH, 100_000).unwrap()
}

async fn next(queue: &FilesQueue) -> Job {
    tokio::time::timeout(SOON, queue.next()).await.expect("a job is there").unwrap()
}

async fn nothing_next(queue: &FilesQueue) {
    let nothing = tokio::time::timeout(Duration::from_millis(300), queue.next()).await;
    assert!(nothing.is_err(), "a job was handed out: {nothing:?}");
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition().await {
        assert!(Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Files of a folder of the queue, by name.
fn names(dir: &TempDir, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path().join("wtaf").join(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(dir: &TempDir, folder: &str, id: JobId) -> PathBuf {
    dir.path().join("wtaf").join(folder).join(format!("{id}.json"))
}

fn entry(dir: &TempDir, delivery: &str) -> PathBuf {
    dir.path().join("wtaf/seen").join(hex::encode(Sha256::digest(delivery)))
}

/// A job's file, as a crash may have left it.
fn plant(path: &Path, text: &str, delivery: Option<&str>) -> JobId {
    let id = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or_else(some_id);
    let job = Job::new(id, request("a", text, delivery), id.time());
    std::fs::write(path, serde_json::to_vec_pretty(&job).unwrap()).unwrap();
    id
}

fn some_id() -> JobId {
    wtaf_host::job::JobIds::default().next(Millis::now())
}

/// The folders, with nothing in them.
fn folders() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    dir
}

#[tokio::test]
async fn an_accepted_request_is_a_readable_file_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());

    let id = queue.accept(request("a", "wtaf a page about otters", Some("SM1"))).await.unwrap().id();

    let path = file(&dir, "new", id);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\n  \"id\"") && text.contains("a page about otters"), "{text}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(names(&dir, "tmp"), Vec::<String>::new());
    assert_eq!(queue.find(id).await.unwrap().unwrap().status, Status::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_deliveries_of_one_text_at_once_make_one_job() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());

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
    assert_eq!((names(&dir, "new").len(), names(&dir, "tmp").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_at_once_are_all_there_and_in_their_askers_order() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());

    let accepts = (0..1000).map(|n| {
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
    for _ in 0..1000 {
        taken.push(next(&queue).await);
    }
    assert_eq!(taken.iter().map(|job| job.id).collect::<HashSet<_>>(), accepted);
    for who in 0..7 {
        let asker = Asker::Guest(GuestKey::of_token(&who.to_string()));
        assert!(taken.iter().filter(|job| job.request.asker == asker).map(|job| job.id).is_sorted());
    }
}

#[tokio::test]
async fn a_delivery_whose_job_is_done_is_still_known_after_a_restart_even_with_the_file_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let id = queue.accept(request("a", "one", Some("SM1"))).await.unwrap().id();
    let job = next(&queue).await;
    queue.finish(&job, Ended::Done).await.unwrap();
    drop(queue);

    let queue = open(dir.path());
    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    drop(queue);
    std::fs::remove_file(file(&dir, "done", id)).unwrap();

    let queue = open(dir.path());
    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    nothing_next(&queue).await;
}

#[rstest]
#[case::as_it_runs(false)]
#[case::from_the_files_after_a_restart(true)]
#[tokio::test]
async fn someone_with_one_request_is_second_after_someone_with_many(#[case] restart: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = open(dir.path());
    let mut many = Vec::new();
    for n in 0..100 {
        many.push(queue.accept(request("many", &n.to_string(), None)).await.unwrap().id());
    }
    let one = queue.accept(request("one", "x", None)).await.unwrap().id();
    if restart {
        drop(queue);
        queue = open(dir.path());
    }

    assert_eq!([next(&queue).await.id, next(&queue).await.id, next(&queue).await.id], [many[0], one, many[1]]);
}

#[tokio::test]
async fn work_under_way_at_a_crash_comes_first_with_its_progress_and_costs_no_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let id = queue.accept(request("a", "1", Some("SM1"))).await.unwrap().id();
    let mut job = next(&queue).await;
    job.progress.slug = Some("amber-fox-runs".into());
    queue.checkpoint(&job).await.unwrap();
    queue.accept(request("b", "2", None)).await.unwrap();
    drop(queue);

    let queue = open(dir.path());
    let again = next(&queue).await;
    assert_eq!((again.id, again.attempts, again.progress.slug.as_deref()), (id, 0, Some("amber-fox-runs")));
    assert_ne!(next(&queue).await.id, id);
    nothing_next(&queue).await;
}

#[tokio::test]
async fn a_crash_between_the_ledger_and_the_queue_neither_loses_nor_doubles() {
    let dir = folders();
    let held = entry(&dir, "SM1");
    let id = plant(&held, "one", Some("SM1"));
    std::fs::hard_link(&held, dir.path().join(format!("wtaf/tmp/{id}.web-0.json"))).unwrap();

    let queue = open(dir.path());

    assert_eq!(next(&queue).await.id, id, "at start an entry without a job becomes one");
    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    nothing_next(&queue).await;
    assert_eq!(names(&dir, "tmp"), Vec::<String>::new());
}

#[tokio::test]
async fn a_delivery_whose_job_is_nowhere_is_rolled_forward_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let id = plant(&entry(&dir, "SM1"), "one", Some("SM1"));

    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::Again(id));
    assert_eq!(next(&queue).await.id, id);
    nothing_next(&queue).await;
}

#[tokio::test]
async fn what_was_being_written_at_a_crash_is_swept_away() {
    let dir = folders();
    std::fs::write(dir.path().join("wtaf/tmp/x.web-3.json"), "{\"half").unwrap();
    std::fs::write(dir.path().join("wtaf/tmp/x.worker-3.json"), "{\"half").unwrap();
    let queue = open(dir.path());
    assert_eq!(names(&dir, "tmp"), Vec::<String>::new());
    nothing_next(&queue).await;
}

#[rstest]
#[case("done")]
#[case("failed")]
#[tokio::test]
async fn a_job_that_ended_and_is_in_work_too_has_ended(#[case] rests: &str) {
    let dir = folders();
    let id = some_id();
    plant(&file(&dir, "work", id), "one", None);
    plant(&file(&dir, rests, id), "one", None);
    let queue = open(dir.path());
    nothing_next(&queue).await;
    assert_eq!((names(&dir, "work").len(), names(&dir, rests).len()), (0, 1));
}

#[tokio::test]
async fn a_job_in_new_and_in_work_goes_on_once_with_its_progress() {
    let dir = folders();
    let id = some_id();
    plant(&file(&dir, "new", id), "as it came", None);
    plant(&file(&dir, "work", id), "with progress", None);
    let queue = open(dir.path());
    assert_eq!(next(&queue).await.request.text, "with progress");
    nothing_next(&queue).await;
}

#[rstest]
#[case("new", "")]
#[case("new", "{\"format\":\"wtaf-job-1\",\"id\":")]
#[case("work", "null")]
#[case("new", "{\"format\":\"wtaf-job-99\"}")]
#[tokio::test]
async fn a_damaged_file_is_set_aside_and_stops_nobody(#[case] folder: &str, #[case] spoiled: &str) {
    let dir = folders();
    let id = some_id();
    std::fs::write(file(&dir, folder, id), spoiled).unwrap();

    let queue = open(dir.path());
    let other = queue.accept(request("a", "x", None)).await.unwrap().id();

    assert_eq!(next(&queue).await.id, other);
    nothing_next(&queue).await;
    let aside = names(&dir, "failed");
    assert_eq!(aside, [format!("{id}.json.damaged"), format!("{id}.json.damaged.txt")]);
    let note = std::fs::read_to_string(dir.path().join("wtaf/failed").join(&aside[1])).unwrap();
    assert!(note.contains("set aside, because") && note.contains("move it to"), "{note}");
    assert!(matches!(queue.find(id).await, Err(QueueError::Damaged { .. })));
}

#[tokio::test]
async fn a_job_whose_file_was_spoiled_begins_afresh_from_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let id = queue.accept(request("a", "as it came", Some("SM1"))).await.unwrap().id();
    let job = next(&queue).await;
    queue.checkpoint(&job).await.unwrap();
    drop(queue);
    std::fs::write(file(&dir, "work", id), "{\"spo").unwrap();

    let queue = open(dir.path());
    let again = next(&queue).await;
    assert_eq!((again.id, again.request.text.as_str()), (id, "as it came"));
    nothing_next(&queue).await;
}

#[tokio::test]
async fn a_role_is_held_by_one_process_and_free_again_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let web = FilesQueue::open(dir.path(), Roles { web: true, worker: false }, 10).unwrap();
    let worker = FilesQueue::open(dir.path(), Roles { web: false, worker: true }, 10).unwrap();

    let Err(QueueError::Held { what }) = FilesQueue::open(dir.path(), Roles { web: false, worker: true }, 10) else {
        panic!("two workers share a folder")
    };
    assert!(what.contains(&format!("process {}", std::process::id())) && what.contains("data.dir"), "{what}");
    assert!(matches!(web.next().await, Err(QueueError::Held { .. })));
    assert!(matches!(worker.accept(request("a", "1", None)).await, Err(QueueError::Held { .. })));

    drop(worker);
    FilesQueue::open(dir.path(), Roles { web: false, worker: true }, 10).unwrap();
}

#[tokio::test]
async fn ids_go_on_rising_after_a_restart_whatever_the_clock_says() {
    let dir = folders();
    let ahead = wtaf_host::job::JobIds::default().next(Millis::now().after(Duration::from_hours(1)));
    plant(&file(&dir, "done", ahead), "from an hour ahead", None);
    let queue = open(dir.path());
    assert!(queue.accept(request("a", "x", None)).await.unwrap().id() > ahead);
}

#[tokio::test]
async fn a_disk_that_will_not_write_accepts_nothing_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let tmp = dir.path().join("wtaf/tmp");
    std::fs::remove_dir(&tmp).unwrap();

    let why = queue.accept(request("a", "x", Some("SM1"))).await.unwrap_err().to_string();

    assert!(why.contains("wtaf/tmp"), "{why}");
    assert_eq!((names(&dir, "new").len(), names(&dir, "seen").len()), (0, 0));
    std::fs::create_dir(&tmp).unwrap();
    assert!(matches!(queue.accept(request("a", "x", Some("SM1"))).await, Ok(Accepted::New(_))));
}

#[tokio::test]
async fn a_request_that_finds_no_place_in_the_queue_leaves_no_trace_in_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let queue = FilesQueue::open(dir.path(), Roles { web: true, worker: false }, 10).unwrap();
    let new = dir.path().join("wtaf/new");
    std::fs::remove_dir(&new).unwrap();

    assert!(queue.accept(request("a", "x", Some("SM1"))).await.is_err());

    assert_eq!((names(&dir, "tmp").len(), names(&dir, "seen").len()), (0, 0));
    std::fs::create_dir(&new).unwrap();
    assert!(matches!(queue.accept(request("a", "x", Some("SM1"))).await, Ok(Accepted::New(_))));
}

mod drop_ins {
    use super::*;

    fn root(dir: &TempDir) -> PathBuf {
        dir.path().join("wtaf")
    }

    #[tokio::test]
    async fn a_dropped_file_becomes_a_job_and_moves_to_taken() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        let text = "SENDER: +15550001111\nCOACH: alex\n\na page about otters\n";
        std::fs::write(root(&dir).join("idea.txt"), text).unwrap();

        let job = next(&queue).await;

        assert_eq!((job.request.source, job.request.text.as_str()), (Source::File, "a page about otters"));
        assert_eq!(job.request.asker.phone().unwrap().e164(), "+15550001111");
        assert_eq!(job.request.coach.as_deref(), Some("alex"));
        until("the file is put away", async || names(&dir, "taken") == ["idea.txt"]).await;
        assert!(!root(&dir).join("idea.txt").exists());
        nothing_next(&queue).await;
    }

    #[tokio::test]
    async fn a_file_without_a_number_is_asked_by_whom_its_slug_names() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        std::fs::write(root(&dir).join("a.txt"), "USER_SLUG: brave-otter\n\nSENDER: +15550001111\n").unwrap();
        let job = next(&queue).await;
        assert_eq!(job.request.user_slug.as_deref(), Some("brave-otter"));
        assert_eq!(job.request.asker, Asker::Guest(GuestKey::of_token("file:brave-otter")));
        assert_eq!(job.request.text, "SENDER: +15550001111");
    }

    #[tokio::test]
    async fn a_file_that_is_still_being_written_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        let mut file = std::fs::File::create(root(&dir).join("slow.txt")).unwrap();
        file.write_all(b"SENDER: +15550001111\n\nfirst half").unwrap();

        // Longer than the stillness asked for: its writer has not closed it.
        assert!(tokio::time::timeout(Duration::from_millis(1500), queue.next()).await.is_err());
        file.write_all(b", second half\n").unwrap();
        drop(file);

        assert_eq!(next(&queue).await.request.text, "first half, second half");
    }

    #[tokio::test]
    async fn a_file_renamed_into_place_is_taken_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        let aside = dir.path().join("aside");
        let mut quickest = Duration::MAX;
        for _ in 0..5 {
            std::fs::write(&aside, "SENDER: +15550001111\n\nx\n").unwrap();
            let began = Instant::now();
            std::fs::rename(&aside, root(&dir).join("x.txt")).unwrap();
            next(&queue).await;
            quickest = quickest.min(began.elapsed());
        }
        // Quicker than any wait for stillness could be.
        assert!(quickest < Duration::from_millis(240), "{quickest:?}");
    }

    #[tokio::test]
    async fn a_crash_before_the_file_was_put_away_makes_no_second_job() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        let (dropped, taken) = (root(&dir).join("x.txt"), root(&dir).join("taken/x.txt"));
        std::fs::write(&dropped, "SENDER: +15550001111\n\nx\n").unwrap();
        let job = next(&queue).await;
        until("the file is put away", async || taken.exists()).await;
        queue.finish(&job, Ended::Done).await.unwrap();
        drop(queue);
        // As if the crash had come before the move.
        std::fs::rename(&taken, &dropped).unwrap();

        let queue = open(dir.path());
        until("the file is put away again", async || taken.exists()).await;
        nothing_next(&queue).await;
    }

    #[tokio::test]
    async fn the_same_words_dropped_once_more_are_another_request() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        for _ in 0..2 {
            std::fs::write(root(&dir).join("x.txt"), "SENDER: +15550001111\n\nx\n").unwrap();
            next(&queue).await;
            until("the file is put away", async || !root(&dir).join("x.txt").exists()).await;
        }
        assert_eq!(names(&dir, "taken").len(), 2);
    }

    #[rstest]
    #[case::no_header(b"a page about otters\n".to_vec(), "line 1")]
    #[case::unknown(b"SENDER: +15550001111\nROLE: admin\n\nx".to_vec(), "line 2: there is no header `ROLE`")]
    #[case::not_utf8(b"SENDER: +15550001111\n\n\xff\xfe".to_vec(), "not UTF-8: byte 23")]
    #[case::too_big([b"SENDER: +15550001111\n\n".to_vec(), vec![b'x'; 70_000]].concat(), "70022 bytes")]
    #[tokio::test]
    async fn what_is_no_request_stays_with_a_note_that_says_why(#[case] bytes: Vec<u8>, #[case] told: &str) {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        std::fs::write(root(&dir).join("bad.txt"), bytes).unwrap();

        let beside = root(&dir).join("bad.txt.refused");
        until("there is a note", async || beside.exists()).await;

        let note = std::fs::read_to_string(&beside).unwrap();
        assert!(note.contains(told) && note.contains("Mend it"), "{note}");
        assert!(root(&dir).join("bad.txt").exists());

        std::fs::write(root(&dir).join("bad.txt"), "SENDER: +15550001111\n\nmended\n").unwrap();
        assert_eq!(next(&queue).await.request.text, "mended");
        until("the note is gone", async || !beside.exists()).await;
    }
}

mod killed {
    //! A child process is killed in the middle of things, again and again; what it had answered must stand.

    use super::*;

    const FOLDER: &str = "WTAF_TEST_FOLDER";

    /// Not a test of its own: what the child runs. It tells on its output what is certain.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "run as a child by the test below"]
    async fn child() {
        let Ok(dir) = std::env::var(FOLDER) else { return };
        let queue = open(Path::new(&dir));
        let start = std::fs::read_dir(Path::new(&dir).join("wtaf/seen")).unwrap().count();
        println!("ready {start}");
        for lane in 0..4 {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                for n in 0.. {
                    let delivery = format!("SM{start}-{lane}-{n}");
                    let id = queue.accept(request(&lane.to_string(), "x", Some(&delivery))).await.unwrap().id();
                    println!("accepted {delivery} {id}");
                }
            });
        }
        loop {
            let mut job = queue.next().await.unwrap();
            job.progress.slug = Some("x".into());
            queue.checkpoint(&job).await.unwrap();
            queue.finish(&job, Ended::Done).await.unwrap();
            println!("finished {}", job.id);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_killed_process_had_answered_stands_and_nothing_is_doubled() {
        let dir = tempfile::tempdir().unwrap();
        let (mut accepted, mut finished) = (Vec::new(), HashSet::new());
        for round in 1..=6 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["queue::files::killed::child", "--exact", "--ignored", "--nocapture"])
                .env(FOLDER, dir.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
            let mut hear = |lines: &mut dyn Iterator<Item = String>, at_most: usize| {
                for line in lines.take(at_most) {
                    match *line.split(' ').collect::<Vec<_>>() {
                        ["accepted", delivery, id] => {
                            accepted.push((delivery.to_owned(), id.parse::<JobId>().unwrap()));
                        }
                        ["finished", id] => drop(finished.insert(id.parse::<JobId>().unwrap())),
                        _ => {}
                    }
                }
            };
            hear(&mut lines, 40 + 37 * round);
            child.kill().unwrap();
            child.wait().unwrap();
            hear(&mut lines, usize::MAX);
        }

        let queue = open(dir.path());
        assert!(accepted.len() > 50, "the children accepted only {}", accepted.len());
        for (delivery, id) in &accepted {
            assert!(queue.find(*id).await.unwrap().is_some(), "{id} was lost");
            assert_eq!(queue.accept(request("0", "x", Some(delivery))).await.unwrap(), Accepted::Again(*id));
        }
        for id in &finished {
            assert!(file(&dir, "done", *id).exists(), "{id} was finished");
        }
        let all: Vec<String> = ["new", "work", "done"].iter().flat_map(|folder| names(&dir, folder)).collect();
        assert_eq!(all.len(), all.iter().collect::<HashSet<_>>().len(), "a job is in two places");
        assert_eq!(names(&dir, "failed"), Vec::<String>::new());
        assert_eq!(names(&dir, "seen").len(), all.len(), "every job has its delivery, and every delivery its job");
    }
}
