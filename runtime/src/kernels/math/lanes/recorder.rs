//! Lanes that note operations instead of executing them.

use std::cell::RefCell;
use std::marker::PhantomData;

use super::{Core, Element, Grid, Lanes, Patch};
use crate::dtype::DType;
use crate::kernels::math::recording::{Code, Joined, Operation, Recording, Step, Table};

/// The operations of one element, noted in the order in which a core asks for them. A branch of a
/// core becomes a branch of the recording: both ways are run, one after the other.
pub(in crate::kernels::math) struct Recorder<'a, E> {
    notes: &'a RefCell<Notes>,
    of: PhantomData<E>,
}

impl<E> Clone for Recorder<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Recorder<'_, E> {}

/// What has been noted.
#[derive(Default)]
struct Notes {
    /// The number of values.
    values: u32,
    /// The steps; those of branches that are being recorded come after those around them.
    open: Vec<Vec<Step>>,
    tables: Vec<Table>,
    /// Whether something was asked that cannot be noted.
    failed: bool,
}

impl Notes {
    fn push(&mut self, step: Step) {
        if let Some(steps) = self.open.last_mut() {
            steps.push(step);
        }
    }

    fn number(&mut self) -> u32 {
        self.values += 1;
        self.values - 1
    }
}

/// The number of a float.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Float(u32);
/// The number of an unsigned integer.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Word(u32);
/// The number of a truth value.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Truth(u32);

/// An element type that can be recorded.
pub(in crate::kernels::math) trait Recorded: Element {
    /// Its dtype.
    const FLOAT: DType;
    /// The dtype of its bits.
    const WORD: DType;
    /// The bits.
    fn word(self) -> u64;
    /// A number rounded to the type.
    fn rounded(x: f64) -> Self;
}

impl Recorded for f32 {
    const FLOAT: DType = DType::F32;
    const WORD: DType = DType::U32;
    fn word(self) -> u64 {
        u64::from(self.to_bits())
    }
    fn rounded(x: f64) -> f32 {
        x as f32
    }
}

impl Recorded for f64 {
    const FLOAT: DType = DType::F64;
    const WORD: DType = DType::U64;
    fn word(self) -> u64 {
        self.to_bits()
    }
    fn rounded(x: f64) -> f64 {
        x
    }
}

/// Records the core of a function.
pub(in crate::kernels::math) fn record<C: Core<N>, E: Recorded, const N: usize>()
-> Option<Recording> {
    let notes = RefCell::new(Notes { open: vec![Vec::new()], ..Notes::default() });
    let l = Recorder::<E> { notes: &notes, of: PhantomData };
    let x = std::array::from_fn(|i| Float(l.value(E::FLOAT, Operation::Argument(i as u32))));
    let y = E::eval::<C, Recorder<'_, E>, N>(l, x);
    let y = if C::CANONICAL { y } else { l.canonical(y) };
    let Notes { values, open, tables, failed } = notes.into_inner();
    let [steps] = <[Vec<Step>; 1]>::try_from(open).ok()?;
    let recording = Recording { dtype: E::FLOAT, arity: N, steps, result: y.0, tables };
    (!failed).then(|| recording.pruned(values))
}

// Not inlined: a core asks hundreds of times, and nothing here is hot.
impl<E: Recorded> Recorder<'_, E> {
    #[inline(never)]
    fn value(self, dtype: DType, operation: Operation) -> u32 {
        let mut notes = self.notes.borrow_mut();
        let number = notes.number();
        notes.push(Step::Let(number, dtype, operation));
        number
    }

    #[inline(never)]
    fn float_of<const N: usize>(self, code: Code, operands: [u32; N]) -> Float {
        Float(self.value(E::FLOAT, apply(code, operands)))
    }

    #[inline(never)]
    fn word_of<const N: usize>(self, code: Code, operands: [u32; N]) -> Word {
        Word(self.value(E::WORD, apply(code, operands)))
    }

    #[inline(never)]
    fn truth_of<const N: usize>(self, code: Code, operands: [u32; N]) -> Truth {
        Truth(self.value(DType::Bool, apply(code, operands)))
    }

    /// The number of a table; equal ones share it.
    fn table_of(self, elements: impl Iterator<Item = E>) -> u32 {
        let table = Table { dtype: E::FLOAT, elements: elements.map(E::word).collect() };
        let tables = &mut self.notes.borrow_mut().tables;
        let known = tables.iter().position(|other| *other == table);
        known.unwrap_or_else(|| {
            tables.push(table);
            tables.len() - 1
        }) as u32
    }

    #[inline(never)]
    fn lookup(self, table: u32, i: Word, rows: usize, stride: usize, offset: usize) -> Float {
        let (mask, stride, offset) = (rows as u64 - 1, stride as u32, offset as u32);
        let lookup = Operation::Lookup { table, index: i.0, mask, stride, offset };
        Float(self.value(E::FLOAT, lookup))
    }

    /// The steps that `way` takes, and its result.
    fn way<R>(self, way: impl FnOnce() -> R) -> (Vec<Step>, R) {
        self.notes.borrow_mut().open.push(Vec::new());
        let result = way();
        (self.notes.borrow_mut().open.pop().unwrap_or_default(), result)
    }

    #[inline(never)]
    fn fail(self) {
        self.notes.borrow_mut().failed = true;
    }
}

