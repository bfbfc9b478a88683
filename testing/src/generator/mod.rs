//! Random well-typed programs as text, with arrays for them: shared by the tests and by `fuzz/`.
//!
//! Everything is derived from one `Unstructured`, so a seed, or a fuzzer's bytes, determines a
//! program. Element values are generated from a seed in those bytes.
//!
//! Types are tracked approximately, so that most programs are well typed. The others must fail in
//! the same way on every engine.

pub mod calls;
pub mod check;
mod constants;
pub mod data;
pub mod graphs;
pub mod kernels;
pub mod mutate;
pub mod npy;
pub mod store;
pub mod targets;
pub mod text;

use std::fmt::Write as _;

use arbitrary::{Result, Unstructured};
use hotloop::graph::Op;
use hotloop::ops::{Class, Row, Rule, TABLE};
use hotloop::types::{Kind, promote, promote_all};
use hotloop::{DType, Mode};

use constants::constant;
use data::{Array, Flavour, Input, Rng, Value};

/// A program with its arguments.
pub struct Case {
    /// The text.
    pub text: String,
    /// The floating-point mode it is compiled in.
    pub mode: Mode,
    /// Arguments by name; the text may not read all of them.
    pub inputs: Vec<Input>,
    /// The operations that the text contains.
    pub ops: Vec<Op>,
    /// The seed for random choices when the program is checked, such as the layouts of its outputs.
    pub seed: u64,
}

impl Case {
    /// The next program.
    pub fn arbitrary(u: &mut Unstructured) -> Result<Case> {
        let inputs = inputs(u)?;
        // Sometimes more values than there are registers.
        let budget =
            if u.ratio(1, 30)? { u.int_in_range(60..=200)? } else { u.int_in_range(1..=30)? };
        let rank = match &inputs[0].value {
            Value::Array(array) => array.shape.len(),
            _ => 0,
        };
        let (scope, defs, ops) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = Writer { u, scope, defs, ops, budget, rank };
        for input in &inputs {
            let ty = Ty { dtype: input.value.dtype(), weak: input.value.is_weak() };
            writer.scope.push((input.name.to_string(), ty));
        }
        let text = writer.program()?;
        let ops = writer.ops;
        let mode = *u.choose(&[Mode::Strict, Mode::Strict, Mode::Contract, Mode::Fast])?;
        Ok(Case { text, mode, inputs, ops, seed: u.arbitrary()? })
    }
}

/// Inputs of random dtypes whose shapes nearly always broadcast.
fn inputs(u: &mut Unstructured) -> Result<Vec<Input>> {
    let shape = shape(u)?;
    let names = ["a", "b", "c", "d", "min", "x1"];
    let count = u.int_in_range(1..=names.len())?;
    let mut list = Vec::with_capacity(count);
    for (i, name) in names.into_iter().enumerate().take(count) {
        let dtype = *u.choose(&DType::ALL)?;
        let mut rng = Rng(u.arbitrary()?);
        let flavour = *u.choose(&Flavour::ALL)?;
        // The first input is an array of the full shape, so that most programs have one.
        let choice = if i == 0 { 0 } else { u.int_in_range(0..=19)? };
        let value = match choice {
            0..=15 => {
                let shape = if i == 0 { shape.clone() } else { narrowed(u, &shape)? };
                Value::Array(Array::arbitrary(u, dtype, &shape, &mut rng, flavour)?)
            }
            16 => Value::Typed(dtype, data::element(dtype, &mut rng, flavour)),
            17 => Value::Int(u.int_in_range(-3..=100)?),
            18 => Value::Float(data::float(&mut rng, flavour)),
            _ => Value::Bool(u.arbitrary()?),
        };
        list.push(Input { name, value });
    }
    Ok(list)
}

