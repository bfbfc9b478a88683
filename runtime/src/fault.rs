//! Seeded miscompiles of this crate and of the compiler. `tests/miscompile.rs` enables one at a
//! time and checks that a test notices.
//!
//! Without the feature `faults`, [`injected`] is the constant `false`, so no fault is compiled in.

macro_rules! faults {
    ($($place:literal: $($fault:ident $what:literal;)*)*) => {
        /// A seeded miscompile; its row in the table below describes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is described by its row")]
        pub enum Fault { $($($fault,)*)* }

        #[cfg(feature = "faults")]
        impl Fault {
            /// All faults, by file.
            pub const ALL: &[Fault] = &[$($(Fault::$fault,)*)*];

            /// The file that the fault is in.
            pub fn place(self) -> &'static str {
                match self { $($(Fault::$fault => $place,)*)* }
            }

            /// A description of the wrong behaviour.
            pub fn what(self) -> &'static str {
                match self { $($(Fault::$fault => $what,)*)* }
            }
        }
    };
}

faults! {
    "src/resolve/expression.rs":
        ChainLosesItsMiddle "a chain of comparisons is its last one";
    "src/resolve/arguments.rs":
        IsinAsksTheLast "isin compares with its last value only";
    "src/promote.rs":
        U32MeetsI32 "a signed integer and u32 meet in i32";
    "src/graph/power.rs":
        PlainCube "x**3 and x**4 are plain products in strict mode";
        RootForHalfPower "x**0.5 is sqrt(x), zeros and infinities too";
    "src/graph/formula.rs":
        HeavisideOfZeroIsOne "heaviside(0, y) is 1";
        ExponentByLogarithm "the exponent of frexp is floor(log2(abs(x))) + 1";
        MantissaByQuotient "the mantissa of frexp is x / exp2(exponent)";
        FloatPowerInOwnFloat "float_power of f32 is computed in f32";
        BoundBeyondDtypeKept "a bound of clip beyond the dtype is not left out";
        FillOfOtherDtype "full_like has the dtype of the number";
    "src/graph/reduction.rs":
        PtpOverlooksNan "ptp overlooks NaN";
        InitialForgotten "sum and prod forget their initial value";
        ExtremeInitialForgotten "min and max know their initial value only if there is nothing else";
        MaskedMeanOverAll "the mean of some elements divides by the number of all";
        MaskedFreedomForgotten "var of some elements forgets ddof";
        MaskedVarUndefined "nanvar without freedom is infinite";
        MaskedAllCountsTheOthers "all of some elements is false if another one is";
        NanargOfInfinities "nanargmin and nanargmax of infinities beside NaN give the NaN's place";
        ArrayEqualBroadcasts "array_equal broadcasts";
    "src/legalize.rs":
        FusedInStrict "a product that is added is fused in strict mode";
        SharedProductFused "a product that others use is fused";
        FusedSignForgotten "a*b - c is fused to a*b + c";
        ReassociatedInStrict "sums and products are balanced in strict mode";
        FminPropagatesNan "fmin and fmax propagate NaN";
        MinusInfinityIsFinite "isinf and isfinite do not see -inf";
        MeanOverAll "the mean along an axis divides by the number of all elements";
        FreedomBelowZero "ddof beyond the number of elements divides by what is below zero";
        ValuesCounted "count_nonzero adds the values up";
        NanminOfNothing "nanmin of nothing but NaN is infinite";
    "src/optimize.rs":
        NeutralPositiveZero "x + 0.0 is x";
        ZeroTimesAnything "x * 0.0 is 0.0";
        DifferenceWithItself "x - x of floats is 0.0";
        QuotientByItself "x / x is 1.0";
        EqualToItself "x == x of floats is true";
        NotLess "not (x < y) of floats is y <= x";
        UnequalIsLessOrGreater "x != y of floats is x < y or y < x";
        SumRegrouped "(x + y) + z of floats is x + (y + z)";
        SumFused "x*y + z is fma(x, y, z)";
        SortedDifference "the operands of a subtraction are put in order";
        QuotientByReciprocal "x / c is x * (1 / c)";
        NegatedFromZero "-x of floats is 0.0 - x";
        AbsByComparison "abs(x) of floats is -x if x < 0 else x";
        MinimumByComparison "minimum of floats is x if x < y else y";
        RintByFloor "rint(x) is floor(x + 0.5)";
        DisjunctionOfParts "x | y of integers is x + y";
        DeMorganHalf "not (x and y) is not x and not y";
        DifferenceBelowZero "x < y of signed integers is x - y < 0";
        NarrowComparison "f64 are compared as f32";
        SumOfParts "sum(x + y) is sum(x) + sum(y)";
        ArgmaxOfNegated "argmax(x) is argmin(-x)";
        TruthConstantTurned "where(c, x, y) is where(not c, x, y)";
        ShortConstant "constants of f64 are rounded to f32";
        NextConstant "constants of floats are one unit off";
        PositiveConstant "the constant -0.0 is 0.0";
    "src/optimize.rs, conversions":
        RoundTripDropped "a value made narrower and wide again stays as it was";
        RoundedToInteger "a float becomes the nearest integer";
        LowestBitIsTruth "an integer is true if it is odd";
        TruthOfWholePart "a float is true if its whole part is not 0";
        ZeroExtended "signed integers are extended with zeros";
        WrappedNotSaturated "floats wrap when they become narrow integers";
        SignedU64 "a u64 becomes a float as if it were an i64";
        RoundedTwice "an i64 becomes an f32 by way of f64";
    "src/optimize.rs, strength":
        DivisionTruncated "x // y of signed integers is rounded toward zero";
        RemainderOfC "x % y has the sign of x";
        MaskOfDivisor "x % 2**k is x & 2**k";
        ShiftMasked "a shift's count is taken modulo the width";
        ShiftUnsigned "x >> y fills with zeros";
        PowerByLogarithm "x**y of floats is exp(y * log(x))";
        HypotByRoot "hypot(x, y) is sqrt(x*x + y*y)";
        FmaRoundsTwice "fma(x, y, z) is x*y + z";
        Expm1ByExp "expm1(x) is exp(x) - 1";
        Log1pByLog "log1p(x) is log(1 + x)";
        LogaddexpOverflows "logaddexp(x, y) is log(exp(x) + exp(y))";
        Logaddexp2Overflows "logaddexp2(x, y) is log2(exp2(x) + exp2(y))";
        GcdWithSign "gcd(x, y) has the sign of x";
        LcmOfProduct "lcm(x, y) is x * y // gcd(x, y)";
        LdexpByPower "ldexp(x, n) is x * exp2(n)";
        BitsOfComplement "the bits of a negative integer are those of its two's complement";
        SincByQuotient "sinc(x) is sin(pi * x) / (pi * x)";
        CopysignByComparison "copysign(x, y) is -abs(x) if y < 0 else abs(x)";
    "src/plan/":
        PassesSwapped "the last two passes change places";
        LoadsSwapped "two inputs of one type are taken for each other";
        ViewForgotten "an array is read without its last view";
        OutputsSwapped "two outputs of a pass change places";
    "src/backend/cpu/arrange.rs":
        UniformOfNeighbour "a number is read from its neighbour";
        SecondStoreForgotten "a value that two places want is stored once";
        PairSwapped "the sine and the cosine change places";
        TruthsCopied "bytes of bools are copied as they are";
        MaskHalfRead "a mask is read as one of half the width";
        StepsSwapped "the last two steps of a tile change places";
        SlotFreedEarly "a scratch slot is free again before it is read the last time";
    "src/backend/cpu/cranelift":
        UnsignedAsSigned "small unsigned integers are compared as signed ones";
        U64NotMoved "u64 are compared as i64";
        LessIsLessOrEqual "< of floats is <=";
        LessIfUnordered "<= of floats holds of NaN";
        EqualByBits "floats are equal if their bits are";
        DifferenceSwapped "x - y is y - x";
        QuotientSwapped "x / y is y / x";
        MinimumOfTheMachine "minimum of floats is the machine's instruction";
        SelectTurned "a select takes the other branch";
        ComplementForgotten "<= of integers is > of them";
        NarrowAddition "lanes of 32 bits are added as lanes of 16";
        NearestIsTruncated "rint is trunc";
        SignedAbs "abs of an unsigned integer is that of a signed one";
        FirstVectorReloaded "every vector of a turn is loaded from the place of the first";
        LastVectorNotStored "the last vector of a turn is not stored";
        RowsSkipped "a loop that accumulates takes every second row";
        NarrowSumUnsigned "a loop takes narrow integers for unsigned ones when it sums them";
        LoopEndsEarly "a loop leaves out what does not fill a turn";
    "src/backend/cpu/native.rs":
        CodegenPanics "code generation panics";
    "src/backend/cpu/wide/select.rs":
        WideMaximumOfNumbers "maximum of floats gives a number beside a NaN";
        WideMinimumOnce "minimum of floats is one instruction of 256 bits";
        WideUnsignedAsSigned "the extreme of small unsigned integers is that of signed ones";
        WideU64NotMoved "u64 are compared as i64 by 256-bit code";
        WideComplementForgotten "the complement of a comparison of integers is left out";
        WideBranchesTurned "a select of 256 bits takes the other branch";
        WideSignOfOtherWidth "negation flips the sign of the other width's floats";
        WideProductHalf "products of 64 bits leave out a product of halves";
        FusedNegationForgotten "a negation that is folded into a product and sum is forgotten";
    "src/backend/cpu/wide/reduction.rs":
        WideNarrowSumUnsigned "a loop of 256 bits takes narrow integers for unsigned ones when it sums them";
    "src/backend/cpu/wide/accumulate.rs":
        WideRowsSkipped "a loop of 256 bits that accumulates takes every second row";
        StripsOfTheFirst "every strip of a block is the first";
    "src/backend/cpu/wide/allocate.rs":
        FusedOtherForm "a product and sum overwrites its factor as if it were the sum";
        SpilledTogether "all values that leave their registers go to one slot";
        VictimStillUsed "a result takes the register of a source that is used again";
        ChainsReadTheFirst "every chain reads the elements of the first";
        SwappedAnyway "operands are swapped whose order matters";
    "src/backend/cpu/wide/mod.rs":
        LastTurnMissing "a loop leaves out its last turn if that is not whole";
        LastTurnEarly "the last turn ends before the last element";
    "src/backend/cpu/wide/pointers.rs":
        CellOfNeighbour "a broadcast number is that of the cell before";
    "src/backend/cpu/wide/encode.rs":
        HighRegisterLost "the upper eight registers are encoded as the lower ones";
    "src/bind/":
        OverlapNotCopied "an input that an output overlaps is not copied";
        InPlaceNotStaged "an input that is also written is not staged";
        TruthUniformNotMask "a bool that is a uniform is a byte, not a mask";
        LeavesOfOtherAxes "a reduction that keeps the last axis is added as one that takes it";
        UniformKeepsOldValue "a number that is computed between passes does not reach them";
        SinkDrainedInCOrder "a sink that is read again is filled in C order, whatever its own is";
    "runtime/src/executor/":
        TailOneShort "the last element of a tail is not written";
        TailReadOneShort "the last element of a tail is not read";
        TailFromTileStart "a tail reads its panel from where the tile began";
        PanelRowMissing "the last row of a panel is not copied";
        PiecesReversed "the pieces of a sequence are combined from the last";
        PieceStartsAtZero "every piece of a sequence counts from 0";
        LastUnitMissing "two threads leave out the last unit";
        SwappedPanelAsItIs "the bytes of a panel's elements are not turned";
        SwappedResultAsItIs "the bytes of a reduction's results are not turned";
        WorkerPanics "a worker panics";
    "runtime/src/storage/window.rs":
        WindowAsItIs "the bytes of a source's elements are not turned";
        SinkWindowAsItIs "the bytes of a sink's elements are not turned";
        WindowOfFirstRow "every row of a window is the first";
        SpanOneShort "the last element of a span that is picked from is not read";
        TransfersJoinedFar "transfers that meet in memory are joined, wherever they are in the store";
        ResultsJoinedFar "results are joined that do not meet in the store";
    "runtime/src/storage/transposed.rs":
        TurnedFirstRow "every row of a block that lies the other way is its first";
    "runtime/src/nest.rs":
        SequenceByMemory "a reduction takes its axes in the order of memory";
        SequenceTurned "a reduction goes forward along axes that lie backward";
    "runtime/src/kernels/strided/mod.rs":
        GatheredFromRowStart "a copy from a strided array begins at the row's start";
        ScatteredFromRowStart "a copy to a strided array begins at the row's start";
    "runtime/src/kernels/strided/shuffle.rs":
        ReversedFromGroupEnd "elements of a stride are taken backward without gaps";
        ShuffledTailOneShort "the first element after the last vector is not copied";
        LanesOfTheFirst "both lanes of a shuffled vector come from the first";
        LastVectorOverlooked "elements of the last vectors of a stride are those of the first";
    "runtime/src/kernels/reduce":
        LongRuns "an accumulator of a block takes 32 elements one after another";
        BlocksInSequence "the blocks of a leaf are put together one after another";
        MirrorsFolded "accumulators are folded from both ends";
        ReciprocalOfBefore "an updated mean divides by one element too few";
        TiesTakeTheLast "argmin and argmax give the last of equals";
        NanOverlooked "min, max and their positions overlook NaN";
        ZeroSignOverlooked "min and max give either zero";
        TreeTurned "the blocks of a tree are combined right to left";
        EarlierTilesForgotten "a sequence forgets the tiles before the last";
    "runtime/src/kernels/elementwise.rs":
        GuardIgnored "a remainder is taken by the fast way when it is not exact";
        LastElementSkipped "a vector kernel skips its last element";
        FloatQuotientUp "x // y of floats is rounded toward zero";
    "runtime/src/kernels/division":
        FactorNotRoundedUp "the reciprocal of a divisor is rounded down";
        FactorBitForgotten "a reciprocal of one bit more than a lane loses that bit";
        QuotientShiftedLess "a product with a reciprocal is shifted by one bit too few";
        NegativeQuotientUp "a negative quotient is rounded up";
        DividendSignKept "a quotient by a negative number has the dividend's sign";
        BytesExchanged "quotients of bytes change places in pairs";
        EstimateNotCorrected "a quotient stays as floats estimate it";
        FirstDivisorForAll "a block is divided by the first of its divisors";
    "runtime/src/kernels/math":
        TailOfVectorShort "a function leaves out the last element that fills no vector";
        RareLanesOverlooked "a function does not see that rare arguments are among its lanes";
}

