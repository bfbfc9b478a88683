//! Arrays of random layout, filled with ordinary and special values.

use std::fmt;

use arbitrary::{Result, Unstructured};
use hotloop::{Arg, DType, Out};

/// The SplitMix64 generator, seeded for each array.
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "the numbers do not end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// The kind of values of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Small numbers with few fraction bits.
    Tame,
    /// Numbers around 1 with full significands: every addition rounds.
    Unit,
    /// Numbers of all magnitudes.
    Wide,
    /// Mostly ordinary values, one in eight special.
    Spiced,
    /// Special values and random bits.
    Wild,
}

impl Flavour {
    /// All flavours; `Unit` twice, because the order of a sum only shows if additions round.
    pub const ALL: [Flavour; 6] = {
        use Flavour::*;
        [Spiced, Unit, Tame, Wide, Wild, Unit]
    };
}

const F64_SPECIALS: [f64; 40] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    2.2e-308,
    f64::EPSILON,
    1.0 - f64::EPSILON / 2.0,
    1.0 + f64::EPSILON,
    std::f64::consts::PI,
    std::f64::consts::FRAC_PI_2,
    1e22,
    1e308,
    -1e308,
    709.9,
    -745.2,
    1024.5,
    -1074.5,
    9007199254740992.0,
    9007199254740993.0,
    9223372036854775808.0,
    -9223372036854775808.0,
    18446744073709551616.0,
    2147483648.0,
    4294967295.5,
    0.49999999999999994,
    16777217.0,
];

/// The special values of a dtype, as bits.
pub fn specials(dtype: DType) -> Vec<u64> {
    match dtype {
        DType::Bool => vec![0, 1],
        DType::F64 => F64_SPECIALS.iter().map(|x| x.to_bits()).collect(),
        DType::F32 => {
            let own = [
                f32::MAX,
                f32::MIN,
                f32::MIN_POSITIVE,
                1e-45,
                -1e-45,
                f32::EPSILON,
                88.8,
                -103.98,
                3e38,
                0.49999997,
            ];
            let shared = F64_SPECIALS.iter().map(|x| *x as f32);
            own.into_iter().chain(shared).map(|x| x.to_bits().into()).collect()
        }
        _ => {
            let bits = dtype.bits();
            let mask = u64::MAX >> (64 - bits);
            let top = 1u64 << (bits - 1);
            let list = [
                0,
                1,
                2,
                3,
                5,
                7,
                8,
                31,
                32,
                63,
                64,
                100,
                u64::MAX,
                u64::MAX - 1,
                u64::MAX - 6,
                top,
                top - 1,
                top + 1,
                top / 2,
                // Rounded to f64, it lies halfway between two f32: rounding twice is wrong.
                top / 2 + (top >> 25) + 1,
            ];
            list.into_iter().map(|v| v & mask).collect()
        }
    }
}

/// The bits of a random element.
pub fn element(dtype: DType, rng: &mut Rng, flavour: Flavour) -> u64 {
    let special = match flavour {
        Flavour::Spiced => rng.below(8) == 0,
        Flavour::Wild => rng.below(2) == 0,
        _ => false,
    };
    if special {
        let list = specials(dtype);
        return list[rng.below(list.len() as u64) as usize];
    }
    match dtype {
        // Any byte but 0 is true.
        DType::Bool if flavour == Flavour::Wild => rng.next() & rng.next() & 0xff,
        DType::Bool => rng.below(2),
        DType::F64 => float(rng, flavour).to_bits(),
        DType::F32 if flavour == Flavour::Wild => rng.next() & 0xffff_ffff,
        DType::F32 => (float(rng, flavour) as f32).to_bits().into(),
        _ => {
            let mask = u64::MAX >> (64 - dtype.bits());
            let wide = rng.next();
            let tame = (wide % 16).wrapping_sub(if dtype.is_signed_int() { 8 } else { 0 });
            mask & match flavour {
                Flavour::Wide => wide >> (wide % 64),
                Flavour::Wild => wide,
                _ => tame,
            }
        }
    }
}

/// A random `f64`.
pub fn float(rng: &mut Rng, flavour: Flavour) -> f64 {
    match flavour {
        Flavour::Wild => f64::from_bits(rng.next()),
        Flavour::Unit => rng.next() as i64 as f64 / (1u64 << 62) as f64,
        Flavour::Wide => {
            let unit = 1.0 + rng.below(1 << 52) as f64 / (1u64 << 52) as f64;
            let power = 2f64.powi(rng.below(120) as i32 - 60);
            if rng.below(2) == 0 { unit * power } else { -unit * power }
        }
        _ => (rng.below(2001) as f64 - 1000.0) / 64.0,
    }
}

