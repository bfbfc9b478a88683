//! Profiles, statistics of runs and drawings of plans.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use hotloop::explain::Perf;
use hotloop::ndarray::{Array1, Array2, s};
use hotloop::{Arg, ArgType, Backend, DType, Engine, Order, Out, Program, RunOptions};

fn engine(perf: Perf) -> Engine {
    Engine::builder().threads(1).backend(Backend::Native).perf(perf).build()
}

/// A file that is removed on drop.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn map_of(pid: u32) -> Removed {
    Removed(format!("/tmp/perf-{pid}.map").into())
}

/// The address, the length and the name of each line of a map.
fn lines(map: &Removed) -> Vec<(usize, usize, String)> {
    let text = fs::read_to_string(&map.0).expect("the map is there");
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut hex = || usize::from_str_radix(words.next().unwrap(), 16).unwrap();
        (hex(), hex(), words.next().unwrap().to_string())
    };
    text.lines().map(line).collect()
}

fn specialized(program: &Program) -> hotloop::Kernel {
    let types = program.inputs().map(|name| (name, ArgType::array(DType::F64)));
    program.specialize(&types.collect::<Vec<_>>()).unwrap()
}

/// The size in bytes of machine code that a kernel reports.
fn code_len(program: &Program) -> usize {
    let text = specialized(program).explain();
    let line = text.lines().find(|line| line.contains("bytes of machine code")).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod on_linux {
    use super::*;

    #[test]
    fn a_map_has_the_names_of_kernels() {
        if !hotloop_testing::alone("on_linux::a_map_has_the_names_of_kernels") {
            return;
        }
        let map = map_of(std::process::id());
        let silent = engine(Perf::Off).compile("a + 1").unwrap();
        silent.eval([Arg::from(&[1.0])]).unwrap();
        assert!(!map.0.exists(), "nobody asked for it");

        let engine = engine(Perf::Map);
        let text = "m = mean(a)  # a comment; with a semicolon\n\n  d = a   -\tm;\nsum(d * d)";
        let program = engine.compile(text).unwrap();
        program.eval([Arg::from(&[1.0, 2.0])]).unwrap();
        let own = lines(&map);
        let passes = specialized(&program).explain().matches("\npass ").count();
        let named = |pass: usize| {
            let name = format!("hotloop: m = mean(a); d = a - m; sum(d * d) [pass {pass}]");
            own.iter().filter(|(_, len, line)| *len > 0 && *line == name).count()
        };
        assert!(passes >= 2 && (0..passes).all(|pass| named(pass) == 1), "{own:?}");
        assert_eq!(own.iter().map(|(_, len, _)| len).sum::<usize>(), code_len(&program));
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        for (start, len, name) in &own {
            let holds = |line: &&str| {
                let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
                let hex = |text| usize::from_str_radix(text, 16).unwrap();
                (hex(from)..hex(to)).contains(start) && start + len <= hex(to)
            };
            let mapping = maps.lines().find(holds).unwrap_or_else(|| panic!("{name}: nowhere"));
            assert!(mapping.contains(" r-x"), "{name}: {mapping}");
        }

        // Code shared with a second program keeps its name; the name of a long program is
        // truncated.
        let other = engine.compile("x - mean(x), sum((x - mean(x)) * (x - mean(x)))").unwrap();
        other.eval([Arg::from(&[1.0, 2.0])]).unwrap();
        let long = format!("a{}", " + 1.5*a".repeat(40));
        engine.compile(&long).unwrap().eval([Arg::from(&[1.0])]).unwrap();
        let last = &lines(&map).pop().unwrap().2;
        let cut = last.strip_prefix("hotloop: a + 1.5*a + ").unwrap();
        assert!(cut.ends_with("... [pass 0]") && last.len() < 90, "{last}");
    }

    #[test]
    fn a_forked_child_has_a_map_of_its_own() {
        if !hotloop_testing::alone("on_linux::a_forked_child_has_a_map_of_its_own") {
            return;
        }
        let map = map_of(std::process::id());
        let engine = engine(Perf::Map);
        engine.compile("a + 1").unwrap().eval([Arg::from(&[1.0])]).unwrap();
        let before = lines(&map);
        // SAFETY: the child only runs programs, which a forked child may do, and exits at once.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let made = engine.compile("a * 3").and_then(|p| p.eval_as::<f64>([Arg::from(&[2.0])]));
            let right = made.is_ok_and(|y| y[[0]] == 6.0);
            // SAFETY: exits without running destructors of the parent's values.
            unsafe { libc::_exit(i32::from(!right)) };
        }
        let mut status = 0;
        // SAFETY: the process is a child that has not been waited for.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child's run");
        let childs = map_of(child as u32);
        let names: Vec<String> = lines(&childs).into_iter().map(|line| line.2).collect();
        assert_eq!(names, ["hotloop: a * 3 [pass 0]"]);
        assert_eq!(lines(&map), before);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_no_error() {
        if !hotloop_testing::alone("on_linux::a_file_that_cannot_be_written_is_no_error") {
            return;
        }
        let pid = std::process::id();
        let map = PathBuf::from(format!("/tmp/perf-{pid}.map"));
        let dump = PathBuf::from(format!("/tmp/jit-{pid}.dump"));
        for (perf, path) in [(Perf::Map, &map), (Perf::Jitdump, &dump)] {
            fs::create_dir(path).unwrap();
            let run = engine(perf).compile("a + 2").unwrap().eval_as::<f64>([Arg::from(&[1.0])]);
            fs::remove_dir(path).unwrap();
            assert_eq!(run.unwrap()[[0]], 3.0);
        }
        // A link at that path is not followed.
        let target = tempfile::NamedTempFile::new().unwrap();
        let link = Removed(dump);
        std::os::unix::fs::symlink(target.path(), &link.0).unwrap();
        engine(Perf::Jitdump).compile("a + 3").unwrap().eval([Arg::from(&[1.0])]).unwrap();
        assert_eq!(fs::read(target.path()).unwrap(), b"");
    }

    /// Code at addresses that may be reused is not in the map.
    #[test]
    fn a_map_has_only_addresses_that_stay() {
        if !hotloop_testing::alone("on_linux::a_map_has_only_addresses_that_stay") {
            return;
        }
        let map = map_of(std::process::id());
        let run = |text: &str| {
            let run = engine(Perf::Map).compile(text).unwrap().eval_as::<f64>([Arg::from(&[1.0])]);
            run.unwrap()[[0]]
        };
        if !hotloop_testing::refuse_calls(libc::SYS_mremap, None) {
            return eprintln!("skipped: no filter to have");
        }
        assert_eq!(run("a + 4"), 5.0);
        assert!(!map.0.exists(), "{:?}", lines(&map));
    }

    const MARK: &str = "HOTLOOP_TEST_PROFILED";

    /// Whether `perf` exists and is allowed to record.
    fn perf_records() -> bool {
        let data = tempfile::NamedTempFile::new().unwrap();
        let mut perf = Command::new("perf");
        perf.args(["record", "-q", "-k", "mono", "-o"]).arg(data.path()).args(["--", "true"]);
        match perf.output() {
            Ok(output) if output.status.success() => true,
            Ok(output) => {
                eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
                false
            }
            Err(error) => {
                eprintln!("skipped: no perf: {error}");
                false
            }
        }
    }

    /// The processor time of this thread.
    fn processor_time() -> Duration {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes only the time.
        assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) }, 0);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }

    /// The profiled work: half a second of processor time of one kernel.
    fn profiled() {
        let program = Engine::builder().threads(1).build().compile("exp(-a*a) * 2 + a").unwrap();
        let a = Array1::linspace(0.0, 1.0, 10_000);
        let started = processor_time();
        while processor_time() - started < Duration::from_millis(500) {
            program.eval([Arg::from(&a)]).unwrap();
        }
    }

    /// Records this test in a separate process.
    fn record(name: &str, perf: &str, data: &std::path::Path) -> u32 {
        let mut command = Command::new("perf");
        command.args(["record", "-q", "-F", "999", "-k", "mono", "-o"]).arg(data).arg("--");
        command.arg(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
        let output = command.env(MARK, "1").env("HOTLOOP_PERF", perf).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let pid = said.lines().find_map(|line| line.strip_prefix("process "));
        pid.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
    }

    fn said(command: &mut Command) -> String {
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    const SYMBOL: &str = "hotloop: exp(-a*a) * 2 + a [pass 0]";

    #[test]
    fn perf_report_shows_the_expression() {
        if std::env::var_os(MARK).is_some() {
            eprintln!("process {}", std::process::id());
            return profiled();
        }
        if !perf_records() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("perf.data");
        let pid = record("on_linux::perf_report_shows_the_expression", "map", &data);
        let _map = map_of(pid);
        let mut report = Command::new("perf");
        let report = said(report.args(["report", "--stdio", "-i"]).arg(&data));
        assert!(report.contains(SYMBOL), "{report}");
    }

    #[test]
    fn perf_annotate_shows_the_instructions() {
        if std::env::var_os(MARK).is_some() {
            eprintln!("process {}", std::process::id());
            return profiled();
        }
        if !perf_records() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (data, jitted) = (folder.path().join("perf.data"), folder.path().join("jitted.data"));
        let pid = record("on_linux::perf_annotate_shows_the_instructions", "jitdump", &data);
        let dump = Removed(format!("/tmp/jit-{pid}.dump").into());
        let mut inject = Command::new("perf");
        said(inject.args(["inject", "--jit", "-i"]).arg(&data).arg("-o").arg(&jitted));
        // `perf inject` writes an object file for each piece of code next to the dump.
        let objects: Vec<Removed> = fs::read_dir("/tmp")
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains(&format!("/jitted-{pid}-")))
            .map(Removed)
            .collect();
        assert!(!objects.is_empty() && dump.0.exists());
        let mut report = Command::new("perf");
        let report = said(report.args(["report", "--stdio", "-i"]).arg(&jitted));
        assert!(report.contains(SYMBOL), "{report}");
        if Command::new("objdump").arg("--version").output().is_err() {
            eprintln!("the rest skipped: no objdump");
            return;
        }
        let mut annotate = Command::new("perf");
        annotate.args(["annotate", "--stdio", "-s", SYMBOL, "-i"]);
        let text = said(annotate.arg(&jitted));
        assert!(text.contains("mulpd") || text.contains("mulsd"), "{text}");
    }
}

