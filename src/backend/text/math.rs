//! Math functions as text: their [`Recording`]s as functions of C++.

use std::fmt::Write as _;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::math;
use hotloop_runtime::math::recording::{Code, Operation, Recording, Step, Table};

use super::literal::literal;
use crate::backend::Refusal;
use crate::ops::Op;

/// The name of the math function that computes an operation.
pub fn function(op: Op) -> Option<&'static str> {
    let name = match op {
        Op::RealPower => "power",
        op => op.name(),
    };
    math::FUNCTIONS.iter().map(|function| function.name).find(|known| *known == name)
}

/// The functions of a translation unit, with the tables that they read.
#[derive(Default)]
pub struct Functions {
    tables: Vec<Table>,
    text: String,
    /// Whether one calls `hl_huge`.
    reduces: bool,
}

impl Functions {
    /// Adds a function for a dtype.
    ///
    /// # Errors
    /// [`Refusal::Bug`] if there is none, or it cannot be recorded.
    pub fn add(&mut self, name: &'static str, dtype: DType) -> Result<(), Refusal> {
        let recording = math::record(name, dtype);
        let recording =
            recording.ok_or_else(|| Refusal::Bug(format!("no recording of {name} for {dtype}")))?;
        let mut writer = Writer { functions: self, recording: &recording, names: Vec::new() };
        let lines = writer.steps(&recording.steps, 1);
        let result = writer.name(recording.result);
        let arguments: Vec<String> =
            (0..recording.arity).map(|i| format!("{dtype} x{i}")).collect();
        let arguments = arguments.join(", ");
        let _ = writeln!(
            self.text,
            "HL_MATH {dtype} m_{name}({arguments}) {{\n{lines}  return {result};\n}}"
        );
        Ok(())
    }

    /// The number of a table; functions share equal ones.
    fn table(&mut self, table: &Table) -> usize {
        let known = self.tables.iter().position(|other| other == table);
        known.unwrap_or_else(|| {
            self.tables.push(table.clone());
            self.tables.len() - 1
        })
    }

    /// Whether they need the reduction of huge arguments.
    pub fn reduces(&self) -> bool {
        self.reduces
    }

    /// The tables, then the functions.
    pub fn text(self) -> String {
        let mut text = String::new();
        for (number, Table { dtype, elements }) in self.tables.iter().enumerate() {
            let count = elements.len();
            let _ = writeln!(text, "HL_TABLE {dtype} t{number}[{count}] = {{");
            for row in elements.chunks(4) {
                let row: Vec<String> = row.iter().map(|bits| literal(*bits, *dtype)).collect();
                let _ = writeln!(text, "  {},", row.join(", "));
            }
            text.push_str("};\n");
        }
        text + &self.text
    }
}

/// Writes the steps of one recording.
struct Writer<'a> {
    functions: &'a mut Functions,
    recording: &'a Recording,
    /// What stands for each value; constants and arguments stand where they are used.
    names: Vec<Option<String>>,
}

