#!/usr/bin/env python3
"""The constants of exp.rs, which has those of hyperbolic.rs too: prints them."""
from remez import *

STEPS = 16
step = log(2) / STEPS
r = step / 2 * mpf("1.0001")  # a rounded quotient may be a little over one half


def powers(kind):
    """2^(j/16) with j taken off its bits from the exponent's 4 lowest on down, and what each lacks."""
    bits, code, size, mantissa = (24, "f", "I", 23) if kind == "f32" else (53, "d", "Q", 52)
    exact = [mpf(2) ** (mpf(j) / STEPS) for j in range(STEPS)]
    near = [nearest(v, bits) for v in exact]

    def less(j):
        word = struct.unpack("<" + size, struct.pack("<" + code, float(near[j])))[0]
        word -= j << (mantissa - 4)
        return struct.unpack("<" + code, struct.pack("<" + size, word))[0]

    name = kind.upper()
    errors = [e / n - 1 for e, n in zip(exact, near)]
    rows(f"{name}_POWERS", [[less(j) for j in range(STEPS)], errors], bits)
    parts(f"{name}_STEP", step, [bits], bits)


def tail(x):
    return mpmath.hyp1f1(1, 3, x) / 2


def two(x):
    return mpmath.expm1(x * log(2)) / x


def sinh_tail(z):
    return mpmath.hyp1f2(1, 2, mpf(5) / 2, z / 4) / 6


def cosh_tail(z):
    return mpmath.hyp1f2(1, mpf(3) / 2, 2, z / 4) / 2


for kind, bits, degrees in (("f64", 53, (4, 5, 5, 2, 2)), ("f32", 24, (1, 3, 3, 0, 0))):
    name = kind.upper()
    powers(kind)
    more = {"bits": bits, "one_by_one": 0}
    show(f"{name}_EXP", "(exp(r) - 1 - r) / r^2 on |r| <= ln(2)/32, relative to exp(r)",
         tail, lambda x: x * x / exp(x), degrees[0], -r, r, **more)
    show(f"{name}_EXPM1", "The same, relative to exp(r) - 1",
         tail, lambda x: x * x / mpmath.expm1(x), degrees[1], -r, r, **more)
    show(f"{name}_EXP2", "(2^f - 1) / f on |f| <= 1/32, relative to 2^f",
         two, lambda x: x / mpf(2) ** x, degrees[2], -mpf(1) / 32, mpf(1) / 32, **more)
    show(f"{name}_SINH", "(sinh(r) - r) / r^3 of z = r^2, relative to sinh(r)",
         sinh_tail, lambda z: z, degrees[3], mpf("1e-12"), r * r, **more)
    show(f"{name}_COSH", "(cosh(r) - 1) / r^2 of z = r^2, relative to cosh(r)",
         cosh_tail, lambda z: z, degrees[4], mpf("1e-12"), r * r, **more)
