"""Every ufunc of the registry against NumPy: every numeric type, every layout, 1, 2 and 7 threads.

A layout is a function that makes the arguments of one call; it is run twice, for us and for NumPy, so that what is
written in place can be compared too.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest
from support import (
    EITHER_ZERO,
    NUMERIC,
    THREADS,
    UFUNC_KERNELS,
    UNWRITTEN_BY_NUMPY,
    differences,
    numeric_lines,
    outcome,
    positive_zeros,
    tolerance,
    values,
)

from allcores import _driver

ROWS, COLUMNS = 11, 23
N = ROWS * COLUMNS


@dataclass
class Call:
    """Arguments of one call, the arrays it may write to, and the elements that get a value (all: None)."""

    inputs: list
    kwargs: dict = field(default_factory=dict)
    written: list = field(default_factory=list)
    where: object = None


@dataclass
class Maker:
    """Makes operands of one line of a ufunc's types."""

    inputs: str
    outputs: str
    special: bool
    may_raise: bool

    def make(self, index, shape, dtype=None, seed=0):
        dtype = np.dtype(dtype or self.inputs[index])
        made = values(dtype, int(np.prod(shape)), 100 * index + seed, special=self.special)
        if self.may_raise and index and dtype.kind == "i":
            made = np.abs(made % dtype.type(9))  # a negative exponent is test_power.py's
        return made.reshape(shape)

    def operands(self, shape):
        return [self.make(i, shape) for i in range(len(self.inputs))]

    def out(self, shape, index=0, dtype=None, order="C"):
        return np.full(shape, 1, dtype or self.outputs[index], order=order)


LAYOUTS = {}


def layout(function):
    LAYOUTS[function.__name__] = function
    return function


def with_out(call, *outs, **kwargs):
    call.kwargs = {"out": outs, **kwargs}
    call.written += [out if out.base is None or out.base.dtype != out.dtype else out.base for out in outs]
    return call


@layout
def flat(m):
    return Call(m.operands(N))


@layout
def strided(m):
    return Call([m.make(i, N * (2 + i))[:: 2 + i] for i in range(len(m.inputs))])


@layout
def negative(m):
    return Call([operand[::-1] for operand in m.operands(N)])


@layout
def one_negative(m):
    first, *rest = m.operands(N)
    return Call([first[::-1], *rest])


@layout
def matrix(m):
    return Call(m.operands((ROWS, COLUMNS)))


@layout
def transposed(m):
    return Call([operand.T for operand in m.operands((ROWS, COLUMNS))])


@layout
def c_and_f(m):
    first, *rest = m.operands((ROWS, COLUMNS))
    return Call([np.asfortranarray(first), *rest])


@layout
def cropped(m):
    return Call([m.make(i, (ROWS + 2, COLUMNS + 3))[1:-1, 2:-1] for i in range(len(m.inputs))])


@layout
def axes_mixed(m):
    return Call([m.make(i, (4, 5, 1, 6)).transpose(2, 0, 3, 1) for i in range(len(m.inputs))])


@layout
def row(m):
    first, *rest = m.operands((ROWS, COLUMNS))
    return Call([first, *(r[0].copy() for r in rest)])


@layout
def narrow_rows(m):
    return Call([m.make(i, (83, 3) if i == 0 else (3,)) for i in range(len(m.inputs))])


@layout
def row_first(m):
    first, *rest = m.operands((ROWS, COLUMNS))
    return Call([first[0].copy(), *rest])


@layout
def column(m):
    first, *rest = m.operands((ROWS, COLUMNS))
    return Call([first, *(r[:, :1].copy() for r in rest)])


@layout
def column_and_row(m):
    return Call([m.make(i, (ROWS, 1) if i == 0 else (1, COLUMNS)) for i in range(len(m.inputs))])


@layout
def zero_stride(m):
    return Call([np.broadcast_to(operand[:1], (N,)) for operand in m.operands(N)])


@layout
def zero_dim_last(m):
    first, *rest = m.operands(N)
    return Call([first, *(r[3].reshape(()) for r in rest)])


@layout
def zero_dim_first(m):
    first, *rest = m.operands(N)
    return Call([first[4].reshape(()), *rest])


@layout
def scalar_last(m):
    first, *rest = m.operands(N)
    return Call([first, *(r[3] for r in rest)])


