//! Constant arguments of functions along an axis.

use arbitrary::{Result, Unstructured};
use hotloop::ops::Parameter;

/// A constant argument of a function along an axis; `None` where it is left out. Few are invalid.
pub(super) fn constant(u: &mut Unstructured, parameter: &Parameter) -> Result<Option<i64>> {
    match parameter.name {
        // One decay is given.
        "span" => return Ok(Some(u.int_in_range(1..=30)?)),
        "alpha" | "halflife" | "com" => return Ok(None),
        _ => {}
    }
    let optional = parameter.default.is_some();
    if optional && u.arbitrary()? {
        return Ok(None);
    }
    Ok(Some(match parameter.name {
        "window" => match u.int_in_range(0..=40)? {
            0 => *u.choose(&[-1, 0, 1 << 40, 1 << 20])?,
            _ => u.int_in_range(1..=40)?,
        },
        "min_periods" => u.int_in_range(0..=4)?,
        "nth" | "rows" => u.int_in_range(1..=4)?,
        "n" => u.int_in_range(-3..=6)?,
        "ignore_na" | "adjust" | "bias" | "pct" | "quantile" => u.int_in_range(0..=1)?,
        _ => u.int_in_range(0..=2)?,
    }))
}
