"""Distilled policies to export, quick to fit, and rows for them."""

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
from sklearn_hrc.tables import make_policy

ARMS = np.array(["5 off", "<b>10 off</b>", "none"])
STUDENTS = {
    "network": MLPClassifier((8,), max_iter=20, tol=1.0, random_state=0),
    "deep": MLPClassifier((6, 5), activation="tanh", max_iter=20, tol=1.0, random_state=0),
    "linear": LogisticRegression(),
    "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "scaled": make_pipeline(MinMaxScaler(clip=True), LogisticRegression()),
}


def number_rows(n_rows=600, seed=0, dtype=np.float64):
    """Features of numbers in unlike units."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 4)) * [1, 20, 0.01, 1000] + [0, 50, 0, 1e5]
    return X.astype(dtype)


def table_rows(n_rows=600, seed=0):
    """A table with numbers, gaps, dates and categories."""
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n_rows), "D")
    age = np.where(rng.random(n_rows) < 0.1, np.nan, rng.integers(18, 80, n_rows).astype(float))
    country = rng.choice(["AT", "DE", "FR", "IT", "rare"], n_rows, p=[0.3, 0.3, 0.2, 0.19, 0.01])
    plan = rng.choice(["free", "plus", None], n_rows)
    return pd.DataFrame(
        {
            "since": days,
            "country": country.astype(object),
            "age": age,
            "plan": plan,
            "spend": rng.lognormal(2, 1, n_rows).round(2) * (rng.random(n_rows) < 0.7),
        }
    )


def outcome_of(size, seed=1):
    """Outcomes, arms and costs, in which the arms act on those of a large size."""
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.arange(len(size)) % 3)
    strength = np.array([1.0, 2.0, 0.0])[arm]
    y = 3 + strength * (size > np.median(size)) + rng.normal(size=len(size))
    return y, {"treatment": ARMS[arm], "cost": strength * (rng.random(len(size)) < 0.5)}


def distil(*preprocessing, X, size, student, budget=0.3, n_clusters=6, **params):
    """Fit a policy of clusters of the features and distil it."""
    teacher = make_pipeline(
        *preprocessing,
        HiddenClusterer(n_clusters=n_clusters, outcomes=False, random_state=0),
        ClusterBudgetAllocator(
            budget, control="none", estimation="pooled", random_state=0, **params
        ),
    )
    y, rows = outcome_of(size)
    return DistilledAllocator(teacher, student=student, random_state=0).fit(X, y, **rows)


def number_policy(student="network", dtype=np.float64, **params):
    """A policy on numbers."""
    X = number_rows(dtype=dtype)
    student = STUDENTS.get(student, student)
    return distil(StandardScaler(), X=X, size=X[:, 0], student=student, **params), X


def mixed_policy():
    """A policy on numbers with gaps and on categories, by a column transformer."""
    X = table_rows()[["country", "age", "plan", "spend"]]
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False
    )
    columns = ColumnTransformer(
        [("numbers", numbers, ["spend", "age"]), ("categories", encoder, ["country", "plan"])]
    )
    return distil(columns, X=X, size=X["spend"], student=LogisticRegression()), X


def table_policy():
    """A policy of `make_policy`, distilled."""
    X = table_rows()
    y, rows = outcome_of(X["spend"])
    with sklearn.config_context(enable_metadata_routing=True):
        policy = make_policy(control="none", budget=0.3, n_clusters=6, random_state=0)
        policy.set_params(represent__max_epochs=2)
        policy.fit(X, y, **rows)
        student = MLPClassifier((8,), max_iter=20, tol=1.0, random_state=0)
        served = DistilledAllocator(FrozenEstimator(policy), student=student, random_state=0)
        return served.fit(X, y, **rows), X
