//! Functions of other libraries that are missing here, and what to write instead.

use crate::error::{Error, ErrorKind, quoted};
use crate::ops;

/// Missing names, and advice. Examples quoted in the advice are valid programs.
const WAYS: &[(&[&str], &str)] = &[
    (&["ediff1d", "gradient", "delta"], "differences are `diff(x)`, or of views `x[1:] - x[:-1]`"),
    (&["lag", "lead", "roll", "delay"], "other rows are `shift(x, 1)` and `shift(x, -1)`"),
    (&["returns"], "changes are `pct_change(x)`"),
    (
        &["scan"],
        "general recurrences are not there yet; there are `cumsum(x)`, `cumprod(x)`, `cummin(x)`, \
         `cummax(x)` and `ewm_mean(x, alpha=0.1)`",
    ),
    (&["ewm", "ema", "ewma"], "a moving average with decay is `ewm_mean(x, span=20)`"),
    (
        &["rolling", "moving_average", "sma", "convolve", "move_mean"],
        "a moving average is `rolling_mean(x, 20)`",
    ),
    (&["wma"], "a weighted moving average is `decay_linear(x, 20)`"),
    (&["bfill"], "only earlier elements are filled in, by `ffill(x)`"),
    (
        &["percentile", "nanmedian", "nanquantile", "nanpercentile"],
        "there are `median(x)` and `quantile(x, 0.9)`, which are NaN if an element is, and \
         `rolling_median(x, 20)`, which leaves NaN out",
    ),
    (&["accumulate"], "running results are `cumsum(x)`, `cumprod(x)`, `cummin(x)` and `cummax(x)`"),
    (&["cov"], "a covariance is `mean((x - mean(x)) * (y - mean(y)))`"),
    (
        &["corr", "corrcoef"],
        "a correlation is `mean((x - mean(x)) * (y - mean(y))) / (std(x) * std(y))`",
    ),
    (
        &["sort", "argsort", "unique", "searchsorted", "nonzero", "argwhere", "digitize"],
        "the order of elements cannot be changed, each result has the position of its operands; the place of each is `rank(x)`",
    ),
    (
        &["concatenate", "concat", "stack", "hstack", "vstack", "append", "tile", "repeat", "pad"],
        "arrays are not put together; several results are several outputs, separated by `,`",
    ),
    (
        &["reshape", "ravel", "flatten", "resize"],
        "an array keeps its axes; `x[:, None]` adds one and `transpose(x)` turns them",
    ),
    (&["squeeze"], "an axis of one element is dropped by its index: `x[0]` or `x[:, 0]`"),
    (&["flip", "flipud", "reversed"], "an axis is reversed by a view: `x[::-1]`"),
    (&["fliplr"], "an axis is reversed by a view: `x[:, ::-1]`"),
    (&["swapaxes", "moveaxis", "permute_dims"], "axes are turned by `transpose(x, axes=(1, 0))`"),
    (
        &[
            "arange", "linspace", "zeros", "ones", "full", "eye", "random", "rand", "randn",
            "normal", "range", "meshgrid", "empty", "array",
        ],
        "a program makes no arrays, it takes them as inputs; a session of the command makes some",
    ),
    (
        &["len", "size", "shape", "ndim", "count"],
        "a program does not see shapes; `sum(ones_like(x))` counts elements, `count_nonzero(x)` \
         those that are not 0",
    ),
    (&["int"], "a float becomes an integer by `i64(x)`, which drops the fraction"),
    (&["float"], "a conversion is `f64(x)` or `f32(x)`"),
    (&["str", "print", "format"], "a program computes numbers; its outputs are what it shows"),
    (
        &["matmul", "inner", "outer", "einsum", "tensordot", "vdot", "kron", "cross"],
        "there are no products of matrices; `sum(x * y, axis=-1)` and `x[:, None] * y` are written \
         out",
    ),
    (&["norm"], "a norm is `sqrt(sum(x * x))`"),
    (&["isnull", "isna"], "missing values are NaN: `isnan(x)`"),
    (&["notnull", "notna"], "missing values are NaN: `not isnan(x)`"),
    (&["fillna"], "missing values are NaN: `nan_to_num(x, nan=0)` or `where(isnan(x), y, x)`"),
    (&["dropna"], "elements are not dropped; reductions leave NaN out as `nanmean(x)` does"),
    (
        &["iif", "ifelse", "if_else", "choose", "select", "cond", "case"],
        "a choice is `where(condition, x, y)` or `x if condition else y`",
    ),
    (&["sqr", "pow2"], "a square is `square(x)` or `x**2`"),
    (&["sgn", "signum"], "the sign is `sign(x)`"),
    (&["ceiling"], "rounding up is `ceil(x)`"),
    (&["lerp"], "write `x + t * (y - x)`"),
    (&["log_base", "logn"], "a logarithm to a base is `log(x) / log(base)`"),
    (&["relu"], "write `maximum(x, 0)`"),
    (&["softmax"], "write `exp(x - max(x)) / sum(exp(x - max(x)))`"),
    (&["softplus"], "write `logaddexp(0, x)`"),
    (&["logsumexp"], "write `max(x) + log(sum(exp(x - max(x))))`"),
    (&["standardize"], "write `zscore(x)`"),
    (&["mad"], "write `mean(abs(x - mean(x)))`"),
    (&["between"], "write `low <= x <= high`"),
    (&["contains", "startswith", "endswith", "strlen"], "strings are not there yet"),
    (
        &[
            "groupby",
            "group_by",
            "agg",
            "aggregate",
            "pivot",
            "pivot_table",
            "resample",
            "bincount",
        ],
        "groups are chosen by conditions, one after the other: `mean(x, where=key == 1)`",
    ),
    (
        &["merge", "join", "apply", "map", "iloc", "loc", "query", "filter"],
        "there are no tables: columns are inputs, and every operation is elementwise",
    ),
    (&["complex", "angle"], "complex numbers are not there yet"),
    (&["trapz", "trapezoid"], "write `sum((y[1:] + y[:-1]) / 2 * (x[1:] - x[:-1]))`"),
    (&["interp"], "there is no interpolation"),
    (&["any_of", "isin_list"], "membership is `isin(x, [1, 2, 3])`"),
    (&["in1d"], "membership is `isin(x, [1, 2, 3])`"),
];

