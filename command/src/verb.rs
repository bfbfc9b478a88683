//! The table of commands, used by parsing, help, completion and the man page.

use super::flag::Flag;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// A program is evaluated; no word says so.
    Evaluate,
    Explain,
    Bench,
    Stream,
    Functions,
    Repl,
    Help,
    Version,
    Completions,
    Man,
}

/// A command.
pub(crate) struct About {
    pub verb: Verb,
    /// The first word; none for evaluation.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// The arguments after the command's name and the options.
    pub usage: &'static str,
    /// Lines to be pasted.
    pub examples: &'static [&'static str],
    /// Paragraphs.
    pub text: &'static [&'static str],
    /// The options, except `--help`, which all commands have.
    pub options: &'static [Flag],
    /// Preformatted text.
    pub table: &'static str,
}

impl Verb {
    /// The command of a first word.
    pub(crate) fn named(word: &str) -> Option<Verb> {
        named().find(|about| about.name == word).map(|about| about.verb)
    }

    /// The row of the command.
    pub(crate) fn about(self) -> &'static About {
        // The rows stand in the order of the commands; a test checks it.
        &VERBS[self as usize]
    }

    /// Whether a program follows.
    pub(crate) fn takes_program(self) -> bool {
        matches!(self, Verb::Evaluate | Verb::Explain | Verb::Bench | Verb::Stream)
    }

    /// A command whose name a wrong word is near to.
    pub(crate) fn near(word: &str) -> Option<&'static str> {
        hotloop::ops::suggestions(word, named().map(|about| about.name)).first().copied()
    }
}

/// The commands that have a word.
pub(crate) fn named() -> impl Iterator<Item = &'static About> {
    VERBS.iter().filter(|about| !about.name.is_empty())
}

/// The shells with completions.
pub(crate) const SHELLS: &[&str] = &["bash", "zsh", "fish"];

