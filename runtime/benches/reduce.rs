//! `cargo bench -p hotloop-runtime --bench reduce`: float reductions on one thread, of sequences
//! one after the other (`row`, `column`: the order) and side by side (`lanes`), in the caches L1
//! and L2 and out of them, on each instruction set.
//!
//! A figure is nanoseconds per 1,000 elements, the minimum of the rounds. An argument selects the
//! lines whose names contain it, so that two builds can be run alternately.

use std::env;
use std::hint::black_box;
use std::time::Instant;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::huge_pages::prefer_huge_pages;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{Columns, Order, Partial, Reducer, Reduction, Sequence};

const ROUNDS: usize = 7;
/// Elements of a round, at least.
const ELEMENTS: usize = 1 << 20;
/// What is reduced, in bytes.
const SIZES: [(&str, usize); 3] = [("L1", 16 << 10), ("L2", 512 << 10), ("memory", 384 << 20)];
/// Elements that come at a time, as from a tile of several steps and from one of a single step.
const PIECES: [usize; 2] = [256, 4096];
const LANES: usize = 512;

/// The least time of the rounds, in nanoseconds for 1,000 elements.
fn time(elements: usize, mut run: impl FnMut()) -> f64 {
    let turns = ELEMENTS.div_ceil(elements);
    let least = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        (0..turns).for_each(|_| run());
        start.elapsed().as_secs_f64()
    });
    least.fold(f64::INFINITY, f64::min) * 1e12 / (turns * elements) as f64
}

fn sequence(reducer: &Reducer, data: &[u8], piece: usize) -> f64 {
    let (size, mut sequence) = (reducer.dtype().size(), Sequence::new());
    time(data.len() / size, || {
        sequence.start(reducer, 0);
        for part in data.chunks(piece * size) {
            // SAFETY: started above; the part holds this many elements.
            unsafe { sequence.push(reducer, part.as_ptr(), part.len() / size) };
        }
        black_box(sequence.finish(reducer));
    })
}

fn lanes(reducer: &Reducer, data: &[u8]) -> f64 {
    let row = LANES * reducer.dtype().size();
    let rows = data.len() / row;
    let mut partials = [Partial::default(); LANES];
    let Ok(mut columns) = Columns::new(reducer, LANES, rows.max(512)) else { return f64::NAN };
    // Many rows even where few of them fit, so that what is done once does not count.
    let turns = 512_usize.div_ceil(rows);
    time(turns * rows * LANES, || {
        columns.start(reducer, LANES, 0);
        for _ in 0..turns {
            for row in data.chunks_exact(row) {
                // SAFETY: started above; a row has an element for each lane.
                unsafe { columns.push(reducer, row.as_ptr()) };
            }
        }
        columns.finish(reducer, &mut partials);
        black_box(&partials);
    })
}

fn main() {
    let wanted: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let named = |place: &str| wanted.iter().any(|part| part == place);
    let any_named = SIZES.iter().any(|(place, _)| named(place));
    let sizes = SIZES.iter().filter(|(place, _)| !any_named || named(place));
    let largest = sizes.map(|(_, size)| *size).max().unwrap_or(0);
    let mut memory = vec![0_u64; largest / 8];
    prefer_huge_pages(&mut memory);
    let values = [(Reduction::Sum, DType::F64), (Reduction::Sum, DType::F32)];
    let values = values.into_iter().chain([(Reduction::SquaredDeviations, DType::F64)]);
    for (reduction, dtype) in values {
        for (i, word) in memory.iter_mut().enumerate() {
            let x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            *word = match dtype {
                DType::F32 => (x as f32).to_bits() as u64 * 0x1_0000_0001,
                _ => (x as f64).to_bits(),
            };
        }
        // SAFETY: this many initialised bytes.
        let bytes = unsafe {
            std::slice::from_raw_parts(memory.as_ptr().cast::<u8>(), size_of_val(&memory[..]))
        };
        for order in [Order::Row, Order::Column] {
            for isa in Isa::available() {
                let Some(reducer) = Reducer::new(reduction, dtype, order, isa) else { continue };
                for (place, size) in SIZES.into_iter().filter(|(_, size)| *size <= largest) {
                    let data = &bytes[..size];
                    let line = |what: &str, time: &dyn Fn() -> f64| {
                        let name = format!("{reduction}({dtype}) {order:?} {isa:?} {place} {what}");
                        if wanted.iter().all(|part| name.contains(part)) {
                            println!("{name:56} {:9.1}", time());
                        }
                    };
                    for piece in PIECES {
                        line(&format!("by {piece}"), &|| sequence(&reducer, data, piece));
                    }
                    line("lanes", &|| lanes(&reducer, data));
                }
            }
        }
    }
}
