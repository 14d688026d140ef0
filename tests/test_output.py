"""What tasks print, log and warn of comes out in the program, in order, and cannot hold up the pool."""

import io
import logging
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import kill_fuzzer
import pytest
from support import run_script

import allcores as ac
from allcores.pool.output import Printer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems")

PATIENCE = 60


@pytest.fixture(autouse=True)
def leaves_no_process():
    if not Path("/proc/self/fd").is_dir():
        yield
        return
    before = kill_fuzzer.what_is_there()
    yield
    assert kill_fuzzer.what_is_there() == before


@pytest.fixture
def executor():
    with ac.Executor(1) as executor:
        yield executor


def say(*texts, end="\n", stream="stdout"):
    print(*texts, end=end, file=getattr(sys, stream))


def log(level, *args, **options):
    import logging

    logging.getLogger("allcores.test").log(level, *args, **options)


def log_error():
    try:
        1 / 0
    except ZeroDivisionError:
        logging.getLogger("allcores.test").exception("failed")


def warn(text, category=UserWarning):
    import warnings

    warnings.warn(text, category, stacklevel=1)


class Opaque:
    def __str__(self):
        return "opaque"

    def __reduce__(self):
        raise TypeError("not this one")


def log_opaque():
    logging.getLogger("allcores.test").error("this: %s", Opaque())


def say_for_a_while(path):
    print("first")
    print("second")
    while not path.exists():
        time.sleep(0.01)


def say_much(lines):
    for _ in range(lines):
        print("x" * 99)


def say_and_die():
    print("last words")
    time.sleep(0.3)
    os._exit(3)


def say_from_below():
    os.write(1, b"from C\n")
    subprocess.run(["echo", "from a child"], check=True)


def fork_and_say():
    pid = os.fork()
    if not pid:
        print("in the child", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print("in the parent")


def test_lines_have_their_worker_before_them(executor, capsys):
    executor.submit(say, "one\ntwo").result(PATIENCE)
    assert capsys.readouterr().out == "[worker 1] one\n[worker 1] two\n"
    executor.submit(say, "bad", stream="stderr").result(PATIENCE)
    assert capsys.readouterr().err == "[worker 1] bad\n"
    list(executor.map(say, ["a", "b"]))
    assert capsys.readouterr().out == "[worker 1] a\n[worker 1] b\n"


def test_what_was_printed_is_there_when_its_future_is_done(executor, capsys):
    for i in range(300):
        executor.submit(say, i).result(PATIENCE)
        assert capsys.readouterr().out == f"[worker 1] {i}\n"


def test_a_line_without_end_is_not_mixed_with_others(executor, capsys):
    executor.submit(say, "a", end="").result(PATIENCE)
    executor.submit(say, "b").result(PATIENCE)
    assert capsys.readouterr().out == "[worker 1] ab\n"
    printer = Printer()
    printer._text(0, 1, "a")
    printer._text(0, 2, "b\n\nc")
    printer._text(0, 2, "\n")
    assert capsys.readouterr().out == "[worker 1] a\n[worker 2] b\n[worker 2] \n[worker 2] c\n"


def test_a_task_that_runs_is_heard(executor, capsys, tmp_path):
    future = executor.submit(say_for_a_while, tmp_path / "go")
    end, found = time.monotonic() + PATIENCE, ""
    while "second" not in found and time.monotonic() < end:
        time.sleep(0.01)
        found += capsys.readouterr().out
    assert not future.done()
    (tmp_path / "go").touch()
    future.result(PATIENCE)
    assert found == "[worker 1] first\n[worker 1] second\n"


def test_megabytes_take_no_memory(executor):
    class Count(io.StringIO):
        most = total = 0

        def write(self, text):
            self.total += text.count("\n")
            self.most = max(self.most, len(text))
            return len(text)

    before, sys.stdout = sys.stdout, Count()
    try:
        executor.submit(say_much, 200_000).result(PATIENCE)
        assert sys.stdout.total == 200_000
        assert sys.stdout.most < 200_000
    finally:
        sys.stdout = before


def test_what_a_worker_says_before_it_dies(executor, capsys):
    with pytest.raises(ac.pool.WorkerDied):
        executor.submit(say_and_die).result(PATIENCE)
    assert capsys.readouterr().out == "[worker 1] last words\n"


def test_what_is_written_below_python_goes_through(capfd):
    with ac.Executor(1) as executor:
        executor.submit(say_from_below).result(PATIENCE)
        executor.submit(fork_and_say).result(PATIENCE)
    assert capfd.readouterr().out == "from C\nfrom a child\nin the child\n[worker 1] in the parent\n"


def test_without_forwarding_nothing_changes(capfd):
    with ac.Executor(1, output=None) as executor:
        executor.submit(say, "plain").result(PATIENCE)
    assert capfd.readouterr().out == "plain\n"
    with pytest.raises(ValueError, match="output must be 'forward' or None, got 'no'"):
        ac.Executor(1, output="no")


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_records_go_to_the_logger_of_their_name(method, caplog):
    with caplog.at_level(logging.INFO, "allcores.test"), ac.Executor(1, start_method=method) as executor:
        executor.submit(log, logging.DEBUG, "too low").result(PATIENCE)
        executor.submit(log, logging.INFO, "%s of %d", "some", 3).result(PATIENCE)
        executor.submit(log, logging.INFO, "more", extra={"field": [1]}).result(PATIENCE)
        executor.submit(log_error).result(PATIENCE)
        executor.submit(log_opaque).result(PATIENCE)
        first, second, third, fourth = caplog.records
        assert (first.getMessage(), first.args, first.worker, first.levelno) == ("some of 3", ("some", 3), 1, 20)
        assert first.process != os.getpid()
        assert second.field == [1]
        assert "ZeroDivisionError" in third.exc_text
        assert fourth.getMessage() == "this: opaque"
        logging.getLogger("allcores.test").setLevel(logging.ERROR)
        executor.submit(log, logging.WARNING, "no longer").result(PATIENCE)
        assert len(caplog.records) == 4


def test_a_handler_that_raises_does_no_harm(executor, capsys):
    def refuse(record):
        raise KeyError("filter")

    logger = logging.getLogger("allcores.test")
    logger.addFilter(refuse)
    try:
        executor.submit(log, logging.ERROR, "text").result(PATIENCE)
    finally:
        logger.removeFilter(refuse)
    assert "KeyError: 'filter'" in capsys.readouterr().err
    assert executor.submit(abs, -1).result(PATIENCE) == 1


def test_warnings_are_issued_once_where_they_were():
    with ac.Executor(2) as executor, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(executor.map(warn, ["careful"] * 50, chunksize=1))
        executor.submit(warn, "old", DeprecationWarning).result(PATIENCE)
        assert [(str(one.message), one.category) for one in caught] == [
            ("careful", UserWarning),
            ("old", DeprecationWarning),
        ]
        assert caught[0].filename == __file__
        assert caught[0].lineno == warn.__code__.co_firstlineno + 3


def test_the_filters_of_the_program_decide(executor, capsys):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "quiet")
        executor.submit(warn, "quiet").result(PATIENCE)
        assert not caught
        warnings.simplefilter("error")
        executor.submit(warn, "strict").result(PATIENCE)
        assert not caught
    assert re.search(r"\[worker 1\] .*test_output.py:\d+: UserWarning: strict", capsys.readouterr().err)