fn watched(text: &str) -> Program {
    let engine = Engine::builder().threads(1).build();
    engine.compile(text).unwrap().with(RunOptions::new().stats(true))
}

#[test]
fn stats_count_bytes_by_pass() {
    let program = watched("m = mean(x, axis=0); y = x - m; m, y");
    let x = Array2::<f32>::ones((300, 20));
    let outputs = program.eval([Arg::from(&x)]).unwrap();
    let report = outputs.report();
    let stats = report.stats().expect("they were asked for");
    assert!(stats.compile > Duration::ZERO && stats.run > Duration::ZERO);
    if !report.native {
        return assert_eq!(stats.passes, []);
    }
    let whole: Vec<_> = stats.passes.iter().filter(|stage| stage.elements == 6000).collect();
    let [first, last] = whole[..] else { panic!("{stats:?}") };
    assert_eq!((first.bytes_read, first.bytes_written), (24_000, 80));
    assert!(first.computes.starts_with("sum to "), "{}", first.computes);
    // The row of means counts once, although it is read for each row.
    assert_eq!((last.bytes_read, last.bytes_written), (24_080, 24_000));
    assert_eq!(last.computes, "-, to y");
    assert_eq!(stats.bytes_read(), stats.passes.iter().map(|s| s.bytes_read).sum::<u64>());
    assert!(stats.passes.iter().map(|stage| stage.time).sum::<Duration>() <= stats.run);
    assert_eq!((stats.temporary_arrays, stats.temporary_bytes), (1, 80));
    assert_eq!((stats.copied_arrays, stats.copied_bytes), (0, 0));
    if cfg!(target_os = "linux") {
        assert!(stats.peak_memory.is_some_and(|bytes| bytes > 1 << 20), "{stats:?}");
    }
}

