//! What a plugin may use is bounded: passing a bound fails that job, in words, and nothing else.

use rstest::rstest;

use crate::kit::host::{ANN, Host};

#[rstest]
#[case::instructions("stage.slug.fuel=1000", "units of fuel")]
#[case::memory("stage.slug.memory=1MiB", "bytes of memory")]
#[tokio::test]
async fn a_plugin_over_its_bound_fails_its_job_in_words(#[case] bound: &str, #[case] words: &str) {
    let host = Host::of().set(bound).start().await;

    let id = host.text(ANN, "WTAF a tip calculator").await;
    let job = host.ended(&id).await;

    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("plugin")));
    let (folder, file) = host.file_of(&id).expect("the job's story is kept");
    assert_eq!(folder, "failed");
    let cause = file["error"]["message"].as_str().unwrap_or_default();
    assert!(cause.contains("plugin slug 0.1.0") && cause.contains(words), "{cause}");
    host.told(ANN, |text| text.body.contains("did not come out")).await;
}

#[tokio::test]
async fn a_plugin_within_its_fuel_is_not_disturbed() {
    let host = Host::of().set("plugins.fuel=1000000000").start().await;

    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
}
