"""Generates the coefficients of ext/simd/math_*.h by mpmath.

    python -m pip install mpmath
    cd ext && python -m coefficients          # writes ext/simd/math_*_coefficients.h anew

One module a family; each has `lines()`, which returns the lines of its header.
"""