fn apply<const N: usize>(code: Code, operands: [u32; N]) -> Operation {
    let mut all = [0; 3];
    all[..N].copy_from_slice(&operands);
    debug_assert_eq!(code.arity(), N, "the operands of {code:?}");
    Operation::Apply(code, all)
}

impl<'a, E: Recorded> Lanes for Recorder<'a, E> {
    type E = E;
    type F = Float;
    type U = Word;
    type M = Truth;
    type Wide = Recorder<'a, f64>;
    const WIDTH: usize = 1;

    #[inline(never)]
    fn f(self, x: f64) -> Float {
        Float(self.value(E::FLOAT, Operation::Constant(E::rounded(x).word())))
    }
    #[inline(never)]
    fn u(self, x: u64) -> Word {
        let bits = x & (u64::MAX >> (64 - E::WORD.bits()));
        Word(self.value(E::WORD, Operation::Constant(bits)))
    }
    fn add(self, a: Float, b: Float) -> Float {
        self.float_of(Code::Add, [a.0, b.0])
    }
    fn sub(self, a: Float, b: Float) -> Float {
        self.float_of(Code::Sub, [a.0, b.0])
    }
    fn mul(self, a: Float, b: Float) -> Float {
        self.float_of(Code::Mul, [a.0, b.0])
    }
    fn div(self, a: Float, b: Float) -> Float {
        self.float_of(Code::Div, [a.0, b.0])
    }
    fn sqrt(self, a: Float) -> Float {
        self.float_of(Code::Sqrt, [a.0])
    }
    fn fma(self, a: Float, b: Float, c: Float) -> Float {
        self.float_of(Code::Fma, [a.0, b.0, c.0])
    }
    fn fms(self, a: Float, b: Float, c: Float) -> Float {
        self.float_of(Code::Fms, [a.0, b.0, c.0])
    }
    fn fnma(self, a: Float, b: Float, c: Float) -> Float {
        self.float_of(Code::Fnma, [a.0, b.0, c.0])
    }
    fn min(self, a: Float, b: Float) -> Float {
        self.float_of(Code::Min, [a.0, b.0])
    }
    fn max(self, a: Float, b: Float) -> Float {
        self.float_of(Code::Max, [a.0, b.0])
    }
    fn bits(self, a: Float) -> Word {
        self.word_of(Code::Bits, [a.0])
    }
    fn float(self, a: Word) -> Float {
        self.float_of(Code::Float, [a.0])
    }
    fn and(self, a: Word, b: Word) -> Word {
        self.word_of(Code::And, [a.0, b.0])
    }
    fn or(self, a: Word, b: Word) -> Word {
        self.word_of(Code::Or, [a.0, b.0])
    }
    fn xor(self, a: Word, b: Word) -> Word {
        self.word_of(Code::Xor, [a.0, b.0])
    }
    fn iadd(self, a: Word, b: Word) -> Word {
        self.word_of(Code::WrappingAdd, [a.0, b.0])
    }
    fn isub(self, a: Word, b: Word) -> Word {
        self.word_of(Code::WrappingSub, [a.0, b.0])
    }
    fn shl(self, a: Word, n: u32) -> Word {
        Word(self.value(E::WORD, Operation::Shl(a.0, n)))
    }
    fn shr(self, a: Word, n: u32) -> Word {
        Word(self.value(E::WORD, Operation::Shr(a.0, n)))
    }
    fn integer(self, a: Word) -> Float {
        self.float_of(Code::Integer, [a.0])
    }
    fn lt(self, a: Float, b: Float) -> Truth {
        self.truth_of(Code::Lt, [a.0, b.0])
    }
    fn le(self, a: Float, b: Float) -> Truth {
        self.truth_of(Code::Le, [a.0, b.0])
    }
    fn eq(self, a: Float, b: Float) -> Truth {
        self.truth_of(Code::Eq, [a.0, b.0])
    }
    fn not_lt(self, a: Float, b: Float) -> Truth {
        self.not(self.lt(a, b))
    }
    fn not_le(self, a: Float, b: Float) -> Truth {
        self.not(self.le(a, b))
    }
    fn unusual(self, a: Float) -> Truth {
        self.truth_of(Code::Unusual, [a.0])
    }
    fn odd(self, a: Word) -> Truth {
        self.truth_of(Code::Odd, [a.0])
    }
    fn negative(self, a: Word) -> Truth {
        self.truth_of(Code::Negative, [a.0])
    }
    fn both(self, a: Truth, b: Truth) -> Truth {
        self.truth_of(Code::Both, [a.0, b.0])
    }
    fn either(self, a: Truth, b: Truth) -> Truth {
        self.truth_of(Code::Either, [a.0, b.0])
    }
    fn not(self, a: Truth) -> Truth {
        self.truth_of(Code::Not, [a.0])
    }
    fn select(self, m: Truth, a: Float, b: Float) -> Float {
        self.float_of(Code::Select, [m.0, a.0, b.0])
    }
    /// Cores ask by `branch!` and `rarely!`, which are noted.
    fn any(self, _: Truth) -> bool {
        self.fail();
        false
    }
    fn table<const N: usize>(self, table: &'static [E; N], i: Word) -> Float {
        let table = self.table_of(table.iter().copied());
        self.lookup(table, i, N, 1, 0)
    }
    fn grid<const N: usize, const R: usize>(
        self,
        table: &'static Grid<E, N, R>,
        i: Word,
    ) -> [Float; R] {
        let table = self.table_of(table.rows.iter().flatten().copied());
        std::array::from_fn(|k| self.lookup(table, i, N, R, k))
    }
    fn widen(self, a: Float) -> [Float; 2] {
        let wide = match E::FLOAT {
            DType::F64 => a,
            _ => self.wide().float_of(Code::Widen, [a.0]),
        };
        [wide; 2]
    }
    fn narrow(self, [a, _]: [Float; 2]) -> Float {
        match E::FLOAT {
            DType::F64 => a,
            _ => self.float_of(Code::Narrow, [a.0]),
        }
    }
    fn wide(self) -> Recorder<'a, f64> {
        Recorder { notes: self.notes, of: PhantomData }
    }
    fn in_f64<C: Core<N>, const N: usize>(self, x: [Float; N]) -> Float {
        let wide = C::f64(self.wide(), x.map(|x| self.widen(x)[0]));
        self.narrow([wide; 2])
    }
    /// Only what is noted otherwise uses memory.
    unsafe fn load(self, _: *const E) -> Float {
        self.fail();
        Float(0)
    }
    unsafe fn store(self, _: *mut E, _: Float) {
        self.fail();
    }
    fn patch<P: Patch<E>>(self, x: Float, _: [Float; 3]) -> [Float; 3] {
        let mut notes = self.notes.borrow_mut();
        let results = std::array::from_fn(|_| notes.number());
        notes.push(Step::Call { name: P::NAME, argument: x.0, results });
        results.map(Float)
    }
    fn branch<const N: usize>(
        self,
        m: Truth,
        some: impl FnOnce() -> [Float; N],
        none: impl FnOnce() -> [Float; N],
    ) -> [Float; N] {
        let (some, a) = self.way(some);
        let (none, b) = self.way(none);
        let mut notes = self.notes.borrow_mut();
        let values: [Float; N] = std::array::from_fn(|_| Float(notes.number()));
        let joined = values.iter().zip(a.iter().zip(&b)).map(|(value, (a, b))| Joined {
            value: value.0,
            dtype: E::FLOAT,
            some: a.0,
            none: b.0,
        });
        let joined = joined.collect();
        notes.push(Step::Branch { condition: m.0, some, none, joined });
        values
    }
    fn rarely<const N: usize>(
        self,
        m: Truth,
        rare: impl FnOnce() -> [Float; N],
        usual: impl FnOnce() -> [Float; N],
    ) -> [Float; N] {
        self.branch(m, rare, usual)
    }
}
