//! WASI with nothing behind it that is not granted, for components made by tools that cannot do without it: no files, no network, an empty environment, a
//! clock that stands at the job's `now` and chance that comes from its `seed`, so that such a plugin can be replayed too. What is granted is the true
//! thing, and its use is noted. What it prints to stderr is kept for its log.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use rand::RngCore;
use rand_core::TryRng;
use sha2::{Digest, Sha256};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult, bindings::cli::environment},
    random::Deterministic,
};

use super::{Grants, state::CallState};

/// Bytes of stderr that are kept, the last ones: a traceback ends with what it is about.
const KEPT: usize = 4 << 10;

/// A closed world, but for what is granted.
pub struct Closed {
    ctx: WasiCtx,
    table: ResourceTable,
    env: Vec<(String, String)>,
    noted: Arc<Noted>,
    printed: Printed,
}

/// Which grants were made use of.
#[derive(Default)]
struct Noted {
    clock: AtomicBool,
    chance: AtomicBool,
    env: AtomicBool,
}

fn note(used: &AtomicBool) {
    used.store(true, Ordering::Relaxed);
}

impl Closed {
    /// A world whose clock stands at `now` (ms) and whose chance is `seed`, where the true ones are not granted.
    pub fn new(now: u64, seed: u64, grants: &Grants) -> Self {
        let (noted, printed) = (Arc::<Noted>::default(), Printed::default());
        let mut builder = WasiCtxBuilder::new();
        builder.stderr(printed.clone()).max_random_size(1 << 20);
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        if grants.clock {
            let clock = TrueClock { began: Instant::now(), noted: Arc::clone(&noted) };
            builder.wall_clock(clock.clone()).monotonic_clock(clock);
        } else {
            let clock = Standing(Duration::from_millis(now));
            builder.wall_clock(clock).monotonic_clock(clock);
        }
        if grants.chance {
            // Every hash map draws a seed whether anyone wants chance or not: that is no use of it.
            builder.insecure_random_seed(rand::random());
            builder.secure_random(TrueChance(Arc::clone(&noted))).insecure_random(TrueChance(Arc::clone(&noted)));
        } else {
            builder.insecure_random_seed(u128::from(seed));
            builder.secure_random(chance(seed)).insecure_random(chance(seed.wrapping_add(1)));
        }
        let env = grants.env.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
        Self { ctx: builder.build(), table: ResourceTable::new(), env, noted, printed }
    }

    /// The grants that were made use of, as pipeline.toml names them.
    pub fn used(&self) -> Vec<String> {
        let mut used = Vec::new();
        let was = |noted: &AtomicBool| noted.load(Ordering::Relaxed);
        if was(&self.noted.clock) {
            used.push("clock".to_owned());
        }
        if was(&self.noted.chance) {
            used.push("chance".to_owned());
        }
        if was(&self.noted.env) {
            used.extend(self.env.iter().map(|(name, _)| format!("env:{name}")));
        }
        used
    }

    /// The end of what it printed to stderr.
    pub fn printed(&self) -> Option<String> {
        let bytes = self.printed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&bytes).trim().to_owned();
        Some(words).filter(|words| !words.is_empty())
    }
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
        nanos(self.0)
    }
}

#[derive(Clone)]
struct TrueClock {
    began: Instant,
    noted: Arc<Noted>,
}

impl HostWallClock for TrueClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        note(&self.noted.clock);
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

impl HostMonotonicClock for TrueClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        note(&self.noted.clock);
        nanos(self.began.elapsed())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

struct TrueChance(Arc<Noted>);

impl TryRng for TrueChance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        note(&self.0.chance);
        Ok(rand::random())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        note(&self.0.chance);
        Ok(rand::random())
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        note(&self.0.chance);
        rand::rng().fill_bytes(into);
        Ok(())
    }
}

fn chance(seed: u64) -> Deterministic {
    let bytes = (0_u8..32).flat_map(|block| Sha256::digest([&seed.to_le_bytes()[..], &[block]].concat()).to_vec());
    Deterministic::new(bytes.collect())
}

/// A stderr that takes everything and keeps the end.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT)..]);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only of a later WASI, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.add(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let closed = self.wasi.get_or_insert_with(|| Closed::new(0, 0, &Grants::default()));
        WasiCtxView { ctx: &mut closed.ctx, table: &mut closed.table }
    }
}

// In the place of wasmtime's own, so that a look at the environment is seen.
impl environment::Host for CallState {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        let Some(closed) = &self.wasi else { return Ok(Vec::new()) };
        note(&closed.noted.env);
        Ok(closed.env.clone())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}
