#!/usr/bin/env python3
"""The constants of log.rs."""
from remez import *

ln2, ln10 = log(2), log(10)
print(f"const SQRT_HALF_BITS: u64 = {struct.unpack('<Q', struct.pack('<d', float(sqrt(mpf(1) / 2))))[0]:#x};")
parts("LOG10_2", log10(2), [42])
parts("INV_LN2", 1 / ln2, [53])
parts("INV_LN10", 1 / ln10, [53])
show("LOG", "(2 mpmath.atanh(s) / s - 2) / z, z = s^2, |s| <= 0.1717, relative to log / s",
     lambda z: 2 * (mpmath.atanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z / 2, 6, mpf(10) ** -20, "0.02948")
