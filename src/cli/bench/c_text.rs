//! A program as the plain loop that a C programmer would write for it.
//!
//! What it covers: elementwise programs, and the full sum of one; bindings; arrays of any shapes,
//! strides and dtypes; the functions of the C library. Types follow the language's promotion.
//! For anything else there is a sentence that says what is missing.

use std::fmt::Write as _;

use hotloop::{DType, Kind, promote};
use hotloop_grammar::{
    Argument, ArgumentValue, Ast, BinaryOp, CompareOp, Constant, ExprId, ExprKind, LinkRange,
    Statement, UnaryOp, parse,
};

use super::drawn::{Drawn, Generator};
use crate::cli::input::Number;

/// A result of the program.
pub(crate) struct Target {
    /// The name of an output that is a binding.
    pub name: Option<String>,
    /// The element type.
    pub dtype: DType,
    /// The extents of the axes.
    pub shape: Vec<usize>,
}

/// All that the text depends on.
pub(crate) struct Job<'a> {
    /// The program.
    pub expression: &'a str,
    /// Its arrays.
    pub arrays: &'a [Drawn],
    /// Its numbers.
    pub numbers: &'a [(String, Number)],
    /// Its results.
    pub targets: &'a [Target],
    /// The extents of the loops, outermost first.
    pub extents: &'a [usize],
    /// For how many threads.
    pub threads: usize,
}

/// The type of a value: a dtype, or that of a number that takes the dtype of what it meets.
#[derive(Clone, Copy, PartialEq)]
enum Ty {
    Weak(Kind),
    Of(DType),
}

/// A value in C.
#[derive(Clone)]
struct Value {
    text: String,
    ty: Ty,
}

impl Value {
    fn new(text: impl Into<String>, ty: Ty) -> Value {
        Value { text: text.into(), ty }
    }

    fn cast(&self, dtype: DType) -> String {
        if self.ty == Ty::Of(dtype) {
            return self.text.clone();
        }
        format!("({})({})", c_type(dtype), self.text)
    }
}

fn c_type(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool | DType::U8 => "uint8_t",
        DType::I8 => "int8_t",
        DType::I16 => "int16_t",
        DType::I32 => "int32_t",
        DType::I64 => "int64_t",
        DType::U16 => "uint16_t",
        DType::U32 => "uint32_t",
        DType::U64 => "uint64_t",
        DType::F32 => "float",
        DType::F64 => "double",
    }
}

/// Functions of one argument that the C library has, by their names there.
const UNARY: [(&str, &str); 28] = [
    ("sqrt", "sqrt"),
    ("cbrt", "cbrt"),
    ("exp", "exp"),
    ("exp2", "exp2"),
    ("expm1", "expm1"),
    ("log", "log"),
    ("log2", "log2"),
    ("log10", "log10"),
    ("log1p", "log1p"),
    ("sin", "sin"),
    ("cos", "cos"),
    ("tan", "tan"),
    ("arcsin", "asin"),
    ("arccos", "acos"),
    ("arctan", "atan"),
    ("sinh", "sinh"),
    ("cosh", "cosh"),
    ("tanh", "tanh"),
    ("arcsinh", "asinh"),
    ("arccosh", "acosh"),
    ("arctanh", "atanh"),
    ("erf", "erf"),
    ("erfc", "erfc"),
    ("floor", "floor"),
    ("ceil", "ceil"),
    ("trunc", "trunc"),
    ("rint", "rint"),
    ("abs", "fabs"),
];

const BINARY: [(&str, &str); 3] = [("arctan2", "atan2"), ("hypot", "hypot"), ("power", "pow")];

/// Writes the values of the expressions, one after another.
struct Writer<'a> {
    ast: &'a Ast,
    job: &'a Job<'a>,
    values: Vec<Option<Value>>,
    lines: String,
}

type Said<T> = Result<T, String>;

fn lacking<T>(what: impl Into<String>) -> Said<T> {
    Err(what.into())
}

