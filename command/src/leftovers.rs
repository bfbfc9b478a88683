//! Unfinished files, and their removal after a run is killed.
//!
//! If the system supports it, an output has no name until it is complete, and a killed run leaves
//! nothing. Otherwise it is a hidden file until then, and everywhere for the moment in which it
//! replaces another file. A hidden file is locked while its run lives; an unlocked one is removed
//! by the next run that writes to the directory.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempPath;

const BEFORE: &str = ".hotloop-";
const AFTER: &str = ".tmp";

/// Entries of a directory that are looked at. In larger ones something may be left.
const MOST: usize = 100_000;

/// The number of names tried.
const TRIES: usize = 16;

/// Calls `make` with unused hidden names in a directory until it succeeds.
pub(crate) fn name<T>(
    directory: &Path,
    make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(T, TempPath)> {
    let mut builder = tempfile::Builder::new();
    Ok(builder.prefix(BEFORE).suffix(AFTER).make_in(directory, make)?.into_parts())
}

/// A new file with a hidden name, locked.
pub(crate) fn file(directory: &Path, options: &OpenOptions) -> io::Result<(File, TempPath)> {
    for _ in 0..TRIES {
        let (file, path) = name(directory, |path| options.open(path))?;
        // Before it was locked another run may have taken it for a leftover.
        if lock(&file) && is_at(&file, &path) {
            return Ok((file, path));
        }
    }
    Err(io::Error::other("other runs remove what is not whole yet"))
}

/// Locks an unfinished file; returns whether the lock was free. Without support for locks, nothing
/// is removed.
pub(crate) fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Removes the leftovers of killed runs in a directory, once per process.
pub(crate) fn remove(directory: &Path) {
    static DONE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if !DONE.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.into()) {
        return;
    }
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.take(MOST).flatten() {
        if is_hidden_name(&entry.file_name()) {
            remove_leftover(&entry.path());
        }
    }
}

/// Whether a name is one of [`name`], or one that the library uses for a moment: a process and a
/// number.
fn is_hidden_name(name: &OsStr) -> bool {
    let middle = name.to_str().and_then(|name| name.strip_prefix(BEFORE)?.strip_suffix(AFTER));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    middle.is_some_and(|middle| match middle.split_once('-') {
        Some((process, count)) => number(process) && number(count),
        None => middle.len() == 6 && middle.bytes().all(|c| c.is_ascii_alphanumeric()),
    })
}

/// Removes an unlocked file of this user. The lock is checked on the opened file, and no link is
/// followed.
#[cfg(unix)]
fn remove_leftover(path: &Path) {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let Ok(file) = options.open(path) else { return };
    let own = rustix::process::geteuid().as_raw();
    let is_ours = file.metadata().is_ok_and(|m| m.is_file() && m.uid() == own);
    if is_ours && file.try_lock().is_ok() && is_at(&file, path) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(not(unix))]
fn remove_leftover(_: &Path) {}

/// Whether a path still leads to an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let there = fs::symlink_metadata(path).and_then(|there| Ok(same(there, file.metadata()?)));
    there.unwrap_or(false)
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_leftovers() {
        for name in [".hotloop-aB3xYz.tmp", ".hotloop-123-0.tmp"] {
            assert!(is_hidden_name(OsStr::new(name)), "{name}");
        }
        for name in [
            ".hotloop-.tmp",
            ".hotloop-notes1.txt",
            ".hotloop-notes.tmp",
            ".hotloop-a-1.tmp",
            ".hotloop-1-.tmp",
            "hotloop-aB3xYz.tmp",
            ".hotloop-aB3x.z.tmp",
        ] {
            assert!(!is_hidden_name(OsStr::new(name)), "{name}");
        }
    }
}
