//! A report of each panic, in a folder that `WTAF_CRASH_DIR` names: what, where, and the way there. For whoever runs the engine: a panic's words may quote what
//! was being worked on, so the file is its owner's alone, and the log has only the place.

use std::{
    backtrace::Backtrace,
    fmt::Write as _,
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::PanicHookInfo,
    path::{Path, PathBuf},
};

/// Writes a report of each panic from now on, where a folder is named; what was done about panics before is still done.
pub(super) fn report_panics() {
    let Some(folder) = std::env::var_os("WTAF_CRASH_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from) else {
        return;
    };
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        match write(&folder, &report(panic, &place)) {
            Ok(file) => {
                tracing::error!(%place, report = %file.display(), "a panic: one request failed, the engine goes on")
            }
            Err(error) => tracing::error!(%place, %error, "a panic, and its report could not be written"),
        }
        before(panic);
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
