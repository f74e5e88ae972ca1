//! What a stage call costs, against what people would use instead: bare wasmtime, Extism, the same code native, a JavaScript extractor in Node.
//!
//!     cargo bench -p bench --bench stage_calls -- [--quick] [--json FILE]
//!
//! All on the same input in one run, in alternating rounds; medians of the rounds. On one core the whole process is held to one, with all its threads, so that
//! what a call costs besides the guest counts too. A peer that is not built is left out, with a line on how to get it.
#![allow(missing_docs, reason = "a benchmark")]

mod bare;
mod cores;
mod extism;
mod input;
mod native;
mod node;
mod ours;
mod report;
mod tally;

use std::time::Duration;

use cores::Cores;
use report::{Report, Row};
use tally::{Peer, Tally, Work, median};

#[path = "../../../host/tests/it/kit/guest.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod guest;

struct Asked {
    quick: bool,
    json: Option<String>,
}

impl Asked {
    fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let json = words.iter().position(|word| word == "--json").and_then(|at| words.get(at + 1).cloned());
        Self { quick: words.iter().any(|word| word == "--quick"), json }
    }
}

fn main() {
    let asked = Asked::read();
    let (rounds, time) = if asked.quick { (3, Duration::from_millis(150)) } else { (7, Duration::from_millis(700)) };
    let passing = guest::of_crate("bench-guest");
    let mut peers: Vec<Box<dyn Peer>> =
        vec![Box::new(ours::Ours::new(&passing)), Box::new(bare::Bare::new(&passing)), Box::new(native::Native::new())];
    peers.extend(extism::Extism::start().map(|peer| Box::new(peer) as Box<dyn Peer>));
    peers.extend(node::Node::start().map(|peer| Box::new(peer) as Box<dyn Peer>));

    let mut report = Report::default();
    for (work, cores) in [
        (Work::Pass, Cores::One),
        (Work::Pass, Cores::Both),
        (Work::Extract, Cores::One),
        (Work::FourStages, Cores::Both),
    ] {
        let mut found: Vec<Vec<Tally>> = peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for (peer, found) in peers.iter_mut().zip(&mut found) {
                cores.hold(peer.child());
                found.extend(peer.run(work, cores.threads(), time));
            }
        }
        for (peer, found) in peers.iter().zip(&found).filter(|(_, found)| !found.is_empty()) {
            report.add(Row::of(work, cores, peer.name(), &median(found)));
        }
    }
    report.judge();
    report.print();
    if let Some(file) = asked.json {
        report.write(&file);
    }
}
