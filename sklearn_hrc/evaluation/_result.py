"""What an evaluation found, as figures, tables, sentences and HTML."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_hrc._explanations import frame_of
from sklearn_hrc._html import tables_html
from sklearn_hrc.evaluation._html import evaluation_tables
from sklearn_hrc.evaluation._parts import POLICY, Arrays
from sklearn_hrc.evaluation._rules_to_beat import BestArm
from sklearn_hrc.evaluation._sentences import cautions, conclusion, sentences

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Evaluation"]


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """What a policy is worth on rows that it has not seen; made by `evaluate`.

    Figures are per individual. Intervals are pairs, at 95 %, and names that end in `_se` are
    standard errors. A table is a bunch of arrays of one length, whose `to_frame()` is a data frame.

    Parameters
    ----------
    response, response_se, response_interval : float, float and tuple of float
        Response by the decisions of the policy.
    cost, cost_se, cost_interval : float, float and tuple of float
        Cost of these decisions.
    gain, gain_se, gain_interval : float, float and tuple of float
        Response above that of control for everybody.
    spend, spend_se, spend_interval : float, float and tuple of float
        Cost above that of control for everybody.
    n_individuals : int
        Rows of positive weight. Totals are for so many individuals.
    budget : float
        Mean cost per individual that the policy planned for, mean over the folds.
    budgets : ndarray of shape (n_budgets,)
        Budgets of the curve.
    treatments : ndarray of shape (n_treatments,)
        Labels of all arms.
    control : Any
        Label of control.
    response_name : str
        Name of the response.
    arms : ndarray of shape (n_samples,)
        Held-out decision for each row.
    curve_arms : ndarray of shape (n_budgets, n_samples)
        Held-out decisions at each budget.
    method : {"no expected outcomes", "policy", "ridge"}
        Whose expected outcomes the value uses. With the last two it is doubly robust, without
        expected outcomes it is Hajek's.
    standard_errors : dict
        Standard error of the response by each method that was tried.
    outcomes : ndarray of shape (n_samples, n_treatments, n_columns) or None
        The expected outcomes, as functions of :mod:`sklearn_hrc.metrics` take them.
    rules : Arrays
        A row for each simple rule, at the spend of the policy: `rule`, `gain`, and `difference`,
        what the policy brings more, with `difference_se`, `difference_low` and
        `difference_high`.
    curve : Arrays
        A row for the policy and each rule at each budget: `rule`, `budget`, `spend` and `gain` with
        errors and intervals, and `difference` as in `rules`, NaN for the policy itself.
    by_arm : Arrays
        A row for each arm: `treatment`, what it brings and costs for everybody, and who gets it by
        the policy: `share`, and the rows that support it: `n_matched`,
        `effective_sample_size`, `largest_weight_share`.
    effects : Arrays
        A row for each outcome and arm but control, and for all arms together, whose `treatment`
        is None: `slope` of the held-out effect on the predicted one, `slope_se`, one-sided
        `p_value` and `borne_out`.
    promise : Arrays
        A row for response and for cost: `promised` at fit, mean over the folds, `realised` on
        held-out rows, and their `difference`. The promise is taken as given.
    best_arm : BestArm
        The arm that all rows would choose as the only one at this budget, and for which share. It
        is advice, not an estimate.
    randomisation : Bunch or None
        Result of :func:`~sklearn_hrc.metrics.check_randomisation`. None where `X` is no table.
    """

    response: float
    response_se: float
    response_interval: tuple[float, float]
    cost: float
    cost_se: float
    cost_interval: tuple[float, float]
    gain: float
    gain_se: float
    gain_interval: tuple[float, float]
    spend: float
    spend_se: float
    spend_interval: tuple[float, float]
    n_individuals: int
    budget: float
    budgets: NDArray[np.float64]
    treatments: NDArray[Any]
    control: Any
    response_name: str
    arms: NDArray[Any]
    curve_arms: NDArray[Any]
    method: str
    standard_errors: dict[str, float]
    outcomes: NDArray[np.float64] | None
    rules: Arrays
    curve: Arrays
    by_arm: Arrays
    effects: Arrays
    promise: Arrays
    best_arm: BestArm
    randomisation: Bunch | None

    @property
    def conclusion(self) -> str:
        """One sentence: whether there is anything to target, and what to do if not."""
        return conclusion(self)

    def sentences(self) -> list[str]:
        """Say what was found in plain sentences.

        Returns
        -------
        sentences : list of str
            First why no figure holds, if features tell the arm. Then value, rules, whether there
            is anything to target, promise and estimator, and what else is off.
        """
        return sentences(self)

    def cautions(self) -> list[str]:
        """Say what is off.

        Returns
        -------
        sentences : list of str
            Empty where nothing is off. The gravest come first. All are among `sentences`.
        """
        return cautions(self)

    def summary(self) -> "DataFrame":
        """Return a data frame with a row for the policy, each rule, and control for everybody.

        Returns
        -------
        frame : DataFrame
            Per individual: `response` and `cost` with the ends of their intervals for the policy
            and control. The rules stand at the spend of the policy. `policy_brings_more` is the
            response of the policy less that of the row at equal spend (of control: at the spend
            of control). `total_response` and `total_cost` are for `n_individuals`.
        """
        nobody = self.by_arm.treatment.tolist().index(self.control)
        base = {name: self.by_arm[name][nobody] for name in ("response", "cost")}
        response = np.r_[self.response, base["response"] + self.rules.gain, base["response"]]
        cost = np.r_[np.full(len(response) - 1, self.cost), base["cost"]]
        columns = {
            "response": response,
            "cost": cost,
            "policy_brings_more": np.r_[np.nan, self.rules.difference, self.gain],
            "low": np.r_[np.nan, self.rules.difference_low, self.gain_interval[0]],
            "high": np.r_[np.nan, self.rules.difference_high, self.gain_interval[1]],
            "total_response": response * self.n_individuals,
            "total_cost": cost * self.n_individuals,
        }
        return frame_of(columns, index=[POLICY, *self.rules.rule, f"{self.control} for everybody"])

    def __repr__(self) -> str:
        """Say the value, and how many rows gave it."""
        response, cost = (
            f"{value:.4g} ({low:.4g} to {high:.4g})"
            for value, (low, high) in (
                (self.response, self.response_interval),
                (self.cost, self.cost_interval),
            )
        )
        return (
            f"Evaluation({self.n_individuals} rows, response={response}, cost={cost}, "
            f"budget={self.budget:.4g})"
        )

    def _repr_html_(self) -> str:
        """Show figures and sentences in a notebook."""
        return f'<div class="sk-global">{tables_html(evaluation_tables(self))}</div>'
