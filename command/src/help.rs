//! Help, as text of 80 columns.

use console::Style;
use hotloop::{Error, ErrorKind, Result};

use super::flag::Flag;
use super::functions;
use super::verb::{About, Verb, named};

/// Columns of a line.
const WIDTH: usize = 80;
/// The position of the second column of a table.
const COLUMN: usize = 24;

const LANGUAGE: &str = "  mid    = (bid + ask) / 2     # a binding; '#' starts a comment
  spread = ask - bid
  def bps(x, y) = 1e4 * x / y  # a function
  rel    = bps(spread, mid)
  mid, rel                     # the outputs, in order

Statements end with the line or with ';'. The last one may be the outputs; without
them every binding is one. Names that are not bound are inputs.

Operators   + - * / // % **   < <= == != >= >   & | ^ ~ << >>   and or not
            a if c else b     as Python's, element by element
Literals    3  0x1f  0.5  1e-3  True  pi  inf  nan
Reductions  sum(x)  mean(x, axis=0)  std(x, axis=1, keepdims=True)
Running     cumsum(x)  cummax(x, axis=0)
Views       x[1:]  x[:, None]  x[..., ::-1]  transpose(x)

`&` binds tighter than comparisons: write (a > 0) & (a < 5), or a > 0 and a < 5.
Arrays broadcast, and dtypes promote, as NumPy 2's do; a literal takes the dtype of
what it meets. `hotloop functions` lists the functions.
";

/// The help text of a topic.
///
/// # Errors
/// `Name` for an unknown topic.
pub(crate) fn topic(topic: &str) -> Result<String> {
    if let Some(verb) = Verb::named(topic) {
        return Ok(text(verb));
    }
    if topic == "language" {
        return Ok(format!("{}\n\n{LANGUAGE}", heading("The language, by an example")));
    }
    functions::detail(topic).map_err(|unknown| {
        let error = Error::new(ErrorKind::Name, format!("there is no help on {topic:?}"));
        let topics = named().map(|about| about.name).chain(["language"]);
        match hotloop::ops::suggestions(topic, topics).first() {
            Some(near) => error.hint(format!("did you mean `hotloop help {near}`?")),
            None => unknown.hints().iter().fold(error, |error, hint| error.hint(hint)),
        }
    })
}

/// The help of a command.
pub(crate) fn text(verb: Verb) -> String {
    let about = verb.about();
    let mut text = match about.name {
        "" => format!("hotloop {}\n\n", about.summary),
        name => wrap(&format!("hotloop {name} {}", about.summary), 0, 0) + "\n",
    };
    text += &format!("{} {}\n", heading("Usage:"), usage(about));
    if about.name.is_empty() {
        text += "       hotloop COMMAND [WORD]...\n       hotloop                 # a session\n";
    }
    if !about.examples.is_empty() {
        text += &format!("\n{}\n", heading("Examples:"));
        about.examples.iter().for_each(|line| text += &format!("  $ {line}\n"));
    }
    for paragraph in about.text {
        text += &format!("\n{}", wrap(paragraph, 0, 0));
    }
    if about.name.is_empty() {
        text += &format!("\n{}\n", heading("Commands:"));
        named().for_each(|other| text += &entry(other.name, other.summary));
    }
    if !about.options.is_empty() {
        text += &format!("\n{}\n", heading("Options:"));
        for flag in about.options.iter().chain(&[Flag::Help]) {
            text += &entry(&written(*flag), flag.row().about);
        }
    }
    if !about.table.is_empty() {
        text += &format!("\n{}", about.table);
    }
    if about.name.is_empty() {
        text += "\n`hotloop help COMMAND` says more of a command, `hotloop man` all of it.\n";
    }
    text
}

/// How a command is written.
pub(crate) fn usage(about: &About) -> String {
    let options = if about.options.is_empty() { "" } else { "[OPTIONS]" };
    let words = ["hotloop", about.name, options, about.usage];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The spelling of an option with its argument; long forms are aligned.
fn written(flag: Flag) -> String {
    let row = flag.row();
    let short = row.short.map(|letter| format!("-{letter}"));
    let long = row.long.map(|word| format!("--{word}"));
    let names = match (short, long) {
        (Some(short), Some(long)) => format!("{short}, {long}"),
        (None, Some(long)) => format!("    {long}"),
        (short, None) => short.unwrap_or_default(),
    };
    row.value().map(|value| format!("{names} {value}")).unwrap_or(names)
}

/// A line of a table with two columns, the second of which may need several.
pub(crate) fn entry(left: &str, right: &str) -> String {
    let right = wrap(right, COLUMN, COLUMN);
    match left.len() + 3 <= COLUMN {
        true => format!("  {left:0$}{1}", COLUMN - 2, right.trim_start()),
        false => wrap(left, 2, 6) + &right,
    }
}

/// A text in lines, the first of which is indented by so much, the others by so much.
pub(crate) fn wrap(text: &str, first: usize, rest: usize) -> String {
    let (mut lines, mut line) = (String::new(), " ".repeat(first));
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += &line;
            lines.push('\n');
            line = " ".repeat(rest);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    lines + &line + "\n"
}

/// A headline, in bold on a terminal.
pub(crate) fn heading(text: &str) -> String {
    Style::new().bold().apply_to(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal() {
        for verb in named().map(|about| about.verb).chain([Verb::Evaluate]) {
            let text = text(verb);
            assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        }
        assert!(LANGUAGE.lines().all(|line| line.len() <= 83));
        assert_eq!(wrap("a b", 1, 2), " a b\n");
        let long = format!("{} {}", "a".repeat(50), "b".repeat(50));
        assert_eq!(wrap(&long, 1, 2), format!(" {}\n  {}\n", "a".repeat(50), "b".repeat(50)));
    }

    #[test]
    fn topics() {
        assert!(topic("explain").unwrap().starts_with("hotloop explain shows"));
        assert!(topic("language").unwrap().contains("def bps"));
        assert!(topic("sin").unwrap().starts_with("sin(x)"));
        let error = topic("languge").unwrap_err();
        assert_eq!(error.hints(), ["did you mean `hotloop help language`?"]);
    }
}
