"""Run a command: exit codes, errors as one line, and Ctrl-C."""

import importlib
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sklearn_hrc._commands.command_line import PROGRAM, check_command, parser_of
from sklearn_hrc._commands.terminal import notes_of_warnings, progress, say
from sklearn_hrc.exceptions import BudgetError, DivergenceError

__all__ = ["DONE", "FAILED", "INTERRUPTED", "WRONG", "main"]

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


class _Interrupted(BaseException):
    """Ctrl-C. Training would take a KeyboardInterrupt for the wish to go on with what it has."""


def main(arguments: Sequence[str]) -> int:
    """Run a command, or the main job where no command is named.

    Parameters
    ----------
    arguments : sequence of str
        Words of the command line after the name of the program.

    Returns
    -------
    code : int
        0 done, 1 failed, 2 wrong command line or input, 130 interrupted.
    """
    if not arguments or arguments[0].startswith("-"):
        from sklearn_hrc._main_job import main as main_job

        main_job(list(arguments))
        return DONE
    check_command(arguments[0])
    return _run(arguments[0], list(arguments[1:]))


def _run(command, words):
    """Run a command and return its exit code."""
    try:
        with _ctrl_c(), notes_of_warnings():
            options = _options(command, words)
            importlib.import_module(f"sklearn_hrc._commands.{command}").run(options)
    except (_Interrupted, KeyboardInterrupt):
        progress("Interrupted; nothing was written.")
        return INTERRUPTED
    except Exception as error:
        code = _code_of(error)
        if code is None:  # a bug, which keeps its traceback
            raise
        progress(f"{PROGRAM} {command}: error: {_sentence(error)}")
        return code
    return DONE


def _options(command, words):
    """Return the options of a command; its help may be cut off by a reader that leaves."""
    parser = parser_of(command)
    parser.print_help = lambda file=None: say(parser.format_help().rstrip("\n"))
    options = parser.parse_args(words)
    options.command_line = [command, *words]
    return options


def _code_of(error):
    """Return the exit code of an error that is told in a sentence, or None for a bug.

    Errors of this package say what was expected, or which package is required. An error of the
    same class without it comes from an operation that failed, and its place matters.
    """
    told = any(word in str(error) for word in ("expected to", "requires", "install it"))
    if isinstance(error, BudgetError):
        return WRONG
    if isinstance(error, ValueError | TypeError | ImportError | OSError) and told:
        return WRONG
    if isinstance(error, DivergenceError | OSError | MemoryError):
        return FAILED
    return None


def _sentence(error):
    """Return the message of an error on one line."""
    if isinstance(error, MemoryError):
        return "the memory is not enough; take fewer rows."
    return " ".join([*str(error).split(), *" ".join(getattr(error, "__notes__", [])).split()])


@contextmanager
def _ctrl_c() -> Iterator[None]:
    """End the work at Ctrl-C, also inside of training."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise _Interrupted

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
