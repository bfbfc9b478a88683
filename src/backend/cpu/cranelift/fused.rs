//! The loops of a fused step: one that accumulates whole rows if the step has carries, and one over
//! all other elements.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use hotloop_runtime::convert::Lane;
use hotloop_runtime::isa::Isa;

use super::{Compiler, bug, vector};
use crate::backend::Refusal;
use crate::backend::cpu::tile::{Accumulate, Instr, Place};

/// The maximum number of places whose pointers a loop keeps in registers. With more, it loads them
/// from the table.
const MOST_POINTERS: usize = 9;

/// The number of vector registers for values. The others are temporaries of instructions.
pub(super) const REGISTERS: usize = 14;

/// The number of vectors of an iteration: as many as registers allow, because independent chains
/// hide latency; fewer for long code, which has enough independent instructions anyway.
fn unroll(code: &[Instr]) -> usize {
    let live = most_live(code).max(1);
    match code.len() {
        0..=80 if live * 4 <= REGISTERS => 4,
        0..=400 if live * 2 <= REGISTERS => 2,
        _ => 1,
    }
}

/// The maximum number of values that are live at once. Uniforms are memory operands and do not count.
pub(super) fn most_live(code: &[Instr]) -> usize {
    let mut last_use = vec![0; code.len()];
    for (i, instr) in code.iter().enumerate() {
        match instr {
            Instr::Load(..) => {}
            Instr::Apply(op, _, args) => {
                args[..op.row().parameters.len()].iter().for_each(|x| last_use[*x as usize] = i)
            }
            Instr::ByConstant(_, _, x, _)
            | Instr::Convert(_, _, x)
            | Instr::Store(_, x)
            | Instr::Accumulate(Accumulate { value: x, .. }) => last_use[*x as usize] = i,
        }
    }
    let mut ends = vec![0; code.len()];
    let (mut live, mut most) = (0usize, 0);
    for (i, instr) in code.iter().enumerate() {
        if matches!(instr, Instr::Apply(..) | Instr::Load(..))
            && !matches!(instr, Instr::Load(Place::Uniform(_), _))
        {
            live += 1;
            ends[last_use[i].max(i)] += 1;
        }
        most = most.max(live);
        live -= ends[i];
    }
    most
}

/// The number of elements of an iteration of the loop over elements.
pub(super) fn elements_per_turn(width: u8, code: &[Instr]) -> usize {
    128 / usize::from(width) * unroll(code)
}

/// The flags of accesses to array elements, of any alignment.
pub(super) fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// The code of a fused step, and the values that its loops keep in registers.
pub(super) struct Line<'c> {
    pub(super) code: &'c [Instr],
    /// The number of bits of a lane.
    pub(super) width: u8,
    places: Vec<Place>,
    /// The pointers of the places, unless there are too many.
    pointers: Option<Vec<Value>>,
    /// The address of the cells of uniforms.
    cells: Value,
    /// The numbers of the instructions that load uniforms which stay in registers, and their values.
    uniforms: Vec<(usize, Value)>,
}

/// The treatment of values that are accumulated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Accumulated {
    /// The loop accumulates them.
    Here,
    /// The loop stores them, and the executor accumulates them later.
    Later,
}

/// The value of an instruction for each vector of an iteration; none for a store.
pub(super) type Vectors = [Option<Value>; 4];

impl Compiler<'_, '_> {
    /// The loops of a fused step.
    pub(super) fn fused(&mut self, width: u8, code: &[Instr]) -> Result<(), Refusal> {
        let unrolled = unroll(code);
        let line = self.line(width, code, unrolled)?;
        let start = match line.accumulates() {
            true => self.accumulate_rows(&line)?,
            false => self.b.ins().iconst(types::I64, 0),
        };
        self.elements(&line, unrolled, start)
    }

    /// The loop over elements, from an offset in bytes to the end of the tile.
    fn elements(&mut self, line: &Line<'_>, unrolled: usize, start: Value) -> Result<(), Refusal> {
        let turn = elements_per_turn(line.width, line.code) as i64;
        let size = i64::from(line.width / 8);
        let whole = self.b.ins().iadd_imm_s(self.n, turn - 1);
        let whole = self.b.ins().band_imm_s(whole, -turn);
        let end = self.b.ins().ishl_imm_s(whole, i64::from(size.trailing_zeros()));

        let body = self.b.create_block();
        let exit = self.b.create_block();
        let offset = self.b.append_block_param(body, types::I64);
        if line.accumulates() {
            let more = self.b.ins().icmp(IntCC::UnsignedLessThan, start, end);
            self.b.ins().brif(more, body, &[BlockArg::Value(start)], exit, &[]);
        } else {
            self.b.ins().jump(body, &[BlockArg::Value(start)]);
        }
        self.b.switch_to_block(body);
        self.values(line, offset, unrolled, Accumulated::Later)?;
        let next = self.b.ins().iadd_imm_s(offset, size * turn);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        self.b.ins().brif(more, body, &[BlockArg::Value(next)], exit, &[]);
        self.b.seal_block(body);
        self.b.switch_to_block(exit);
        self.b.seal_block(exit);
        Ok(())
    }

