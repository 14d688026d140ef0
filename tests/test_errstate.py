"""Floating-point errors: np.errstate means for our calls what it means for NumPy's."""

import numpy as np
import pytest
from support import OWN_MATHEMATICS, UFUNC_KERNELS, differences, outcome, tolerance

import allcores as ac

N = 300
LARGEST = np.finfo("g").max

# Kind of error -> calls that give it: (ufunc, dtype, operands of the one element that does)
CAUSES = {
    "divide": [("divide", "d", (1.0, 0.0)), ("log", "f", (0.0,)), ("floor_divide", "l", (1, 0)),
               ("divide", "F", (1, 0)), ("reciprocal", "e", (0.0,)), ("divmod", "i", (1, 0))],
    "over": [("multiply", "d", (1e300, 1e300)), ("exp", "f", (1e3,)), ("add", "e", (6e4, 6e4)), ("cosh", "d", (1e4,)),
             ("add", "g", (LARGEST, LARGEST)), ("power", "d", (10.0, 400.0)), ("multiply", "D", (1e300, 1e300))],
    "under": [("multiply", "d", (1e-300, 1e-300)), ("exp", "d", (-1e4,)), ("ldexp", "d", (1.0, -2000)),
              ("divide", "f", (1e-38, 1e10)), ("hypot", "f", (1e-45, 1e-45))],
    "invalid": [("divide", "d", (0.0, 0.0)), ("sqrt", "d", (-1.0,)), ("log", "f", (-1.0,)), ("fmod", "d", (1.0, 0.0)),
                ("subtract", "f", (np.inf, np.inf)), ("arccos", "d", (2.0,)), ("sin", "d", (np.inf,)),
                ("remainder", "e", (1.0, 0.0))],
}  # fmt: skip
# NumPy's own loops of one function differ between instruction sets in whether they tell of underflow.
CASES = [
    (kind, *cause)
    for kind, causes in CAUSES.items()
    for cause in causes
    if kind != "under" or cause[0] not in OWN_MATHEMATICS
]
IDS = [f"{kind}-{name}-{dtype}" for kind, name, dtype, _ in CASES]


def operands(name, dtype, bad, place):
    made = []
    types = next(t for t in UFUNC_KERNELS[name].reference.types if t.startswith(dtype))
    for value, code in zip(bad, types, strict=False):
        operand = np.ones(N, code)
        if place is not None:
            with np.errstate(all="ignore"):
                operand[place] = np.dtype(code).type(value)
        made.append(operand)
    return made


FORMS = {
    "contiguous": lambda ops: (ops, {}),
    "matrix_and_row": lambda ops: ([ops[0].reshape(20, 15), *(o.reshape(20, 15)[19] for o in ops[1:])], {}),
    "strided": lambda ops: ([np.repeat(o, 2)[::2] for o in ops], {}),
    "byte_swapped": lambda ops: ([o.astype(o.dtype.newbyteorder()) for o in ops], {}),
    "masked": lambda ops: (ops, {"where": np.arange(N) % 5 == 4, "out": None}),
    "masked_out": lambda ops: (ops, {"where": np.arange(N) % 5 == 4, "out": np.zeros(N, ops[0].dtype)}),
}


def complete(kwargs, reference, dtype):
    if reference.nout > 1 and "out" in kwargs:
        kwargs["out"] = tuple(np.zeros(N, dtype) for _ in range(reference.nout))


class Log:
    def __init__(self):
        self.lines = []

    def write(self, text):
        self.lines.append(text)


