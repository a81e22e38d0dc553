"""What it costs to give a share of the individuals an arm by chance, and what that shows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sklearn_hrc.design._plans import plan_shares, value_of
from sklearn_hrc.evaluation._parts import Arrays
from sklearn_hrc.evaluation._sentences import figure

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["HeldBack", "RandomPart", "held_back", "random_part"]


class RandomPart(NamedTuple):
    """What an individual with an arm by chance brings less than one with the arm of the plan.

    Attributes
    ----------
    lost, lost_se : float
        Response of the plan less that of an arm by chance, and its standard error.
    saved : float
        Cost of the plan less that of an arm by chance.
    gain : float
        Response of the plan less that of control for everybody.
    """

    lost: float
    lost_se: float
    saved: float
    gain: float


@dataclass(frozen=True, repr=False, eq=False)
class HeldBack:
    """What shares of individuals with an arm by chance cost; made by `ExperimentDesign.held_back`.

    Parameters
    ----------
    by_share : Arrays
        A row for each `random_share`. Per individual, of all individuals: `lost`, the response
        that is lost with `lost_se`, its share `lost_share` of the gain of the plan over control
        (NaN without a gain), and `saved`, the cost that is saved. In all: `total_lost`,
        `total_lost_se` and `total_saved`. `rows` is the number of individuals with an arm by
        chance, and `periods` how many periods give `rows_needed` of them (NaN where this number
        is unknown).
    n_individuals : int
        Individuals of a period.
    rows_needed : int or None
        Rows that the share has to give in all. None is more than the largest number tried.
    control : Any
        Label of control.
    """

    by_share: Arrays
    n_individuals: int
    rows_needed: int | None
    control: Any

    def to_frame(self) -> "DataFrame":
        """Return a data frame with a row for each share.

        Returns
        -------
        frame : DataFrame
            Columns of `by_share`.
        """
        return self.by_share.to_frame()

    def sentences(self) -> list[str]:
        """Say what each share costs and shows.

        Returns
        -------
        sentences : list of str
            Two for each share.
        """
        return [sentence for row in zip(*self.by_share.values()) for sentence in self._of(row)]

    def __str__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        """Name the shares."""
        return f"HeldBack(random_share={self.by_share.random_share.tolist()})"

    def _of(self, row):
        one = dict(zip(self.by_share, row))
        error, total_error = one["lost_se"], one["total_lost_se"]
        sure = "" if error == 0 else f" +- {figure(error, error)}"
        sure_total = "" if error == 0 else f" +- {figure(total_error, total_error)}"
        of_gain = ""
        if np.isfinite(one["lost_share"]):
            of_gain = f", {100 * one['lost_share']:.2g} % of the gain over {self.control}"
        spends = "less" if one["saved"] >= 0 else "more"
        percent = f"{100 * one['random_share']:.4g} %"
        yield (
            f"Arms by chance for {percent} cost a response of {figure(one['lost'], error)}{sure} "
            f"per individual{of_gain}, which is {figure(one['total_lost'], total_error)}"
            f"{sure_total} for {self.n_individuals:,} individuals, and they spend "
            f"{figure(abs(one['total_saved']))} {spends}."
        )
        if self.rows_needed is None:
            yield (
                f"They give {one['rows']:,} rows a period, and more rows are needed than the "
                "largest number tried."
            )
        else:
            yield (
                f"They give {one['rows']:,} rows a period, so that {one['periods']:.3g} periods "
                f"give the {self.rows_needed:,} rows that are needed."
            )


def random_part(world, arm_shares):
    """Return what an arm by chance brings less than the plan at the budget.

    Parameters
    ----------
    world : World
        Estimates, whose errors are those of the loss.
    arm_shares : ndarray of shape (n_treatments,)
        Chances of the arms.

    Returns
    -------
    part : RandomPart
        Per individual with an arm by chance.
    """
    mean, sizes = world.estimates.mean, world.sizes
    plan = plan_shares(mean, sizes, world.budget)
    lost, saved = value_of(plan - arm_shares, mean, sizes)
    nobody = np.eye(len(arm_shares))[world.control]
    gain = value_of(plan - nobody, mean, sizes)[0]
    covariance = world.estimates.total_covariance(sizes[:, None] * (plan - arm_shares))
    error = np.sqrt(max(covariance[0, 0], 0.0))
    return RandomPart(float(lost), float(error), float(saved), float(gain))


def held_back(part, random_share, n_individuals, rows_needed, control):
    """Return what shares cost, as `ExperimentDesign.held_back` does.

    Parameters
    ----------
    part : RandomPart
        For an individual with an arm by chance.
    random_share : ndarray of shape (n_shares,)
        Shares in (0, 1).
    n_individuals : int
        Individuals of a period.
    rows_needed : int or None
        Rows that are needed.
    control : label
        Of control.

    Returns
    -------
    found : HeldBack
        A row for each share.
    """
    lost, error, saved = (random_share * value for value in part[:3])
    gain = part.gain if part.gain > 0 else np.nan
    needed = np.nan if rows_needed is None else rows_needed
    table = Arrays(
        random_share=random_share,
        lost=lost,
        lost_se=error,
        lost_share=lost / gain,
        saved=saved,
        total_lost=lost * n_individuals,
        total_lost_se=error * n_individuals,
        total_saved=saved * n_individuals,
        rows=np.round(random_share * n_individuals).astype(np.int64),
        periods=needed / (random_share * n_individuals),
    )
    return HeldBack(table, n_individuals, rows_needed, control)
