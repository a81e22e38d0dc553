"""What a design found: figures, tables, sentences and HTML."""

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import IsotonicRegression

from sklearn_hrc._experiment import as_numbers
from sklearn_hrc._html import Table, tables_html
from sklearn_hrc._parameters import as_finite
from sklearn_hrc.design._held_back import HeldBack, RandomPart, held_back
from sklearn_hrc.design._sentences import sentences
from sklearn_hrc.evaluation._parts import Arrays
from sklearn_hrc.evaluation._rules_to_beat import BestArm
from sklearn_hrc.evaluation._sentences import figure

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ExperimentDesign"]

# A possible gain below this share of the largest response is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, repr=False, eq=False)
class ExperimentDesign:
    """How many rows an experiment needs; made by `design_experiment`.

    Figures are per individual. Names that end in `_se` are errors of the simulation.

    Parameters
    ----------
    by_rows : Arrays
        A row for each number of `rows`. `power` is the share of simulated experiments in which the
        95 % interval of the measured gain over the rule is above zero, with `power_se`. `gain` is
        what the policy learnt from all rows truly brings more than the rule at equal spend, with
        `gain_se`. `width` is the mean width of the interval, `cost` the mean true cost of the
        policy, and `overspend` the mean of what the cost exceeds the budget by.
    possible_gain : float
        What the best plan would bring more than the rule if all effects were known.
    nothing_to_target : bool
        Whether `possible_gain` is zero.
    treatments : ndarray of shape (n_treatments,)
        Labels of the arms.
    control : Any
        Label of control.
    arm_shares : ndarray of shape (n_treatments,)
        Chances of the arms.
    budget : float
        Mean cost per individual.
    rule : {"best single arm", "best mix of arms"}
        What the policy has to beat.
    best_arm : BestArm
        The best single arm at the budget by the estimates, and the share that it is given to.
    n_clusters : int
        Clusters, or segments.
    n_simulations : int
        Experiments simulated of each size.
    cv : int or None
        Folds that judge the policy. None is one half of the rows.
    from_pilot : bool
        Whether the effects come from a pilot.
    draw_effects : bool
        Whether true effects were drawn anew for each simulated experiment.
    design_effect : float
        Rows that are worth one independent row, because rows of a group are alike.
    left_out : tuple of str
        What the policy of the pilot keeps beside its budget and simulated plans do not.
    random_part : RandomPart
        What an individual with an arm by chance brings less than one with the arm of the plan.
    """

    by_rows: Arrays
    possible_gain: float
    nothing_to_target: bool
    treatments: NDArray[Any]
    control: Any
    arm_shares: NDArray[np.float64]
    budget: float
    rule: str
    best_arm: BestArm
    n_clusters: int
    n_simulations: int
    cv: int | None
    from_pilot: bool
    draw_effects: bool
    design_effect: float
    left_out: tuple[str, ...]
    random_part: RandomPart

    def rows_needed(self, power: float = 0.8) -> int | None:
        """Return how many rows tell the gain from nothing with a given power.

        The simulated powers are made to rise with the rows, by isotonic regression. Between two
        numbers of rows the power is interpolated on the scale of the logarithm of the rows.

        Parameters
        ----------
        power : float, default=0.8
            Share of experiments that shall tell the gain from nothing, in (0, 1).

        Returns
        -------
        rows : int or None
            None is more than the largest number tried. The smallest number tried is returned
            where it already has this power.
        """
        if not 0 < as_finite(power, "power") < 1:
            raise ValueError(f"power is expected to be between 0 and 1, got {power:g}.")
        size = np.log(self.by_rows.rows)
        rising = IsotonicRegression().fit_transform(size, self.by_rows.power)
        if self.nothing_to_target or rising[-1] < power:
            return None
        after = int(np.argmax(rising >= power))
        if after == 0:
            return int(self.by_rows.rows[0])
        step = (power - rising[after - 1]) / (rising[after] - rising[after - 1])
        return int(np.ceil(np.exp(size[after - 1] + step * (size[after] - size[after - 1]))))

    def arm_rows(self, rows: int) -> dict[Any, int]:
        """Return how many of so many rows each arm gets.

        Parameters
        ----------
        rows : int
            Rows of the experiment.

        Returns
        -------
        arm_rows : dict
            Whole numbers by label, rounded up.
        """
        if not isinstance(rows, Integral) or rows < 1:
            raise ValueError(f"rows is expected to be a whole number of at least 1, got {rows!r}.")
        # A product that should be whole may miss this number by rounding.
        counts = np.ceil(np.round(self.arm_shares * int(rows), 6)).astype(int)
        return dict(zip(self.treatments.tolist(), counts.tolist()))

    def at_rows(self, name: str, rows: int) -> float:
        """Return a figure between the numbers of rows that were tried.

        Parameters
        ----------
        name : str
            Column of `by_rows`.
        rows : int
            Rows of the experiment.

        Returns
        -------
        figure : float
            Interpolated on the scale of the logarithm of the rows.
        """
        if name not in self.by_rows:
            raise ValueError(f"name is expected to be one of {list(self.by_rows)}, got {name!r}.")
        sizes = self.by_rows.rows
        if not isinstance(rows, Integral) or not sizes[0] <= rows <= sizes[-1]:
            raise ValueError(
                f"rows is expected to be a whole number from {sizes[0]} to {sizes[-1]}, which were "
                f"tried, got {rows!r}."
            )
        return float(np.interp(np.log(rows), np.log(sizes), self.by_rows[name]))

    def held_back(
        self, random_share: ArrayLike, n_individuals: int, *, power: float = 0.8
    ) -> HeldBack:
        """Say what it costs to give a share of the individuals an arm by chance, always.

        The others get the arm of the plan at the budget. The plan and what it loses come from the
        estimates, and the standard error from their errors. It is zero where effects are assumed.

        Parameters
        ----------
        random_share : float or array-like of shape (n_shares,)
            Shares of the individuals with an arm by chance, in (0, 1).
        n_individuals : int
            Individuals of a period, such as a month.
        power : float, default=0.8
            Of `rows_needed`, the rows that the share has to give in all.

        Returns
        -------
        held_back : HeldBack
            A table with a row for each share, and sentences.
        """
        shares = as_numbers(np.atleast_1d(random_share), "random_share")
        if shares.ndim != 1 or not len(shares) or not ((shares > 0) & (shares < 1)).all():
            raise ValueError(
                f"random_share is expected to hold shares between 0 and 1, got {shares.tolist()}."
            )
        if not isinstance(n_individuals, Integral) or n_individuals < 1:
            raise ValueError(
                "n_individuals is expected to be a whole number of at least 1, got "
                f"{n_individuals!r}."
            )
        needed = self.rows_needed(power)
        return held_back(self.random_part, shares, int(n_individuals), needed, self.control)

    def sentences(self, power: float = 0.8) -> list[str]:
        """Say what was found in plain sentences.

        Parameters
        ----------
        power : float, default=0.8
            As in `rows_needed`.

        Returns
        -------
        sentences : list of str
            Rows, gain, interval and overspend, then what was taken for granted.
        """
        return sentences(self, power)

    def to_frame(self) -> "DataFrame":
        """Return a data frame with a row for each number of rows.

        Returns
        -------
        frame : DataFrame
            Columns of `by_rows`.
        """
        return self.by_rows.to_frame()

    def __str__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        """Say what was tried."""
        rows = self.by_rows.rows
        return (
            f"ExperimentDesign(rows={rows[0]:,} to {rows[-1]:,}, power="
            f"{self.by_rows.power[0]:.2f} to {self.by_rows.power[-1]:.2f}, "
            f"budget={self.budget:.4g})"
        )

    def _repr_html_(self) -> str:
        """Show sentences and figures in a notebook."""
        columns = self.by_rows
        names = ("gain", "width", "overspend")
        rows = [
            (
                f"{columns.rows[i]:,}",
                f"{columns.power[i]:.2f} +- {columns.power_se[i]:.2f}",
                *(figure(columns[name][i]) for name in names),
            )
            for i in range(len(columns.rows))
        ]
        heads = ("rows", "power", "gain", "width of interval", "overspend")
        tables = [Table([(sentence,) for sentence in self.sentences()]), Table(rows, heads)]
        return f'<div class="sk-global">{tables_html(tables)}</div>'