#[test]
fn stats_count_copies_and_only_when_asked_for() {
    let program = watched("x[::-1] + 1");
    let mut x = Array1::from_iter((0..1000).map(f64::from));
    let none: [Arg; 0] = [];
    let report = program.eval_into(none, &mut [Out::inout("x", &mut x)]).expect("in place");
    assert_eq!((x[0], x[999]), (1000.0, 1.0));
    let stats = report.stats().expect("they were asked for");
    if report.native {
        assert_eq!((stats.copied_arrays, stats.copied_bytes), (1, 8000));
    }
    let silent = program.with(RunOptions::new().order(Order::C));
    assert_eq!(silent.eval([Arg::from(&x.slice(s![..3]))]).unwrap().report().stats(), None);
}

fn picture(text: &str) -> String {
    let program = Engine::builder().threads(1).build().compile(text).unwrap();
    let picture = specialized(&program).explain_svg();
    check_markup(&picture);
    picture
}

/// Asserts that tags are of a few kinds and properly nested.
fn check_markup(picture: &str) {
    let mut open = Vec::new();
    for part in picture.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("an open tag: {part}"));
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(
            ["svg", "title", "style", "defs", "marker", "rect", "text", "path"].contains(&name),
            "{tag}"
        );
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!picture.contains("NaN\"") && !picture.contains("inf\""), "places are numbers");
}

