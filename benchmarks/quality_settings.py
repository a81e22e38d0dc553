"""Simulated experiments on which quality.py judges decisions.

Four families of worlds: coupons of several values (`make_coupon_experiment`),
customers as shops have them, with offers that differ in kind
(`make_customer_experiment`), the same customers as a raw table (`quality_raw.py`),
and effects that are linear in many features (`linear_world.py`).
Defaults are chosen on the settings of `DEVELOPMENT`, which has no raw table,
and figures are reported for those of `REPORTED`. The two share no setting of the
same size and, by their seeds, no sample.
"""

from typing import NamedTuple

from linear_world import make_linear_experiment
from quality_raw import make_raw_experiment

from sklearn_hrc.datasets import make_coupon_experiment, make_customer_experiment

MAKERS = {
    "coupon": make_coupon_experiment,
    "customer": make_customer_experiment,
    "raw": make_raw_experiment,
    "linear": make_linear_experiment,
}
# Individuals to judge on, at least: with few rows of fit, too few would blur the judgement.
# Coupons are judged on as many as are fitted, as all figures of theirs have been.
TEST_ROWS = {"coupon": 0, "customer": 20_000, "raw": 20_000, "linear": 20_000}
# Seed of the rows to judge on, less that of the rows of fit.
TEST_SEED = 1000
FIRST_SEEDS = {"reported": 0, "development": 50}


class Setting(NamedTuple):
    """A world of a family, and how many rows it is seen through."""

    family: str
    parameters: dict


def linear(*settings):
    """Settings of the family with linear effects, {name: Setting}, from (rows, parameters)."""
    named = {}
    for n_samples, parameters in settings:
        name = f"linear, {parameters['n_features']} features, {n_samples:,} rows"
        named[name] = Setting("linear", {"n_samples": n_samples, **parameters})
    return named


def coupons(settings):
    """Settings of the family with coupons, {name: Setting}."""
    return {f"coupons, {name}": Setting("coupon", settings[name]) for name in settings}


def customers(*settings, family="customer"):
    """Settings of a family with customers, {name: Setting}, from (name, rows, parameters)."""
    return {
        f"{name}, {n_samples:,} rows": Setting(family, {"n_samples": n_samples, **parameters})
        for name, n_samples, parameters in settings
    }


COUPONS = {
    "default": {"n_samples": 30_000},
    "many rows": {"n_samples": 100_000},
    "noisy features": {"n_samples": 30_000, "feature_noise": 1.0},
    "rare orders": {"n_samples": 30_000, "order_rate": 0.02},
    "heavy tails": {"n_samples": 30_000, "basket_noise": 1.2},
    "share of basket": {"n_samples": 30_000, "cost_type": "basket_share", "amount_effect": 0.1},
    "one coupon": {"n_samples": 10_000, "n_treatments": 2},
    "one coupon, rare orders": {"n_samples": 30_000, "n_treatments": 2, "order_rate": 0.02},
}
DEVELOPMENT_COUPONS = {
    "default": {"n_samples": 20_000},
    "many rows": {"n_samples": 60_000},
    "noisy features": {"n_samples": 20_000, "feature_noise": 0.6},
    "rare orders": {"n_samples": 20_000, "order_rate": 0.04},
    "heavy tails": {"n_samples": 20_000, "basket_noise": 0.9},
    "share of basket": {"n_samples": 20_000, "cost_type": "basket_share", "amount_effect": 0.15},
    "one coupon": {"n_samples": 8_000, "n_treatments": 2},
    "one coupon, rare orders": {"n_samples": 20_000, "n_treatments": 2, "order_rate": 0.03},
}
REPORTED = coupons(COUPONS) | customers(
    ("different", 3_000, {"kind": "different"}),
    ("different", 10_000, {"kind": "different"}),
    ("different", 30_000, {"kind": "different"}),
    ("different", 100_000, {"kind": "different"}),
    ("unequal arms", 20_000, {"kind": "different", "treatment_shares": [0.7, 0.1, 0.1, 0.1]}),
    ("households", 20_000, {"kind": "different", "household_size": 2.5}),
    ("segment", 20_000, {"kind": "segment"}),
    ("grid", 40_000, {"kind": "grid"}),
    ("margin", 20_000, {"kind": "margin"}),
    ("margin", 5_000, {"kind": "margin"}),
    ("nothing", 20_000, {"kind": "nothing"}),
    ("nothing", 4_000, {"kind": "nothing"}),
)
REPORTED |= linear((5_000, {"n_features": 40}), (20_000, {"n_features": 10, "n_treatments": 4}))
REPORTED |= customers(
    ("raw table, different", 10_000, {"kind": "different"}),
    ("raw table, different", 30_000, {"kind": "different"}),
    ("raw table, segment", 20_000, {"kind": "segment"}),
    family="raw",
)
DEVELOPMENT = coupons(DEVELOPMENT_COUPONS) | customers(
    ("different", 5_000, {"kind": "different"}),
    ("different", 15_000, {"kind": "different"}),
    ("unequal arms", 15_000, {"kind": "different", "treatment_shares": [0.6, 0.2, 0.1, 0.1]}),
    ("segment", 30_000, {"kind": "segment"}),
    ("grid", 25_000, {"kind": "grid"}),
    ("margin", 12_000, {"kind": "margin"}),
    ("margin", 3_000, {"kind": "margin"}),
    ("nothing", 10_000, {"kind": "nothing"}),
    ("nothing", 3_000, {"kind": "nothing"}),
)
DEVELOPMENT |= linear(
    (4_000, {"n_features": 25}), (8_000, {"n_features": 20, "n_treatments": 5, "noise": 4.0})
)


def family_of(name):
    """Family of a setting by its name, as a file of earlier measures has it."""
    prefixes = {"coupons": "coupon", "raw": "raw", "linear": "linear"}
    return next((prefixes[prefix] for prefix in prefixes if name.startswith(prefix)), "customer")


def has_nothing_to_target(name):
    """Whether no policy can be better than a mixture of two arms at random."""
    return name.startswith("nothing")


def choose_settings(settings, *, family=None, parts=("",), n_rows=None):
    """Select settings of a family whose name contains one of the parts, {name: Setting}.

    `n_rows` takes the place of their number of rows of fit, and the name says so.
    """
    chosen = {
        name: setting
        for name, setting in settings.items()
        if family in (None, setting.family) and any(part in name for part in parts)
    }
    if n_rows is None:
        return chosen
    return {
        f"{name}, cut to {n_rows:,}": Setting(
            setting.family, setting.parameters | {"n_samples": n_rows}
        )
        for name, setting in chosen.items()
    }


def samples(setting, seed):
    """Rows of fit, and rows of the same population to judge on."""
    make, parameters = MAKERS[setting.family], setting.parameters
    n_judged = max(parameters["n_samples"], TEST_ROWS[setting.family])
    train = make(random_state=seed, **parameters)
    test = make(random_state=seed + TEST_SEED, **parameters | {"n_samples": n_judged})
    return train, test
