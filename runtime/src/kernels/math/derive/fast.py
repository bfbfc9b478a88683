#!/usr/bin/env python3
"""The constants of fast.rs: prints them, `pi` and `sin` of f64, then of f32, then those of the logarithm."""
from log import *


def sine(name, n, bits):
    ratio = lambda z: sin(sqrt(z)) / sqrt(z)
    show(name, "(sin(r) / r - 1) / z, z = r^2, |r| <= pi/2, relative to sin(r) / r",
         lambda z: (ratio(z) - 1) / z, lambda z: z / ratio(z), n, mpf(10) ** -20,
         (pi / 2 + mpf(2) ** -10) ** 2, bits)


print("// In f64.")
parts("PI", pi, [53, 53])
sine("SIN", 7, 53)
print("// In f32.")
parts("PI", pi, [24, 24], 24)
sine("SIN", 3, 24)

q = [c for _, _, c in quotients(16, 9)]
rows("LN_TABLE", ["log::C", [-log(c) for c in q]])
show_fitted("LN", "(ln(1 + r) - r) / r^2, |r| <= 0.0342, relative to the result",
            second, weight, 7, "-0.0342", "0.0342")
first = struct.unpack("<f", struct.pack("<I", 0x3F330000))[0]
show_fitted("LN_32", f"The same from {first} - 1 to twice that - 1, in f32",
            second, weight, 7, mpf(first) - 1, 2 * mpf(first) - 1, 24)
