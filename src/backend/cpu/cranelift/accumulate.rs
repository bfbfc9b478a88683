//! Loops that accumulate whole rows in registers.
//!
//! A block has more accumulators than fit in registers, so it is processed in strips: a few vectors
//! at the same columns of all its rows. Strips do not change the result, because each accumulator
//! still takes the rows in order.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, MemFlagsData, Type, Value, types};
use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::{ROWS, Reduction, Runs, row_lanes};
use hotloop_runtime::tile::CarryState;

use super::fused::{Accumulated, Line, REGISTERS, most_live, unaligned};
use super::{Compiler, bug, vector};
use crate::backend::Refusal;
use crate::backend::cpu::tile::Accumulate;
use crate::ops::Op;

/// The accumulators of a carry in one vector of a strip.
#[derive(Clone, Copy)]
struct Accumulators {
    /// The number of the vector in the strip.
    vector: usize,
    reduction: Reduction,
    /// The lane of the elements.
    lane: Lane,
    /// The lane of the accumulators.
    run: Lane,
    /// The value that is accumulated.
    value: usize,
    /// The number of the carry among those of the line.
    carry: usize,
}

impl Compiler<'_, '_> {
    /// A field of a carry's state.
    fn state(&mut self, pointer: Value, offset: usize) -> Value {
        self.b.ins().load(types::I64, MemFlagsData::trusted(), pointer, offset as i32)
    }

    /// A basic block with parameters of these types.
    fn block_of(&mut self, params: &[Type]) -> (Block, Vec<Value>) {
        let block = self.b.create_block();
        let params = params.iter().map(|ty| self.b.append_block_param(block, *ty)).collect();
        (block, params)
    }

    fn jump(&mut self, block: Block, args: &[Value]) {
        let args: Vec<BlockArg> = args.iter().map(|x| BlockArg::Value(*x)).collect();
        self.b.ins().jump(block, &args);
    }

    fn branch(&mut self, condition: Value, then: (Block, &[Value]), other: (Block, &[Value])) {
        let [yes, no] = [then.1, other.1]
            .map(|args| args.iter().map(|x| BlockArg::Value(*x)).collect::<Vec<_>>());
        self.b.ins().brif(condition, then.0, &yes, other.0, &no);
    }

    /// Accumulates the rows that the carries' states specify. Returns the offset in bytes after them.
    pub(super) fn accumulate_rows(&mut self, line: &Line<'_>) -> Result<Value, Refusal> {
        let size = usize::from(line.width / 8);
        let row_bytes = (row_lanes(size) * size) as i64;
        let carries: Vec<&Accumulate> = line.accumulated().collect();
        let unrolled = (REGISTERS / (most_live(line.code).max(1) + carries.len())).clamp(1, 4);
        let unrolled = 1 << unrolled.ilog2();
        let strip_bytes = 16 * unrolled as i64;
        let accumulators = accumulators(&carries, unrolled)?;

        let layout = self.layout;
        let states: Vec<Value> =
            carries.iter().map(|a| self.entry(layout.state(a.state as usize))).collect();
        let at = std::mem::offset_of!(CarryState, runs);
        let runs: Vec<Value> = states.iter().map(|state| self.state(*state, at)).collect();
        let state = states[0];
        let rows = self.state(state, std::mem::offset_of!(CarryState, rows));
        let before = self.state(state, std::mem::offset_of!(CarryState, before));
        let zero = self.b.ins().iconst(types::I64, 0);
        let pointers = vec![types::I64; runs.len()];
        let (done, result) = self.block_of(&[types::I64]);
        // The loop over blocks of rows. Its parameters are the offset, the number of rows that are
        // left, the number of rows that the first block already has, and the runs.
        let (blocks, block) = self.block_of(&[&[types::I64; 3][..], &pointers].concat());
        let first = [&[zero, rows, before][..], &runs].concat();
        self.branch(rows, (blocks, &first), (done, &[zero]));
        self.b.switch_to_block(blocks);
        let [offset, left, before] = [block[0], block[1], block[2]];
        let runs = &block[3..];
        let full = self.b.ins().iconst(types::I64, ROWS as i64);
        let room = self.b.ins().isub(full, before);
        let taken = self.b.ins().umin(left, room);
        let shift = i64::from(row_bytes.trailing_zeros());
        let bytes = self.b.ins().ishl_imm_s(taken, shift);

        // The loop over the strips of a block. Its parameter is the offset in a row.
        let (strips, strip) = self.block_of(&[types::I64]);
        self.jump(strips, &[zero]);
        self.b.switch_to_block(strips);
        let strip = strip[0];
        let types_of: Vec<Type> = accumulators.iter().map(|a| vector(a.run)).collect();
        // The loop over the rows of a strip. Its parameters are the offset in the block and the
        // accumulators.
        let (loop_, params) = self.block_of(&[&[types::I64][..], &types_of].concat());
        let (fresh, _) = self.block_of(&[]);
        let (resumed, _) = self.block_of(&[]);
        self.branch(before, (resumed, &[]), (fresh, &[]));
        self.b.switch_to_block(resumed);
        self.b.seal_block(resumed);
        let mut args = vec![zero];
        for a in &accumulators {
            let address = self.b.ins().iadd(runs[a.carry], strip);
            args.push(self.load(vector(a.run), address, a.vector as i32 * 16));
        }
        self.jump(loop_, &args);
        self.b.switch_to_block(fresh);
        self.b.seal_block(fresh);
        let mut args = vec![zero];
        for a in &accumulators {
            let identity = Runs::identity(a.reduction, a.run);
            args.push(self.splat_bits(identity, a.run.bytes(), vector(a.run)));
        }
        self.jump(loop_, &args);

        self.b.switch_to_block(loop_);
        let (row, current) = (params[0], &params[1..]);
        let at = self.b.ins().iadd(offset, strip);
        let at = self.b.ins().iadd(at, row);
        let values = self.values(line, at, unrolled, Accumulated::Here)?;
        let mut next = Vec::with_capacity(current.len());
        for (a, current) in accumulators.iter().zip(current) {
            let x = values[a.value][a.vector].ok_or_else(|| bug("a carry of nothing"))?;
            next.push(self.accumulate(a, *current, x)?);
        }
        let row = self.b.ins().iadd_imm_s(row, row_bytes);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, row, bytes);
        let (ends, last) = self.block_of(&types_of);
        let again = [&[row][..], &next].concat();
        self.branch(more, (loop_, &again), (ends, &next));
        self.b.seal_block(loop_);

