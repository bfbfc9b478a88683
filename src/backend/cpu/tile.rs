//! [`TileProgram`]: a pass lowered for a CPU, as steps over scratch slots.

use std::fmt;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::Reduction;
use hotloop_runtime::scan::{Attributes, Scan};
use hotloop_runtime::tile::TileTable;

use crate::graph::show;
use crate::ops::{Op, Rule};

/// The location of an operand or a result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// An array that the pass reads.
    Input(u32),
    /// An array that the pass writes.
    Output(u32),
    /// A scratch slot.
    Slot(u32),
    /// A uniform value.
    Uniform(u32),
    /// The state of a scan, an operand of its kernel.
    State(u32),
}

/// An instruction of a fused step. The number of a value is that of the instruction that makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Instr {
    /// A load of elements from a place, or of a uniform into every lane.
    Load(Place, Lane),
    /// An operation with a vector form, on operands of this dtype. Bools are masks.
    Apply(Op, DType, [u32; 3]),
    /// An operation on a value of this dtype, and a constant of these bits.
    ByConstant(Op, DType, u32, u64),
    /// The conversion of a value from a lane to another.
    Convert(Lane, Lane, u32),
    /// A store of a value to a place.
    Store(Place, u32),
    /// The accumulation of a value in a carry.
    Accumulate(Accumulate),
}

/// The accumulation of the elements of a reduction by a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Accumulate {
    /// The reduction.
    pub reduction: Reduction,
    /// The lane of its elements.
    pub lane: Lane,
    /// The number of the carry's state.
    pub state: u32,
    /// The value that is accumulated.
    pub value: u32,
    /// The place of the elements that do not fill a row; `None` if a store writes them anyway.
    pub rest: Option<Place>,
}

/// The elements that a carry takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Carried {
    /// The place of the elements that a loop does not accumulate.
    pub place: Place,
    /// Their lane.
    pub lane: Lane,
    /// The number of the state, if a loop accumulates them.
    pub state: Option<u32>,
}

impl Instr {
    /// The place that it loads from or stores to.
    pub fn place(&self) -> Option<Place> {
        match self {
            Instr::Load(place, _) | Instr::Store(place, _) => Some(*place),
            Instr::Apply(..) | Instr::ByConstant(..) | Instr::Convert(..) => None,
            Instr::Accumulate(accumulate) => accumulate.rest,
        }
    }
}

/// The lane of the value of each instruction of a fused step; `None` if it makes no value.
pub fn lanes(code: &[Instr]) -> Vec<Option<Lane>> {
    let mut lanes = Vec::with_capacity(code.len());
    for instr in code {
        let lane = match instr {
            Instr::Load(_, lane) | Instr::Convert(_, lane, _) => Some(*lane),
            Instr::ByConstant(_, dtype, ..) => Some(Lane::Value(*dtype)),
            Instr::Apply(op, dtype, args) => {
                let row = op.row();
                let taken: Option<Lane> =
                    args[row.parameters.len() - 1..].first().and_then(|x| lanes[*x as usize]);
                match row.rule {
                    Rule::Comparison | Rule::Predicate if *dtype != DType::Bool => {
                        Some(Lane::Mask(dtype.bits() as u8))
                    }
                    _ => taken,
                }
            }
            Instr::Store(..) | Instr::Accumulate(_) => None,
        };
        lanes.push(lane);
    }
    lanes
}

/// A step of a tile's program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A native loop: straight-line code over lanes of at most this width in bits.
    Fused(u8, Vec<Instr>),
    /// A call of a block kernel: operation, dtype of the operands, operands, result.
    Block(Op, DType, Vec<Place>, Place),
    /// A call of a block kernel with two results: operations, dtype of the operand, operand, results.
    Pair([Op; 2], DType, Place, [Place; 2]),
    /// A call of a conversion kernel: lanes of the operand and of the result, operand, result.
    Convert(Lane, Lane, Place, Place),
}

/// The program of a tile: the part of a pass that becomes code. Equal programs share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TileProgram {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The number of arrays that it reads.
    pub inputs: u32,
    /// The number of arrays that it writes.
    pub outputs: u32,
    /// The number of scratch slots that it uses.
    pub slots: u32,
    /// The elements that the carries of the pass take, in the order of the carries.
    pub carries: Vec<Carried>,
    /// The scans by the number of their states, with their constants and the dtypes of their
    /// elements.
    pub scans: Vec<(Scan, Attributes, DType)>,
    /// The inputs that may have a single element in each row, of which the executor then makes a
    /// block of copies; only loops read them. Sorted.
    pub repeated: Vec<u32>,
}

impl TileProgram {
    /// The layout of its table.
    pub fn table(&self) -> TileTable {
        let [inputs, outputs, slots] =
            [self.inputs, self.outputs, self.slots].map(|count| count as usize);
        let states = self.accumulated() + self.scans.len();
        TileTable { inputs, outputs, slots, states, repeats: !self.repeated.is_empty() }
    }

