//! [`Domain`], the symbolic shape of a value, and [`Shapes`], the actual shapes of a call.
//!
//! A graph does not know extents. It knows which inputs share a shape (a *shape class*), and how
//! the shapes of reductions and views derive from those of their operands. [`Shapes`] holds all of
//! them once the arrays are known.

use std::fmt;

use hotloop_runtime::strided::broadcast_shape;

use crate::error::{Error, ErrorKind, Result, shown_shape};

/// The symbolic shape of a value: the set of shape classes that broadcast to it. The empty set is a
/// scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(u128);

impl Domain {
    /// One element.
    pub const SCALAR: Domain = Domain(0);
    /// The maximum number of different shapes of a program's arguments.
    pub const SHAPES: u8 = 64;
    /// The maximum number of derived shapes of a program.
    pub const DERIVED: u8 = 64;

    /// The domain of the arrays of one shape class (below [`Domain::SHAPES`]).
    pub(crate) fn of_shape(class: u8) -> Domain {
        Domain(1 << class)
    }

    /// The domain of the arrays of a derived shape.
    pub(crate) fn of_derived(number: u8) -> Domain {
        Domain::of_class(Domain::SHAPES + number)
    }

    /// The domain of a single class, of arguments or derived.
    pub(crate) fn of_class(class: u8) -> Domain {
        Domain(1 << class)
    }

    /// The derived shape, if it is the only one.
    pub(crate) fn derived(self) -> Option<u8> {
        let class = self.0.trailing_zeros() as u8;
        (self.0.is_power_of_two() && class >= Domain::SHAPES).then(|| class - Domain::SHAPES)
    }

    /// Whether it is one element.
    pub fn is_scalar(self) -> bool {
        self.0 == 0
    }

    /// The broadcast of two domains.
    pub fn join(self, other: Domain) -> Domain {
        Domain(self.0 | other.0)
    }

    /// This domain without the shapes of another.
    pub(crate) fn without(self, other: Domain) -> Domain {
        Domain(self.0 & !other.0)
    }

    /// Whether every shape of `other` is in this domain.
    pub fn contains(self, other: Domain) -> bool {
        self.0 & other.0 == other.0
    }

    /// The classes in order: those of arguments, then derived ones, numbered from
    /// [`Domain::SHAPES`].
    pub fn shapes(self) -> impl Iterator<Item = u8> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let class = left.trailing_zeros() as u8;
            left &= left.wrapping_sub(1);
            (class < Domain::SHAPES + Domain::DERIVED).then_some(class)
        })
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, class) in self.shapes().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match class.checked_sub(Domain::SHAPES) {
                Some(number) => write!(f, "{comma}d{number}")?,
                None => write!(f, "{comma}s{class}")?,
            }
        }
        Ok(())
    }
}

/// One item of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// `i`: one position; the axis is removed.
    At(i64),
    /// `start:stop:step`.
    Slice {
        /// The first position.
        start: Option<i64>,
        /// One past the last.
        stop: Option<i64>,
        /// The step, not 0.
        step: Option<i64>,
    },
    /// `None`: a new axis of one element.
    NewAxis,
    /// `...`: all axes that no other item takes.
    Ellipsis,
}

/// The derivation of a shape from another. Axes may be negative, as in NumPy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Derivation {
    /// A reduction over axes, or over all of them.
    Reduce {
        /// Which.
        axes: Option<Box<[i64]>>,
        /// Whether the reduced axes stay, with extent 1.
        keepdims: bool,
    },
    /// New axes of extent 1, at these positions of the result.
    ExpandDims(Box<[i64]>),
    /// A permutation of the axes; reversed if `None`.
    Transpose(Option<Box<[i64]>>),
    /// A constant index.
    Index(Box<[Index]>),
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |x: Option<i64>| x.map_or(String::new(), |x| x.to_string());
        match *self {
            Index::At(at) => write!(f, "{at}"),
            Index::Slice { start, stop, step: None } => write!(f, "{}:{}", part(start), part(stop)),
            Index::Slice { start, stop, step } => {
                write!(f, "{}:{}:{}", part(start), part(stop), part(step))
            }
            Index::NewAxis => f.write_str("None"),
            Index::Ellipsis => f.write_str("..."),
        }
    }
}

