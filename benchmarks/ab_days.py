"""The customers of `ab_test.py`: who comes when, what each arm would do, and what drifts.

`make_experiment` and `make_weeks` draw from the generators of the package, so the truth of every
individual under every arm is known. Noise and drift were fixed before any lift was seen:

- 4,000 customers come on a weekday and a quarter more on Saturdays and Sundays. The number of a
  day is off by 10 % (standard deviation), and so is its shape over the day. One day is a
  promotion, which was announced and has twice the traffic.
- Orders rise or fall over the four weeks by 10 % (standard deviation over seeds), baskets by 5 %
  and the share of orders that use the offer by 15 %. Each day is off by a few percent more.
  Weekends have 5 % more orders, the promotion 20 %.
- The mix of the customers begins as that of the experiment, and moves along a random
  direction of the features by about half a standard deviation.
- An offer costs when it is redeemed, with 80 % of orders in the experiment. Half of the
  redemptions come within an hour, the others four hours later on average.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.utils import Bunch

from sklearn_hrc.datasets import make_coupon_experiment, make_customer_experiment

SETTINGS = {
    "coupons": partial(make_coupon_experiment),
    "rare orders": partial(make_coupon_experiment, order_rate=0.02),
    "customers": partial(make_customer_experiment, kind="different"),
    "grid": partial(make_customer_experiment, kind="grid"),
    "segment": partial(make_customer_experiment, kind="segment"),
}
COUNTS = ("customers", "grid", "segment")
# Seed of the customers of the weeks, less that of the experiment.
WEEKS_SEED = 1_000
# Share of orders that use the offer, of customers who shop at all, and noise of baskets.
USED, SHOPPING, NOISE = 0.8, 0.6, 0.6
# Customers are drawn from so many more than come.
POOL = 1.3
PARTS = 96
AGES = np.array([0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24])
HOURS = (np.arange(1440) + 0.5) / 60


class Levels(NamedTuple):
    """Orders and baskets as multiples of those of the experiment, and the share that uses it."""

    orders: np.ndarray
    basket: np.ndarray
    used: np.ndarray


class Weeks(NamedTuple):
    """Customers in the order in which they come; day 0 is the day before the test.

    Attributes
    ----------
    data : ndarray of shape (n_customers, n_features)
        Features.
    day, time, delay : ndarrays of shape (n_customers,)
        Day, hour of the day, and hours from an offer to its redemption.
    drawn, expected : dict of ndarray of shape (n_customers, n_arms)
        Orders, GMV and cost that each arm would bring, and their expectations.
    planned : ndarray of shape (1 + n_days,)
        Individuals that are expected on each day.
    """

    data: np.ndarray
    day: np.ndarray
    time: np.ndarray
    delay: np.ndarray
    drawn: dict
    expected: dict
    planned: np.ndarray


def make_experiment(setting, n_rows, seed):
    """Draw the randomised experiment, with two outcomes, GMV and orders."""
    truth = SETTINGS[setting](n_rows, random_state=seed)
    ones = np.ones(n_rows)
    levels = Levels(ones, ones, USED * ones)
    expected = expectations(truth, setting, levels)
    drawn = draw(expected, setting, levels.used, np.random.default_rng(seed))
    received = np.arange(n_rows), np.searchsorted(truth.treatments, truth.treatment)
    return Bunch(
        data=truth.data,
        target=np.column_stack([drawn["gmv"][received], drawn["orders"][received]]),
        cost=drawn["cost"][received],
        treatment=truth.treatment,
        treatments=truth.treatments,
    )


def make_weeks(setting, n_days, per_day, seed):
    """Draw the customers of the weeks, and what each would do."""
    rng = np.random.default_rng(seed + WEEKS_SEED)
    planned, came, levels = draw_calendar(n_days, per_day, rng)
    pool = SETTINGS[setting](int(POOL * came.sum()), random_state=seed + WEEKS_SEED)
    rows = draw_mix(pool.data, came, rng)
    day = np.repeat(np.arange(1 + n_days), came)
    truth = Bunch(**{name: pool[name][rows] for name in pool if name.startswith("expected_")})
    of_rows = Levels(*(level[day] for level in levels))
    expected = expectations(truth, setting, of_rows)
    return Weeks(
        data=pool.data[rows],
        day=day,
        time=np.concatenate([draw_times(n, rng) for n in came]),
        delay=draw_delays(len(day), rng),
        drawn=draw(expected, setting, of_rows.used, rng),
        expected=expected,
        planned=planned,
    )


def draw_calendar(n_days, per_day, rng):
    """Individuals that are expected and that come, and levels, of the day before and each day."""
    day = np.arange(1 + n_days)
    weekend, promotion = (day % 7 == 6) | (day % 7 == 0), day == rng.integers(1, 1 + n_days)
    planned = per_day * (1 + 0.25 * weekend) * (1 + promotion)
    came = rng.poisson(planned * np.exp(rng.normal(0, 0.1, len(day))))

    def drift(total, daily):
        return rng.normal(0, total) * day / n_days + rng.normal(0, daily, len(day))

    orders = np.exp(drift(0.1, 0.03) + 0.05 * weekend + 0.2 * promotion)
    used = np.minimum(USED * np.exp(drift(0.15, 0.05)), 1)
    return planned, came, Levels(orders, np.exp(drift(0.05, 0.02)), used)


def draw_mix(data, came, rng):
    """Draw who comes on each day, so that the mix moves along a direction of the features."""
    scores = norm.ppf((rankdata(data, axis=0) - 0.5) / len(data))
    direction = scores @ rng.normal(size=data.shape[1])
    direction /= direction.std()
    left, rows = np.arange(len(data)), []
    for progress, n in zip(np.linspace(0, 1, len(came)), came):
        # The largest keys are a sample without replacement, by weights exp(progress / 2 * score).
        keys = 0.5 * progress * direction[left] + rng.gumbel(size=len(left))
        order = np.argpartition(-keys, n)
        rows.append(left[order[:n]])
        left = left[order[n:]]
    return np.concatenate(rows)


def shape_of_day():
    """Planned traffic of each minute, with sum 1."""
    shape = 0.15 + np.exp(-(((HOURS - 13) / 4) ** 2)) + 0.8 * np.exp(-(((HOURS - 20) / 2) ** 2))
    return shape / shape.sum()


def draw_times(n, rng):
    """Draw hours of a day whose shape is not quite as planned, in order."""
    waves = np.sin(2 * np.pi * (np.outer([1, 2, 3], HOURS / 24) + rng.random((3, 1))))
    shape = shape_of_day() * np.exp(rng.normal(0, 0.1, 3) @ waves)
    minute = rng.choice(1440, n, p=shape / shape.sum())
    return np.sort((minute + rng.random(n)) / 60)


def draw_delays(n, rng):
    """Draw hours from an offer to its redemption."""
    return np.where(rng.random(n) < 0.5, rng.random(n), 1 + rng.exponential(4, n))


def known_delays():
    """Which share of the redemptions comes by which age, as past offers tell."""
    share = 0.5 * np.minimum(AGES, 1) - 0.5 * np.expm1(-np.maximum(AGES - 1, 0) / 4)
    return np.column_stack([AGES, share / share[-1]])


def expectations(truth, setting, levels):
    """Expected orders, GMV and cost of every individual under every arm, at their levels."""
    orders = truth.expected_orders * levels.orders[:, None]
    if setting not in COUNTS:
        orders = np.minimum(orders, 1)
    basket = truth.expected_response / truth.expected_orders * levels.basket[:, None]
    paid = truth.expected_cost / truth.expected_orders * levels.used[:, None]
    return {"orders": orders, "gmv": orders * basket, "cost": orders * paid}


def draw(expected, setting, used, rng):
    """Draw orders, GMV and cost of every individual under every arm."""
    mean, n_rows = expected["orders"], len(used)
    if setting in COUNTS:
        shops = rng.random((n_rows, 1)) < SHOPPING
        keen = rng.gamma(4, 0.25, (n_rows, 1)) * shops / SHOPPING
        orders = rng.poisson(mean * keen)
    else:
        orders = (rng.random((n_rows, 1)) < mean).astype(int)
    basket = np.exp(NOISE * rng.standard_normal((n_rows, 1)) - NOISE**2 / 2)
    redeemed = rng.binomial(orders, used[:, None]) / used[:, None]
    return {
        "orders": orders.astype(float),
        "gmv": orders * basket * expected["gmv"] / mean,
        "cost": redeemed * expected["cost"] / mean,
    }
