//! The memory budget for arrays that are read into memory.

use std::cell::Cell;
use std::rc::Rc;

use hotloop::{Error, ErrorKind, Result};

use super::{memory, quantity};

/// An allowance that is not charged.
const IN_PIECES: &str =
    "a .npy file, or an .npz archive that np.savez wrote, is read in pieces and need not fit";
/// Memory left to other processes.
const MARGIN: u64 = 64 << 20;
/// Smaller allocations besides arrays are not counted.
const SMALL: u64 = 256 << 10;

/// A memory budget. Clones share it.
#[derive(Clone)]
pub(crate) struct Budget {
    /// The limit of a run, and the part of it in use.
    run: Option<(u64, Rc<Cell<u64>>)>,
    /// The machine's available memory; `None` if unknown.
    free: fn() -> Option<u64>,
}

impl Budget {
    /// The budget of a run limited to `bytes` bytes.
    pub(crate) fn run(most: usize) -> Budget {
        Budget { run: Some((most as u64, Rc::default())), free: memory::available }
    }

    /// A budget limited only by the machine's memory.
    pub(crate) fn machine() -> Budget {
        Budget { run: None, free: memory::available }
    }

    /// A budget on a machine with this available memory.
    #[cfg(test)]
    pub(crate) fn of(free: fn() -> Option<u64>) -> Budget {
        Budget { run: None, free }
    }

    /// Checks that `bytes` bytes may be read.
    ///
    /// # Errors
    /// `Limit` if they exceed the limit of the run; `OutOfMemory` if they exceed the available
    /// memory.
    pub(crate) fn check(&self, bytes: u64, what: &dyn Fn() -> String) -> Result<()> {
        if let Some(error) = self.excess(bytes, &what()) {
            return Err(error.hint(IN_PIECES));
        }
        memory::check_of(bytes, self.free).map_err(|error| error.within(&what()))
    }

    /// Checks that something of `held` bytes, whose final size is unknown, may grow by `bytes`.
    ///
    /// # Errors
    /// As [`Budget::check`].
    pub(crate) fn check_growth(
        &self,
        bytes: u64,
        more: u64,
        what: &dyn Fn() -> String,
    ) -> Result<()> {
        if let Some((most, taken)) = &self.run
            && taken.get().saturating_add(bytes).saturating_add(more) > *most
        {
            let beside = self.beside();
            let message = format!(
                "{} would take more than {} of memory{beside}, but --memory is {}",
                what(),
                quantity::size(bytes),
                quantity::limit(*most),
            );
            let error = Error::new(ErrorKind::Limit, message);
            return Err(error.hint("raise --memory").hint(IN_PIECES));
        }
        match (self.free)() {
            Some(free) if free < more + MARGIN => {
                let have = quantity::size(bytes);
                let message = format!("no memory for more than the first {have} of {}", what());
                Err(Error::new(ErrorKind::OutOfMemory, message))
            }
            _ => Ok(()),
        }
    }

    /// The error if `bytes` bytes exceed the limit of the run.
    pub(crate) fn excess(&self, bytes: u64, what: &str) -> Option<Error> {
        let (most, taken) = self.run.as_ref()?;
        let needed = taken.get().saturating_add(bytes);
        if needed <= *most {
            return None;
        }
        let size = quantity::size(bytes);
        let beside = self.beside();
        let limit = quantity::limit(*most);
        let message =
            format!("{what} would take {size} of memory{beside}, but --memory is {limit}");
        let error = Error::new(ErrorKind::Limit, message);
        Some(error.hint(format!("raise --memory to {} or more", quantity::limit_of(needed))))
    }

    /// A note if part of the budget is already in use.
    fn beside(&self) -> String {
        match &self.run {
            Some((_, taken)) if taken.get() > 0 => {
                format!(" beside the {} of inputs", quantity::size(taken.get()))
            }
            _ => String::new(),
        }
    }

    /// Charges `bytes` bytes.
    pub(crate) fn take(&mut self, bytes: u64) {
        if let Some((_, taken)) = &self.run {
            taken.set(taken.get().saturating_add(bytes));
        }
    }

    /// Charges `bytes` bytes for the lifetime of the charge: memory for a file besides its arrays.
    ///
    /// # Errors
    /// As [`Budget::check`].
    pub(crate) fn charge(&self, bytes: u64, what: &dyn Fn() -> String) -> Result<Charge> {
        let bytes = if bytes > SMALL { bytes } else { 0 };
        if bytes > 0 {
            self.check(bytes, what)?;
        }
        let taken = self.run.as_ref().map(|(_, taken)| taken.clone());
        if let Some(taken) = &taken {
            taken.set(taken.get().saturating_add(bytes));
        }
        Ok(Charge { taken, bytes })
    }

    /// The remaining budget.
    pub(crate) fn left(&self) -> u64 {
        self.run.as_ref().map_or(u64::MAX, |(most, taken)| most.saturating_sub(taken.get()))
    }
}

/// A temporary charge.
pub(crate) struct Charge {
    taken: Option<Rc<Cell<u64>>>,
    bytes: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(taken) = &self.taken {
            taken.set(taken.get().saturating_sub(self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_gone() {
        let mut budget = Budget::run(100);
        let what = || "x".to_string();
        budget.check(100, &what).unwrap();
        budget.take(60);
        assert_eq!(budget.left(), 40);
        budget.check(40, &what).unwrap();
        let error = budget.check(41, &what).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        let about = "x would take 41 B of memory beside the 60 B of inputs, but --memory is 100 B";
        assert_eq!(error.message(), about);
        assert_eq!(error.hints()[0], "raise --memory to 101B or more");
    }

    #[test]
    fn what_is_charged_comes_back() {
        let budget = Budget::run(1 << 20);
        let what = || "x".to_string();
        let charge = budget.charge(1 << 19, &what).unwrap();
        assert_eq!(budget.clone().left(), 1 << 19);
        // Small charges are ignored.
        let little = budget.charge(SMALL, &what).unwrap();
        assert_eq!(budget.left(), 1 << 19);
        assert!(budget.charge(1 << 20, &what).is_err());
        drop((charge, little));
        assert_eq!(budget.left(), 1 << 20);
    }

    #[test]
    fn the_machine_keeps_some() {
        let budget = Budget::of(|| Some(MARGIN + 10));
        let what = || "x".to_string();
        budget.check_growth(u64::MAX / 2, 10, &what).unwrap();
        let error = budget.check_growth(3000, 11, &what).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        assert_eq!(error.message(), "no memory for more than the first 3.00 kB of x");
        let error = budget.check(1 << 30, &what).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    }
}
