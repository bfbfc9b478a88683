//! The arguments of a call: types, operands, and the shapes of the shape classes.

use hotloop_runtime::strided::broadcast_shape;

use crate::arg::ArgValue;
use crate::call::{Operand, empty_extreme};
use crate::domain::{Shapes, axes_behind, element_count};
use crate::engine::{Kernels, Source};
use crate::error::{Error, ErrorKind, Result, quoted, shown_shape};
use crate::graph::{ArgType, Domain, Type};
use crate::store;

/// The arguments of a call, ready to run.
pub struct Prepared {
    /// Their types: the shape classes are numbered in the order of the arguments, or are those of
    /// the program's graph.
    pub types: Box<[ArgType]>,
    /// The operands that engines read.
    pub operands: Vec<Operand>,
    /// The shape of each class.
    pub shapes: Shapes,
    /// An input of each shape class, for messages.
    examples: Vec<usize>,
}

impl Prepared {
    /// Determines the types and shapes of arguments.
    ///
    /// # Errors
    /// `Limit` for too many different shapes. For a program made from a graph, `Type` and `Shape`
    /// for arguments that do not match its inputs.
    pub fn new(values: Vec<ArgValue>, source: &Source) -> Result<Prepared> {
        let mut classes = Classes::default();
        let mut types = Vec::with_capacity(values.len());
        let mut operands = Vec::with_capacity(values.len());
        let wanted = source.origin.types();
        for (number, value) in values.into_iter().enumerate() {
            let name = &source.inputs[number];
            let ty = match wanted {
                Some(wanted) => classes.matched(wanted[number], &value, number, &source.inputs)?,
                None => classes.type_of(&value, number)?,
            };
            types.push(ty);
            operands.push(match value {
                ArgValue::Scalar { bits, .. } => Operand::Scalar(bits),
                ArgValue::Array(view) => {
                    Operand::Array(store::named(view, || format!("the input {}", quoted(name))))
                }
            });
        }
        let Classes { shapes, examples } = classes;
        let shapes = shapes.into_iter().map(Option::unwrap_or_default).collect();
        let shapes = Shapes::of_arguments(shapes);
        Ok(Prepared { types: types.into(), operands, shapes, examples })
    }

    /// Checks that the shapes of operands broadcast, and derives the shapes of reductions and
    /// views. Errors name the inputs.
    ///
    /// # Errors
    /// `Shape` and `Limit`.
    pub fn check(&mut self, kernels: &Kernels, source: &Source) -> Result<()> {
        let Prepared { shapes, examples, types, .. } = self;
        for domain in &kernels.domains {
            let mut joined: Vec<usize> = Vec::new();
            for class in domain.shapes().filter(|class| *class < Domain::SHAPES) {
                let shape = shapes.class(class);
                let Some(next) = broadcast_shape(&joined, shape) else {
                    let fits = |other: &u8| broadcast_shape(shapes.class(*other), shape).is_some();
                    let before = domain.shapes().take_while(|c| *c != class);
                    let other = { before }.find(|c| !fits(c)).unwrap_or(0);
                    let name = |class: u8| quoted(&source.inputs[examples[usize::from(class)]]);
                    let message = format!(
                        "the shapes of {} {} and {} {} do not broadcast",
                        name(other),
                        shown_shape(shapes.class(other)),
                        name(class),
                        shown_shape(shape)
                    );
                    let error = Error::new(ErrorKind::Shape, message)
                        .hint("axes are matched from the last; each pair must be equal or 1");
                    // Where several arrays are of the shape, one of them is not enough.
                    let behind = |short: u8, long: u8| {
                        let index = axes_behind(shapes.class(short), shapes.class(long))?;
                        let example = examples[usize::from(short)];
                        let of_shape = types
                            .iter()
                            .filter(|ty| ty.0.domain == Domain::of_shape(short))
                            .count();
                        (of_shape == 1).then(|| format!("`{}{index}`", source.inputs[example]))
                    };
                    let whole = domain.shapes().count() == 2;
                    let index = behind(other, class).or_else(|| behind(class, other));
                    return Err(match index.filter(|_| whole) {
                        Some(index) => error.hint(format!("axes are added behind by {index}")),
                        None => error,
                    });
                };
                element_count(&next)?;
                joined = next;
            }
        }
        let graph = &kernels.graph;
        if !graph.derived().is_empty() {
            for (number, derived) in graph.derived().iter().enumerate() {
                let place = kernels.places.get(number);
                shapes.derive(derived).map_err(|e| source.origin.locate(e, place))?;
            }
            for domain in &kernels.domains {
                shapes.of(*domain)?;
            }
        }
        for (op, id) in &kernels.extremes {
            let empty = match graph.derivation(*id) {
                Some(derived) => shapes.length(derived)? == 0,
                None => {
                    let domain = graph.ty(graph.node(*id).operands()[0]).domain;
                    shapes.of(domain)?.contains(&0)
                }
            };
            if empty {
                return Err(empty_extreme(*op));
            }
        }
        Ok(())
    }
}

