//! The definitions of the scans once more, element by element.

use super::order::{Median, Quantile, key, statistic};
use super::running::{Max, Min, Prod, RADIX, Step, Sum};
use super::window::{self, Frame, Function, Part, Weights, join};
use super::{Attributes, Scan, Soft, Window, decay, number, steps, whole};
use crate::control::{Control, Stop};
use crate::dtype::DType;
use crate::elementwise::family;

/// Elements between two looks at the control.
const LOOK: usize = 4096;

/// What the kernels are tested against, and the interpreter's.
///
/// `data` holds a sequence of elements of the dtype, which its results replace, `others` the other
/// elements of pairs; `false` if the scan is not defined on the dtype, or a pair is not whole.
///
/// # Errors
/// The control's, which is looked at every 4,096 elements.
pub fn reference(
    scan: Scan,
    attributes: Attributes,
    dtype: DType,
    data: &mut [u8],
    others: &[u8],
    control: &Control,
) -> Result<bool, Stop> {
    match (scan, attributes) {
        (Scan::Shift, Attributes::Lag { rows, fill }) => {
            let [size, rows] = [dtype.size(), rows as usize];
            let lag = rows.saturating_mul(size).min(data.len());
            let end = data.len() - lag;
            data.copy_within(..end, lag);
            let fill = u64::from(fill[1]) << 32 | u64::from(fill[0]);
            data[..lag]
                .chunks_mut(size)
                .for_each(|x| x.copy_from_slice(&fill.to_le_bytes()[..size]));
        }
        (Scan::Decay, Attributes::Decay { alpha, ignore_missing, .. }) if dtype == DType::F64 => {
            decay::reference(number(alpha), ignore_missing, data, control)?;
        }
        (Scan::Odds, Attributes::Decay { .. }) if dtype == DType::F64 => {
            decay::odds(&attributes, data, control)?;
        }
        (Scan::Fill, Attributes::None) if dtype == DType::F64 => filled(data, f64::from_le_bytes),
        (Scan::Fill, Attributes::None) if dtype == DType::F32 => {
            filled(data, |bytes| f64::from(f32::from_le_bytes(bytes)));
        }
        (scan, _) if scan.takes_pairs() && others.len() != data.len() => return Ok(false),
        (Scan::Hold, Attributes::None) if dtype == DType::F64 => {
            held(data, others, f64::from_le_bytes);
        }
        (Scan::Hold, Attributes::None) if dtype == DType::F32 => {
            held(data, others, |bytes| f64::from(f32::from_le_bytes(bytes)));
        }
        (Scan::Blend, Attributes::None) if dtype == DType::F64 => {
            decay::blended(data, others, control)?;
        }
        (Scan::Window(Window::Quantile), Attributes::Quantile { .. }) if dtype == DType::F64 => {
            sorted(&attributes, data, control, statistic::<Quantile>)?;
        }
        (Scan::Window(window), Attributes::Frame { .. }) if dtype == DType::F64 => {
            let frame = Frame::of(&attributes);
            match window {
                Window::Sum => windows::<window::Sum, 1>(frame, data, others, control)?,
                Window::Mean => windows::<window::Mean, 1>(frame, data, others, control)?,
                Window::Prod => windows::<window::Prod, 1>(frame, data, others, control)?,
                Window::Count => windows::<window::Count, 0>(frame, data, others, control)?,
                Window::Min => windows::<window::Min, 1>(frame, data, others, control)?,
                Window::Max => windows::<window::Max, 1>(frame, data, others, control)?,
                Window::Var => windows::<window::Moments<false>, 2>(frame, data, others, control)?,
                Window::Std => windows::<window::Moments<true>, 2>(frame, data, others, control)?,
                Window::Cov => windows::<window::Cov, 5>(frame, data, others, control)?,
                Window::Corr => windows::<window::Corr, 7>(frame, data, others, control)?,
                Window::Linear => windows::<window::Linear, 4>(frame, data, others, control)?,
                Window::Argmin => {
                    windows::<window::Position<true>, 2>(frame, data, others, control)?;
                }
                Window::Argmax => {
                    windows::<window::Position<false>, 2>(frame, data, others, control)?;
                }
                Window::Skew => windows::<window::Skew, 4>(frame, data, others, control)?,
                Window::Kurt => windows::<window::Kurt, 5>(frame, data, others, control)?,
                Window::Slope => windows::<window::Slope, 7>(frame, data, others, control)?,
                Window::Fitted => windows::<window::Fitted, 7>(frame, data, others, control)?,
                Window::Rsquared => windows::<window::Rsquared, 7>(frame, data, others, control)?,
                Window::Rank => ranked(frame, false, data, control)?,
                Window::RankShare => ranked(frame, true, data, control)?,
                Window::Median => sorted(&attributes, data, control, statistic::<Median>)?,
                Window::Quantile => return Ok(false),
            }
        }
        (Scan::Whole(function), _) => {
            control.check()?;
            return Ok(whole::reference(function, &attributes, dtype, data));
        }
        _ => {
            let done = steps!(scan, dtype, S => running::<S>(data, control)?);
            return Ok(done.is_some());
        }
    }
    Ok(true)
}