/// The shape of a program's arrays, or to which they broadcast.
fn shape(u: &mut Unstructured) -> Result<Vec<usize>> {
    let rank = u.int_in_range(0..=9)?;
    let large = u.ratio(1, 25)?;
    Ok(match rank {
        0 => Vec::new(),
        1..=5 if large => vec![u.int_in_range(5_000..=20_000)?],
        1..=5 => vec![u.int_in_range(0..=200)?],
        6..=7 if large => vec![u.int_in_range(1..=7)?, u.int_in_range(1_000..=3_000)?],
        6..=7 => vec![u.int_in_range(0..=12)?, u.int_in_range(0..=40)?],
        _ if large => vec![u.int_in_range(2..=40)?, u.int_in_range(2..=100)?, 3],
        _ => vec![u.int_in_range(0..=5)?, u.int_in_range(1..=6)?, u.int_in_range(0..=9)?],
    })
}

/// The shape itself, or one that broadcasts to it, or rarely one that does not.
fn narrowed(u: &mut Unstructured, shape: &[usize]) -> Result<Vec<usize>> {
    Ok(match u.int_in_range(0..=19)? {
        0..=11 => shape.to_vec(),
        12 => Vec::new(),
        13..=14 => shape[u.int_in_range(0..=shape.len())?..].to_vec(),
        15..=18 => {
            let mut narrow = shape.to_vec();
            for extent in &mut narrow {
                if u.arbitrary()? {
                    *extent = 1;
                }
            }
            narrow
        }
        _ => shape.iter().map(|n| n + 1).collect(),
    })
}

/// An approximate type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ty {
    dtype: DType,
    weak: bool,
}

const STRONG_BOOL: Ty = strong(DType::Bool);

const fn strong(dtype: DType) -> Ty {
    Ty { dtype, weak: false }
}

/// The kind that operands promote to.
fn meet(list: &[Ty]) -> Ty {
    let strongest = promote_all(list.iter().filter(|t| !t.weak).map(|t| t.dtype));
    let weak = list.iter().filter(|t| t.weak).map(|t| t.dtype.kind()).max();
    let of_kind = Kind::widest;
    match (strongest, weak) {
        (Some(dtype), Some(kind)) if kind > dtype.kind() => strong(of_kind(kind)),
        (Some(dtype), _) => strong(dtype),
        (None, kind) => Ty { dtype: of_kind(kind.unwrap_or(Kind::Float)), weak: true },
    }
}

struct Expr {
    text: String,
    ty: Ty,
}

struct Writer<'a, 'u> {
    u: &'a mut Unstructured<'u>,
    /// The names that may be read.
    scope: Vec<(String, Ty)>,
    /// The functions that may be called: name, parameters, result.
    defs: Vec<(String, Vec<Kind>, Ty)>,
    ops: Vec<Op>,
    /// The number of operations that may still be written.
    budget: usize,
    /// The number of axes of the largest input.
    rank: usize,
}

const KINDS: [Kind; 3] = [Kind::Float, Kind::Int, Kind::Bool];

impl Writer<'_, '_> {
    fn program(&mut self) -> Result<String> {
        let mut text = String::new();
        let mut bindings = 0;
        while self.budget > 4 && self.u.ratio(1, 3)? {
            let budget = self.budget;
            self.budget = budget / 2;
            if self.u.ratio(1, 4)? {
                text += &self.definition()?;
            } else {
                let value = self.any()?;
                let name = format!("t{bindings}");
                text += &format!("{name} = {}\n", value.text);
                self.scope.push((name, value.ty));
                bindings += 1;
            }
            self.budget += budget - budget / 2;
        }
        // Without a final expression, the bindings are the outputs.
        if bindings > 0 && self.u.ratio(1, 4)? {
            return Ok(text);
        }
        // Sometimes more arrays than there are registers for pointers.
        let outputs = match self.u.int_in_range(0..=59)? {
            0..=39 => 1,
            40..=58 => self.u.int_in_range(2..=4)?,
            _ => self.u.int_in_range(8..=16)?,
        };
        let share = self.budget / outputs;
        for i in 0..outputs {
            self.budget = share;
            let value = if self.u.ratio(1, 4)? { self.idiom_of_leaves()? } else { self.any()? };
            text += if i > 0 { ", " } else { "" };
            // A sum of everything, which also shows the order of additions.
            if self.u.ratio(1, 6)? {
                text += &format!("sum({})", value.text);
                continue;
            }
            text += &value.text;
            // The operand of a view is stored before it is read: into the output, if it is one.
            if self.rank > 1 && self.u.ratio(1, 12)? {
                text += &format!(", ({})[::-1]", value.text);
            }
        }
        Ok(text)
    }

