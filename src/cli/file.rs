//! Files of arrays, by what their names end with: `.npz`, `.csv` and `.tsv`, and `.npy` or anything
//! else.
//!
//! One array of a file that holds several is written `FILE.npz:member` or `FILE.csv:column`, or by
//! its number, `FILE.csv:#2`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotloop::{Arg, DType, Error, ErrorKind, FileArray, Result, Source};

use super::array::Array;
use super::budget::Budget;
use super::csv::{Dialect, Table, shown};
use super::format::{Format, remedy};
use super::input::{STANDARD_INPUT, is_name, is_word};
use super::npy;
use super::npz::Npz;
use super::warn;

/// Characters of the names of variables that are made of others.
const LONGEST_NAME: usize = 64;
/// Names that are listed in an error.
const LISTED: usize = 20;

/// Where an array is: a file and, if it holds several, the name or number of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The file.
    pub file: PathBuf,
    /// What follows its last colon, in whatever encoding.
    pub part: Option<Vec<u8>>,
}

impl Address {
    /// What a path means: a file that is called so, or else a part of one.
    pub(crate) fn of(path: &Path) -> Address {
        let bytes = path.as_os_str().as_encoded_bytes();
        let colon = bytes.iter().rposition(|byte| *byte == b':');
        let file = colon.and_then(|colon| prefix(path, colon));
        match (file, colon) {
            (Some(file), Some(colon))
                if (Format::of(&file) != Format::Npy || remedy(&file).is_some())
                    && path.symlink_metadata().is_err() =>
            {
                Address { file, part: Some(bytes[colon + 1..].to_vec()) }
            }
            _ => Address { file: path.into(), part: None },
        }
    }

    /// Whether the file is called as arrays and tables are, be it of a kind that is not read.
    pub(crate) fn has_known_format(&self) -> bool {
        Format::named(&self.file).is_some() || remedy(&self.file).is_some()
    }

    /// Whether there may be several arrays in the file.
    pub(crate) fn has_parts(&self) -> bool {
        Format::of(&self.file) != Format::Npy
    }

    /// That the file is one, and nothing that may keep a reader waiting, as a pipe does.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn check_regular(&self) -> Result<()> {
        match self.file.metadata() {
            Ok(there) if !there.is_file() => {
                let message = format!("cannot read {:?}: it is not a file", self.file);
                Err(Error::new(ErrorKind::Io, message))
            }
            // What is not there shows when it is opened.
            _ => Ok(()),
        }
    }
}

/// The first bytes of a path.
fn prefix(path: &Path, length: usize) -> Option<PathBuf> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = path.as_os_str().as_bytes().get(..length)?;
        Some(std::ffi::OsStr::from_bytes(bytes).into())
    }
    #[cfg(not(unix))]
    {
        path.to_str()?.get(..length).map(PathBuf::from)
    }
}

/// An array of a file.
pub(crate) enum Held {
    /// It was read.
    Memory(Array),
    /// It is read where it is.
    File(Arc<FileArray>),
}

impl Held {
    /// The array as an argument.
    pub(crate) fn arg(&self) -> Arg<'_> {
        match self {
            Held::Memory(array) => array.arg(),
            Held::File(array) => Arg::source(array),
        }
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Held::Memory(array) => array.dtype(),
            Held::File(array) => Source::dtype(&**array),
        }
    }

    /// The extents of the axes.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Held::Memory(array) => array.shape(),
            Held::File(array) => Source::shape(&**array),
        }
    }
}

/// A file of which it is known what arrays it holds.
pub(crate) struct File {
    path: PathBuf,
    contents: Contents,
    /// What the file calls its arrays.
    names: Vec<Vec<u8>>,
    /// The same as names of variables.
    variables: Vec<String>,
    /// The places in the list by both.
    places: HashMap<Vec<u8>, Vec<usize>>,
}

enum Contents {
    Npy,
    Npz(Npz),
    Table(Table),
}