impl Writer<'_> {
    fn name(&self, value: u32) -> String {
        let name = self.names.get(value as usize).cloned().flatten();
        name.unwrap_or_else(|| format!("v{value}"))
    }

    fn set(&mut self, value: u32, name: String) {
        let at = value as usize;
        if self.names.len() <= at {
            self.names.resize(at + 1, None);
        }
        self.names[at] = Some(name);
    }

    /// The lines of steps. Branches nest a few levels deep.
    fn steps(&mut self, steps: &[Step], depth: usize) -> String {
        let mut text = String::new();
        let indent = "  ".repeat(depth);
        for step in steps {
            let _ = match step {
                Step::Let(value, _, Operation::Argument(number)) => {
                    self.set(*value, format!("x{number}"));
                    Ok(())
                }
                Step::Let(value, dtype, Operation::Constant(bits)) => {
                    self.set(*value, literal(*bits, *dtype));
                    Ok(())
                }
                Step::Let(value, dtype, operation) => {
                    let made = self.operation(operation, *dtype);
                    writeln!(text, "{indent}const {dtype} v{value} = {made};")
                }
                Step::Call { name, argument, results: [a, b, c] } => {
                    self.functions.reduces = true;
                    let argument = self.name(*argument);
                    writeln!(text, "{indent}f64 v{a}, v{b}, v{c};").and_then(|()| {
                        writeln!(text, "{indent}hl_{name}({argument}, v{a}, v{b}, v{c});")
                    })
                }
                Step::Branch { condition, some, none, joined } => {
                    for join in joined {
                        let _ = writeln!(text, "{indent}{} v{};", join.dtype, join.value);
                    }
                    let condition = self.name(*condition);
                    let (mut some, mut none) =
                        (self.steps(some, depth + 1), self.steps(none, depth + 1));
                    for join in joined {
                        let (a, b) = (self.name(join.some), self.name(join.none));
                        let _ = writeln!(some, "{indent}  v{} = {a};", join.value);
                        let _ = writeln!(none, "{indent}  v{} = {b};", join.value);
                    }
                    writeln!(
                        text,
                        "{indent}if ({condition}) {{\n{some}{indent}}} else {{\n{none}{indent}}}"
                    )
                }
            };
        }
        text
    }

    fn operation(&mut self, operation: &Operation, dtype: DType) -> String {
        match *operation {
            Operation::Argument(number) => format!("x{number}"),
            Operation::Constant(bits) => literal(bits, dtype),
            Operation::Shl(x, by) => format!("{} << {by}", self.name(x)),
            Operation::Shr(x, by) => format!("{} >> {by}", self.name(x)),
            Operation::Lookup { table, index, mask, stride, offset } => {
                let table = self.functions.table(&self.recording.tables[table as usize]);
                let index = format!("({} & {mask})", self.name(index));
                match (stride, offset) {
                    (1, 0) => format!("t{table}[{index}]"),
                    _ => format!("t{table}[{index} * {stride} + {offset}]"),
                }
            }
            Operation::Apply(code, operands) => {
                let [a, b, c] = operands.map(|x| self.name(x));
                match code {
                    Code::Add => format!("hl_add({a}, {b})"),
                    Code::Sub => format!("hl_sub({a}, {b})"),
                    Code::Mul => format!("hl_mul({a}, {b})"),
                    Code::Div => format!("hl_div({a}, {b})"),
                    Code::Sqrt => format!("hl_sqrt({a})"),
                    Code::Fma => format!("hl_fma({a}, {b}, {c})"),
                    Code::Fms => format!("hl_fma({a}, {b}, hl_neg({c}))"),
                    Code::Fnma => format!("hl_fma(hl_neg({a}), {b}, {c})"),
                    Code::Min => format!("{a} < {b} ? {a} : {b}"),
                    Code::Max => format!("{a} > {b} ? {a} : {b}"),
                    Code::Bits => format!("hl_bits({a})"),
                    Code::Float => format!("hl_float({a})"),
                    Code::And | Code::Both => format!("{a} & {b}"),
                    Code::Or | Code::Either => format!("{a} | {b}"),
                    Code::Xor => format!("{a} ^ {b}"),
                    Code::WrappingAdd => format!("{a} + {b}"),
                    Code::WrappingSub => format!("{a} - {b}"),
                    Code::Integer => match dtype {
                        DType::F32 => format!("(f32)(i32){a}"),
                        _ => format!("(f64)(i64){a}"),
                    },
                    Code::Lt => format!("{a} < {b}"),
                    Code::Le => format!("{a} <= {b}"),
                    Code::Eq => format!("{a} == {b}"),
                    Code::Unusual => format!("hl_unusual({a})"),
                    Code::Odd => format!("({a} & 1) != 0"),
                    Code::Negative => format!("hl_top({a})"),
                    Code::Not => format!("!{a}"),
                    Code::Select => format!("{a} ? {b} : {c}"),
                    Code::Widen => format!("(f64){a}"),
                    Code::Narrow => format!("(f32){a}"),
                }
            }
        }
    }
}
