//! Code of both widths, executed and compared with what block kernels give.

mod constants;
mod conversions;
mod evaluator;

use hotloop_runtime::cell::Cell;
use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::exec_memory::publish;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{ROWS, Reduction, Runs, row_lanes};
use hotloop_runtime::tile::{CarryState, TileFn};

use super::*;
use crate::backend::cpu::tile::{Accumulate, Carried};
use crate::ops::{Row, Rule, TABLE};
use evaluator::Evaluator;

/// A generator of random numbers.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }
}

/// A fused step with the lanes of what it reads and writes.
struct Program {
    tile: TileProgram,
    inputs: Vec<Lane>,
    uniforms: Vec<(Lane, u64)>,
    outputs: Vec<Lane>,
}

fn dtypes(bits: u8) -> &'static [DType] {
    match bits {
        8 => &[DType::I8, DType::U8],
        16 => &[DType::I16, DType::U16],
        32 => &[DType::I32, DType::U32, DType::F32],
        _ => &[DType::I64, DType::U64, DType::F64],
    }
}

/// The bits of an element: a special one, a small one, or any.
fn element(lane: Lane, rng: &mut Rng) -> u64 {
    let Lane::Value(dtype) = lane else { return if rng.below(2) == 0 { 0 } else { !0 } };
    let bits = rng.next();
    if dtype == DType::Bool {
        return [0, 0, 1, bits][rng.below(4)];
    }
    match dtype {
        DType::F64 => {
            let list =
                [0.0, -0.0, 1.0, -1.5, f64::NAN, f64::INFINITY, -f64::INFINITY, 1e300, 5e-324];
            match rng.below(4) {
                0 => list[rng.below(list.len())].to_bits(),
                1 => bits,
                _ => ((bits as i32 as f64) / 65536.0).to_bits(),
            }
        }
        DType::F32 => {
            let list = [0.0, -0.0, 1.0, -1.5, f32::NAN, f32::INFINITY, -f32::INFINITY, 1e38, 1e-45];
            match rng.below(4) {
                0 => list[rng.below(list.len())].to_bits().into(),
                1 => bits,
                _ => ((bits as i16 as f32) / 256.0).to_bits().into(),
            }
        }
        _ => match rng.below(4) {
            0 => [0, 1, !0, 1 << 63, !0 >> 1, 1 << 31, 1 << 15, 1 << 7][rng.below(8)],
            1 => rng.below(4) as u64,
            _ => bits,
        },
    }
}

/// What random steps are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// With more values alive at once than there are registers.
    Crowded,
    /// With lanes of several widths, which conversions connect, as far as an instruction set can.
    Mixed(Isa),
}

/// A step under way.
struct Making<'a> {
    rng: &'a mut Rng,
    kind: Kind,
    code: Vec<Instr>,
    lanes: Vec<Option<Lane>>,
    inputs: Vec<Lane>,
    uniforms: Vec<(Lane, u64)>,
}

impl Making<'_> {
    fn push(&mut self, instr: Instr, lane: Lane) -> u32 {
        self.code.push(instr);
        self.lanes.push(Some(lane));
        self.code.len() as u32 - 1
    }

    fn load(&mut self, lane: Lane, uniform: bool) -> u32 {
        let place = if uniform && lane != Lane::Value(DType::Bool) {
            self.uniforms.push((lane, element(lane, self.rng)));
            Place::Uniform(self.uniforms.len() as u32 - 1)
        } else {
            self.inputs.push(lane);
            Place::Input(self.inputs.len() as u32 - 1)
        };
        self.push(Instr::Load(place, lane), lane)
    }

    /// A value in a lane: one that is there, a new one, or another that is converted.
    fn value(&mut self, wanted: Lane) -> u32 {
        let of = |test: &dyn Fn(Lane) -> bool| -> Vec<usize> {
            let known = self.lanes.iter().enumerate();
            known.filter(|(_, lane)| lane.is_some_and(test)).map(|(at, _)| at).collect()
        };
        let mut there = of(&|lane| lane == wanted);
        if let Kind::Mixed(isa) = self.kind
            && (there.is_empty() || self.rng.below(3) == 0)
        {
            let able = of(&|lane| lane != wanted && convert::converts(lane, wanted, isa));
            if !able.is_empty() {
                let x = able[self.rng.below(able.len())];
                let from = self.lanes[x].expect("it has a lane");
                return self.push(Instr::Convert(from, wanted, x as u32), wanted);
            }
        }
        if self.kind != Kind::Crowded && self.rng.below(4) > 0 {
            there = there.split_off(there.len().saturating_sub(4));
        }
        match there.len() {
            0 => {
                let uniform = self.rng.below(3) == 0;
                self.load(wanted, uniform)
            }
            _ if self.rng.below(6) == 0 && self.uniforms.len() + self.inputs.len() < 24 => {
                self.load(wanted, true)
            }
            len => there[self.rng.below(len)] as u32,
        }
    }
}

