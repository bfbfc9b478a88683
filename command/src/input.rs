//! Parsing of inputs on the command line: numbers, arrays in files, and whole files.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use hotloop::types::Kind;
use hotloop::{Arg, ArgType};

use super::csv::Dialect;
use super::file::Address;

/// The meaning of `-` as an input.
pub(crate) const STANDARD_INPUT: &str = "/dev/stdin";

/// The form of an input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// A number.
    Number(Number),
    /// An array in a file.
    File(PathBuf),
}

/// A weak number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// `True` or `False`.
    Bool(bool),
    /// Digits.
    Int(i64),
    /// A decimal point, an exponent, `inf` or `nan`.
    Float(f64),
}

impl Number {
    /// The number that a word is, if it is one.
    ///
    /// # Errors
    /// An integer beyond `i64`.
    pub(crate) fn parse(word: &str) -> Result<Option<Number>, String> {
        match word {
            "True" => return Ok(Some(Number::Bool(true))),
            "False" => return Ok(Some(Number::Bool(false))),
            "inf" | "-inf" | "nan" => return Ok(word.parse().ok().map(Number::Float)),
            _ => {}
        }
        let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Ok(None);
        }
        let plain = word.replace('_', "");
        if digits.bytes().all(|c| c.is_ascii_digit() || c == b'_') {
            let value = plain.parse().map_err(|_| {
                format!("the number {word} does not fit i64; write it in the program")
            })?;
            return Ok(Some(Number::Int(value)));
        }
        Ok(plain.parse().ok().map(Number::Float))
    }

    /// The number as an argument.
    pub(crate) fn arg(self) -> Arg<'static> {
        match self {
            Number::Bool(x) => x.into(),
            Number::Int(x) => x.into(),
            Number::Float(x) => x.into(),
        }
    }

    /// The number's type.
    pub(crate) fn ty(self) -> ArgType {
        ArgType::weak(match self {
            Number::Bool(_) => Kind::Bool,
            Number::Int(_) => Kind::Int,
            Number::Float(_) => Kind::Float,
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Bool(true) => f.write_str("True"),
            Number::Bool(false) => f.write_str("False"),
            Number::Int(x) => x.fmt(f),
            // Always with a point or an exponent, so that it does not read as an integer.
            Number::Float(x) => write!(f, "{x:?}"),
        }
    }
}

/// The words that the language keeps for itself.
const RESERVED: [&str; 11] =
    ["and", "or", "not", "if", "else", "def", "True", "False", "pi", "inf", "nan"];

/// Whether the language can call a variable so.
pub(crate) fn is_name(text: &str) -> bool {
    is_word(text) && !RESERVED.contains(&text)
}

/// Whether a text is made as names are.
pub(crate) fn is_word(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// The inputs of a command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inputs {
    /// The inputs with a name, each once.
    pub named: Vec<(String, Given)>,
    /// Files whose arrays have the names that the files say.
    pub files: Vec<PathBuf>,
    /// How the tables among them are written.
    pub dialect: Dialect,
}

impl Inputs {
    /// Reads words of the form `name=file`, `name=number` or `file`.
    ///
    /// # Errors
    /// Another form; a name that is given twice.
    pub(crate) fn parse(words: &[OsString], dialect: Dialect) -> Result<Inputs, String> {
        let mut inputs = Inputs { dialect, ..Inputs::default() };
        let is_standard = |given: &Given| *given == Given::File(STANDARD_INPUT.into());
        for word in words {
            if is_file(word) {
                inputs.files.push(word.into());
                continue;
            }
            let (name, given) = input(word)?;
            if inputs.named.iter().any(|(n, _)| *n == name) {
                return Err(format!("the input {name} is given twice"));
            }
            let mut others = inputs.named.iter().filter(|(_, given)| is_standard(given));
            if let Some((other, _)) = others.next().filter(|_| is_standard(&given)) {
                return Err(format!("{other} and {name} cannot both be read from standard input"));
            }
            inputs.named.push((name, given));
        }
        Ok(inputs)
    }
}

/// Whether a word is a file, or a part of one, without the name of an input before it.
pub(crate) fn is_file(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=');
    let before = &bytes[..equals.unwrap_or_default()];
    let named = equals.is_some() && !before.iter().any(|byte| b"/.".contains(byte));
    !named && Address::of(Path::new(word)).has_known_format()
}

/// An input of the form `name=file` or `name=number`.
///
/// # Errors
/// Another form.
pub(crate) fn input(word: &OsStr) -> Result<(String, Given), String> {
    let (name, value) = match word.to_str() {
        Some(text) => text.split_once('=').map(|(name, value)| (name, value.into())),
        None => split_bytes(word),
    }
    .ok_or_else(|| {
        format!(
            "{word:?} is not of the form NAME=FILE or NAME=NUMBER, nor a file that is called .csv, \
             .tsv, .npz or .npy"
        )
    })?;
    if !is_name(name) {
        return Err(format!("{name:?} cannot be the name of an input"));
    }
    let number = match value.to_str() {
        Some("") => return Err(format!("{name}= lacks a file or a number")),
        Some("-") => return Ok((name.to_string(), Given::File(STANDARD_INPUT.into()))),
        Some(text) => Number::parse(text)?,
        None => None,
    };
    Ok((name.to_string(), number.map_or(Given::File(value.into()), Given::Number)))
}

/// As `split_once('=')`, for paths that may not be UTF-8.
fn split_bytes(word: &OsStr) -> Option<(&str, OsString)> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = word.as_bytes();
        let at = bytes.iter().position(|c| *c == b'=')?;
        Some((str::from_utf8(&bytes[..at]).ok()?, OsStr::from_bytes(&bytes[at + 1..]).into()))
    }
    #[cfg(not(unix))]
    {
        let _ = word;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (word, number) in [
            ("3", Some(Number::Int(3))),
            ("-3", Some(Number::Int(-3))),
            ("1_000", Some(Number::Int(1000))),
            ("-9223372036854775808", Some(Number::Int(i64::MIN))),
            ("0.5", Some(Number::Float(0.5))),
            (".5", Some(Number::Float(0.5))),
            ("1e-3", Some(Number::Float(1e-3))),
            ("-inf", Some(Number::Float(f64::NEG_INFINITY))),
            ("True", Some(Number::Bool(true))),
            ("./3", None),
            ("3.npy", None),
            ("a.npy", None),
            ("infinity", None),
            ("..", None),
        ] {
            assert_eq!(Number::parse(word), Ok(number), "{word}");
        }
        assert!(Number::parse("9223372036854775808").is_err());
    }

    #[test]
    fn words_are_inputs_or_files() {
        let parse = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            Inputs::parse(&words, Dialect::default())
        };
        let inputs =
            parse(&["a=x.npy", "t.csv", "k=3", "dir.d/a=b.npz", "t.tsv:x", "x.NPY"]).unwrap();
        let named = [("a", Given::File("x.npy".into())), ("k", Given::Number(Number::Int(3)))];
        assert_eq!(inputs.named, named.map(|(name, given)| (name.to_string(), given)));
        assert_eq!(inputs.files, ["t.csv", "dir.d/a=b.npz", "t.tsv:x", "x.NPY"].map(PathBuf::from));
        for words in [&["a"][..], &["a=1", "a=t.csv"], &["notes.txt"], &["if=t.csv"], &["2a=t.csv"]]
        {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
