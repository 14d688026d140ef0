"""What the special functions share: exp with its 1 left out, log in two parts; and weighted fits."""

from mpmath import atanh, cos, exp, log, lu_solve, matrix, mpf, pi, polyval, sqrt

from coefficients.fit import define, define_polynomial, split


def weighted(function, weight, low, high, degree, centre=0, rounded=float):
    """Return coefficients of powers of (x - centre), each rounded, and the largest |weight (p - function)| with them.

    By least squares at Chebyshev's points, which is within a small factor of minimax. The constant is rounded first
    and the rest fitted to what is left, so that its rounding costs nothing but at the centre.
    """
    low, high, centre = mpf(low), mpf(high), mpf(centre)
    count = 3 * degree + 10
    points = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    scale = (high - low) / 2
    weights, wanted = [weight(x) for x in points], [function(x) for x in points]
    fixed = []
    while len(fixed) <= degree:
        first = len(fixed)
        system, right = matrix(count, degree + 1 - first), matrix(count, 1)
        for i, x in enumerate(points):
            known = polyval([mpf(c) for c in reversed(fixed)], x - centre) if fixed else 0
            for j in range(first, degree + 1):
                system[i, j - first] = weights[i] * ((x - centre) / scale) ** j
            right[i] = weights[i] * (wanted[i] - known)
        found = lu_solve(system, right)
        # Roundings of the higher coefficients are small beside the first ones': those are refitted one by one.
        last = first + 1 if first < 3 else degree + 1
        fixed += [rounded(found[j - first] / scale**j) for j in range(first, last)]
    worst = mpf(0)
    for i in range(401):
        x = low + (high - low) * i / 400
        worst = max(worst, abs(weight(x) * (polyval([mpf(c) for c in reversed(fixed)], x - centre) - function(x))))
    return fixed, float(worst)


def one(_):
    """Return 1, the weight of an absolute error."""
    return mpf(1)


def lines():
    """Return the lines of the header."""
    high, low = split(log(mpf(2)), bits=32)
    half = log(mpf(2)) / 2 * mpf("1.0001")

    def exp_rest(r):
        return (exp(r) - 1 - r) / r**2 if abs(r) > mpf(2) ** -100 else mpf(1) / 2

    def log_rest(z):  # (log(1 + f) - 2 s) / (s z) of z = s^2, s = f / (2 + f)
        return (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z if z > mpf(2) ** -100 else mpf(2) / 3

    largest = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.001")
    return [
        define("AC_S_LOG2_E", 1 / log(mpf(2))),
        define("AC_S_LN2_HI", high),
        define("AC_S_LN2_LO", low),
        "/* exp(r) = 1 + r + r^2 p(r), |r| <= log(2) / 2 */",
        *define_polynomial("AC_S_EXP_P", *weighted(exp_rest, one, -half, half, 9)),
        "/* the same for float32 */",
        *define_polynomial("AC_S_EXPF_P", *weighted(exp_rest, one, -half, half, 5)),
        "/* log(1 + f) = 2 s + s z p(z), z = s^2, s = f / (2 + f) */",
        *define_polynomial("AC_S_LOG_P", *weighted(log_rest, one, 0, largest, 6)),
        "/* the same for float32 */",
        *define_polynomial("AC_S_LOGF_P", *weighted(log_rest, one, 0, largest, 3)),
    ]