fn running<S: Step>(data: &mut [u8], control: &Control) -> Result<(), Stop> {
    let size = size_of::<<S as Step>::Element>();
    // The fold of the run, then of the complete blocks of each level.
    let mut run = S::IDENTITY;
    let mut levels: Vec<S::Fold> = Vec::new();
    for (i, bytes) in data.chunks_exact_mut(size).enumerate() {
        if i % LOOK == 0 {
            control.check()?;
        }
        let place = bytes.as_mut_ptr().cast::<S::Element>();
        // SAFETY: the bytes are those of one element, which need not be aligned.
        let x = unsafe { place.read_unaligned() };
        run = S::combine(run, S::widen(x));
        let result = levels.iter().fold(run, |y, level| S::combine(*level, y));
        // SAFETY: as above.
        unsafe { place.write_unaligned(S::narrow(result)) };
        let (mut taken, mut complete) = (i + 1, &mut run);
        let mut level = 0;
        while taken.is_multiple_of(RADIX) {
            taken /= RADIX;
            let total = std::mem::replace(complete, S::IDENTITY);
            if levels.len() == level {
                levels.push(S::IDENTITY);
            }
            levels[level] = S::combine(levels[level], total);
            complete = &mut levels[level];
            level += 1;
        }
    }
    Ok(())
}

/// Replaces each NaN by the element before; the first by a NaN.
fn filled<const N: usize>(data: &mut [u8], number: impl Fn([u8; N]) -> f64) {
    let bytes = |bytes: &[u8]| std::array::from_fn(|i| bytes[i]);
    for at in (N..data.len()).step_by(N) {
        if number(bytes(&data[at..at + N])).is_nan() {
            data.copy_within(at - N..at, at);
        }
    }
}

/// Replaces each element whose mark is 0 by the element before; the first by a NaN.
fn held<const N: usize>(data: &mut [u8], marks: &[u8], number: impl Fn([u8; N]) -> f64) {
    for at in (0..data.len()).step_by(N) {
        if number(std::array::from_fn(|i| marks[at + i])) != 0.0 {
            continue;
        }
        match at {
            // All bits but the sign: a NaN of either length.
            0 => data[..N].fill(0xff),
            _ => data.copy_within(at - N..at, at),
        }
    }
}

/// The windows of a sequence of `f64`, each computed from its own elements.
fn windows<F: Function<P>, const P: usize>(
    frame: Frame,
    data: &mut [u8],
    others: &[u8],
    control: &Control,
) -> Result<(), Stop> {
    let number = |bytes: &[u8]| f64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
    let numbers = |bytes: &[u8]| bytes.chunks_exact(8).map(number).collect::<Vec<f64>>();
    let x = numbers(data);
    let y = if F::Part::PAIRS { numbers(others) } else { x.clone() };
    let pairs: Vec<Option<(f64, f64)>> =
        x.into_iter().zip(y).map(|(x, y)| (!x.is_nan() && !y.is_nan()).then_some((x, y))).collect();
    let mut work = 0;
    for (i, result) in data.chunks_exact_mut(8).enumerate() {
        let window = &pairs[(i + 1).saturating_sub(frame.rows as usize)..=i];
        work += window.len();
        if work >= LOOK {
            control.check()?;
            work = 0;
        }
        let mut rest = window;
        let mut fold: Option<Known<F, P>> = None;
        for bit in 0..usize::BITS {
            if window.len() >> bit & 1 == 1 {
                let older;
                (rest, older) = rest.split_at(rest.len() - (1 << bit));
                let older = power::<F, P>(older);
                fold = Some(match fold {
                    None => older,
                    Some(newer) => joined::<F, P>(older, newer),
                });
            }
        }
        let count = window.iter().flatten().count() as f64;
        let part = fold.map_or(F::Part::none(), |known| known.part);
        let value = frame.result::<F, P>(part, window.len() as u32, count);
        result.copy_from_slice(&value.to_le_bytes());
    }
    Ok(())
}

