//! What a file's name says that it is.

use std::path::Path;

/// The formats that arrays are read from and written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    Npz,
    Csv,
}

impl Format {
    /// By the extension; `None` for another, or none.
    pub(crate) fn named(path: &Path) -> Option<Format> {
        let formats = [("npy", Format::Npy), ("npz", Format::Npz), ("csv", Format::Csv)];
        let extension = path.extension()?;
        formats.into_iter().find(|(e, _)| extension.eq_ignore_ascii_case(e)).map(|(_, f)| f)
    }

    /// What is read: a file of any other name should hold one array.
    pub(crate) fn of(path: &Path) -> Format {
        Format::named(path).unwrap_or(Format::Npy)
    }
}
