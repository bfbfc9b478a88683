//! From file to file in chunks, compared with copying the file and computing in memory.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use hotloop::io::{FileArray, Sink};
use hotloop::ndarray::{ArrayViewD, IxDyn, ShapeBuilder};
use hotloop::{Arg, DType, Engine, Out, Program, Result, npy};

use crate::contest::{count, digits};
use crate::timing::interleaved;

/// Elements of the file: 800 MB.
const N: usize = 100_000_000;

/// Programs of one array in a file. Nothing is synced, on either side: disks are not what is
/// compared.
pub fn times(threads: &[usize]) -> Result<()> {
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    let path = |name: &str| directory.path().join(name);
    let (a, copy, z) = (path("a.npy"), path("copy.npy"), path("z.npy"));
    println!("\n| program of a file of {} | threads | s | `cp` | in memory | to both |", count(N));
    println!("|---|---|---|---|---|---|");
    write_positions(&a);
    let values = vec![0.5f64; N];
    for text in ["sqrt(abs(a)) + 1", "sin(a)**2 + cos(a)**2", "(a - mean(a)) / std(a)", "sum(a)"] {
        for &threads in threads {
            let program = Engine::builder().threads(threads).build().compile(text)?;
            let mut fresh = vec![0f64; if text.starts_with("sum") { 0 } else { N }];
            let times = interleaved(vec![
                Box::new(|| streamed(&program, &a, &z)),
                Box::new(|| assert!(fs::copy(&a, &copy).is_ok())),
                Box::new(|| {
                    let args = [("a", Arg::from(&values))];
                    match fresh.is_empty() {
                        true => drop(black_box(program.eval(args).expect("a sum"))),
                        false => {
                            let outs = &mut [Out::from(&mut fresh[..])];
                            black_box(program.eval_into(args, outs).expect("values"));
                        }
                    }
                }),
            ]);
            let both = times[1].plus(&times[2]);
            println!(
                "| `{text}` | {threads} | {} | {} | {} | {} |",
                digits(times[0].median()),
                digits(times[1].median()),
                digits(times[2].median()),
                digits(times[0].ratio(&both)),
            );
        }
    }
    orders(&a, threads)
}

/// The same file as matrices of either order, against reading it in order and computing in memory.
fn orders(path: &Path, threads: &[usize]) -> Result<()> {
    println!("\n| program of files in both orders | threads | s | read | in memory | to both |");
    println!("|---|---|---|---|---|---|");
    let values = vec![0.5f64; N];
    let file = |shape: &[usize], fortran_order: bool| {
        let header = npy::Header::new(DType::F64, &[N]).to_bytes().len() as u64;
        let file = FileArray::new(File::open(path).expect("the file"), header, DType::F64, shape);
        Arc::new(file.with_fortran_order(fortran_order))
    };
    let shapes: [&[usize]; 2] = [&[10_000, 10_000], &[400, 500, 500]];
    for (text, shape) in [
        ("sum(f)", shapes[0]),
        ("sum(c + f)", shapes[0]),
        ("sum(c + f, axis=1)", shapes[0]),
        ("sum(f)", shapes[1]),
    ] {
        let (c, f) = (file(shape, false), file(shape, true));
        let reads = if text.contains('c') { 2 } else { 1 };
        let view = ArrayViewD::from_shape(shape, &values).expect("as many elements");
        let turned = ArrayViewD::from_shape(IxDyn(shape).f(), &values).expect("as many elements");
        for &threads in threads {
            let program = Engine::builder().threads(threads).build().compile(text)?;
            let run = |args: [(&str, Arg<'_>); 2]| {
                let args = args.into_iter().filter(|(name, _)| *name == "f" || reads == 2);
                black_box(program.eval(&args.collect::<Vec<_>>()[..]).expect("values"));
            };
            let mut part = vec![0; 1 << 20];
            let times = interleaved(vec![
                Box::new(|| run([("c", Arg::source(&c)), ("f", Arg::source(&f))])),
                Box::new(|| (0..reads).for_each(|_| read_all(path, &mut part))),
                Box::new(|| run([("c", Arg::from(&view)), ("f", Arg::from(&turned))])),
            ]);
            let both = times[1].plus(&times[2]);
            println!(
                "| `{text}`, {shape:?} | {threads} | {} | {} | {} | {} |",
                digits(times[0].median()),
                digits(times[1].median()),
                digits(times[2].median()),
                digits(times[0].ratio(&both)),
            );
        }
    }
    Ok(())
}

/// Reads a file from its beginning to its end.
fn read_all(path: &Path, part: &mut [u8]) {
    let mut file = File::open(path).expect("the file");
    while file.read(black_box(part)).expect("the file") > 0 {}
}

/// Runs a program of `a` from one file into another.
fn streamed(program: &Program, a: &Path, z: &Path) {
    let a = Arc::new(npy::open(a).expect("the file"));
    let args = [("a", Arg::source(&a))];
    let shapes = program.eval_shape(args.clone()).expect("shapes");
    let file = File::create(z).expect("a new file");
    let z = Arc::new(npy::create(file, shapes[0].dtype, &shapes[0].shape).expect("room"));
    program.eval_into(args, &mut [Out::sink(&z)]).expect("values");
}

/// 0, 1, 2, ... in a file.
fn write_positions(path: &Path) {
    const PART: usize = 1 << 20;
    let file = File::create(path).expect("a new file");
    let file = npy::create(file, DType::F64, &[N]).expect("room for 800 MB");
    for start in (0..N).step_by(PART) {
        let part = start..N.min(start + PART);
        let bytes: Vec<u8> = part.flat_map(|i| (i as f64).to_le_bytes()).collect();
        file.write_at(8 * start as u64, &bytes).expect("room");
    }
}
