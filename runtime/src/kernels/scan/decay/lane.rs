//! What an exponentially weighted mean keeps of a sequence.

/// The numbers that are kept of each sequence.
///
/// An *entry* is the distance of the mean before a block from the newest element before it; a *jump*
/// that of this element from the block's first; a *carry* is their sum.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum Kept {
    /// The newest element, 0 if it is not finite or so large that distances from it may overflow.
    Newest,
    /// The part of the run up to the row.
    Run,
    /// The part of the complete runs of the group.
    Runs,
    /// The part of the complete groups of the leaf.
    Groups,
    RunEntry,
    RunJump,
    RunCarry,
    GroupEntry,
    GroupJump,
    GroupCarry,
    LeafEntry,
    LeafJump,
    LeafCarry,
    /// The last mean.
    Last,
    /// The product of decays of the run's rows, if the run is not clean.
    RunDecay,
    /// That of the group's runs.
    GroupDecay,
    /// That of the leaf's groups.
    LeafDecay,
    /// The number of missing rows since the last element, as bits.
    Gap,
    /// [`STARTED`] and other flags, as bits.
    Flags,
}

/// The number of variants of [`Kept`].
pub(super) const KEPT: usize = 19;
/// The numbers of each level above leaves: entry, jump and carry of its block; the part of the
/// block's complete children, and the product of their decays.
pub(super) const OF_LEVEL: usize = 5;

/// There has been an element.
pub(super) const STARTED: u64 = 1;
/// No row of the run, group or leaf is missing so far, nor the row before it.
pub(super) const CLEAN: [u64; 3] = [2, 4, 8];
/// The run, group or leaf has an element.
pub(super) const SOME: [u64; 3] = [16, 32, 64];
/// A complete run of the group, or group of the leaf, has one.
pub(super) const FOLD: [u64; 2] = [128, 256];
/// [`CLEAN`], [`SOME`] and [`FOLD`] of the blocks of a level.
pub(super) const fn level_flags(level: usize) -> [u64; 3] {
    [1 << (16 + level), 1 << (32 + level), 1 << (48 + level)]
}
/// All flags for missing rows.
pub(super) const ALL_CLEAN: u64 = 2 | 4 | 8 | 0xffff_0000;

/// The numbers of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    pub(super) first: *mut f64,
    /// From one number to the next.
    pub(super) stride: usize,
}

impl Lane {
    #[inline(always)]
    pub(super) fn place(&self, number: usize) -> *mut f64 {
        self.first.wrapping_add(number * self.stride)
    }

    #[inline(always)]
    pub(super) unsafe fn get(&self, kept: Kept) -> f64 {
        // SAFETY: the memory has all numbers of the sequence.
        unsafe { self.place(kept as usize).read() }
    }

    #[inline(always)]
    pub(super) unsafe fn set(&self, kept: Kept, value: f64) {
        // SAFETY: as in `get`.
        unsafe { self.place(kept as usize).write(value) };
    }

    pub(super) unsafe fn flags(&self) -> u64 {
        // SAFETY: as in `get`.
        unsafe { self.get(Kept::Flags).to_bits() }
    }

    pub(super) unsafe fn set_flags(&self, flags: u64) {
        // SAFETY: as in `get`.
        unsafe { self.set(Kept::Flags, f64::from_bits(flags)) };
    }

    /// Whether the row before was missing, or there was none with an element.
    pub(super) unsafe fn was_missing(&self) -> bool {
        // SAFETY: as in `get`.
        unsafe { self.get(Kept::Gap).to_bits() > 0 }
    }
}

/// Flags with one that is set unless the last row is missing.
#[inline(always)]
pub(super) fn renewed(flags: u64, clean: u64, missing: bool) -> u64 {
    if missing { flags & !clean } else { flags | clean }
}
