#!/usr/bin/env python3
"""The constants of gamma.rs: prints `gamma_tables.rs` (`python3 gamma.py > ../gamma_tables.rs`)."""
import contextlib
import io

from fit import *

out = io.StringIO()


def quotient(y):
    """ln(gamma(y)) / ((y - 1) (y - 2))"""
    return mpmath.loggamma(y) / ((y - 1) * (y - 2))


def binet(y):
    """What Stirling's formula lacks."""
    return mpmath.loggamma(y) - (y - mpf(1) / 2) * (log(y) - 1) - log(2 * pi) / 2 + mpf(1) / 2


def half_center(f, mid):
    """A point near mid where f is nearly a number of 26 bits, and that number."""
    v = top(f(mid), 26)
    ulp = ldexp(mpf(1), frexp(v)[1] - 26)
    for i in range(100000):
        for h in (v + i * ulp, v - i * ulp):
            c = nearest(mpmath.findroot(lambda x: f(x) - h, mid))
            if abs(f(c) / h - 1) < mpf(2) ** -61:
                return c, h


def constants():
    n = 12
    cs, hs, ps, errs = [], [], [], []
    for i in range(16):
        # y^4 has the exponent e, which is i modulo 16.
        e = i if i < 12 else i - 16
        lo, hi = mpf(2) ** (mpf(e) / 4), mpf(2) ** (mpf(e + 1) / 4)
        c, h, p = mpf(0), mpf(0), [mpf(0)] * (n + 2)
        if lo < 4:
            c, h = half_center(quotient, (lo + hi) / 2)
            p, err = fit(lambda t: quotient(c + t) / h, lambda t: h / quotient(c + t), n + 1, lo - c, hi - c,
                         exact=[mpf(1)])
            errs.append(err)
        cs.append(c), hs.append(h), ps.append(p[1:])
    print(f"// {worst(max(errs)).capitalize()}.")
    print(f"const NEAR_COLUMNS: [[f64; 16]; {n + 3}] = [")
    for column in (cs, hs, *zip(*ps)):
        array("    ", column)
    print("];")
    show("BINET", "The rest of Stirling's formula, times y, in 1 / y^2, y >= 4, absolute",
         lambda z: binet(1 / sqrt(z)) / sqrt(z), lambda z: sqrt(z), 9, mpf(10) ** -6, mpf(1) / 16)
    parts("HALF_LN_2PI", log(2 * pi) / 2 - mpf(1) / 2, [53])
    parts("LN_PI", log(pi), [53])
    parts("PI", pi, [53])
    inverse = [nearest(1 / (1 + (j + mpf(1) / 2) / 16)) for j in range(16)]
    his = [ldexp(nint(ldexp(-log(c), 42)), -42) for c in inverse]
    print("const LN_TABLE: &Rows<f64, 16, 4> = &Rows::new([")
    for column in (inverse, his, [-log(c) - h for c, h in zip(inverse, his)]):
        array("    ", column)
    print("    [0.0; 16],\n]);")
    parts("LN2", log(2), [42])
    p, err = fit(lambda r: (log(1 + r) - r + r * r / 2) / r**3, lambda r: r**3, 7, "-0.0313", "0.0313")
    print(f"/// (ln(1 + r) - r + r^2/2) / r^3 on |r| <= 1/32: {worst(err)}.")
    array("const LN: [f64; 8] =", p)
    show("SIN", "(sin(pi f) / f - pi) / z, z = f^2, f <= 1/4",
         lambda z: (sin(pi * sqrt(z)) / sqrt(z) - pi) / z, lambda z: z / 3, 5, mpf(10) ** -9, mpf(1) / 16)
    parts("HALF_PI_PI", pi * pi / 2, [53])
    show("COS", "(cos(pi f) - 1 + z pi^2/2) / z^2, z = f^2, f <= 1/4",
         lambda z: (cos(pi * sqrt(z)) - 1 + z * pi * pi / 2) / z**2, lambda z: z * z, 5, mpf(10) ** -6, mpf(1) / 16)
    end = mpf(10) ** 305
    for _ in range(20):  # Newton's rule
        end -= (mpmath.loggamma(end) - (mpf(2) ** 1024 - mpf(2) ** 970)) / log(end)
    print("/// Beyond this x ln gamma(x) overflows.")
    print(f"const LARGE: f64 = {rust(end - ldexp(1, 961))};")
    show("EXP", "e^r on |r| <= ln(2)/2", lambda r: exp(r), lambda r: exp(-r), 6, "-0.347", "0.347")


with contextlib.redirect_stdout(out):
    constants()
print("//! The constants of gamma.rs: what `derive/gamma.py` prints.\n\nuse super::lanes::Rows;\n")
print(out.getvalue().replace("\nconst", "\npub(super) const"), end="")
