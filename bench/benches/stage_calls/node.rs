//! A regex extractor in Node (`bench/peers/node/extract.mjs`), which finds the same page.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    extism::Program,
    input,
    tally::{Peer, Tally, Work},
};

pub struct Node(Program);

impl Node {
    pub fn start() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node/extract.mjs");
        let Some(mut program) = Program::start("Node", Command::new("node").arg(script)) else {
            println!("Node is left out: install Node 20 or later (nodejs.org, or your distribution's nodejs)");
            return None;
        };
        let answer = serde_json::to_string(&input::answer(input::LONG)).expect("text is JSON");
        let found = program.ask(&answer)?;
        assert_eq!(found.trim(), "Tip", "it finds the page and its title");
        Some(Self(program))
    }
}

impl Peer for Node {
    fn name(&self) -> &'static str {
        "Node"
    }

    fn run(&mut self, work: Work, _: usize, time: Duration) -> Option<Tally> {
        (work == Work::Extract).then(|| self.0.run("extract", 1, time)).flatten()
    }

    fn child(&self) -> Option<u32> {
        Some(self.0.id())
    }
}
