#!/usr/bin/env python3
"""The constants of log.rs."""
import math

from remez import *

ln2, ln10 = log(2), log(10)


def quotients(n, below):
    """The table's n intervals of m and a c for each with m c - 1 exact and small.

    An interval is a 1/n of a binade; the one around 1 begins half of it before 1, and `below`
    stand before that one. For m < 1, m c - 1 is a multiple of ulp(1/2) / (the denominator of c).
    """
    half, at, out = mpf(1) / (4 * n), 1 - mpf(2 * below + 1) / (4 * n), []
    for i in range(n):
        if i == below:
            a, b, best = 1 - half, 1 + 2 * half, (2 * half, mpf(1))
        else:
            a, b, best = at, at + (4 * half if at >= 1 else 2 * half), None
            for den in (n, 2 * n, 4 * n):
                for j in range(den // 2, 3 * den // 2):
                    c = mpf(j) / den
                    e = max(abs(a * c - 1), abs(b * c - 1))
                    if e <= mpf(2 if a >= 1 else 1) / (2 * den) * 2 and (not best or e < best[0]):
                        best = (e, c)
        at = b
        out.append((a, b, best[1]))
    return out


def array(name, values, bits=53):
    print(f"const {name}: [f64; {len(values)}] = [")
    for v in values:
        print(f"    {rust(v, bits)},")
    print("];")


def tables(n, below, bases):
    """The quotients, and their negative logarithms: multiples of 2^-42, and the rest."""
    q = quotients(n, below)
    print(f"// m from {float(q[0][0])}, {float(max(max(1 - a * c, b * c - 1) for a, b, c in q))} at most")
    array("C", [c for _, _, c in q])
    for name, base in bases:
        logs = [-log(c) / base for _, _, c in q]
        his = [nint(v * mpf(2) ** 42) / mpf(2) ** 42 for v in logs]
        rows(name, ["C", his, [v - h for v, h in zip(logs, his)], f"[0.0; {n}]"])


def fitted(f, w, n, lo, hi, bits=53, points=80, rounds=12):
    """As rounded, but each coefficient is rounded alone, and the others are fitted anew by least
    squares whose weights grow where the error is large (Lawson): it bears weights near 0."""
    lo, hi = mpf(lo), mpf(hi)
    xs = [(lo + hi) / 2 - (hi - lo) / 2 * mpmath.cos(pi * (i + mpf(1) / 2) / points) for i in range(points)]
    fs, ws, done = [f(x) for x in xs], [w(x) for x in xs], []
    for k in range(n + 1):
        lawson = [mpf(1)] * points
        rest = [v - horner(done, x) if done else v for x, v in zip(xs, fs)]
        for _ in range(rounds):
            s = [sqrt(l) * v for l, v in zip(lawson, ws)]
            a = mpmath.matrix([[v * x**j for j in range(k, n + 1)] for x, v in zip(xs, s)])
            b = mpmath.matrix([v * r for v, r in zip(s, rest)])
            p = mpmath.lu_solve(a, b)
            e = [abs(v * (x**k * horner(list(p), x) - r)) for x, v, r in zip(xs, ws, rest)]
            total = sum(l * v for l, v in zip(lawson, e))
            lawson = [l * v * points / total for l, v in zip(lawson, e)]
        done.append(nearest(p[0], bits))
    ts = [lo + (hi - lo) * i / 1000 for i in range(1001)]
    return done, max(abs(w(t) * (horner(done, t) - f(t))) for t in ts)


def show_fitted(name, what, f, w, n, lo, hi, bits=53):
    """As show, by fitted."""
    p, err = fitted(f, w, n, lo, hi, bits)
    print(f"/// {what}: error 2^{float(mpmath.log(err, 2)):.1f} after rounding.")
    array(name, p, bits)


# (ln(1 + r) - r) / r^2, and the weight that makes its error relative to the result.
second = lambda r: -mpmath.hyp2f1(1, 2, 3, -r) / 2
weight = lambda r: max(abs(r / mpmath.hyp2f1(1, 1, 2, -r)), mpf(10) ** -4)

def bits32(x):
    return struct.unpack("<I", struct.pack("<f", float(x)))[0]


def ulp32(x):
    return 2.0 ** (math.floor(math.log2(abs(x))) - 23) if x else 0.0


def short_logs(base, above=1.0983, points=24):
    """For 16 intervals of m a c near 1/m whose logarithm is a multiple of 2^-16, or nearly so, and
    that keeps the roundings of r = m c - 1 and of its logarithm small next to that of m.

    `above` ends the four intervals around 1 that have c = 1: from there on -log c is so large that
    log(1 + r) has a finer last place than the sum."""
    end, base, out = bits32(above), float(base), []
    ends = [float(nearest(struct.unpack("<f", struct.pack("<I", end + (j << 19)))[0])) for j in range(-11, 6)]
    for i, (a, b) in enumerate(zip(ends, ends[1:])):
        if 7 <= i < 11:
            out.append((mpf(1), mpf(0)))
            continue
        best = None
        ms = [a + (b - a) * j / points for j in range(points + 1)]
        first, last = [int(math.log(m) / base * 65536) for m in (a, b)]
        for h in range(first - 200, last + 200):
            c = nearest(math.exp(-h / 65536 * base), 24)
            gap = abs(float(log(c)) / base + h / 65536)
            if gap > 2e-10:
                continue
            worst = 0
            for m in ms:
                r = m * float(c) - 1
                y, s = math.log(m) / base, math.log1p(r) / base
                worst = max(worst, (gap + ulp32(r) / base / 2 + ulp32(s) / 2) / ulp32(y))
            if best is None or worst < best[0]:
                best = (worst, c, mpf(h) / 65536)
        out.append(best[1:])
    return ends[0], out


if __name__ == "__main__":
    tables(16, 9, [("LN_TABLE", 1), ("LOG2_TABLE", ln2), ("LOG10_TABLE", ln10)])
    parts("LN2", ln2, [42])
    parts("LOG10_2", log10(2), [42])
    parts("INV_LN2", 1 / ln2, [53])
    parts("INV_LN10", 1 / ln10, [53])
    for name, base in [("LOG", 1), ("LOG2", ln2), ("LOG10", ln10)]:
        show_fitted(name, f"({name.lower()}(1 + r) - c r) / r^2, |r| <= 0.0342, relative to the result",
             lambda r: second(r) / base, lambda r: weight(r) * base, 8, "-0.0342", "0.0342")
    for name, base in [("LN", mpf(1)), ("LOG2", ln2), ("LOG10", ln10)]:
        first, q = short_logs(base)
        print(f"const FROM_32: u64 = {bits32(first):#x};")
        array(f"C_{name}_32", [c for c, _ in q], 24)
        array(f"{name}_C_32", [h for _, h in q], 24)
    for name, two in [("LN2_32", ln2), ("LOG10_2_32", log10(2))]:
        high = nint(two * 65536) / 65536
        print(f"const {name}: [f64; 2] = [{float(high)!r}, {float(nearest(two - high, 24))!r}];")
    show_fitted("LOG_32", "(ln(1 + r) - r) / r^2, -0.0767 <= r <= 0.0984, relative to the result",
                second, weight, 4, "-0.0767", "0.0984", 24)
    for name, base in [("LOG2_32", ln2), ("LOG10_32", ln10)]:
        print(f"// The first of 1 / ln of the base, {rust(1 / base, 24)}; its second is the first of {name}.")
        whole = lambda r: mpmath.hyp2f1(1, 1, 2, -r) / base
        show_fitted(name, "(log(1 + r) - c r) / r, -0.0767 <= r <= 0.0984, relative to the result",
                    lambda r: whole(r) - nearest(1 / base, 24), lambda r: 1 / whole(r), 5, "-0.0767", "0.0984", 24)
