//! Overlap of arrays in memory.

use std::ops::Range;

use hotloop_runtime::strided::byte_span;
use hotloop_runtime::view::View;

/// The overlap of an input and an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// No byte in common.
    Apart,
    /// The same elements at the same addresses.
    Same,
    /// Anything else.
    Partial,
}

impl Overlap {
    /// The overlap of two arrays.
    pub fn of(input: &View, output: &View) -> Overlap {
        if !may_overlap(input, output) {
            return Overlap::Apart;
        }
        let same = input.address() == output.address()
            && input.shape == output.shape
            && input.strides == output.strides
            && input.size() == output.size();
        if same { Overlap::Same } else { Overlap::Partial }
    }
}

/// Whether two arrays may share a byte: their address ranges intersect, and no common divisor of
/// all strides separates them.
pub fn may_overlap(a: &View, b: &View) -> bool {
    let (Some(at_a), Some(at_b)) = (a.address(), b.address()) else { return false };
    let (Some(of_a), Some(of_b)) = (addresses(a), addresses(b)) else { return false };
    if of_a.end <= of_b.start || of_b.end <= of_a.start {
        return false;
    }
    let steps = |v: &View, divisor| {
        let axes = v.shape.iter().zip(&v.strides).filter(|(extent, _)| **extent > 1);
        axes.fold(divisor, |divisor, (_, stride)| gcd(divisor, stride.unsigned_abs()))
    };
    let divisor = steps(b, steps(a, 0));
    if divisor == 0 {
        return true;
    }
    let offset = (at_b as isize).wrapping_sub(at_a as isize);
    let offset = offset.rem_euclid(divisor as isize) as usize;
    offset < a.size() || offset + b.size() > divisor
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// From an array's first byte to one past its last; `None` without elements, or outside memory.
fn addresses(view: &View) -> Option<Range<isize>> {
    let at = view.address()? as isize;
    // What is beyond all numbers meets everything.
    let Some((low, high)) = byte_span(&view.shape, &view.strides, view.size()) else {
        return Some(isize::MIN..isize::MAX);
    };
    (low < high).then(|| at.saturating_add(low)..at.saturating_add(high))
}

/// An index of arrays by address, so that thousands are not compared pairwise.
pub struct Places {
    /// By first byte, with the array's number.
    list: Vec<(Range<isize>, usize)>,
    /// For each entry, the greatest end up to it.
    ends: Vec<isize>,
}

impl Places {
    /// The index of these arrays.
    pub fn new<'a>(views: impl Iterator<Item = &'a View>) -> Places {
        let placed = |(number, view)| addresses(view).map(|range| (range, number));
        let mut list: Vec<_> = views.enumerate().filter_map(placed).collect();
        list.sort_unstable_by_key(|(range, _)| range.start);
        let furthest = |end: &mut isize, (range, _): &(Range<isize>, usize)| {
            *end = range.end.max(*end);
            Some(*end)
        };
        let ends = list.iter().scan(isize::MIN, furthest).collect();
        Places { list, ends }
    }

    /// The numbers of the arrays whose address ranges intersect that of `view`, in no order.
    pub fn meeting(&self, view: &View) -> impl Iterator<Item = usize> {
        let range = addresses(view).unwrap_or(0..0);
        let before = self.list.partition_point(|(other, _)| other.start < range.end);
        let near = (0..before).rev().take_while(move |at| self.ends[*at] > range.start);
        near.map(|at| &self.list[at])
            .filter(move |(other, _)| other.end > range.start)
            .map(|(_, number)| *number)
    }
}
