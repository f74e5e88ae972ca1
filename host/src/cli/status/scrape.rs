//! Reads what `/metrics` says back into numbers.

use std::collections::BTreeMap;

/// One number and what tells it apart.
#[derive(Debug, Clone, PartialEq)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Everything that was scraped.
#[derive(Debug, Default, Clone)]
pub(super) struct Scrape(Vec<Series>);

impl Scrape {
    /// Reads Prometheus' text; a line that is none of it is passed over.
    pub fn read(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(series).collect())
    }

    /// The sum of all series of a metric with these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.of(name, labels).map(|series| series.value).peekable();
        found.peek()?;
        Some(found.sum())
    }

    /// A label's values, in order.
    pub fn values(&self, name: &str, label: &str) -> Vec<String> {
        let mut values: Vec<_> = self.of(name, &[]).filter_map(|series| series.labels.get(label).cloned()).collect();
        values.sort();
        values.dedup();
        values
    }

    /// The time below which this share of a histogram's samples lies, seconds; as exact as its buckets are.
    pub fn quantile(&self, name: &str, labels: &[(&str, &str)], share: f64) -> Option<f64> {
        let mut buckets: BTreeMap<u64, f64> = BTreeMap::new();
        for series in self.of(&format!("{name}_bucket"), labels) {
            let bound: f64 = series.labels.get("le")?.parse().ok()?;
            // Positive numbers are in the order of their bits.
            *buckets.entry(bound.to_bits()).or_default() += series.value;
        }
        let all = *buckets.values().next_back()?;
        let wanted = all * share;
        let (mut below, mut bound_below) = (0.0, 0.0);
        for (bits, count) in &buckets {
            let bound = f64::from_bits(*bits);
            if *count >= wanted && *count > 0.0 {
                let within =
                    if bound.is_finite() { (wanted - below) / (count - below) * (bound - bound_below) } else { 0.0 };
                return Some(bound_below + within.max(0.0));
            }
            (below, bound_below) = (*count, bound);
        }
        None
    }

    fn of(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Series> {
        let fits = move |series: &&Series| {
            series.name == name
                && labels.iter().all(|(label, value)| series.labels.get(*label).is_some_and(|found| found == value))
        };
        self.0.iter().filter(fits).collect::<Vec<_>>().into_iter()
    }
}

fn series(line: &str) -> Option<Series> {
    let (head, value) = line.rsplit_once(' ')?;
    let (name, labels) = match head.split_once('{') {
        Some((name, rest)) => (name, read_labels(rest.strip_suffix('}')?)),
        None => (head, BTreeMap::new()),
    };
    Some(Series { name: name.to_owned(), labels, value: value.parse().ok()? })
}

/// Our labels hold no quotation marks.
fn read_labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split("\",").filter_map(|pair| pair.split_once("=\""));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim_end_matches('"').to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE a counter\na{x=\"1\",y=\"p q\"} 3\na{x=\"2\",y=\"r\"} 4\nb 1.5\n\
                        h_bucket{s=\"ai\",le=\"1\"} 2\nh_bucket{s=\"ai\",le=\"2\"} 4\nh_bucket{s=\"ai\",le=\"+Inf\"} 4\nno line\n";

    #[test]
    fn numbers_are_found_by_name_and_labels() {
        let scrape = Scrape::read(TEXT);
        assert_eq!(scrape.sum("a", &[]), Some(7.0));
        assert_eq!(scrape.sum("a", &[("y", "p q")]), Some(3.0));
        assert_eq!(scrape.sum("b", &[]), Some(1.5));
        assert_eq!(scrape.sum("c", &[]), None);
        assert_eq!(scrape.values("a", "x"), ["1", "2"]);
    }

    #[test]
    fn a_share_of_a_histogram_lies_within_its_bucket() {
        let scrape = Scrape::read(TEXT);
        assert_eq!(scrape.quantile("h", &[("s", "ai")], 0.5), Some(1.0));
        assert_eq!(scrape.quantile("h", &[("s", "ai")], 0.75), Some(1.5));
        assert_eq!(scrape.quantile("h", &[("s", "no")], 0.5), None);
    }
}
