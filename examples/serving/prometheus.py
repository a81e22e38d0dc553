"""Figures of the service, in the text that Prometheus reads."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

__all__ = ["Figures", "sample"]

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_PREFIX = "sklearn_hrc_"


class Figures:
    """Counts that threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arms: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._latencies = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0

    def count_arms(self, arms: Iterable[Any]) -> None:
        """Count decisions."""
        with self._lock:
            self._arms.update(map(str, arms))

    def count_error(self, kind: str) -> None:
        """Count an answer that is an error."""
        with self._lock:
            self._errors[kind] += 1

    def time(self, seconds: float) -> None:
        """Count a request for decisions, with its time."""
        with self._lock:
            self._latencies[bisect_left(_BOUNDS, seconds)] += 1
            self._seconds += seconds

    def text(self) -> list[str]:
        """Return the lines of these figures."""
        with self._lock:
            arms, errors = dict(self._arms), dict(self._errors)
            latencies, seconds = list(self._latencies), self._seconds
        lines = _family("decisions_total", "counter", "Decisions by arm.", "arm", arms)
        lines += _family("errors_total", "counter", "Errors by kind.", "kind", errors)
        return lines + _histogram(latencies, seconds)


def _family(name, kind, about, label, counts):
    head = [f"# HELP {_PREFIX}{name} {about}", f"# TYPE {_PREFIX}{name} {kind}"]
    labelled = sorted(counts.items())
    return head + [f'{_PREFIX}{name}{{{label}="{_escaped(k)}"}} {n}' for k, n in labelled]


def _histogram(latencies, seconds):
    name = f"{_PREFIX}request_seconds"
    lines = [
        f"# HELP {name} Time of a request for decisions.",
        f"# TYPE {name} histogram",
    ]
    upto = 0
    for bound, count in zip((*_BOUNDS, "+Inf"), latencies):
        upto += count
        lines.append(f'{name}_bucket{{le="{bound}"}} {upto}')
    return [*lines, f"{name}_sum {seconds!r}", f"{name}_count {upto}"]


def sample(name: str, kind: str, about: str, value: float, **labels: str) -> list[str]:
    """Return the lines of one figure.

    Parameters
    ----------
    name : str
        Without the prefix.
    kind : {"counter", "gauge"}
        What it is.
    about : str
        One sentence.
    value : float
        The figure.
    **labels : str
        Its labels.
    """
    inner = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
    return [
        f"# HELP {_PREFIX}{name} {about}",
        f"# TYPE {_PREFIX}{name} {kind}",
        f"{_PREFIX}{name}{{{inner}}} {value!r}" if inner else f"{_PREFIX}{name} {value!r}",
    ]


def _escaped(label):
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
