#!/usr/bin/env python3
"""The constants of power.rs."""
from log import *

ln2 = log(2)
tables(32, 17, [("TABLE", ln2)])
parts("INV_LN2", 1 / ln2, [53])
show_fitted("LOG2", "(log2(1 + r) - (r - r^2/2) / ln 2) / r^3, |r| <= 0.0198, relative to the result",
            lambda r: mpmath.hyp2f1(1, 3, 4, -r) / 3 / ln2, lambda r: weight(r) * r * ln2, 7, "-0.0198", "0.0198")
show_fitted("EXP2", "(2^f - 1) / f, |f| <= 1/32", lambda f: (exp(f * ln2) - 1) / f if f else ln2, lambda f: abs(f), 5, "-0.03126", "0.03126")
c = [c for _, _, c in quotients(16, 9)]
high = [nint(-log(v) / ln2 * 65536) / 65536 for v in c]
rows("TABLE_32", [c, high, [-log(v) / ln2 - h for v, h in zip(c, high)], "[0.0; 16]"], 24)
parts("INV_LN2_32", 1 / ln2, [24], 24)
show_fitted("LOG2_32", "(log2(1 + r) - (r - r^2/2) / ln 2) / r^3, |r| <= 0.0342, relative to the result",
            lambda r: mpmath.hyp2f1(1, 3, 4, -r) / 3 / ln2, lambda r: weight(r) * r * ln2, 3, "-0.0342", "0.0342", 24)
show_fitted("EXP2_32", "(2^f - 1) / f, |f| <= 0.12", lambda f: (exp(f * ln2) - 1) / f if f else ln2,
            lambda f: abs(f), 3, "-0.12", "0.12", 24)
