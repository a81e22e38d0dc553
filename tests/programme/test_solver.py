"""CBC's models end once, at a known moment; no garbage collection makes a thread wait for itself.

A process looks up each of cffi's functions and types under its lock, and only once. So what may
hang runs in processes forked from one that has imported python-mip and has not used it.
"""

import contextlib
import gc
import multiprocessing
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy.sparse import csr_array

from sklearn_hrc._programme.solver import ask_solver

# Work that ends takes a few seconds at most; a loaded machine is slower.
PATIENCE = 60.0

MANY = [(threshold, n, 300) for threshold in (1, 3, 10, 100) for n in (1, 2, 3)]


def ask(start=None):
    """Solve a small programme: the third move of each cluster is best, while the row allows."""
    harm, most = np.array([-5.0, -4.0, -7.0] * 3), np.array([4, 4, 3] * 3)
    cluster, rows = np.repeat(np.arange(3), 3), (csr_array(np.ones((1, 9))), np.array([5.0]))
    moves, _ = ask_solver(harm, most, cluster, np.full(9, 2), rows, start, 0.0, 10.0)
    assert harm @ moves == -35.0


def interrupt(*_, **__):
    raise KeyboardInterrupt


def ask_interrupted():
    """An interrupt comes before the search."""
    import mip

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(mip.Model, "optimize", interrupt)
        ask()


def collect_under_the_lock(work):
    """A thread collects the garbage of some work while it has cffi's lock."""
    import mip.cbc

    gc.disable()
    work()
    with mip.cbc.ffi._lock:
        gc.collect()


def collect_after(n_objects):
    """The garbage of a first solve is collected after so many objects of a second one."""
    gc.disable()
    ask()
    gc.set_threshold(gc.get_count()[0] + n_objects)
    gc.enable()
    ask(np.zeros(9))


def solve_many(case):
    """Threads solve side by side, and garbage is collected every few objects."""
    threshold, n_threads, n_solves = case
    gc.set_threshold(threshold)
    solved = []

    def work():
        for _ in range(n_solves):
            ask(np.zeros(9))
            solved.append(1)

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(solved) == n_threads * n_solves


def fate(work, argument):
    """How a forked process that does some work ends."""
    process = multiprocessing.get_context("fork").Process(target=work, args=(argument,))
    process.start()
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        return "hangs"
    return "fails" if process.exitcode else "ends"


def assert_all_end(work, arguments):
    """Stop at the first process that hangs or fails."""
    for argument in arguments:
        assert (end := fate(work, argument)) == "ends", f"{work.__name__}({argument}) {end}"


def assert_fresh_process_passes(*lines):
    """Run lines in a process without threads, which forks fast: what it has is never garbage."""
    code = "; ".join(["import gc, mip.cbc", "from test_solver import *", "gc.freeze()", *lines])
    command, folder = [sys.executable, "-c", code], pathlib.Path(__file__).parent
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def events(monkeypatch):
    """Models of CBC that are made and ended, in order."""
    from mip.cbc import cbclib

    events = []

    def record(name):
        function = getattr(cbclib, name)

        def recorded(*pointer):
            events.append(name)
            return function(*pointer)

        # cffi takes functions from here, and lets nobody set them as attributes.
        monkeypatch.setitem(vars(cbclib), name, recorded)

    record("Cbc_newModel")
    record("Cbc_deleteModel")
    return events


ONCE = ["Cbc_newModel", "Cbc_deleteModel"]


def test_every_model_ends_once(events):
    for n_solves in (1, 2, 3):
        ask()
        assert events == ONCE * n_solves
    gc.collect()
    assert events == ONCE * 3


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("verbose", KeyboardInterrupt),
        ("add_var", RuntimeError),
        ("start", KeyboardInterrupt),
        ("optimize", RuntimeError),
        ("optimize", KeyboardInterrupt),
        ("num_solutions", KeyboardInterrupt),
    ],
)
def test_model_ends_once_where_an_error_passes(monkeypatch, events, place, error):
    import mip

    def fail(*_, **__):
        raise error

    wrapped = fail if callable(getattr(mip.Model, place)) else property(fail, fail)
    monkeypatch.setattr(mip.Model, place, wrapped)
    with pytest.raises(error) as raised:
        ask(np.zeros(9))
    # The traceback still holds everything.
    assert events == ONCE
    del raised
    gc.collect()
    assert events == ONCE


def test_model_ends_once_where_an_error_comes_before_it_is_ready(monkeypatch, events):
    import mip.cbc

    monkeypatch.setattr(mip.cbc.SolverCbc, "set_problem_name", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ask()
    gc.collect()
    assert events == ONCE


def test_no_finaliser_waits_for_the_lock():
    """Nor in a child of a process that has solved and still has the garbage."""
    check = "assert_all_end(collect_under_the_lock, [ask, ask_interrupted])"
    assert_fresh_process_passes(check, "gc.disable()", "ask()", check)


def test_garbage_is_collected_anywhere():
    """The second solve takes cffi's lock between its fiftieth and its 120th object."""
    assert_fresh_process_passes(
        "assert_all_end(collect_after, range(0, 200, 10))",
        "assert_all_end(solve_many, [(1, 2, 100)])",
    )


@pytest.mark.slow
def test_garbage_is_collected_everywhere():
    assert_fresh_process_passes("assert_all_end(collect_after, range(500))")


@pytest.mark.slow
def test_thousands_of_solves_with_eager_garbage_collection():
    assert_fresh_process_passes("assert_all_end(solve_many, MANY)")
