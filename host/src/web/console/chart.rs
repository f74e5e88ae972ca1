//! Charts drawn by the server: bars that stand on each other, and dashes for times. Nothing is drawn between two columns where nothing was measured.
//!
//! The picture stretches, its words do not: axes are text beside it. Behind each chart is a table of the same figures.

use std::{fmt::Write, time::Duration};

use super::words;

/// The picture's own units: it is stretched to the room there is.
const WIDE: f64 = 600.0;
const HIGH: f64 = 100.0;

/// A chart, ready to be drawn.
pub(super) struct Chart {
    pub title: String,
    /// In a sentence, for those who do not see it.
    pub summary: String,
    /// From the top.
    pub ys: [String; 3],
    /// From the left.
    pub xs: [String; 3],
    pub marks: Vec<Mark>,
    /// Whether there is anything to draw.
    pub empty: bool,
    /// The table behind it.
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// A part of the picture of one colour.
pub(super) struct Mark {
    /// For the stylesheet.
    pub class: String,
    /// What it stands for.
    pub label: String,
    /// The path; empty where there is nothing of it.
    pub d: String,
}

/// Columns of time, the newest last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// How many.
    pub columns: u64,
    /// Samples in each.
    pub each: u64,
}

impl Span {
    /// The last hour by the minute.
    pub const HOUR: Self = Self { columns: 60, each: 12 };
    /// The last five minutes by five seconds.
    pub const MINUTES: Self = Self { columns: 60, each: 1 };

    fn column(self) -> Duration {
        crate::engine::pulse::STEP * u32::try_from(self.each).unwrap_or(1)
    }

    fn xs(self) -> [String; 3] {
        let all = self.column() * u32::try_from(self.columns).unwrap_or(1);
        [format!("{} ago", words::age(all)), format!("{} ago", words::age(all / 2)), "now".into()]
    }

    fn when(self, column: usize) -> String {
        let back = self.columns.saturating_sub(column as u64 + 1);
        let back = self.column() * u32::try_from(back).unwrap_or(0);
        if back.is_zero() { "now".into() } else { format!("{} ago", words::age(back)) }
    }

    /// What one column covers, in words: `minute`, `5 s`.
    pub fn unit(self) -> String {
        if self.column() == Duration::from_mins(1) { "minute".into() } else { words::age(self.column()) }
    }
}

/// What is stacked: a class, a label, and a count a column.
pub(super) type Stack = (String, String, Vec<u32>);

/// A series of times: a class, a label, and a time a column.
pub(super) type Times = (String, String, Vec<Option<Duration>>);

/// Bars on each other.
pub(super) fn bars(title: &str, noun: &str, span: Span, stacks: &[Stack]) -> Chart {
    let columns = usize::try_from(span.columns).unwrap_or(1);
    let at = |stack: &Stack, column: usize| stack.2.get(column).copied().unwrap_or(0);
    let totals: Vec<u32> = (0..columns).map(|column| stacks.iter().map(|stack| at(stack, column)).sum()).collect();
    let most = nice(f64::from(totals.iter().copied().max().unwrap_or(0)));
    let wide = WIDE / f64::from(u32::try_from(span.columns).unwrap_or(1));
    let mut floor = vec![0.0; columns];
    let mut marks = Vec::new();
    for stack in stacks {
        let mut d = String::new();
        for (column, floor) in floor.iter_mut().enumerate() {
            let high = f64::from(at(stack, column)) / most * HIGH;
            if high > 0.0 {
                let (x, y) = (left(column, wide), HIGH - *floor);
                let _ = write!(d, "M{:.1} {y:.1}v-{high:.1}h{:.1}v{high:.1}z", x + wide * 0.1, wide * 0.8);
                *floor += high;
            }
        }
        marks.push(Mark { class: format!("fill {}", stack.0), label: stack.1.clone(), d });
    }
    let all: u64 = totals.iter().map(|n| u64::from(*n)).sum();
    let parts: Vec<_> = stacks
        .iter()
        .map(|s| format!("{} {}", words::thousands(s.2.iter().map(|n| u64::from(*n)).sum()), s.1))
        .collect();
    let full = (0..columns).rev().filter(|column| totals[*column] > 0);
    Chart {
        title: title.to_owned(),
        summary: if all == 0 {
            format!("No {noun} in this time.")
        } else {
            format!("{} in this time: {}.", words::count(all, noun), parts.join(", "))
        },
        ys: [label(most), label(most / 2.0), "0".into()],
        xs: span.xs(),
        empty: all == 0,
        marks,
        head: std::iter::once("When".to_owned()).chain(stacks.iter().map(|stack| stack.1.clone())).collect(),
        rows: full
            .map(|column| {
                std::iter::once(span.when(column))
                    .chain(stacks.iter().map(|stack| at(stack, column).to_string()))
                    .collect()
            })
            .collect(),
    }
}

