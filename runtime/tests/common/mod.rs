//! Seeded random numbers, and comparison of bits.

#![allow(dead_code, reason = "each test takes what it needs")]

pub mod domain;
pub mod record;

use hotloop_runtime::dtype::DType;

/// The SplitMix64 generator: its state is the seed, so that every failure can be reproduced.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// The seed of this run, from `HOTLOOP_SEED` or the clock. It is printed, and so shown if the test
/// fails.
pub fn seed() -> u64 {
    let given = std::env::var("HOTLOOP_SEED").ok().and_then(|s| s.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |t| t.as_nanos() as u64)
    });
    println!("HOTLOOP_SEED={seed}");
    seed
}

/// The element's bits, the same for all NaNs.
pub fn canonical(bits: u64, dtype: DType) -> u64 {
    match dtype {
        DType::F32 if f32::from_bits(bits as u32).is_nan() => u64::MAX,
        DType::F64 if f64::from_bits(bits).is_nan() => u64::MAX,
        _ => bits,
    }
}
