#!/usr/bin/env python3
"""The constants of root.rs: prints them."""
from remez import *

third = mpf(1) / 3
for kind, bits, degree in (("f64", 53, 5), ("f32", 24, 3)):
    show(f"{kind.upper()}_INVERSE", "f^(-1/3) on 1 <= f < 2, relative",
         lambda f: f**-third, lambda f: f**third, degree, 1, 2, bits, one_by_one=0)
    # i + the exponent's bias, modulo 8
    roots = [mpf(2) ** (-i * third) for i in (1, 0, 0, 0, 0, 0, -1, 0)]
    array(f"const {kind.upper()}_ROOTS: [{kind}; 8] =", roots, bits)