impl File {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`Npz::open`] and [`Table::open`]; `Format` for a file of a kind that is not read.
    pub(crate) fn open(path: &Path, dialect: &Dialect, budget: &Budget) -> Result<File> {
        check_kind(path)?;
        if is_pattern(path) {
            let error = format!("cannot read {path:?}: there is no file of this name");
            return Err(Error::new(ErrorKind::Io, error).hint(
                "the shell leaves patterns behind a `=` as they are, and those that fit nothing; \
                 name one file",
            ));
        }
        let (contents, names) = match Format::of(path) {
            Format::Npy => {
                let stem = path.file_stem().unwrap_or_default().as_encoded_bytes().to_vec();
                (Contents::Npy, vec![stem])
            }
            Format::Npz => {
                let archive = Npz::open(path)?;
                let names = archive.members();
                (Contents::Npz(archive), names)
            }
            Format::Csv | Format::Tsv => {
                let table = Table::open(path, dialect, budget)?;
                let names = table.names().to_vec();
                (Contents::Table(table), names)
            }
        };
        let texts: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
        let variables = variables(texts.iter().map(|text| &**text));
        let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (i, name) in names.iter().enumerate() {
            places.entry(name.clone()).or_default().push(i);
        }
        // A variable's name stands behind what the file itself calls so.
        for (i, name) in variables.iter().enumerate() {
            places.entry(name.clone().into_bytes()).or_insert_with(|| vec![i]);
        }
        Ok(File { path: path.into(), contents, names, variables, places })
    }

    /// The path that it was opened by.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of variables that its arrays have.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The number of the array that is called so, or would be as a variable.
    ///
    /// # Errors
    /// `Name` if several are.
    pub(crate) fn find(&self, name: &[u8]) -> Result<Option<usize>> {
        match self.places.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([one]) => Ok(Some(*one)),
            Some([first, second, ..]) => {
                let path = &self.path;
                let message = format!("{path:?} has several arrays called \"{}\"", shown(name));
                Err(Error::new(ErrorKind::Name, message).hint(format!(
                    "take one by its number: {0}:#{1} or {0}:#{2}",
                    plain(path),
                    first + 1,
                    second + 1
                )))
            }
        }
    }

    /// The number of the array that is meant by a name, a number as `#2`, or nothing if there is
    /// but one; for an input, if that has a name.
    ///
    /// # Errors
    /// `Name` if it is not clear which one.
    pub(crate) fn choose(&self, part: Option<&[u8]>, input: Option<&str>) -> Result<usize> {
        let (path, count) = (&self.path, self.names.len());
        let Some(part) = part else {
            let arrays = self.arrays();
            return match arrays[..] {
                [one] => Ok(one),
                [] => Err(Error::new(ErrorKind::Name, format!("{path:?} holds no arrays"))),
                [first, ..] => {
                    let message = format!("{path:?} holds {} arrays, not one", arrays.len());
                    let to = input.map(|name| format!("{name}=")).unwrap_or_default();
                    let example = match self.names.get(first).map(|name| str::from_utf8(name)) {
                        Some(Ok(name)) => shown(name.as_bytes()),
                        _ => format!("#{}", first + 1),
                    };
                    let file = plain(path);
                    Err(Error::new(ErrorKind::Name, message).hint(format!(
                        "take one of {}, as {to}{file}:{example}; or give {file} alone, without \
                         {}, for all",
                        self.listed(),
                        if to.is_empty() { "a name" } else { &to },
                    )))
                }
            };
        };
        if let Some(number) = self.find(part)? {
            return Ok(number);
        }
        let number = part.strip_prefix(b"#").and_then(|digits| str::from_utf8(digits).ok());
        let number = number.and_then(|digits| digits.parse::<usize>().ok());
        match number.and_then(|number| number.checked_sub(1)).filter(|number| *number < count) {
            Some(number) => Ok(number),
            None => {
                let message = format!("{path:?} has no array \"{}\"", shown(part));
                Err(self.with_names(Error::new(ErrorKind::Name, message), part))
            }
        }
    }

    /// An error that a name is not there, with those that are, and those like it.
    pub(crate) fn with_names(&self, error: Error, wrong: &[u8]) -> Error {
        let known = self.names.iter().filter_map(|name| str::from_utf8(name).ok());
        // Of a short name every other one is a neighbour.
        let wrong = str::from_utf8(wrong).ok().filter(|wrong| wrong.len() > 2);
        let near = wrong.map(|wrong| hotloop::ops::suggestions(wrong, known));
        let error = match near.unwrap_or_default().first() {
            Some(near) => error.hint(format!("did you mean '{}'?", shown(near.as_bytes()))),
            None => error,
        };
        if self.names.is_empty() {
            return error.hint(format!("{:?} holds no arrays", self.path));
        }
        let mut names = format!("{:?} has {}", self.path, self.listed());
        if let Some(odd) = self.names.iter().position(|name| str::from_utf8(name).is_err()) {
            names += &format!("; take one by its number, {}:#{}", plain(&self.path), odd + 1);
        }
        let error = error.hint(names);
        match &self.contents {
            Contents::Table(table) if table.is_nameless() => {
                error.hint("its first line is taken for values; `--header` says that it has names")
            }
            _ => error,
        }
    }

    /// The numbers of what the file says is an array: of the members of an archive those that are
    /// called so, if any is.
    fn arrays(&self) -> Vec<usize> {
        let all = 0..self.names.len();
        match &self.contents {
            Contents::Npz(archive) => {
                let called: Vec<usize> =
                    all.clone().filter(|number| archive.is_called_array(*number)).collect();
                if called.is_empty() { all.collect() } else { called }
            }
            _ => all.collect(),
        }
    }

    /// The first names, which a stranger may have written to steer a terminal.
    fn listed(&self) -> String {
        let arrays = self.arrays();
        let listed = arrays.iter().take(LISTED).filter_map(|number| self.names.get(*number));
        let known: Vec<String> = listed.map(|name| shown(name)).collect();
        let more = if arrays.len() > known.len() { ", ..." } else { "" };
        format!("{}{more}", known.join(", "))
    }

    /// The arrays of some numbers, each given once: where they are, if they can be read there,
    /// else in memory.
    ///
    /// # Errors
    /// As [`npy::read`], [`Npz::read`] and [`Table::read`].
    pub(crate) fn hold(self, numbers: &[usize], budget: &mut Budget) -> Result<Vec<Held>> {
        match self.contents {
            Contents::Npy if self.path.is_file() => {
                let array = hotloop::npy::open(&self.path).map_err(|error| self.advised(error))?;
                Ok(vec![Held::File(array.into())])
            }
            Contents::Npz(mut archive) => {
                let hold = |number: &usize| match archive.stored(*number)? {
                    Some(array) => Ok(Held::File(array.into())),
                    None => archive.read(*number, budget).map(Held::Memory),
                };
                numbers.iter().map(hold).collect()
            }
            _ => Ok(self.read(numbers, budget)?.into_iter().map(Held::Memory).collect()),
        }
    }

    /// The same in memory.
    ///
    /// # Errors
    /// As [`File::hold`].
    pub(crate) fn read(self, numbers: &[usize], budget: &mut Budget) -> Result<Vec<Array>> {
        match self.contents {
            Contents::Npy => {
                let array = npy::read(&self.path, budget).map_err(|error| self.advised(error))?;
                Ok(vec![array])
            }
            Contents::Npz(mut archive) => {
                numbers.iter().map(|number| archive.read(*number, budget)).collect()
            }
            Contents::Table(table) => {
                let arrays = table.read(numbers, budget)?;
                let bytes = arrays.iter().map(|array| array.bytes().len() as u64).sum();
                budget.take(bytes);
                Ok(arrays)
            }
        }
    }

    /// All arrays under the names of variables. What is no array, or one of no numbers, is left
    /// out with a warning, if others are there.
    ///
    /// # Errors
    /// As [`File::read`]; then nothing is read.
    pub(crate) fn read_all(self, budget: &mut Budget) -> Result<Vec<(String, Array)>> {
        let variables = self.variables;
        match self.contents {
            Contents::Npz(archive) => all_members(archive, &self.path, variables, budget),
            Contents::Table(table) => {
                let arrays = table.read_all(budget)?;
                let named = |(i, array): (usize, Array)| Some((variables.get(i)?.clone(), array));
                Ok(arrays.into_iter().filter_map(named).collect())
            }
            Contents::Npy => {
                let file = File { variables: Vec::new(), contents: Contents::Npy, ..self };
                Ok(variables.into_iter().zip(file.read(&[0], budget)?).collect())
            }
        }
    }

    /// An error of what was to be an `.npy` file, with what may be meant.
    fn advised(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Format if self.path == Path::new(STANDARD_INPUT) => error.hint(
                "standard input is read as an .npy file; save a table in a file that is called \
                 .csv or .tsv",
            ),
            ErrorKind::Format if Format::named(&self.path).is_none() => {
                error.hint("a file that is not called .csv, .tsv or .npz is read as an .npy file")
            }
            _ => error,
        }
    }
}

