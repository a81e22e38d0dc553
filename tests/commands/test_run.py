"""Exit codes, errors, notes, Ctrl-C and readers that leave."""

import os
import signal
import subprocess
import sys
import warnings

import pytest
from helpers.command_cases import COLUMNS

from sklearn_hrc._commands import run
from sklearn_hrc._commands.run import main
from sklearn_hrc.exceptions import BudgetWarning, DivergenceError

WORDS = ["plan", "l.csv", "--policy", "p", "-o", "w.csv"]
PROGRAM = [sys.executable, "-m", "sklearn_hrc"]


@pytest.fixture
def work(monkeypatch):
    """Put a function in the place of what the command does."""

    def put(function):
        monkeypatch.setattr("sklearn_hrc._commands.plan.run", lambda options: function())

    return put


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ValueError("a is expected to be b,\n got c."), 2, "a is expected to be b, got c."),
        (ImportError("plan requires x: install it."), 2, "plan requires x: install it."),
        (OSError(28, "No space left on device"), 1, "[Errno 28] No space left on device"),
        (DivergenceError("The loss became nan."), 1, "The loss became nan."),
        (MemoryError(), 1, "the memory is not enough; take fewer rows."),
    ],
)
def test_errors_are_one_line_with_a_code(error, code, told, work, capsys):
    work(lambda: fail(error))
    assert main(WORDS) == code
    assert capsys.readouterr().err == f"python -m sklearn_hrc plan: error: {told}\n"


@pytest.mark.parametrize("error", [ValueError("operands could not be broadcast"), KeyError("a")])
def test_bug_keeps_its_traceback(error, work):
    work(lambda: fail(error))
    with pytest.raises(type(error)):
        main(WORDS)


def test_ctrl_c_is_no_interrupt_that_training_takes(work, capsys):
    def interrupted():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pytest.fail("training would go on")

    before = signal.getsignal(signal.SIGINT)
    work(interrupted)
    assert main(WORDS) == 130
    assert capsys.readouterr().err == "Interrupted; nothing was written.\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_warnings_are_notes_told_once(work, capsys):
    def warned():
        for _ in range(2):
            warnings.warn("the budget is idle.", BudgetWarning, stacklevel=1)
            warnings.warn("old", DeprecationWarning, stacklevel=1)

    work(warned)
    assert main(WORDS) == 0
    assert capsys.readouterr().err == "note: the budget is idle.\n"


def test_reader_that_leaves_does_not_stop_the_work(work, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    done = []

    def told():
        run.say("result")
        run.say("result")
        done.append(True)

    with open(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        work(told)
        assert main(WORDS) == 0
    assert done == [True]


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_fit_leaves_nothing(files, tmp_path):
    words = ["fit", files / "campaign.csv", *COLUMNS, "--folds", "0", "-o", tmp_path / "policy"]
    with subprocess.Popen([*PROGRAM, *words], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("Fitting"):
                break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)  # it is training by now
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert told.splitlines()[-1] == "Interrupted; nothing was written."
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"), [(["--version"], 0), (["fti"], 2), (["plan", "--help"], 0), (WORDS, 2)]
)
def test_exit_codes_of_the_program(words, code):
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