/// A random step.
fn random(rng: &mut Rng, kind: Kind) -> Program {
    let crowded = kind == Kind::Crowded;
    let mut bits = [8, 16, 32, 64][rng.below(4)];
    let count = 1 + rng.below(if crowded { 150 } else { 30 });
    let (code, lanes) = (Vec::new(), Vec::new());
    let mut making = Making { rng, kind, code, lanes, inputs: Vec::new(), uniforms: Vec::new() };
    for _ in 0..count {
        if matches!(kind, Kind::Mixed(_)) {
            bits = [8, 16, 32, 32, 64, 64][making.rng.below(6)];
            if making.rng.below(8) == 0 {
                making.load(Lane::Value(DType::Bool), false);
            }
        }
        let list = [dtypes(bits), &[DType::Bool]].concat();
        let dtype = list[making.rng.below(list.len())];
        let fits = |row: &&Row| {
            let reduces = matches!(row.rule, Rule::Total | Rule::Extreme);
            !reduces
                && forms::wide(row.op, dtype, Isa::Avx2)
                && row.op.kernel(dtype, Isa::Baseline).is_some()
        };
        let rows: Vec<&Row> = TABLE.iter().filter(fits).collect();
        let row = rows[making.rng.below(rows.len())];
        let lane = |dtype| if dtype == DType::Bool { Lane::Mask(bits) } else { Lane::Value(dtype) };
        let mut args = [0; 3];
        for (at, arg) in args.iter_mut().enumerate().take(row.parameters.len()) {
            *arg = making.value(match (row.op, at) {
                (Op::Select, 0) => Lane::Mask(bits),
                _ => lane(dtype),
            });
        }
        let compares = matches!(row.rule, Rule::Comparison | Rule::Predicate);
        let made = if compares { Lane::Mask(bits) } else { lane(dtype) };
        making.push(Instr::Apply(row.op, dtype, args), made);
    }
    let Making { rng, mut code, mut lanes, inputs, uniforms, .. } = making;
    let last = code.len() - 1;
    let stores = if crowded { 40 } else { 2 };
    let mut outputs = Vec::new();
    for store in 0..=stores {
        let mut at = if store == 0 { last } else { rng.below(last + 1) };
        let Some(mut lane) = lanes[at] else { continue };
        if matches!((kind, lane), (Kind::Mixed(_), Lane::Mask(_))) && rng.below(2) == 0 {
            code.push(Instr::Convert(lane, Lane::Value(DType::Bool), at as u32));
            lane = Lane::Value(DType::Bool);
            lanes.push(Some(lane));
            at = code.len() - 1;
        }
        code.push(Instr::Store(Place::Output(outputs.len() as u32), at as u32));
        lanes.push(None);
        outputs.push(lane);
    }
    if matches!(kind, Kind::Mixed(_)) {
        bits = lanes.iter().flatten().map(|lane| lane.bits()).max().expect("a lane");
    }
    let tile = TileProgram {
        steps: vec![Step::Fused(bits, code)],
        inputs: inputs.len() as u32,
        outputs: outputs.len() as u32,
        slots: 0,
        carries: Vec::new(),
        scans: Vec::new(),
        repeated: Vec::new(),
    };
    Program { tile, inputs, uniforms, outputs }
}

