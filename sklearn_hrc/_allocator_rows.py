"""The rows that an allocator is given: in a first fit, in further fits, held out."""

import numpy as np

from sklearn_hrc._experiment import check_experiment
from sklearn_hrc._labels import common_order, find_labels, of_one_type, unite_labels, unseen_labels
from sklearn_hrc._parameters import align_outcomes
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import MissingTreatmentWarning

__all__ = ["first_rows", "further_rows", "held_out_rows"]


def first_rows(
    n_samples,
    y,
    treatment,
    cost,
    propensity,
    sample_weight,
    *,
    has_prices,
    aligned_with=None,
):
    """Check the rows of a first fit and say what is missing.

    Parameters
    ----------
    n_samples : int
        Rows of `X`.
    y, treatment, cost, propensity, sample_weight : array-like
        As in `fit`.
    has_prices : bool
        Prices of the arms are known, so that `cost` may be missing.
    aligned_with : dict, default=None
        As in `check_experiment`.

    Returns
    -------
    experiment : Experiment
        Checked rows.
    """
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=n_samples,
        aligned_with=aligned_with,
    )
    _check_weights(experiment, experiment.treatments)
    if treatment is None:
        if cost is not None:
            raise ValueError(
                "treatment is expected where cost is given, got None: nobody can tell whose cost "
                "it is."
            )
        warn(
            "No treatment was given: all rows count as one arm and there is nothing to allocate.",
            MissingTreatmentWarning,
        )
    elif cost is None and not has_prices:
        raise ValueError(
            "cost (realised, a value for each row) or arm_cost (known, a price for each arm) is "
            "expected with several arms, got neither."
        )
    return experiment


def further_rows(
    allocator, n_samples, y, treatment, cost, propensity, sample_weight, *, aligned_with=None
):
    """Check rows that are added to those of a fitted allocator.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    n_samples : int
        Rows of `X`.
    y, treatment, cost, propensity, sample_weight : array-like
        As in `partial_fit`.
    aligned_with : dict, default=None
        As in `check_experiment`.

    Returns
    -------
    experiment : Experiment
        Checked rows; its treatments are those of all rows so far.
    """
    treatments = allocator.treatments_
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=n_samples,
        # Expected outcomes are laid out by the arms of the first fit.
        known_treatments=treatments if allocator.estimation_ == "outcomes" else None,
        min_treatments=1,
        aligned_with=aligned_with,
    )
    if treatment is None and len(treatments) > 1:
        raise ValueError(
            f"treatment is expected in partial_fit, as in fit, one of {treatments.tolist()}, "
            "got None."
        )
    if not of_one_type(experiment.treatments, treatments):
        raise ValueError(
            f"treatment is expected to hold labels of the type seen in fit, {treatments.tolist()}, "
            f"got {experiment.treatments.tolist()}."
        )
    if (cost is not None) != allocator._has_cost:
        raise ValueError(
            f"cost is expected {'' if allocator._has_cost else 'not '}to be given in partial_fit, "
            f"as in fit, got {'None' if cost is None else 'an array'}."
        )
    new = unseen_labels(experiment.treatments, treatments)
    _check_weights(experiment, new)
    order = _order_of_all(allocator, experiment, new)
    united = unite_labels(treatments, experiment.treatments, order)
    arm = find_labels(experiment.treatments, united)[experiment.arm]
    experiment = experiment._replace(arm=arm, treatments=united, order=order)
    return align_outcomes(experiment, allocator.outcome_names_)


def held_out_rows(
    allocator, n_samples, y, treatment, cost, propensity, sample_weight, *, aligned_with=None
):
    """Check held-out rows against a fitted allocator.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    n_samples : int
        Rows of `X`.
    y, treatment, cost, propensity, sample_weight : array-like
        As in `score`.
    aligned_with : dict, default=None
        As in `check_experiment`.

    Returns
    -------
    experiment : Experiment
        Its single outcome is the response, its cost what the budget counts.
    """
    treatments = allocator.treatments_
    if len(treatments) > 1 and treatment is None:
        raise ValueError(
            "treatment is expected in score, got None: a pipeline or a search passes it on after "
            "sklearn.set_config(enable_metadata_routing=True)."
        )
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=n_samples,
        known_treatments=treatments,
        aligned_with=aligned_with,
    )
    weight = np.bincount(
        experiment.arm, weights=experiment.sample_weight, minlength=len(treatments)
    )
    if len(treatments) > 1 and (weight == 0).any():
        raise ValueError(
            f"treatment is expected to hold every arm of fit in held-out rows, got no rows of "
            f"{treatments[weight == 0].tolist()}."
        )
    experiment = align_outcomes(experiment, allocator.outcome_names_)
    if allocator._arm_cost is not None:
        experiment = experiment._replace(cost=allocator._arm_cost[experiment.arm])
    elif experiment.cost is None and len(treatments) > 1:
        raise ValueError("cost is expected in held-out rows, as in fit, got None.")
    response = experiment.outcomes @ allocator._objective
    return experiment._replace(outcomes=response[:, None], outcome_names=["response"])


def _check_weights(experiment, labels):
    """Refuse arms that no row of weight has received."""
    weight = np.bincount(
        experiment.arm, weights=experiment.sample_weight, minlength=len(experiment.treatments)
    )
    without = labels[weight[find_labels(labels, experiment.treatments)] == 0]
    if len(without):
        raise ValueError(
            "sample_weight is expected to be positive in some rows of every treatment, got only "
            f"zero for {without.tolist()}."
        )


def _order_of_all(allocator, experiment, new):
    """Return the order of the treatments in fit and in further rows; None if they are sorted."""
    first, second = allocator._order, experiment.order
    if first is None and second is None:
        return None
    known, got = first, second
    if first is None:
        known = unite_labels(allocator.treatments_, experiment.treatments)
    if second is None:
        got = unseen_labels(new, first)
        order = None if len(got) else first
    else:
        order = common_order(known, second)
    if order is None:
        raise ValueError(
            f"treatment is expected to keep the order of fit, {known.tolist()}, got "
            f"{got.tolist()}; give both calls an ordered Categorical with all categories in one "
            "order."
        )
    return None if first is None else order
