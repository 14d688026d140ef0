"""Blocks of shared memory and their handles: what travels, what keeps them, what becomes of lost messages."""

import functools
import os
import pickle
import sys
import threading

import numpy as np
import pytest
from support import nothing_shared_left, run_script

import allcores as ac

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared arrays need Linux")

if sys.platform == "linux":
    from allcores import _shared
    from allcores.shared import blocks


@pytest.fixture(autouse=True)
def nothing_left():
    with nothing_shared_left():
        yield


def test_a_pickle_keeps_the_memory_until_it_is_loaded():
    data = pickle.dumps(ac.shared.arange(1000))
    assert len(data) < 200
    assert ac.shared.usage()["in_flight"] == 1
    first = pickle.loads(data)
    assert ac.shared.usage()["in_flight"] == 0
    second = pickle.loads(data)  # while somebody has it
    assert np.shares_memory(first, second)
    del first, second
    with pytest.raises(ac.shared.SharedArrayGone):
        pickle.loads(data)
    other = ac.shared.arange(1000)  # the same place, another block
    with pytest.raises(ac.shared.SharedArrayGone):
        pickle.loads(data)
    del other


def test_pins_of_lost_messages():
    a = ac.shared.ones(3)
    block, _ = blocks.block_of(a)
    handle = block.handle()
    blocks.unpin(handle)
    blocks.unpin(handle)
    assert ac.shared.usage()["in_flight"] == 0
    data = [pickle.dumps(a) for _ in range(3)]
    assert ac.shared.forget(older_than=1000) == 0
    assert ac.shared.forget() == 3
    assert pickle.loads(data[0]).sum() == 3
    del a, block
    with pytest.raises(ac.shared.SharedArrayGone):
        pickle.loads(data[1])


def test_forged_handles_are_refused():
    with pytest.raises(TypeError, match="handle"):
        blocks.attach(b"x")
    block = blocks.allocate(100)
    handle = bytearray(block.handle())
    for place in range(len(handle)):
        forged = bytearray(handle)
        forged[place] ^= 0x55
        try:
            other = blocks.attach(bytes(forged))
        except (ac.shared.SharedArrayGone, OSError):
            continue
        assert other.nbytes <= 128
        del other
    blocks.unpin(bytes(handle))
    ac.shared.forget()


def test_blocks():
    block = blocks.allocate(1000)
    assert len(block) == block.nbytes == 1000
    view = memoryview(block)
    view[:5] = b"hello"
    other = blocks.attach(block.handle(), readonly=True)
    assert bytes(memoryview(other)[:5]) == b"hello"
    assert memoryview(other).readonly
    assert blocks.block_of(np.ones(3)) is None
    array = np.frombuffer(view, "u1", offset=100)
    assert blocks.block_of(array[7:]) == (block, 107)
    assert blocks.allocate(0).nbytes == 0


def test_pins_end_with_their_message():
    block = blocks.allocate(100_000)
    pin = block.pin()
    del block
    assert ac.shared.usage()["arrays"] == 1
    del pin
    assert ac.shared.usage()["arrays"] == 0
    block = blocks.allocate(100_000)
    pin = block.pin()
    del block
    block = blocks.attach(pin.handle)
    del pin  # loaded already: no harm
    memoryview(block)[0] = 1
    pin = block.pin()
    child = os.fork()
    if not child:
        del pin, block  # neither is the child's to end
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    del block
    assert memoryview(blocks.attach(pin.handle))[0] == 1
    with pytest.raises(TypeError, match=r"made by Block.pin\(\)"):
        type(pin)()


def test_pickles_that_are_held():
    a = ac.shared.ones(1000)
    for _ in range(2):
        pickled, held = _shared.collecting(functools.partial(pickle.dumps, [a, a[10:]]))
    assert ac.shared.usage()["in_flight"] == 2  # of the first pickle none
    del a
    assert [one.sum() for one in pickle.loads(pickled)] == [1000, 990]
    assert [one.sum() for one in pickle.loads(pickled)] == [1000, 990]
    del held
    assert ac.shared.usage()["arrays"] == 0
    with pytest.raises(ac.shared.SharedArrayGone):
        pickle.loads(pickled)
    a = ac.shared.ones(1000)
    with pytest.raises(TypeError, match="pickle"):
        _shared.collecting(functools.partial(pickle.dumps, [a, threading.Lock()]))
    pickled = pickle.dumps(a)  # as without
    del a
    assert pickle.loads(pickled).sum() == 1000


def test_dask_is_told_that_they_pickle():
    run_script("""
        import sys, types
        found = {}
        dask = types.ModuleType("distributed.protocol")
        dask.dask_serialize = types.SimpleNamespace(register=lambda type: lambda f: found.update({type: f}))
        sys.modules["distributed.protocol"] = dask
        import allcores as ac
        assert not found
        a = ac.shared.ones(3)
        try:
            found[ac.shared.SharedArray](a)
        except NotImplementedError:  # what makes Dask go on to pickle
            sys.exit()
        sys.exit("Dask would send the contents")
    """)


@pytest.mark.parametrize("nbytes", [100, 100_000, 5_000_001])
def test_private_blocks(nbytes):
    block = blocks.allocate(nbytes)
    spare = blocks.allocate(nbytes)  # so that it does not begin where its arena does
    for one in (block, spare):
        block = one
        memoryview(block)[:] = bytes(nbytes)
        private = blocks.attach(block.handle(), private=True)
        view = memoryview(private)
        view[0] = view[nbytes - 1] = 7
        assert memoryview(block).tobytes() == bytes(nbytes)
        assert view[0] == view[-1] == 7
        array = np.frombuffer(private, "u1")
        assert not ac.shared.is_shared(array)
        with pytest.raises(ValueError, match="this process's alone"):
            private.handle()
        del view, private
        assert array[0] == 7
        del array


def test_blocks_are_written():
    block = blocks.allocate(5_000_000)
    source = np.arange(1_000_000, dtype="u4")
    block.write(64, memoryview(source))
    np.testing.assert_array_equal(np.frombuffer(block, "u4", offset=64, count=source.size), source)
    for offset in (-1, 1_000_001, 5_000_000):
        with pytest.raises(ValueError, match="cannot be written at"):
            block.write(offset, memoryview(source))
    with pytest.raises(ValueError, match="cannot be written"):
        blocks.attach(block.handle(), readonly=True).write(0, b"a")
    with pytest.raises(BufferError):
        block.write(0, memoryview(source)[::2])