/// An array of elements with room beyond them, which nobody may write.
fn array(lane: Lane, n: usize, mut element: impl FnMut(usize) -> u64) -> Vec<u8> {
    let size = lane.bytes();
    let mut bytes = vec![0xEE; (n.next_multiple_of(64) + 64) * size];
    for at in 0..n {
        bytes[at * size..(at + 1) * size].copy_from_slice(&element(at).to_le_bytes()[..size]);
    }
    bytes
}

fn bits_at(bytes: &[u8], size: usize, at: usize) -> u64 {
    let mut word = [0; 8];
    word[..size].copy_from_slice(&bytes[at * size..(at + 1) * size]);
    u64::from_le_bytes(word)
}

/// What block kernels make of a step: truth values as bytes, the outputs in their order.
fn expected(program: &Program, inputs: &[Vec<u8>], n: usize) -> Vec<Vec<u8>> {
    let Step::Fused(_, code) = &program.tile.steps[0] else { panic!("a fused step") };
    let byte = |lane: Lane| match lane {
        Lane::Mask(_) => Lane::Value(DType::Bool),
        lane => lane,
    };
    let read = |bytes: &[u8], lane: Lane, at: usize| match lane {
        Lane::Mask(_) => bits_at(bytes, lane.bytes(), at) & 1,
        _ => bits_at(bytes, lane.bytes(), at),
    };
    let mut made: Vec<Vec<u8>> = Vec::new();
    let mut outputs = Vec::new();
    for instr in code {
        let value = match instr {
            Instr::Load(Place::Uniform(number), lane) => {
                let bits = program.uniforms[*number as usize].1;
                let bits = if matches!(lane, Lane::Mask(_)) { bits & 1 } else { bits };
                array(byte(*lane), n, |_| bits)
            }
            Instr::Load(Place::Input(number), lane) => {
                array(byte(*lane), n, |at| read(&inputs[*number as usize], *lane, at))
            }
            Instr::Apply(op, dtype, args) => {
                let count = op.row().parameters.len();
                let kernel = op.kernel(*dtype, Isa::Baseline).expect("a kernel");
                let mut out = vec![0; n * 8];
                let mut sources = [std::ptr::null(); 3];
                for (source, x) in sources.iter_mut().zip(&args[..count]) {
                    *source = made[*x as usize].as_ptr();
                }
                let [a, b, c] = sources;
                // SAFETY: each array has `n` elements.
                unsafe { kernel(out.as_mut_ptr(), a, b, c, n) };
                out
            }
            Instr::Convert(from, to, x) => {
                let kernel = kernels::convert(byte(*from), byte(*to), Isa::Baseline);
                let mut out = vec![0; n * 8];
                let (x, none) = (made[*x as usize].as_ptr(), std::ptr::null());
                // SAFETY: each array has `n` elements.
                unsafe { kernel.expect("a kernel")(out.as_mut_ptr(), x, none, none, n) };
                out
            }
            Instr::Store(_, x) => {
                outputs.push(made[*x as usize].clone());
                Vec::new()
            }
            _ => panic!("an instruction of these tests"),
        };
        made.push(value);
    }
    outputs
}

