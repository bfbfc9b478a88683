use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::math;

use super::{body, math::function};
use crate::ops::{Lowering, TABLE};

#[test]
fn every_kernel_has_a_text() {
    let mut count = 0;
    for row in TABLE.iter().filter(|row| matches!(row.lowering, Lowering::Kernel(_))) {
        assert!(body::called(row.op).is_ok(), "{:?}", row.op);
        for dtype in DType::ALL {
            if row.op.kernel(dtype, Isa::Baseline).is_some()
                && let Some(name) = function(row.op)
            {
                let recording = math::record(name, dtype);
                let recording = recording.unwrap_or_else(|| panic!("{name} of {dtype}"));
                assert_eq!(recording.arity, row.parameters.len(), "{name}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 2 * math::FUNCTIONS.len(), "every math function has an operation");
}
