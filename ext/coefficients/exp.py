"""exp and its relatives."""

from mpmath import exp, log, mpf

from coefficients.fit import define, define_polynomial, split, weighted


def rest2(x):
    """Return exp(x) past its first two terms, over x^2."""
    return (exp(x) - 1 - x) / x**2


def rest3(x):
    """Return exp(x) past its first three terms, over x^3."""
    return (exp(x) - 1 - x - x**2 / 2) / x**3


def lines():
    """Return the header's lines."""
    log2 = log(mpf(2))
    high, low = split(log2, bits=32)
    whole, rest = split(log2)
    half = log2 / 2 * mpf("1.0001")
    return [
        define("AC_LOG2_E", 1 / log2),
        "/* log 2: 32 bits and the rest; 53 bits and the rest */",
        define("AC_LN2_HI", high),
        define("AC_LN2_LO", low),
        define("AC_LN2", whole),
        define("AC_LN2_REST", rest),
        "/* exp(r) = 1 + r + r^2 (1/2 + r p(r)), |r| <= log(2) / 2 */",
        *define_polynomial("AC_EXP_P", *weighted(rest3, lambda x: x**3, -half, half, 8)),
        "/* exp(r) = 1 + r + r^2 p(r), for float32 results */",
        *define_polynomial("AC_EXPF_P", *weighted(rest2, lambda x: x, -half, half, 5)),
    ]
