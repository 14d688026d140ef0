"""gammaln."""

from mpmath import digamma, log, log1p, loggamma, mpf, pi, polygamma, sqrt

from coefficients.fit import centred, define, define_polynomial, one, split

FROM = mpf("4.5")
ROOTS = sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1


def lines():
    """Return the lines of the header."""

    def near_two(s):
        return loggamma(2 + s) / s if abs(s) > mpf(2) ** -100 else digamma(2)

    def beyond_slope(s):
        return (near_two(s) - digamma(2)) / s if abs(s) > mpf(2) ** -60 else polygamma(1, 2) / 2

    def rest(z):  # of Stirling's formula, times x, of z = 1 / x^2
        if z < mpf(2) ** -60:
            return mpf(1) / 12
        x = 1 / sqrt(z)
        return x * (loggamma(x) - (x - mpf(1) / 2) * log(x) + x - log(2 * pi) / 2)

    def part(z):  # how much of its error reaches gammaln
        x = 1 / sqrt(max(z, mpf(2) ** -60))
        return 1 / (x * loggamma(x))

    def beyond_square(f):  # (log(1 + f) - f) / f^2
        return (log1p(f) - f) / f**2 if abs(f) > mpf(2) ** -60 else -mpf(1) / 2

    def part_of_log(f):
        return f**2 / log1p(f) if abs(f) > mpf(2) ** -60 else mpf(2) ** -60

    slope, slope_low = split(digamma(2))
    return [
        define("AC_HALF_LOG_2_PI", log(2 * pi) / 2),
        "/* gammaln(2 + s) = s (slope + s p(s)), |s| <= 1/2; for float32 s p(s) */",
        define("AC_GAMMA_SLOPE", slope),
        define("AC_GAMMA_SLOPE_LO", slope_low),
        *define_polynomial("AC_GAMMA_P", *centred(beyond_slope, abs, "-0.5", "0.5", 16)),
        *define_polynomial("AC_GAMMAF_P", *centred(near_two, one, "-0.5", "0.5", 8)),
        "/* gammaln(x) = (x - 1/2) log(x) - x + log(2 pi) / 2 + p(1 / x^2) / x, x >= 4.5 */",
        *define_polynomial("AC_STIRLING_P", *centred(rest, part, mpf(2) ** -50, 1 / FROM**2, 6)),
        *define_polynomial("AC_STIRLINGF_P", *centred(rest, part, mpf(2) ** -50, 1 / FROM**2, 2)),
        "/* log(1 + f) = f + f^2 p(f), sqrt(1/2) <= 1 + f <= sqrt(2), for float32 */",
        *define_polynomial("AC_GAMMAF_LOG", *centred(beyond_square, part_of_log, *ROOTS, 10)),
    ]
