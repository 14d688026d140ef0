"""sinh, cosh and, by those of exp and log, the others."""

from mpmath import cosh, log, mpf, sinh, sqrt, tanh

from coefficients.fit import define_polynomial, define_single, weighted, weighted_single


def odd(z):
    """Return (sinh(x) - x) / x^3 at x^2 = z."""
    x = sqrt(z)
    return (sinh(x) - x) / x**3


def even(z):
    """Return (cosh(x) - 1 - x^2 / 2) / x^4 at x^2 = z."""
    return (cosh(sqrt(z)) - 1 - z / 2) / z**2


def ends(z):
    """Return what `odd` weighs in float32: more where roundings already make most."""
    return z * (2 if z > 0.08 else 1)


def half_even(z):
    """Return (cosh(x) - 1) / x^2 at x^2 = z."""
    return (cosh(sqrt(z)) - 1) / z


def tangent(z):
    """Return (tanh(x) - x) / x^3 at x^2 = z."""
    x = sqrt(z)
    return (tanh(x) - x) / x**3


def share(z):
    """Return what `tangent` weighs in tanh(x)."""
    return z * sqrt(z) / tanh(sqrt(z))


def lines():
    """Return the header's lines."""
    last = (log(mpf(2)) / 2 * mpf("1.0001")) ** 2
    return [
        "/* sinh(r) = r + r^3 p(r^2), |r| <= log(2) / 2 */",
        *define_polynomial("AC_SINH_P", *weighted(odd, lambda z: z, 0, last, 4)),
        "/* cosh(r) = 1 + r^2 / 2 + r^4 p(r^2) */",
        *define_polynomial("AC_COSH_P", *weighted(even, lambda z: z**2, 0, last, 4)),
        "/* the same for float32 results */",
        *define_polynomial("AC_SINHF_P", *weighted(odd, lambda z: z, 0, last, 2)),
        *define_polynomial("AC_COSHF_P", *weighted(even, lambda z: z**2, 0, last, 1)),
        "/* the same in float32 arithmetic */",
        *define_polynomial("AC_SINH_SINGLE_P", *weighted_single(odd, ends, 0, last, 1), line=define_single),
        *define_polynomial("AC_COSH_SINGLE_P", *weighted_single(half_even, abs, 0, last, 2), line=define_single),
        "/* tanh(x) = x + x^3 p(x^2), |x| <= 1; then in float32 arithmetic */",
        *define_polynomial("AC_TANH_P", *weighted(tangent, share, 0, 1, 15)),
        *define_polynomial("AC_TANH_SINGLE_P", *weighted_single(tangent, share, 0, 1, 6), line=define_single),
    ]
