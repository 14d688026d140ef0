"""logit."""

from mpmath import atanh, mpf, sqrt

from coefficients.fit import centred, define_polynomial, define_single, one, weighted_single


def lines():
    """Return the lines of the header."""

    def rest(u):  # (2 atanh(z) - 2 z) / z^3 of u = z^2
        return (2 * atanh(sqrt(u)) / sqrt(u) - 2) / u if u > mpf(2) ** -100 else mpf(2) / 3

    return [
        "/* 2 atanh(z) = 2 z + z^3 p(z^2), |z| <= 0.2005 */",
        *define_polynomial("AC_LOGIT_P", *centred(rest, one, 0, mpf("0.2005") ** 2, 7)),
        *define_polynomial("AC_LOGITF_P", *centred(rest, one, 0, mpf("0.2005") ** 2, 3)),
        "/* in float32 arithmetic */",
        *define_polynomial(
            "AC_LOGIT_SINGLE_P", *weighted_single(rest, abs, 0, mpf("0.2005") ** 2, 2), line=define_single
        ),
        "/* |z| <= 1/3; then in float32 arithmetic */",
        *define_polynomial("AC_SOFTPLUS_P", *centred(rest, one, 0, mpf(1) / 9, 9)),
        *define_polynomial("AC_SOFTPLUS_SINGLE_P", *weighted_single(rest, abs, 0, mpf(1) / 9, 3), line=define_single),
    ]
