//! Options of an engine and of a run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hotloop_runtime::control::{Control, Progress};
use hotloop_runtime::isa::Isa;
use hotloop_runtime::perf::Perf;

use crate::backend::cpu::Emitter;
use crate::call::MemoryLimits;
use crate::legalize::Mode;

/// What computes a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Native code; the portable backend where native code is unavailable.
    #[default]
    Auto,
    /// Native code, or an error; for tests.
    Native,
    /// Calls of precompiled block kernels, tile by tile, without native code of the program's own.
    Portable,
    /// Elementwise passes as text, compiled by the system's C++ compiler and run as a device would;
    /// other passes as [`Backend::Portable`]. For tests.
    #[cfg(feature = "host-device")]
    #[doc(hidden)]
    HostDevice,
    /// The reference interpreter: whole arrays, one operation after the other.
    Interpreter,
}

/// The order of a fresh output's elements in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// The order of the arguments, as NumPy's `K`; C order if they do not agree on one.
    #[default]
    K,
    /// The last axis varies fastest.
    C,
    /// The first axis varies fastest.
    F,
}

/// An engine's options, with the limits that keep untrusted text harmless.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub threads: usize,
    pub eager: bool,
    pub spin: Option<Duration>,
    pub pool: Option<Arc<rayon::ThreadPool>>,
    pub cores: Box<[usize]>,
    pub mode: Mode,
    pub isa: Isa,
    pub emitter: Emitter,
    pub perf: Perf,
    pub backend: Backend,
    pub max_text: usize,
    pub max_nodes: usize,
    pub max_arrays: usize,
    pub compile_budget: Duration,
    pub cache_capacity: usize,
    pub keep_memory: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            eager: false,
            spin: None,
            pool: None,
            cores: Box::default(),
            mode: Mode::Strict,
            isa: default_isa(),
            emitter: default_emitter(),
            perf: default_perf(),
            backend: Backend::Auto,
            max_text: 1 << 20,
            max_nodes: 1 << 20,
            max_arrays: 1 << 17,
            compile_budget: Duration::from_secs(2),
            cache_capacity: 1024,
            keep_memory: 0,
        }
    }
}

/// The machine's best instruction set, or the one that `HOTLOOP_ISA` names if it is lower.
fn default_isa() -> Isa {
    let wanted = std::env::var("HOTLOOP_ISA").ok().and_then(|name| Isa::from_name(&name));
    wanted.map_or(Isa::detect(), |isa| isa.min(Isa::detect()))
}

/// The emitter that `HOTLOOP_EMITTER` names, for comparisons.
fn default_emitter() -> Emitter {
    let wanted = std::env::var("HOTLOOP_EMITTER").ok().and_then(|name| Emitter::from_name(&name));
    wanted.unwrap_or_default()
}

/// The value of `HOTLOOP_PERF`.
fn default_perf() -> Perf {
    let wanted = std::env::var("HOTLOOP_PERF").ok().and_then(|name| Perf::from_name(&name));
    wanted.unwrap_or_default()
}

/// Stops runs from another thread.
///
/// ```
/// use hotloop::{CancelToken, ErrorKind, RunOptions};
///
/// let token = CancelToken::new();
/// let program = hotloop::compile("a + 1")?.with(RunOptions::new().cancel(&token));
/// token.cancel();
/// let error = program.eval(("a", &[1.0, 2.0])).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not set.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Stops every run that has this token, within about a tile of 4,096 elements.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Clears the token.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Options of a program's runs; see [`Program::with`](crate::Program::with).
#[derive(Clone, Debug, Default)]
#[must_use = "`Program::with` takes them"]
pub struct RunOptions {
    cancel: Option<CancelToken>,
    deadline: Option<Duration>,
    pub(crate) limits: MemoryLimits,
    pub(crate) order: Order,
    pub(crate) progress: Option<Arc<Progress>>,
    pub(crate) stats: bool,
}

impl RunOptions {
    /// No token, no deadline.
    pub fn new() -> RunOptions {
        RunOptions::default()
    }