    /// A `def` of one or two parameters, whose body may also read the inputs.
    fn definition(&mut self) -> Result<String> {
        let name = format!("f{}", self.defs.len());
        let scope = self.scope.len();
        let mut kinds = Vec::new();
        let mut parameters = Vec::new();
        for parameter in ["p", "q"].into_iter().take(self.u.int_in_range(1..=2)?) {
            let kind = *self.u.choose(&KINDS)?;
            let dtype = match kind {
                Kind::Bool => DType::Bool,
                Kind::Int => DType::I32,
                _ => DType::F64,
            };
            self.scope.push((parameter.to_string(), strong(dtype)));
            parameters.push(parameter);
            kinds.push(kind);
        }
        let body = self.any()?;
        self.scope.truncate(scope);
        let text = format!("def {name}({}) = {}\n", parameters.join(", "), body.text);
        self.defs.push((name, kinds, body.ty));
        Ok(text)
    }

    fn any(&mut self) -> Result<Expr> {
        let kind = *self.u.choose(&KINDS)?;
        self.expr(kind)
    }

    /// An expression of a kind, in parentheses if necessary.
    fn expr(&mut self, kind: Kind) -> Result<Expr> {
        if self.budget == 0 {
            return self.leaf(kind);
        }
        self.budget -= 1;
        match self.u.int_in_range(0..=26)? {
            0..=2 => self.leaf(kind),
            3 => self.cast(kind),
            4 => self.call(kind),
            5 if kind == Kind::Bool => self.is_in(),
            5 => self.view(kind),
            6..=7 => self.idiom(kind),
            _ => {
                let rows: Vec<&Row> =
                    TABLE.iter().filter(|r| r.op.is_public() && gives(r, kind)).collect();
                let mut row = self.u.choose(&rows)?;
                // Too many reductions would leave few arrays.
                if row.op.is_reduction() && self.u.ratio(1, 3)? {
                    row = self.u.choose(&rows)?;
                }
                self.ops.push(row.op);
                self.apply(row, kind)
            }
        }
    }

    /// An idiom as a whole output, so that nothing hides its result.
    fn idiom_of_leaves(&mut self) -> Result<Expr> {
        let budget = std::mem::take(&mut self.budget);
        let kind = *self.u.choose(&KINDS)?;
        let idiom = self.idiom(kind);
        self.budget = budget;
        idiom
    }

