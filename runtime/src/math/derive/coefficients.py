#!/usr/bin/env python3
"""Derive every constant and polynomial of runtime/src/math/.

Needs mpmath only. Prints Rust source lines with the error of each fit, the rounding of its
coefficients to f64 included. Rerun it after changing an interval or a degree.
"""
from mpmath import mp, mpf, sqrt, log, log10, exp, sin, cos, atanh, pi, floor, ldexp, frexp, nint
import mpmath

mp.dps = 80


def rust(c):
    """The f64 nearest to c, as the shortest literal that reads back to it."""
    return repr(float(c))


def solve(f, w, n, xs):
    """p of degree n and level e with w(x) (p(x) - f(x)) = +-e on the n + 2 points xs."""
    a = mpmath.matrix(n + 2, n + 2)
    b = mpmath.matrix(n + 2, 1)
    for i, x in enumerate(xs):
        for j in range(n + 1):
            a[i, j] = x**j
        a[i, n + 1] = (-1) ** i / w(x)
        b[i] = f(x)
    s = mpmath.lu_solve(a, b)
    return [s[j] for j in range(n + 1)]


def horner(p, x):
    r = mpf(0)
    for c in reversed(p):
        r = r * x + c
    return r


def remez(f, w, n, lo, hi, rounds=8, grid=1000):
    """Minimax polynomial of degree n for f on [lo, hi] under weight w."""
    lo, hi = mpf(lo), mpf(hi)
    mid, half = (lo + hi) / 2, (hi - lo) / 2
    # Chebyshev extrema, moved a little off zeros of the weight.
    xs = [mid - half * mpmath.cos(pi * i / (n + 1)) + half / 10**9 for i in range(n + 2)]
    xs[-1] = hi
    ts = [mid - half * mpmath.cos(pi * (i + mpf(1) / 3) / grid) for i in range(grid)] + [hi]
    fs = [f(t) for t in ts]
    for _ in range(rounds):
        p = solve(f, w, n, xs)
        es = [w(t) * (horner(p, t) - v) for t, v in zip(ts, fs)]
        runs = []
        for t, e in zip(ts, es):
            if runs and (runs[-1][1] > 0) == (e > 0):
                if abs(e) > abs(runs[-1][1]):
                    runs[-1] = (t, e)
            else:
                runs.append((t, e))
        while len(runs) > n + 2:
            runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
        if len(runs) < n + 2:
            break
        xs = [t for t, _ in runs]
    q = [mpf(float(c)) for c in p]
    err = max(abs(w(t) * (horner(q, t) - v)) for t, v in zip(ts, fs))
    return p, err


def show(name, what, f, w, n, lo, hi):
    p, err = remez(f, w, n, lo, hi)
    print(f"/// {what}: error 2^{float(mpmath.log(err, 2)):.1f} after rounding.")
    print(f"const {name}: [f64; {n + 1}] = [")
    for c in p:
        print(f"    {rust(c)},")
    print("];")


def top(x, bits):
    """x rounded to so many significant bits."""
    m, e = frexp(x)
    return ldexp(nint(ldexp(m, bits)), e - bits)


def split(name, x, bits):
    hi = top(x, bits)
    print(f"const {name}_HI: f64 = {rust(hi)}; // {bits} bits")
    print(f"const {name}_LO: f64 = {rust(x - hi)};")


ln2, ln10 = log(2), log(10)

print("// exp.rs")
print(f"const LOG2_E: f64 = {rust(1 / ln2)};")
split("LN2", ln2, 42)
split("LN2_FULL", ln2, 53)
show("EXP", "(exp(r) - 1 - r) / r^2 on |r| <= 0.347, relative to exp(r)",
     lambda r: mpmath.hyp1f1(1, 3, r) / 2, lambda r: r * r / exp(r), 10, "-0.347", "0.347")

print("\n// log.rs")
print(f"const SQRT_HALF_BITS: u64 = {__import__('struct').unpack('<Q', __import__('struct').pack('<d', float(sqrt(mpf(1) / 2))))[0]:#x};")
split("LOG10_2", log10(2), 42)
split("INV_LN2", 1 / ln2, 53)
split("INV_LN10", 1 / ln10, 53)
show("LOG", "(2 atanh(s) / s - 2) / z, z = s^2, |s| <= 0.1717, relative to log / s",
     lambda z: 2 * (atanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z / 2, 6, mpf(10) ** -20, "0.02948")

print("\n// trig.rs")
print(f"const TWO_OVER_PI: f64 = {rust(2 / pi)};")
p1 = top(pi / 2, 53)
p2 = top(pi / 2 - p1, 33)
p3 = pi / 2 - p1 - p2
for i, p in enumerate((p1, p2, p3)):
    print(f"const PI_2_{i + 1}: f64 = {rust(p)};")
print(f"const PI_2_BITS: u128 = {int(nint(ldexp(pi / 2, 127))):#x}; // pi/2 * 2^127")
top_z = (pi / 4 + mpf(2) ** -20) ** 2
show("SIN", "(sin(r) / r - 1) / z, z = r^2, |r| <= pi/4, relative to sin(r) / r",
     lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z / (sin(sqrt(z)) / sqrt(z)), 6,
     mpf(10) ** -20, top_z)
show("COS", "(cos(r) - 1 + z/2) / z^2, z = r^2, |r| <= pi/4, relative to cos(r)",
     lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2 / cos(sqrt(z)), 5,
     mpf(10) ** -10, top_z)
mp.prec = 1500
bits = int(floor(ldexp(2 / pi, 64 * 19)))
print("const TWO_OVER_PI_BITS: [u64; 20] = [")
print("    0,")
for i in range(19):
    print(f"    {bits >> (64 * (18 - i)) & (2**64 - 1):#018x},")
print("];")
