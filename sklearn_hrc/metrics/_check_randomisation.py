"""Whether treatment was random given the features."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_array, check_random_state

from sklearn_hrc._compat import Interval, get_feature_names, validate_params
from sklearn_hrc._experiment import check_propensity
from sklearn_hrc._labels import (
    check_groups,
    check_labels,
    check_treatments,
    find_labels,
    label_order,
)
from sklearn_hrc._propensity import check_inverse_propensity
from sklearn_hrc._randomisation import describe_draw, features_test
from sklearn_hrc._tables import check_aligned
from sklearn_hrc.metrics._trees_test import trees_test

__all__ = ["check_randomisation"]

# A p-value below this makes the conclusion say that treatment was not random.
_LEVEL = 0.01


@validate_params(
    {
        "X": ["array-like"],
        "treatment": ["array-like"],
        "propensity": ["array-like", None],
        "groups": ["array-like", None],
        "n_permutations": [Interval(Integral, 99, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def check_randomisation(
    X: ArrayLike,
    treatment: ArrayLike,
    *,
    propensity: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_permutations: int = 999,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Test whether the received arm can be told from the features.

    In a randomised experiment the arm cannot be told. Where it can, the arms have different
    individuals, and what looks like an effect may be a difference between individuals. Two
    tests share the chance of an error. The first asks whether the ranks of the features have
    the same mean under every arm, all together and each by itself. The second asks whether
    boosted trees that learn on one half of the rows tell the arms of the other half, as they
    do where features act together.

    Where chances differ between rows by design, as between two lotteries, pass `propensity`.
    A large p-value does not prove that treatment was random. The tests only see the features.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Numeric features from before the treatment.
    treatment : array-like of shape (n_samples,)
        Received arm.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm, in (0, 1], which is tested. The default is the share
        of its rows. :func:`stratum_propensity` gives the share in strata.
    groups : array-like of shape (n_samples,), default=None
        Labels of rows whose arm was drawn together, such as a household. The rows of a group
        are kept in one half, and permuted as a whole.
    n_permutations : int, default=999
        Permutations of the arms for the test by trees, at least 99. With `propensity` the
        normal distribution takes their place.
    random_state : int, RandomState instance or None, default=None
        Draws halves and permutations.

    Returns
    -------
    check : Bunch
        `p_value` is that of both tests together, and `conclusion` says it in a sentence.
        `features` is a dict of arrays, as a data frame takes them, with the features that tell
        most first: the name `feature`, the `p_value` of the feature by itself, `difference`,
        the largest difference between the mean of an arm and that of all rows, in standard
        deviations, and `treatment`, the label of this arm. `features_p_value` and
        `trees_p_value` are those of the two tests. `log_likelihood_gain` is the mean
        log-likelihood of the arms by the trees above that by the shares of the arms, on rows
        that the trees have not seen. It is at most about 0 where treatment was random, and NaN
        with fewer than 40 rows (or groups).

    Raises
    ------
    ValueError
        If `X` is not numeric and finite, or `treatment` has a single label.

    Warns
    -----
    UserWarning
        If `propensity` cannot be the probability of the received arm.

    See Also
    --------
    stratum_propensity : Probabilities where the odds differ between strata.
    policy_overlap : How many rows support each arm of a policy.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc.metrics import check_randomisation
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> drawn, chosen = rng.integers(0, 2, 1000), (X[:, 1] > rng.normal(size=1000)).astype(int)
    >>> check_randomisation(X, drawn, random_state=0).p_value > 0.01
    True
    >>> check = check_randomisation(X, chosen, random_state=0)
    >>> check.p_value < 0.01, check.features["feature"][0]
    (True, 'x1')
    """
    random_state = check_random_state(random_state)
    given = {"treatment": treatment, "propensity": propensity, "groups": groups}
    check_aligned({"X": X, **given})
    names = get_feature_names(X) if hasattr(X, "columns") else None
    X = check_array(X, dtype=np.float64, input_name="X")
    labels = check_labels(treatment, len(X))
    treatments = check_treatments(
        labels, known_treatments=None, min_treatments=2, order=label_order(treatment)
    )
    arm = find_labels(labels, treatments)
    propensity = check_propensity(propensity, len(X))
    unit = check_groups(groups, len(X))
    check_inverse_propensity(arm, treatments, propensity, np.ones(len(X)), unit)
    draw = describe_draw(arm, len(treatments), propensity)
    told = features_test(X, arm, draw, unit)
    trees_p_value, gain = trees_test(
        *(X, arm, draw, np.arange(len(X)) if unit is None else unit),
        *(n_permutations if propensity is None else None, random_state),
    )
    names = [f"x{k}" for k in range(X.shape[1])] if names is None else names
    p_value = min(1.0, 2 * min(told.p_value, trees_p_value))
    features = _sorted_features(told, names, treatments)
    return Bunch(
        p_value=float(p_value),
        conclusion=_conclusion(p_value, features, propensity is not None),
        features=features,
        features_p_value=told.p_value,
        trees_p_value=float(trees_p_value),
        log_likelihood_gain=gain,
    )


def _sorted_features(told, names, treatments):
    """Return the table of features, in the order of p-values and then of differences."""
    place = np.arange(len(names))
    where = np.abs(told.difference).argmax(axis=0)
    difference = told.difference[where, place]
    order = np.lexsort([-np.abs(difference), told.feature_p_value])
    return {
        "feature": np.array(names, dtype=object)[order],
        "p_value": told.feature_p_value[order],
        "difference": difference[order],
        "treatment": treatments[where][order],
    }


def _conclusion(p_value, features, has_propensity):
    if p_value >= _LEVEL:
        return f"Nothing in the features tells the received arm (p = {p_value:.2g})."
    label, difference = features["treatment"].tolist()[0], features["difference"][0]
    against = "these propensities" if has_propensity else "the same odds for everybody"
    return (
        f"The features tell the received arm (p = {p_value:.2g}), which they do not where it was "
        f"drawn with {against}; the first to look at is {features['feature'][0]}, whose mean "
        f"under treatment {label!r} is {difference:+.2g} standard deviations from that of all."
    )
