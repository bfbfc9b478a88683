//! Arguments of calls: matching them to parameters, and reading those that are not values: axes,
//! dtypes, `None`, lists, the items of an index.

use hotloop_grammar::{
    Argument, ArgumentValue, Ast, ExprId, ExprKind, IndexEntry, IndexItem, Span, Statement, UnaryOp,
};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::strided::MAX_RANK;
use rustc_hash::FxHashSet;

use super::{Callee, Frame, Located, Reduced, Resolver, Term, TermId, absent, fail};
use crate::error::{Error, ErrorKind, quoted};
use crate::graph::{Derivation, Index};
use crate::ops::{self, Class, Op, Row, is_none};

/// The maximum number of items of an index and of axes of a reduction or a view: the maximum rank,
/// and as many new axes.
const MOST_ITEMS: usize = 2 * MAX_RANK;

/// Axes as they are given; `None` for all.
pub(super) type Axes = Option<Box<[i64]>>;

/// The functions that are not in the table.
pub(super) fn special(name: &str) -> Option<Callee> {
    match name {
        "isin" => Some(Callee::IsIn),
        "sequence" => Some(Callee::Sequence),
        "astype" => Some(Callee::Astype),
        "expand_dims" => Some(Callee::ExpandDims),
        "transpose" => Some(Callee::Transpose),
        _ => ops::two_results(name).map(Callee::Two),
    }
}

/// The names in arguments that are keywords, not variables: `None`, and the dtype of `dtype=` or
/// `astype`. The program's own functions take values only.
pub(super) fn words(ast: &Ast) -> FxHashSet<ExprId> {
    let own: FxHashSet<_> = ast
        .statements()
        .iter()
        .filter_map(|statement| match statement {
            Statement::Def { name, .. } => Some(name.name),
            _ => None,
        })
        .collect();
    let mut words = FxHashSet::default();
    for id in ast.exprs() {
        let ExprKind::Call { function, arguments, .. } = ast.kind(id) else { continue };
        if own.contains(&function.name) {
            continue;
        }
        let astype = ast.name(function.name) == "astype";
        for (place, argument) in ast.arguments(*arguments).iter().enumerate() {
            let ArgumentValue::Expr(value) = argument.value else { continue };
            let name = match ast.kind(value) {
                ExprKind::Name(name) => ast.name(*name),
                ExprKind::Text(_) => "",
                _ => continue,
            };
            let dtype = match argument.keyword {
                Some(keyword) => ast.name(keyword.name) == "dtype",
                None if astype => place == 1,
                None if name.is_empty() || dtype_named(name).is_some() => {
                    option_at(ast.name(function.name), place) == Some("dtype")
                }
                None => false,
            };
            let none = name == "None" && (place > 0 || argument.keyword.is_some());
            if dtype || none {
                words.insert(value);
            }
        }
    }
    words
}

/// The option that a positional argument sets.
fn option_at(function: &str, place: usize) -> Option<&'static str> {
    let row = ops::lookup(function)?;
    row.op.options()[0].get(place.checked_sub(row.required())?).copied()
}

/// The dtype of a name or of a NumPy type code.
fn dtype_named(name: &str) -> Option<DType> {
    DType::from_name(name).or(match name {
        "float" | "double" | "f8" => Some(DType::F64),
        "single" | "f4" => Some(DType::F32),
        "int" | "int_" | "intp" | "longlong" => Some(DType::I64),
        "uint" | "uintp" | "ulonglong" => Some(DType::U64),
        "bool_" | "b1" => Some(DType::Bool),
        "i1" => Some(DType::I8),
        "i2" => Some(DType::I16),
        "i4" => Some(DType::I32),
        "u1" => Some(DType::U8),
        "u2" => Some(DType::U16),
        "u4" => Some(DType::U32),
        _ => None,
    })
}

