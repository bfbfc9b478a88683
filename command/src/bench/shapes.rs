//! The shape of the loop, and of the part that the interpreter runs.

/// The maximum number of elements for the interpreter, whose time per element is constant.
const INTERPRETED: usize = 1 << 18;

/// The shape that shapes broadcast to.
pub(super) fn broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Option<Vec<usize>> {
    let mut joined: Vec<usize> = Vec::new();
    for shape in shapes {
        let missing = shape.len().saturating_sub(joined.len());
        joined.splice(0..0, std::iter::repeat_n(1, missing));
        for (extent, own) in joined.iter_mut().rev().zip(shape.iter().rev()) {
            match (*extent, *own) {
                (a, b) if a == b => {}
                (1, b) => *extent = b,
                (_, 1) => {}
                _ => return None,
            }
        }
    }
    Some(joined)
}

/// Extents that leave the interpreter few enough elements: the longest axes are cut first.
pub(super) fn part_of(extents: &[usize]) -> Vec<usize> {
    let mut part = extents.to_vec();
    let count = |part: &[usize]| part.iter().fold(1usize, |n, extent| n.saturating_mul(*extent));
    let mut order: Vec<usize> = (0..part.len()).collect();
    order.sort_by_key(|axis| std::cmp::Reverse(extents[*axis]));
    for axis in order {
        let extent = std::mem::replace(&mut part[axis], 1);
        part[axis] = (INTERPRETED / count(&part)).clamp(1, extent);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_to_the_loop() {
        let check = |shapes: &[&[usize]], expected: Option<&[usize]>| {
            assert_eq!(broadcast(shapes.iter().copied()).as_deref(), expected, "{shapes:?}");
        };
        check(&[&[4, 3], &[4, 3]], Some(&[4, 3]));
        check(&[&[4, 1], &[3]], Some(&[4, 3]));
        check(&[&[], &[2]], Some(&[2]));
        check(&[], Some(&[]));
        check(&[&[4], &[3]], None);
        check(&[&[2, 1, 5], &[7, 1]], Some(&[2, 7, 5]));
    }

    #[test]
    fn the_interpreter_gets_a_part() {
        for (extents, expected) in [
            (&[10_000_000][..], &[1 << 18][..]),
            (&[4000, 4000], &[65, 4000]),
            (&[10, 10], &[10, 10]),
            (&[2, 1 << 20], &[2, 1 << 17]),
            (&[1 << 20, 1 << 20], &[1, 1 << 18]),
        ] {
            assert_eq!(part_of(extents), expected, "{extents:?}");
        }
    }
}
