#!/usr/bin/env python3
"""The constants of exp.rs."""
from remez import *

ln2 = log(2)
print(f"const LOG2_E: f64 = {rust(1 / ln2)};")
parts("LN2", ln2, [42])
parts("LN2_FULL", ln2, [53])
show("EXP", "(exp(r) - 1 - r) / r^2 on |r| <= 0.347, relative to exp(r)",
     lambda r: mpmath.hyp1f1(1, 3, r) / 2, lambda r: r * r / exp(r), 10, "-0.347", "0.347")
