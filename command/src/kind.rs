//! The rule for replacing files, for everything that is written: an existing file is replaced only
//! if it has the extension of what is written, or no known extension and the same beginning. A new
//! file must not have the extension of another format either.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hotloop::{Error, ErrorKind, Result};

use super::place::descriptor;

/// The kind of a file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One array.
    Npy,
    /// An archive of arrays.
    Npz,
    /// A table.
    Csv,
    /// A picture of shapes.
    Svg,
    /// A picture of pixels.
    Png,
    /// The text of `explain`.
    Explanation,
}

/// The first line of an explanation's file, by which it is recognized.
pub(crate) const EXPLANATION: &str = "# hotloop explain\n";

impl Kind {
    /// The extensions of such files.
    fn names(self) -> &'static [&'static str] {
        match self {
            Kind::Npy => &["npy"],
            Kind::Npz => &["npz"],
            Kind::Csv => &["csv", "tsv"],
            Kind::Svg => &["svg"],
            Kind::Png => &["png"],
            Kind::Explanation => &[],
        }
    }

    /// The extensions that such a file may have, but others too.
    fn maybe(self) -> &'static [&'static str] {
        match self {
            Kind::Explanation => &["txt", "md"],
            _ => &[],
        }
    }

    /// The beginning of every such file.
    fn beginning(self) -> &'static [u8] {
        match self {
            Kind::Npy => b"\x93NUMPY",
            Kind::Npz => b"PK",
            // A table may begin with anything.
            Kind::Csv => b"",
            Kind::Svg => b"<svg",
            Kind::Png => b"\x89PNG",
            Kind::Explanation => EXPLANATION.as_bytes(),
        }
    }

    /// The required name, for errors.
    fn called(self) -> &'static str {
        match self {
            Kind::Npy | Kind::Npz | Kind::Csv => ".npy, .npz or .csv",
            Kind::Svg => ".svg",
            Kind::Png => ".png",
            Kind::Explanation => ".txt or .md",
        }
    }

    /// Checks that such a file may be written to a path. A pipe or a device accepts anything.
    ///
    /// # Errors
    /// `Format`.
    pub(crate) fn check(self, path: &Path) -> Result<()> {
        if descriptor(path).is_some() || (path.exists() && !path.is_file()) {
            return Ok(());
        }
        let is_one_of = |names: &[&str]| {
            path.extension().is_some_and(|e| names.iter().any(|name| e.eq_ignore_ascii_case(name)))
        };
        if is_one_of(self.names()) {
            return Ok(());
        }
        if path.extension().is_some() && !is_one_of(self.maybe()) {
            let message = format!("cannot write {path:?}: it is not called {}", self.called());
            return Err(Error::new(ErrorKind::Format, message));
        }
        if path.is_file() && !self.begins(path) {
            let message = format!("cannot write {path:?}: something else is there");
            return Err(Error::new(ErrorKind::Format, message)
                .hint("remove it first if it is not needed, or take another name"));
        }
        Ok(())
    }

    /// Whether a file is empty, or begins as one of this kind.
    fn begins(self, path: &Path) -> bool {
        let want = self.beginning();
        let mut have = Vec::new();
        let read = File::open(path)
            .and_then(|file| file.take(want.len().max(1) as u64).read_to_end(&mut have));
        read.is_ok_and(|count| count == 0 || (!want.is_empty() && have == want))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_if_it_is_called_or_begins_as_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let written = |kind: Kind, name: &str, there: Option<&[u8]>| {
            let path = dir.path().join(name);
            match there {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => drop(std::fs::remove_file(&path)),
            }
            kind.check(&path).is_ok()
        };
        let (array, text) = (Some(&b"\x93NUMPY\x01\x00"[..]), Some(&b"mine"[..]));
        for (kind, name, there, may) in [
            (Kind::Npy, "a.npy", text, true),
            (Kind::Npy, "a.NPY", None, true),
            (Kind::Npy, "a", None, true),
            (Kind::Npy, "a", Some(b""), true),
            (Kind::Npy, "a", array, true),
            (Kind::Npy, "a", text, false),
            (Kind::Npy, "a.txt", None, false),
            (Kind::Npy, "a.txt", array, false),
            (Kind::Csv, "a.csv", text, true),
            (Kind::Svg, "a.svg", text, true),
            (Kind::Svg, "a", Some(b"<svg>"), true),
            (Kind::Svg, "a", text, false),
            (Kind::Svg, "a.npy", array, false),
            (Kind::Svg, "a.txt", text, false),
            (Kind::Svg, "a.png", None, false),
            (Kind::Explanation, "a.txt", None, true),
            (Kind::Explanation, "a.md", Some(b""), true),
            (Kind::Explanation, "a.txt", Some(EXPLANATION.as_bytes()), true),
            (Kind::Explanation, "a.txt", text, false),
            (Kind::Explanation, "a.npy", array, false),
            (Kind::Explanation, "a.npy", None, false),
            (Kind::Explanation, "a", text, false),
        ] {
            assert_eq!(written(kind, name, there), may, "{kind:?} {name} {there:?}");
        }
    }
}
