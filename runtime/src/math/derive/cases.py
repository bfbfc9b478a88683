#!/usr/bin/env python3
"""Write tests/math_cases.txt: arguments and exact results of the math functions.

Needs mpmath. A line is `function x hi lo`, bits in hexadecimal: hi + lo is the result, hi its
nearest f64 and lo the nearest of the rest; a result beyond f64 (exp of 709.79, or a result so
small that lo would vanish) carries a fourth number s: the result is (hi + lo) 2^s.
Arguments are f64; the ones that are f32 too are tested as such. The even and odd functions have
positive ones only.
"""
import os
import random
import struct
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
}


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
    xs = list(TINY) + list(logs(-1074, 1023.9, 120)) + list(evenly(0.4, 2.5, 100)) + list(logs(-1074, -1022, 20))
    for k in list(range(2, 54, 3)):
        xs += [1 + 2.0**-k, 1 - 2.0**-k]
    xs += around(0.7071067811865476) + around(1.4142135623730951) + around(1.0) + around(2.0) + around(0.5)
    xs += [1.7976931348623157e308, f32(3.4028235e38)]
    xs += [10.0**k for k in range(0, 23)] + [2.0**k for k in range(-1074, 1024, 97)]
    return xs


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "..", "..", "..", "tests", "math_cases.txt")
    lines = []
    for name, f in FUNCTIONS.items():
        seen = set()
        for x in arguments(name):
            if x in seen or x != x or abs(x) == float("inf") or x == 0:
                continue
            seen.add(x)
            if name in ("log", "log2", "log10") and x <= 0 or name == "log1p" and x <= -1:
                continue
            y = f(mpf(x))
            if y == 0:  # exp2 and the like have none; cos of an f64 neither
                lines.append(f"{name} {hexa(x)} 0 0")
                continue
            _, e = mpmath.frexp(y)
            s = int(e) if abs(e) > 900 else 0
            y = mpmath.ldexp(y, -s)
            hi = float(y)
            lo = float(y - mpf(hi))
            lines.append(f"{name} {hexa(x)} {hexa(hi)} {hexa(lo)}" + (f" {s}" if s else ""))
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    print(len(lines), "cases")


main()
