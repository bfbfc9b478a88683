//! [`Engine`]: runs the stages from text to code, with limits and caches.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotloop_grammar::{SyntaxErrorKind, parse};
use hotloop_runtime::fpenv::FpEnv;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::per_process::PerProcess;
use hotloop_runtime::perf::Perf;
use hotloop_runtime::pool::Pool;
use hotloop_runtime::stack::with_room;
use rustc_hash::FxHashSet;

use crate::backend::cpu::{Emitter, Native, Portable};
#[cfg(feature = "host-device")]
use crate::backend::text;
use crate::backend::{Backend as _, Label, Refusal};
use crate::bind::Compiled;
use crate::cache::Cache;
use crate::error::{Error, ErrorKind, Result, Span, quoted, shown_program};
use crate::graph::{ArgType, Domain, Graph, Node, NodeId};
use crate::legalize::{Mode, legalize};
use crate::ops::Op;
use crate::optimize::optimize;
use crate::options::{Backend, Options};
use crate::origin::Origin;
use crate::plan::{Plan, Uniform, adoptions, plan};
use crate::program::Program;
use crate::resolve::resolve;
use crate::spare::Spare;

/// Compiles programs, and owns their shared threads, kernel caches and limits. Cheap to clone.
///
/// ```
/// let engine = hotloop::Engine::builder().threads(1).build();
/// let sum = engine.compile("sum(x * x)")?.eval_as::<f64>(("x", &[3.0, 4.0]))?;
/// assert_eq!(sum[[]], 25.0);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub options: Options,
    pub pool: Pool,
    programs: Cache<String, Result<Arc<Source>>>,
    native: Native,
    /// The device that stands in for others, if it is asked for.
    #[cfg(all(feature = "host-device", unix))]
    device: Option<HostDevice>,
    /// The memory of dropped outputs, if it is kept.
    pub spare: Option<Arc<Spare>>,
}

/// The text or graph of a program, and its kernels by input types.
pub(crate) struct Source {
    pub origin: Origin,
    pub inputs: Vec<Box<str>>,
    pub outputs: Vec<Option<Box<str>>>,
    pub kernels: Cache<Vec<ArgType>, Result<Arc<Kernels>>>,
    /// Time of parsing and resolving.
    pub took: Duration,
}

/// Stack bytes that compilation needs, with a margin; frames are larger without optimization.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };

/// Runs `work` with enough stack for compilation.
fn roomy<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    with_room(STACK, work).unwrap_or_else(|e| {
        Err(Error::new(ErrorKind::Limit, format!("no thread to compile on: {e}"))
            .hint("this thread's stack is too small"))
    })
}

impl Source {
    /// The name of the program's kernels: the text, or the output names of a graph.
    fn label(&self) -> Cow<'_, str> {
        match &self.origin {
            Origin::Text(terms) => (&**terms.source()).into(),
            Origin::Graph(_) => {
                let names: Vec<&str> = self.outputs.iter().flatten().map(|name| &**name).collect();
                format!("graph of {}", names.join(", ")).into()
            }
        }
    }

    /// Whether the engine caches it: a thousand large programs would not fit in memory.
    fn is_small(self: &Arc<Source>) -> bool {
        self.origin.len() <= LARGE_TERMS && self.origin.text().len() <= LARGE_TEXT
    }
}

/// A program compiled for one set of input types.
pub(crate) struct Kernels {
    /// The legalized graph, from which every backend starts.
    pub graph: Graph,
    /// The span in the text of each derived shape of the graph.
    pub places: Vec<Span>,
    /// The domains of all nodes, to be checked before a run.
    pub domains: Vec<Domain>,
    /// The reductions that are undefined over no elements, with their operands.
    pub extremes: Vec<(Op, NodeId)>,
    /// The uniforms that check that weak arguments fit the dtypes they adopt.
    pub adoptions: Vec<Uniform>,
    /// The plan with its code; `None` for the interpreter.
    pub compiled: Option<Arc<Compiled>>,
    /// Time of compilation.
    pub took: Duration,
}

impl Kernels {
    /// Whether every pass has native code.
    pub fn is_native(&self) -> bool {
        self.compiled.as_ref().is_some_and(|compiled| compiled.refusal.is_none())
    }

