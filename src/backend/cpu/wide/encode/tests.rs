//! Every row in every form of its operands, read back by a decoder of other authors.

use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};

use super::super::rows::{ALL, Encodings, Form, Part, Row, Unit};
use super::*;

const REGISTERS: [u8; 6] = [0, 7, 8, 15, 16, 31];

/// The only instruction of some code.
fn decoded(code: &[u8], what: &str) -> Instruction {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let instruction = decoder.decode();
    assert!(!instruction.is_invalid(), "{what}: {code:02x?}");
    assert_eq!(instruction.len(), code.len(), "{what}: {code:02x?}");
    instruction
}

/// A register of a vector, or of the part that has so many bytes.
fn vector(bytes: usize, number: u8) -> Register {
    let first = match bytes {
        64 => Register::ZMM0,
        32 => Register::YMM0,
        _ => Register::XMM0,
    };
    first + u32::from(number)
}

/// Bytes of the vectors that `reg`, `vvvv` and `rm` name.
fn lengths(row: &Row, width: Width) -> [usize; 3] {
    let all = match row.length {
        Length::Width => width.bytes(),
        Length::Half => width.bytes() / 2,
        Length::Xmm => 16,
    };
    let converts = row.name.starts_with("vcvt") || row.name.starts_with("vpmov");
    let rm = if converts { row.memory_bytes(width) } else { all };
    let narrows = ["vcvtpd2ps", "vcvttpd2dq", "vcvttpd2udq", "vcvtqq2ps", "vcvtuqq2ps"];
    let reg = if narrows.contains(&row.name) { all / 2 } else { all };
    [reg, all, rm]
}

fn general(register: Gpr) -> Register {
    Register::RAX + u32::from(register.0)
}

/// Whether the operand in `reg`, in `vvvv`, in `rm` is a mask register.
fn masks(row: &Row, width: Width) -> [bool; 3] {
    match row.form {
        Form::Masks | Form::Mask | Form::MaskStore => [true; 3],
        _ => {
            let to_mask = row.name.ends_with("2m")
                || row.name.starts_with("vpcmp")
                || row.name.starts_with("vptest")
                || row.name.starts_with("vcmp");
            [to_mask && width == Width::Zmm, false, row.name.starts_with("vpmovm2")]
        }
    }
}

fn check(row: &'static Row, width: Width, operands: Operands) {
    let what = format!("{} {width:?} {operands:?}", row.name);
    let mut asm = Asm::new(width);
    asm.emit(row, operands);
    let end = asm.position();
    let mut code = asm.finish(&[]);
    if matches!(operands.rm, Rm::Memory(Address::Pool(_)) | Rm::Broadcast(Address::Pool(_))) {
        code.truncate(end);
    }
    let got = decoded(&code, &what);
    assert_eq!(format!("{:?}", got.mnemonic()).to_lowercase(), row.name, "{what}");
    let (masks, lengths) = (masks(row, width), lengths(row, width));
    let register = |at: usize, number: u8| match masks[at] {
        true => Register::K0 + u32::from(number),
        false => vector(lengths[at], number),
    };
    let (reg, vvvv) = (Some(register(0, operands.reg)), Some(register(1, operands.vvvv)));
    let rm = match operands.rm {
        Rm::Register(number) => Some(register(2, number)),
        _ => None,
    };
    let expected: Vec<Option<Register>> = match row.form {
        Form::Rm | Form::Mask => vec![reg, rm],
        Form::Mr | Form::MaskStore => vec![rm, reg],
        Form::Rvm | Form::Masks => vec![reg, vvvv, rm],
        Form::Rvmr => vec![reg, vvvv, rm, Some(vector(width.bytes(), operands.imm >> 4))],
        Form::Vm(_) => vec![vvvv, rm],
    };
    for (at, expected) in expected.iter().enumerate() {
        match expected {
            Some(register) => {
                assert_eq!(got.op_kind(at as u32), OpKind::Register, "{what}");
                assert_eq!(got.op_register(at as u32), *register, "{what}");
            }
            None => assert_eq!(got.op_kind(at as u32), OpKind::Memory, "{what}"),
        }
    }
    assert_eq!(got.op_count() as usize, expected.len() + usize::from(row.immediate), "{what}");
    if row.immediate {
        assert_eq!(got.immediate8(), operands.imm, "{what}");
    }
    let mask =
        if operands.mask == 0 { Register::None } else { Register::K0 + u32::from(operands.mask) };
    assert_eq!(got.op_mask(), mask, "{what}");
    assert!(!got.zeroing_masking(), "{what}");
    if let Rm::Memory(address) | Rm::Broadcast(address) = operands.rm {
        let broadcast = matches!(operands.rm, Rm::Broadcast(_));
        assert_eq!(got.is_broadcast(), broadcast, "{what}");
        match address {
            Address::Based(base, index, disp) => {
                assert_eq!(got.memory_base(), general(base), "{what}");
                let register = index.map_or(Register::None, |index| general(index.register));
                assert_eq!(got.memory_index(), register, "{what}");
                let scale = 1 << index.map_or(0, |index| index.shift);
                assert_eq!(got.memory_index_scale(), scale, "{what}");
                assert_eq!(got.memory_displacement64() as i64, i64::from(disp), "{what}");
            }
            Address::Pool(to) => {
                assert!(got.is_ip_rel_memory_operand(), "{what}");
                let pool = end as u64;
                assert_eq!(got.ip_rel_memory_address(), pool + u64::from(to), "{what}");
            }
        }
        let bytes = match (broadcast, row.unit, row.form) {
            (true, ..) => usize::from(row.element),
            (_, _, Form::Mask | Form::MaskStore) => 8,
            _ => row.memory_bytes(width),
        };
        let size = got.memory_size();
        let size = if broadcast { size.element_size() } else { size.size() };
        assert_eq!(size, bytes, "{what}");
    }
}

