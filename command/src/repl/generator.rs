//! Random numbers that are the same on every machine.
//!
//! The generator is xoshiro256++ (David Blackman and Sebastiano Vigna, "Scrambled linear
//! pseudorandom number generators", 2019), its state filled from the seed by SplitMix64, as its
//! authors advise. Normal numbers are made of uniform ones by the transform of Box and Muller,
//! with the engine's own functions, whose bits do not depend on the machine.

use hotloop::{Engine, Out, Result, RunOptions};

use crate::interrupt;
use crate::split_mix::SplitMix64;

/// A generator and its state.
#[derive(Clone)]
pub(crate) struct Generator([u64; 4]);

/// The number of normal numbers generated at a time.
const BLOCK: usize = 1 << 18;

const NORMAL: &str = "mean + std * sqrt(-2 * log(u)) * cos(2 * pi * v)";

impl Generator {
    /// The generator of a seed.
    pub(crate) fn seeded(seed: u64) -> Generator {
        let mut state = SplitMix64(seed);
        Generator([(); 4].map(|()| state.next()))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A multiple of 2^-53 in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A multiple of 2^-24 in [0, 1).
    pub(crate) fn uniform_f32(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Draws normal numbers.
    ///
    /// # Errors
    /// `Cancelled`.
    pub(crate) fn normal(
        &mut self,
        engine: &Engine,
        (mean, std): (f64, f64),
        numbers: &mut [f64],
    ) -> Result<()> {
        let options = RunOptions::new().cancel(interrupt::token());
        let program = engine.compile(NORMAL)?.with(options);
        let block = BLOCK.min(numbers.len());
        let (mut u, mut v) = (vec![0.0; block], vec![0.0; block]);
        for part in numbers.chunks_mut(block.max(1)) {
            let (u, v) = (&mut u[..part.len()], &mut v[..part.len()]);
            for (u, v) in u.iter_mut().zip(&mut *v) {
                // In (0, 1]: the logarithm of 0 is not finite.
                *u = 1.0 - self.uniform();
                *v = self.uniform();
            }
            let args = (("u", &*u), ("v", &*v), ("mean", mean), ("std", std));
            program.eval_into(args, &mut [Out::from(part)])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the authors' program from the state 1, 2, 3, 4.
    #[test]
    fn the_generator_is_the_published_one() {
        let mut generator = Generator([1, 2, 3, 4]);
        let drawn = [(); 4].map(|()| generator.next());
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
        // The state of the seed 0.
        assert_eq!(Generator::seeded(0).0[..2], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn normal_numbers_are_the_same_everywhere() {
        let draw = |n: usize, engine: &Engine| {
            let mut numbers = vec![0.0; n];
            Generator::seeded(42).normal(engine, (10.0, 2.0), &mut numbers).unwrap();
            numbers
        };
        let engine = Engine::builder().threads(1).build();
        let numbers = draw(300_000, &engine);
        let mean = numbers.iter().sum::<f64>() / 3e5;
        let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 3e5;
        assert!((mean - 10.0).abs() < 0.02 && (variance - 4.0).abs() < 0.05, "{mean}, {variance}");
        assert!(numbers.iter().all(|x| x.is_finite()));
        let plain =
            Engine::builder().isa(hotloop::threads::Isa::Baseline).threads(2).eager().build();
        assert_eq!(draw(1000, &plain), numbers[..1000]);
        // Any other bits, on any machine, are a mistake.
        assert_eq!(numbers[0].to_bits(), 0x4020_ec8d_15bb_f350, "{:#x}", numbers[0].to_bits());
    }
}