/// All members of an archive that are arrays.
fn all_members(
    mut archive: Npz,
    path: &Path,
    variables: Vec<String>,
    budget: &mut Budget,
) -> Result<Vec<(String, Array)>> {
    let (mut arrays, mut left_out) = (Vec::new(), Vec::new());
    for (number, name) in variables.into_iter().enumerate() {
        match archive.read(number, budget) {
            Ok(array) => arrays.push((name, array)),
            // What has other elements than numbers, or was put in by somebody else.
            Err(error)
                if error.kind() == ErrorKind::Type
                    || error.kind() == ErrorKind::Format && !archive.is_called_array(number) =>
            {
                left_out.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    if arrays.is_empty() {
        let empty = || Error::new(ErrorKind::Name, format!("{path:?} holds no arrays"));
        return Err(left_out.into_iter().next().unwrap_or_else(empty));
    }
    for error in left_out {
        warn(&format_args!("{}; it is left out", error.message()));
    }
    Ok(arrays)
}

/// Whether a path is a shell's pattern, and no file.
fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
        && path.symlink_metadata().is_err()
}

/// A path as it may be typed, without what a terminal obeys.
pub(crate) fn plain(path: &Path) -> String {
    path.to_string_lossy().chars().flat_map(char::escape_debug).collect()
}

/// That a file is not of a kind that is known and not read.
fn check_kind(path: &Path) -> Result<()> {
    match remedy(path) {
        None => Ok(()),
        Some(remedy) => {
            let message =
                format!("cannot read {path:?}: it is not called .npy, .npz, .csv or .tsv");
            Err(Error::new(ErrorKind::Format, message).hint(remedy))
        }
    }
}

/// Reads one array: the only one of the file, or the one that is named after a colon; for an
/// input, if that has a name.
///
/// # Errors
/// As [`File::open`], [`File::choose`] and [`File::read`].
pub(crate) fn array(
    path: &Path,
    input: Option<&str>,
    dialect: &Dialect,
    budget: &mut Budget,
) -> Result<Array> {
    let Address { file, part } = Address::of(path);
    let file = File::open(&file, dialect, budget)?;
    let number = file.choose(part.as_deref(), input)?;
    let missing = || Error::new(ErrorKind::Internal, format!("{path:?}: no array was read"));
    file.read(&[number], budget)?.pop().ok_or_else(missing)
}

/// The same array where it is, if it can be read there.
///
/// # Errors
/// As [`array`].
pub(crate) fn held(
    path: &Path,
    input: &str,
    dialect: &Dialect,
    budget: &mut Budget,
) -> Result<Held> {
    let Address { file, part } = Address::of(path);
    let file = File::open(&file, dialect, budget)?;
    let number = file.choose(part.as_deref(), Some(input))?;
    let missing = || Error::new(ErrorKind::Internal, format!("{path:?}: no array was read"));
    file.hold(&[number], budget)?.pop().ok_or_else(missing)
}

/// Reads all arrays of a file under the names of variables: those of its members or columns, or
/// for a single array that of the file; of a part that of the part.
///
/// # Errors
/// As [`array`] and [`File::read_all`]; then nothing is read.
pub(crate) fn all(
    path: &Path,
    dialect: &Dialect,
    budget: &mut Budget,
) -> Result<Vec<(String, Array)>> {
    let Address { file, part } = Address::of(path);
    let file = File::open(&file, dialect, budget)?;
    let Some(part) = part else { return file.read_all(budget) };
    let number = file.choose(Some(&part), None)?;
    let name = file.variables.get(number).cloned().unwrap_or_default();
    Ok([name].into_iter().zip(file.read(&[number], budget)?).collect())
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
            ("t.tsv:#2", "t.tsv", Some("#2")),
            ("a.npy:x", "a.npy:x", None),
            ("a.npz", "a.npz", None),
        ] {
            let part = part.map(|part| part.as_bytes().to_vec());
            assert_eq!(Address::of(Path::new(path)), Address { file: file.into(), part });
        }
    }
}