    /// Loads the values that loops keep in registers: pointers, and as many uniforms as there is
    /// room for. The other uniforms are memory operands.
    fn line<'c>(
        &mut self,
        width: u8,
        code: &'c [Instr],
        unrolled: usize,
    ) -> Result<Line<'c>, Refusal> {
        let mut places: Vec<Place> = code
            .iter()
            .filter_map(Instr::place)
            .filter(|p| !matches!(p, Place::Uniform(_)))
            .collect();
        places.sort_unstable();
        places.dedup();
        let pointers = match places.len() <= MOST_POINTERS {
            true => Some(places.iter().map(|p| self.pointer(*p)).collect::<Result<_, _>>()?),
            false => None,
        };
        let cells = self.pointer(Place::Uniform(0))?;
        let room = REGISTERS.saturating_sub(most_live(code) * unrolled);
        let uniform = |(i, instr): (usize, &Instr)| match instr {
            Instr::Load(Place::Uniform(cell), lane) => Some((i, *cell, *lane)),
            _ => None,
        };
        let mut uniforms: Vec<(usize, Value)> = Vec::new();
        for (i, cell, lane) in code.iter().enumerate().filter_map(uniform).take(room) {
            uniforms.push((i, self.uniform(cells, cell, lane)));
        }
        Ok(Line { code, width, places, pointers, cells, uniforms })
    }

    /// The instructions of an iteration at an offset in bytes.
    pub(super) fn values(
        &mut self,
        line: &Line<'_>,
        offset: Value,
        unrolled: usize,
        accumulated: Accumulated,
    ) -> Result<Vec<Vectors>, Refusal> {
        let mut values: Vec<Vectors> = Vec::with_capacity(line.code.len());
        let mut repeats = None;
        for (i, instr) in line.code.iter().enumerate() {
            let mut made = [None; 4];
            if let Ok(at) = line.uniforms.binary_search_by_key(&i, |(i, _)| *i) {
                values.push([Some(line.uniforms[at].1); 4]);
                continue;
            }
            if matches!(instr, Instr::Accumulate(_)) && accumulated == Accumulated::Here {
                values.push(made);
                continue;
            }
            let address = match instr.place() {
                None | Some(Place::Uniform(_)) => None,
                Some(place) => {
                    let pointer = match (&line.pointers, line.places.binary_search(&place)) {
                        (Some(pointers), Ok(i)) => pointers[i],
                        _ => self.pointer(place)?,
                    };
                    let mut offset = offset;
                    if self.program.may_repeat(place) {
                        let masked = repeats.unwrap_or_else(|| {
                            let mask = self.entry(self.layout.repeats());
                            self.b.ins().band(offset, mask)
                        });
                        (offset, repeats) = (masked, Some(masked));
                    }
                    Some(self.b.ins().iadd(pointer, offset))
                }
            };
            for (u, made) in made.iter_mut().enumerate().take(unrolled) {
                let disp = u as i32 * 16;
                let of = |x: &u32| {
                    values[*x as usize][u].ok_or_else(|| bug("a value before it is made"))
                };
                match (instr, address) {
                    (Instr::Load(Place::Uniform(cell), lane), _) => {
                        *made = Some(self.uniform(line.cells, *cell, *lane));
                    }
                    (Instr::Load(_, lane), Some(address)) => {
                        *made = Some(self.load(vector(*lane), address, disp));
                    }
                    (
                        Instr::Store(_, x) | Instr::Accumulate(Accumulate { value: x, .. }),
                        Some(address),
                    ) => {
                        let value = of(x)?;
                        self.b.ins().store(unaligned(), value, address, disp);
                    }
                    (Instr::Accumulate(_), None) => {}
                    (Instr::Apply(op, dtype, args), _) => {
                        let count = op.row().parameters.len();
                        let args = args[..count].iter().map(of).collect::<Result<Vec<_>, _>>()?;
                        *made = Some(self.operation(*op, *dtype, &args)?);
                    }
                    _ => return Err(bug("an instruction without an address")),
                }
            }
            values.push(made);
        }
        Ok(values)
    }

    /// A load of a uniform value.
    fn uniform(&mut self, cells: Value, cell: u32, lane: Lane) -> Value {
        let offset = cell as i32 * 16;
        self.b.ins().load(vector(lane), MemFlagsData::trusted(), cells, offset)
    }

    /// A load of array elements, of any alignment.
    ///
    /// Without AVX a memory operand must be aligned, which Cranelift 0.135 ignores for float
    /// comparisons. A cast keeps it from merging the load into its user.
    pub(super) fn load(&mut self, ty: Type, address: Value, disp: i32) -> Value {
        if self.isa >= Isa::Avx2 {
            return self.b.ins().load(ty, unaligned(), address, disp);
        }
        let other = if ty == types::F64X2 { types::I64X2 } else { types::F64X2 };
        let loaded = self.b.ins().load(other, unaligned(), address, disp);
        self.cast(loaded, ty)
    }

    /// The bits of a vector as another type.
    pub(super) fn cast(&mut self, value: Value, ty: Type) -> Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }
}

impl Line<'_> {
    /// The accumulations.
    pub(super) fn accumulated(&self) -> impl Iterator<Item = &Accumulate> {
        self.code.iter().filter_map(|instr| match instr {
            Instr::Accumulate(accumulate) => Some(accumulate),
            _ => None,
        })
    }

    fn accumulates(&self) -> bool {
        self.accumulated().next().is_some()
    }
}
