//! Lowering of a pass to the [program of a tile](TileProgram), for a [`Target`].
//!
//! Lanes only change their width by conversions: within a loop if the target can, otherwise by a
//! kernel between loops, through scratch slots.

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::scan::{Attributes, Scan};
use rustc_hash::FxHashMap;

use super::arrange::{Arranger, Sink, Taken, Unit};
use super::tile::{Place, TileProgram};
use crate::backend::{Form, Target};
use crate::plan::{Body, Carry, Pass, Value};

/// Lowers a pass to the forms that a target has.
pub fn lower(pass: &Pass, target: &dyn Target) -> TileProgram {
    let mut lowerer = Lowerer {
        body: &pass.body,
        constants: &pass.constants,
        target,
        units: Vec::new(),
        made: Vec::with_capacity(pass.body.len()),
        known: FxHashMap::default(),
        scans: Vec::new(),
    };
    for (value, dtype) in pass.body.values() {
        let made = lowerer.lower(value, *dtype);
        lowerer.made.push(made);
    }
    let natural = |value: u32| Lane::Value(pass.body.dtype(value));
    let mut sinks = Vec::with_capacity(pass.stores.len());
    for (number, store) in pass.stores.iter().enumerate() {
        let unit = lowerer.value(store.value, natural(store.value));
        sinks.push(Sink { unit, place: Place::Output(number as u32) });
    }
    let mut taken = Vec::with_capacity(pass.carries.len());
    for Carry { reduction, value, .. } in &pass.carries {
        // A mask is reduced without a conversion to bools.
        let lane = match lowerer.mask_width(*value) {
            Some(width) => Lane::Mask(width),
            None => natural(*value),
        };
        let unit = lowerer.value(*value, lane);
        taken.push(Taken { unit, reduction: *reduction, accumulated: false });
    }
    let scans = lowerer.scans;
    let arranger = Arranger::new(lowerer.units);
    arranger.accumulate(&mut taken, target);
    let broadcast = |input: &u32| pass.loads[*input as usize].domain != pass.space;
    let mut repeated: Vec<u32> = arranger.read_in_loops(&sinks, &taken).filter(broadcast).collect();
    repeated.sort_unstable();
    let (steps, slots, carries) = arranger.steps(&sinks, &taken);
    let (inputs, outputs) = (pass.loads.len() as u32, pass.stores.len() as u32);
    TileProgram { steps, inputs, outputs, slots, carries, scans, repeated }
}

/// A lowered value, before conversions for its users.
#[derive(Clone, Copy)]
enum Made {
    /// The value of this unit, in its lane.
    Unit(u32),
    /// The uniform of this number, which can be loaded in every lane.
    Uniform(u32),
}

/// The state of lowering the values of a body to units.
struct Lowerer<'a> {
    body: &'a Body,
    constants: &'a [(u32, u64)],
    target: &'a dyn Target,
    units: Vec<(Unit, Lane)>,
    /// The lowered values, by number.
    made: Vec<Made>,
    /// The unit of each value in each lane so far.
    known: FxHashMap<(u32, Lane), u32>,
    /// The scans, by the number of their states.
    scans: Vec<(Scan, Attributes, DType)>,
}