    /// An idiom that a compiler rewrites, or might: a repeated or neutral operand, a chain, an
    /// operation on the result of another.
    fn idiom(&mut self, kind: Kind) -> Result<Expr> {
        let list: &[&str] = match kind {
            Kind::Bool => &[
                "(not (X < Y))",
                "(X == X)",
                "(X != X)",
                "(X < Y < X)",
                "(X != Y)",
                "(not (X < Y and Y != X))",
                "(X <= Y)",
                "bool(X)",
                "any(X, axis=-1)",
            ],
            Kind::Int => &[
                "(X // Y)",
                "(X % 8)",
                "(X // 4)",
                "(X << 1 >> 1)",
                "(X | Y)",
                "(X - Y)",
                "(X + Y + X)",
                "(X >> Y)",
                "(X * X)",
                "abs(X)",
                "sum(X + Y)",
                "argmax(sin(X))",
                "argmin(sin(X))",
                "cumsum(X, axis=0)",
                "(cummax(X) - X)",
            ],
            _ => &[
                "(X * Y + X)",
                "(X - X * Y)",
                "(X * Y - X)",
                "(X * Y + X) * (X * Y)",
                "(X + Y + X + Y)",
                // Full significands, so that rounding shows.
                "(sin(X) + cos(Y) + X)",
                "(sin(X) * cos(Y) + X)",
                "(X + 0.0)",
                "(X * 0.0 + 0.0)",
                "(X * 0.0)",
                "(X - X)",
                "(X / X)",
                "(X / 3)",
                "(cumsum(X) - cumsum(Y, axis=0))",
                "(X - cummin(X, axis=0))",
                "(-X)",
                "abs(-X)",
                "copysign(Y, X * 0.0)",
                "abs(X * 0.0)",
                "max(X * 0.0)",
                "min(X * 0.0, axis=0)",
                "sin(X) - cos(X)",
                "var(sin(X))",
                "std(X, axis=0)",
                "hypot(X, Y)",
                "fma(X, Y, X)",
                "minimum(X, 0.0)",
                "maximum(-0.0, X)",
                "(X ** 0.5)",
                "(X % Y)",
                "rint(X)",
                "sum(X + Y)",
                "nanmin(X, axis=-1)",
                "var(X, axis=0, ddof=1)",
            ],
        };
        let of = if kind == Kind::Bool { *self.u.choose(&KINDS)? } else { kind };
        let idiom = *self.u.choose(list)?;
        // The text of an operand is repeated, so it must be short.
        let budget = self.budget;
        self.budget = budget.min(3);
        let operands = self.pair(of);
        self.budget = budget.saturating_sub(3);
        let [x, y] = operands?;
        let text = idiom.replace('X', &x.text).replace('Y', &y.text);
        let ty = if kind == Kind::Bool { STRONG_BOOL } else { meet(&[x.ty, y.ty]) };
        Ok(Expr { text, ty })
    }

    /// A view of an expression. Most keep the shape, or add axes of one element in front.
    fn view(&mut self, kind: Kind) -> Result<Expr> {
        let Expr { text, ty } = self.expr(kind)?;
        let same = [
            "[..., ::-1]",
            "[::-1]",
            "[:]",
            "[None]",
            "[..., None][..., 0]",
            "[..., -1:]",
            "[..., :1]",
            "[:1]",
        ];
        let text = match self.u.int_in_range(0..=11)? {
            0 => format!("transpose(transpose({text}))"),
            1 => format!("expand_dims({text}, axis=0)"),
            2 => format!("transpose({text})"),
            3 => format!("({text})[1:]"),
            i => format!("({text}){}", same[i - 4]),
        };
        Ok(Expr { text, ty })
    }

    /// Options such as `, axis=1, keepdims=True`, mostly such that the result still broadcasts, or
    /// none.
    fn axes(&mut self) -> Result<String> {
        if self.u.ratio(2, 5)? {
            return Ok(String::new());
        }
        let rank = self.rank.max(1) as i64;
        let axis = self.u.int_in_range(-rank..=rank - 1)?;
        let axes = match self.u.int_in_range(0..=7)? {
            0 => "None".to_string(),
            1 if rank > 1 => format!("({axis}, {})", if axis == 0 { 1 } else { axis - 1 }),
            2 => format!("({axis},)"),
            _ => axis.to_string(),
        };
        let keepdims = if self.u.ratio(4, 5)? { ", keepdims=True" } else { "" };
        Ok(format!(", axis={axes}{keepdims}"))
    }

    fn leaf(&mut self, kind: Kind) -> Result<Expr> {
        let known: Vec<(String, Ty)> =
            self.scope.iter().filter(|(_, t)| t.dtype.kind() == kind).cloned().collect();
        if !known.is_empty() && self.u.ratio(4, 5)? {
            let (text, ty) = self.u.choose(&known)?.clone();
            return Ok(Expr { text, ty });
        }
        // A literal, or a variable of another kind, converted.
        if !self.scope.is_empty() && self.u.ratio(1, 2)? {
            return self.cast(kind);
        }
        self.literal(kind)
    }

