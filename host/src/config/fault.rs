//! What is wrong with a pipeline.toml: each fault with its place, its reason and what to do.
//!
//! A fault never holds an expanded value: its text is ours, its snippet is the source as written, with secrets that stand there in clear
//! blotted out.

use std::{fmt, sync::Arc};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;

use super::document::At;

/// What sort of fault it is; scripts may rely on [`Code::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The file cannot be read.
    Unreadable,
    /// Nothing in it.
    Empty,
    /// Not TOML.
    Syntax,
    /// A key nobody knows.
    UnknownKey,
    /// Text where a number belongs, and the like.
    WrongType,
    /// The right type, but not what is wanted.
    BadValue,
    /// Too small, too large.
    OutOfRange,
    /// `${NAME}` is not set.
    UnsetVariable,
    /// `${…}` is malformed.
    Expansion,
    /// A key that must be there is not.
    Missing,
    /// A name twice.
    Duplicate,
    /// Keys that do not go together.
    Conflict,
    /// A plugin that is not there, or is none.
    Plugin,
    /// No AI provider is left.
    NoProvider,
    /// A stage that lacks what it needs, or stands in the wrong place.
    Flow,
    /// A `--set` that is no `key=value`, or goes nowhere.
    Override,
    /// A line of `.env`.
    Dotenv,
}

impl Code {
    /// As diagnostics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "wtaf::config::unreadable",
            Self::Empty => "wtaf::config::empty",
            Self::Syntax => "wtaf::config::syntax",
            Self::UnknownKey => "wtaf::config::unknown-key",
            Self::WrongType => "wtaf::config::wrong-type",
            Self::BadValue => "wtaf::config::bad-value",
            Self::OutOfRange => "wtaf::config::out-of-range",
            Self::UnsetVariable => "wtaf::config::unset-variable",
            Self::Expansion => "wtaf::config::expansion",
            Self::Missing => "wtaf::config::missing",
            Self::Duplicate => "wtaf::config::duplicate",
            Self::Conflict => "wtaf::config::conflict",
            Self::Plugin => "wtaf::config::plugin",
            Self::NoProvider => "wtaf::config::no-provider",
            Self::Flow => "wtaf::config::flow",
            Self::Override => "wtaf::config::override",
            Self::Dotenv => "wtaf::config::dotenv",
        }
    }

    /// Whether it is about something that is not there: a slip of syntax elsewhere may be the whole reason.
    pub(super) fn is_of_absence(self) -> bool {
        matches!(self, Self::Missing | Self::NoProvider | Self::Flow)
    }
}

/// A fault as the walk notes it, before the sources are joined to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub code: Code,
    pub at: At,
    pub message: String,
    pub label: Option<String>,
    pub help: Option<String>,
    pub also: Vec<(At, String)>,
}

impl Found {
    pub fn new(code: Code, at: At, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into(), label: None, help: None, also: Vec::new() }
    }

    /// Words at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Another place that has to do with it.
    pub fn also(mut self, at: At, label: impl Into<String>) -> Self {
        self.also.push((at, label.into()));
        self
    }
}

/// A text that faults point into.
#[derive(Debug)]
pub(super) struct Source {
    /// The file as the caller names it, or `--set 2`.
    pub name: String,
    /// With clear-text secrets blotted out, byte for byte.
    pub text: String,
}

/// A place, ready to be shown.
#[derive(Debug, Clone)]
pub struct Spot {
    source: Arc<NamedSource<String>>,
    start: usize,
    end: usize,
    label: Option<String>,
}

impl Spot {
    /// The file, or `--set 2`.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// From 1.
    pub fn line(&self) -> usize {
        self.text()[..self.start].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// From 1, in characters.
    pub fn column(&self) -> usize {
        self.before().chars().count() + 1
    }

    /// Words at the caret.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The line as far as the place; the part of it that is meant; the rest of the line.
    pub(super) fn pieces(&self) -> (&str, &str, &str) {
        let rest = &self.text()[self.start..];
        let rest = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let (meant, after) = rest.split_at((self.end - self.start).min(rest.len()));
        (self.before(), meant, after)
    }

    fn before(&self) -> &str {
        let head = &self.text()[..self.start];
        head.rsplit('\n').next().unwrap_or_default()
    }

    fn text(&self) -> &str {
        self.source.inner()
    }

    fn span(&self) -> LabeledSpan {
        LabeledSpan::new(self.label.clone(), self.start, self.end - self.start)
    }
}

/// One thing wrong with a pipeline.toml.
#[derive(Debug, Clone)]
pub struct Fault {
    code: Code,
    message: String,
    help: Option<String>,
    spot: Spot,
    also: Vec<Spot>,
}

impl Fault {
    /// What sort.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in a sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Other places that have to do with it.
    pub fn also(&self) -> &[Spot] {
        &self.also
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.spot.file(), self.spot.line(), self.spot.column(), self.message)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code.as_str()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.spot.source.as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = self.also.iter().filter(|spot| Arc::ptr_eq(&spot.source, &self.spot.source));
        Some(Box::new(std::iter::once(&self.spot).chain(here).map(Spot::span)))
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Fault", 6)?;
        out.serialize_field("file", self.spot.file())?;
        out.serialize_field("line", &self.spot.line())?;
        out.serialize_field("column", &self.spot.column())?;
        out.serialize_field("code", self.code.as_str())?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

/// Everything wrong with a pipeline.toml, in the order of the file; never empty.
#[derive(Debug, Clone)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Joins what was found to its sources.
    pub(super) fn new(sources: Vec<Source>, mut found: Vec<Found>) -> Self {
        let sources: Vec<_> =
            sources.into_iter().map(|source| Arc::new(NamedSource::new(source.name, source.text))).collect();
        found.sort_by_key(|found| found.at);
        found.dedup();
        Self(found.into_iter().filter_map(|found| join(&sources, found)).collect())
    }

    /// How many.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Faults {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Faults {}

impl Diagnostic for Faults {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|fault| fault as &dyn Diagnostic)))
    }
}

fn join(sources: &[Arc<NamedSource<String>>], found: Found) -> Option<Fault> {
    let spot = |at: At, label: Option<String>| {
        let source = sources.get(at.source)?;
        let text = source.inner();
        // The syntax errors' spans come from a parser that recovers; they are brought onto the borders of characters.
        let start = floor(text, at.start);
        Some(Spot { source: Arc::clone(source), start, end: floor(text, at.end).max(start), label })
    };
    let also = found.also.into_iter().filter_map(|(at, label)| spot(at, Some(label))).collect();
    Some(Fault { code: found.code, message: found.message, help: found.help, spot: spot(found.at, found.label)?, also })
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
