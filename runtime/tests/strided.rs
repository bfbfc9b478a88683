//! Strided copies and layouts, against plain enumeration of indices.

mod common;

use common::{Random, seed};
use hotloop_runtime::strided::{
    Panel, broadcast_shape, broadcast_strides, byte_span, gather, gather_block, is_contiguous,
    overlaps_itself, scatter, scatter_block,
};

/// The byte offsets of all elements, in C order.
fn offsets(shape: &[usize], strides: &[isize]) -> Vec<isize> {
    let mut all = vec![0];
    for (&extent, &stride) in shape.iter().zip(strides) {
        all = all
            .iter()
            .flat_map(|base| (0..extent as isize).map(move |i| base + i * stride))
            .collect();
    }
    all
}

/// Random strides: any order of the axes, with gaps, some reversed; some zero if requested.
fn layout(shape: &[usize], size: usize, zero: bool, r: &mut Random) -> Vec<isize> {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    if r.below(2) == 0 {
        order.reverse(); // else Fortran's
    }
    if r.below(3) == 0 {
        for i in 1..order.len() {
            order.swap(i, r.below(i + 1));
        }
    }
    let mut strides = vec![0; shape.len()];
    let mut step = size as isize;
    for axis in order {
        step += [0, 0, 0, 1, 5][r.below(5)];
        strides[axis] = match r.below(6) {
            0 => -step,
            1 if zero => 0,
            _ => step,
        };
        step *= shape[axis] as isize;
    }
    strides
}

#[test]
fn copies() {
    let r = &mut Random(seed());
    for round in 0..3000 {
        let size = [1, 2, 4, 8, 8, 4, 3, 16][r.below(8)];
        let shape: Vec<usize> = (0..r.below(6)).map(|_| 1 + r.below(6)).collect();
        let strides = layout(&shape, size, round % 2 == 0, r);
        let places = offsets(&shape, &strides);
        let (lowest, highest) = byte_span(&shape, &strides, size).unwrap();
        assert_eq!(lowest, *places.iter().min().unwrap());
        assert_eq!(highest, *places.iter().max().unwrap() + size as isize);
        let mut memory: Vec<u8> = (0..highest - lowest).map(|_| r.next() as u8).collect();
        let start = r.below(places.len() + 1);
        let n = r.below(places.len() - start + 1);
        let at = |place: isize| (place - lowest) as usize;

        let mut block = vec![0xEE; n * size + 1];
        // SAFETY: the memory is the span of the array, and the block has room for `n` elements.
        unsafe {
            let base = memory.as_ptr().offset(-lowest);
            gather(block.as_mut_ptr(), base, &shape, &strides, size, start, n);
        }
        for (i, place) in places[start..start + n].iter().enumerate() {
            let (got, want) = (&block[i * size..(i + 1) * size], &memory[at(*place)..][..size]);
            assert_eq!(got, want, "{shape:?} {strides:?} {size} {start} {n}");
        }
        assert_eq!(block[n * size], 0xEE);

        if strides.contains(&0) {
            continue; // no output
        }
        let mut want = memory.clone();
        let source: Vec<u8> = (0..n * size).map(|_| r.next() as u8).collect();
        for (i, place) in places[start..start + n].iter().enumerate() {
            want[at(*place)..][..size].copy_from_slice(&source[i * size..(i + 1) * size]);
        }
        // SAFETY: as above; the source has `n` elements.
        unsafe {
            let base = memory.as_mut_ptr().offset(-lowest);
            scatter(base, source.as_ptr(), &shape, &strides, size, start, n);
        }
        assert_eq!(memory, want, "{shape:?} {strides:?} {size} {start} {n}");
    }
}

#[test]
fn the_highest_rank() {
    let mut shape = vec![1; 64];
    let mut strides = vec![1_000_000_007; 64];
    (shape[0], shape[20], shape[63]) = (2, 3, 2);
    (strides[0], strides[20], strides[63]) = (6, -1, 3);
    let memory: Vec<u8> = (0..20).collect();
    let mut out = [0; 12];
    // SAFETY: the offsets of the elements are from -2 to 9, relative to byte 4.
    unsafe { gather(out.as_mut_ptr(), memory[4..].as_ptr(), &shape, &strides, 1, 0, 12) };
    assert_eq!(out, [4, 7, 3, 6, 2, 5, 10, 13, 9, 12, 8, 11]);
}

