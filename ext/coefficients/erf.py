"""erf, erfc, ndtr: values and slopes at multiples of 1/64, and the polynomials that lead to what lies between."""

from math import inf, nextafter

from mpmath import erf, erfc, exp, factorial, frexp, mp, mpf, pi, sqrt

from coefficients.fit import centred, define, define_polynomial, define_single, single, split, table

SLOPE = 2 / sqrt(pi)
STEP = mpf(1) / 64
HALF = STEP / 2


def moment(j):
    """Return z -> the integral of s^2j exp(-2 z s), s from 0 to 1."""
    return lambda z: sum((-2 * z) ** n / factorial(n) / (2 * j + 1 + n) for n in range(30))


def beyond_one(z):
    """Return (moment(0)(z) - 1) / z."""
    return sum(-2 * (-2 * z) ** n / factorial(n + 1) / (n + 2) for n in range(30))


def part_of_erf(z):
    """Return, nearly, what part of erf(c + d) a part of d is, at the largest d, c d = z."""
    return exp(-((z / HALF) ** 2)) / (1 + abs(z) / HALF**2)


def part_of_erfc(z):
    """Return, nearly, what part of erfc(c + d) a part of d is, at the largest d, c d = z."""
    return (2 * abs(z) + SLOPE * HALF) * exp(max(2 * z, 0))


def steps(name, part, furthest, degrees, line=define):
    """Return the lines of the polynomials for moment(0), -moment(1), moment(2) / 2, ... up to c = `furthest`."""
    made = []
    for j, degree in enumerate(degrees):
        share = (-1) ** j / factorial(j)

        def wanted(z, j=j, share=share):
            return share * moment(j)(z) if j else beyond_one(z)

        def weight(z, j=j):
            return part(z) * (HALF ** (2 * j) if j else abs(z))

        found = centred(wanted, weight, -mpf(furthest) * HALF, mpf(furthest) * HALF, degree)
        made += define_polynomial(f"{name}_{'ABCD'[j]}", *found, line=line)
    return made


def falling_slope(c):
    """Return the slope of -erfc at c, the neighbour of the exact one whose error best makes up for that of erfc(c)."""
    exact, value = SLOPE * exp(-c * c), mpf(float(erfc(c)))
    ends = [(erfc(c + d), (erfc(c) - erfc(c + d)) / exact) for d in (-HALF, HALF)]
    near = float(exact)

    def worst(slope):
        return max(abs(value - slope * way - end) / mpf(2) ** frexp(end)[1] for end, way in ends)

    return min((near, nextafter(near, 0.0), nextafter(near, inf)), key=worst)


def wrapped(function, highest, size):
    """Return the values at k / 64, k from 0 to `highest` and from there + 1 - size to -1."""
    return [function(k * STEP) for k in [*range(highest + 1), *range(highest + 1 - size, 0)]]


def lines():
    """Return the lines of the header."""

    def slope(c):
        return SLOPE * exp(-c * c)

    root, root_low = split(sqrt(mpf(1) / 2))
    root_single = single(root)
    more = SLOPE / single(SLOPE) - 1
    small, small_low = split(exp(mpf(-200)) * mpf(2) ** 300)
    with mp.workprec(200):
        values = wrapped(erfc, 26 * 64, 2048)
        slopes = wrapped(lambda c: falling_slope(c) if c > 6 else slope(c), 26 * 64, 2048)
    return [
        define("AC_SQRT_HALF", root),
        define("AC_SQRT_HALF_LO", root_low),
        define_single("AC_SQRT_HALF_SINGLE", root_single),
        define_single("AC_SQRT_HALF_SINGLE_LO", sqrt(mpf(1) / 2) - mpf(root_single)),
        "/* exp(-200) times 2^300 */",
        define("AC_EXP_MINUS_200", small),
        define("AC_EXP_MINUS_200_LO", small_low),
        *(define(f"AC_ERFC_FAR{end}", v) for end, v in zip(("", "_LO"), split(1 / sqrt(pi)), strict=True)),
        *(define(f"AC_NDTR_FAR{end}", v) for end, v in zip(("", "_LO"), split(1 / sqrt(2 * pi)), strict=True)),
        "/* the integral of exp(-2 c t - t^2), t from 0 to d, is d (1 + z A(z) + w (B(z) + w (C(z) + w D(z)))) */",
        "/* with z = c d, w = d^2, |d| <= 1/128; errors are parts of erf's or erfc's value */",
        *steps("AC_ERF", part_of_erf, 6, (4, 3, 2, 0)),
        *steps("AC_ERFC", part_of_erfc, 26, (10, 8, 5, 1)),
        "/* float32: 2 / sqrt(pi) over its float32 number, less 1; slopes are divided by that, and D has it */",
        define_single("AC_ERF_SINGLE_MORE", more),
        *steps("AC_ERF_SINGLE", part_of_erf, 4, (1, 0), define_single),
        *steps("AC_ERFC_SINGLE", part_of_erfc, "10.1", (3, 1), define_single),
        "/* erf(k / 64) */",
        *table("AC_ERF_AT", [erf(k * STEP) for k in range(6 * 64)], 512),
        *table("AC_ERF_SINGLE_AT", [erf(k * STEP) for k in range(4 * 64)], 256, "float"),
        "/* erfc(k / 64) and the slope of -erfc there, negative k from the end */",
        *table("AC_ERFC_AT", values, 2048),
        *table("AC_ERFC_SLOPE", slopes, 2048),
        *table("AC_ERFC_SINGLE_AT", wrapped(erfc, 12 * 64 - 1, 1024), 1024, "float"),
        *table("AC_ERFC_SINGLE_SLOPE", wrapped(lambda c: slope(c) / (1 + more), 12 * 64 - 1, 1024), 1024, "float"),
    ]
