//! From units to steps: units of one lane width that can be computed together share a loop, and
//! values that pass between steps get scratch slots.

use std::collections::BTreeMap;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fault::{Fault, injected};
use rustc_hash::FxHashMap;

use super::tile::{Instr, Place, Step};
use crate::ops::Op;

/// A value of the body, in one form.
#[derive(Clone, Debug)]
pub(super) enum Unit {
    Input(u32),
    Uniform(u32),
    /// An operation in the native loop, on lanes of this width.
    Fused(u8, Op, DType, Vec<u32>),
    Block(Op, DType, Vec<u32>),
    /// Another unit in this unit's lane.
    Convert(u32),
}

/// A unit whose value goes to an output.
pub(super) struct Sink {
    pub unit: u32,
    pub place: Place,
}

/// A step before its places are known: the units of a fused loop, or one other unit.
enum Draft {
    Fused(u8, Vec<u32>),
    Unit(u32),
    /// Two functions of one operand that have a common kernel, and their units.
    Pair([Op; 2], DType, [u32; 2]),
    /// A uniform or an input written out as elements, for a kernel or an output.
    Copy(u32, Place),
}

/// Groups units into steps, and gives slots to the values that pass between steps.
pub(super) struct Arranger {
    units: Vec<(Unit, Lane)>,
    /// When each unit can be computed: units of a width and a turn share a loop.
    turns: Vec<u32>,
}

fn lane_width(lane: Lane) -> u8 {
    (lane.bytes() * 8) as u8
}

impl Arranger {
    pub(super) fn new(units: Vec<(Unit, Lane)>) -> Arranger {
        let mut arranger = Arranger { turns: Vec::with_capacity(units.len()), units };
        for i in 0..arranger.units.len() {
            let turn = match &arranger.units[i].0 {
                Unit::Input(_) | Unit::Uniform(_) => 0,
                Unit::Fused(width, _, _, args) => {
                    args.iter().map(|x| arranger.ready(*x, Some(*width))).max().unwrap_or(0)
                }
                Unit::Block(_, _, args) => {
                    args.iter().map(|x| arranger.ready(*x, None)).max().unwrap_or(0)
                }
                Unit::Convert(x) => arranger.ready(*x, None),
            };
            arranger.turns.push(turn);
        }
        arranger
    }

    /// The first turn in which a user can have a unit: the same one inside a loop of its width.
    fn ready(&self, unit: u32, user_width: Option<u8>) -> u32 {
        let turn = self.turns[unit as usize];
        match self.units[unit as usize].0 {
            Unit::Uniform(_) | Unit::Input(_) => 0,
            Unit::Fused(width, ..) if user_width == Some(width) => turn,
            _ => turn + 1,
        }
    }

    fn args(&self, unit: u32) -> &[u32] {
        match &self.units[unit as usize].0 {
            Unit::Input(_) | Unit::Uniform(_) => &[],
            Unit::Fused(_, _, _, args) | Unit::Block(_, _, args) => args,
            Unit::Convert(x) => std::slice::from_ref(x),
        }
    }

