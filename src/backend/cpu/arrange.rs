//! Arrangement of units in steps. Units of one lane width that can be computed at the same time share
//! a loop, and so do units of several widths that conversions within the loop connect. Values that
//! pass between steps get scratch slots.

use std::collections::BTreeMap;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::{Reduction, row_lanes};
use rustc_hash::FxHashMap;

use super::tile::{Accumulate, Carried, Instr, Place, Step, lanes};
use crate::backend::{Form, Target};
use crate::ops::Op;

/// A value of the body in a lane, and the operation that computes it.
#[derive(Clone, Debug)]
pub(super) enum Unit {
    Input(u32),
    Uniform(u32),
    /// An operation in a native loop.
    Fused(Op, DType, Vec<u32>),
    /// An operation by a block kernel.
    Block(Op, DType, Vec<u32>),
    /// An operation in the native loop, on a unit and a constant of these bits.
    ByConstant(Op, DType, u32, u64),
    /// The state of the scan of this number.
    State(u32),
    /// The conversion of another unit to this unit's lane, by the loop or by a kernel.
    Convert(u32, Form),
}

/// A unit whose value is stored to an output.
pub(super) struct Sink {
    pub unit: u32,
    pub place: Place,
}

/// A unit whose value a carry takes.
pub(super) struct Taken {
    pub unit: u32,
    pub reduction: Reduction,
    /// Whether the unit's loop accumulates it.
    pub accumulated: bool,
}

/// A step before places are assigned.
enum Draft {
    /// A loop over these units.
    Fused(Vec<u32>),
    /// A call for this unit.
    Unit(u32),
    /// A call for two functions of one operand, and their units.
    Pair([Op; 2], DType, [u32; 2]),
    /// Copies of a uniform, or of an input, for a kernel or an output.
    Copy(u32, Place),
}

/// The stores and accumulations of a value by its loop.
#[derive(Default)]
struct Stores {
    /// The places of stores.
    places: Vec<Place>,
    /// The place of the elements that are not accumulated.
    rest: Option<Place>,
    accumulated: Vec<Accumulate>,
}

/// The units of a pass, with their grouping into loops.
pub(super) struct Arranger {
    units: Vec<(Unit, Lane)>,
    /// The turn in which each unit is computed; the steps of a turn depend only on earlier turns.
    turns: Vec<u32>,
    /// The loop of each unit: units of the same turn and loop are computed together.
    loops: Vec<u8>,
}

/// The cost of a conversion by a kernel, as a number of bytes that a loop computes: each element is
/// stored and loaded twice, and there is one more loop.
const KERNEL: u32 = 48;

impl Arranger {
    pub(super) fn new(units: Vec<(Unit, Lane)>) -> Arranger {
        let mut arranger = Arranger { units, turns: Vec::new(), loops: Vec::new() };
        loop {
            arranger.set_turns();
            arranger.set_loops();
            if !arranger.part_widths() {
                return arranger;
            }
        }
    }

    /// Assigns the turns.
    fn set_turns(&mut self) {
        self.turns.clear();
        for i in 0..self.units.len() as u32 {
            let in_loop = self.in_loop(i);
            let ready = self.args(i).iter().map(|x| self.ready(*x, in_loop)).max();
            self.turns.push(ready.unwrap_or(0));
        }
        // Conversions of inputs are computed in the turn of their first user.
        let mut converted = vec![false; self.units.len()];
        for i in 0..self.units.len() {
            if let Unit::Convert(x, Form::Vector) = self.units[i].0 {
                converted[i] = self.is_source(x) || converted[x as usize];
            }
        }
        let mut needed = vec![u32::MAX; self.units.len()];
        for i in (0..self.units.len()).rev() {
            let unit = i as u32;
            if converted[i] && needed[i] != u32::MAX {
                self.turns[i] = needed[i];
            }
            let turn = match self.in_loop(unit) {
                true => self.turns[i],
                false => self.turns[i].saturating_sub(1),
            };
            for x in self.args(unit) {
                needed[*x as usize] = needed[*x as usize].min(turn);
            }
        }
    }

    /// The first turn in which a unit is available to a user, which is its own turn if both are in
    /// loops.
    fn ready(&self, unit: u32, in_loop: bool) -> u32 {
        match self.is_source(unit) {
            true => 0,
            false => self.turns[unit as usize] + u32::from(!in_loop || !self.in_loop(unit)),
        }
    }