/// Whether a fault is enabled.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn injected(_: Fault) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use switch::{Reached, injected, reached, turn_on};

#[cfg(feature = "faults")]
mod switch {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::Fault;

    /// The number of the enabled fault; out of range for none.
    static ON: AtomicUsize = AtomicUsize::new(usize::MAX);
    /// A bit for each fault.
    const WORDS: usize = Fault::ALL.len().div_ceil(64);
    static REACHED: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

    /// Enables a fault, and disables any other.
    pub fn turn_on(fault: Option<Fault>) {
        ON.store(fault.map_or(usize::MAX, |fault| fault as usize), Ordering::SeqCst);
    }

    /// Whether a fault is enabled.
    pub fn injected(fault: Fault) -> bool {
        let number = fault as usize;
        let (word, bit) = (&REACHED[number / 64], 1 << (number % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        ON.load(Ordering::Relaxed) == number
    }

    /// The faults whose code was reached.
    #[derive(Clone, Copy, Debug)]
    pub struct Reached([u64; WORDS]);

    impl Reached {
        /// Whether a fault is among them.
        pub fn has(self, fault: Fault) -> bool {
            self.0[fault as usize / 64] >> (fault as usize % 64) & 1 == 1
        }
    }

    /// Returns the faults reached since the last call.
    pub fn reached() -> Reached {
        Reached(REACHED.each_ref().map(|word| word.swap(0, Ordering::SeqCst)))
    }
}
