"""Shallow trees of arms that are learnt from doubly robust scores."""

from numbers import Integral
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from sklearn_hrc._compat import HasMethods, Interval, StrOptions
from sklearn_hrc.rivals._budgeted import SHARED_CONSTRAINTS, BudgetedPolicy, Plan
from sklearn_hrc.rivals._robust_scores import robust_scores
from sklearn_hrc.rivals._row_shares import cut_of_share, draw_circle, on_circle
from sklearn_hrc.rivals._tree_path import grow_path
from sklearn_hrc.rivals._tree_search import arms_of_tree
from sklearn_hrc.rivals._tree_text import tree_text
from sklearn_hrc.rivals._two_stage import TwoStagePolicy

__all__ = ["DoublyRobustPolicyTree"]


class _Mixture(NamedTuple):
    """Two neighbours on the path of trees, and the cut below which rows are of the second."""

    tree: int
    cut: int


class DoublyRobustPolicyTree(BudgetedPolicy):
    """A tree of few splits whose leaves are arms.

    Policy learning (Athey and Wager, `arXiv:1702.02896 <https://arxiv.org/abs/1702.02896>`_; with
    several arms Zhou, Athey and Wager, `arXiv:1810.04778 <https://arxiv.org/abs/1810.04778>`_)
    searches for the tree of the largest mean of doubly robust scores. The scores come from
    regressions that have not seen the row. A budget is our addition: cost has scores, too, and a
    price. Trees are grown for many prices, and a budget between two of them gives a share of
    the rows, whoever they are, to the dearer tree.

    Take it instead of HRC where the rule must be read aloud.

    Parameters
    ----------
    depth : int, default=2
        Splits on the way to a leaf, at most. To a depth of two the search is exact, but for
        the bins. A deeper tree looks two splits ahead, in every node anew.
    min_samples_leaf : int, default=100
        Rows of a leaf, at least.
    n_bins : int, default=32
        Bins of a feature at most, at quantiles, from 2 to 256.
    n_folds : int, default=5
        Folds of the regressions, at least two.
    estimator : regressor, default=None
        Of the scores, as in :class:`TwoStagePolicy`.
    learner : {"s", "t"}, default="s"
        As there.
    cost_estimator : regressor, default=None
        As there.
    budget : float, default=None
        Mean cost per individual. None is what the experiment spent.
    control : label, default=None
        The treatment that means "nothing". None is the first of numeric labels.
    objective : int, str, list or dict, default=None
        What the response is, as in :class:`~sklearn_hrc.ClusterBudgetAllocator`.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm, in place of `cost`.
    random_state : int, RandomState instance or None, default=None
        Deals folds, seeds the default regression, and draws the line by which rows are
        shared out between two trees.

    Attributes
    ----------
    treatments_ : ndarray of shape (n_treatments,)
        Treatment labels.
    control_ : label
        Resolved control.
    outcome_names_ : list of str
        Names of the columns of `y`.
    budget_, expected_response_, expected_cost_, shadow_price_ : float
        Of the plan in use, per individual over the rows of `fit`, by their scores. The
        tree was chosen for its scores, so that the response is rather too large. Where who
        responds also costs, the cost is too large as well: in simulated experiments trees spent
        0.75 to 1.0 of the budget.
    n_features_in_ : int
        Number of columns seen in `fit`.

    See Also
    --------
    TwoStagePolicy : Takes the regressions for true.

    Notes
    -----
    With more than 30 features only those are searched whose single splits gain most.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.rivals import DoublyRobustPolicyTree
    >>> e = make_coupon_experiment(2000, random_state=0)
    >>> policy = DoublyRobustPolicyTree(
    ...     depth=1, estimator=Ridge(), learner="t", budget=1.0, random_state=0)
    >>> policy = policy.fit(e.data, e.target, treatment=e.treatment, cost=e.cost)
    >>> bool(policy.expected_cost_ <= 1.0)
    True
    """

    _parameter_constraints: dict = SHARED_CONSTRAINTS | {
        "depth": [Interval(Integral, 1, None, closed="left")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "n_bins": [Interval(Integral, 2, 256, closed="both")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "learner": [StrOptions({"s", "t"})],
        "cost_estimator": [HasMethods(["fit", "predict"]), None],
    }

    def __init__(
        self,
        *,
        depth: int = 2,
        min_samples_leaf: int = 100,
        n_bins: int = 32,
        n_folds: int = 5,
        estimator: RegressorMixin | None = None,
        learner: Literal["s", "t"] = "s",
        cost_estimator: RegressorMixin | None = None,
        budget: float | None = None,
        control: Any = None,
        objective: int | str | list[Any] | dict[Any, float] | None = None,
        arm_cost: ArrayLike | dict[Any, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.depth = depth
        self.min_samples_leaf = min_samples_leaf
        self.n_bins = n_bins
        self.n_folds = n_folds
        self.estimator = estimator
        self.learner = learner
        self.cost_estimator = cost_estimator
        self.budget = budget
        self.control = control
        self.objective = objective
        self.arm_cost = arm_cost
        self.random_state = random_state

    def rule_text(self, feature_names: ArrayLike | None = None) -> str:
        """Write the rule of the plan in use, to be read.

        Parameters
        ----------
        feature_names : array-like of shape (n_features,), default=None
            Names. None are those of the columns in `fit`, or x0, x1 and so on.

        Returns
        -------
        text : str
            One tree, or two with the shares of individuals that they decide for.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, feature_names)
        tree, cut = self._in_use.assignment
        share = self._circle.share[cut]
        parts = [(tree, 1 - share), (tree + 1, share)]
        return "\n".join(
            f"{100 * part:.3g} % of all:\n"
            f"{tree_text(self._path.trees[index], names, self.treatments_)}"
            for index, part in parts
            if part > 0
        )

    def _learn(self, rows, rng):
        predictor = TwoStagePolicy(
            self.estimator, learner=self.learner, cost_estimator=self.cost_estimator
        )
        scores = robust_scores(predictor, rows, self.n_folds, rng)
        self._circle = draw_circle(rows.X, rows.weight, rng)
        kept = rows.weight > 0
        self._path = grow_path(
            rows.X[kept],
            *(score[kept] * (kept.mean()) for score in scores),
            depth=self.depth,
            min_leaf=self.min_samples_leaf,
            n_bins=self.n_bins,
        )

    def _least_cost(self):
        return float(self._path.cost[0])

    def _plan(self, budget):
        _, response, cost = self._path
        tree = int(np.searchsorted(cost, budget, side="right")) - 1
        tree = max(tree, 0)
        if tree == len(cost) - 1:
            return Plan(_Mixture(tree, 0), float(response[-1]), float(cost[-1]), 0.0)
        steps = response[tree + 1] - response[tree], cost[tree + 1] - cost[tree]
        cut = cut_of_share(self._circle, (budget - cost[tree]) / steps[1])
        share = self._circle.share[cut]
        totals = (float(y[tree] + share * step) for y, step in zip((response, cost), steps))
        return Plan(_Mixture(tree, cut), *totals, float(steps[0] / steps[1]))

    def _codes(self, X, assignments):
        place = on_circle(self._circle, X)
        trees = {index for tree, _ in assignments for index in (tree, tree + 1)}
        arms = {
            index: arms_of_tree(self._path.trees[index], X)
            for index in trees
            if index < len(self._path.trees)
        }
        return np.stack(
            [
                np.where(place < self._circle.cut[cut], arms.get(tree + 1, arms[tree]), arms[tree])
                for tree, cut in assignments
            ]
        )
