"""sin, cos and tan."""

from mpmath import cos, mpf, pi, sin, sqrt

from coefficients.fit import define, define_polynomial, minimax, split


def sine_tail(z):
    """Return p(z) of sin(r) = r - r^3 p(r^2)."""
    r = sqrt(z)
    return (r - sin(r)) / r**3


def cosine_tail(z):
    """Return p(z) of cos(r) = 1 - r^2 / 2 + r^4 p(r^2)."""
    return (cos(sqrt(z)) - 1 + z / 2) / z**2


def cosine_rest(z):
    """Return p(z) of cos(r) = 1 + r^2 p(r^2)."""
    return (cos(sqrt(z)) - 1) / z


def lines():
    """Return the header's lines."""
    half = pi / 2
    first = float(half)
    parts = [first, *split(half - mpf(first), bits=28)]
    short = split(half, bits=28, parts=4)
    end = (pi / 4) ** 2 * mpf("1.0001")
    return [
        "/* pi / 2. With FMA: the second part times an integer below 2^25 is exact. */",
        define("AC_2_PI", 2 / pi),
        *(define(f"AC_PIO2_{i}", part) for i, part in enumerate(parts)),
        "/* Without: the first three times such an integer are. */",
        *(define(f"AC_PIO2_SHORT_{i}", part) for i, part in enumerate(short)),
        "/* sin(r) = r - r^3 p(r^2), |r| <= pi / 4 */",
        *define_polynomial("AC_SIN_P", *minimax(sine_tail, "1e-9", end, 5, weight=lambda z: z)),
        "/* cos(r) = 1 - r^2 / 2 + r^4 p(r^2) */",
        *define_polynomial("AC_COS_P", *minimax(cosine_tail, "1e-9", end, 5, weight=lambda z: z * z)),
        "/* The same for float32, the second 1 + r^2 p(r^2). */",
        *define_polynomial("AC_SINF_P", *minimax(sine_tail, "1e-9", end, 3, weight=lambda z: z)),
        *define_polynomial("AC_COSF_P", *minimax(cosine_rest, "1e-9", end, 3, weight=lambda z: z)),
    ]
