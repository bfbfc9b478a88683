//! How much memory the arrays may take that are read whole.

use std::cell::Cell;
use std::rc::Rc;

use hotloop::{Error, ErrorKind, Result};

use super::{memory, quantity};

/// What need not fit.
const IN_PIECES: &str =
    "a .npy file, or an .npz archive that np.savez wrote, is read in pieces and need not fit";
/// Memory that is left to others.
const MARGIN: u64 = 64 << 20;
/// What takes less beside arrays is not counted.
const SMALL: u64 = 256 << 10;

/// What there is for arrays that are read whole. A clone is the same budget.
#[derive(Clone)]
pub(crate) struct Budget {
    /// What a run may take at most, and what of it others have taken.
    run: Option<(u64, Rc<Cell<u64>>)>,
    /// What the machine has left; `None` where it does not say.
    free: fn() -> Option<u64>,
}

impl Budget {
    /// That of a run of the command, which may take so many bytes.
    pub(crate) fn run(most: usize) -> Budget {
        Budget { run: Some((most as u64, Rc::default())), free: memory::available }
    }

    /// What the machine has.
    pub(crate) fn machine() -> Budget {
        Budget { run: None, free: memory::available }
    }

    /// The same, where the machine has so much.
    #[cfg(test)]
    pub(crate) fn of(free: fn() -> Option<u64>) -> Budget {
        Budget { run: None, free }
    }

    /// That something of so many bytes may be read.
    ///
    /// # Errors
    /// `Limit` if that is more than the run may take; `OutOfMemory` if it is more than there is.
    pub(crate) fn check(&self, bytes: u64, what: &dyn Fn() -> String) -> Result<()> {
        if let Some(error) = self.excess(bytes, &what()) {
            return Err(error.hint(IN_PIECES));
        }
        memory::check_of(bytes, self.free).map_err(|error| error.within(&what()))
    }

    /// That something that has so many bytes already may grow by others. How large it will be in
    /// the end is not known.
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

    /// The error of what takes so many bytes, if that is more than the run may take.
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

    /// That others have taken some already, if so.
    fn beside(&self) -> String {
        match &self.run {
            Some((_, taken)) if taken.get() > 0 => {
                format!(" beside the {} of inputs", quantity::size(taken.get()))
            }
            _ => String::new(),
        }
    }

    /// Takes so many bytes out of it.
    pub(crate) fn take(&mut self, bytes: u64) {
        if let Some((_, taken)) = &self.run {
            taken.set(taken.get().saturating_add(bytes));
        }
    }

    /// Takes so many bytes out of it for as long as the charge lives: what is needed of a file
    /// beside its arrays.
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

    /// What others have left.
    pub(crate) fn left(&self) -> u64 {
        self.run.as_ref().map_or(u64::MAX, |(most, taken)| most.saturating_sub(taken.get()))
    }
}

/// Bytes that are taken out of a budget for a while.
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
        // Little is not counted.
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
