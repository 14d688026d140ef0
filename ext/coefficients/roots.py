"""cbrt."""

from mpmath import cbrt, mpf

from coefficients.fit import define, define_polynomial, minimax


def lines():
    """Return the header's lines."""
    return [
        define("AC_CBRT_HALF", 1 / cbrt(mpf(2))),
        define("AC_CBRT_QUARTER", 1 / cbrt(mpf(4))),
        "/* 1 / cbrt(m), 1 <= m <= 2 */",
        *define_polynomial("AC_CBRT_P", *minimax(lambda m: 1 / cbrt(m), 1, 2, 5)),
    ]