fn shapes(picture: &str, class: &str) -> usize {
    picture.matches(&format!("<rect class=\"{class}\"")).count()
}

#[test]
fn a_picture_shows_every_pass() {
    let one = picture("sin(a)**2 + cos(b)**2");
    assert_eq!(["pass", "input", "output"].map(|class| shapes(&one, class)), [1, 2, 1]);
    for text in [">sin(a)<", ">cos(b)<", ">a<", ">b<", ">f64[s0], 8 B<", ">16 read, 8 written<"] {
        assert!(one.contains(text), "{text}");
    }
    let several = picture("(x - mean(x, axis=0)) / std(x, axis=0)");
    let passes = several.matches(">pass ").count();
    assert_eq!(shapes(&several, "pass"), passes);
    assert!(passes >= 3 && several.contains("class=\"link\""));
    assert!(several.contains("d0 = [s0] reduced along 0"));
    let views = picture("x[1:] - x[:-1]");
    assert!(views.contains(">x[1:]<") && views.contains(">x[:-1]<"), "{views}");
    let three = picture("mid = (bid + ask) / 2; spread = ask - bid; mid, spread, spread / mid");
    assert_eq!(shapes(&three, "output"), 3);
    assert!(three.contains(">mid<") && three.contains(">spread<") && three.contains(">output 2<"));
}

/// The left, upper, right and lower edge of an element.
type Extent = [f64; 4];

/// The elements of one kind in a drawing: their position, class and text.
fn drawn<'p>(picture: &'p str, kind: &str) -> Vec<(Extent, &'p str, &'p str)> {
    let element = |part: &'p str| {
        let (attributes, rest) = part.split_once('>').unwrap();
        let value = |name: &str| {
            let (_, value) = attributes.split_once(&format!("{name}=\"")).unwrap();
            value.split('"').next().unwrap()
        };
        let number = |name: &str| -> f64 { value(name).parse().unwrap() };
        let (class, text) = (value("class"), rest.split('<').next().unwrap());
        let (x, y) = (number(" x"), number(" y"));
        if kind == "rect" {
            return ([x, y, x + number("width"), y + number("height")], class, text);
        }
        // The size in the drawing's style, in the widest of the usual fonts.
        let size = match class {
            "title" => 14.0,
            "note" | "type" => 10.0,
            "dtype" => 9.0,
            _ => 12.0,
        };
        let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let width = plain.chars().count() as f64 * 7.23 * size / 12.0;
        let middle = ["label", "type", "dtype"].contains(&class);
        let left = if middle { x - width / 2.0 } else { x };
        ([left, y - 0.75 * size, left + width, y + 0.2 * size], class, text)
    };
    let tag = format!("<{kind} ");
    let parts = picture.split(&*tag).skip(1).filter(|part| part.starts_with("class"));
    parts.map(element).collect::<Vec<_>>()
}

