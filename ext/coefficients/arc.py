"""arcsin, arccos, arctan and arctan2."""

from mpmath import asin, atan, mpf, pi, sqrt

from coefficients.fit import define, define_polynomial, define_single, minimax, minimax_single, single


def arctangent_tail(z):
    """Return p(z) of arctan(t) = t - t^3 p(t^2)."""
    t = sqrt(z)
    return (t - atan(t)) / t**3


def arcsine_tail(z):
    """Return p(z) of arcsin(v) = v + v^3 p(v^2)."""
    v = sqrt(z)
    return (asin(v) - v) / v**3


def single_polynomial(name, function, end, degree):
    """Return the lines of a polynomial of float32."""
    return define_polynomial(
        name, *minimax_single(function, "1e-9", end, degree, weight=lambda z: z), line=define_single
    )


MIDDLE = mpf(7) / 32


def arctangent_rest(z):
    """Return p(z) of arctan(t) = t - t^3 (MIDDLE + p(t^2)), which is small near 1: so are its roundings."""
    return arctangent_tail(z) - MIDDLE


def lines():
    """Return the header's lines."""
    half = pi / 2
    tangent_end = mpf("1.0001")
    sine_end = mpf("0.2501")
    return [
        define("AC_PIO2_HI", half),
        define("AC_PIO2_REST", half / mpf(float(half)) - 1),
        define_single("AC_PIO2_HI_F", half),
        define_single("AC_PIO2_REST_F", half / mpf(single(half)) - 1),
        "/* arctan(t) = t - t^3 (AC_ATAN_MIDDLE + p(t^2)), |t| <= 1 */",
        define("AC_ATAN_MIDDLE", MIDDLE),
        define_single("AC_ATAN_MIDDLE_F", MIDDLE),
        *define_polynomial(
            "AC_ATAN_P", *minimax(arctangent_rest, "1e-9", tangent_end, 18, weight=lambda z: z * (1 + z))
        ),
        "/* arcsin(v) = v + v^3 p(v^2), |v| <= 1/2 */",
        *define_polynomial("AC_ASIN_P", *minimax(arcsine_tail, "1e-9", sine_end, 11, weight=lambda z: z)),
        "/* In float32 throughout. */",
        *single_polynomial("AC_ATAN_F", arctangent_rest, tangent_end, 8),
        *single_polynomial("AC_ASIN_F", arcsine_tail, sine_end, 4),
        "/* For float32 in float64. */",
        *define_polynomial("AC_ATANF_P", *minimax(arctangent_tail, "1e-9", tangent_end, 10, weight=lambda z: z)),
        *define_polynomial("AC_ASINF_P", *minimax(arcsine_tail, "1e-9", sine_end, 6, weight=lambda z: z)),
    ]