/// Sets an option, unless another argument has set it.
pub(super) fn once<T>(slot: &mut Option<T>, value: T, parameter: &str, span: Span) -> Located<()> {
    if slot.replace(value).is_some() {
        return given_twice(parameter, span);
    }
    Ok(())
}

fn given_twice<T>(parameter: &str, span: Span) -> Located<T> {
    fail(ErrorKind::Arity, span, format!("the argument {} is given twice", quoted(parameter)))
}

/// The axis of a function along one, by default the last.
pub(super) fn one_axis(name: &str, axes: Option<&Axes>, span: Span) -> Located<i64> {
    match axes {
        None => Ok(-1),
        Some(Some(axes)) if axes.len() == 1 => Ok(axes[0]),
        Some(_) => {
            let message = format!("{name} goes along one axis");
            let hint = "axis=0 or axis=-1; without it, the last axis";
            Err((Error::new(ErrorKind::Type, message).hint(hint), span))
        }
    }
}

/// The items of an index, checked as far as possible without a shape.
pub(super) fn index_items(entries: &[IndexEntry]) -> Located<Box<[Index]>> {
    let mut items = Vec::with_capacity(entries.len());
    if let Some(beyond) = entries.get(MOST_ITEMS) {
        return fail(ErrorKind::Limit, beyond.span, "more items than an array can have axes");
    }
    for IndexEntry { item, span } in entries {
        items.push(match *item {
            IndexItem::At(at) => Index::At(at),
            IndexItem::NewAxis => Index::NewAxis,
            IndexItem::Ellipsis if items.contains(&Index::Ellipsis) => {
                return fail(ErrorKind::Shape, *span, "an index has at most one `...`");
            }
            IndexItem::Ellipsis => Index::Ellipsis,
            IndexItem::Slice { step: Some(0), .. } => {
                return fail(ErrorKind::Shape, *span, "the step of a slice is not 0");
            }
            IndexItem::Slice { start, stop, step } => Index::Slice { start, stop, step },
        });
    }
    Ok(items.into())
}

