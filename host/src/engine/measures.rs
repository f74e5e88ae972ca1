//! What is measured when someone asks rather than when it happens: how much waits, and how the engine is.

use super::Engine;

impl Engine {
    /// Sets the gauges of the queue and of readiness.
    pub async fn measure(&self) {
        let health = self.health().await;
        metrics::gauge!("wtaf_ready").set(f64::from(u8::from(health.ready)));
        // A queue that cannot be read leaves its last numbers; that it cannot is what `wtaf_ready` says.
        let Ok(depth) = self.depth().await else { return };
        for (state, jobs) in [("waiting", depth.waiting), ("working", depth.working), ("failed", depth.failed)] {
            let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
            metrics::gauge!("wtaf_queue_jobs", "state" => state).set(f64::from(jobs));
        }
        metrics::gauge!("wtaf_queue_oldest_seconds")
            .set(std::time::Duration::from_millis(depth.oldest_ms).as_secs_f64());
    }
}