/// Times: a dash a column and series.
pub(super) fn times(title: &str, span: Span, series: &[Times]) -> Chart {
    let at = |one: &Times, column: usize| one.2.get(column).copied().flatten();
    let columns = usize::try_from(span.columns).unwrap_or(1);
    let longest = series.iter().flat_map(|one| one.2.iter().flatten()).max().copied().unwrap_or_default();
    let most = nice(longest.as_secs_f64() * 1e3) / 1e3;
    let wide = WIDE / f64::from(u32::try_from(span.columns).unwrap_or(1));
    let mut marks = Vec::new();
    for one in series {
        let mut d = String::new();
        for column in 0..columns {
            let Some(time) = at(one, column) else { continue };
            let y = HIGH - time.as_secs_f64() / most * HIGH;
            let _ = write!(d, "M{:.1} {y:.1}h{:.1}", left(column, wide), wide);
        }
        marks.push(Mark { class: format!("dash {}", one.0), label: one.1.clone(), d });
    }
    let said = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), words::took);
    let tick = |part: f64| words::took(Duration::from_secs_f64(most * part));
    let full = (0..columns).rev().filter(|column| series.iter().any(|one| at(one, *column).is_some()));
    Chart {
        title: title.to_owned(),
        summary: if longest.is_zero() {
            "Nothing ended in this time.".into()
        } else {
            format!("The longest figure in this time is {}.", words::took(longest))
        },
        ys: [tick(1.0), tick(0.5), "0".into()],
        xs: span.xs(),
        empty: longest.is_zero(),
        marks,
        head: std::iter::once("When".to_owned()).chain(series.iter().map(|one| one.1.clone())).collect(),
        rows: full
            .map(|column| {
                std::iter::once(span.when(column)).chain(series.iter().map(|one| said(at(one, column)))).collect()
            })
            .collect(),
    }
}

/// Bars without words, for beside a name: those that ended and, on top, those that failed.
pub(super) fn spark(ended: &[(u32, u32)]) -> [String; 2] {
    let most = f64::from(ended.iter().map(|(all, _)| *all).max().unwrap_or(0).max(1));
    let wide = WIDE / left(ended.len().max(1), 1.0);
    let mut paths = [String::new(), String::new()];
    for (column, (all, failed)) in ended.iter().enumerate().filter(|(_, (all, _))| *all > 0) {
        let x = left(column, wide);
        let well = f64::from(all - failed) / most * HIGH;
        let wrong = f64::from(*failed) / most * HIGH;
        for (path, high, y) in [(0, well, HIGH), (1, wrong, HIGH - well)] {
            if high > 0.0 {
                let _ = write!(paths[path], "M{x:.1} {y:.1}v-{high:.1}h{:.1}v{high:.1}z", wide * 0.8);
            }
        }
    }
    paths
}

/// Where a column begins.
fn left(column: usize, wide: f64) -> f64 {
    f64::from(u32::try_from(column).unwrap_or(u32::MAX)) * wide
}

/// The next 1, 2 or 5 with zeros, at least 1: an axis ends where a person can read it.
fn nice(most: f64) -> f64 {
    let most = most.max(1.0);
    let ten = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * ten).into_iter().find(|step| *step >= most * 0.999).unwrap_or(most)
}

fn label(count: f64) -> String {
    if count.fract() == 0.0 { format!("{count:.0}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_figure_a_person_reads() {
        let ends = [0.0, 1.0, 3.0, 7.0, 10.0, 11.0, 420.0].map(|most| nice(most).to_string());
        assert_eq!(ends, ["1", "1", "5", "10", "10", "20", "500"]);
    }

    #[test]
    fn bars_stand_on_each_other_and_the_table_has_only_what_happened() {
        let mut counts = vec![0; 60];
        counts[59] = 6;
        let mut failed = vec![0; 60];
        failed[59] = 4;
        let chart = bars(
            "Jobs",
            "job",
            Span::HOUR,
            &[("good".into(), "done".into(), counts), ("wrong".into(), "failed".into(), failed)],
        );
        assert_eq!(chart.ys, ["10", "5", "0"]);
        assert!(
            chart.marks[0].d.starts_with("M591.0 100.0v-60.0") && chart.marks[1].d.starts_with("M591.0 40.0v-40.0"),
            "{}",
            chart.marks[1].d
        );
        assert_eq!(chart.rows, [["now", "6", "4"]]);
        assert_eq!(chart.summary, "10 jobs in this time: 6 done, 4 failed.");
    }

    #[test]
    fn nothing_is_drawn_where_nothing_was_measured() {
        let mut half = vec![None; 60];
        half[0] = Some(Duration::from_millis(150));
        let chart = times("Time", Span::MINUTES, &[("s1".into(), "half within".into(), half)]);
        assert_eq!(chart.marks[0].d.matches('M').count(), 1);
        assert_eq!((chart.ys[0].as_str(), chart.xs[0].as_str()), ("200 ms", "5 min ago"));
        assert_eq!(chart.rows, [["4 min 55 s ago", "150 ms"]]);
        assert!(times("Time", Span::HOUR, &[]).empty);
    }
}
