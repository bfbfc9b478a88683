//! Loop nests over strided operands: the order of axes, and which axes are merged.
//!
//! The axes of an iteration space become *rows* and *columns*; the loop over columns is inside the
//! loop over rows, and a tile is a piece of one row. Adjacent axes that are contiguous for every
//! operand are merged. An elementwise loop may visit elements in any order, so it follows the
//! strides, with priority to those of outputs. A reduction keeps the C order of the reduced axes,
//! and chooses by strides whether its sequences run along the columns, one after the other, or
//! along the rows, many side by side.

/// The direction of the sequences of a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// No sequences: an elementwise loop.
    Nothing,
    /// Each row is a sequence.
    Columns,
    /// Each column is a sequence.
    Rows,
}

/// The strides of an operand over the whole iteration space, in bytes.
#[derive(Clone, Debug)]
pub struct Operand<'a> {
    /// The size of an element in bytes.
    pub size: usize,
    /// The stride in bytes along each axis of the space.
    pub strides: &'a [isize],
}

/// The strides of an operand along the axes of a nest, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The offset of the first element that the nest visits from the array's first element.
    pub offset: isize,
    /// Strides along the outer axes.
    pub outer: Box<[isize]>,
    /// Strides along the axes of rows.
    pub rows: Box<[isize]>,
    /// Strides along the axes of columns.
    pub columns: Box<[isize]>,
    /// Whether the operand is denser along the axis next to the innermost than along the innermost
    /// one: then it pays to copy whole blocks.
    pub transposed: bool,
}

/// A loop nest: outer loops around rows around columns. Each is a list of extents, outermost first;
/// an empty list is one iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nest {
    /// The loops around rows, if sequences run along rows; otherwise empty.
    pub outer: Box<[usize]>,
    /// The rows.
    pub rows: Box<[usize]>,
    /// The columns.
    pub columns: Box<[usize]>,
    /// The direction of sequences.
    pub along: Along,
}

/// The number of columns below which rows and columns are merged, in elementwise loops.
pub(crate) const SHORT_ROW: usize = 128;
/// The extent below which an axis is too short for copies of blocks.
const SMALL_BLOCK: usize = 16;
/// The column stride in bytes from which each element has a cache line of its own.
const APART: usize = 64;
/// The length below which sequences are reduced side by side.
const SHORT_SEQUENCE: usize = 32;
/// The number of elements below which many short loops cost more than a large column stride.
const SMALL_UNIT: usize = 4096;
/// The number of columns below which columns are merged with other axes, in reductions.
const FEW_COLUMNS: usize = 64;

/// An axis, or several merged ones.
#[derive(Clone, Debug)]
struct Axis {
    /// The index of the axis in the space, or of the first merged one.
    number: usize,
    extent: usize,
    /// The stride of each operand.
    steps: Vec<isize>,
}

