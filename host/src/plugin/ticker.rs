//! The one ticker that interrupts guests. It beats only while one runs: an engine that has nothing to do sleeps.
//!
//! A beat moves the engine's epoch on, and a guest is looked at when it has. What beats too often costs a wake; what misses one costs a guest's neighbour 10 ms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::Thread,
    time::Duration,
};

use wasmtime::Engine;

/// How often a running guest is looked at.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// It beats on for so many ticks after the last guest: while there is work, nobody pays for waking it.
const LINGERS: u32 = 50;

/// The ticker of an engine. It ends with this and with the last guest.
pub(super) struct Ticker {
    guests: Arc<Guests>,
    thread: Thread,
}

#[derive(Default)]
struct Guests {
    running: AtomicUsize,
    over: AtomicBool,
    /// For whoever looks; a guest wakes it in either case.
    #[cfg(test)]
    asleep: AtomicBool,
}

impl Ticker {
    /// For an engine, asleep.
    pub(super) fn start(engine: &Engine) -> std::io::Result<Self> {
        let (weak, guests) = (engine.weak(), Arc::new(Guests::default()));
        let watched = Arc::clone(&guests);
        let beating = std::thread::Builder::new().name("epoch".into()).spawn(move || {
            let mut since = LINGERS;
            loop {
                since = if watched.running.load(Ordering::SeqCst) > 0 { 0 } else { since.saturating_add(1) };
                if since > LINGERS {
                    if watched.over.load(Ordering::SeqCst) {
                        return;
                    }
                    // A guest that came since the look has left a token here, and this returns at once.
                    #[cfg(test)]
                    watched.asleep.store(true, Ordering::SeqCst);
                    std::thread::park();
                    #[cfg(test)]
                    watched.asleep.store(false, Ordering::SeqCst);
                    since = 0;
                    continue;
                }
                std::thread::sleep(TICK);
                let Some(engine) = weak.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { guests, thread: beating.thread().clone() })
    }

    /// It beats until what this gives is dropped.
    pub(super) fn watch(&self) -> Watched {
        if self.guests.running.fetch_add(1, Ordering::SeqCst) == 0 {
            // Costs a system call only where it sleeps.
            self.thread.unpark();
        }
        Watched(Arc::clone(&self.guests))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.guests.over.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// A guest that runs.
pub(super) struct Watched(Arc<Guests>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use wasmtime::{Config, Module, Store};

    use super::*;

    fn engine() -> Engine {
        let mut config = Config::new();
        config.epoch_interruption(true);
        Engine::new(&config).unwrap()
    }

    /// `(module (func (export "f") (loop br 0)))`
    const ENDLESS: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x09\x01\x07\0\x03\x40\x0c\0\x0b\x0b";

    /// Ends when the ticker has beaten once more.
    fn wait_for_a_beat(engine: &Engine) {
        let endless = Module::new(engine, ENDLESS).unwrap();
        let mut store = Store::new(engine, ());
        store.set_epoch_deadline(1);
        let instance = wasmtime::Instance::new(&mut store, &endless, &[]).unwrap();
        let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        assert!(f.call(&mut store, ()).is_err());
    }

    #[test]
    fn a_guest_is_interrupted_also_when_it_comes_after_a_long_rest() {
        let engine = engine();
        let ticker = Ticker::start(&engine).unwrap();
        for _ in 0..2 {
            let guest = ticker.watch();
            wait_for_a_beat(&engine);
            drop(guest);
            let deadline = Instant::now() + Duration::from_mins(1);
            while !ticker.guests.asleep.load(Ordering::SeqCst) {
                assert!(Instant::now() < deadline, "it beats on");
                std::thread::sleep(TICK);
            }
        }
    }

    #[test]
    fn it_ends_with_its_engine_and_its_last_guest() {
        let engine = engine();
        let ticker = Ticker::start(&engine).unwrap();
        let (guests, guest) = (Arc::downgrade(&ticker.guests), ticker.watch());
        drop(ticker);
        wait_for_a_beat(&engine);
        drop(guest);
        let deadline = Instant::now() + Duration::from_mins(1);
        while guests.strong_count() > 0 {
            assert!(Instant::now() < deadline, "its thread goes on");
            std::thread::sleep(TICK);
        }
    }
}
