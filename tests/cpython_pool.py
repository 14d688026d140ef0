"""CPython's own tests of multiprocessing.Pool with our Pool: PYTHON tests/cpython_pool.py, a CPython that ships them.

Needs neither NumPy nor our compiled modules, as cpython_futures.py. Left out, with the reason:

    _TestPool.test_make_pool        counts the processes in `_pool`, which ours lacks; its errors are in test_mp_pool.py
    _TestPool.test_traceback        wants multiprocessing's class as the error's cause; its text is in test_mp_pool.py
    _TestPoolWorkerErrors.test_unpickleable_result
                                    wants MaybeEncodingError; ours is UnpicklableResult
    _TestPoolWorkerLifetime.test_pool_worker_lifetime
                                    looks at the processes in `_pool`
    _TestPoolWorkerLifetime.test_worker_finalization_via_atexit_handler_of_multiprocessing
                                    runs a program of its own, with multiprocessing's Pool
    those of managers and threads   ours has processes only

test_mp_pool.py and test_mp_pool_faults.py have what stands in for these.
"""

import importlib
import multiprocessing
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cpython_futures import stand_in

stand_in()  # in workers, too: they import this module for the methods of its classes

theirs = importlib.import_module("test._test_multiprocessing")
Pool = importlib.import_module("allcores.calls.mp_pool").Pool

OMITTED = None  # hides an inherited test


class Processes(theirs.ProcessesMixin):
    """Instead of a module's start methods: our Pool, and no manager."""

    Pool = staticmethod(Pool)


class PoolTest(theirs._TestPool, Processes, unittest.TestCase):
    test_make_pool = OMITTED
    test_traceback = OMITTED


class WorkerErrorsTest(theirs._TestPoolWorkerErrors, Processes, unittest.TestCase):
    test_unpickleable_result = OMITTED


class WorkerLifetimeTest(theirs._TestPoolWorkerLifetime, Processes, unittest.TestCase):
    test_pool_worker_lifetime = OMITTED
    test_worker_finalization_via_atexit_handler_of_multiprocessing = OMITTED


def main():
    loader = unittest.TestLoader()
    classes = (PoolTest, WorkerErrorsTest, WorkerLifetimeTest)
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(found) for found in classes)
    with mock.patch.object(multiprocessing, "Pool", Pool):
        return unittest.TextTestRunner(verbosity=2).run(suite)


if __name__ == "__main__":
    import cpython_pool  # a module that workers can import

    result = cpython_pool.main()
    sys.exit(not result.wasSuccessful())
