//! Who is erased at one machine is erased at the others: what they keep on their own disks goes too, at once or when they start.

use std::fs;

use crate::kit::{
    fleet::Fleet,
    host::{ANN, BOB, Host, until},
    texter::echo,
};

/// The recording of a job, where an engine has one.
fn recording(host: &Host, job: &str) -> Option<String> {
    fs::read_to_string(host.data().join(format!("recordings/{job}.jsonl"))).ok()
}

/// Has someone ask for a page of this engine alone; gives the job, which its disk has the words of.
async fn busy(host: &Host, from: &str, words: &str) -> String {
    let job = host.text(from, &format!("WTAF {words}")).await;
    host.made(&job).await;
    let kept = until("it is recorded", async || recording(host, &job)).await;
    assert!(kept.contains(words), "{kept:.300}");
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_at_one_engine_is_on_no_other_engines_disk_even_if_that_one_was_off() {
    let (ai, fleet) = (echo().await, Fleet::new().await);
    let mut off = fleet.engine(&ai).start().await;
    let first = busy(&off, ANN, "a page about narwhals").await;
    off.kill9().await;
    let on = fleet.engine(&ai).start().await;
    let second = busy(&on, ANN, "a page about narwhals by night").await;
    let bobs = busy(&on, BOB, "a page about puffins").await;
    on.killer().stop();
    off.restart().await;
    let third = busy(&off, BOB, "a page about auks").await;
    off.kill9().await;
    on.killer().go_on();
    let at = fleet.engine(&ai).start().await;

    let erased = at.cli_as_set(&["people", "erase", ANN, "--yes"]).await;

    assert!(erased.code == Some(0) && erased.out.contains("Other machines"), "{erased:?}");
    until("the engine that runs has removed it", async || recording(&on, &second).is_none().then_some(())).await;
    assert!(recording(&off, &first).is_some(), "it is off");
    off.restart().await;
    until("the engine that was off has removed it", async || recording(&off, &first).is_none().then_some(())).await;
    assert!(recording(&on, &bobs).is_some() && recording(&off, &third).is_some(), "others are not erased");
    for host in [&at, &on, &off] {
        for entry in fs::read_dir(host.data().join("recordings")).unwrap().flatten() {
            let kept = fs::read_to_string(entry.path()).unwrap();
            assert!(!kept.contains("narwhals") && !kept.contains(ANN), "{kept:.300}");
        }
    }
}