/// Runs code for what it writes.
fn outputs(
    program: &Program,
    inputs: &[Vec<u8>],
    n: usize,
    width: Width,
    native: bool,
) -> Result<Vec<Vec<u8>>, String> {
    let emitted = emit(&program.tile, width, Isa::Baseline).map_err(|e| format!("{e:?}"))?;
    let cells: Vec<Cell> = program
        .uniforms
        .iter()
        .map(|(lane, bits)| match lane {
            Lane::Mask(_) => Cell::mask(*bits != 0),
            lane => Cell::splat(*bits, lane.bytes()),
        })
        .collect();
    let mut inputs = inputs.to_vec();
    let mut outputs: Vec<Vec<u8>> =
        program.outputs.iter().map(|lane| array(*lane, n, |_| 0xEEEE_EEEE_EEEE_EEEE)).collect();
    let mut table: Vec<*mut u8> = vec![cells.as_ptr().cast_mut().cast()];
    table.extend(inputs.iter_mut().map(|array| array.as_mut_ptr()));
    table.extend(outputs.iter_mut().map(|array| array.as_mut_ptr()));
    if native {
        let code = publish(&emitted.code).map_err(|e| e.to_string())?;
        // SAFETY: it is a function of this signature, and the table has its layout.
        unsafe {
            let function = std::mem::transmute::<*const u8, TileFn>(code.as_ptr());
            function(table.as_ptr(), n);
        }
    } else {
        // SAFETY: as above.
        unsafe { Evaluator::run(&emitted.code, table.as_ptr(), n) };
    }
    let end = if n >= emitted.block { n } else { emitted.block };
    for (number, (lane, output)) in program.outputs.iter().zip(&outputs).enumerate() {
        if output[end * lane.bytes()..].iter().any(|byte| *byte != 0xEE) {
            return Err(format!("out{number} is written beyond {n} elements"));
        }
    }
    Ok(outputs)
}

/// Runs code and says where it differs.
fn run(
    program: &Program,
    inputs: &[Vec<u8>],
    n: usize,
    width: Width,
    native: bool,
) -> Result<(), String> {
    let outputs = outputs(program, inputs, n, width, native)?;
    let right = expected(program, inputs, n);
    for (number, (lane, (got, want))) in
        program.outputs.iter().zip(outputs.iter().zip(&right)).enumerate()
    {
        let size = lane.bytes();
        for at in 0..n {
            let got = bits_at(got, size, at);
            let same = match lane {
                Lane::Mask(_) => {
                    got == if bits_at(want, 1, at) == 1 { !0 >> (64 - 8 * size) } else { 0 }
                }
                Lane::Value(DType::F64) => {
                    let want = bits_at(want, 8, at);
                    got == want || f64::from_bits(got).is_nan() && f64::from_bits(want).is_nan()
                }
                Lane::Value(DType::F32) => {
                    let want = bits_at(want, 4, at);
                    let is_nan = |bits: u64| f32::from_bits(bits as u32).is_nan();
                    got == want || is_nan(got) && is_nan(want)
                }
                Lane::Value(_) => got == bits_at(want, size, at),
            };
            if !same {
                return Err(format!("out{number} differs at element {at} of {n}: {got:#x}"));
            }
        }
    }
    Ok(())
}

fn check(seed: u64, kind: Kind) {
    let mut rng = Rng(seed);
    let program = random(&mut rng, kind);
    let most = [8, 70, 300][rng.below(3)];
    let n = 1 + rng.below(most);
    let inputs: Vec<Vec<u8>> =
        program.inputs.iter().map(|lane| array(*lane, n, |_| element(*lane, &mut rng))).collect();
    for (width, isa) in [(Width::Ymm, Isa::Avx2), (Width::Zmm, Isa::Avx512)] {
        for native in [false, true] {
            let cannot = matches!(kind, Kind::Mixed(most) if isa < most);
            if cannot || native && Isa::detect() < isa {
                continue;
            }
            if let Err(difference) = run(&program, &inputs, n, width, native) {
                panic!(
                    "seed {seed:#x}, {width:?}, native: {native}: {difference}\n{}",
                    program.tile
                );
            }
        }
    }
}

#[test]
fn random_steps_give_what_kernels_give() {
    (0..600).for_each(|seed| check(seed, Kind::Plain));
}

