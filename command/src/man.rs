//! The man page, in roff, from the tables that help is made of.

use super::flag::{Flag, Row};
use super::help::usage;
use super::verb::{About, Verb, named};

/// The page.
pub(crate) fn page() -> String {
    let main = Verb::Evaluate.about();
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH HOTLOOP 1 \"\" \"hotloop {version}\" \"User Commands\"\n.nh\n.ad l\n\
         .SH NAME\nhotloop \\- {}\n.SH SYNOPSIS\n",
        escaped(main.summary)
    );
    page += &format!("{}\n", synopsis(main));
    named().for_each(|about| page += &format!(".br\n{}\n", synopsis(about)));
    page += ".SH DESCRIPTION\n";
    page += &paragraphs(main);
    page += ".SH OPTIONS\n";
    page += &options(main);
    page += ".SH COMMANDS\n";
    for about in named() {
        page += &format!(".SS {}\n{}\n", escaped(&usage(about)), sentence(about.summary));
        page += &paragraphs(about);
        page += &examples(about);
        page += &options(about);
        if !about.table.is_empty() {
            page += &format!(".PP\n.nf\n{}.fi\n", lines(about.table));
        }
    }
    page += ".SH EXAMPLES\n";
    page += &examples(main);
    page += ".SH EXIT STATUS\n";
    for (status, about) in EXITS {
        page += &format!(".TP\n.B {status}\n{about}\n");
    }
    page += ".SH ENVIRONMENT\n";
    for (name, about) in VARIABLES {
        page += &format!(".TP\n.B {name}\n{}\n", escaped(about));
    }
    page
}

const EXITS: [(&str, &str); 4] = [
    ("0", "All went well."),
    ("1", "A program, a file or the run has an error, which standard error tells."),
    ("2", "The command line makes no sense."),
    ("128 + n", "The signal n ended it; Ctrl-C: 130."),
];

const VARIABLES: [(&str, &str); 4] = [
    ("NO_COLOR", "If it is set, no message is coloured."),
    ("HOTLOOP_HISTORY", "The file that keeps the lines of sessions; none if it is empty."),
    ("HOTLOOP_ISA", "baseline, avx2 or avx512: the most of the processor that is used."),
    ("HOTLOOP_PERF", "map or jitdump: what Linux's perf is told of compiled code; off."),
];

/// How a command is written, its own words in bold.
fn synopsis(about: &About) -> String {
    let usage = usage(about);
    let own = format!("hotloop {}", about.name);
    let own = own.trim_end();
    format!("\\fB{}\\fR{}", escaped(own), escaped(usage.strip_prefix(own).unwrap_or_default()))
}

fn sentence(summary: &str) -> String {
    let mut letters = summary.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    escaped(&format!("{}{}.", first.map(String::from).unwrap_or_default(), letters.as_str()))
}

fn paragraphs(about: &About) -> String {
    about.text.iter().map(|text| format!(".PP\n{}\n", escaped(text))).collect()
}

fn examples(about: &About) -> String {
    match about.examples.is_empty() {
        true => String::new(),
        false => {
            let lines: String =
                about.examples.iter().map(|l| format!("{}\n", escaped(l))).collect();
            format!(".PP\n.nf\n.RS 4\n{lines}.RE\n.fi\n")
        }
    }
}

fn options(about: &About) -> String {
    let flags = about.options.iter().map(|flag| flag.row());
    flags.chain((!about.options.is_empty()).then(|| Flag::Help.row())).map(option).collect()
}

fn option(row: &Row) -> String {
    let names: Vec<String> =
        row.spellings().map(|name| format!("\\fB{}\\fR", escaped(&name))).collect();
    let value = row.value().map(|value| format!(" \\fI{}\\fR", escaped(value)));
    format!(".TP\n{}{}\n{}\n", names.join(", "), value.unwrap_or_default(), escaped(row.about))
}

fn lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", escaped(line))).collect()
}

/// A text of one line in which roff sees nothing but text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    // A line that starts so is an instruction.
    if text.starts_with(['.', '\'']) {
        out += "\\&";
    }
    for c in text.chars() {
        match c {
            '\\' => out += "\\e",
            '-' => out += "\\-",
            '\'' => out += "\\(aq",
            '`' => out += "\\(ga",
            '^' => out += "\\(ha",
            '~' => out += "\\(ti",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_there() {
        let page = page();
        for about in named() {
            assert!(page.contains(&format!(".SS hotloop {}", about.name)), "{}", about.name);
        }
        let options = Verb::Evaluate.about().options;
        assert!(options.iter().all(|flag| page.contains(&escaped(&flag.name()))));
        assert_eq!(escaped("'a' \\ -b"), "\\&\\(aqa\\(aq \\e \\-b");
    }
}
