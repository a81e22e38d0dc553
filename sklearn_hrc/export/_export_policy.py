"""Write a policy as a folder that decides without this package's estimators."""

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._distiller import DistilledAllocator
from sklearn_hrc._folders import folder_written_whole
from sklearn_hrc._mixed_rows import mixed_rows
from sklearn_hrc._tables import is_pandas
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.export._manifest import manifest_of, signed
from sklearn_hrc.export._trace import trace
from sklearn_hrc.export._vectors import as_rows, may_be_missing, nudged
from sklearn_hrc.serving._files import MANIFEST, MODEL, VECTORS
from sklearn_hrc.serving._manifest import parse_manifest
from sklearn_hrc.serving._model import Model
from sklearn_hrc.serving._served_policy import ServedPolicy

__all__ = ["as_fitted", "export_policy"]

_N_VECTORS = 1_000
# One row of so many may get another arm, since the graph computes in float32.
_ROWS_A_DIFFERENCE = 50_000
# Stored rows keep their arms if numbers change by this share, so that other machines, whose
# float32 rounds otherwise, find the same arms.
_NUDGE = 1e-5


def export_policy(
    policy: BaseEstimator,
    folder: str | os.PathLike,
    X: ArrayLike,
    *,
    budgets: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> Path:
    """Write a distilled policy as a folder for serving.

    :func:`sklearn_hrc.serving.load` reads it with numpy and onnxruntime alone. The folder holds
    `model.onnx`, the preprocessing and the student as a graph, `policy.json`, arms, features,
    cells and a plan for each budget, and `vectors.json`, a thousand rows with their arms. Nothing
    in it is executed but the graph.

    Parameters
    ----------
    policy : DistilledAllocator or Pipeline
        Fitted :class:`~sklearn_hrc.DistilledAllocator`, or a pipeline that ends in one. Its
        preprocessing is that of :func:`~sklearn_hrc.tables.make_policy`, or scalers, imputers,
        one-hot encoders and column transformers of scikit-learn. Its student is an
        ``MLPClassifier``, a linear classifier or a ``DecisionTreeClassifier``.
    folder : str or path-like
        Folder to write. It changes as a whole, or not at all. A policy that is there is replaced.
    X : array-like of shape (n_samples, n_features)
        Rows like those that will be decided, such as those of `fit`. The graph is compared with
        the policy on them. Of their values, mixed across rows, the stored rows are made.
    budgets : array-like of shape (n_budgets,), default=None
        Mean budgets that the folder has plans for. None: 101 of them, from the cheapest plan to
        the one that needs no more. The budget in use is always among them.
    random_state : int, RandomState instance or None, default=0
        Draws the stored rows.

    Returns
    -------
    folder : Path
        The folder.

    Raises
    ------
    FileExistsError
        If the folder holds something else.
    ImportError
        If onnx or onnxruntime is missing: they come with the extra `serving`.
    TypeError
        If a graph cannot express a step, the policy is not distilled, or an arm is labelled by what
        JSON does not hold, such as a date.
    ValueError
        If the graph decides otherwise than the policy on more rows than float32 explains.

    See Also
    --------
    sklearn_hrc.serving.load : Reads the folder.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.export import export_policy
    >>> from sklearn_hrc.serving import load
    >>> rct = make_coupon_experiment(2000, n_treatments=2, order_rate=0.3, random_state=0)
    >>> teacher = make_pipeline(
    ...     HiddenClusterer(n_clusters=4, outcomes=False, random_state=0),
    ...     ClusterBudgetAllocator(budget=0.15, estimation="pooled", random_state=0))
    >>> policy = DistilledAllocator(teacher, student=LogisticRegression(), random_state=0)
    >>> policy = policy.fit(rct.data, rct.target, treatment=rct.treatment, cost=rct.cost)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     served = load(export_policy(policy, folder, rct.data))
    >>> bool((served.decide(rct.data).treatment == policy.predict(rct.data)).all())
    True
    """
    steps, distilled = unwrap_policy(policy, DistilledAllocator, "policy")
    check_is_fitted(distilled)
    distilled._check_unchanged()
    _check_arms(distilled.allocator_.treatments_)
    steps = [*steps, *distilled._preprocessing]
    path = Path(folder)
    _check_place(path)
    with folder_written_whole(path) as part:
        X = as_fitted(X, steps, policy)
        direction = distilled.allocator_._direction
        traced = trace(steps, distilled.student_, direction, X)
        gaps = may_be_missing(lambda rows: transform_through(steps, rows), X, traced.names)
        content = manifest_of(distilled, traced, gaps, budgets)
        manifest = parse_manifest(signed(content, {}))
        model = Model(traced.model, len(traced.names), len(distilled._labels))
        served = ServedPolicy(manifest, model)
        _compare(policy, served, X, traced.names)
        rng = check_random_state(random_state)
        vectors = _vectors(policy, served, X, traced, rng)
        files = {MODEL: traced.model, VECTORS: json.dumps(vectors, allow_nan=False).encode()}
        files[MANIFEST] = json.dumps(signed(content, files), allow_nan=False).encode()
        for name, file in files.items():
            (part / name).write_bytes(file)
    return path


def _check_arms(treatments):
    """Refuse labels that JSON does not hold, also dates that would become numbers."""
    wrong = [label for label in treatments if np.asarray(label).dtype.kind not in "Ubiuf"]
    if wrong:
        raise TypeError(
            "treatment is expected to be labelled by text, whole numbers, numbers or booleans for "
            f"export, got {wrong[0]!r:.60}; fit the policy with the labels as text."
        )


def _check_place(folder):
    """Refuse to replace anything but a policy."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(
            f"folder is expected to be a folder, got the file {str(folder)!r}."
        )
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise FileExistsError(
            "folder is expected to be new, empty or that of an older policy, got "
            f"{str(folder)!r} without {MANIFEST}."
        )
    if not folder.parent.is_dir():
        raise FileNotFoundError(
            f"folder is expected to be in a folder that exists, got {str(folder)!r}."
        )


def as_fitted(X, steps, policy):
    """Return rows as the first step that the graph holds was fitted on."""
    if steps and type(steps[0]).__name__ == "TableCleaner":
        # The policy asks for all columns of its fit, also for ids, which this step leaves out.
        X = steps[0].transform(X)
        return X.reindex(columns=getattr(policy, "feature_names_in_", X.columns))
    return X if is_pandas(X) else np.asarray(X)


def _columns(X, names):
    """Columns by name."""
    if is_pandas(X):
        return {name: X[name].to_numpy() for name in names}
    return {name: X[:, place] for place, name in enumerate(names)}


def _compare(policy, served, X, names):
    """Refuse a graph that decides otherwise than the policy."""
    given, found = policy.predict(X), served.decide(_columns(X, names)).treatment
    differ = int((given != found).sum())
    if differ > 1 + len(found) / _ROWS_A_DIFFERENCE:
        raise ValueError(
            f"policy is expected to be expressed by its graph, got other arms for {differ} of "
            f"{len(found)} rows; leave preprocessing in unusual types to the caller."
        )


def _vectors(policy, served, X, traced, rng):
    """Rows with their arms, apart from those that a rounding could change."""
    # No row of X goes into the folder.
    mixed = mixed_rows(X, 2 * _N_VECTORS, rng)
    rows = as_rows(mixed, traced.names, traced.kinds)
    given = policy.predict(mixed)
    firm = np.ones(len(rows), dtype=bool)
    for changed in (
        rows,
        *(nudged(rows, traced.kinds, factor) for factor in (1 - _NUDGE, 1 + _NUDGE)),
    ):
        firm &= served.decide(changed).treatment == given
    kept = np.flatnonzero(firm)[:_N_VECTORS]
    return [{"row": rows[place], "treatment": given[place].item()} for place in kept]
