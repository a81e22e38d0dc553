"""What policy.json says, as arrays that have been checked."""

import hashlib
import json
import math
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._assignment import Assignment
from sklearn_hrc.serving._exceptions import PolicyFolderError
from sklearn_hrc.serving._features import Feature

__all__ = ["Manifest", "Plan", "parse_feature", "parse_manifest", "version_of"]

_KINDS = ("number", "date", "category")


class Plan(NamedTuple):
    """Who gets what at a budget.

    Attributes
    ----------
    budget, cost, response, shadow_price : float
        Mean budget, expected cost and response per individual, and the price of the budget.
    arm_shares : ndarray of shape (n_treatments,)
        Share of individuals that get each treatment. NaN in a folder of format 1.0.
    assignment : Assignment
        Arms of places, by cluster.
    of_one : list of (int, list of float, list of int)
        The same for one row at a time: arm below the first cut, cuts, and arms from each on.
    """

    budget: float
    cost: float
    response: float
    shadow_price: float
    arm_shares: np.ndarray
    assignment: Assignment
    of_one: list[tuple[int, list[float], list[int]]]


class Manifest(NamedTuple):
    """All that a folder says.

    Attributes
    ----------
    version : str
        Of the policy.
    treatments : list
        Labels.
    control : int
        Which of them is control.
    propensity : ndarray of shape (n_treatments,)
        Share of each treatment in the experiment.
    features : list of Feature
        In the order of the graph's columns.
    shares : ndarray of shape (n_clusters,)
        Share of each cluster in the experiment.
    value, cost : ndarray of shape (n_clusters, n_treatments)
        What a treatment is worth by the policy's goal, and its expected cost.
    response : ndarray of shape (n_clusters, n_treatments)
        Expected response.
    plans : list of Plan
        By rising budget.
    in_use : int
        Plan that the policy used when it was exported.
    """

    version: str
    treatments: list[Any]
    control: int
    propensity: np.ndarray
    features: list[Feature]
    shares: np.ndarray
    value: np.ndarray
    cost: np.ndarray
    response: np.ndarray
    plans: list[Plan]
    in_use: int


def version_of(content: dict[str, Any]) -> str:
    """Return the version of a policy, which any change of its manifest changes."""
    rest = {key: value for key, value in content.items() if key != "policy_version"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_manifest(content: dict[str, Any]) -> Manifest:
    """Check the content of policy.json and return it as arrays.

    Parameters
    ----------
    content : dict
        From `read_files`.

    Returns
    -------
    manifest : Manifest
        What it says.

    Raises
    ------
    PolicyFolderError
        If a part is missing, or cannot be.
    """
    try:
        if content["policy_version"] != version_of(content):
            raise ValueError("policy_version is not that of the content")
        return _parse(content)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise PolicyFolderError(
            "policy.json is expected to be as export_policy wrote it, got another content "
            f"({type(error).__name__}: {error}); export the policy again."
        ) from error


def _parse(content):
    treatments = content["treatments"]
    labels = isinstance(treatments, list) and all(
        isinstance(label, str | int | float) for label in treatments
    )
    _need(labels and 0 < len(set(treatments)) == len(treatments), "treatments")
    control = _whole(content["control"], len(treatments), "control")
    shares = _numbers(content["cluster_shares"], 1, "cluster_shares")
    shape = (len(shares), len(treatments))
    cells = [_numbers(content[name], 2, name) for name in ("value", "cost", "response")]
    _need(all(figures.shape == shape for figures in cells), "value, cost and response")
    propensity = _shares(content["propensity"], shape[1], "propensity")
    has_shares = tuple(content["format_version"]) >= (1, 1)
    plans = [_plan(plan, *shape, has_shares) for plan in content["plans"]]
    budgets = [plan.budget for plan in plans]
    _need(plans and budgets == sorted(budgets), "plans")
    return Manifest(
        content["policy_version"],
        treatments,
        control,
        propensity,
        [parse_feature(feature) for feature in content["features"]],
        shares,
        *cells,
        plans,
        _whole(content["plan_in_use"], len(plans), "plan_in_use"),
    )


def parse_feature(content: dict[str, Any]) -> Feature:
    """Return a feature, or raise if a part is missing or cannot be."""
    codes = [_number(code, "code") for _, code in content["categories"]]
    unknown, missing = content["unknown"], content["missing"]
    _need(isinstance(content["name"], str) and content["kind"] in _KINDS, "feature")
    _need(type(content["gaps"]) is bool and type(content["as_text"]) is bool, "feature")
    return Feature(
        content["name"],
        content["kind"],
        content["gaps"],
        dict(zip((value for value, _ in content["categories"]), codes)),
        None if unknown is None else _number(unknown, "unknown"),
        math.nan if missing is None else _number(missing, "missing"),
        content["as_text"],
    )


def _plan(content, n_clusters, n_treatments, has_shares):
    arms = [_whole(arm, n_treatments, "arm") for arm in content["first"]]
    _need(len(arms) == n_clusters, "first")
    cuts = [
        (
            _whole(cluster, n_clusters, "cut"),
            _number(place, "cut"),
            _whole(arm, n_treatments, "cut"),
        )
        for cluster, place, arm in content["cuts"]
    ]
    _need(cuts == sorted(cuts, key=lambda cut: cut[:2]), "cuts")
    cluster = np.array([cut[0] for cut in cuts], dtype=np.intp)
    assignment = Assignment(
        np.array(arms, dtype=np.intp),
        np.searchsorted(cluster, np.arange(n_clusters + 1)),
        np.array([cut[1] for cut in cuts], dtype=np.float64),
        np.array([cut[2] for cut in cuts], dtype=np.intp),
    )
    of_one: list[tuple[int, list[float], list[int]]] = [(arm, [], []) for arm in arms]
    for place, at, arm in cuts:
        of_one[place][1].append(at)
        of_one[place][2].append(arm)
    figures = (_number(content[name], name) for name in Plan._fields[:4])
    unknown = np.full(n_treatments, np.nan)
    given = _shares(content["arm_shares"], n_treatments, "arm_shares") if has_shares else unknown
    return Plan(*figures, given, assignment, of_one)


def _need(holds, name):
    if not holds:
        raise ValueError(name)


def _number(value, name):
    _need(type(value) in (int, float) and math.isfinite(value), name)
    return float(value)


def _whole(value, below, name):
    _need(type(value) is int and 0 <= value < below, name)
    return value


def _shares(values, length, name):
    shares = _numbers(values, 1, name)
    _need(len(shares) == length and (shares >= 0).all() and abs(shares.sum() - 1) < 1e-9, name)
    return shares


def _numbers(values, n_dimensions, name):
    array = np.array(values, dtype=np.float64)
    _need(array.ndim == n_dimensions and np.isfinite(array).all(), name)
    return array
