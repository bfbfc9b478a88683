//! A program as a user of `ndarray` would write it: operation by operation, with an array for every
//! intermediate value that cannot reuse one.
//!
//! It covers `+ - * /`, squares, unary functions of floats, sums, and bindings, over arrays that
//! are all `f64` or all `f32`.

use std::rc::Rc;

use hotloop::Element;
use hotloop::ndarray::{ArrayD, ArrayViewD, Axis, NdFloat};
use hotloop_grammar::{
    Argument, ArgumentValue, Ast, BinaryOp, Constant, ExprId, ExprKind, Statement, UnaryOp, parse,
};

use super::drawn::Drawn;
use crate::input::Number;

/// A float type with Rust's functions.
pub(crate) trait Real: Element + NdFloat {
    fn of(x: f64) -> Self;
    fn function(name: &str) -> Option<fn(Self) -> Self>;
}

macro_rules! real {
    ($($t:ident)*) => {$(
        impl Real for $t {
            fn of(x: f64) -> $t {
                x as $t
            }

            fn function(name: &str) -> Option<fn($t) -> $t> {
                Some(match name {
                    "abs" => $t::abs,
                    "sqrt" => $t::sqrt,
                    "cbrt" => $t::cbrt,
                    "exp" => $t::exp,
                    "exp2" => $t::exp2,
                    "expm1" => $t::exp_m1,
                    "log" => $t::ln,
                    "log2" => $t::log2,
                    "log10" => $t::log10,
                    "log1p" => $t::ln_1p,
                    "sin" => $t::sin,
                    "cos" => $t::cos,
                    "tan" => $t::tan,
                    "arcsin" => $t::asin,
                    "arccos" => $t::acos,
                    "arctan" => $t::atan,
                    "sinh" => $t::sinh,
                    "cosh" => $t::cosh,
                    "tanh" => $t::tanh,
                    "floor" => $t::floor,
                    "ceil" => $t::ceil,
                    "trunc" => $t::trunc,
                    "rint" => $t::round_ties_even,
                    _ => return None,
                })
            }
        }
    )*};
}
real!(f32 f64);

/// An intermediate array.
enum Array<'a, T> {
    View(ArrayViewD<'a, T>),
    /// An intermediate value, which its only user may overwrite.
    Owned(ArrayD<T>),
    /// A binding, which may have several users.
    Bound(Rc<ArrayD<T>>),
}

enum Value<'a, T> {
    Number(T),
    Array(Array<'a, T>),
}

impl<'a, T: Real> Array<'a, T> {
    fn view(&self) -> ArrayViewD<'_, T> {
        match self {
            Array::View(x) => x.view(),
            Array::Owned(x) => x.view(),
            Array::Bound(x) => x.view(),
        }
    }

    fn map(self, f: impl FnMut(T) -> T) -> Value<'a, T> {
        Value::Array(Array::Owned(match self {
            Array::Owned(x) => x.mapv_into(f),
            x => x.view().mapv(f),
        }))
    }
}

fn numbers<T: Real>(op: Operator, a: T, b: T) -> T {
    match op {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
    }
}

fn arrays<T: Real>(op: Operator, a: &ArrayViewD<'_, T>, b: &ArrayViewD<'_, T>) -> ArrayD<T> {
    match op {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
    }
}

fn into<T: Real>(op: Operator, a: ArrayD<T>, b: &ArrayViewD<'_, T>) -> ArrayD<T> {
    match op {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
    }
}

/// The operators that `ndarray` supports.
#[derive(Clone, Copy)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

fn operate<'a, T: Real>(op: Operator, a: Value<'a, T>, b: Value<'a, T>) -> Value<'a, T> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(numbers(op, a, b)),
        (Value::Number(a), Value::Array(b)) => b.map(|x| numbers(op, a, x)),
        (Value::Array(a), Value::Number(b)) => a.map(|x| numbers(op, x, b)),
        (Value::Array(Array::Owned(a)), Value::Array(b)) => {
            Value::Array(Array::Owned(into(op, a, &b.view())))
        }
        (Value::Array(a), Value::Array(b)) => {
            Value::Array(Array::Owned(arrays(op, &a.view(), &b.view())))
        }
    }
}

fn map<'a, T: Real>(value: Value<'a, T>, f: impl Fn(T) -> T) -> Value<'a, T> {
    match value {
        Value::Number(x) => Value::Number(f(x)),
        Value::Array(x) => x.map(f),
    }
}

/// The program over its inputs.
pub(crate) struct NdarrayPeer<'a, T> {
    ast: Ast,
    inputs: Vec<(&'a str, Result<ArrayViewD<'a, T>, T>)>,
    /// The expressions that are bound to a name.
    bound: Vec<(String, ExprId)>,
}

