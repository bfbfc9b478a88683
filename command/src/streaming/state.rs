//! The file of a stream's state: what has been read, written and computed, in one record.
//!
//! ```text
//! "hotloop state\n\0\0", version, input, line, output, rows, length of the snapshot
//! checksum of all this
//! the snapshot, which has a checksum of its own
//! ```
//!
//! A new file begins with a record of nothing, which has no snapshot. So an empty file is never a
//! state that was just created: it is damaged.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind as Cause, Read, Write};
use std::path::{Path, PathBuf};

use hotloop::{Error, ErrorKind, Result};
use tempfile::TempPath;

use crate::leftovers;
use crate::place::{directory, resolve};
use crate::stream::cannot;

const MAGIC: [u8; 16] = *b"hotloop state\n\0\0";
const VERSION: u64 = 1;
/// Bytes before the checksum.
const HEAD: usize = 16 + 6 * 8;

/// The ends of what has been read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The offset of the next line in the input, and its number.
    pub input: u64,
    pub line: u64,
    /// The end of the output.
    pub output: u64,
    /// The number of rows.
    pub rows: u64,
}

/// The file of a state, locked against other processes.
pub(super) struct StateFile {
    path: PathBuf,
    /// The file that is locked.
    file: File,
    found: Option<(Place, Vec<u8>)>,
}

fn fnv(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

impl StateFile {
    /// Opens, or creates, and locks the file.
    ///
    /// # Errors
    /// `Io`; `Format` for a file that is something else or damaged; `Limit` if another process has
    /// it.
    pub(super) fn open(path: &Path) -> Result<StateFile> {
        let failed = |error| cannot("read", format_args!("{path:?}"), error);
        let path = &*resolve(path).map_err(failed)?;
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            let message = format!("{path:?} is no file: it cannot keep a state");
            return Err(Error::new(ErrorKind::Io, message));
        }
        leftovers::remove(directory(path));
        let file = loop {
            let file = match OpenOptions::new().read(true).write(true).open(path) {
                Err(error) if error.kind() == Cause::NotFound => {
                    create(path)?;
                    continue;
                }
                file => file.map_err(failed)?,
            };
            lock(&file, path)?;
            // Another process may have replaced it before the lock.
            if is_at(&file, path) {
                break file;
            }
        };
        let mut bytes = Vec::new();
        (&file).read_to_end(&mut bytes).map_err(failed)?;
        let found = Some(read(&bytes, path)?).filter(|(_, snapshot)| !snapshot.is_empty());
        Ok(StateFile { path: path.into(), file, found })
    }

    /// The record that an earlier run left, once.
    pub(super) fn found(&mut self) -> Option<(Place, Vec<u8>)> {
        self.found.take()
    }

    /// Replaces the record.
    ///
    /// # Errors
    /// `Io`; the old record then stays.
    pub(super) fn save(&mut self, place: &Place, snapshot: &[u8]) -> Result<()> {
        let path = &self.path;
        let (new, hidden) = record(path, place, snapshot)?;
        hidden.persist(path).map_err(|error| unwritten(path, error.error))?;
        self.file = new;
        // The rename lasts once the directory is synced; some file systems cannot.
        let _ = File::open(directory(path)).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

fn unwritten(path: &Path, error: std::io::Error) -> Error {
    cannot("write", format_args!("{path:?}"), error)
}

/// A hidden file with a record, beside the path that it is to get.
fn record(path: &Path, place: &Place, snapshot: &[u8]) -> Result<(File, TempPath)> {
    let mut head = MAGIC.to_vec();
    let Place { input, line, output, rows } = *place;
    for number in [VERSION, input, line, output, rows, snapshot.len() as u64] {
        head.extend(number.to_le_bytes());
    }
    head.extend(fnv(&head).to_le_bytes());
    let failed = |error| unwritten(path, error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    // It is locked from the beginning, so the path always leads to a file that is.
    let (mut new, hidden) = leftovers::file(directory(path), &options).map_err(failed)?;
    new.write_all(&head).and_then(|()| new.write_all(snapshot)).map_err(failed)?;
    new.sync_all().map_err(failed)?;
    Ok((new, hidden))
}

/// Creates the file, unless another process does.
fn create(path: &Path) -> Result<()> {
    let (_, hidden) = record(path, &Place::default(), &[])?;
    match hidden.persist_noclobber(path) {
        Err(error) if error.error.kind() != Cause::AlreadyExists => {
            Err(unwritten(path, error.error))
        }
        _ => Ok(()),
    }
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let message = format!("{path:?} is the state of another process that runs");
            Err(Error::new(ErrorKind::Limit, message).hint("a state file is for one process"))
        }
        // File systems without locks.
        Err(TryLockError::Error(error)) if error.kind() == Cause::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(cannot("lock", format_args!("{path:?}"), error)),
    }
}

/// Whether a path still leads to an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let (Ok(own), Ok(now)) = (file.metadata(), path.metadata()) else { return false };
    (own.dev(), own.ino()) == (now.dev(), now.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Reads a record.
fn read(bytes: &[u8], path: &Path) -> Result<(Place, Vec<u8>)> {
    let wrong = |what: &str| Error::new(ErrorKind::Format, format!("{path:?}: {what}"));
    if bytes.is_empty() {
        return Err(wrong("it is empty, which no state is").hint("to begin anew, remove the file"));
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(wrong("it is no state of a stream, and stays as it is"));
    }
    let damaged = || wrong("the state is damaged").hint("to begin anew, remove the file");
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or_else(damaged)?;
    let (sum, snapshot) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
    if fnv(head) != u64::from_le_bytes(*sum) {
        return Err(damaged());
    }
    let number = |at: usize| {
        let bytes = head[16 + 8 * at..].first_chunk::<8>();
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    if number(0) != VERSION {
        return Err(wrong(&format!("its version is {}, and {VERSION} is read", number(0))));
    }
    if number(5) != snapshot.len() as u64 {
        return Err(damaged());
    }
    let place = Place { input: number(1), line: number(2), output: number(3), rows: number(4) };
    Ok((place, snapshot.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.state");
        let place = Place { input: 100, line: 7, output: 250, rows: 5 };
        // A file that was created and no more is that of a run that has not begun.
        drop(StateFile::open(&path).unwrap());
        let mut state = StateFile::open(&path).unwrap();
        assert_eq!(state.found(), None);
        state.save(&place, b"snapshot").unwrap();
        assert!(StateFile::open(&path).is_err(), "it is locked");
        drop(state);
        let mut again = StateFile::open(&path).unwrap();
        assert_eq!(again.found(), Some((place, b"snapshot".to_vec())));
        drop(again);
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], &path).is_err(), "{length} bytes");
        }
        for at in 0..HEAD + 8 {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            assert!(read(&changed, &path).is_err(), "byte {at}");
        }
    }
}
