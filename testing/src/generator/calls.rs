//! Sequences of API calls: each step gives the reference's bits or the expected error, and leaves
//! its arguments unchanged.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use hotloop::explain::Progress;
use hotloop::threads::Isa;
use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, Error, ErrorKind, Kernel, Mode, Order, Out,
    Outputs, Program, RunOptions,
};

use super::Case;
use super::check::{difference, different_elements};
use super::data::{Array, Input, Layout, Rng, Value};
use super::targets::Verdict;

/// Engines of every kind. Their caches are so small that kernels are evicted while they are in use.
static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
    let builder = || Engine::builder().cache_capacity(2).eager();
    vec![
        builder().threads(1).build(),
        builder().threads(2).backend(Backend::Native).build(),
        builder().threads(1).isa(Isa::Baseline).build(),
        builder().threads(2).backend(Backend::Interpreter).build(),
        Engine::builder().threads(2).build(),
    ]
});

static ORACLE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().threads(1).backend(Backend::Interpreter).build());

/// Runs one sequence.
///
/// # Errors
/// The steps, and what was wrong with the last one.
pub fn check(bytes: &[u8]) -> Verdict {
    let mut u = Unstructured::new(bytes);
    // Too few bytes for a sequence.
    let Ok(mut session) = Session::arbitrary(&mut u) else { return Ok(()) };
    let steps = u.int_in_range(1..=16).unwrap_or(1);
    let mut log = Vec::new();
    for _ in 0..steps {
        let Ok(step) = u.int_in_range(0..=STEPS.len() - 1) else { break };
        let (name, step) = STEPS[step];
        log.push(name);
        match step(&mut session, &mut u) {
            Ok(Ok(())) => {}
            Ok(Err(wrong)) => {
                let cases: Vec<_> =
                    session.cases.iter().map(|c| super::check::describe(&c.case)).collect();
                return Err(format!("{}: {wrong}\n{}", log.join(", "), cases.join("\n")));
            }
            Err(_) => break,
        }
        if let Some(case) = session.cases.iter().find(|c| c.bytes() != c.before) {
            return Err(format!("{}: an argument of {} changed", log.join(", "), case.case.text));
        }
    }
    Ok(())
}

/// The result of a step: whether it was correct, unless no bytes were left for it.
type Step = fn(&mut Session, &mut Unstructured) -> Result<Verdict>;

const STEPS: [(&str, Step); 11] = [
    ("compile", Session::compile),
    ("options", Session::options),
    ("eval", Session::eval),
    ("eval", Session::eval),
    ("into", Session::into),
    ("in place", Session::in_place),
    ("specialize", Session::specialize),
    ("bind", Session::bind),
    ("bind", Session::bind),
    ("wrong", Session::wrong),
    ("drop", Session::drop),
];

/// A program's text with its arguments and expected result.
struct Known {
    case: Case,
    want: std::result::Result<Outputs, Error>,
    /// The memory of the arguments.
    before: Vec<Vec<u8>>,
}

impl Known {
    fn bytes(&self) -> Vec<Vec<u8>> {
        let memory = |i: &Input| match &i.value {
            Value::Array(array) => array.bytes().to_vec(),
            _ => Vec::new(),
        };
        self.case.inputs.iter().map(memory).collect()
    }

    fn args(&self) -> Vec<(&str, Arg<'_>)> {
        self.case.inputs.iter().map(|i| (i.name, i.value.arg())).collect()
    }

    /// Checks the result of a run whose token was set before it began. Work that is too short to
    /// check the token, such as a copy of these arrays, is done all the same.
    fn stopped(&self, got: &std::result::Result<Outputs, Error>) -> Verdict {
        match got {
            Err(error) if error.kind() == ErrorKind::Cancelled => Ok(()),
            got => difference(&self.want, got).map_or(Ok(()), Err),
        }
    }

    /// The types of a program's inputs.
    fn types(&self, program: &Program) -> Vec<(&'static str, ArgType)> {
        let all = arg_types(&self.case.inputs);
        let read = |(name, _): &(&str, ArgType)| program.inputs().any(|i| i == *name);
        all.into_iter().filter(read).collect()
    }
}

