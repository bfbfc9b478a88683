//! The names of a file's arrays, in whatever encoding: one text, and where each of them ends.
//!
//! A table may have millions of columns, of which a program wants one: a name takes little more
//! than its bytes.

use std::collections::TryReserveError;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A slot without a name.
const FREE: u32 = u32::MAX;

/// A list of names, which finds the place of one at once.
pub(crate) struct Names {
    text: Vec<u8>,
    ends: Vec<usize>,
    /// A hash table from names to their indices, with linear probing; at least half of the slots
    /// are free. Only the first two occurrences of a name are stored.
    slots: Vec<u32>,
    hasher: RandomState,
}

impl Names {
    /// The memory of `count` names with `bytes` bytes in all.
    pub(crate) fn needed(count: usize, bytes: usize) -> u64 {
        let slots = slots(count).saturating_mul(size_of::<u32>());
        let ends = count.saturating_mul(size_of::<usize>());
        bytes.saturating_add(ends).saturating_add(slots) as u64
    }

    /// An empty list with capacity for `count` names of `bytes` bytes in all.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn with_room(count: usize, bytes: usize) -> Result<Names, TryReserveError> {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        text.try_reserve_exact(bytes)?;
        ends.try_reserve_exact(count)?;
        Ok(Names { text, ends, slots: free(slots(count))?, hasher: RandomState::new() })
    }

    /// Adds a name.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn push(&mut self, name: &[u8]) -> Result<(), TryReserveError> {
        self.text.try_reserve(name.len())?;
        self.ends.try_reserve(1)?;
        if self.slots.len() < slots(self.len() + 1) {
            self.slots = free(slots(self.len() + 1))?;
            (0..self.len()).for_each(|place| self.enter(place));
        }
        self.text.extend_from_slice(name);
        self.ends.push(self.text.len());
        self.enter(self.len() - 1);
        Ok(())
    }

    /// The number of names.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name at a place.
    pub(crate) fn get(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before));
        self.text.get(start.copied().unwrap_or(0)..end)
    }

    /// All names, in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|place| self.get(place).unwrap_or_default())
    }

    /// The first two places of a name.
    pub(crate) fn find(&self, name: &[u8]) -> [Option<usize>; 2] {
        self.look(name).0
    }

    /// The first two indices of a name, and the slot for another one if there are fewer.
    fn look(&self, name: &[u8]) -> ([Option<usize>; 2], Option<usize>) {
        let mask = self.slots.len() - 1;
        let mut slot = self.hasher.hash_one(name) as usize & mask;
        let mut found = [None, None];
        loop {
            match self.slots[slot] {
                FREE => return (found, Some(slot)),
                place if self.get(place as usize) != Some(name) => {}
                place if found[0].is_none() => found[0] = Some(place as usize),
                place => return ([found[0], Some(place as usize)], None),
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Puts a place into its slot. One that a slot cannot hold is found by its number only.
    fn enter(&mut self, place: usize) {
        let slot = self.get(place).and_then(|name| self.look(name).1);
        if let (Some(slot), Ok(place)) = (slot, u32::try_from(place)) {
            self.slots[slot] = place;
        }
    }
}

/// The number of slots for `count` names.
fn slots(count: usize) -> usize {
    count.saturating_mul(2).clamp(8, 1 << 62).next_power_of_two()
}

/// Allocates free slots.
fn free(count: usize) -> Result<Vec<u32>, TryReserveError> {
    let mut slots = Vec::new();
    slots.try_reserve_exact(count)?;
    slots.resize(count, FREE);
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_are() {
        let text = |i: usize| format!("{i}").into_bytes();
        for room in [0, 1000] {
            let mut names = Names::with_room(room, 0).unwrap();
            (0..1000).for_each(|i| names.push(&text(i)).unwrap());
            for i in 0..1000 {
                assert_eq!(names.find(&text(i)), [Some(i), None]);
                assert_eq!(names.get(i), Some(&*text(i)));
            }
            assert_eq!(
                (names.find(b"1000"), names.find(b""), names.get(1000)),
                ([None; 2], [None; 2], None)
            );
            assert_eq!(names.iter().map(<[u8]>::len).sum::<usize>(), 2890);
        }
    }

    /// Also a million equal ones take no longer than others.
    #[test]
    fn names_may_be_equal_or_empty() {
        let mut names = Names::with_room(0, 0).unwrap();
        names.push(b"").unwrap();
        (0..1_000_000).for_each(|_| names.push(b"x").unwrap());
        assert_eq!(names.find(b"x"), [Some(1), Some(2)]);
        assert_eq!((names.find(b""), names.len()), ([Some(0), None], 1_000_001));
    }
}
