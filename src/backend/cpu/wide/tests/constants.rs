//! Shifts and divisions by constants, in loops of every width that may have them.

use super::*;

/// The operations that take constants, and how many constants of 16 and 32 bits are tried.
const OPS: [Op; 4] = [Op::FloorDiv, Op::Rem, Op::Shl, Op::Shr];
const RANDOM: usize = 60;

/// A program of one operation beside lanes of this width.
fn program(op: Op, dtype: DType, constant: u64, bits: u8) -> Program {
    let lane = Lane::Value(dtype);
    let beside = Lane::Value(dtypes(bits)[0]);
    let code = vec![
        Instr::Load(Place::Input(0), lane),
        Instr::ByConstant(op, dtype, 0, constant),
        Instr::Store(Place::Output(0), 1),
        Instr::Load(Place::Input(1), beside),
        Instr::Store(Place::Output(1), 3),
    ];
    let tile = TileProgram {
        steps: vec![Step::Fused(bits, code)],
        inputs: 2,
        outputs: 2,
        slots: 0,
        carries: Vec::new(),
        scans: Vec::new(),
        repeated: Vec::new(),
    };
    Program { tile, inputs: vec![lane, beside], uniforms: Vec::new(), outputs: vec![lane, beside] }
}

/// The constants of a dtype that are tried: all of 8 bits, small ones, those near powers of two, any.
fn constants(dtype: DType, rng: &mut Rng) -> Vec<u64> {
    let bits = dtype.bits();
    if bits == 8 {
        return (0..256).collect();
    }
    let near =
        (1..bits).flat_map(|power| (0..7).map(move |off| ((1_u64 << power) + 3).wrapping_sub(off)));
    let any = (0..RANDOM).map(|_| rng.next() >> rng.below(64));
    let list = (0..40).chain([1000, 641]).chain(near).chain(any);
    list.map(|constant| constant & (u64::MAX >> (64 - bits))).collect()
}

/// The dividends of a dtype: all of 8 and 16 bits; else multiples of the divisor and what is beside
/// them, edges, any.
fn dividends(dtype: DType, divisor: u64, rng: &mut Rng) -> Vec<u64> {
    match dtype.size() {
        1 => (0..256).collect(),
        2 => (0..65536).collect(),
        _ => {
            let multiple = |rng: &mut Rng| (rng.next() as i32 as i64 as u64).wrapping_div(divisor);
            let mut list: Vec<u64> = (0..400)
                .flat_map(|_| {
                    let product = multiple(rng).wrapping_mul(divisor);
                    [-1, 0, 1].map(|off| product.wrapping_add_signed(off))
                })
                .collect();
            list.extend((0..400).map(|_| element(Lane::Value(dtype), rng)));
            list.extend([0, 1, !0, 1 << 31, (1 << 31) - 1, (1 << 31) + 1, !0 - 1]);
            list
        }
    }
}

/// The definition.
fn expected(op: Op, dtype: DType, list: &[u64], constant: u64) -> Vec<u8> {
    let lane = Lane::Value(dtype);
    let kernel = op.defined_kernel(dtype, Isa::Baseline).expect("a definition");
    let (x, y) = (array(lane, list.len(), |at| list[at]), array(lane, list.len(), |_| constant));
    let mut out = vec![0; list.len() * dtype.size()];
    // SAFETY: each array has that many elements.
    unsafe { kernel(out.as_mut_ptr(), x.as_ptr(), y.as_ptr(), std::ptr::null(), list.len()) };
    out
}

#[test]
fn operations_by_constants_give_what_they_are_defined_as() {
    let seed = 0x5EED;
    let mut checked = 0;
    for (width, isa) in [(Width::Ymm, Isa::Avx2), (Width::Zmm, Isa::Avx512)] {
        let mut rng = Rng(seed);
        for (op, dtype) in OPS.into_iter().flat_map(|op| DType::ALL.map(|dtype| (op, dtype))) {
            for constant in constants(dtype, &mut rng) {
                if !by_constant::exists(op, dtype, constant) {
                    continue;
                }
                let all = dividends(dtype, constant, &mut rng);
                let bits = [8, 16, 32, 64].into_iter().filter(|bits| *bits >= dtype.bits() as u8);
                let bits: Vec<u8> = bits.collect();
                let bits = bits[rng.below(bits.len())];
                for native in [false, true] {
                    if native && Isa::detect() < isa {
                        continue;
                    }
                    // The evaluator takes its time.
                    let few = match native {
                        true if constant < 40 => 1,
                        true => all.len().div_ceil(8192),
                        false => all.len().div_ceil(256),
                    };
                    let list: Vec<u64> =
                        all.iter().copied().skip(rng.below(few)).step_by(few).collect();
                    let program = program(op, dtype, constant, bits);
                    let second = array(program.inputs[1], list.len(), |at| at as u64);
                    let inputs = [array(program.inputs[0], list.len(), |at| list[at]), second];
                    let outputs = outputs(&program, &inputs, list.len(), width, native);
                    let outputs = outputs.expect("code");
                    let want = expected(op, dtype, &list, constant);
                    let size = dtype.size();
                    let bits_of = |bytes: &[u8], at| bits_at(bytes, size, at);
                    let differs = |at: &usize| bits_of(&outputs[0], *at) != bits_of(&want, *at);
                    let differs = match outputs[0].starts_with(&want) {
                        true => None,
                        false => (0..list.len()).find(differs),
                    };
                    if let Some(at) = differs {
                        panic!(
                            "{op:?} of {dtype} {:#x} by {constant:#x} beside {bits} bits, {width:?}, \
                             native: {native}, seed {seed:#x}: {:#x}, not {:#x}",
                            list[at],
                            bits_of(&outputs[0], at),
                            bits_of(&want, at)
                        );
                    }
                    let second = list.len() * usize::from(bits) / 8;
                    assert_eq!(outputs[1][..second], inputs[1][..second], "the lanes beside");
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 2000, "{checked} constants");
}

/// Each form of a multiplier is tried: without the long bit, with it, after a shift.
#[test]
fn the_constants_that_are_tried_need_every_form() {
    let forms = |dtype| {
        let mut rng = Rng(0x5EED);
        let list = constants(dtype, &mut rng).into_iter();
        let list = list.filter(|constant| by_constant::exists(Op::FloorDiv, dtype, *constant));
        let forms = list.map(|constant| by_constant::form(dtype, constant));
        forms.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!([DType::U16, DType::U32, DType::I16, DType::I32].map(forms), [3, 3, 1, 1]);
}
