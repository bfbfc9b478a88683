//! Passes as text: C++ for the compiler of the host, or CUDA C.
//!
//! One writer makes both. They differ in a prelude: how an exact operation is called, and how the
//! elements of a launch are divided among blocks and threads. The text has generated names only; it
//! contains nothing of a program's own text.

mod body;
mod library;
mod literal;
mod math;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::Reduction;

use crate::backend::Refusal;
use crate::plan::Pass;
pub use library::{Kernel, Library};
use math::Functions;

/// The language of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// C++17 for the compiler of the host.
    Host,
    /// CUDA C for NVRTC.
    Cuda,
}

/// The most operands of a kernel: parameters of a launch have at most 4 KiB.
const MOST_OPERANDS: usize = 54;

/// The most axes of a launch; see `hl_launch` in `prelude/types.h`.
pub const MOST_AXES: usize = 8;

/// The elements that a block computes; `HL_TILE` in `prelude/types.h`.
pub const TILE: u64 = 1024;

/// The elements of a sequence that a block reduces.
pub const PART: u64 = 4096;

/// The bytes that each thread of a block may share: 48 KiB of a block.
const MOST_SHARED: usize = 192;

/// The bytes of a partial result; see `hl_partials` in `prelude/reduce.h`.
pub const PARTIAL: usize = 32;

/// A pass as text: the computation of one element, of which [`unit`] makes kernels. Operands are the
/// pass's loads, then its stores, then the results of its carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The statements.
    body: String,
    /// The uniforms that they read, with their dtypes.
    uniforms: Vec<(u32, DType)>,
    /// The number of loads and of stores.
    operands: [usize; 2],
    /// The carries.
    carries: Vec<Carried>,
    /// The number of accumulators of a row, which those that round have in common.
    accumulators: usize,
    /// The math functions that they call.
    functions: BTreeSet<(&'static str, DType)>,
}

/// A reduction of one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Carried {
    reduction: Reduction,
    /// The dtype of its elements.
    dtype: DType,
}

impl Carried {
    /// The dtype of the result.
    fn result(&self) -> DType {
        self.reduction.result_dtype(self.dtype)
    }

    /// The type of the accumulator.
    fn accumulator(&self) -> String {
        format!("hl_{}<{}, {}>", self.reduction.name(), self.dtype, self.result())
    }

    /// The bytes of an accumulator, which threads of a block share.
    fn bytes(&self) -> usize {
        match self.reduction {
            Reduction::SquaredDeviations => PARTIAL,
            Reduction::Argmin | Reduction::Argmax => 24,
            _ => 16,
        }
    }

    /// The size of an element, if the order of elements decides the bits.
    fn rounds(&self) -> Option<usize> {
        let rounds = matches!(
            self.reduction,
            Reduction::Sum | Reduction::Prod | Reduction::SquaredDeviations
        );
        (rounds && self.dtype.is_float()).then(|| self.dtype.size())
    }
}

impl Text {
    /// Writes a pass.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for scans, and for reductions that need rows of different lengths;
    /// [`Refusal::TooLarge`]; [`Refusal::Bug`] for a body that is not well formed.
    pub fn new(pass: &Pass) -> Result<Text, Refusal> {
        if pass.body.scans() {
            return Err(Refusal::Unsupported("scans"));
        }
        if pass.loads.len() + pass.stores.len() + pass.carries.len() > MOST_OPERANDS {
            return Err(Refusal::TooLarge);
        }
        body::write(pass)
    }

    /// Appends the function of one element, and the kernels of this number.
    fn kernels(&self, number: usize, to: &mut String) -> std::fmt::Result {
        let [loads, stores] = self.operands;
        let operands = loads + stores;
        writeln!(to, "struct s{number} {{")?;
        for (uniform, dtype) in &self.uniforms {
            writeln!(to, "  {dtype} c{uniform};")?;
        }
        writeln!(to, "}};")?;
        write!(to, "HL_FN void b{number}(const s{number} &u, u32 &raised")?;
        for operand in 0..operands {
            let constant = if operand < loads { "const " } else { "" };
            write!(to, ", {constant}u8 *a{operand}")?;
        }
        for (carry, Carried { dtype, .. }) in self.carries.iter().enumerate() {
            write!(to, ", {dtype} &r{carry}")?;
        }
        writeln!(to, ") {{\n{}}}", self.body)?;
        match self.carries.is_empty() {
            true => self.elementwise(number, operands, to),
            false => self.reduction(number, operands, to),
        }
    }

