"""A campaign as a shop exports it: dates, categories, gaps, ids and an outcome with many zeros."""

import numpy as np

ARMS = ["none", "mail", "letter"]


def campaign(n_rows, seed=0):
    """Return a frame with a row for each customer; letters suit the lapsed, mails the others."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    since = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 1400, n_rows), unit="D")
    age = rng.integers(18, 90, n_rows).astype(float)
    age[rng.random(n_rows) < 0.1] = np.nan
    spend = np.where(rng.random(n_rows) < 0.4, 0, rng.lognormal(3, 1, n_rows)).round(2)
    table = pd.DataFrame(
        {
            "customer_id": [f"C{seed}{row:06d}" for row in range(n_rows)],
            "since": since.strftime("%Y-%m-%d"),
            "country": rng.choice(["DE", "FR", "PL"], n_rows),
            "age": age,
            "last_spend": spend,
            "household": [f"H{home:06d}" for home in rng.integers(0, n_rows // 2, n_rows)],
        }
    )
    arm = rng.choice(ARMS, n_rows, p=[0.4, 0.3, 0.3])
    lapsed = spend == 0
    chance = 0.1 + 0.15 * ((arm == "mail") & ~lapsed) + 0.3 * ((arm == "letter") & lapsed)
    orders = rng.binomial(1, chance)
    table["coupon"] = arm
    table["sales"] = (orders * rng.lognormal(3, 0.3, n_rows)).round(2)
    table["spent"] = np.select([arm == "mail", arm == "letter"], [0.2, 0.8], 0.0)
    return table


ROLES = {"outcome": "sales", "treatment": "coupon", "cost": "spent", "groups": "household"}


def people(n_rows, seed=1):
    """Return a list of customers who have received nothing yet."""
    return campaign(n_rows, seed).drop(columns=["coupon", "sales", "spent"])
