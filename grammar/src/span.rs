//! Places in the text.

use std::ops::Range;

use std::fmt;

/// A range of bytes in the text that was parsed.
///
/// Offsets are `u32`: [`parse`](crate::parse) refuses longer texts, and a tree holds a span for
/// every expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The offset of the first byte.
    pub start: u32,
    /// The offset just after the last byte.
    pub end: u32,
}

impl fmt::Display for Span {
    /// The offsets, as a range: `3..7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl Span {
    /// The span from `start` up to, not including, `end`. Offsets beyond `u32::MAX` are clamped.
    pub fn new(start: usize, end: usize) -> Span {
        let clamp = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: clamp(start), end: clamp(end) }
    }

    pub(crate) fn from_range(range: Range<usize>) -> Span {
        Span::new(range.start, range.end)
    }

    /// The smallest span that covers `self` and `other`.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as a range that slices the text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
