#!/usr/bin/env python3
"""The tables of erf.rs: prints `erf_tables.rs` (`python3 erf.py > ../erf_tables.rs`).

A column of a table belongs to an interval, a row to a coefficient. The expansion point of an
interval is moved from its middle until the function's value there is nearly a number of the
format (Gal's accurate tables, 1986), so that one row holds it.
"""
from fit import *

mp.dps = 50


def erfcx(x):
    return exp(x * x) * mpmath.erfc(x)


def center(f, mid, bits):
    """A point near mid where f is known to 8 bits more than the format has, and f there."""
    unit = mpf(2) ** (-30 if bits == 53 else -20)
    for i in range(100000):
        step = (i + i * i // 64) * unit
        for c in (mid + step, mid - step):
            c = nearest(nint(c / unit) * unit, bits)
            v = f(c)
            if abs(nearest(v, bits) / v - 1) < mpf(2) ** -(bits + 8):
                return c, nearest(v, bits)


def table(what, name, columns, bits):
    """Prints columns, four numbers a line."""
    kind = "f64" if bits == 53 else "f32"
    print(f"\n// {what}.\nconst {name}: &Rows<{kind}, {len(columns[0])}, {len(columns)}> = &Rows::new([")
    for column in columns:
        print("    [")
        for i in range(0, len(column), 4):
            print(f"        {', '.join(rust(c, bits) for c in column[i:i + 4])},")
        print("    ],")
    print("]);")


def erf_table(name, intervals, bits, n, end):
    """The first half of the intervals lie evenly in [0.75, 2.75), the others but the last in
    [2.75, 6.75): erf(c + t) is h + t p(t). The last is [0, 0.75): erf(x) = x + x p(x^2)."""
    erf = mpmath.erf
    cs, hs, ps, errs = [], [], [], []
    half = intervals // 2
    starts = [mpf(3) / 4 + mpf(2 * i) / half for i in range(half)]
    starts += [mpf(11) / 4 + mpf(4 * i) / half for i in range(half)]
    for lo, hi in zip(starts, starts[1:]):
        if lo < end:
            hi = min(hi, end)
            c, h = center(erf, (lo + hi) / 2, bits)
            p, err = fit(lambda t: erf(c + t), lambda t: 1 / erf(c + t), n + 1, lo - c, hi - c,
                         bits, exact=[h])
            p = p[1:]
            errs.append(err)
        else:
            c, h, p = mpf(0), mpf(1), [mpf(0)] * (n + 1)
        cs.append(c), hs.append(h), ps.append(p)
    p, err = rounded(lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z)), n,
                     mpf(10) ** -9, "0.5625", bits, one_by_one=3)
    cs.append(mpf(0)), hs.append(mpf(0)), ps.append(p)
    table(f"{worst(max(errs))}, in the last column {worst(err)}", name, [cs, hs, *map(list, zip(*ps))], bits)


def round_center(f, mid, bits):
    """A point near mid where f is nearly a number of half the bits, and that number."""
    half = bits // 2
    spare = 8 if bits == 53 else 5
    v = top(f(mid), half)
    ulp = ldexp(mpf(1), frexp(v)[1] - half)
    for i in range(100000):
        for h in (v + i * ulp, v - i * ulp):
            c = nearest(mpmath.findroot(lambda x: f(x) - h, mid), bits)
            if abs(f(c) / h - 1) < mpf(2) ** -(bits + spare):
                return c, h


