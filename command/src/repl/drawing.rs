//! The arguments of `:plot` and `:hist`: `[X,] Y, ... [OPTIONS]`, or with `--index` `Y, ...`.

use std::path::{Path, PathBuf};

use hotloop::{Error, ErrorKind, Result};

use super::home;
use super::scan::{Piece, Scan, first_end, split_commas};
use super::word;
use crate::input::is_word;
use crate::plot::{Form, Kind, Labels, in_one_line};

/// A figure that is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Drawing {
    /// The kind of figure.
    pub kind: Kind,
    /// The arrays: x first, if there are several and no index, then the y values.
    pub programs: Vec<String>,
    /// Whether all are heights, over their places in the arrays.
    pub index: bool,
    /// The words around it.
    pub labels: Labels,
    /// The path of the file; `None` prints the figure.
    pub file: Option<(PathBuf, Form)>,
}

/// The options of a line, and the other words.
#[derive(Default)]
struct Words<'a> {
    histogram: bool,
    index: bool,
    title: Option<String>,
    x: Option<String>,
    y: Option<String>,
    file: Option<String>,
    others: Vec<&'a str>,
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Arity, message)
}

impl Drawing {
    /// Reads a line.
    ///
    /// # Errors
    /// `Arity` for a wrong number of arrays, and for unknown options.
    pub(crate) fn read(kind: Kind, line: &str) -> Result<Drawing> {
        let words = Words::read(line)?;
        let kind = if words.histogram { Kind::Histogram } else { kind };
        let programs = programs(&words.others)?;
        if programs.is_empty() || kind == Kind::Histogram && programs.len() > 1 {
            return Err(match kind {
                Kind::Points => {
                    usage("nothing to draw is named").hint("write ':plot Y' or ':plot X, Y'")
                }
                Kind::Histogram => usage("a histogram is of one array").hint("write ':hist X'"),
            });
        }
        let file = words.file.map(|file| -> Result<_> {
            let path = home::expanded(Path::new(&file));
            let form = Form::of(&path);
            let error = || usage("a figure is written to -o FILE.svg or -o FILE.png");
            Ok((path, form.ok_or_else(error)?))
        });
        let shown: Vec<String> = programs.iter().map(|program| in_one_line(program)).collect();
        let (x, lines) = match &shown[..] {
            [x, lines @ ..] if !lines.is_empty() && !words.index => (x.clone(), lines),
            lines => (String::new(), lines),
        };
        let all = lines.join(", ");
        // With a title given, the default title becomes the axis label.
        let (x, y) = match (kind, words.title.is_some()) {
            (Kind::Histogram, true) => (all.clone(), "count".to_string()),
            (Kind::Histogram, false) => (x, "count".to_string()),
            (Kind::Points, true) => (x, all.clone()),
            (Kind::Points, false) => (x, String::new()),
        };
        let labels = Labels {
            title: words.title.unwrap_or(all),
            x: words.x.unwrap_or(x),
            y: words.y.unwrap_or(y),
            lines: lines.to_vec(),
        };
        Ok(Drawing { kind, programs, index: words.index, labels, file: file.transpose()? })
    }
}

