//! Structure of the sources: which modules may import which, how long files may be, what the
//! sources must not contain, and whether the guides quote them correctly.
//!
//! The checks read text, not meaning: `use` lines and paths that start with `crate::`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src`, lowest first. A module imports only lower ones.
const ORDER: [&str; 32] = [
    "error",
    "npy",
    "ops",
    "functions",
    "promote",
    "domain",
    "store",
    "overlap",
    "weak",
    "graph",
    "resolve",
    "origin",
    "legalize",
    "optimize",
    "call",
    "interp",
    "plan",
    "drawing",
    "stats",
    "cache",
    "backend",
    "bind",
    "options",
    "order",
    "spare",
    "outputs",
    "arg",
    "engine",
    "prepared",
    "bound",
    "program",
    "stream",
];

/// The modules of `runtime/src` and their folders, lowest first.
const ROOMS: [&str; 11] = [
    "dtype", "control", "per_axis", "nest", "machine", "threads", "kernels", "storage", "view",
    "executor", "device",
];

/// Modules that may import each other: an engine makes programs, which ask it for kernels, and
/// bound kernels refer to their program.
const MUTUAL: [(&str, &str); 2] = [("engine", "program"), ("bound", "program")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust sources under a folder, with their paths relative to the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut open = vec![root().join(folder)];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()),
            );
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no sources in {folder}");
    // Unit tests in separate files.
    files.retain(|path| {
        let of_tests = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
        let path = path.strip_prefix(root()).unwrap_or(path);
        !path.iter().skip_while(|part| *part != "src").any(of_tests)
    });
    let named = files.into_iter().map(|path| {
        let name =
            path.strip_prefix(root()).expect("under the root").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("UTF-8"))
    });
    named.collect()
}

/// The code of a source, without comments and without the tests at its end.
fn code(source: &str) -> String {
    let body = source.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = body.lines().map(|line| match line.find("//") {
        // The slashes are inside a string literal.
        Some(at) if line[..at].matches('"').count() % 2 == 1 => line,
        Some(at) => &line[..at],
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The module of `src` that a file belongs to.
fn module(file: &str) -> &str {
    let name = file.strip_prefix("src/").unwrap_or(file);
    let name = name.split('/').next().unwrap_or(name);
    name.strip_suffix(".rs").unwrap_or(name)
}

/// The modules in a source's `crate::` paths, with their lines.
fn imports(source: &str) -> Vec<(usize, String)> {
    let code = code(source);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> =
            if let Some(list) = rest.strip_prefix('{') { top_level(list) } else { vec![rest] };
        for name in names {
            let name: String =
                name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((line, name));
        }
    }
    found
}

/// The parts of `a::{b, c}, d}...` between commas that are not inside inner braces.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..i]);
                start = i + 1;
            }
            '}' => {
                parts.push(&list[start..i]);
                break;
            }
            _ => {}
        }
    }
    parts.retain(|p| !p.trim().is_empty());
    parts
}

/// The imports of a file of `src` from higher modules.
fn upward(file: &str, source: &str) -> Vec<String> {
    above(&ORDER, file, module(file), imports(source))
}

/// The imports of a module that are not below it in `order`.
fn above(order: &[&str], file: &str, own: &str, imports: Vec<(usize, String)>) -> Vec<String> {
    let rank = |name: &str| order.iter().position(|m| *m == name);
    let Some(own_rank) = rank(own) else {
        return vec![format!("{file}: the module {own} has no place in the order")];
    };
    let mut wrong = Vec::new();
    for (line, name) in imports {
        let mutual =
            MUTUAL.iter().any(|(a, b)| (own, &*name) == (*a, *b) || (own, &*name) == (*b, *a));
        match rank(&name) {
            _ if mutual || name == own => {}
            Some(r) if r < own_rank => {}
            Some(_) => wrong.push(format!("{file}:{line}: {own} may not import {name}")),
            None => wrong.push(format!("{file}:{line}: {name} is no module of the order")),
        }
    }
    wrong
}

