"""Customers of the simulated customer experiment, and tables that describe them.

All functions map plain arrays to plain arrays. Features depend on two hidden
traits, wealth and activity, which members of a household partly share.
"""

from typing import NamedTuple

import numpy as np

__all__ = [
    "Customers",
    "draw_customers",
    "draw_households",
    "prepared_features",
    "raw_columns",
    "traits",
]

_PLANS = ("basic", "plus", "premium", "trial")
_COUNTRIES = ("AT", "CH", "DE", "NL", "PL", "SE")
_COUNTRY_SHARES = (0.12, 0.08, 0.42, 0.18, 0.13, 0.07)
_CHANNELS = ("friend", "partner", "search", "social")

# Day on which the experiment began.
_TODAY = np.datetime64("2024-06-30")
_LONGEST_TENURE = 3_000  # days
_DAYS_OF_YEAR = 365.25


class Customers(NamedTuple):
    """Features of each customer, arrays of shape (n_samples,).

    Attributes
    ----------
    spend_30d : float64
        Spend of the past 30 days, in units of money.
    orders_12m, visits_30d, returns_12m : float64
        Numbers of orders and returns in the past year, and of visits in the past 30 days.
    signup_days : int64
        Days since the customer signed up.
    age : float64
        Age in years, NaN if unknown.
    discount_share : float64
        Share of last year's baskets that was discounted, in [0, 1].
    opted_out, complained, employee, newsletter : float64
        Flags, 0 or 1.
    plan, country, channel : int64
        Positions in `_PLANS`, `_COUNTRIES` and `_CHANNELS`.
    noise_normal, noise_binary, noise_heavy : float64
        Columns that matter for nothing.
    """

    spend_30d: np.ndarray
    orders_12m: np.ndarray
    visits_30d: np.ndarray
    returns_12m: np.ndarray
    signup_days: np.ndarray
    age: np.ndarray
    discount_share: np.ndarray
    opted_out: np.ndarray
    complained: np.ndarray
    employee: np.ndarray
    newsletter: np.ndarray
    plan: np.ndarray
    country: np.ndarray
    channel: np.ndarray
    noise_normal: np.ndarray
    noise_binary: np.ndarray
    noise_heavy: np.ndarray

    @property
    def tenure_years(self):
        """Years since the customer signed up."""
        return self.signup_days / _DAYS_OF_YEAR


def draw_households(n_samples, household_size, random_state):
    """Return the household of each row, 0, 1, ..., with members next to each other.

    A household has 1 + Poisson(household_size - 1) members. The last household is cut where
    the rows end.
    """
    sizes = 1 + random_state.poisson(household_size - 1, n_samples)
    return np.repeat(np.arange(n_samples), sizes)[:n_samples]


def _shared_normal(groups, share, random_state):
    """Draw standard normal scores with correlation `share` within a household."""
    common = random_state.standard_normal(groups[-1] + 1)[groups]
    own = random_state.standard_normal(len(groups))
    return np.sqrt(share) * common + np.sqrt(1 - share) * own


def _draw_flag(chance, random_state):
    """Draw 1.0 with the given chances, else 0.0."""
    return (random_state.random_sample(len(chance)) < chance).astype(np.float64)


def _draw_plans(wealth, signup_days, random_state):
    """Draw plans, dearer for wealthy customers, and trials for new customers."""
    score = wealth + 0.8 * random_state.standard_normal(len(wealth))
    plan = np.searchsorted([0.3, 1.2], score)
    on_trial = (signup_days < 200) & (random_state.random_sample(len(wealth)) < 0.7)
    return np.where(on_trial, _PLANS.index("trial"), plan)


def _draw_counts(mean, shape, random_state):
    """Draw over-dispersed counts: Poisson with a gamma rate of this shape."""
    rate = mean * random_state.standard_gamma(shape, len(mean)) / shape
    return random_state.poisson(rate).astype(np.float64)


def _draw_ages(wealth, signup_days, plan, random_state):
    """Draw ages in whole years, of which some ten per cent are unknown."""
    score = 0.3 * wealth + 0.95 * random_state.standard_normal(len(wealth))
    age = 42 + 13 * score + 0.002 * (signup_days - 800)
    age = np.clip(age, 18, 90).round()
    unknown = np.where(plan == _PLANS.index("trial"), 0.25, 0.08)
    return np.where(random_state.random_sample(len(age)) < unknown, np.nan, age)


def _draw_purchases(wealth, activity, plan, tenure, random_state):
    """Draw the spend of 30 days, and the orders and returns of a year."""
    n_samples = len(wealth)
    active = activity + 0.8 * random_state.standard_normal(n_samples) > -0.5
    dearness = np.array([0.0, 0.4, 0.8, -0.5])[plan]
    log_spend = 3.4 + dearness + 0.4 * wealth + 0.3 * activity
    log_spend = log_spend + 0.8 * random_state.standard_normal(n_samples)
    spend = np.where(active, np.exp(log_spend), 0.0).round(2)
    rate = 2.5 * np.minimum(tenure, 1.0) * np.exp(0.6 * activity + 0.2 * dearness)
    orders = active + _draw_counts(rate, 2.0, random_state)
    returns = random_state.binomial(orders.astype(np.int64), random_state.beta(1, 6, n_samples))
    return spend, orders, returns.astype(np.float64)