@pytest.mark.parametrize(("kind", "name", "dtype", "bad"), CASES, ids=IDS)
@pytest.mark.parametrize("form", FORMS)
def test_every_mode(kind, name, dtype, bad, form, force, capfd):
    kernel = UFUNC_KERNELS[name]
    for threads in (2, 7):
        with force(threads):
            for place in (0, N // 2, N - 1):
                for mode in ("ignore", "warn", "raise", "call", "log", "print"):
                    found, said = [], []
                    for function in (kernel.function, kernel.reference):
                        inputs, kwargs = FORMS[form](operands(name, dtype, bad, place))
                        complete(kwargs, kernel.reference, inputs[0].dtype)
                        calls, log = [], Log()
                        handler = log if mode == "log" else lambda text, flag, calls=calls: calls.append((text, flag))
                        with np.errstate(all="ignore"), np.errstate(**{kind: mode}, call=handler):
                            result = outcome(function, *inputs, **kwargs)
                        found.append(result)
                        said.append((calls, log.lines, capfd.readouterr()))
                    where = kwargs.get("where")
                    assert differences(*found, where=where, rtol=tolerance(name, dtype)) == "", (threads, place, mode)
                    assert said[0] == said[1], (threads, place, mode)
                    if mode == "raise" and place == N - 1:
                        assert isinstance(found[1].error, FloatingPointError), "the case itself gives no error"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("kind", "name", "dtype", "bad"), CASES, ids=IDS)
def test_all_kinds_at_once_as_numpy_does_by_default(kind, name, dtype, bad, form, threads):
    kernel = UFUNC_KERNELS[name]
    found = []
    for function in (kernel.function, kernel.reference):
        inputs, kwargs = FORMS[form](operands(name, dtype, bad, N - 1))
        complete(kwargs, kernel.reference, inputs[0].dtype)
        found.append(outcome(function, *inputs, **kwargs))
    assert differences(*found, where=kwargs.get("where"), rtol=tolerance(name, dtype)) == ""


def test_a_clean_call_after_a_dirty_one_is_silent(threads):
    dirty, clean = np.zeros(N), np.ones(N)
    for _ in range(20):
        with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
            ac.divide(clean, dirty)
        with np.errstate(all="raise"):
            ac.divide(clean, clean)
            ac.log(clean)
            ac.add(clean[:, None], clean)


def test_an_ignored_error_does_not_show_in_the_next_call(threads):
    dirty, clean = np.zeros(N), np.ones(N)
    with np.errstate(all="ignore"):
        ac.divide(clean, dirty)
        ac.divide(dirty, dirty)
    with np.errstate(all="raise"):
        ac.divide(clean, clean)
        np.divide(clean, clean)


def test_flags_left_by_others_are_not_ours(threads):
    """A flag set in the calling thread outside of any ufunc stays unreported."""
    import ctypes
    import ctypes.util

    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    if not hasattr(libm, "feraiseexcept"):
        pytest.skip("no feraiseexcept in the C library")
    libm.feraiseexcept(1 | 4)
    with np.errstate(all="raise"):
        ac.divide(np.ones(N), np.ones(N))
        ac.exp(np.ones((20, 1)) + np.zeros(15))


def test_several_kinds_in_one_call(threads):
    a = np.array([1.0, 0.0, 1e300, 1e-300] * 50)
    b = np.array([0.0, 0.0, 1e-300, 1e300] * 50)
    for mode in ("warn", "raise"):
        with np.errstate(all=mode):
            assert differences(outcome(ac.divide, a, b), outcome(np.divide, a, b)) == ""


def test_warning_as_error_keeps_out_written(threads):
    import warnings

    out = np.zeros(N)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="divide by zero encountered in divide"):
            ac.divide(np.ones(N), np.zeros(N), out=out)
    assert np.isinf(out).all()


def test_a_handler_that_raises(threads):
    def handler(text, flag):
        raise LookupError(text)

    with np.errstate(all="call", call=handler), pytest.raises(LookupError, match="divide by zero"):
        ac.divide(np.ones(N), np.zeros(N))


def test_a_handler_that_calls_us_again(threads):
    seen = []

    def handler(text, flag):
        seen.append(ac.add(np.ones(N), np.ones(N)).sum())

    with np.errstate(all="call", call=handler):
        ac.divide(np.ones(N), np.zeros(N))
    assert seen == [2 * N]
