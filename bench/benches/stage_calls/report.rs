//! The table, the rows as JSON, and how they stand to what is aimed at.

use serde_json::{Value, json};

use crate::{
    cores::Cores,
    tally::{Tally, Work},
};

pub struct Row {
    work: Work,
    cores: Cores,
    name: &'static str,
    tally: Tally,
    against: Option<Against>,
}

struct Against {
    whom: &'static str,
    ratio: f64,
    target: &'static str,
    met: bool,
}

impl Row {
    pub fn of(work: Work, cores: Cores, name: &'static str, tally: &Tally) -> Self {
        Self { work, cores, name, tally: *tally, against: None }
    }

    fn what(&self) -> &'static str {
        match (self.work, self.cores) {
            (Work::Pass, Cores::One) => "a stage call, 1 KiB, one core",
            (Work::Pass, Cores::Both) => "a stage call, 1 KiB, both cores",
            (Work::Extract, _) => "extract on a 100 KiB answer",
            (Work::FourStages, _) => "all four stages of one job",
        }
    }

    fn json(&self) -> Value {
        // Calls a second where as many as possible are made, the time of one where they are made one after another.
        let (unit, value) = match self.work {
            Work::Pass => ("/s", self.tally.rate),
            Work::Extract | Work::FourStages => ("us", self.tally.p50),
        };
        let mut row = json!({
            "what": self.what(), "name": self.name, "unit": unit, "value": value, "p50": self.tally.p50, "p99": self.tally.p99,
        });
        if let Some(Against { whom, ratio, target, met }) = &self.against {
            row["against"] = json!(whom);
            row["ratio"] = json!(ratio);
            row["target"] = json!(target);
            row["met"] = json!(met);
        }
        row
    }
}

#[derive(Default)]
pub struct Report(Vec<Row>);

impl Report {
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    fn find(&self, work: Work, cores: Cores, name: &str) -> Option<Tally> {
        let mut rows = self.0.iter().filter(|row| row.name == name);
        rows.find(|row| row.work == work && row.cores == cores).map(|row| row.tally)
    }

    /// Each peer's row gets what ours is to it; ours what is aimed at without a peer.
    pub fn judge(&mut self) {
        let judged: Vec<Option<Against>> = self.0.iter().map(|row| self.against(row)).collect();
        for (row, against) in self.0.iter_mut().zip(judged) {
            row.against = against;
        }
    }

    fn against(&self, row: &Row) -> Option<Against> {
        let ours = self.find(row.work, row.cores, "ours")?;
        let theirs = row.tally;
        let told = |whom, ratio: f64, target, met: bool| Some(Against { whom, ratio, target, met });
        match (row.work, row.cores, row.name) {
            (Work::Pass, Cores::One, "bare wasmtime") => {
                let ratio = theirs.rate / ours.rate;
                told("ours", ratio, "ours takes <= 1.15x", ratio <= 1.15)
            }
            (Work::Pass, Cores::One, "Extism") => {
                let ratio = ours.rate / theirs.rate;
                told("ours", ratio, "ours is >= 3x faster", ratio >= 3.0)
            }
            (Work::Pass, Cores::Both, name) => {
                let ratio = theirs.rate / self.find(Work::Pass, Cores::One, name)?.rate;
                told(
                    "itself on one core",
                    ratio,
                    if name == "ours" { ">= 1.5" } else { "" },
                    name != "ours" || ratio >= 1.5,
                )
            }
            (Work::Extract, _, "native") => {
                let ratio = ours.p50 / theirs.p50;
                told("ours", ratio, "ours takes <= 1.6x", ratio <= 1.6)
            }
            (Work::Extract, _, "Node") => {
                let ratio = theirs.p50 / ours.p50;
                told("ours", ratio, "ours is >= 5x faster", ratio >= 5.0)
            }
            (Work::FourStages, _, "ours") => told("", ours.p50, "p50 <= 250 us", ours.p50 <= 250.0),
            _ => None,
        }
    }

    pub fn print(&self) {
        println!("{:<34} {:<14} {:>10} {:>10} {:>10}   against", "what", "name", "calls/s", "p50 us", "p99 us");
        for row in &self.0 {
            let Tally { rate, p50, p99 } = row.tally;
            let against = row.against.as_ref().map_or_else(String::new, |Against { whom, ratio, target, met }| {
                let verdict = if target.is_empty() {
                    ""
                } else if *met {
                    "met"
                } else {
                    "missed"
                };
                format!("{whom}: {ratio:.2}  {target}  {verdict}")
            });
            println!("{:<34} {:<14} {rate:>10.0} {p50:>10.1} {p99:>10.1}   {against}", row.what(), row.name);
        }
    }

    pub fn write(&self, file: &str) {
        let rows: Vec<Value> = self.0.iter().map(Row::json).collect();
        let text = serde_json::to_string_pretty(&rows).expect("rows are JSON");
        if let Err(error) = std::fs::write(file, text) {
            eprintln!("{file}: {error}");
        }
    }
}
