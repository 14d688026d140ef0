"""log and its relatives."""

from mpmath import atanh, log, log1p, mpf, sqrt

from coefficients.fit import define, define_polynomial, define_single, single, split, weighted, weighted_single

SHORT = mpf(2) ** -60


def split_single(name, value):
    """Return the lines of a number in two parts, both of float32."""
    high = single(value)
    return [define_single(name, high), define_single(f"{name}_REST", value - mpf(high))]


def log1p_rest(f):
    """Return log(1 + f) past its first term, over f^2."""
    return (log1p(f) - f) / f**2 if abs(f) > SHORT else mpf(-1) / 2


def log1p_part(f):
    """Return how much of an error of `log1p_rest` reaches log(1 + f), relatively."""
    return abs(f**2 / log1p(f)) + SHORT if abs(f) > SHORT else SHORT


def lines_single(name, scale, low, high):
    """Return the lines of scale * log(1 + f), f from `low` to `high`, past its first term, over f^2, in float32."""
    found = weighted_single(lambda f: scale * log1p_rest(f), lambda f: log1p_part(f) / scale, low, high, 8)
    return define_polynomial(name, *found, line=define_single)


def rest(z):
    """Return (2 atanh(s / 2) - s) / s^3 at s^2 = z."""
    s = sqrt(z)
    return (2 * atanh(s / 2) - s) / s**3


def lines():
    """Return the header's lines."""
    log10_2_high, log10_2_low = split(log(mpf(2)) / log(mpf(10)), bits=32)
    log10_e, log10_e_rest = split(1 / log(mpf(10)))
    _, log2_e_rest = split(1 / log(mpf(2)))
    ends = sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1
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
        "/* log(1 + f) = f + f^2 p(f), sqrt(1/2) <= 1 + f <= sqrt(2); over log 2; over log 10; -1/4 <= f <= 1/2 */",
        *lines_single("AC_LOG_SINGLE_P", 1, *ends),
        *lines_single("AC_LOG2_SINGLE_P", 1 / log(mpf(2)), *ends),
        *lines_single("AC_LOG10_SINGLE_P", 1 / log(mpf(10)), *ends),
        *lines_single("AC_LOG1P_SINGLE_P", 1, "-0.25", "0.5"),
        *split_single("AC_LOG2_E_SINGLE", 1 / log(mpf(2))),
        *split_single("AC_LOG10_E_SINGLE", 1 / log(mpf(10))),
        define_single("AC_LN2_SINGLE", log(mpf(2))),
        *split_single("AC_LOG10_2_SINGLE", log(mpf(2)) / log(mpf(10))),
    ]
