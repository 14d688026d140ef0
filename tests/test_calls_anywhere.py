"""Calls that run Python functions in processes, wherever they are made: nested, in threads and event loops, as the
interpreter ends, and in programs that are no file: notebooks, `python -c`, `python -`. And with more items than memory.
"""

import asyncio
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from faulty_calls import CALLS, COUNT, PATIENCE, RIGHT, double
from support import run_script

import allcores as ac

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at processes in /proc"),
    pytest.mark.usefixtures("processes_that_leave_nothing"),
]

HERE = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"


def run(source, **options):
    """Run a script in which this folder's modules can be imported; nothing may be on stderr."""
    done = run_script(HERE + textwrap.dedent(source), **options)
    assert done.stderr == ""
    return done.stdout


# --- nested -----------------------------------------------------------------------------------------------------------


def imap_of_block(block):
    return np.array(list(ac.imap(double, block.tolist())))


def blocks(n):
    return ac.map_blocks(imap_of_block, np.arange(n), blocks=2, workers=2).sum()


def in_pool(n):
    with ac.Pool(2) as pool:
        return sum(pool.map(maps, [n] * 2))


def maps(n):
    with ac.using("processes"):
        return sum(ac.map(double, range(n)))


def in_loop(n):
    async def main():
        return sum([x async for x in ac.aio.imap(maps, [n] * 2)])

    return asyncio.run(main())


def in_executor(n):
    with ac.Executor(2) as executor:
        return sum(executor.map(maps, [n] * 2))


def in_rows(n):
    return int(ac.apply_along_axis(lambda row: maps(int(row[0])), 1, np.full((4, 1), n), workers=2).sum())


def in_elements(n):
    return int(ac.vectorize(in_executor, otypes="l", workers=2)([n, n]).sum())


@pytest.mark.parametrize(
    ("inner", "expected"),
    [(blocks, 20), (in_pool, 40), (in_loop, 40), (in_executor, 40), (in_rows, 80), (in_elements, 80)],
)
def test_three_deep(inner, expected):
    assert ac.submit(inner, 5).result(PATIENCE) == expected
    assert ac.map(inner, [5, 5]) == [expected] * 2
    with ac.Pool(1) as pool:
        assert pool.apply(inner, (5,)) == expected

    async def main():
        return await ac.aio.submit(inner, 5)

    assert asyncio.run(main()) == expected


# --- threads and event loops ------------------------------------------------------------------------------------------


