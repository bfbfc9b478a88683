//! Promotion: the common dtype of two dtypes, by NumPy 2's rules (NEP 50).

use hotloop_runtime::dtype::{DType, Kind};

/// The common dtype of two arrays' dtypes, as NumPy's `result_type`.
///
/// ```
/// use hotloop::types::promote;
/// use hotloop::DType;
/// assert_eq!(promote(DType::I64, DType::U64), DType::F64);
/// assert_eq!(promote(DType::I32, DType::F32), DType::F64);
/// assert_eq!(promote(DType::I16, DType::F32), DType::F32);
/// ```
pub fn promote(a: DType, b: DType) -> DType {
    use DType::*;
    let (low, high) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
    match (low.kind(), high.kind()) {
        (Kind::Bool, _) => high,
        (Kind::Float, _) => wider(low, high),
        (Kind::Int, Kind::Float) => wider(high, to_float(low)),
        _ if low.is_signed_int() == high.is_signed_int() => wider(low, high),
        _ => {
            let (signed, unsigned) = if low.is_signed_int() { (low, high) } else { (high, low) };
            let holds_unsigned = match unsigned {
                U8 => I16,
                U16 => I32,
                U32 => I64,
                _ => return F64,
            };
            wider(signed, holds_unsigned)
        }
    }
}

/// The common dtype of several dtypes, in any order; `None` of an empty list. If one is a float,
/// each integer counts as the float that holds it: `i8`, `u16` and `f32` promote to `f32`, although
/// `i8` and `u16` alone promote to `i32`.
///
/// ```
/// use hotloop::DType::*;
/// use hotloop::types::promote_all;
/// assert_eq!(promote_all([I8, U16, F32]), Some(F32));
/// assert_eq!(promote_all([I8, U16]), Some(I32));
/// ```
pub fn promote_all(dtypes: impl IntoIterator<Item = DType, IntoIter: Clone>) -> Option<DType> {
    let dtypes = dtypes.into_iter();
    let float = dtypes.clone().any(DType::is_float);
    dtypes.map(|dtype| if float { to_float(dtype) } else { dtype }).reduce(promote)
}

fn wider(a: DType, b: DType) -> DType {
    if a.size() >= b.size() { a } else { b }
}

/// The float that a function of real numbers computes in for an argument of this dtype:
/// `f32` for `bool` and integers of at most 16 bits, `f64` for wider ones.
///
/// NumPy computes the 8-bit ones in `float16`, which is a storage dtype here.
pub fn to_float(dtype: DType) -> DType {
    match dtype {
        DType::F32 | DType::F64 => dtype,
        _ if dtype.size() <= 2 => DType::F32,
        _ => DType::F64,
    }
}

/// The dtype of a weak value of this kind without a strong operand.
pub fn weak_default(kind: Kind) -> DType {
    kind.widest()
}

/// The common dtype of a strong dtype and a weak value: the strong dtype if its kind is at least
/// the weak kind, otherwise the default of the weak kind.
pub fn promote_weak(strong: DType, weak: Kind) -> DType {
    if weak <= strong.kind() { strong } else { weak_default(weak) }
}
