#!/usr/bin/env python3
"""The tables of erf.rs at the multiples of a step, and the polynomials around them: `python3
erf_points.py erf > ../erf_points.rs`, and likewise erfc and normcdf.

The integral of e^(-2 r u - u^2) from 0 to d is d (1 + y A(y) + q (B(y) + q (C(y) + q D(y)))), y = r d
and q = d^2; for the normal distribution, e^(-r u - u^2 / 2).
"""
import sys

from fit import *

mp.dps = 40


class Curve:
    """A function and the magnitude of its slope, steps to 1, the factors of y and q, where the table
    ends, up to which r polynomials are fitted, and how many coefficients they have, and in `fast` mode."""

    def __init__(self, f, slope, steps, factors, end, reach, counts, fast):
        self.f, self.slope, self.steps, self.factors = f, slope, steps, factors
        self.end, self.reach, self.counts, self.fast = end, reach, counts, fast
        self.d = mpf(1) / (2 * steps)
        self.rising = f is mpmath.erf

    def ratio(self, r):
        """How much of the result is added to the value at r."""
        return self.slope(r) * self.d / self.f(max(r, 2 * self.d) if self.rising else r)


def bell(r):
    return 2 / sqrt(pi) * exp(-r * r)


def normcdf(r):
    return mpmath.erfc(r / sqrt(mpf(2))) / 2


def density(r):
    return exp(-r * r / 2) / sqrt(2 * pi)


HALF = mpf(1) / 2
CURVES = {
    "erf": Curve(mpmath.erf, bell, 64, (2, mpf(1)), mpf(6), mpf("2.5"), (6, 5, 3, 1), (5, 4, 2, 1)),
    "erfc": Curve(mpmath.erfc, bell, 64, (2, mpf(1)), mpf(6), mpf(6), (8, 7, 4, 2), (7, 6, 4, 1)),
    "normcdf": Curve(normcdf, density, 64, (1, HALF), mpf(511) / 64, mpf(8), (7, 6, 4, 1), (6, 5, 3, 1)),
}


def term(j, shift, times, factor):
    """times times the integral of s^2j e^(-factor y s) from 0 to 1, over y^shift, by its series."""
    return lambda y: times * sum((-factor) ** i * y ** (i - shift) / (mpmath.factorial(i) * (2 * j + i + 1))
                                 for i in range(shift, 26))


def polynomials(c, counts):
    """A, B, C, D."""
    factor, of_q = c.factors
    out = []
    for j, n in enumerate(counts):
        f = term(j, 1 if j == 0 else 0, (-of_q) ** j / mpmath.factorial(j), factor)
        power = lambda y: abs(y) if j == 0 else c.d ** (2 * j)
        w = lambda y: power(y) * c.ratio(abs(y) / c.d)
        # Near 0, where the error function is small, the first coefficients count alone.
        exact = [nearest(f(mpf(0)))] if n == 1 or c.rising and j in (1, 2) else []
        reach = c.reach * c.d
        out.append(exact[:n] if n < 2 else fit(f, w, n - 1, -reach, reach, exact=exact, one_by_one=0)[0])
    return out


def worst_error(c, parts):
    """The largest relative error of the method itself, over a sample of rows."""
    found, last = mpf(0), int(c.end * c.steps)
    for k in [*range(24), *range(24, last + 1, 9)]:
        for t in (-1, mpf("-0.6"), mpf("0.3"), 1):
            r, u = mpf(k) / c.steps, t * c.d
            y, q = r * u, u * u
            p = mpf(0)
            for part in reversed(parts[1:]):
                p = q * (horner(part, y) + p)
            p += 1 + y * horner(parts[0], y)
            v = c.f(r) + (1 if c.rising else -1) * c.slope(r) * u * p
            found = max(found, abs(v / c.f(r + u) - 1))
    return found


def show(name):
    curve, upper = CURVES[name], name.upper()
    for kind, counts in ("", curve.counts), ("_FAST", curve.fast):
        parts = polynomials(curve, counts)
        print(f"\n/// {worst(worst_error(curve, parts)).replace('after rounding', 'of the result')}.")
        print(f"pub(super) const {upper}{kind}: Points = Points {{")
        print(f"    steps: {float(curve.steps)},")
        for field, p in zip("abcd", parts):
            print(f"    {field}: &[{', '.join(rust(v) for v in p)}],")
        print(f"    rows: &{upper}_ROWS,\n}};")
    print(f"\n/// At k/{curve.steps}: the function, the magnitude of the slope, the low part of the function.")
    print(f"static {upper}_ROWS: Grid<f64, 512, 4> = Grid::new(&[")
    for k in range(int(curve.end * curve.steps) + 1):
        r = mpf(k) / curve.steps
        v = curve.f(r)
        print(f"    [{', '.join(map(rust, (v, curve.slope(r), v - nearest(v))))}],")
    print("]);")


print(f"//! A table of erf.rs: what `derive/erf_points.py {sys.argv[1]}` prints.\n")
print("use super::erf::Points;\nuse super::lanes::Grid;")
show(sys.argv[1])
