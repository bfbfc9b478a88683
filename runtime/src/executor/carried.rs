//! [`Carried`]: the states of a loop's scans that are carried from run to run, as a stream needs.
//!
//! The states of other loops are part of their workers' scratch, and begin anew with each run.

use std::cell::UnsafeCell;

use super::scratch::CacheLine;
use crate::memory::{OutOfMemory, reserve};
use crate::nest::Along;
use crate::scan::{ScanState, Scanner};
use crate::tile::TileScan;

/// The number of sequences that share a state, side by side. It does not depend on the machine, so
/// saved states do not either.
pub(super) const LANES: usize = 64;
/// The size of a cache line.
const LINE: usize = 64;

/// The states of the scans of a loop that are carried from run to run.
///
/// There are 64 sequences to a state, in C order; or there is one sequence whose elements
/// come one after another.
pub struct Carried {
    along: Along,
    /// The number of states of each scan.
    states: usize,
    scans: Box<[Place]>,
    /// Only addressed through pointers.
    memory: Vec<UnsafeCell<CacheLine>>,
}

/// Where the states of a scan are.
#[derive(Clone, Copy)]
struct Place {
    scanner: Scanner,
    /// The first cache line.
    first: usize,
    /// Cache lines from state to state.
    lines: usize,
    /// The bytes of a state that are saved.
    saved: usize,
}

// SAFETY: the memory is used by runs of the loop, and by methods that nothing else overlaps, as
// their callers promise or an exclusive borrow shows.
unsafe impl Send for Carried {}
// SAFETY: as above.
unsafe impl Sync for Carried {}

impl Carried {
    /// The states of scans before the first element of each of their sequences. With
    /// [`Along::Columns`] there is one sequence.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new(scans: &[TileScan], sequences: usize, along: Along) -> Result<Carried, OutOfMemory> {
        let (lanes, states) = Carried::shared(sequences, along);
        let mut places = reserve(scans.len())?;
        let mut total = 0usize;
        for TileScan { scanner, .. } in scans {
            let bytes = scanner.bytes(usize::MAX, lanes);
            let lines = 1 + bytes.div_ceil(LINE);
            let saved = bytes - scanner.layout_bytes();
            places.push(Place { scanner: *scanner, first: total, lines, saved });
            total = total.saturating_add(lines.saturating_mul(states));
        }
        let mut memory = reserve(total)?;
        memory.resize_with(total, || UnsafeCell::new(CacheLine::ZERO));
        let carried = Carried { along, states, scans: places.into(), memory };
        for place in &carried.scans {
            for number in 0..states {
                let state = carried.place_of(place, number);
                // SAFETY: the memory comes after the line of the state, and is initialised.
                unsafe {
                    let memory = state.cast::<u8>().wrapping_add(LINE);
                    state.write(place.scanner.state(usize::MAX, lanes, memory));
                }
            }
        }
        let mut carried = carried;
        carried.begin();
        Ok(carried)
    }

    /// The number of sequences that share a state, 0 for one along the columns, and that of states.
    fn shared(sequences: usize, along: Along) -> (usize, usize) {
        let lanes = match along {
            Along::Rows => LANES.min(sequences).max(1),
            Along::Columns | Along::Nothing => 0,
        };
        (lanes, sequences.div_ceil(lanes.max(1)))
    }

    /// The bytes of memory of the states of such scans; `usize::MAX` if they cannot be addressed.
    pub fn bytes_of(scans: &[TileScan], sequences: usize, along: Along) -> usize {
        let (lanes, states) = Carried::shared(sequences, along);
        let lines = scans.iter().map(|scan| {
            let bytes = scan.scanner.bytes(usize::MAX, lanes);
            (1 + bytes.div_ceil(LINE)).saturating_mul(states)
        });
        lines.fold(0usize, usize::saturating_add).saturating_mul(LINE)
    }

    /// The direction of sequences in the nest of the loop.
    pub fn along(&self) -> Along {
        self.along
    }

    /// The bytes of memory.
    pub fn bytes(&self) -> usize {
        self.memory.len() * LINE
    }

    /// The bytes that [`save`](Carried::save) writes.
    pub fn saved_bytes(&self) -> usize {
        self.scans.iter().map(|place| place.saved * self.states).sum()
    }

    /// Begins all sequences.
    pub fn begin(&mut self) {
        for place in &self.scans {
            for number in 0..self.states {
                // SAFETY: the state was made by this scanner, and is borrowed exclusively.
                unsafe { place.scanner.begin(self.place_of(place, number)) };
            }
        }
    }

    /// Copies what the sequences carry.
    ///
    /// # Panics
    /// If there is not room for exactly [`saved_bytes`](Carried::saved_bytes).
    pub fn save(&mut self, to: &mut [u8]) {
        let mut rest = to;
        for (place, from) in self.contents() {
            let (here, behind) = rest.split_at_mut(place.saved);
            // SAFETY: the state has these bytes, all initialised, and is borrowed exclusively.
            here.copy_from_slice(unsafe { std::slice::from_raw_parts(from, place.saved) });
            rest = behind;
        }
        assert!(rest.is_empty(), "room for what is saved");
    }

    /// Continues sequences of which `rows` elements have passed, from what was saved. Bytes that
    /// were not saved give arbitrary results, but nothing worse.
    ///
    /// # Panics
    /// If there are not exactly [`saved_bytes`](Carried::saved_bytes).
    pub fn resume(&mut self, rows: u64, from: &[u8]) {
        let mut rest = from;
        for (place, to) in self.contents() {
            let (here, behind) = rest.split_at(place.saved);
            // SAFETY: as in `save`; a state's memory may have any bytes behind its layout.
            unsafe { to.copy_from_nonoverlapping(here.as_ptr(), place.saved) };
            rest = behind;
        }
        assert!(rest.is_empty(), "what was saved");
        for place in &self.scans {
            for number in 0..self.states {
                // SAFETY: the state was written by `new`, and is borrowed exclusively.
                unsafe { (*self.place_of(place, number)).resume(rows) };
            }
        }
    }

    /// Where the saved bytes of each state are.
    fn contents(&self) -> impl Iterator<Item = (Place, *mut u8)> {
        self.scans.iter().flat_map(move |place| {
            (0..self.states).map(move |number| {
                let memory = self.place_of(place, number).cast::<u8>().wrapping_add(LINE);
                (*place, memory.wrapping_add(place.scanner.layout_bytes()))
            })
        })
    }

    fn place_of(&self, place: &Place, number: usize) -> *mut ScanState {
        let first = UnsafeCell::raw_get(self.memory.as_ptr());
        first.wrapping_add(place.first + number * place.lines).cast()
    }

    /// The first state of a scan, and the bytes from state to state.
    pub(super) fn states(&self, scan: usize) -> Option<(*mut u8, usize)> {
        let place = self.scans.get(scan)?;
        Some((self.place_of(place, 0).cast(), place.lines * LINE))
    }
}
