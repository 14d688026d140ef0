"""The logarithm of power."""

from mpmath import atanh, mpf, sqrt

from coefficients.fit import define, define_polynomial, split, weighted


def rest(z):
    """Return 2 atanh(s / 2) / s past its first three terms, over s^6, at s^2 = z."""
    s = sqrt(z)
    return (2 * atanh(s / 2) / s - 1 - z / 12 - z**2 / 80) / z**3


def lines():
    """Return the header's lines."""
    high, low = split(mpf(1) / 12)
    end = (2 * (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1) * mpf("1.0001")) ** 2
    return [
        "/* 2 atanh(s / 2) = s (1 + s^2 / 12 + s^4 / 80 + s^6 p(s^2)), |s| <= 0.3432 */",
        *define_polynomial("AC_POWER_P", *weighted(rest, lambda z: z**3, 0, end, 7)),
        define("AC_POWER_80TH", mpf(1) / 80),
        define("AC_POWER_12TH_HI", high),
        define("AC_POWER_12TH_LO", low),
    ]
