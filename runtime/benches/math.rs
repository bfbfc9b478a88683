//! `cargo bench -p hotloop-runtime --bench math`: nanoseconds an element of every math function,
//! dtype and instruction set, over 2,048 elements in L1, on one thread.
//!
//! `HOTLOOP_FUNCTIONS=sin,cos` chooses functions. Kernels are timed alternately, so that
//! disturbances affect all of them; the figure is the median of the rounds.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::Random;
use common::domain::chosen;
use hotloop_runtime::block::BlockFn;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

const N: usize = 2048;
const ROUNDS: usize = 15;

struct Contender {
    name: &'static str,
    dtype: DType,
    isa: Isa,
    kernel: BlockFn,
    a: Vec<u64>,
    b: Vec<u64>,
    calls: usize,
    times: Vec<f64>,
}

impl Contender {
    fn block(&mut self) {
        let mut out = [0u64; N];
        for _ in 0..self.calls {
            let null = std::ptr::null();
            let (a, b) = (self.a.as_ptr().cast(), self.b.as_ptr().cast());
            // SAFETY: three arrays with room for N elements.
            unsafe { (self.kernel)(out.as_mut_ptr().cast(), a, b, null, N) };
            std::hint::black_box(&mut out);
        }
    }

    fn time(&mut self) -> f64 {
        let start = Instant::now();
        self.block();
        start.elapsed().as_nanos() as f64 / (self.calls * N) as f64
    }
}

/// N elements of a dtype, evenly over a range.
fn column(random: &mut Random, dtype: DType, (low, high): (f64, f64)) -> Vec<u64> {
    let mut data = vec![0u64; N];
    for i in 0..N {
        let x = low + (high - low) * ((random.next() >> 11) as f64 / (1u64 << 53) as f64);
        match dtype {
            DType::F64 => data[i] = x.to_bits(),
            _ => data[i / 2] |= u64::from((x as f32).to_bits()) << (32 * (i % 2)),
        }
    }
    data
}

fn main() {
    let mut random = Random(1);
    let mut contenders = Vec::new();
    for f in chosen() {
        for dtype in [DType::F64, DType::F32] {
            for isa in Isa::available() {
                let Some(kernel) = (f.kernel)(dtype, isa) else { continue };
                let mut argument = |i| column(&mut random, dtype, f.usual[i % f.arity]);
                let (a, b) = (argument(0), argument(1));
                let (name, calls, times) = (f.name, 1, Vec::new());
                let mut new = Contender { name, dtype, isa, kernel, a, b, calls, times };
                // About 0.2 ms a block.
                new.time();
                new.calls = (2e5 / (new.time() * N as f64)).clamp(1.0, 1e4) as usize;
                contenders.push(new);
            }
        }
    }
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            contender.time(); // warms up
            let best = (0..3).map(|_| contender.time()).fold(f64::INFINITY, f64::min);
            contender.times.push(best);
        }
    }
    let isas: Vec<Isa> = Isa::available().collect();
    let names = isas.iter().rev().map(|isa| isa.name());
    println!("| function | dtype | {} |", names.collect::<Vec<_>>().join(" | "));
    println!("|---|---|{}", "---|".repeat(isas.len()));
    for row in contenders.chunks_mut(isas.len()) {
        let cells: Vec<String> = row
            .iter_mut()
            .rev()
            .map(|c| {
                c.times.sort_unstable_by(f64::total_cmp);
                format!("{:.3}", c.times[ROUNDS / 2])
            })
            .collect();
        debug_assert!(row.windows(2).all(|w| w[0].dtype == w[1].dtype && w[0].isa < w[1].isa));
        println!("| {} | {} | {} |", row[0].name, row[0].dtype, cells.join(" | "));
    }
}
