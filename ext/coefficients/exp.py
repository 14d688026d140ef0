"""exp and its relatives."""

from mpmath import exp, log, mpf

from coefficients.fit import define, define_polynomial, define_single, single, split, weighted, weighted_single


def power1(x):
    """Return 2^x - 1 over x."""
    return (2**x - 1) / x


def rest2(x):
    """Return exp(x) past its first two terms, over x^2."""
    return (exp(x) - 1 - x) / x**2


def rest3(x):
    """Return exp(x) past its first three terms, over x^3."""
    return (exp(x) - 1 - x - x**2 / 2) / x**3


def units(x):
    """Return what `rest2` weighs: in units in the last place of exp(x), and more where roundings already make most."""
    return x**2 * (8 if x < -0.25 else 2 if x < 0 else 1)


def cubed(x):
    """Return what `rest3` weighs in exp(x), and more where roundings already make most."""
    return x**3 * (4 if x < -0.25 else 1)


def share(x):
    """Return what `power1` weighs in 2^x."""
    return x / 2**x


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
        *define_polynomial("AC_EXP_P", *weighted(rest3, cubed, -half, half, 8)),
        "/* the same for exp(r) - 1 */",
        *define_polynomial("AC_EXPM1_P", *weighted(rest3, lambda x: x**2, -half, half, 9)),
        "/* exp(r) = 1 + r + r^2 p(r), for float32 results */",
        *define_polynomial("AC_EXPF_P", *weighted(rest2, lambda x: x, -half, half, 5)),
        "/* 2^f = 1 + f p(f), |f| <= 1/2 */",
        *define_polynomial("AC_EXP2_P", *weighted(power1, share, "-0.5", "0.5", 10)),
        "/* the same in float32 arithmetic, and what that needs: log 2 in 24 bits and the rest */",
        define_single("AC_LOG2_EF", 1 / log2),
        define_single("AC_LN2F_HI", log2),
        define_single("AC_LN2F_LO", log2 - single(log2)),
        *define_polynomial("AC_EXP_SINGLE_P", *weighted_single(rest2, units, -half, half, 4), line=define_single),
        "/* the same for exp(r) - 1 */",
        *define_polynomial("AC_EXPM1_SINGLE_P", *weighted_single(rest2, abs, -half, half, 5), line=define_single),
        "/* 2^f = 1 + f p(f), |f| <= 1/2 */",
        *define_polynomial("AC_EXP2_SINGLE_P", *weighted_single(power1, share, "-0.5", "0.5", 5), line=define_single),
    ]
