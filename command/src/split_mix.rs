//! `SplitMix64`: a simple random number generator, also used to seed others (Guy Steele, Doug Lea
//! and Christine Flood, "Fast splittable pseudorandom number generators", 2014).

/// The state of the generator; any initial value is valid.
pub(crate) struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the authors' program.
    #[test]
    fn the_generator_is_the_published_one() {
        let mut numbers = SplitMix64(0);
        let drawn = [(); 3].map(|()| numbers.next());
        assert_eq!(drawn, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }
}
