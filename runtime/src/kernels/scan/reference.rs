//! The definition of the [module](super) once more, element by element.

use super::{Max, Min, Prod, RADIX, Scan, Step, Sum, steps};
use crate::control::{Control, Stop};
use crate::dtype::DType;
use crate::elementwise::family;

/// Elements between two looks at the control.
const LOOK: usize = 4096;

/// What the kernels are tested against, and the interpreter's.
///
/// `data` holds a sequence of elements of the dtype, which its results replace; `false` if the scan
/// is not defined on the dtype.
///
/// # Errors
/// The control's, which is looked at every 4,096 elements.
pub fn reference(
    scan: Scan,
    dtype: DType,
    data: &mut [u8],
    control: &Control,
) -> Result<bool, Stop> {
    let done = steps!(scan, dtype, S => replace::<S>(data, control)?);
    Ok(done.is_some())
}

fn replace<S: Step>(data: &mut [u8], control: &Control) -> Result<(), Stop> {
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