/// The types of arguments; arguments of one shape have one shape class.
pub fn arg_types(inputs: &[Input]) -> Vec<(&'static str, ArgType)> {
    let mut shapes: Vec<&[usize]> = Vec::new();
    let ty = |input: &Input| match &input.value {
        Value::Array(array) if array.shape.is_empty() => ArgType::scalar(array.dtype),
        Value::Array(array) => ArgType::array(array.dtype),
        Value::Typed(dtype, _) => ArgType::scalar(*dtype),
        weak => ArgType::weak(weak.dtype().kind()),
    };
    let mut list = Vec::new();
    for input in inputs {
        let mut ty = ty(input);
        if let Value::Array(array) = &input.value
            && !array.shape.is_empty()
        {
            let class = shapes.iter().position(|s| *s == array.shape).unwrap_or_else(|| {
                shapes.push(&array.shape);
                shapes.len() - 1
            });
            ty = ArgType::array_of_shape(array.dtype, class as u8).expect("few shapes");
        }
        list.push((input.name, ty));
    }
    list
}

struct Session {
    cases: Vec<Known>,
    /// The programs, each with the index of its case.
    programs: Vec<(usize, Program)>,
    kernels: Vec<(usize, Kernel)>,
    token: CancelToken,
}

fn wrong(what: impl Into<String>) -> Result<Verdict> {
    Ok(Err(what.into()))
}

impl Session {
    fn arbitrary(u: &mut Unstructured) -> Result<Session> {
        let mut session = Session {
            cases: Vec::new(),
            programs: Vec::new(),
            kernels: Vec::new(),
            token: CancelToken::new(),
        };
        for _ in 0..u.int_in_range(1..=2)? {
            let case = Case { mode: Mode::Strict, ..Case::arbitrary(u)? };
            let want = super::check::run(&ORACLE, &case.text, &case);
            let mut known = Known { case, want, before: Vec::new() };
            known.before = known.bytes();
            session.cases.push(known);
        }
        session.compile(u)?.unwrap_or_default();
        Ok(session)
    }

    /// The program for the next step; there is always one.
    fn program(&self, u: &mut Unstructured) -> Result<(usize, Program)> {
        Ok(u.choose(&self.programs)?.clone())
    }

    fn compile(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let number = u.choose_index(self.cases.len())?;
        let engine = u.choose(&ENGINES)?;
        match engine.compile(&self.cases[number].case.text) {
            Ok(program) => self.programs.push((number, program)),
            Err(error)
                if self.cases[number].want.as_ref().err().map(Error::kind)
                    == Some(error.kind()) =>
            {
                // The session needs at least one program.
                let program = engine.compile("a").map_err(|_| arbitrary::Error::IncorrectFormat)?;
                self.cases[number].case.text = "a".to_string();
                let case = &self.cases[number].case;
                self.cases[number].want = super::check::run(&ORACLE, "a", case);
                self.programs.push((number, program));
            }
            Err(error) => return wrong(format!("{error:?}")),
        }
        Ok(Ok(()))
    }

    fn options(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let (case, program) = self.program(u)?;
        let order = *u.choose(&[Order::K, Order::C, Order::F])?;
        let mut options = RunOptions::new().order(order).cancel(&self.token);
        if u.arbitrary()? {
            options = options.deadline(Duration::from_secs(3600));
        }
        if u.arbitrary()? {
            options = options.progress(&Arc::new(Progress::new()));
        }
        self.programs.push((case, program.with(options)));
        Ok(Ok(()))
    }

    fn eval(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let (case, program) = self.program(u)?;
        let known = &self.cases[case];
        if u.ratio(1, 4)? {
            self.token.cancel();
            let got = program.with(RunOptions::new().cancel(&self.token)).eval(&known.args()[..]);
            self.token.reset();
            return Ok(known.stopped(&got));
        }
        let got = program.eval(&known.args()[..]);
        Ok(difference(&known.want, &got).map_or(Ok(()), Err))
    }

    fn into(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let (case, program) = self.program(u)?;
        let known = &self.cases[case];
        let Ok(want) = &known.want else { return Ok(Ok(())) };
        let mut arrays = targets(want, &mut Rng(u.arbitrary()?));
        let mut outs: Vec<Out> = arrays.iter_mut().map(Array::out).collect();
        if let Err(error) = program.eval_into(&known.args()[..], &mut outs) {
            return wrong(format!("{error:?}"));
        }
        drop(outs);
        Ok(same(want, &arrays))
    }