def test_every_call_in_threads_at_once():
    found = {}

    def work(name):
        result = CALLS[name].run(double, range(COUNT))
        found[name] = sorted(result)

    threads = [threading.Thread(target=work, args=(name,)) for name in CALLS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == dict.fromkeys(CALLS, RIGHT)


def test_every_blocking_call_in_an_event_loop():
    async def main():
        for name, call in CALLS.items():
            if not name.startswith("aio."):
                assert sorted(call.run(double, range(COUNT))) == RIGHT, name
        return await ac.aio.map(double, range(COUNT))

    assert asyncio.run(main()) == RIGHT


# --- the end of the interpreter ---------------------------------------------------------------------------------------

SLOW = 0.3  # seconds of an item that is waited for


@pytest.mark.parametrize(
    ("begin", "printed"),
    [
        # As in concurrent.futures, what was given is done before the program ends.
        ("kept = [ac.submit(say, x) for x in range(4)]", 4),
        ("[ac.submit(say, x) for x in range(4)]", 4),
        ("kept = ac.apply_async(say, (1,), callback=lambda _: None)", 1),
        ("kept = ac.map_async(say, range(4))", 4),
        ("kept = ac.imap(say, range(4))", 4),
        ("kept = ac.imap(say, range(4), buffersize=2)", 2),
        ("kept = ac.imap(say, range(4), initializer=abs, initargs=(1,)); next(kept)", 4),
        ("kept = ac.Executor(2).map(say, range(4))", 4),
        ("executor = ac.Executor(2); kept = executor.submit(say, 1)", 1),
        ("executor = ac.Executor(2); kept = executor.submit_with(say, 1, timeout=60, retries=1)", 1),
        # As in multiprocessing, pools end with what they do.
        ("pool = ac.Pool(2); kept = pool.map_async(sleep, range(4))", 0),
        ("pool = ac.Pool(2); kept = pool.imap(sleep, iter(range(4)))", 0),
        ("pool = ac.Pool(2); kept = pool.apply_async(sleep, (1,), callback=print)", 0),
        # And what an event loop ended on.
        ("stream = ac.aio.imap(sleep, range(4)); asyncio.run(some(stream))", 0),
        ("asyncio.run(some(ac.aio.imap(sleep, iter(range(4)))))", 0),
    ],
)
def test_the_program_ends_with_work(begin, printed):
    stdout = run(f"""
        import asyncio, time
        import allcores as ac
        async def some(stream):
            task = asyncio.create_task(anext(stream))
            await asyncio.sleep({SLOW})
        def say(x):
            time.sleep({SLOW})
            print("done", flush=True)
        def sleep(x):
            time.sleep(1000)
        {begin}
    """)
    assert stdout.count("done") == printed


def test_calls_in_atexit_functions():
    """What starts threads is refused there since CPython 3.12, with its own words; nothing waits for ever."""
    stdout = run("""
        import atexit
        import allcores as ac
        from faulty_calls import CALLS, double
        def at_exit():
            for name, call in CALLS.items():
                try:
                    found = call.run(double, range(8))
                except RuntimeError as error:
                    found = [error]
                if all(isinstance(one, RuntimeError) for one in found):
                    found = str(found[0])
                else:
                    found = sorted(found)
                print(name, found, sep=": ", flush=True)
        atexit.register(at_exit)
    """)
    assert [line.partition(":")[0] for line in stdout.splitlines()] == list(CALLS)
    for line in stdout.splitlines():
        _, _, found = line.partition(": ")
        assert found == str(RIGHT) or (sys.version_info >= (3, 12) and "shutdown" in found), line


# --- programs that are no file ----------------------------------------------------------------------------------------

CELLS = '''
import asyncio, types, sys, textwrap, os, signal, threading, time
main = types.ModuleType("__main__")
sys.modules["__main__"] = main
number = 0
def cell(text):
    """Run a cell, as ipykernel does: in a loop if it awaits."""
    global number
    number += 1
    import ast
    code = compile(textwrap.dedent(text), f"<ipython-input-{number}>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & 0x80:
        async def await_it():
            await eval(code, main.__dict__)
        loop.run_until_complete(await_it())
    else:
        async def run_it():  # a loop runs already
            exec(code, main.__dict__)
        loop.run_until_complete(run_it())
loop = asyncio.new_event_loop()
'''


def test_a_notebook():
    stdout = run(
        CELLS
        + textwrap.dedent("""
        cell('''
            import asyncio, os, signal, threading, time
            from dataclasses import dataclass
            from enum import Enum
            import allcores as ac
            factor = 2
            @dataclass
            class Point:
                x: int
                def moved(self): return Point(self.x + 1)
            class Colour(Enum):
                RED = 1
            def f(p): return p.moved().x * factor
            def all_ways(f, items):
                with ac.using("processes"):
                    found = [ac.map(f, items), list(ac.imap(f, items)), ac.apply(f, (items[0],))]
                with ac.Pool(2) as pool:
                    found.append(pool.map(f, items))
                return found
            points = [Point(1), Point(2)]
            print(all_ways(f, points))
        ''')
        cell('factor = 3; print(all_ways(f, points))')
        cell('''
            @dataclass
            class Point:
                x: int
                y: int = 7
                def moved(self): return Point(self.x + 10)
            def g(p): return p.moved()
            found = all_ways(g, [Point(1), Point(2)])[0]
            print(found, [type(p) is Point for p in found])
        ''')
        cell('''
            def f(p): return p.moved().x * factor + helper(p)
            def helper(p): return 1000
            print(all_ways(f, [Point(1), Point(2)])[0], all_ways(f, points)[1])
        ''')
        cell('def helper(p): return 2000\\nprint(all_ways(f, points)[1])')
        cell('k = 5\\nprint(all_ways(lambda c: (c is Colour.RED, c.name, k), [Colour.RED])[3])')
        cell('k = 6\\nprint(all_ways(lambda c: (c is Colour.RED, c.name, k), [Colour.RED])[3])')
        cell('''
            print(await ac.aio.map(f, points))
            print([x async for x in ac.aio.imap(lambda p: p.x + k, points)])
            print(await ac.aio.submit(helper, 0))
        ''')
        def interrupt(text):
            timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            try:
                cell(text)
            except KeyboardInterrupt:
                print("interrupted")
            timer.join()
        interrupt('ac.map(time.sleep, [1000] * 100)')
        interrupt('for _ in ac.imap(time.sleep, [1000] * 100): pass')
        interrupt('ac.apply(lambda: time.sleep(1000))')
        interrupt('ac.Pool(2).map(time.sleep, [1000] * 100)')
        cell('print(all_ways(f, points)[1])')
        """),
        options=("-W", "ignore::ResourceWarning"),
    )
    assert stdout.splitlines() == [
        "[[4, 6], [4, 6], 4, [4, 6]]",
        "[[6, 9], [6, 9], 6, [6, 9]]",
        "[Point(x=11, y=7), Point(x=12, y=7)] [True, True]",
        "[1033, 1036] [1006, 1009]",
        "[2006, 2009]",
        "[(True, 'RED', 5)]",
        "[(True, 'RED', 6)]",
        "[2006, 2009]",
        "[7, 8]",
        "2000",
        *["interrupted"] * 4,
        "[2006, 2009]",
    ]


PLAIN = """
from dataclasses import dataclass
import allcores as ac
@dataclass
class Point:
    x: int

def move(p, by=1):
    return Point(p.x + by)

print([p.x for p in ac.imap(move, [Point(1), Point(2)])], ac.apply(lambda: move(Point(1), 5)).x)
with ac.Pool(2) as pool:
    print(pool.map(move, [Point(1)]))

print(ac.map_blocks(lambda a: a + 1, __import__("numpy").arange(3), workers=2))
"""


@pytest.mark.parametrize("options", [("-c", PLAIN), ("-",), ("-i", "-q")])
def test_programs_from_elsewhere(options):
    done = subprocess.run(
        [sys.executable, *options],
        input="" if options[0] == "-c" else PLAIN,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout.splitlines() == ["[2, 3] 6", "[Point(x=2)]", "[1 2 3]"], done.stderr
    assert "Traceback" not in done.stderr


# --- more items than memory -------------------------------------------------------------------------------------------


def test_many_items_are_never_more_than_the_buffer_ahead():
    """Of each call that takes items as their results are taken; what is not here is in test_maps and test_aio."""
    stdout = run("""
        import asyncio, resource
        import allcores as ac
        COUNT, BUFFER = 100_000, 1000
        taken = 0
        def items():
            global taken
            for _ in range(COUNT):
                taken += 1
                yield bytes(1000)
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def watch(name, results, ahead):
            global taken
            found = most = before = 0
            for length in results:
                found += 1
                assert length == 1000
                most = max(most, taken - found)
                if found == COUNT // 10:
                    before = peak()
            assert most <= ahead, (name, most)
            assert (found, taken) == (COUNT, COUNT), (name, found, taken)
            print(name, peak() - before)
            taken = 0
        watch("imap_unordered", ac.imap_unordered(len, items(), buffersize=BUFFER), BUFFER)
        with ac.Executor(2) as executor:
            watch("Executor.map", executor.map(len, items(), buffersize=BUFFER), BUFFER)
        async def main():
            global taken
            found = most = before = 0
            async for length in ac.aio.imap_unordered(len, items(), buffersize=BUFFER):
                found += 1
                most = max(most, taken - found)
                if found == COUNT // 10:
                    before = peak()
            assert most <= BUFFER, most
            assert (found, taken) == (COUNT, COUNT)
            print("aio.imap_unordered", peak() - before)
            taken = 0
        asyncio.run(main())
        with ac.Pool(2) as pool:  # four chunks a worker ahead of what runs; results are kept until they are taken
            watch("Pool.imap", pool.imap(len, items(), 100), COUNT)
    """)
    growth = {name: int(kib) for name, kib in (line.split() for line in stdout.splitlines())}
    assert len(growth) == 4
    assert max(growth.values()) < 10_000, growth  # all items together are 100 MB
