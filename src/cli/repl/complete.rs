//! What a word at the cursor may become.

use std::collections::BTreeSet;
use std::path::{MAIN_SEPARATOR, Path};

use hotloop::DType;
use hotloop::ops::{self, RESOLVED};
use rustyline::completion::Pair;

use super::command::COMMANDS;
use super::makers::MAKERS;
use super::session::Session;

const WORDS: [&str; 12] =
    ["and", "def", "dtype=", "else", "False", "if", "inf", "nan", "not", "or", "pi", "True"];

/// Files that are shown of a folder.
const MOST_FILES: usize = 1000;

/// The names that there are.
#[derive(Default)]
pub(crate) struct Names {
    variables: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl Names {
    /// Those of a session at this moment.
    pub(crate) fn of(session: &Session) -> Names {
        Names {
            variables: session.variables.keys().cloned().collect(),
            functions: session.definitions.names().map(str::to_string).collect(),
        }
    }

    /// Whether the session has defined a function of this name.
    pub(crate) fn is_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// All names that begin so: variables, then what can be called, with its bracket.
    fn beginning(&self, start: &str) -> BTreeSet<String> {
        let known = ops::functions()
            .flat_map(|row| row.aliases.iter().copied().chain([row.name]))
            .chain(RESOLVED.iter().map(|(name, ..)| *name))
            .chain(MAKERS.iter().map(|(name, ..)| *name))
            .chain(DType::ALL.into_iter().map(|dtype| dtype.name()))
            .chain(self.functions.iter().map(String::as_str))
            .map(|name| format!("{name}("));
        let words = WORDS.iter().map(|word| word.to_string());
        let all = known.chain(words).chain(self.variables.iter().cloned());
        all.filter(|name| name.starts_with(start)).collect()
    }
}

/// Where the word at the cursor begins, and what may stand there instead.
pub(crate) fn complete(names: &Names, line: &str, at: usize) -> (usize, Vec<Pair>) {
    let before = line.get(..at).unwrap_or_default();
    let text = before.trim_start();
    if let Some(command) = text.strip_prefix(':') {
        let start = before.len() - command.len();
        if !command.contains(char::is_whitespace) {
            let names = COMMANDS.iter().map(|(name, ..)| *name);
            let fitting = names.filter(|name| name.starts_with(command));
            return (start, fitting.map(|name| pair(name, format!("{name} "))).collect());
        }
        let word = word_of(before, |c| !c.is_whitespace() && c != '=');
        if takes_files(command)
            && (command.starts_with("load")
                || before[..word].ends_with("-o ")
                || before[word..].contains(['/', '.']))
        {
            return (word, files(&before[word..]));
        }
    }
    let start = word_of(before, |c| c.is_ascii_alphanumeric() || c == '_');
    let word = &before[start..];
    let fitting = names.beginning(word).into_iter().map(|name| pair(&name, name.clone()));
    // Every name there is, of which nothing is typed, is no help.
    (start, if word.is_empty() { Vec::new() } else { fitting.collect() })
}

fn takes_files(command: &str) -> bool {
    ["load", "save", "plot", "hist"].iter().any(|verb| command.starts_with(verb))
}

fn pair(shown: &str, replacement: String) -> Pair {
    Pair { display: shown.to_string(), replacement }
}

/// Where the word that ends the text begins.
fn word_of(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.char_indices().rev().take_while(|(_, c)| inside(*c)).last().map_or(text.len(), |(i, _)| i)
}

/// The files and folders whose paths begin so.
fn files(start: &str) -> Vec<Pair> {
    let split = start.rfind(MAIN_SEPARATOR).map_or(0, |i| i + 1);
    let (folder, name) = start.split_at(split);
    let place = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<Pair> = entries
        .flatten()
        .filter_map(|entry| {
            let own = entry.file_name().into_string().ok()?;
            let hidden = own.starts_with('.') && !name.starts_with('.');
            if hidden || !own.starts_with(name) || own.contains(char::is_control) {
                return None;
            }
            let slash = if entry.path().is_dir() { "/" } else { "" };
            Some(pair(&format!("{own}{slash}"), format!("{folder}{own}{slash}")))
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
    }
}
