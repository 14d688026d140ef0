"""CPython's own tests of concurrent.futures with our Executor: PYTHON tests/cpython_futures.py, a CPython that ships
them.

Needs neither NumPy nor our compiled modules: the pool uses neither. Left out, with the reason:

    test_max_workers_negative, test_max_tasks_*     of ProcessPoolExecutor's own messages and parameters
    test_process_pool, test_thread_pool, test_deadlock, test_init, test_shutdown
                                                    look into attributes of CPython's executors (_processes, _threads,
                                                    _call_queue), or expect a pool that breaks; ours are test_pool.py
    test_future                                     of the Future class alone, which ours inherits
"""

import sys
import types
import unittest
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "allcores"


def stand_in():
    """Import allcores.pool without allcores/__init__, which needs what is compiled."""
    module = types.ModuleType("allcores")
    module.__path__ = [str(PACKAGE)]
    sys.modules["allcores"] = module
    from allcores.pool import Executor

    return Executor


def suite():
    from test.test_concurrent_futures import executor, test_as_completed, test_wait, util

    our_executor = stand_in()

    class Ours(our_executor):
        def __init__(self, max_workers=None, mp_context=None, **options):
            super().__init__(max_workers, **options)

    class OursMixin(util.ExecutorMixin):
        executor_type = Ours
        ctx = "spawn"  # makes the mixin ask for processes

    classes = {"__name__": "ours"}
    for tests in (executor.ExecutorTest, test_wait.WaitTests, test_as_completed.AsCompletedTests):
        util.create_executor_tests(classes, tests, executor_mixins=(OursMixin,))
    loader = unittest.TestLoader()
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(found) for found in classes.values() if isinstance(found, type)
    )


if __name__ == "__main__":
    result = unittest.TextTestRunner(verbosity=2).run(suite())
    sys.exit(not result.wasSuccessful())
