//! `cargo bench --bench speed`: hotloop compared with loops in C and with the machine's limits, in
//! interleaved rounds of one run.
//!
//! ```text
//! cargo bench --bench speed                  everything
//! cargo bench --bench speed -- W2 W10        some workloads
//! cargo bench --bench speed -- fresh threads some of the other tables
//! ```
//!
//! The other tables are `fresh` (outputs that are allocated), `threads` (two against one),
//! `widths` (against C of 128 bits and of the machine's width), `rebinding` (other arrays for a
//! bound kernel), `compile`, and `files` (against a
//! copy of the file and the run in memory). Read the ratios: absolute times are those of a shared
//! machine.
//!
//! The loops in C are built with `-O3 -march=native` and run on as many threads, which wait between
//! calls. The floor is the time of the fastest loop in C that moves as many bytes as the program
//! must: each line of its inputs once and each output once, with nontemporal stores unless
//! everything fits the cache; or the time of its fused multiply-adds, if that is longer.

mod arrays;
mod calls;
mod compile;
mod contest;
mod files;
mod floor;
mod peer;
mod timing;
mod workloads;

use hotloop::Result;

use contest::Field;
use peer::Peer;
use workloads::Workload;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| !w.starts_with('-')).collect();
    let wanted =
        |name: &str| words.is_empty() || words.iter().any(|w| w.eq_ignore_ascii_case(name));
    let workloads = Workload::all();
    let tables = ["fresh", "threads", "widths", "rebinding", "compile", "files"];
    let known = |w: &String| {
        let names = workloads.iter().map(|w| w.id).chain(tables);
        names.into_iter().any(|name| w.eq_ignore_ascii_case(name))
    };
    if let Some(word) = words.iter().find(|w| !known(w)) {
        eprintln!("there is no workload or table {word}");
        std::process::exit(2);
    }

    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if processors > 1 { vec![1, 2] } else { vec![1] };
    let field = Field {
        plain: Peer::build(threads.len(), &[]),
        fast: Peer::build(threads.len(), &["-ffast-math"]),
        threads,
    };
    if field.plain.is_none() {
        eprintln!("no C compiler: there is nothing to compare with, and no floor");
    }
    if workloads.iter().any(|w| wanted(w.id)) {
        println!("{}", contest::HEAD);
    }
    workloads.iter().filter(|w| wanted(w.id)).for_each(|w| contest::measure(w, &field));
    if wanted("fresh") {
        calls::fresh(&field)?;
    }
    if wanted("threads") {
        calls::threads(&field)?;
    }
    if wanted("widths") {
        calls::widths(&field)?;
    }
    if wanted("rebinding") {
        calls::rebinding(&field)?;
    }
    if wanted("compile") {
        compile::times()?;
    }
    if wanted("files") {
        files::times(&field.threads)?;
    }
    Ok(())
}