    /// The logarithm of the number of bytes of a unit's lane.
    fn width(&self, unit: u32) -> usize {
        self.units[unit as usize].1.bytes().trailing_zeros() as usize
    }

    /// Assigns the loops: units of a turn share a loop if they have the same width, or if a
    /// conversion connects their widths.
    fn set_loops(&mut self) {
        let turns = self.turns.iter().max().map_or(0, |last| *last as usize + 1);
        let mut joined: Vec<[u8; 4]> = vec![[0, 1, 2, 3]; turns];
        for unit in 0..self.units.len() as u32 {
            let turn = self.turns[unit as usize];
            if let Unit::Convert(x, Form::Vector) = self.units[unit as usize].0
                && self.in_loop(x)
                && self.turns[x as usize] == turn
            {
                let joined = &mut joined[turn as usize];
                let [one, other] = [unit, x].map(|x| joined[self.width(x)]);
                joined.iter_mut().filter(|of| **of == one).for_each(|of| *of = other);
            }
        }
        let loops = (0..self.units.len()).map(|i| {
            let turn = self.turns[i] as usize;
            joined[turn][self.width(i as u32)]
        });
        self.loops = loops.collect();
    }

    /// Moves conversions to kernels where a shared loop costs more, because narrow lanes only fill a
    /// part of a vector. Returns whether there was such a loop.
    fn part_widths(&mut self) -> bool {
        #[derive(Default)]
        struct Costs {
            units: u32,
            widest: u32,
            apart: u32,
        }
        let mut costs: BTreeMap<(u32, u8), Costs> = BTreeMap::new();
        let bytes = |unit: u32| self.units[unit as usize].1.bytes() as u32;
        let key = |unit: u32| (self.turns[unit as usize], self.loops[unit as usize]);
        for unit in (0..self.units.len() as u32).filter(|unit| self.in_loop(*unit)) {
            let costs = costs.entry(key(unit)).or_default();
            let (mut own, mut kernel) = (bytes(unit), 0);
            if let Unit::Convert(x, _) = self.units[unit as usize].0 {
                own = own.max(bytes(x));
                kernel = if bytes(unit) == bytes(x) { 0 } else { KERNEL };
            }
            costs.units += 1;
            costs.widest = costs.widest.max(own);
            costs.apart += own + kernel;
        }
        let mut parted = Vec::new();
        for unit in 0..self.units.len() as u32 {
            if let Unit::Convert(x, Form::Vector) = self.units[unit as usize].0
                && let Some(Costs { units, widest, apart }) = costs.get(&key(unit))
                && units * widest > *apart
                && bytes(unit) != bytes(x)
            {
                parted.push(unit);
            }
        }
        for unit in &parted {
            if let Unit::Convert(_, form) = &mut self.units[*unit as usize].0 {
                *form = Form::Kernel;
            }
        }
        !parted.is_empty()
    }

    /// Decides which units the loops accumulate: those that the target can, if rows have the same
    /// length as others of their loop.
    pub(super) fn accumulate(&self, taken: &mut [Taken], target: &dyn Target) {
        let mut rows: FxHashMap<(u32, u8), usize> = FxHashMap::default();
        for Taken { unit, reduction, accumulated } in taken {
            let (u, lane) = (*unit as usize, self.units[*unit as usize].1);
            if self.in_loop(*unit) && target.accumulates(*reduction, lane) {
                let row = row_lanes(lane.bytes());
                *accumulated = *rows.entry((self.turns[u], self.loops[u])).or_insert(row) == row;
            }
        }
    }

    /// The operands of a unit.
    fn args(&self, unit: u32) -> &[u32] {
        match &self.units[unit as usize].0 {
            Unit::Input(_) | Unit::Uniform(_) | Unit::State(_) => &[],
            Unit::Fused(_, _, args) | Unit::Block(_, _, args) => args,
            Unit::Convert(x, _) | Unit::ByConstant(_, _, x, _) => std::slice::from_ref(x),
        }
    }

