//! The table of machine instructions: one row each, for both widths if they share an opcode.
//!
//! An instruction that exists in VEX and EVEX has the same map, prefix and opcode in both, so one row
//! describes both encodings.

use super::encode::Width;

/// The encoding of an instruction's operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The result in `reg`, the operand in `rm`.
    Rm,
    /// The operand in `reg`, the result stored to `rm`.
    Mr,
    /// The result in `reg`, the operands in `vvvv` and `rm`.
    Rvm,
    /// As `Rvm`, with a further operand in the high half of the immediate.
    Rvmr,
    /// The result in `vvvv`, the operand in the register `rm`; `reg` extends the opcode by this number.
    Vm(u8),
    /// Masks: the result in `reg`, the operands in `vvvv` and `rm`.
    Masks,
    /// Masks: the result in `reg`, the operand in `rm`.
    Mask,
    /// Masks: the operand in `reg`, the result stored to `rm`.
    MaskStore,
}

/// The part of a vector that elements fill, if their lanes are narrower than the widest of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// The lower half.
    Half,
    /// The lowest quarter.
    Quarter,
    /// The lowest eighth.
    Eighth,
}

impl Part {
    /// The part filled by lanes of which `lanes` are as large as one of the widest.
    pub fn of(lanes: usize) -> Part {
        match lanes {
            0 | 1 => Part::Whole,
            2 => Part::Half,
            4 => Part::Quarter,
            _ => Part::Eighth,
        }
    }

    /// Its size in bytes.
    pub fn bytes(self, width: Width) -> usize {
        width.bytes() >> self as usize
    }
}

/// The size of an instruction's memory operand, which scales EVEX's displacements of one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A part of a vector.
    Part(Part),
    /// An element of this many bytes.
    Element(u8),
}

/// The vector length that an instruction encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The loop's.
    Width,
    /// Half of it.
    Half,
    /// 128 bits.
    Xmm,
}

/// The encodings that an instruction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encodings {
    /// VEX only: 256 bits, or masks.
    Vex,
    /// EVEX only: 512 bits.
    Evex,
    /// Both.
    Both,
}

/// An instruction.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its mnemonic.
    pub name: &'static str,
    /// The opcode map: 1 is `0F`, 2 `0F38`, 3 `0F3A`.
    pub map: u8,
    /// The implied prefix: none, `66`, `F3`, `F2`.
    pub prefix: u8,
    /// The bit W of VEX and of EVEX.
    pub w: [bool; 2],
    /// The opcode.
    pub opcode: u8,
    /// The encoding of its operands.
    pub form: Form,
    /// Its prefixes: VEX, EVEX or both.
    pub encodings: Encodings,
    /// The size in bytes of the element that EVEX can broadcast from memory; 0 if it cannot.
    pub element: u8,
    /// Whether it has an immediate byte.
    pub immediate: bool,
    /// The size of its memory operand.
    pub unit: Unit,
    /// Its vector length.
    pub length: Length,
}

impl Row {
    /// The size in bytes of its memory operand.
    pub fn memory_bytes(&self, width: Width) -> usize {
        match self.unit {
            Unit::Part(part) => part.bytes(width),
            Unit::Element(bytes) => usize::from(bytes),
        }
    }
}

