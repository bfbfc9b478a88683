//! The options of the engine that programs run on.

use hotloop::{Engine, EngineBuilder, Mode};

/// The engine's options.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tuning {
    /// The maximum number of threads.
    pub threads: Option<usize>,
    /// The floating-point mode.
    pub mode: Mode,
}

impl Tuning {
    /// An engine with these options.
    pub(crate) fn engine(self) -> Engine {
        self.builder().build()
    }

    /// The same, that more can be said to.
    pub(crate) fn builder(self) -> EngineBuilder {
        let builder = Engine::builder().mode(self.mode);
        match self.threads {
            Some(threads) => builder.threads(threads),
            None => builder,
        }
    }
}
