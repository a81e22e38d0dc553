"""From the decision log and outcomes to the rows of the next experiment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Experiment", "experiment_of"]


class Experiment(NamedTuple):
    """Rows as `policy_value` and `fit` take them.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Features. Dates are text, as they were sent.
    y : ndarray of shape (n_rows,)
        Responses.
    treatment : ndarray of shape (n_rows,)
        Arms that were given.
    cost : ndarray of shape (n_rows,)
        Costs.
    propensity : ndarray of shape (n_rows,)
        Probability of the arm that was given.
    eligible : ndarray of shape (n_rows, n_treatments), bool, or None
        Who might get which treatment, as `decide` takes it. None: `treatments` was not given.
    """

    X: pd.DataFrame
    y: np.ndarray
    treatment: np.ndarray
    cost: np.ndarray
    propensity: np.ndarray
    eligible: np.ndarray | None


def experiment_of(
    records: Iterable[Mapping[str, Any]],
    outcomes: Mapping[str, tuple[float, float]],
    *,
    without: tuple[float, float] | None = None,
    treatments: Sequence[Any] | None = None,
) -> Experiment:
    """Join decisions with their outcomes.

    Parameters
    ----------
    records : iterable of dict
        From `read_log`. Where an id was decided for twice, the last decision counts.
    outcomes : mapping
        Response and cost of each decision id.
    without : pair of float, default=None
        Response and cost of a decision that has no outcome, often (0.0, 0.0). None: each has to
        have one, since rows with an outcome alone would be no random sample.
    treatments : sequence of labels, default=None
        Arms of the policy that is to be valued, in its order: its `treatments`. They are needed
        if a record has `eligible`. A record without it says that every arm was eligible.

    Returns
    -------
    experiment : Experiment
        One row for each decision id.

    Raises
    ------
    ValueError
        If a decision has no outcome and `without` is None, if there is no decision, or if arms
        were barred and `treatments` is None.
    """
    decided = {record["decision_id"]: record for record in records}
    if not decided:
        raise ValueError("records is expected to hold a decision at least, got none.")
    missing = [name for name in decided if name not in outcomes]
    if missing and without is None:
        raise ValueError(
            f"outcomes is expected to name every decision, got none for {missing[0]!r} and "
            f"{len(missing) - 1} others; give without=(response, cost) for those."
        )
    seen = np.array([outcomes.get(name, without) for name in decided], dtype=np.float64)
    kept = list(decided.values())
    return Experiment(
        pd.DataFrame([record["context"] for record in kept]),
        seen[:, 0],
        np.array([record["action"] for record in kept]),
        seen[:, 1],
        np.array([record["pscore"] for record in kept]),
        _eligible(kept, treatments),
    )


def _eligible(records, treatments):
    """Return who might get which treatment, or None if nobody asks and nothing was barred."""
    if treatments is not None:
        may = [record.get("eligible", treatments) for record in records]
        return np.array([[arm in labels for arm in treatments] for labels in may])
    barred = [record["decision_id"] for record in records if "eligible" in record]
    if barred:
        raise ValueError(
            "treatments is expected to be the arms of the policy that is to be valued, got None "
            f"where {barred[0]!r} and {len(barred) - 1} others might not get every arm; give "
            "treatments=policy.treatments."
        )
    return None
