//! `cargo bench -p hotloop-runtime --bench copy`: strided copies out of and into memory, panels of
//! F-ordered arrays, and streamed outputs, on one thread.
//!
//! The contenders of a line are timed alternately; the figure is the median of the rounds, in GB/s
//! of the bytes of the array, and for `stream` of all arrays.

use std::hint::black_box;
use std::time::Instant;

use hotloop_runtime::huge_pages::prefer_huge_pages;
use hotloop_runtime::nontemporal::{PIECE, Stream, fence};
use hotloop_runtime::strided::{Panel, gather, gather_block, scatter, scatter_block, swap_bytes};

const ROUNDS: usize = 9;
/// Elements of a tile, as the executor's.
const TILE: usize = 2048;

/// Memory that is mapped, in huge pages where there are any.
fn memory(bytes: usize) -> Vec<u64> {
    let mut memory = vec![0; bytes / 8 + 64];
    prefer_huge_pages(&mut memory);
    memory.fill(0x0101_0101_0101_0101);
    memory
}

/// Times contenders in turns, and prints the median of each.
fn race(name: &str, bytes: usize, contenders: &mut [(&str, &mut dyn FnMut())]) {
    let mut seconds = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), seconds) in contenders.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            run();
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    print!("{name:32}");
    for ((contender, _), mut seconds) in contenders.iter().zip(seconds) {
        seconds.sort_by(f64::total_cmp);
        print!(" {contender} {:6.1}", bytes as f64 / seconds[ROUNDS / 2] * 1e-9);
    }
    println!(" GB/s");
}

/// The sum of whole words, as fast as memory gives them.
fn sum(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum, word| sum.wrapping_add(*word))
}

/// A square F-ordered array of elements of `size` bytes, read and written in C order, by panels.
fn panels(n: usize, size: usize) {
    let column = n * size;
    let mut array = memory(n * column);
    let bytes = array.as_mut_ptr().cast::<u8>();
    let Panel { first, rows: height, columns: width } = Panel::new(bytes, column as isize, size);
    let stride = width * size + 64;
    let mut staging = memory(height * stride);
    let words = staging.len();
    let staged = staging.as_mut_ptr();
    let each = |f: &dyn Fn(*mut u8, usize, usize)| {
        let mut row = 0;
        while row < n {
            let rows = if row == 0 { first } else { height }.min(n - row);
            for first in (0..n).step_by(width) {
                let at = bytes.wrapping_add(row * size + first * column);
                f(at, rows, width.min(n - first));
            }
            row += rows;
        }
    };
    let total = n * column / 8;
    race(
        &format!("{n}x{n} of {size} bytes, F order"),
        n * column,
        &mut [
            ("plain reading", &mut || {
                // SAFETY: the array has this many words.
                black_box(sum(unsafe { std::slice::from_raw_parts(bytes.cast(), total) }));
            }),
            ("panels", &mut || {
                each(&|at, rows, columns| {
                    let (row, column) = (size as isize, column as isize);
                    // SAFETY: the panel is part of the array, and the staging memory has room.
                    unsafe {
                        gather_block(staged.cast(), stride, at, rows, row, columns, column, size);
                        black_box(sum(std::slice::from_raw_parts(staged, words)));
                    }
                });
            }),
            // SAFETY: as above.
            ("plain writing", &mut || unsafe { bytes.write_bytes(1, n * column) }),
            ("panels", &mut || {
                each(&|at, rows, columns| {
                    let (row, column) = (size as isize, column as isize);
                    // SAFETY: as above.
                    unsafe {
                        staged.write_bytes(1, words);
                        scatter_block(at, rows, row, columns, column, staged.cast(), stride, size);
                    }
                });
            }),
        ],
    );
}

/// Tiles of an array with these strides, in elements, the first at `base`.
fn tiles(name: &str, size: usize, shape: &[usize], strides: &[isize], base: usize) {
    let n: usize = shape.iter().product();
    let mut array = memory(n * 3 * size);
    let mut tile = memory(TILE * size);
    let strides: Vec<isize> = strides.iter().map(|step| step * size as isize).collect();
    let tile = tile.as_mut_ptr().cast::<u8>();
    let at = array.as_mut_ptr().cast::<u8>().wrapping_add(base * size);
    let starts = || (0..n).step_by(TILE).map(|start| (start, TILE.min(n - start)));
    // SAFETY: the cases below stay inside three times `n` elements.
    let mut read = || unsafe {
        starts().for_each(|(start, m)| gather(tile, at, shape, &strides, size, start, m));
    };
    // SAFETY: as above, and no stride is 0.
    let mut write = || unsafe {
        starts().for_each(|(start, m)| scatter(at, tile, shape, &strides, size, start, m));
    };
    let name = format!("{name} of {size} bytes");
    if strides.contains(&0) {
        race(&name, n * size, &mut [("gather", &mut read)]);
    } else {
        race(&name, n * size, &mut [("gather", &mut read), ("scatter", &mut write)]);
    }
}

/// `2*a + 3*b` of arrays in memory, with ordinary stores and with streamed pieces of two sizes.
fn streams() {
    let n = 10_000_000;
    let (a, b) = (vec![1.0_f64; n], vec![2.0_f64; n]);
    let mut out = memory(n * 8);
    let out = out.as_mut_ptr().cast::<f64>();
    let by = |piece: usize, streamed: bool| {
        let mut buffer = vec![0.0; piece];
        let mut stream = Stream::new();
        for start in (0..n).step_by(piece) {
            let m = piece.min(n - start);
            let at = out.wrapping_add(start);
            // SAFETY: the output has `n` elements.
            let ordinary = unsafe { std::slice::from_raw_parts_mut(at, m) };
            let to = if streamed { &mut buffer[..m] } else { ordinary };
            for ((to, a), b) in to.iter_mut().zip(&a[start..]).zip(&b[start..]) {
                *to = 2.0 * a + 3.0 * b;
            }
            if streamed {
                // SAFETY: as above.
                unsafe { stream.write(at.cast(), buffer.as_ptr().cast(), m * 8) };
            }
        }
        // SAFETY: as above.
        unsafe { stream.finish() };
        fence();
    };
    race(
        "stream",
        24 * n,
        &mut [
            ("ordinary", &mut || by(PIECE / 8, false)),
            ("streamed", &mut || by(PIECE / 8, true)),
            ("longer pieces", &mut || by(PIECE, true)),
        ],
    );
}

fn main() {
    for size in [8, 4, 2, 1] {
        panels(4000, size);
        panels(4001, size);
        panels(4096, size);
    }
    let n = 1_000_000;
    let far = n as isize;
    for size in [8, 4, 1] {
        tiles("(N, 3) by columns", size, &[n, 3], &[1, far], 0);
        tiles("(N, 3) of (3,)", size, &[n, 3], &[0, 1], 0);
        tiles("(N, 3) of (N, 1)", size, &[n, 3], &[1, 0], 0);
        tiles("backward", size, &[n], &[-1], n - 1);
        tiles("every other", size, &[n], &[2], 0);
        tiles("every third", size, &[n], &[3], 0);
    }
    let mut data = memory(1 << 15);
    let data = data.as_mut_ptr().cast::<u8>();
    for size in [2, 4, 8] {
        // SAFETY: there are 32 KiB.
        let mut swap =
            || (0..1000).for_each(|_| unsafe { swap_bytes(data, size, (1 << 15) / size) });
        race(&format!("bytes of {size} swapped"), 1000 << 15, &mut [("", &mut swap)]);
    }
    streams();
}