impl fmt::Display for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(items: &[T]) -> String {
            items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
        }
        match self {
            Derivation::Reduce { axes, keepdims } => {
                match axes {
                    Some(axes) => write!(f, "reduced along {}", list(axes))?,
                    None => write!(f, "reduced along all axes")?,
                }
                if *keepdims { f.write_str(", which stay") } else { Ok(()) }
            }
            Derivation::ExpandDims(axes) => write!(f, "with new axes {}", list(axes)),
            Derivation::Transpose(None) => f.write_str("transposed"),
            Derivation::Transpose(Some(axes)) => write!(f, "transposed to {}", list(axes)),
            Derivation::Index(items) => write!(f, "indexed [{}]", list(items)),
        }
    }
}

/// A derived shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Derived {
    /// The shape that it derives from.
    pub of: Domain,
    /// How.
    pub how: Derivation,
}

/// A strided layout, relative to the address of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The extents.
    pub shape: Vec<usize>,
    /// Bytes from one element to the next along each axis.
    pub strides: Vec<isize>,
    /// Bytes from the array's address to the first element.
    pub offset: isize,
}

fn shape_error(message: String) -> Error {
    Error::new(ErrorKind::Shape, message)
}

/// An axis as an index below `rank`.
fn axis_of(axis: i64, rank: usize, shape: &[usize]) -> Result<usize> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    counted.and_then(|a| usize::try_from(a).ok()).filter(|a| *a < rank).ok_or_else(|| {
        let shape = shown_shape(shape);
        shape_error(format!("axis {axis} is out of range for an array of shape {shape}"))
    })
}

/// A mask of the `rank` axes that a list names.
fn axis_mask(axes: &[i64], rank: usize, shape: &[usize]) -> Result<Vec<bool>> {
    let mut mask = vec![false; rank];
    for axis in axes {
        let place = axis_of(*axis, rank, shape)?;
        if std::mem::replace(&mut mask[place], true) {
            return Err(shape_error(format!("axis {axis} is named twice")));
        }
    }
    Ok(mask)
}

impl Derivation {
    /// A mask of the axes that a reduction reduces.
    ///
    /// # Errors
    /// `Shape` for an axis out of range or named twice.
    pub fn reduced(&self, shape: &[usize]) -> Result<Vec<bool>> {
        match self {
            // As in NumPy, a scalar accepts the axes of a one-dimensional array.
            Derivation::Reduce { axes: Some(axes), .. }
                if shape.is_empty() && axes.iter().all(|axis| matches!(axis, 0 | -1)) =>
            {
                Ok(Vec::new())
            }
            Derivation::Reduce { axes: Some(axes), .. } => axis_mask(axes, shape.len(), shape),
            _ => Ok(vec![true; shape.len()]),
        }
    }

    /// Whether it only slices axes.
    pub fn is_slice(&self) -> bool {
        let part = |item: &Index| matches!(item, Index::Slice { .. } | Index::Ellipsis);
        matches!(self, Derivation::Index(items) if items.iter().all(part))
    }

    /// Checks everything that does not depend on the shape.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Derivation::Index(items) => check_index(items),
            _ => Ok(()),
        }
    }

    /// The derived shape.
    ///
    /// # Errors
    /// `Shape` for an axis or an index out of range.
    pub fn shape(&self, shape: &[usize]) -> Result<Vec<usize>> {
        if let Derivation::Reduce { keepdims, .. } = self {
            let reduced = self.reduced(shape)?;
            let kept = shape.iter().zip(reduced).filter_map(|(extent, reduced)| match reduced {
                true => keepdims.then_some(1),
                false => Some(*extent),
            });
            return Ok(kept.collect());
        }
        let strides = vec![0; shape.len()];
        Ok(self.view(&Layout { shape: shape.to_vec(), strides, offset: 0 })?.shape)
    }

    /// The layout of a view of an array.
    ///
    /// # Errors
    /// As [`Derivation::shape`].
    pub fn view(&self, array: &Layout) -> Result<Layout> {
        match self {
            Derivation::Reduce { .. } => Err(Error::internal("a reduction is no view")),
            Derivation::ExpandDims(axes) => expand_dims(array, axes),
            Derivation::Transpose(axes) => transpose(array, axes.as_deref()),
            Derivation::Index(items) => index(array, items),
        }
    }
}

