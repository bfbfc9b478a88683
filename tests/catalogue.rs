//! RELIABILITY.md names the tests of each promise. This test checks that they exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The parts of the catalogue, with their numbers of entries.
const PARTS: [(char, usize); 8] =
    [('A', 10), ('B', 10), ('C', 10), ('D', 15), ('E', 24), ('F', 17), ('G', 12), ('H', 7)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of all test functions, except those in this file.
fn tests() -> BTreeSet<String> {
    let folders = ["tests", "src", "command", "faults", "grammar", "runtime", "testing", "fuzz"];
    let mut open: Vec<_> = folders.map(|folder| root().join(folder)).into();
    let mut names = BTreeSet::new();
    while let Some(path) = open.pop() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "target" {
            open.extend(fs::read_dir(path).expect("a folder").map(|e| e.expect("an entry").path()));
        } else if name.ends_with(".rs") && name != "catalogue.rs" {
            names.extend(tests_of(&fs::read_to_string(&path).expect("UTF-8")));
        }
    }
    names
}

/// The functions of a source that follow `#[test]`, including those whose names macros get.
fn tests_of(source: &str) -> Vec<String> {
    let pieces = source.split("#[test]").skip(1);
    let named = pieces.filter_map(|piece| {
        let (_, rest) = piece.split_once("fn ")?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(rest[..end].to_string())
    });
    named.collect()
}

/// A row of a table.
struct Row<'a> {
    cells: Vec<&'a str>,
    /// The column that names tests.
    tests: &'a str,
}

/// The rows of all tables with a column `held by`.
fn rows(report: &str) -> Vec<Row<'_>> {
    let (mut column, mut rows) = (None, Vec::new());
    for line in report.lines() {
        let Some(inner) = line.strip_prefix('|').and_then(|l| l.trim_end().strip_suffix('|'))
        else {
            column = None;
            continue;
        };
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        match column {
            None => column = Some(cells.iter().position(|cell| *cell == "held by")),
            Some(_) if cells.iter().all(|cell| cell.chars().all(|c| "-:".contains(c))) => {}
            Some(Some(at)) => rows.push(Row { tests: cells.get(at).unwrap_or(&""), cells }),
            Some(None) => {}
        }
    }
    rows
}

/// The texts in backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether the name of a test has an entry's number; some have two, as `d5_d6_...`.
fn bears(test: &str, entry: &str) -> bool {
    let numbered = |part: &&str| {
        let (letter, number) = part.split_at(part.len().min(1));
        letter.chars().all(|c| c.is_ascii_lowercase())
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
    };
    test.split('_').take_while(numbered).any(|part| part.eq_ignore_ascii_case(entry))
}

/// The errors of a report, given the names of all tests.
fn faults(report: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for Row { cells, tests: cell } in rows(report) {
        let what = cells[0];
        for name in quoted(cell) {
            let there = match name.contains(['/', '.']) {
                true => root().join(name).exists(),
                false => tests.contains(name),
            };
            if !there {
                wrong.push(format!("{what}: there is no `{name}`"));
            }
        }
        let open = cell.starts_with("open: ");
        if !open && quoted(cell).next().is_none() {
            wrong.push(format!("{what}: neither held by a test nor open"));
        }
        let part = PARTS.iter().find(|(letter, _)| what.starts_with(*letter));
        let number = what.get(1..).and_then(|digits| digits.parse::<usize>().ok());
        if let (Some((_, count)), Some(number)) = (part, number) {
            *seen.entry(what.to_string()).or_default() += 1;
            if !(1..=*count).contains(&number) {
                wrong.push(format!("{what} is no entry of the catalogue"));
            }
            if !open && !quoted(cell).any(|name| bears(name, what)) {
                wrong.push(format!("{what}: no test of that number is named"));
            }
        }
    }
    for (letter, count) in PARTS {
        for number in 1..=count {
            let entry = format!("{letter}{number}");
            match seen.get(&entry) {
                Some(1) => {}
                Some(n) => wrong.push(format!("{entry} stands there {n} times")),
                None => wrong.push(format!("{entry} is missing")),
            }
        }
    }
    wrong
}

#[test]
fn the_report_names_tests_that_exist() {
    let report = fs::read_to_string(root().join("RELIABILITY.md")).expect("a report");
    let tests = tests();
    assert!(tests.len() > 400, "only {} tests were found", tests.len());
    let wrong = faults(&report, &tests);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows(&report).len() > 110);
}

/// A test with the number of an entry must be named in that entry's row.
#[test]
fn numbered_tests_stand_in_the_report() {
    let report = fs::read_to_string(root().join("RELIABILITY.md")).expect("a report");
    let rows = rows(&report);
    let mut wrong = Vec::new();
    for test in tests() {
        for (letter, count) in PARTS {
            for entry in (1..=count).map(|number| format!("{letter}{number}")) {
                let line = rows.iter().find(|row| row.cells[0] == entry);
                let named = line.is_some_and(|row| quoted(row.tests).any(|name| name == test));
                if bears(&test, &entry) && !named {
                    wrong.push(format!("{entry}: `{test}` is not named"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_checks_can_fail() {
    let source = "#[test]\nfn a1_one() {}\n#[test]\n#[ignore]\nfn d5_d6_two() {}\nfn b1_help() {}";
    let tests: BTreeSet<String> = tests_of(source).into_iter().collect();
    assert_eq!(tests.iter().collect::<Vec<_>>(), ["a1_one", "d5_d6_two"]);
    assert!(bears("d5_d6_two", "D6") && bears("d5_d6_two", "D5") && !bears("d5_two_d6", "D6"));
    assert!(!bears("a10_one", "A1") && !bears("a1_one", "A10"));
    let table = |line: &str| format!("| entry | held by |\n|---|---|\n{line}\n");
    let first = |line: &str| faults(&table(line), &tests)[0].clone();
    assert_eq!(first("| A1 | `a1_gone` |"), "A1: there is no `a1_gone`");
    assert_eq!(first("| A2 | `a1_one` |"), "A2: no test of that number is named");
    assert_eq!(first("| A1 | nothing |"), "A1: neither held by a test nor open");
    assert_eq!(first("| H8 | open: nothing |"), "H8 is no entry of the catalogue");
    assert_eq!(first("| no file | `tests/gone.rs` |"), "no file: there is no `tests/gone.rs`");
    assert_eq!(first("| A1 | `a1_one` |"), "A2 is missing");
    let twice = faults(&table("| A1 | `a1_one` |\n| A1 | `a1_one` |"), &tests);
    assert_eq!(twice[0], "A1 stands there 2 times");
    assert_eq!(faults("| A1 | `a1_one` |", &tests)[0], "A1 is missing");
}