impl Writer<'_> {
    fn value(&self, id: ExprId) -> Said<&Value> {
        let value = self.values.get(id.index()).and_then(Option::as_ref);
        value.ok_or_else(|| "a value without a meaning in C".to_string())
    }

    /// The type in which two values meet.
    fn meet(&self, a: Ty, b: Ty) -> Ty {
        match (a, b) {
            (Ty::Of(a), Ty::Of(b)) => Ty::Of(promote(a, b)),
            (Ty::Weak(a), Ty::Weak(b)) => Ty::Weak(a.max(b)),
            (Ty::Weak(kind), Ty::Of(dtype)) | (Ty::Of(dtype), Ty::Weak(kind)) => {
                Ty::Of(match (kind, dtype.kind()) {
                    (kind, own) if kind <= own => dtype,
                    (Kind::Float, _) => DType::F64,
                    _ => DType::I64,
                })
            }
        }
    }

    /// Two values, both of the type in which they meet.
    fn pair(&self, a: ExprId, b: ExprId) -> Said<(String, String, Ty)> {
        let (a, b) = (self.value(a)?, self.value(b)?);
        Ok(match self.meet(a.ty, b.ty) {
            ty @ Ty::Of(dtype) => (a.cast(dtype), b.cast(dtype), ty),
            ty => (a.text.clone(), b.text.clone(), ty),
        })
    }

    fn is_float(ty: Ty) -> bool {
        match ty {
            Ty::Of(dtype) => dtype.is_float(),
            Ty::Weak(kind) => kind == Kind::Float,
        }
    }

    fn is_bool(ty: Ty) -> bool {
        matches!(ty, Ty::Of(DType::Bool) | Ty::Weak(Kind::Bool))
    }

    /// A function's name for a type: that of floats ends in `f`.
    fn function(name: &str, ty: Ty) -> Said<String> {
        match ty {
            Ty::Of(DType::F32) => Ok(format!("{name}f")),
            Ty::Of(DType::F64) | Ty::Weak(_) => Ok(name.to_string()),
            Ty::Of(_) => lacking("a function of integers"),
        }
    }

    fn binary(&self, op: BinaryOp, left: ExprId, right: ExprId) -> Said<Value> {
        let (a, b, ty) = self.pair(left, right)?;
        let plain = |symbol: &str| Ok(Value::new(format!("{a} {symbol} {b}"), ty));
        match op {
            BinaryOp::Add if !Self::is_bool(ty) => plain("+"),
            BinaryOp::Subtract if !Self::is_bool(ty) => plain("-"),
            BinaryOp::Multiply if !Self::is_bool(ty) => plain("*"),
            BinaryOp::Divide if Self::is_float(ty) => plain("/"),
            BinaryOp::And | BinaryOp::BitAnd if Self::is_bool(ty) => plain("&"),
            BinaryOp::Or | BinaryOp::BitOr if Self::is_bool(ty) => plain("|"),
            BinaryOp::BitXor if Self::is_bool(ty) => plain("^"),
            BinaryOp::Power => match self.ast.kind(right) {
                ExprKind::Int(2) => Ok(Value::new(format!("{a} * {a}"), self.value(left)?.ty)),
                ExprKind::Int(3) => {
                    Ok(Value::new(format!("{a} * {a} * {a}"), self.value(left)?.ty))
                }
                _ => Ok(Value::new(format!("{}({a}, {b})", Self::function("pow", ty)?), ty)),
            },
            _ => lacking(format!("the operator {} of these types", op.symbol())),
        }
    }

    fn unary(&self, op: UnaryOp, arg: ExprId) -> Said<Value> {
        let x = self.value(arg)?;
        match op {
            UnaryOp::Plus if !Self::is_bool(x.ty) => Ok(x.clone()),
            UnaryOp::Negate if !Self::is_bool(x.ty) => {
                Ok(Value::new(format!("-({})", x.text), x.ty))
            }
            UnaryOp::Not | UnaryOp::BitNot if Self::is_bool(x.ty) => {
                Ok(Value::new(format!("!({})", x.text), x.ty))
            }
            _ => lacking(format!("the operator {} of this type", op.symbol())),
        }
    }

    fn compare(&self, first: ExprId, rest: LinkRange) -> Said<Value> {
        let (mut left, mut parts) = (first, Vec::new());
        for link in self.ast.links(rest) {
            let (a, b, _) = self.pair(left, link.right)?;
            let symbol = match link.op {
                CompareOp::Less => "<",
                CompareOp::LessEqual => "<=",
                CompareOp::Greater => ">",
                CompareOp::GreaterEqual => ">=",
                CompareOp::Equal => "==",
                CompareOp::NotEqual => "!=",
            };
            parts.push(format!("({a} {symbol} {b})"));
            left = link.right;
        }
        Ok(Value::new(parts.join(" & "), Ty::Of(DType::Bool)))
    }

    fn choice(&self, condition: ExprId, then: ExprId, otherwise: ExprId) -> Said<Value> {
        let condition = &self.value(condition)?.text;
        let (a, b, ty) = self.pair(then, otherwise)?;
        Ok(Value::new(format!("{condition} ? {a} : {b}"), ty))
    }

    fn call(&self, name: &str, arguments: &[Argument]) -> Said<Value> {
        let positional = |argument: &Argument| match (argument.keyword, &argument.value) {
            (None, ArgumentValue::Expr(id)) => Some(*id),
            _ => None,
        };
        let ids: Option<Vec<ExprId>> = arguments.iter().map(positional).collect();
        let known = |list: &[(&'static str, &'static str)]| {
            list.iter().find(|(own, _)| *own == name).map(|(_, c)| *c)
        };
        match (name, ids.as_deref()) {
            ("where", Some(&[c, x, y])) => self.choice(c, x, y),
            ("minimum" | "maximum", Some(&[x, y])) => {
                let (a, b, ty) = self.pair(x, y)?;
                let symbol = if name == "minimum" { "<" } else { ">" };
                Ok(Value::new(format!("{a} {symbol} {b} ? {a} : {b}"), ty))
            }
            (_, Some(&[x])) if known(&UNARY).is_some() => {
                let x = self.value(x)?;
                let function = Self::function(known(&UNARY).unwrap_or_default(), x.ty)?;
                let ty = if let Ty::Weak(_) = x.ty { Ty::Weak(Kind::Float) } else { x.ty };
                Ok(Value::new(format!("{function}({})", x.text), ty))
            }
            (_, Some(&[x, y])) if known(&BINARY).is_some() => {
                let (a, b, ty) = self.pair(x, y)?;
                let function = Self::function(known(&BINARY).unwrap_or_default(), ty)?;
                Ok(Value::new(format!("{function}({a}, {b})"), ty))
            }
            _ => lacking(format!("the function {name} as it is called here")),
        }
    }

    /// The element of an array in the innermost loop.
    fn element(&self, number: usize, array: &Drawn) -> String {
        let size = array.dtype.size() as isize;
        let outer = self.job.extents.len() - array.shape.len();
        let terms = array.strides.iter().zip(&array.shape).enumerate();
        let terms: Vec<String> = terms
            .filter(|(_, (_, extent))| **extent > 1)
            .map(|(axis, (stride, _))| format!("i{} * {}L", outer + axis, stride / size))
            .collect();
        let index = if terms.is_empty() { "0".to_string() } else { terms.join(" + ") };
        format!("x{number}[{index}]")
    }

    fn name(&self, name: &str, bound: Option<ExprId>) -> Said<Value> {
        if let Some(id) = bound {
            return self.value(id).cloned();
        }
        if let Some((_, number)) = self.job.numbers.iter().find(|(n, _)| n == name) {
            return Ok(match *number {
                Number::Bool(x) => Value::new(u8::from(x).to_string(), Ty::Weak(Kind::Bool)),
                Number::Int(x) => Value::new(format!("({x}L)"), Ty::Weak(Kind::Int)),
                Number::Float(x) => Value::new(float(x), Ty::Weak(Kind::Float)),
            });
        }
        let array = self.job.arrays.iter().enumerate().find(|(_, a)| a.name == name);
        let (number, array) = array.ok_or_else(|| format!("a name {name} in its place"))?;
        Ok(Value::new(self.element(number, array), Ty::Of(array.dtype)))
    }

    fn write(&mut self, id: ExprId, bound: &dyn Fn(&str) -> Option<ExprId>) -> Said<()> {
        let weak = |text: String, kind| Ok(Value::new(text, Ty::Weak(kind)));
        let value = match self.ast.kind(id) {
            ExprKind::Int(x) => weak(format!("{x}"), Kind::Int),
            ExprKind::Float(x) => weak(float(*x), Kind::Float),
            ExprKind::Bool(x) => weak(u8::from(*x).to_string(), Kind::Bool),
            ExprKind::Constant(Constant::Pi) => weak(float(std::f64::consts::PI), Kind::Float),
            ExprKind::Constant(Constant::Inf) => weak(float(f64::INFINITY), Kind::Float),
            ExprKind::Constant(Constant::Nan) => weak(float(f64::NAN), Kind::Float),
            ExprKind::Name(name) => {
                let name = self.ast.name(*name);
                self.name(name, bound(name))
            }
            ExprKind::Unary { op, arg } => self.unary(*op, *arg),
            ExprKind::Binary { op, left, right } => self.binary(*op, *left, *right),
            ExprKind::Compare { first, rest } => self.compare(*first, *rest),
            ExprKind::Conditional { condition, then, otherwise } => {
                self.choice(*condition, *then, *otherwise)
            }
            ExprKind::Call { function, arguments } => {
                self.call(self.ast.name(function.name), self.ast.arguments(*arguments))
            }
            _ => lacking("an expression of this kind"),
        }?;
        let value = match value.ty {
            Ty::Of(dtype) => {
                let name = format!("v{}", id.index());
                let _ = writeln!(self.lines, "const {} {name} = {};", c_type(dtype), value.text);
                Value::new(name, value.ty)
            }
            Ty::Weak(_) => Value::new(format!("({})", value.text), value.ty),
        };
        if let Some(place) = self.values.get_mut(id.index()) {
            *place = Some(value);
        }
        Ok(())
    }
}