macro_rules! rows {
    (@prefix np) => { 0 };
    (@prefix p66) => { 1 };
    (@prefix pF3) => { 2 };
    (@prefix pF2) => { 3 };
    (@w w0) => { [false, false] };
    (@w w1) => { [true, true] };
    // VEX ignores it.
    (@w e1) => { [false, true] };
    (@imm imm) => { true };
    (@imm $($other:ident)*) => { false };
    (@unit half $($length:ident)?) => { Unit::Part(Part::Half) };
    (@unit quarter $($length:ident)?) => { Unit::Part(Part::Quarter) };
    (@unit eighth) => { Unit::Part(Part::Eighth) };
    (@unit element4 $($length:ident)?) => { Unit::Element(4) };
    (@unit element8 $($length:ident)?) => { Unit::Element(8) };
    (@unit $($other:ident)?) => { Unit::Part(Part::Whole) };
    (@length $unit:ident short) => { Length::Half };
    (@length $unit:ident xmm) => { Length::Xmm };
    (@length $($other:ident)?) => { Length::Width };
    ($($row:ident $name:literal $map:literal $prefix:ident $w:ident $opcode:literal
       $form:ident $(($extension:literal))? $encodings:ident $element:literal $($more:ident)*;)*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub static $row: Row = Row {
                name: $name,
                map: $map,
                prefix: rows!(@prefix $prefix),
                w: rows!(@w $w),
                opcode: $opcode,
                form: Form::$form $(($extension))?,
                encodings: Encodings::$encodings,
                element: $element,
                immediate: rows!(@imm $($more)*),
                unit: rows!(@unit $($more)*),
                length: rows!(@length $($more)*),
            };
        )*

        /// Every row.
        #[cfg(test)]
        pub static ALL: &[&Row] = &[$(&$row),*];
    };
}

