//! WASI with nothing granted, for components made by tools that cannot do without it: no files, no network, no environment, a clock that stands at the
//! job's `now` and chance that comes from its `seed`, so that such a plugin can be replayed too.

use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView, random::Deterministic,
};

use super::state::CallState;

/// A closed world.
pub struct Closed {
    ctx: WasiCtx,
    table: ResourceTable,
}

#[derive(Clone, Copy)]
struct Standing(Duration);

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Standing {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Closed {
    /// A world whose clock stands at `now` (ms) and whose chance is `seed`.
    pub fn new(now: u64, seed: u64) -> Self {
        let clock = Standing(Duration::from_millis(now));
        let ctx = WasiCtxBuilder::new()
            .wall_clock(clock)
            .monotonic_clock(clock)
            .insecure_random_seed(u128::from(seed))
            .secure_random(chance(seed))
            .insecure_random(chance(seed.wrapping_add(1)))
            .max_random_size(1 << 20)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        Self { ctx, table: ResourceTable::new() }
    }

    /// The grants that were made use of.
    pub fn used(&self) -> Vec<String> {
        Vec::new()
    }
}

fn chance(seed: u64) -> Deterministic {
    let bytes = (0_u8..32).flat_map(|block| Sha256::digest([&seed.to_le_bytes()[..], &[block]].concat()).to_vec());
    Deterministic::new(bytes.collect())
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let closed = self.wasi.get_or_insert_with(|| Closed::new(0, 0));
        WasiCtxView { ctx: &mut closed.ctx, table: &mut closed.table }
    }
}