impl Lowerer<'_> {
    fn add(&mut self, unit: Unit, lane: Lane) -> u32 {
        self.units.push((unit, lane));
        self.units.len() as u32 - 1
    }

    fn lane(&self, unit: u32) -> Lane {
        self.units[unit as usize].1
    }

    /// The unit of a value in a lane, converted if necessary.
    fn value(&mut self, value: u32, lane: Lane) -> u32 {
        if let Some(unit) = self.known.get(&(value, lane)) {
            return *unit;
        }
        let unit = match self.made[value as usize] {
            Made::Uniform(uniform) => self.add(Unit::Uniform(uniform), lane),
            Made::Unit(unit) if self.lane(unit) == lane => unit,
            // Kernels convert masks only from and to bytes.
            Made::Unit(unit)
                if matches!((self.lane(unit), lane), (Lane::Mask(_), Lane::Mask(_)))
                    && !self.target.converts(self.lane(unit), lane) =>
            {
                let bytes = self.value(value, Lane::Value(DType::Bool));
                self.convert(bytes, lane)
            }
            Made::Unit(unit) => self.convert(unit, lane),
        };
        self.known.insert((value, lane), unit);
        unit
    }

    fn convert(&mut self, unit: u32, lane: Lane) -> u32 {
        let form = match self.target.converts(self.lane(unit), lane) {
            true => Form::Vector,
            false => Form::Kernel,
        };
        self.add(Unit::Convert(unit, form), lane)
    }

    /// The unit of a value converted to another dtype.
    fn cast(&mut self, x: u32, to: DType) -> u32 {
        let from = self.body.dtype(x);
        let lane = Lane::Value(to);
        let mask = Lane::Mask(to.bits() as u8);
        // Loops that can convert bools convert them as masks.
        if from == DType::Bool && to != from && self.target.converts(mask, lane) {
            let x = self.value(x, mask);
            return self.convert(x, lane);
        }
        let own = Lane::Value(from);
        let mask = Lane::Mask(from.bits() as u8);
        let x = self.value(x, own);
        let to_mask = to == DType::Bool && to != from && self.target.converts(own, mask);
        self.convert(x, if to_mask { mask } else { lane })
    }

    /// The bits of a value that is a constant.
    fn constant(&self, value: u32) -> Option<u64> {
        let at = self.constants.binary_search_by_key(&value, |(number, _)| *number).ok()?;
        Some(self.constants[at].1)
    }

    /// The width of the mask of a bool, if it is a mask.
    fn mask_width(&self, value: u32) -> Option<u8> {
        match self.made[value as usize] {
            Made::Unit(unit) => match self.lane(unit) {
                Lane::Mask(width) => Some(width),
                Lane::Value(_) => None,
            },
            Made::Uniform(_) => None,
        }
    }

    fn lower(&mut self, value: &Value, dtype: DType) -> Made {
        let body = self.body;
        Made::Unit(match *value {
            Value::Uniform(uniform) => return Made::Uniform(uniform),
            Value::Load(load) => self.add(Unit::Input(load), Lane::Value(dtype)),
            Value::Convert(x) => self.cast(x, dtype),
            Value::Along(op, attributes, _) => {
                let arrays = value.operands().iter().map(|x| self.value(*x, Lane::Value(dtype)));
                let mut operands: Vec<u32> = arrays.collect();
                let state = self.scans.len() as u32;
                self.scans.extend(op.scan().map(|scan| (scan, attributes, dtype)));
                let state = self.add(Unit::State(state), Lane::Value(dtype));
                operands.insert(1, state);
                self.add(Unit::Block(op, dtype, operands), Lane::Value(dtype))
            }
            Value::Apply(op, _) => {
                let operands = value.operands();
                let taken = body.operand_dtype(operands);
                if let &[x, y] = operands
                    && let Some(bits) = self.constant(y)
                    && self.target.by_constant(op, taken, bits)
                {
                    let x = self.value(x, Lane::Value(taken));
                    return Made::Unit(
                        self.add(Unit::ByConstant(op, taken, x, bits), Lane::Value(taken)),
                    );
                }
                match self.target.form(op, taken) {
                    Form::Vector => {
                        let masks = operands.iter().find_map(|x| self.mask_width(*x));
                        let width = match taken {
                            DType::Bool => masks.unwrap_or(8),
                            _ => taken.bits() as u8,
                        };
                        let lane = |dtype: DType| match dtype {
                            DType::Bool => Lane::Mask(width),
                            other => Lane::Value(other),
                        };
                        let args = operands.iter().map(|x| self.value(*x, lane(body.dtype(*x))));
                        let args = args.collect();
                        self.add(Unit::Fused(op, taken, args), lane(dtype))
                    }
                    Form::Kernel => {
                        let natural = |x: &u32| Lane::Value(body.dtype(*x));
                        let args = operands.iter().map(|x| self.value(*x, natural(x))).collect();
                        self.add(Unit::Block(op, taken, args), Lane::Value(dtype))
                    }
                }
            }
        })
    }
}
