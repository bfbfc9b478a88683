//! Files of arrays, by extension: `.npz`, `.csv`, `.tsv`, and `.npy` or anything else.
//!
//! One array of a file that holds several is written `FILE.npz:member` or `FILE.csv:column`, or by
//! its number, `FILE.csv:#2`.

use std::cell::OnceCell;
use std::collections::{HashMap, TryReserveError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotloop::io::{FileArray, Source};
use hotloop::npy::Header;
use hotloop::{Arg, DType, Error, ErrorKind, Result};

use super::array::Array;
use super::budget::{Budget, Charge};
use super::csv::{Dialect, Table, shown};
use super::format::{Format, remedy};
use super::input::{STANDARD_INPUT, is_name, is_word};
use super::names::Names;
use super::neighbor::with_neighbor;
use super::npz::Npz;
use super::outline::Outline;
use super::stream::cannot;
use super::{npy, warn};

/// Characters of the names of variables that are made of others.
const LONGEST_NAME: usize = 64;
/// Names that are listed in an error.
const LISTED: usize = 20;
/// The most columns of a table that are read at once: each is an array, and a variable.
const MOST_AT_ONCE: usize = 100_000;

/// A reference to an array: a file and, if it holds several, the name or number of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The file.
    pub file: PathBuf,
    /// The text after the last colon of a path, in any encoding.
    pub part: Option<Vec<u8>>,
}

impl Address {
    /// Parses a path: an existing file, or else a part of one.
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