impl<'a> Resolver<'a> {
    /// A function of the table: `sum(x, axis=1, keepdims=True)`. Arguments that are not operands
    /// give axes, mask and dtype.
    pub(super) fn operation(
        &mut self,
        name: &str,
        row: &'static Row,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let callee = Callee::Row(row);
        let [placed, named] = row.op.options();
        if placed.is_empty() && named.is_empty() {
            let values = self.values(name, callee, arguments, span, frame)?;
            return self.term(Term::Apply(row.op, values.into()), span);
        }
        let (mut axes, mut keepdims, mut dtype) = (None, None, None);
        let (mut mask, mut initial, mut out) = (None, None, None);
        let mut operands = Vec::with_capacity(arguments.len());
        for (i, argument) in arguments.iter().enumerate() {
            let own = argument.span;
            let option = match argument.keyword {
                Some(keyword) => {
                    let keyword = self.ast.name(keyword.name);
                    placed.iter().chain(named).copied().find(|option| *option == keyword)
                }
                None => match i.checked_sub(row.required()) {
                    Some(place) => match placed.get(place) {
                        Some(option) => Some(*option),
                        None => {
                            return Err((self.arity_error(name, callee, arguments.len()), span));
                        }
                    },
                    None => None,
                },
            };
            match option {
                Some("axis") if argument.keyword.is_none() => match self.axes(argument) {
                    // No array has this axis: `max(x, 187)` is probably meant as `maximum`.
                    Ok(Some(axes)) if axes.iter().any(|a| a.unsigned_abs() > MAX_RANK as u64) => {
                        return Err((self.arity_error(name, callee, arguments.len()), span));
                    }
                    Ok(axis) => once(&mut axes, axis, "axis", own)?,
                    // One axis of a scan is not taken for the operand of another function.
                    Err((error, span)) if row.op.class() == Class::Along => {
                        return Err((
                            error.hint(format!("it is called as {}", row.call(name))),
                            span,
                        ));
                    }
                    Err(_) => return Err((self.arity_error(name, callee, arguments.len()), span)),
                },
                Some("axis") => once(&mut axes, self.axes(argument)?, "axis", own)?,
                Some("keepdims") => {
                    once(&mut keepdims, self.truth(argument, "keepdims")?, "keepdims", own)?;
                }
                Some("dtype") if argument.keyword.is_none() => {
                    // The author may not know that this positional argument is the dtype.
                    let call = |(error, span): (Error, Span)| {
                        (error.hint(format!("it is called as {}", row.call(name))), span)
                    };
                    once(&mut dtype, self.dtype(argument).map_err(call)?, "dtype", own)?;
                }
                Some("dtype") => once(&mut dtype, self.dtype(argument)?, "dtype", own)?,
                Some("where") => once(&mut mask, self.value(argument, frame)?, "where", own)?,
                Some("initial") => {
                    once(&mut initial, self.value(argument, frame)?, "initial", own)?;
                }
                Some("out") => once(&mut out, self.nowhere(argument)?, "out", own)?,
                _ => operands.push(argument.clone()),
            }
        }
        let dtype: Option<DType> = dtype.flatten();
        let mut values = self.values(name, callee, &operands, span, frame)?;
        if !row.op.is_reduction() {
            if let (Some(dtype), Some(x)) = (dtype, values.first_mut()) {
                *x = self.term(Term::Cast(dtype, *x), span)?;
            }
            if row.op.class() == Class::Along {
                let axis = one_axis(name, axes.as_ref(), span)?;
                return self.term(Term::Along(row.op, values.into(), axis), span);
            }
            return self.term(Term::Apply(row.op, values.into()), span);
        }
        let reduced = Reduced {
            axes: axes.flatten(),
            keepdims: keepdims.unwrap_or(false),
            mask: mask.flatten(),
            initial: initial.flatten(),
            dtype,
        };
        self.term(Term::Reduce(row.op, values.into(), reduced), span)
    }

    /// `expand_dims(x, axis=0)` and `transpose(x, axes=(1, 0))`.
    pub(super) fn view(
        &mut self,
        name: &str,
        callee: Callee,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let parameter = if matches!(callee, Callee::Transpose) { "axes" } else { "axis" };
        let mut axes = None;
        let mut arguments = arguments;
        // The method also takes the axes as separate arguments.
        if let (Callee::Transpose, [x, first, .., last]) = (callee, arguments)
            && arguments.iter().all(|argument| argument.keyword.is_none())
        {
            let mut list = Vec::with_capacity(arguments.len());
            for argument in &arguments[1..] {
                list.extend(self.axes(argument)?.unwrap_or_default());
            }
            once(&mut axes, Some(list.into()), parameter, first.span.to(last.span))?;
            arguments = std::slice::from_ref(x);
        }
        let mut operands = Vec::with_capacity(1);
        for (i, argument) in arguments.iter().enumerate() {
            let given = argument.keyword.map(|k| self.ast.name(k.name));
            if given == Some(parameter) || given.is_none() && i == 1 {
                once(&mut axes, self.axes(argument)?, parameter, argument.span)?;
            } else {
                operands.push(argument.clone());
            }
        }
        let x = self.values(name, callee, &operands, span, frame)?[0];
        let how = match (callee, axes.flatten()) {
            (Callee::Transpose, axes) => Derivation::Transpose(axes),
            (_, Some(axes)) => Derivation::ExpandDims(axes),
            (_, None) => return Err((self.arity_error(name, callee, arguments.len()), span)),
        };
        self.term(Term::View(how, x), span)
    }

