//! `cargo bench --bench speed`: hotloop compared with loops in C and with the machine's limits, in
//! interleaved rounds of one run.
//!
//! ```text
//! cargo bench --bench speed                     everything
//! cargo bench --bench speed -- W2 images        some workloads, by name or group
//! cargo bench --bench speed -- avx2 rows        at some of the instruction sets
//! cargo bench --bench speed -- fresh threads    some of the other tables
//! ```
//!
//! There is a table of the workloads for the machine's instruction set and each lower one, which
//! both hotloop and the loops in C are then held to. The other tables are `fresh` (outputs that are
//! allocated), `threads` (two against one), `widths` (against C of 128 bits and of the machine's
//! width), `rebinding` (other arrays for a bound kernel), `compile`, and `files` (against a copy of
//! the file and the run in memory). Read the ratios: absolute times are those of a shared machine.
//!
//! The loops in C are built with `-O3` for the instruction set and run on as many threads, which
//! wait between calls. The floor is the time of the fastest loop in C that moves as many bytes as
//! the program must: each line of its inputs once and each output once, with nontemporal stores
//! unless everything fits the cache; or the time of its fused multiply-adds, if that is longer.

mod arrays;
mod calls;
mod compile;
mod contest;
mod files;
mod floor;
mod kinds;
mod peer;
mod timing;
mod workloads;

use hotloop::Result;
use hotloop::threads::Isa;

use contest::Field;
use workloads::Workload;

/// The processor's name, as the system has it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("an unknown processor", |(_, name)| name.trim()).to_string()
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| !w.starts_with('-')).collect();
    let workloads = Workload::all();
    let tables = ["fresh", "threads", "widths", "rebinding", "compile", "files"];
    let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
    let is_isa = |word: &String| Isa::ALL.iter().any(|isa| is(word, isa.name()));
    let (isas, names): (Vec<String>, Vec<String>) = words.into_iter().partition(is_isa);
    let wanted = |name: &str| names.is_empty() || names.iter().any(|word| is(word, name));
    let known = |word: &String| {
        let names = workloads.iter().map(|w| w.id).chain(tables);
        names.into_iter().any(|name| is(word, name))
    };
    if let Some(word) = names.iter().find(|word| !known(word)) {
        eprintln!("there is no workload or table {word}");
        std::process::exit(2);
    }

    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if processors > 1 { vec![1, 2] } else { vec![1] };
    println!("{}, {}, {processors} available", processor(), Isa::detect());
    let mut levels: Vec<Isa> = Isa::available().collect();
    levels.retain(|isa| isas.is_empty() || isas.iter().any(|word| is(word, isa.name())));
    let highest = levels.last().copied().unwrap_or(Isa::detect());
    if workloads.iter().any(|w| wanted(w.id)) {
        for isa in levels.into_iter().rev() {
            let field = Field::new(isa, threads.clone());
            if field.plain.is_none() {
                eprintln!("no C compiler: there is nothing to compare with, and no floor");
            }
            println!("\n{isa}, C with `-O3 {}`", peer::flags(isa).join(" "));
            println!("{}", contest::HEAD);
            for workload in workloads.iter().filter(|w| wanted(w.id)) {
                contest::measure(&workload.for_isa(isa), &field);
            }
        }
    }
    let others: Vec<&str> = tables.into_iter().filter(|table| wanted(table)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let field = Field::new(highest, threads);
    for table in others {
        match table {
            "fresh" => calls::fresh(&field)?,
            "threads" => calls::threads(&field)?,
            "widths" => calls::widths(&field)?,
            "rebinding" => calls::rebinding(&field)?,
            "compile" => compile::times()?,
            _ => files::times(&field.threads)?,
        }
    }
    Ok(())
}
