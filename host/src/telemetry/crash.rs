//! What is said of a panic: its place, in the log; and in a folder that `WTAF_CRASH_DIR` names a report with its words and the way there. A panic's words may
//! quote what was being worked on, so they stand in that file alone, which is its owner's.

use std::{
    backtrace::Backtrace,
    fmt::Write as _,
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::PanicHookInfo,
    path::{Path, PathBuf},
};

/// From now on a panic is a line in the log, and a report where a folder is named.
pub(super) fn report_panics() {
    let folder = std::env::var_os("WTAF_CRASH_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        match folder.as_ref().map(|folder| write(folder, &report(panic, &place))) {
            None => tracing::error!(%place, "a panic; WTAF_CRASH_DIR names a folder for reports with more"),
            Some(Ok(file)) => tracing::error!(%place, report = %file.display(), "a panic"),
            Some(Err(error)) => tracing::error!(%place, %error, "a panic, and its report could not be written"),
        }
    }));
}

fn report(panic: &PanicHookInfo<'_>, place: &str) -> String {
    let mut text = String::new();
    let words = panic.payload_as_str().unwrap_or("(no words)");
    let thread = std::thread::current();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "wtaf-host {} panicked at {place}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "time:   {}", jiff::Timestamp::now());
    let _ = writeln!(text, "thread: {}", thread.name().unwrap_or("(unnamed)"));
    let _ = writeln!(text, "words:  {words}\n\n{}", Backtrace::force_capture());
    text
}

fn write(folder: &Path, report: &str) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = folder.join(format!("crash-{}.txt", ulid::Ulid::new()));
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?.write_all(report.as_bytes())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_its_owners_alone_and_none_is_written_over() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let crashes = folder.path().join("crashes");
        let (first, second) = (write(&crashes, "one").unwrap(), write(&crashes, "two").unwrap());

        assert_ne!(first, second);
        assert_eq!(fs::read_to_string(&first).unwrap(), "one");
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