fn float(x: f64) -> String {
    match x {
        _ if x.is_nan() => "(double)NAN".to_string(),
        _ if x.is_infinite() => format!("({}(double)INFINITY)", if x < 0.0 { "-" } else { "" }),
        _ => format!("({x:e})"),
    }
}

/// The text of a program that draws the same arrays, runs the loop when it is told how often, and
/// answers with the seconds that took.
///
/// # Errors
/// What C, or this translation, lacks.
pub(crate) fn c_text(job: &Job<'_>) -> Result<String, String> {
    if job.extents.is_empty() {
        return lacking("arrays that broadcast to a shape with an axis");
    }
    let ast = parse(job.expression).map_err(|e| e.message)?;
    let outputs = outputs(&ast, job)?;
    let sum = match outputs[..] {
        [id] => summed(&ast, id),
        _ => None,
    };
    let whole = job.targets.iter().all(|t| t.shape == job.extents);
    if sum.is_none() && !whole {
        return lacking("an output of another shape than the loop's");
    }
    if sum.is_some() && job.targets.iter().any(|t| !t.shape.is_empty()) {
        return lacking("a sum along an axis");
    }
    let count = ast.exprs().count();
    let mut writer = Writer { ast: &ast, job, values: vec![None; count], lines: String::new() };
    let skipped = sum.and(outputs.first().copied());
    for id in ast.exprs().filter(|id| Some(*id) != skipped) {
        let bound = |name: &str| {
            ast.statements().iter().find_map(|statement| match statement {
                Statement::Binding { name: own, value } if ast.name(own.name) == name => {
                    Some(*value).filter(|value| value.index() < id.index())
                }
                _ => None,
            })
        };
        writer.write(id, &bound)?;
    }
    let mut stores = String::new();
    match sum {
        Some(id) => {
            let _ = writeln!(stores, "total += {};", writer.value(id)?.text);
        }
        None => {
            for (k, (id, target)) in outputs.iter().zip(job.targets).enumerate() {
                let value = writer.value(*id)?.cast(target.dtype);
                let _ = writeln!(stores, "out{k}[{}] = {value};", dense_index(job.extents));
            }
        }
    }
    let total = sum.and(job.targets.first()).map(|t| c_type(t.dtype));
    let body = writer.lines + &stores;
    Ok(file(job, total, &body))
}