#[test]
fn mixed_widths_give_what_kernels_give() {
    (0..600).for_each(|seed| check(0x2_0000 + seed, Kind::Mixed(Isa::Avx2)));
    (0..300).for_each(|seed| check(0x3_0000 + seed, Kind::Mixed(Isa::Avx512)));
}

/// With more values alive than there are registers.
#[test]
fn crowded_steps_give_what_kernels_give() {
    (0..300).for_each(|seed| check(0x1_0000 + seed, Kind::Crowded));
    let spills = |width: Width| {
        let mut count = 0;
        for seed in 0..300 {
            let program = random(&mut Rng(0x1_0000 + seed), Kind::Crowded);
            let emitted = Emitter::new(&program.tile, width, Isa::Baseline, 0).emit();
            let (_, slots) = emitted.expect("it was emitted before");
            count += usize::from(slots > 0);
        }
        count
    };
    let [ymm, zmm] = [spills(Width::Ymm), spills(Width::Zmm)];
    assert!(ymm > 50 && zmm > 10, "{ymm} and {zmm} steps that spill");
}

/// The runs of whole rows of one input: by the evaluator or natively.
fn runs(program: &TileProgram, width: Width, native: bool, state: &Rows<'_>) -> Vec<u8> {
    let emitted = emit(program, width, Isa::Baseline).expect("code");
    let Rows { input, n, rows, before, reciprocals, first } = *state;
    let mut input = input.to_vec();
    let mut rest = vec![0xEE_u8; input.len()];
    let mut runs = first.to_vec();
    let mut state =
        CarryState { runs: runs.as_mut_ptr(), rows, before, reciprocals: reciprocals.as_ptr() };
    let state = (&raw mut state).cast::<u8>();
    let table = [std::ptr::null_mut(), input.as_mut_ptr(), rest.as_mut_ptr(), state];
    // SAFETY: the table has the layout of the program, and arrays have room.
    unsafe {
        if native {
            let code = publish(&emitted.code).expect("executable memory");
            let function = std::mem::transmute::<*const u8, TileFn>(code.as_ptr());
            function(table.as_ptr(), n);
        } else {
            Evaluator::run(&emitted.code, table.as_ptr(), n);
        }
    }
    runs
}

struct Rows<'a> {
    input: &'a [u8],
    n: usize,
    rows: usize,
    before: usize,
    reciprocals: &'a [u8],
    first: &'a [u8],
}

/// One accumulator after another row, where it has the width of its elements.
fn accumulated_by_hand(reduction: Reduction, dtype: DType, acc: u64, x: u64) -> Option<u64> {
    let (fa, fx) = (f64::from_bits(acc), f64::from_bits(x));
    Some(match (reduction, dtype) {
        (Reduction::Sum, DType::F64) => (fa + fx).to_bits(),
        (Reduction::Prod, DType::F64) => (fa * fx).to_bits(),
        (Reduction::Sum, DType::I64) => acc.wrapping_add(x),
        (Reduction::Prod, DType::I64) => acc.wrapping_mul(x),
        (Reduction::Min, DType::I64) => (acc as i64).min(x as i64) as u64,
        (Reduction::Max, DType::I64) => (acc as i64).max(x as i64) as u64,
        (Reduction::Min, DType::U16) => acc.min(x),
        (Reduction::Max, DType::U8) => acc.max(x),
        _ => return None,
    })
}

