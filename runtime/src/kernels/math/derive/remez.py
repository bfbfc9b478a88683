"""Minimax polynomials, tables, and constants in several parts, as Rust source.

Needs mpmath only. The scripts beside this one say `from remez import *` and print what stands in
the `.rs` file of the same name, but for line breaks: `python3 exp.py`. Rerun one after changing an
interval or a degree.
"""
import struct

import mpmath
from mpmath import mp, mpf, exp, log, log10, sin, cos, sqrt, pi, floor, frexp, ldexp, nint

mp.dps = 50


def nearest(x, bits=53):
    """The number of f64 (or, for 24 bits, of f32) nearest to x."""
    return mpf(float(x)) if bits == 53 else mpf(struct.unpack("<f", struct.pack("<f", float(x)))[0])


def rust(c, bits=53):
    """nearest(c) as the shortest literal that reads back to it."""
    c = float(nearest(c, bits))
    if bits == 24:
        for digits in range(6, 10):
            if nearest(float(f"{c:.{digits}g}"), 24) == c:
                return repr(float(f"{c:.{digits}g}"))
    return repr(c)


def horner(p, x):
    r = mpf(0)
    for c in reversed(p):
        r = r * x + c
    return r


def solve(f, w, n, xs):
    """p of degree n and level e with w(x) (p(x) - f(x)) = +-e on the n + 2 points xs."""
    a = mpmath.matrix(n + 2, n + 2)
    b = mpmath.matrix(n + 2, 1)
    for i, x in enumerate(xs):
        for j in range(n + 1):
            a[i, j] = x**j
        a[i, n + 1] = (-1) ** i / w[i]
        b[i] = f[i]
    s = mpmath.lu_solve(a, b)
    return [s[j] for j in range(n + 1)]


def remez(f, w, n, lo, hi, rounds=6, grid=400):
    """The minimax polynomial of degree n for f on [lo, hi] under the weight w, and its error.

    f and w may not be evaluated at 0 if they divide by x: keep lo a little off it.
    """
    lo, hi = mpf(lo), mpf(hi)
    mid, half = (lo + hi) / 2, (hi - lo) / 2
    ts = [mid - half * mpmath.cos(pi * (i + mpf(1) / 3) / grid) for i in range(grid)]
    ts[0], ts[-1] = lo, hi
    fs, ws = [f(t) for t in ts], [w(t) for t in ts]
    at = [int(grid * (i + mpf(1) / 2) / (n + 2)) for i in range(n + 2)]
    for _ in range(rounds):
        p = solve([fs[i] for i in at], [ws[i] for i in at], n, [ts[i] for i in at])
        es = [wt * (horner(p, t) - v) for t, v, wt in zip(ts, fs, ws)]
        runs = []
        for i, e in enumerate(es):
            if runs and (es[runs[-1]] > 0) == (e > 0):
                if abs(e) > abs(es[runs[-1]]):
                    runs[-1] = i
            else:
                runs.append(i)
        while len(runs) > n + 2:
            runs.pop(0 if abs(es[runs[0]]) < abs(es[runs[-1]]) else -1)
        if len(runs) < n + 2:
            break
        at = runs
    return p, max(abs(e) for e in es)


def rounded(f, w, n, lo, hi, bits=53, one_by_one=2):
    """As remez, with rounded coefficients: the first few one by one, each time the rest fitted
    anew, then the others at once. For an interval about 0 use `fit` of fit.py, or one_by_one=0:
    what a coefficient lost is a pole at 0 for the next ones, and minimax chases it (for erf about
    7/8 two coefficients one by one leave 2^-45, where `fit` leaves 2^-61)."""
    done = []
    while len(done) <= n:
        k = len(done)
        p, _ = remez(lambda x: (f(x) - horner(done, x)) / x**k if done else f(x),
                     lambda x: w(x) * abs(x)**k, n - k, lo, hi)
        done += [nearest(c, bits) for c in p[:1 if k < one_by_one else len(p)]]
    ts = [mpf(lo) + (mpf(hi) - mpf(lo)) * i / 1000 for i in range(1001)]
    ts = [t for t in ts if t != 0]
    return done, max(abs(w(t) * (horner(done, t) - f(t))) for t in ts)


def worst(err):
    return f"error 2^{float(mpmath.log(err, 2)):.1f} after rounding"


def array(head, values, bits=53):
    """Prints a Rust array: what stands before it, a number a line, and the end."""
    indent = " " * (len(head) - len(head.lstrip()))
    print(head + ("[" if head.endswith(("&", " ")) else " ["))
    for v in values:
        print(f"{indent}    {rust(v, bits)},")
    print(indent + ("];" if "=" in head else "],"))


def rows(name, columns, bits=53):
    """Prints a table of `Rows` by its columns, some of which may be Rust expressions."""
    kind = "f64" if bits == 53 else "f32"
    print(f"const {name}: &Rows<{kind}, {max(len(c) for c in columns if not isinstance(c, str))}, {len(columns)}> = &Rows::new([")
    for column in columns:
        if isinstance(column, str):
            print(f"    {column},")
        else:
            array("    ", column, bits)
    print("]);")


def show(name, what, f, w, n, lo, hi, bits=53, **how):
    """Prints a polynomial of degree n as a Rust constant, with its error after rounding."""
    p, err = rounded(f, w, n, lo, hi, bits, **how)
    print(f"/// {what}: {worst(err)}.")
    array(f"const {name}: [f64; {n + 1}] =", p, bits)


def top(x, bits):
    """x rounded to so many significant bits."""
    m, e = frexp(x)
    return ldexp(nint(ldexp(m, bits)), e - bits)


def parts(name, x, bits, last=53):
    """Prints x as a sum of numbers of so many bits each, then one of `last` (53 or 24)."""
    rest, out = mpf(x), []
    for b in bits:
        out.append(top(rest, b))
        rest -= out[-1]
    out.append(nearest(rest, last))
    print(f"const {name}: [f64; {len(out)}] = [{', '.join(repr(float(c)) for c in out)}];")
