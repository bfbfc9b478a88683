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


for bits, near, count in ((53, 2 ** 42, (4, 4, 5)), (24, 2 ** 17, (2, 2, 2))):
    kind = "f64" if bits == 53 else "f32"
    angles = [k * pi / 16 for k in range(16)]
    sines = [nearest(sin(a), bits) for a in angles]
    cosines = [nearest(cos(a), bits) if k != 8 else mpf(0) for k, a in enumerate(angles)]
    sines_low = [sin(a) - s for a, s in zip(angles, sines)]
    cosines_low = [cos(a) - s if s else mpf(0) for a, s in zip(angles, cosines)]
    # cos(pi/16) times r has no low part; that of r = -0.05 joins sin(pi/16), and likewise at the
    # three other places.
    off = -mpf("0.05") * cosines_low[1]
    for low, k, sign in ((sines_low, 1, 1), (sines_low, 15, 1), (cosines_low, 7, 1), (cosines_low, 9, -1)):
        low[k] += sign * off
    rows(f"{kind.upper()}_POINTS", [sines, cosines, sines_low, cosines_low], bits)
    pairs = [tan_pair(k, bits) for k in range(16)]
    rows(f"{kind.upper()}_TANGENTS", [[p[0] for p in pairs], [p[1] for p in pairs]], bits)
    print(f"const {kind.upper()}: &Circle<{kind}, {count[0]}, {count[1]}, {count[2]}> = &Circle {{")
    near16 = nearest(16 / pi, bits)
    print(f"    inverse: {rust(16 / pi, bits)},")
    steps, rest = [], pi / 16
    for _ in range(3):
        steps.append(nearest(rest, bits))
        rest -= steps[-1]
    print(f"    near: {float(near)!r},")
    print(f"    step: [{', '.join(rust(s, bits) for s in steps)}],")
    # How far r may be from 0 at the end of the range, k being rounded from a product.
    k = near * 16 / pi
    wide = pi / 32 + k * abs(near16 * pi / 16 - 1) * pi / 16
    assert wide + k * abs(pi / 16 - steps[0]) < mpf(1) / 8, wide
    z = wide**2 * mpf("1.001")
    for name, f, w, n, at in (
        ("sin", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, count[0], -20),
        ("cos", lambda z: (cos(sqrt(z)) - 1) / z, lambda z: z, count[1], -20),
        ("tan", lambda z: (mpmath.tan(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, count[2], -20),
    ):
        p, err = rounded(f, w, n - 1, mpf(10) ** at, z, bits)
        print(f"    // 2^{float(mpmath.log(err, 2)):.1f}")
        print(f"    {name}: [{', '.join(rust(c, bits) for c in p)}],")
    print("    points: {}_POINTS,\n    tangents: {}_TANGENTS,".format(kind.upper(), kind.upper()))
    print("};")

parts("NEAR_STEP", pi / 16 - nearest(pi / 16), [31])
print(f"const STEP_BITS: u128 = {int(nint(ldexp(pi / 2, 127))):#x}; // pi/16 * 2^130")
mp.prec = 1500
bits = int(floor(ldexp(2 / pi, 64 * 19)))
print("const TWO_OVER_PI_BITS: [u64; 20] = [")
print("    0,")
for i in range(19):
    print(f"    {bits >> (64 * (18 - i)) & (2**64 - 1):#018x},")
print("];")