#[test]
fn rows_are_accumulated_alike() {
    use Reduction::{All, Any, Max, Min, Prod, SquaredDeviations, Sum};
    let lanes = DType::ALL.into_iter().filter(|dtype| *dtype != DType::Bool).map(Lane::Value);
    let lanes = lanes.chain([8, 16, 32, 64].map(Lane::Mask));
    let (mut checked, mut by_hand) = (0, 0);
    for (lane, reduction) in
        lanes.flat_map(|lane| [Sum, Prod, Min, Max, Any, All, SquaredDeviations].map(|r| (lane, r)))
    {
        let Some(run) = Runs::lane(reduction, lane) else { continue };
        let size = lane.bytes();
        let row = row_lanes(size);
        let bits = 8 * size as u8;
        let rest = Some(Place::Slot(0));
        let accumulate = Accumulate { reduction, lane, state: 0, value: 0, rest };
        let code = vec![Instr::Load(Place::Input(0), lane), Instr::Accumulate(accumulate)];
        let program = TileProgram {
            steps: vec![Step::Fused(bits, code)],
            inputs: 1,
            outputs: 0,
            slots: 1,
            carries: vec![Carried { place: Place::Slot(0), lane, state: Some(0) }],
            scans: Vec::new(),
            repeated: Vec::new(),
        };
        let mut rng = Rng(size as u64);
        let reciprocals: Vec<u8> = (0..17)
            .flat_map(|k| match size {
                4 => (1.0 / k as f32).to_le_bytes().to_vec(),
                _ => (1.0 / f64::from(k)).to_le_bytes().to_vec(),
            })
            .collect();
        for (rows, before, beyond) in
            [(1, 0, 0), (16, 0, 5), (37, 0, 1), (3, 7, 0), (20, 13, 9), (0, 0, 70)]
        {
            let n = rows * row + beyond;
            let tame = |rng: &mut Rng| match lane {
                Lane::Value(DType::F64) => (rng.below(1000) as f64 / 8.0).to_bits(),
                Lane::Value(DType::F32) => u64::from((rng.below(1000) as f32 / 8.0).to_bits()),
                _ => element(lane, rng),
            };
            let input = array(lane, n, |_| tame(&mut rng));
            // A row of accumulators begins as anything, where rows went before.
            let words = if reduction == SquaredDeviations { 3 } else { 1 };
            let first = array(run, 4 * words * row, |_| match run {
                Lane::Value(_) if run == lane => tame(&mut rng),
                _ => 0,
            });
            let state =
                Rows { input: &input, n, rows, before, reciprocals: &reciprocals, first: &first };
            let expected = runs(&program, Width::Ymm, false, &state);
            let mut others = vec![runs(&program, Width::Zmm, false, &state)];
            for (width, isa) in [(Width::Ymm, Isa::Avx2), (Width::Zmm, Isa::Avx512)] {
                if Isa::detect() >= isa {
                    others.push(runs(&program, width, true, &state));
                }
            }
            let sorted = |bytes: &[u8]| {
                // Which lanes of a row meet in one accumulator is open where elements are widened.
                let mut sums = vec![0u64; bytes.len() / (row * size)];
                for (at, sum) in sums.iter_mut().enumerate() {
                    let run_bytes = &bytes[at * row * size..(at + 1) * row * size];
                    *sum = (0..row * size / run.bytes()).fold(0, |sum: u64, i| {
                        sum.wrapping_add(bits_at(run_bytes, run.bytes(), i))
                    });
                }
                sums
            };
            let what = format!("{reduction} of {lane:?}, {rows} rows after {before}");
            for other in &others {
                match run.bytes() == size {
                    true => assert_eq!(*other, expected, "{what}"),
                    false => assert_eq!(sorted(other), sorted(&expected), "{what}"),
                }
            }
            checked += 1;
            let Lane::Value(dtype) = lane else { continue };
            if run != lane || words > 1 {
                continue;
            }
            for at in 0..row {
                let mut acc = match before {
                    0 => Runs::identity(reduction, run),
                    _ => bits_at(&first, size, at),
                };
                let mut known = rows > 0;
                for i in 0..rows.min(ROWS - before) {
                    let x = bits_at(&input, size, i * row + at);
                    match accumulated_by_hand(reduction, dtype, acc, x) {
                        Some(next) => acc = next,
                        None => known = false,
                    }
                }
                if known {
                    assert_eq!(bits_at(&expected, size, at), acc, "{what}, accumulator {at}");
                    by_hand += 1;
                }
            }
        }
    }
    assert!(checked > 200 && by_hand > 500, "{checked} cases, {by_hand} accumulators by hand");
}
