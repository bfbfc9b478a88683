//! The words of a command: names and paths. Blanks inside quotes are part of a word.

/// A word of a line.
#[derive(Debug, PartialEq)]
pub(crate) struct Word {
    /// Its position in the line.
    pub start: usize,
    /// Its text, without quotes.
    pub text: String,
    /// The quotation mark that is not closed.
    pub open: Option<char>,
}

/// The words of a line, and whether the last one is followed by nothing.
fn split(line: &str) -> (Vec<Word>, bool) {
    let (mut words, mut within) = (Vec::<Word>::new(), false);
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !(within && words.last().is_some_and(|word| word.open.is_some())) {
            within = false;
            continue;
        }
        if !std::mem::replace(&mut within, true) {
            words.push(Word { start: at, text: String::new(), open: None });
        }
        let Some(word) = words.last_mut() else { continue };
        match (word.open, c) {
            (Some(quote), c) if quote == c => word.open = None,
            (None, '"' | '\'') => word.open = Some(c),
            (_, c) => word.text.push(c),
        }
    }
    (words, within)
}

/// The words of a line.
pub(crate) fn words(line: &str) -> Vec<String> {
    split(line).0.into_iter().map(|word| word.text).collect()
}

/// The first word of a line, and the rest.
pub(crate) fn first(line: &str) -> Option<(String, &str)> {
    let (mut word, mut open, mut started) = (String::new(), None, false);
    for (at, c) in line.char_indices() {
        match (open, c) {
            (None, c) if c.is_whitespace() && started => return Some((word, &line[at..])),
            (None, c) if c.is_whitespace() => {}
            (Some(quote), c) if quote == c => open = None,
            (None, '"' | '\'') => (open, started) = (Some(c), true),
            (_, c) => {
                word.push(c);
                started = true;
            }
        }
    }
    started.then_some((word, ""))
}

/// The word that a line ends with; none after a blank.
pub(crate) fn last(line: &str) -> Option<Word> {
    let (mut words, within) = split(line);
    words.pop().filter(|_| within)
}

/// Quotes a path as a word, with the quotation mark that is already open, if any. `None` if it
/// contains both marks.
pub(crate) fn quoted(path: &str, open: Option<char>) -> Option<String> {
    let plain = |c: char| !c.is_whitespace() && c != '\'' && c != '"';
    if open.is_none() && path.chars().all(plain) {
        return Some(path.to_string());
    }
    let quote = open.into_iter().chain(['\'', '"']).find(|quote| !path.contains(*quote))?;
    // After a folder, the word continues.
    let end = if path.ends_with('/') { String::new() } else { quote.to_string() };
    Some(format!("{quote}{path}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        assert_eq!(words(" a  'b c'd \"\" e\u{3000}f"), ["a", "b cd", "", "e", "f"]);
        assert_eq!(first(" 'a b'c d 'e'"), Some(("a bc".to_string(), " d 'e'")));
        assert_eq!((first("''"), first("  ")), (Some((String::new(), "")), None));
        assert_eq!(words("'open"), ["open"]);
        assert_eq!(words(" "), [""; 0]);
        let word = |start, text: &str, open| Some(Word { start, text: text.to_string(), open });
        assert_eq!(last("a x='b c"), word(2, "x=b c", Some('\'')));
        assert_eq!(last("a 'b c'"), word(2, "b c", None));
        assert_eq!((last("a "), last("")), (None, None));
    }

    #[test]
    fn paths_as_words() {
        for (path, open, want) in [
            ("a.npy", None, Some("a.npy")),
            ("a b.npy", None, Some("'a b.npy'")),
            ("a b/", None, Some("'a b/")),
            ("it's", None, Some("\"it's\"")),
            ("a", Some('"'), Some("\"a\"")),
            ("it's", Some('\''), Some("\"it's\"")),
            ("'\"", None, None),
        ] {
            assert_eq!(quoted(path, open).as_deref(), want);
        }
    }
}
