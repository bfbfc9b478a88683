//! Resolution of paths: symbolic links, and names of open files of this process.
//!
//! `-` is standard output where something is written; a file of that name is `./-`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Links that are followed before they count as a circle, as Linux has it.
const MOST_LINKS: usize = 40;

/// The directory that a file is in.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The chain of a path and its symbolic links; the last is not a link, or does not exist.
fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |place: &PathBuf| Some(directory(place).join(fs::read_link(place).ok()?));
    std::iter::successors(Some(path.to_path_buf()), next)
}

/// The file that a path means once symbolic links are followed; it need not exist.
///
/// # Errors
/// The links go in a circle.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut places = links(path);
    let place = places.by_ref().take(MOST_LINKS).last();
    match (place, places.next()) {
        // Other errors occur when it is opened.
        (Some(place), None) => Ok(place),
        _ => Err(io::Error::other("too many symbolic links")),
    }
}

/// The word for standard output, or input.
pub(crate) const STANDARD: &str = "-";

/// Whether a path denotes standard output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == STANDARD
}

/// The descriptor that a path denotes, such as `-` or, with `/proc`, `/dev/stdout`.
pub(crate) fn descriptor(path: &Path) -> Option<u32> {
    if is_standard(path) {
        return Some(1);
    }
    let open = fs::canonicalize("/proc/self/fd").ok()?;
    let is_open = |place: &PathBuf| fs::canonicalize(directory(place)).is_ok_and(|d| d == open);
    links(path).take(MOST_LINKS).find(is_open)?.file_name()?.to_str()?.parse().ok()
}