    fn is_uniform(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Uniform(_))
    }

    fn is_input(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Input(_))
    }

    /// The steps in order, how many slots they use, and the places of the values to be reduced.
    pub(super) fn steps(self, sinks: &[Sink], reduced: &[u32]) -> (Vec<Step>, u32, Vec<Place>) {
        let (drafts, places) = self.drafts(sinks);
        let mut places = places;
        let slots = self.assign_slots(&drafts, reduced, &mut places);
        let extra = self.extra_stores(sinks, &places);
        let steps = drafts.iter().map(|draft| self.step(draft, &places, &extra)).collect();
        let reduced = reduced.iter().map(|unit| self.place(*unit, &places)).collect();
        (steps, slots, reduced)
    }

    /// The steps in order, and the places of the values that are inputs or outputs.
    fn drafts(&self, sinks: &[Sink]) -> (Vec<Draft>, Vec<Option<Place>>) {
        let mut places: Vec<Option<Place>> = vec![None; self.units.len()];
        let mut turns: BTreeMap<u32, Vec<Draft>> = BTreeMap::new();
        let mut loops: BTreeMap<(u32, u8), Vec<u32>> = BTreeMap::new();
        for (i, (unit, _)) in self.units.iter().enumerate() {
            let id = i as u32;
            match unit {
                Unit::Input(number) => places[i] = Some(Place::Input(*number)),
                Unit::Uniform(_) => {}
                Unit::Fused(width, ..) => {
                    loops.entry((self.turns[i], *width)).or_default().push(id)
                }
                Unit::Block(..) | Unit::Convert(..) => {
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
            } else if !matches!(self.units[unit].0, Unit::Fused(..)) {
                turns
                    .entry(self.turns[unit] + 1)
                    .or_default()
                    .push(Draft::Copy(sink.unit, sink.place));
            }
        }
        for ((turn, width), members) in loops {
            turns.entry(turn).or_default().insert(0, Draft::Fused(width, members));
        }
        // Uniforms that kernels read are spread over slots before everything else.
        let mut drafts = Vec::new();
        let mut spread = vec![false; self.units.len()];
        for id in 0..self.units.len() as u32 {
            if matches!(self.units[id as usize].0, Unit::Block(..) | Unit::Convert(..)) {
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

    /// Appends drafts; two functions of one operand that have a common kernel become one draft.
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

    /// Which units a step reads from places.
    fn reads(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(_, members) => {
                members.iter().flat_map(|m| self.args(*m).iter().copied()).collect()
            }
            Draft::Unit(unit) | Draft::Pair(_, _, [unit, _]) => self.args(*unit).to_vec(),
            Draft::Copy(unit, _) => vec![*unit],
        }
    }

    /// Which units a step makes.
    fn makes(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(_, members) => members.clone(),
            Draft::Unit(unit) | Draft::Copy(unit, Place::Slot(_)) => vec![*unit],
            Draft::Pair(_, _, units) => units.to_vec(),
            Draft::Copy(..) => Vec::new(),
        }
    }

    /// Gives a slot to each value that another step reads; a slot is free again after the last.
    /// What is reduced is read when all steps are done.
    fn assign_slots(&self, drafts: &[Draft], reduced: &[u32], places: &mut [Option<Place>]) -> u32 {
        let mut made = vec![usize::MAX; self.units.len()];
        let mut last_read = vec![0; self.units.len()];
        for (i, draft) in drafts.iter().enumerate() {
            self.makes(draft).iter().for_each(|x| made[*x as usize] = i);
            self.reads(draft).iter().for_each(|x| last_read[*x as usize] = i);
        }
        reduced.iter().for_each(|x| last_read[*x as usize] = drafts.len());
        let mut free: Vec<u32> = Vec::new();
        let mut count = 0;
        let mut ends: Vec<Vec<u32>> = vec![Vec::new(); drafts.len() + 1];
        for (i, draft) in drafts.iter().enumerate() {
            for unit in self.makes(draft) {
                let u = unit as usize;
                // Kernels always write somewhere; loop values only if another step reads them.
                let kernel = matches!(draft, Draft::Unit(_) | Draft::Pair(..));
                let in_memory = kernel || last_read[u] > i;
                if in_memory && places[u].is_none() {
                    let slot = free.pop().unwrap_or_else(|| {
                        count += 1;
                        count - 1
                    });
                    places[u] = Some(Place::Slot(slot));
                    let early = usize::from(injected(Fault::SlotFreedEarly));
                    ends[last_read[u].saturating_sub(early).max(i)].push(slot);
                }
            }
            free.append(&mut ends[i]);
        }
        count
    }

    /// Outputs of a loop's value beyond its own place.
    fn extra_stores(&self, sinks: &[Sink], places: &[Option<Place>]) -> FxHashMap<u32, Vec<Place>> {
        let mut extra: FxHashMap<u32, Vec<Place>> = FxHashMap::default();
        for sink in sinks {
            let fused = matches!(self.units[sink.unit as usize].0, Unit::Fused(..));
            if fused && places[sink.unit as usize] != Some(sink.place) {
                extra.entry(sink.unit).or_default().push(sink.place);
            }
        }
        extra
    }

    fn place(&self, unit: u32, places: &[Option<Place>]) -> Place {
        match (&self.units[unit as usize].0, places[unit as usize]) {
            (_, Some(place)) => place,
            (Unit::Uniform(uniform), None) => Place::Uniform(*uniform),
            // What a step reads has a place; were there none, code generation would refuse this.
            _ => Place::Slot(u32::MAX),
        }
    }

    fn step(
        &self,
        draft: &Draft,
        places: &[Option<Place>],
        extra: &FxHashMap<u32, Vec<Place>>,
    ) -> Step {
        match draft {
            Draft::Fused(width, members) => {
                let mut code = Vec::new();
                let mut value: FxHashMap<u32, u32> = FxHashMap::default();
                for member in members {
                    let Unit::Fused(_, op, dtype, args) = &self.units[*member as usize].0 else {
                        continue;
                    };
                    let mut operands = [0; 3];
                    for (operand, x) in operands.iter_mut().zip(args) {
                        *operand = *value.entry(*x).or_insert_with(|| {
                            let place = match self.units[*x as usize].0 {
                                Unit::Uniform(uniform) => Place::Uniform(uniform),
                                _ => self.place(*x, places),
                            };
                            code.push(Instr::Load(place, self.units[*x as usize].1));
                            code.len() as u32 - 1
                        });
                    }
                    code.push(Instr::Apply(*op, *dtype, operands));
                    let result = code.len() as u32 - 1;
                    value.insert(*member, result);
                    let stores = places[*member as usize]
                        .iter()
                        .chain(extra.get(member).into_iter().flatten());
                    stores.for_each(|place| code.push(Instr::Store(*place, result)));
                }
                Step::Fused(*width, code)
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
                // Bytes of an array of bools may hold anything: a conversion makes them 0 and 1.
                if lane == Lane::Value(DType::Bool) && !self.is_uniform(*unit) {
                    return Step::Convert(lane, lane, from, to);
                }
                Step::Fused(lane_width(lane), vec![Instr::Load(from, lane), Instr::Store(to, 0)])
            }
        }
    }
}