    /// The plan; `None` for the interpreter.
    pub fn plan(&self) -> Option<&Plan> {
        self.compiled.as_ref().map(|compiled| &compiled.plan)
    }

    /// Analyses a graph; there is no code yet.
    fn of(graph: Graph, places: Vec<Span>) -> Result<Kernels> {
        let live = graph.live();
        let (mut domains, mut extremes) = (Vec::new(), Vec::new());
        for id in graph.ids().filter(|id| live[id.index()]) {
            domains.push(graph.ty(id).domain);
            if let Node::Apply(op @ (Op::Min | Op::Max | Op::Argmin | Op::Argmax), _) =
                graph.node(id)
            {
                extremes.push((*op, id));
            }
        }
        domains.sort_unstable();
        domains.dedup();
        let adoptions = adoptions(&graph)?;
        let (compiled, took) = (None, Duration::ZERO);
        Ok(Kernels { graph, places, domains, extremes, adoptions, compiled, took })
    }
}

/// A builder of engines.
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the engine"]
pub struct EngineBuilder(Options);

impl EngineBuilder {
    /// The number of threads for large arrays, the caller's included; at most 1,024. By default,
    /// the number available to this process by its affinity and control group.
    ///
    /// A program that runs on a worker of a rayon pool uses at most this many of that pool's
    /// threads instead.
    pub fn threads(mut self, threads: usize) -> EngineBuilder {
        self.0.threads = threads.max(1);
        self
    }

    /// Runs on all threads of this rayon pool, and starts none.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let pool = hotloop::threads::rayon::ThreadPoolBuilder::new().num_threads(2).build().map(Arc::new);
    /// let engine = hotloop::Engine::builder().pool(pool.expect("threads")).build();
    /// let y = engine.compile("a + 1")?.eval_as::<f64>([hotloop::Arg::from(&[1.0])])?;
    /// assert_eq!(y[[0]], 2.0);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn pool(mut self, pool: Arc<rayon::ThreadPool>) -> EngineBuilder {
        self.0.pool = Some(pool);
        self
    }

    /// Pins the engine's threads to these cores, round robin. The engine then starts all of its
    /// [`threads`](EngineBuilder::threads), and the caller's thread takes no part in large runs. A
    /// thread that cannot be pinned runs anywhere; [`pool`](EngineBuilder::pool) takes precedence.
    pub fn pin(mut self, cores: &[usize]) -> EngineBuilder {
        self.0.cores = cores.into();
        self
    }

    /// How long the engine's own threads poll for the next run before they sleep, at most 1 ms;
    /// 200 µs by default. [`Duration::ZERO`] lets them sleep at once, nearly: waking a thread takes
    /// tens of microseconds, which small runs in quick succession then lose.
    ///
    /// Threads never poll for long where the processor time of the process is limited (`cpu.max` of
    /// its control group), nor more of them than it has processors.
    pub fn spin(mut self, time: Duration) -> EngineBuilder {
        self.0.spin = Some(time);
        self
    }

    /// Uses all threads for arrays of any size; for tests.
    pub fn eager(mut self) -> EngineBuilder {
        self.0.eager = true;
        self
    }

    /// The floating-point mode; `Strict` by default.
    pub fn mode(mut self, mode: Mode) -> EngineBuilder {
        self.0.mode = mode;
        self
    }

    /// The backend; for tests and comparisons.
    pub fn backend(mut self, backend: Backend) -> EngineBuilder {
        self.0.backend = backend;
        self
    }

    /// A lower instruction set than the machine's, for tests; results have the same bits. The
    /// environment variable `HOTLOOP_ISA` (`baseline`, `avx2`, `avx512`) sets the default.
    pub fn isa(mut self, isa: Isa) -> EngineBuilder {
        self.0.isa = isa.min(Isa::detect());
        self
    }

    /// The emitter of native code, for tests and comparisons.
    #[doc(hidden)]
    pub fn emitter(mut self, emitter: Emitter) -> EngineBuilder {
        self.0.emitter = emitter;
        self
    }

    /// Registers kernels with the profiler `perf` under names such as `hotloop: sin(a)**2 + 1 [pass
    /// 0]`; a shared kernel has the name of the first program that used it. Failure to write the
    /// file is ignored. The environment variable `HOTLOOP_PERF` (`off`, `map`, `jitdump`) sets the
    /// default.
    pub fn perf(mut self, perf: Perf) -> EngineBuilder {
        self.0.perf = perf;
        self
    }

    /// The longest text, in bytes; 1 MiB by default.
    pub fn max_text(mut self, bytes: usize) -> EngineBuilder {
        self.0.max_text = bytes;
        self
    }

    /// The most operations after inlining; 2^20 by default.
    pub fn max_nodes(mut self, nodes: usize) -> EngineBuilder {
        // At most half of the range, because passes may double a program.
        self.0.max_nodes = nodes.min(usize::MAX / 2);
        self
    }

    /// The most inputs and outputs; 2^17 by default.
    pub fn max_arrays(mut self, arrays: usize) -> EngineBuilder {
        self.0.max_arrays = arrays;
        self
    }

    /// How long native compilation may take before the portable backend takes over; 2 s by
    /// default.
    pub fn compile_budget(mut self, budget: Duration) -> EngineBuilder {
        self.0.compile_budget = budget.min(LONGEST_BUDGET);
        self
    }

    /// The number of cached programs and of cached kernels; 1024 each by default.
    pub fn cache_capacity(mut self, capacity: usize) -> EngineBuilder {
        self.0.cache_capacity = capacity;
        self
    }

    /// How many bytes of dropped outputs are kept for later ones; none by default.
    ///
    /// The system clears the pages of a fresh large array, which takes about as long as computing
    /// its elements. An output of as many elements of the same dtype takes the memory of a dropped
    /// one as it is. Memory that was taken as an array or a `Vec` does not come back.
    ///
    /// ```
    /// let engine = hotloop::Engine::builder().keep_memory(1 << 30).build();
    /// let program = engine.compile("2*x + 1")?;
    /// let x = vec![1.0; 1 << 20];
    /// let first = program.eval(("x", &x))?[0].as_ptr();
    /// let again = program.eval(("x", &x))?;
    /// assert_eq!(again[0].as_ptr(), first);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn keep_memory(mut self, bytes: usize) -> EngineBuilder {
        self.0.keep_memory = bytes;
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        let pool = match &self.0.pool {
            Some(pool) => Pool::host(pool.clone()),
            None if self.0.cores.is_empty() => Pool::new(self.0.threads),
            None => Pool::pinned(self.0.threads, &self.0.cores),
        };
        let pool = match self.0.spin {
            Some(time) => pool.spinning(time),
            None => pool,
        };
        Engine(Arc::new(Shared {
            pool: if self.0.eager { pool.eager() } else { pool },
            programs: Cache::new(self.0.cache_capacity),
            native: Native::new(self.0.isa, self.0.emitter, self.0.cache_capacity),
            #[cfg(all(feature = "host-device", unix))]
            device: (self.0.backend == Backend::HostDevice).then(HostDevice::new),
            spare: Spare::new(self.0.keep_memory).map(Arc::new),
            options: self.0,
        }))
    }
}

