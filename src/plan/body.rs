//! [`Body`]: the computation of one element.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::scan::Attributes;

use crate::ops::Op;

/// The computation of one element: a list of typed values, operands before users. It knows no
/// lanes and no registers; a backend chooses the form of each operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Body {
    values: Vec<(Value, DType)>,
}

/// How a value of a [`Body`] is made. Operands are numbers of earlier values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The element of the pass's load of this number.
    Load(u32),
    /// The uniform of this number.
    Uniform(u32),
    /// An operation. Its operands have one dtype, but for the condition of `where`.
    Apply(Op, [u32; 3]),
    /// A value in another dtype.
    Convert(u32),
    /// A scan of a value, or of pairs, along the axes of the pass: its result at this element.
    Along(Op, Attributes, [u32; 2]),
}

impl Value {
    /// The operands.
    pub fn operands(&self) -> &[u32] {
        match self {
            Value::Load(_) | Value::Uniform(_) => &[],
            Value::Apply(op, operands) => &operands[..op.row().parameters.len()],
            Value::Convert(x) => std::slice::from_ref(x),
            Value::Along(op, _, pair) => &pair[..op.arrays()],
        }
    }
}

impl Body {
    /// Appends a value of this dtype; returns its number.
    pub fn push(&mut self, value: Value, dtype: DType) -> u32 {
        self.values.push((value, dtype));
        self.values.len() as u32 - 1
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The values in order, with their dtypes.
    pub fn values(&self) -> &[(Value, DType)] {
        &self.values
    }

    /// The definition of a value.
    pub fn value(&self, number: u32) -> &Value {
        &self.values[number as usize].0
    }

    /// The dtype of a value.
    pub fn dtype(&self, number: u32) -> DType {
        self.values[number as usize].1
    }

    /// The numbers of the values that are neither loads nor uniforms.
    pub fn computed(&self) -> impl Iterator<Item = u32> {
        let is_computed = |(_, (value, _)): &(usize, &(Value, DType))| {
            matches!(value, Value::Apply(..) | Value::Convert(_) | Value::Along(..))
        };
        self.values.iter().enumerate().filter(is_computed).map(|(number, _)| number as u32)
    }

    /// Whether it has scans.
    pub fn scans(&self) -> bool {
        self.values.iter().any(|(value, _)| matches!(value, Value::Along(..)))
    }

    /// The number of earlier elements, along the axes of its scans, that a value depends on; `None`
    /// if one depends on all.
    pub fn reach(&self) -> Option<usize> {
        let mut reaches: Vec<usize> = Vec::with_capacity(self.values.len());
        for (value, _) in &self.values {
            let own = match value {
                Value::Along(op, attributes, _) => op.scan()?.reach(*attributes)? as usize,
                _ => 0,
            };
            let before = value.operands().iter().map(|x| reaches[*x as usize]).max();
            reaches.push(before.unwrap_or(0).saturating_add(own));
        }
        Some(reaches.into_iter().max().unwrap_or(0))
    }

    /// The dtype that an operation computes in: that of its last operand.
    pub fn operand_dtype(&self, operands: &[u32]) -> DType {
        operands.last().map_or(DType::Bool, |x| self.dtype(*x))
    }
}
