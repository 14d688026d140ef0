"""Polynomials near the minimax one, and numbers written as C does."""

import struct

from mpmath import chebyfit, mp, mpf, polyval

mp.prec = 500
SMALL = mpf(2) ** -100


def single(x):
    """Return x rounded to float32."""
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def polynomial(function, low, high, degree, rounded=float):
    """Return coefficients c[0], ..., c[degree], each rounded, and the largest absolute error with them.

    By Chebyshev interpolation, which is within a small factor of minimax. `function` may have a removable singularity
    at 0: it is asked for a point beside it.
    """

    def regular(x):
        return function(x if abs(x) > SMALL else SMALL)

    fitted = [rounded(c) for c in reversed(chebyfit(regular, [mpf(low), mpf(high)], degree + 1))]
    points = [mpf(low) + (mpf(high) - mpf(low)) * i / 400 for i in range(401)]
    worst = max(abs(polyval([mpf(c) for c in reversed(fitted)], x) - regular(x)) for x in points)
    return fitted, float(worst)


def split(value, bits=53, parts=2, last=53):
    """Return `parts` doubles whose sum is `value`: all but the last have `bits` significant bits."""
    found = []
    value = mpf(value)
    for part in range(parts):
        wanted = bits if part < parts - 1 else last
        with mp.workprec(wanted):
            piece = +value
        found.append(float(piece))
        value -= piece
    return found


def define(name, value):
    """Return a #define line of one float64 number."""
    return f"#define {name} {float(value).hex()}"


def define_single(name, value):
    return f"#define {name} {single(value).hex()}f"


def define_polynomial(name, coefficients, error, line=define):
    """Return `NAME0`, `NAME1`, ... with the error stated."""
    return [f"/* largest error {error:.2g} */", *(line(f"{name}{i}", c) for i, c in enumerate(coefficients))]
