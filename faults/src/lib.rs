//! Seeded miscompiles as edits of the sources: the library has none of them in it.
//!
//! `edits/` holds a diff for each source that is edited, and `tree/` the files that are added: the
//! table of the faults and the test. [`make`] makes a copy of the workspace with all of them; in it
//! each fault is off until the test turns it on. [`save`] writes the differences of an edited copy
//! back.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

mod diff;

pub use diff::apply;

/// Lines around an edit that say where it belongs.
const CONTEXT: usize = 2;

/// What is not copied.
const LEFT_OUT: [&str; 3] = ["target", ".git", "faults"];

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Where the copy is made.
pub fn copy() -> PathBuf {
    root().join("target/faults")
}

fn edits() -> PathBuf {
    root().join("faults/edits")
}

fn tree() -> PathBuf {
    root().join("faults/tree")
}

/// The files below a folder, as paths from it.
fn files(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        if !folder.join(&inside).exists() {
            continue;
        }
        for entry in fs::read_dir(folder.join(&inside))? {
            let entry = entry?;
            let path = inside.join(entry.file_name());
            let left_out = LEFT_OUT.iter().any(|name| path == Path::new(name));
            match entry.file_type()?.is_dir() {
                true if !left_out => open.push(path),
                false if !left_out => drop(found.insert(path)),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// Writes a file that has changed, and leaves others alone, so that they are not compiled again.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

/// The path of the diff of a source.
fn diff_of(source: &Path) -> PathBuf {
    let mut name = source.as_os_str().to_owned();
    name.push(".diff");
    name.into()
}

/// Makes the copy of the workspace with all edits.
///
/// # Errors
/// The file system's, and `InvalidData` for an edit whose place is gone.
pub fn make() -> io::Result<()> {
    let (root, copy) = (root(), copy());
    let (sources, added) = (files(&root)?, files(&tree())?);
    let mut edited = files(&edits())?;
    for source in sources.iter().filter(|source| !added.contains(*source)) {
        let content = fs::read(root.join(source))?;
        let diff = diff_of(source);
        if !edited.remove(&diff) {
            write(&copy.join(source), &content)?;
            continue;
        }
        let diff = fs::read_to_string(edits().join(diff))?;
        let text = String::from_utf8(content).map_err(io::Error::other)?;
        let wrong = apply(&text, &diff).map_err(|what| invalid(source, &what))?;
        write(&copy.join(source), wrong.as_bytes())?;
    }
    for path in &added {
        write(&copy.join(path), &fs::read(tree().join(path))?)?;
    }
    if let Some(gone) = edited.first() {
        return Err(invalid(gone, "there is no such source"));
    }
    let old = files(&copy)?;
    for path in old.difference(&sources).filter(|path| !added.contains(*path)) {
        fs::remove_file(copy.join(path))?;
    }
    Ok(())
}

fn invalid(source: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", source.display()))
}

/// Writes the differences between the sources and the copy back into `edits/` and `tree/`.
///
/// # Errors
/// The file system's.
pub fn save() -> io::Result<()> {
    let (root, copy) = (root(), copy());
    let sources = files(&root)?;
    let mut kept = BTreeSet::new();
    for path in files(&copy)? {
        // Written by the build and by the test.
        if path == Path::new("Cargo.lock") || path == Path::new("tests/MISCOMPILES.md") {
            continue;
        }
        let wrong = fs::read(copy.join(&path))?;
        if !sources.contains(&path) {
            write(&tree().join(&path), &wrong)?;
            continue;
        }
        let right = fs::read(root.join(&path))?;
        if right == wrong {
            continue;
        }
        let [right, wrong] = [right, wrong].map(|text| String::from_utf8_lossy(&text).into_owned());
        let text = TextDiff::from_lines(&right, &wrong);
        let text = text.unified_diff().context_radius(CONTEXT).to_string();
        let diff = diff_of(&path);
        write(&edits().join(&diff), text.as_bytes())?;
        kept.insert(diff);
    }
    for diff in files(&edits())?.difference(&kept) {
        fs::remove_file(edits().join(diff))?;
    }
    Ok(())
}