@layout
def python_scalar_last(m):
    first, *rest = m.operands(N)
    return Call([first, *(r[5].item() for r in rest)])


@layout
def python_scalar_first(m):
    first, *rest = m.operands(N)
    return Call([first[5].item(), *rest])


@layout
def small_int_last(m):
    first, *rest = m.operands(N)
    return Call([first, *(2 for _ in rest)])


@layout
def large_int_last(m):
    first, *rest = m.operands(N)
    return Call([first, *(300 for _ in rest)])


@layout
def only_scalars(m):
    return Call([operand[0] for operand in m.operands(2)])


@layout
def empty(m):
    return Call(m.operands(0))


@layout
def empty_axis(m):
    return Call(m.operands((3, 0, 2)))


@layout
def size_one(m):
    return Call(m.operands((1, 1)))


@layout
def size_two(m):
    return Call(m.operands(2))


@layout
def zero_dim(m):
    return Call(m.operands(()))


@layout
def unaligned(m):
    inputs = []
    for operand in m.operands(N):
        memory = np.zeros(operand.nbytes + 1, np.uint8)
        view = memory[1:].view(operand.dtype)
        view[...] = operand
        inputs.append(view)
    return Call(inputs)


@layout
def byte_swapped(m):
    return Call([operand.astype(operand.dtype.newbyteorder()) for operand in m.operands(N)])


@layout
def byte_swapped_first(m):
    first, *rest = m.operands((ROWS, COLUMNS))
    return Call([first.astype(first.dtype.newbyteorder()), *rest])


@layout
def read_only(m):
    inputs = m.operands(N)
    for operand in inputs:
        operand.flags.writeable = False
    return Call(inputs)


@layout
def lists(m):
    first, *rest = m.operands(N)
    return Call([first, *(r.tolist() for r in rest)])


@layout
def shapes_that_do_not_fit(m):
    first, *rest = m.operands(N)
    return with_out(Call([first, *(r[:-2] for r in rest)]), *(m.out(N - 1, i) for i in range(len(m.outputs))))


@layout
def out(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i) for i in range(len(m.outputs))))


@layout
def out_positional(m):
    call = Call(m.operands((ROWS, COLUMNS)))
    outs = [m.out((ROWS, COLUMNS), i) for i in range(len(m.outputs))]
    call.inputs += outs
    call.written = outs
    return call


@layout
def out_strided(m):
    return with_out(Call(m.operands(N)), *(m.out(2 * N, i)[::2] for i in range(len(m.outputs))))


@layout
def out_reversed(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i)[::-1] for i in range(len(m.outputs))))


@layout
def out_fortran(m):
    outs = (m.out((ROWS, COLUMNS), i, order="F") for i in range(len(m.outputs)))
    return with_out(Call(m.operands((ROWS, COLUMNS))), *outs)


@layout
def out_larger(m):
    return with_out(Call(m.operands(COLUMNS)), *(m.out((ROWS, COLUMNS), i) for i in range(len(m.outputs))))


@layout
def out_smaller(m):
    return with_out(Call(m.operands((ROWS, COLUMNS))), *(m.out((1, COLUMNS), i) for i in range(len(m.outputs))))


@layout
def out_read_only(m):
    call = with_out(Call(m.operands(N)), *(m.out(N, i) for i in range(len(m.outputs))))
    for one in call.kwargs["out"]:
        one.flags.writeable = False
    return call


@layout
def out_wider(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i, "D") for i in range(len(m.outputs))))


@layout
def out_float32(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i, "f") for i in range(len(m.outputs))))


@layout
def out_int16_unsafe(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i, "h") for i in range(len(m.outputs))), casting="unsafe")


@layout
def out_byte_swapped(m):
    outs = [m.out(N, i) for i in range(len(m.outputs))]
    return with_out(Call(m.operands(N)), *(o.astype(o.dtype.newbyteorder()) for o in outs))


@layout
def out_unaligned(m):
    outs = [m.out(N, i) for i in range(len(m.outputs))]
    views = [np.zeros(o.nbytes + 1, np.uint8)[1:].view(o.dtype) for o in outs]
    return with_out(Call(m.operands(N)), *views)


@layout
def out_is_input(m):
    inputs = m.operands(N)
    return with_out(Call(inputs, written=list(inputs)), inputs[0], *(m.out(N, i) for i in range(1, len(m.outputs))))