/// What the outputs are.
fn outputs(ast: &Ast, job: &Job<'_>) -> Said<Vec<ExprId>> {
    let mut bindings = Vec::new();
    for statement in ast.statements() {
        match statement {
            Statement::Binding { name, value } => bindings.push((ast.name(name.name), *value)),
            Statement::Outputs { values, .. } => return Ok(values.clone()),
            Statement::Def { .. } => return lacking("a function of the program's own"),
        }
    }
    let of = |target: &Target| {
        let found = bindings.iter().find(|(name, _)| target.name.as_deref() == Some(name));
        found.map(|(_, id)| *id).ok_or_else(|| "an output without a name".to_string())
    };
    job.targets.iter().map(of).collect()
}

/// What an output sums, if it is a sum of all elements.
fn summed(ast: &Ast, id: ExprId) -> Option<ExprId> {
    match ast.kind(id) {
        ExprKind::Call { function, arguments } if ast.name(function.name) == "sum" => {
            match ast.arguments(*arguments) {
                [Argument { keyword: None, value: ArgumentValue::Expr(id), .. }] => Some(*id),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An element's place in an array in C order.
fn dense_index(extents: &[usize]) -> String {
    let mut terms = Vec::new();
    let mut stride = 1usize;
    for (axis, extent) in extents.iter().enumerate().rev() {
        terms.push(format!("i{axis} * {stride}L"));
        stride = stride.saturating_mul(*extent);
    }
    terms.join(" + ")
}

/// Loops around a body, with pragmas for the one that threads share and for the innermost.
fn nest(job: &Job<'_>, reduction: &str, body: &str) -> String {
    let last = job.extents.len().saturating_sub(1);
    let shared = job.extents.iter().position(|extent| *extent >= job.threads);
    let shared = shared.filter(|_| job.threads > 1);
    let mut text = String::new();
    for (axis, extent) in job.extents.iter().enumerate() {
        let words = match (shared == Some(axis), axis == last) {
            (true, true) => "parallel for simd",
            (true, false) => "parallel for",
            (false, true) => "simd",
            (false, false) => "",
        };
        if !words.is_empty() {
            let _ = writeln!(text, "#pragma omp {words}{reduction}");
        }
        let _ = writeln!(text, "for (long i{axis} = 0; i{axis} < {extent}L; i{axis}++) {{");
    }
    text + body + &"}\n".repeat(job.extents.len())
}

fn file(job: &Job<'_>, total: Option<&str>, body: &str) -> String {
    let mut globals = String::new();
    let mut setup = String::new();
    for (k, array) in job.arrays.iter().enumerate() {
        let ty = c_type(array.dtype);
        let bytes = array.span + array.offset + 64;
        // Attributes of a type, not of the pointer: its elements may be anywhere.
        let _ = writeln!(
            globals,
            "typedef {ty} e{k}{};\nstatic const e{k} *restrict x{k};",
            if array.odd { " __attribute__((aligned(1)))" } else { "" },
        );
        let _ = writeln!(
            setup,
            "char *m{k} = memory({bytes}); if (!m{k}) return 1;\nx{k} = (const e{k} *)(m{k} + {});",
            array.offset
        );
        setup += &fill(k, array);
    }
    let mut sums = String::new();
    for (k, target) in job.targets.iter().enumerate() {
        let (ty, n) = (c_type(target.dtype), target.shape.iter().product::<usize>());
        let _ = writeln!(globals, "static {ty} *restrict out{k};");
        let _ =
            writeln!(setup, "out{k} = memory({}); if (!out{k}) return 1;", n * target.dtype.size());
        let _ = writeln!(
            sums,
            "{{ double s = 0; for (long i = 0; i < {n}L; i++) s += out{k}[i]; printf(\"%.17g\\n\", s); }}"
        );
    }
    let reduction = if total.is_some() { " reduction(+ : total)" } else { "" };
    let loops = nest(job, reduction, body);
    let work = match total {
        Some(ty) => format!("{ty} total = 0;\n{loops}out0[0] = total;\n"),
        None => loops,
    };
    format!(
        "{HEAD}{globals}
static __attribute__((noinline)) void work(void) {{
{work}__asm__ volatile(\"\" ::: \"memory\");
}}

int main(void) {{
{setup}
#ifdef _OPENMP
omp_set_num_threads({threads});
printf(\"%d\\n\", {threads});
#else
printf(\"1\\n\");
#endif
work();
{sums}fflush(stdout);
long calls;
while (scanf(\"%ld\", &calls) == 1) {{
double start = now();
for (long k = 0; k < calls; k++) work();
printf(\"%.9e\\n\", now() - start);
fflush(stdout);
}}
return 0;
}}
",
        threads = job.threads,
    )
}

const HEAD: &str = "\
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *memory(size_t bytes) {
    void *p = 0;
    size_t unit = bytes < (4 << 20) ? 64 : 2 << 20;
    if (posix_memalign(&p, unit, bytes + 64)) return 0;
#ifdef __linux__
    if (unit > 64) madvise(p, bytes, MADV_HUGEPAGE);
#endif
    memset(p, 0, bytes);
    return p;
}

static uint64_t state;
static uint64_t draw(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t x = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
";

/// The elements of an array, as [`Drawn::draw`] draws them.
fn fill(k: usize, array: &Drawn) -> String {
    let mut text = String::new();
    if k == 0 {
        let _ = writeln!(text, "state = {}u;", Generator::SEED);
    }
    let mut index = "0".to_string();
    for (axis, (extent, stride)) in array.shape.iter().zip(&array.strides).enumerate() {
        let _ = writeln!(text, "for (long i{axis} = 0; i{axis} < {extent}L; i{axis}++)");
        let _ = write!(index, " + i{axis} * {}L", stride / array.dtype.size() as isize);
    }
    let element = match array.dtype {
        DType::Bool => "x & 1",
        DType::F32 => "((x >> 41) + .5f) / (1 << 23)",
        DType::F64 => "((x >> 12) + .5) / ((uint64_t)1 << 52)",
        _ => "x % 100 + 1",
    };
    let _ = writeln!(text, "{{ uint64_t x = draw(); ((e{k} *)x{k})[{index}] = {element}; }}");
    text
}