    fn literal(&mut self, kind: Kind) -> Result<Expr> {
        let list: &[&str] = match kind {
            Kind::Bool => &["True", "False"],
            Kind::Int => &[
                "1",
                "2",
                "0",
                "3",
                "7",
                "10",
                "31",
                "0x40",
                "100",
                "-1",
                "-7",
                "300",
                "1_000_000",
            ],
            _ => &[
                "0.5", "1.5", "2.0", "-0.0", "0.0", "-3.25", "1e-3", "pi", "inf", "nan", "-inf",
                "1e30", "1e300", "5e-324",
            ],
        };
        let dtype = kind.widest();
        let text = *self.u.choose(list)?;
        let text = if text.starts_with('-') { format!("({text})") } else { text.to_string() };
        Ok(Expr { text, ty: Ty { dtype, weak: true } })
    }

    /// A cast such as `f32(x)` of an expression of any kind.
    fn cast(&mut self, kind: Kind) -> Result<Expr> {
        let dtypes: Vec<DType> = DType::ALL.into_iter().filter(|d| d.kind() == kind).collect();
        let dtype = *self.u.choose(&dtypes)?;
        let from = *self.u.choose(&KINDS)?;
        let x = if self.budget > 0 { self.expr(from)? } else { self.variable()? };
        let name = if self.u.ratio(1, 6)? { dtype.numpy_name() } else { dtype.name() };
        Ok(Expr { text: format!("{name}({})", x.text), ty: strong(dtype) })
    }

    fn variable(&mut self) -> Result<Expr> {
        let (text, ty) = self.u.choose(&self.scope)?.clone();
        Ok(Expr { text, ty })
    }

    /// A call of a `def`, or a cast if there is none.
    fn call(&mut self, kind: Kind) -> Result<Expr> {
        let defs: Vec<_> =
            self.defs.iter().filter(|(_, _, ty)| ty.dtype.kind() == kind).cloned().collect();
        if defs.is_empty() {
            return self.cast(kind);
        }
        let (name, kinds, ty) = self.u.choose(&defs)?;
        let args = kinds.iter().map(|k| Ok(self.expr(*k)?.text)).collect::<Result<Vec<_>>>()?;
        Ok(Expr { text: format!("{name}({})", args.join(", ")), ty: *ty })
    }

    fn is_in(&mut self) -> Result<Expr> {
        let kind = *self.u.choose(&[Kind::Float, Kind::Int])?;
        let mut args = vec![self.expr(kind)?.text];
        for _ in 0..self.u.int_in_range(1..=3)? {
            args.push(self.literal(kind)?.text);
        }
        Ok(Expr { text: format!("isin({})", args.join(", ")), ty: STRONG_BOOL })
    }

    /// Two operands that promote to a kind: not `i64` with `u64`, which promote to `f64`.
    fn pair(&mut self, kind: Kind) -> Result<[Expr; 2]> {
        let x = self.expr(kind)?;
        // A float and a number of any kind promote to a float.
        let other =
            if kind == Kind::Float && self.u.ratio(1, 4)? { *self.u.choose(&KINDS)? } else { kind };
        let mut y = self.expr(other)?;
        if kind == Kind::Int && meet(&[x.ty, y.ty]).dtype.is_float() {
            y = Expr { text: format!("{}({})", x.ty.dtype, y.text), ty: x.ty };
        }
        Ok(if self.u.arbitrary()? { [x, y] } else { [y, x] })
    }