@layout
def out_is_last_input(m):
    inputs = m.operands((ROWS, COLUMNS))
    outs = (m.out((ROWS, COLUMNS), i) for i in range(1, len(m.outputs)))
    return with_out(Call(inputs, written=list(inputs)), inputs[-1], *outs)


@layout
def out_shifted_on(m):
    whole, *rest = m.operands(N + 1)
    outs = (m.out(N, i) for i in range(1, len(m.outputs)))
    return with_out(Call([whole[:-1], *(r[1:] for r in rest)], written=[whole]), whole[1:], *outs)


@layout
def out_shifted_back(m):
    whole, *rest = m.operands(N + 1)
    outs = (m.out(N, i) for i in range(1, len(m.outputs)))
    return with_out(Call([whole[1:], *(r[1:] for r in rest)], written=[whole]), whole[:-1], *outs)


@layout
def out_is_reversed_input(m):
    inputs = m.operands(N)
    outs = (m.out(N, i) for i in range(1, len(m.outputs)))
    return with_out(Call(inputs, written=list(inputs)), inputs[0][::-1], *outs)


@layout
def out_is_transposed_input(m):
    inputs = m.operands((ROWS, ROWS))
    outs = (m.out((ROWS, ROWS), i) for i in range(1, len(m.outputs)))
    return with_out(Call(inputs, written=list(inputs)), inputs[0].T, *outs)


@layout
def out_is_broadcast_input(m):
    first, *rest = m.operands((ROWS, COLUMNS))
    outs = (m.out((ROWS, COLUMNS), i) for i in range(1, len(m.outputs)))
    # the row that all rows are combined with is overwritten on the way
    return with_out(Call([first, *(first[3] for _ in rest)], written=[first]), first, *outs)


@layout
def out_twice(m):
    one = m.out(N)
    return with_out(Call(m.operands(N)), *(one for _ in m.outputs))


@layout
def masked(m):
    mask = np.random.default_rng(9).random(N) < 0.5
    return Call(m.operands(N), {"where": mask}, where=mask)


@layout
def masked_out(m):
    mask = np.random.default_rng(9).random(N) < 0.5
    return with_out(Call(m.operands(N)), *(m.out(N, i) for i in range(len(m.outputs))), where=mask)


@layout
def masked_broadcast_out(m):
    mask = np.arange(COLUMNS) % 3 > 0
    outs = (m.out((ROWS, COLUMNS), i, order="F") for i in range(len(m.outputs)))
    return with_out(Call(m.operands((ROWS, COLUMNS))), *outs, where=mask)


@layout
def masked_column_out(m):
    mask = np.arange(ROWS)[:, None] % 3 > 0
    return with_out(Call(m.operands((ROWS, COLUMNS))), *(m.out((ROWS, COLUMNS), i) for i in range(len(m.outputs))),
                    where=mask)  # fmt: skip


@layout
def masked_out_cast(m):
    mask = np.random.default_rng(9).random(N) < 0.5
    return with_out(Call(m.operands(N)), *(m.out(N, i, "D") for i in range(len(m.outputs))), where=mask)


@layout
def masked_larger(m):
    mask = np.random.default_rng(9).random((ROWS, COLUMNS)) < 0.5
    return Call(m.operands(COLUMNS), {"where": mask}, where=mask)


@layout
def masked_by_list(m):
    inputs = m.operands(4)
    outs = (m.out(4, i) for i in range(len(m.outputs)))
    return with_out(Call(inputs), *outs, where=[True, False, True, True])


@layout
def mask_false(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i) for i in range(len(m.outputs))), where=False)


@layout
def order_c(m):
    return Call([operand.T for operand in m.operands((ROWS, COLUMNS))], {"order": "C"})


@layout
def order_f(m):
    return Call(m.operands((ROWS, COLUMNS)), {"order": "F"})


@layout
def order_a(m):
    return Call([operand.T for operand in m.operands((ROWS, COLUMNS))], {"order": "A"})


@layout
def dtype_float64(m):
    return Call(m.operands(N), {"dtype": np.float64})


@layout
def dtype_int16_unsafe(m):
    return Call(m.operands(N), {"dtype": "h", "casting": "unsafe"})


@layout
def casting_no(m):
    return Call(m.operands(N), {"casting": "no"})


@layout
def casting_no_out(m):
    return with_out(Call(m.operands(N)), *(m.out(N, i, "d") for i in range(len(m.outputs))), casting="no")


