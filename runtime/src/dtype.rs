//! The element types of arrays.

use std::fmt;
use std::str::FromStr;

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names say it all")]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

/// The kind of number of a dtype; the order is that of promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `bool`.
    Bool,
    /// Signed and unsigned integers.
    Int,
    /// `f32` and `f64`.
    Float,
}

impl DType {
    /// Every dtype, in order.
    pub const ALL: [DType; 11] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F32,
        DType::F64,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::I8 | DType::U8 => 1,
            DType::I16 | DType::U16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 => 8,
        }
    }

    /// The short name: `i32`, `f64`, ...
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "i8",
            DType::I16 => "i16",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::U16 => "u16",
            DType::U32 => "u32",
            DType::U64 => "u64",
            DType::F32 => "f32",
            DType::F64 => "f64",
        }
    }

    /// NumPy's name: `int32`, `float64`, ...
    pub const fn numpy_name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// The dtype of a short or NumPy name.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name || d.numpy_name() == name)
    }

    /// The kind of number.
    pub const fn kind(self) -> Kind {
        match self {
            DType::Bool => Kind::Bool,
            DType::F32 | DType::F64 => Kind::Float,
            _ => Kind::Int,
        }
    }

    /// `f32` or `f64`.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// A signed or unsigned integer.
    pub const fn is_int(self) -> bool {
        !self.is_float() && !matches!(self, DType::Bool)
    }

    /// A signed integer.
    pub const fn is_signed_int(self) -> bool {
        matches!(self, DType::I8 | DType::I16 | DType::I32 | DType::I64)
    }

    /// Bits of one element.
    pub const fn bits(self) -> u32 {
        self.size() as u32 * 8
    }

    /// Calls a visitor with the Rust type of this dtype.
    ///
    /// ```
    /// use hotloop_runtime::dtype::{DType, Element, Visitor};
    ///
    /// struct Size;
    ///
    /// impl Visitor for Size {
    ///     type Output = usize;
    ///
    ///     fn visit<T: Element>(self) -> usize {
    ///         size_of::<T>()
    ///     }
    /// }
    ///
    /// assert_eq!(DType::I16.visit(Size), 2);
    /// ```
    pub fn visit<V: Visitor>(self, visitor: V) -> V::Output {
        match self {
            DType::Bool => visitor.visit::<bool>(),
            DType::I8 => visitor.visit::<i8>(),
            DType::I16 => visitor.visit::<i16>(),
            DType::I32 => visitor.visit::<i32>(),
            DType::I64 => visitor.visit::<i64>(),
            DType::U8 => visitor.visit::<u8>(),
            DType::U16 => visitor.visit::<u16>(),
            DType::U32 => visitor.visit::<u32>(),
            DType::U64 => visitor.visit::<u64>(),
            DType::F32 => visitor.visit::<f32>(),
            DType::F64 => visitor.visit::<f64>(),
        }
    }
}

impl Kind {
    /// The widest dtype of this kind; signed for integers.
    pub const fn widest(self) -> DType {
        match self {
            Kind::Bool => DType::Bool,
            Kind::Int => DType::I64,
            Kind::Float => DType::F64,
        }
    }
}

/// A generic computation over the Rust type of a dtype; see [`DType::visit`].
pub trait Visitor {
    /// The result.
    type Output;

    /// Runs the computation for an element type.
    fn visit<T: Element>(self) -> Self::Output;
}

/// The error for an unknown name of a dtype, an instruction set or a mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// What the name should denote.
    pub what: &'static str,
    /// The word.
    pub name: String,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}", self.name, self.what)
    }
}

impl std::error::Error for UnknownName {}

impl FromStr for DType {
    type Err = UnknownName;

    /// The dtype of a short or NumPy name.
    fn from_str(name: &str) -> Result<DType, UnknownName> {
        DType::from_name(name).ok_or_else(|| UnknownName { what: "dtype", name: name.to_string() })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that is an array's element: `bool`, an integer or a float, one for each [`DType`].
/// The trait is sealed, because elements are read and written as bytes.
pub trait Element:
    sealed::Sealed + Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static
{
    /// The dtype of this type.
    const DTYPE: DType;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($t:ty => $d:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t { const DTYPE: DType = DType::$d; }
    )*};
}
elements!(bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64, f32 => F32, f64 => F64);
