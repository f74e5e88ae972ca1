//! The same filter as an Extism plugin, in a process of its own (`bench/peers/extism`): its runtime is another version of wasmtime.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::tally::{Peer, Tally, Work};

/// A program that reads `WORK THREADS MILLISECONDS` and answers `CALLS-A-SECOND P50 P99` in microseconds, a line each.
pub struct Program {
    name: &'static str,
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    pub fn start(name: &'static str, command: &mut Command) -> Option<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (asks, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { name, child, asks, answers })
    }

    pub fn ask(&mut self, line: &str) -> Option<String> {
        writeln!(self.asks, "{line}").ok()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).ok().filter(|bytes| *bytes > 0).map(|_| answer)
    }

    pub fn run(&mut self, work: &str, threads: usize, time: Duration) -> Option<Tally> {
        let answer = self.ask(&format!("{work} {threads} {}", time.as_millis()))?;
        let mut figures = answer.split_whitespace().filter_map(|word| word.parse().ok());
        let (Some(rate), Some(p50), Some(p99)) = (figures.next(), figures.next(), figures.next()) else {
            eprintln!("{} answered {answer:?}", self.name);
            return None;
        };
        Some(Tally { rate, p50, p99 })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Extism(Program);

impl Extism {
    /// Where it was built.
    pub fn start() -> Option<Self> {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/target");
        let (program, guest) =
            (peers.join("release/bench-extism"), peers.join("wasm32-unknown-unknown/guest/bench_extism_guest.wasm"));
        if !program.exists() || !guest.exists() {
            println!("Extism is left out: bench/peers/build makes it, once, in some ten minutes of processor time");
            return None;
        }
        Program::start("Extism", Command::new(program).arg(guest)).map(Self)
    }
}

impl Peer for Extism {
    fn name(&self) -> &'static str {
        "Extism"
    }

    fn run(&mut self, work: Work, cores: usize, time: Duration) -> Option<Tally> {
        (work == Work::Pass).then(|| self.0.run("pass", cores, time)).flatten()
    }

    fn child(&self) -> Option<u32> {
        Some(self.0.id())
    }
}
