"""A simulated experiment with customers as shops have them, whose truth is known."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import Interval, StrOptions, validate_params
from sklearn_hrc.datasets._coupon import check_shares, draw_arms
from sklearn_hrc.datasets._customer_table import (
    draw_customers,
    draw_households,
    prepared_features,
    raw_columns,
)
from sklearn_hrc.datasets._customer_world import KINDS, expected_outcomes, realised_outcomes
from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["make_customer_experiment"]

_DESCR = """\
Simulated experiment with customers
-----------------------------------

{in_words}

:Kind: {kind}
:Number of customers: {n_samples}, in {n_households} households
:Arms: {arms}; one for each household, at random
:Features: {n_features} columns, of which those named noise_... matter for nothing
:Outcomes: {response} and orders (a count, mostly 0)
:Cost: what the received arm cost; 0 under control
:Truth: expected_response ({response}), expected_orders and expected_cost of every
    customer under every arm, given the customer's features
"""
_IN_WORDS = {
    "different": "The arms differ in kind. Each moves other people and puts some off.",
    "segment": "A thin segment responds, strongly; three features together tell who belongs to it.",
    "grid": "Three offers at four levels each. Each offer moves other people.",
    "margin": "Orders may be sent back, which costs more than an order earns.",
    "nothing": "Arms do the same for everyone: there is nothing to target.",
}


def _describe(kind, treatments, groups, bunch):
    return _DESCR.format(
        kind=kind,
        in_words=_IN_WORDS[kind],
        n_samples=len(groups),
        n_households=groups[-1] + 1,
        arms=", ".join(treatments.tolist()),
        n_features=len(bunch.feature_names),
        response=bunch.target_names[0],
    )


def _to_frames(bunch, customers, groups):
    """Replace the arrays of the rows by the raw table and by frames and series, in place."""
    pd = import_pandas("make_customer_experiment with raw=True")
    bunch.data = pd.DataFrame(raw_columns(customers, groups))
    bunch.feature_names = list(bunch.data.columns)
    bunch.target = pd.DataFrame(bunch.target, columns=bunch.target_names)
    bunch.treatment = pd.Series(bunch.treatment, name="treatment")
    bunch.cost = pd.Series(bunch.cost, name="cost")


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "kind": [StrOptions(set(KINDS))],
        "treatment_shares": ["array-like", None],
        "household_size": [Interval(Real, 1, 20, closed="both")],
        "raw": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_customer_experiment(
    n_samples: int = 10_000,
    *,
    kind: str = "different",
    treatment_shares: ArrayLike | None = None,
    household_size: float = 1.0,
    raw: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Simulate a randomised experiment with customers as shops have them, whose truth is known.

    Customer :math:`i` with features :math:`x_i` receives arm :math:`j` at random. The
    number of orders is a Poisson count with mean :math:`r_{ij}\, u_i`, where

    .. math:: r_{ij} = \exp(a(x_i) + s_j(x_i))

    and :math:`s_0 = 0` for the control. The random :math:`u_i` has mean one. It is zero for
    customers who do not shop in the period, and has a factor that members of a household share.
    Baskets are log-normal with mean :math:`b_{ij}`, so the expected gross merchandise value (gmv)
    is :math:`r_{ij} b_{ij}`. The functions :math:`a, s, b` are the same for every
    `random_state`, so two seeds give two samples of one population.

    Features are dependent, skewed and full of zeros: money, counts, rare flags, categories, and
    an age that is not always known. They come as numbers, or with `raw=True` as the
    table that a shop has. The customers and their outcomes are the same in both forms.

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of customers.
    kind : {"different", "segment", "grid", "margin", "nothing"}, default="different"
        Kind of the arms and of their effects:

        - "different": free shipping and two coupons. Each is best for some customers and
          harms others.
        - "segment": some 4.5 % of the customers respond, strongly. They have no spend in the past
          30 days, signed up more than two years ago, and came through a friend.
        - "grid": money off, percent off and points, at four levels each. Each offer moves
          other people, and a higher level adds less than the level before.
        - "margin": the response is the margin, less the discount. A returned order costs more
          than an order earns. Arms change orders and returns, and tails are heavy.
        - "nothing": each of seven offers does the same for everyone, and costs the same. No policy
          is better than a mixture of two arms at random.
    treatment_shares : array-like of shape (n_treatments,), default=None
        Probability of each arm, in the order of `treatments`, with sum 1. With None all are equal.
    household_size : float, default=1.0
        Mean number of members of a household, 1 to 20. With 1 each customer is a household.
        Larger households have 1 + Poisson(household_size - 1) members, who live in one country,
        have similar features and outcomes, and receive one arm.
    raw : bool, default=False
        Whether the features come as a table of strings, dates and numbers with missing
        values, and the other rows as pandas objects. Otherwise all are arrays of numbers.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes:

        - `data` : ndarray of shape (n_samples, 29), float64: features in their own
          units, not standardised, without missing values. Categories are columns of 0 and 1. An
          unknown age is the median of the others, and `age_missing` is 1. With
          `raw=True`, DataFrame of shape (n_samples, 19): categories, ids and
          `signup_date` (ISO) are strings, an unknown age is NaN.
        - `target` : ndarray of shape (n_samples, 2), float64, or DataFrame: gmv (in kind
          "margin", the margin) in units of money, and orders, a count.
        - `treatment` : ndarray of shape (n_samples,), str, or Series: label of the arm.
        - `cost` : ndarray of shape (n_samples,), float64, or Series: realised cost in
          units of money.
        - `propensity` : ndarray of shape (n_samples,): probability of the received arm.
        - `treatments` : ndarray of shape (n_treatments,), str: sorted labels, the
          control first. There are 8 for kind "nothing", 13 for "grid", else 4.
        - `groups` : ndarray of shape (n_samples,), int64: household, 0, 1, ...
        - `expected_response`, `expected_orders`, `expected_cost` : ndarrays of shape
          (n_samples, n_treatments): exact expectations of the first target, of orders and of
          cost under each arm, given the features.
        - `feature_names`, `target_names` : lists of str.
        - `DESCR` : str, description.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or `treatment_shares` are not one
        positive share for each arm with sum 1.
    ImportError
        If `raw=True` and pandas is not installed.

    See Also
    --------
    make_coupon_experiment : One offer at several values, with parameters for the world.
    oracle_budget_curve : Response that the best policy reaches at each budget.
    oracle_policy_value : True value of a policy.

    Examples
    --------
    >>> from sklearn_hrc.datasets import make_customer_experiment
    >>> experiment = make_customer_experiment(1000, random_state=0)
    >>> experiment.data.shape, experiment.target.shape
    ((1000, 29), (1000, 2))
    >>> experiment.treatments.tolist()
    ['control', 'free_shipping', 'money_off_10', 'money_off_5']
    >>> experiment.expected_orders.mean(axis=0).round(2)
    array([0.23, 0.3 , 0.27, 0.31])
    """
    random_state = check_random_state(random_state)
    groups = draw_households(n_samples, household_size, random_state)
    customers = draw_customers(groups, random_state)
    world = KINDS[kind](customers)
    treatments = np.array(world.treatments)
    shares = check_shares(treatment_shares, len(treatments))

    # Members of a household share its arm.
    arm = draw_arms(groups[-1] + 1, shares, random_state)[groups]
    response, orders, cost = realised_outcomes(world, arm, groups, random_state)
    expected_response, expected_orders, expected_cost = expected_outcomes(world)
    data, names = prepared_features(customers)
    bunch = Bunch(
        data=data,
        target=np.column_stack([response, orders]),
        treatment=treatments[arm],
        cost=cost,
        propensity=shares[arm],
        treatments=treatments,
        groups=groups,
        expected_response=expected_response,
        expected_orders=expected_orders,
        expected_cost=expected_cost,
        feature_names=names,
        target_names=["margin" if kind == "margin" else "gmv", "orders"],
    )
    if raw:
        _to_frames(bunch, customers, groups)
    bunch.DESCR = _describe(kind, treatments, groups, bunch)
    return bunch
