"""Writes the corpus next to this file. Needs NumPy 2 and mpmath.

NumPy gives the expected results, except those of elementary functions, which mpmath gives correctly
rounded. If the language deliberately differs from NumPy, the case has its own result (`expect=`).
"""

import json
import math
import os
import warnings

import mpmath
import numpy as np

warnings.simplefilter("ignore")
mpmath.mp.prec = 300

DTYPES = {
    "bool": "?", "i8": "i1", "i16": "i2", "i32": "i4", "i64": "i8",
    "u8": "u1", "u16": "u2", "u32": "u4", "u64": "u8", "f32": "f4", "f64": "f8",
}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
INTS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
SIGNED, UNSIGNED, FLOATS = INTS[:4], INTS[4:], ["f32", "f64"]
INF, NAN, PI = float("inf"), float("nan"), float(np.pi)


def A(dtype, values, shape=None, **layout):
    """An array input."""
    array = np.array(values, dtype=DTYPES[dtype])
    return {"array": array if shape is None else array.reshape(shape), **layout}


def S(dtype, value):
    """A number with a dtype."""
    return {"array": np.array(value, dtype=DTYPES[dtype])}


def W(value):
    """A weak number argument."""
    return {"weak": value}


def to_float(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return dtype
    return np.dtype("f4") if dtype.itemsize <= 2 else np.dtype("f8")


def c_special(name):
    """The special values in C of a function that NumPy does not have; NaN for other arguments."""
    table = {
        "erf": {INF: 1.0, -INF: -1.0}, "erfc": {INF: 0.0, -INF: 2.0},
        "normcdf": {INF: 1.0, -INF: 0.0}, "sigmoid": {INF: 1.0, -INF: 0.0},
        "gamma": {INF: INF}, "lgamma": {INF: INF, -INF: INF},
    }[name]

    def special(x):
        if x == 0:
            zero = {"erf": x, "erfc": 1.0, "normcdf": 0.5, "sigmoid": 0.5, "lgamma": INF, "gamma": math.copysign(INF, x)}
            return type(x)(zero[name])
        if name in ("gamma", "lgamma") and x < 0 and x == np.floor(x):
            return type(x)(NAN if name == "gamma" else INF)
        return type(x)(table.get(float(x), NAN if not np.isfinite(x) else 1.0))

    return special


def exact(name):
    """The correctly rounded function of mpmath, with NumPy's special values."""
    # NumPy's power of arrays is the square root for 0.5; that of scalars is C's pow.
    of_numpy = {"power": lambda x, y: np.float64(x) ** np.float64(y)}.get(name) or getattr(np, name, None) or c_special(name)
    of_mpmath = {
        "exp2": lambda x: mpmath.mpf(2) ** x, "log2": lambda x: mpmath.log(x, 2),
        "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
        "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan, "arctan2": mpmath.atan2,
        "arcsinh": mpmath.asinh, "arccosh": mpmath.acosh, "arctanh": mpmath.atanh,
        "normcdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "power": mpmath.power, "sinc": lambda x: mpmath.sin(mpmath.pi * x) / (mpmath.pi * x),
        "logaddexp": lambda x, y: max(x, y) + mpmath.log(1 + mpmath.exp(-abs(x - y))),
        "logaddexp2": lambda x, y: max(x, y) + mpmath.log(1 + mpmath.mpf(2) ** -abs(x - y)) / mpmath.log(2),
    }.get(name) or getattr(mpmath, name)

    def one(xs, dtype):
        special = of_numpy(*map(dtype.type, xs))
        if not np.all(np.isfinite(xs)) or not np.isfinite(special) or special == 0 or 0 in xs:
            return special
        # Rounded once, also to subnormal results.
        value = of_mpmath(*(mpmath.mpf(float(x)) for x in xs))
        if dtype.itemsize == 8:
            return mpmath_to_float(value, 53, -1074)
        return mpmath_to_float(value, 24, -149)

    def function(*xs):
        if all(isinstance(x, (int, float)) for x in xs):
            return float(one([float(x) for x in xs], np.dtype("f8")))
        dtype = to_float(np.result_type(*xs))
        xs = np.broadcast_arrays(*(np.asarray(x).astype(dtype) for x in xs))
        values = [one(v, dtype) for v in zip(*(x.ravel() for x in xs))]
        return np.array(values, dtype=dtype).reshape(xs[0].shape)

    return function


def mpmath_to_float(value, bits, least):
    exponent = max(mpmath.frexp(value)[1] - bits, least)
    return float(mpmath.nint(mpmath.ldexp(value, -exponent))) * 2.0**exponent if exponent > -1000 else \
        float(mpmath.ldexp(mpmath.nint(mpmath.ldexp(value, -exponent)), exponent))


def where(c, x, y):
    weak = [isinstance(v, (bool, int, float)) for v in (x, y)]
    if all(weak):
        return np.where(c, x, y)
    dtype = np.result_type(x, y)
    return np.where(c, np.asarray(x).astype(dtype), np.asarray(y).astype(dtype))


def isin(x, *values):
    out = np.zeros(np.shape(x), bool)
    for v in values:
        out |= x == v
    return out


def power_float(x, y):
    """x**y of floats, correctly rounded, also near overflow."""
    with np.errstate(all="ignore"):
        return exact("power")(x, y)


SPACE = {
    "pi": PI, "inf": INF, "nan": NAN, "np": np, "where": where, "isin": isin, "power_float": power_float,
    "abs": np.abs, "sign": np.sign, "square": np.square, "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil,
    "trunc": np.trunc, "rint": np.rint, "round": np.round, "fmod": np.fmod, "copysign": np.copysign,
    "nextafter": np.nextafter, "signbit": np.signbit, "minimum": np.minimum, "maximum": np.maximum,
    "fmin": np.fmin, "fmax": np.fmax, "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "clip": lambda x, lo, hi: np.minimum(np.maximum(x, lo), hi), "power": np.power, "pow": np.power,
    "sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max, "mean": np.mean, "any": np.any, "all": np.all,
    "amin": np.min, "amax": np.max, "var": np.var, "std": np.std, "argmin": np.argmin, "argmax": np.argmax,
    "nansum": np.nansum, "nanmean": np.nanmean, "nanmin": np.nanmin, "nanmax": np.nanmax,
    "dot": lambda x, y, axis=None, keepdims=False: np.sum(np.multiply(x, y), axis=axis, keepdims=keepdims),
    "count_nonzero": lambda x, axis=None, keepdims=False: np.sum(x != 0, axis=axis, keepdims=keepdims, dtype="i8"),
    **{name: getattr(np, name) for name in (
        "add subtract multiply divide true_divide floor_divide mod remainder negative less less_equal greater greater_equal equal "
        "not_equal bitwise_and bitwise_or bitwise_xor bitwise_not invert bitwise_invert left_shift right_shift bitwise_left_shift "
        "bitwise_right_shift logical_and logical_or logical_xor logical_not gcd lcm bitwise_count heaviside reciprocal "
        "fabs isclose ones_like zeros_like conj conjugate real imag positive copy spacing fix around ldexp ptp nanprod nanvar nanstd "
        "nanargmin nanargmax isposinf isneginf full_like empty_like allclose array_equal").split()},
    "float_power": lambda x, y: exact("power")(np.float64(x), np.float64(y)),
    "degrees": lambda x: np.asarray(x) * (180 / np.pi), "radians": lambda x: np.asarray(x) * (np.pi / 180),
    "nan_to_num": np.nan_to_num, "expand_dims": np.expand_dims, "transpose": np.transpose,
    **{name: exact(name) for name in (
        "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh "
        "cbrt hypot logaddexp logaddexp2 erf erfc normcdf sigmoid gamma lgamma").split()},
    **{name: (lambda code: lambda x: np.asarray(x).astype(code))(code) for name, code in DTYPES.items()},
}

FILES = {}


def case(file, name, expr, inputs=None, np_expr=None, expect=None, error=None, ulp=0, flag=None, mode=None, repeat=None):
    inputs = inputs or {}
    outputs = []
    if error is None:
        if expect is None:
            space = {n: (i["array"] if "array" in i else i["weak"]) for n, i in inputs.items()}
            for n, i in inputs.items():
                if "broadcast_to" in i:
                    space[n] = np.broadcast_to(space[n], i["broadcast_to"])
            expect = eval(np_expr or expr.replace("\n", " "), dict(SPACE), space)
        if not isinstance(expect, tuple):
            expect = (expect,)
        for value in expect:
            if isinstance(value, dict):
                value = value["array"]
            if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
                value = np.array(value)
            value = np.asarray(value)
            assert value.dtype in NAMES, (name, value.dtype)
            outputs.append(value)
    FILES.setdefault(file, []).append((name, expr, inputs, outputs, error, ulp, flag, mode, repeat))


def number(value, kind):
    if kind == "b":
        return "true" if value else "false"
    if kind in "iu":
        value = int(value)
        return str(value) if -(2**63) <= value < 2**63 else f'"{value}"'
    value = float(value)
    if value != value:
        return '"nan"'
    if value in (INF, -INF):
        return '"inf"' if value > 0 else '"-inf"'
    # Short decimals are also exact.
    decimal = repr(value)
    if len(decimal) <= 8:
        return decimal if "." in decimal or "e" in decimal else f"{decimal}.0"
    return f'"{value.hex()}"'


def described(array):
    values = ", ".join(number(v, array.dtype.kind) for v in array.ravel())
    return f"dtype = \"{NAMES[array.dtype]}\", shape = {list(array.shape)}, values = [{values}]"


def toml_value(value):
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, (list, tuple)) else str(value)


def write():
    here = os.path.dirname(os.path.abspath(__file__))
    total = 0
    for file, cases in FILES.items():
        names = [c[0] for c in cases]
        assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
        lines = ["# Made by generate.py; one table a case, see tests/corpus.rs.", ""]
        for name, expr, inputs, outputs, error, ulp, flag, mode, repeat in cases:
            lines += ["[[case]]", f'name = "{name}"']
            if "\n" in expr and "\r" not in expr:
                lines.append(f"expr = '''\n{expr}'''")
            else:
                lines.append(f"expr = {json.dumps(expr)}")
            if ulp:
                lines.append(f"ulp = {ulp}")
            if flag is not None:
                lines.append(f"divided_by_zero = {str(flag).lower()}")
            if mode:
                lines.append(f'mode = "{mode}"')
            if repeat is not None:
                lines.append(f"repeat = {str(repeat).lower()}")
            for n, i in inputs.items():
                if "weak" in i:
                    v = i["weak"]
                    kind = {bool: "b", int: "i", float: "f"}[type(v)]
                    lines.append(f"inputs.{n} = {{ weak = {number(v, kind)}, kind = \"{ {'b': 'bool', 'i': 'int', 'f': 'float'}[kind] }\" }}".replace('" ', '"').replace(' "', ' "'))
                    continue
                extra = "".join(f", {k} = {toml_value(v)}" for k, v in i.items() if k != "array")
                lines.append(f"inputs.{n} = {{ {described(i['array'])}{extra} }}")
            if error:
                kind, text = error
                lines.append(f"error = {{ kind = \"{kind}\", text = '''{text}''' }}")
            else:
                lines += ["outputs = ["] + [f"  {{ {described(o)} }}," for o in outputs] + ["]"]
            lines.append("")
        with open(os.path.join(here, file + ".toml"), "w") as f:
            f.write("\n".join(lines))
        total += len(cases)
        print(f"{file}: {len(cases)}")
    print(f"{total} cases")


# Extreme values of each dtype.
def edges(dtype):
    if dtype == "bool":
        return [True, False, True, True, False]
    if dtype in FLOATS:
        return [0.0, -0.0, 1.5, -2.25, INF, -INF, NAN]
    info = np.iinfo(DTYPES[dtype])
    return [info.min, info.max, 0, 1, info.max - 1, 7, 3 if dtype in UNSIGNED else -3]


def shifted(values, by):
    return values[by:] + values[:by]


# --- operators -------------------------------------------------------------------------------
for dtype in INTS + FLOATS:
    a, b = edges(dtype), shifted(edges(dtype), 3)
    for op, symbol in [("add", "+"), ("sub", "-"), ("mul", "*")]:
        case("operators", f"{op}_{dtype}", f"a {symbol} b", {"a": A(dtype, a), "b": A(dtype, b)})
for dtype in FLOATS:
    a = [1.0, -1.0, 0.0, -0.0, INF, 1.0, 5.5, 1e30, 3.0]
    b = [3.0, 0.0, 0.0, 5.0, INF, -0.0, -0.5, 1e-30, 7.0]
    case("operators", f"div_{dtype}", "a / b", {"a": A(dtype, a), "b": A(dtype, b)})
    x = [7.5, -7.5, 7.5, -7.5, 0.0, -0.0, 1.0, INF, 5.0, -5.0, 1e17, 3.0]
    y = [2.0, 2.0, -2.0, -2.0, 3.0, 3.0, 0.0, 2.0, INF, INF, 3.0, -3.0]
    case("operators", f"floordiv_{dtype}", "a // b", {"a": A(dtype, x), "b": A(dtype, y)})
    case("operators", f"rem_{dtype}", "a % b", {"a": A(dtype, x), "b": A(dtype, y)})
    case("operators", f"negate_{dtype}", "-a", {"a": A(dtype, edges(dtype))})
    for op, symbol in [("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")]:
        c = [1.0, 2.0, NAN, 0.0, INF, -INF, NAN]
        d = [2.0, 2.0, 1.0, -0.0, INF, INF, NAN]
        case("operators", f"{op}_{dtype}", f"a {symbol} b", {"a": A(dtype, c), "b": A(dtype, d)})
for dtype in ["i8", "u8", "i64", "u64", "u32"]:
    for op, symbol in [("lt", "<"), ("le", "<="), ("eq", "==")]:
        case("operators", f"{op}_{dtype}", f"a {symbol} b",
             {"a": A(dtype, edges(dtype)), "b": A(dtype, shifted(edges(dtype), 1))})
T, F = True, False
two = {"a": A("bool", [T, T, F, F]), "b": A("bool", [T, F, T, F])}
case("operators", "and", "a and b", two, np_expr="a & b")
case("operators", "or", "a or b", two, np_expr="a | b")
case("operators", "not", "not a", {"a": two["a"]}, np_expr="~a")
case("operators", "not_is_looser_than_and", "not a and b", two, np_expr="~a & b")
case("operators", "not_is_looser_than_comparison", "not a == b", two, np_expr="~(a == b)")
case("operators", "and_is_tighter_than_or", "a or b and not a", two, np_expr="a | (b & ~a)")
for op, symbol in [("bitand", "&"), ("bitor", "|"), ("bitxor", "^")]:
    case("operators", f"{op}_bool", f"a {symbol} b", two)
    for dtype in ["i8", "u16", "i32", "u64"]:
        case("operators", f"{op}_{dtype}", f"a {symbol} b", {"a": A(dtype, edges(dtype)), "b": A(dtype, shifted(edges(dtype), 2))})