/// The device that stands in for others, and the kernels on it.
#[cfg(all(feature = "host-device", unix))]
struct HostDevice {
    driver: Arc<hotloop_runtime::device::Host>,
    library: Arc<text::Library>,
}

#[cfg(all(feature = "host-device", unix))]
impl HostDevice {
    fn new() -> HostDevice {
        let driver = Arc::new(hotloop_runtime::device::Host::new(0));
        let library = text::Library::new(driver.clone(), text::Dialect::Host);
        HostDevice { driver, library: Arc::new(library) }
    }
}

/// Longer than any wait, and short enough to add to an `Instant`.
const LONGEST_BUDGET: Duration = Duration::from_secs(1 << 32);

/// Kernels cached for one program: dtypes and shapes vary less than texts.
const KERNELS_OF_A_PROGRAM: usize = 64;

/// Limits on terms and bytes of text beyond which a program is not cached.
const LARGE_TERMS: usize = 10_000;
const LARGE_TEXT: usize = 64 << 10;

/// The maximum number of characters of the text in a kernel's name.
const MOST_SHOWN: usize = 60;

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Default for Engine {
    /// A new engine with the default options.
    fn default() -> Engine {
        Engine::builder().build()
    }
}

impl Engine {
    /// Returns a builder with the default options.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The engine that [`compile`](crate::compile) uses.
    pub fn shared() -> &'static Engine {
        static SHARED: PerProcess<Engine> = PerProcess::new();
        SHARED.get_or_make(|| Engine::builder().build())
    }

    /// Parses and resolves a program. Code is generated when the dtypes are known.
    ///
    /// # Errors
    /// `Lex`, `Parse`, `Name`, `Arity` and `Limit`, with the place in the text; `Type` for errors
    /// that no dtype could avoid.
    pub fn compile(&self, text: &str) -> Result<Program> {
        let options = &self.0.options;
        if text.len() > options.max_text {
            let message = format!(
                "the text has {} bytes; at most {} are allowed",
                text.len(),
                options.max_text
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let source = self.0.programs.get(
            text,
            || roomy(|| self.parse(text).map(Arc::new)),
            |made| made.as_ref().is_ok_and(Source::is_small),
        )?;
        Ok(Program::new(self.clone(), source))
    }

    fn parse(&self, text: &str) -> Result<Source> {
        // Constants must be rounded in the default mode, whatever the host's thread has set.
        let started = Instant::now();
        let _environment = FpEnv::enter();
        let text: Arc<str> = text.into();
        let ast = parse(&text).map_err(|e| {
            let kind = match e.kind {
                SyntaxErrorKind::Lex => ErrorKind::Lex,
                SyntaxErrorKind::Parse => ErrorKind::Parse,
            };
            e.hints
                .iter()
                .fold(Error::new(kind, e.message), |error, hint| error.hint(hint))
                .at(e.span, &text)
        })?;
        let terms = resolve(&text, &ast, self.0.options.max_nodes)?;
        let inputs = terms.inputs().to_vec();
        let outputs: Vec<_> = terms.output_names().map(|name| name.map(Into::into)).collect();
        self.check_count(inputs.len().max(outputs.len()))?;
        let kernels = Cache::new(KERNELS_OF_A_PROGRAM);
        let origin = Origin::Text(terms);
        Ok(Source { origin, inputs, outputs, kernels, took: started.elapsed() })
    }

    fn check_count(&self, arrays: usize) -> Result<()> {
        let most = self.0.options.max_arrays;
        if arrays > most {
            let message = format!("the program has {arrays} arrays; at most {most} are allowed");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// Makes a program from a graph, with names for its inputs and outputs. Arguments must match
    /// the graph's inputs in dtype, weakness and shape class.
    ///
    /// ```
    /// use hotloop::graph::{ArgType, Builder};
    /// use hotloop::graph::Op;
    /// use hotloop::{DType, Engine};
    ///
    /// let mut b = Builder::new();
    /// let [price, amount] = [DType::F64, DType::I32].map(|dtype| b.input(ArgType::array(dtype)));
    /// let paid = b.apply(Op::Mul, &[price, amount])?;
    /// let total = b.reduce(Op::Sum, &[paid], None, false)?;
    /// let graph = b.finish(vec![total])?;
    /// let program = Engine::shared().compile_graph(graph, &["price", "amount"], &["total"])?;
    /// let (price, amount) = ([1.5, 2.0], [4, 3]);
    /// let outputs = program.eval((("price", &price), ("amount", &amount)))?;
    /// assert_eq!(outputs["total"].view::<f64>()?[[]], 12.0);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Arity` if the numbers of names, inputs and outputs differ or there is no output; `Name` for
    /// a duplicate name; `Limit`.
    pub fn compile_graph(
        &self,
        graph: Graph,
        inputs: &[&str],
        outputs: &[&str],
    ) -> Result<Program> {
        let started = Instant::now();
        let named =
            [("input", inputs, graph.inputs().len()), ("output", outputs, graph.outputs().len())];
        for (what, names, count) in named {
            if names.len() != count {
                let message = format!("{} names for {count} {what}s", names.len());
                return Err(Error::new(ErrorKind::Arity, message));
            }
            let mut known = FxHashSet::default();
            if let Some(name) = names.iter().find(|name| !known.insert(**name)) {
                let message = format!("two {what}s have the name {}", quoted(name));
                return Err(Error::new(ErrorKind::Name, message));
            }
        }
        if outputs.is_empty() {
            return Err(Error::new(ErrorKind::Arity, "the graph has no output"));
        }
        self.check_count(inputs.len().max(outputs.len()))?;
        let most = self.0.options.max_nodes;
        if graph.len() > most {
            let message =
                format!("the graph has {} nodes; at most {most} are allowed", graph.len());
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let source = Source {
            origin: Origin::Graph(graph),
            inputs: inputs.iter().map(|name| (*name).into()).collect(),
            outputs: outputs.iter().map(|name| Some((*name).into())).collect(),
            kernels: Cache::new(1),
            took: started.elapsed(),
        };
        Ok(Program::new(self.clone(), Arc::new(source)))
    }

    /// The kernels of a program for these input types.
    pub(crate) fn kernels(&self, source: &Source, types: &[ArgType]) -> Result<Arc<Kernels>> {
        let make = || roomy(|| self.specialize(source, types).map(Arc::new));
        // A refusal because no thread was free is temporary, so it is not cached.
        let busy = |compiled: &Arc<Compiled>| compiled.refusal == Some(Refusal::Busy);
        let lasting = |kernels: &Arc<Kernels>| !kernels.compiled.as_ref().is_some_and(busy);
        source.kernels.get(types, make, |made| made.as_ref().is_ok_and(lasting))
    }

    fn specialize(&self, source: &Source, types: &[ArgType]) -> Result<Kernels> {
        let started = Instant::now();
        let _environment = FpEnv::enter();
        let (graph, places) = source.origin.graph(types)?;
        let graph = legalize(&graph, self.0.options.mode, 2 * self.0.options.max_nodes)?;
        let mut kernels = Kernels::of(graph, places)?;
        if self.0.options.backend != Backend::Interpreter {
            let compiled = self.plan_and_compile(&kernels.graph, &source.label())?;
            kernels.compiled = Some(Arc::new(compiled));
        }
        kernels.took = started.elapsed();
        Ok(kernels)
    }

    /// Plans a graph and compiles its passes: natively, and portably from the first refused pass
    /// on.
    fn plan_and_compile(&self, graph: &Graph, text: &str) -> Result<Compiled> {
        let isa = self.0.options.isa;
        let deadline = Instant::now() + self.0.options.compile_budget;
        let graph = optimize(graph.clone())?;
        let plan = plan(&graph)?;
        let mut refusal = match self.0.options.backend {
            Backend::Portable => Some(Refusal::Unwanted),
            #[cfg(feature = "host-device")]
            Backend::HostDevice => Some(Refusal::Unwanted),
            _ => None,
        };
        let mut tiles = Vec::with_capacity(plan.passes.len());
        for (number, pass) in plan.passes.iter().enumerate() {
            if refusal.is_none() && number > 0 && Instant::now() >= deadline {
                refusal = Some(Refusal::TooLarge);
            }
            if refusal.is_none() {
                match self.0.native.compile(pass, self.label(text, number), deadline) {
                    Ok(tile) => {
                        tiles.push(tile);
                        continue;
                    }
                    Err(why) => refusal = Some(why),
                }
            }
            let tile = Portable(isa).compile(pass, Label::default(), deadline);
            tiles.push(tile.map_err(|why| Error::internal(format!("{why:?}")))?);
        }
        #[cfg(feature = "host-device")]
        let kernels = self.device_kernels(&plan);
        Ok(Compiled {
            plan,
            tiles,
            isa,
            #[cfg(feature = "host-device")]
            kernels,
            refusal,
        })
    }

    /// The kernels of the passes that the device takes.
    #[cfg(feature = "host-device")]
    fn device_kernels(&self, plan: &Plan) -> Vec<Option<text::Kernel>> {
        #[cfg(unix)]
        if let Some(device) = &self.0.device {
            let kernel = |pass| Some(device.library.kernel(text::Text::new(pass).ok()?));
            return plan.passes.iter().map(kernel).collect();
        }
        let _ = plan;
        Vec::new()
    }

    /// How many kernels have run on the device; for tests.
    #[cfg(all(feature = "host-device", unix))]
    #[doc(hidden)]
    pub fn launches(&self) -> u64 {
        self.0.device.as_ref().map_or(0, |device| device.driver.launches())
    }

    /// The name of a pass's code.
    fn label(&self, text: &str, pass: usize) -> Label {
        match self.0.options.perf {
            Perf::Off => Label::default(),
            perf => Label {
                perf,
                name: format!("hotloop: {} [pass {pass}]", shown_program(text, MOST_SHOWN)),
            },
        }
    }
}