def test_a_standard_output_that_raises_or_is_closed(executor):
    class Broken(io.StringIO):
        def write(self, text):
            raise OSError("full")

    closed = io.StringIO()
    closed.close()
    before = sys.stdout
    for stream in (Broken(), closed, None):
        sys.stdout = stream
        try:
            assert executor.submit(say, "text").result(PATIENCE) is None
        finally:
            sys.stdout = before
    narrow = io.TextIOWrapper(io.BytesIO(), "ascii")
    sys.stdout = narrow
    try:
        executor.submit(say, "\u00e9").result(PATIENCE)
    finally:
        sys.stdout = before
    assert narrow.buffer.getvalue() == b"[worker 1] \\xe9\n"


def test_a_standard_output_that_takes_nothing_holds_up_nobody(executor):
    free = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text):
            free.wait(PATIENCE)
            return len(text)

    before, sys.stdout = sys.stdout, Stuck()
    try:
        begun = time.monotonic()
        for i in range(20):
            executor.submit(say, i).result(PATIENCE)
        executor.submit(say_much, 100_000).result(PATIENCE)
        assert time.monotonic() - begun < PATIENCE / 2
        assert executor._scheduler.printer._size < 5_000_000
    finally:
        free.set()
        executor.shutdown()  # what still waits is printed
        sys.stdout = before


def test_what_is_printed_while_the_interpreter_starts_no_more_threads(executor, capsys, monkeypatch):
    """CPython since 3.12 starts none once it is ending."""
    start = threading.Thread.start

    def only_others(thread):
        if thread.name == "allcores-printer":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", only_others)
    assert [future.result(PATIENCE) for future in [executor.submit(say, text) for text in "ab"]] == [None] * 2
    assert re.sub(r"\d+", "N", capsys.readouterr().out) == "[worker N] a\n[worker N] b\n"


def test_a_worker_imports_no_more_for_it():
    found = []
    for output in ("forward", None):
        with ac.Executor(1, output=output) as executor:
            found.append(executor.submit(eval, "sorted(__import__('sys').modules)").result(PATIENCE))
    assert found[0] == found[1]


def test_what_a_task_imports_first_is_heard_too(executor, caplog):
    source = """
import logging, warnings
logging.getLogger("allcores.test").error("logged")
warnings.warn("warned")
"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        executor.submit(exec, source).result(PATIENCE)
        assert [str(one.message) for one in caught] == ["warned"]
    assert [record.getMessage() for record in caplog.records] == ["logged"]


def test_forked_workers_leave_the_handlers_to_the_program():
    done = run_script("""
        import logging, sys
        import allcores as ac
        logging.basicConfig(stream=sys.stdout, format="%(process)d %(worker)s %(message)s")
        def log():
            logging.getLogger("some").error("text")
        with ac.Executor(1, start_method="fork") as executor:
            executor.submit(log).result()
        """)
    assert re.fullmatch(r"\d+ 1 text\n", done.stdout)
