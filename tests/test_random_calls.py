"""Random shapes, strides and types: whatever NumPy accepts, we answer the same, bit for bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import UFUNC_KERNELS, differences, outcome, tolerance, values

import allcores as ac
from allcores import _driver

TYPES = st.sampled_from([*"?bBhHiIlLefdgFD", ">i4", ">f8", ">c8"])
EXACT = sorted(name for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "less", "equal",
                                 "logical_and", "hypot", "copysign", "bitwise_xor", "left_shift", "floor_divide",
                                 "remainder", "divmod", "arctan2", "ldexp") if name in UFUNC_KERNELS)  # fmt: skip


@st.composite
def view(draw, shape):
    """An array of this shape, cut from a larger one: any order of axes, steps of either sign, offsets."""
    dtype = np.dtype(draw(TYPES))
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 1, 2, 3, -1, -2])) for _ in shape]
    pads = [draw(st.integers(0, 2)) for _ in shape]
    base_shape = [abs(step) * extent + pad for extent, step, pad in zip(shape, steps, pads, strict=True)]
    axes = [base_shape[axis] for axis in order]
    base = values(dtype.newbyteorder("="), int(np.prod(axes)), draw(st.integers(0, 50)), special=draw(st.booleans()))
    base = base.astype(dtype).reshape(axes).transpose(np.argsort(order))
    cut = tuple(
        slice(pad, pad + abs(step) * extent, abs(step)) for extent, step, pad in zip(shape, steps, pads, strict=True)
    )
    made = base[cut][tuple(slice(None, None, -1) if step < 0 else slice(None) for step in steps)]
    assert made.shape == tuple(shape)
    return made


@st.composite
def calls(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=5, max_side=9))
    inputs = [draw(view(shape)) for shape in shapes.input_shapes]
    kwargs = {}
    if draw(st.booleans()):
        kwargs["out"] = draw(view(shapes.result_shape)).copy("K")
        if draw(st.booleans()):
            kwargs["where"] = draw(hnp.arrays(np.bool_, shapes.input_shapes[0]))
        if draw(st.booleans()):
            kwargs["casting"] = draw(st.sampled_from(["same_kind", "unsafe", "safe"]))
    if draw(st.booleans()):
        kwargs["order"] = draw(st.sampled_from("KCFA"))
    return inputs, kwargs


def both(name, inputs, kwargs, threads):
    kernel = UFUNC_KERNELS[name]
    before = _driver.settings()
    _driver.configure(usable_cores=8, threads=threads, parallel_from=1)
    try:
        found = []
        for function in (kernel.function, kernel.reference):
            again = dict(kwargs)
            written = []
            if "out" in again:
                out = again["out"].copy("K")
                again["out"] = (out,) * kernel.reference.nout if kernel.reference.nout == 1 else (out, out.copy("K"))
                written = list(again["out"])
            found.append(outcome(function, *inputs[: kernel.reference.nin], written=written, **again))
        types = [np.asarray(x).dtype.char for x in inputs]
        return differences(*found, rtol=tolerance(name, *types))
    finally:
        _driver.configure(
            usable_cores=before["cores"], threads=before["threads"], parallel_from=before["parallel_from"]
        )


@settings(max_examples=600)
@given(call=calls(), name=st.sampled_from(EXACT), threads=st.sampled_from([1, 2, 3, 7]))
def test_two_operands(call, name, threads):
    assert both(name, *call, threads) == ""


@settings(max_examples=300)
@given(
    call=calls(),
    name=st.sampled_from(
        ["exp", "sqrt", "negative", "absolute", "sin", "modf", "frexp", "logical_not", "rint", "invert"]
    ),
    threads=st.sampled_from([1, 2, 3, 7]),
)
def test_one_operand(call, name, threads):
    inputs, kwargs = call
    kwargs.pop("out", None)
    kwargs.pop("where", None)
    assert both(name, inputs, kwargs, threads) == ""


@settings(max_examples=300)
@given(data=st.data(), size=st.integers(2, 400), threads=st.sampled_from([2, 3, 7]))
def test_overlapping_views_of_one_array(data, size, threads):
    """`out` and the operands are any views of the same memory."""

    def pick():
        step = data.draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        start = data.draw(st.integers(0, size))
        return start, step

    picks = [pick() for _ in range(3)]
    name = data.draw(st.sampled_from(["add", "subtract", "maximum", "multiply"]))
    kernel = UFUNC_KERNELS[name]
    before = _driver.settings()
    _driver.configure(usable_cores=8, threads=threads, parallel_from=1)
    try:
        found = []
        for function in (kernel.function, kernel.reference):
            base = np.arange(4 * size) % 251
            views = [base[start + size :: step] for start, step in picks]
            n = min(len(v) for v in views)
            first, second, out = (v[:n] for v in views)
            found.append(outcome(function, first, second, out=out, written=[base]))
    finally:
        _driver.configure(
            usable_cores=before["cores"], threads=before["threads"], parallel_from=before["parallel_from"]
        )
    assert differences(*found) == ""


@settings(max_examples=60)
@given(n=st.integers(0, 200_000), threads=st.integers(1, 9))
def test_results_do_not_depend_on_threads(n, threads):
    x = np.linspace(0.1, 3, n)
    with ac.limit(threads=1):
        want = [f(x).tobytes() for f in (ac.exp, ac.sqrt, ac.sin)]
    before = _driver.settings()
    _driver.configure(usable_cores=8, threads=threads, parallel_from=1)
    try:
        got = [f(x).tobytes() for f in (ac.exp, ac.sqrt, ac.sin)]
    finally:
        _driver.configure(
            usable_cores=before["cores"], threads=before["threads"], parallel_from=before["parallel_from"]
        )
    assert got == want