/// The shapes of arguments, by class.
#[derive(Default)]
struct Classes {
    /// The shape of each class, if an argument has it.
    shapes: Vec<Option<Box<[usize]>>>,
    /// The first input of this shape.
    examples: Vec<usize>,
}

impl Classes {
    /// The type of an argument of a text: arrays of one shape share a class.
    fn type_of(&mut self, value: &ArgValue, number: usize) -> Result<ArgType> {
        let (dtype, weak, domain) = match value {
            ArgValue::Scalar { dtype, weak, .. } => (*dtype, *weak, Domain::SCALAR),
            ArgValue::Array(view) if view.shape.is_empty() => (view.dtype(), false, Domain::SCALAR),
            ArgValue::Array(view) => {
                let known = |s: &Option<Box<[usize]>>| s.as_deref() == Some(&*view.shape);
                let class = self.shapes.iter().position(known).unwrap_or_else(|| {
                    self.shapes.push(Some(view.shape.clone().into()));
                    self.examples.push(number);
                    self.shapes.len() - 1
                });
                if class >= usize::from(Domain::SHAPES) {
                    let message =
                        format!("the inputs have more than {} different shapes", Domain::SHAPES);
                    return Err(Error::new(ErrorKind::Limit, message));
                }
                (view.dtype(), false, Domain::of_shape(class as u8))
            }
        };
        Ok(ArgType(Type { dtype, weak, domain }))
    }

    /// Checks an argument against the type of a graph's input.
    fn matched(
        &mut self,
        wanted: ArgType,
        value: &ArgValue,
        number: usize,
        names: &[Box<str>],
    ) -> Result<ArgType> {
        let name = quoted(&names[number]);
        let (dtype, weak, shape) = match value {
            ArgValue::Scalar { dtype, weak, .. } => (*dtype, *weak, None),
            ArgValue::Array(view) => (view.dtype(), false, Some(&view.shape)),
        };
        if (dtype, weak) != (wanted.dtype(), wanted.is_weak()) {
            let given = if weak { format!("a weak {dtype}") } else { dtype.to_string() };
            let weak_wanted = if wanted.is_weak() { "a weak " } else { "" };
            let message =
                format!("{name} is {given}, but the graph takes {weak_wanted}{}", wanted.dtype());
            let hint = match (weak, wanted.is_weak()) {
                (true, false) => "`Arg::typed` makes a number that keeps its dtype",
                (false, true) => "a plain number is weak: `2.0.into()`",
                _ => "nothing is cast silently: convert the argument, or cast in the graph",
            };
            return Err(Error::new(ErrorKind::Type, message).hint(hint));
        }
        let Some(class) = wanted.class() else {
            return match shape.filter(|shape| !shape.is_empty()) {
                None => Ok(wanted),
                Some(shape) => {
                    let message = format!(
                        "{name} has the shape {}, but the graph takes one element",
                        shown_shape(shape)
                    );
                    Err(Error::new(ErrorKind::Shape, message))
                }
            };
        };
        let Some(shape) = shape else {
            let message = format!("{name} is a number, but the graph takes an array");
            return Err(Error::new(ErrorKind::Shape, message)
                .hint("an array without axes is one element, too"));
        };
        let class = usize::from(class);
        if self.shapes.len() <= class {
            self.shapes.resize(class + 1, None);
            self.examples.resize(class + 1, number);
        }
        match &self.shapes[class] {
            Some(known) if **known != **shape => {
                let message = format!(
                    "the shapes of {} {} and {name} {} differ, but the graph gives both one shape",
                    quoted(&names[self.examples[class]]),
                    shown_shape(known),
                    shown_shape(shape)
                );
                return Err(Error::new(ErrorKind::Shape, message));
            }
            Some(_) => {}
            None => {
                self.shapes[class] = Some(shape.clone().into());
                self.examples[class] = number;
            }
        }
        Ok(wanted)
    }
}
