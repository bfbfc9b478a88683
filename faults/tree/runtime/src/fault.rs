//! The table of seeded miscompiles of this crate and of the compiler. `tests/miscompile.rs` enables
//! one at a time and checks that a test notices it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

macro_rules! faults {
    ($($place:literal: $($fault:ident $what:literal;)*)*) => {
        /// A seeded miscompile; its row in the table below describes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is described by its row")]
        pub enum Fault { $($($fault,)*)* }

        impl Fault {
            /// All faults, in the order of the table.
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
        ChainLosesItsMiddle "a chain of comparisons is only its last comparison";
    "src/resolve/arguments.rs":
        IsinAsksTheLast "isin compares only with its last value";
    "src/promote.rs":
        U32MeetsI32 "a signed integer and u32 promote to i32";
    "src/graph/power.rs":
        PlainCube "x**3 and x**4 are repeated products in strict mode";
        RootForHalfPower "x**0.5 is sqrt(x) for zeros and infinities too";
    "src/graph/formula.rs":
        HeavisideOfZeroIsOne "heaviside(0, y) is 1";
        ExponentByLogarithm "the exponent of frexp is floor(log2(abs(x))) + 1";
        MantissaByQuotient "the mantissa of frexp is x / exp2(exponent)";
        FloatPowerInOwnFloat "float_power of f32 is computed in f32";
        BoundBeyondDtypeKept "clip applies a bound that lies outside the dtype";
        FillOfOtherDtype "full_like has the dtype of the fill value";
    "src/graph/reduction.rs":
        PtpOverlooksNan "ptp ignores NaN";
        InitialForgotten "sum and prod ignore their initial value";
        ExtremeInitialForgotten "min and max use their initial value only if there are no elements";
        MaskedMeanOverAll "a masked mean divides by the number of all elements";
        MaskedFreedomForgotten "a masked var ignores ddof";
        MaskedVarUndefined "nanvar without degrees of freedom is infinite";
        MaskedAllCountsTheOthers "a masked all is false because of an element outside the mask";
        NanargOfInfinities "nanargmin and nanargmax of infinities and NaN give the index of the NaN";
        ArrayEqualBroadcasts "array_equal broadcasts";
    "src/legalize.rs":
        FusedInStrict "a product and a sum are fused in strict mode";
        SharedProductFused "a product with other users is fused";
        FusedSignForgotten "a*b - c is fused to a*b + c";
        ReassociatedInStrict "sums and products are balanced in strict mode";
        FminPropagatesNan "fmin and fmax propagate NaN";
        MinusInfinityIsFinite "isinf and isfinite take -inf for finite";
        MeanOverAll "the mean along an axis divides by the number of all elements";
        FreedomBelowZero "var divides by a negative number if ddof exceeds the number of elements";
        ValuesCounted "count_nonzero adds the values";
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
        SortedDifference "the operands of a subtraction are sorted";
        QuotientByReciprocal "x / c is x * (1 / c)";
        NegatedFromZero "-x of floats is 0.0 - x";
        AbsByComparison "abs(x) of floats is -x if x < 0 else x";
        MinimumByComparison "minimum of floats is x if x < y else y";
        RintByFloor "rint(x) is floor(x + 0.5)";
        DisjunctionOfParts "x | y of integers is x + y";
        DeMorganHalf "not (x and y) is (not x) and (not y)";
        DifferenceBelowZero "x < y of signed integers is x - y < 0";
        NarrowComparison "f64 values are compared as f32";
        SumOfParts "sum(x + y) is sum(x) + sum(y)";
        ArgmaxOfNegated "argmax(x) is argmin(-x)";
        TruthConstantTurned "where(c, x, y) selects y where c is true";
        ShortConstant "f64 constants are rounded to f32";
        NextConstant "float constants are one unit in the last place off";
        PositiveConstant "the constant -0.0 is 0.0";
    "src/optimize.rs, conversions":
        RoundTripDropped "a value converted to a narrower dtype and back is unchanged";
        RoundedToInteger "a float converts to the nearest integer";
        LowestBitIsTruth "an integer converts to true if it is odd";
        TruthOfWholePart "a float converts to true if its integer part is not 0";
        ZeroExtended "signed integers are zero-extended";
        WrappedNotSaturated "floats wrap instead of saturating in conversions to narrow integers";
        SignedU64 "a u64 converts to a float as if it were an i64";
        RoundedTwice "an i64 converts to f32 through f64";
        ConvertedBranchesSwapped "the conversion of where(c, x, y) of constants exchanges x and y";
    "src/optimize.rs, strength":
        DivisionTruncated "x // y of signed integers rounds toward zero";
        RemainderOfC "x % y has the sign of x";
        MaskOfDivisor "x % 2**k is x & 2**k";
        ShiftMasked "a shift count is taken modulo the width";
        ShiftUnsigned "x >> y of signed integers shifts in zeros";
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
        BitsOfComplement "bitwise_count of a negative integer counts the bits of its two's complement";
        SincByQuotient "sinc(x) is sin(pi * x) / (pi * x)";
        CopysignByComparison "copysign(x, y) is -abs(x) if y < 0 else abs(x)";
    "src/plan/":
        PassesSwapped "the last two passes run in the wrong order";
        LoadsSwapped "two inputs of the same dtype and shape are exchanged";
        ViewForgotten "a load ignores the last of its views";
        OutputsSwapped "two outputs of a pass are exchanged";
    "src/backend/cpu/arrange.rs":
        UniformOfNeighbour "the next uniform is read instead of the right one";
        SecondStoreForgotten "the second of two stores of a value is lost";
        PairSwapped "the sine and the cosine of a step are exchanged";
        TruthsCopied "bool bytes other than 0 and 1 are copied unchanged";
        MaskHalfRead "a mask is read as one of half its width";
        StepsSwapped "the last two steps of a tile run in the wrong order";
        SlotFreedEarly "a scratch slot is reused before its last read";
    "src/backend/cpu/cranelift":
        UnsignedAsSigned "narrow unsigned integers are compared as signed ones";
        U64NotMoved "u64 values are compared as i64";
        LessIsLessOrEqual "< of floats is <=";
        LessIfUnordered "<= of floats is true for NaN";
        EqualByBits "floats are equal if and only if their bits are";
        DifferenceSwapped "x - y is y - x";
        QuotientSwapped "x / y is y / x";
        MinimumOfTheMachine "minimum of floats is the machine's minimum instruction";
        SelectTurned "a select takes the other operand";
        ComplementForgotten "x <= y of integers is x > y";
        NarrowAddition "32-bit lanes are added as 16-bit lanes";
        NearestIsTruncated "rint truncates";
        SignedAbs "abs of an unsigned integer takes it for a signed one";
        FirstVectorReloaded "every vector of an iteration is loaded from the address of the first";
        LastVectorNotStored "the last vector of an iteration is not stored";
        RowsSkipped "an accumulating loop skips every second row";
        NarrowSumUnsigned "an accumulating loop zero-extends narrow signed integers";
        LoopEndsEarly "a loop omits the elements of its last, partial iteration";
    "src/backend/cpu/native.rs":
        CodegenPanics "code generation panics";
    "src/backend/cpu/wide/select.rs":
        WideMaximumOfNumbers "the 256-bit maximum of a number and NaN is the number";
        WideMinimumOnce "the 256-bit minimum of floats is a single instruction";
        WideUnsignedAsSigned "256-bit code takes the extreme of narrow unsigned integers as if they were signed";
        WideU64NotMoved "256-bit code compares u64 values as i64";
        WideComplementForgotten "256-bit code omits the complement of an integer comparison";
        WideBranchesTurned "a 256-bit select takes the other operand";
        WideSignOfOtherWidth "256-bit negation flips the sign bit of the other float width";
        WideProductHalf "a 64-bit product omits one of the products of halves";
        FusedNegationForgotten "a negation that is part of a fused multiply-add is omitted";
    "src/backend/cpu/wide/by_constant.rs":
        ConstantQuotientUp "negative quotients by a constant are rounded toward zero in wide loops";
        LongFactorForgotten "factors for a constant divisor lose their highest bit in wide loops";
        ConstantBytesExchanged "even and odd bytes divided by a constant change places in wide loops";
    "src/backend/cpu/wide/convert.rs":
        WidenedAsUnsigned "narrow signed integers are widened as unsigned ones in a loop";
        NarrowedToHighBytes "an integer that is made narrower keeps its high bytes";
        NarrowedHalvesApart "what is made narrower leaves the halves of a vector apart";
        HalfOfU32Lost "u32 are converted to f32 as i32";
        NanIsTheLeast "NaN becomes the least integer in a loop";
        OverflowIsTheLeast "a float beyond i32 becomes the least one in a loop";
        SaturationForgotten "floats beyond narrow integers wrap in a loop";
        TruthByOneBit "a bool byte with its highest bit set is false in a loop";
        TruthIsAllOnes "a truth value is all ones as a number";
    "src/backend/cpu/wide/reduction.rs":
        WideNarrowSumUnsigned "a 256-bit accumulating loop zero-extends narrow signed integers";
    "src/backend/cpu/wide/accumulate.rs":
        WideRowsSkipped "a 256-bit accumulating loop skips every second row";
        StripsOfTheFirst "every strip of a block reads the elements of the first";
    "src/backend/cpu/wide/allocate.rs":
        FusedOtherForm "a fused multiply-add takes the factor in its destination register for the addend";
        SpilledTogether "all spilled values share one slot";
        VictimStillUsed "a result takes the register of a source that is used later";
        ChainsReadTheFirst "every chain reads the elements of the first chain";
        PartsOverlap "vectors of neighbouring chains overlap by half";
        ElementHalfWay "an element is looked for half way from the first";
        SwappedAnyway "operands of a noncommutative operation are swapped";
    "src/backend/cpu/wide/mod.rs":
        LastTurnMissing "a loop omits its last iteration if that is partial";
        LastTurnEarly "the last iteration ends before the last element";
    "src/backend/cpu/wide/pointers.rs":
        CellOfNeighbour "a broadcast uniform is read from the cell before its own";
    "src/backend/cpu/wide/encode.rs":
        HighRegisterLost "the upper eight registers are encoded as the lower eight";
    "src/bind/":
        OverlapNotCopied "an input that overlaps an output is not copied";
        InPlaceNotStaged "an input that is also written is not staged";
        TruthUniformNotMask "a bool uniform is a byte instead of a mask";
        LeavesOfOtherAxes "a reduction that keeps the last axis is accumulated in row order";
        UniformKeepsOldValue "a uniform that is computed between passes does not reach the later ones";
        SinkDrainedInCOrder "a sink that is read again is written in C order, whatever its own order";
    "runtime/src/executor/":
        TailOneShort "the last element of a tail is not written";
        TailReadOneShort "the last element of a tail is not read";
        TailFromTileStart "a tail reads its panel from the beginning of the tile";
        PanelRowMissing "the last row of a panel is not copied";
        PiecesReversed "the pieces of a sequence are combined in reverse order";
        PieceStartsAtZero "every piece of a sequence counts indices from 0";
        LeadMissing "a piece of a sequence of windows begins without the elements before it";
        LastUnitMissing "the last unit is omitted if there are several threads";
        SwappedPanelAsItIs "panels of byte-swapped elements are not converted";
        SwappedResultAsItIs "results of reductions are not byte-swapped";
        WorkerPanics "a worker thread panics";
    "runtime/src/storage/chunk.rs":
        WindowAsItIs "chunks of a byte-swapped source are not converted";
        SinkWindowAsItIs "chunks of a byte-swapped sink are not converted";
        WindowOfFirstRow "every row of a chunk is read from its first row";
        SpanOneShort "the last element of a span is not read";
        TransfersJoinedFar "transfers that are adjacent only in memory are merged";
        ResultsJoinedFar "results that are not adjacent in the store are written together";
    "runtime/src/storage/transposed.rs":
        TurnedFirstRow "every row of a transposed block is read from its first row";
    "runtime/src/nest.rs":
        SequenceByMemory "a reduction visits its axes in memory order instead of C order";
        SequenceTurned "a reduction visits axes with negative strides in reverse";
    "runtime/src/kernels/strided/mod.rs":
        GatheredFromRowStart "a gather begins at the start of the row";
        ScatteredFromRowStart "a scatter begins at the start of the row";
    "runtime/src/executor/scan.rs":
        ScanNotBegun "the state of the first sequence of a block is not reset";
    "runtime/src/kernels/scan":
        ScanBlockKept "the fold of a complete block of a scan also stays in its own level";
        ScanLevelSkipped "a scan adds only the fold of the lowest level";
    "runtime/src/kernels/scan/window":
        WindowCleanTooSoon "the last window with a missing element counts as one without";
        WindowFullTooSoon "the window of the row before the first full one counts as full";
        WindowRingNotRepeated "parts that are read beyond the end of a ring are those of long ago";
        WindowWeightsExchanged "the weights of the older and the newer part are exchanged";
        WindowPieceLate "all pieces of a window but the newest are those of one row before";
        WindowPartsNotCounted "parts with missing elements are joined as whole ones";
    "runtime/src/kernels/scan/shift.rs":
        ShiftFillsOneLess "the last row without an earlier one is not filled";
    "runtime/src/kernels/scan/fill.rs":
        FillForgetsPieces "the latest element is forgotten at the end of a piece";
    "runtime/src/kernels/scan/decay":
        DecayGapIgnored "missing rows do not count in an exponential mean";
        DecayCleanAfterGap "a run after a missing row decays by a power of k";
        DecayGroupNotEntered "a group goes on with the carry of the one before";
        DecayRunKept "a run goes on with the fold of the one before";
    "runtime/src/kernels/strided/shuffle.rs":
        ReversedFromGroupEnd "elements of a stride are taken backward without gaps";
        ShuffledTailOneShort "the first element after the last vector is not copied";
        LanesOfTheFirst "both lanes of a shuffled vector come from the first";
        LastVectorOverlooked "elements of the last vectors of a stride are those of the first";
    "runtime/src/kernels/reduce":
        LongRuns "an accumulator of a block takes 32 elements instead of 16";
        BlocksInSequence "the blocks of a leaf are combined one after another instead of in pairs";
        MirrorsFolded "the upper half of the accumulators is folded onto the lower one in reverse order";
        ReciprocalOfBefore "an updated mean is divided by a count that is one too small";
        TiesTakeTheLast "argmin and argmax give the last of equal elements";
        NanOverlooked "min, max, argmin and argmax ignore NaN";
        ZeroSignOverlooked "min and max ignore the sign of zero";
        TreeTurned "the blocks of a tree are combined in reverse order";
        EarlierTilesForgotten "a sequence forgets all tiles but the last";
    "runtime/src/kernels/elementwise.rs":
        GuardIgnored "a remainder uses the fast method where that is inexact";
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
        TailOfVectorShort "a function omits the last element of a partial vector";
        RareLanesOverlooked "a function does not detect rare arguments in its lanes";
}

/// The number of the enabled fault; out of range for none.
static ON: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The number of words of a set with a bit for each fault.
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

/// The set of faults whose code was reached.
#[derive(Clone, Copy, Debug)]
pub struct Reached([u64; WORDS]);

impl Reached {
    /// Whether a fault is in the set.
    pub fn has(self, fault: Fault) -> bool {
        self.0[fault as usize / 64] >> (fault as usize % 64) & 1 == 1
    }
}

/// Returns the faults reached since the last call.
pub fn reached() -> Reached {
    Reached(REACHED.each_ref().map(|word| word.swap(0, Ordering::SeqCst)))
}
