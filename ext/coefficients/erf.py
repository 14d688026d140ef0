"""erf, erfc, ndtr."""

from mpmath import erf, erfc, exp, log, mpf, pi, sqrt

from coefficients.fit import centred, define, define_polynomial, one, split

CENTRE = mpf("0.125")


def lines():
    """Return the lines of the header."""

    def small(u):  # erf(x) / x - 1 of u = x^2
        return erf(sqrt(u)) / sqrt(u) - 1 if u > mpf(2) ** -200 else 2 / sqrt(pi) - 1

    def small_normal(u):  # (ndtr(x) - 1/2) / x of u = x^2
        return erf(sqrt(u / 2)) / sqrt(u) / 2 if u > mpf(2) ** -200 else 1 / sqrt(2 * pi)

    def log_tail(x):
        return log(erfc(x))

    def part(x):  # how much of log(erfc(x))'s error reaches erf(x)
        return erfc(x) / erf(x)

    def scaled(u):  # exp(y^2) erfc(y) (y + 2) of u = 1 / (y + 2)
        y = 1 / u - 2
        return exp(y * y) * erfc(y) / u

    def relative(u):
        return 1 / scaled(u)

    tail = (1 / mpf("29.4"), 1 / mpf("2.4"))
    root, root_low = split(sqrt(mpf(1) / 2))
    return [
        define("AC_SQRT_HALF", root),
        define("AC_SQRT_HALF_LO", root_low),
        define("AC_EXP_MINUS_200", exp(mpf(-200))),
        "/* erf(x) = x + x p(x^2), |x| <= 1 */",
        *define_polynomial("AC_ERF_P", *centred(small, one, 0, 1, 11)),
        *define_polynomial("AC_ERFF_P", *centred(small, one, 0, 1, 6)),
        "/* erf(x) = 1 - exp(p(x - 1.25)), 1 <= x <= 6; for float32 p(x - 2.5) up to 4 */",
        *define_polynomial("AC_ERF_Q", *centred(log_tail, part, 1, 6, 17, centre="1.25")),
        *define_polynomial("AC_ERFF_Q", *centred(log_tail, part, 1, 4, 7, centre="2.5")),
        "/* exp(y^2) erfc(y) = u p(u - 0.125), u = 1 / (y + 2), 0.4 <= y <= 27.4 */",
        *define_polynomial("AC_ERFC_P", *centred(scaled, relative, *tail, 23, centre=CENTRE)),
        *define_polynomial("AC_ERFCF_P", *centred(scaled, relative, *tail, 12, centre=CENTRE)),
        "/* ndtr(x) = 1/2 + x p(x^2), |x| <= 0.6 */",
        *define_polynomial("AC_NDTR_P", *centred(small_normal, one, 0, "0.3601", 8)),
        *define_polynomial("AC_NDTRF_P", *centred(small_normal, one, 0, "0.3601", 4)),
    ]