/// An array that owns its memory, with any strides and any alignment.
#[derive(Clone)]
pub struct Array {
    /// The element type.
    pub dtype: DType,
    /// The extents.
    pub shape: Vec<usize>,
    /// Bytes from one element to the next along each axis.
    pub strides: Vec<isize>,
    /// The offset in memory of the first element.
    pub offset: usize,
    /// Whether elements have the opposite byte order to this machine's.
    pub swapped: bool,
    memory: Vec<u64>,
}

impl Array {
    /// An array of random layout and values.
    pub fn arbitrary(
        u: &mut Unstructured,
        dtype: DType,
        shape: &[usize],
        rng: &mut Rng,
        flavour: Flavour,
    ) -> Result<Array> {
        let mut array = match u.int_in_range(0..=9)? {
            0..=4 => Array::contiguous(dtype, shape, 0),
            5 => Array::contiguous(dtype, shape, u.int_in_range(1..=63)?),
            6 => Array::strided(dtype, shape, rng, Layout { zero: true, ..Layout::ANY }),
            7 => Array::strided(dtype, shape, rng, Layout { odd: true, ..Layout::ANY }),
            _ => Array::strided(dtype, shape, rng, Layout::ANY),
        };
        array.swapped = u.ratio(1, 10)?;
        array.fill(rng, flavour);
        Ok(array)
    }

    /// A zeroed C-ordered array, `offset` bytes after an aligned address.
    pub fn contiguous(dtype: DType, shape: &[usize], offset: usize) -> Array {
        let mut strides = vec![0; shape.len()];
        let mut step = dtype.size();
        for (stride, extent) in strides.iter_mut().zip(shape).rev() {
            *stride = step as isize;
            step *= (*extent).max(1);
        }
        let memory = vec![0; (offset + step + 8).div_ceil(8)];
        Array { dtype, shape: shape.to_vec(), strides, offset, swapped: false, memory }
    }

    /// A zeroed array with random strides.
    pub fn strided(dtype: DType, shape: &[usize], rng: &mut Rng, layout: Layout) -> Array {
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        if layout.permuted {
            for i in (1..axes.len()).rev() {
                axes.swap(i, rng.below(i as u64 + 1) as usize);
            }
        } else {
            axes.reverse();
        }
        let mut strides = vec![0isize; shape.len()];
        // The span in bytes of the axes so far, from the lowest element.
        let mut span = dtype.size();
        let mut offset =
            rng.below(3) as usize * dtype.size() + usize::from(layout.odd) * rng.below(9) as usize;
        for axis in axes {
            let extent = shape[axis];
            if extent <= 1 {
                // An axis of one element, or of an empty array, may have any stride.
                strides[axis] = rng.below(200) as isize - 100;
                continue;
            }
            if layout.zero && rng.below(2) == 0 {
                continue;
            }
            let step = span * (1 + rng.below(2) as usize)
                + usize::from(layout.odd) * rng.below(4) as usize;
            let reach = step * (extent - 1);
            if rng.below(3) == 0 {
                strides[axis] = -(step as isize);
                offset += reach;
            } else {
                strides[axis] = step as isize;
            }
            span += reach;
        }
        let memory = vec![0; (offset + span + 16).div_ceil(8)];
        Array { dtype, shape: shape.to_vec(), strides, offset, swapped: false, memory }
    }

    /// Writes random elements.
    pub fn fill(&mut self, rng: &mut Rng, flavour: Flavour) {
        for place in self.places() {
            self.put(place, element(self.dtype, rng, flavour));
        }
    }

    /// Writes these elements in C order, repeated as necessary.
    pub fn set(&mut self, elements: &[u64]) {
        for (place, bits) in self.places().into_iter().zip(elements.iter().cycle()) {
            self.put(place, *bits);
        }
    }

    /// Writes an element at an offset in memory.
    fn put(&mut self, place: usize, bits: u64) {
        let (size, swapped) = (self.dtype.size(), self.swapped);
        let bytes = &mut self.bytes_mut()[place..place + size];
        bytes.copy_from_slice(&bits.to_le_bytes()[..size]);
        if swapped {
            bytes.reverse();
        }
    }

