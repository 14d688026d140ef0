"""arcsin, arccos, arctan and arctan2."""

from mpmath import asin, atan, mpf, pi, sqrt, tan

from coefficients.fit import define, define_polynomial, minimax


def arctangent_tail(z):
    """Return p(z) of arctan(t) = t - t^3 p(t^2)."""
    t = sqrt(z)
    return (t - atan(t)) / t**3


def arcsine_tail(z):
    """Return p(z) of arcsin(v) = v + v^3 p(v^2)."""
    v = sqrt(z)
    return (asin(v) - v) / v**3


def lines():
    """Return the header's lines."""
    quarter = pi / 4
    tangent_end = tan(pi / 8) ** 2 * mpf("1.0001")
    sine_end = mpf("0.2501")
    return [
        define("AC_PIO4_HI", quarter),
        define("AC_PIO4_LO", quarter - mpf(float(quarter))),
        define("AC_TAN_PIO8", tan(pi / 8)),
        "/* arctan(t) = t - t^3 p(t^2), |t| <= tan(pi / 8) */",
        *define_polynomial("AC_ATAN_P", *minimax(arctangent_tail, "1e-9", tangent_end, 10, weight=lambda z: z)),
        "/* arcsin(v) = v + v^3 p(v^2), |v| <= 1/2 */",
        *define_polynomial("AC_ASIN_P", *minimax(arcsine_tail, "1e-9", sine_end, 11, weight=lambda z: z)),
        "/* The same for float32. */",
        *define_polynomial("AC_ATANF_P", *minimax(arctangent_tail, "1e-9", tangent_end, 5, weight=lambda z: z)),
        *define_polynomial("AC_ASINF_P", *minimax(arcsine_tail, "1e-9", sine_end, 6, weight=lambda z: z)),
    ]