impl<'a> Words<'a> {
    fn read(line: &'a str) -> Result<Words<'a>> {
        let mut words = Words::default();
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (name, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let text = match name {
                "--hist" | "--index" => {
                    match name {
                        "--hist" => words.histogram = true,
                        _ => words.index = true,
                    }
                    rest = after.trim_start();
                    continue;
                }
                "--title" => &mut words.title,
                "--xlabel" => &mut words.x,
                "--ylabel" => &mut words.y,
                "-o" | "--output" => &mut words.file,
                _ if name.starts_with("--") && is_word(&name[2..]) => {
                    let error = usage(&format!("there is no option {name}"));
                    return Err(
                        error.hint("there are --title, --xlabel, --ylabel, --index, --hist and -o")
                    );
                }
                _ => {
                    let end = first_end(rest);
                    // A comment is not drawn.
                    if end == 0 {
                        break;
                    }
                    words.others.push(&rest[..end]);
                    rest = rest[end..].trim_start();
                    continue;
                }
            };
            let (value, after) =
                word::first(after).ok_or_else(|| usage(&format!("{name} lacks a text")))?;
            // A path is taken as it is.
            *text =
                Some(if matches!(name, "-o" | "--output") { value } else { in_one_line(&value) });
            rest = after.trim_start();
        }
        Ok(words)
    }
}

/// The programs: between commas, or between blanks if there is no comma.
fn programs(words: &[&str]) -> Result<Vec<String>> {
    let whole = words.join(" ");
    if Scan::from(&whole, 0).any(|(_, piece)| piece == Piece::Symbol(b';')) {
        let error = usage("what is drawn is separated by commas, not by ';'");
        return Err(error.hint("write ':plot X, Y'; a binding is a line of its own, before"));
    }
    let parts = split_commas(&whole);
    if parts.len() > 1 {
        let parts: Vec<String> = parts.into_iter().map(|part| part.trim().to_string()).collect();
        return match parts.iter().any(String::is_empty) {
            true => Err(usage("there is nothing between two commas, or after the last one")),
            false => Ok(parts),
        };
    }
    // A separate operator means that the blanks are inside an expression.
    if words.len() > 1 && words.iter().any(|word| hotloop_grammar::parse(word).is_err()) {
        let error = usage("blanks stand between what is drawn, and commas if there are any");
        return Err(error.hint(format!("what has blanks in it is put in parentheses: ({whole})")));
    }
    Ok(words.iter().map(|word| word.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Drawing> {
        Drawing::read(Kind::Points, line)
    }

    #[test]
    fn what_is_drawn() {
        for (line, programs) in [
            ("x", &["x"][..]),
            ("x (y - 1)", &["x", "(y - 1)"]),
            ("x sin(x) cos(x)", &["x", "sin(x)", "cos(x)"]),
            ("x, sin(x) + 1, f(x, 2)", &["x", "sin(x) + 1", "f(x, 2)"]),
            ("x -x", &["x", "-x"]),
            ("x[1, 2] --title t # z", &["x[1, 2]"]),
        ] {
            assert_eq!(read(line).unwrap().programs, programs, "{line}");
        }
        for wrong in [
            "",
            "x, y --hist",
            "x --bars",
            "x y --hist",
            "x -o a.pdf",
            "x -o",
            "x - 1",
            "x,, y",
            "x,",
            "x --title",
            "-o a.svg",
            "x; y",
            "x; y --hist",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let error = read("x > 3").unwrap_err().to_string();
        assert!(error.contains("in parentheses: (x > 3)"), "{error}");
        let error = read("bid; ask").unwrap_err().to_string();
        assert!(error.contains("separated by commas, not by ';'"), "{error}");
    }

    #[test]
    fn options_stand_anywhere() {
        let drawing =
            read("--title 'a  -o b' x, y --ylabel \"h (m\" -o 'a (b.SVG' --xlabel t").unwrap();
        assert_eq!(drawing.programs, ["x", "y"]);
        assert_eq!(drawing.file, Some(("a (b.SVG".into(), Form::Svg)));
        assert!(!drawing.index && read("x, y --index").unwrap().index);
        let Labels { title, x, y, lines } = drawing.labels;
        assert_eq!(
            (&*title, &*x, &*y, &lines[..]),
            ("a -o b", "t", "h (m", &["y".to_string()][..])
        );
        let drawing = read("x --hist -o a.png").unwrap();
        assert_eq!(
            (drawing.kind, drawing.file),
            (Kind::Histogram, Some(("a.png".into(), Form::Png)))
        );
    }

    #[test]
    fn words_that_are_not_given_are_the_programs() {
        let labels = |line: &str| {
            let Labels { title, x, y, lines } = read(line).unwrap().labels;
            (title, x, y, lines.len())
        };
        let of = |title: &str, x: &str, y: &str, lines| (title.into(), x.into(), y.into(), lines);
        assert_eq!(labels("sin(x)"), of("sin(x)", "", "", 1));
        assert_eq!(labels("x, sin(x), cos(x)"), of("sin(x), cos(x)", "x", "", 2));
        assert_eq!(labels("x --hist"), of("x", "", "count", 1));
        assert_eq!(labels("x, y --title '' --xlabel ''"), of("", "", "y", 1));
        assert_eq!(labels("bid, ask --index"), of("bid, ask", "", "", 2));
        assert_eq!(labels("--index bid, ask --title Quotes"), of("Quotes", "", "bid, ask", 2));
        assert_eq!(labels("x --hist --title Prices"), of("Prices", "x", "count", 1));
    }
}