fn expand_dims(array: &Layout, axes: &[i64]) -> Result<Layout> {
    let rank = array.shape.len() + axes.len();
    let new = axis_mask(axes, rank, &array.shape)?;
    let mut old = array.shape.iter().zip(&array.strides);
    let mut view = Layout { shape: Vec::new(), strides: Vec::new(), offset: array.offset };
    for is_new in new {
        let axis = if is_new { None } else { old.next() };
        view.shape.push(axis.map_or(1, |(extent, _)| *extent));
        view.strides.push(axis.map_or(0, |(_, stride)| *stride));
    }
    Ok(view)
}

fn transpose(array: &Layout, axes: Option<&[i64]>) -> Result<Layout> {
    let rank = array.shape.len();
    let order: Vec<usize> = match axes {
        None => (0..rank).rev().collect(),
        Some(axes) => {
            axis_mask(axes, rank, &array.shape)?;
            if axes.len() != rank {
                let shape = shown_shape(&array.shape);
                let message = format!("{} axes for an array of shape {shape}", axes.len());
                return Err(shape_error(message));
            }
            axes.iter().map(|a| axis_of(*a, rank, &array.shape)).collect::<Result<_>>()?
        }
    };
    Ok(Layout {
        shape: order.iter().map(|a| array.shape[*a]).collect(),
        strides: order.iter().map(|a| array.strides[*a]).collect(),
        offset: array.offset,
    })
}

/// Checks for errors in an index that no shape could avoid.
fn check_index(items: &[Index]) -> Result<()> {
    if items.iter().filter(|item| **item == Index::Ellipsis).count() > 1 {
        return Err(shape_error("an index has at most one `...`".to_string()));
    }
    if items.iter().any(|item| matches!(item, Index::Slice { step: Some(0), .. })) {
        return Err(shape_error("the step of a slice is not 0".to_string()));
    }
    Ok(())
}

fn index(array: &Layout, items: &[Index]) -> Result<Layout> {
    let takes = |item: &Index| matches!(item, Index::At(_) | Index::Slice { .. });
    let taken = items.iter().filter(|item| takes(item)).count();
    let rank = array.shape.len();
    let Some(spare) = rank.checked_sub(taken) else {
        let shape = shown_shape(&array.shape);
        return Err(shape_error(format!("{taken} indices for an array of shape {shape}")));
    };
    check_index(items)?;
    let mut view = Layout { shape: Vec::new(), strides: Vec::new(), offset: array.offset };
    let mut axis = 0;
    let keep = |view: &mut Layout, axis: &mut usize, count: usize| {
        view.shape.extend(&array.shape[*axis..*axis + count]);
        view.strides.extend(&array.strides[*axis..*axis + count]);
        *axis += count;
    };
    for item in items {
        match *item {
            Index::NewAxis => {
                view.shape.push(1);
                view.strides.push(0);
            }
            Index::Ellipsis => keep(&mut view, &mut axis, spare),
            Index::At(at) => {
                let (extent, stride) = (array.shape[axis], array.strides[axis]);
                let counted = if at < 0 { at.checked_add(extent as i64) } else { Some(at) };
                let place = counted.and_then(|i| usize::try_from(i).ok()).filter(|i| *i < extent);
                let Some(place) = place else {
                    let message =
                        format!("index {at} is out of range for axis {axis} of {extent} elements");
                    return Err(shape_error(message));
                };
                view.offset = view.offset.wrapping_add((place as isize).wrapping_mul(stride));
                axis += 1;
            }
            Index::Slice { start, stop, step } => {
                let (extent, stride) = (array.shape[axis], array.strides[axis]);
                let (first, count, step) = slice(extent, start, stop, step.unwrap_or(1));
                view.offset = view.offset.wrapping_add((first as isize).wrapping_mul(stride));
                view.shape.push(count);
                view.strides.push(if count > 1 { stride.wrapping_mul(step) } else { 0 });
                axis += 1;
            }
        }
    }
    let left = rank - axis;
    keep(&mut view, &mut axis, left);
    Ok(view)
}

