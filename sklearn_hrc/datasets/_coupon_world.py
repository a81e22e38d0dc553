"""World of the simulated coupon experiment: who orders, and for how much.

All functions map plain arrays to plain arrays. The world has no random
coefficients, so two seeds give two samples of one population.
"""

import functools
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

__all__ = [
    "N_INFORMATIVE",
    "Individuals",
    "dose",
    "expected_outcomes",
    "feature_names",
    "feature_scales",
    "features_of",
    "individuals_of",
    "latent_scores",
    "realised_cost",
]

# Name, median, scale and loading on the common factor of the features that
# matter. They are log-normal, ``median * exp(scale * score)``, except for
# the last two, which are normal, ``median + scale * score``.
_FEATURES = (
    ("past_spend", 120.0, 0.8, 0.6),
    ("recency_days", 20.0, 0.9, -0.5),
    ("coupons_used", 3.0, 0.7, 0.4),
    ("app_sessions", 8.0, 0.7, 0.6),
    ("tenure_months", 18.0, 0.6, 0.4),
    ("distance_km", 4.0, 0.5, -0.2),
    ("age", 40.0, 12.0, 0.0),
    ("price_attention", 0.0, 1.0, 0.0),
)
N_INFORMATIVE = len(_FEATURES)
_N_SKEWED = 6
_IRRELEVANT_LOADING = 0.3

_CONTROL_BASKET = 40.0
# Coupon that is one unit of dose: money off, or percent of the basket.
_UNIT_COUPON = {"face_value": 5.0, "basket_share": 10.0}

# Population constants (intercept, means) come from this many individuals. They are known
# to some 0.3 %, and are the same in every sample whatever its seed and size.
_REFERENCE_SIZE = 100_000


class Individuals(NamedTuple):
    """Traits of each individual, from the true features.

    Attributes
    ----------
    base : ndarray of shape (n_samples,)
        Logit of an order under control, up to a constant.
    sensitivity : ndarray of shape (n_samples,)
        Sensitivity to coupons on the logit scale, positive and skewed.
    amount_score : ndarray of shape (n_samples,)
        Sensitivity of the basket to coupons, symmetric around 0.
    log_basket : ndarray of shape (n_samples,)
        Logarithm of the expected basket under control, up to a constant.
    """

    base: np.ndarray
    sensitivity: np.ndarray
    amount_score: np.ndarray
    log_basket: np.ndarray


def latent_scores(n_samples, n_features, random_state):
    """Draw standard normal scores that share a common factor.

    Parameters
    ----------
    n_samples, n_features : int
        Shape of the scores. `n_features` is at least `N_INFORMATIVE`.
    random_state : RandomState instance
        Source of the draws.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_features)
        Each column is standard normal.
    """
    loading = np.full(n_features, _IRRELEVANT_LOADING)
    loading[:N_INFORMATIVE] = [feature[3] for feature in _FEATURES]
    common = random_state.standard_normal((n_samples, 1))
    own = random_state.standard_normal((n_samples, n_features))
    return common * loading + own * np.sqrt(1 - loading**2)


def feature_names(n_features):
    """Return the names of the features, a list of `n_features` strings."""
    irrelevant = [f"irrelevant_{k}" for k in range(n_features - N_INFORMATIVE)]
    return [feature[0] for feature in _FEATURES] + irrelevant


def _medians_and_scales():
    """Return those of the informative features, two arrays of shape (N_INFORMATIVE,)."""
    return np.array([feature[1:3] for feature in _FEATURES]).T


def features_of(scores):
    """Turn scores into features in their own units, shape (n_samples, n_features)."""
    median, scale = _medians_and_scales()
    features = scores.copy()
    features[:, :N_INFORMATIVE] *= scale
    features[:, :_N_SKEWED] = np.exp(features[:, :_N_SKEWED]) * median[:_N_SKEWED]
    features[:, _N_SKEWED:N_INFORMATIVE] += median[_N_SKEWED:]
    return features


def feature_scales(n_features):
    """Return the population standard deviation of each feature, shape (n_features,)."""
    median, scale = _medians_and_scales()
    skewed = slice(None, _N_SKEWED)
    variance_of_log = scale[skewed] ** 2
    scale[skewed] = (
        median[skewed] * np.exp(variance_of_log / 2) * np.sqrt(np.expm1(variance_of_log))
    )
    return np.concatenate([scale, np.ones(n_features - N_INFORMATIVE)])


