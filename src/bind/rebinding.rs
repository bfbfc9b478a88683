//! Rebinding: replacing the arrays that a plan is bound to.

use hotloop_runtime::executor::Slot;
use hotloop_runtime::location::Location;
use hotloop_runtime::strided::byte_span;
use hotloop_runtime::view::View;

use crate::error::{Error, ErrorKind, Result, shown_shape};
use crate::overlap::may_overlap;
use crate::plan::Array;

/// The place of an array's address in a loop.
pub struct Move {
    /// The index of the step in the schedule.
    pub turn: usize,
    /// The index of the loop in the step.
    pub number: usize,
    /// The slot in the loop.
    pub slot: Slot,
    /// The array.
    pub array: Array,
}

/// An array that a kernel is bound to, and its offered replacement.
pub struct Seat {
    /// The array that it was bound to first. Decisions made then depend on how these arrays
    /// overlap.
    first: View,
    /// The extent of the array in bytes before and after its first element; `None` without
    /// elements.
    span: Option<(isize, isize)>,
    now: *mut u8,
    next: Option<*mut u8>,
}

// SAFETY: as of a view, whose addresses are only compared here.
unsafe impl Send for Seat {}
// SAFETY: as above.
unsafe impl Sync for Seat {}

impl Seat {
    /// The seat of an array.
    pub fn new(first: View) -> Seat {
        let empty = first.shape.contains(&0);
        let span = byte_span(&first.shape, &first.strides, first.size());
        let address = first.address();
        let span = span.filter(|_| !empty && address.is_some());
        let now = address.unwrap_or(std::ptr::null_mut());
        Seat { first, span, now, next: None }
    }

    /// Offers a replacement.
    ///
    /// # Errors
    /// `Type`, `Shape` and `Layout` if it differs from the first array.
    pub fn offer(&mut self, view: &View, name: impl Fn() -> String) -> Result<()> {
        let first = &self.first;
        let (Some(pointer), Some(_)) = (view.address(), first.address()) else {
            let message = format!("{} is outside memory, and can only be bound anew", name());
            return Err(Error::new(ErrorKind::Layout, message));
        };
        let (dtype, bound) = (view.dtype(), first.dtype());
        if dtype != bound {
            let message = format!("{} is {dtype}, but was bound as {bound}", name());
            return Err(Error::new(ErrorKind::Type, message));
        }
        if view.shape != first.shape {
            let (now, then) = (shown_shape(&view.shape), shown_shape(&first.shape));
            let message = format!("{} has the shape {now}, but was bound with {then}", name());
            return Err(Error::new(ErrorKind::Shape, message).hint("bind the kernel anew"));
        }
        if view.strides != first.strides || view.storage.format != first.storage.format {
            let message = format!("{} has another memory layout than when bound", name());
            return Err(Error::new(ErrorKind::Layout, message).hint("bind the kernel anew"));
        }
        if let Some((low, high)) = self.span {
            let at = pointer.addr();
            let ends = (at.checked_add_signed(low), at.checked_add_signed(high));
            if pointer.is_null() || ends.0.is_none() || ends.1.is_none() {
                let message = format!("{} is at an address where no array can be", name());
                return Err(Error::new(ErrorKind::Layout, message));
            }
        }
        self.next = Some(pointer);
        Ok(())
    }

    /// Offers an array of the same dtype and layout by its address; returns whether an array can be
    /// there.
    pub fn offer_at(&mut self, pointer: *mut u8) -> bool {
        self.next = Some(pointer);
        let Some((low, high)) = self.span else { return true };
        let at = pointer.addr();
        !pointer.is_null()
            && at.checked_add_signed(low).is_some()
            && at.checked_add_signed(high).is_some()
    }

    /// Withdraws the offer.
    pub fn withdraw(&mut self) {
        self.next = None;
    }

    fn next(&self) -> *mut u8 {
        self.next.unwrap_or(self.now)
    }

    /// Whether the offered array, an output, overlaps another as the first two did, or not at all:
    /// then earlier decisions stay valid.
    pub fn keeps_away_from(&self, other: &Seat) -> bool {
        let (Some(own), Some(others)) = (self.span, other.span) else { return true };
        let (at, other_at) = (self.next().addr(), other.next().addr());
        let start = |at: usize, span: (isize, isize)| at.wrapping_add_signed(span.0);
        let end = |at: usize, span: (isize, isize)| at.wrapping_add_signed(span.1);
        if end(at, own) <= start(other_at, others) || end(other_at, others) <= start(at, own) {
            return true;
        }
        let distance = other_at.wrapping_sub(at);
        let at_first = |seat: &Seat| seat.first.address().map_or(0, |first| first.addr());
        if distance == at_first(other).wrapping_sub(at_first(self)) {
            return true;
        }
        let moved = |seat: &Seat| seat.first.clone().at(Location::Memory(seat.next()));
        !may_overlap(&moved(self), &moved(other))
    }

    /// The distance in bytes from the current array to the offered one.
    pub fn distance(&self) -> isize {
        self.next().addr().wrapping_sub(self.now.addr()) as isize
    }

    /// Accepts the offered array.
    pub fn settle(&mut self) {
        self.now = self.next();
        self.next = None;
    }
}
