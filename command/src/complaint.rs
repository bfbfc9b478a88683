//! Errors and warnings on standard error, in colour on a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Style;
use hotloop::Error;

/// Whether only errors are printed.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Prints only errors from now on.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether only errors are printed.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Whether standard error is a terminal and messages are wanted.
pub(crate) fn is_watched() -> bool {
    !is_quiet() && io::stderr().is_terminal()
}

/// Overrides the use of colours.
pub(crate) fn color(always: bool) {
    console::set_colors_enabled(always);
    console::set_colors_enabled_stderr(always);
}

/// Writes a line to standard error, ignoring failures.
pub(crate) fn complain(message: &dyn Display) {
    let _ = writeln!(io::stderr(), "{}", painted(&message.to_string()));
}

/// Prints a warning, unless only errors are printed.
pub(crate) fn warn(message: &dyn Display) {
    if !is_quiet() {
        complain(&format_args!("warning: {message}"));
    }
}

/// Prints a note, unless only errors are printed.
pub(crate) fn note(message: &dyn Display) {
    if !is_quiet() {
        complain(&format_args!("note: {message}"));
    }
}

/// Formats an error with the file that it is in.
pub(crate) fn located(error: &Error, file: Option<&Path>) -> String {
    let text = error.to_string();
    let (Some(file), Some(span), Some(source)) = (file, error.span(), error.source_text()) else {
        return text;
    };
    let before = source.get(..span.range().start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let file = match file == Path::new("-") {
        true => "standard input".to_string(),
        false => file.display().to_string(),
    };
    // As wide as the line numbers.
    let margin = " ".repeat(line.to_string().len());
    let head = format!("error: {}", error.message());
    let rest = text.strip_prefix(&head).unwrap_or_default();
    format!("{head}\n{margin}--> {file}:{line}:{column}{rest}")
}

/// Colours a message, if standard error supports it.
fn painted(text: &str) -> String {
    if !console::colors_enabled_stderr() {
        return text.to_string();
    }
    let style = || Style::new().for_stderr().bold();
    let (red, yellow, blue) = (style().red(), style().yellow(), style().blue());
    let line = |(number, line): (usize, &str)| {
        if number == 0 {
            return headline(line, &red, &yellow);
        }
        if let Some((margin, rest)) = margin(line) {
            let carets = rest.trim_start_matches(' ');
            let pad = &rest[..rest.len() - carets.len()];
            let rest = match !carets.is_empty() && carets.bytes().all(|c| c == b'^') {
                true => format!("{pad}{}", red.apply_to(carets)),
                false => rest.to_string(),
            };
            return format!("{}{rest}", blue.apply_to(margin));
        }
        for (sign, style) in [("--> ", &blue), ("= help:", &style().cyan())] {
            let rest = line.trim_start_matches(' ');
            if let Some(rest) = rest.strip_prefix(sign) {
                let pad = &line[..line.len() - rest.len() - sign.len()];
                return format!("{pad}{}{rest}", style.apply_to(sign));
            }
        }
        line.to_string()
    };
    text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// Colours the kind of message, which may follow a line number.
fn headline(line: &str, red: &Style, yellow: &Style) -> String {
    let number =
        |before: &str| before.is_empty() || before.starts_with("line ") && before.ends_with(": ");
    for (word, style) in [("error:", red), ("warning:", yellow)] {
        if let Some(at) = line.find(word).filter(|at| number(&line[..*at])) {
            let (before, rest) = (&line[..at], &line[at + word.len()..]);
            let rest = Style::new().for_stderr().bold().apply_to(rest);
            return format!("{before}{}{rest}", style.apply_to(word));
        }
    }
    line.to_string()
}

/// The prefix of a line of the program: its number or blanks, and a bar.
fn margin(line: &str) -> Option<(&str, &str)> {
    let (number, _) = line.split_once('|')?;
    let plain = number.ends_with(' ') && number.bytes().all(|c| c == b' ' || c.is_ascii_digit());
    plain.then(|| line.split_at(number.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        color(true);
        let error = hotloop::compile("x +\n  flor(a)").unwrap_err();
        let text = painted(&located(&error, Some(Path::new("a.hl"))));
        color(false);
        assert_eq!(
            text,
            "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m\u{1b}[1m unknown function 'flor'\u{1b}[0m\n \
             \u{1b}[34m\u{1b}[1m--> \u{1b}[0ma.hl:2:3\n\
             \u{1b}[34m\u{1b}[1m  |\u{1b}[0m\n\
             \u{1b}[34m\u{1b}[1m2 |\u{1b}[0m   flor(a)\n\
             \u{1b}[34m\u{1b}[1m  |\u{1b}[0m   \u{1b}[31m\u{1b}[1m^^^^\u{1b}[0m\n  \
             \u{1b}[36m\u{1b}[1m= help:\u{1b}[0m did you mean 'floor'?"
        );
        assert_eq!(painted("error: a\n  | b"), "error: a\n  | b");
    }
}
