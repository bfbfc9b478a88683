//! Locations of arrays.

use crate::store::Store;

/// The location of the first element of an array; strides lead from it to the others.
#[derive(Clone, Debug)]
pub enum Location {
    /// In memory, at an address that need not be aligned.
    Memory(*mut u8),
    /// In a store.
    Store {
        /// The store.
        store: Store,
        /// The offset in bytes of the first element from the start of the store's array.
        offset: isize,
    },
    /// In the scratch of a [`Group`](crate::executor::Group) of loops, which holds only a few rows
    /// of the array at a time. The number identifies the array within the group.
    Scratch(u32),
}

// SAFETY: the address is only stored here; each read or write through it is unsafe and has its own
// argument.
unsafe impl Send for Location {}
// SAFETY: as above.
unsafe impl Sync for Location {}

impl Location {
    /// The address, if the array is in memory.
    #[inline]
    pub fn address(&self) -> Option<*mut u8> {
        match self {
            Location::Memory(address) => Some(*address),
            Location::Store { .. } | Location::Scratch(_) => None,
        }
    }

    /// The store, if the array is in one.
    #[inline]
    pub fn store(&self) -> Option<&Store> {
        match self {
            Location::Store { store, .. } => Some(store),
            Location::Memory(_) | Location::Scratch(_) => None,
        }
    }

    /// The number of the array in a group's scratch, if it is there.
    #[inline]
    pub fn scratch(&self) -> Option<u32> {
        match self {
            Location::Scratch(number) => Some(*number),
            Location::Memory(_) | Location::Store { .. } => None,
        }
    }

    /// Whether both locations are the same.
    pub fn same(&self, other: &Location) -> bool {
        match (self, other) {
            (Location::Memory(own), Location::Memory(other)) => own == other,
            (
                Location::Store { store, offset },
                Location::Store { store: other, offset: of_other },
            ) => store.same(other) && offset == of_other,
            (Location::Scratch(own), Location::Scratch(other)) => own == other,
            (Location::Memory(_) | Location::Store { .. } | Location::Scratch(_), _) => false,
        }
    }

    /// Moves the location by `bytes` bytes; a location in a group's scratch does not change.
    pub fn shift(&mut self, bytes: isize) {
        match self {
            Location::Memory(address) => *address = address.wrapping_offset(bytes),
            Location::Store { offset, .. } => *offset = offset.wrapping_add(bytes),
            Location::Scratch(_) => {}
        }
    }

    /// The location `bytes` bytes further on; see [`Location::shift`].
    pub fn shifted(mut self, bytes: isize) -> Location {
        self.shift(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::Location;
    use crate::dtype::DType;
    use crate::store::{Source, Store};

    struct Nothing;

    impl Source for Nothing {
        fn dtype(&self) -> DType {
            DType::U8
        }

        fn shape(&self) -> &[usize] {
            &[0]
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn locations_differ_by_kind_and_place() {
        let memory = Location::Memory(std::ptr::without_provenance_mut(16));
        let source = || Store::Source(Arc::new(Arc::new(Nothing)));
        let one = Location::Store { store: source(), offset: 16 };
        let other = Location::Store { store: source(), offset: 16 };
        let list = [memory, one, other, Location::Scratch(0), Location::Scratch(16)];
        for (i, own) in list.iter().enumerate() {
            for (j, other) in list.iter().enumerate() {
                assert_eq!(own.same(other), i == j, "{own:?} {other:?}");
            }
            let moved = own.clone().shifted(8);
            assert_eq!(own.same(&moved), own.scratch().is_some(), "{own:?}");
            assert!(own.same(&moved.shifted(-8)), "{own:?}");
        }
        assert_eq!(list[0].clone().shifted(-8).address().map(|at| at.addr()), Some(8));
    }
}