        self.b.switch_to_block(ends);
        self.b.seal_block(ends);
        for (a, value) in accumulators.iter().zip(&last) {
            let address = self.b.ins().iadd(runs[a.carry], strip);
            self.b.ins().store(unaligned(), *value, address, a.vector as i32 * 16);
        }
        let strip = self.b.ins().iadd_imm_s(strip, strip_bytes);
        let more = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, strip, row_bytes);
        let (next_block, _) = self.block_of(&[]);
        self.branch(more, (strips, &[strip]), (next_block, &[]));
        self.b.seal_block(strips);

        self.b.switch_to_block(next_block);
        self.b.seal_block(next_block);
        let left = self.b.ins().isub(left, taken);
        let offset = self.b.ins().iadd(offset, bytes);
        let mut args = vec![offset, left, zero];
        args.extend(runs.iter().map(|pointer| self.b.ins().iadd_imm_s(*pointer, row_bytes)));
        self.branch(left, (blocks, &args), (done, &[offset]));
        self.b.seal_block(blocks);
        self.b.switch_to_block(done);
        self.b.seal_block(done);
        Ok(result[0])
    }

    /// A vector of copies of a pattern of `size` bytes.
    fn splat_bits(&mut self, bits: u64, size: usize, ty: Type) -> Value {
        let bits = match size {
            1 => u64::from(bits as u8) * 0x0101_0101_0101_0101,
            2 => u64::from(bits as u16) * 0x0001_0001_0001_0001,
            4 => u64::from(bits as u32) * 0x0000_0001_0000_0001,
            _ => bits,
        };
        let bits = self.b.ins().iconst(types::I64, bits as i64);
        let bits = self.b.ins().splat(types::I64X2, bits);
        self.cast(bits, ty)
    }

    /// The accumulators after the next row.
    fn accumulate(&mut self, a: &Accumulators, acc: Value, x: Value) -> Result<Value, Refusal> {
        let narrow = |dtype: DType| dtype.is_int() && dtype.size() < 8;
        Ok(match (a.reduction, a.lane) {
            (Reduction::Sum, Lane::Mask(_)) => self.b.ins().isub(acc, x),
            (Reduction::Any, _) => self.b.ins().bor(acc, x),
            (Reduction::All, _) => self.b.ins().band(acc, x),
            (Reduction::Sum, Lane::Value(dtype)) if narrow(dtype) => {
                let [low, high] = match dtype.is_signed_int() {
                    true => [self.b.ins().swiden_low(x), self.b.ins().swiden_high(x)],
                    false => [self.b.ins().uwiden_low(x), self.b.ins().uwiden_high(x)],
                };
                let both = match dtype.size() {
                    4 => self.b.ins().iadd(low, high),
                    _ => self.b.ins().iadd_pairwise(low, high),
                };
                self.b.ins().iadd(acc, both)
            }
            (Reduction::Sum, Lane::Value(dtype)) => self.operation(Op::Add, dtype, &[acc, x])?,
            (Reduction::Prod, Lane::Value(dtype)) => self.operation(Op::Mul, dtype, &[acc, x])?,
            (Reduction::Min, Lane::Value(dtype)) => {
                self.operation(Op::Minimum, dtype, &[acc, x])?
            }
            (Reduction::Max, Lane::Value(dtype)) => {
                self.operation(Op::Maximum, dtype, &[acc, x])?
            }
            _ => return Err(bug(format_args!("{} of {:?} in registers", a.reduction, a.lane))),
        })
    }
}

/// The accumulators of a strip, by carry and vector.
fn accumulators(carries: &[&Accumulate], vectors: usize) -> Result<Vec<Accumulators>, Refusal> {
    let mut list = Vec::with_capacity(carries.len() * vectors);
    for (carry, Accumulate { reduction, lane, value, .. }) in carries.iter().enumerate() {
        let run = Runs::lane(*reduction, *lane);
        let run = run.ok_or_else(|| bug(format_args!("{reduction} of {lane:?} in registers")))?;
        let (reduction, lane, value) = (*reduction, *lane, *value as usize);
        let of = |vector| Accumulators { vector, reduction, lane, run, value, carry };
        list.extend((0..vectors).map(of));
    }
    Ok(list)
}
