#!/usr/bin/env python3
"""Write tests/math_cases.txt: arguments and exact results of the math functions.

Needs mpmath. A line is `function x hi lo`, or `function x y hi lo`, bits in hexadecimal: hi + lo
is the result, hi its nearest f64 and lo the nearest of the rest; a result beyond f64 (exp of
709.79, or a result so small that lo would vanish) carries one more number s: the result is
(hi + lo) 2^s.
Arguments are f64; the ones that are f32 too are tested as such. The even and odd functions have
positive ones only.
"""
import os
import random
import struct
import sys
from mpmath import mp, mpf
import mpmath

mp.prec = 1500  # 1e308 modulo pi/2, and 200 bits of it
rng = random.Random(2024)


def log1p(x):
    return mpmath.log(1 + x)


def expm1(x):
    return mpmath.exp(x) - 1


def tanh(x):
    e = mpmath.exp(-2 * abs(x))
    return mpmath.sign(x) * (1 - e) / (1 + e)


FUNCTIONS = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "exp": mpmath.exp, "exp2": lambda x: mpf(2) ** x, "expm1": expm1,
    "log": mpmath.log, "log2": lambda x: mpmath.log(x) / mpmath.log(mpf(2)),
    "log10": lambda x: mpmath.log(x) / mpmath.log(mpf(10)), "log1p": log1p,
    "tanh": tanh,
    "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan, "arctan2": mpmath.atan2,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "arcsinh": lambda x: mpmath.sign(x) * log1p(abs(x) + x * x / (1 + mpmath.sqrt(1 + x * x))),
    "arccosh": lambda x: mpmath.log(x + mpmath.sqrt((x - 1) * (x + 1))),
    "arctanh": lambda x: (log1p(x) - log1p(-x)) / 2,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "hypot": lambda x, y: mpmath.sqrt(x * x + y * y),
    "power": lambda x, y: mpmath.power(x, y),
    "erf": mpmath.erf, "erfc": mpmath.erfc,
    "normcdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "gamma": mpmath.gamma, "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "logaddexp": lambda x, y: max(x, y) + log1p(mpmath.exp(-abs(x - y))),
    "logaddexp2": lambda x, y: max(x, y) + log1p(mpf(2) ** -abs(x - y)) / mpmath.log(mpf(2)),
    "sinc": lambda x: mpf(0) if x == int(x) else mpmath.sin(mp.pi * x) / (mp.pi * x),
}
BINARY = ("arctan2", "hypot", "power", "logaddexp", "logaddexp2")


def precision(name, xs):
    """Bits in which a case is computed: some are the small difference of large numbers."""
    x = min(abs(x) for x in xs)
    if name in ("logaddexp", "logaddexp2"):
        return 3000
    if name in ("erf", "erfc", "normcdf", "gamma", "lgamma"):
        return 400 if x > 1e-60 else 1500
    return 1500


def hexa(x):
    return "%x" % struct.unpack("<Q", struct.pack("<d", x))[0]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def after(x, n=1):
    """The n-th f64 away from 0 after x, towards it for n < 0."""
    return struct.unpack("<d", struct.pack("<q", struct.unpack("<q", struct.pack("<d", x))[0] + n))[0]


def around(x):
    return [after(x, n) for n in (-2, -1, 0, 1, 2)] + [f32(x)]


def logs(lo, hi, n):
    """Magnitudes evenly spread by logarithm, half of them f32."""
    for i in range(n):
        x = float(mpf(2) ** (lo + (hi - lo) * mpf(rng.random())))
        yield f32(x) if i % 2 and abs(x) < 1e38 else x


def evenly(lo, hi, n):
    for i in range(n):
        x = rng.uniform(lo, hi)
        yield f32(x) if i % 2 else x


def signed(xs):
    return [x * s for x in xs for s in (1, -1)]