def _draw_discount_shares(wealth, orders, random_state):
    """Draw discounted shares of baskets: zero for many, and for all without an order."""
    hunter = _draw_flag(1 / (1 + np.exp(0.2 + 0.7 * wealth)), random_state) * (orders > 0)
    return (hunter * random_state.beta(1.6, 2.4, len(wealth))).round(3)


def draw_customers(groups, random_state):
    """Draw the customers of the given households.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,), int64
        Household of each row, from `draw_households`.
    random_state : RandomState instance
        Source of the draws.

    Returns
    -------
    customers : Customers
        Customers. Members of a household live in one country, with similar wealth and activity.
    """
    n_samples = len(groups)
    wealth = _shared_normal(groups, 0.6, random_state)
    activity = _shared_normal(groups, 0.4, random_state)
    country = random_state.choice(len(_COUNTRIES), groups[-1] + 1, p=_COUNTRY_SHARES)[groups]
    channel = random_state.choice(len(_CHANNELS), n_samples, p=[0.25, 0.15, 0.35, 0.25])
    days = np.minimum(random_state.gamma(1.5, 600, n_samples), _LONGEST_TENURE)
    days = 1 + days.astype(np.int64)
    plan = _draw_plans(wealth, days, random_state)
    age = _draw_ages(wealth, days, plan, random_state)
    spend, orders, returns = _draw_purchases(
        wealth, activity, plan, days / _DAYS_OF_YEAR, random_state
    )
    newsletter = _draw_flag(0.3 + 0.2 * (activity > 0), random_state)
    return Customers(
        spend_30d=spend,
        orders_12m=orders,
        visits_30d=_draw_counts(np.exp(0.8 + 0.5 * activity + 0.4 * newsletter), 2.0, random_state),
        returns_12m=returns,
        signup_days=days,
        age=age,
        discount_share=_draw_discount_shares(wealth, orders, random_state),
        opted_out=_draw_flag(0.05 * (1 - newsletter), random_state),
        complained=_draw_flag(0.02 + 0.03 * (orders > 3), random_state),
        employee=_draw_flag(np.full(n_samples, 0.01), random_state),
        newsletter=newsletter,
        plan=plan,
        country=country,
        channel=channel,
        noise_normal=random_state.standard_normal(n_samples),
        noise_binary=_draw_flag(np.full(n_samples, 0.5), random_state),
        noise_heavy=random_state.standard_t(2.5, n_samples),
    )


def traits(customers):
    """Return groups of customers that several kinds of experiments use, as booleans."""
    return {
        "lapsed": customers.spend_30d == 0,
        # An unknown age is neither young nor old.
        "young": customers.age < 35,
        "old": customers.age > 50,
        "premium": customers.plan == _PLANS.index("premium"),
        "plus": customers.plan == _PLANS.index("plus"),
        "friend": customers.channel == _CHANNELS.index("friend"),
        "social": customers.channel == _CHANNELS.index("social"),
        "remote": customers.country == _COUNTRIES.index("SE"),
    }


_NUMBERS = ["spend_30d", "orders_12m", "visits_30d", "returns_12m", "discount_share"]
_FLAGS = ["opted_out", "complained", "employee", "newsletter"]
_NOISE = ["noise_normal", "noise_binary", "noise_heavy"]
_CATEGORIES = {"plan": _PLANS, "country": _COUNTRIES, "channel": _CHANNELS}


def prepared_features(customers):
    """Return the features as numbers without missing values, and their names.

    Parameters
    ----------
    customers : Customers
        Arrays of shape (n_samples,).

    Returns
    -------
    data : ndarray of shape (n_samples, n_features), float64
        Features in their own units, with a column of zeros and ones for every category.
    names : list of str
        Names of the columns.
    """
    missing = np.isnan(customers.age)
    # All ages are unknown in tiny samples only.
    median = 0.0 if missing.all() else np.median(customers.age[~missing])
    columns = {name: getattr(customers, name) for name in _NUMBERS}
    columns["tenure_years"] = customers.tenure_years
    columns["age"] = np.where(missing, median, customers.age)
    columns["age_missing"] = missing
    columns.update({name: getattr(customers, name) for name in _FLAGS})
    for name, levels in _CATEGORIES.items():
        code = getattr(customers, name)
        columns.update({f"{name}_{level}": code == k for k, level in enumerate(levels)})
    columns.update({name: getattr(customers, name) for name in _NOISE})
    return np.column_stack(list(columns.values())).astype(np.float64), list(columns)


def raw_columns(customers, groups):
    """Return the columns of a shop's table, a dict of arrays by name."""
    columns = {
        "customer_id": np.array([f"C{row:07d}" for row in range(len(groups))]),
        "household_id": np.array([f"H{group:07d}" for group in groups.tolist()]),
        "signup_date": (_TODAY - customers.signup_days).astype(str),
        "age": customers.age,
    }
    for name, levels in _CATEGORIES.items():
        columns[name] = np.array(levels)[getattr(customers, name)]
    columns.update({name: getattr(customers, name) for name in _NUMBERS + _FLAGS + _NOISE})
    return columns