    /// `astype(x, f32)`, as a method `x.astype(f32)`.
    pub(super) fn astype(
        &mut self,
        name: &str,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let is_dtype = |(i, argument): (usize, &Argument)| match argument.keyword {
            Some(keyword) => self.ast.name(keyword.name) == "dtype",
            None => i == 1,
        };
        let Some(at) = arguments.iter().enumerate().position(is_dtype) else {
            return Err((self.arity_error(name, Callee::Astype, arguments.len()), span));
        };
        let mut operands = arguments.to_vec();
        let dtype = self.dtype(&operands.remove(at))?;
        let x = self.values(name, Callee::Astype, &operands, span, frame)?[0];
        match dtype {
            Some(dtype) => self.term(Term::Cast(dtype, x), span),
            None => Ok(x),
        }
    }

    /// Reads axes: `0`, `-1`, `(0, 1)` or `None`.
    pub(super) fn axes(&self, argument: &Argument) -> Located<Axes> {
        let list = match &argument.value {
            ArgumentValue::Expr(value) if self.words.contains(value) => return Ok(None),
            ArgumentValue::Expr(value) => std::slice::from_ref(value),
            ArgumentValue::Tuple(values) | ArgumentValue::List(values) => &values[..],
            ArgumentValue::Step { .. } => &[],
        };
        let int = |id: &ExprId| match *self.ast.kind(*id) {
            ExprKind::Int(value) => i64::try_from(value).ok(),
            ExprKind::Unary { op: UnaryOp::Negate, arg } => match *self.ast.kind(arg) {
                ExprKind::Int(value) => i64::try_from(-value).ok(),
                _ => None,
            },
            _ => None,
        };
        if list.len() > MOST_ITEMS {
            let message = "more axes than an array can have";
            return fail(ErrorKind::Limit, argument.span, message);
        }
        let step = matches!(argument.value, ArgumentValue::Step { .. });
        match list.iter().map(int).collect::<Option<_>>().filter(|_| !step) {
            Some(axes) => Ok(Some(axes)),
            None => {
                let error = Error::new(ErrorKind::Type, "an axis must be a constant integer");
                let range = format!(
                    "axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most {MAX_RANK} axes"
                );
                Err((error.hint(range), argument.span))
            }
        }
    }

    /// Reads the name of a dtype, bare or quoted, or `None`.
    fn dtype(&self, argument: &Argument) -> Located<Option<DType>> {
        let (name, is_quoted) = match &argument.value {
            ArgumentValue::Expr(value) => match self.ast.kind(*value) {
                ExprKind::Name(name) => (self.ast.name(*name), false),
                ExprKind::Text(text) => (&**text, true),
                _ => ("", false),
            },
            _ => ("", false),
        };
        if is_quoted && matches!(name, "i8" | "u8") {
            let message = format!("'{name}' is of 8 bytes in NumPy, but {name} of 8 bits here");
            let error = Error::new(ErrorKind::Type, message);
            return Err((error.hint("write int64, uint64, int8 or uint8"), argument.span));
        }
        match dtype_named(name) {
            Some(dtype) => Ok(Some(dtype)),
            None if name == "None" => Ok(None),
            None => {
                let error = Error::new(ErrorKind::Type, "a dtype is written by its name");
                let names: Vec<&str> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
                Err((
                    error.hint(format!("dtype=f32; there are {}", names.join(" "))),
                    argument.span,
                ))
            }
        }
    }

    /// Reads `True` or `False`, or 1 or 0.
    pub(super) fn truth(&self, argument: &Argument, parameter: &str) -> Located<bool> {
        let kind = match argument.value {
            ArgumentValue::Expr(value) => Some(self.ast.kind(value)),
            _ => None,
        };
        match kind {
            Some(ExprKind::Bool(truth)) => Ok(*truth),
            Some(ExprKind::Int(0)) => Ok(false),
            Some(ExprKind::Int(1)) => Ok(true),
            _ => fail(ErrorKind::Type, argument.span, format!("{parameter} is True or False")),
        }
    }