    /// The number of carries that loops accumulate; their states precede those of scans.
    fn accumulated(&self) -> usize {
        self.carries.iter().filter(|carry| carry.state.is_some()).count()
    }

    /// The index of a place in its table; `None` if the program does not declare the place.
    pub fn index(&self, place: Place) -> Option<usize> {
        let table = self.table();
        match place {
            Place::Uniform(_) => Some(TileTable::UNIFORMS),
            Place::Input(i) => (i < self.inputs).then(|| table.input(i as usize)),
            Place::Output(i) => (i < self.outputs).then(|| table.output(i as usize)),
            Place::Slot(i) => (i < self.slots).then(|| table.slot(i as usize)),
            Place::State(i) => {
                let state = || table.state(self.accumulated() + i as usize);
                ((i as usize) < self.scans.len()).then(state)
            }
        }
    }

    /// The number of slots that only hold the elements which loops do not accumulate.
    pub fn rest_slots(&self) -> usize {
        let rest = |instr: &&Instr| match instr {
            Instr::Accumulate(accumulate) => matches!(accumulate.rest, Some(Place::Slot(_))),
            _ => false,
        };
        let code = self.steps.iter().map(|step| match step {
            Step::Fused(_, code) => &code[..],
            _ => &[],
        });
        code.flatten().filter(rest).count()
    }

    /// Whether a place is an input that may be a block of copies of one element.
    pub fn may_repeat(&self, place: Place) -> bool {
        matches!(place, Place::Input(input) if self.repeated.binary_search(&input).is_ok())
    }

    /// The number of instructions and calls.
    pub fn size(&self) -> usize {
        let step = |s: &Step| match s {
            Step::Fused(_, code) => code.len(),
            _ => 1,
        };
        self.steps.iter().map(step).sum()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Input(i) => write!(f, "in{i}"),
            Place::Output(i) => write!(f, "out{i}"),
            Place::Slot(i) => write!(f, "slot{i}"),
            Place::Uniform(i) => write!(f, "u{i}"),
            Place::State(i) => write!(f, "state{i}"),
        }
    }
}

/// The name of a lane in listings.
fn lane_name(lane: Lane) -> String {
    match lane {
        Lane::Value(dtype) => dtype.to_string(),
        Lane::Mask(width) => format!("mask{width}"),
    }
}

impl fmt::Display for TileProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Fused(width, code) => {
                    let lanes = lanes(code);
                    let narrower = lanes.iter().flatten().any(|lane| lane.bits() < *width);
                    let upto = if narrower { "up to " } else { "" };
                    writeln!(f, "    fused {upto}{width}-bit lanes")?;
                    for (i, instr) in code.iter().enumerate() {
                        match instr {
                            Instr::Load(place, lane) => {
                                writeln!(f, "      v{i} = load {place} as {}", lane_name(*lane))?
                            }
                            Instr::Apply(op, dtype, args) => {
                                let count = op.row().parameters.len();
                                let args: Vec<String> =
                                    args[..count].iter().map(|x| format!("v{x}")).collect();
                                writeln!(
                                    f,
                                    "      v{i} = {}.{dtype} {}",
                                    op.row().name,
                                    args.join(", ")
                                )?;
                            }
                            Instr::ByConstant(op, dtype, x, bits) => {
                                let constant = show(*bits, *dtype);
                                writeln!(
                                    f,
                                    "      v{i} = {}.{dtype} v{x}, {constant}",
                                    op.row().name
                                )?
                            }
                            Instr::Convert(from, to, x) => {
                                let (from, to) = (lane_name(*from), lane_name(*to));
                                writeln!(f, "      v{i} = convert {from} to {to}: v{x}")?
                            }
                            Instr::Store(place, value) => {
                                writeln!(f, "      store v{value} to {place}")?
                            }
                            Instr::Accumulate(Accumulate { reduction, state, value, .. }) => {
                                writeln!(f, "      {reduction} v{value} in carry{state}")?
                            }
                        }
                    }
                }
                Step::Block(op, dtype, args, out) => {
                    let args: Vec<String> = args.iter().map(Place::to_string).collect();
                    writeln!(
                        f,
                        "    block {}.{dtype} {} to {out}",
                        op.row().name,
                        args.join(", ")
                    )?;
                }
                Step::Pair([first, second], dtype, arg, [one, two]) => {
                    let (first, second) = (first.row().name, second.row().name);
                    writeln!(f, "    block {first}, {second}.{dtype} {arg} to {one}, {two}")?;
                }
                Step::Convert(from, to, arg, out) => {
                    writeln!(
                        f,
                        "    convert {} to {}: {arg} to {out}",
                        lane_name(*from),
                        lane_name(*to)
                    )?;
                }
            }
        }
        Ok(())
    }
}