#[test]
fn imports_go_down() {
    let files = sources("src");
    let library = files.iter().filter(|(file, _)| file != "src/lib.rs");
    let wrong: Vec<String> =
        library.clone().flat_map(|(file, source)| upward(file, source)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count: usize = library.map(|(_, source)| imports(source).len()).sum();
    assert!(count > 50, "only {count} imports were found: the check does not see them");
    let missing = |m: &&&str| !files.iter().any(|(file, _)| module(file) == **m);
    assert_eq!(ORDER.iter().find(missing), None, "a module of the order is gone");
}

/// The folder of the runtime that contains a module, or the module itself.
fn room(name: &str) -> &str {
    let lies_in = |room: &&&str| {
        let folder = root().join("runtime/src").join(room);
        folder.join(format!("{name}.rs")).exists() || folder.join(name).is_dir()
    };
    ROOMS.iter().find(lies_in).unwrap_or(&name)
}

#[test]
fn imports_between_rooms_go_down() {
    let files = sources("runtime/src");
    let own = |file: &str| module(file.strip_prefix("runtime/").unwrap_or(file)).to_string();
    let inner = files.iter().filter(|(file, _)| file != "runtime/src/lib.rs");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (file, source) in inner {
        let imports = imports(source).into_iter().map(|(line, name)| (line, room(&name).into()));
        let imports: Vec<_> = imports.collect();
        count += imports.len();
        wrong.extend(above(&ROOMS, file, &own(file), imports));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "only {count} imports were found: the check does not see them");
    let up = above(&ROOMS, "x.rs", "machine", vec![(3, room("pool").into())]);
    assert_eq!(up, ["x.rs:3: machine may not import threads"]);
}

/// The command uses the public interface only; the REPL also uses the grammar to find the end of a
/// text.
#[test]
fn the_command_uses_the_public_interface() {
    let files = sources("command/src");
    assert!(files.len() > 1);
    for (file, source) in files {
        for name in ["hotloop_runtime", "#[path"] {
            assert!(!code(&source).contains(name), "{file} names {name}");
        }
    }
    let manifest = fs::read_to_string(root().join("command/Cargo.toml")).expect("a manifest");
    assert!(!manifest.contains("hotloop-runtime"), "command/Cargo.toml");
}

#[test]
fn the_grammar_and_the_runtime_stand_alone() {
    for (folder, own) in [("grammar", "hotloop-grammar"), ("runtime", "hotloop-runtime")] {
        let manifest =
            fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let foreign = manifest.lines().find(|l| {
            l.contains("hotloop")
                && *l != format!("name = \"{own}\"")
                && !l.starts_with("description")
        });
        assert_eq!(foreign, None, "{folder}/Cargo.toml");
        for (file, source) in sources(&format!("{folder}/src")) {
            let own = own.replace('-', "_");
            for other in ["hotloop_grammar", "hotloop_runtime", "hotloop::"] {
                let named = code(&source).contains(other) && !other.starts_with(&own);
                assert!(!named, "{file} names {other}");
            }
        }
    }
}

/// The maximum number of lines of a source; a longer one has more than one subject.
const MOST_LINES: usize = 800;

/// The exceptions, with their reasons.
const MAY_BE_LONGER: [(&str, &str); 1] =
    [("runtime/tests/math.rs", "special values, a table a function")];

/// The sources of a list that are too long, and unnecessary exceptions.
fn too_long(files: &[(String, String)], exceptions: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, source) in files {
        let lines = source.lines().count();
        // Generated by the scripts of `derive/`.
        let is_data = file.ends_with("_tables.rs");
        let is_named = exceptions.iter().any(|(name, _)| name == file);
        if lines > MOST_LINES && !is_data && !is_named {
            wrong.push(format!("{file}: {lines} lines"));
        } else if lines <= MOST_LINES && is_named {
            wrong.push(format!("{file} is no exception any more: {lines} lines"));
        }
    }
    wrong
}

