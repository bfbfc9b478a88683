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
const MOST_OPERANDS: usize = 55;

/// The most axes of a launch; see `hl_launch` in `prelude/types.h`.
pub const MOST_AXES: usize = 8;

/// The elements that a block computes; `HL_TILE` in `prelude/types.h`.
pub const TILE: u64 = 1024;

/// A pass as text: the computation of one element, of which [`unit`] makes kernels. Operands are the
/// pass's loads, then its stores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The statements.
    body: String,
    /// The uniforms that they read, with their dtypes.
    uniforms: Vec<(u32, DType)>,
    /// The number of loads and of stores.
    operands: [usize; 2],
    /// The math functions that they call.
    functions: BTreeSet<(&'static str, DType)>,
}

impl Text {
    /// Writes an elementwise pass.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for a pass that carries state; [`Refusal::TooLarge`];
    /// [`Refusal::Bug`] for a body that is not well formed.
    pub fn new(pass: &Pass) -> Result<Text, Refusal> {
        if !pass.carries.is_empty() {
            return Err(Refusal::Unsupported("reductions"));
        }
        if pass.body.scans() {
            return Err(Refusal::Unsupported("scans"));
        }
        if pass.loads.len() + pass.stores.len() > MOST_OPERANDS {
            return Err(Refusal::TooLarge);
        }
        body::write(pass)
    }

    /// Appends the kernels of this number: one for operands along one axis, and one for any axes.
    fn kernels(&self, number: usize, to: &mut String) -> std::fmt::Result {
        let [loads, stores] = self.operands;
        let count = loads + stores;
        writeln!(to, "struct s{number} {{")?;
        for (uniform, dtype) in &self.uniforms {
            writeln!(to, "  {dtype} c{uniform};")?;
        }
        writeln!(to, "}};")?;
        write!(to, "HL_FN void b{number}(const s{number} &u, u32 &raised")?;
        for operand in 0..count {
            let constant = if operand < loads { "const " } else { "" };
            write!(to, ", {constant}u8 *a{operand}")?;
        }
        writeln!(to, ") {{\n{}}}", self.body)?;
        for (form, address) in [("f", "hl_along(p, {}, i)"), ("n", "p.a[{}].first + offset[{}]")] {
            writeln!(to, "HL_KERNEL(k{number}{form}, {count}) {{")?;
            let uniform =
                |(number, dtype): &(u32, DType)| format!("hl_uniform<{dtype}>(p.cells, {number})");
            let uniforms: Vec<String> = self.uniforms.iter().map(uniform).collect();
            writeln!(to, "  const s{number} u = {{{}}};", uniforms.join(", "))?;
            writeln!(to, "  u32 raised = 0;\n  HL_EACH(i, p.n) {{")?;
            if form == "n" {
                writeln!(to, "    i64 offset[{count}];\n    hl_offsets(p, i, offset);")?;
            }
            write!(to, "    b{number}(u, raised")?;
            for operand in 0..count {
                write!(to, ", {}", address.replace("{}", &operand.to_string()))?;
            }
            writeln!(to, ");\n  }}\n  hl_raise(p.flags, raised);\n}}")?;
        }
        Ok(())
    }
}

/// The names of the kernels of a text in a [`unit`]: of operands along one axis, and of any.
pub fn names(number: usize) -> [String; 2] {
    [format!("k{number}f"), format!("k{number}n")]
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
    let (types, scalar) = (include_str!("prelude/types.h"), include_str!("prelude/scalar.h"));
    Ok([types, exact, scalar, huge, PROGRAM, &program].join("\n"))
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
