//! The words of a figure: its title, and the names of its axes and lines.

use super::font;

/// The labels of a figure; empty ones are omitted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Labels {
    /// Above it.
    pub title: String,
    /// Below the horizontal axis.
    pub x: String,
    /// The label of the vertical axis.
    pub y: String,
    /// The name of each line.
    pub lines: Vec<String>,
}

impl Labels {
    /// The names of the lines, if there are several.
    pub(crate) fn legend(&self) -> &[String] {
        if self.lines.len() > 1 { &self.lines } else { &[] }
    }
}

/// A text on one line: runs of blanks and unprintable characters become single blanks.
pub(crate) fn in_one_line(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    text.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text, or as much of it as is at most so long, with dots at its end.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    if most == 0 { kept } else { kept + "…" }
}

/// A text, or as much of it as is at most so wide, with dots at its end.
pub(crate) fn fitted(text: &str, size: f64, width: f64) -> String {
    if font::width(text, size) <= width {
        return text.to_string();
    }
    let mut room = width - font::width("…", size);
    let fits = |c: &char| {
        room -= font::width(c.encode_utf8(&mut [0; 4]), size);
        room >= 0.0
    };
    text.chars().take_while(fits).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit() {
        assert_eq!(in_one_line(" sin(\n  x)\u{1b}[0m "), "sin( x) [0m");
        assert_eq!((shortened("abcd", 4), shortened("abcde", 4)), ("abcd".into(), "abc…".into()));
        assert_eq!(shortened("ab", 0), "");
        let long = "x".repeat(100);
        let short = fitted(&long, 20.0, 200.0);
        assert!(short.ends_with("x…") && font::width(&short, 20.0) <= 200.0, "{short}");
        assert_eq!(fitted("x", 20.0, 200.0), "x");
    }
}