    /// An operation whose result is of a kind.
    fn apply(&mut self, row: &Row, kind: Kind) -> Result<Expr> {
        let any = *self.u.choose(&KINDS)?;
        let args: Vec<Expr> = match row.rule {
            _ if row.op == Op::Power => return self.power(kind),
            _ if row.op == Op::WeightedMean => self.pair(Kind::Float)?.into(),
            Rule::Comparison => return self.comparison(row, any),
            Rule::Select => {
                let condition = self.expr(Kind::Bool)?;
                let [x, y] = self.pair(kind)?;
                vec![condition, x, y]
            }
            Rule::Logical => {
                (0..row.parameters.len()).map(|_| self.expr(Kind::Bool)).collect::<Result<_>>()?
            }
            // Divisions by constants have code of their own.
            Rule::Arithmetic
                if matches!(row.op, Op::FloorDiv | Op::Rem)
                    && kind == Kind::Int
                    && self.u.ratio(1, 3)? =>
            {
                let divisor: i64 = *self.u.choose(&[3, 5, 7, 10, 12, 60, 100, 127])?;
                let ty = Ty { dtype: DType::I64, weak: true };
                vec![self.expr(kind)?, Expr { text: divisor.to_string(), ty }]
            }
            Rule::Arithmetic | Rule::Bitwise | Rule::Integers => self.operands(row, kind)?,
            Rule::Tally => {
                let operand = if self.u.ratio(1, 4)? { Kind::Bool } else { Kind::Int };
                vec![self.expr(operand)?]
            }
            Rule::Scaled => vec![self.expr(Kind::Float)?, self.expr(Kind::Int)?],
            Rule::Double | Rule::Truths => self.operands(row, any)?,
            Rule::Rounding => vec![self.expr(kind)?],
            Rule::Real | Rule::Divide => {
                let operand = if self.u.ratio(3, 4)? { Kind::Float } else { any };
                self.operands(row, operand)?
            }
            Rule::Total | Rule::RunningTotal if kind == Kind::Float => {
                vec![self.expr(Kind::Float)?]
            }
            Rule::Total | Rule::RunningTotal => {
                let operand = if self.u.arbitrary()? { Kind::Bool } else { Kind::Int };
                vec![self.expr(operand)?]
            }
            Rule::Extreme | Rule::RunningExtreme => vec![self.expr(kind)?],
            Rule::Predicate
            | Rule::Average
            | Rule::Truth
            | Rule::Count
            | Rule::Position
            | Rule::Spread
            | Rule::RunningCount
            | Rule::RunningTruth
            | Rule::Lagged
            | Rule::Ranking => vec![self.expr(any)?],
            Rule::Rolling if row.op.arrays() == 2 => self.pair(any)?.into(),
            // Windows differ where elements are missing.
            Rule::Rolling if self.u.arbitrary()? => {
                let (condition, x) = (self.expr(Kind::Bool)?, self.expr(Kind::Float)?);
                let text = format!("where({}, {}, nan)", condition.text, x.text);
                vec![Expr { text, ty: x.ty }]
            }
            Rule::Rolling => vec![self.expr(any)?],
            Rule::Filled => vec![self.expr(kind)?, self.literal(any)?],
            Rule::Agreement => self.pair(any)?.into(),
            Rule::Products if kind == Kind::Float => self.pair(Kind::Float)?.into(),
            Rule::Products => self.pair(Kind::Int)?.into(),
        };
        let types: Vec<Ty> = args.iter().map(|a| a.ty).collect();
        let ty = result(row, &types);
        let text = self.spell(row, args)?;
        Ok(Expr { text, ty })
    }