case("operators", "complement_bool", "~a", {"a": two["a"]})
for dtype in ["i8", "u8", "i64", "u32"]:
    case("operators", f"complement_{dtype}", "~a", {"a": A(dtype, edges(dtype))})
for op, symbol in [("eq", "=="), ("ne", "!="), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")]:
    case("operators", f"{op}_bool", f"a {symbol} b", two)
x = {"x": A("f64", [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, NAN])}
n = {"a": A("i64", [6, 5, 3]), "b": A("i64", [3, 3, 6])}
case("operators", "chain", "0 < x <= 1", x, np_expr="(0 < x) & (x <= 1)")
case("operators", "chain_of_three", "-1 <= x < 1 != 0", x, np_expr="(-1 <= x) & (x < 1)")
case("operators", "chain_of_equals", "a == b == 3", n, np_expr="(a == b) & (b == 3)")
case("operators", "minus_is_looser_than_power", "-x**2", x, np_expr="-(x * x)")
case("operators", "power_takes_a_minus", "x**-1", x, np_expr="1 / x")
case("operators", "power_is_right_associative", "a ** 2 ** 3", n, np_expr="a ** 8")
case("operators", "comparison_is_looser_than_bits", "a & b == 2", n, np_expr="(a & b) == 2")
case("operators", "shift_is_looser_than_sum", "a << 1 + 1", n, np_expr="a << 2")
case("operators", "sum_is_left_associative", "a - b - 1", n)
case("operators", "product_is_left_associative", "a // b * b", n)
case("operators", "floor_of_negative", "-a // 4", n, np_expr="(-a) // 4")
case("operators", "unary_plus", "+a - +b", n)
case("operators", "many_signs", "- - -a + ~~b", n)
case("operators", "xor_between_or_and_and", "a | b ^ a & 3", n, np_expr="a | (b ^ (a & 3))")
case("operators", "no_negative_zero_from_zero_minus", "0.0 - x", {"x": A("f64", [0.0, -0.0, 1.0])})
case("operators", "bool_plus_is_or", "a + b", two)
case("operators", "bool_times_is_and", "a * b", two)
case("operators", "bool_divides_in_f64", "a / b", two)
case("operators", "bool_floordiv_in_i8", "a // b", two, flag=True)
case("operators", "bool_rem_in_i8", "a % b", two, flag=True)
case("operators", "bool_power_in_i8", "a ** b", two)
case("operators", "bool_shift_in_i8", "a << b", two)
case("operators", "bool_minus_is_an_error", "a - b", two, error=("TYPE", "bool - bool is not defined"))
case("operators", "bool_negated_is_an_error", "-a", {"a": two["a"]}, error=("TYPE", "bool is not defined"))
case("operators", "and_of_floats_is_an_error", "a and b", {"a": A("f64", [1.0]), "b": A("bool", [T])}, error=("TYPE", "x != 0"))
case("operators", "not_of_int_is_an_error", "not a", {"a": A("i64", [1])}, error=("TYPE", "`not` takes bools"))
case("operators", "bits_of_floats_are_an_error", "a | 1", {"a": A("f64", [1.0])}, error=("TYPE", "f64"))
case("operators", "complement_of_float_is_an_error", "~a", {"a": A("f32", [1.0])}, error=("TYPE", "f32"))
case("operators", "shift_of_float_is_an_error", "1.5 << a", {"a": A("i32", [1])}, error=("TYPE", "<<"))
case("operators", "no_contraction", "a * b - c", {"a": A("f64", [1 + 2**-30]), "b": A("f64", [1 + 2**-30]), "c": A("f64", [1 + 2**-29])})
case("operators", "contraction_when_asked", "a * b - c",
     {"a": A("f64", [1 + 2**-30]), "b": A("f64", [1 + 2**-30]), "c": A("f64", [1 + 2**-29])},
     expect=A("f64", [2.0**-60]), mode="contract")
case("operators", "no_contraction_of_shared_products", "a * b - c, a * b",
     {"a": A("f64", [1 + 2**-30]), "b": A("f64", [1 + 2**-30]), "c": A("f64", [1 + 2**-29])},
     expect=(A("f64", [0.0]), A("f64", [1 + 2.0**-29])), mode="contract")
case("operators", "no_balancing", "a + b + c + d", {n: A("f64", [v]) for n, v in zip("abcd", [1e16, 1.0, -1e16, 1.0])})
case("operators", "no_reassociation", "a + b - a", {"a": A("f64", [1e16, 1.0]), "b": A("f64", [1.0, 1e-20])})
case("operators", "nothing_cancels", "x - x + x / x * 0", x)

# --- promotion -------------------------------------------------------------------------------
samples = {"bool": [T, F, T], "f32": [0.5, -2.0, 16777216.0], "f64": [0.1, -2.0, 9007199254740993.0]}
for i, p in enumerate(DTYPES):
    for q in list(DTYPES)[i:]:
        va = samples.get(p, [1, 2, 100])
        vb = samples.get(q, [3, 50, 7])
        case("promotion", f"{p}_with_{q}", "a * b", {"a": A(p, va), "b": A(q, vb)})
f32, u8, i32, b1 = A("f32", [0.1, 1.0, 3.0]), A("u8", [1, 200, 255]), A("i32", [1, -2, 2**31 - 1]), A("bool", [T, F, T])
case("promotion", "float_literal_keeps_f32", "a * 1.1", {"a": f32})
case("promotion", "int_literal_keeps_f32", "a + 1", {"a": f32})
case("promotion", "pi_keeps_f32", "a * pi", {"a": f32})
case("promotion", "int_literal_keeps_u8", "a + 100", {"a": u8})
case("promotion", "float_literal_with_u8", "a + 0.5", {"a": u8})
case("promotion", "float_literal_with_bool", "a + 0.5", {"a": b1})
case("promotion", "int_literal_with_bool", "a + 1", {"a": b1})
case("promotion", "bool_literal_keeps_i32", "a * True", {"a": i32})
case("promotion", "bool_literal_with_f32", "a + True", {"a": f32})
case("promotion", "literals_meet_first", "(1 / 3) * a", {"a": f32})
case("promotion", "function_of_literal_stays_weak", "sqrt(2) * a", {"a": f32},
     expect=A("f32", np.float32(np.sqrt(2.0)) * np.array([0.1, 1.0, 3.0], "f4")))
case("promotion", "typed_literal_is_strong", "f64(2) * a", {"a": f32})
case("promotion", "strong_scalar_promotes", "a * k", {"a": f32, "k": S("f64", 0.1)})
case("promotion", "weak_scalar_does_not_promote", "a * k", {"a": f32, "k": W(0.1)})
case("promotion", "weak_int_scalar_with_u8", "a + k", {"a": u8, "k": W(55)})
case("promotion", "weak_bool_scalar_with_u8", "a + k", {"a": u8, "k": W(True)})
case("promotion", "weak_float_scalar_with_int", "a * k", {"a": i32, "k": W(0.5)})
case("promotion", "weak_scalars_together", "k * m + a", {"a": f32, "k": W(3), "m": W(0.5)})
case("promotion", "sum_is_strong", "a / sum(b)", {"a": f32, "b": A("f64", [1.0, 2.0, 4.0])})
case("promotion", "literal_too_large", "a + 300", {"a": u8}, error=("TYPE", "300 does not fit u8"))
case("promotion", "literal_negative_for_unsigned", "a + -1", {"a": u8}, error=("TYPE", "-1 does not fit u8"))
case("promotion", "literal_too_large_for_i32", "a * 2147483648", {"a": i32}, error=("TYPE", "2147483648 does not fit i32"))
case("promotion", "weak_argument_too_large", "a + k", {"a": u8, "k": W(300)}, error=("TYPE", "300 does not fit u8"))
case("promotion", "weak_float_too_large", "a * 1e39", {"a": f32}, error=("TYPE", "does not fit f32"))
case("promotion", "weak_infinity_fits_f32", "a * inf", {"a": f32})
case("promotion", "exact_comparison_above", "a < 300", {"a": u8})
case("promotion", "exact_comparison_below", "a > -1", {"a": u8})
case("promotion", "exact_comparison_equal", "a == 256", {"a": u8})
case("promotion", "exact_comparison_unequal", "a != -200", {"a": A("i8", [56, -100, 0])})
case("promotion", "exact_comparison_reversed", "300 <= a", {"a": u8})
case("promotion", "exact_comparison_u64", "a > -1", {"a": A("u64", [0, 2**64 - 1])})
case("promotion", "exact_comparison_weak_argument", "a < k", {"a": u8, "k": W(300)})
case("promotion", "exact_comparison_u64_weak_argument", "a > k", {"a": A("u64", [0, 2**64 - 1]), "k": W(-1)})
case("promotion", "exact_comparison_i64_with_u64", "a == b",
     {"a": A("i64", [2**53 + 1, -1, 5]), "b": A("u64", [2**53, 2**64 - 1, 5])})
case("promotion", "exact_order_of_i64_and_u64", "a < b",
     {"a": A("i64", [2**53, -1, 2**63 - 1]), "b": A("u64", [2**53 + 1, 0, 2**63])})
case("promotion", "i64_with_f32_compare_in_f64", "a == b", {"a": A("i64", [16777217]), "b": A("f32", [16777216.0])})
case("promotion", "int_division_is_f64", "a / b", {"a": A("i8", [1, -7]), "b": A("u8", [3, 2])})
case("promotion", "where_promotes", "where(c, a, b)", {"c": b1, "a": i32, "b": A("u32", [1, 2**32 - 1, 3])})
case("promotion", "bits_of_i64_with_u64_are_an_error", "a & b", {"a": A("i64", [1]), "b": A("u64", [1])}, error=("TYPE", "&"))
for src, dst, values in [
    ("i64", "i8", [127, 128, -129, 300]), ("u64", "i32", [2**32 + 5, 2**31]), ("i8", "u64", [-1, 5]),
    ("i64", "f64", [2**53 + 1, -(2**63), 2**63 - 1]), ("i64", "f32", [16777217, 2**62 + 2**38, 2**53 + 2**29 + 1]),
    ("u64", "f64", [2**64 - 1, 2**63 + 1025, 2**53 + 1]), ("u64", "f32", [2**64 - 1, 2**40 + 2**16, 2**63 + 2**39 + 1]),
    ("u32", "f32", [2**32 - 1, 2**24 + 1]), ("i32", "f32", [16777217, -16777219, 2**31 - 1]),
    ("f64", "f32", [1e39, 1e-46, 1.0000000596046448, 16777217.0, NAN, -0.0, 2**-149 * 1.5]),
    ("f32", "f64", [0.1, INF, NAN, 2**-149]), ("bool", "f32", [T, F]), ("i16", "bool", [0, 1, -5, 256]),
    ("f64", "bool", [0.0, -0.0, NAN, 0.5]), ("u16", "i16", [65535, 32768, 5]), ("bool", "u8", [T, F]),
]:
    case("promotion", f"{src}_to_{dst}", f"{dst}(a)", {"a": A(src, values)})
for dst, values, expect in [
    ("u8", [NAN, INF, -INF, -1.0, 255.9, 256.0, 3.7], [0, 255, 0, 0, 255, 255, 3]),
    ("i8", [NAN, 127.5, 128.0, -128.5, -129.0, -0.9], [0, 127, 127, -128, -128, 0]),
    ("i16", [1e300, -1e300, 32767.9, -2.5], [32767, -32768, 32767, -2]),
    ("u16", [70000.0, -3.0, 65535.0], [65535, 0, 65535]),
    ("i32", [NAN, 2147483648.0, -2147483649.0, 2147483647.0], [0, 2**31 - 1, -(2**31), 2**31 - 1]),
    ("u32", [4294967296.0, 4294967295.0, -1.0, NAN, 0.99], [2**32 - 1, 2**32 - 1, 0, 0, 0]),
    ("i64", [9.3e18, -9.3e18, INF, -INF, NAN, 9223372036854774784.0], [2**63 - 1, -(2**63), 2**63 - 1, -(2**63), 0, 9223372036854774784]),
    ("u64", [1.9e19, -5.0, NAN, 18446744073709549568.0, 2.0**63], [2**64 - 1, 0, 0, 18446744073709549568, 2**63]),
]:
    case("promotion", f"f64_saturates_to_{dst}", f"{dst}(a)", {"a": A("f64", values)}, expect=A(dst, expect))
for dst, values, expect in [
    ("u8", [NAN, INF, -1.0, 300.0, 2.9], [0, 255, 0, 255, 2]),
    ("i32", [2147483648.0, -INF, NAN, -2.9], [2**31 - 1, -(2**31), 0, -2]),
    ("i64", [9.5e18, -INF, NAN, 2.0**62], [2**63 - 1, -(2**63), 0, 2**62]),
    ("u64", [INF, -1.0, NAN, 2.0**63], [2**64 - 1, 0, 0, 2**63]),
]:
    case("promotion", f"f32_saturates_to_{dst}", f"{dst}(a)", {"a": A("f32", values)}, expect=A(dst, expect))

# --- functions -------------------------------------------------------------------------------
points = {
    "exp": [0.0, -0.0, 1.0, -1.0, 0.5, 10.0, -20.0, INF, -INF, NAN],
    "exp2": [0.0, 1.0, -1.0, 10.0, 0.5, -3.25, INF, -INF, NAN],
    "expm1": [0.0, -0.0, 1e-10, -1e-10, 1.0, -1.0, 10.0, INF, -INF, NAN],
    "log": [1.0, 2.0, 0.5, 10.0, 0.0, -0.0, -1.0, INF, NAN, 1.0000001],
    "log2": [1.0, 2.0, 8.0, 0.125, 3.0, 0.0, -1.0, INF, NAN],
    "log10": [1.0, 10.0, 1000.0, 0.01, 2.0, 0.0, -1.0, INF, NAN],
    "log1p": [0.0, -0.0, 1e-10, 1.0, -0.5, -1.0, -2.0, INF, NAN],
    "sin": [0.0, -0.0, 1.0, -1.0, 3.0, 100.0, 1e6, INF, NAN],
    "cos": [0.0, 1.0, -1.0, 3.0, 100.0, 1e6, INF, NAN],
    "tan": [0.0, -0.0, 1.0, -1.0, 1.5, 100.0, 1e6, INF, NAN],
    "tanh": [0.0, -0.0, 1e-10, 0.5, -1.0, 5.0, 30.0, INF, -INF, NAN],
    "arcsin": [0.0, -0.0, 0.5, -0.25, 0.75, 1.0, -1.0, 1.5, NAN],
    "arccos": [0.0, 0.5, -0.25, 0.75, 1.0, -1.0, 1.5, NAN],
    "arctan": [0.0, -0.0, 0.5, -1.0, 3.0, 1e10, INF, -INF, NAN],
    "sinh": [0.0, -0.0, 0.5, -1.0, 10.0, 80.0, INF, -INF, NAN],
    "cosh": [0.0, -0.0, 0.5, -1.0, 10.0, 80.0, INF, -INF, NAN],
    "arcsinh": [0.0, -0.0, 0.5, -1.0, 1e5, 1e30, INF, -INF, NAN],
    "arccosh": [1.0, 1.5, 2.0, 1e5, 1e30, 0.5, -1.0, INF, NAN],
    "arctanh": [0.0, -0.0, 0.5, -0.75, 1.0, -1.0, 1.5, NAN],
    "cbrt": [0.0, -0.0, 8.0, -27.0, 2.0, 1e30, INF, -INF, NAN],
    "erf": [0.0, -0.0, 0.5, -1.0, 3.0, 1e-10, INF, -INF, NAN],
    "erfc": [0.0, -0.0, 0.5, -1.0, 3.0, 9.0, INF, -INF, NAN],
    "normcdf": [0.0, -0.0, 0.5, -1.0, 3.0, -12.0, INF, -INF, NAN],
    "sigmoid": [0.0, -0.0, 0.5, -1.0, 20.0, -80.0, INF, -INF, NAN],
    "gamma": [0.0, -0.0, 0.5, 5.0, 30.5, -0.5, -1.5, -3.0, INF, -INF, NAN],
    "lgamma": [0.0, -0.0, 0.5, 1.0, 2.0, 30.5, 1e10, -3.0, -10.5, INF, -INF, NAN],
}
for name, values in points.items():
    for dtype in FLOATS:
        case("functions", f"{name}_{dtype}", f"{name}(a)", {"a": A(dtype, values)}, ulp=1)
    case("functions", f"{name}_of_i8_is_f32", f"{name}(a)", {"a": A("i8", [1, 2, 3])}, ulp=1)
    case("functions", f"{name}_of_i32_is_f64", f"{name}(a)", {"a": A("i32", [1, 2, 3])}, ulp=1)
    case("functions", f"{name}_of_weak", f"a + {name}(2)", {"a": A("f32", [0.0, 0.0])},
         np_expr=f"a + f32({name}(2.0))", ulp=1)
for dtype in FLOATS:
    y, x = [0.0, -0.0, 1.0, -1.0, 2.0, INF, -INF, 3.0, NAN], [1.0, 1.0, -1.0, 0.0, 3.0, 1.0, INF, -INF, 1.0]
    case("functions", f"arctan2_{dtype}", "arctan2(a, b)", {"a": A(dtype, y), "b": A(dtype, x)}, ulp=1)
    case("functions", f"arctan2_swapped_{dtype}", "atan2(b, a)", {"a": A(dtype, y), "b": A(dtype, x)}, np_expr="arctan2(b, a)", ulp=1)
    y, x = [3.0, -1.0, 0.0, 1e30, INF, NAN, 1e-30], [4.0, 2.0, -0.0, 1e30, NAN, 1.0, 2e-30]
    case("functions", f"hypot_{dtype}", "hypot(a, b)", {"a": A(dtype, y), "b": A(dtype, x)}, ulp=1)
case("functions", "hypot_of_mixed", "hypot(a, b), arctan2(a, k)", {"a": f32, "b": A("f64", [1.0, 2.0, 3.0]), "k": W(2)},
     np_expr="(hypot(a, b), arctan2(a, f32(2)))", ulp=1)
case("functions", "other_names", "asin(a), acos(a), atan(a), asinh(a), atanh(a), expit(a), ndtr(a), gammaln(a), tgamma(a)", {"a": A("f64", [0.25, 0.5])},
     np_expr="(arcsin(a), arccos(a), arctan(a), arcsinh(a), arctanh(a), sigmoid(a), normcdf(a), lgamma(a), gamma(a))", ulp=1)
roots = [0.0, -0.0, 2.0, 4.0, 1e300, 1e-310, -1.0, INF, NAN]
case("functions", "sqrt_f64", "sqrt(a)", {"a": A("f64", roots)})
case("functions", "sqrt_f32", "sqrt(a)", {"a": A("f32", [0.0, -0.0, 2.0, 4.0, 1e30, 1e-40, -1.0, INF, NAN])})
case("functions", "sqrt_of_u8_is_f32", "sqrt(a)", {"a": A("u8", [2, 255])}, np_expr="sqrt(f32(a))")
case("functions", "sqrt_of_u16_is_f32", "sqrt(a)", {"a": A("u16", [2, 65535])})
case("functions", "sqrt_of_bool_is_f32", "sqrt(a)", {"a": b1}, np_expr="sqrt(f32(a))")
case("functions", "sqrt_of_u64_is_f64", "sqrt(a)", {"a": A("u64", [2, 2**64 - 1])})
parts = [0.5, 1.5, 2.5, -0.5, -1.5, -0.2, 0.2, -0.0, 1e300, INF, NAN, 4503599627370497.5, -2.7]
for name in ["floor", "ceil", "trunc", "rint", "round"]:
    case("functions", f"{name}_f64", f"{name}(a)", {"a": A("f64", parts)})
    case("functions", f"{name}_f32", f"{name}(a)", {"a": A("f32", [0.5, 1.5, 2.5, -0.5, -0.0, 8388609.5, 1e30, NAN, -INF])})
for name in ["floor", "ceil", "trunc", "round"]:
    case("functions", f"{name}_keeps_integers", f"{name}(a)", {"a": A("i16", [-3, 0, 32767])})
case("functions", "rint_of_i32_is_f64", "rint(a)", {"a": i32})
for dtype in SIGNED + FLOATS:
    case("functions", f"abs_{dtype}", "abs(a)", {"a": A(dtype, edges(dtype))})
    case("functions", f"sign_{dtype}", "sign(a)", {"a": A(dtype, edges(dtype))})
case("functions", "abs_u8", "abs(a)", {"a": u8})
case("functions", "sign_u8", "sign(a)", {"a": A("u8", [0, 1, 255])})
case("functions", "absolute_is_abs", "absolute(a)", {"a": i32}, np_expr="abs(a)")
case("functions", "square_i8_wraps", "square(a)", {"a": A("i8", [-128, 11, 12])})
case("functions", "square_f32", "square(a)", {"a": f32})
m, k = [1.0, -0.0, 0.0, NAN, 1.0, INF], [2.0, 0.0, -0.0, 1.0, NAN, -INF]
pair = {"a": A("f64", m), "b": A("f64", k)}
case("functions", "minimum_f64", "minimum(a, b)", pair, expect=A("f64", [1.0, -0.0, -0.0, NAN, NAN, -INF]))
case("functions", "maximum_f64", "maximum(a, b)", pair, expect=A("f64", [2.0, 0.0, 0.0, NAN, NAN, INF]))
case("functions", "fmin_f64", "fmin(a, b)", pair, expect=A("f64", [1.0, -0.0, -0.0, 1.0, 1.0, -INF]))
case("functions", "fmax_f64", "fmax(a, b)", pair, expect=A("f64", [2.0, 0.0, 0.0, 1.0, 1.0, INF]))
pair = {"a": A("f32", m), "b": A("f32", k)}
case("functions", "minimum_f32", "minimum(a, b)", pair, expect=A("f32", [1.0, -0.0, -0.0, NAN, NAN, -INF]))
case("functions", "fmax_f32", "fmax(a, b)", pair, expect=A("f32", [2.0, 0.0, 0.0, 1.0, 1.0, INF]))
for dtype in ["i8", "u8", "i64", "u64", "bool"]:
    for name in ["minimum", "maximum", "fmin"]:
        case("functions", f"{name}_{dtype}", f"{name}(a, b)", {"a": A(dtype, edges(dtype)), "b": A(dtype, shifted(edges(dtype), 3))})
case("functions", "clip_f64", "clip(a, -1, 1)", {"a": A("f64", [-2.0, 0.5, 3.0, NAN])})
case("functions", "clip_u8", "clip(a, 10, max=20)", {"a": A("u8", [0, 15, 255])}, np_expr="clip(a, 10, 20)")
case("functions", "clip_with_arrays", "clip(a, lo, hi)", {"a": i32, "lo": A("i32", [0, 0, 0]), "hi": A("i32", [1, 1, 1])})
case("functions", "isnan_f64", "isnan(a)", {"a": A("f64", edges("f64"))})
case("functions", "isinf_f32", "isinf(a)", {"a": A("f32", edges("f32"))})
case("functions", "isfinite_f32", "isfinite(a)", {"a": A("f32", edges("f32"))})
for name in ["isnan", "isinf", "isfinite"]:
    case("functions", f"{name}_i32", f"{name}(a)", {"a": i32})
case("functions", "nan_to_num_f64", "nan_to_num(a)", {"a": A("f64", edges("f64"))})
case("functions", "nan_to_num_f32", "nan_to_num(a, nan=1.5)", {"a": A("f32", [NAN, INF, -INF, 2.0])},
     expect=A("f32", [1.5, np.finfo("f4").max, np.finfo("f4").min, 2.0]))
case("functions", "nan_to_num_i32", "nan_to_num(a)", {"a": i32})
case("functions", "fmod_f64", "fmod(a, b)", {"a": A("f64", [7.5, -7.5, 7.5, 1.0, INF, 5.0, -0.0, 1e308]), "b": A("f64", [2.0, 2.0, -2.0, 0.0, 1.0, INF, 3.0, 3.0])})
case("functions", "fmod_i32", "fmod(a, b)", {"a": A("i32", [7, -7, 7, -7, 5, -(2**31)]), "b": A("i32", [3, 3, -3, -3, 0, -1])}, flag=True)
case("functions", "copysign_f64", "copysign(a, b)", {"a": A("f64", [1.0, -1.0, 0.0, NAN]), "b": A("f64", [-0.0, 0.0, -5.0, -1.0])})
case("functions", "copysign_counts_nan_as_positive", "copysign(a, b)", {"a": A("f64", [-3.0]), "b": A("f64", [NAN])}, expect=A("f64", [3.0]))
case("functions", "copysign_i8_is_f32", "copysign(a, b)", {"a": A("i8", [1, -2]), "b": A("i8", [-1, 3])}, np_expr="copysign(f32(a), f32(b))")
case("functions", "nextafter_f64", "nextafter(a, b)", {"a": A("f64", [1.0, 1.0, 0.0, -0.0, INF, NAN, 5.0]), "b": A("f64", [2.0, 0.0, 1.0, -1.0, 0.0, 1.0, 5.0])})
case("functions", "nextafter_f32", "nextafter(a, b)", {"a": A("f32", [1.0, 0.0, 3e38, INF]), "b": A("f32", [2.0, -1.0, INF, 1.0])})
case("functions", "signbit_f64", "signbit(a)", {"a": A("f64", [1.0, -1.0, 0.0, -0.0, INF, -INF])})
case("functions", "signbit_of_nan_is_false", "signbit(a)", {"a": A("f64", [NAN, -NAN])}, expect=A("bool", [F, F]))
case("functions", "signbit_i32", "signbit(a)", {"a": i32})
case("functions", "fma_rounds_once", "fma(a, a, -b)", {"a": A("f64", [1 + 2**-30, 3.0]), "b": A("f64", [1 + 2**-29, 8.0])}, expect=A("f64", [2.0**-60, 1.0]))
case("functions", "fma_f32", "fma(a, b, c)", {"a": A("f32", [1 + 2**-12]), "b": A("f32", [1 + 2**-12]), "c": A("f32", [-(1 + 2**-11)])}, expect=A("f32", [2.0**-24]))
case("functions", "fma_of_ints_is_f64", "fma(a, b, 1)", {"a": A("i32", [2**30]), "b": A("i32", [2**30])}, expect=A("f64", [2.0**60]))
case("functions", "isin", "isin(a, 1, 200, 7)", {"a": u8})
case("functions", "isin_out_of_range_is_exact", "isin(a, 300, -1, 255)", {"a": u8})
case("functions", "isin_f64", "isin(a, 0.5, 2, nan)", {"a": A("f64", [0.5, 2.0, NAN, 3.0])})
case("functions", "casts_have_long_names", "float32(a) + int64(b)", {"a": A("f64", [0.1]), "b": A("u8", [3])}, np_expr="f32(a) + i64(b)")
case("functions", "ln_is_log", "ln(a) - log(a)", {"a": A("f64", [2.0, 3.0])}, expect=A("f64", [0.0, 0.0]))
case("functions", "keywords_in_any_order", "clip(max=2, x=a, min=1)", {"a": i32}, np_expr="clip(a, 1, 2)")
case("functions", "sign_of_bool_is_an_error", "sign(a)", {"a": b1}, error=("TYPE", "sign of bool"))
case("functions", "unknown_function", "sine(a)", {"a": f32}, error=("NAME", "did you mean 'sin', 'sinc' or 'since'?"))
case("functions", "too_few_arguments", "where(a, 1)", {"a": b1}, error=("ARITY", "where(condition, x, y)"))

values = [0.0, -0.0, 1.5, -2.5, 3.0, INF, -INF, NAN, 1e300, -5e-324]
singles = [0.0, -0.0, 1.5, -2.5, 3.0, INF, -INF, NAN, 1e38, -1e-45]
for name in "reciprocal fabs spacing positive copy real imag conj conjugate ones_like zeros_like logical_not fix around".split():
    case("functions", f"{name}_f64", f"{name}(a)", {"a": A("f64", values)})
    case("functions", f"{name}_f32", f"{name}(a)", {"a": A("f32", singles)})
    flag = True if name == "reciprocal" else None
    expect = np.array([0, 1, -1, 0, 0], "i4") if name == "reciprocal" else None
    case("functions", f"{name}_i32", f"{name}(a)", {"a": A("i32", [0, 1, -1, 7, -(2**31)])}, flag=flag, expect=expect)
for name in "square copy real imag ones_like logical_not abs conj".split():
    case("functions", f"{name}_of_bool", f"{name}(a)", {"a": A("bool", [True, False])})
case("functions", "round_of_bool_stays", "round(a)", {"a": A("bool", [True, False])}, np_expr="a")
case("functions", "fabs_of_small_integers", "fabs(a)", {"a": A("i16", [-32768, 5])})
x, y = [3.0, -1.5, 0.0, -0.0, NAN, 0.0, INF], [0.5, 0.5, 0.5, 7.0, 1.0, NAN, 2.0]
for dtype in FLOATS:
    case("functions", f"heaviside_{dtype}", "heaviside(a, b)", {"a": A(dtype, x), "b": A(dtype, y)})
    case("functions", f"isclose_{dtype}", "isclose(a, b), isclose(a, b, 0.5), isclose(a, b, rtol=0, atol=3)",
         {"a": A(dtype, [1.0, 1.0, NAN, INF, INF, 2.0]), "b": A(dtype, [1.00001, 1.1, NAN, INF, -INF, 5.0])})
    case("functions", f"isclose_equal_nan_{dtype}", "isclose(a, b, equal_nan=True)", {"a": A(dtype, [NAN, NAN, 1.0]), "b": A(dtype, [NAN, 1.0, NAN])})
    case("functions", f"logical_{dtype}", "logical_and(a, b), logical_or(a, b), logical_xor(a, b)",
         {"a": A(dtype, [0.0, -0.0, 1.0, NAN]), "b": A(dtype, [1.0, 0.0, NAN, 0.0])})
    case("functions", f"nan_to_num_all_{dtype}", "nan_to_num(a, nan=0.5, posinf=7.0, neginf=-3.0), nan_to_num(a, posinf=1), nan_to_num(a, nan=2.0, neginf=-1)",
         {"a": A(dtype, [NAN, INF, -INF, 1.0, -0.0])})
    case("functions", f"degrees_{dtype}", "degrees(a), rad2deg(a), radians(a), deg2rad(a)",
         {"a": A(dtype, [0.0, -0.0, 1.0, -2.5, 180.0, 90.0, INF, -INF, NAN])},
         np_expr="degrees(a), degrees(a), radians(a), radians(a)", ulp=1)
    for n in (-2, -1, 0, 1, 2, 5):
        case("functions", f"round_{dtype}_to_{n}", f"round(a, {n}), around(a, decimals={n})",
             {"a": A(dtype, [1.005, 2.675, -12345.678, 0.5, -0.0, 125.0, 1e30, INF, NAN])})
    case("functions", f"ldexp_{dtype}", "ldexp(a, b)", {"a": A(dtype, [1.0, -1.5, 0.0, INF, NAN, 1.75, 1e-30]), "b": A("i32", [3, -2, 100, -5, 1, 20000, -110])})
    pair = {"a": A(dtype, [0.0, 1.0, -3.5, 700.0, INF, -INF, INF, NAN]), "b": A(dtype, [0.0, 2.0, 20.0, -700.0, -INF, -INF, INF, 1.0])}
    case("functions", f"logaddexp_{dtype}", "logaddexp(a, b)", pair, ulp=1)
    case("functions", f"logaddexp2_{dtype}", "logaddexp2(a, b)", pair, ulp=1)
    sinc = np.array([1.0, 2 / PI, 0.0, 0.0, -2 / (3 * PI), 1.0, NAN, NAN], DTYPES[dtype])
    case("functions", f"sinc_{dtype}", "sinc(a)", {"a": A(dtype, [0.0, 0.5, 1.0, -7.0, 1.5, -0.0, INF, NAN])}, expect=sinc, ulp=1)
for dtype in INTS:
    case("functions", f"round_{dtype}_to_tens", "round(a, -1), round(a, 2)", {"a": A(dtype, [5, 15, 25, 99, 0, 104])})
case("functions", "sinc_of_integers_is_f64", "sinc(a)", {"a": A("i8", [0, 1, -3])}, expect=np.array([1.0, 0.0, 0.0]))
case("functions", "clip_with_one_bound", "clip(a, min=1), clip(a, max=1), clip(a)",
     {"a": A("f64", [-2.0, 0.5, 3.0, NAN])}, np_expr="np.maximum(a, 1), np.minimum(a, 1), a")
case("functions", "float_power_is_f64", "float_power(a, b)", {"a": A("i32", [2, -2, 3]), "b": A("i32", [-1, 3, 2])}, ulp=1)
case("functions", "float_power_of_f32_is_f64", "float_power(a, 0.3)", {"a": A("f32", [2.0, 0.1])}, ulp=1)
case("functions", "power_to_a_half_is_cs_pow", "a ** 0.5, power(a, 0.5)", {"a": A("f64", [-0.0, -INF, 4.0])},
     expect=(np.array([0.0, INF, 2.0]),) * 2)
case("functions", "names_of_operators", "add(a, b), subtract(a, b), multiply(a, b), divide(a, b), true_divide(a, b), floor_divide(a, b), mod(a, b), remainder(a, b)",
     {"a": A("i32", [7, -7, 9]), "b": A("i32", [3, 3, -2])})
case("functions", "names_of_comparisons", "less(a, b), less_equal(a, b), greater(a, b), greater_equal(a, b), equal(a, b), not_equal(a, b)",
     {"a": A("f64", [1.0, 2.0, 3.0, NAN]), "b": A("f64", [2.0, 2.0, 1.0, 1.0])})
case("functions", "names_of_bits", "bitwise_and(a, b), bitwise_or(a, b), bitwise_xor(a, b), invert(a), bitwise_not(a), bitwise_invert(a), left_shift(a, b), right_shift(a, b), bitwise_left_shift(a, b), bitwise_right_shift(a, b)",
     {"a": A("i16", [12, -5, 77]), "b": A("i16", [3, 2, 5])})
case("functions", "greater_of_u64_and_signed", "greater(a, b), greater_equal(b, a)", {"a": A("u64", [1, 2**63]), "b": A("i64", [-1, 5])})
for dtype in INTS:
    low, high = np.iinfo(DTYPES[dtype]).min, np.iinfo(DTYPES[dtype]).max
    two_ints = {"a": A(dtype, [0, 12, high, low, 100, 1]), "b": A(dtype, [0, 18, 0, 6, 99, low])}
    case("integers", f"gcd_{dtype}", "gcd(a, b)", two_ints)
    case("integers", f"lcm_{dtype}", "lcm(a, b)", two_ints)
    case("integers", f"bitwise_count_{dtype}", "bitwise_count(a)", {"a": two_ints["a"]})
case("integers", "bitwise_count_of_bool", "bitwise_count(a)", {"a": A("bool", [True, False])})
case("integers", "gcd_of_mixed", "gcd(a, b), lcm(a, 4)", {"a": A("i8", [12, -18]), "b": A("u16", [8, 27])})
case("integers", "gcd_of_floats_is_an_error", "gcd(a, 2)", {"a": A("f64", [1.0])}, error=("TYPE", "f64"))
case("integers", "logical_of_integers", "logical_and(a, b), logical_or(a, b), logical_xor(a, b), logical_not(a)", {"a": A("i8", [0, 2, -1]), "b": A("u64", [4, 0, 1])})
nans = {"a": A("f64", [[1.0, NAN, 3.0], [NAN, -2.0, 5.0], [7.0, 7.0, NAN]])}
for axis in ("", ", axis=0", ", axis=1", ", axis=1, keepdims=True"):
    tag = axis.replace(", ", "_").replace("=", "")
    for name in "nanprod nanvar nanstd".split():
        case("reductions", f"{name}{tag}", f"{name}(a{axis})", nans, ulp=2)
    case("reductions", f"nanarg{tag}", f"nanargmin(a{axis}), nanargmax(a{axis})", nans)
    case("reductions", f"ptp{tag}", f"ptp(b{axis})", {"b": A("i16", [[1, -7, 3], [4, 4, 4]])})
case("reductions", "nanvar_ddof", "nanvar(a, ddof=1), nanstd(a, axis=0, ddof=1)", nans, ulp=2)
case("reductions", "nanvar_without_freedom", "nanvar(a, ddof=2), nanstd(a, ddof=3), nanvar(a, ddof=1)", {"a": A("f64", [1.0, NAN, 4.0])}, ulp=1)
case("reductions", "nanarg_of_infinities", "nanargmin(a), nanargmax(-a)", {"a": A("f64", [NAN, INF, 1.0 * INF])}, expect=(np.int64(1), np.int64(1)))
case("reductions", "nanarg_of_nothing_but_nan", "nanargmin(a), nanargmax(a, axis=0)", {"a": A("f32", [NAN, NAN])}, expect=(np.int64(-1), np.int64(-1)))
case("reductions", "nanarg_of_integers", "nanargmin(a), nanargmax(a)", {"a": A("u8", [3, 1, 9])})
case("reductions", "nan_reductions_of_integers", "nanprod(a), nanvar(a), nanstd(a)", {"a": A("i8", [3, 1, 9])}, ulp=1)
case("reductions", "nanvar_of_nan", "nanvar(a)", {"a": A("f64", [NAN, NAN])})
case("reductions", "ptp_of_nan", "ptp(a)", {"a": A("f32", [1.0, NAN])})
case("reductions", "ptp_of_bool_is_an_error", "ptp(a)", {"a": A("bool", [True])}, error=("TYPE", "ptp of bool"))
case("reductions", "dot_counts_in_64_bits", "dot(a, a), sum(a * a)", {"a": A("i8", [100, 100])}, expect=(np.int64(20000), np.int64(32)))

table = np.array([[1.0, -2.5, 3.0, 8.0], [NAN, 4.0, -0.5, 2.0], [7.0, 7.5, 2.0, INF]])
mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
for dtype, values in (("f64", table), ("f32", table), ("i16", np.nan_to_num(table, posinf=30000.0))):
    with np.errstate(all="ignore"):
        array = A(dtype, values)
    for axis in ("", ", axis=0", ", axis=1", ", axis=-1, keepdims=True"):
        tag = dtype + axis.replace(", ", "_").replace("=", "").replace("-", "m")
        both = {"a": array, "m": A("bool", mask)}
        for name in "sum prod mean var std any all nansum nanmean nanvar".split():
            case("reductions", f"{name}_where_{tag}", f"{name}(a{axis}, where=m)", both, ulp=2)
        for name in "min max nanmin nanmax".split():
            case("reductions", f"{name}_where_{tag}", f"{name}(a{axis}, initial=5, where=m)", both)
            case("reductions", f"{name}_initial_{tag}", f"{name}(a{axis}, initial=3)", {"a": array})
    case("reductions", f"where_of_fewer_axes_{dtype}", "sum(a, axis=0, where=m), mean(a, axis=1, where=m), sum(a, where=m), std(a, axis=1, where=m)",
         {"a": A(dtype, np.abs(np.nan_to_num(table, posinf=9.0))), "m": A("bool", mask[0])}, ulp=2)
case("reductions", "initial", "sum(a, initial=3), prod(a, axis=0, initial=2), nansum(a, axis=1, initial=1)", {"a": A("f64", [[1.0, 2.0], [3.0, 4.5]])})
case("reductions", "initial_of_nothing", "min(a, initial=3), max(a, axis=0, initial=4), sum(a, initial=2), max(b, initial=7)",
     {"a": A("f32", [], (0, 2)), "b": A("u8", [])}, expect=(np.float32(3), np.array([4, 4], "f4"), np.float32(2), np.uint8(7)))
case("reductions", "dtype", "sum(a, dtype=i16), sum(a, dtype=f32), prod(a, dtype=u8), mean(a, dtype=f32), var(a, dtype=float32), sum(b, dtype=i32)",
     {"a": A("i8", [100, 100, 27]), "b": A("f64", [1.5, 2.5, -0.5])},
     np_expr="np.sum(a, dtype='i2'), np.sum(a, dtype='f4'), np.prod(a, dtype='u1'), np.mean(a, dtype='f4'), np.var(a, dtype='f4'), np.sum(b, dtype='i4')", ulp=1)
case("reductions", "correction", "var(a, correction=1), std(a, ddof=1)", {"a": A("f64", [1.0, 2.0, 4.0])}, ulp=1)
case("reductions", "shifted_var_of_some", "var(a, where=m)", {"a": A("f32", [1e6 + x for x in (0.0, 1.0, 5.0, 2.0)]), "m": A("bool", [1, 1, 0, 1])},
     expect=np.float32(2 / 3), ulp=1)
one = {"a": A("i32", [1, 2])}
case("reductions", "where_takes_bools", "sum(a, where=a)", one, error=("TYPE", "`where` takes bools, not i32"))
case("reductions", "min_where_needs_an_initial_value", "min(a, where=a > 1)", one, error=("TYPE", "give it one: initial=inf"))
case("reductions", "initial_keeps_the_dtype", "sum(a, initial=1.5)", one, error=("TYPE", "an initial value of f64 for a result of i64"))
case("reductions", "initial_is_one_number", "sum(a, initial=a)", one, error=("TYPE", "is one number"))
case("reductions", "no_mean_in_integers", "mean(a, dtype=i32)", one, error=("TYPE", "mean does not compute in i32"))
case("reductions", "no_sum_in_bool", "sum(a, dtype=bool)", one, error=("TYPE", "sum does not compute in bool"))
case("functions", "bounds_that_are_none", "clip(a, None, 2), clip(a, 0, None), clip(a, a_min=-1, a_max=1), clip(a, None, None)",
     {"a": A("f64", [-2.0, 0.5, 3.0, NAN])}, np_expr="np.minimum(a, 2), np.maximum(a, 0), np.clip(a, -1, 1), a")
for dtype in FLOATS:
    case("functions", f"signed_infinities_{dtype}", "isposinf(a), isneginf(a)", {"a": A(dtype, [INF, -INF, NAN, 0.0, -1.5])})
case("functions", "signed_infinities_of_integers", "isposinf(a), isneginf(b), isposinf(inf), isneginf(3)", {"a": A("i64", [1, -2]), "b": A("bool", [True, False])})
for dtype in ["bool", "u8", "i64", "f32", "f64"]:
    case("functions", f"full_like_{dtype}", "full_like(a, 1), full_like(a, 2.75, f32), full_like(a, True, dtype=i16), full_like(a, fill_value=k)",
         {"a": A(dtype, [0, 1, 1]), "k": W(1)},
         np_expr="np.full_like(a, 1), np.full_like(a, 2.75, 'f4'), np.full_like(a, True, dtype='i2'), np.full_like(a, 1)")
case("functions", "full_like_drops_fractions", "full_like(a, 1.75), full_like(a, -1.75), full_like(3.5, 2)", {"a": A("i8", [5, 6])},
     np_expr="np.full_like(a, 1.75), np.full_like(a, -1.75), 2.0")
case("functions", "full_like_of_a_number_that_does_not_fit", "full_like(a, 300)", {"a": A("u8", [5])}, error=("TYPE", "300 does not fit u8"))
case("functions", "full_like_of_an_array", "full_like(a, a)", {"a": A("u8", [5])}, error=("TYPE", "one number"))
case("functions", "likes_of_a_dtype", "ones_like(a, f32), zeros_like(a, dtype='f8'), empty_like(a, u8) * 0, ones_like(a, dtype=None), zeros_like(a, None)",
     {"a": A("i16", [3, 4])}, np_expr="np.ones_like(a, 'f4'), np.zeros_like(a, dtype='f8'), np.zeros_like(a, 'u1'), np.ones_like(a), np.zeros_like(a)")
near = {"a": A("f64", [[1.0, 2.0], [INF, NAN]]), "b": A("f64", [[1.0 + 1e-9, 2.0], [INF, NAN]])}
case("reductions", "allclose", "allclose(a, b), allclose(a, b, equal_nan=True), allclose(a[0], b[0]), allclose(a, b, 0, 0, True), allclose(a[0], b[0], 1e-12, atol=1e-8)", near)
case("reductions", "allclose_by_axis", "allclose(a, b, axis=1), allclose(a, b, axis=0, equal_nan=True, keepdims=True)", near,
     expect=(np.array([True, False]), np.array([[True, True]])))
case("reductions", "allclose_of_numbers", "allclose(1, 1.000001), allclose(k, 3), allclose(a, 1.0), allclose(c, c)", {"k": W(3), "a": A("f32", [1.0, 1.0000001]), "c": A("i8", [])})
case("reductions", "array_equal", "array_equal(a, b), array_equal(a, a), array_equal(a, a, True), array_equal(a, a, equal_nan=1), array_equal(a[0], b[0]), array_equal(a[0], a[0])", near)
case("reductions", "array_equal_does_not_broadcast", "array_equal(a, 1), array_equal(a, a[:1]), array_equal(a, b), array_equal(1, True), array_equal(c, c), array_equal(a[:, None], a)",
     {"a": A("i32", [1, 1]), "b": A("u8", [1, 1]), "c": A("f32", [])})
near = {"a": A("f64", [[1.0, 2.0, 4.0], [5.0, -1.0, 0.5]]), "m": A("bool", [[T, F, T], [F, T, T]]), "i": A("u8", [[1, 2, 200], [5, 9, 77]])}
case("reductions", "options_without_names", "sum(a, 0, 'f4'), sum(a, 1, None, None, True, 0.5, m), prod(a, 0, f64, None, 1), max(a, 1, None, True, 3.0), min(i, 0, None, 0, 4, m), "
     "mean(a, 1, f32, None, 1), var(a, 0, None, None, 1), std(a, 1, f64, None, 1, True), any(m, 0, None, 1), all(m, 1, None), argmax(a, 1, None), ptp(a, 0, None, True), "
     "count_nonzero(m, 1), nansum(a, None, 'f4'), nanvar(a, 0, None, None, 1), nanmax(a, 1, None, 1), i.sum(1, 'u2'), a.max(0, None, True)", near,
     np_expr="np.sum(a, 0, 'f4'), np.sum(a, 1, None, None, True, 0.5, m), np.prod(a, 0, 'f8', None, 1), np.max(a, 1, None, True, 3.0), np.min(i, 0, None, 0, 4, m), "
     "np.mean(a, 1, 'f4', None, 1), np.var(a, 0, None, None, 1), np.std(a, 1, 'f8', None, 1, True), np.any(m, 0, None, 1), np.all(m, 1, None), np.argmax(a, 1, None), "
     "np.ptp(a, 0, None, True), np.count_nonzero(m, 1), np.nansum(a, None, 'f4'), np.nanvar(a, 0, None, None, 1), np.nanmax(a, 1, None, 1), i.sum(1, 'u2'), a.max(0, None, True)", ulp=1)
case("reductions", "no_out", "sum(a, out=None), mean(a, axis=0, out=None, keepdims=1), argmin(a, 1, keepdims=0), dot(a, a, out=None), sum(a, axis=0, keepdims=0), sin(a, out=None), clip(a, 0, 1, out=None)", near,
     np_expr="np.sum(a), np.mean(a, axis=0, keepdims=True), np.argmin(a, 1), np.sum(a * a), np.sum(a, axis=0), sin(a), np.clip(a, 0, 1)", ulp=1)
case("functions", "isin_inverted", "isin(a, [1, 5], invert=True), isin(a, 2, 5, invert=1), isin(a, [], invert=True), isin(a, [1, 2], assume_unique=True), isin(3, [1, 2], invert=True), isin(a, [300], invert=False)",
     {"a": A("u8", [1, 2, 5])},
     np_expr="np.isin(a, [1, 5], invert=True), np.isin(a, [2, 5], invert=True), np.isin(a, [], invert=True), np.isin(a, [1, 2]), True, np.isin(a, [300])")
case("functions", "bounds_beyond_the_dtype", "clip(a, -5, 300), clip(a, 0, 2**70), clip(b, -200, 5)", {"a": A("u8", [1, 200]), "b": A("i8", [-5, 100])},
     np_expr="np.clip(a, -5, 300), np.clip(a, 0, 2**9), np.clip(b, -200, 5)")
case("functions", "clip_of_three_dtypes", "clip(a, b, c), clip(c, a, b), clip(b, c, a)",
     {"a": A("i8", [-5, 7, 100]), "b": A("u16", [60000, 0, 3]), "c": A("f32", [300.5, 5.0, 1e9])}, np_expr="np.clip(a, b, c), np.clip(c, a, b), np.clip(b, c, a)")
case("functions", "bound_that_does_not_fit", "clip(a, 300, None)", {"a": A("u8", [1])}, error=("TYPE", "300 does not fit u8"))
case("functions", "replacements_that_are_none", "nan_to_num(a, posinf=None, neginf=0)", {"a": A("f64", [INF, -INF, NAN])})
for name, of in (("modf", "np.modf(a)"), ("frexp", "np.frexp(a)")):
    for dtype in FLOATS:
        case("functions", f"{name}_{dtype}", f"x, y = {name}(a)\nx, y", {"a": A(dtype, [0.0, -0.0, 1.5, -3.25, 1e-40, INF, -INF, NAN])}, np_expr=of)
    case("functions", f"{name}_of_i32", f"x, y = {name}(a)\nx, y", {"a": A("i32", [0, 7, -8])}, np_expr=of)
case("functions", "frexp_of_the_ends", "m, e = frexp(a); n, f = frexp(b)\nm, e, n, f", {"a": A("f64", [1.7e308, -5e-324, 2.2e-308]), "b": A("f32", [3e38, -1e-45, 1e-38])},
     np_expr="(*np.frexp(a), *np.frexp(b))")
case("functions", "divmod", "q, r = divmod(a, b)\nq, r", {"a": A("i32", [7, -7, 9]), "b": A("i32", [3, 3, -2])}, np_expr="np.divmod(a, b)")
case("functions", "divmod_of_floats", "q, r = divmod(a, b)\nq, r", {"a": A("f64", [7.5, -7.5, INF, 0.0]), "b": A("f64", [2.0, 2.0, 1.0, -0.0])}, np_expr="np.divmod(a, b)")

# --- conditionals ----------------------------------------------------------------------------
cond = {"a": A("f64", [1.0, -1.0, NAN, 0.0]), "b": A("f64", [5.0, 6.0, 7.0, 8.0])}
case("conditionals", "if_else", "a if a > 0 else b", cond, np_expr="where(a > 0, a, b)")
case("conditionals", "where", "where(a > 0, a, b)", cond)
case("conditionals", "nests_to_the_right", "1 if a > 0 else 2 if a < 0 else 3", cond, np_expr="np.where(a > 0, 1, np.where(a < 0, 2, 3))")
case("conditionals", "nan_is_not_greater", "where(nan > 0, 1, 2)", {}, expect=S("i64", 2))
case("conditionals", "literals_keep_f32", "1 if c else a", {"c": b1, "a": f32}, np_expr="where(c, 1, a)")
case("conditionals", "float_literal_keeps_f32", "a if c else 0.1", {"c": b1, "a": f32}, np_expr="where(c, a, 0.1)")
case("conditionals", "branches_promote", "a if c else b", {"c": b1, "a": A("i8", [1, 2, 3]), "b": A("u8", [200, 201, 202])}, np_expr="where(c, a, b)")
case("conditionals", "weak_branches_only", "1 if c else 2.5", {"c": b1}, np_expr="where(c, 1, 2.5)")
case("conditionals", "bool_branches", "a if c else not a", {"c": b1, "a": A("bool", [F, F, T])}, np_expr="where(c, a, ~a)")
for dtype in INTS:
    v = edges(dtype)
    case("conditionals", f"select_{dtype}", "where(c, a, b)", {"c": A("bool", [T, F, T, F, F, T, T]), "a": A(dtype, v), "b": A(dtype, shifted(v, 2))})
case("conditionals", "condition_of_another_width", "where(c < 5, a, b)", {"c": A("u8", [1, 9, 5]), "a": f32, "b": A("f64", [0.5, 0.25, 0.125])})
case("conditionals", "scalar_condition", "where(k > 1, a, -a)", {"a": f32, "k": W(2)})
case("conditionals", "negative_zero_chosen", "where(c, -0.0, a)", {"c": b1, "a": A("f64", [0.0, 0.0, 1.0])})
case("conditionals", "nan_branch_does_not_leak", "where(c, a, 0)", {"c": A("bool", [F, T]), "a": A("f64", [NAN, 2.0])})
case("conditionals", "condition_must_be_bool", "1 if a else 2", {"a": A("i64", [1])}, error=("TYPE", "condition must be bool"))
case("conditionals", "guarded_division_has_no_trap", "a // b if b != 0 else 0", {"a": A("i64", [5, 6]), "b": A("i64", [0, 4])},
     expect=A("i64", [0, 1]))
case("conditionals", "masks_combine", "where((a > 0) & ~(b > 5.5) | (a == 0), 1.0, -1.0)", cond)

# --- programs --------------------------------------------------------------------------------
case("programs", "bindings", "mid = (bid + ask) / 2\nspread = ask - bid\nmid, spread",
     {"bid": A("f64", [1.0, 2.0]), "ask": A("f64", [2.0, 5.0])}, np_expr="((bid + ask) / 2, ask - bid)")
case("programs", "all_bindings_are_outputs", "lo = minimum(a, b); hi = maximum(a, b)", {"a": i32, "b": A("i32", [0, 0, 0])},
     np_expr="(minimum(a, b), maximum(a, b))")
case("programs", "def_is_inlined", "def bps(x, y) = 1e4 * x / y\nbps(a, b)", {"a": A("f64", [1.0]), "b": A("f64", [4.0])}, np_expr="1e4 * a / b")
case("programs", "def_sees_inputs_and_bindings", "k = a + 1\ndef f(x) = x * k + c\nf(2), f(x=3)", {"a": A("i64", [1]), "c": A("i64", [10])},
     np_expr="(2 * (a + 1) + c, 3 * (a + 1) + c)")
case("programs", "def_calls_def", "def f(x) = x + 1; def g(x) = f(x) * f(f(x)); g(a)", {"a": A("i64", [1, 5])}, np_expr="(a + 1) * (a + 2)")
case("programs", "parameter_hides_a_name", "x = a * 100\ndef f(x) = x + 1\nf(a), x", {"a": A("i64", [1])}, np_expr="(a + 1, a * 100)")
case("programs", "def_may_hide_a_function", "def sin(x) = x + 1\nsin(a)", {"a": A("i64", [1])}, np_expr="a + 1")
case("programs", "functions_and_variables_are_apart", "sum + max(sum)", {"sum": A("i64", [1, 2])}, np_expr="sum + np.max(sum)")
case("programs", "comments_and_blank_lines", "# first\n\nx = a  # the input\n\nx + 1  # done\n", {"a": A("i64", [1])}, np_expr="a + 1")
case("programs", "lines_go_on", "(a\n + 1) *\n 2", {"a": A("i64", [1])})
case("programs", "semicolons", "x = a; y = x * x; y - x;", {"a": A("i64", [3])}, np_expr="a * a - a")
case("programs", "several_outputs", "a, -a, a * a", {"a": A("f64", [2.0, -0.5])})
case("programs", "outputs_of_different_dtypes", "a > 1, i8(a), a", {"a": A("f32", [1.0, 2.0])})
case("programs", "one_value_twice", "a + 1, a + 1", {"a": A("i32", [1])})
case("programs", "an_input_as_output", "a", {"a": A("u16", [1, 65535])})
case("programs", "constants_only", "1 + 2 * 3, 1 / 4, True, 2**-1", {}, expect=(S("i64", 7), S("f64", 0.25), S("bool", True), S("f64", 0.5)))
case("programs", "shared_subexpressions", "t = sqrt(a * a + b * b)\nt, a / t, b / t", {"a": A("f64", [3.0, 5.0]), "b": A("f64", [4.0, 12.0])},
     np_expr="(sqrt(a*a+b*b), a/sqrt(a*a+b*b), b/sqrt(a*a+b*b))")
case("programs", "doubling_by_sharing", "b = a + a; c = b + b; d = c + c; e = d + d; e + e", {"a": A("i64", [1])}, expect=A("i64", [32]))
case("programs", "bound_twice", "x = a; x = a + 1", {"a": A("i64", [1])}, error=("NAME", "'x' is bound twice"))
case("programs", "bound_after_read", "y = x + 1; x = 2", {"x": A("i64", [1])}, error=("NAME", "already read as an input"))
case("programs", "recursion", "def f(x) = f(x)\nf(a)", {"a": A("i64", [1])}, error=("NAME", "calls itself"))
case("programs", "only_defs", "def f(x) = x", {}, error=("PARSE", "no outputs"))
case("programs", "windows_line_ends", "x = a\r\ny = x + 1\r\ny", {"a": A("i64", [1])}, np_expr="a + 1")

# --- broadcasting ----------------------------------------------------------------------------
row, col = A("f64", [1.0, 2.0, 3.0]), A("f64", [10.0, 20.0], (2, 1))
case("broadcasting", "row_and_column", "a + b", {"a": row, "b": col})
case("broadcasting", "row_times_matrix", "a * b", {"a": row, "b": A("f64", range(6), (2, 3))})
case("broadcasting", "size_one_axis", "a - b", {"a": A("i32", range(6), (3, 2)), "b": A("i32", [1], (1,))})
case("broadcasting", "zero_d", "a * b", {"a": row, "b": S("f64", 0.5)})
case("broadcasting", "three_axes", "a + b * c", {"a": A("i64", range(4), (2, 1, 2)), "b": A("i64", range(3), (3, 1)), "c": A("i64", [1, 2])})
case("broadcasting", "functions_of_parts", "sqrt(a**2) + abs(b)", {"a": row, "b": col}, np_expr="a + b")
case("broadcasting", "comparison_of_row_and_column", "a < b", {"a": A("i8", [1, 2, 3]), "b": A("i8", [2, 3], (2, 1))})
case("broadcasting", "where_of_three_shapes", "where(c, a, b)", {"c": A("bool", [T, F], (2, 1)), "a": row, "b": S("f64", -1.0)})
case("broadcasting", "bool_row_and_column", "a and b", {"a": A("bool", [T, F, T]), "b": A("bool", [T, F], (2, 1))}, np_expr="a & b")
case("broadcasting", "outputs_of_different_shapes", "a + 1, b + 1, a + b", {"a": row, "b": col})
case("broadcasting", "empty_with_row", "a + b", {"a": A("f64", [], (0, 3)), "b": row})
case("broadcasting", "empty_with_column", "a + b", {"a": A("f64", [], (0,)), "b": A("f64", [1.0, 2.0], (2, 1))})
case("broadcasting", "empty_and_one", "a * b", {"a": A("f64", [], (2, 0)), "b": A("f64", [1.0], (1, 1))})
case("broadcasting", "zero_stride_input", "a + b", {"a": A("f64", [1.0, 2.0, 3.0], (1, 3), broadcast_to=[2, 3]), "b": A("f64", range(6), (2, 3))})
case("broadcasting", "zero_stride_column", "a * 2", {"a": A("i16", [1, 2], (2, 1), broadcast_to=[2, 5])})
case("broadcasting", "zero_stride_everything", "a - 1", {"a": A("u8", [5], (1,), broadcast_to=[7])})
case("broadcasting", "reduced_over_broadcast", "sum(a + b)", {"a": row, "b": col})
case("broadcasting", "subtract_the_mean", "a - mean(a)", {"a": A("f64", [1.0, 2.0, 6.0])})
case("broadcasting", "mismatch", "a + b", {"a": A("f64", [1.0, 2.0, 3.0]), "b": A("f64", [1.0, 2.0])}, error=("SHAPE", "'a' (3,) and 'b' (2,) do not broadcast"))
case("broadcasting", "mismatch_of_matrices", "a + b", {"a": A("f64", range(6), (2, 3)), "b": A("f64", range(6), (3, 2))}, error=("SHAPE", "'a' (2, 3) and 'b' (3, 2)"))
case("broadcasting", "mismatch_through_a_function", "sqrt(a) * c - b", {"a": row, "c": row, "b": A("f64", [1.0, 2.0])}, error=("SHAPE", "'b' (2,)"))
case("broadcasting", "shapes_apart_in_reductions", "sum(a) + sum(b)", {"a": row, "b": A("f64", [1.0, 2.0])})
case("broadcasting", "unrelated_shapes", "a + 1, b + 1", {"a": row, "b": A("f64", [1.0, 2.0])})

# --- strides ---------------------------------------------------------------------------------
for dtype in ["i8", "u16", "f32", "f64", "bool"]:
    v = [T, F, T, T, F, F, T, T, F] if dtype == "bool" else list(range(9))
    op = "a ^ b" if dtype == "bool" else "a * 2 + b"
    plain = A(dtype, v)
    case("strides", f"reversed_{dtype}", op, {"a": A(dtype, v, step=[-1]), "b": plain})
    case("strides", f"every_other_{dtype}", op, {"a": A(dtype, v, step=[2]), "b": plain})
    case("strides", f"every_third_backwards_{dtype}", op, {"a": A(dtype, v, step=[-3]), "b": A(dtype, v, step=[2])})
    case("strides", f"misaligned_{dtype}", op, {"a": A(dtype, v, misalign=1), "b": plain})
    case("strides", f"packed_struct_field_{dtype}", op, {"a": A(dtype, v, pad=3, misalign=1), "b": plain})
grid = np.arange(12).reshape(3, 4)
case("strides", "fortran_order", "a + b", {"a": A("f64", grid, order="F"), "b": A("f64", grid)})
case("strides", "both_fortran_order", "a + b", {"a": A("f64", grid, order="F"), "b": A("f64", grid * 10, order="F")})
case("strides", "mixed_signs", "a + b", {"a": A("i32", grid, step=[-1, 1]), "b": A("i32", grid, step=[1, -1])})
case("strides", "both_axes_backwards", "a - b", {"a": A("i32", grid, step=[-1, -1]), "b": A("i32", grid)})
case("strides", "inner_step", "a * b", {"a": A("f32", grid, step=[1, 2]), "b": A("f32", grid, step=[2, 1])})
case("strides", "fortran_order_backwards", "a * 2", {"a": A("u8", grid, order="F", step=[-1, 1])})
case("strides", "three_axes_fortran", "a + b", {"a": A("i64", np.arange(24), (2, 3, 4), order="F"), "b": A("i64", np.arange(24), (2, 3, 4), step=[1, -2, 1])})
case("strides", "sum_of_reversed", "sum(a * b)", {"a": A("i64", list(range(9)), step=[-1]), "b": A("i64", list(range(9)))})
case("strides", "sum_of_fortran", "sum(a)", {"a": A("f64", grid, order="F")})
case("strides", "narrow_to_wide", "a + b", {"a": A("i8", grid, order="F"), "b": A("f64", grid, step=[-1, 1])})
case("strides", "bool_mask_reversed", "where(c, a, 0)", {"c": A("bool", [T, F, F], step=[-1]), "a": A("i64", [1, 2, 3])})
case("strides", "size_one_axes", "a + 1", {"a": A("f64", [1.0, 2.0], (1, 2, 1), step=[-5, 2, 3])})
case("strides", "empty_reversed", "a + 1", {"a": A("f64", [], (0,), step=[-1])})

# --- reductions ------------------------------------------------------------------------------
for dtype in INTS + FLOATS:
    v = [1, 2, 3, 4, 100, 27, 5]
    for name in ["sum", "prod", "min", "max", "mean"]:
        case("reductions", f"{name}_{dtype}", f"{name}(a)", {"a": A(dtype, v)})
    case("reductions", f"any_all_{dtype}", "any(a), all(a), any(a * 0)", {"a": A(dtype, v)})
case("reductions", "sum_of_bool_counts", "sum(a), prod(a), mean(a)", {"a": b1})
case("reductions", "min_max_bool", "min(a), max(a)", {"a": b1})
case("reductions", "sum_of_u8_widens", "sum(a)", {"a": A("u8", [255] * 10)})
case("reductions", "sum_of_i8_widens", "sum(a)", {"a": A("i8", [-128] * 10)})
case("reductions", "sum_of_i64_wraps", "sum(a)", {"a": A("i64", [2**63 - 1, 1])})
case("reductions", "prod_of_u64_wraps", "prod(a)", {"a": A("u64", [2**63, 3])})
case("reductions", "sum_of_nothing", "sum(a), prod(a), any(a), all(a), count_nonzero(a)", {"a": A("f64", [])})
case("reductions", "sum_of_no_ints", "sum(a), prod(a)", {"a": A("u8", [])})
case("reductions", "sum_of_empty_matrix", "sum(a)", {"a": A("f32", [], (3, 0, 2))})
case("reductions", "mean_of_nothing_is_nan", "mean(a)", {"a": A("f64", [])})
for dtype in ["f64", "i8", "bool", "u64"]:
    case("reductions", f"min_of_nothing_{dtype}", "min(a)", {"a": A(dtype, [])}, error=("SHAPE", "empty"))
    case("reductions", f"max_of_nothing_{dtype}", "max(a) + 1", {"a": A(dtype, [], (0, 3))}, error=("SHAPE", "empty"))
case("reductions", "nan_in_min", "min(a), max(a)", {"a": A("f64", [1.0, NAN, 2.0])})
case("reductions", "nan_in_sum", "sum(a), prod(a), mean(a)", {"a": A("f32", [1.0, NAN, 2.0])})
case("reductions", "inf_minus_inf", "sum(a)", {"a": A("f64", [INF, 1.0, -INF])})
case("reductions", "inf_in_sum", "sum(a), max(a), min(a)", {"a": A("f64", [INF, 1.0])})
case("reductions", "zeros_in_order", "min(a), max(a)", {"a": A("f64", [0.0, -0.0])}, expect=(S("f64", -0.0), S("f64", 0.0)))
case("reductions", "sum_of_negative_zeros", "sum(a)", {"a": A("f64", [-0.0, -0.0])}, expect=S("f64", -0.0))
case("reductions", "nan_is_true", "any(a), all(a)", {"a": A("f64", [NAN, -0.0])})
case("reductions", "negative_zero_is_false", "any(a)", {"a": A("f64", [-0.0, 0.0])})
case("reductions", "count", "count_nonzero(a), count_nonzero(a > 1)", {"a": A("f64", [0.0, -0.0, NAN, 2.0, 1.0])})
case("reductions", "sum_of_expression", "sum(a * b) / sum(b)", {"a": A("f64", [1.0, 2.0, 3.0]), "b": A("f64", [1.0, 1.0, 2.0])})
case("reductions", "reduction_of_reduction", "sum(a / sum(a))", {"a": A("f64", [1.0, 3.0, 4.0])})
case("reductions", "stages", "m = mean(a); v = mean((a - m)**2); (a - m) / sqrt(v)", {"a": A("f64", [1.0, 3.0, 5.0, 7.0])},
     np_expr="(a - 4) / sqrt(5.0)")
case("reductions", "three_stages", "m = mean(a); s = sum(abs(a - m)); max((a - m) / s)", {"a": A("f64", [1.0, 2.0, 6.0])}, np_expr="np.max((a - 3) / 6.0)")
case("reductions", "matrix", "sum(a), max(a)", {"a": A("i32", range(12), (3, 4))})
case("reductions", "of_zero_d", "sum(a), min(a), mean(a), any(a)", {"a": S("i8", 5)})
case("reductions", "of_literal", "sum(2) + a", {"a": A("i64", [1])}, expect=A("i64", [3]))
case("reductions", "reused", "sum(a) + a * sum(a)", {"a": A("i64", [1, 2, 3])})
case("reductions", "mean_of_f32_stays_f32", "a - mean(a)", {"a": A("f32", [1.0, 2.0, 6.0])})
case("reductions", "max_of_two_arrays", "max(a, b)", {"a": f32, "b": f32}, error=("ARITY", "maximum(x, y)"))
case("reductions", "axis_of_a_line", "sum(a, axis=0)", {"a": A("f32", [1.0, 2.5, -7.0])})

# --- integers --------------------------------------------------------------------------------
for dtype in INTS:
    lo, hi = np.iinfo(DTYPES[dtype]).min, np.iinfo(DTYPES[dtype]).max
    bits = np.dtype(DTYPES[dtype]).itemsize * 8
    signed = dtype in SIGNED
    a = [lo, lo, hi, 7, 7, 5, 0] + ([-7, -7, -1] if signed else [hi, 1])
    b = [-1 if signed else 1, 2, 3, 2, 3, 0, 0] + ([2, -2, 5] if signed else [hi, hi])
    v = {"a": A(dtype, a), "b": A(dtype, b)}
    case("integers", f"floordiv_{dtype}", "a // b", v, flag=True)
    case("integers", f"rem_{dtype}", "a % b", v, flag=True)
    case("integers", f"no_flag_without_zero_{dtype}", "a // 3, a % 3", {"a": A(dtype, a)}, flag=False)
    counts = [0, 1, bits - 1, bits, hi, 3] + ([-1, lo] if signed else [])
    values = [hi, hi, 1, 1, 5, lo] + ([-1, 7] if signed else [])
    case("integers", f"shift_left_{dtype}", "a << b", {"a": A(dtype, values), "b": A(dtype, counts)})
    values = [hi, hi, lo, hi, 5, lo] + ([-1, -8] if signed else [])
    case("integers", f"shift_right_{dtype}", "a >> b", {"a": A(dtype, values), "b": A(dtype, counts)})
    case("integers", f"shift_by_literals_{dtype}", f"a << 3, a >> 3, a << {bits}, a >> {bits}", {"a": A(dtype, edges(dtype))})
    if signed:
        case("integers", f"negate_{dtype}", "-a", {"a": A(dtype, edges(dtype))})
    else:
        case("integers", f"negate_wraps_{dtype}", "-a", {"a": A(dtype, [0, 1, hi])})
    case("integers", f"divide_by_power_of_two_{dtype}", "a // 4, a % 4, a / 4", {"a": A(dtype, edges(dtype))})
case("integers", "least_literal", "a + -9223372036854775808", {"a": A("i64", [0, -1])})
case("integers", "hexadecimal", "a & 0xff", {"a": A("i64", [0x1234, -1])})
case("integers", "underscores", "a + 1_000_000", {"a": A("i64", [1])})
case("integers", "negative_shift_literal", "a << -1, a >> -1", {"a": A("i64", [5, -5])}, expect=(A("i64", [0, 0]), A("i64", [0, -1])))
case("integers", "literal_divided_by_zero", "a + 1 // 0", {"a": A("i64", [5])}, expect=A("i64", [5]))
case("integers", "array_divided_by_literal_zero", "a // 0, a % 0", {"a": A("i64", [5, -5])}, flag=True)
case("integers", "literal_arithmetic_is_exact", "a + (9223372036854775807 - 9223372036854775806)", {"a": A("i64", [0])}, expect=A("i64", [1]))
case("integers", "literal_arithmetic_that_overflows", "a + (9223372036854775807 + 1)", {"a": A("i64", [0])}, error=("TYPE", "does not fit i64"))
case("integers", "division_by_zero_is_float", "a / 0", {"a": A("i64", [1, -1, 0])})

# --- powers ----------------------------------------------------------------------------------
for dtype in INTS:
    case("powers", f"int_powers_{dtype}", "a ** b", {"a": A(dtype, [2, 3, 7, 0, 0, 1, 10]), "b": A(dtype, [6, 4, 2, 0, 5, 100, 3])})
    case("powers", f"literal_powers_{dtype}", "a**0, a**1, a**2, a**3, a**10", {"a": A(dtype, [2, 3, 0, 1, 5])})
case("powers", "wraps", "a ** b", {"a": A("i8", [2, 3, -2]), "b": A("i8", [7, 5, 7])})
case("powers", "negative_run_time_exponent", "a ** b", {"a": A("i32", [2, 1, -1, -1, 0, -2]), "b": A("i32", [-1, -5, -2, -3, -1, -1])},
     expect=A("i32", [0, 1, 1, -1, 0, 0]))
case("powers", "negative_literal_exponent", "a ** -1", {"a": A("i64", [2])}, error=("TYPE", "negative"))
case("powers", "negative_literal_of_literals", "2**-1, 4**-2", {}, expect=(S("f64", 0.5), S("f64", 0.0625)))
case("powers", "literal_power_is_weak", "a * 2**-1", {"a": f32})
case("powers", "literal_power_that_overflows", "a + 2**63", {"a": A("i64", [1])}, error=("TYPE", "does not fit i64"))
case("powers", "powers_of_float_literals_compare_as_pythons",
     "2**53 + 1 == 2.0**53, 2**53 == 2.0**53, 10**22 < 10.0**22, 2**53 + 1 > 2.0**53, 3**40 == 3.0**40, 2.0**-1 == 1/2, 2**0.5 < 2, 0.0**0 == 1", {})
case("powers", "powers_of_float_literals", "2.0**10, 2.0**0.5, 1.5**-1, 1.5**3, 0.1**4, 1.1**7, 2**-2, float_power(2, -3), inf**0, 2.0**1e9", {},
     np_expr="2.0**10, 2.0**0.5, 1/1.5, 1.5**3, power_float(0.1, 4.0), power_float(1.1, 7.0), 0.25, 0.125, 1.0, inf", ulp=1)
case("powers", "powers_of_float_literals_are_weak", "a * 2.0**0.5, b ** (2.0**1)", {"a": f32, "b": A("f64", [3.0, -0.5])}, np_expr="a * np.float32(2**0.5), b * b", ulp=1)
case("powers", "power_of_literals_beyond_f32", "a * 10.0**39", {"a": f32}, error=("TYPE", "does not fit f32"))
case("powers", "function_form", "power(a, 3) + pow(a, 2)", {"a": A("i64", [2, -3])})
specials = [0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.1, INF, -INF, NAN, 1e-5, 123.456]
for n in [0, 1, 2, 3, 4, 5, 7, 10, 16, 31, 64, -1, -2, -3, -8]:
    for dtype in FLOATS:
        case("powers", f"{dtype}_to_{n}".replace("-", "minus_"), f"a**{n}", {"a": A(dtype, specials)}, np_expr=f"power_float(a, {n})", ulp=1)
for dtype in FLOATS:
    # C's pow, also where NumPy's operator is the square root: pow(-0, 0.5) is +0.
    case("powers", f"{dtype}_to_half", "a**0.5", {"a": A(dtype, specials)}, np_expr="power_float(a, 0.5)", ulp=1)
case("powers", "square_is_exact_product", "a**2", {"a": A("f64", [0.1, 1e200, 1e-200])}, np_expr="a * a")
case("powers", "float_literal_exponent", "a**2.0", {"a": A("f32", [0.1, 3.0])}, np_expr="a * a")
case("powers", "float_literal_exponent_of_ints", "a**2.0", {"a": A("i64", [3, -4])}, np_expr="f64(a) * f64(a)")
case("powers", "overflow_and_underflow", "a**5, a**-5", {"a": A("f64", [1e70, 1e-70, -1e70])}, np_expr="(power_float(a, 5), power_float(a, -5))", ulp=1)
case("powers", "subnormal_result", "a**3", {"a": A("f64", [3e-105, 2e-107])}, np_expr="power_float(a, 3)", ulp=1)
for dtype in FLOATS:
    x = [0.0, -0.0, -0.0, 1.0, NAN, -8.0, -INF, -INF, 2.0, 0.5, -1.0, 4.0, -2.0, 10.0, 1.25, 0.1, 3.0]
    y = [0.0, -3.0, -2.0, NAN, 0.0, 0.25, 3.0, -3.0, 1e30, INF, -INF, 0.5, 3.0, -20.0, 17.5, 0.3, -30.0]
    case("powers", f"arrays_of_{dtype}", "a ** b", {"a": A(dtype, x), "b": A(dtype, y)}, np_expr="power_float(a, b)", ulp=1)
    for n, name in [(0.3, "fraction"), (-0.5, "inverse_root"), (1.5, "one_and_a_half"), (100, "hundred")]:
        case("powers", f"{dtype}_to_a_{name}", f"a**{n}", {"a": A(dtype, specials)}, np_expr=f"power_float(a, {n})", ulp=1)
case("powers", "int_to_a_float", "a ** b, b ** a", {"a": A("i64", [2, -3]), "b": A("f64", [0.5, 2.0])},
     np_expr="(power_float(f64(a), b), power_float(b, f64(a)))", ulp=1)
case("powers", "number_to_an_array", "2 ** a, k ** a", {"a": A("f32", [0.5, -1.0]), "k": W(1.5)},
     np_expr="(power_float(f32(2), a), power_float(f32(1.5), a))", ulp=1)
case("powers", "of_literals", "2 ** 0.3 * a", {"a": A("f64", [1.0])}, np_expr="a * 2 ** 0.3", ulp=1)
case("powers", "fast", "a**3, a**4, a**5", {"a": A("f64", [1.1, -0.3, 7.0])}, np_expr="(a*a*a, (a*a)*(a*a), a*((a*a)*(a*a)))", ulp=2, mode="fast")

# --- special values --------------------------------------------------------------------------
tiny64, tiny32 = 5e-324, 1.401298464324817e-45
case("special_values", "subnormals_f64", "a + a, a * 0.5, -a, a / 3, abs(a)", {"a": A("f64", [tiny64, -tiny64, 2.2e-308])})
case("special_values", "subnormals_f32", "a + a, a * 0.5, -a, a / 3, abs(a)", {"a": A("f32", [tiny32, -tiny32, 1.1e-38])})
case("special_values", "subnormal_products", "a * b", {"a": A("f64", [1e-160, 1e-200]), "b": A("f64", [1e-160, 1e-200])})
case("special_values", "negative_zero_kept", "a + 0.0, a - 0.0, a * 1, a / 1, -a, abs(a), a * 0, sqrt(a)", {"a": A("f64", [-0.0, 0.0, -1.0])})
case("special_values", "negative_zero_plus_negative_zero", "a + -0.0", {"a": A("f64", [-0.0, 0.0])})
case("special_values", "literal_negative_zero", "-0.0 * a, 0.0 / -a", {"a": A("f64", [1.0])})
case("special_values", "infinities", "a - a, a * 0, a / a, a + 1", {"a": A("f64", [INF, -INF])})
case("special_values", "nan_through_operators", "a + 1, a * 0, -a, a // 1, a % 2, abs(a)", {"a": A("f64", [NAN, 1.0])})
case("special_values", "nan_compares_false", "a < 0, a >= 0, a == a, a != a", {"a": A("f64", [NAN, 1.0])})
case("special_values", "nan_constant", "isnan(a * nan), a < nan", {"a": A("f64", [1.0])})
case("special_values", "inf_constant", "a < inf, a > -inf, a == inf", {"a": A("f64", [1.0, INF, -INF, NAN])})
case("special_values", "zero_by_zero", "a / b", {"a": A("f32", [0.0, 0.0, 1.0]), "b": A("f32", [0.0, -0.0, -0.0])})
case("special_values", "one_over_subnormal", "1 / a", {"a": A("f64", [tiny64, -tiny64])})
case("special_values", "rounds_to_even", "a + b", {"a": A("f64", [9007199254740992.0, 9007199254740994.0]), "b": A("f64", [1.0, 1.0])})
case("special_values", "f32_rounds_once", "a * b", {"a": A("f32", [16777217.0, 0.1, 3.0000002]), "b": A("f32", [1.1, 0.1, 3.0000002])})
case("special_values", "largest_f64", "a + a, a * 2, a - a", {"a": A("f64", [1.7976931348623157e308])})
case("special_values", "sin_of_huge", "sin(a), cos(a), tan(a)", {"a": A("f64", [1e22, 1e308, 2.0**1023, 1e15])}, ulp=1)
case("special_values", "sin_of_huge_f32", "sin(a), cos(a), tan(a)", {"a": A("f32", [1e10, 3e38, 1e22])}, ulp=1)
case("special_values", "sin_near_multiples_of_pi", "sin(a), cos(a), tan(a)", {"a": A("f64", [PI, PI / 2, 3 * PI, 355.0, 6381956970095103.0 * 2.0**797])}, ulp=1)
case("special_values", "exp_at_its_edges", "exp(a)", {"a": A("f64", [709.78, 709.79, 710.0, -708.4, -745.13, -745.14, -746.0, 1e-300])}, ulp=1)
case("special_values", "exp_at_its_edges_f32", "exp(a)", {"a": A("f32", [88.72, 88.73, -87.34, -103.97, -103.98, -104.0])}, ulp=1)
case("special_values", "expm1_of_tiny", "expm1(a), log1p(a)", {"a": A("f64", [1e-300, -1e-300, 1e-17, 5e-324])}, ulp=1)
case("special_values", "log_of_subnormal", "log(a), log2(a), log10(a)", {"a": A("f64", [5e-324, 1e-310, 2.2250738585072014e-308, 1.7976931348623157e308])}, ulp=1)
case("special_values", "log_of_subnormal_f32", "log(a), log2(a), log10(a)", {"a": A("f32", [tiny32, 1e-40, 3.4e38])}, ulp=1)
case("special_values", "log_near_one", "log(a)", {"a": A("f64", [1 + 2**-52, 1 - 2**-53, 0.9999, 1.0001])}, ulp=1)
case("special_values", "exp2_of_integers_is_exact", "exp2(a)", {"a": A("f64", [-1074.0, -1022.0, 0.0, 52.0, 1023.0, 1024.0])})
case("special_values", "log2_of_powers_is_exact", "log2(a)", {"a": A("f64", [2.0**-1074, 2.0**-5, 1.0, 2.0**1023])})
case("special_values", "kahan_is_kept", "t = s + y; c = (t - s) - y; t, c", {"s": A("f64", [1e16]), "y": A("f64", [1.5])}, np_expr="(s + y, ((s + y) - s) - y)")

# --- scalars ---------------------------------------------------------------------------------
case("scalars", "zero_d_in_zero_d_out", "a + b", {"a": S("f64", 1.5), "b": S("f64", 2.0)})
case("scalars", "zero_d_int", "a * a", {"a": S("u8", 20)})
case("scalars", "weak_float", "k + 1", {"k": W(0.5)})
case("scalars", "weak_int", "k + 1", {"k": W(41)})
case("scalars", "weak_int_divides_to_float", "k / 4", {"k": W(1)})
case("scalars", "weak_bool", "not k", {"k": W(True)}, np_expr="not k")
case("scalars", "weak_function", "sqrt(k)", {"k": W(4)}, expect=S("f64", 2.0))
case("scalars", "weak_comparison", "k < 5", {"k": W(3)})
case("scalars", "weak_and_strong_scalar", "k * a", {"k": W(2), "a": S("f32", 0.1)})
case("scalars", "strong_scalar_bool", "a and b", {"a": S("bool", T), "b": A("bool", [T, F])}, np_expr="a & b")
case("scalars", "scalar_of_each_dtype", "a + b + c", {"a": S("i8", 1), "b": S("i16", 300), "c": S("u8", 7)})
case("scalars", "weak_conditional", "1 if k else 2", {"k": W(True)})
case("scalars", "scalar_beside_array", "a * k, k * 2", {"a": f32, "k": S("f32", 3.0)})
case("scalars", "literal_true", "True", {})
case("scalars", "literal_pi", "pi", {})
case("scalars", "literal_float_forms", "1., .5, 1e3, 1_0.2_5, 0x1F", {}, expect=(S("f64", 1.0), S("f64", 0.5), S("f64", 1000.0), S("f64", 10.25), S("i64", 31)))
case("scalars", "literal_arithmetic", "7 // 2, -7 // 2, 7 % -2, -7 % 2, 7 / 2", {})
case("scalars", "literal_bits", "5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 62, -8 >> 1", {})
case("scalars", "literal_comparison", "1 < 2, 2 == 2.0, 1 != 1", {})
case("scalars", "literal_functions_fold_as_run", "sqrt(2) - sqrt(x), exp(1) - exp(y), sin(3) - sin(z)", {"x": S("f64", 2.0), "y": S("f64", 1.0), "z": S("f64", 3.0)},
     expect=(S("f64", 0.0), S("f64", 0.0), S("f64", 0.0)))
case("scalars", "one_element_array_keeps_its_axis", "a + k", {"a": A("f64", [1.0]), "k": W(1)})
case("scalars", "weak_infinity", "a + k", {"a": f32, "k": W(INF)})
case("scalars", "weak_float_overflows_f32", "a + k", {"a": f32, "k": W(1e300)}, error=("TYPE", "does not fit f32"))
case("scalars", "decimal_literals_round_once", "0.1 + 0.2, 1e23, 9007199254740993.0", {})
case("scalars", "huge_and_tiny_literals", "1e999, 1e-999, -1e999", {})

# --- reductions along axes -------------------------------------------------------------------
def laid_out(turn, rank):
    """The layout of the inputs of case number `turn`."""
    back, apart = [-1] * rank, [1 + (turn + k) % 2 for k in range(rank)]
    return [
        {}, {"order": "F"}, {"step": back}, {"swapped": True}, {"step": apart, "misalign": 1},
        {"pad": 5}, {"order": "F", "step": [-1] + [1] * (rank - 1), "swapped": True}, {"misalign": 3, "order": "F"},
        {"axes": [(k + 1) % rank for k in range(rank)], "step": apart},
    ][turn % 9] if rank else {}


def whole(shape, turn):
    """Small unsorted integers; sums, products and means of a few of them are exact."""
    count = int(np.prod(shape))
    return [[3, -1, 4, 2, -5, 8, 0, 6, -2, 7, 1, -3][(5 * i + turn) % 12] for i in range(count)]


def axes_of(rank):
    single = list(range(-rank, rank))
    pairs = {1: ["(0,)"], 2: ["(0, 1)", "(-1, 0)"], 3: ["(0, 1)", "(0, -1)", "(2, 1)", "(0, 1, 2)"]}
    return [str(a) for a in single] + pairs[rank] + ["None"]


SHORT = {"f64": "f8", "f32": "f4", "i32": "i4", "i64": "i8", "u8": "u1", "i16": "i2", "bool": "b1"}
count = 0
for shape in [(5,), (1,), (4, 3), (1, 4), (3, 1), (2, 3, 4), (4, 1, 2)]:
    for turn, axis in enumerate(axes_of(len(shape))):
        for dtype in (["f64", "i16"], ["f32", "u8"], ["i32", "bool"])[count % 3]:
            count += 1
            values = [abs(v) % 2 if dtype == "bool" else abs(v) if dtype == "u8" else v for v in whole(shape, turn)]
            name = f"{'x'.join(map(str, shape))}_{axis}_{dtype}".translate(str.maketrans({"(": "of_", ")": "", ",": "", " ": "_"})).replace("-", "m")
            keep = ", keepdims=True" if count % 3 == 0 else ""
            x = {"a": A(dtype, values, shape, **laid_out(count, len(shape)))}
            calls = lambda names: ", ".join(f"{n}(a, axis={axis}{keep})" for n in names.split())
            case("axes", "totals_" + name, calls("sum prod any all count_nonzero"), x)
            case("axes", "extremes_" + name, calls("min max amin amax"), x)
            # NumPy has no argmin and argmax along several axes.
            if not axis.startswith("("):
                case("axes", "positions_" + name, calls("argmin argmax"), x)
            # Many means and variances are rounded.
            case("axes", "moments_" + name, calls("mean var std"), x, ulp=4)
for axis in ["0", "1", "(0, 1)"]:
    x = {"a": A("i64", whole((4, 3), 7), (4, 3)), "b": A("i8", whole((4, 3), 2), (4, 3), order="F")}
    case("axes", f"dot_{axis}".translate(str.maketrans("", "", "(,)")).replace(" ", "_"), f"dot(a, b, axis={axis})", x)
case("axes", "dot_of_broadcast", "dot(a, b, axis=1), dot(a, b), dot(b, a, axis=0, keepdims=True)", {"a": A("f64", whole((3, 4), 1), (3, 4)), "b": A("f64", [1.0, 2.0, -1.0, 3.0])})
case("axes", "dot_of_vectors", "dot(a, b)", {"a": A("f32", [1.0, 2.0, 3.0]), "b": A("f32", [4.0, -5.0, 6.0])})
case("axes", "positional_axis", "sum(a, 1), max(a, -1), dot(a, a, 0), mean(a, 0, keepdims=True)", {"a": A("f64", whole((2, 4), 3), (2, 4))})
case("axes", "positional_none", "any(a, None), max(a, None)", {"a": A("f64", whole((2, 4), 3), (2, 4))})
case("axes", "one_axis_of_a_tuple", "sum(a, axis=(1,)), min(a, axis=(-2,))", {"a": A("i8", whole((2, 4), 3), (2, 4))})
case("axes", "keepdims_alone", "sum(a, keepdims=True), a / sum(a, keepdims=True)", {"a": A("f64", [1.0, 2.0, 3.0, 2.0], (2, 2))})
case("axes", "keepdims_false", "sum(a, axis=0, keepdims=False)", {"a": A("f64", [1.0, 2.0, 3.0, 2.0], (2, 2))})
case("axes", "ddof", "var(a, axis=0, ddof=1), std(a, axis=1, ddof=1), var(a, ddof=2), var(a, ddof=0.5)", {"a": A("f64", whole((4, 4), 5), (4, 4))}, ulp=4)
case("axes", "ddof_of_more_than_all_elements", "var(a, axis=0, ddof=3), var(a, ddof=5)", {"a": A("f64", [1.0, 3.0, 5.0, 5.0], (2, 2))})
case("axes", "ddof_of_all_elements", "var(a, axis=0, ddof=2), std(a, axis=0, ddof=2)", {"a": A("f64", [1.0, 3.0, 5.0, 5.0], (2, 2))})
case("axes", "variance_of_f32", "var(a, axis=-1), std(a, axis=0)", {"a": A("f32", [1.0, 3.0, 5.0, 7.0, 2.0, 2.0, 2.0, 2.0], (2, 4))}, ulp=4)
for dtype in ["i8", "i16", "i32", "u8", "u16", "u32", "u64", "bool"]:
    top = {"bool": 1}.get(dtype, None) or int(np.iinfo(DTYPES[dtype]).max)
    case("axes", f"widened_{dtype}", "sum(a, axis=0), prod(a, axis=1), sum(a)", {"a": A(dtype, [top, top, top, 1, 0, top], (2, 3))})
special = [1.0, NAN, 3.0, INF, -INF, 2.0, -0.5, NAN, NAN, 7.0, NAN, -INF]
for dtype in FLOATS:
    x = {"a": A(dtype, special, (3, 4))}
    for axis in ["0", "1", "None"]:
        case("axes", f"nan_in_extremes_{dtype}_{axis}", f"min(a, axis={axis}), max(a, axis={axis})", x)
        case("axes", f"nan_in_positions_{dtype}_{axis}", f"argmin(a, axis={axis}), argmax(a, axis={axis})", x)
        case("axes", f"nan_left_out_{dtype}_{axis}", ", ".join(f"{n}(a, axis={axis})" for n in ["nansum", "nanmean", "nanmin", "nanmax"]), x)
        case("axes", f"nan_in_sums_{dtype}_{axis}", ", ".join(f"{n}(a, axis={axis})" for n in ["sum", "prod", "mean", "var", "any", "all"]), x)
case("axes", "nothing_but_nan", "nansum(a, axis=0), nanmean(a, axis=0), nanmin(a, axis=0), nanmax(a, axis=0)", {"a": A("f64", [NAN, 1.0, NAN, NAN, 5.0, NAN], (3, 2))})
case("axes", "nothing_but_nan_in_a_column", "nanmin(a, axis=0), nanmax(a, axis=0)", {"a": A("f64", [NAN, 1.0, NAN, NAN], (2, 2))})
case("axes", "nan_of_integers", "nansum(a, axis=0), nanmean(a, axis=0), nanmin(a, axis=0), nanmax(a, axis=0)", {"a": A("i8", [100, 100, 100, 4], (2, 2))})
case("axes", "zeros_of_both_signs", "min(a, axis=1), max(a, axis=1), argmin(a, axis=1), argmax(a, axis=1)", {"a": A("f64", [0.0, -0.0, -0.0, 0.0], (2, 2))},
     expect=(A("f64", [-0.0, -0.0]), A("f64", [0.0, 0.0]), A("i64", [0, 0]), A("i64", [0, 0])))
case("axes", "nan_that_is_negative", "argmax(a, axis=0), max(a, axis=0)", {"a": A("f64", [1.0, INF, -NAN, 2.0], (2, 2))})
case("axes", "ties", "argmin(a, axis=0), argmax(a, axis=0), argmin(a), argmax(a)", {"a": A("u8", [2, 2, 1, 9, 1, 9, 2, 2], (4, 2))})
for shape in [(0,), (0, 3), (3, 0), (2, 0, 3)]:
    x = {"a": A("f64", [], shape)}
    name = "x".join(map(str, shape))
    for axis in axes_of(len(shape))[len(shape):]:
        label = name + "_" + axis.translate(str.maketrans({"(": "of_", ")": "", ",": "", " ": "_"})).replace("-", "m")
        case("axes", f"empty_totals_{label}", ", ".join(f"{n}(a, axis={axis})" for n in ["sum", "prod", "any", "all", "count_nonzero", "nansum"]), x)
        case("axes", f"empty_moments_{label}", ", ".join(f"{n}(a, axis={axis})" for n in ["mean", "var", "std", "nanmean"]), x)
        taken = range(len(shape)) if axis == "None" else np.atleast_1d(eval(axis))
        nothing = any(shape[k] == 0 for k in taken)
        for n in ["min", "argmax", "nanmax"]:
            if n == "argmax" and axis.startswith("("):
                continue
            if nothing:
                # An error in NumPy, too, except for argmin and argmax with an empty result.
                case("axes", f"empty_{n}_{label}", f"{n}(a, axis={axis})", x, error=("SHAPE", "empty"))
            else:
                case("axes", f"empty_{n}_{label}", f"{n}(a, axis={axis})", x)
zero_d = {"a": S("f64", 2.5), "k": W(3)}
case("axes", "single_numbers", "sum(a, axis=0), max(a, axis=-1), mean(k, axis=0), argmin(a, axis=0), var(a, axis=0)", zero_d,
     expect=(S("f64", 2.5), S("f64", 2.5), S("f64", 3.0), S("i64", 0), S("f64", 0.0)))
case("axes", "axis_of_a_single_number", "sum(a, axis=1)", {"a": W(1.0)}, error=("SHAPE", "axis 1 is out of range for a single number"))
case("axes", "axis_out_of_range", "sum(a, axis=2)", {"a": A("f64", [1.0, 2.0], (1, 2))}, error=("SHAPE", "axis 2 is out of range for an array of shape (1, 2)"))
case("axes", "negative_axis_out_of_range", "max(a, axis=-3)", {"a": A("f64", [1.0, 2.0], (1, 2))}, error=("SHAPE", "axis -3 is out of range for an array of shape (1, 2)"))
case("axes", "axis_named_twice", "sum(a, axis=(1, -1))", {"a": A("f64", [1.0, 2.0], (1, 2))}, error=("SHAPE", "axis -1 is named twice"))
m = A("f64", [1.0, 5.0, 2.0, 8.0, 3.0, -4.0], (2, 3))
case("axes", "centred_rows", "a - mean(a, axis=1, keepdims=True)", {"a": A("f64", [1.0, 5.0, 3.0, 8.0, 3.0, 1.0], (2, 3))})
case("axes", "centred_columns", "a - mean(a, axis=0)", {"a": m})
case("axes", "scaled_to_one", "(a - min(a, axis=0)) / (max(a, axis=0) - min(a, axis=0))", {"a": m})
case("axes", "row_reduced_kept_by_an_index", "a / sum(a, axis=1)[:, None]", {"a": A("f64", [1.0, 5.0, 2.0, 8.0, 3.0, 5.0], (2, 3))})
case("axes", "reduction_of_a_reduction", "max(sum(a, axis=0)), sum(max(a, axis=1)), min(max(a, axis=0, keepdims=True) - a, axis=1)", {"a": m})
case("axes", "several_axes_in_one_program", "sum(a, axis=0), sum(a, axis=1), sum(a), a * 2", {"a": m})
case("axes", "of_a_comparison", "sum(a > 1, axis=0), any(a > 7, axis=1), mean(a > 1, axis=0), argmax(a > 1, axis=1)", {"a": m})
case("axes", "of_what_is_broadcast", "sum(a + b, axis=0), max(a * b, axis=1), sum(b + a)", {"a": A("f64", [1.0, 2.0, 3.0]), "b": A("f64", [10.0, 20.0], (2, 1))})
case("axes", "in_a_condition", "where(sum(a, axis=0) > 5, a, 0)", {"a": m})

# --- views -----------------------------------------------------------------------------------
line, table, block = A("i32", list(range(10))), A("f64", np.arange(12.0), (3, 4)), A("i16", np.arange(24), (2, 3, 4))
slices = ["1:", ":3", "2:7", "::2", "::-1", "7:2:-2", "-3:", ":-3", "-100:100", "100:", ":-100", "5:2", "2:5:-1", "::100", "::-100", "9:0:-4", "100:-100:-1", "-1:", "0:0"]
for turn, s in enumerate(slices):
    name = s.replace(":", "_").replace("-", "m")
    case("views", f"line{name}", f"a[{s}]", {"a": {**line, **laid_out(turn, 1)}})
    case("views", f"table{name}", f"a[{s}] * 2, a[:, {s}], a[::-1, {s}]", {"a": {**table, **laid_out(turn, 2)}})
for turn, s in enumerate(["0", "-1", "1, 2", "..., 0", "0, ...", "..., -1, :", "None", "..., None", "None, :, None", "1, None", "0:1, ...", "::-1, None, 0", "..., ::2, ::-1", "..., None, 1:",
                            "None, ..., 0, None", "...", ":", "-1, ::-1", "1:1", "1:1, None"]):
    name = f"index_{turn}"
    case("views", name, f"a[{s}], a[{s}] + 1", {"a": {**block, **laid_out(turn, 3)}})
case("views", "transposes", "transpose(a), transpose(a) * 2", {"a": table})
case("views", "transposed_block", "transpose(a), transpose(a, axes=(1, 0, 2)), transpose(a, axes=(-1, 0, 1)), transpose(a, axes=None)", {"a": block})
case("views", "transposed_line", "transpose(a) + a", {"a": line})
case("views", "table_and_its_transpose", "a + transpose(a), a - transpose(a)", {"a": A("i64", list(range(16)), (4, 4))})
case("views", "expanded", "expand_dims(a, 0), expand_dims(a, axis=-1), expand_dims(a, axis=(0, 2))", {"a": line})
case("views", "outer_product", "a[:, None] * b, expand_dims(a, 1) - b[None, :]", {"a": A("f64", [1.0, 2.0, 3.0]), "b": A("f64", [10.0, 20.0])})
case("views", "differences", "a[1:] - a[:-1], (a[2:] + a[:-2]) / 2 - a[1:-1]", {"a": A("f64", [1.0, 4.0, 9.0, 16.0, 30.0])})
case("views", "of_an_expression", "(a * 2)[1:], sqrt(a)[..., 0], (a + 1)[::-1, None]", {"a": A("f64", [1.0, 4.0, 9.0, 16.0], (2, 2))})
case("views", "of_a_view", "a[1:][::-1], transpose(a[::-1])[0], a[0][1:][-1:]", {"a": table})
case("views", "of_a_reduction", "sum(a, axis=0)[1:], max(a, axis=1)[::-1], sum(a, axis=0, keepdims=True)[0]", {"a": table})
case("views", "reduced", "sum(a[1:]), sum(a[:, ::-2], axis=0), max(transpose(a), axis=0), argmin(a[::-1], axis=1)", {"a": table})
case("views", "reduced_empty", "sum(a[5:], axis=0), prod(a[:0]), any(a[1:1], axis=1)", {"a": table})
case("views", "reduced_nothing", "max(a[5:], axis=0)", {"a": table}, error=("SHAPE", "empty"))
case("views", "of_a_bool", "a[::-1], a[1:] and a[:-1]", {"a": A("bool", [True, False, True, True])}, np_expr="(a[::-1], a[1:] & a[:-1])")
case("views", "first_and_rest", "a - a[0], a - a[:, :1], a[0] * a[:, -1:]", {"a": table})
case("views", "index_out_of_range", "a[3]", {"a": table}, error=("SHAPE", "index 3 is out of range for axis 0 of 3 elements"))
case("views", "negative_index_out_of_range", "a[0, -5]", {"a": table}, error=("SHAPE", "index -5 is out of range for axis 1 of 4 elements"))
case("views", "too_many_indices", "a[0, 0, 0]", {"a": table}, error=("SHAPE", "3 indices for an array of shape (3, 4)"))
case("views", "too_few_axes_to_transpose", "transpose(a, axes=(0,))", {"a": table}, error=("SHAPE", "1 axes for an array of shape (3, 4)"))
case("views", "axis_to_expand_out_of_range", "expand_dims(a, 3)", {"a": table}, error=("SHAPE", "axis 3 is out of range"))
case("views", "slices_that_do_not_fit", "a[1:] + a[:-2]", {"a": line}, error=("SHAPE", "(9,)"))

# --- layouts and ranks -----------------------------------------------------------------------
shapes = [(), (4,), (1,), (3, 1), (3, 4), (2, 1, 1), (2, 3, 1), (1, 1, 4), (2, 2, 3, 4), (2, 1, 1, 4)]
count = 0
for turn, shape in enumerate(shapes):
    for other in shapes[turn:]:
        try:
            np.broadcast_shapes(shape, other)
        except ValueError:
            continue
        count += 1
        dtypes = [("f64", "f64"), ("i32", "f32"), ("u8", "i16"), ("f32", "f64")][count % 4]
        absolute = "u8" in dtypes
        values = lambda shape, n: [abs(v) if absolute else v for v in whole(shape, n)]
        x = {"a": A(dtypes[0], values(shape, count), shape, **laid_out(count, len(shape))),
             "b": A(dtypes[1], values(other, count + 4), other, **laid_out(count + 4, len(other)))}
        name = "x".join(map(str, shape)) + "_with_" + "x".join(map(str, other))
        case("layouts", f"ranks_{name}", "a - b * 2, a < b, (a + 1) * (b + 3), a * a + b", x)
        case("layouts", f"kept_{name}", "floor(a / 4) + floor(b / 2), sum(floor(a / 4) * b)", x)
for dtype in list(DTYPES):
    v = whole((3, 4), 1)
    v = [abs(x) % 2 for x in v] if dtype == "bool" else [abs(x) for x in v] if dtype.startswith("u") else v
    for turn in range(9):
        layout = laid_out(turn, 2)
        op = "a & b, sum(a, axis=0), a | transpose(transpose(b))" if dtype == "bool" else "a * 2 + b, sum(a, axis=0), max(a - b, axis=1)"
        case("layouts", f"{dtype}_{turn}", op, {"a": A(dtype, v, (3, 4), **layout), "b": A(dtype, v[::-1], (3, 4), **laid_out(turn * 5 + 3, 2))})
for turn, axes in enumerate([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]):
    x = {"a": A("i32", np.arange(24), (2, 3, 4), axes=axes, step=[(1, -1)[k == turn % 3] for k in range(3)]), "b": A("i32", np.arange(24), (2, 3, 4))}
    case("layouts", f"axes_in_memory_{''.join(map(str, axes))}", "a - b, sum(a * b, axis=1), max(a, axis=(0, 2)), transpose(a) - transpose(b)", x)
case("layouts", "swapped_f64", "a + 1, sum(a), a < 2", {"a": A("f64", [1.0, -2.5, NAN, INF], swapped=True)})
case("layouts", "swapped_of_every_width", "a + b + c + d", {"a": A("u8", [1, 2], swapped=True), "b": A("i16", [-300, 7], swapped=True), "c": A("u32", [70000, 1], swapped=True), "d": A("i64", [-(2**40), 2**40], swapped=True)})
case("layouts", "swapped_single_number", "a * 2", {"a": {**S("f64", 1.25), "swapped": True}})
case("layouts", "zero_strides_reduced", "sum(a, axis=0), sum(a, axis=1), max(a), argmax(a, axis=1)", {"a": A("i32", [3, 1, 2], (1, 3), broadcast_to=[4, 3])})
case("layouts", "zero_strides_along_columns", "sum(a, axis=0), mean(a, axis=1), argmin(a, axis=1), transpose(a)", {"a": A("f64", [3.0, 1.0], (2, 1), broadcast_to=[2, 5])})

write()
