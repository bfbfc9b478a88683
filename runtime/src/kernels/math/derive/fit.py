"""Polynomials by weighted least squares on Chebyshev's points: nearly minimax, and steady where
coefficients are given or rounded one by one about a point inside the interval, which `rounded` of
remez.py is not. erf.py and gamma.py say `from fit import *`."""
from remez import *


def squares(f, w, n, lo, hi):
    """The polynomial of degree n with the least sum of squares of w (p - f)."""
    lo, hi = mpf(lo), mpf(hi)
    count = 4 * n + 9
    mid, half = (lo + hi) / 2, (hi - lo) / 2
    ts = [mid + half * cos(pi * (i + mpf(1) / 2) / count) for i in range(count)]
    ts = [t if abs(t) > half * mpf(10) ** -9 else half * mpf(10) ** -9 for t in ts]
    fs, ws = [f(t) for t in ts], [w(t) ** 2 for t in ts]
    moments = [mpmath.fsum(v * (t / half) ** k for t, v in zip(ts, ws)) for k in range(2 * n + 1)]
    a, b = mpmath.matrix(n + 1, n + 1), mpmath.matrix(n + 1, 1)
    for i in range(n + 1):
        b[i] = mpmath.fsum(v * y * (t / half) ** i for t, v, y in zip(ts, ws, fs))
        for j in range(n + 1):
            a[i, j] = moments[i + j]
    s = mpmath.lu_solve(a, b)
    return [s[i] / half**i for i in range(n + 1)]


def fit(f, w, n, lo, hi, bits=53, exact=(), one_by_one=1):
    """As `rounded`: coefficients `exact` given, the next few rounded one by one, the rest at once.
    Returns them and the largest weighted error."""
    done = list(exact)
    first = len(done) + one_by_one
    while len(done) <= n:
        k, so_far = len(done), list(done)
        p = squares(lambda t: (f(t) - horner(so_far, t)) / t**k if k else f(t),
                    lambda t: w(t) * abs(t) ** k, n - k, lo, hi)
        done += [nearest(c, bits) for c in p[:1 if k < first else len(p)]]
    ts = [mpf(lo) + (mpf(hi) - mpf(lo)) * (i + mpf(1) / 3) / 300 for i in range(300)]
    return done, max(abs(w(t) * (horner(done, t) - f(t))) for t in ts)