    /// Reads `out=None`; a program cannot choose where a result is stored.
    fn nowhere(&self, argument: &Argument) -> Located<()> {
        match argument.value {
            ArgumentValue::Expr(value) if self.words.contains(&value) => Ok(()),
            _ => {
                let error = Error::new(ErrorKind::Type, "a program does not write to its inputs");
                let hint = "leave `out` away; the run says where outputs go";
                Err((error.hint(hint), argument.span))
            }
        }
    }

    /// The value of an argument; `None` if it is `None`.
    pub(super) fn value(&self, argument: &Argument, frame: &Frame) -> Located<Option<TermId>> {
        match argument.value {
            ArgumentValue::Expr(value) if self.words.contains(&value) => Ok(None),
            ArgumentValue::Expr(value) => {
                let term = frame.value(value);
                self.one_value(term)?;
                Ok(Some(term))
            }
            _ => fail(ErrorKind::Type, argument.span, "an expression is expected"),
        }
    }

    /// The names of a callee's parameters.
    fn parameters(&self, callee: Callee) -> Vec<&'a str> {
        match callee {
            Callee::Def(def) => {
                let ast = self.ast;
                self.defs[def].parameters.iter().map(|p| ast.name(*p)).collect()
            }
            Callee::Row(row) => row.parameters.iter().map(|p| p.name).collect(),
            Callee::Two(two) => two.ops[0].row().parameters.iter().map(|p| p.name).collect(),
            Callee::Cast(_) | Callee::Astype | Callee::ExpandDims | Callee::Transpose => vec!["x"],
            Callee::IsIn | Callee::Sequence => Vec::new(),
        }
    }

    /// The name of a callee.
    fn signature(&self, name: &str, callee: Callee) -> String {
        match callee {
            Callee::Def(_) | Callee::Cast(_) => {
                format!("{name}({})", self.parameters(callee).join(", "))
            }
            Callee::Row(row) => row.call(name),
            Callee::Two(two) => two.signature.to_string(),
            _ => ops::RESOLVED.iter().find(|r| r.0 == name).map_or("", |r| r.1).to_string(),
        }
    }

    pub(super) fn arity_error(&self, name: &str, callee: Callee, given: usize) -> Error {
        let plural = if given == 1 { "" } else { "s" };
        let message = format!("'{name}' does not take {given} argument{plural}");
        let error = Error::new(ErrorKind::Arity, message)
            .hint(format!("it is called as {}", self.signature(name, callee)));
        match absent::arity_advice(name, given) {
            Some(advice) if !matches!(callee, Callee::Def(_)) => error.hint(advice),
            _ => error,
        }
    }

    /// The error for a keyword that a function does not have.
    pub(super) fn unknown_keyword(&self, name: &str, callee: Callee, keyword: &str) -> Error {
        let message = format!("unknown keyword {} for '{name}'", quoted(keyword));
        let call = self.signature(name, callee);
        Error::new(ErrorKind::Name, message).hint(format!("it is called as {call}"))
    }

    /// The values of a call's arguments, in the order of the parameters.
    pub(super) fn values(
        &mut self,
        name: &str,
        callee: Callee,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<Vec<TermId>> {
        let names = self.parameters(callee);
        let row = match callee {
            Callee::Row(row) => Some(row),
            _ => None,
        };
        let is_called = |slot: &usize, keyword: &str| match row {
            Some(row) => row.parameters[*slot].is_called(keyword),
            None => names[*slot] == keyword,
        };
        let mut args: Vec<Option<TermId>> = vec![None; names.len()];
        for (i, argument) in arguments.iter().enumerate() {
            let slot = match argument.keyword {
                Some(keyword) => {
                    let text = self.ast.name(keyword.name);
                    if row.is_some() && text == "out" {
                        self.nowhere(argument)?;
                        continue;
                    }
                    match (0..names.len()).find(|slot| is_called(slot, text)) {
                        Some(slot) => slot,
                        None => {
                            return Err((self.unknown_keyword(name, callee, text), keyword.span));
                        }
                    }
                }
                None => i,
            };
            let ArgumentValue::Expr(value) = argument.value else {
                let message = format!("'{name}' does not take such an argument");
                let error = Error::new(ErrorKind::Type, message);
                let call = self.signature(name, callee);
                return Err((error.hint(format!("it is called as {call}")), argument.span));
            };
            let Some(empty) = args.get(slot) else {
                return Err((self.arity_error(name, callee, arguments.len()), span));
            };
            if empty.is_some() {
                return given_twice(names[slot], argument.span);
            }
            args[slot] = if self.words.contains(&value) {
                let default = row.and_then(|row| row.parameters[slot].default);
                let Some(none) = default.filter(|default| is_none(*default)) else {
                    let message = format!("'{name}' takes no None for {}", quoted(names[slot]));
                    return fail(ErrorKind::Type, argument.span, message);
                };
                Some(self.default(none, span)?)
            } else {
                Some(frame.value(value))
            };
        }
        let mut values = Vec::with_capacity(args.len());
        for (slot, arg) in args.into_iter().enumerate() {
            let default = row.and_then(|row| row.parameters[slot].default);
            values.push(match (arg, default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.default(default, span)?,
                (None, None) => {
                    return Err((self.arity_error(name, callee, arguments.len()), span));
                }
            });
        }
        Ok(values)
    }

    /// The value of an omitted argument. An integral default must not turn integers into floats.
    pub(super) fn default(&mut self, value: f64, span: Span) -> Located<TermId> {
        match value.fract() == 0.0 {
            true => self.term(Term::Int(value as i128), span),
            false => self.term(Term::Float(value.to_bits()), span),
        }
    }

    /// Expands `isin(x, [1, 2])` or `isin(x, 1, 2)`: whether x equals one of the values.
    pub(super) fn isin(
        &mut self,
        name: &str,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let (mut invert, mut unique) = (None, None);
        let mut values = Vec::with_capacity(arguments.len());
        let mut given = 0;
        for (i, argument) in arguments.iter().enumerate() {
            let own = argument.span;
            match (argument.keyword.map(|k| self.ast.name(k.name)), &argument.value) {
                (Some("invert"), _) => {
                    once(&mut invert, self.truth(argument, "invert")?, "invert", own)?;
                    continue;
                }
                // `assume_unique` has no effect here.
                (Some(keyword @ "assume_unique"), _) => {
                    once(&mut unique, self.truth(argument, keyword)?, keyword, own)?;
                    continue;
                }
                (Some(keyword), _) => {
                    return Err((self.unknown_keyword(name, Callee::IsIn, keyword), own));
                }
                (None, ArgumentValue::List(list) | ArgumentValue::Tuple(list)) if i > 0 => {
                    values.extend(list.iter().map(|value| frame.value(*value)));
                }
                (None, _) => {
                    let none = || {
                        let error = Error::new(ErrorKind::Type, format!("'{name}' takes no None"));
                        (error, own)
                    };
                    values.push(self.value(argument, frame)?.ok_or_else(none)?);
                }
            }
            given += 1;
        }
        let (Some((x, members)), 2..) = (values.split_first(), given) else {
            return Err((self.arity_error(name, Callee::IsIn, given), span));
        };
        let mut any = None;
        for member in members {
            let equal = self.apply(Op::Eq, &[*x, *member], span)?;
            any = Some(match any {
                Some(any) => self.apply(Op::BitOr, &[any, equal], span)?,
                None => equal,
            });
        }
        let any = match any {
            Some(any) => any,
            // For an empty list: false in the shape of x.
            None => self.apply(Op::Lt, &[*x, *x], span)?,
        };
        if invert == Some(true) { self.apply(Op::BitNot, &[any], span) } else { Ok(any) }
    }
}
