#!/usr/bin/env python3
"""The constants of trig.rs: prints them."""
from remez import *


def tan_pair(k, bits):
    """a and b with a / b = tan(k pi/16), both as good as exact."""
    if k == 0:
        return mpf(0), mpf(1)
    if k == 8:
        return mpf(1), mpf(0)
    if k > 8:
        a, b = tan_pair(16 - k, bits)
        return a, -b
    if k > 4:
        return tan_pair(8 - k, bits)[::-1]
    t = mpmath.tan(k * pi / 16)
    ulp = mpf(2) ** (1 - bits)
    best = None
    for i in range(1 << 13):
        b = 1 + i * ulp
        a = nearest(b * t, bits)
        err = abs(a / (b * t) - 1)
        if best is None or err < best[0]:
            best = err, a, b
    return best[1:]


def reach(step, near, bits):
    """How far r may be from 0 at the end of the range, k being rounded from a product."""
    k = near / step
    wide = step / 2 + k * abs(nearest(1 / step, bits) * step - 1) * step
    assert wide + k * abs(step - nearest(step, bits)) < step, wide
    return wide**2 * mpf("1.001")


def steps(step, near, bits):
    """Prints the constants of the reduction."""
    parts, rest = [], step
    for _ in range(3):
        parts.append(nearest(rest, bits))
        rest -= parts[-1]
    print(f"    inverse: {rust(1 / step, bits)},")
    print(f"    step: [{', '.join(rust(s, bits) for s in parts)}],")
    print(f"    near: {float(near)!r},")


def fits(which, count, z, bits):
    """Prints polynomials in z = r^2."""
    for name, f in which:
        p, err = rounded(f, lambda z: z, count - 1, mpf(10) ** -20, z, bits)
        print(f"    // 2^{float(mpmath.log(err, 2)):.1f}")
        print(f"    {name}: [{', '.join(rust(c, bits) for c in p)}],")


def circle(kind, bits, n, near, count, middle):
    """Prints a circle's points, n to a half, what surrounds them, and its steps."""
    step = pi / n
    angles = [k * step for k in range(n)]
    sines = [nearest(sin(a), bits) for a in angles]
    cosines = [nearest(cos(a), bits) if 2 * k != n else mpf(0) for k, a in enumerate(angles)]
    sines_low = [sin(a) - s for a, s in zip(angles, sines)]
    cosines_low = [cos(a) - s if s else mpf(0) for a, s in zip(angles, cosines)]
    # The cosine of a step times r has no low part; that of r = -`middle` joins the sine of a step,
    # and likewise at the three other places.
    off = -middle * cosines_low[1]
    for low, k, sign in ((sines_low, 1, 1), (sines_low, n - 1, 1),
                         (cosines_low, n // 2 - 1, 1), (cosines_low, n // 2 + 1, -1)):
        low[k] += sign * off
    rows(f"{kind}_POINTS", [sines, cosines, sines_low, cosines_low], bits)
    steps(step, near, bits)
    fits((("sin", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z), ("cos", lambda z: (cos(sqrt(z)) - 1) / z)),
         count, reach(step, near, bits), bits)


def tangents(kind, bits, n, near, count):
    """Prints the pairs whose quotients are the tangents, n of them, what surrounds them, and the steps."""
    pairs = [tan_pair(k * 16 // n, bits) for k in range(n)]
    rows(f"{kind}_TANGENTS", [[p[0] for p in pairs], [p[1] for p in pairs]], bits)
    steps(pi / n, near, bits)
    fits((("tan", lambda z: (mpmath.tan(sqrt(z)) / sqrt(z) - 1) / z),), count, reach(pi / n, near, bits), bits)


circle("F64", 53, 16, 2**42, 4, mpf("0.05"))
tangents("F64", 53, 16, 2**42, 5)
circle("F32", 24, 8, 2**17, 2, mpf("0.1"))
tangents("F32", 24, 16, 2**17, 2)
tangents("F32_FAST", 24, 8, 2**17, 3)

parts("NEAR_STEP", pi / 16 - nearest(pi / 16), [31])
print(f"const STEP_BITS: u128 = {int(nint(ldexp(pi / 2, 127))):#x}; // pi/16 * 2^130")
mp.prec = 1500
bits = int(floor(ldexp(2 / pi, 64 * 19)))
print("const TWO_OVER_PI_BITS: [u64; 20] = [")
print("    0,")
for i in range(19):
    print(f"    {bits >> (64 * (18 - i)) & (2**64 - 1):#018x},")
print("];")