#[test]
fn spans() {
    assert_eq!(byte_span(&[], &[], 8), Some((0, 8)));
    assert_eq!(byte_span(&[3, 4], &[32, 8], 8), Some((0, 96)));
    assert_eq!(byte_span(&[3, 4], &[-32, 8], 8), Some((-64, 32)));
    assert_eq!(byte_span(&[0, 1 << 60], &[isize::MAX, isize::MAX], 8), Some((0, 0)));
    assert_eq!(byte_span(&[1 << 40, 1 << 40], &[1 << 43, 8], 8), None);
    assert_eq!(byte_span(&[3], &[isize::MAX], 1), None);
    assert_eq!(byte_span(&[2, 2], &[isize::MAX, isize::MIN], 1), None);
    assert_eq!(byte_span(&[usize::MAX], &[0], 1), None);
    assert_eq!(byte_span(&[2], &[isize::MAX], 1), None);
    assert_eq!(byte_span(&[2], &[isize::MIN], 0), None);
    assert_eq!(byte_span(&[2], &[8, 8], 8), None);
}

#[test]
fn contiguity() {
    assert!(is_contiguous(&[], &[], 8));
    assert!(is_contiguous(&[3, 4], &[32, 8], 8));
    assert!(!is_contiguous(&[3, 4], &[8, 24], 8));
    assert!(!is_contiguous(&[3, 4], &[40, 8], 8));
    assert!(!is_contiguous(&[4], &[-8], 8));
    assert!(!is_contiguous(&[4], &[0], 8));
    assert!(is_contiguous(&[1, 4, 1], &[-7, 8, 0], 8));
    assert!(is_contiguous(&[0, 4], &[1, 2], 8));
    assert!(!is_contiguous(&[usize::MAX, usize::MAX, 2], &[1, 2, 8], 8));
}

#[test]
fn self_overlap() {
    assert!(overlaps_itself(&[3], &[0], 8));
    assert!(overlaps_itself(&[3], &[4], 8));
    assert!(!overlaps_itself(&[3], &[-8], 8));
    assert!(!overlaps_itself(&[1, 3], &[0, 8], 8));
    assert!(!overlaps_itself(&[0, 3], &[0, 0], 8));
    assert!(!overlaps_itself(&[3, 4], &[8, 24], 8));
    assert!(overlaps_itself(&[3, 4], &[8, 8], 8));
    assert!(overlaps_itself(&[2, 2], &[isize::MIN, 1], 8));
    // An array that is reported not to overlap itself does not; all nested layouts are recognized.
    let r = &mut Random(seed());
    let mut free = 0;
    for _ in 0..20_000 {
        let size = 1 + r.below(4);
        let shape: Vec<usize> = (0..r.below(4)).map(|_| r.below(5)).collect();
        let strides: Vec<isize> = shape.iter().map(|_| r.below(61) as isize - 30).collect();
        let mut bytes: Vec<isize> = offsets(&shape, &strides)
            .into_iter()
            .flat_map(|place| place..place + size as isize)
            .collect();
        let count = bytes.len();
        bytes.sort_unstable();
        bytes.dedup();
        if !overlaps_itself(&shape, &strides, size) {
            assert_eq!(bytes.len(), count, "{shape:?} {strides:?} {size}");
            free += 1;
        }
        let nested = layout(&shape, size, false, r);
        assert!(!overlaps_itself(&shape, &nested, size), "{shape:?} {nested:?} {size}");
    }
    assert!(free > 1000);
}

#[test]
fn broadcasting() {
    assert_eq!(broadcast_shape(&[], &[]), Some(vec![]));
    assert_eq!(broadcast_shape(&[3, 1], &[4]), Some(vec![3, 4]));
    assert_eq!(broadcast_shape(&[4], &[2, 3, 1]), Some(vec![2, 3, 4]));
    assert_eq!(broadcast_shape(&[3], &[4]), None);
    assert_eq!(broadcast_shape(&[2, 3], &[3, 2]), None);
    assert_eq!(broadcast_shape(&[0], &[1]), Some(vec![0]));
    assert_eq!(broadcast_shape(&[0], &[3]), None);
    assert_eq!(broadcast_strides(&[3, 1], &[8, 8], &[2, 3, 4]), Some(vec![0, 8, 0]));
    assert_eq!(broadcast_strides(&[], &[], &[2, 3]), Some(vec![0, 0]));
    assert_eq!(broadcast_strides(&[3], &[-8], &[3]), Some(vec![-8]));
    assert_eq!(broadcast_strides(&[1], &[99], &[1]), Some(vec![0]));
    assert_eq!(broadcast_strides(&[1], &[8], &[0]), Some(vec![0]));
    assert_eq!(broadcast_strides(&[3], &[8], &[1]), None);
    assert_eq!(broadcast_strides(&[3, 3], &[24, 8], &[3]), None);
    assert_eq!(broadcast_strides(&[3], &[8, 8], &[3]), None);
}