    /// Checks that the path is a regular file, and not, for example, a pipe, on which a read may
    /// block.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn check_regular(&self) -> Result<()> {
        match self.file.metadata() {
            Ok(there) if !there.is_file() => {
                let message = format!("cannot read {:?}: it is not a file", self.file);
                Err(Error::new(ErrorKind::Io, message))
            }
            // A missing file is an error when it is opened.
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

/// An opened file whose arrays are known.
pub(crate) struct File {
    path: PathBuf,
    contents: Contents,
    budget: Budget,
    /// The names of the arrays as identifiers, computed on demand.
    variables: OnceCell<(Names, Charge)>,
}

/// The arrays with their names.
enum Contents {
    Npy(Names),
    Npz(Npz, Names),
    Table(Box<Table>),
}

impl File {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`Npz::open`] and [`Table::open`]; `Format` for an unsupported format.
    pub(crate) fn open(path: &Path, dialect: &Dialect, budget: &Budget) -> Result<File> {
        check_kind(path)?;
        if is_pattern(path) {
            let error = format!("cannot read {path:?}: there is no file of this name");
            return Err(Error::new(ErrorKind::Io, error).hint(
                "the shell leaves patterns behind a `=` as they are, and those that fit nothing; \
                 name one file",
            ));
        }
        if let Err(error) = path.symlink_metadata() {
            return Err(with_neighbor(cannot("read", format_args!("{path:?}"), error), path));
        }
        let refused = |_| no_memory(path);
        let contents = match Format::of(path) {
            Format::Npy => {
                let mut names = Names::with_room(1, 0).map_err(refused)?;
                names
                    .push(path.file_stem().unwrap_or_default().as_encoded_bytes())
                    .map_err(refused)?;
                Contents::Npy(names)
            }
            Format::Npz => {
                let archive = Npz::open(path)?;
                let names = archive.members().map_err(refused)?;
                Contents::Npz(archive, names)
            }
            Format::Csv | Format::Tsv => {
                Contents::Table(Box::new(Table::open(path, dialect, budget)?))
            }
        };
        let budget = budget.clone();
        Ok(File { path: path.into(), contents, budget, variables: OnceCell::new() })
    }

    /// The path that it was opened by.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of its arrays.
    fn names(&self) -> &Names {
        match &self.contents {
            Contents::Npy(names) | Contents::Npz(_, names) => names,
            Contents::Table(table) => table.names(),
        }
    }

    /// The names of variables that its arrays have.
    ///
    /// # Errors
    /// `Limit`, `OutOfMemory`.
    fn variables(&self) -> Result<&Names> {
        if let Some((variables, _)) = self.variables.get() {
            return Ok(variables);
        }
        let names = self.names();
        let bytes = names.iter().map(|name| name.len().min(LONGEST_NAME)).sum();
        let needed = Names::needed(names.len(), bytes);
        let what = || format!("what {:?} calls its arrays", self.path);
        let charge = self.budget.charge(needed, &what)?;
        let variables = variables(names.iter(), bytes).map_err(|_| no_memory(&self.path))?;
        Ok(&self.variables.get_or_init(|| (variables, charge)).0)
    }

    /// Whether the array of a number has the name of a variable.
    ///
    /// # Errors
    /// `Limit`, `OutOfMemory`.
    pub(crate) fn is_called(&self, number: usize, name: &str) -> Result<bool> {
        Ok(self.variables()?.get(number) == Some(name.as_bytes()))
    }

    /// The number of the array that is called so, or would be as a variable.
    ///
    /// # Errors
    /// `Name` if several are; `Limit`, `OutOfMemory`.
    pub(crate) fn find(&self, name: &[u8]) -> Result<Option<usize>> {
        match self.names().find(name) {
            // Nothing is a variable that is called otherwise, and the names of variables take time.
            [None, _] if !str::from_utf8(name).is_ok_and(is_word) => Ok(None),
            // The file's own names take precedence over derived identifiers.
            [None, _] => Ok(self.variables()?.find(name)[0]),
            [one, None] => Ok(one),
            [Some(first), Some(second)] => {
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

    /// Finds an array by its name, by a number such as `#2`, or as the only one; `input` is used in
    /// messages.
    ///
    /// # Errors
    /// `Name` if it is not clear which one.
    pub(crate) fn choose(&self, part: Option<&[u8]>, input: Option<&str>) -> Result<usize> {
        let (path, count) = (&self.path, self.names().len());
        let Some(part) = part else {
            let mut arrays = self.arrays();
            return match (arrays.next(), arrays.count()) {
                (Some(one), 0) => Ok(one),
                (None, _) => Err(Error::new(ErrorKind::Name, format!("{path:?} holds no arrays"))),
                (Some(first), more) => {
                    let message = format!("{path:?} holds {} arrays, not one", more + 1);
                    let to = input.map(|name| format!("{name}=")).unwrap_or_default();
                    let example = match self.names().get(first).map(str::from_utf8) {
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

    /// The error for an unknown name, with the existing and the similar names.
    pub(crate) fn with_names(&self, error: Error, wrong: &[u8]) -> Error {
        let known = self.names().iter().filter_map(|name| str::from_utf8(name).ok());
        // For short names, every other name would be similar.
        let wrong = str::from_utf8(wrong).ok().filter(|wrong| wrong.len() > 2);
        let near = wrong.map(|wrong| hotloop::ops::suggestions(wrong, known));
        let error = match near.unwrap_or_default().first() {
            Some(near) => error.hint(format!("did you mean '{}'?", shown(near.as_bytes()))),
            None => error,
        };
        if self.names().len() == 0 {
            return error.hint(format!("{:?} holds no arrays", self.path));
        }
        let mut names = format!("{:?} has {}", self.path, self.listed());
        if let Some(odd) = self.names().iter().position(|name| str::from_utf8(name).is_err()) {
            names += &format!("; take one by its number, {}:#{}", plain(&self.path), odd + 1);
        }
        let error = error.hint(names);
        let Contents::Table(table) = &self.contents else { return error };
        let error = table.nameless().into_iter().fold(error, Error::hint);
        table.apart().into_iter().fold(error, Error::hint)
    }

    /// The numbers of the arrays: in an archive, the members with the extension `.npy`, if there
    /// are any.
    fn arrays(&self) -> impl Iterator<Item = usize> {
        let called = |number: &usize| match &self.contents {
            Contents::Npz(archive, _) => archive.is_called_array(*number),
            _ => true,
        };
        let all = 0..self.names().len();
        let any = all.clone().any(|number| called(&number));
        all.filter(move |number| !any || called(number))
    }

    /// The first names, which a stranger may have written to steer a terminal.
    fn listed(&self) -> String {
        let mut arrays = self.arrays();
        let listed = arrays.by_ref().take(LISTED).filter_map(|number| self.names().get(number));
        let known: Vec<String> = listed.map(shown).collect();
        let more = if arrays.next().is_some() { ", ..." } else { "" };
        format!("{}{more}", known.join(", "))
    }

    /// Reads the arrays with these numbers, each given once: in place if possible, otherwise into
    /// memory.
    ///
    /// # Errors
    /// As [`npy::read`], [`Npz::read`] and [`Table::read`].
    pub(crate) fn hold(self, numbers: &[usize], budget: &mut Budget) -> Result<Vec<Held>> {
        match self.contents {
            Contents::Npy(_) if self.path.is_file() => {
                let array = hotloop::npy::open(&self.path).map_err(|error| self.advised(error))?;
                Ok(vec![Held::File(array.into())])
            }
            Contents::Npz(mut archive, _) => {
                let hold = |number: &usize| match archive.stored(*number)? {
                    Some(array) => Ok(Held::File(array.into())),
                    None => archive.read(*number, budget).map(Held::Memory),
                };
                numbers.iter().map(hold).collect()
            }
            _ => Ok(self.read(numbers, budget)?.into_iter().map(Held::Memory).collect()),
        }
    }

    /// The outline of an array, if its header has one.
    ///
    /// # Errors
    /// As [`File::hold`].
    pub(crate) fn outline(&mut self, number: usize) -> Result<Option<Outline>> {
        match &mut self.contents {
            Contents::Npy(_) if self.path.is_file() => {
                let array = hotloop::npy::open(&self.path).map_err(|error| self.advised(error))?;
                let header = Header::new(Source::dtype(&array), Source::shape(&array));
                Ok(Some(Outline::new(header, false)))
            }
            Contents::Npz(archive, _) => archive.outline(number).map(Some),
            _ => Ok(None),
        }
    }

    /// The arrays of some numbers, each given once, in memory.
    ///
    /// # Errors
    /// As [`File::hold`].
    pub(crate) fn read(self, numbers: &[usize], budget: &mut Budget) -> Result<Vec<Array>> {
        match self.contents {
            Contents::Npy(_) => {
                let array = npy::read(&self.path, budget).map_err(|error| self.advised(error))?;
                Ok(vec![array])
            }
            Contents::Npz(mut archive, _) => {
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

    /// Reads all arrays, named by identifiers. Others are left out with a warning.
    ///
    /// # Errors
    /// As [`File::read`]; then nothing is read.
    pub(crate) fn read_all(self, budget: &mut Budget) -> Result<Vec<(String, Array)>> {
        let count = self.names().len();
        if let Contents::Table(_) = &self.contents
            && count > MOST_AT_ONCE
        {
            let path = &self.path;
            let what = format!(
                "{path:?} has {count} columns, of which at most {MOST_AT_ONCE} are read at once"
            );
            let first = self.names().get(0).map(shown).unwrap_or_default();
            return Err(Error::new(ErrorKind::Limit, what)
                .hint(format!("take one by its name or number: x={}:{first}", plain(path))));
        }
        let names = self.variables()?.iter().map(|name| String::from_utf8_lossy(name).into_owned());
        let names: Vec<String> = names.collect();
        match self.contents {
            Contents::Npz(archive, _) => all_members(archive, &self.path, names, budget),
            Contents::Table(table) => {
                let arrays = table.read_all(budget)?;
                let named = |(i, array): (usize, Array)| Some((names.get(i)?.clone(), array));
                Ok(arrays.into_iter().filter_map(named).collect())
            }
            Contents::Npy(_) => Ok(names.into_iter().zip(self.read(&[0], budget)?).collect()),
        }
    }

    /// The error for an invalid `.npy` file, with a hint.
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
            // A member whose elements are not numbers, or that is not an array.
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

/// A path as typed, with control characters escaped.
pub(crate) fn plain(path: &Path) -> String {
    path.to_string_lossy().chars().flat_map(char::escape_debug).collect()
}

/// Checks that a file does not have a known but unsupported format.
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

/// Opens an array in place, if possible.
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
    let name = file.variables()?.get(number).unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    Ok([name].into_iter().zip(file.read(&[number], budget)?).collect())
}

fn no_memory(path: &Path) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("no memory for what {path:?} calls its arrays"))
}

/// Distinct identifiers for arbitrary names of about `bytes` bytes in all.
fn variables<'a>(
    names: impl ExactSizeIterator<Item = &'a [u8]>,
    bytes: usize,
) -> std::result::Result<Names, TryReserveError> {
    let mut variables = Names::with_room(names.len(), bytes)?;
    // For each name, the last number appended to make duplicates distinct.
    let mut same: HashMap<usize, usize> = HashMap::new();
    let (mut name, mut unique) = (String::new(), String::new());
    for (i, own) in names.enumerate() {
        name.clear();
        // Invalid UTF-8 is replaced by a mark.
        let chars = own.utf8_chunks().flat_map(|chunk| {
            chunk.valid().chars().chain((!chunk.invalid().is_empty()).then_some('_'))
        });
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        name.extend(chars.take(LONGEST_NAME).map(plain));
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
        unique.clone_from(&name);
        if let [Some(first), _] = variables.find(name.as_bytes()) {
            let number = same.entry(first).or_insert(1);
            while variables.find(unique.as_bytes())[0].is_some() {
                *number += 1;
                unique.truncate(name.len());
                unique += &format!("_{number}");
            }
        }
        variables.push(unique.as_bytes())?;
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(names: &[&str]) -> Vec<String> {
        let variables = variables(names.iter().map(|name| name.as_bytes()), 0).unwrap();
        variables.iter().map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
    }

    #[test]
    fn many_equal_names_are_told_apart() {
        let names = called(&["a"; 100_000]);
        assert_eq!((&*names[0], &*names[1], &*names[99_999]), ("a", "a_2", "a_100000"));
        assert_eq!(called(&[&"x".repeat(1000)])[0].len(), LONGEST_NAME);
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
        assert_eq!(called(&names), want);
        assert_eq!(called(&["é", "_", "array_1"]), ["array_1", "array_2", "array_1_2"]);
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
