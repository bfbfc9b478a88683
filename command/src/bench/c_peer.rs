//! The C contender: a plain loop, built by the system's compiler, in its own process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use hotloop::{Error, ErrorKind, Result};
use tempfile::TempDir;

use super::c_text::{Job, c_text};

/// A process that runs the loop on request.
pub(crate) struct CPeer {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// The number of threads.
    pub threads: usize,
    /// The sum of each output's elements.
    pub sums: Vec<f64>,
    /// The directory of the executable.
    _folder: TempDir,
}

impl CPeer {
    /// Builds and starts the loop.
    ///
    /// # Errors
    /// The reason why there is none, as a sentence.
    pub(crate) fn start(job: &Job<'_>) -> std::result::Result<CPeer, String> {
        let text = c_text(job).map_err(|what| format!("no loop in C for {what}"))?;
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let (source, program) = (folder.path().join("loop.c"), folder.path().join("loop"));
        std::fs::write(&source, text).map_err(|e| e.to_string())?;
        let build = |flag: &str| {
            let mut command = Command::new("cc");
            command.args(["-O3", "-march=native", "-fwrapv", flag, "-o"]);
            command.args([&program, &source]).arg("-lm").stdin(Stdio::null());
            command.output()
        };
        let flags: &[&str] = match job.threads {
            1 => &["-fopenmp-simd", "-O3"],
            _ => &["-fopenmp", "-fopenmp-simd", "-O3"],
        };
        let mut why = String::new();
        let built = flags.iter().any(|flag| match build(flag) {
            Ok(output) if output.status.success() => true,
            Ok(output) => {
                let lines = String::from_utf8_lossy(&output.stderr);
                why = lines.lines().find(|l| l.contains("error")).unwrap_or("").to_string();
                false
            }
            Err(error) => {
                why = error.to_string();
                false
            }
        });
        if !built {
            return Err(format!("the C compiler, cc, did not build the loop: {why}"));
        }
        for (number, array) in job.arrays.iter().enumerate().filter(|(_, array)| array.is_read) {
            let path = folder.path().join(format!("x{number}"));
            std::fs::write(path, array.bytes()).map_err(|e| e.to_string())?;
        }
        let mut child = Command::new(&program)
            .current_dir(folder.path())
            .env("OMP_WAIT_POLICY", "passive")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().ok_or("the C loop has no output")?;
        let mut peer = CPeer {
            child,
            orders,
            answers: BufReader::new(answers),
            threads: 1,
            sums: Vec::new(),
            _folder: folder,
        };
        let ended = |_| "the C loop has ended".to_string();
        peer.threads = peer.answer().map_err(ended)? as usize;
        for _ in job.targets {
            let sum = peer.answer().map_err(ended)?;
            peer.sums.push(sum);
        }
        Ok(peer)
    }

    fn answer(&mut self) -> Result<f64> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(ended)?;
        line.trim().parse().map_err(ended)
    }

    /// The seconds that `calls` calls take.
    ///
    /// # Errors
    /// `Io` if the process has ended.
    pub(crate) fn time(&mut self, calls: usize) -> Result<f64> {
        if let Some(orders) = &mut self.orders {
            writeln!(orders, "{calls}").map_err(ended)?;
        }
        self.answer()
    }
}

fn ended(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("the C loop has ended: {error}"))
}