fn addresses(unit: i32) -> Vec<Address> {
    let disps =
        [0, 1, unit, -unit, 127 * unit, 128 * unit, -128 * unit, -129 * unit, unit + 1, 1 << 30];
    let bases = [Gpr::RAX, Gpr::RSP, Gpr::RBP, Gpr::RDI, Gpr::R8, Gpr::R12, Gpr::R13, Gpr::R15];
    let index = |register, shift| Some(Index { register, shift });
    let indices =
        [None, index(Gpr::RAX, 0), index(Gpr::RBP, 1), index(Gpr::R12, 2), index(Gpr::R13, 3)];
    let based = bases.iter().flat_map(|base| {
        indices.iter().flat_map(move |index| disps.map(|disp| Address::Based(*base, *index, disp)))
    });
    based.chain([Address::Pool(0), Address::Pool(64), Address::Pool(4096)]).collect()
}

#[test]
fn every_row_is_what_a_decoder_reads() {
    let mut checked = 0;
    for row in ALL.iter().copied() {
        let only_masks = matches!(row.form, Form::Masks | Form::Mask | Form::MaskStore);
        for width in [Width::Ymm, Width::Zmm] {
            match row.encodings {
                Encodings::Vex if width == Width::Zmm && !only_masks => continue,
                Encodings::Evex if width == Width::Ymm => continue,
                _ => {}
            }
            let kinds = masks(row, width);
            let numbers = |at: usize| {
                let most = if kinds[at] { 8 } else { width.registers() as u8 };
                REGISTERS.into_iter().filter(move |number| *number < most)
            };
            let in_registers = matches!(row.form, Form::Masks | Form::Vm(_));
            let of_mask = row.name.ends_with("2m") || row.name.starts_with("vpmovm2");
            let loads = !of_mask && !in_registers && row.name != "knotq";
            let moves = row.name.starts_with("vmov");
            let stores = matches!(row.form, Form::Mr) && moves || row.form == Form::MaskStore;
            let part = moves && row.unit != Unit::Part(Part::Whole);
            let copies = !stores && !part && !row.name.starts_with("vbroadcast");
            let unit = match width {
                _ if only_masks => 1,
                Width::Ymm => 1,
                Width::Zmm => row.memory_bytes(width) as i32,
            };
            for reg in numbers(0) {
                for vvvv in numbers(1) {
                    // Operands that an instruction does not have.
                    let vvvv =
                        if matches!(row.form, Form::Rvm | Form::Rvmr | Form::Masks | Form::Vm(_)) {
                            vvvv
                        } else {
                            0
                        };
                    let reg = if matches!(row.form, Form::Vm(_)) { 0 } else { reg };
                    let imm = if row.form == Form::Rvmr {
                        vvvv << 4
                    } else if row.immediate {
                        0x15
                    } else {
                        0
                    };
                    let operands = |rm, mask| Operands { reg, vvvv, rm, mask, imm };
                    for rm in numbers(2).filter(|_| copies) {
                        check(row, width, operands(Rm::Register(rm), 0));
                        checked += 1;
                        if width == Width::Zmm && !only_masks && !of_mask {
                            check(row, width, operands(Rm::Register(rm), 1));
                            check(row, width, operands(Rm::Register(rm), 7));
                        }
                    }
                    for address in addresses(unit).into_iter().filter(|_| loads) {
                        check(row, width, operands(Rm::Memory(address), 0));
                        checked += 1;
                    }
                    if row.element > 0 && width == Width::Zmm {
                        for address in addresses(i32::from(row.element)) {
                            check(row, width, operands(Rm::Broadcast(address), 0));
                        }
                    }
                }
            }
        }
    }
    assert!(checked > 100_000, "{checked} instructions");
}

