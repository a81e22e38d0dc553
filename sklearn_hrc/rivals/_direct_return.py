"""Learn the return on the spend of each step to a dearer arm, and nothing else."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from sklearn.preprocessing import StandardScaler

from sklearn_hrc._compat import Interval
from sklearn_hrc._predictor.forward import hidden_layer, link_predictions
from sklearn_hrc.rivals._arm_steps import signs_of_steps, steps_of_means, without_base
from sklearn_hrc.rivals._network_parameters import CONSTRAINTS, check_widths
from sklearn_hrc.rivals._priced import PricedPolicy
from sklearn_hrc.rivals._rows import arm_means

__all__ = ["DirectReturnPolicy"]

# Individuals are given room for returns that are larger than the largest one in the mean.
ROOM = 4.0
# Scores start away from where the sigmoid is flat.
LEAST_START = 0.02


class DirectReturnPolicy(PricedPolicy):
    """Learn by a network what each step to a dearer arm returns on its cost.

    The sigmoid of a score is the effect of a step on the response over its effect on the cost,
    which a loss learns from the experiment without a model of either (DRP, and with several
    arms DPM, in [1]_). An individual gets the dearest arm whose steps return at least the price.
    Take it instead of HRC where arms are amounts of one offer, as values of a coupon, and
    where rows are very many: a ratio of effects is learnt from differences alone.

    Parameters
    ----------
    return_bound : float, default=None
        Largest return of a step, in units of response per unit of cost. None is four times the
        largest mean return of a step in the experiment. Returns near the bound are hard to tell
        apart, and a bound that is too large does no harm.
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Widths of the layers that the steps share.
    n_networks : int, default=5
        Networks whose returns are averaged. Each leaves out a fold of the rows, and the mean loss
        in these folds says when to stop.
    max_epochs : int, default=60
        Passes at most.
    lr : float, default=2e-3
        Rate.
    batch_size : int or "auto", default="auto"
        Rows in a step. "auto" is 512, and 1024 from 60,000 rows on.
    budget : float, default=None
        Mean cost per individual. None is what the experiment spent.
    control : label, default=None
        The treatment that means "nothing". None is the first of numeric labels.
    objective : int, str, list or dict, default=None
        What the response is, as in :class:`~sklearn_hrc.ClusterBudgetAllocator`.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm, in place of `cost`.
    random_state : int, RandomState instance or None, default=None
        Seeds the networks, and tells rows apart that are worth the same.

    Attributes
    ----------
    treatments_ : ndarray of shape (n_treatments,)
        Treatment labels.
    control_ : label
        Resolved control.
    outcome_names_ : list of str
        Names of the columns of `y`.
    steps_ : ndarray of shape (n_steps + 1,)
        Labels of the arms that can be given, by rising mean cost.
    return_bound_ : float
        Resolved `return_bound`.
    budget_, expected_response_, expected_cost_, shadow_price_ : float
        Of the plan in use, per individual over the rows of `fit`.
    n_features_in_ : int
        Number of columns seen in `fit`.

    See Also
    --------
    NetworkPolicy : Networks that predict response and cost.

    Notes
    -----
    Only arms on the upper hull of the means of the arms, response over cost, can be given, starting
    from the cheapest. Other arms cost more and give less, or give less than a mixture of two
    others. Between those that stay every step has a positive mean return. So costs of steps
    are positive in the mean, as the loss demands.

    The text of [1]_ was not at hand. The loss is derived from what it must be least at, for
    several arms as a sum over steps, with inverse propensities. The following is ours. From the
    response the prediction of a ridge regression is taken that knows no arm, which leaves the
    expected gradient and takes noise away. Steps weigh by their mean cost where returns do not
    fall from step to step. Spend is counted by mean costs of arms, put right by what the rows of
    fit were seen to cost, by decisions of a network that has not seen the row, where there are as
    many networks as folds (five or more).

    References
    ----------
    .. [1] "Direct Heterogeneous Causal Learning for Resource Allocation Problems in Marketing"
       (AAAI 2023). arXiv:2211.15728.

    Examples
    --------
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.rivals import DirectReturnPolicy
    >>> e = make_coupon_experiment(2000, random_state=0)
    >>> policy = DirectReturnPolicy(n_networks=1, max_epochs=3, random_state=0)
    >>> policy = policy.fit(e.data, e.target, treatment=e.treatment, cost=e.cost)
    >>> policy.set_budget(0.5).predict(e.data).shape
    (2000,)
    """

    _parameter_constraints: dict = CONSTRAINTS | {
        "return_bound": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        return_bound: float | None = None,
        hidden_layer_sizes: Sequence[int] = (64, 32),
        n_networks: int = 5,
        max_epochs: int = 60,
        lr: float = 2e-3,
        batch_size: int | Literal["auto"] = "auto",
        budget: float | None = None,
        control: Any = None,
        objective: int | str | list[Any] | dict[Any, float] | None = None,
        arm_cost: ArrayLike | dict[Any, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.return_bound = return_bound
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_networks = n_networks
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.budget = budget
        self.control = control
        self.objective = objective
        self.arm_cost = arm_cost
        self.random_state = random_state

    def _resolve(self, experiment):
        super()._resolve(experiment)
        check_widths(self.hidden_layer_sizes)

    def _fit_scores(self, rows, rng):
        self._means = arm_means(rows)
        self._steps = steps = steps_of_means(*self._means)
        self.steps_ = self.treatments_[steps.arms]
        bound = ROOM * steps.returns.max(initial=0.0)
        self.return_bound_ = float(bound if self.return_bound is None else self.return_bound)
        self._scaler = StandardScaler().fit(rows.X)
        self._networks = []
        if not len(steps.returns):
            return self._scores(rows.X)
        # torch loads here, not when the package is imported.
        from sklearn_hrc.rivals._networks_returns import fit_return_networks

        share = np.clip(steps.returns / self.return_bound_, LEAST_START, 1 - LEAST_START)
        # One unit for both, so that the loss does not depend on currencies.
        response, cost = without_base(rows, rng)[:, None], rows.cost[:, None]
        observed = np.array([response / self.return_bound_, cost]) / np.diff(steps.cost).mean()
        self._networks, folds = fit_return_networks(
            self._scale(rows.X),
            rows,
            (*observed, signs_of_steps(rows.arm, rows.inverse, steps)),
            logit(share),
            self,
            rng,
        )
        places = np.arange(len(self._networks))[:, None]
        return self._score(rows.X, (folds == places) | (folds >= len(places)))

    def _expected(self, value, priced):
        # Nothing but the mean of each arm is predicted.
        return tuple(np.broadcast_to(means, value.shape) for means in self._means)

    def _scores(self, X):
        return self._score(X, np.ones((len(self._networks), len(X))))

    def _score(self, X, counts):
        """Value and mean cost of each arm, by the networks that count for a row."""
        steps = self._steps
        value = np.zeros((len(X), self._means.shape[1]))
        # An arm that is not given is worth nothing and dearer than all.
        priced = np.full(value.shape, steps.cost[-1] + np.ptp(steps.cost) + 1)
        priced[:, steps.arms] = steps.cost
        if self._networks:
            worth = self._returns(X, counts) * np.diff(steps.cost)
            value[:, steps.arms[1:]] = np.cumsum(worth, axis=1)
        return value, priced

    def _returns(self, X, counts):
        """Return of every step, of shape (n_samples, n_steps)."""
        features = self._scale(X)
        total = 0.0
        for network, weight in zip(self._networks, counts):
            scores = link_predictions(hidden_layer(features, network), network)[..., 0]
            total = total + expit(scores) * weight[:, None]
        return self.return_bound_ * total / counts.sum(axis=0)[:, None]

    def _scale(self, X):
        return self._scaler.transform(np.asarray(X, dtype=np.float64))
