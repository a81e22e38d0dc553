"""A simulated coupon experiment whose truth is known."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import Interval, StrOptions, validate_params
from sklearn_hrc.datasets._coupon_world import (
    N_INFORMATIVE,
    expected_outcomes,
    feature_names,
    feature_scales,
    features_of,
    individuals_of,
    latent_scores,
    realised_cost,
)
from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["make_coupon_experiment"]

_COUPON_STEP = 5
_TARGET_NAMES = ["gmv", "orders"]

_DESCR = """\
Simulated coupon experiment
---------------------------

Individuals received one of {n_treatments} coupons at random, of value
{values} ({unit}); 0 is no coupon, the control.

:Number of individuals: {n_samples}
:Number of features: {n_features}, of which the first {n_informative} matter
:Outcomes: gmv (money; zero without an order) and orders (0 or 1)
:Cost: {cost}, when an order happens
:Truth: expected_response (gmv), expected_orders and expected_cost of every
    individual under every coupon, given the features before measurement noise
"""
_UNITS = {
    "face_value": ("money", "the face value of the coupon"),
    "basket_share": ("percent of the basket", "that share of the basket"),
}


def draw_arms(n_samples, shares, random_state):
    """Assign an arm to each row independently, with probability `shares`.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    shares : ndarray of shape (n_treatments,)
        Probabilities of the arms, with sum 1.
    random_state : RandomState instance
        Source of the draws. Each row takes one uniform number, whatever the shares.

    Returns
    -------
    arm : ndarray of shape (n_samples,), intp
        Index of the arm of each row.
    """
    # Rounding may put the last edge below a draw, so it is left out.
    edges = np.cumsum(shares)[:-1]
    return np.searchsorted(edges, random_state.random_sample(n_samples), side="right")


def draw_baskets(expected, noise, random_state):
    """Draw log-normal baskets with mean `expected` and standard deviation `noise` of the log."""
    normal = random_state.standard_normal(expected.shape)
    return expected * np.exp(noise * normal - noise**2 / 2)


def check_shares(treatment_shares, n_treatments):
    """Return the probabilities of the arms, equal for None."""
    if treatment_shares is None:
        return np.full(n_treatments, 1 / n_treatments)
    shares = np.asarray(treatment_shares, dtype=np.float64)
    if shares.shape != (n_treatments,):
        raise ValueError(
            f"treatment_shares must hold one share for each of the {n_treatments} treatments, "
            f"got an array of shape {shares.shape}."
        )
    if not (np.all(shares > 0) and np.isclose(shares.sum(), 1.0, rtol=0, atol=1e-9)):
        raise ValueError(
            "treatment_shares must be positive and sum to 1, "
            f"got {shares.tolist()} with sum {shares.sum():g}."
        )
    return shares


def _to_frames(bunch):
    """Replace the arrays of the rows by frames and series, in place."""
    pd = import_pandas("make_coupon_experiment with as_frame=True")
    bunch.data = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    bunch.target = pd.DataFrame(bunch.target, columns=bunch.target_names)
    bunch.treatment = pd.Series(bunch.treatment, name="treatment")
    bunch.cost = pd.Series(bunch.cost, name="cost")
    return bunch


def _describe(n_samples, n_features, treatments, cost_type):
    unit, cost = _UNITS[cost_type]
    return _DESCR.format(
        n_treatments=len(treatments),
        values=", ".join(str(value) for value in treatments),
        unit=unit,
        n_samples=n_samples,
        n_features=n_features,
        n_informative=N_INFORMATIVE,
        cost=cost,
    )


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_treatments": [Interval(Integral, 2, 20, closed="both")],
        "n_features": [Interval(Integral, N_INFORMATIVE, None, closed="left")],
        "order_rate": [Interval(Real, 0, 1, closed="neither")],
        "order_effect": [Interval(Real, None, None, closed="neither")],
        "amount_effect": [Interval(Real, None, None, closed="neither")],
        "heterogeneity": [Interval(Real, 0, None, closed="left")],
        "basket_noise": [Interval(Real, 0, None, closed="left")],
        "feature_noise": [Interval(Real, 0, None, closed="left")],
        "cost_type": [StrOptions({"face_value", "basket_share"})],
        "treatment_shares": ["array-like", None],
        "as_frame": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_coupon_experiment(
    n_samples: int = 10_000,
    *,
    n_treatments: int = 5,
    n_features: int = 20,
    order_rate: float = 0.1,
    order_effect: float = 0.35,
    amount_effect: float = 0.0,
    heterogeneity: float = 1.5,
    basket_noise: float = 0.6,
    feature_noise: float = 0.0,
    cost_type: str = "face_value",
    treatment_shares: ArrayLike | None = None,
    as_frame: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Simulate a randomised coupon experiment whose truth is known.

    Individual :math:`i` with features :math:`x_i` receives coupon :math:`j` at random.
    An order happens with probability

    .. math:: p_{ij} = \operatorname{expit}(a + b(x_i) + \beta\, s(x_i)\, d_j),

    with the concave dose :math:`d_j = \log_2(1 + v_j / v_1)` of a coupon of value :math:`v_j`,
    where :math:`v_1` is a coupon of 5 (or of 10 % of the basket). Given an
    order, the basket is log-normal with mean :math:`m(x_i)\, \exp(\gamma\, u(x_i)\, d_j)`. The
    gross merchandise value (gmv) is the basket if there is an order, else 0. A
    coupon costs money only when it is redeemed, with an order. The functions
    :math:`b, s, u, m` are nonlinear and the same for every `random_state`, so two seeds
    give two samples of one population. Loyal individuals order without a coupon and react
    less to one. The parameters do not change the draws, so with one
    `random_state` settings can be compared on the same individuals.

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of individuals.
    n_treatments : int, default=5
        Number of arms, 2 to 20: coupons of value 0 (control), 5, 10, ...
    n_features : int, default=20
        Number of features, at least 8. The first 8 matter, six of them log-normal and two
        normal. The others are normal, correlated with the first 8, and irrelevant.
    order_rate : float, default=0.1
        Share of the population that orders under control, in (0, 1).
    order_effect : float, default=0.35
        Mean effect :math:`\beta` of a unit dose on the logit of an order.
    amount_effect : float, default=0.0
        Effect :math:`\gamma` of a unit dose on the log of the expected basket: 0.1 makes the
        typical basket 11 % larger. With 0, amounts do not depend on the arm.
    heterogeneity : float, default=1.5
        Standard deviation of the effect on the logit between individuals, as a multiple of
        its mean: :math:`s` has mean 1 and this standard deviation. From about 1.25 up, a coupon
        puts some individuals off. With 0 everyone has the same effect, :math:`s = u = 1`.
        Otherwise :math:`u` is between 0 and 2.
    basket_noise : float, default=0.6
        Standard deviation of the log of the basket given the features and the arm. It does not
        change means. From about 1.5 up, a few baskets dominate every mean.
    feature_noise : float, default=0.0
        Standard deviation of the normal measurement noise that is added to each feature, in
        units of the feature's standard deviation in the population. The truth belongs to
        the features without noise.
    cost_type : {"face_value", "basket_share"}, default="face_value"
        Whether a coupon of value 5 takes 5 off (units of money), or 5 % of the basket.
    treatment_shares : array-like of shape (n_treatments,), default=None
        Probability of each arm, with sum 1. With None all are equal.
    as_frame : bool, default=False
        Whether the rows come as pandas objects.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes:

        - `data` : ndarray of shape (n_samples, n_features), float64, or DataFrame: features.
        - `target` : ndarray of shape (n_samples, 2), float64, or DataFrame: gmv and orders.
        - `treatment` : ndarray of shape (n_samples,), int64, or Series: value of the coupon.
        - `cost` : ndarray of shape (n_samples,), float64, or Series: realised cost.
        - `propensity` : ndarray of shape (n_samples,): probability of the received arm.
        - `treatments` : ndarray of shape (n_treatments,), int64: labels of the arms.
        - `expected_response`, `expected_orders`, `expected_cost` : ndarrays of shape
          (n_samples, n_treatments): exact expectations of gmv, orders and cost under each arm.
        - `feature_names`, `target_names` : lists of str.
        - `DESCR` : str, description.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or `treatment_shares` are not one
        positive share for each arm with sum 1.
    ImportError
        If `as_frame=True` and pandas is not installed.

    See Also
    --------
    oracle_budget_curve : Response that the best policy reaches at each budget.
    oracle_policy_value : True value of a policy.

    Examples
    --------
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> experiment = make_coupon_experiment(1000, random_state=0)
    >>> experiment.data.shape, experiment.target.shape
    ((1000, 20), (1000, 2))
    >>> experiment.treatments
    array([ 0,  5, 10, 15, 20])
    >>> experiment.expected_orders.mean(axis=0).round(2)
    array([0.1 , 0.12, 0.15, 0.16, 0.18])
    """
    shares = check_shares(treatment_shares, n_treatments)
    random_state = check_random_state(random_state)
    treatments = _COUPON_STEP * np.arange(n_treatments, dtype=np.int64)

    scores = latent_scores(n_samples, n_features, random_state)
    expected_orders, expected_basket, expected_cost = expected_outcomes(
        individuals_of(scores),
        treatments,
        order_rate=order_rate,
        order_effect=order_effect,
        amount_effect=amount_effect,
        heterogeneity=heterogeneity,
        cost_type=cost_type,
    )

    received = np.arange(n_samples), draw_arms(n_samples, shares, random_state)
    orders = (random_state.random_sample(n_samples) < expected_orders[received]).astype(np.float64)
    basket = draw_baskets(expected_basket[received], basket_noise, random_state)
    treatment = treatments[received[1]]
    # Drawn last, so that its size changes nothing else under the same seed.
    noise = random_state.standard_normal(scores.shape)
    bunch = Bunch(
        data=features_of(scores) + feature_noise * feature_scales(n_features) * noise,
        target=np.column_stack([orders * basket, orders]),
        treatment=treatment,
        cost=realised_cost(orders, basket, treatment, cost_type),
        propensity=shares[received[1]],
        treatments=treatments,
        expected_response=expected_orders * expected_basket,
        expected_orders=expected_orders,
        expected_cost=expected_cost,
        feature_names=feature_names(n_features),
        target_names=list(_TARGET_NAMES),
        DESCR=_describe(n_samples, n_features, treatments, cost_type),
    )
    return _to_frames(bunch) if as_frame else bunch
