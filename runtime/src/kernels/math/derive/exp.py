#!/usr/bin/env python3
"""The constants of exp.rs, which has those of hyperbolic.rs too: prints them."""
from remez import *

def powers(kind, steps):
    """2^(j/steps) with j taken off its bits from the exponent's lowest on down, and what each lacks."""
    bits, code, size, mantissa = (24, "f", "I", 23) if kind == "f32" else (53, "d", "Q", 52)
    exact = [mpf(2) ** (mpf(j) / steps) for j in range(steps)]
    near = [nearest(v, bits) for v in exact]

    def less(j):
        word = struct.unpack("<" + size, struct.pack("<" + code, float(near[j])))[0]
        word -= j << (mantissa + 1 - steps.bit_length())
        return struct.unpack("<" + code, struct.pack("<" + size, word))[0]

    name = kind.upper()
    errors = [e / n - 1 for e, n in zip(exact, near)]
    rows(f"{name}_POWERS", [[less(j) for j in range(steps)], errors], bits)
    parts(f"{name}_STEP", log(2) / steps, [bits], bits)


def first(x):
    return mpmath.expm1(x) / x


def tail(x):
    return mpmath.hyp1f1(1, 3, x) / 2


def two(x):
    return mpmath.expm1(x * log(2)) / x


def sinh_tail(z):
    return mpmath.hyp1f2(1, 2, mpf(5) / 2, z / 4) / 6


def cosh_tail(z):
    return mpmath.hyp1f2(1, mpf(3) / 2, 2, z / 4) / 2


for kind, bits, steps, degrees in (("f64", 53, 16, (4, 5, 5, 2, 2)), ("f32", 24, 8, (3, 3, 3, 0, 1))):
    name = kind.upper()
    powers(kind, steps)
    f = mpf(1) / steps / 2
    r = log(2) * f * mpf("1.0001")  # a rounded quotient may be a little over one half
    more = {"bits": bits, "one_by_one": 0}
    if kind == "f64":
        show(f"{name}_EXP", "(exp(r) - 1 - r) / r^2 on |r| <= ln(2)/32, relative to exp(r)",
             tail, lambda x: x * x / exp(x), degrees[0], -r, r, **more)
    else:
        show(f"{name}_EXP", "(exp(r) - 1) / r on |r| <= ln(2)/16, relative to exp(r)",
             first, lambda x: x / exp(x), degrees[0], -r, r, **more)
    show(f"{name}_EXPM1", "(exp(r) - 1 - r) / r^2, relative to exp(r) - 1",
         tail, lambda x: x * x / mpmath.expm1(x), degrees[1], -r, r, **more)
    show(f"{name}_EXP2", f"(2^f - 1) / f on |f| <= {rust(f)}, relative to 2^f",
         two, lambda x: x / mpf(2) ** x, degrees[2], -f, f, **more)
    show(f"{name}_SINH", "(sinh(r) - r) / r^3 of z = r^2, relative to sinh(r)",
         sinh_tail, lambda z: z, degrees[3], mpf("1e-12"), r * r, **more)
    show(f"{name}_COSH", "(cosh(r) - 1) / r^2 of z = r^2, relative to cosh(r)",
         cosh_tail, lambda z: z, degrees[4], mpf("1e-12"), r * r, **more)
