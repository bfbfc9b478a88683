//! Every conversion of lanes, in loops of every width that may have it.

use hotloop_runtime::convert::convert_scalar;

use super::*;

/// The lanes that conversions go between.
fn lanes() -> impl Iterator<Item = Lane> {
    DType::ALL.into_iter().map(Lane::Value).chain([8, 16, 32, 64].map(Lane::Mask))
}

/// What must be converted right: all elements of 8 and 16 bits, edges and their neighbours, and any.
fn elements(lane: Lane, rng: &mut Rng) -> Vec<u64> {
    let Lane::Value(dtype) = lane else { return vec![0, !0, !0, 0, 0, !0, 0, !0, !0, !0, 0] };
    let mut list: Vec<u64> = match dtype.size() {
        1 => (0..256).collect(),
        2 => (0..65536).collect(),
        _ => (0..2000).map(|_| element(lane, rng)).collect(),
    };
    let powers = [7, 8, 15, 16, 23, 24, 31, 32, 51, 52, 53, 62, 63, 64, 84, 127];
    for power in powers {
        let (edge, sign) = (2f64.powi(power), [1.0, -1.0]);
        for x in [edge, edge - 1.0, edge + 1.0, edge - 0.5, edge + 0.5, edge * 1.5] {
            for x in sign.map(|sign| sign * x) {
                match dtype {
                    DType::F64 => {
                        list.extend([x.to_bits() - 1, x.to_bits(), x.to_bits() + 1]);
                    }
                    DType::F32 => {
                        let bits = u64::from((x as f32).to_bits());
                        list.extend([bits - 1, bits, bits + 1]);
                    }
                    _ => {
                        let bits = x as i128 as u64;
                        list.extend([bits.wrapping_sub(1), bits, bits.wrapping_add(1)]);
                    }
                }
            }
        }
    }
    if dtype.is_float() {
        // As many of each size as there are.
        for _ in 0..4000 {
            let x = rng.next() as f64 * 2f64.powi(rng.below(80) as i32 - 70);
            let x = if rng.below(2) == 0 { x } else { -x };
            list.push(if dtype == DType::F64 { x.to_bits() } else { (x as f32).to_bits().into() });
        }
    } else if dtype.size() == 8 {
        // Halves of two floats, which are rounded to the even one, and what is beside them.
        for _ in 0..4000 {
            let high = rng.next() | 1 << 63;
            let at = rng.below(63);
            let half = [0, 1 << at, (1 << at) - 1, (1 << at) + 1][rng.below(4)];
            list.push((high & !0 << at | half) >> rng.below(40));
        }
    }
    list
}

/// A program that converts beside lanes of this width.
fn converting(from: Lane, to: Lane, bits: u8) -> Program {
    let beside = Lane::Value(
        DType::ALL.into_iter().find(|d| d.bits() as u8 == bits && d.is_int()).expect("a dtype"),
    );
    let code = vec![
        Instr::Load(Place::Input(0), from),
        Instr::Convert(from, to, 0),
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
    Program { tile, inputs: vec![from, beside], uniforms: Vec::new(), outputs: vec![to, beside] }
}

/// What a conversion must give, as the bits of an output.
fn right(from: Lane, to: Lane, bits: u64) -> u64 {
    let (dtype, value) = match from {
        Lane::Value(dtype) => (dtype, bits),
        Lane::Mask(_) => (DType::Bool, bits & 1),
    };
    match to {
        Lane::Value(to) => convert_scalar(value, dtype, to),
        Lane::Mask(_) => convert_scalar(value, dtype, DType::Bool),
    }
}

#[test]
fn every_conversion_gives_what_scalars_give() {
    let mut converted = [0; 2];
    for (at, (width, isa)) in
        [(Width::Ymm, Isa::Avx2), (Width::Zmm, Isa::Avx512)].into_iter().enumerate()
    {
        for (from, to) in lanes().flat_map(|from| lanes().map(move |to| (from, to))) {
            if !convert::converts(from, to, isa) {
                continue;
            }
            for bits in [8, 16, 32, 64] {
                if bits < from.bits().max(to.bits()) {
                    continue;
                }
                let program = converting(from, to, bits);
                let mut rng = Rng(u64::from(bits));
                let all = elements(from, &mut rng);
                for native in [false, true] {
                    if native && Isa::detect() < isa {
                        continue;
                    }
                    // The evaluator takes its time.
                    let some = if native { 1 } else { all.len() / 400 + 1 };
                    let list: Vec<u64> = all.iter().copied().step_by(some).collect();
                    let n = list.len();
                    let second = array(program.inputs[1], n, |at| at as u64);
                    let inputs = [array(from, n, |at| list[at]), second.clone()];
                    let outputs = outputs(&program, &inputs, n, width, native);
                    let outputs = outputs.expect("code");
                    let check = |at: usize| {
                        let got = bits_at(&outputs[0], to.bytes(), at);
                        let want = right(from, to, list[at]);
                        let same = match to {
                            Lane::Mask(_) => {
                                got == if want == 1 { !0 >> (64 - to.bits()) } else { 0 }
                            }
                            Lane::Value(DType::F64) if f64::from_bits(want).is_nan() => {
                                f64::from_bits(got).is_nan()
                            }
                            Lane::Value(DType::F32) if f32::from_bits(want as u32).is_nan() => {
                                f32::from_bits(got as u32).is_nan()
                            }
                            Lane::Value(_) => got == want,
                        };
                        assert!(
                            same,
                            "{from:?} to {to:?} beside {bits} bits, {width:?}, native: {native}, of {:#x}: {got:#x}, not {want:#x}",
                            list[at]
                        );
                    };
                    (0..n).for_each(check);
                    assert_eq!(
                        outputs[1][..n * usize::from(bits) / 8],
                        second[..n * usize::from(bits) / 8]
                    );
                }
                converted[at] += 1;
            }
        }
    }
    assert!(converted[0] > 200 && converted[1] > converted[0], "{converted:?} conversions");
}