impl<'a, T: Real> NdarrayPeer<'a, T> {
    /// Prepares the program and evaluates it once, to find unsupported operations.
    ///
    /// # Errors
    /// The unsupported operation, as a sentence.
    pub(crate) fn new(
        expression: &str,
        drawn: &'a [Drawn],
        given: &'a [(String, Number)],
    ) -> Result<NdarrayPeer<'a, T>, String> {
        let ast = parse(expression).map_err(|e| e.message)?;
        let mut inputs = Vec::new();
        for array in drawn {
            let view = array.view::<T>();
            let view = view.ok_or_else(|| {
                format!("{} is misaligned, or not all arrays are of one float dtype", array.name)
            })?;
            inputs.push((array.name.as_str(), Ok(view)));
        }
        for (name, number) in given {
            let x = match *number {
                Number::Bool(_) => return Err("a truth value".to_string()),
                Number::Int(x) => x as f64,
                Number::Float(x) => x,
            };
            inputs.push((name.as_str(), Err(T::of(x))));
        }
        let bound = ast.statements().iter().filter_map(|statement| match statement {
            Statement::Binding { names, value } if names.len() == 1 => {
                Some((ast.name(names[0].name).to_string(), *value))
            }
            _ => None,
        });
        let bound = bound.collect();
        let peer = NdarrayPeer { ast, inputs, bound };
        peer.evaluate()?;
        Ok(peer)
    }

    /// Evaluates everything.
    ///
    /// # Errors
    /// As [`NdarrayPeer::new`].
    pub(crate) fn evaluate(&self) -> Result<(), String> {
        if self.ast.statements().iter().any(|s| matches!(s, Statement::Def { .. })) {
            return Err("a function of the program's own".to_string());
        }
        let mut values: Vec<Option<Value<'_, T>>> = Vec::new();
        for id in self.ast.exprs() {
            let mut value = self.value(id, &mut values)?;
            if self.bound.iter().any(|(_, bound)| *bound == id)
                && let Value::Array(Array::Owned(array)) = value
            {
                value = Value::Array(Array::Bound(Rc::new(array)));
            }
            values.push(Some(value));
        }
        std::hint::black_box(&values);
        Ok(())
    }

    fn value<'v>(&'v self, id: ExprId, values: &mut [Option<Value<'v, T>>]) -> Said<'v, T> {
        let mut take = |id: ExprId| {
            let value = values.get_mut(id.index()).and_then(Option::take);
            value.ok_or_else(|| "a value that is used twice".to_string())
        };
        let number = |x: f64| Ok(Value::Number(T::of(x)));
        match self.ast.kind(id) {
            ExprKind::Int(x) => number(*x as f64),
            ExprKind::Float(x) => number(*x),
            ExprKind::Constant(Constant::Pi) => number(std::f64::consts::PI),
            ExprKind::Name(name) => self.name(self.ast.name(*name), values),
            ExprKind::Unary { op: UnaryOp::Plus, arg } => take(*arg),
            ExprKind::Unary { op: UnaryOp::Negate, arg } => Ok(map(take(*arg)?, |x| -x)),
            ExprKind::Binary { op: BinaryOp::Power, left, right }
                if *self.ast.kind(*right) == ExprKind::Int(2) =>
            {
                Ok(map(take(*left)?, |x| x * x))
            }
            ExprKind::Binary { op, left, right } => {
                let op = match op {
                    BinaryOp::Add => Operator::Add,
                    BinaryOp::Subtract => Operator::Subtract,
                    BinaryOp::Multiply => Operator::Multiply,
                    BinaryOp::Divide => Operator::Divide,
                    _ => return Err(format!("the operator {}", op.symbol())),
                };
                let (left, right) = (take(*left)?, take(*right)?);
                Ok(operate(op, left, right))
            }
            ExprKind::Call { function, arguments, .. } => {
                let name = self.ast.name(function.name);
                if let (Some(axis), Some(x)) = (self.summed_axis(name, id), first(&self.ast, id)) {
                    let Value::Array(x) = take(x)? else {
                        return Err("the sum of a number".into());
                    };
                    let x = x.view();
                    let axis = if axis < 0 { axis + x.ndim() as i64 } else { axis };
                    return match usize::try_from(axis) {
                        Ok(axis) if axis < x.ndim() => {
                            Ok(Value::Array(Array::Owned(x.sum_axis(Axis(axis)))))
                        }
                        _ => Err(format!("an axis {axis}")),
                    };
                }
                let [argument] = self.ast.arguments(*arguments) else {
                    return Err(format!("the function {name} as it is called here"));
                };
                match (argument.keyword, &argument.value, T::function(name)) {
                    (None, ArgumentValue::Expr(x), Some(f)) => Ok(map(take(*x)?, f)),
                    (None, ArgumentValue::Expr(x), None) if name == "sum" => match take(*x)? {
                        Value::Array(x) => Ok(Value::Number(x.view().sum())),
                        Value::Number(_) => Err("the sum of a number".to_string()),
                    },
                    _ => Err(format!("the function {name} as it is called here")),
                }
            }
            _ => Err("an expression of this kind".to_string()),
        }
    }

    /// The axis along which a call sums.
    fn summed_axis(&self, name: &str, id: ExprId) -> Option<i64> {
        let ExprKind::Call { arguments, .. } = self.ast.kind(id) else { return None };
        let [_, axis] = self.ast.arguments(*arguments) else { return None };
        let is_axis = axis.keyword.is_none_or(|keyword| self.ast.name(keyword.name) == "axis");
        let ArgumentValue::Expr(axis) = axis.value else { return None };
        let number = |id: ExprId| match self.ast.kind(id) {
            ExprKind::Int(x) => i64::try_from(*x).ok(),
            _ => None,
        };
        match self.ast.kind(axis) {
            _ if name != "sum" || !is_axis => None,
            ExprKind::Unary { op: UnaryOp::Negate, arg } => number(*arg).map(|x| -x),
            _ => number(axis),
        }
    }

    fn name<'v>(&'v self, name: &str, values: &[Option<Value<'v, T>>]) -> Said<'v, T> {
        if let Some((_, id)) = self.bound.iter().find(|(own, _)| own == name) {
            return match values.get(id.index()) {
                Some(Some(Value::Array(Array::Bound(x)))) => {
                    Ok(Value::Array(Array::Bound(x.clone())))
                }
                Some(Some(Value::Array(Array::View(x)))) => {
                    Ok(Value::Array(Array::View(x.clone())))
                }
                Some(Some(Value::Number(x))) => Ok(Value::Number(*x)),
                _ => Err(format!("the name {name} where it stands")),
            };
        }
        match self.inputs.iter().find(|(own, _)| *own == name) {
            Some((_, Ok(view))) => Ok(Value::Array(Array::View(view.view()))),
            Some((_, Err(number))) => Ok(Value::Number(*number)),
            None => Err(format!("a name {name}")),
        }
    }
}

/// The first argument of a call, if it is positional.
fn first(ast: &Ast, id: ExprId) -> Option<ExprId> {
    let ExprKind::Call { arguments, .. } = ast.kind(id) else { return None };
    match ast.arguments(*arguments).first()? {
        Argument { keyword: None, value: ArgumentValue::Expr(x), .. } => Some(*x),
        _ => None,
    }
}

type Said<'a, T> = Result<Value<'a, T>, String>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::drawn::Generator;
    use crate::bench::spec::Layout;
    use hotloop::DType;

    /// The value of the last expression.
    fn last(program: &str, drawn: &[Drawn], given: &[(String, Number)]) -> Result<f64, String> {
        let peer = NdarrayPeer::<f64>::new(program, drawn, given)?;
        let mut values = Vec::new();
        for id in peer.ast.exprs() {
            let value = peer.value(id, &mut values)?;
            values.push(Some(value));
        }
        match values.pop() {
            Some(Some(Value::Number(x))) => Ok(x),
            _ => Err("no number".to_string()),
        }
    }

    #[test]
    fn programs_are_evaluated() {
        let mut generator = Generator::new();
        let mut draw = |name, shape: &[usize], layout| {
            Drawn::draw(&mut generator, name, DType::F64, shape, layout).unwrap()
        };
        let drawn = [
            draw("a", &[30, 40], Layout::Fortran),
            draw("b", &[30, 1], Layout::Reversed),
            draw("c", &[40], Layout::Second),
        ];
        let given = [("k".to_string(), Number::Float(0.5))];
        for program in [
            "sum(2*a + 3*b - c/k)",
            "sum(sin(a)**2 + cos(b)**2)",
            "sum(-exp(a - b) * (1 - c) + (a + a) / (b * c))",
            "sum(k - sqrt(c) * k)",
            "sum(sum(a * b, axis=1) * sum(b, -1))",
            "sum(sum(a, axis=0) - c)",
        ] {
            let mut args: Vec<(&str, hotloop::Arg<'_>)> =
                drawn.iter().map(|x| (x.name.as_str(), x.arg())).collect();
            args.push(("k", 0.5.into()));
            let expected = hotloop::compile(program).unwrap().eval_as::<f64>(&args[..]).unwrap();
            let x = last(program, &drawn, &given).unwrap();
            assert!((x - expected[[]]).abs() < 1e-9, "{program}: {x}, {}", expected[[]]);
        }
        for program in
            ["a // b", "min(a)", "sum(a, b)", "sum(a, axis=2)", "def f(x) = x\nf(a)", "k > 1"]
        {
            assert!(last(program, &drawn, &given).is_err(), "{program}");
        }
    }
}