impl Drop for CPeer {
    fn drop(&mut self) {
        // The process ends when its input is closed.
        self.orders = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::c_text::Target;
    use crate::bench::drawn::{Drawn, Generator};
    use crate::bench::shapes::broadcast;
    use crate::bench::spec::Spec;
    use crate::input::Number;
    use hotloop::{Arg, DType};

    /// The sums of the outputs by hotloop and by C, or why there is no C.
    fn sums(program: &str, words: &[&str]) -> std::result::Result<Vec<(f64, f64)>, String> {
        let mut generator = Generator::new();
        let program = hotloop::compile(program).unwrap();
        let specs: Vec<(String, Spec)> = words.iter().map(|w| Spec::parse(w).unwrap()).collect();
        let inputs = program.inputs().filter(|n| *n != "k");
        let arrays: Vec<Drawn> = inputs
            .map(|name| {
                let (_, spec) = specs.iter().find(|(n, _)| n == name).unwrap();
                let extents = spec.extents.clone().unwrap();
                let dtype = spec.dtype.unwrap_or(DType::F64);
                Drawn::draw(&mut generator, name, dtype, &extents, spec.layout).unwrap()
            })
            .collect();
        let mut args: Vec<(&str, Arg<'_>)> =
            arrays.iter().map(|a| (a.name.as_str(), a.arg())).collect();
        args.push(("k", 3.into()));
        let outputs = program.eval(&args[..]).unwrap();
        let targets: Vec<Target> = outputs
            .iter()
            .map(|o| Target {
                name: o.name().map(str::to_string),
                dtype: o.dtype(),
                shape: o.shape().to_vec(),
            })
            .collect();
        let job = Job {
            expression: program.text(),
            arrays: &arrays,
            numbers: &[("k".to_string(), Number::Int(3))],
            targets: &targets,
            extents: &broadcast(arrays.iter().map(|a| &a.shape[..])).unwrap(),
            threads: 2,
        };
        let mut peer = CPeer::start(&job)?;
        assert!(peer.time(3).unwrap() > 0.0);
        Ok(outputs.iter().map(crate::bench::peers::sum).zip(peer.sums.clone()).collect())
    }

    #[test]
    fn loops_in_c_compute_the_same() {
        if !Command::new("cc").arg("--version").output().is_ok_and(|o| o.status.success()) {
            return;
        }
        for (program, words) in [
            ("2*a + 3*b", &["a:[1000]", "b:[1000]"][..]),
            ("2*a + 3*b/k", &["a:f32[1000]:odd", "b:f32[1000]:rev"]),
            ("s = sin(a); s**2 - k/(s + 2)", &["a:f64[20,30]:F"]),
            ("sum((a - b) * 0.5)", &["a:f64[1000,3]:rev", "b:f64[3]:step2"]),
            ("exp(-a), a + b", &["a:f32[50]", "b:f32[50]:step2"]),
            ("where(a > 0.5 and 0.1 < b < 0.9, a**3, -b)", &["a:[1000]", "b:[1000]"]),
            ("i*f + minimum(j, i)", &["i:i32[50]", "f:f32[9,50]:F", "j:u8[9,1]"]),
            ("sum(a * i)", &["a:f64[1000]:odd", "i:i16[1000]"]),
            ("sum(i)", &["i:bool[3,1000]:F"]),
            ("sum(a*2 + f, axis=1)", &["a:f64[40,50]", "f:f64[40,50]:F"]),
            ("sum(a, axis=-1)", &["a:f32[7,6,5]:rev"]),
            ("sum(a * b, 0)", &["a:f64[30,20]", "b:f64[30,1]"]),
            ("sum(a, axis=1)", &["a:i32[9,8,7]"]),
            ("sum(a, axis=0)", &["a:f64[1000]"]),
            ("x = a > b; y = not x; y | (a == 1)", &["a:f64[100]", "b:i64[100]"]),
            (
                "hypot(a, b)**1.5 + arctan2(b, 1) if a < inf else nan",
                &["a:[9]:odd", "b:f64[2,9]:step2"],
            ),
        ] {
            for (ours, theirs) in sums(program, words).unwrap() {
                assert!((ours - theirs).abs() <= 1e-5 * ours.abs(), "{program}: {ours}, {theirs}");
            }
        }
    }

    #[test]
    fn what_has_no_loop_says_so() {
        for (program, about) in [
            ("i // k", "//"),
            ("mean(i) + i", "mean"),
            ("sin(i)", "integers"),
            ("def f(x) = x + 1; f(i)", "function of the program's own"),
            ("i, 3", "another shape"),
            ("sum(i, axis=0, keepdims=True)", "another shape"),
        ] {
            let error = sums(program, &["i:i32[10]"]).unwrap_err();
            assert!(error.contains("no loop in C") && error.contains(about), "{program}: {error}");
        }
    }
}