/// The first position, the number of positions and the step of a slice, by Python's rules.
fn slice(extent: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> (usize, usize, isize) {
    let n = i64::try_from(extent).unwrap_or(i64::MAX);
    let (least, most) = if step < 0 { (-1, n - 1) } else { (0, n) };
    let place = |at: Option<i64>, default: i64| match at {
        Some(at) if at < 0 => at.saturating_add(n).clamp(least, most),
        Some(at) => at.clamp(least, most),
        None => default,
    };
    let first = place(start, if step < 0 { most } else { least });
    let end = place(stop, if step < 0 { least } else { most });
    let distance = if step < 0 { first - end } else { end - first };
    if distance <= 0 || step == 0 {
        return (0, 0, 1);
    }
    let count = (distance as u64).div_ceil(step.unsigned_abs());
    (first as usize, count as usize, step as isize)
}

/// The number of elements of a shape.
///
/// # Errors
/// `Limit` if arrays of 8-byte elements of that shape could not be addressed.
pub fn element_count(shape: &[usize]) -> Result<usize> {
    // The extents of empty arrays must not overflow either.
    let limit = isize::MAX as usize / 8;
    let n =
        shape.iter().try_fold(1usize, |n, d| n.checked_mul((*d).max(1)).filter(|n| *n <= limit));
    match n {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(n) => Ok(n),
        None => {
            let message = format!("an array of shape {} has too many elements", shown_shape(shape));
            Err(Error::new(ErrorKind::Limit, message))
        }
    }
}

/// The strides of a C-ordered array.
pub fn c_strides(shape: &[usize], size: usize) -> Box<[isize]> {
    let mut strides = vec![0; shape.len()];
    let mut step = size as isize;
    for (stride, extent) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.saturating_mul((*extent).max(1) as isize);
    }
    strides.into()
}

/// The strides of a Fortran-ordered array.
pub fn f_strides(shape: &[usize], size: usize) -> Box<[isize]> {
    let turned: Vec<usize> = shape.iter().rev().copied().collect();
    let mut strides = c_strides(&turned, size);
    strides.reverse();
    strides
}

/// The shapes of a call: those of the shape classes, and those that the graph derives from them.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    given: Vec<Box<[usize]>>,
    derived: Vec<Box<[usize]>>,
}

impl Shapes {
    /// The shapes of the arguments; derived ones are added later.
    pub fn of_arguments(given: Vec<Box<[usize]>>) -> Shapes {
        Shapes { given, derived: Vec::new() }
    }

    /// Adds the next shape that a graph derives.
    ///
    /// # Errors
    /// `Shape` for shapes that do not broadcast and axes out of range, `Limit` for more elements or
    /// axes than can be addressed.
    pub fn derive(&mut self, derived: &Derived) -> Result<()> {
        let shape = derived.how.shape(&self.of(derived.of)?)?;
        element_count(&shape)?;
        if shape.len() > hotloop_runtime::strided::MAX_RANK {
            let message = format!("a value has {} axes", shape.len());
            return Err(Error::new(ErrorKind::Limit, message));
        }
        self.derived.push(shape.into());
        Ok(())
    }

    /// The shape of a class.
    pub fn class(&self, class: u8) -> &[usize] {
        match class.checked_sub(Domain::SHAPES) {
            Some(number) => &self.derived[usize::from(number)],
            None => &self.given[usize::from(class)],
        }
    }

    /// The number of elements that a reduction combines into one.
    ///
    /// # Errors
    /// `Shape` for axes out of range.
    pub fn length(&self, reduction: &Derived) -> Result<usize> {
        let of = self.of(reduction.of)?;
        let reduced = reduction.how.reduced(&of)?;
        let extents: Vec<usize> =
            of.iter().zip(reduced).filter(|(_, reduced)| *reduced).map(|(n, _)| *n).collect();
        element_count(&extents)
    }

    /// The shape of a domain: the broadcast of its classes.
    ///
    /// # Errors
    /// `Shape`, naming two shapes that do not broadcast, and `Limit` for more elements than fit an
    /// `isize`.
    pub fn of(&self, domain: Domain) -> Result<Box<[usize]>> {
        let mut shape: Vec<usize> = Vec::new();
        for class in domain.shapes() {
            let other = self.class(class);
            shape = broadcast_shape(&shape, other).ok_or_else(|| {
                let (a, b) = (shown_shape(&shape), shown_shape(other));
                let error = shape_error(format!("shapes {a} and {b} do not broadcast"));
                // The last conflicting shape, so that fixing it fixes all.
                let index = axes_behind(other, &shape);
                match index
                    .filter(|_| class >= Domain::SHAPES && domain.shapes().last() == Some(class))
                {
                    Some(index) => error.hint(format!(
                        "`keepdims=True` keeps the axes of a reduction; `{index}` adds them behind"
                    )),
                    None => error,
                }
            })?;
            element_count(&shape)?;
        }
        Ok(shape.into())
    }
}