    fn is_uniform(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Uniform(_))
    }

    /// Whether a loop computes the unit.
    fn in_loop(&self, unit: u32) -> bool {
        matches!(
            self.units[unit as usize].0,
            Unit::Fused(..) | Unit::ByConstant(..) | Unit::Convert(_, Form::Vector)
        )
    }

    /// Whether the unit is available before the first turn.
    fn is_source(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Input(_) | Unit::Uniform(_) | Unit::State(_))
    }

    fn is_input(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Input(_))
    }

    /// The inputs that only loops read.
    pub(super) fn read_in_loops(
        &self,
        sinks: &[Sink],
        taken: &[Taken],
    ) -> impl Iterator<Item = u32> {
        let mut in_loops = vec![true; self.units.len()];
        sinks.iter().for_each(|sink| in_loops[sink.unit as usize] = false);
        taken.iter().for_each(|carry| in_loops[carry.unit as usize] = false);
        let apart = (0..self.units.len() as u32).filter(|unit| !self.in_loop(*unit));
        apart.flat_map(|unit| self.args(unit)).for_each(|x| in_loops[*x as usize] = false);
        let inputs = self.units.iter().zip(in_loops).filter(|(_, in_loops)| *in_loops);
        inputs.filter_map(|((unit, _), _)| match unit {
            Unit::Input(input) => Some(*input),
            _ => None,
        })
    }

    /// The steps in order, the number of slots, and the elements that the carries take.
    pub(super) fn steps(self, sinks: &[Sink], taken: &[Taken]) -> (Vec<Step>, u32, Vec<Carried>) {
        let (drafts, mut places) = self.drafts(sinks);
        let slots = self.assign_slots(&drafts, taken, &mut places);
        let mut stores = self.stores(&drafts, sinks, taken, &places);
        let carries = self.carries(taken, &places, &mut stores);
        let steps = drafts.iter().map(|draft| self.step(draft, &places, &stores)).collect();
        (steps, slots, carries)
    }

    /// The drafts in order, and the places of inputs, states and outputs.
    fn drafts(&self, sinks: &[Sink]) -> (Vec<Draft>, Vec<Option<Place>>) {
        let mut places: Vec<Option<Place>> = vec![None; self.units.len()];
        let mut turns: BTreeMap<u32, Vec<Draft>> = BTreeMap::new();
        let mut loops: BTreeMap<(u32, u8), Vec<u32>> = BTreeMap::new();
        for (i, (unit, _)) in self.units.iter().enumerate() {
            let id = i as u32;
            match unit {
                Unit::Input(number) => places[i] = Some(Place::Input(*number)),
                Unit::State(number) => places[i] = Some(Place::State(*number)),
                Unit::Uniform(_) => {}
                Unit::Fused(..) | Unit::ByConstant(..) | Unit::Convert(_, Form::Vector) => {
                    loops.entry((self.turns[i], self.loops[i])).or_default().push(id)
                }
                Unit::Block(..) | Unit::Convert(_, Form::Kernel) => {
                    turns.entry(self.turns[i]).or_default().push(Draft::Unit(id))
                }
            }
        }
        for sink in sinks {
            let unit = sink.unit as usize;
            if self.is_input(sink.unit) {
                turns.entry(0).or_default().push(Draft::Copy(sink.unit, sink.place));
            } else if places[unit].is_none() {
                places[unit] = Some(sink.place);
            } else if !self.in_loop(sink.unit) {
                turns
                    .entry(self.turns[unit] + 1)
                    .or_default()
                    .push(Draft::Copy(sink.unit, sink.place));
            }
        }
        for ((turn, _), members) in loops {
            turns.entry(turn).or_default().insert(0, Draft::Fused(members));
        }
        // Uniforms that kernels read are first copied to slots.
        let mut drafts = Vec::new();
        let mut spread = vec![false; self.units.len()];
        for id in 0..self.units.len() as u32 {
            if !self.in_loop(id) && !self.is_source(id) {
                for x in self.args(id) {
                    if self.is_uniform(*x) && !std::mem::replace(&mut spread[*x as usize], true) {
                        drafts.push(Draft::Copy(*x, Place::Slot(u32::MAX)));
                    }
                }
            }
        }
        self.pair_up(turns.into_values().flatten(), &mut drafts);
        (drafts, places)
    }

    /// Appends drafts. Two functions of one operand with a common kernel become one draft.
    fn pair_up(&self, all: impl Iterator<Item = Draft>, drafts: &mut Vec<Draft>) {
        let mut seen: FxHashMap<(Op, u32), (usize, u32)> = FxHashMap::default();
        for draft in all {
            if let Draft::Unit(unit) = draft
                && let Unit::Block(op, dtype, args) = &self.units[unit as usize].0
                && let Some(pair) = op.pair()
            {
                let is_first = pair[0] == *op;
                let other = pair[usize::from(is_first)];
                if let Some((at, mate)) = seen.get(&(other, args[0])) {
                    let units = if is_first { [unit, *mate] } else { [*mate, unit] };
                    drafts[*at] = Draft::Pair(pair, *dtype, units);
                    continue;
                }
                seen.insert((*op, args[0]), (drafts.len(), unit));
            }
            drafts.push(draft);
        }
    }

    /// The units that a step reads from places.
    fn reads(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(members) => {
                members.iter().flat_map(|m| self.args(*m).iter().copied()).collect()
            }
            Draft::Unit(unit) | Draft::Pair(_, _, [unit, _]) => self.args(*unit).to_vec(),
            Draft::Copy(unit, _) => vec![*unit],
        }
    }

    /// The units that a step computes.
    fn makes(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(members) => members.clone(),
            Draft::Unit(unit) | Draft::Copy(unit, Place::Slot(_)) => vec![*unit],
            Draft::Pair(_, _, units) => units.to_vec(),
            Draft::Copy(..) => Vec::new(),
        }
    }

    /// Assigns a slot to each value that another step reads, until the last of them. Elements that
    /// carries take are read after all steps. Returns the number of slots.
    fn assign_slots(&self, drafts: &[Draft], taken: &[Taken], places: &mut [Option<Place>]) -> u32 {
        let mut made = vec![usize::MAX; self.units.len()];
        let mut last_read = vec![0; self.units.len()];
        for (i, draft) in drafts.iter().enumerate() {
            self.makes(draft).iter().for_each(|x| made[*x as usize] = i);
            self.reads(draft).iter().for_each(|x| last_read[*x as usize] = i);
        }
        taken.iter().for_each(|carry| last_read[carry.unit as usize] = drafts.len());
        let mut free: Vec<u32> = Vec::new();
        let mut count = 0;
        let mut ends: Vec<Vec<u32>> = vec![Vec::new(); drafts.len() + 1];
        for (i, draft) in drafts.iter().enumerate() {
            for unit in self.makes(draft) {
                let u = unit as usize;
                // Kernels always write their results; loops only those that other steps read.
                let kernel = matches!(draft, Draft::Unit(_) | Draft::Pair(..));
                let in_memory = kernel || last_read[u] > i;
                if in_memory && places[u].is_none() {
                    let slot = free.pop().unwrap_or_else(|| {
                        count += 1;
                        count - 1
                    });
                    places[u] = Some(Place::Slot(slot));
                    ends[last_read[u].max(i)].push(slot);
                }
            }
            free.append(&mut ends[i]);
        }
        count
    }

    /// The stores of each unit of a loop.
    fn stores(
        &self,
        drafts: &[Draft],
        sinks: &[Sink],
        taken: &[Taken],
        places: &[Option<Place>],
    ) -> FxHashMap<u32, Stores> {
        // Units that only accumulators read: just the elements that do not fill a row are stored.
        let mut only_taken = vec![false; self.units.len()];
        taken.iter().for_each(|carry| only_taken[carry.unit as usize] = true);
        taken.iter().for_each(|carry| only_taken[carry.unit as usize] &= carry.accumulated);
        sinks.iter().for_each(|sink| only_taken[sink.unit as usize] = false);
        let mut made_by = vec![usize::MAX; self.units.len()];
        for (i, draft) in drafts.iter().enumerate() {
            self.makes(draft).iter().for_each(|x| made_by[*x as usize] = i);
        }
        for (i, draft) in drafts.iter().enumerate() {
            let others = self.reads(draft).into_iter().filter(|x| made_by[*x as usize] != i);
            others.for_each(|x| only_taken[x as usize] = false);
        }
        let mut stores: FxHashMap<u32, Stores> = FxHashMap::default();
        for unit in 0..self.units.len() as u32 {
            if let Some(place) = places[unit as usize].filter(|_| self.in_loop(unit)) {
                let rest = only_taken[unit as usize];
                let own = stores.entry(unit).or_default();
                if rest { own.rest = Some(place) } else { own.places.push(place) }
            }
        }
        for sink in sinks {
            if self.in_loop(sink.unit) && places[sink.unit as usize] != Some(sink.place) {
                stores.entry(sink.unit).or_default().places.push(sink.place);
            }
        }
        stores
    }

    /// The elements that the carries take. Adds the accumulations to `stores`.
    fn carries(
        &self,
        taken: &[Taken],
        places: &[Option<Place>],
        stores: &mut FxHashMap<u32, Stores>,
    ) -> Vec<Carried> {
        let mut states = 0;
        let carried = |Taken { unit, reduction, accumulated }: &Taken| {
            let (place, lane) = (self.place(*unit, places), self.units[*unit as usize].1);
            let state = accumulated.then_some(states);
            if let Some(state) = state {
                states += 1;
                let own = stores.entry(*unit).or_default();
                let (reduction, rest) = (*reduction, own.rest.take());
                own.accumulated.push(Accumulate { reduction, lane, state, value: 0, rest });
            }
            Carried { place, lane, state }
        };
        taken.iter().map(carried).collect()
    }

    /// The place of a unit that a step reads or writes.
    fn place(&self, unit: u32, places: &[Option<Place>]) -> Place {
        match (&self.units[unit as usize].0, places[unit as usize]) {
            (_, Some(place)) => place,
            (Unit::Uniform(uniform), None) => Place::Uniform(*uniform),
            // Unreachable, as everything that a step reads has a place; emitters refuse this one.
            _ => Place::Slot(u32::MAX),
        }
    }

    /// The step of a draft.
    fn step(
        &self,
        draft: &Draft,
        places: &[Option<Place>],
        stores: &FxHashMap<u32, Stores>,
    ) -> Step {
        match draft {
            Draft::Fused(members) => {
                let mut code = Vec::new();
                let mut value: FxHashMap<u32, u32> = FxHashMap::default();
                for member in members {
                    let (unit, lane) = &self.units[*member as usize];
                    let mut operands = [0; 3];
                    for (operand, x) in operands.iter_mut().zip(self.args(*member)) {
                        *operand = *value.entry(*x).or_insert_with(|| {
                            let place = match self.units[*x as usize].0 {
                                Unit::Uniform(uniform) => Place::Uniform(uniform),
                                _ => self.place(*x, places),
                            };
                            code.push(Instr::Load(place, self.units[*x as usize].1));
                            code.len() as u32 - 1
                        });
                    }
                    code.push(match unit {
                        Unit::Fused(op, dtype, _) => Instr::Apply(*op, *dtype, operands),
                        Unit::ByConstant(op, dtype, _, bits) => {
                            Instr::ByConstant(*op, *dtype, operands[0], *bits)
                        }
                        _ => {
                            let from = self.units[self.args(*member)[0] as usize].1;
                            Instr::Convert(from, *lane, operands[0])
                        }
                    });
                    let result = code.len() as u32 - 1;
                    value.insert(*member, result);
                    if let Some(Stores { places, accumulated, .. }) = stores.get(member) {
                        code.extend(places.iter().map(|place| Instr::Store(*place, result)));
                        let own = |a: &Accumulate| Accumulate { value: result, ..*a };
                        code.extend(accumulated.iter().map(own).map(Instr::Accumulate));
                    }
                }
                let width = lanes(&code).iter().flatten().map(|lane| lane.bits()).max();
                Step::Fused(width.unwrap_or(8), code)
            }
            Draft::Unit(unit) => {
                let args: Vec<Place> =
                    self.args(*unit).iter().map(|x| self.place(*x, places)).collect();
                let out = self.place(*unit, places);
                match &self.units[*unit as usize] {
                    (Unit::Block(op, dtype, _), _) => Step::Block(*op, *dtype, args, out),
                    (_, lane) => Step::Convert(
                        self.units[self.args(*unit)[0] as usize].1,
                        *lane,
                        args[0],
                        out,
                    ),
                }
            }
            Draft::Pair(pair, dtype, units) => {
                let arg = self.place(self.args(units[0])[0], places);
                Step::Pair(*pair, *dtype, arg, units.map(|unit| self.place(unit, places)))
            }
            Draft::Copy(unit, target) => {
                let lane = self.units[*unit as usize].1;
                let (from, to) = match self.units[*unit as usize].0 {
                    Unit::Uniform(uniform) => (Place::Uniform(uniform), self.place(*unit, places)),
                    _ => (self.place(*unit, places), *target),
                };
                // Bytes of an array of bools may have any value: a conversion makes them 0 or 1.
                if lane == Lane::Value(DType::Bool) && !self.is_uniform(*unit) {
                    return Step::Convert(lane, lane, from, to);
                }
                Step::Fused(lane.bits(), vec![Instr::Load(from, lane), Instr::Store(to, 0)])
            }
        }
    }
}
