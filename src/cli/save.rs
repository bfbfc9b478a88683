//! Writing outputs to files: `.npy` for one, an `.npz` archive or a directory for several.
//!
//! A file appears at its place whole or not at all: it is written beside the place under another
//! name, synced, and renamed. What was there stays until then, so an output may replace an input.
//! A symbolic link stays, and the file that it points to is replaced. What is no file (a pipe,
//! `/dev/null`) is written as it is.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hotloop::npy::Header;
use hotloop::{Error, ErrorKind, Output, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Links that are followed before they count as a circle, as Linux has it.
const MOST_LINKS: usize = 40;

/// Where outputs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// One array in one file.
    Npy(PathBuf),
    /// An archive with one member for each array.
    Npz(PathBuf),
    /// A directory with one file for each array; made if it does not exist.
    Directory(PathBuf),
}

impl Destination {
    /// What a path asks for: a directory if it is one or ends with a slash, else by extension.
    pub(crate) fn new(path: PathBuf) -> Destination {
        let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if slash || path.is_dir() {
            Destination::Directory(path)
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz")) {
            Destination::Npz(path)
        } else {
            Destination::Npy(path)
        }
    }

    /// Whether it takes this many outputs.
    pub(crate) fn takes(&self, outputs: usize) -> bool {
        outputs == 1 || !matches!(self, Destination::Npy(_))
    }

    /// Writes the outputs.
    ///
    /// # Errors
    /// `Io`; no file is then left half written.
    pub(crate) fn write<'a>(&self, outputs: impl Iterator<Item = &'a Output>) -> Result<()> {
        let mut outputs = named(outputs).into_iter();
        match self {
            Destination::Npy(path) => match outputs.next() {
                Some((_, output)) => replace(path, |file| write_npy(file, output)),
                None => Ok(()),
            },
            Destination::Npz(path) => replace(path, |file| write_npz(file, outputs)),
            Destination::Directory(path) => {
                fs::create_dir_all(path).map_err(|e| cannot(path, &e))?;
                outputs.try_for_each(|(name, output)| {
                    replace(&path.join(format!("{name}.npy")), |file| write_npy(file, output))
                })
            }
        }
    }
}

/// The outputs under names of their own: the program's, or `out0`, `out1`, ... by number.
fn named<'a>(outputs: impl Iterator<Item = &'a Output>) -> Vec<(String, &'a Output)> {
    let outputs: Vec<&Output> = outputs.collect();
    let mut taken: HashSet<String> =
        outputs.iter().filter_map(|o| o.name()).map(str::to_string).collect();
    let mut given = HashSet::new();
    let name = |(number, output): (usize, &'a Output)| {
        let name = match output.name() {
            Some(name) if given.insert(name) => name.to_string(),
            _ => {
                let mut name = format!("out{number}");
                while !taken.insert(name.clone()) {
                    name.push('_');
                }
                name
            }
        };
        (name, output)
    };
    outputs.into_iter().enumerate().map(name).collect()
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {path:?}: {error}"))
}

/// Puts a file at a path in one step.
fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    replace_file(path, fill).map_err(|e| cannot(path, &e))
}

fn replace_file(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // Opening asks for the right to write; what is there stays whole.
    let old = match OpenOptions::new().write(true).open(path) {
        Ok(mut file) => {
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return fill(&mut file);
            }
            Some(metadata.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let place = resolve(path)?;
    let directory = place.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hotloop-").suffix(".tmp");
    // As any new file: what the process's mask leaves of it.
    #[cfg(unix)]
    let everyone = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(everyone);
    let mut temporary = builder.tempfile_in(directory)?;
    fill(temporary.as_file_mut())?;
    if let Some(permissions) = old {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&place)?;
    // The rename lasts once the directory is synced; some file systems cannot.
    let _ = File::open(directory).and_then(|d| d.sync_all());
    Ok(())
}

/// The file that a path means once symbolic links are followed; it need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = place.parent().unwrap_or(Path::new("")).join(target),
            // It is not a link, or not there; what else is wrong shows when it is opened.
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn write_npy(file: &mut impl Write, output: &Output) -> io::Result<()> {
    file.write_all(&Header::new(output.dtype(), output.shape()).to_bytes())?;
    file.write_all(&output.bytes())
}

fn write_npz<'a>(
    file: &mut File,
    outputs: impl Iterator<Item = (String, &'a Output)>,
) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    for (name, output) in outputs {
        // Beyond 4 GiB a member needs longer fields; the header is far shorter than the margin.
        let large = output.bytes().len() as u64 > u64::from(u32::MAX) - (1 << 20);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o644)
            .large_file(large);
        archive.start_file(format!("{name}.npy"), options)?;
        write_npy(&mut archive, output)?;
    }
    archive.finish()?;
    Ok(())
}