    fn operands(&mut self, row: &Row, kind: Kind) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        let required = row.parameters.iter().filter(|p| p.default.is_none()).count();
        match required {
            1 if row.op != Op::Clip => {
                args.push(self.expr(kind)?);
                if row.op == Op::NanToNum && self.u.arbitrary()? {
                    args.push(self.literal(Kind::Float)?);
                }
            }
            2 => args.extend(self.pair(kind)?),
            _ => {
                args.extend(self.pair(kind)?);
                let mut z = self.expr(kind)?;
                let met = meet(&[args[0].ty, args[1].ty]);
                if kind == Kind::Int && meet(&[met, z.ty]).dtype.is_float() {
                    z = Expr { text: format!("{}({})", met.dtype, z.text), ty: met };
                }
                args.push(z);
            }
        }
        Ok(args)
    }

    fn power(&mut self, kind: Kind) -> Result<Expr> {
        let x = self.expr(kind)?;
        let constants: &[&str] = match kind {
            Kind::Float => &[
                "2", "0", "1", "3", "4", "5", "7", "33", "-1", "-2", "0.5", "2.0", "-3.0", "1.5",
                "-0.3", "1e3",
            ],
            _ => &["2", "0", "1", "3", "4", "5", "7", "10", "64", "65"],
        };
        let y = if self.u.ratio(1, 3)? {
            let y = self.expr(kind)?;
            format!("{}({})", x.ty.dtype, y.text)
        } else {
            self.u.choose(constants)?.to_string()
        };
        let text = match self.u.int_in_range(0..=3)? {
            0 => format!("power({}, {y})", x.text),
            1 => format!("pow({}, {y})", x.text),
            _ => format!("({} ** {y})", x.text),
        };
        let ty = if x.ty.dtype == DType::Bool { strong(DType::I8) } else { x.ty };
        Ok(Expr { text, ty })
    }

    /// `x < y`, or a chain of several.
    fn comparison(&mut self, row: &Row, kind: Kind) -> Result<Expr> {
        let mirrored = match row.op {
            Op::Lt => ">",
            Op::Le => ">=",
            _ => row.name,
        };
        let [x, y] = self.pair(kind)?;
        let first = if self.u.ratio(1, 4)? { mirrored } else { row.name };
        let mut text = format!("({} {first} {}", x.text, y.text);
        if self.u.ratio(1, 5)? {
            let next = *self.u.choose(&["<", "<=", ">", ">=", "==", "!="])?;
            let z = self.expr(kind)?;
            text += &format!(" {next} {}", z.text);
        }
        text.push(')');
        let weak = x.ty.weak && y.ty.weak;
        Ok(Expr { text, ty: Ty { dtype: DType::Bool, weak } })
    }

    /// An operation in one of the spellings that users may write.
    fn spell(&mut self, row: &Row, args: Vec<Expr>) -> Result<String> {
        let texts: Vec<&str> = args.iter().map(|a| a.text.as_str()).collect();
        if !row.is_function() {
            return Ok(match texts[..] {
                [x] if row.name == "~" => format!("(~{x})"),
                [x] => format!("({} {x})", row.name),
                [x, y] => format!("({x} {} {y})", row.name),
                _ => unreachable!("operators have one operand or two"),
            });
        }
        if row.op.is_reduction() {
            let mut names = vec![row.name];
            names.extend(row.aliases);
            let name = *self.u.choose(&names)?;
            let ddof = row.rule == Rule::Spread && self.u.arbitrary()?;
            let ddof = match row.op {
                Op::Quantile => *self.u.choose(&[", 0.3", ", q=1", ", 0.75"])?,
                _ if ddof => ", ddof=1",
                _ => "",
            };
            let axes = self.axes()?;
            let (before, after) = if ddof.contains("ddof") { ("", ddof) } else { (ddof, "") };
            return Ok(format!("{name}({}{before}{axes}{after})", texts.join(", ")));
        }
        if row.op.class() == Class::Along {
            let mut text = format!("{}({}", row.name, texts.join(", "));
            for parameter in &row.parameters[row.op.arrays()..] {
                if let Some(value) = constant(self.u, parameter)? {
                    let name = *self.u.choose(&[&[parameter.name], parameter.aliases].concat())?;
                    write!(text, ", {name}={value}").unwrap_or_default();
                }
            }
            text += *self.u.choose(&["", ", axis=0", ", axis=-1", ", axis=1"])?;
            return Ok(text + ")");
        }
        let plain = self.u.int_in_range(0..=2)?;
        Ok(match (row.op, &texts[..]) {
            (Op::Neg, [x]) if plain > 0 => format!("(-{x})"),
            (Op::Select, [c, x, y]) if plain > 0 => format!("({x} if {c} else {y})"),
            _ if plain == 0 => {
                let keywords =
                    row.parameters.iter().zip(&texts).map(|(p, t)| format!("{}={t}", p.name));
                format!("{}({})", row.name, keywords.collect::<Vec<_>>().join(", "))
            }
            _ => {
                let mut names = vec![row.name];
                names.extend(row.aliases);
                format!("{}({})", self.u.choose(&names)?, texts.join(", "))
            }
        })
    }
}