def individuals_of(scores):
    """Describe individuals by the scores of their informative features.

    Kinks, thresholds, interactions and hills make the traits hard for a linear model and
    for a shallow tree. Loyal individuals (high `base`) order anyway. They react less,
    and a coupon that they redeem is spent for nothing.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_features)
        Standard normal scores, of which the first `N_INFORMATIVE` columns matter.

    Returns
    -------
    individuals : Individuals
        Traits that the rest of the world depends on.
    """
    spend, recency, coupons, sessions, tenure, distance, age, price = scores[:, :N_INFORMATIVE].T
    base = 0.7 * spend - 0.5 * np.logaddexp(0.0, 2 * recency) + 0.4 * sessions * (tenure > 0)
    base = base - 0.3 * np.abs(age) - 0.2 * np.maximum(distance, 0.0) ** 2
    sensitivity = 1.2 * np.tanh(price) + 0.8 * np.tanh(coupons) * (sessions > -0.5)
    sensitivity = sensitivity - 0.9 * np.tanh(spend) + 0.5 * np.tanh(recency)
    log_basket = np.tanh(distance) + 0.8 * np.tanh(age) * (tenure > -0.5) + 0.5 * np.tanh(price)
    return Individuals(
        base=base,
        sensitivity=np.exp(sensitivity + 0.4 * np.cos(2 * age)),
        amount_score=1.5 * np.sin(2 * coupons) + tenure,
        log_basket=0.6 * log_basket,
    )


@functools.lru_cache(maxsize=1)
def _reference_individuals():
    """Return the individuals that stand for the population."""
    scores = latent_scores(_REFERENCE_SIZE, N_INFORMATIVE, np.random.RandomState(0))
    return individuals_of(scores)


def dose(treatments, cost_type):
    """Return the dose of each arm: 0 for no coupon, 1 for the unit coupon, concave."""
    return np.log2(1 + treatments / _UNIT_COUPON[cost_type])


def _intercept(order_rate):
    """Return the constant that makes `order_rate` the share of orders under control."""
    base = _reference_individuals().base
    return brentq(lambda constant: expit(constant + base).mean() - order_rate, -50.0, 50.0)


def _relative_effect(sensitivity, heterogeneity):
    """Return the effect on the logit over its mean: mean 1, sd `heterogeneity`."""
    reference = _reference_individuals().sensitivity
    return 1 + heterogeneity * (sensitivity - reference.mean()) / reference.std()


def expected_outcomes(
    individuals,
    treatments,
    *,
    order_rate,
    order_effect,
    amount_effect,
    heterogeneity,
    cost_type,
):
    """Return the expected orders, baskets and costs of every individual under every arm.

    Parameters
    ----------
    individuals : Individuals
        Arrays of shape (n_samples,).
    treatments : ndarray of shape (n_treatments,)
        Values of the coupons.
    order_rate, order_effect, amount_effect, heterogeneity, cost_type
        As in `make_coupon_experiment`.

    Returns
    -------
    orders : ndarray of shape (n_samples, n_treatments)
        Probability of an order.
    basket : ndarray of shape (n_samples, n_treatments)
        Expected basket, given an order.
    cost : ndarray of shape (n_samples, n_treatments)
        Expected cost.
    """
    arm_dose = dose(treatments, cost_type)
    effect = order_effect * _relative_effect(individuals.sensitivity, heterogeneity)
    constant = _intercept(order_rate)
    orders = expit(constant + individuals.base[:, None] + effect[:, None] * arm_dose)

    normaliser = np.exp(_reference_individuals().log_basket).mean()
    control_basket = _CONTROL_BASKET * np.exp(individuals.log_basket) / normaliser
    # A logistic curve keeps the growth of a basket between 0 and twice the typical growth.
    # On the log scale a long tail would give absurd baskets.
    growth = amount_effect * 2 * expit(heterogeneity * individuals.amount_score)
    basket = control_basket[:, None] * np.exp(growth[:, None] * arm_dose)

    cost = orders * realised_cost(1.0, basket, treatments, cost_type)
    return orders, basket, cost


def realised_cost(orders, basket, coupon, cost_type):
    """Return the cost of coupons of value `coupon`, which is zero without an order."""
    if cost_type == "face_value":
        return orders * np.broadcast_to(coupon, np.shape(basket))
    return orders * basket * coupon / 100