    /// Stops runs when the token is set.
    pub fn cancel(mut self, token: &CancelToken) -> RunOptions {
        self.cancel = Some(token.clone());
        self
    }

    /// Stops a run that takes longer than this, by the monotonic clock.
    ///
    /// ```
    /// use hotloop::{ErrorKind, RunOptions};
    ///
    /// let late = RunOptions::new().deadline(std::time::Duration::ZERO);
    /// let error = hotloop::compile("x + 1")?.with(late).eval(("x", &[1.0])).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn deadline(mut self, after: Duration) -> RunOptions {
        self.deadline = Some(after);
        self
    }

    /// The order of fresh outputs in memory; [`Order::K`] by default.
    ///
    /// ```
    /// use hotloop::ndarray::Array2;
    /// use hotloop::{Order, RunOptions};
    ///
    /// let x = Array2::<f64>::ones((3, 4));
    /// let program = hotloop::compile("x + 1")?;
    /// let y = program.eval_as::<f64>(("x", &x.t()))?;
    /// assert_eq!(y.strides(), [1, 4]);
    /// let program = program.with(RunOptions::new().order(Order::C));
    /// let y = program.eval_as::<f64>(("x", &x.t()))?;
    /// assert_eq!(y.strides(), [3, 1]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn order(mut self, order: Order) -> RunOptions {
        self.order = order;
        self
    }

    /// Reports progress: the number of elements over all passes, and the number done.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hotloop::explain::Progress;
    /// use hotloop::RunOptions;
    ///
    /// let progress = Arc::new(Progress::new());
    /// let program = hotloop::compile("x / sum(x)")?.with(RunOptions::new().progress(&progress));
    /// program.eval(("x", &[1.0, 2.0, 5.0]))?;
    /// assert_eq!((progress.done(), progress.total()), (6, 6));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn progress(mut self, progress: &Arc<Progress>) -> RunOptions {
        self.progress = Some(progress.clone());
        self
    }

    /// Approximate limit, in bytes, on the memory of a run over sources and sinks: blocks of them,
    /// copies of arrays that are read repeatedly, temporary arrays. 1 GiB by default. Blocks take
    /// at most an eighth of it, but at least a few MiB per thread and pass. The caller's arrays and
    /// fresh outputs do not count. In every run, the rows that windows and shifts of one pass keep
    /// may take half of it per thread, or 64 MiB; where they need more, the run is an error. The reference interpreter does not accept sources and sinks.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hotloop::{Arg, RunOptions, npy};
    ///
    /// let a = Arc::new(npy::open("examples/data/a.npy")?);
    /// let options = RunOptions::new().memory(64 << 20).temp_directory(std::env::temp_dir());
    /// let program = hotloop::compile("sum(abs(a - mean(a)))")?.with(options);
    /// assert!(program.eval_as::<f64>([("a", Arg::source(&a))])?[[]] > 0.0);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn memory(mut self, bytes: usize) -> RunOptions {
        self.limits.memory = bytes;
        self
    }

    /// The directory for temporary arrays of a run over sources and sinks that exceed
    /// [`memory`](RunOptions::memory); by default, the system's directory for temporary files.
    pub fn temp_directory(mut self, directory: impl AsRef<Path>) -> RunOptions {
        self.limits.directory = Some(directory.as_ref().into());
        self
    }

    /// Whether reports have statistics ([`Report::stats`](crate::Report::stats)).
    pub fn stats(mut self, wanted: bool) -> RunOptions {
        self.stats = wanted;
        self
    }

    /// Whether runs are neither watched nor stopped.
    pub(crate) fn are_plain(&self) -> bool {
        self.cancel.is_none() && self.deadline.is_none() && self.progress.is_none() && !self.stats
    }

    /// The cancel token and deadline of a run that starts now.
    pub(crate) fn control(&self) -> Control {
        Control {
            cancel: self.cancel.as_ref().map(|t| t.0.clone()),
            deadline: self.deadline.and_then(|after| Instant::now().checked_add(after)),
        }
    }
}