/// The commands in order.
const VERBS: &[About] = &[
    About {
        verb: Verb::Evaluate,
        name: "",
        summary: "computes array expressions over files with native code",
        usage: "PROGRAM [NAME=FILE | NAME=NUMBER | FILE]...",
        examples: &[
            "hotloop 'sin(a)**2 + cos(b)**2' a=a.npy b=b.npy -o y.npy",
            "hotloop 'mid = (bid + ask) / 2; ask - bid, mid' bid=bid.npy ask=ask.npy",
            "hotloop 'mean(bid), std(bid)' bid=bid.npy --name mean,std --format json",
            "hotloop 'where(x > k, x, 0)' x=bid.npy k=99.5 --digits 4",
            "hotloop -f quotes.hl bid=bid.npy ask=ask.npy -o quotes.npz",
        ],
        text: &[
            "PROGRAM is text as NumPy users write it: bindings, then the outputs, separated by ';' \
             or new lines (`hotloop help language`). Names that it does not bind are inputs. -f FILE, \
             or @FILE instead of PROGRAM, reads it from a file. A program that starts with '-' may \
             need a '--' before it; one with the name of a command needs parentheses: '(bench)'.",
            "A FILE is a .npy file, or one array of another file: FILE.npz:MEMBER, FILE.csv:COLUMN, \
             or by number FILE.csv:#2. A FILE without a NAME (.csv, .tsv, .npz, .npy) supplies every \
             input that has the name of one of its arrays. A NUMBER (0.5, 3, True) takes the dtype \
             of the other operand, as a literal does; write ./3 for a file of that name.",
            "Outputs are printed, long ones abbreviated, or written to the PATH of -o: a .npy file \
             for one; for several a .npz archive, a .csv table, or a directory (PATH/) with one \
             file each. `-o -` is standard output, as a .npy file, and NAME=- standard input. Files \
             may be larger than memory: they are read and written in chunks. On a terminal a line \
             reports what was written, and a bar shows the progress of a long run.",
            "In JSON, NaN and the infinities are null.",
        ],
        options: &[
            Flag::File,
            Flag::Output,
            Flag::Name,
            Flag::Format,
            Flag::Digits,
            Flag::Full,
            Flag::Memory,
            Flag::Sep,
            Flag::Header,
            Flag::NoHeader,
            Flag::DecimalComma,
            Flag::Threads,
            Flag::Mode,
            Flag::Stats,
            Flag::Progress,
            Flag::NoProgress,
            Flag::Quiet,
            Flag::Verbose,
            Flag::Color,
            Flag::Version,
        ],
        table: "",
    },
    About {
        verb: Verb::Explain,
        name: "explain",
        summary: "shows the plan, the steps and the graph of a program",
        usage: "PROGRAM [[NAME=]FILE|NAME=NUMBER|NAME:TYPE]...",
        examples: &[
            "hotloop explain '(bid + ask) / 2' bid=bid.npy ask=ask.npy",
            "hotloop explain @quotes.hl ticks.csv",
            "hotloop explain 'a * k + b' a:f32 k:float",
            "hotloop explain 'sin(x) + cos(y)' 'x:f64[1,n]' 'y:f64[m,1]'",
            "hotloop explain --svg '(x - mean(x)) / std(x)' -o standardize.svg",
        ],
        text: &[
            "TYPE is a dtype for an array (f64, int32, ...), optionally with a shape in brackets: \
             numbers are extents, and a name is the same extent everywhere. It may also be a dtype \
             and '@' for one element (f64@), or a kind for a number that takes the dtype of the \
             other operand: int, float, weak (the same as float). An input without a TYPE is an f64 \
             array, unless a FILE without a NAME supplies it.",
            "-o writes a new .txt or .md file, or replaces an earlier explanation; with --svg a \
             .svg file.",
        ],
        options: &[
            Flag::File,
            Flag::Svg,
            Flag::Output,
            Flag::Sep,
            Flag::Header,
            Flag::NoHeader,
            Flag::DecimalComma,
            Flag::Mode,
            Flag::Quiet,
            Flag::Color,
        ],
        table: "",
    },
    About {
        verb: Verb::Bench,
        name: "bench",
        summary: "measures a program on arrays of files, or on random ones",
        usage: "PROGRAM [[NAME=]FILE|NAME=NUMBER|NAME:ARRAY]...",
        examples: &[
            "hotloop bench 'sin(a)**2 + cos(b)**2' -n 1e7 --threads 2",
            "hotloop bench '(bid + ask) / 2' bid=bid.npy ask=ask.npy",
            "hotloop bench '(bid + ask) / 2' ticks.csv",
            "hotloop bench 'a + b' 'a:f64[4000,4000]:F' 'b:f32[4000,1]' --peers",
        ],
        text: &["ARRAY is DTYPE[EXTENT,EXTENT,...]:LAYOUT, each part optional: f32, [1e6], \
             f64[20,30]:F. Without extents an array has COUNT elements. LAYOUT is C (the default), \
             F (the first axis varies fastest), rev (the last axis runs backwards), step2 (every \
             second element along the last axis) or odd (one byte past an aligned address). An \
             input that is not given is an array of COUNT elements, unless a FILE without a NAME \
             supplies it. Floats are uniform in (0, 1), integers 1 to 100, the same in every run \
             of the command."],
        options: &[
            Flag::File,
            Flag::Count,
            Flag::Dtype,
            Flag::Sep,
            Flag::Header,
            Flag::NoHeader,
            Flag::DecimalComma,
            Flag::Threads,
            Flag::Mode,
            Flag::Peers,
            Flag::Flamegraph,
            Flag::Json,
            Flag::Quiet,
            Flag::Color,
        ],
        table: "\
The keys of the JSON object:
  expression                  the program
  n                           elements of the loop: of the shape to which all
                              arrays broadcast, or of the largest array if they
                              do not
  threads                     the maximum number of threads of a run
  dtype                       the dtype of arrays without their own
  mode                        strict, contract or fast
  native                      whether native code ran; otherwise the interpreter
  compile_s                   seconds from the text to code for these types, the
                              first time in the process
  recompile_s                 the same with an engine that is made later
  min_s, median_s             seconds of one run
  bytes                       bytes of the elements that a run reads and writes,
                              each once
  gb_per_s                    bytes / min_s / 1e9
  ns_per_element              min_s / n * 1e9
  interpreter_ns_per_element  the same for the reference interpreter
  speedup                     the interpreter's time divided by hotloop's
  runs                        the number of timed runs
  floor_s                     median seconds of a loop that only moves the same
                              number of bytes, on as many threads
  floor_ratio                 median_s / floor_s
  peers                       with --peers: median seconds of c and of ndarray,
                              or null
",
    },
    About {
        verb: Verb::Stream,
        name: "stream",
        summary: "adds the outputs of a program to rows as they come",
        usage: "PROGRAM [TABLE] [NAME=NUMBER]...",
        examples: &[
            "feed | hotloop stream 'm = rolling_mean(price, 20); price / m - 1, m'",
            "hotloop stream 'ewm_mean(x, span=50)' --key account pay.jsonl -o out.jsonl",
            "hotloop stream -f risk.hl ticks.csv -o risk.csv --state risk.state --follow",
        ],
        text: &[
            "Rows of a TABLE, or of standard input, are written with the outputs behind them, each as \
             soon as it has come. A table has a line of names, unless its first line is numbers, and \
             a line for each row, as a .csv file; or each line is a JSON object, to which the \
             outputs are added. Columns are f64; a missing value is nan, True is 1. The results are those of one run over all rows, \
             however they come.",
            "Functions go along the rows: windows, running sums, shifts. What needs later rows, as \
             `mean(x)` does, is an error that names what to use. With --key, functions see the rows \
             that have the same value in a column: each symbol, or each account, has its own.",
            "A line that is wrong ends the run with an error that names it; what came before is \
             written.",
            "With --state, what has been read, computed and written is one record, which is \
             replaced at intervals, at the end and when a signal comes. A run that is started again \
             goes on from it; the last line of the table must be complete, and the table may only have \
             grown. If the table and -o are \
             files, a run may be killed at any moment: what stands behind the recorded end of the \
             output is cut off, and in the end the output is that of one run. From a pipe, rows since \
             the last record may come again; --number tells them apart.",
        ],
        options: &[
            Flag::File,
            Flag::Output,
            Flag::Name,
            Flag::Key,
            Flag::State,
            Flag::Number,
            Flag::Follow,
            Flag::Memory,
            Flag::Sep,
            Flag::Header,
            Flag::NoHeader,
            Flag::DecimalComma,
            Flag::Threads,
            Flag::Mode,
            Flag::Stats,
            Flag::Quiet,
            Flag::Color,
        ],
        table: "",
    },
    About {
        verb: Verb::Functions,
        name: "functions",
        summary: "lists the functions, or describes some",
        usage: "[NAME | PATTERN]",
        examples: &["hotloop functions", "hotloop functions clip", "hotloop functions 'arc*'"],
        text: &["In a PATTERN '*' matches any letters and '?' one letter."],
        options: &[Flag::Color],
        table: "",
    },
    About {
        verb: Verb::Repl,
        name: "repl",
        summary: "evaluates programs line by line, and keeps their variables",
        usage: "[NAME=FILE | NAME=NUMBER | FILE]...",
        examples: &["hotloop repl x=bid.npy k=0.5", "echo 'sum(x)' | hotloop repl x=bid.npy"],
        text: &[
            "`hotloop` without arguments is the same. In a session, `:help` lists its commands.",
            "A FILE is a .npy file, or one array of an .npz archive or a .csv table: \
             FILE.npz:MEMBER, FILE.csv:COLUMN. Without a NAME it supplies all its arrays, as `:load \
             FILE` does.",
            "On a terminal lines have editing, tab completion and a history. It is kept in \
             ~/.local/state/hotloop/history ($XDG_STATE_HOME is obeyed), or in the file named by \
             HOTLOOP_HISTORY; if that is empty, nowhere. Without a terminal, the lines of standard \
             input are evaluated; if one fails, the exit code is 1. Ctrl-C stops the computation \
             and, without a terminal, ends the command. Random numbers start with the seed 0; \
             `:seed` sets another.",
        ],
        options: &[
            Flag::Digits,
            Flag::Full,
            Flag::Sep,
            Flag::Header,
            Flag::NoHeader,
            Flag::DecimalComma,
            Flag::Threads,
            Flag::Mode,
            Flag::Progress,
            Flag::NoProgress,
            Flag::Quiet,
            Flag::Color,
        ],
        table: "",
    },
    About {
        verb: Verb::Help,
        name: "help",
        summary: "explains a command, a function or the language",
        usage: "[COMMAND | FUNCTION | language]",
        examples: &["hotloop help explain", "hotloop help language", "hotloop help clip"],
        text: &[],
        options: &[Flag::Color],
        table: "",
    },
    About {
        verb: Verb::Version,
        name: "version",
        summary: "prints the version",
        usage: "",
        examples: &[],
        text: &[],
        options: &[],
        table: "",
    },
    About {
        verb: Verb::Completions,
        name: "completions",
        summary: "prints a shell completion script",
        usage: "bash | zsh | fish",
        examples: &[
            "source <(hotloop completions bash)     # in ~/.bashrc",
            "hotloop completions zsh > ~/.zfunc/_hotloop",
            "hotloop completions fish > ~/.config/fish/completions/hotloop.fish",
        ],
        text: &["zsh reads ~/.zfunc if ~/.zshrc has `fpath+=~/.zfunc` before `compinit`."],
        options: &[],
        table: "",
    },
    About {
        verb: Verb::Man,
        name: "man",
        summary: "prints the man page",
        usage: "",
        examples: &["hotloop man | man -l -", "hotloop man > ~/.local/share/man/man1/hotloop.1"],
        text: &[],
        options: &[],
        table: "",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found() {
        for (place, about) in VERBS.iter().enumerate() {
            assert_eq!(about.verb as usize, place, "{}", about.name);
        }
        assert_eq!(Verb::named("explain"), Some(Verb::Explain));
        assert_eq!(Verb::named(""), None);
        assert_eq!((Verb::near("explian"), Verb::near("x")), (Some("explain"), None));
    }
}
