//! The file that may be meant where a path leads nowhere.

use std::path::Path;

use hotloop::Error;

use super::place::directory;

/// Files of a directory that are looked at.
const MOST: usize = 10_000;

/// Adds a similar file name to the error for a missing file.
pub(crate) fn with_neighbor(error: Error, path: &Path) -> Error {
    if path.symlink_metadata().is_ok() {
        return error;
    }
    match neighbor(path) {
        Some(name) => error.hint(format!("did you mean {:?}?", path.with_file_name(name))),
        None => error,
    }
}

/// The name that is nearest, or has but another extension.
fn neighbor(path: &Path) -> Option<String> {
    let wrong = path.file_name()?.to_str()?;
    let entries = directory(path).read_dir().ok()?.take(MOST);
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    let near = hotloop::ops::suggestions(wrong, names.iter().map(String::as_str));
    let same = |name: &&String| Path::new(name).file_stem() == path.file_stem();
    near.first().map(|name| name.to_string()).or_else(|| names.iter().filter(same).min().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_may_be_meant() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["bid.npy", "ask.npy", "ticks.csv", ".tick.csv", "a.tsv", "a.csv"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        for (wrong, name) in [
            ("bidd.npy", Some("bid.npy")),
            ("Bid.npy", Some("bid.npy")),
            ("tick.csv", Some("ticks.csv")),
            ("ticks.tsv", Some("ticks.csv")),
            ("bid", Some("bid.npy")),
            ("a.parquet", Some("a.csv")),
            ("prices.npy", None),
            ("..", None),
        ] {
            assert_eq!(neighbor(&dir.path().join(wrong)).as_deref(), name, "{wrong}");
        }
        assert_eq!(neighbor(Path::new("/nowhere/bid.npy")), None);
    }
}
