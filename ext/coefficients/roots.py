"""cbrt."""

from mpmath import cbrt, mpf

from coefficients.fit import define, define_polynomial, define_single, minimax, weighted_single

START = "AC_CBRT_SINGLE_START"


def as_float(bits):
    """Return the float64 value of float32's `bits`, which may have a fraction."""
    exponent, fraction = divmod(bits / 2**23, 1)
    return (1 + fraction) * 2 ** (exponent - 127)


def start():
    """Return c such that y of the bits c - bits(x) / 3 is nearest to 1 / cbrt(x), and the largest |1 - x y^3|.

    The bits of a float are nearly its logarithm.
    """
    bits = [127 * 2**23 + i * 3 * 2**23 / 3000 for i in range(3001)]

    def ends(c):
        errors = [1 - as_float(b) * as_float(c - b / 3) ** 3 for b in bits]
        return min(errors), max(errors)

    low, high = 169.0 * 2**23, 170.0 * 2**23
    for _ in range(40):
        middle = (low + high) / 2
        least, most = ends(middle)
        low, high = (middle, high) if least + most > 0 else (low, middle)
    return low, max(-least, most)


def lines():
    """Return the header's lines."""
    first, error = start()
    root = weighted_single(lambda h: 1 / cbrt(1 - h), lambda _: mpf(1), -error, error, 3)
    return [
        define("AC_CBRT_HALF", 1 / cbrt(mpf(2))),
        define("AC_CBRT_QUARTER", 1 / cbrt(mpf(4))),
        "/* 1 / cbrt(m), 1 <= m <= 2 */",
        *define_polynomial("AC_CBRT_P", *minimax(lambda m: 1 / cbrt(m), 1, 2, 5)),
        f"/* bits of y near 1 / cbrt(x) plus bits(x) / 3: |1 - x y^3| <= {error:.3f}; 1 / cbrt(1 - h) for such h */",
        define_single(START, first),
        *define_polynomial("AC_CBRT_SINGLE_P", *root, line=define_single),
    ]
