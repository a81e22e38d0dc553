"""The customers of quality.py as a shop exports them: a table of text, dates and gaps.

`make_raw_experiment` has the customers, outcomes and truth of `make_customer_experiment`. Its
table is that of `raw=True`, in a state that tables are often in:

- a sign-up date with the day first, an amount with a decimal comma, flags of three kinds,
- numbers of orders in bands with names, towns of which most are rare,
- visits that are missing at random, and a share of discounts that is mostly missing where it
  is zero. Ages are missing more often on trial.

So the table knows less than the oracle does. HRC reads the table by the steps of `make_policy`,
which know nothing of it. Rivals get the numbers that somebody makes of it who knows each column:
categories one-hot, text and dates read, gaps filled by the median and marked. Each rival scales
these numbers as it does in the other settings.
"""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import Bunch

from sklearn_hrc.datasets import make_customer_experiment
from sklearn_hrc.tables import make_policy

ORDER_BANDS = np.array(["none", "1", "2 to 3", "4 to 6", "7 to 11", "12 or more"])
BAND_STARTS = (1, 2, 4, 7, 12)
# Towns of a country, and by which power of its rank a town has fewer customers.
N_TOWNS, TOWN_POWER = 200, 1.2
VISITS_MISSING, NO_DISCOUNT_MISSING, DISCOUNT_MISSING = 0.1, 0.6, 0.05

COUNTS = ["age", "visits_30d", "returns_12m", "discount_share", "noise_normal", "noise_heavy"]
FLAGS = ["opted_out", "complained", "employee", "noise_binary"]
CATEGORIES = ["plan", "country", "town", "channel", "orders_12m", "newsletter"]
# So many categories of a column have a column of their own, if so many rows have them. The others
# share one.
MOST_CATEGORIES, ROWS_A_CATEGORY = 40, 50


def make_raw_experiment(random_state, **parameters):
    """Return a customer experiment whose `data` are such a table; the seed is an integer."""
    experiment = make_customer_experiment(random_state=random_state, raw=True, **parameters)
    experiment.data = dress(experiment.data, np.random.default_rng(random_state))
    for name in ("target", "treatment", "cost"):
        experiment[name] = experiment[name].to_numpy()
    return experiment


def dress(table, rng):
    """Write the columns of a customer table as exports do, and leave entries out."""
    n_rows = len(table)
    year, month, day = np.array([text.split("-") for text in table["signup_date"]]).T
    chances = np.arange(1, N_TOWNS + 1) ** -TOWN_POWER
    town = rng.choice(N_TOWNS, n_rows, p=chances / chances.sum())
    no_discount = table["discount_share"] == 0
    gap = np.where(no_discount, NO_DISCOUNT_MISSING, DISCOUNT_MISSING)
    return table.assign(
        signup_date=[".".join(parts) for parts in zip(day, month, year)],
        spend_30d=[f"{amount:.2f}".replace(".", ",") for amount in table["spend_30d"]],
        orders_12m=ORDER_BANDS[np.searchsorted(BAND_STARTS, table["orders_12m"], side="right")],
        town=[f"{country} {number}" for country, number in zip(table["country"], town)],
        opted_out=table["opted_out"] == 1,
        complained=table["complained"] == 1,
        newsletter=np.where(table["newsletter"] == 1, "yes", "no"),
        visits_30d=table["visits_30d"].mask(rng.random(n_rows) < VISITS_MISSING),
        discount_share=table["discount_share"].mask(rng.random(n_rows) < gap),
    )


def is_raw(train):
    """Whether the features of an experiment are a table with names."""
    return hasattr(train.data, "columns")


def features_of_hrc(train, seed):
    """Return the step before networks: the scaler, or what `make_policy` does with a table."""
    if not is_raw(train):
        return StandardScaler()
    policy = make_policy(control=train.treatments[0], random_state=seed)
    return policy[: list(policy.named_steps).index("represent")]


def on_numbers(fit, train, seed):
    """Fit a rival, which knows numbers only, and let it decide for rows of a raw table, too."""
    if not is_raw(train):
        return fit(train, seed)
    encoder = table_by_hand().fit(train.data)
    numbers = Bunch(**{**train, "data": encoder.transform(train.data)})
    decide = fit(numbers, seed)
    return lambda table, budgets: decide(encoder.transform(table), budgets)


def table_by_hand():
    """Return the transformer of somebody who knows the columns."""
    categories = OneHotEncoder(
        max_categories=MOST_CATEGORIES,
        min_frequency=ROWS_A_CATEGORY,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    return make_column_transformer(
        (SimpleImputer(strategy="median", add_indicator=True), COUNTS),
        (FunctionTransformer(read_amounts), ["spend_30d"]),
        (FunctionTransformer(read_days), ["signup_date"]),
        (categories, CATEGORIES),
        (FunctionTransformer(np.asarray, kw_args={"dtype": float}), FLAGS),
    )


def read_amounts(table):
    """Read amounts with a decimal comma, (n_rows, n_columns)."""
    return np.array([[float(text.replace(",", ".")) for text in row] for row in table.to_numpy()])


def read_days(table):
    """Read dates with the day first, as days since 1970, (n_rows, n_columns)."""
    iso = [["-".join(text.split(".")[::-1]) for text in row] for row in table.to_numpy()]
    return np.array(iso, dtype="datetime64[D]").astype(float)
