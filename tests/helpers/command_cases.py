"""A little campaign as a table, and the words that fit a policy to it in a moment."""

import numpy as np
import pandas as pd

ARMS = np.array(["none", "5 off", "a letter with a long name that nobody reads"])
COLUMNS = ["--treatment", "arm", "--outcome", "gmv", "orders", "--cost", "paid"]
COLUMNS += ["--control", "none", "--groups", "house"]
QUICK = ["--max-epochs", "1", "--folds", "2"]


def campaign(n_rows, seed):
    """Features and what happened, with ids that begin with noughts."""
    rng = np.random.default_rng(seed)
    arm, age = rng.integers(0, 3, n_rows), rng.integers(18, 80, n_rows)
    days = pd.to_timedelta(rng.integers(0, 700, n_rows), "D")
    frame = pd.DataFrame(
        {
            "id": [f"{seed}{row:05d}" for row in range(n_rows)],
            "house": rng.integers(0, n_rows // 2, n_rows),
            "since": pd.Timestamp("2023-01-01") + days,
            "country": rng.choice(["PL", "DE", "Côte d'Ivoire"], n_rows),
            "age": np.where(rng.random(n_rows) < 0.1, np.nan, age),
            "member": rng.random(n_rows) < 0.4,
        }
    )
    frame["arm"] = ARMS[arm]
    frame["orders"] = rng.poisson(0.5 + 0.5 * (arm == 1) * (age > 50))
    frame["gmv"] = (frame["orders"] * rng.gamma(2, 10, n_rows)).round(2)
    frame["paid"] = np.array([0.0, 2.0, 0.5])[arm]
    return frame
