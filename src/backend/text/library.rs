//! [`Library`]: the kernels of texts on a device, compiled many at a time.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hotloop_runtime::device::{Driver, DriverError, Function};
use rustc_hash::FxHashMap;

use super::{Dialect, Text, names, unit};
use crate::backend::Refusal;

/// The kernels of texts on a device. A compiler takes long to start, so a text waits in a batch until
/// one of the batch is needed; then all of it is compiled at once.
pub struct Library {
    driver: Arc<dyn Driver>,
    dialect: Dialect,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The batch that takes texts.
    open: Arc<Batch>,
    /// Texts stay as long as the library, as what is loaded does.
    known: FxHashMap<Text, (Arc<Batch>, usize)>,
}

/// Texts that are compiled together.
#[derive(Default)]
struct Batch {
    texts: Mutex<Vec<Text>>,
    /// The kernels of each.
    loaded: OnceLock<Result<Vec<[Function; 2]>, DriverError>>,
}

/// A text in a library.
#[derive(Clone)]
pub struct Kernel {
    library: Arc<Library>,
    batch: Arc<Batch>,
    number: usize,
}

impl Library {
    /// The library of a device.
    pub fn new(driver: Arc<dyn Driver>, dialect: Dialect) -> Library {
        Library { driver, dialect, state: Mutex::default() }
    }

    /// The kernel of a text.
    pub fn kernel(self: &Arc<Library>, text: Text) -> Kernel {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.known.get(&text).cloned();
        let (batch, number) = known.unwrap_or_else(|| {
            let batch = state.open.clone();
            let number = {
                let mut texts = batch.texts.lock().unwrap_or_else(PoisonError::into_inner);
                texts.push(text.clone());
                texts.len() - 1
            };
            state.known.insert(text, (batch.clone(), number));
            (batch, number)
        });
        Kernel { library: self.clone(), batch, number }
    }

    /// Compiles the texts of a batch, which takes no more.
    fn load(&self, batch: &Arc<Batch>) -> Result<Vec<[Function; 2]>, DriverError> {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&state.open, batch) {
                state.open = Arc::default();
            }
        }
        let texts = batch.texts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bug = |why: Refusal| DriverError {
            what: "writing the text of kernels".to_string(),
            why: why.to_string(),
        };
        let source = unit(self.dialect, &texts.iter().collect::<Vec<_>>()).map_err(bug)?;
        let wanted: Vec<String> = (0..texts.len()).flat_map(names).collect();
        let functions = self.driver.load(&source, &wanted)?;
        Ok(functions.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect())
    }
}

impl Kernel {
    /// The device.
    pub fn driver(&self) -> &Arc<dyn Driver> {
        &self.library.driver
    }

    /// The functions of the kernel, as [`names`] has them: compiled now, with all texts of the batch,
    /// unless they were before.
    ///
    /// # Errors
    /// As [`Driver::load`].
    pub fn functions(&self) -> Result<[Function; 2], DriverError> {
        let loaded = self.batch.loaded.get_or_init(|| self.library.load(&self.batch));
        let all = loaded.as_ref().map_err(Clone::clone)?;
        all.get(self.number).copied().ok_or_else(|| DriverError {
            what: "finding a kernel".to_string(),
            why: format!("there is no number {}", self.number),
        })
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("number", &self.number).finish_non_exhaustive()
    }
}
