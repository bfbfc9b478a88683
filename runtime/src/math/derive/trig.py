#!/usr/bin/env python3
"""The constants of trig.rs."""
from remez import *

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
