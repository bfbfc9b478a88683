//! The history file.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::home;

/// The file: `$HOTLOOP_HISTORY`, or `hotloop/history` in `$XDG_STATE_HOME` or `~/.local/state`.
/// `None` if the first is empty or none of them is set.
pub(crate) fn path() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    place(env::var_os("HOTLOOP_HISTORY"), set("XDG_STATE_HOME"), home::folder())
}

fn place(
    own: Option<OsString>,
    state: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    if let Some(own) = own {
        return (!own.is_empty()).then(|| own.into());
    }
    // The specification says that a relative path is to be ignored.
    let state = state.map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(PathBuf::from(home?).join(".local/state")))?;
    Some(state.join("hotloop").join("history"))
}

/// Makes sure that the file can be written: it and its folders are made if they are not there.
///
/// # Errors
/// Those of the system.
pub(crate) fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Opening a pipe would wait for its other end.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is no file"));
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    // Readable by the user only.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let set = |text: &str| Some(OsString::from(text));
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(place(set("/h"), set("/s"), set("/u")), path("/h"));
        assert_eq!(place(set(""), set("/s"), set("/u")), None);
        assert_eq!(place(None, set("/s"), set("/u")), path("/s/hotloop/history"));
        assert_eq!(place(None, set("s"), set("/u")), path("/u/.local/state/hotloop/history"));
        assert_eq!(place(None, None, None), None);
    }
}