/// Asserts that no text crosses a box that it is not in, or the edge of the drawing.
fn check_texts(picture: &str) {
    let boxes = drawn(picture, "rect");
    let head = picture.split_once("width=\"").unwrap().1;
    let width: f64 = head.split('"').next().unwrap().parse().unwrap();
    for (text, _, words) in drawn(picture, "text") {
        assert!(text[0] >= 0.0 && text[2] <= width, "{words:?} at {text:?} of {width}");
        for (shape, class, _) in &boxes {
            let apart = text[0] >= shape[2]
                || text[2] <= shape[0]
                || text[1] >= shape[3]
                || text[3] <= shape[1];
            let inside = text[0] >= shape[0]
                && text[2] <= shape[2]
                && text[1] >= shape[1]
                && text[3] <= shape[3];
            assert!(apart || inside, "{words:?} at {text:?} meets the {class} at {shape:?}");
        }
    }
}

#[test]
fn no_text_of_a_picture_meets_a_box() {
    let many = (0..10).map(|i| format!("x{i}")).collect::<Vec<_>>().join(" + ");
    for text in [
        "sin(a)**2 + cos(b)**2",
        "sum(a*b, axis=(0,1), keepdims=True) + 1",
        "x - mean(x, axis=-1, keepdims=True)",
        "(x - mean(x, axis=0)) / std(x, axis=0)",
        "any(a < 0, axis=(0, 1, 2, 3, 4, 5, 6, 7)), a[1:, None, ::-1] - transpose(a)[..., 2:]",
        "a_very_long_name_indeed_it_is = a * 2; a_very_long_name_indeed_it_is, a < b",
        &many,
    ] {
        let program = Engine::builder().threads(1).build().compile(text).unwrap();
        let distinct = program
            .inputs()
            .enumerate()
            .map(|(class, name)| (name, ArgType::array_of_shape(DType::F64, class as u8).unwrap()));
        let alike = program.inputs().map(|name| (name, ArgType::array(DType::F32)));
        for types in [distinct.collect::<Vec<_>>(), alike.collect()] {
            check_texts(&program.specialize(&types).unwrap().explain_svg());
        }
    }
}

#[test]
fn a_picture_holds_whatever_the_program_is() {
    for text in ["1 + 2", "a", "sum(a)", "a < 3 and a > 1", "a if a > 0 else -a", "a, a, a"] {
        picture(text);
    }
    let text = "a < 1 # </text><script>alert('&')</script>\n";
    assert!(!picture(text).contains("script"));
    let interpreter = Engine::builder().backend(Backend::Interpreter).build();
    let kernel = specialized(&interpreter.compile("sin(a) + 1").unwrap());
    let plain = kernel.explain_svg();
    check_markup(&plain);
    assert!(plain.contains("evaluated operation by operation"));
}

#[test]
fn a_picture_of_much_is_a_summary() {
    let started = Instant::now();
    let sum = (0..300).map(|i| format!("a{i}*{i}.5")).collect::<Vec<_>>().join(" + ");
    let many = picture(&sum);
    assert!(many.contains("too many to draw") && many.contains("299 x +"), "{many}");
    let chain = format!("{}{}", "a", "*a + 1".repeat(200_000 / 6));
    let program = Engine::builder().threads(1).build().compile(&chain).unwrap();
    let drawn = specialized(&program).explain_svg();
    check_markup(&drawn);
    assert!(drawn.contains("too many to draw") && drawn.len() < 20_000, "{}", drawn.len());
    // Many passes with few values each.
    let stage = |i: usize| format!("x{} = x{i} - mean(x{i})", i + 1);
    let stages: Vec<String> = (0..150).map(stage).collect();
    let deep = picture(&format!("{}; x150", stages.join("; ")));
    assert!(deep.contains("more passes") && deep.len() < 400_000, "{}", deep.len());
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

/// The Dockerfile copies only paths that exist and that are not excluded.
#[test]
fn the_dockerfile_copies_what_there_is() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let recipe = fs::read_to_string(root.join("Dockerfile")).unwrap();
    let kept = fs::read_to_string(root.join(".dockerignore")).unwrap();
    let mut count = 0;
    for line in recipe.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
    {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        for source in &words[..words.len() - 1] {
            assert!(root.join(source).exists(), "{source} is not there");
            assert!(kept.lines().any(|line| line == format!("!{source}")), "{source} is held back");
            count += 1;
        }
    }
    assert!(count >= 5, "{count} copies");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let least = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    assert!(recipe.contains(&format!("FROM rust:{}-", least.trim_matches('"'))), "{least}");
}