rows! {
    // Moves.
    LOAD "vmovups" 1 np w0 0x10 Rm Both 0;
    STORE "vmovups" 1 np w0 0x11 Mr Both 0;
    COPY "vmovaps" 1 np w0 0x28 Rm Both 0;
    LOAD_HALF "vmovups" 1 np w0 0x10 Rm Both 0 half short;
    STORE_HALF "vmovups" 1 np w0 0x11 Mr Both 0 half short;
    LOAD_QUARTER "vmovups" 1 np w0 0x10 Rm Evex 0 quarter xmm;
    STORE_QUARTER "vmovups" 1 np w0 0x11 Mr Evex 0 quarter xmm;
    LOAD8 "vmovq" 1 pF3 e1 0x7E Rm Both 0 element8 xmm;
    STORE8 "vmovq" 1 p66 e1 0xD6 Mr Both 0 element8 xmm;
    LOAD4 "vmovd" 1 p66 w0 0x6E Rm Vex 0 element4 xmm;
    STORE4 "vmovd" 1 p66 w0 0x7E Mr Vex 0 element4 xmm;
    SPREADPS "vbroadcastss" 2 p66 w0 0x18 Rm Both 0 element4;
    SPREADPD "vbroadcastsd" 2 p66 e1 0x19 Rm Both 0 element8;
    CELL_YMM "vbroadcasti128" 2 p66 w0 0x5A Rm Vex 0 half;
    CELL_ZMM "vbroadcasti32x4" 2 p66 w0 0x5A Rm Evex 0 quarter;

    // Arithmetic of floats.
    ADDPS "vaddps" 1 np w0 0x58 Rvm Both 4;
    ADDPD "vaddpd" 1 p66 e1 0x58 Rvm Both 8;
    SUBPS "vsubps" 1 np w0 0x5C Rvm Both 4;
    SUBPD "vsubpd" 1 p66 e1 0x5C Rvm Both 8;
    MULPS "vmulps" 1 np w0 0x59 Rvm Both 4;
    MULPD "vmulpd" 1 p66 e1 0x59 Rvm Both 8;
    DIVPS "vdivps" 1 np w0 0x5E Rvm Both 4;
    DIVPD "vdivpd" 1 p66 e1 0x5E Rvm Both 8;
    SQRTPS "vsqrtps" 1 np w0 0x51 Rm Both 4;
    SQRTPD "vsqrtpd" 1 p66 e1 0x51 Rm Both 8;
    MINPS "vminps" 1 np w0 0x5D Rvm Both 4;
    MINPD "vminpd" 1 p66 e1 0x5D Rvm Both 8;
    MAXPS "vmaxps" 1 np w0 0x5F Rvm Both 4;
    MAXPD "vmaxpd" 1 p66 e1 0x5F Rvm Both 8;
    ANDPS "vandps" 1 np w0 0x54 Rvm Both 4;
    ANDPD "vandpd" 1 p66 e1 0x54 Rvm Both 8;
    ORPS "vorps" 1 np w0 0x56 Rvm Both 4;
    ORPD "vorpd" 1 p66 e1 0x56 Rvm Both 8;
    XORPS "vxorps" 1 np w0 0x57 Rvm Both 4;
    XORPD "vxorpd" 1 p66 e1 0x57 Rvm Both 8;
    CMPPS "vcmpps" 1 np w0 0xC2 Rvm Both 4 imm;
    CMPPD "vcmppd" 1 p66 e1 0xC2 Rvm Both 8 imm;
    ROUNDPS "vroundps" 3 p66 w0 0x08 Rm Vex 0 imm;
    ROUNDPD "vroundpd" 3 p66 w0 0x09 Rm Vex 0 imm;
    RNDSCALEPS "vrndscaleps" 3 p66 w0 0x08 Rm Evex 4 imm;
    RNDSCALEPD "vrndscalepd" 3 p66 w1 0x09 Rm Evex 8 imm;
    RANGEPS "vrangeps" 3 p66 w0 0x50 Rvm Evex 4 imm;
    RANGEPD "vrangepd" 3 p66 w1 0x50 Rvm Evex 8 imm;

    // Fused multiply-add.
    MADD132PS "vfmadd132ps" 2 p66 w0 0x98 Rvm Both 4;
    MADD132PD "vfmadd132pd" 2 p66 w1 0x98 Rvm Both 8;
    MADD213PS "vfmadd213ps" 2 p66 w0 0xA8 Rvm Both 4;
    MADD213PD "vfmadd213pd" 2 p66 w1 0xA8 Rvm Both 8;
    MADD231PS "vfmadd231ps" 2 p66 w0 0xB8 Rvm Both 4;
    MADD231PD "vfmadd231pd" 2 p66 w1 0xB8 Rvm Both 8;
    MSUB132PS "vfmsub132ps" 2 p66 w0 0x9A Rvm Both 4;
    MSUB132PD "vfmsub132pd" 2 p66 w1 0x9A Rvm Both 8;
    MSUB213PS "vfmsub213ps" 2 p66 w0 0xAA Rvm Both 4;
    MSUB213PD "vfmsub213pd" 2 p66 w1 0xAA Rvm Both 8;
    MSUB231PS "vfmsub231ps" 2 p66 w0 0xBA Rvm Both 4;
    MSUB231PD "vfmsub231pd" 2 p66 w1 0xBA Rvm Both 8;
    NMADD132PS "vfnmadd132ps" 2 p66 w0 0x9C Rvm Both 4;
    NMADD132PD "vfnmadd132pd" 2 p66 w1 0x9C Rvm Both 8;
    NMADD213PS "vfnmadd213ps" 2 p66 w0 0xAC Rvm Both 4;
    NMADD213PD "vfnmadd213pd" 2 p66 w1 0xAC Rvm Both 8;
    NMADD231PS "vfnmadd231ps" 2 p66 w0 0xBC Rvm Both 4;
    NMADD231PD "vfnmadd231pd" 2 p66 w1 0xBC Rvm Both 8;
    NMSUB132PS "vfnmsub132ps" 2 p66 w0 0x9E Rvm Both 4;
    NMSUB132PD "vfnmsub132pd" 2 p66 w1 0x9E Rvm Both 8;
    NMSUB213PS "vfnmsub213ps" 2 p66 w0 0xAE Rvm Both 4;
    NMSUB213PD "vfnmsub213pd" 2 p66 w1 0xAE Rvm Both 8;
    NMSUB231PS "vfnmsub231ps" 2 p66 w0 0xBE Rvm Both 4;
    NMSUB231PD "vfnmsub231pd" 2 p66 w1 0xBE Rvm Both 8;

    // Arithmetic of integers.
    PADDB "vpaddb" 1 p66 w0 0xFC Rvm Both 0;
    PADDW "vpaddw" 1 p66 w0 0xFD Rvm Both 0;
    PADDD "vpaddd" 1 p66 w0 0xFE Rvm Both 4;
    PADDQ "vpaddq" 1 p66 e1 0xD4 Rvm Both 8;
    PSUBB "vpsubb" 1 p66 w0 0xF8 Rvm Both 0;
    PSUBW "vpsubw" 1 p66 w0 0xF9 Rvm Both 0;
    PSUBD "vpsubd" 1 p66 w0 0xFA Rvm Both 4;
    PSUBQ "vpsubq" 1 p66 e1 0xFB Rvm Both 8;
    PMULLW "vpmullw" 1 p66 w0 0xD5 Rvm Both 0;
    PMULLD "vpmulld" 2 p66 w0 0x40 Rvm Both 4;
    PMULLQ "vpmullq" 2 p66 w1 0x40 Rvm Evex 8;
    PMULHW "vpmulhw" 1 p66 w0 0xE5 Rvm Both 0;
    PMULHUW "vpmulhuw" 1 p66 w0 0xE4 Rvm Both 0;
    PMULDQ "vpmuldq" 2 p66 e1 0x28 Rvm Both 8;
    PMADDWD "vpmaddwd" 1 p66 w0 0xF5 Rvm Both 0;
    PMADDUBSW "vpmaddubsw" 2 p66 w0 0x04 Rvm Both 0;
    PSRLW "vpsrlw" 1 p66 w0 0x71 Vm(2) Both 0 imm;
    PSRAW "vpsraw" 1 p66 w0 0x71 Vm(4) Both 0 imm;
    PSLLW "vpsllw" 1 p66 w0 0x71 Vm(6) Both 0 imm;
    PSRLD "vpsrld" 1 p66 w0 0x72 Vm(2) Both 0 imm;
    PSRAD "vpsrad" 1 p66 w0 0x72 Vm(4) Both 0 imm;
    PMULUDQ "vpmuludq" 1 p66 e1 0xF4 Rvm Both 8;
    PSRLQ "vpsrlq" 1 p66 e1 0x73 Vm(2) Both 0 imm;
    PSLLQ "vpsllq" 1 p66 e1 0x73 Vm(6) Both 0 imm;
    PSLLVW "vpsllvw" 2 p66 w1 0x12 Rvm Evex 0;
    PSLLVD "vpsllvd" 2 p66 w0 0x47 Rvm Both 4;
    PSLLVQ "vpsllvq" 2 p66 w1 0x47 Rvm Both 8;
    PSRLVW "vpsrlvw" 2 p66 w1 0x10 Rvm Evex 0;
    PSRLVD "vpsrlvd" 2 p66 w0 0x45 Rvm Both 4;
    PSRLVQ "vpsrlvq" 2 p66 w1 0x45 Rvm Both 8;
    PSRAVW "vpsravw" 2 p66 w1 0x11 Rvm Evex 0;
    PSRAVD "vpsravd" 2 p66 w0 0x46 Rvm Both 4;
    PSRAVQ "vpsravq" 2 p66 w1 0x46 Rvm Evex 8;
    PABSB "vpabsb" 2 p66 w0 0x1C Rm Both 0;
    PABSW "vpabsw" 2 p66 w0 0x1D Rm Both 0;
    PABSD "vpabsd" 2 p66 w0 0x1E Rm Both 4;
    PABSQ "vpabsq" 2 p66 w1 0x1F Rm Evex 8;
    PMINSB "vpminsb" 2 p66 w0 0x38 Rvm Both 0;
    PMINSW "vpminsw" 1 p66 w0 0xEA Rvm Both 0;
    PMINSD "vpminsd" 2 p66 w0 0x39 Rvm Both 4;
    PMINSQ "vpminsq" 2 p66 w1 0x39 Rvm Evex 8;
    PMINUB "vpminub" 1 p66 w0 0xDA Rvm Both 0;
    PMINUW "vpminuw" 2 p66 w0 0x3A Rvm Both 0;
    PMINUD "vpminud" 2 p66 w0 0x3B Rvm Both 4;
    PMINUQ "vpminuq" 2 p66 w1 0x3B Rvm Evex 8;
    PMAXSB "vpmaxsb" 2 p66 w0 0x3C Rvm Both 0;
    PMAXSW "vpmaxsw" 1 p66 w0 0xEE Rvm Both 0;
    PMAXSD "vpmaxsd" 2 p66 w0 0x3D Rvm Both 4;
    PMAXSQ "vpmaxsq" 2 p66 w1 0x3D Rvm Evex 8;
    PMAXUB "vpmaxub" 1 p66 w0 0xDE Rvm Both 0;
    PMAXUW "vpmaxuw" 2 p66 w0 0x3E Rvm Both 0;
    PMAXUD "vpmaxud" 2 p66 w0 0x3F Rvm Both 4;
    PMAXUQ "vpmaxuq" 2 p66 w1 0x3F Rvm Evex 8;

    // Conversions: integers of other widths.
    PMOVZXBW "vpmovzxbw" 2 p66 w0 0x30 Rm Both 0 half;
    PMOVZXBD "vpmovzxbd" 2 p66 w0 0x31 Rm Both 0 quarter;
    PMOVZXBQ "vpmovzxbq" 2 p66 w0 0x32 Rm Both 0 eighth;
    PMOVZXWD "vpmovzxwd" 2 p66 w0 0x33 Rm Both 0 half;
    PMOVZXWQ "vpmovzxwq" 2 p66 w0 0x34 Rm Both 0 quarter;
    PMOVZXDQ "vpmovzxdq" 2 p66 w0 0x35 Rm Both 0 half;
    PMOVSXBW "vpmovsxbw" 2 p66 w0 0x20 Rm Both 0 half;
    PMOVSXBD "vpmovsxbd" 2 p66 w0 0x21 Rm Both 0 quarter;
    PMOVSXBQ "vpmovsxbq" 2 p66 w0 0x22 Rm Both 0 eighth;
    PMOVSXWD "vpmovsxwd" 2 p66 w0 0x23 Rm Both 0 half;
    PMOVSXWQ "vpmovsxwq" 2 p66 w0 0x24 Rm Both 0 quarter;
    PMOVSXDQ "vpmovsxdq" 2 p66 w0 0x25 Rm Both 0 half;
    PMOVWB "vpmovwb" 2 pF3 w0 0x30 Mr Evex 0 half;
    PMOVDB "vpmovdb" 2 pF3 w0 0x31 Mr Evex 0 quarter;
    PMOVQB "vpmovqb" 2 pF3 w0 0x32 Mr Evex 0 eighth;
    PMOVDW "vpmovdw" 2 pF3 w0 0x33 Mr Evex 0 half;
    PMOVQW "vpmovqw" 2 pF3 w0 0x34 Mr Evex 0 quarter;
    PMOVQD "vpmovqd" 2 pF3 w0 0x35 Mr Evex 0 half;
    PMOVUSDB "vpmovusdb" 2 pF3 w0 0x11 Mr Evex 0 quarter;
    PMOVUSDW "vpmovusdw" 2 pF3 w0 0x13 Mr Evex 0 half;
    PSHUFB "vpshufb" 2 p66 w0 0x00 Rvm Vex 0;
    PERMD "vpermd" 2 p66 w0 0x36 Rvm Vex 0;
    PERMQ "vpermq" 3 p66 w1 0x00 Rm Vex 0 imm;
    PBLENDD "vpblendd" 3 p66 w0 0x02 Rvm Vex 0 imm;

    // Conversions: integers and floats.
    DQ_TO_PS "vcvtdq2ps" 1 np w0 0x5B Rm Both 4;
    DQ_TO_PD "vcvtdq2pd" 1 pF3 w0 0xE6 Rm Both 4 half;
    UDQ_TO_PS "vcvtudq2ps" 1 pF2 w0 0x7A Rm Evex 4;
    UDQ_TO_PD "vcvtudq2pd" 1 pF3 w0 0x7A Rm Evex 4 half;
    QQ_TO_PS "vcvtqq2ps" 1 np w1 0x5B Rm Evex 8;
    QQ_TO_PD "vcvtqq2pd" 1 pF3 w1 0xE6 Rm Evex 8;
    UQQ_TO_PS "vcvtuqq2ps" 1 pF2 w1 0x7A Rm Evex 8;
    UQQ_TO_PD "vcvtuqq2pd" 1 pF3 w1 0x7A Rm Evex 8;
    PS_TO_PD "vcvtps2pd" 1 np w0 0x5A Rm Both 4 half;
    PD_TO_PS "vcvtpd2ps" 1 p66 e1 0x5A Rm Both 8;
    PS_TO_DQ "vcvttps2dq" 1 pF3 w0 0x5B Rm Both 4;
    PD_TO_DQ "vcvttpd2dq" 1 p66 e1 0xE6 Rm Both 8;
    PS_TO_UDQ "vcvttps2udq" 1 np w0 0x78 Rm Evex 4;
    PD_TO_UDQ "vcvttpd2udq" 1 np w1 0x78 Rm Evex 8;
    PS_TO_QQ "vcvttps2qq" 1 p66 w0 0x7A Rm Evex 4 half;
    PD_TO_QQ "vcvttpd2qq" 1 p66 w1 0x7A Rm Evex 8;
    PS_TO_UQQ "vcvttps2uqq" 1 p66 w0 0x78 Rm Evex 4 half;
    PD_TO_UQQ "vcvttpd2uqq" 1 p66 w1 0x78 Rm Evex 8;

    // Comparisons of integers.
    PCMPEQB "vpcmpeqb" 1 p66 w0 0x74 Rvm Vex 0;
    PCMPEQW "vpcmpeqw" 1 p66 w0 0x75 Rvm Vex 0;
    PCMPEQD "vpcmpeqd" 1 p66 w0 0x76 Rvm Vex 0;
    PCMPEQQ "vpcmpeqq" 2 p66 w0 0x29 Rvm Vex 0;
    PCMPGTB "vpcmpgtb" 1 p66 w0 0x64 Rvm Vex 0;
    PCMPGTW "vpcmpgtw" 1 p66 w0 0x65 Rvm Vex 0;
    PCMPGTD "vpcmpgtd" 1 p66 w0 0x66 Rvm Vex 0;
    PCMPGTQ "vpcmpgtq" 2 p66 w0 0x37 Rvm Vex 0;
    PCMPB "vpcmpb" 3 p66 w0 0x3F Rvm Evex 0 imm;
    PCMPW "vpcmpw" 3 p66 w1 0x3F Rvm Evex 0 imm;
    PCMPD "vpcmpd" 3 p66 w0 0x1F Rvm Evex 4 imm;
    PCMPQ "vpcmpq" 3 p66 w1 0x1F Rvm Evex 8 imm;
    PCMPUB "vpcmpub" 3 p66 w0 0x3E Rvm Evex 0 imm;
    PCMPUW "vpcmpuw" 3 p66 w1 0x3E Rvm Evex 0 imm;
    PCMPUD "vpcmpud" 3 p66 w0 0x1E Rvm Evex 4 imm;
    PCMPUQ "vpcmpuq" 3 p66 w1 0x1E Rvm Evex 8 imm;

    // Logic and selection.
    PAND "vpand" 1 p66 w0 0xDB Rvm Vex 0;
    POR "vpor" 1 p66 w0 0xEB Rvm Vex 0;
    PXOR "vpxor" 1 p66 w0 0xEF Rvm Vex 0;
    PANDD "vpandd" 1 p66 w0 0xDB Rvm Evex 4;
    PANDQ "vpandq" 1 p66 w1 0xDB Rvm Evex 8;
    PORD "vpord" 1 p66 w0 0xEB Rvm Evex 4;
    PORQ "vporq" 1 p66 w1 0xEB Rvm Evex 8;
    PXORD "vpxord" 1 p66 w0 0xEF Rvm Evex 4;
    PXORQ "vpxorq" 1 p66 w1 0xEF Rvm Evex 8;
    BLENDVPS "vblendvps" 3 p66 w0 0x4A Rvmr Vex 0;
    BLENDVPD "vblendvpd" 3 p66 w0 0x4B Rvmr Vex 0;
    PBLENDVB "vpblendvb" 3 p66 w0 0x4C Rvmr Vex 0;
    PBLENDMB "vpblendmb" 2 p66 w0 0x66 Rvm Evex 0;
    PBLENDMW "vpblendmw" 2 p66 w1 0x66 Rvm Evex 0;
    PBLENDMD "vpblendmd" 2 p66 w0 0x64 Rvm Evex 4;
    PBLENDMQ "vpblendmq" 2 p66 w1 0x64 Rvm Evex 8;

    // Masks.
    MASK_OF_B "vpmovb2m" 2 pF3 w0 0x29 Rm Evex 0;
    MASK_OF_W "vpmovw2m" 2 pF3 w1 0x29 Rm Evex 0;
    MASK_OF_D "vpmovd2m" 2 pF3 w0 0x39 Rm Evex 0;
    MASK_OF_Q "vpmovq2m" 2 pF3 w1 0x39 Rm Evex 0;
    LANES_B "vpmovm2b" 2 pF3 w0 0x28 Rm Evex 0;
    LANES_W "vpmovm2w" 2 pF3 w1 0x28 Rm Evex 0;
    LANES_D "vpmovm2d" 2 pF3 w0 0x38 Rm Evex 0;
    LANES_Q "vpmovm2q" 2 pF3 w1 0x38 Rm Evex 0;
    PTESTMB "vptestmb" 2 p66 w0 0x26 Rvm Evex 0;
    KAND "kandq" 1 np w1 0x41 Masks Vex 0;
    KANDN "kandnq" 1 np w1 0x42 Masks Vex 0;
    KOR "korq" 1 np w1 0x45 Masks Vex 0;
    KXOR "kxorq" 1 np w1 0x47 Masks Vex 0;
    KNOT "knotq" 1 np w1 0x44 Mask Vex 0;
    KMOV "kmovq" 1 np w1 0x90 Mask Vex 0;
    KSTORE "kmovq" 1 np w1 0x91 MaskStore Vex 0;
}

