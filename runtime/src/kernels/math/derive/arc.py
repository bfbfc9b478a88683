#!/usr/bin/env python3
"""The constants of arc.rs: prints them."""
from remez import *
from mpmath import atan, tan, asin

# By how much the logarithm of a quotient may differ from that of pseudo-logarithms: the greatest
# difference of log2(m) and m - 1 in [1, 2].
SLACK = log(1 / log(2)) / log(2) - (1 / log(2) - 1)


def center(i):
    """The angles of the interval i and its middle."""
    if i == -8:
        return mpf(0), atan(2 ** (mpf(-7) / 2 + SLACK)), mpf(0)
    low = atan(2 ** (mpf(i) / 2 - SLACK))
    high = pi / 2 if i == 6 else atan(2 ** (mpf(i + 1) / 2 + SLACK))
    return low, high, (low + high) / 2


def good(c, bits):
    """The number nearest to c whose arctangent is a float, to 11 bits more than its own."""
    if c == 0:
        return c
    ulp = top(c, 1) * mpf(2) ** -(bits - 1)
    c = nearest(c, bits)
    for i in range(1 << 14):
        for x in (c + i * ulp, c - i * ulp):
            a = atan(x)
            if abs(a / nearest(a, bits) - 1) < mpf(2) ** -(bits + 10):
                return x


def asin_tail(z):
    return (asin(sqrt(z)) / sqrt(z) - 1) / z


for bits, counts in ((53, (6, 12)), (24, (3, 5))):
    kind = "f64" if bits == 53 else "f32"
    centers, furthest = {}, mpf(0)
    for i in range(-8, 7):
        low, high, middle = center(i)
        c = good(tan(middle), bits)
        furthest = max(furthest, high - atan(c), atan(c) - low if i > -8 else 0)
        centers[i % 16] = c
    centers[7] = mpf(0)
    middles = [centers[i] for i in range(16)]
    rows(f"{kind.upper()}_CENTERS", [middles, [atan(c) for c in middles]], bits)
    print(f"const {kind.upper()}: &Arcs<{kind}, {counts[0]}, {counts[1]}> = &Arcs {{")
    print(f"    centers: {kind.upper()}_CENTERS,")
    p, err = rounded(lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, counts[0] - 1,
                     mpf(10) ** -20, tan(furthest) ** 2, bits)
    print(f"    // |t| <= {float(tan(furthest)):.4f}, error 2^{float(log(err, 2)):.1f}")
    print(f"    arctan: [{', '.join(rust(c, bits) for c in p)}],")
    p, err = rounded(asin_tail, lambda z: z, counts[1] - 1, mpf(10) ** -20, mpf(1) / 4, bits)
    print(f"    // error 2^{float(log(err, 2)):.1f}")
    print(f"    arcsin: [{', '.join(rust(c, bits) for c in p)}],")
    for name, value in (("half_pi", pi / 2), ("pi", pi)):
        rest = value - nearest(value, bits)
        print(f"    {name}: [{rust(value, bits)}, {rust(rest, bits)}],")
    limits = ((500, 600, -600, -100), (48, 100, -60, -40))[bits == 24]
    for name, n in zip(("reach", "up", "down", "negligible"), limits):
        print(f"    {name}: power_of_two({n}),")
    print("};")
