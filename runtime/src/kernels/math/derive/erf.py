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


def table(name, rows, bits):
    one = len(rows) == 1
    print(f"        {name}: &[")
    for row in rows:
        indent = " " * (12 if one else 16)
        if not one:
            print("            [")
        for i in range(0, 16, 4):
            print(f"{indent}{', '.join(rust(c, bits) for c in row[i:i + 4])},")
        if not one:
            print("            ],")
    print("        ],")


def erf_table(bits, n, end):
    """Intervals 0 to 7 lie evenly in [0.75, 2.75), 8 to 14 in [2.75, 6.25): erf(c + t) is
    h + t p(t). The last is [0, 0.75): erf(x) = x + x p(x^2)."""
    erf = mpmath.erf
    cs, hs, ps, errs = [], [], [], []
    starts = [mpf(3 + i) / 4 for i in range(8)] + [mpf(11 + 2 * i) / 4 for i in range(8)]
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
    rows = [list(r) for r in zip(*ps)]
    print("    const ERF: Pieces<Self> = Pieces {")
    print("        spread: [1.0, 1.25],")
    print("        power: 1,")
    table("at", [cs], bits)
    table("value", [hs], bits)
    print(f"        // {worst(max(errs))}, in the last column {worst(err)}.")
    table("p", rows, bits)
    print("    };")


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


def ratio_table(name, f, bits, n, end, power):
    """Interval i is where (g (x + d))^power has the exponent i: geometric in x + d. There
    f(c + t) is h (1 + t p(t))."""
    ratio = mpf(2) ** (mpf(1) / power)
    d = nearest(end / (ratio ** mpf("15.49") - 1), 24)
    g = nearest(sqrt(ratio) / d, 24)
    cs, hs, ps, errs = [], [], [], []
    for i in range(16):
        lo, hi = max(ratio ** i / g - d, -end / 1000), ratio ** (i + 1) / g - d
        c, h = (mpf(0), f(0)) if i == 0 else round_center(f, (lo + hi) / 2, bits)
        p, err = fit(lambda t: f(c + t) / h, lambda t: h / f(c + t), n + 1, lo - c, hi - c,
                     bits, exact=[mpf(1)])
        errs.append(err)
        cs.append(c), hs.append(h), ps.append(p[1:])
    rows = [list(r) for r in zip(*ps)]
    print(f"    const {name}: Pieces<Self> = Pieces {{")
    print(f"        spread: [{rust(g)}, {rust(nearest(g * d, 24))}],")
    print(f"        power: {power},")
    table("at", [cs], bits)
    table("value", [hs], bits)
    print(f"        // {worst(max(errs))}.")
    table("p", rows, bits)
    print("    };")


def powers_of_two(bits, step_bits):
    values = [mpf(2) ** (mpf(j) / 16) for j in range(16)]
    his = [top(v, bits // 2) for v in values]
    print(f"    const STEPS: f64 = {rust(16 / log(2), bits)};")
    print("    ", end="")
    parts("STEP", log(2) / 16, [step_bits], bits)
    print("    const POW: Powers<Self> = Powers {")
    table("value", [his], bits)
    table("lost", [[nearest(log(v / h), bits) for v, h in zip(values, his)]], bits)
    print("    };")


print("//! The tables of erf.rs: what `derive/erf.py` prints.")
print()
print("use super::erf::{Pieces, Powers, Tables};")
for t, bits, n_erf, e_erf, n_erfc, ends, power, step_bits, n_exp, one, zero in (
        ("f64", 53, 11, mpf(6), 13, (mpf("27.35"), mpf("38.65")), 3, 38, 5, "5.99", ("27.3", "38.6")),
        ("f32", 24, 6, mpf("3.97"), 5, (mpf("10.25"), mpf("14.45")), 4, 12, 1, "3.96", ("10.2", "14.4"))):
    print(f"\nimpl Tables for {t} {{")
    print(f"    const ONE: f64 = {one};")
    print(f"    const ZERO: [f64; 2] = [{', '.join(zero)}];")
    erf_table(bits, n_erf, e_erf)
    ratio_table("ERFC", erfcx, bits, n_erfc, ends[0], power)
    ratio_table("NORMCDF", lambda x: erfcx(x / sqrt(mpf(2))) / 2, bits, n_erfc, ends[1], power)
    powers_of_two(bits, step_bits)
    p, err = fit(lambda r: mpmath.hyp1f1(1, 3, r) / 2, lambda r: r * r / exp(r), n_exp, "-0.0218", "0.0218", bits)
    print(f"    // {worst(err)}.")
    print(f"    const EXP: &'static [f64] = &[{', '.join(rust(c, bits) for c in p)}];")
    print("}")