/// The forms of a fused multiply-add, which differ in the overwritten and in the memory operand:
/// `132` is `reg = reg * rm + vvvv`, `213` is `reg = vvvv * reg + rm`, `231` is `reg = vvvv * rm + reg`.
#[derive(Debug)]
pub struct Fused {
    /// Form `132`.
    pub f132: &'static Row,
    /// Form `213`.
    pub f213: &'static Row,
    /// Form `231`.
    pub f231: &'static Row,
}

/// The fused multiply-adds, indexed by lane (`f32`, `f64`), negated product and negated addend.
pub static FUSED: [[[Fused; 2]; 2]; 2] = {
    macro_rules! fused {
        ($a:ident $b:ident $c:ident) => {
            Fused { f132: &$a, f213: &$b, f231: &$c }
        };
    }
    [
        [
            [fused!(MADD132PS MADD213PS MADD231PS), fused!(MSUB132PS MSUB213PS MSUB231PS)],
            [fused!(NMADD132PS NMADD213PS NMADD231PS), fused!(NMSUB132PS NMSUB213PS NMSUB231PS)],
        ],
        [
            [fused!(MADD132PD MADD213PD MADD231PD), fused!(MSUB132PD MSUB213PD MSUB231PD)],
            [fused!(NMADD132PD NMADD213PD NMADD231PD), fused!(NMSUB132PD NMSUB213PD NMSUB231PD)],
        ],
    ]
};
