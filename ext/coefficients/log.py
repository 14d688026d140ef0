"""log and its relatives."""

from mpmath import atanh, log, mpf, sqrt

from coefficients.fit import define, define_polynomial, split, weighted


def rest(z):
    """Return (2 atanh(s / 2) - s) / s^3 at s^2 = z."""
    s = sqrt(z)
    return (2 * atanh(s / 2) - s) / s**3


def lines():
    """Return the header's lines."""
    log10_2_high, log10_2_low = split(log(mpf(2)) / log(mpf(10)), bits=32)
    log10_e, log10_e_rest = split(1 / log(mpf(10)))
    _, log2_e_rest = split(1 / log(mpf(2)))
    return [
        "/* 2 atanh(s / 2) = s + s^3 p(s^2), |s| <= 0.4007 */",
        *define_polynomial("AC_LOG_P", *weighted(rest, lambda z: z, 0, mpf("0.4007") ** 2, 6)),
        "/* the same for float32 results */",
        *define_polynomial("AC_LOGF_P", *weighted(rest, lambda z: z, 0, mpf("0.4007") ** 2, 3)),
        define("AC_LOG2_E_REST", log2_e_rest),
        define("AC_LOG10_2_HI", log10_2_high),
        define("AC_LOG10_2_LO", log10_2_low),
        define("AC_LOG10_2", log(mpf(2)) / log(mpf(10))),
        define("AC_LOG10_E", log10_e),
        define("AC_LOG10_E_REST", log10_e_rest),
    ]
