//! Files of arrays, by what their names end with: `.npz`, `.csv`, and `.npy` or anything else.
//!
//! One array of a file that holds several is written `FILE.npz:member` or `FILE.csv:column`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use hotloop::{Error, ErrorKind, Result};

use super::args::{is_name, is_word};
use super::array::Array;
use super::csv::Table;
use super::format::Format;
use super::npy;
use super::npz::Npz;

/// Characters of the names of variables that are made of others.
const LONGEST_NAME: usize = 64;

/// A path, and the name after its last colon if it is that of a part of a file.
fn split(path: &Path) -> (PathBuf, Option<&str>) {
    let parts = path.to_str().and_then(|text| text.rsplit_once(':'));
    match parts {
        Some((file, part)) if Format::of(Path::new(file)) != Format::Npy && !path.exists() => {
            (file.into(), Some(part))
        }
        _ => (path.into(), None),
    }
}

/// Whether a path is that of an `.npy` file: not an archive or a table, a pipe, or nothing.
pub(crate) fn is_array(path: &Path) -> bool {
    Format::of(path) == Format::Npy && path.is_file()
}

/// That what a path names is a file, and nothing that may keep a reader waiting, as a pipe does.
///
/// # Errors
/// `Io`.
pub(crate) fn check_regular(path: &Path) -> Result<()> {
    let (file, _) = split(path);
    match file.metadata() {
        Ok(there) if !there.is_file() => {
            Err(Error::new(ErrorKind::Io, format!("cannot read {file:?}: it is not a file")))
        }
        // What is not there shows when it is opened.
        _ => Ok(()),
    }
}

/// Reads one array: the only one of the file, or the one that is named after a colon.
///
/// # Errors
/// As [`npy::read`], [`Npz::read`] and [`Table::column`]; `Name` if it is not clear which array.
pub(crate) fn array(path: &Path) -> Result<Array> {
    let (file, part) = split(path);
    match Format::of(&file) {
        Format::Npy => npy::read(path),
        Format::Npz => {
            let mut archive = Npz::open(&file)?;
            let number = choose(&file, &archive.members()?, part)?;
            archive.read(number)
        }
        Format::Csv => {
            let table = Table::open(&file)?;
            let number = choose(&file, table.names(), part)?;
            table.column(number)
        }
    }
}

/// Which of a file's arrays is meant.
fn choose(file: &Path, names: &[String], part: Option<&str>) -> Result<usize> {
    let found = match part {
        // A member may be called as the variable that it would become.
        Some(part) => names.iter().position(|name| name == part).or_else(|| {
            variables(names.iter().map(String::as_str)).iter().position(|name| name == part)
        }),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    found.ok_or_else(|| {
        // A stranger's names, which may be long and try to steer a terminal.
        let shown = |name: &String| name.chars().take(40).flat_map(char::escape_debug).collect();
        let known: Vec<String> = names.iter().take(20).map(shown).collect();
        let more = if names.len() > known.len() { ", ..." } else { "" };
        let known = format!("{}{more}", known.join(", "));
        match part {
            Some(part) => Error::new(ErrorKind::Name, format!("{file:?} has no array {part:?}"))
                .hint(format!("it has {known}")),
            None => {
                let message = format!("{file:?} holds {} arrays, not one", names.len());
                Error::new(ErrorKind::Name, message)
                    .hint(format!("take one, {}:NAME, of {known}", file.display()))
            }
        }
    })
}

/// Reads all arrays of a file under the names of variables: those of its members or columns, or
/// for a single array that of the file.
///
/// # Errors
/// As [`array`] and [`Table::columns`]; then nothing is read.
pub(crate) fn all(path: &Path) -> Result<Vec<(String, Array)>> {
    let (file, part) = split(path);
    let (names, arrays): (Vec<String>, Vec<Array>) = match (Format::of(&file), part) {
        (_, Some(part)) => (vec![part.to_string()], vec![array(path)?]),
        (Format::Npy, None) => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (vec![stem], vec![npy::read(path)?])
        }
        (Format::Npz, None) => {
            let mut archive = Npz::open(&file)?;
            let names = archive.members()?;
            let arrays = (0..names.len()).map(|number| archive.read(number));
            let arrays = arrays.collect::<Result<_>>()?;
            (names, arrays)
        }
        (Format::Csv, None) => Table::open(&file)?.columns()?.into_iter().unzip(),
    };
    Ok(variables(names.iter().map(String::as_str)).into_iter().zip(arrays).collect())
}

/// Names of variables, each different, for names of any kind.
fn variables<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    // The last number that told those of one name apart.
    let mut same: HashMap<String, usize> = HashMap::new();
    let variable = |(i, name): (usize, &str)| {
        let mut name: String = name
            .chars()
            .take(LONGEST_NAME)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        if name.bytes().all(|c| c == b'_') {
            // Nothing is left of it, and `_` is the last value printed.
            name = format!("array_{}", i + 1);
        }
        // Inside an index `None` is no name.
        if is_word(&name) && (!is_name(&name) || name == "None") {
            name.push('_');
        }
        if !is_word(&name) {
            name.insert(0, '_');
        }
        let number = same.entry(name.clone()).or_insert(1);
        let mut unique = name.clone();
        while !taken.insert(unique.clone()) {
            *number += 1;
            unique = format!("{name}_{number}");
        }
        unique
    };
    names.enumerate().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_equal_names_are_told_apart() {
        let names = variables(std::iter::repeat_n("a", 100_000));
        assert_eq!((&*names[0], &*names[1], &*names[99_999]), ("a", "a_2", "a_100000"));
        assert_eq!(variables(["x".repeat(1000).as_str()].into_iter())[0].len(), LONGEST_NAME);
    }

    #[test]
    fn names_of_any_kind_become_variables() {
        let names = ["price", "bid size", "2nd", "", "if", "naïve", "price", "price_2", "None"];
        let want = [
            "price",
            "bid_size",
            "_2nd",
            "array_4",
            "if_",
            "na_ve",
            "price_2",
            "price_2_2",
            "None_",
        ];
        assert_eq!(variables(names.into_iter()), want);
        assert_eq!(
            variables(["é", "_", "array_1"].into_iter()),
            ["array_1", "array_2", "array_1_2"]
        );
    }

    #[test]
    fn a_part_follows_a_colon() {
        for (path, file, part) in [
            ("a.npz:x", "a.npz", Some("x")),
            ("a:b/c.CSV:bid size", "a:b/c.CSV", Some("bid size")),
            ("a.npy:x", "a.npy:x", None),
            ("a.npz", "a.npz", None),
        ] {
            assert_eq!(split(Path::new(path)), (PathBuf::from(file), part));
        }
    }
}
