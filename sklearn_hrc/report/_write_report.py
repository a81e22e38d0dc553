"""Write the report of a policy."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.evaluation import Evaluation
from sklearn_hrc.planning import ListPlan
from sklearn_hrc.report._page import page
from sklearn_hrc.report._wording import one_line, wording_of
from sklearn_hrc.report._writing import written_whole
from sklearn_hrc.tables import Rows

__all__ = ["write_report"]

_TITLE = "Who should get what"


def write_report(
    path: str | os.PathLike,
    policy: BaseEstimator,
    *,
    evaluation: Evaluation | None = None,
    plan: ListPlan | None = None,
    rows: Rows | None = None,
    title: str | None = None,
    names: Mapping[str, Any] | None = None,
    date: str | None = None,
) -> Path:
    """Write a page that says what to do and why, for those who decide.

    The page is one HTML file that needs no network and no script. It is light or dark as its reader
    has it, fits a phone, and prints on two sheets. The same input gives the same file. What is
    not given is left out: without `evaluation` nothing says what the policy is worth, and
    without `rows` nothing says how those who get an arm differ from all.

    Parameters
    ----------
    path : str or path-like
        File to write, such as report.html. It changes as a whole, or not at all.
    policy : estimator
        Fitted :class:`~sklearn_hrc.ClusterBudgetAllocator` or
        :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in one, or a search over
        it.
    evaluation : Evaluation, default=None
        What :func:`~sklearn_hrc.evaluation.evaluate` found.
    plan : ListPlan, default=None
        Result of :func:`~sklearn_hrc.planning.plan_list`, for the people of a list.
    rows : Rows, default=None
        Result of :func:`~sklearn_hrc.tables.rows_of`, with the columns as people know them.
    title : str, default=None
        Heading of the page.
    names : dict, default=None
        What things are called: `response`, `cost`, `person`, `people`, and the units
        `response_unit` and `cost_unit`, such as "€", without which no amount is money. `arms` and
        `columns` are dicts from labels and column names to words.
    date : str, default=None
        Date that stands below the heading. None: there is none.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    ImportError
        If jinja2, matplotlib or pandas is missing: they come with the extra `report`.
    OSError
        If no file can be written at `path`. It is raised before any work is done.
    ValueError
        If `evaluation` or `plan` is one of other arms than those of the policy.

    See Also
    --------
    sklearn_hrc.evaluation.evaluate : Finds what a policy is worth.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.report import write_report
    >>> segment = np.repeat([0, 1], 40)
    >>> mail = np.tile([0, 1], 40)
    >>> policy = ClusterBudgetAllocator(0.2, arm_cost=[0, 2], estimation="raw").fit(
    ...     segment[:, None], 1.0 + segment * mail, treatment=mail)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(pathlib.Path(folder) / "report.html", policy, title="Mail")
    ...     "<h1>Mail</h1>" in path.read_text(encoding="utf-8")
    True
    """
    given = {"evaluation": evaluation, "plan": plan, "rows": rows}
    _, last = unwrap_policy(policy, name="policy")
    check_is_fitted(last)
    allocator = last._fitted_allocator
    _check(given, allocator)
    words = wording_of(names, _response_name(evaluation, allocator))
    heading = one_line(_TITLE if title is None else title) or _TITLE
    shown = None if date is None else one_line(date)
    _check_extra()
    with written_whole(path) as file:
        file.write(page(policy, allocator, given, words, heading, shown).encode("utf-8"))
    return Path(path)


def _check(given, allocator):
    """Check that all parts are of their kind, and of the same arms."""
    for name, kind in (("evaluation", Evaluation), ("plan", ListPlan), ("rows", Rows)):
        part = given[name]
        if part is not None and not isinstance(part, kind):
            raise TypeError(
                f"{name} is expected to be None or a {kind.__name__}, got {type(part).__name__}."
            )
        if kind is not Rows and part is not None:
            arms, known = part.treatments.tolist(), allocator.treatments_.tolist()
            if arms != known:
                raise ValueError(
                    f"{name} is expected to have the arms of policy, {known}, got {arms}."
                )


def _response_name(evaluation, allocator):
    """Return the name of what was to be raised."""
    if evaluation is not None:
        return evaluation.response_name
    chosen = allocator._objective.nonzero()[0]
    return allocator.outcome_names_[chosen[0]] if len(chosen) == 1 else "response"


def _check_extra():
    """Say before any work is done which package is missing."""
    for name in ("jinja2", "matplotlib", "pandas"):
        try:
            import_module(name)
        except ImportError as error:
            raise ImportError(
                f'write_report requires {name}: install it with pip install "sklearn-hrc[report]".'
            ) from error
