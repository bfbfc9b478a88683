//! The home directory.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The home directory, if known.
pub(crate) fn folder() -> Option<OsString> {
    env::var_os("HOME").filter(|home| !home.is_empty())
}

/// A path with the folder in place of a `~` at its beginning.
pub(crate) fn expanded(path: &Path) -> PathBuf {
    let rest = path.to_str().and_then(|text| text.strip_prefix('~'));
    match (rest.filter(|rest| rest.is_empty() || rest.starts_with('/')), folder()) {
        (Some(rest), Some(mut home)) => {
            home.push(rest);
            home.into()
        }
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tilde_that_begins_a_path_and_is_a_word() {
        for path in ["x~", "~x/y", "a/~/b", "./~"] {
            assert_eq!(expanded(Path::new(path)), PathBuf::from(path));
        }
        if let Some(home) = folder() {
            let mut inside = home.clone();
            inside.push("/a b/");
            // As text: paths that differ in a slash at the end are equal.
            assert_eq!(expanded(Path::new("~/a b/")).into_os_string(), inside);
            assert_eq!(expanded(Path::new("~")).into_os_string(), home);
        }
    }
}