#[test]
fn no_source_is_long() {
    let folders = [
        "src",
        "command",
        "runtime",
        "grammar",
        "testing",
        "tests",
        "benches",
        "examples",
        "fuzz/fuzz_targets",
        "bindings/python/src",
    ];
    let files: Vec<_> = folders.into_iter().flat_map(sources).collect();
    let wrong = too_long(&files, &MAY_BE_LONGER);
    assert!(wrong.is_empty(), "split them by what they are about:\n{}", wrong.join("\n"));
    for (file, _) in MAY_BE_LONGER {
        assert!(files.iter().any(|(name, _)| name == file), "{file} is gone");
    }
    let long = [("src/x.rs".to_string(), "\n".repeat(801)), ("src/y.rs".to_string(), "\n".into())];
    assert_eq!(too_long(&long, &[]), ["src/x.rs: 801 lines"]);
    assert_eq!(too_long(&long, &[("src/x.rs", "")]), [""; 0]);
    assert_eq!(too_long(&long[1..], &[("src/y.rs", "")]).len(), 1);
}

/// An allowed number of occurrences of a forbidden text in a file, with the reason.
struct Exception {
    file: &'static str,
    what: &'static str,
    count: usize,
    #[allow(dead_code, reason = "for readers of this file")]
    reason: &'static str,
}

/// Compares the occurrences of forbidden texts in each file with the exceptions.
fn forbidden(files: &[(String, String)], texts: &[&str], exceptions: &[Exception]) -> Vec<String> {
    let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (file, source) in files {
        let code = code(source);
        for text in texts {
            let count = code.matches(text).count();
            if count > 0 {
                found.insert((file, text), count);
            }
        }
    }
    for e in exceptions {
        let count = found.remove(&(e.file, e.what)).unwrap_or(0);
        if count != e.count {
            found.insert((e.file, e.what), count);
        }
    }
    found
        .into_iter()
        .map(|((file, text), count)| format!("{file}: {count} times `{text}`"))
        .collect()
}

