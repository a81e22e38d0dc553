"""World of the simulated customer experiment: what each arm does to whom.

All functions map plain arrays to plain arrays. The world has no random
coefficients, so two seeds give two samples of one population. Random terms have mean
one and multiply, so expectations are known exactly.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sklearn_hrc.datasets._coupon import draw_baskets
from sklearn_hrc.datasets._customer_table import traits

__all__ = ["KINDS", "World", "expected_outcomes", "realised_outcomes"]

# Logarithms of the mean orders and of the mean basket of a reference customer.
_LOG_RATE = -1.95
_LOG_BASKET = 3.45
# Share of customers who shop at all in the period. The others make the excess of zeros.
_SHOPPING_SHARE = 0.6
# Shape of the household's factor. Smaller values make members of a household more alike.
_HOUSEHOLD_SHAPE = 4.0
# Mean basket of the extra order, for the kind with nothing to target.
_SMALL_BASKET = 25.0
# Shares of the basket that a kept order earns and a returned order loses, and the handling cost.
_KEPT_SHARE, _LOST_SHARE, _HANDLING = 0.45, 0.25, 6.0
# Cost of free shipping by country.
_POSTAGE = np.array([5.0, 6.0, 3.5, 4.0, 4.5, 7.0])
# Levels of each offer of the grid.
_LEVELS = np.arange(1, 5)


class World(NamedTuple):
    """Expected outcomes of each individual under each arm, in parts.

    Attributes
    ----------
    treatments : tuple of str
        Labels of the arms, sorted, control first.
    rate : ndarray of shape (n_samples, n_treatments)
        Expected number of orders, without the extra order.
    basket : ndarray of shape (n_samples, n_treatments)
        Expected basket of an order.
    redeemed : ndarray of shape (n_samples, n_treatments)
        Probability that an order uses the offer.
    face_value : ndarray of shape (n_samples, n_treatments)
        Cost of an order that uses the offer.
    share : ndarray of shape (n_treatments,)
        Further cost of such an order, as a share of its basket.
    price : ndarray of shape (n_treatments,)
        Cost of the arm, with or without an order.
    extra : ndarray of shape (n_treatments,)
        Probability of one extra, small order.
    returned : ndarray of shape (n_samples, n_treatments) or None
        Probability that an order is sent back, or None if the response is sales.
    basket_noise : float
        Standard deviation of the log of the basket.
    """

    treatments: tuple
    rate: np.ndarray
    basket: np.ndarray
    redeemed: np.ndarray
    face_value: np.ndarray
    share: np.ndarray
    price: np.ndarray
    extra: np.ndarray
    returned: np.ndarray | None = None
    basket_noise: float = 0.6


def _control(customers):
    """Return the logarithms of the expected orders and basket under control."""
    is_ = traits(customers)
    log_rate = _LOG_RATE + 0.25 * np.log1p(customers.orders_12m) - 0.35 * is_["lapsed"]
    log_rate += 0.15 * np.minimum(customers.visits_30d, 6) / 3 + 0.2 * customers.newsletter
    log_rate += 0.2 * is_["premium"] - 0.5 * customers.complained
    log_basket = _LOG_BASKET + 0.08 * np.log1p(customers.spend_30d) + 0.3 * is_["premium"]
    log_basket += 0.15 * is_["plus"] - 0.2 * is_["young"]
    return log_rate, log_basket


def _world(customers, treatments, effects, *, log_growth=0.0, **terms):
    """Put a world together from effects of arms, with `terms` for the other fields of `World`.

    `effects` is a list of arrays of shape (n_samples,), the effects of all arms but the control on
    the log of the expected orders. `log_growth` has the effects of all arms on the log of the
    basket.
    """
    log_rate, log_basket = _control(customers)
    effects = np.column_stack([np.zeros_like(log_rate), *effects])
    none = np.zeros(len(treatments))
    terms = {"share": none, "price": none, "extra": none, "face_value": 0.0, **terms}
    for name in ("redeemed", "face_value"):
        terms[name] = np.broadcast_to(terms.get(name, 1.0), effects.shape)
    basket = np.exp(log_basket[:, None] + log_growth)
    return World(
        treatments=treatments,
        rate=np.exp(log_rate[:, None] + effects),
        basket=np.broadcast_to(basket, effects.shape),
        **terms,
    )


def _redemption(customers):
    """Return the probability that an order uses a coupon, larger for readers and hunters."""
    return 0.55 + 0.2 * customers.newsletter + 0.2 * (customers.discount_share > 0)


def different(customers):
    """Arms that differ in kind, move different people and put others off."""
    is_ = traits(customers)
    annoyed = -0.5 * customers.opted_out - 0.3 * customers.complained
    shipping = 0.9 * is_["premium"] + 0.8 * is_["remote"] - 0.05 * is_["young"] + annoyed
    large = 1.0 * is_["lapsed"] * (1 - is_["premium"]) - 0.5 * is_["premium"]
    large = large - 0.1 * ~is_["lapsed"] + annoyed
    small = 0.9 * (is_["young"] & ~is_["lapsed"]) + 0.3 * (customers.discount_share > 0)
    small = small - 0.3 * is_["old"] + annoyed
    coupon, ones = _redemption(customers), np.ones(len(large))
    postage = _POSTAGE[customers.country]
    redeemed = np.column_stack([ones, ones, coupon, coupon])
    face_value = np.column_stack([0 * ones, postage, 10 * ones, 5 * ones])
    return _world(
        customers,
        ("control", "free_shipping", "money_off_10", "money_off_5"),
        [shipping, large, small],
        redeemed=redeemed,
        face_value=face_value,
        log_growth=np.array([0.0, -0.05, 0.05, 0.0]),
    )


def segment(customers):
    """Arms that move a thin segment only, where three features meet."""
    is_ = traits(customers)
    found = is_["lapsed"] & (customers.tenure_years > 2) & is_["friend"]
    coupon, ones = _redemption(customers), np.ones(len(found))
    return _world(
        customers,
        ("control", "letter", "money_off_10", "points"),
        # Points bore the others a little.
        [1.3 * found, 1.8 * found, -0.02 * ~found],
        redeemed=np.column_stack([ones, ones, coupon, ones]),
        face_value=[0.0, 0.0, 10.0, 2.0],
        price=np.array([0.0, 0.8, 0.0, 0.0]),
    )


def grid(customers):
    """Three offers at four levels, each for other people and with more effect at higher levels."""
    is_ = traits(customers)
    money = 1.0 * (is_["young"] & ~is_["premium"]) + 0.4 * is_["lapsed"] - 0.2
    percent = 1.1 * (customers.discount_share > 0) - 0.2 - 0.3 * is_["premium"]
    points = 0.9 * is_["premium"] + 0.4 * (customers.orders_12m > 4) - 0.15
    dose = (_LEVELS / 4) ** 0.6
    money, percent, points = ([effect * d for d in dose] for effect in (money, percent, points))
    zeros = np.zeros(4)
    coupon, ones = _redemption(customers), np.ones(len(customers.age))
    return _world(
        customers,
        (
            "control",
            *(f"money_off_{3 * level:02d}" for level in _LEVELS),
            *(f"percent_off_{5 * level:02d}" for level in _LEVELS),
            *(f"points_{level}00" for level in _LEVELS),
        ),
        money + percent + points,
        redeemed=np.column_stack([ones, *8 * [coupon], *4 * [ones]]),
        face_value=np.concatenate([[0.0], 3.0 * _LEVELS, zeros, 1.5 * _LEVELS]),
        share=np.concatenate([[0.0], zeros, 0.05 * _LEVELS, zeros]),
    )


def margin(customers):
    """Arms whose orders may be sent back, and whose discounts reduce the margin."""
    is_ = traits(customers)
    hunter = customers.discount_share > 0
    letter = 0.7 * is_["old"] + 0.3 * is_["premium"] - 0.1 - 0.8 * customers.opted_out
    money = 1.5 * is_["lapsed"] - 0.1
    percent = 0.5 * hunter + 1.2 * is_["social"] - 0.1
    tendency = -1.9 + 0.5 * np.minimum(customers.returns_12m, 3) + 0.3 * is_["young"]
    returned = [tendency, tendency - 0.3 * is_["old"], tendency, tendency + 0.9 * hunter]
    ones, coupon = np.ones(len(hunter)), _redemption(customers)
    return _world(
        customers,
        ("control", "letter", "money_off_5", "percent_off_10"),
        [letter, money, percent],
        redeemed=np.column_stack([ones, ones, coupon, ones]),
        face_value=[0.0, 0.0, 5.0, 0.0],
        share=np.array([0.0, 0.0, 0.0, 0.10]),
        price=np.array([0.0, 0.7, 0.0, 0.0]),
        returned=expit(np.column_stack(returned)),
        basket_noise=1.0,
    )


def nothing(customers):
    """Offers that do the same for everyone, with different returns for their price."""
    return _world(
        customers,
        ("control", "gift", "letter", "message", "parcel", "phone", "postcard", "sample"),
        [np.zeros(len(customers.age))] * 7,
        # Samples, then parcels, are worth their price. A mixture dominates the other offers.
        price=np.array([0.0, 2.5, 0.8, 0.3, 2.0, 1.5, 0.6, 1.0]),
        extra=np.array([0.0, 0.13, 0.06, 0.012, 0.14, 0.05, 0.03, 0.08]),
    )


KINDS = {
    "different": different,
    "segment": segment,
    "grid": grid,
    "margin": margin,
    "nothing": nothing,
}


def _received(world, arm):
    """Return the world of the received arms, with arrays of shape (n_samples,)."""
    columns = {
        name: values[arm] if values.ndim == 1 else values[np.arange(len(arm)), arm]
        for name, values in world._asdict().items()
        if isinstance(values, np.ndarray)
    }
    return world._replace(**columns)


def _discount_of_order(world):
    """Return the expected cost of an order that uses the offer."""
    return world.face_value + world.share * world.basket


def expected_outcomes(world):
    """Return the expectations of every individual under every arm.

    Parameters
    ----------
    world : World
        Arrays of shape (n_samples, n_treatments).

    Returns
    -------
    response, orders, cost : ndarrays of shape (n_samples, n_treatments)
        Expected sales or margin, number of orders, and cost.
    """
    discount = world.rate * world.redeemed * _discount_of_order(world)
    cost, orders = discount + world.price, world.rate + world.extra
    if world.returned is None:
        return world.rate * world.basket + world.extra * _SMALL_BASKET, orders, cost
    kept = (1 - world.returned) * _KEPT_SHARE * world.basket
    lost = world.returned * (_LOST_SHARE * world.basket + _HANDLING)
    return world.rate * (kept - lost) - discount, orders, cost


def _draw_orders(rate, groups, random_state):
    """Draw numbers of orders with mean `rate`, with many zeros, and alike within households."""
    household = random_state.standard_gamma(_HOUSEHOLD_SHAPE, groups[-1] + 1) / _HOUSEHOLD_SHAPE
    shops = random_state.random_sample(len(rate)) < _SHOPPING_SHARE
    # Dividing by the share of shoppers keeps the mean at `rate`.
    return random_state.poisson(rate * household[groups] * shops / _SHOPPING_SHARE)


def realised_outcomes(world, arm, groups, random_state):
    """Draw the outcomes of each individual under the received arm.

    Parameters
    ----------
    world : World
        Arrays of shape (n_samples, n_treatments).
    arm : ndarray of shape (n_samples,), intp
        Index of the received arm.
    groups : ndarray of shape (n_samples,), int64
        Household of each row, 0, 1, ...
    random_state : RandomState instance
        Source of the draws.

    Returns
    -------
    response, orders, cost : ndarrays of shape (n_samples,), float64
        Sales or margin, number of orders, and cost.
    """
    got = _received(world, arm)
    orders = _draw_orders(got.rate, groups, random_state)
    basket = draw_baskets(got.basket, got.basket_noise, random_state)
    uses = random_state.binomial(orders, got.redeemed)
    discount = uses * (got.face_value + got.share * basket)
    extra = random_state.random_sample(len(arm)) < got.extra
    small = draw_baskets(np.full(len(arm), _SMALL_BASKET), got.basket_noise, random_state)
    response = orders * basket + extra * small
    if got.returned is not None:
        returned = random_state.binomial(orders, got.returned)
        kept = (orders - returned) * _KEPT_SHARE * basket
        response = kept - returned * (_LOST_SHARE * basket + _HANDLING) - discount
    return response, (orders + extra).astype(np.float64), discount + got.price
