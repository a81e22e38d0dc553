"""A messy little campaign, with all that a report is made of."""

import numpy as np
import pandas as pd
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.evaluation import evaluate
from sklearn_hrc.planning import plan_list
from sklearn_hrc.tables import rows_of

NASTY = '<img src=x onerror=alert(1)> & "quoted" $a_b$ --> id="x" #000001'
ARMS = ("none", NASTY, "10 off")
# What each option adds in each segment.
EFFECTS = np.array([[0, -0.5, 1.0], [0, 1.0, 0.2], [0, 0.9, 0.0], [0, 0.1, 1.3]])


def segments(frame):
    """Young or old, in the first city or in another one."""
    old, first = frame["age"] > 45, frame[f"city {NASTY}"] == f"Rome {NASTY}"
    return (2 * old.astype(int) + first.astype(int)).to_numpy()[:, None]


def table(n_rows, seed):
    """Features and what happened."""
    rng = np.random.default_rng(seed)
    days = pd.to_timedelta(rng.integers(0, 900, n_rows), "D")
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n_rows),
            f"city {NASTY}": rng.choice([f"Rome {NASTY}", "Oslo", "Bern"], n_rows),
            "member": rng.random(n_rows) < 0.3,
            "visits": np.where(rng.random(n_rows) < 0.1, np.nan, rng.poisson(3, n_rows)),
            "signed up": pd.Timestamp("2022-01-01") + days,
        }
    )
    arm, segment = rng.integers(0, 3, n_rows), segments(frame)[:, 0]
    frame["coupon"] = np.array(ARMS, dtype=object)[arm]
    noise = rng.normal(size=n_rows)
    frame["gmv"] = (2 + 0.4 * segment + EFFECTS[segment, arm] + noise).round(3)
    frame["paid"] = np.array([0.0, 0.8, 1.1])[arm]
    return frame


def campaign():
    """Return a policy, its evaluation, a plan for a list, and the rows."""
    rows = rows_of(table(1800, 0), outcome="gmv", treatment="coupon", cost="paid")
    allocator = ClusterBudgetAllocator(0.6, control="none", estimation="raw")
    with sklearn.config_context(enable_metadata_routing=True):
        policy = make_pipeline(FunctionTransformer(segments), allocator)
        policy.fit(rows.X, rows.y, **rows.metadata)
        evaluation = evaluate(policy, rows.X, rows.y, **rows.metadata, cv=3, random_state=0)
    return policy, evaluation, plan_list(policy, table(700, 1), total_budget=420), rows