    /// An input with the output's type is overwritten.
    fn in_place(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let (case, program) = self.program(u)?;
        let known = &self.cases[case];
        let Ok(want) = &known.want else { return Ok(Ok(())) };
        let chosen = u.choose_index(want.len())?;
        let inputs = &known.case.inputs;
        let place = u.choose_index(inputs.len())?;
        let Value::Array(own) = &inputs[place].value else { return Ok(Ok(())) };
        let mut arrays = targets(want, &mut Rng(u.arbitrary()?));
        let mut own = own.clone();
        let output = &want[chosen];
        let fits = own.dtype == output.dtype() && own.shape == output.shape();
        let named = program.inputs().any(|n| n == inputs[place].name);
        let mut outs: Vec<Out> = arrays.iter_mut().map(Array::out).collect();
        outs[chosen] = Out::inout(inputs[place].name, own.out());
        let rest = inputs.iter().enumerate().filter(|(i, _)| *i != place);
        let args: Vec<(&str, Arg)> = rest.map(|(_, i)| (i.name, i.value.arg())).collect();
        let got = program.eval_into(&args[..], &mut outs);
        drop(outs);
        match got {
            Ok(_) if fits && named => {
                arrays[chosen] = own;
                Ok(same(want, &arrays))
            }
            Ok(_) => wrong("computed in place of what does not fit"),
            // Elements of the array itself may share an address.
            Err(error) if !fits || !named || error.kind() == ErrorKind::Alias => Ok(Ok(())),
            Err(error) => wrong(format!("{error:?}")),
        }
    }

    fn specialize(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let (case, program) = self.program(u)?;
        let known = &self.cases[case];
        let mut types = known.types(&program);
        if u.ratio(1, 4)? {
            // Other types, only some of which are valid.
            for (_, ty) in &mut types {
                let dtype = *u.choose(&DType::ALL)?;
                *ty = match u.int_in_range(0..=2)? {
                    0 => ArgType::array(dtype),
                    1 => ArgType::scalar(dtype),
                    _ => ArgType::weak(dtype.kind()),
                };
            }
            if u.ratio(1, 4)? {
                types.push(("nobody", ArgType::array(DType::F64)));
            }
            return Ok(match program.specialize(&types) {
                Ok(kernel) if kernel.explain().is_empty() => Err("no explanation".to_string()),
                Err(error) if error.kind() == ErrorKind::Internal => Err(format!("{error:?}")),
                _ => Ok(()),
            });
        }
        match (program.specialize(&types), &known.want) {
            (Ok(kernel), _) => self.kernels.push((case, kernel)),
            (Err(error), Err(want)) if error.kind() == want.kind() => {}
            (Err(error), _) => return wrong(format!("{error:?}")),
        }
        Ok(Ok(()))
    }

    /// Binds a kernel, perhaps drops everything else that keeps it alive, and runs it a few times.
    fn bind(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        if self.kernels.is_empty() {
            return self.specialize(u);
        }
        let number = u.choose_index(self.kernels.len())?;
        let (case, kernel) = self.kernels[number].clone();
        if u.arbitrary()? {
            self.kernels.swap_remove(number);
        }
        let known = &self.cases[case];
        let Ok(want) = &known.want else { return Ok(Ok(())) };
        let mut arrays = targets(want, &mut Rng(u.arbitrary()?));
        let runs = u.int_in_range(1..=3)?;
        let hosts: Vec<u8> = (0..runs).map(|_| u.int_in_range(0..=3)).collect::<Result<_>>()?;
        {
            let outs: Vec<Out> = arrays.iter_mut().map(Array::out).collect();
            let mut bound = match kernel.bind(&known.args()[..], outs) {
                Ok(bound) => bound,
                Err(error) => return wrong(format!("{error:?}")),
            };
            drop(kernel);
            for host in hosts {
                let ran = match host {
                    0 => bound.run_on(&|count, call| (0..count).rev().for_each(call)),
                    1 => bound.run_on(&|count, call| {
                        std::thread::scope(|scope| {
                            (0..count).for_each(|i| {
                                scope.spawn(move || call(i));
                            });
                        });
                    }),
                    _ => bound.run(),
                };
                if let Err(error) = ran {
                    return wrong(format!("{error:?}"));
                }
            }
        }
        Ok(same(want, &arrays))
    }