/// The index that appends enough axes to a shape for it to broadcast with a longer one, if any.
pub fn axes_behind(short: &[usize], long: &[usize]) -> Option<String> {
    let missing = long.len().checked_sub(short.len()).filter(|missing| *missing > 0)?;
    let longer: Vec<usize> = short.iter().copied().chain((0..missing).map(|_| 1)).collect();
    broadcast_shape(&longer, long)?;
    let own = if short.len() == 1 { ":" } else { "..." };
    Some(format!("[{own}{}]", ", None".repeat(missing)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(shape: &[usize]) -> Layout {
        Layout { shape: shape.to_vec(), strides: c_strides(shape, 1).into(), offset: 0 }
    }

    #[test]
    fn slices_are_those_of_python() {
        let all =
            [None, Some(-12), Some(-10), Some(-3), Some(0), Some(2), Some(9), Some(10), Some(13)];
        for extent in [0usize, 1, 7, 10] {
            for start in all {
                for stop in all {
                    for step in [-11, -3, -1, 1, 2, 20] {
                        let (first, count, by) = slice(extent, start, stop, step);
                        let n = extent as i64;
                        let fix = |at: Option<i64>, low: i64, high: i64, default: i64| {
                            at.map_or(
                                default,
                                |a| if a < 0 { (a + n).max(low) } else { a.min(high) },
                            )
                        };
                        let mut wanted = Vec::new();
                        if step > 0 {
                            let (mut i, end) = (fix(start, 0, n, 0), fix(stop, 0, n, n));
                            while i < end {
                                wanted.push(i);
                                i += step;
                            }
                        } else {
                            let (mut i, end) =
                                (fix(start, -1, n - 1, n - 1), fix(stop, -1, n - 1, -1));
                            while i > end {
                                wanted.push(i);
                                i += step;
                            }
                        }
                        let got: Vec<i64> =
                            (0..count).map(|k| first as i64 + k as i64 * by as i64).collect();
                        assert_eq!(got, wanted, "{extent}: {start:?}:{stop:?}:{step}");
                    }
                }
            }
        }
    }

    #[test]
    fn views_move_the_layout() {
        let x = layout(&[3, 4, 5]);
        let of = |how: Derivation| how.view(&x).map(|v| (v.shape, v.strides, v.offset));
        let full = Index::Slice { start: None, stop: None, step: None };
        let back = Index::Slice { start: None, stop: None, step: Some(-2) };
        assert_eq!(of(Derivation::Transpose(None)).unwrap(), (vec![5, 4, 3], vec![1, 5, 20], 0));
        assert_eq!(
            of(Derivation::ExpandDims([0, -1].into())).unwrap(),
            (vec![1, 3, 4, 5, 1], vec![0, 20, 5, 1, 0], 0)
        );
        assert_eq!(
            of(Derivation::Index([full, Index::NewAxis, Index::At(-1), back].into())).unwrap(),
            (vec![3, 1, 3], vec![20, 0, -2], 19)
        );
        assert_eq!(
            of(Derivation::Index([Index::Ellipsis, Index::At(2)].into())).unwrap(),
            (vec![3, 4], vec![20, 5], 2)
        );
        for wrong in [
            Derivation::Index([Index::At(3)].into()),
            Derivation::Index([full; 4].into()),
            Derivation::ExpandDims([4, 4].into()),
            Derivation::Transpose(Some([0, 1].into())),
            Derivation::Transpose(Some([0, 1, 3].into())),
        ] {
            assert_eq!(of(wrong).unwrap_err().kind(), ErrorKind::Shape);
        }
    }

    #[test]
    fn shapes_of_reductions() {
        let reduce = |axes: Option<&[i64]>, keepdims| {
            Derivation::Reduce { axes: axes.map(Into::into), keepdims }.shape(&[3, 4, 5])
        };
        assert_eq!(reduce(None, false).unwrap(), [0usize; 0]);
        assert_eq!(reduce(None, true).unwrap(), [1, 1, 1]);
        assert_eq!(reduce(Some(&[-1]), false).unwrap(), [3, 4]);
        assert_eq!(reduce(Some(&[0, -1]), true).unwrap(), [1, 4, 1]);
        assert_eq!(reduce(Some(&[1, -2]), false).unwrap_err().message(), "axis -2 is named twice");
        assert!(reduce(Some(&[3]), false).is_err());
    }
}