#[test]
fn general_instructions_are_what_a_decoder_reads() {
    let registers = [Gpr::RAX, Gpr::RSP, Gpr::RBP, Gpr::RDI, Gpr::R8, Gpr::R12, Gpr::R13, Gpr::R15];
    let read = |emit: &dyn Fn(&mut Asm)| {
        let mut asm = Asm::new(Width::Ymm);
        emit(&mut asm);
        decoded(&asm.finish(&[]), "a general instruction")
    };
    let text = |emit: &dyn Fn(&mut Asm)| {
        let got = read(emit);
        let operands = (0..got.op_count()).map(|at| match got.op_kind(at) {
            OpKind::Register => format!("{:?}", got.op_register(at)),
            OpKind::Memory => {
                format!(
                    "[{:?}+{:?}+{}]",
                    got.memory_base(),
                    got.memory_index(),
                    got.memory_displacement64() as i64
                )
            }
            _ => format!("{}", got.immediate(at) as i64),
        });
        let operands: Vec<String> = operands.collect();
        format!("{:?} {}", got.mnemonic(), operands.join(",")).to_lowercase()
    };
    let name = |register: Gpr| format!("{:?}", general(register)).to_lowercase();
    let low = |register: Gpr| format!("{:?}", Register::EAX + u32::from(register.0)).to_lowercase();
    for x in registers {
        let xn = name(x);
        assert_eq!(text(&|a| a.push(x)), format!("push {xn}"));
        assert_eq!(text(&|a| a.pop(x)), format!("pop {xn}"));
        assert_eq!(text(&|a| a.zero(x)), format!("xor {0},{0}", low(x)));
        assert_eq!(text(&|a| a.shift_left(x, 3)), format!("shl {xn},3"));
        for value in [1, -64, 127, 128, -4096] {
            assert_eq!(text(&|a| a.add(x, value)), format!("add {xn},{value}"));
            assert_eq!(text(&|a| a.sub(x, value)), format!("sub {xn},{value}"));
            assert_eq!(text(&|a| a.and(x, value)), format!("and {xn},{value}"));
        }
        for y in registers {
            let yn = name(y);
            assert_eq!(text(&|a| a.copy(x, y)), format!("mov {xn},{yn}"));
            assert_eq!(text(&|a| a.compare(x, y)), format!("cmp {xn},{yn}"));
            assert_eq!(text(&|a| a.copy_if(Condition::Below, x, y)), format!("cmovb {xn},{yn}"));
            assert_eq!(text(&|a| a.or32(x, y)), format!("or {},{}", low(x), low(y)));
            for disp in [0, 8, 1024, -8] {
                let there = Address::Based(y, None, disp);
                assert_eq!(text(&|a| a.load(x, there)), format!("mov {xn},[{yn}+none+{disp}]"));
                assert_eq!(
                    text(&|a| a.address_of(x, there)),
                    format!("lea {xn},[{yn}+none+{disp}]")
                );
                assert_eq!(text(&|a| a.call(there)), format!("call [{yn}+none+{disp}]"));
            }
        }
    }
    assert_eq!(text(&|a| a.ret()), "ret ");
    assert_eq!(text(&|a| a.zero_upper()), "vzeroupper ");
    for (condition, jump) in
        [(Condition::Below, "jb"), (Condition::NotEqual, "jne"), (Condition::BelowOrEqual, "jbe")]
    {
        for before in [0, 1, 126, 127, 5000] {
            let mut asm = Asm::new(Width::Ymm);
            (0..before).for_each(|_| asm.ret());
            asm.jump_back(condition, 0);
            let code = asm.finish(&[]);
            let mut decoder =
                Decoder::with_ip(64, &code[before..], before as u64, DecoderOptions::NONE);
            let got = decoder.decode();
            assert_eq!(format!("{:?}", got.mnemonic()).to_lowercase(), jump);
            assert_eq!(got.near_branch64(), 0, "after {before}");
        }
    }
    for before in 0..40 {
        let mut asm = Asm::new(Width::Ymm);
        (0..before).for_each(|_| asm.ret());
        asm.align(32);
        let code = asm.finish(&[]);
        assert_eq!(code.len() % 32, 0);
        let mut decoder = Decoder::new(64, &code[before..], DecoderOptions::NONE);
        assert!(decoder.iter().all(|i| format!("{:?}", i.mnemonic()) == "Nop"), "{before}");
    }
}
