//! A program as the plain loop that a C programmer would write for it.
//!
//! What it covers: elementwise programs, and sums of one, of all or along an axis; bindings; arrays
//! of any shapes, strides and dtypes; the functions of the C library. Types follow the language's
//! promotion. For anything else the error says what is missing.

use std::fmt::Write as _;

use hotloop::DType;
use hotloop::types::{Kind, promote};
use hotloop_grammar::{
    Argument, ArgumentValue, Ast, BinaryOp, CompareOp, Constant, ExprId, ExprKind, LinkRange,
    Statement, UnaryOp, parse,
};

use super::drawn::{Drawn, Generator};
use crate::input::Number;

/// A result of the program.
pub(crate) struct Target {
    /// The name of an output that is a binding.
    pub name: Option<String>,
    /// The element type.
    pub dtype: DType,
    /// The extents of the axes.
    pub shape: Vec<usize>,
}

/// Everything that the text depends on.
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
    /// The number of threads.
    pub threads: usize,
}

/// The type of a value: a dtype, or that of a weak number.
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
        _ => "double",
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

    /// The common type of two values.
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

    /// Converts two values to their common type.
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
            ExprKind::Call { function, arguments, .. } => {
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

/// The text of a program that fills the same arrays, reads numbers of calls, runs the loop that
/// often, and prints the seconds.
///
/// # Errors
/// The error for an operation that this translation does not support.
pub(crate) fn c_text(job: &Job<'_>) -> Result<String, String> {
    if job.extents.is_empty() {
        return lacking("arrays that broadcast to a shape with an axis");
    }
    let ast = parse(job.expression).map_err(|e| e.message)?;
    let outputs = outputs(&ast, job)?;
    let sum = match outputs[..] {
        [id] => summed(&ast, id, job.extents.len()),
        _ => None,
    };
    if let (Some(Sum { axis: Some(axis), .. }), [target]) = (&sum, job.targets) {
        let kept = job.extents.iter().enumerate().filter(|(other, _)| other != axis);
        if !kept.map(|(_, extent)| extent).eq(&target.shape) {
            return lacking("a sum of another shape than the loop's");
        }
    }
    let whole = job.targets.iter().all(|t| t.shape == job.extents);
    if sum.is_none() && !whole {
        return lacking("an output of another shape than the loop's");
    }
    if matches!(sum, Some(Sum { axis: None, .. }))
        && job.targets.iter().any(|t| !t.shape.is_empty())
    {
        return lacking("a sum along an axis that is written so");
    }
    let count = ast.exprs().count();
    let mut writer = Writer { ast: &ast, job, values: vec![None; count], lines: String::new() };
    let skipped = sum.as_ref().and(outputs.first().copied());
    for id in ast.exprs().filter(|id| Some(*id) != skipped) {
        let bound = |name: &str| {
            ast.statements().iter().find_map(|statement| match statement {
                Statement::Binding { names, value } if ast.name(names[0].name) == name => {
                    Some(*value).filter(|value| value.index() < id.index())
                }
                _ => None,
            })
        };
        writer.write(id, &bound)?;
    }
    let mut stores = String::new();
    match &sum {
        Some(Sum { of, .. }) => {
            let _ = writeln!(stores, "total += {};", writer.value(*of)?.text);
        }
        None => {
            let all: Vec<usize> = (0..job.extents.len()).collect();
            for (k, (id, target)) in outputs.iter().zip(job.targets).enumerate() {
                let value = writer.value(*id)?.cast(target.dtype);
                let _ = writeln!(stores, "out{k}[{}] = {value};", dense_index(job.extents, &all));
            }
        }
    }
    let body = writer.lines + &stores;
    let loops = match (sum, job.targets) {
        (Some(sum), [target]) => summing(job, sum.axis, c_type(target.dtype), &body),
        _ => nest(job, &(0..job.extents.len()).collect::<Vec<_>>(), job.threads, "", &body),
    };
    Ok(file(job, &loops))
}

/// The form of the outputs.
fn outputs(ast: &Ast, job: &Job<'_>) -> Said<Vec<ExprId>> {
    let mut bindings = Vec::new();
    for statement in ast.statements() {
        match statement {
            Statement::Binding { names, value } => match names[..] {
                [name] => bindings.push((ast.name(name.name), *value)),
                _ => return lacking("a binding of several names"),
            },
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

/// A sum of all elements, or along an axis.
struct Sum {
    of: ExprId,
    axis: Option<usize>,
}

/// The sum that an output is, over a loop nest of `rank` axes.
fn summed(ast: &Ast, id: ExprId, rank: usize) -> Option<Sum> {
    let ExprKind::Call { function, arguments, .. } = ast.kind(id) else { return None };
    if ast.name(function.name) != "sum" {
        return None;
    }
    let [Argument { keyword: None, value: ArgumentValue::Expr(of), .. }, rest @ ..] =
        ast.arguments(*arguments)
    else {
        return None;
    };
    match rest {
        [] => Some(Sum { of: *of, axis: None }),
        [Argument { keyword, value: ArgumentValue::Expr(axis), .. }]
            if keyword.is_none_or(|keyword| ast.name(keyword.name) == "axis") =>
        {
            let (axis, from_end) = match ast.kind(*axis) {
                ExprKind::Unary { op: UnaryOp::Negate, arg } => (ast.kind(*arg), true),
                kind => (kind, false),
            };
            let ExprKind::Int(axis) = axis else { return None };
            let axis = usize::try_from(*axis).ok()?;
            let axis = if from_end { rank.checked_sub(axis)? } else { axis };
            (axis < rank).then_some(Sum { of: *of, axis: Some(axis) })
        }
        _ => None,
    }
}

/// The index expression of an element in a C-ordered array over these axes of the loops.
fn dense_index(extents: &[usize], axes: &[usize]) -> String {
    let mut terms = Vec::new();
    let mut stride = 1usize;
    for axis in axes.iter().rev() {
        terms.push(format!("i{axis} * {stride}L"));
        stride = stride.saturating_mul(extents.get(*axis).copied().unwrap_or(1));
    }
    if terms.is_empty() { "0".to_string() } else { terms.join(" + ") }
}

/// Loops around a body, along these axes from the outermost on, with pragmas for the one that
/// threads share and, if the loops of the body are not within, for the innermost.
fn nest(job: &Job<'_>, axes: &[usize], threads: usize, reduction: &str, body: &str) -> String {
    let long = |axis: &&usize| job.extents.get(**axis).is_some_and(|extent| *extent >= threads);
    let shared = axes.iter().find(long).filter(|_| threads > 1);
    let mut text = String::new();
    for axis in axes {
        let inner = axes.last() == Some(axis) && !body.contains("for (long");
        let words = match (shared == Some(axis), inner) {
            (true, true) => "parallel for simd",
            (true, false) => "parallel for",
            (false, true) => "simd",
            (false, false) => "",
        };
        if !words.is_empty() {
            let _ = writeln!(text, "#pragma omp {words}{reduction}");
        }
        let extent = job.extents.get(*axis).copied().unwrap_or(1);
        let _ = writeln!(text, "for (long i{axis} = 0; i{axis} < {extent}L; i{axis}++) {{");
    }
    text + body + &"}\n".repeat(axes.len())
}

/// The loops of a sum. Along an axis each sum is a loop of its own inside the others, which is how
/// it would be written where the last axis is summed; along another one the body adds to an
/// element of the output, so that memory is read in its order.
fn summing(job: &Job<'_>, axis: Option<usize>, ty: &str, body: &str) -> String {
    let all: Vec<usize> = (0..job.extents.len()).collect();
    let reduction = " reduction(+ : total)";
    let Some(axis) = axis else {
        let loops = nest(job, &all, job.threads, reduction, body);
        return format!("{ty} total = 0;\n{loops}out0[0] = total;\n");
    };
    let kept: Vec<usize> = all.iter().copied().filter(|other| *other != axis).collect();
    let place = dense_index(job.extents, &kept);
    if axis + 1 == job.extents.len() {
        let inner = nest(job, &[axis], 1, reduction, body);
        let body = format!("{ty} total = 0;\n{inner}out0[{place}] = total;\n");
        return nest(job, &kept, job.threads, "", &body);
    }
    let count = kept.iter().filter_map(|axis| job.extents.get(*axis)).product::<usize>();
    let body = body.replace("total += ", &format!("out0[{place}] += "));
    // Threads that share the summed axis would race on the elements.
    let threads = if axis == 0 { 1 } else { job.threads };
    let loops = nest(job, &all, threads, "", &body);
    format!("memset(out0, 0, {count} * sizeof *out0);\n{loops}")
}

fn file(job: &Job<'_>, work: &str) -> String {
    let mut globals = String::new();
    let mut setup = format!("state = {}u;\n", Generator::SEED);
    for (k, array) in job.arrays.iter().enumerate() {
        let ty = c_type(array.dtype);
        let bytes = array.span + array.offset + 64;
        // The attributes belong to the element type, not to the pointer: elements may be unaligned.
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

static int read_file(const char *path, char *to, size_t bytes) {
    FILE *file = fopen(path, \"rb\");
    if (!file) return 1;
    size_t got = fread(to, 1, bytes, file);
    fclose(file);
    return got != bytes;
}

static uint64_t state;
static uint64_t draw(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t x = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
";

/// The elements of an array, as [`Drawn::draw`] draws them, or as they are in a file.
fn fill(k: usize, array: &Drawn) -> String {
    if array.is_read {
        let (path, bytes) = (format!("x{k}"), array.span);
        return format!("if (read_file(\"{path}\", m{k}, {bytes})) return 1;\n");
    }
    let mut text = String::new();
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