/// The error for an unknown function: advice, or similar names.
pub(super) fn unknown_function<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let error = Error::new(ErrorKind::Name, format!("unknown function {}", quoted(name)));
    if let Some(way) = way(name) {
        return error.hint(way);
    }
    let near: Vec<String> =
        ops::suggestions(name, known).iter().map(|n| format!("'{n}'")).collect();
    match near.as_slice() {
        [] => error.hint("`hotloop functions` lists what there is"),
        [one] => error.hint(format!("did you mean {one}?")),
        [rest @ .., last] => error.hint(format!("did you mean {} or {last}?", rest.join(", "))),
    }
}

/// What to write instead of a function of this name.
fn way(name: &str) -> Option<&'static str> {
    WAYS.iter().find(|(names, _)| names.contains(&name)).map(|(_, way)| *way)
}

/// Advice for a common mistake in the number of arguments.
pub(super) fn arity_advice(name: &str, given: usize) -> Option<&'static str> {
    Some(match (name, given) {
        ("max" | "amax", 2..) => "for the larger of two arrays use maximum(x, y)",
        ("min" | "amin", 2..) => "for the smaller of two arrays use minimum(x, y)",
        ("log" | "ln", 2) => "to a base it is log2(x), log10(x) or log(x) / log(base)",
        ("arctan" | "atan", 2) => "the angle of a point is arctan2(y, x)",
        ("where", 1 | 2) => "both values are given: where(condition, x, 0)",
        ("round" | "around" | "rint", 2..) => "to decimals it is round(x, 2)",
        _ => return None,
    })
}

/// Advice for a missing input whose name looks like something else.
pub(super) fn constant(name: &str) -> Option<&'static str> {
    Some(match name {
        "true" | "TRUE" => "did you mean `True`?",
        "false" | "FALSE" => "did you mean `False`?",
        "NaN" | "NAN" | "NA" => "did you mean `nan`?",
        "Inf" | "INF" | "Infinity" | "infinity" | "infty" => "did you mean `inf`?",
        "PI" | "Pi" => "did you mean `pi`?",
        "null" | "NULL" | "nil" | "undefined" => "a missing value is `nan`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The programs quoted in a piece of advice.
    fn programs(way: &'static str) -> impl Iterator<Item = &'static str> {
        way.split('`').skip(1).step_by(2)
    }

    #[test]
    fn advice_compiles_when_it_is_pasted() {
        for (names, way) in WAYS {
            for name in *names {
                assert_eq!(ops::lookup(name).map(|row| row.name), None, "{name} is there");
            }
            for text in programs(way).filter(|text| *text != ",") {
                if let Err(error) = crate::compile(text) {
                    panic!("{names:?}: {text}: {error}");
                }
            }
        }
    }
}
