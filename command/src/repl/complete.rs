//! Completion of the word at the cursor.

use std::collections::BTreeSet;
use std::path::{MAIN_SEPARATOR, Path};

use hotloop::DType;
use rustyline::completion::Pair;

use super::command::COMMANDS;
use super::home;
use super::session::Session;
use super::word::{self, words};
use crate::functions;

const WORDS: [&str; 12] =
    ["and", "def", "dtype=", "else", "False", "if", "inf", "nan", "not", "or", "pi", "True"];

/// Files that are shown of a folder.
const MOST_FILES: usize = 1000;

/// The known names.
#[derive(Default)]
pub(crate) struct Names {
    variables: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl Names {
    /// The current names of a session.
    pub(crate) fn of(session: &Session) -> Names {
        Names {
            variables: session.variables.keys().cloned().collect(),
            functions: session.definitions.iter().map(|d| d.name.clone()).collect(),
        }
    }

    /// Whether the session has defined a function of this name.
    pub(crate) fn is_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// The names of all that can be called.
    fn callable(&self) -> impl Iterator<Item = &str> {
        let own = self.functions.iter().map(String::as_str);
        own.chain(functions::names().map(|name: &str| name))
    }

    /// The names for a program: variables, and functions with a bracket.
    fn in_program(&self) -> impl Iterator<Item = String> {
        let calls = self.callable().map(|name| format!("{name}("));
        let words = WORDS.iter().map(|word| word.to_string());
        calls.chain(words).chain(self.variables.iter().cloned())
    }
}

/// The start of the word at the cursor, and its completions.
pub(crate) fn complete(names: &Names, line: &str, at: usize) -> (usize, Vec<Pair>) {
    let before = line.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let own = &before[start..];
    let indent = own.len() - own.trim_start().len();
    if let Some(command) = own[indent..].strip_prefix(':') {
        let (place, fitting) = argument(names, command);
        return (start + indent + 1 + place, fitting);
    }
    program(names, before)
}

/// The same in a command, without its colon.
fn argument(names: &Names, command: &str) -> (usize, Vec<Pair>) {
    let Some((verb, rest)) = command.split_once(char::is_whitespace) else {
        let commands = COMMANDS.iter().map(|(name, ..)| pair(name, format!("{name} ")));
        return (0, commands.filter(|pair| pair.replacement.starts_with(command)).collect());
    };
    let word = word::last(command);
    let start = word.as_ref().map_or(command.len(), |word| word.start);
    let (text, open) = word.map_or((String::new(), None), |word| (word.text, word.open));
    let plain = |all: &mut dyn Iterator<Item = &str>| {
        let fitting: BTreeSet<&str> = all.filter(|name| name.starts_with(&text)).collect();
        fitting.into_iter().map(|name| pair(name, name.to_string())).collect::<Vec<Pair>>()
    };
    let variables = || names.variables.iter().map(String::as_str);
    match verb {
        "load" => {
            // NAME=FILE
            let equals = command[start..].find('=').map_or(0, |equals| equals + 1);
            let path = text.split_once('=').map_or(text.as_str(), |(_, path)| path);
            (start + equals, files(path, open, |_| true))
        }
        "save" if words(rest).len() > 1 || text.is_empty() && !rest.trim().is_empty() => {
            let mut fitting = plain(&mut variables());
            fitting.extend(files(&text, open, |_| true));
            (start, fitting)
        }
        "save" => (start, plain(&mut variables())),
        "plot" | "hist" if command[..start].trim_end().ends_with(" -o") => {
            (start, files(&text, open, |name| name.to_ascii_lowercase().ends_with(".svg")))
        }
        "plot" | "hist" | "time" | "explain" => program(names, command),
        "functions" => (start, plain(&mut names.callable())),
        "help" => {
            (start, plain(&mut COMMANDS.iter().map(|(name, ..)| *name).chain(names.callable())))
        }
        "run" => (start, files(&text, open, |_| true)),
        _ => (start, Vec::new()),
    }
}

/// The same in a program.
fn program(names: &Names, before: &str) -> (usize, Vec<Pair>) {
    let start = word_of(before, |c| c.is_ascii_alphanumeric() || c == '_');
    let word = &before[start..];
    let all: BTreeSet<String> = match before[..start].trim_end().ends_with("dtype=") {
        true => DType::ALL.into_iter().map(|dtype| dtype.name().to_string()).collect(),
        // For an empty word, a list of all names is no help.
        false if word.is_empty() => BTreeSet::new(),
        false => names.in_program().collect(),
    };
    let fitting = all.into_iter().filter(|name| name.starts_with(word));
    (start, fitting.map(|name| pair(&name, name.clone())).collect())
}

fn pair(shown: &str, replacement: String) -> Pair {
    Pair { display: shown.to_string(), replacement }
}

/// Where the word that ends the text begins.
fn word_of(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.char_indices().rev().take_while(|(_, c)| inside(*c)).last().map_or(text.len(), |(i, _)| i)
}

/// The files of a kind and the folders whose paths begin so, as words of a command.
fn files(start: &str, open: Option<char>, is_meant: impl Fn(&str) -> bool) -> Vec<Pair> {
    let split = start.rfind(MAIN_SEPARATOR).map_or(0, |i| i + 1);
    let (folder, name) = start.split_at(split);
    let place = if folder.is_empty() { ".".into() } else { home::expanded(Path::new(folder)) };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<Pair> = entries
        .flatten()
        .filter_map(|entry| {
            let own = entry.file_name().into_string().ok()?;
            let hidden = own.starts_with('.') && !name.starts_with('.');
            if hidden || !own.starts_with(name) || own.contains(char::is_control) {
                return None;
            }
            let is_folder = entry.path().is_dir();
            let slash = if is_folder { "/" } else { "" };
            let path = word::quoted(&format!("{folder}{own}{slash}"), open)?;
            (is_folder || is_meant(&own)).then(|| pair(&format!("{own}{slash}"), path))
        })
        .take(MOST_FILES)
        .collect();
    found.sort_by(|a, b| a.display.cmp(&b.display));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> (usize, Vec<String>) {
        let names = Names {
            variables: ["spread".to_string(), "été".to_string()].into(),
            functions: ["square_root".to_string()].into(),
        };
        let (start, pairs) = complete(&names, line, line.len());
        (start, pairs.into_iter().map(|pair| pair.replacement).collect())
    }

    #[test]
    fn names_functions_and_commands() {
        let list = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(completed("x + sq"), (4, list(&["sqrt(", "square(", "square_root("])));
        assert_eq!(completed("spr"), (0, list(&["spread"])));
        assert_eq!(completed("(lins"), (1, list(&["linspace("])));
        assert_eq!(completed(":hi"), (1, list(&["hist "])));
        assert_eq!(completed(":plot spr"), (6, list(&["spread"])));
        assert_eq!(completed("x + "), (4, list(&[])));
        assert_eq!(completed("é"), (2, list(&[])));
        assert_eq!(completed(":functions spread"), (11, list(&[])));
        assert_eq!(completed(":functions sinh"), (11, list(&["sinh"])));
        assert_eq!(completed(":help pl"), (6, list(&["plot"])));
        assert_eq!(completed("zeros(3, dtype=u3"), (15, list(&["u32"])));
        assert_eq!(completed(":save s"), (6, list(&["spread"])));
        assert_eq!(completed(":vars s"), (6, list(&[])));
        assert_eq!(completed("1 +\n:hi"), (5, list(&["hist "])));
    }

    #[test]
    fn files_and_folders() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ticks.csv"), "").unwrap();
        std::fs::create_dir(dir.path().join("tickets")).unwrap();
        let line = format!(":load t={}/tick", dir.path().display());
        let (start, found) = completed(&line);
        assert_eq!(start, 8);
        let folder = dir.path().display().to_string();
        assert_eq!(found, [format!("{folder}/tickets/"), format!("{folder}/ticks.csv")]);
        assert_eq!(completed(":load /no/such/fo").1, [""; 0]);
        let all = [format!("{folder}/tickets/"), format!("{folder}/ticks.csv")];
        assert_eq!(completed(&format!(":save spread {folder}/tick")), (13, all.to_vec()));
        assert_eq!(completed(&format!(":plot spread -o {folder}/tick")).1, all[..1]);
        assert_eq!(completed(":save spread zer").1, [""; 0]);
    }

    #[test]
    fn paths_are_written_as_words() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().display().to_string();
        for name in ["my ticks.csv", "it's.npy"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("a b")).unwrap();
        for (typed, want) in [
            (format!("{folder}/my"), format!("'{folder}/my ticks.csv'")),
            (format!("t={folder}/my"), format!("'{folder}/my ticks.csv'")),
            (format!("\"{folder}/my ti"), format!("\"{folder}/my ticks.csv\"")),
            (format!("t='{folder}/my ti"), format!("'{folder}/my ticks.csv'")),
            (format!("{folder}/it"), format!("\"{folder}/it's.npy\"")),
            (format!("{folder}/a"), format!("'{folder}/a b/")),
        ] {
            let line = format!(":load {typed}");
            let (start, found) = completed(&line);
            assert_eq!(
                (start, &found[..]),
                (6 + 2 * usize::from(typed.starts_with("t=")), &[want.clone()][..])
            );
            if !want.ends_with('/') {
                let word = format!("{}{want}", &line[6..start]);
                let read = words(&word).join(" ");
                assert!(std::fs::exists(read.trim_start_matches("t=")).unwrap(), "{read}");
            }
        }
    }
}