/// The elements of each window of a sequence of `f64`, the row's own last.
fn elements(
    frame: Frame,
    data: &mut [u8],
    control: &Control,
    result: impl Fn(&[f64]) -> f64,
) -> Result<(), Stop> {
    let number = |bytes: &[u8]| f64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
    let x: Vec<f64> = data.chunks_exact(8).map(number).collect();
    for (i, place) in data.chunks_exact_mut(8).enumerate() {
        if i % 64 == 0 {
            control.check()?;
        }
        let window = &x[(i + 1).saturating_sub(frame.rows as usize)..=i];
        place.copy_from_slice(&result(window).to_le_bytes());
    }
    Ok(())
}

/// A statistic of the sorted elements of each window.
fn sorted(
    attributes: &Attributes,
    data: &mut [u8],
    control: &Control,
    statistic: impl Fn(&[i64], &Attributes) -> f64,
) -> Result<(), Stop> {
    elements(Frame::of(attributes), data, control, |window| {
        let present = window.iter().filter(|x| !x.is_nan());
        let mut keys: Vec<i64> = present.map(|x| key(*x)).collect();
        keys.sort_unstable();
        statistic(&keys, attributes)
    })
}

/// The rank of each row's element in its window.
fn ranked(frame: Frame, share: bool, data: &mut [u8], control: &Control) -> Result<(), Stop> {
    elements(frame, data, control, |window| {
        let [x, count] =
            [window[window.len() - 1], window.iter().filter(|x| !x.is_nan()).count() as f64];
        let below = window.iter().filter(|other| **other < x).count() as f64;
        let equal = window.iter().filter(|other| **other == x).count() as f64;
        let rank = below + (equal + 1.0) / 2.0;
        let enough = !x.is_nan() && count >= f64::from(frame.least);
        match (enough, share) {
            (false, _) => f64::NAN,
            (true, false) => rank,
            (true, true) => rank / count,
        }
    })
}

/// What is known of consecutive rows.
struct Known<F: Function<P>, const P: usize> {
    part: [<F::Part as Part<P>>::Number; P],
    elements: f64,
    rows: f64,
}

/// The part of a power of two of rows.
fn power<F: Function<P>, const P: usize>(rows: &[Option<(f64, f64)>]) -> Known<F, P> {
    match rows {
        [None] => Known { part: F::Part::none(), elements: 0.0, rows: 1.0 },
        [Some((x, y))] => Known { part: F::Part::one(*x, *y), elements: 1.0, rows: 1.0 },
        _ => {
            let (older, newer) = rows.split_at(rows.len() / 2);
            joined(power::<F, P>(older), power::<F, P>(newer))
        }
    }
}

fn joined<F: Function<P>, const P: usize>(older: Known<F, P>, newer: Known<F, P>) -> Known<F, P> {
    let part = match F::Part::WEIGHED {
        true => {
            let rows = newer.rows;
            let (older, newer) = ((older.part, older.elements), (newer.part, newer.elements));
            join::<F::Part, Soft, P>(older, newer, rows).0
        }
        false => F::Part::join::<Soft>(
            older.part,
            newer.part,
            Weights::new::<F::Part, P>(older.rows, newer.rows),
        ),
    };
    Known { part, elements: older.elements + newer.elements, rows: older.rows + newer.rows }
}
