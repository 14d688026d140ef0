"""sin, cos and tan."""

from mpmath import cos, floor, mpf, pi, sin, sqrt, tan

from coefficients.fit import define, define_polynomial, define_single, minimax, minimax_single, single, split


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


def tangent_tail(z):
    """Return p(z) of tan(r) = r + r^3 p(r^2)."""
    r = sqrt(z)
    return (tan(r) - r) / r**3


def tangent_weight(z):
    """Return what an error of p(z) is in the tangent, relative."""
    r = sqrt(z)
    return r**3 / tan(r)


TANGENT_MIDDLE = mpf(7) / 16


def tangent_rest(z):
    """Return p(z) of tan(r) = r + r^3 (TANGENT_MIDDLE + p(r^2)), which is small near pi / 4: so are its roundings."""
    return tangent_tail(z) - TANGENT_MIDDLE


def singles(value, parts):
    """Return `parts` float32 numbers whose sum is `value`, the first below it: 0 times the second is then no -0."""
    found = [float(floor(value * 2**23) / 2**23)]  # 24 bits, as value is between 1 and 2
    while len(found) < parts:
        found.append(single(value - sum(mpf(part) for part in found)))
    return found


def single_polynomial(name, function, degree, weight):
    """Return the lines of a polynomial of float32 for |r| <= pi / 4."""
    end = (pi / 4) ** 2 * mpf("1.001")
    return define_polynomial(name, *minimax_single(function, "1e-9", end, degree, weight), line=define_single)


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
        "/* tan(r) = r + r^3 (AC_TAN_MIDDLE + p(r^2)), |r| <= pi / 4 */",
        define("AC_TAN_MIDDLE", TANGENT_MIDDLE),
        *define_polynomial("AC_TAN_P", *minimax(tangent_rest, "1e-9", end, 13, weight=tangent_weight)),
        "/* In float32 throughout. tan(r) = r + r^3 p(r^2) */",
        define_single("AC_2_PI_F", 2 / pi),
        *(define_single(f"AC_PIO2_F{i}", part) for i, part in enumerate(singles(half, 3))),
        *single_polynomial("AC_SIN_F", sine_tail, 2, lambda z: z),
        *single_polynomial("AC_COS_F", cosine_tail, 2, lambda z: z * z),
        *single_polynomial("AC_TAN_F", tangent_tail, 6, tangent_weight),
        "/* For float32 in float64, the second 1 + r^2 p(r^2). */",
        *define_polynomial("AC_SINF_P", *minimax(sine_tail, "1e-9", end, 3, weight=lambda z: z)),
        *define_polynomial("AC_COSF_P", *minimax(cosine_rest, "1e-9", end, 3, weight=lambda z: z)),
    ]
