"""Special functions of scipy.special's names, as ufuncs of our own loops; SciPy is not needed.

`allcores.__init__` exports them. A name whose loop is absent from the compiled tables is an error at import.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from allcores import _ufuncs
from allcores.kernels import Kernel, register

__all__ = ["erf", "erfc", "expit", "gammaln", "logit", "ndtr", "sincos", "softplus", "xlogy"]

_FORM = """{name}({inputs}, /, out=None, *, where=True, casting='same_kind', order='K', dtype=None, subok=True)

{summary}

Parameters
----------
{parameters}
out, where, casting, order, dtype, subok
    As for any ufunc of NumPy.

Returns
-------
{returns}
    float32 for float32, float16 and integers of 16 bits and fewer, else float64.

Notes
-----
{notes}

Examples
--------
>>> import allcores as ac
>>> {example}
"""
_X = "x : array_like\n    Real numbers."
_SILENT = "\nNo warning is given at poles, outside of the domain or in underflow."


def _reference(name: str) -> Any:
    """Return scipy.special's function, imported when it is called first."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module("scipy.special"), name)(*args, **kwargs)

    return call


def _make(
    name: str,
    summary: str,
    notes: str,
    example: str,
    parameters: str = _X,
    inputs: str = "x",
    ulp: float = 2.0,
    returns: str = "ndarray or scalar",
    reference: Any = None,
) -> Any:
    notes += _SILENT if reference is None else ""
    doc = _FORM.format(
        name=name, inputs=inputs, summary=summary, parameters=parameters, returns=returns, notes=notes, example=example
    )
    cost = next(cost for ufunc, types, cost, _ in _ufuncs.mathematics() if ufunc == name and types[0] == "d")
    made = _ufuncs.make(_ufuncs.own_mathematics(name, doc), cost, True, False)
    register(Kernel(name, "special", made, reference or _reference(name), cost, exact=False, ulp=ulp))
    return made


erf = _make(
    "erf", "Return the error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.",
    "Within 2 ULP. From a table of values and slopes at multiples of 1/64, and the integral from the nearest to x.",
    "float(ac.erf(0.5)).__round__(12)\n0.520499877813",
)  # fmt: skip
erfc = _make(
    "erfc", "Return 1 - erf(x), accurate also where erf(x) is near 1.",
    "Within 2 ULP. From a table as erf is, of its own values, so that small results are as exact as others.",
    "float(ac.erfc(0.5)).__round__(12)\n0.479500122187",
)  # fmt: skip
ndtr = _make(
    "ndtr", "Return the distribution function of the standard normal distribution.",
    "Within 2 ULP, in the lower tail too. As erfc, of x / sqrt(2) in two parts.",
    "float(ac.ndtr(1.0)).__round__(12)\n0.841344746069",
)  # fmt: skip
expit = _make(
    "expit", "Return the logistic function 1 / (1 + exp(-x)).",
    "Within 2 ULP. From exp(-|x|), so nothing overflows.",
    "float(ac.expit(0.0))\n0.5",
)  # fmt: skip
logit = _make(
    "logit", "Return log(x / (1 - x)), the inverse of expit.",
    "Within 2 ULP. 2 atanh of a quotient that is exact near x = 1/2.",
    "float(ac.logit(0.5))\n0.0",
    "x : array_like\n    Probabilities; NaN outside of [0, 1], -inf at 0, inf at 1.",
)  # fmt: skip
softplus = _make(
    "softplus", "Return log(1 + exp(x)).",
    "Within 2 ULP. max(x, 0) + log1p(exp(-|x|)), so nothing overflows.",
    "float(ac.softplus(0.0)).__round__(12)\n0.69314718056",
)  # fmt: skip
gammaln = _make(
    "gammaln", "Return the logarithm of the absolute value of the gamma function.",
    "Within 2 ULP for positive x, near the zeros at 1 and 2 too. Below 4.5 a polynomial around 2 and one logarithm,\n"
    "beyond Stirling's formula. Negative x by the C library, one at a time. Overflow is reported.",
    "float(ac.gammaln(5.0)).__round__(12)\n3.178053830348",
)  # fmt: skip
xlogy = _make(
    "xlogy", "Return x * log(y), and 0 where x is 0 and y is not NaN.",
    "Within 2 ULP. The logarithm has two parts.",
    "float(ac.xlogy(0.0, 0.0))\n0.0",
    "x, y : array_like\n    Real numbers, broadcast against each other.", "x, y",
)  # fmt: skip
sincos = _make(
    "sincos", "Return sine and cosine of x, in radians, at little more than the cost of one.",
    "Within 1 ULP each; the same bits as our own sin and cos. INVALID is raised at infinities.",
    "[round(float(y), 12) for y in ac.sincos(1.0)]\n[0.841470984808, 0.540302305868]",
    ulp=1.0, returns="sine, cosine : ndarray or scalar", reference=lambda x: (np.sin(x), np.cos(x)),
)  # fmt: skip

SPECIAL = {name: globals()[name] for name in __all__}