def ratio_table(name, f, bits, intervals, n, end, power):
    """Interval i is where (g (x + d))^power has the exponent i: geometric in x + d. There
    f(c + t) is h (1 + t p(t))."""
    ratio = mpf(2) ** (mpf(1) / power)
    d = nearest(end / (ratio ** (intervals - mpf("0.51")) - 1), 24)
    g = nearest(sqrt(ratio) / d, 24)
    cs, hs, ps, errs = [], [], [], []
    for i in range(intervals):
        lo, hi = max(ratio ** i / g - d, -end / 1000), ratio ** (i + 1) / g - d
        c, h = (mpf(0), f(0)) if i == 0 else round_center(f, (lo + hi) / 2, bits)
        p, err = fit(lambda t: f(c + t) / h, lambda t: h / f(c + t), n + 1, lo - c, hi - c,
                     bits, exact=[mpf(1)])
        errs.append(err)
        cs.append(c), hs.append(h), ps.append(p[1:])
    # What the exponents begin with is -1, for their bias is odd.
    turned = [c[1:] + c[:1] for c in [cs, hs, *map(list, zip(*ps))]]
    table(worst(max(errs)), name, turned, bits)
    return f"Pieces {{ spread: [{rust(g)}, {rust(nearest(g * d, 24))}], power: {power}, table: {name} }}"


def step_of(count):
    return log(2) / count


def powers_of_two(bits, count, step_bits):
    """Prints 2^(j/count) in half the bits, j taken off its bits from the exponent's lowest on down,
    and the logarithm of the rounding error; returns the step."""
    code, size = ("<f", "<I") if bits == 24 else ("<d", "<Q")

    def less(j, v):
        word = struct.unpack(size, struct.pack(code, float(v)))[0] - (j << (bits - count.bit_length()))
        return struct.unpack(code, struct.pack(size, word))[0]

    values = [mpf(2) ** (mpf(j) / count) for j in range(count)]
    his = [top(v, bits // 2) for v in values]
    table(f"2^(j/{count}), with j subtracted from its bits, and its rounding error", f"POWERS_{'64' if bits == 53 else '32'}",
          [[less(j, h) for j, h in enumerate(his)], [nearest(log(v / h), bits) for v, h in zip(values, his)]], bits)
    high = top(log(2) / count, step_bits)
    return f"[{float(high)!r}, {float(nearest(log(2) / count - high, bits))!r}]"


print("//! The tables of erf.rs: what `derive/erf.py` prints.")
print()
print("use super::erf::{Constants, ErfPieces, Pieces};")
print("use super::lanes::Rows;")
erf_table("ERF_TABLE_32", 8, 24, 6, mpf("3.97"))
print("\npub(super) const ERF_32: ErfPieces<f32, 8, 9> =")
print("    ErfPieces { shift: 1.25, one: 3.96, table: ERF_TABLE_32 };")
for t, bits, count, n_erfc, ends, power, step_bits, n_exp, zero, normal in (
        ("64", 53, 16, 13, (mpf("27.35"), mpf("38.65")), 3, 38, 5, ("27.3", "38.6"), ("26.0", "36.5")),
        ("32", 24, 8, 7, (mpf("10.25"), mpf("14.45")), 2, 12, 2, ("10.2", "14.4"), ("9.0", "12.5"))):
    erfc = ratio_table(f"ERFC_{t}", erfcx, bits, count, n_erfc, ends[0], power)
    normcdf = ratio_table(f"NORMCDF_{t}", lambda x: erfcx(x / sqrt(mpf(2))) / 2, bits, count, n_erfc, ends[1], power)
    step = powers_of_two(bits, count, step_bits)
    r = step_of(count) / 2 * mpf("1.006")
    p, err = fit(lambda r: mpmath.hyp1f1(1, 3, r) / 2, lambda r: r * r / exp(r), n_exp, -r, r, bits)
    print(f"\npub(super) const F{t}: Constants<f{t}, {count}, {n_erfc + 3}, {n_exp + 1}> = Constants {{")
    print(f"    zero: [{', '.join(zero)}],")
    print(f"    normal: [{', '.join(normal)}],")
    print(f"    erfc: {erfc},")
    print(f"    normcdf: {normcdf},")
    print(f"    steps: {rust(1 / step_of(count), bits)},")
    print(f"    step: {step},")
    print(f"    powers: POWERS_{t},")
    print(f"    // {worst(err)}.")
    print(f"    exp: [{', '.join(rust(c, bits) for c in p)}],")
    print("};")
