"""Polynomials near the minimax one, and numbers written as C does."""

from mpmath import cos, lu_solve, matrix, mp, mpf, pi, polyval

mp.prec = 500
SMALL = mpf(2) ** -100


def weighted(function, weight, low, high, degree, convert=float):
    """Return coefficients, and the largest |weight(x) (p(x) - function(x))|, near the least possible.

    By Lawson's iteration: least squares whose weights grow where the error is large. Neither function is asked for 0.
    """
    count = 12 * degree + 25
    low, high = mpf(low), mpf(high)
    points = [(low + high - (high - low) * mp.cos(mp.pi * (i + mpf(1) / 2) / count)) / 2 for i in range(count)]
    points = [x for x in points if abs(x) > SMALL]
    wanted = [function(x) for x in points]
    squares = [weight(x) ** 2 for x in points]
    powers = [[x**j for j in range(2 * degree + 1)] for x in points]
    shares = [mpf(1) / len(points)] * len(points)
    with mp.workprec(200):
        for _ in range(25):
            both = [a * b for a, b in zip(shares, squares, strict=True)]
            moments = [sum(w * x[j] for w, x in zip(both, powers, strict=True)) for j in range(2 * degree + 1)]
            right = [sum(w * x[j] * y for w, x, y in zip(both, powers, wanted, strict=True)) for j in range(degree + 1)]
            left = mp.matrix(degree + 1, degree + 1)
            for i in range(degree + 1):
                for j in range(degree + 1):
                    left[i, j] = moments[i + j]
            found = list(mp.lu_solve(left, mp.matrix(right)))
            errors = [
                abs(polyval(found[::-1], x) - y) * mp.sqrt(w) for x, y, w in zip(points, wanted, squares, strict=True)
            ]
            shares = [share * error for share, error in zip(shares, errors, strict=True)]
            total = sum(shares)
            shares = [share / total for share in shares]
    found = [convert(c) for c in found]
    errors = (
        abs(polyval([mpf(c) for c in found[::-1]], x) - y) * mp.sqrt(w)
        for x, y, w in zip(points, wanted, squares, strict=True)
    )
    return found, float(max(errors))


def single(value):
    """Return the float32 number next to `value`."""
    with mp.workprec(24):
        return float(+mpf(value))


def weighted_single(function, weight, low, high, degree):
    """Return what `weighted` does, in float32: each coefficient is rounded and the ones after it are fitted anew."""
    found = []
    for _ in range(degree + 1):
        known = [mpf(c) for c in reversed(found)]
        order = len(found)

        def rest(x, known=known, order=order):
            return (function(x) - (polyval(known, x) if known else 0)) / x**order

        def scaled(x, order=order):
            return weight(x) * x**order

        fitted, error = weighted(rest, scaled, low, high, degree - order, convert=single)
        found.append(fitted[0])
    return found, error


def split(value, bits=53, parts=2, last=53):
    """Return `parts` doubles whose sum is `value`: all but the last have `bits` significant bits."""
    found = []
    value = mpf(value)
    for part in range(parts):
        wanted = bits if part < parts - 1 else last
        with mp.workprec(wanted):
            piece = +value
        found.append(float(piece))
        value -= piece
    return found


def define(name, value):
    """Return a #define line of one float64 number."""
    return f"#define {name} {float(value).hex()}"


def define_single(name, value):
    """Return a #define line of one float32 number."""
    return f"#define {name} {single(value).hex()}f"


def define_polynomial(name, coefficients, error, line=define):
    """Return `NAME0`, `NAME1`, ... with the error stated."""
    return [f"/* largest error {error:.2g} */", *(line(f"{name}{i}", c) for i, c in enumerate(coefficients))]


def centred(function, weight, low, high, degree, centre=0):
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
        fixed += [float(found[j - first] / scale**j) for j in range(first, last)]
    worst = mpf(0)
    for i in range(401):
        x = low + (high - low) * i / 400
        worst = max(worst, abs(weight(x) * (polyval([mpf(c) for c in reversed(fixed)], x - centre) - function(x))))
    return fixed, float(worst)


def one(_):
    """Return 1, the weight of an absolute error."""
    return mpf(1)


def minimax(function, low, high, degree, weight=None, fixed=()):
    """Return coefficients c[0], ..., c[degree], rounded, and the largest weighted error with them, by Remez's exchange.

    The error is (polynomial - function) * weight, `weight` positive inside the interval, 1 where none is
    given. Coefficients in `fixed` come first and are kept.
    """
    low, high = mpf(low), mpf(high)
    weight = weight or (lambda _: 1)
    known, count = len(fixed), degree + 1 - len(fixed)

    def wanted(x):
        return function(x if abs(x) > SMALL else SMALL)

    def error(found, x):
        return (polyval(list(reversed(found)), x) - wanted(x)) * weight(x)

    fixed = [mpf(c) for c in fixed]
    middle, radius = (low + high) / 2, (high - low) / 2
    points = [middle - radius * cos(pi * (2 * i + 1) / (2 * count + 2)) for i in range(count + 1)]
    grid = [middle - radius * cos(pi * i / 1000) for i in range(1001)]
    for _ in range(8):
        system = [[x ** (known + j) for j in range(count)] + [(-1) ** i / weight(x)] for i, x in enumerate(points)]
        right = [wanted(x) - sum(c * x**j for j, c in enumerate(fixed)) for x in points]
        found = fixed + list(lu_solve(matrix(system), matrix(right)))[:count]
        errors = [error(found, x) for x in grid]
        runs = []  # the largest error between two changes of sign
        for x, e in zip(grid, errors, strict=True):
            if runs and (runs[-1][1] > 0) == (e > 0):
                runs[-1] = max(runs[-1], (x, e), key=lambda run: abs(run[1]))
            else:
                runs.append((x, e))
        while len(runs) > count + 1:
            runs.remove(min(runs, key=lambda run: abs(run[1])))
        if len(runs) < count + 1:
            break  # noise: the error is below what counts
        points = [x for x, _ in runs]
    rounded = [float(c) for c in found]
    return rounded, float(max(abs(error([mpf(c) for c in rounded], x)) for x in grid))