impl Nest {
    /// The nest of an elementwise computation over a space. Earlier operands have priority in the
    /// order of axes.
    pub fn elementwise(shape: &[usize], operands: &[Operand<'_>]) -> (Nest, Vec<Path>) {
        let mut axes = long_axes(shape, operands, |_| true);
        let offsets = forwards(&mut axes, shape, operands.len());
        let axes = merged(in_memory_order(axes));
        let along = Along::Nothing;
        let Some((inner, others)) = axes.split_last() else {
            return Nest::of([&[], &[], &[]], along, &offsets, operands);
        };
        let transposed =
            (inner.extent >= SMALL_BLOCK).then(|| transposed_axis(inner, others)).flatten();
        if let Some(axis) = transposed {
            let mut rows = others.to_vec();
            let last = rows.remove(axis);
            rows.push(last);
            let inner = std::slice::from_ref(inner);
            return Nest::of([&[], &rows, inner], along, &offsets, operands);
        }
        if inner.extent >= SHORT_ROW {
            let inner = std::slice::from_ref(inner);
            return Nest::of([&[], others, inner], along, &offsets, operands);
        }
        Nest::of([&[], &[], &axes], along, &offsets, operands)
    }

    /// The nest of a reduction over the axes for which `reduced` is set.
    pub fn reduction(
        shape: &[usize],
        reduced: &[bool],
        operands: &[Operand<'_>],
    ) -> (Nest, Vec<Path>) {
        let sequence = long_axes(shape, operands, |axis| reduced[axis]);
        let mut kept = long_axes(shape, operands, |axis| !reduced[axis]);
        let offsets = forwards(&mut kept, shape, operands.len());
        let sequence = merged(sequence);
        let kept = merged(in_memory_order(kept));
        let Some((lane, others)) = kept.split_last() else {
            return Nest::of([&[], &[], &sequence], Along::Columns, &offsets, operands);
        };
        let length: usize = sequence.iter().map(|a| a.extent).product();
        let weight = |axis: Option<&Axis>| -> usize {
            let dense =
                |i: &usize| axis.is_none_or(|a| a.steps[*i].unsigned_abs() <= operands[*i].size);
            (0..operands.len()).filter(dense).map(|i| operands[i].size).sum()
        };
        let side_by_side = if length < SHORT_SEQUENCE {
            true
        } else if lane.extent < SMALL_BLOCK {
            false
        } else {
            weight(Some(lane)) > weight(sequence.last())
        };
        if !side_by_side {
            return Nest::of([&[], &kept, &sequence], Along::Columns, &offsets, operands);
        }
        let small = length.saturating_mul(lane.extent) < SMALL_UNIT && !others.is_empty();
        if lane.extent < FEW_COLUMNS || small {
            return Nest::of([&[], &sequence, &kept], Along::Rows, &offsets, operands);
        }
        let lane = std::slice::from_ref(lane);
        Nest::of([others, &sequence, lane], Along::Rows, &offsets, operands)
    }

    /// The nest of sequences along one axis, which run along the columns if there is one, or side by
    /// side along the rows. Whatever the strides, sequences are in C order: that of their states.
    pub fn of_sequences(
        shape: &[usize],
        axis: usize,
        along: Along,
        operands: &[Operand<'_>],
    ) -> (Nest, Vec<Path>) {
        let one = |number: usize, extent: usize| {
            let steps = operands.iter().map(|o| o.strides.get(number).copied().unwrap_or(0));
            Axis { number, extent, steps: steps.collect() }
        };
        let sequence = [one(axis, shape.get(axis).copied().unwrap_or(1))];
        let offsets = vec![0; operands.len()];
        if along != Along::Rows {
            return Nest::of([&[], &[], &sequence], Along::Columns, &offsets, operands);
        }
        let mut lanes = merged(long_axes(shape, operands, |other| other != axis));
        if lanes.is_empty() {
            let steps = operands.iter().map(|o| o.size as isize).collect();
            lanes.push(Axis { number: axis, extent: 1, steps });
        }
        Nest::of([&[], &sequence, &lanes], Along::Rows, &offsets, operands)
    }

    /// The nest of sequences along the axes of `mask`, in C order: each is one row, however far apart
    /// its elements are, for what takes a sequence at once.
    pub fn of_whole(shape: &[usize], mask: &[bool], operands: &[Operand<'_>]) -> (Nest, Vec<Path>) {
        let [rows, columns] = [false, true].map(|along| {
            let wanted = |axis: usize| mask.get(axis) == Some(&along);
            merged(long_axes(shape, operands, wanted))
        });
        let offsets = vec![0; operands.len()];
        let (nest, mut paths) =
            Nest::of([&[], &rows, &columns], Along::Columns, &offsets, operands);
        paths.iter_mut().for_each(|path| path.transposed = false);
        (nest, paths)
    }

    fn of(
        [outer, rows, columns]: [&[Axis]; 3],
        along: Along,
        offsets: &[isize],
        operands: &[Operand<'_>],
    ) -> (Nest, Vec<Path>) {
        let extents = |axes: &[Axis]| axes.iter().map(|a| a.extent).collect();
        let nest =
            Nest { outer: extents(outer), rows: extents(rows), columns: extents(columns), along };
        let steps = |axes: &[Axis], i: usize| axes.iter().map(|a| a.steps[i]).collect();
        let path = |i: usize| Path {
            offset: offsets[i],
            outer: steps(outer, i),
            rows: steps(rows, i),
            columns: steps(columns, i),
            transposed: is_transposed(rows, columns, i),
        };
        (nest, (0..operands.len()).map(path).collect())
    }
}

/// The strides of a new dense array of elements of `size` bytes, whose axes are in the order of the
/// operands' axes: NumPy's order `K`.
pub fn dense_strides(shape: &[usize], operands: &[Operand<'_>], size: usize) -> Box<[isize]> {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    let long = in_common_order(long_axes(shape, operands, |_| true));
    let mut ordered = long.iter().map(|axis| axis.number);
    for axis in order.iter_mut().filter(|axis| shape[**axis] != 1) {
        *axis = ordered.next().unwrap_or(*axis);
    }
    let mut strides = vec![0; shape.len()];
    let mut step = size as isize;
    for axis in order.into_iter().rev() {
        strides[axis] = step;
        step = step.saturating_mul(shape[axis].max(1) as isize);
    }
    strides.into()
}

/// The axes that satisfy `wanted` and do not have extent 1.
fn long_axes(
    shape: &[usize],
    operands: &[Operand<'_>],
    wanted: impl Fn(usize) -> bool,
) -> Vec<Axis> {
    let long = (0..shape.len()).filter(|axis| shape[*axis] != 1 && wanted(*axis));
    let axis = |axis: usize| Axis {
        number: axis,
        extent: shape[axis],
        steps: operands.iter().map(|o| o.strides[axis]).collect(),
    };
    long.map(axis).collect()
}

/// Reverses axes along which every operand has a negative stride; returns the operands' offsets.
fn forwards(axes: &mut [Axis], shape: &[usize], operands: usize) -> Vec<isize> {
    let mut offsets = vec![0; operands];
    if shape.contains(&0) {
        // The strides of empty arrays are arbitrary.
        return offsets;
    }
    for axis in axes {
        let backwards = axis.steps.iter().all(|s| *s <= 0) && axis.steps.iter().any(|s| *s < 0);
        if backwards {
            for (offset, step) in offsets.iter_mut().zip(&mut axis.steps) {
                *offset += *step * (axis.extent as isize - 1);
                *step = -*step;
            }
        }
    }
    offsets
}

/// Sorts axes by descending stride of the first operand that distinguishes two axes; C order if
/// none does.
fn in_memory_order(axes: Vec<Axis>) -> Vec<Axis> {
    let inside = |a: &Axis, b: &Axis| {
        let steps = a.steps.iter().zip(&b.steps).map(|(a, b)| (a.unsigned_abs(), b.unsigned_abs()));
        let distinguishes = |(a, b): &(usize, usize)| *a != 0 && *b != 0 && a != b;
        { steps }.find(distinguishes).is_some_and(|(a, b)| a < b)
    };
    let mut ordered: Vec<Axis> = Vec::with_capacity(axes.len());
    for axis in axes {
        let place = ordered.iter().rposition(|other| !inside(other, &axis));
        ordered.insert(place.map_or(0, |place| place + 1), axis);
    }
    ordered
}

/// Sorts axes, the innermost last, in the order that all operands agree on; C order if an operand
/// has it or none distinguishes two axes. NumPy orders axes this way.
fn in_common_order(axes: Vec<Axis>) -> Vec<Axis> {
    // Whether `outer`, the outer axis in C order, belongs inside `inner`; `None` if no operand
    // distinguishes them.
    let inside = |outer: &Axis, inner: &Axis| {
        let steps = outer.steps.iter().zip(&inner.steps);
        let distinguishing = steps.filter(|(o, i)| **o != 0 && **i != 0);
        distinguishing.map(|(o, i)| i.unsigned_abs() > o.unsigned_abs()).reduce(|a, b| a && b)
    };
    let mut fastest_first: Vec<Axis> = Vec::with_capacity(axes.len());
    for axis in axes.into_iter().rev() {
        let mut place = fastest_first.len();
        for (i, faster) in fastest_first.iter().enumerate().rev() {
            match inside(&axis, faster) {
                Some(true) => place = i,
                Some(false) => break,
                None => {}
            }
        }
        fastest_first.insert(place, axis);
    }
    fastest_first.reverse();
    fastest_first
}

/// Merges adjacent axes that are contiguous for every operand.
fn merged(axes: Vec<Axis>) -> Vec<Axis> {
    let mut list: Vec<Axis> = Vec::with_capacity(axes.len());
    for axis in axes {
        match list.last_mut() {
            Some(outer) if continues(outer, &axis) => {
                outer.extent *= axis.extent;
                outer.steps = axis.steps;
            }
            _ => list.push(axis),
        }
    }
    list
}

/// Whether two axes are contiguous for every operand.
fn continues(outer: &Axis, inner: &Axis) -> bool {
    let extent = inner.extent as isize;
    outer.steps.iter().zip(&inner.steps).all(|(o, i)| i.checked_mul(extent) == Some(*o))
}

/// Whether an operand is denser along the axis next to the innermost than along the innermost one.
fn is_transposed(rows: &[Axis], columns: &[Axis], operand: usize) -> bool {
    let Some((column, more)) = columns.split_last() else { return false };
    let near = if more.is_empty() { rows.last() } else { more.last() };
    near.is_some_and(|near| is_nearer(near, column, operand))
}

/// Whether an operand is denser along the axis `near` than along the axis `column`, so that copying
/// a block fetches each cache line once.
fn is_nearer(near: &Axis, column: &Axis, operand: usize) -> bool {
    let (step, far) = (near.steps[operand].unsigned_abs(), column.steps[operand].unsigned_abs());
    let nothing_between = step.checked_mul(near.extent) == Some(far);
    step != 0 && step < far && (nothing_between || far >= APART && near.extent >= SMALL_BLOCK)
}

/// The outer axis along which some operand is densest, if it is denser there than along `inner`.
fn transposed_axis(inner: &Axis, others: &[Axis]) -> Option<usize> {
    let operands = 0..inner.steps.len();
    let nearest = |i: usize| {
        let near = (0..others.len()).filter(|a| is_nearer(&others[*a], inner, i));
        near.min_by_key(|a| others[*a].steps[i].unsigned_abs())
    };
    { operands }.find_map(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operand(strides: &[isize]) -> Operand<'_> {
        Operand { size: 8, strides }
    }

    #[test]
    fn dense_arrays_are_one_loop() {
        for strides in [[96, 24, 8], [8, 16, 64]] {
            let (nest, paths) =
                Nest::elementwise(&[2, 4, 3], &[operand(&strides), operand(&strides)]);
            assert_eq!((&*nest.rows, &*nest.columns), (&[][..], &[24][..]), "{strides:?}");
            assert_eq!((&*paths[1].columns, paths[1].transposed), (&[8][..], false));
        }
    }

    #[test]
    fn backwards_becomes_forwards() {
        let (nest, paths) = Nest::elementwise(&[300], &[operand(&[-8]), operand(&[-16])]);
        assert_eq!(&*nest.columns, [300]);
        assert_eq!((paths[0].offset, &*paths[0].columns), (-8 * 299, &[8][..]));
        assert_eq!((paths[1].offset, &*paths[1].columns), (-16 * 299, &[16][..]));
        let (_, paths) = Nest::elementwise(&[300], &[operand(&[8]), operand(&[-8])]);
        assert_eq!((paths[0].offset, paths[1].offset), (0, 0));
    }

    #[test]
    fn an_operand_of_the_other_order_is_turned() {
        let (c, f) = ([8000, 8], [8, 8000]);
        let (nest, paths) = Nest::elementwise(&[1000, 1000], &[operand(&c), operand(&f)]);
        assert_eq!((&*nest.rows, &*nest.columns), (&[1000][..], &[1000][..]));
        assert_eq!((paths[0].transposed, paths[1].transposed), (false, true));
    }

    #[test]
    fn sequences_run_as_memory_does() {
        let (c, f) = ([8000, 8], [8, 8000]);
        let along = |strides: &[isize], mask: [bool; 2]| {
            Nest::reduction(&[1000, 1000], &mask, &[operand(strides)]).0.along
        };
        assert_eq!(along(&c, [false, true]), Along::Columns);
        assert_eq!(along(&c, [true, false]), Along::Rows);
        assert_eq!(along(&f, [false, true]), Along::Rows);
        assert_eq!(along(&f, [true, false]), Along::Columns);
        let (nest, _) = Nest::reduction(&[1000, 1000], &[true, true], &[operand(&c)]);
        assert_eq!((nest.along, &*nest.columns), (Along::Columns, &[1_000_000][..]));
    }

    #[test]
    fn new_arrays_follow_their_operands() {
        let strides = |list: &[&[isize]]| {
            let operands: Vec<_> = list.iter().map(|s| operand(s)).collect();
            dense_strides(&[2, 3, 4], &operands, 4)
        };
        assert_eq!(*strides(&[]), [48, 16, 4]);
        assert_eq!(*strides(&[&[8, 16, 48]]), [4, 8, 24]);
        assert_eq!(*strides(&[&[0, 8, -24], &[8, 16, 48]]), [4, 8, 24]);
        assert_eq!(*strides(&[&[96, 32, 8], &[8, 16, 48]]), [48, 16, 4]);
    }
}