@layout
def signature(m):
    return Call(m.operands(N), {"signature": f"{m.inputs}->{m.outputs}"})


@layout
def not_subok(m):
    return Call(m.operands(N), {"subok": False})


# Calls on one thread are mostly NumPy's own.
ON_ONE_THREAD = {
    "flat", "strided", "negative", "transposed", "c_and_f", "row", "narrow_rows", "column", "python_scalar_last",
    "byte_swapped", "lists", "out_float32", "out_is_input", "out_shifted_on", "out_shifted_back", "masked_out",
}  # fmt: skip


def makers(kernel, special):
    for inputs, outputs in numeric_lines(kernel.reference):
        yield Maker(inputs, outputs, special, kernel.may_raise)


def no_reference(name, call):
    """Whether NumPy leaves elements of this call unwritten."""
    outs = call.kwargs.get("out", ())
    return name in UNWRITTEN_BY_NUMPY and any(o.dtype == np.bool_ and not o.flags.c_contiguous for o in outs)


def compare(name, maker, make_call):
    """Return what differs between one call of ours and NumPy's."""
    kernel = UFUNC_KERNELS[name]
    found = []
    for function in (kernel.function, kernel.reference):
        call = make_call(maker)
        if no_reference(name, call):
            return ""
        found.append(outcome(function, *call.inputs, written=call.written, **call.kwargs))
        where = call.where
    if name in EITHER_ZERO:
        found = [positive_zeros(one) for one in found]
    return differences(*found, where=where, rtol=tolerance(name, *maker.inputs))


@pytest.mark.parametrize("name", UFUNC_KERNELS)
def test_every_type_and_layout(name, force):
    failures = []
    for threads in THREADS:
        with force(threads):
            # Special values give every warning; with tame ones a warning too many shows.
            for maker in (m for special in (True, False) for m in makers(UFUNC_KERNELS[name], special)):
                for text, make_call in LAYOUTS.items():
                    if threads == 1 and text not in ON_ONE_THREAD:
                        continue
                    found = compare(name, maker, make_call)
                    if found:
                        line = f"{maker.inputs}->{maker.outputs}"
                        failures.append(f"{line} {text}, {threads} threads, special={maker.special}: {found}")
    assert not failures, f"{len(failures)} calls differ\n" + "\n".join(failures[:40])


@pytest.mark.parametrize("name", [name for name in UFUNC_KERNELS if UFUNC_KERNELS[name].reference.nin == 2])
def test_mixed_types(name, force):
    """Every pair of numeric types, and of one with Python's numbers."""
    kernel = UFUNC_KERNELS[name]
    failures = []
    maker = Maker("", "", True, kernel.may_raise)
    with force(2):
        for first in NUMERIC:
            for second in [*NUMERIC, True, 3, 300, -1, 2**70, 0.5, 1e300, 2j]:
                if kernel.may_raise and second in (-1, 2**70):
                    continue
                found = []
                for function in (kernel.function, kernel.reference):
                    a = maker.make(0, (5, 7), first)
                    b = maker.make(1, (7,), second) if isinstance(second, str) else second
                    found.append([outcome(function, a, b), outcome(function, b, a)])
                for ours, numpys in zip(*found, strict=True):
                    different = differences(
                        ours, numpys, rtol=tolerance(name, first, *([second] if isinstance(second, str) else []))
                    )
                    if different:
                        failures.append(f"{first} {second}: {different}")
    assert not failures, f"{len(failures)} calls differ\n" + "\n".join(failures[:40])


# Numeric lines whose calls do not run on several threads, and why.
SERIAL = {}


@pytest.mark.parametrize("name", UFUNC_KERNELS)
def test_every_type_runs_on_two_threads(name, force, with_openmp):
    kernel = UFUNC_KERNELS[name]
    serial = []
    with force(2):
        for maker in makers(kernel, special=False):
            line = f"{maker.inputs}->{maker.outputs}"
            # A line that an earlier one shadows is only reached by asking for it.
            for call in (flat(maker), row(maker), transposed(maker), byte_swapped(maker)):
                regions = _driver.settings()["regions"]
                outcome(kernel.function, *call.inputs, **call.kwargs)
                _, _, ran = _driver.last_region_of_this_thread()
                if _driver.settings()["regions"] == regions or ran < 2:
                    serial.append(line)
                    break
    assert set(serial) == set(SERIAL.get(name, {}))