const PANICS: [&str; 6] =
    [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("];

const MAY_PANIC: [Exception; 3] = [
    Exception {
        file: "src/outputs.rs",
        what: "panic!(",
        count: 1,
        reason: "`Outputs` is indexed like a map; its documentation says that it panics",
    },
    Exception {
        file: "runtime/src/machine/exec_memory.rs",
        what: "unreachable!(",
        count: 1,
        reason: "the segment was chosen, or mapped, because it has room",
    },
    Exception {
        file: "src/npy.rs",
        what: ".expect(",
        count: 5,
        reason: "its parser's own method, which returns an error",
    },
];

#[test]
fn nothing_panics() {
    let files: Vec<_> = ["src", "command/src", "runtime/src", "grammar/src"]
        .into_iter()
        .flat_map(sources)
        .collect();
    let wrong = forbidden(&files, &PANICS, &MAY_PANIC);
    assert!(
        wrong.is_empty(),
        "return an error instead, or give a reason here:\n{}",
        wrong.join("\n")
    );
}

/// Functions whose results differ between platforms.
const OF_THE_PLATFORM: [&str; 30] = [
    ".sin(",
    ".cos(",
    ".tan(",
    ".sin_cos(",
    ".asin(",
    ".acos(",
    ".atan(",
    ".atan2(",
    ".sinh(",
    ".cosh(",
    ".tanh(",
    ".asinh(",
    ".acosh(",
    ".atanh(",
    ".exp(",
    ".exp2(",
    ".exp_m1(",
    ".ln(",
    ".ln_1p(",
    ".log(",
    ".log2(",
    ".log10(",
    ".powf(",
    ".powi(",
    ".cbrt(",
    ".hypot(",
    ".mul_add(",
    ".gamma(",
    "libm",
    "extern \"C\" {",
];

const MAY_FUSE: [Exception; 3] = [
    Exception {
        file: "runtime/src/kernels/math/softfma.rs",
        what: ".mul_add(",
        count: 1,
        reason: "chosen where the target guarantees the instruction",
    },
    Exception {
        file: "runtime/src/kernels/scalar.rs",
        what: ".mul_add(",
        count: 1,
        reason: "the shell of the instruction",
    },
    Exception {
        file: "runtime/src/kernels/elementwise.rs",
        what: ".mul_add(",
        count: 1,
        reason: "only compiled into shells that have the instruction",
    },
];

#[test]
fn no_function_of_the_platform_is_called() {
    let files: Vec<_> =
        ["src", "command/src", "runtime/src"].into_iter().flat_map(sources).collect();
    let wrong = forbidden(&files, &OF_THE_PLATFORM, &MAY_FUSE);
    assert!(
        wrong.is_empty(),
        "results would differ from machine to machine:\n{}",
        wrong.join("\n")
    );
}

/// The Rust lines of a guide that are in no source, and the paths that do not exist.
fn misquoted(guide: &str, files: &[(String, String)]) -> Vec<String> {
    let (mut wrong, mut in_rust) = (Vec::new(), false);
    for line in guide.lines().map(str::trim) {
        if let Some(language) = line.strip_prefix("```") {
            in_rust = language == "rust";
        } else if in_rust && !files.iter().any(|(_, s)| s.lines().any(|l| l.trim() == line)) {
            wrong.push(format!("no source has the line `{line}`"));
        }
    }
    let paths = guide.split('`').skip(1).step_by(2).filter(|quoted| {
        let inside = ["src/", "runtime/", "command/", "tests/", "testing/", "grammar/", "benches/"];
        inside.iter().any(|folder| quoted.starts_with(folder)) && !quoted.contains(' ')
    });
    let gone = paths.filter(|path| !root().join(path).exists());
    wrong.extend(gone.map(|path| format!("there is no `{path}`")));
    wrong
}

#[test]
fn the_guides_quote_the_sources() {
    let files: Vec<_> = ["src", "runtime/src"].into_iter().flat_map(sources).collect();
    for guide in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(guide)).expect("a guide");
        assert_eq!(misquoted(&text, &files), [""; 0], "{guide}");
    }
    let bad = "`src/nowhere.rs`\n```rust\nOp::Nothing => x,\n```\n```sh\nnot Rust\n```\n";
    assert_eq!(misquoted(bad, &files).len(), 2);
}

/// The checks find what they search for.
#[test]
fn the_checks_can_fail() {
    let up =
        "//! crate::engine in a comment\nuse crate::error::Error;\nuse crate::engine::Engine;\n";
    assert_eq!(upward("src/graph.rs", up), ["src/graph.rs:3: graph may not import engine"]);
    assert_eq!(upward("src/backend/cpu/cranelift.rs", "let x = crate::bind::f();").len(), 1);
    assert_eq!(
        upward("src/plan.rs", "use crate::{graph::{Graph, Node}, cache::Cache, nowhere::X};").len(),
        2
    );
    assert_eq!(upward("src/common.rs", "").len(), 1);
    assert!(
        upward("src/engine.rs", "use crate::program::Program;\nuse crate::error::Error;")
            .is_empty()
    );
    assert!(
        upward("src/graph.rs", "\n#[cfg(test)]\nmod tests { use crate::engine::Engine; }")
            .is_empty()
    );

    let file = |text: &str| vec![("src/x.rs".to_string(), text.to_string())];
    assert_eq!(
        forbidden(&file("a.unwrap(); // b.unwrap()"), &PANICS, &[]),
        ["src/x.rs: 1 times `.unwrap()`"]
    );
    assert_eq!(forbidden(&file("x.unwrap_or(1)"), &PANICS, &[]), [""; 0]);
    let stale = Exception { file: "src/x.rs", what: "panic!(", count: 1, reason: "" };
    assert_eq!(forbidden(&file(""), &PANICS, &[stale]), ["src/x.rs: 0 times `panic!(`"]);
    assert_eq!(
        forbidden(&file("let y = x.sin();"), &OF_THE_PLATFORM, &[]),
        ["src/x.rs: 1 times `.sin(`"]
    );
}