    /// The start of a kernel: its name, and the uniforms.
    fn begin(&self, name: &str, number: usize, to: &mut String) -> std::fmt::Result {
        let count = self.operands.iter().sum::<usize>() + self.carries.len();
        writeln!(to, "HL_KERNEL({name}, {count}) {{")?;
        let uniform =
            |(number, dtype): &(u32, DType)| format!("hl_uniform<{dtype}>(p.cells, {number})");
        let uniforms: Vec<String> = self.uniforms.iter().map(uniform).collect();
        writeln!(to, "  const s{number} u = {{{}}};\n  u32 raised = 0;", uniforms.join(", "))
    }

    /// The kernels of an elementwise pass: for operands along one axis, and along any axes.
    fn elementwise(&self, number: usize, operands: usize, to: &mut String) -> std::fmt::Result {
        let [along, any] = names(number);
        let anywhere = "p.a[{}].first + offset[{}]";
        for (name, address) in [(&along, "hl_along(p, {}, i)"), (&any, anywhere)] {
            self.begin(name, number, to)?;
            writeln!(to, "  HL_EACH(i, p.n) {{")?;
            if *name == any {
                writeln!(to, "    i64 offset[{operands}];\n    hl_offsets(p, i, offset);")?;
            }
            write!(to, "    b{number}(u, raised")?;
            for operand in 0..operands {
                write!(to, ", {}", address.replace("{}", &operand.to_string()))?;
            }
            writeln!(to, ");\n  }}\n  hl_raise(p.flags, raised);\n}}")?;
        }
        Ok(())
    }

