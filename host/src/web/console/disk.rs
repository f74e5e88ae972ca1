//! How much room is left where the data is.

use std::path::Path;

/// A disk's room, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Left for us.
    pub free: u64,
    /// In all.
    pub all: u64,
}

/// How a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// There is room.
    Roomy,
    /// There is less than a gigabyte, or than a twentieth.
    Short,
    /// A few more pages and nothing can be written.
    Full,
}

impl Room {
    /// The room where a folder is; none where that cannot be told.
    pub fn at(folder: &Path) -> Option<Self> {
        let about = rustix::fs::statvfs(folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
        Some(Self { free: bytes(about.f_bavail), all: bytes(about.f_blocks) })
    }

    /// Whether that is enough.
    pub fn fill(self) -> Fill {
        const MIB: u64 = 1 << 20;
        match self {
            Self { free, .. } if free < 64 * MIB => Fill::Full,
            // A small disk that is mostly empty is not short.
            Self { free, all } if free < all / 20 || (free < 1_024 * MIB && free < all / 5) => Fill::Short,
            _ => Fill::Roomy,
        }
    }

    /// `12.3 GiB of 40.0 GiB`.
    pub fn words(self) -> String {
        format!("{} of {}", size(self.free), size(self.all))
    }
}

/// Bytes in units a person reads.
#[expect(clippy::cast_precision_loss, reason = "a size to one place")]
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut left = bytes as f64;
    let mut unit = 0;
    while left >= 1_024.0 && unit + 1 < units.len() {
        left /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{left:.1} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_disk_is_roomy_short_or_full() {
        let fill = |free, all| Room { free, all }.fill();
        assert_eq!(fill(20 * GIB, 40 * GIB), Fill::Roomy);
        assert_eq!(fill(GIB, 40 * GIB), Fill::Short);
        assert_eq!(fill(GIB / 40, 40 * GIB), Fill::Full);
        assert_eq!(fill(GIB / 2, GIB), Fill::Roomy);
    }

    #[test]
    fn the_disk_under_us_can_be_told() {
        let room = Room::at(&std::env::temp_dir()).unwrap();
        assert!(room.all > 0 && room.free <= room.all);
        assert_eq!(Room { free: 1_536, all: GIB }.words(), "1.5 KiB of 1.0 GiB");
    }
}