/// Copies of blocks, with any order of the axes, against single elements; bytes between rows do not
/// change.
#[test]
fn blocks() {
    let r = &mut Random(seed());
    for round in 0..4000 {
        let size = [1, 2, 4, 8, 8, 4, 3, 16][r.below(8)];
        let most = if round % 16 == 0 { 300 } else { 40 };
        let shape = [1 + r.below(most), 1 + r.below(most)];
        let strides = layout(&shape, size, round % 2 == 0, r);
        let (lowest, highest) = byte_span(&shape, &strides, size).unwrap();
        let memory: Vec<u8> = (0..highest - lowest).map(|_| r.next() as u8).collect();
        let at = |row: usize, column: usize| {
            (row as isize * strides[0] + column as isize * strides[1] - lowest) as usize
        };
        let [rows, columns] = shape;
        let stride = columns * size + r.below(3) * r.below(70);
        let shift = r.below(9);
        let mut block = vec![0xEE; shift + rows * stride];
        let mut want = block.clone();
        let mut back = vec![0xDD; memory.len()];
        let mut want_back = back.clone();
        for row in 0..rows {
            for column in 0..columns {
                let element = &memory[at(row, column)..][..size];
                want[shift + row * stride + column * size..][..size].copy_from_slice(element);
                want_back[at(row, column)..][..size].copy_from_slice(element);
            }
        }
        let context = || format!("{shape:?} {strides:?} {size} {stride}");
        // SAFETY: the memory is the span of the array, and the block has room for the rows.
        unsafe {
            let (dst, src) = (block.as_mut_ptr().add(shift), memory.as_ptr().offset(-lowest));
            gather_block(dst, stride, src, rows, strides[0], columns, strides[1], size);
        }
        assert!(block == want, "{}", context());
        if strides.contains(&0) {
            continue; // no output
        }
        // SAFETY: as above.
        unsafe {
            let (dst, src) = (back.as_mut_ptr().offset(-lowest), block.as_ptr().add(shift));
            scatter_block(dst, rows, strides[0], columns, strides[1], src, stride, size);
        }
        assert!(back == want_back, "{}", context());
    }
}

#[test]
fn empty_blocks() {
    let (mut to, from) = ([7_u8; 8], [1_u8; 8]);
    for [rows, columns] in [[0, 3], [3, 0], [0, 0]] {
        // SAFETY: there are no elements.
        unsafe {
            gather_block(to.as_mut_ptr(), 8, from.as_ptr(), rows, 8, columns, 800, 8);
            scatter_block(to.as_mut_ptr(), rows, 8, columns, 800, from.as_ptr(), 8, 8);
        }
    }
    assert_eq!(to, [7; 8]);
}

#[test]
fn panels() {
    let panel =
        |at: usize, stride, size| Panel::new(std::ptr::without_provenance(at), stride, size);
    let of = |first, rows, columns| Panel { first, rows, columns };
    assert_eq!(panel(0x1000, 32_000, 8), of(16, 16, 128));
    assert_eq!(panel(0x1010, 32_000, 8), of(14, 16, 128));
    assert_eq!(panel(0x103c, -6400, 4), of(17, 32, 128));
    assert_eq!(panel(0x1001, 6400, 1), of(127, 128, 128));
    // Columns at any address, or in few cache sets, and elements that cross cache lines.
    for other in [panel(0x1000, 32_008, 8), panel(0x1000, 32_768, 8), panel(0x1004, 32_000, 8)] {
        assert_eq!(other, of(128, 128, 256));
    }
    assert_eq!(panel(0x1000, 32_000, 16), of(128, 128, 256));
    assert_eq!(panel(0x1000, 4096, 1), of(512, 512, 256));
}
