//! The grammar of hotloop's expression language: text to syntax tree.
//!
//! A program is what a user types next to their arrays:
//!
//! ```text
//! mid    = (bid + ask) / 2          # a binding
//! spread = ask - bid
//! def bps(x, y) = 1e4 * x / y       # a function
//! rel    = bps(spread, mid)
//! mid, rel                          # the outputs
//! ```
//!
//! [`parse`] turns it into an [`Ast`], or into a [`SyntaxError`] that says what is wrong, where,
//! and what to write instead. This crate handles syntax only: the compiler resolves functions and
//! names, and assigns types.
//!
//! ```
//! use hotloop_grammar::{BinaryOp, ExprKind, Statement, parse};
//!
//! let ast = parse("-2**2 + x  # a comment")?;
//! let [Statement::Outputs { values, .. }] = ast.statements() else { panic!("one statement") };
//! let ExprKind::Binary { op: BinaryOp::Add, left, .. } = ast.kind(values[0]) else {
//!     panic!("a sum")
//! };
//! assert_eq!(ast.span(*left).range(), 0..5);
//! assert_eq!(ast.to_string(), "-2**2 + x");
//!
//! let error = parse("a && b").unwrap_err();
//! assert_eq!(error.to_string(), "`&&` is not an operator");
//! assert_eq!(error.span.range(), 2..4);
//! assert_eq!(error.hints, ["write `and`"]);
//! # Ok::<(), hotloop_grammar::SyntaxError>(())
//! ```
//!
//! # Any text
//!
//! The text may be hostile. No text makes this crate panic; time and memory are linear in its
//! length; and nothing recurses, neither the parser nor the printer nor the drop of a tree. This is
//! why the tree is a set of flat tables: every operand precedes the expression that uses it, and a
//! consumer is a forward loop over [`Ast::exprs`] with a side table indexed by [`ExprId::index`].
//!
//! # The language, where it is easy to get wrong
//!
//! - Operators bind as in Python: `-2**2` is `-(2**2)`, `2**-1` is legal, `a & b == c` is
//!   `(a & b) == c`. Comparisons chain, and a chain is one [`ExprKind::Compare`].
//! - `not` is looser than a comparison, so `a == not b` is an error, as in Python.
//! - A statement ends with its line or with `;`. It continues on the next line inside brackets and
//!   after an operator, `,`, `=`, `->`, `.`, `if` or `else`.
//! - Only the last statement may be the outputs. A trailing comma is ignored.
//! - `1.` is the float 1.0 and `.5` is 0.5. An integer has at most 127 bits and does not begin
//!   with `0` unless it is `0`; a decimal too large for an `f64` is infinity. An underscore stands
//!   between two digits, or between `0x` and a digit. A number that touches a name, or another
//!   number, is an error over the whole of it.
//! - A text literal is quoted with `"` or `'` and stays on its line. It may hold any text but
//!   control characters; the escapes are `\\`, `\"`, `\'`, `\n` and `\t`.
//! - Names are ASCII. Blanks are the space, the tab, carriage return and line feed, and a byte
//!   order mark at the very start.
//! - `and or not if else def True False pi inf nan` are reserved; only `nan` may name a keyword
//!   argument, as in `nan_to_num(x, nan=0)`.
//! - An index, as in `x[1:, ::-2, None]`, is made of integers, slices, `None` and `...` only, not
//!   of expressions. Elsewhere `None` is an ordinary name.
//! - `x.mean(axis=0)` is `mean(x, axis=0)`. The attributes are `.T`, `.real` and `.imag`. An
//!   attribute of a number needs parentheses: `(2j).imag`.
//! - `np.`, `numpy.` and `math.` before a name are dropped, unless a dot is before them, too; so a
//!   variable called `np` has no attributes and no methods. `np.newaxis` is `None`.
//! - `q, r = divmod(a, b)` binds several names to the results of one call.

mod ast;
mod error;
mod explain;
mod parse;
mod print;
mod span;
mod token;

pub use ast::{
    ArgRange, Argument, ArgumentValue, Ast, BinaryOp, CompareOp, Constant, ExprId, ExprKind, Ident,
    IndexEntry, IndexItem, IndexRange, Link, LinkRange, NameId, Statement, UnaryOp,
};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::parse;
pub use span::Span;