def closest(e):
    """The m 2^e, m of 53 bits, that is closest to a multiple of pi/2 (by continued fractions)."""
    r = mpf(2) ** (e + 1) / mp.pi
    best, x = None, r
    p0, q0, p1, q1 = 1, 0, int(mpmath.floor(x)), 1
    while q1 < 2**53:
        if q1 >= 1:
            m = q1 * (2**53 // q1) if q1 < 2**52 else q1
            if best is None or q1 >= 2**52 or abs(m * r - mpmath.nint(m * r)) < abs(best * r - mpmath.nint(best * r)):
                best = m
        x = 1 / (x - mpmath.floor(x))
        a = int(mpmath.floor(x))
        p0, q0, p1, q1 = p1, q1, a * p1 + p0, a * q1 + q0
    return float(best * mpf(2) ** e)


TINY = [5e-324, 1e-323, 2.2250738585072014e-308, 2.225073858507201e-308, 1e-310, 1e-300, 1e-160,
        f32(1e-45), f32(1.1754944e-38), f32(1e-40), 2.0**-54, 2.0**-53, 2.0**-27, 2.0**-26]


def arguments(name):
    if name in ("sin", "cos", "tan"):
        xs = list(TINY) + list(logs(-60, 1023.9, 150)) + list(evenly(0, 20, 40)) + list(logs(-12, 22, 60))
        xs += [6381956970095103.0 * 2.0**797, 1e22, 1e308, 1.7976931348623157e308, f32(3.4028235e38),
               2.0**1023, after(2.0**20, -1), 2.0**20, after(2.0**20), 2.0**21, f32(16367173.0 * 2.0**72)]
        for k in (1, 2, 3, 4, 5, 7, 10, 100, 355, 1000, 51819, 667543, 667544, 710 * 10**6, 10**15):
            xs += around(float(k * mp.pi / 2))
            xs += around(float((2 * k - 1) * mp.pi / 4))[1:4]
        return xs + [closest(e) for e in range(-51, 971, 23)]
    if name == "sinc":
        xs = list(TINY) + list(logs(-60, 60, 80)) + list(evenly(0, 3, 80)) + list(evenly(0, 1000, 40))
        for k in (1, 2, 3, 7, 100, 65536):
            xs += around(float(k)) + around(k - 0.5) + around(k / 16)
        return xs + [1e22, 2.0**51 + 0.5, 2.0**52 - 0.5, 2.0**52 + 1, f32(8388607.5), 1.7976931348623157e308]
    if name in ("exp", "exp2", "expm1"):
        unit = 1 if name == "exp2" else float(mpmath.log(2))
        xs = signed(list(TINY) + list(logs(-60, 6, 60)) + list(evenly(0, 2, 40)))
        xs += list(evenly(-1080 * unit, 1024 * unit, 80)) + list(evenly(-1076 * unit, -1020 * unit, 80))
        xs += list(evenly(-151 * unit, -120 * unit, 40))
        for k in (-1076, -1075, -1074, -1073, -1023, -1022, -1021, -150, -149, -126, -55, -54, -53, -2, -1,
                  1, 2, 52, 53, 54, 55, 127, 128, 1022, 1023, 1024):
            xs += around(float(k * mpf(unit)))
            xs += around(float((k - mpf(1) / 2) * mpf(unit)))[1:4]
        if name != "exp2":
            xs += around(709.782712893384) + around(-745.1332191019411) + around(-745.1332191019412)
            xs += around(88.72284) + around(-103.97208) + around(-37.42994775023704) + around(709.436139)
        return xs
    if name == "tanh":
        xs = list(TINY) + list(logs(-60, 5, 100)) + list(evenly(0, 2, 100)) + list(evenly(0, 20, 60))
        xs += around(19.061547465398498) + around(18.7) + around(0.17328679513998632) + around(9.01) + [30.0, 1e300]
        return xs
    if name == "log1p":
        xs = signed(list(TINY) + list(logs(-60, -1, 80))) + list(logs(-1, 1023.9, 80)) + list(evenly(-1, 3, 100))
        xs += [-1 + 2.0**-k for k in range(1, 54)] + around(-0.2928932188134524) + around(0.41421356237309503)
        xs += around(1.0) + around(2.0**53) + [1.7976931348623157e308, 1.45e308, f32(3.4028235e38)]
        return xs
    if name in ("log", "log2", "log10"):
        xs = list(TINY) + list(logs(-1074, 1023.9, 120)) + list(evenly(0.4, 2.5, 100)) + list(logs(-1074, -1022, 20))
        for k in list(range(2, 54, 3)):
            xs += [1 + 2.0**-k, 1 - 2.0**-k]
        xs += around(0.7071067811865476) + around(1.4142135623730951) + around(1.0) + around(2.0) + around(0.5)
        xs += [1.7976931348623157e308, f32(3.4028235e38)]
        return xs + [10.0**k for k in range(0, 23)] + [2.0**k for k in range(-1074, 1024, 97)]
    near_one = [1 - 2.0**-k for k in range(1, 54, 3)] + [f32(1 - 2.0**-k) for k in (2, 5, 9, 15, 24)]
    if name in ("arcsin", "arccos", "arctanh"):
        xs = list(TINY) + list(logs(-60, 0, 60)) + list(evenly(0, 1, 60)) + around(0.5)[:5] + near_one
        return [x for x in (signed(xs) if name == "arccos" else xs) if abs(x) <= (1 if name != "arctanh" else 1 - 2.0**-53)]
    if name == "arctan":
        return list(TINY) + list(logs(-60, 60, 80)) + list(evenly(0, 3, 60)) + around(1.0) + around(0.5) + [1e300, 2.0**53]
    if name == "arcsinh":
        return list(TINY) + list(logs(-60, 1023.9, 100)) + list(evenly(0, 4, 60)) + around(1.0) + [1.7976931348623157e308]
    if name == "arccosh":
        return [1 + 2.0**-k for k in range(1, 53, 2)] + list(evenly(1, 4, 60)) + list(logs(1, 1023.9, 60)) + [1.7976931348623157e308]
    if name in ("sinh", "cosh"):
        xs = list(TINY) + list(logs(-60, 9, 80)) + list(evenly(0, 2, 40)) + list(evenly(0, 711, 60))
        return xs + around(710.4758600739439) + around(709.782712893384) + around(89.41598) + around(0.3465) + around(22.0)
    if name == "cbrt":
        xs = list(TINY) + list(logs(-1074, 1023.9, 120)) + list(evenly(0.5, 8, 60)) + around(1.0) + around(8.0) + around(2.0)
        return xs + [float(k**3) for k in range(2, 30)] + [1.7976931348623157e308]
    if name == "erf":
        return list(TINY) + list(logs(-60, 3, 60)) + list(evenly(0, 6.2, 120)) + around(1.0) + around(0.84375) + around(5.92)
    if name == "erfc":
        xs = signed(list(logs(-60, 2, 30))) + list(evenly(-6, 6, 80)) + list(evenly(5, 27.3, 80)) + around(26.54) + around(27.2)
        return xs + around(0.5) + around(10.05) + signed(list(TINY))
    if name == "normcdf":
        xs = signed(list(logs(-60, 2, 30))) + list(evenly(-8, 8, 80)) + list(evenly(-38.5, -5, 80)) + around(-37.5) + around(-14.1)
        return xs + signed(list(TINY))
    if name == "sigmoid":
        xs = signed(list(TINY) + list(logs(-60, 5, 40))) + list(evenly(-40, 40, 60)) + list(evenly(-745, -700, 40))
        return xs + list(evenly(-103, -80, 20)) + around(-709.7) + around(-88.7) + around(-36.7)
    if name in ("gamma", "lgamma"):
        xs = list(evenly(0, 3, 60)) + list(evenly(3, 35, 50)) + list(evenly(35, 171.6, 40)) + list(logs(-1000, -1, 30))
        xs += around(1.0) + around(2.0) + around(1.4616321449683622) + [1 + 2.0**-k for k in range(2, 53, 5)] + [2 - 2.0**-k for k in range(2, 52, 5)]
        xs += [float(k) for k in range(3, 30)] + [k + 0.5 for k in range(0, 12)]
        if name == "gamma":
            xs += around(171.6243769563027) + list(evenly(-12, 0, 60)) + list(evenly(-184, -100, 40)) + list(evenly(-38, -20, 20))
            return xs + [-k + 2.0**-30 for k in range(0, 8)] + [-k - 0.5 for k in range(0, 12)]
        return xs + list(logs(5, 1015, 50)) + [-k - 0.5 for k in range(4, 30)] + [-20.25, -100.125, -1000.75, -30.00390625]
    sys.exit(f"no arguments for {name}")


def pairs(name):
    if name == "power":
        xs = []
        for _ in range(120):
            x = next(evenly(0, 10, 1)) if rng.random() < 0.5 else next(logs(-1022, 1023, 1))
            reach = 744 / abs(float(mpmath.log(x)))
            xs.append((x, rng.uniform(-reach, reach)))
            xs.append((f32(rng.uniform(0.01, 10)), f32(rng.uniform(-12, 12))))
            xs.append((1 + rng.choice((-1, 1)) * 2.0 ** -rng.uniform(1, 52), rng.uniform(-1, 1) * 2.0 ** rng.uniform(0, 52)))
        for x in (2.0, 10.0, 1.5, 0.1, 3.0, -2.0, -1.5, -10.0):
            xs += [(x, float(n)) for n in (-40, -7, -3, -2, -1, 2, 3, 5, 17, 64)]
        for x in (5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, after(1.0), after(1.0, -1)):
            xs += [(x, y) for y in (0.5, -0.5, 1.0, 0.001, 3.0, -1.0, 1e15)]
        return [(x, y) for x, y in xs if abs(y * mpmath.log(abs(x), 2)) < 1100]
    if name in ("logaddexp", "logaddexp2"):
        xs = []
        for _ in range(60):
            x = rng.uniform(-50, 50)
            xs += [(x, x - rng.uniform(0, 45)), (f32(x), f32(rng.uniform(-50, 50)))]
            x = next(logs(-900, 1000, 1)) * rng.choice((-1, 1))
            xs += [(x, x - next(logs(-40, 5, 1)))]
        xs += [(float(k), float(k)) for k in (-2, -1, 1, 3, 700)] + [(1.0, -800.0), (1e308, 1e308), (-1e308, 1e308)]
        xs += [(1e-300, -45.0), (0.5, -41.0), (f32(0.1), f32(0.2)), (-60.0, 1e-30), (40.0, 0.5), (39.9, -0.1)]
        xs += [(f32(a), f32(a - d)) for a in (-80.0, 0.25, 3.0, 17.5) for d in (0.0, 0.5, 1.0, 30.0, 39.5, 40.5)]
        # Results near 0 are not promised to 1 ULP.
        return [(x, y) for x, y in xs if abs(FUNCTIONS[name](mpf(x), mpf(y))) > 2.0**-8]
    xs = []
    for _ in range(80):
        xs += [(rng.uniform(-10, 10), rng.uniform(-10, 10)), (f32(rng.uniform(-10, 10)), f32(rng.uniform(-10, 10)))]
        x = next(logs(-1000, 1000, 1))
        xs.append((x, min(x * 2.0 ** rng.uniform(-60, 60), 1e308)))
    xs += [(3.0, 4.0), (5.0, 12.0), (1e308, 1e308), (1e-320, 3e-320), (5e-324, 5e-324), (1.0, 1e-300), (1e-300, 1.0),
           (1.0, after(1.0)), (-1.0, -1e-17), (1e-17, -1.0), (f32(1e-40), f32(3e-40)), (f32(3e38), f32(1e38))]
    return xs


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "..", "..", "..", "tests", "math_cases.txt")
    lines = []
    for name, f in FUNCTIONS.items():
        seen = set()
        for xs in pairs(name) if name in BINARY else [(x,) for x in arguments(name)]:
            if xs in seen or any(x != x or abs(x) == float("inf") or x == 0 for x in xs):
                continue
            seen.add(xs)
            if name in ("log", "log2", "log10") and xs[0] <= 0 or name == "log1p" and xs[0] <= -1:
                continue
            mp.prec = precision(name, xs)
            y = f(*map(mpf, xs))
            words = [name, *map(hexa, xs)]
            if y == 0:  # the logarithm of 1
                lines.append(" ".join(words) + " 0 0")
                continue
            _, e = mpmath.frexp(y)
            s = int(e) if abs(e) > 900 else 0
            y = mpmath.ldexp(y, -s)
            hi = float(y)
            words += [hexa(hi), hexa(float(y - mpf(hi)))]
            lines.append(" ".join(words) + (f" {s}" if s else ""))
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    print(len(lines), "cases")


main()
