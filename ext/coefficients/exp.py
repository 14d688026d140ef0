"""exp and its relatives."""

from mpmath import exp, log, mpf

from coefficients.fit import define, define_polynomial, polynomial, split


def lines():
    high, low = split(log(mpf(2)), bits=32)
    half = log(mpf(2)) / 2 * mpf("1.0001")
    found = [
        define("AC_LOG2_E", 1 / log(mpf(2))),
        define("AC_LN2_HI", high),
        define("AC_LN2_LO", low),
        "/* exp(r) = 1 + r + r^2 p(r), |r| <= log(2) / 2 */",
    ]
    return found + define_polynomial("AC_EXP_P", *polynomial(lambda x: (exp(x) - 1 - x) / x**2, -half, half, 9))