    /// The kernels of a reduction: one reduces parts of sequences, the other combines the parts.
    fn reduction(&self, number: usize, operands: usize, to: &mut String) -> std::fmt::Result {
        let [parts, whole] = names(number);
        let (count, a) = (operands + self.carries.len(), self.accumulators);
        let carries = || self.carries.iter().enumerate();
        self.begin(&parts, number, to)?;
        for (carry, carried) in carries() {
            // A macro takes a type with a comma only by another name.
            writeln!(to, "  typedef {} C{carry};", carried.accumulator())?;
            writeln!(to, "  HL_SHARED(C{carry}, c{carry});")?;
        }
        writeln!(to, "  const u64 sequence = HL_BLOCK / p.parts, part = HL_BLOCK % p.parts;")?;
        writeln!(to, "  HL_PHASE(t) {{")?;
        for (carry, _) in carries() {
            writeln!(to, "    c{carry}[t].count = 0;")?;
        }
        writeln!(to, "    for (u32 row = 0; row < 16; row++) {{")?;
        writeln!(to, "      const u64 i = part * {PART} + hl_place<{a}>(p.by_rows, t, row);")?;
        writeln!(to, "      if (i >= p.length) break;")?;
        writeln!(to, "      i64 offset[{count}];")?;
        writeln!(to, "      hl_offsets(p, sequence * p.length + i, offset);")?;
        for (carry, Carried { dtype, .. }) in carries() {
            writeln!(to, "      {dtype} r{carry};")?;
        }
        write!(to, "      b{number}(u, raised")?;
        for operand in 0..operands {
            write!(to, ", p.a[{operand}].first + offset[{operand}]")?;
        }
        for (carry, _) in carries() {
            write!(to, ", r{carry}")?;
        }
        writeln!(to, ");")?;
        for (carry, _) in carries() {
            writeln!(to, "      hl_take(c{carry}[t], r{carry}, i);")?;
        }
        writeln!(to, "    }}\n  }}\n  hl_raise(p.flags, raised);")?;
        writeln!(to, "  for (u32 level = 0; level < 8; level++) {{")?;
        writeln!(to, "    const u32 apart = hl_apart<{a}>(p.by_rows, level);")?;
        writeln!(to, "    HL_PHASE(t) {{\n      if (t & apart) continue;")?;
        for (carry, _) in carries() {
            writeln!(to, "      hl_join(c{carry}[t], c{carry}[t + apart]);")?;
        }
        writeln!(to, "    }}\n  }}\n  HL_PHASE(t) {{\n    if (t != 0) continue;")?;
        for (carry, _) in carries() {
            writeln!(to, "    hl_partials<C{carry}>(p, {carry})[HL_BLOCK] = c{carry}[0];")?;
        }
        writeln!(to, "  }}\n}}")?;

        writeln!(to, "HL_KERNEL({whole}, {count}) {{\n  const u64 sequence = HL_BLOCK;")?;
        for (carry, carried) in carries() {
            writeln!(to, "  typedef {} C{carry};", carried.accumulator())?;
            let partials = format!("hl_partials<C{carry}>(p, {carry})");
            writeln!(to, "  C{carry} *const c{carry} = {partials} + sequence * p.parts;")?;
        }
        writeln!(to, "  for (u64 apart = 1; apart < p.parts; apart *= 2) {{\n    HL_PHASE(t) {{")?;
        let each = "u64 i = 2 * apart * t; i + apart < p.parts; i += 2 * apart * HL_THREADS";
        writeln!(to, "      for ({each}) {{")?;
        for (carry, _) in carries() {
            writeln!(to, "        hl_join(c{carry}[i], c{carry}[i + apart]);")?;
        }
        writeln!(to, "      }}\n    }}\n  }}\n  HL_PHASE(t) {{\n    if (t != 0) continue;")?;
        writeln!(to, "    i64 offset[{count}];")?;
        writeln!(to, "    hl_offsets(p, sequence * p.length, offset);")?;
        for (carry, carried) in carries() {
            let (at, result) = (operands + carry, carried.result());
            let address = format!("p.a[{at}].first + offset[{at}]");
            writeln!(to, "    hl_store<{result}>({address}, C{carry}::result(c{carry}[0]));")?;
        }
        writeln!(to, "  }}\n}}")
    }
}

/// The names of the kernels of a text in a [`unit`]: for operands along one axis, and along any; of a
/// reduction, of its parts and of the whole.
pub fn names(number: usize) -> [String; 2] {
    [format!("k{number}a"), format!("k{number}b")]
}

/// The text of a translation unit with the kernels of all texts, numbered in order.
///
/// # Errors
/// [`Refusal::Bug`] for a function that cannot be written.
pub fn unit(dialect: Dialect, texts: &[&Text]) -> Result<String, Refusal> {
    let (reduces, program) = program(texts)?;
    let exact = match dialect {
        Dialect::Host => include_str!("prelude/host.h"),
        Dialect::Cuda => include_str!("prelude/cuda.h"),
    };
    let huge = if reduces { include_str!("prelude/huge.h") } else { "" };
    let carries = texts.iter().any(|text| !text.carries.is_empty());
    let reduce = if carries { include_str!("prelude/reduce.h") } else { "" };
    let (types, scalar) = (include_str!("prelude/types.h"), include_str!("prelude/scalar.h"));
    Ok([types, exact, scalar, huge, reduce, PROGRAM, &program].join("\n"))
}

/// The line between the prelude and what is written for a program.
const PROGRAM: &str = "// Tables, functions and kernels.";

/// The functions, tables and kernels of texts, and whether they need the reduction of huge arguments.
fn program(texts: &[&Text]) -> Result<(bool, String), Refusal> {
    let mut functions = Functions::default();
    let called: BTreeSet<_> = texts.iter().flat_map(|text| &text.functions).collect();
    for (name, dtype) in called {
        functions.add(name, *dtype)?;
    }
    let reduces = functions.reduces();
    let mut text = functions.text();
    for (number, kernel) in texts.iter().enumerate() {
        text.push('\n');
        kernel.kernels(number, &mut text).map_err(|e| Refusal::Bug(e.to_string()))?;
    }
    Ok((reduces, text))
}