    /// The number of elements.
    #[expect(clippy::len_without_is_empty, reason = "no test asks")]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The offsets in memory of the elements, in C order.
    pub fn places(&self) -> Vec<usize> {
        let n = self.len();
        let mut places = Vec::with_capacity(n);
        let mut index = vec![0usize; self.shape.len()];
        for _ in 0..n {
            let offset: isize = index.iter().zip(&self.strides).map(|(i, s)| *i as isize * s).sum();
            places.push(self.offset.strict_add_signed(offset));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        places
    }

    /// The bytes of the elements in C order, in this machine's byte order.
    pub fn elements(&self) -> Vec<u8> {
        let (bytes, size) = (self.bytes(), self.dtype.size());
        let places = self.places().into_iter();
        let mut elements: Vec<u8> = places.flat_map(|p| &bytes[p..p + size]).copied().collect();
        if self.swapped {
            elements.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        elements
    }

    /// The memory as bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: words have no padding.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast(), self.memory.len() * 8) }
    }

    /// The memory as mutable bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: words have no padding, and every byte pattern is a valid word.
        unsafe {
            std::slice::from_raw_parts_mut(self.memory.as_mut_ptr().cast(), self.memory.len() * 8)
        }
    }

    /// The array as an argument.
    pub fn arg(&self) -> Arg<'_> {
        // SAFETY: every element is inside the memory, which is borrowed.
        let arg = unsafe {
            Arg::raw(self.bytes().as_ptr().add(self.offset), &self.shape, &self.strides, self.dtype)
        };
        if self.swapped { arg.byte_swapped() } else { arg }
    }

    /// The array as an output.
    pub fn out(&mut self) -> Out<'_> {
        let (offset, swapped) = (self.offset, self.swapped);
        let pointer = self.bytes_mut().as_mut_ptr().wrapping_add(offset);
        // SAFETY: every element is inside the memory, which is mutably borrowed.
        let out = unsafe { Out::raw(pointer, &self.shape, &self.strides, self.dtype) };
        if swapped { out.byte_swapped() } else { out }
    }
}

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{:?} strides {:?} at byte {}{}",
            self.dtype,
            self.shape,
            self.strides,
            self.offset,
            if self.swapped { ", swapped" } else { "" }
        )
    }
}

/// The kind of strides of an array.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Axes in a random order instead of C order.
    pub permuted: bool,
    /// Some strides are 0, so that elements share an address; not for outputs.
    pub zero: bool,
    /// Strides and addresses that are not multiples of the element size.
    pub odd: bool,
}

impl Layout {
    /// Any order of axes, any steps and directions.
    pub const ANY: Layout = Layout { permuted: true, zero: false, odd: false };
}

/// An argument's value.
#[derive(Clone)]
pub enum Value {
    /// An array.
    Array(Array),
    /// A number that keeps its dtype.
    Typed(DType, u64),
    /// A weak integer.
    Int(i64),
    /// A weak float.
    Float(f64),
    /// A weak boolean.
    Bool(bool),
}

/// An argument.
#[derive(Clone)]
pub struct Input {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: Value,
}

impl Value {
    /// The dtype.
    pub fn dtype(&self) -> DType {
        match self {
            Value::Array(array) => array.dtype,
            Value::Typed(dtype, _) => *dtype,
            Value::Int(_) => DType::I64,
            Value::Float(_) => DType::F64,
            Value::Bool(_) => DType::Bool,
        }
    }

    /// Whether it is weak, so that it adopts the dtype of the other operand.
    pub fn is_weak(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Float(_) | Value::Bool(_))
    }

    /// The value as an argument.
    pub fn arg(&self) -> Arg<'_> {
        match self {
            Value::Array(array) => array.arg(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Bool(value) => (*value).into(),
            Value::Typed(dtype, bits) => match dtype {
                DType::Bool => Arg::typed(*bits != 0),
                DType::I8 => Arg::typed(*bits as i8),
                DType::I16 => Arg::typed(*bits as i16),
                DType::I32 => Arg::typed(*bits as i32),
                DType::I64 => Arg::typed(*bits as i64),
                DType::U8 => Arg::typed(*bits as u8),
                DType::U16 => Arg::typed(*bits as u16),
                DType::U32 => Arg::typed(*bits as u32),
                DType::U64 => Arg::typed(*bits),
                DType::F32 => Arg::typed(f32::from_bits(*bits as u32)),
                _ => Arg::typed(f64::from_bits(*bits)),
            },
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match &self.value {
            Value::Array(array) => array.fmt(f),
            Value::Typed(dtype, bits) => write!(f, "{dtype} of bits {bits:#x}"),
            Value::Int(value) => write!(f, "weak {value}"),
            Value::Float(value) => write!(f, "weak {value:?}"),
            Value::Bool(value) => write!(f, "weak {value}"),
        }
    }
}