    /// Makes a call with wrong arguments, or one that is cancelled during the run.
    fn wrong(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        let (case, program) = self.program(u)?;
        let known = &self.cases[case];
        let Ok(want) = &known.want else { return Ok(Ok(())) };
        let mut args = known.args();
        let reads = |name: &str| program.inputs().any(|i| i == name);
        let place = u.choose_index(args.len())?;
        let name = args[place].0;
        match u.int_in_range(0..=7)? {
            0 => {
                args.remove(place);
                let got = program.eval(&args[..]);
                return Ok(expect(got, reads(name).then_some(ErrorKind::Name)));
            }
            1 => {
                args.push(args[place].clone());
                return Ok(expect(program.eval(&args[..]), Some(ErrorKind::Name)));
            }
            2 => {
                let list = vec![Arg::from(1.0); program.inputs().len() + 1];
                return Ok(expect(program.eval(&list[..]), Some(ErrorKind::Arity)));
            }
            3 => {
                // SAFETY: a null pointer is rejected before anything is read.
                args[place].1 = unsafe { Arg::raw(std::ptr::null(), &[3], &[8], DType::F64) };
                let got = program.eval(&args[..]);
                return Ok(expect(got, reads(name).then_some(ErrorKind::Layout)));
            }
            4 => {
                let many = vec![1usize; 65];
                let strides = vec![0isize; 65];
                // SAFETY: an array with that many axes is rejected before anything is read.
                args[place].1 = unsafe { Arg::raw([0u8; 8].as_ptr(), &many, &strides, DType::U8) };
                let got = program.eval(&args[..]);
                return Ok(expect(got, reads(name).then_some(ErrorKind::Limit)));
            }
            5 => {
                let few = targets(want, &mut Rng(1));
                let mut few: Vec<Array> = few.into_iter().skip(1).collect();
                let mut outs: Vec<Out> = few.iter_mut().map(Array::out).collect();
                let got = program.eval_into(&args[..], &mut outs);
                return Ok(expect(got, Some(ErrorKind::Arity)));
            }
            6 => {
                let mut arrays: Vec<Array> = want
                    .iter()
                    .map(|o| {
                        let other = if o.dtype() == DType::U8 { DType::I8 } else { DType::U8 };
                        Array::contiguous(other, o.shape(), 0)
                    })
                    .collect();
                let mut outs: Vec<Out> = arrays.iter_mut().map(Array::out).collect();
                let got = program.eval_into(&args[..], &mut outs);
                drop(outs);
                if arrays.iter().any(|a| a.bytes().iter().any(|b| *b != 0)) {
                    return wrong("an output of another dtype was written");
                }
                return Ok(expect(got, Some(ErrorKind::Type)));
            }
            _ => {}
        }
        let token = CancelToken::new();
        let program = program.with(RunOptions::new().cancel(&token));
        let kernel = match program.specialize(&known.types(&program)) {
            Ok(kernel) => kernel,
            Err(error) => return wrong(format!("{error:?}")),
        };
        let mut arrays = targets(want, &mut Rng(2));
        let ran = {
            let outs: Vec<Out> = arrays.iter_mut().map(Array::out).collect();
            let mut bound = match kernel.bind(&args[..], outs) {
                Ok(bound) => bound,
                Err(error) => return wrong(format!("{error:?}")),
            };
            let stopped = bound.run_on(&|count, call| {
                token.cancel();
                (0..count).for_each(call);
            });
            token.reset();
            if stopped.as_ref().is_err_and(|e| e.kind() != ErrorKind::Cancelled) {
                return wrong(format!("{stopped:?}"));
            }
            bound.run()
        };
        Ok(ran.map_err(|e| format!("after a stop: {e:?}")).and_then(|_| same(want, &arrays)))
    }

    fn drop(&mut self, u: &mut Unstructured) -> Result<Verdict> {
        if self.programs.len() > 1 {
            let number = u.choose_index(self.programs.len())?;
            self.programs.swap_remove(number);
        }
        if !self.kernels.is_empty() && u.arbitrary()? {
            let number = u.choose_index(self.kernels.len())?;
            self.kernels.swap_remove(number);
        }
        Ok(Ok(()))
    }
}

/// Arrays of random layouts for a program's outputs, filled with arbitrary bytes.
fn targets(want: &Outputs, rng: &mut Rng) -> Vec<Array> {
    let make = |o: &hotloop::Output| {
        let layout = Layout { odd: rng.below(2) == 0, ..Layout::ANY };
        let mut array = Array::strided(o.dtype(), o.shape(), rng, layout);
        array.bytes_mut().fill(0xa5);
        array
    };
    want.iter().map(make).collect()
}

fn same(want: &Outputs, arrays: &[Array]) -> Verdict {
    for (i, (output, array)) in want.iter().zip(arrays).enumerate() {
        if let Some(d) = different_elements(output.dtype(), &output.bytes(), &array.elements()) {
            return Err(format!("output {i} into {array} {d}"));
        }
    }
    Ok(())
}

/// Checks the result of a call with wrong arguments: the expected error, or none if the arguments
/// are unused.
fn expect<T>(got: std::result::Result<T, Error>, kind: Option<ErrorKind>) -> Verdict {
    match (got, kind) {
        (Ok(_), None) => Ok(()),
        (Err(error), Some(kind)) if error.kind() == kind => Ok(()),
        (Ok(_), Some(kind)) => Err(format!("no error of kind {}", kind.code())),
        (Err(error), kind) => Err(format!("{error:?} and not {:?}", kind.map(ErrorKind::code))),
    }
}
