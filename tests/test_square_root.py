"""sqrt where it is hardest: roots that all but lie in the middle of two floats, and the ends of the range."""

import numpy as np

import allcores as ac

BITS = 53


def nearly_midpoints(limit):
    """Return float64s x in [1, 4) with x 2^k - m^2 = d, where m / 2 is no 53-bit integer but half-way between two.

    |d| <= limit. As m is odd, d = -m^2 (mod 2^k) is solved for m by lifting a root bit by bit (Hensel), and the four
    roots are +-m and +-m + 2^(k-1).
    """
    found = []
    for doubled in (0, 1):  # x below 2, x from 2 on
        power = BITS + 1 + doubled
        modulus = 1 << power
        for d in range(-limit, limit + 1):
            if -d % 8 != 1:
                continue
            root = 1
            for bit in range(3, power):
                if (root * root + d) % (1 << (bit + 1)):
                    root += 1 << (bit - 1)
            for m in {
                root % modulus,
                -root % modulus,
                (root + modulus // 2) % modulus,
                (modulus // 2 - root) % modulus,
            }:
                for middle in (m, m + (modulus >> 1)):
                    if not (1 << BITS) <= middle < (1 << (BITS + 1)) or (middle * middle + d) % modulus:
                        continue
                    x = (middle * middle + d) >> power << doubled
                    value = float(x) / 2.0 ** (BITS - 1)
                    if (1, 2)[doubled] <= value < (2, 4)[doubled] and int(value * 2 ** (BITS - 1)) == x:
                        found.append(value)
    return np.array(sorted(set(found)))


def test_hardest_roots():
    values = nearly_midpoints(5000)
    assert len(values) > 1000
    for scale in (-898, -2, 0, 2, 800, 1020, -1022):
        x = np.resize(np.ldexp(values, scale), 300_000)
        assert np.array_equal(ac.sqrt(x), np.sqrt(x))


def test_random_roots():
    generator = np.random.default_rng(5)
    bits = generator.integers(0, 0x7FF0_0000_0000_0000, 2_000_003)
    x = bits.view(np.float64)
    assert np.array_equal(ac.sqrt(x), np.sqrt(x))
    ordinary = generator.uniform(0.25, 4.0, 2_000_003)
    assert np.array_equal(ac.sqrt(ordinary), np.sqrt(ordinary))


def test_squares():
    x = np.arange(1_000_000.0)
    assert np.array_equal(ac.sqrt(x * x), x)
