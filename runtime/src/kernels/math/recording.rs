//! [`Recording`]: a math function as a list of operations on one element.
//!
//! It is made by the core that the kernels are made of, run on lanes that note operations instead
//! of executing them. So text for another compiler, or code for another machine, has the same
//! operations in the same order and gives the same bits.

use crate::dtype::DType;

/// A math function of one dtype as operations in single assignment. Values have numbers, and are
/// used only after they are made, in the same list of steps or in one inside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The dtype of the arguments and of the result.
    pub dtype: DType,
    /// How many arguments it takes.
    pub arity: usize,
    /// What is done.
    pub steps: Vec<Step>,
    /// The number of the result.
    pub result: u32,
    /// The tables that [`Operation::Lookup`] reads.
    pub tables: Vec<Table>,
}

/// A step of a [`Recording`].
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The value of this number and dtype: a float, a `u32` or `u64`, or a `bool`.
    Let(u32, DType, Operation),
    /// One of two lists of steps.
    Branch {
        /// The number of the truth value that decides.
        condition: u32,
        /// The steps where it holds.
        some: Vec<Step>,
        /// The steps where it does not.
        none: Vec<Step>,
        /// The values that it defines.
        joined: Vec<Joined>,
    },
    /// The values of these numbers, all `f64`: a function that is not written in operations.
    Call {
        /// The name of the function.
        name: &'static str,
        /// The number of its argument, an `f64`.
        argument: u32,
        /// The numbers of its results.
        results: [u32; 3],
    },
}

/// A value that a branch defines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joined {
    /// Its number.
    pub value: u32,
    /// Its dtype.
    pub dtype: DType,
    /// Its number in the steps where the condition holds.
    pub some: u32,
    /// Its number in the others.
    pub none: u32,
}

/// How a value is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// The argument of this number.
    Argument(u32),
    /// A constant, by its bits.
    Constant(u64),
    /// An operation on earlier values; operands that it does not have are 0.
    Apply(Code, [u32; 3]),
    /// A shift of an unsigned integer to the left by a constant.
    Shl(u32, u32),
    /// The same to the right, zeros coming in.
    Shr(u32, u32),
    /// An element of a table: number `(index & mask) * stride + offset`.
    Lookup {
        /// The number of the table.
        table: u32,
        /// The number of the index, an unsigned integer.
        index: u32,
        /// One less than the number of rows, a power of two.
        mask: u64,
        /// The number of elements of a row.
        stride: u32,
        /// The column.
        offset: u32,
    },
}

/// An operation of a [`Recording`], on the dtype of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `a + b` of floats.
    Add,
    /// `a - b` of floats.
    Sub,
    /// `a * b` of floats.
    Mul,
    /// `a / b` of floats.
    Div,
    /// The square root, correctly rounded.
    Sqrt,
    /// `a * b + c`, rounded once.
    Fma,
    /// `a * b - c`, rounded once.
    Fms,
    /// `c - a * b`, rounded once.
    Fnma,
    /// `if a < b { a } else { b }` of floats.
    Min,
    /// `if a > b { a } else { b }` of floats.
    Max,
    /// The bits of a float.
    Bits,
    /// The float of bits.
    Float,
    /// `a & b` of unsigned integers.
    And,
    /// `a | b` of unsigned integers.
    Or,
    /// `a ^ b` of unsigned integers.
    Xor,
    /// `a + b` of unsigned integers, wrapping.
    WrappingAdd,
    /// `a - b` of unsigned integers, wrapping.
    WrappingSub,
    /// An unsigned integer, taken as a signed one, as a float of its width.
    Integer,
    /// `a < b` of floats.
    Lt,
    /// `a <= b` of floats.
    Le,
    /// `a == b` of floats.
    Eq,
    /// Whether a float is anything but a positive normal number.
    Unusual,
    /// Whether the lowest bit of an unsigned integer is set.
    Odd,
    /// Whether the highest bit of an unsigned integer is set.
    Negative,
    /// Both of two truth values.
    Both,
    /// Either of two truth values, or both.
    Either,
    /// The opposite of a truth value.
    Not,
    /// The second operand where the first holds, else the third.
    Select,
    /// An `f32` as an `f64`.
    Widen,
    /// An `f64` rounded to an `f32`.
    Narrow,
}

impl Code {
    /// The number of operands.
    pub fn arity(self) -> usize {
        match self {
            Code::Fma | Code::Fms | Code::Fnma | Code::Select => 3,
            Code::Sqrt
            | Code::Bits
            | Code::Float
            | Code::Integer
            | Code::Unusual
            | Code::Odd
            | Code::Negative
            | Code::Not
            | Code::Widen
            | Code::Narrow => 1,
            _ => 2,
        }
    }
}

impl Operation {
    /// The numbers of the operands.
    pub fn operands(&self) -> &[u32] {
        match self {
            Operation::Argument(_) | Operation::Constant(_) => &[],
            Operation::Apply(code, operands) => &operands[..code.arity()],
            Operation::Shl(x, _) | Operation::Shr(x, _) | Operation::Lookup { index: x, .. } => {
                std::slice::from_ref(x)
            }
        }
    }
}

/// A table of floats.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// The dtype of its elements.
    pub dtype: DType,
    /// The bits of each.
    pub elements: Vec<u64>,
}

impl Recording {
    /// Removes the steps whose values nothing uses.
    pub(super) fn pruned(mut self, values: u32) -> Recording {
        let mut used = vec![false; values as usize];
        used[self.result as usize] = true;
        prune(&mut self.steps, &mut used);
        self
    }
}

/// Removes unused steps, the last first. Branches nest a few levels deep.
fn prune(steps: &mut Vec<Step>, used: &mut [bool]) {
    let mut kept = Vec::with_capacity(steps.len());
    for mut step in std::mem::take(steps).into_iter().rev() {
        match &mut step {
            Step::Let(value, _, operation) => {
                if !used[*value as usize] {
                    continue;
                }
                operation.operands().iter().for_each(|x| used[*x as usize] = true);
            }
            Step::Call { argument, results, .. } => {
                if !results.iter().any(|x| used[*x as usize]) {
                    continue;
                }
                used[*argument as usize] = true;
            }
            Step::Branch { condition, some, none, joined } => {
                joined.retain(|join| used[join.value as usize]);
                if joined.is_empty() {
                    continue;
                }
                for join in joined {
                    used[join.some as usize] = true;
                    used[join.none as usize] = true;
                }
                prune(some, used);
                prune(none, used);
                used[*condition as usize] = true;
            }
        }
        kept.push(step);
    }
    kept.reverse();
    *steps = kept;
}