/// Whether an operation can have a result of a kind.
fn gives(row: &Row, kind: Kind) -> bool {
    use Op::*;
    match row.rule {
        Rule::Arithmetic if kind == Kind::Bool => {
            matches!(
                row.op,
                Add | Mul
                    | Minimum
                    | Maximum
                    | Fmin
                    | Fmax
                    | Clip
                    | Abs
                    | NanToNum
                    | Copy
                    | Real
                    | Imag
                    | OnesLike
                    | ZerosLike
            )
        }
        Rule::Arithmetic | Rule::Rounding | Rule::Total => kind != Kind::Bool,
        Rule::Products => kind != Kind::Bool,
        Rule::Real | Rule::Divide | Rule::Scaled | Rule::Double | Rule::Average | Rule::Spread => {
            kind == Kind::Float
        }
        Rule::Comparison | Rule::Predicate | Rule::Truths | Rule::Logical => kind == Kind::Bool,
        Rule::Truth | Rule::Agreement | Rule::RunningTruth => kind == Kind::Bool,
        Rule::Bitwise => kind != Kind::Float,
        Rule::Integers | Rule::Tally | Rule::Count | Rule::Position => kind == Kind::Int,
        Rule::Extreme => kind != Kind::Bool || row.op != Ptp,
        Rule::RunningTotal => kind != Kind::Bool,
        Rule::RunningExtreme => true,
        Rule::RunningCount => kind == Kind::Int,
        Rule::Lagged | Rule::Rolling | Rule::Ranking => kind == Kind::Float,
        Rule::Select | Rule::Filled => true,
    }
}

/// The approximate type of an operation's result.
fn result(row: &Row, args: &[Ty]) -> Ty {
    let ty = match row.rule {
        Rule::Select => meet(&args[1..]),
        Rule::Scaled | Rule::Filled => args[0],
        _ if row.op == Op::NanToNum => args[0],
        _ => meet(args),
    };
    let float = |dtype: DType| match dtype {
        _ if dtype.is_float() => dtype,
        _ if dtype.size() <= 2 && row.rule != Rule::Divide && row.rule != Rule::Average => {
            DType::F32
        }
        _ => DType::F64,
    };
    match row.rule {
        Rule::Tally => strong(DType::U8),
        Rule::Double if ty.weak => Ty { dtype: DType::F64, weak: true },
        Rule::Double => strong(DType::F64),
        Rule::Scaled if args[0].weak && !args[1].weak => strong(DType::F64),
        Rule::Real | Rule::Divide | Rule::Scaled if ty.weak => Ty { dtype: DType::F64, weak: true },
        Rule::Average | Rule::Spread if !ty.dtype.is_float() => strong(DType::F64),
        Rule::Real if args.iter().all(|a| !a.weak) => {
            let floats = args.iter().map(|a| float(a.dtype));
            strong(floats.reduce(promote).unwrap_or(DType::F64))
        }
        Rule::Real | Rule::Divide | Rule::Scaled | Rule::Average | Rule::Spread => {
            strong(float(ty.dtype))
        }
        Rule::Comparison | Rule::Predicate | Rule::Truths | Rule::Logical => {
            Ty { dtype: DType::Bool, weak: ty.weak }
        }
        Rule::Truth | Rule::Agreement | Rule::RunningTruth => STRONG_BOOL,
        Rule::Count | Rule::Position | Rule::RunningCount => strong(DType::I64),
        Rule::Lagged | Rule::Rolling if ty.dtype == DType::F32 => strong(DType::F32),
        Rule::Lagged | Rule::Rolling | Rule::Ranking => strong(DType::F64),
        Rule::Total | Rule::Products | Rule::RunningTotal if ty.dtype.is_float() => {
            strong(ty.dtype)
        }
        Rule::Total | Rule::Products | Rule::RunningTotal
            if ty.dtype == DType::Bool || ty.dtype.is_signed_int() =>
        {
            strong(DType::I64)
        }
        Rule::Total | Rule::Products | Rule::RunningTotal => strong(DType::U64),
        Rule::Extreme | Rule::RunningExtreme => strong(ty.dtype),
        Rule::Arithmetic if ty.dtype == DType::Bool && !gives(row, Kind::Bool) => strong(DType::I8),
        _ => ty,
    }
}
