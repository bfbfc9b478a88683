#!/usr/bin/env python3
"""The constants of fast.rs: prints them, `pi` and `sin` of f64, then of f32."""
from remez import *


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
