//! The table of options: spellings, arguments and descriptions.
//!
//! Parsing, help, completion and the man page read the one table here.

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    File,
    Output,
    Name,
    Format,
    Digits,
    Full,
    Memory,
    Sep,
    Header,
    NoHeader,
    DecimalComma,
    Threads,
    Mode,
    Stats,
    Progress,
    NoProgress,
    Quiet,
    Verbose,
    Color,
    Svg,
    Count,
    Dtype,
    Peers,
    Flamegraph,
    Json,
    Key,
    State,
    Number,
    Follow,
    Help,
    Version,
}

/// The argument of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing.
    Nothing,
    /// Something that help calls so.
    Text(&'static str),
    /// A path that help calls so.
    Path(&'static str),
    /// One of some words, which help calls so.
    Word(&'static str, &'static [&'static str]),
}

/// An option as it is written.
#[derive(Debug)]
pub(crate) struct Row {
    pub flag: Flag,
    pub short: Option<char>,
    pub long: Option<&'static str>,
    pub takes: Takes,
    /// The description.
    pub about: &'static str,
}

/// The floating-point mode.
pub(crate) const MODES: &[&str] = &["strict", "contract", "fast"];
/// The format of printed outputs.
pub(crate) const FORMATS: &[&str] = &["text", "json", "csv", "npy"];
/// When colours are used.
pub(crate) const COLORS: &[&str] = &["auto", "always", "never"];

macro_rules! table {
    ($($flag:ident $short:expr, $long:expr, $takes:expr, $about:expr;)*) => {
        &[$(Row { flag: Flag::$flag, short: $short, long: $long, takes: $takes, about: $about }),*]
    };
}

const TABLE: &[Row] = {
    use Takes::*;
    table! {
        File Some('f'), Some("file"), Path("FILE"),
            "take the program from FILE instead of the first word; '-' is standard input";
        Output Some('o'), Some("output"), Path("PATH"),
            "write to PATH instead of standard output";
        Name None, Some("name"), Text("NAMES"),
            "names for the outputs, one each: mid,spread";
        Format None, Some("format"), Word("FORMAT", FORMATS),
            "output format: text (the default); json, lists under the outputs' names; csv, a \
             column for each output; npy, one output as a .npy file";
        Digits None, Some("digits"), Text("N"),
            "print floats with at most N significant digits, 1 to 17; 17 distinguish all floats";
        Full None, Some("full"), Nothing,
            "print long arrays to their last element";
        Memory None, Some("memory"), Text("SIZE"),
            "approximate memory limit of a run: 64MiB, 2GB; 1GiB by default";
        Sep None, Some("sep"), Text("CHAR"),
            "separator of a table's fields: a character, tab, or blank; detected by default";
        Header None, Some("header"), Nothing,
            "the first line of a table has names, even if all are numbers";
        NoHeader None, Some("no-header"), Nothing,
            "the first line of a table has values; its columns are column_1, column_2, ...";
        DecimalComma None, Some("decimal-comma"), Nothing,
            "in tables 2,5 is two and a half";
        Threads None, Some("threads"), Text("N"),
            "at most N threads, 1 to 1024; by default all that this process may use";
        Mode None, Some("mode"), Word("MODE", MODES),
            "floating-point mode: strict (the default), contract, fast";
        Stats None, Some("stats"), Nothing,
            "print statistics of the run: memory, bytes, copies, the time of each pass";
        Progress None, Some("progress"), Nothing,
            "show a progress bar at once, not only for runs longer than a second";
        NoProgress None, Some("no-progress"), Nothing,
            "show no progress bar";
        Quiet Some('q'), Some("quiet"), Nothing,
            "print only errors";
        Verbose Some('v'), Some("verbose"), Nothing,
            "report written files even if standard error is not a terminal";
        Color None, Some("color"), Word("WHEN", COLORS),
            "colour messages: auto (the default: on a terminal, unless NO_COLOR is set), always, \
             never";
        Svg None, Some("svg"), Nothing,
            "draw the passes over the data: what each computes, reads and writes";
        Count Some('n'), None, Text("COUNT"),
            "elements of each array without extents; 1e7 by default";
        Dtype None, Some("dtype"), Text("TYPE"),
            "dtype of arrays without their own; f64 by default";
        Peers None, Some("peers"), Nothing,
            "also time a plain loop in C, built by the system's compiler (cc), and ndarray, \
             operation by operation; interleaved with the program";
        Flamegraph None, Some("flamegraph"), Path("FILE.svg"),
            "instead, draw a flame graph recorded by Linux's `perf`";
        Json None, Some("json"), Nothing,
            "print one JSON object";
        Key None, Some("key"), Text("COLUMN"),
            "a state of its own for each value of COLUMN: functions see the rows with the same one";
        State None, Some("state"), Path("FILE"),
            "keep the state in FILE, and go on from there when started again";
        Number None, Some("number"), Nothing,
            "begin each row with its number, from 0, in a column `row`";
        Follow None, Some("follow"), Nothing,
            "at the end of a file wait for more, as `tail -f` does";
        Help Some('h'), Some("help"), Nothing,
            "this text";
        Version Some('V'), Some("version"), Nothing,
            "the version";
    }
};

impl Flag {
    /// The option's row.
    pub(crate) fn row(self) -> &'static Row {
        // The rows stand in the order of the options; a test checks it.
        &TABLE[self as usize]
    }

    /// All options.
    pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
        TABLE.iter()
    }

    /// The option that a word is, as `--output` or `-o`.
    pub(crate) fn named(word: &str) -> Option<Flag> {
        TABLE.iter().find(|row| row.spellings().any(|spelling| spelling == word)).map(|r| r.flag)
    }

    /// The option's own name.
    pub(crate) fn name(self) -> String {
        self.row().spellings().last().unwrap_or_default()
    }
}

impl Row {
    /// How it is written, the short form before the long one.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = String> {
        let short = self.short.map(|letter| format!("-{letter}"));
        short.into_iter().chain(self.long.map(|word| format!("--{word}")))
    }

    /// The name of the argument in help.
    pub(crate) fn value(&self) -> Option<&'static str> {
        match self.takes {
            Takes::Nothing => None,
            Takes::Text(value) | Takes::Path(value) | Takes::Word(value, _) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.flag as usize, place, "{row:?}");
            assert!(row.spellings().all(|word| Flag::named(&word) == Some(row.flag)), "{row:?}");
        }
        assert_eq!(Flag::named("--outptu"), None);
        assert_eq!((Flag::Count.name(), Flag::Output.name()), ("-n".into(), "--output".into()));
    }
}
